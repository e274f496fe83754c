"""The route table refuses what is incomplete, at import."""

from typing import Any

import pytest

from contact_center.api.framework import Route
from contact_center.api.permissions import Permission


async def described(ctx: Any) -> None:
    """Do nothing."""


async def silent(ctx: Any) -> None:
    pass


@pytest.mark.parametrize("permission", [None, "public", True])
def test_route_without_permission_fails(permission: Any) -> None:
    """A route whose permission is missing or a mere string cannot be made."""
    with pytest.raises(TypeError):
        Route("GET", "/x", described, permission)


def test_route_without_any_permission_argument_fails() -> None:
    """There is no default permission."""
    with pytest.raises(TypeError):
        Route("GET", "/x", described)  # type: ignore[call-arg]


def test_handler_without_docstring_fails() -> None:
    """A handler that says nothing about itself cannot be routed."""
    with pytest.raises(TypeError):
        Route("GET", "/x", silent, Permission.SELF)


def test_handler_with_unknown_parameter_fails() -> None:
    """A parameter that is neither in the path nor query nor body is a mistake."""

    async def stray(ctx: Any, other: int) -> None:
        """Do nothing."""

    with pytest.raises(TypeError):
        Route("GET", "/x", stray, Permission.SELF)
