"""Reports: figures of the past, the stays behind each number, and the same as a file."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from aiohttp import web

from contact_center.api import exports
from contact_center.api.answers import AgentTimes, FigureInfo, FigurePart, Stretches, TimeOf
from contact_center.api.context import Context
from contact_center.api.report_schemas import BehindQuery, ExportQuery, MissedQuery, ReportQuery, StretchesQuery, StretchQuery
from contact_center.api.schemas import Page, decode_cursor, encode_cursor
from contact_center.errors import Invalid
from contact_center.model.agent_time import KINDS, together
from contact_center.model.alerts import window
from contact_center.model.calls import Missed
from contact_center.model.figure_words import TALLY_WORDS
from contact_center.model.figures import FIGURES, About
from contact_center.model.people import Viewer
from contact_center.model.reports import Asked, Behind, By, Report, hours_of, starts_of
from contact_center.store import Connection, journal
from contact_center.store.bounds import bounded
from contact_center.store.repositories import access, agent_time, calls, figures, reasons, sla
from contact_center.store.repositories.tallies import COUNTED

T = TypeVar("T")
LONGEST = timedelta(days=800)
ROWS = {About.TIME: (By.AGENT,), About.TEAM: (By.QUEUE, By.AGENT), About.NOW: (By.QUEUE, By.AGENT, By.CHANNEL, By.REASON)}
"""What makes a row where not everything can."""
NARROW = ("queue_id", "agent_id", "channel", "reason_id", "policy_id", "medium")
WIDTHS = {About.TIME: ("agent_id",), About.TEAM: ("queue_id", "agent_id")}
"""What narrows a report down where not everything can."""
SECONDS = 30.0  # a report that takes longer is broken off


async def registry(ctx: Context) -> list[FigureInfo]:
    """Every figure there is: its words, its unit, the formula that counts."""
    return [
        FigureInfo(
            each.id, each.unit, each.about, each.formula, each.en, each.ru, each.in_words("en"), each.in_words("ru"),
            [FigurePart(name, *TALLY_WORDS[name]) for name in each.parts if _opens(name, each.about)], _seconds(window(each)),
            each.version,
        )
        for each in FIGURES
    ]  # fmt: skip


def _seconds(lately: timedelta | None) -> int | None:
    return None if lately is None else int(lately.total_seconds())


def _opens(tally: str, about: About) -> bool:
    return any(source.about is about for source in COUNTED.get(tally, ()))


async def get_report(ctx: Context, query: ReportQuery) -> Report:
    """What began, or happened, in a stretch of time, counted by queue, agent, channel, reason, policy, interval or hour of the week."""
    return await _counted(ctx, figures.report, ctx.viewer, _asked(query), ctx.services.clock())


async def get_behind(ctx: Context, query: BehindQuery) -> Page[Behind]:
    """The rows that a tally of a report counts: as many as it says."""
    return await _counted(ctx, _behind, ctx.viewer, query, _asked(query), ctx.services.clock())


async def export(ctx: Context, query: ExportQuery) -> web.Response:
    """A report for spreadsheets, as CSV or as a workbook: the same figures, unrounded; shares from 0 to 1."""
    asked = _asked(query)
    report, names = await _counted(ctx, _named, ctx.viewer, asked, ctx.services.clock())
    content_type, write = exports.KINDS[query.format]
    body = await asyncio.to_thread(write, report, asked, names, query.language)
    name = f"report-{asked.since:%Y-%m-%d}-{asked.by}.{query.format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Type": content_type}
    return web.Response(body=body, headers=headers)


async def get_agent_time(ctx: Context, query: StretchQuery) -> AgentTimes:
    """How colleagues spent a stretch of time: signed in, available, away, with work in hand; and what became of their offers."""
    _check_stretch(query.since, query.until)
    return await _counted(ctx, _agent_time, ctx.viewer, query.since, query.until, ctx.services.clock())


async def get_stretches(ctx: Context, query: StretchesQuery) -> Stretches:
    """What the time of a colleague is made of: states, work in hand, offers; the sums are those of the report."""
    _check_stretch(query.since, query.until)
    return await _counted(ctx, _stretches, ctx.viewer, query, ctx.services.clock())


async def get_missed(ctx: Context, query: MissedQuery) -> Page[Missed]:
    """Calls that nobody answered, the newest first: who, when, how long they waited, and whether they were reached since."""
    _check_stretch(query.since, query.until)
    return await _counted(ctx, _missed, ctx.viewer, query)


async def _counted(ctx: Context, unit: Callable[..., T], *args: Any) -> T:
    """Two at a time in this process, and none for ever: who works must not wait until all who count have counted."""
    async with ctx.services.reports:
        return await ctx.read(_within_time, unit, *args)


def _within_time(connection: Connection, unit: Callable[..., T], *args: Any) -> T:
    with bounded(connection, SECONDS, "The report took too long. Ask for a shorter time, or for one queue."):
        return unit(connection, *args)


def _check_stretch(since: datetime, until: datetime) -> None:
    if not timedelta(0) < until - since <= LONGEST:
        raise Invalid("A report ends after it begins, and is of two years at most.", field="until")


def _asked(query: ReportQuery) -> Asked:
    _check_stretch(query.since, query.until)
    if query.about in ROWS and query.by not in ROWS[query.about]:
        raise Invalid("This report has no such rows.", field="by")
    narrow = [name for name in NARROW if getattr(query, name) is not None and name not in WIDTHS.get(query.about, NARROW)]
    if narrow:
        raise Invalid("This report cannot be narrowed down by that.", field=narrow[0])
    try:
        starts = starts_of(query.since, query.until, query.step, query.timezone) if query.by is By.INTERVAL else ()
    except OverflowError:
        raise Invalid("At the ends of time no clock shows the hour.", field="since") from None
    except (ValueError, KeyError, OSError) as error:  # a zone that is none is any of these
        too_many = isinstance(error, ValueError) and "too many" in str(error)
        raise Invalid(str(error) if too_many else "There is no such timezone.", field="step" if too_many else "timezone") from None
    narrowed = {name: getattr(query, name) for name in ("queue_id", "agent_id", "channel", "reason_id", "policy_id", "medium", "about")}
    return Asked(query.since, query.until, query.by, starts, _zone(query.timezone), **narrowed)


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ValueError, KeyError, OSError):
        raise Invalid("There is no such timezone.", field="timezone") from None


def _behind(connection: Connection, viewer: Viewer, query: BehindQuery, asked: Asked, now: datetime) -> Page[Behind]:
    if query.hour is not None:
        day, hour = query.hour.split("-")
        asked = replace(asked, hours=hours_of(asked.since, asked.until, asked.timezone, int(day), int(hour)))
    kind, last_id = decode_cursor(query.cursor, str, int) or ("", 0)
    rows = figures.behind(connection, viewer, asked, query.tally, now, (kind, last_id), query.limit + 1)
    items = rows[: query.limit]
    last = encode_cursor(items[-1].kind, items[-1].id) if len(rows) > query.limit else None
    return Page(items, last, journal.horizon(connection))


def _agent_time(connection: Connection, viewer: Viewer, since: datetime, until: datetime, now: datetime) -> AgentTimes:
    found = agent_time.of_agents(connection, viewer, since, until, now)
    return AgentTimes(now, [TimeOf.of(row) for row in found], TimeOf.of(together(found)))


def _stretches(connection: Connection, viewer: Viewer, query: StretchesQuery, now: datetime) -> Stretches:
    kinds = [each for each in query.kinds.split(",") if each] or KINDS
    asked = (query.agent_id, query.since, query.until, now, query.limit + 1)
    found = agent_time.behind(connection, viewer, *asked, kinds=kinds, skip=query.skip)
    return Stretches(found[: query.limit], len(found) > query.limit)


def _missed(connection: Connection, viewer: Viewer, query: MissedQuery) -> Page[Missed]:
    before = decode_cursor(query.cursor, datetime, int)
    rows = calls.missed(connection, viewer, query.since, query.until, query.queue_id, before, query.limit + 1)
    items = rows[: query.limit]
    last = encode_cursor(items[-1].at, items[-1].entry_id) if len(rows) > query.limit else None
    return Page(items, last, journal.horizon(connection))


def _named(connection: Connection, viewer: Viewer, asked: Asked, now: datetime) -> tuple[Report, dict[str, str]]:
    report = figures.report(connection, viewer, asked, now)
    named: list[Any] = []
    match asked.by:
        case By.QUEUE:
            named = list(access.queues(connection, viewer.project_id))
        case By.AGENT:
            named = list(access.users(connection, viewer.project_id))
        case By.REASON:
            named = list(reasons.reasons(connection, viewer.project_id))
        case By.POLICY:
            named = list(sla.policies(connection, viewer.project_id))
    return report, {str(each.id): each.name for each in named}
