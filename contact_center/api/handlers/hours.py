"""Opening hours: calendars, which holidays are known, and what hours come to in the next two weeks."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from contact_center.api.context import Context
from contact_center.api.schemas import CalendarBody, HoursBody, PreviewBody
from contact_center.errors import Conflict, Invalid, NotFound
from contact_center.model.acts import Act
from contact_center.model.audit import Action, Subject
from contact_center.model.hours import Calendar, Day, NamedCalendar, as_spans, regions
from contact_center.model.people import Viewer
from contact_center.store import Connection, audit
from contact_center.store.repositories import hours, sla

PREVIEW_DAYS = 14
LANGUAGES = {"ru": "ru", "en": "en_US"}


async def calendars(ctx: Context) -> list[NamedCalendar]:
    """All calendars of the project."""
    return await ctx.read(hours.calendars, ctx.viewer.project_id)


async def create_calendar(ctx: Context, body: CalendarBody) -> NamedCalendar:
    """Make a calendar, which queues can then follow."""
    return await ctx.write(_create, ctx.act(), ctx.viewer, body.name, _hours(body.hours))


async def change_calendar(ctx: Context, calendar_id: int, body: CalendarBody) -> NamedCalendar:
    """Give a calendar another name and other hours."""
    return await ctx.write(_change, ctx.act(), ctx.viewer, calendar_id, body.name, _hours(body.hours))


async def preview(ctx: Context, body: PreviewBody) -> list[Day]:
    """What hours come to in the next two weeks, day by day; nothing is saved."""
    wanted = _hours(body.hours)
    today = ctx.services.clock().astimezone(ZoneInfo(wanted.timezone)).date()
    return [wanted.day(today + timedelta(days=n), LANGUAGES[body.language]) for n in range(PREVIEW_DAYS)]


async def holiday_regions(ctx: Context) -> list[str]:
    """Countries (RU), and countries with a region (DE-BY), whose holidays are known."""
    return sorted(regions())


def _hours(body: HoursBody) -> Calendar:
    try:
        return Calendar(
            body.timezone,
            tuple(as_spans(spans) for spans in body.weekly),
            body.holidays,
            {day: as_spans(spans) for day, spans in body.overrides.items()},
        )
    except ValueError as error:
        raise Invalid(str(error), field="hours") from None


def _create(connection: Connection, act: Act, viewer: Viewer, name: str, wanted: Calendar) -> NamedCalendar:
    if hours.name_taken(connection, viewer.project_id, name):
        raise Conflict("A calendar of this name exists already.")
    calendar_id = hours.add(connection, viewer.project_id, name, wanted, act.now)
    audit.note(connection, act, Action.SETTINGS_CHANGED, Subject.CALENDAR, calendar_id, added=True)
    return NamedCalendar(calendar_id, name, wanted)


def _change(connection: Connection, act: Act, viewer: Viewer, calendar_id: int, name: str, wanted: Calendar) -> NamedCalendar:
    if hours.find(connection, viewer.project_id, calendar_id) is None:
        raise NotFound
    if hours.name_taken(connection, viewer.project_id, name, besides=calendar_id):
        raise Conflict("A calendar of this name exists already.")
    hours.change(connection, calendar_id, name, wanted)
    sla.calendar_changed(connection, calendar_id, act.now)
    audit.note(connection, act, Action.SETTINGS_CHANGED, Subject.CALENDAR, calendar_id)
    return NamedCalendar(calendar_id, name, wanted)
