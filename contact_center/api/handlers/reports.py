"""Reports: figures of the past, the stays behind each number, and the same as a file."""

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from aiohttp import web

from contact_center.api.answers import FigureInfo
from contact_center.api.context import Context
from contact_center.api.report_schemas import BehindQuery, ReportQuery
from contact_center.api.schemas import Page, decode_cursor, encode_cursor
from contact_center.errors import Invalid
from contact_center.model.figures import FIGURES, Unit
from contact_center.model.people import Viewer
from contact_center.model.reports import Asked, Behind, By, Report, Row, starts_of
from contact_center.store import Connection, journal
from contact_center.store.bounds import bounded
from contact_center.store.repositories import access, figures

T = TypeVar("T")
LONGEST = timedelta(days=800)
SECONDS = 30.0  # a report that takes longer is broken off


async def registry(ctx: Context) -> list[FigureInfo]:
    """Every figure there is: its words, its unit, the formula that counts."""
    return [
        FigureInfo(
            each.id, each.unit, each.about, each.formula, each.en, each.ru, each.in_words("en"), each.in_words("ru"), each.version
        )
        for each in FIGURES
    ]  # fmt: skip


async def get_report(ctx: Context, query: ReportQuery) -> Report:
    """What began, or happened, in a stretch of time, counted by queue, agent, channel, reason, policy, interval or hour of the week."""
    return await _counted(ctx, figures.report, ctx.viewer, _asked(query), ctx.services.clock())


async def get_behind(ctx: Context, query: BehindQuery) -> Page[Behind]:
    """The rows that a tally of a report counts: as many as it says."""
    return await _counted(ctx, _behind, ctx.viewer, query, _asked(query), ctx.services.clock())


async def export(ctx: Context, query: ReportQuery) -> web.Response:
    """A report as CSV for spreadsheets: the same figures, unrounded; seconds and shares from 0 to 1."""
    asked = _asked(query)
    report, names = await _counted(ctx, _named, ctx.viewer, asked, ctx.services.clock())
    text = _csv(report, asked.by, names, query.language)
    name = f"report-{asked.since:%Y-%m-%d}-{asked.by}.csv"
    return web.Response(
        body=text.encode("utf-8-sig"),
        content_type="text/csv",
        charset="utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _counted(ctx: Context, unit: Callable[..., T], *args: Any) -> T:
    """Two at a time in this process, and none for ever: who works must not wait until all who count have counted."""
    async with ctx.services.reports:
        return await ctx.read(_within_time, unit, *args)


def _within_time(connection: Connection, unit: Callable[..., T], *args: Any) -> T:
    with bounded(connection, SECONDS, "The report took too long. Ask for a shorter time, or for one queue."):
        return unit(connection, *args)


def _asked(query: ReportQuery) -> Asked:
    if not timedelta(0) < query.until - query.since <= LONGEST:
        raise Invalid("A report ends after it begins, and is of two years at most.", field="until")
    try:
        starts = starts_of(query.since, query.until, query.step, query.timezone) if query.by is By.INTERVAL else ()
    except OverflowError:
        raise Invalid("At the ends of time no clock shows the hour.", field="since") from None
    except (ValueError, KeyError, OSError) as error:  # a zone that is none is any of these
        too_many = isinstance(error, ValueError) and "too many" in str(error)
        raise Invalid(str(error) if too_many else "There is no such timezone.", field="step" if too_many else "timezone") from None
    narrowed = {name: getattr(query, name) for name in ("queue_id", "agent_id", "channel", "reason_id", "medium", "about")}
    return Asked(query.since, query.until, query.by, starts, _zone(query.timezone), **narrowed)


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ValueError, KeyError, OSError):
        raise Invalid("There is no such timezone.", field="timezone") from None


def _behind(connection: Connection, viewer: Viewer, query: BehindQuery, asked: Asked, now: datetime) -> Page[Behind]:
    kind, last_id = decode_cursor(query.cursor, str, int) or ("", 0)
    rows = figures.behind(connection, viewer, asked, query.tally, now, (kind, last_id), query.limit + 1)
    items = rows[: query.limit]
    last = encode_cursor(items[-1].kind, items[-1].id) if len(rows) > query.limit else None
    return Page(items, last, journal.horizon(connection))


def _named(connection: Connection, viewer: Viewer, asked: Asked, now: datetime) -> tuple[Report, dict[str, str]]:
    report = figures.report(connection, viewer, asked, now)
    match asked.by:
        case By.QUEUE:
            return report, {str(queue.id): queue.name for queue in access.queues(connection, viewer.project_id)}
        case By.AGENT:
            return report, {str(user.id): user.name for user in access.users(connection, viewer.project_id)}
        case _:
            return report, {}


def _csv(report: Report, by: By, names: dict[str, str], language: str) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    about = [figure for figure in FIGURES if figure.id in report.total.figures]
    writer.writerow([by, *(figure.ru if language == "ru" else figure.en for figure in about)])
    for row in [*report.rows, report.total]:
        writer.writerow([_safe(names.get(row.key, row.key)), *_cells(row)])
    return text.getvalue()


def _cells(row: Row) -> list[object]:
    values = [(figure, row.figures[figure.id]) for figure in FIGURES if figure.id in row.figures]
    return ["" if value is None else int(value) if figure.unit is Unit.COUNT else value for figure, value in values]


def _safe(name: str) -> str:
    """A name that a spreadsheet does not take for a formula."""
    return f"'{name}" if name[:1] in ("=", "+", "-", "@", "\t", "\r") else name
