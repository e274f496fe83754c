"""Who has the caller, from when until when, by what is known of when agents took them and let go of them."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Move:
    """An agent takes the caller or lets go of them, in seconds since 1970; at the same moment letting go comes first."""

    at: float
    takes: bool
    agent: str


def held(moves: Sequence[Move], began: float, over: float | None) -> list[tuple[str, float, float | None]]:
    """Who had the caller from when until when: whoever took them last and has not let go, the last of all until it is over."""
    found: list[tuple[str, float, float | None]] = []
    there: list[str] = []
    for place, move in enumerate(moves):
        had = there[-1] if there else None
        there = [agent for agent in there if agent != move.agent]
        if move.takes:
            there.append(move.agent)
        elif had == move.agent:
            # Whoever was there before has the caller again only if they are known to leave later: that they are gone nobody need have said.
            leaving = {later.agent for later in moves[place + 1 :] if not later.takes}
            while there and there[-1] not in leaving:
                there.pop()
        until = moves[place + 1].at if place + 1 < len(moves) else over
        start, end = max(move.at, began), until if over is None or until is None else min(until, over)
        if not there or (end is not None and end <= start):
            continue
        if found and found[-1][0] == there[-1] and found[-1][2] == start:
            start = found.pop()[1]
        found.append((there[-1], start, end))
    return found
