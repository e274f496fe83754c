"""Views that are saved and macros: named condition trees and lists of actions, somebody's own or shared."""

from dataclasses import dataclass
from typing import Any

from contact_center.model.words import Sharing, ViewSort


@dataclass(frozen=True, slots=True)
class SavedView:
    """A list of tickets that somebody asks for again and again."""

    id: int
    name: str
    conditions: dict[str, Any]
    sort: ViewSort
    sharing: Sharing
    queue_id: int | None
    """Shared with whoever sees this queue."""
    owner_id: int


@dataclass(frozen=True, slots=True)
class Macro:
    """A list of actions that is often carried out together."""

    id: int
    name: str
    actions: list[dict[str, Any]]
    sharing: Sharing
    queue_id: int | None
    owner_id: int
