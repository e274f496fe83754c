"""What became of a call, as figures count it: a stay in a queue that somebody ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """How a call that came in left the queue. One that has not is still waiting."""

    ANSWERED = "answered"
    ABANDONED = "abandoned"
    """The caller was gone before anybody answered."""
    OVERFLOWED = "overflowed"
    """The queue gave up, and the dial plan went on: elsewhere, or to voicemail."""
    CALLBACK = "callback"
    """The caller asked to be called, and left."""


_OUTCOMES = {
    "answered": Outcome.ANSWERED,
    "timeout": Outcome.OVERFLOWED,
    "voicemail": Outcome.OVERFLOWED,
    "callback": Outcome.CALLBACK,
    "ringing": None,
}


def outcome(facts: Mapping[str, Any]) -> Outcome | None:
    """How it ended by what its entry says; None while it waits. Whatever is no answer of ours was left by the caller."""
    return _OUTCOMES.get(str(facts.get("result")), Outcome.ABANDONED)


@dataclass(frozen=True, slots=True)
class Missed:
    """A call that nobody answered."""

    entry_id: int
    contact_id: int
    contact_name: str
    ticket_id: int | None
    queue_id: int
    number: str
    """Empty: withheld, or out of sight."""
    at: datetime
    outcome: Outcome
    wait_seconds: float | None
    short: bool
    after_hours: bool
    reached_at: datetime | None
    """When somebody first talked to them in a call since; None: nobody has, or nobody can know whose call it was."""
