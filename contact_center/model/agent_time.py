"""How agents spent a stretch of time: what they were signed in as, and how much of it they had work in hand.

Stretches are cut to what is asked. Work in hand is the union of the stretches of handling, so that two things done at once are not
two hours of work in one; how many were done at once is said apart.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from contact_center.model.figures import Tallies
from contact_center.model.words import AgentState, HandlingKind, OfferState

_SECONDS = (
    "signed_in", "available", "rona", "aux_paid", "aux_unpaid", "busy", "idle", "ready", "talk", "hold", "focus", "wrap",
)  # fmt: skip
KINDS = (
    AgentState.AVAILABLE, AgentState.AUX, AgentState.RONA, *HandlingKind, OfferState.ACCEPTED, OfferState.DECLINED, OfferState.EXPIRED,
)  # fmt: skip
"""What an agent's time is made of."""
Span = tuple[float, float]
"""From and until, in seconds."""


@dataclass(frozen=True, slots=True)
class StateSpan:
    """A stretch in which an agent was in a state."""

    state: AgentState
    code_id: int | None
    paid: bool
    """Of aux: whether it is working time. All other states but offline are."""
    began: datetime
    ended: datetime | None


@dataclass(frozen=True, slots=True)
class WorkSpan:
    """A stretch in which an agent had something in hand."""

    kind: str
    began: datetime
    ended: datetime


@dataclass(frozen=True, slots=True)
class Stretch:
    """What an agent's time is made of: a state, work in hand, or an offer; cut to what was asked."""

    kind: str
    """A state (`available`, `aux`, `rona`), work (`talk`, `hold`, `focus`, `wrap`), or what became of an offer (`accepted`, `declined`,
    `expired`)."""
    began: datetime
    ended: datetime
    """Of an offer the instant at which it was made, too."""
    code_id: int | None = None
    """Of aux: why."""
    agent_id: int = 0
    ticket_id: int | None = None
    """None also where the ticket is out of sight."""
    number: int | None = None
    subject: str = ""


@dataclass(frozen=True, slots=True)
class AgentTime:
    """The time of one agent, in seconds; of several, all of theirs together."""

    user_id: int
    """0: all of them."""
    signed_in: float = 0
    """In any state but offline."""
    available: float = 0
    rona: float = 0
    """Taken for absent, because an offer ran out."""
    aux: dict[int, float] = field(default_factory=dict)
    """Away, by the code that says why; 0: without a code."""
    aux_paid: float = 0
    aux_unpaid: float = 0
    busy: float = 0
    """With work in hand, whatever was done at once, while signed in or not."""
    idle: float = 0
    """Available, with nothing in hand."""
    ready: float = 0
    """Signed in, and available or with work in hand."""
    talk: float = 0
    hold: float = 0
    focus: float = 0
    wrap: float = 0
    accepted: int = 0
    """Offers made in the stretch of time, by what became of them."""
    declined: int = 0
    expired: int = 0

    @property
    def tallies(self) -> Tallies:
        """The same in the words of the registry, which makes figures of it."""
        seconds = {f"{name}_seconds": getattr(self, name) for name in _SECONDS}
        return Tallies(**seconds, offers_accepted=self.accepted, offers_declined=self.declined, offers_expired=self.expired)


def time_of(
    user_id: int, states: Iterable[StateSpan], work: Iterable[WorkSpan], since: datetime, until: datetime, now: datetime, **counts: int
) -> AgentTime:
    """The time of one agent between two instants; what has not ended lasts until now."""
    end = min(until, now)
    aux: dict[int, float] = defaultdict(float)
    sums: dict[str, float] = defaultdict(float)
    available: list[Span] = []
    signed_in: list[Span] = []
    for state in states:
        span = _cut(state.began, state.ended or now, since, end)
        if span is None or state.state is AgentState.OFFLINE:
            continue
        lasted = span[1] - span[0]
        sums["signed_in"] += lasted
        signed_in.append(span)
        if state.state is AgentState.AUX:
            aux[state.code_id or 0] += lasted
            sums["aux_paid" if state.paid else "aux_unpaid"] += lasted
        else:
            sums[state.state] += lasted
        if state.state is AgentState.AVAILABLE:
            available.append(span)
    handled: list[Span] = []
    for piece in work:
        span = _cut(piece.began, piece.ended, since, end)
        if span is not None:
            sums[piece.kind] += span[1] - span[0]
            handled.append(span)
    in_hand, free = union(handled), union(available)
    idle = _length(free) - _overlap(free, in_hand)
    ready = _overlap(union([*in_hand, *free]), union(signed_in))
    return replace(AgentTime(user_id, aux=dict(aux), busy=_length(in_hand), idle=idle, ready=ready, **counts), **sums)  # type: ignore[arg-type]


def cut(began: datetime, ended: datetime, since: datetime, until: datetime) -> tuple[datetime, datetime] | None:
    """The part of a stretch that lies in another; None when nothing does."""
    begin, end = max(began, since), min(ended, until)
    return (begin, end) if begin < end else None


def together(rows: Sequence[AgentTime]) -> AgentTime:
    """All of them."""
    aux: dict[int, float] = defaultdict(float)
    for row in rows:
        for code, seconds in row.aux.items():
            aux[code] += seconds
    names = [name for name in AgentTime.__slots__ if name not in ("user_id", "aux")]
    return AgentTime(0, aux=dict(aux), **{name: sum(getattr(row, name) for row in rows) for name in names})


def union(spans: Iterable[Span]) -> list[Span]:
    """The same time in stretches that do not touch."""
    found: list[Span] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found


def _cut(began: datetime, ended: datetime, since: datetime, until: datetime) -> Span | None:
    found = cut(began, ended, since, until)
    return (found[0].timestamp(), found[1].timestamp()) if found else None


def _length(spans: Iterable[Span]) -> float:
    return sum(end - begin for begin, end in spans)


def _overlap(one: list[Span], other: list[Span]) -> float:
    """How much time two unions share."""
    total, at = 0.0, 0
    for begin, end in one:
        while at < len(other) and other[at][1] <= begin:
            at += 1
        place = at
        while place < len(other) and other[place][0] < end:
            total += min(end, other[place][1]) - max(begin, other[place][0])
            place += 1
    return total
