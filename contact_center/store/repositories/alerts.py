"""Alerts on figures, how each stands, and the episodes that there were."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Connection

from contact_center.model import figures as model
from contact_center.model.alerts import LATELY, Alert, Firing, Watched, window
from contact_center.model.people import Viewer
from contact_center.model.reports import Asked, By, Medium
from contact_center.model.words import Role
from contact_center.store.repositories import access, figures
from contact_center.store.schema.access import project
from contact_center.store.schema.figures import alert, alert_firing

_OPEN = and_(alert_firing.c.alert_id == alert.c.id, alert_firing.c.ended_at.is_(None))
_FIRING = [alert_firing.c[name].label(f"firing_{name}") for name in ("id", "began_at", "ended_at", "value", "last_value")]
_ALERT = select(alert, *_FIRING).select_from(alert.outerjoin(alert_firing, _OPEN))

Watching = tuple[str, Medium | None]
"""A figure, and of which work."""
Running = dict[tuple[str, Medium | None, int | None], float | None]
"""Values by figure, work and queue (None: the whole centre)."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An alert, and how it stands between two looks."""

    project_id: int
    alert: Alert
    watched: Watched


def alerts(connection: Connection, viewer: Viewer) -> list[Alert]:
    """Those of queues that the viewer sees; of the whole centre for those who see all of it."""
    statement = _ALERT.where(alert.c.project_id == viewer.project_id)
    if not viewer.sees_all:
        statement = statement.where(alert.c.queue_id.in_(viewer.queue_ids))
    return [_alert(row) for row in connection.execute(statement.order_by(alert.c.id))]


def find(connection: Connection, viewer: Viewer, alert_id: int) -> Alert | None:
    """One of them."""
    return next((each for each in alerts(connection, viewer) if each.id == alert_id), None)


def add(connection: Connection, project_id: int, now: datetime, **values: Any) -> int:
    """Set an alert; returns its id."""
    statement = insert(alert).values(project_id=project_id, created_at=now, **values).returning(alert.c.id)
    return int(connection.execute(statement).scalar_one())


def change(connection: Connection, alert_id: int, now: datetime, **values: Any) -> None:
    """Set columns of one. What it stood at is of another question: an episode that lasts ends, and it is looked at afresh."""
    connection.execute(update(alert).where(alert.c.id == alert_id).values(beyond_since=None, within_since=None, **values))
    end(connection, alert_id, now)


def remove(connection: Connection, alert_id: int) -> None:
    """Drop one, and its episodes."""
    connection.execute(delete(alert).where(alert.c.id == alert_id))


def how_many(connection: Connection, project_id: int) -> int:
    """How many alerts there are."""
    return int(connection.execute(select(func.count()).where(alert.c.project_id == project_id)).scalar_one())


def firings(connection: Connection, alert_id: int, before: int | None, limit: int) -> list[Firing]:
    """Episodes of an alert, the newest first, from beyond `before`."""
    statement = select(alert_firing).where(alert_firing.c.alert_id == alert_id)
    if before is not None:
        statement = statement.where(alert_firing.c.id < before)
    rows = connection.execute(statement.order_by(alert_firing.c.id.desc()).limit(limit))
    return [Firing(row.id, row.began_at, row.ended_at, row.value, row.last_value) for row in rows]


# What the watch needs.


def standing(connection: Connection) -> list[Standing]:
    """Every active alert of every project."""
    rows = connection.execute(_ALERT.where(or_(alert.c.active, alert_firing.c.id.is_not(None))).order_by(alert.c.id))
    return [Standing(row.project_id, _alert(row), Watched(row.firing_id is not None, row.beyond_since, row.within_since)) for row in rows]


def running(connection: Connection, project_id: int, now: datetime, only: Collection[Watching]) -> Running:
    """These running figures of a project: as many statements however many alerts."""
    everything = Viewer(0, project_id, Role.ADMIN, ())
    found: Running = {}
    queues = [each.id for each in access.queues(connection, project_id)]
    asked: dict[tuple[model.About, timedelta, Medium | None], list[str]] = {}
    for name, medium in only:
        figure = model.BY_ID[name]
        asked.setdefault((figure.about, window(figure) or LATELY, medium), []).append(name)
    for (about, lately, medium), some in asked.items():
        question = Asked(now - lately, now + timedelta(minutes=1), By.QUEUE, about=about, medium=medium)
        report = figures.report(connection, everything, question, now, rollups=False, only=some)
        found |= {(name, medium, None): report.total.figures[name] for name in some}
        if about is model.About.TIME:  # is of no queue
            continue
        # Where nothing happened a count is nought, and not nothing: too few answers are no answers, too.
        nothing = model.values(model.Tallies(), about=about, only=some)
        found |= {(name, medium, queue_id): value for queue_id in queues for name, value in nothing.items()}
        found |= {(name, medium, int(row.key)): row.figures[name] for row in report.rows for name in some}
    return found


def note(connection: Connection, alert_id: int, was: Watched, becomes: Watched) -> bool:
    """Keep how an alert stands; False when somebody else has looked, or changed it, meanwhile."""
    same = and_(*(column.is_(None) if value is None else column == value for column, value in (
        (alert.c.beyond_since, was.beyond_since), (alert.c.within_since, was.within_since)
    )))  # fmt: skip
    statement = update(alert).where(alert.c.id == alert_id, same)
    return connection.execute(statement.values(beyond_since=becomes.beyond_since, within_since=becomes.within_since)).rowcount == 1


def begin(connection: Connection, alert_id: int, value: float, now: datetime) -> bool:
    """Begin an episode; False when one lasts already."""
    values = {"alert_id": alert_id, "began_at": now, "value": value, "last_value": value}
    statement = upsert(alert_firing).values(values).on_conflict_do_nothing().returning(alert_firing.c.id)
    return connection.execute(statement).scalar() is not None


def still(connection: Connection, alert_id: int, value: float) -> None:
    """The figure stands beyond the threshold still."""
    lasts = update(alert_firing).where(alert_firing.c.alert_id == alert_id, alert_firing.c.ended_at.is_(None))
    connection.execute(lasts.values(last_value=value))


def end(connection: Connection, alert_id: int, now: datetime) -> bool:
    """End the episode that lasts; False when none does."""
    lasts = update(alert_firing).where(alert_firing.c.alert_id == alert_id, alert_firing.c.ended_at.is_(None))
    return connection.execute(lasts.values(ended_at=now)).rowcount == 1


def by_id(connection: Connection, alert_id: int) -> Alert | None:
    """One alert, for the product itself."""
    row = connection.execute(_ALERT.where(alert.c.id == alert_id)).one_or_none()
    return _alert(row) if row is not None else None


def projects(connection: Connection) -> list[int]:
    """Every project."""
    return [int(each) for each in connection.execute(select(project.c.id)).scalars()]


def _alert(row: Any) -> Alert:
    firing = None
    if row.firing_id is not None:
        firing = Firing(row.firing_id, row.firing_began_at, row.firing_ended_at, row.firing_value, row.firing_last_value)
    medium = Medium(row.medium) if row.medium else None
    return Alert(
        row.id, row.figure, row.queue_id, row.above, row.threshold, row.minutes, tuple(row.told), row.sound, row.active, medium, firing
    )  # fmt: skip
