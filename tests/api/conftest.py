"""Servers of both kinds of address, and plain log lines: the default draws every frame of a failed request with its local variables,
which takes minutes."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from contact_center.testing import RunningApp, running_app
from tests.api.asking import HTTPS


@pytest.fixture(autouse=True)
def plain_logs() -> Iterator[None]:
    """Log as a server does."""
    structlog.configure(processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()])
    yield
    structlog.reset_defaults()


@pytest.fixture
async def quick(tmp_path: Path) -> AsyncIterator[RunningApp]:
    """A server without mail, for what needs none."""
    async with running_app(tmp_path / "data", workers=False) as server:
        yield server


@pytest.fixture
async def secure(tmp_path: Path) -> AsyncIterator[RunningApp]:
    """A server that people reach over https."""
    async with running_app(tmp_path / "data", workers=False, public_url=HTTPS) as server:
        yield server
