"""Alerts on figures: set by supervisors for queues they see, by administrators for the whole centre."""

from dataclasses import replace

from contact_center.api.alert_schemas import AlertBody, AlertPatchBody, FiringsQuery
from contact_center.api.context import Context
from contact_center.api.schemas import Page, decode_cursor, encode_cursor
from contact_center.errors import Conflict, Invalid, NotFound
from contact_center.model.acts import Act
from contact_center.model.alerts import Alert, Firing
from contact_center.model.audit import Action, Subject
from contact_center.model.events import AlertEnded, Event
from contact_center.model.figures import BY_ID, About
from contact_center.model.people import Viewer
from contact_center.store import Connection, audit, journal
from contact_center.store.repositories import access, alerts

MOST = 200  # of a project: each is looked at every five seconds


async def list_alerts(ctx: Context) -> list[Alert]:
    """Alerts of the queues one sees, with the episode that lasts."""
    return await ctx.read(alerts.alerts, ctx.viewer)


async def create_alert(ctx: Context, body: AlertBody) -> Alert:
    """Set an alert."""
    return await ctx.write(_create, ctx.act(), ctx.viewer, body)


async def change_alert(ctx: Context, alert_id: int, body: AlertPatchBody) -> Alert:
    """Change an alert, or switch it off."""
    return await ctx.write(_change, ctx.act(), ctx.viewer, alert_id, body)


async def delete_alert(ctx: Context, alert_id: int) -> None:
    """Drop an alert and its log."""
    await ctx.write(_delete, ctx.act(), ctx.viewer, alert_id)


async def list_firings(ctx: Context, alert_id: int, query: FiringsQuery) -> Page[Firing]:
    """When an alert began and was over, the newest first."""
    return await ctx.read(_firings, ctx.viewer, alert_id, query)


def _create(connection: Connection, act: Act, viewer: Viewer, body: AlertBody) -> Alert:
    if body.queue_id is None and not viewer.sees_all:
        raise Invalid("Choose a queue: the whole centre is watched by administrators.", field="queue_id")
    if body.queue_id is not None and BY_ID[body.figure].about is About.TIME:
        raise Invalid("The time of colleagues belongs to no queue: it is watched in the whole centre.", field="queue_id")
    if body.medium is not None and BY_ID[body.figure].about is not About.WORK:
        raise Invalid("Only figures about work are counted with and without calls.", field="medium")
    known = body.queue_id is None or access.find_queue(connection, viewer.project_id, body.queue_id) is not None
    if not known or (body.queue_id is not None and not viewer.sees_queue(body.queue_id)):
        raise Invalid("There is no such queue.", field="queue_id")
    if alerts.how_many(connection, viewer.project_id) >= MOST:
        raise Conflict("There are 200 alerts already.")
    _check_told(connection, viewer, body.told)
    alert_id = alerts.add(connection, viewer.project_id, act.now, **body.model_dump())
    audit.note(connection, act, Action.SETTINGS_CHANGED, Subject.ALERT, alert_id)
    return _found(connection, viewer, alert_id)


def _change(connection: Connection, act: Act, viewer: Viewer, alert_id: int, body: AlertPatchBody) -> Alert:
    before = _found(connection, viewer, alert_id)
    values = {name: value for name, value in body.model_dump(exclude_unset=True).items() if value is not None}
    _check_told(connection, viewer, values.get("told", []))
    if values:
        alerts.change(connection, alert_id, act.now, **values)
        _say_over(connection, act, viewer, before)
        audit.note(connection, act, Action.SETTINGS_CHANGED, Subject.ALERT, alert_id, fields=sorted(values))
    return _found(connection, viewer, alert_id)


def _delete(connection: Connection, act: Act, viewer: Viewer, alert_id: int) -> None:
    before = _found(connection, viewer, alert_id)
    alerts.remove(connection, alert_id)
    _say_over(connection, act, viewer, before)
    audit.note(connection, act, Action.SETTINGS_CHANGED, Subject.ALERT, alert_id)


def _say_over(connection: Connection, act: Act, viewer: Viewer, alert: Alert) -> None:
    """Whoever heard that it began waits to hear that it is over, also where it was changed or dropped meanwhile."""
    if alert.firing is None:
        return
    ended = AlertEnded(replace(alert, firing=replace(alert.firing, ended_at=act.now)))
    event = Event(ended, viewer.project_id, queue_id=alert.queue_id, admins_only=alert.queue_id is None)
    journal.append(connection, event, at=act.now, actor_id=act.user_id)


def _firings(connection: Connection, viewer: Viewer, alert_id: int, query: FiringsQuery) -> Page[Firing]:
    _found(connection, viewer, alert_id)
    before = decode_cursor(query.cursor, int)
    rows = alerts.firings(connection, alert_id, before[0] if before else None, query.limit + 1)
    items = rows[: query.limit]
    return Page(items, encode_cursor(items[-1].id) if len(rows) > query.limit else None, journal.horizon(connection))


def _check_told(connection: Connection, viewer: Viewer, told: list[int]) -> None:
    known = {user.id for user in access.users(connection, viewer.project_id)} if told else set()
    if not set(told) <= known:
        raise Invalid("There is no such employee.", field="told")


def _found(connection: Connection, viewer: Viewer, alert_id: int) -> Alert:
    alert = alerts.find(connection, viewer, alert_id)
    if alert is None:
        raise NotFound
    return alert
