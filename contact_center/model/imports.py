"""Imports of contacts, in the one shape that the API returns."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ImportState(StrEnum):
    """Where an import stands."""

    READY = "ready"
    """Uploaded: its columns can be chosen."""
    CHECKING = "checking"
    """It is read to the end, and nothing is changed."""
    CHECKED = "checked"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    """The file cannot be read any further; what was read before stays."""
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """What becomes of a row."""

    NEW = "new"
    UPDATE = "update"
    SKIP = "skip"
    CONFLICT = "conflict"
    """Its addresses belong to several contacts, or a shared one leaves open whom it means: a person must decide."""
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class RowResult:
    """What becomes, or became, of one row."""

    row: int
    outcome: Outcome
    reason: str
    """A stable code, empty when there is nothing to say: no_point, unusable, several_contacts, shared_point, same_as_row,
    unreadable, failed."""
    name: str
    detail: str = ""
    contact_id: int | None = None
    """The contact that is updated, or one of those in conflict."""


@dataclass(frozen=True, slots=True)
class ImportJob:
    """One import of a file."""

    id: int
    filename: str
    size: int
    header: bool
    columns: tuple[str, ...]
    """What each column of the file holds; empty for nothing."""
    sample: tuple[tuple[str, ...], ...]
    """The first rows of the file, the header among them."""
    state: ImportState
    rows_total: int
    """0 while it is not known."""
    rows_done: int
    outcomes: dict[str, int]
    error: str
    created_at: datetime
    finished_at: datetime | None
