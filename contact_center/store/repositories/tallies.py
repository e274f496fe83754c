"""Which rows a tally counts: one source for each kind of row, each condition written once. Reports, rollups, lists of what stands
behind a number and alerts all read these.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Float,
    FromClause,
    Integer,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    not_,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from contact_center.model.calls import Outcome
from contact_center.model.figures import About
from contact_center.model.reports import CALL, Medium
from contact_center.model.words import Delivery, Demand, Direction, EndReason, Goal, HandlingKind, OfferState, WorkState, WrapEnd
from contact_center.store.repositories.sessions import AGAIN
from contact_center.store.schema.figures import call_fact, call_talk, resolution
from contact_center.store.schema.handling import handling
from contact_center.store.schema.outbound import outbox
from contact_center.store.schema.routing import offer
from contact_center.store.schema.sla import sla_clock
from contact_center.store.schema.surveys import survey
from contact_center.store.schema.tickets import interaction, ticket
from contact_center.store.schema.work import segment, work_item
from contact_center.store.types import BigKey, Utc, seconds_between

Condition = ColumnElement[bool]
NO_ID: ColumnElement[Any] = cast(null(), BigKey)
NO_TIME: ColumnElement[Any] = cast(null(), Utc)
NO_WORD: ColumnElement[Any] = cast(null(), Text)
NO_NUMBER: ColumnElement[Any] = cast(null(), Float)
NOBODY: ColumnElement[int] = literal_column("0")


class quarter_of(FunctionElement[int]):  # noqa: N801 - reads as the SQL function that it is
    """Which quarter of an hour an instant lies in, counted from 1970."""

    type = Integer()
    inherit_cache = True


@compiles(quarter_of)
def _on_postgresql(element: FunctionElement[int], compiler: Any, **options: Any) -> str:
    (at,) = (compiler.process(clause, **options) for clause in element.clauses)
    return f"floor(EXTRACT(EPOCH FROM {at}) / 900)::bigint"


@compiles(quarter_of, "sqlite")
def _on_sqlite(element: FunctionElement[int], compiler: Any, **options: Any) -> str:
    (at,) = (compiler.process(clause, **options) for clause in element.clauses)
    return f"(CAST(strftime('%s', {at}) AS INTEGER) / 900)"


@dataclass(frozen=True)
class Source:
    """One kind of row: where it stands, whose it is, and what of it each tally counts."""

    name: str
    about: About
    tables: FromClause
    id: ColumnElement[Any]
    at: ColumnElement[Any]
    """To which instant it belongs."""
    project: ColumnElement[Any]
    queue: ColumnElement[Any]
    agent: ColumnElement[Any]
    channel: ColumnElement[Any]
    reason: ColumnElement[Any]
    counts: Callable[[datetime], Mapping[str, Condition]]
    policy: ColumnElement[Any] = NO_ID
    medium: Medium | None = None
    sums: Mapping[str, ColumnElement[Any]] = field(default_factory=dict)
    samples: Mapping[str, tuple[ColumnElement[Any], Condition]] = field(default_factory=dict)
    oldest: tuple[ColumnElement[Any], Condition] | None = None
    """Since when those that meet a condition stand; the age of the oldest of a row is the sample `age`."""
    standing: bool = False
    """Of this moment: no stretch of time narrows it down."""
    within: ColumnElement[Any] | None = None
    """An instant that is never earlier than `at` and has an index."""
    is_open: Condition | None = None
    """What of it may still change by itself, and so stands in no rollup; None: no rollup has any of it."""
    only: Condition = field(default_factory=true)
    contact: ColumnElement[Any] = NO_ID
    to_ticket: ColumnElement[Any] = NO_ID
    due: ColumnElement[Any] = NO_TIME
    ended: ColumnElement[Any] = NO_TIME
    how: ColumnElement[Any] = NO_WORD
    seconds: ColumnElement[Any] = NO_NUMBER

    def only_of(self, names: Collection[str]) -> "Source":
        """The same rows, of which only these tallies and samples are counted."""
        counts = self.counts
        return replace(
            self,
            counts=lambda now: {name: condition for name, condition in counts(now).items() if name in names},
            sums={name: value for name, value in self.sums.items() if name in names},
            samples={name: each for name, each in self.samples.items() if name in names or f"{name}_seconds" in names},
            oldest=self.oldest if "age" in names else None,
        )


def _stays(now: datetime) -> Mapping[str, Condition]:
    ended = {reason: segment.c.end_reason == reason for reason in EndReason}
    is_open = segment.c.ended_at.is_(None)
    elsewhere = ended[EndReason.AFTER_HOURS]
    return {
        "entered": or_(segment.c.end_reason.is_(None), not_(elsewhere)),
        "transferred_in": segment.c.passed_in,
        "answered": ended[EndReason.COMPLETED],
        "answered_in_target": and_(ended[EndReason.COMPLETED], segment.c.ended_at <= segment.c.due_at),
        "settled": ended[EndReason.NO_REPLY_NEEDED],
        "transferred": ended[EndReason.TRANSFERRED],
        "overflowed": ended[EndReason.OVERFLOWED],
        "merged": ended[EndReason.MERGED],
        "open": is_open,
        "open_over_target": and_(is_open, segment.c.due_at < now),
        "after_hours": elsewhere,
        "left_over_target": and_(segment.c.ended_at > segment.c.due_at, segment.c.end_reason.in_(_LEFT)),
        "late": segment.c.late,
        "sessions": segment.c.repeated.is_not(None),
        "repeated": segment.c.repeated.is_(True),
        "first_responses": segment.c.response == "first",
        "next_responses": segment.c.response == "next",
    }


def _standing(now: datetime) -> Mapping[str, Condition]:
    waits = segment.c.state == WorkState.WAITING
    opened = work_item.c.opened_at
    edges = [now - limit for limit in AGES]
    within = [opened > edges[0], *(and_(opened <= newer, opened > older) for newer, older in pairwise(edges)), opened <= edges[-1]]
    ages = {f"waiting_{name}": and_(waits, each) for name, each in zip(("quarter", "hour", "four", "more"), within, strict=True)}
    in_work = segment.c.state == WorkState.ASSIGNED
    return {"waiting": waits, **ages, "in_work": in_work, "callbacks": work_item.c.kind == Demand.CALLBACK}


def _calls(now: datetime) -> Mapping[str, Condition]:
    # Somebody who stayed longer and answered makes it a call like any other.
    outside = and_(call_fact.c.after_hours, or_(call_fact.c.outcome.is_(None), call_fact.c.outcome != Outcome.ANSWERED))
    came = {each: and_(call_fact.c.outcome == each, not_(outside)) for each in Outcome}
    is_open = and_(call_fact.c.outcome.is_(None), not_(outside))
    waited = seconds_between(call_fact.c.started_at, call_fact.c.due_at)
    in_target = call_fact.c.wait_seconds <= waited
    return {
        "entered": not_(outside),
        "answered": came[Outcome.ANSWERED],
        "answered_in_target": and_(came[Outcome.ANSWERED], in_target),
        "abandoned": came[Outcome.ABANDONED],
        "abandoned_in_target": and_(came[Outcome.ABANDONED], in_target),
        "abandoned_short": and_(came[Outcome.ABANDONED], call_fact.c.short),
        "callback": came[Outcome.CALLBACK],
        "overflowed": came[Outcome.OVERFLOWED],
        "open": is_open,
        "open_over_target": and_(is_open, call_fact.c.due_at < now),
        "after_hours": outside,
        "sessions": call_fact.c.repeated.is_not(None),
        "repeated": call_fact.c.repeated.is_(True),
        "late": call_fact.c.late,
    }


def _resolutions(now: datetime) -> Mapping[str, Condition]:
    is_reopened = resolution.c.reopened_at.is_not(None)
    is_ripe = and_(resolution.c.resolved_at <= now - AGAIN, not_(is_reopened))
    return {
        "resolved": true(),
        "reopened": is_reopened,
        "stood": not_(is_reopened),
        "ripe": is_ripe,
        "first_contact": and_(is_ripe, resolution.c.answers == 1, resolution.c.again_at.is_(None)),
    }


def _clocks(now: datetime) -> Mapping[str, Condition]:
    """A clock that runs past its due time has broken its promise, whether anybody has noticed or not."""
    is_over = or_(sla_clock.c.stopped_at.is_not(None), func.coalesce(sla_clock.c.due_at < now, literal(value=False)))
    counts = {
        f"{goal}_{word}": and_(sla_clock.c.kind == goal, is_over, func.coalesce(sla_clock.c.met, literal(value=False)) == met)
        for goal in Goal
        for word, met in (("kept", literal(value=True)), ("broken", literal(value=False)))
    }
    return counts | {"clocks_running": not_(is_over)}


_RETURNED = (
    select(outbox.c.id)
    .where(outbox.c.interaction_id == survey.c.interaction_id, outbox.c.state.in_((Delivery.BOUNCED, Delivery.FAILED)))
    .exists()
)


def _surveys(_now: datetime) -> Mapping[str, Condition]:
    answered = survey.c.answered_at.is_not(None)
    of = {kind: and_(answered, survey.c.kind == kind) for kind in ("csat", "nps", "ces")}
    return {
        "surveys_sent": or_(answered, not_(_RETURNED)),
        "surveys_answered": answered,
        "csat_answered": of["csat"],
        "csat_satisfied": and_(of["csat"], survey.c.score >= 4),
        "nps_answered": of["nps"],
        "nps_promoters": and_(of["nps"], survey.c.score >= 9),
        "nps_detractors": and_(of["nps"], survey.c.score <= 6),
        "ces_answered": of["ces"],
    }


def _response(kind: str, column: str) -> tuple[ColumnElement[Any], Condition]:
    return segment.c[column], and_(segment.c.response == kind, segment.c[column].is_not(None))


AGES = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4))
"""Where the ages of those who wait part."""
# A stay that ended so is not the last of its turn; what was joined goes on in the turn that it joined.
_PASSED_ON = (EndReason.TRANSFERRED, EndReason.OVERFLOWED, EndReason.AFTER_HOURS, EndReason.MERGED)
# Ends by which a turn leaves its queue without an answer: too late, they are misses as what is still open is.
_LEFT = (EndReason.NO_REPLY_NEEDED, EndReason.TRANSFERRED, EndReason.OVERFLOWED)
_CALLER = select(interaction.c.contact_id).where(interaction.c.id == call_fact.c.interaction_id).scalar_subquery()
_CALL_TICKET = select(interaction.c.ticket_id).where(interaction.c.id == call_fact.c.interaction_id).scalar_subquery()
_ITEM_TICKET = select(work_item.c.ticket_id).where(work_item.c.id == segment.c.work_item_id).scalar_subquery()

STAYS = Source(
    "stay",
    About.WORK,
    segment,
    id=segment.c.id,
    at=segment.c.entered_at,
    project=segment.c.project_id,
    queue=segment.c.queue_id,
    agent=segment.c.agent_id,
    channel=segment.c.channel,
    reason=segment.c.reason_id,
    counts=_stays,
    medium=Medium.TEXT,
    samples={
        "wait": (segment.c.wait_seconds, segment.c.end_reason == EndReason.COMPLETED),
        "first_response": _response("first", "response_seconds"),
        "first_response_business": _response("first", "response_business_seconds"),
        "next_response": _response("next", "response_seconds"),
        "next_response_business": _response("next", "response_business_seconds"),
    },
    is_open=segment.c.ended_at.is_(None),
    to_ticket=_ITEM_TICKET,
    due=segment.c.due_at,
    ended=segment.c.ended_at,
    how=segment.c.end_reason,
    seconds=segment.c.wait_seconds,
)


# The same rows, counted otherwise than by when they began.
_TURNS = replace(
    STAYS,
    tables=segment.join(work_item, work_item.c.id == segment.c.work_item_id),
    at=work_item.c.opened_at,
    samples={},
    is_open=None,
    to_ticket=work_item.c.ticket_id,
    seconds=NO_NUMBER,
)
STANDING = replace(
    _TURNS,
    name="standing",
    about=About.NOW,
    counts=_standing,
    only=segment.c.ended_at.is_(None),
    oldest=(work_item.c.opened_at, segment.c.state == WorkState.WAITING),
    standing=True,
)
TURNS = replace(
    _TURNS,
    name="turn",
    about=About.DAY,
    counts=lambda _now: {"came": true()},
    only=or_(segment.c.ended_at.is_(None), segment.c.end_reason.not_in(_PASSED_ON)),
    within=segment.c.entered_at,
)
ANSWERS = replace(
    STAYS,
    name="answer",
    about=About.DAY,
    at=segment.c.ended_at,
    counts=lambda _now: {"done": true()},
    samples={},
    is_open=None,
    only=segment.c.end_reason == EndReason.COMPLETED,
)
OFFERS = Source(
    "offer",
    About.WORK,
    offer.join(segment, segment.c.id == offer.c.segment_id),
    id=offer.c.id,
    at=segment.c.entered_at,
    project=segment.c.project_id,
    queue=segment.c.queue_id,
    agent=offer.c.agent_id,
    channel=segment.c.channel,
    reason=segment.c.reason_id,
    counts=lambda _now: {
        f"offers_{state}": offer.c.state == state for state in (OfferState.ACCEPTED, OfferState.DECLINED, OfferState.EXPIRED)
    },
    medium=Medium.TEXT,
    is_open=segment.c.ended_at.is_(None),
    to_ticket=_ITEM_TICKET,
    due=offer.c.expires_at,
    ended=offer.c.ended_at,
    how=offer.c.state,
)
CALLS = Source(
    "call",
    About.WORK,
    call_fact,
    id=call_fact.c.interaction_id,
    at=call_fact.c.started_at,
    project=call_fact.c.project_id,
    queue=call_fact.c.queue_id,
    agent=call_fact.c.agent_id,
    channel=literal(CALL),
    reason=NO_ID,
    counts=_calls,
    medium=Medium.VOICE,
    samples={"wait": (call_fact.c.wait_seconds, and_(call_fact.c.outcome == Outcome.ANSWERED, call_fact.c.wait_seconds.is_not(None)))},
    is_open=call_fact.c.outcome.is_(None),
    only=call_fact.c.direction == Direction.IN,
    contact=_CALLER,
    to_ticket=_CALL_TICKET,
    due=call_fact.c.due_at,
    ended=call_fact.c.ended_at,
    how=call_fact.c.outcome,
    seconds=call_fact.c.wait_seconds,
)
RESOLUTIONS = Source(
    "resolution",
    About.RESOLUTION,
    resolution,
    id=resolution.c.id,
    at=resolution.c.resolved_at,
    project=resolution.c.project_id,
    queue=resolution.c.queue_id,
    agent=resolution.c.agent_id,
    channel=resolution.c.channel,
    reason=resolution.c.reason_id,
    counts=_resolutions,
    samples={
        "resolution": (resolution.c.seconds, resolution.c.reopened_at.is_(None)),
        "resolution_business": (resolution.c.business_seconds, resolution.c.reopened_at.is_(None)),
    },
    to_ticket=resolution.c.ticket_id,
    due=resolution.c.opened_at,
    ended=resolution.c.resolved_at,
    how=case((resolution.c.reopened_at.is_not(None), "reopened"), (resolution.c.again_at.is_not(None), "again"), else_=NO_WORD),
    seconds=resolution.c.seconds,
)
FIRST_HANDLING = handling.alias("first_handling")
_IS_FIRST = handling.c.id == select(func.min(FIRST_HANDLING.c.id)).where(FIRST_HANDLING.c.segment_id == segment.c.id).scalar_subquery()
_LASTED = seconds_between(handling.c.started_at, func.coalesce(handling.c.ended_at, handling.c.seen_at))
HANDLING = Source(
    "handling",
    About.HANDLING,
    handling.join(segment, segment.c.id == handling.c.segment_id),
    id=segment.c.id,
    at=segment.c.ended_at,
    project=segment.c.project_id,
    queue=segment.c.queue_id,
    agent=segment.c.agent_id,
    channel=segment.c.channel,
    reason=segment.c.reason_id,
    # A stay counts once, however many stretches of work it took: with the first of them.
    counts=lambda _now: {"handled": _IS_FIRST, "not_given": and_(_IS_FIRST, segment.c.wrap_end == WrapEnd.NOT_GIVEN)},
    sums={f"{kind}_seconds": case((handling.c.kind == kind, _LASTED), else_=0.0) for kind in HandlingKind},
    to_ticket=_ITEM_TICKET,
    due=segment.c.due_at,
    ended=segment.c.ended_at,
    how=segment.c.end_reason,
)
_HELD = func.coalesce(call_talk.c.hold_seconds, 0.0)
TALKS = Source(
    "talk",
    About.HANDLING,
    call_talk.join(call_fact, call_fact.c.interaction_id == call_talk.c.interaction_id),
    id=call_talk.c.id,
    at=call_talk.c.ended_at,
    project=call_talk.c.project_id,
    queue=call_fact.c.queue_id,
    agent=call_talk.c.agent_id,
    channel=literal(CALL),
    reason=NO_ID,
    # A call that was handed on was handled by each who talked, as a ticket is by each queue it stood in.
    counts=lambda _now: {"handled": call_talk.c.first},
    sums={"talk_seconds": func.coalesce(call_talk.c.seconds, 0.0) - _HELD, "hold_seconds": _HELD},
    only=call_fact.c.direction == Direction.IN,
    contact=_CALLER,
    to_ticket=_CALL_TICKET,
    due=call_fact.c.due_at,
    ended=call_talk.c.ended_at,
    how=call_fact.c.outcome,
    seconds=call_talk.c.seconds,
)
CLOCKS = Source(
    "clock",
    About.SLA,
    sla_clock.join(ticket, ticket.c.id == sla_clock.c.ticket_id),
    id=sla_clock.c.id,
    at=sla_clock.c.started_at,
    project=sla_clock.c.project_id,
    queue=sla_clock.c.queue_id,
    agent=NO_ID,
    channel=ticket.c.channel,
    reason=NO_ID,
    counts=_clocks,
    policy=sla_clock.c.policy_id,
    only=sla_clock.c.cancelled.is_(False),
    to_ticket=sla_clock.c.ticket_id,
    due=sla_clock.c.due_at,
    ended=sla_clock.c.stopped_at,
    how=sla_clock.c.kind,
)
SURVEYS = Source(
    "survey",
    About.SURVEY,
    survey,
    id=survey.c.id,
    at=survey.c.sent_at,
    project=survey.c.project_id,
    queue=survey.c.queue_id,
    agent=survey.c.agent_id,
    channel=survey.c.channel,
    reason=NO_ID,
    counts=_surveys,
    sums={"ces_score": case((and_(survey.c.answered_at.is_not(None), survey.c.kind == "ces"), survey.c.score), else_=0)},
    to_ticket=survey.c.ticket_id,
    ended=survey.c.answered_at,
    how=survey.c.kind,
    seconds=survey.c.score,
)
SOURCES = (STAYS, OFFERS, CALLS, RESOLUTIONS, HANDLING, TALKS, CLOCKS, SURVEYS, TURNS, ANSWERS, STANDING)
FOLDED = tuple(source for source in SOURCES if source.is_open is not None)
_ANY = datetime(2000, 1, 1).astimezone()
COUNTED: dict[str, tuple[Source, ...]] = {}
"""Tallies that count rows, so that each opens into them: by the sources that have them."""
for _source in SOURCES:
    for _name in _source.counts(_ANY):
        COUNTED[_name] = (*COUNTED.get(_name, ()), _source)
SAMPLED = tuple(dict.fromkeys(name for source in SOURCES for name in source.samples))


def count(condition: Condition) -> ColumnElement[int]:
    """How many rows meet a condition."""
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def sampled(source: Source) -> list[ColumnElement[Any]]:
    """The values of each of its samples; NULL where a row has none."""
    return [case((condition, value), else_=None).label(name) for name, (value, condition) in source.samples.items()]


def has_sample(source: Source) -> Condition:
    """Whether a row has a value of any sample."""
    return or_(*(condition for _, condition in source.samples.values()))
