"""How a stretch of work is divided among the stays in which the customer waited for it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class StayTime:
    """From when to when a ticket stood in a queue with somebody waiting."""

    segment_id: int
    queue_id: int
    entered_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a stretch that belongs to one stay, or to none."""

    started_at: datetime
    ended_at: datetime
    stay: StayTime | None


def pieces(started_at: datetime, ended_at: datetime, stays: Sequence[StayTime]) -> list[Piece]:
    """The stretch cut where stays begin and end; the stays of one ticket, which do not overlap, in order."""
    found: list[Piece] = []
    at = started_at
    for stay in stays:
        begin, end = max(at, stay.entered_at), min(ended_at, stay.ended_at or ended_at)
        if begin >= end:
            continue
        if begin > at:
            found.append(Piece(at, begin, None))
        found.append(Piece(begin, end, stay))
        at = end
    if at < ended_at or not found:
        found.append(Piece(at, ended_at, None))
    return found
