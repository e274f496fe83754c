"""What became of a call, as figures count it: a stay in a queue that somebody ended."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
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
class Talk:
    """A stretch of a call in which one colleague talked to the customer."""

    agent: str | None
    """As the telephone system calls them; None: it does not say whose stretch it was."""
    started_at: datetime
    seconds: float | None
    """None: they talk still."""
    hold_seconds: float | None
    """Of them."""

    @property
    def ended_at(self) -> datetime | None:
        """When they had talked."""
        return None if self.seconds is None else self.started_at + timedelta(seconds=self.seconds)


def talks(facts: Mapping[str, Any], started: datetime, ended: datetime | None) -> list[Talk]:
    """Who talked in a call that got through, one after the other, by what its entry says; one stretch where it does not tell them apart.

    Nobody says whose hold it was: each has it in proportion to the talk, so that together it is what was told.
    """
    if facts.get("result") != "answered":
        return []
    hold = facts.get("hold_seconds")
    told = facts.get("talks")
    if not told:
        seconds = (facts.get("talk_seconds") or 0.0) if ended is not None else None
        began = started + timedelta(seconds=facts.get("wait_seconds") or 0) if ended is None else ended - timedelta(seconds=seconds or 0)
        return [Talk(None, began, seconds, hold)]
    stretches = [_stretch(each, started, ended) for each in told]
    whole = sum(each.seconds or 0 for each in stretches)
    held = min(hold, whole) if hold is not None else None  # what they waited between two may be told as hold
    return [replace(each, hold_seconds=held * (each.seconds or 0) / whole if held and whole else None) for each in stretches]


def _stretch(told: Mapping[str, Any], started: datetime, ended: datetime | None) -> Talk:
    began = datetime.fromisoformat(told["began_at"]) if told["began_at"] else started
    seconds = told["seconds"]
    if seconds is None and ended is not None:
        seconds = max(0.0, (ended - began).total_seconds())
    return Talk(told["agent"], began, seconds, None)


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
