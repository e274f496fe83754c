"""The board's figures, taken from the registry, and what the registry has no word for: who is first, who is here, what they hold."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import chain

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.engine import Connection

from contact_center.model.board import AgentFigures, HeldTurn, QueueFigures, QueueToday
from contact_center.model.figures import About
from contact_center.model.people import Viewer
from contact_center.model.reports import Asked, By, Medium
from contact_center.store.repositories import calls, figures
from contact_center.store.repositories.tallies import STANDING
from contact_center.store.schema.access import employee
from contact_center.store.schema.contacts import contact
from contact_center.store.schema.figures import call_talk
from contact_center.store.schema.tickets import ticket
from contact_center.store.schema.work import segment, work_item

Found = dict[str, dict[str, float | None]]
"""Figures by the key of their row and their id."""
WAITING, IN_WORK, CALLBACKS = "now.waiting", "now.in_work", "now.callbacks"
CAME, ANSWERED, ENTERED = "day.came", "day.answered", "volume.entered"
TEXT_LEVEL, VOICE_LEVEL = "service_level.async", "service_level.standard"
AGES = ("now.waiting.quarter", "now.waiting.hour", "now.waiting.four", "now.waiting.more")
ALL = ""


class Counted:
    """The figures of a day until now, of each queue and of all that the viewer sees."""

    def __init__(self, connection: Connection, viewer: Viewer, since: datetime, now: datetime) -> None:
        asked = _day(since, now, By.QUEUE)
        self._stand = _figures(connection, viewer, asked(About.NOW), now, WAITING, IN_WORK, CALLBACKS, *AGES)
        self._day = _figures(connection, viewer, asked(About.DAY), now, CAME, ANSWERED)
        self._text = _figures(connection, viewer, asked(About.WORK, Medium.TEXT), now, ENTERED, TEXT_LEVEL)
        self._voice = _figures(connection, viewer, asked(About.WORK, Medium.VOICE), now, VOICE_LEVEL)
        self._waits = _first(connection, viewer)

    def queue(self, queue_id: int) -> QueueFigures:
        """How a queue stands."""
        key = str(queue_id)
        since, due, ticket_id = self._waits.get(queue_id, (None, None, None))
        return QueueFigures(
            queue_id,
            waiting=_number(self._stand, key, WAITING),
            in_work=_number(self._stand, key, IN_WORK),
            oldest_waiting_since=since,
            callbacks=_number(self._stand, key, CALLBACKS),
            received=_number(self._text, key, ENTERED),
            answered=_number(self._day, key, ANSWERED),
            first_due=due,
            oldest_ticket_id=ticket_id,
        )

    @property
    def came(self) -> int:
        """Turns that customers began."""
        return _number(self._day, ALL, CAME)

    @property
    def today(self) -> list[QueueToday]:
        """How each queue did, and all of them."""
        keys = sorted({*self._stand, *self._text, *self._voice} - {ALL}, key=int)
        return [
            QueueToday(
                int(key) if key else None,
                self._text.get(key, {}).get(TEXT_LEVEL),
                self._voice.get(key, {}).get(VOICE_LEVEL),
                [_number(self._stand, key, age) for age in AGES],
            )
            for key in (*keys, ALL)
        ]


def by_agent(connection: Connection, viewer: Viewer, since: datetime, now: datetime, present: dict[int, datetime]) -> list[AgentFigures]:
    """Figures of every active colleague; what they do in queues the viewer does not see is not counted."""
    asked = _day(since, now, By.AGENT)
    stand = _figures(connection, viewer, asked(About.NOW), now, IN_WORK)
    day = _figures(connection, viewer, asked(About.DAY), now, ANSWERED)
    statement = select(employee.c.id).where(employee.c.project_id == viewer.project_id, employee.c.disabled_at.is_(None))
    return [
        AgentFigures(user, present.get(user), _number(stand, str(user), IN_WORK), _number(day, str(user), ANSWERED))
        for user in connection.execute(statement.order_by(employee.c.id)).scalars()
    ]


def _day(since: datetime, now: datetime, by: By) -> Callable[..., Asked]:
    until = max(now, since) + timedelta(minutes=1)  # what is happening now is a part of it

    def asked(about: About, medium: Medium | None = None) -> Asked:
        return Asked(since, until, by, about=about, medium=medium)

    return asked


def _figures(connection: Connection, viewer: Viewer, asked: Asked, now: datetime, *only: str) -> Found:
    report = figures.report(connection, viewer, asked, now, rollups=False, only=only)
    return {row.key: row.figures for row in chain(report.rows, (report.total,))}


def _number(found: Found, key: str, figure: str) -> int:
    return int(found.get(key, {}).get(figure) or 0)


def _first(connection: Connection, viewer: Viewer) -> dict[int, tuple[datetime, datetime | None, int]]:
    """Since when the first of those who wait does, until when the first should be answered, and whose ticket it is, by queue."""
    assert STANDING.oldest is not None
    since, waits = STANDING.oldest
    place = func.row_number().over(partition_by=STANDING.queue, order_by=(since, STANDING.id)).label("place")
    due = func.min(STANDING.due).over(partition_by=STANDING.queue).label("due")
    columns = (STANDING.queue.label("queue_id"), since.label("since"), due, STANDING.to_ticket.label("ticket_id"), place)
    mine = (STANDING.only, waits, STANDING.project == viewer.project_id, _seen(viewer))
    rows = select(*columns).select_from(STANDING.tables).where(*mine).subquery()
    found = connection.execute(select(rows).where(rows.c.place == 1))
    return {row.queue_id: (row.since, row.due, row.ticket_id) for row in found}


def holding(connection: Connection, viewer: Viewer, now: datetime, most: int = 20) -> dict[int, tuple[HeldTurn, ...]]:
    """What each colleague has in hand, in the queues that the viewer sees; the longest wait first, at most so many."""
    place = func.row_number().over(partition_by=segment.c.agent_id, order_by=(work_item.c.opened_at, segment.c.id))
    columns = (segment.c.agent_id, ticket.c.id, ticket.c.number, contact.c.name, ticket.c.channel, work_item.c.opened_at)
    rows = (
        select(*columns, place.label("place"))
        .join(work_item, work_item.c.id == segment.c.work_item_id)
        .join(ticket, ticket.c.id == work_item.c.ticket_id)
        .join(contact, contact.c.id == ticket.c.contact_id)
        .where(STANDING.only, STANDING.counts(now)["in_work"], ticket.c.project_id == viewer.project_id, _seen(viewer))
        .subquery()
    )
    found: dict[int, tuple[HeldTurn, ...]] = {}
    for row in connection.execute(select(rows).where(rows.c.place <= most).order_by(rows.c.agent_id, rows.c.place)):
        found[row[0]] = (*found.get(row[0], ()), HeldTurn(*row[1:6]))
    return found


def in_call(connection: Connection, viewer: Viewer, now: datetime) -> dict[int, datetime]:
    """Colleagues who are in a call, and since when."""
    statement = calls.talking(now).where(call_talk.c.project_id == viewer.project_id)
    return {int(row[0]): min(row[1], now) for row in connection.execute(statement.order_by(call_talk.c.started_at.desc()))}


def _seen(viewer: Viewer) -> ColumnElement[bool]:
    if viewer.sees_all:
        # The project's own segments: a queue belongs to one project.
        return true()
    return segment.c.queue_id.in_(viewer.queue_ids)
