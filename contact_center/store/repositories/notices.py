"""Who watches a ticket, and what they are told of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Connection

from contact_center.model.desk import Notice, NoticeKind, NoticeLine, TicketRef
from contact_center.model.people import Viewer
from contact_center.model.words import Status
from contact_center.store.prepared import Prepared, Row
from contact_center.store.schema.tickets import ticket
from contact_center.store.schema.working import notice, ticket_watcher
from contact_center.store.scope import sees_ticket

_WATCHERS = Prepared(
    select(ticket_watcher.c.employee_id)
    .where(ticket_watcher.c.ticket_id == bindparam("ticket_id"))
    .order_by(ticket_watcher.c.since, ticket_watcher.c.employee_id)
)
_WATCH = Prepared(
    upsert(ticket_watcher).values({name: bindparam(name) for name in ("ticket_id", "employee_id", "since")}).on_conflict_do_nothing()
)
_NEW = upsert(notice).values({column.name: bindparam(column.name) for column in notice.c if column.name != "id"})
_TELL = Prepared(
    _NEW.on_conflict_do_update(
        index_elements=["employee_id", "ticket_id", "kind"],
        index_where=notice.c.read_at.is_(None),
        set_={
            "times": notice.c.times + 1,
            "at": _NEW.excluded.at,
            "interaction_id": _NEW.excluded.interaction_id,
            "actor_id": _NEW.excluded.actor_id,
        },
    ).returning(notice)
)
MOST_WATCHERS = 50


def watchers(connection: Connection, ticket_id: int) -> list[int]:
    """Who watches a ticket, whoever began first."""
    return _WATCHERS.scalars(connection, ticket_id=ticket_id)


def watch(connection: Connection, ticket_id: int, employee_id: int, now: datetime) -> None:
    """Let somebody watch a ticket; once is enough."""
    _WATCH.run(connection, {"ticket_id": ticket_id, "employee_id": employee_id, "since": now})


def unwatch(connection: Connection, ticket_id: int, employee_ids: list[int]) -> bool:
    """End it; whether any of them watched."""
    theirs = (ticket_watcher.c.ticket_id == ticket_id, ticket_watcher.c.employee_id.in_(employee_ids))
    return connection.execute(delete(ticket_watcher).where(*theirs)).rowcount > 0


def tell(
    connection: Connection,
    *,
    project_id: int,
    employee_id: int,
    ticket_id: int,
    interaction_id: int,
    kind: NoticeKind,
    actor_id: int | None,
    at: datetime,
) -> Notice:
    """Tell somebody of a ticket: one unread notice of a kind, however much happens."""
    values = {"project_id": project_id, "employee_id": employee_id, "ticket_id": ticket_id, "interaction_id": interaction_id}
    row = _TELL.row(connection, **values, kind=kind, actor_id=actor_id, times=1, at=at, read_at=None)
    assert row is not None
    return _notice(row)


def told(connection: Connection, ticket_id: int) -> list[int]:
    """Who has unread notices of a ticket."""
    statement = select(notice.c.employee_id).where(notice.c.ticket_id == ticket_id, notice.c.read_at.is_(None)).distinct()
    return list(connection.execute(statement).scalars())


def mark_read(connection: Connection, employee_id: int, now: datetime, ticket_id: int | None = None) -> list[Notice]:
    """Mark somebody's notices as read, of one ticket or all; returns those that were not."""
    mine = [notice.c.employee_id == employee_id, notice.c.read_at.is_(None)]
    if ticket_id is not None:
        mine.append(notice.c.ticket_id == ticket_id)
    rows = connection.execute(update(notice).where(*mine).values(read_at=now).returning(notice)).mappings()
    return sorted((_notice(row) for row in rows), key=lambda each: each.id)


def unread(connection: Connection, viewer: Viewer, limit: int) -> list[Notice]:
    """What the viewer has not read of tickets that they see, the latest first."""
    statement = (
        select(notice)
        .join(ticket, ticket.c.id == notice.c.ticket_id)
        .where(notice.c.employee_id == viewer.user_id, notice.c.read_at.is_(None), sees_ticket(viewer))
        .order_by(notice.c.at.desc(), notice.c.id.desc())
        .limit(limit)
    )
    return [_notice(row) for row in connection.execute(statement).mappings()]


def page(connection: Connection, viewer: Viewer, after: tuple[datetime, int] | None, limit: int) -> list[NoticeLine]:
    """The viewer's notices of tickets that they see, the latest first."""
    statement = (
        select(notice, ticket.c.number, ticket.c.subject, ticket.c.status)
        .join(ticket, ticket.c.id == notice.c.ticket_id)
        .where(notice.c.employee_id == viewer.user_id, sees_ticket(viewer))
        .order_by(notice.c.at.desc(), notice.c.id.desc())
        .limit(limit)
    )
    if after is not None:
        at, notice_id = after
        statement = statement.where(or_(notice.c.at < at, and_(notice.c.at == at, notice.c.id < notice_id)))
    return [_line(row) for row in connection.execute(statement).mappings()]


def move(connection: Connection, from_ticket: int, to_ticket: int, now: datetime) -> list[tuple[int, Notice]]:
    """Let whoever watches a ticket that became part of another watch that one, and hear there of what they have not read; returns the
    notices that changed, and whose they are. What somebody has not read there either is one notice."""
    for employee_id in watchers(connection, from_ticket):
        watch(connection, to_ticket, employee_id, now)
    there = notice.alias()
    told_there = select(there.c.id).where(
        there.c.ticket_id == to_ticket,
        there.c.employee_id == notice.c.employee_id,
        there.c.kind == notice.c.kind,
        there.c.read_at.is_(None),
    )
    unread = (notice.c.ticket_id == from_ticket, notice.c.read_at.is_(None))
    changed = []
    for values, where in (({"read_at": now}, (*unread, told_there.exists())), ({"ticket_id": to_ticket}, unread)):
        rows = connection.execute(update(notice).where(*where).values(values).returning(notice)).mappings()
        changed += [(int(row["employee_id"]), _notice(row)) for row in rows]
    return sorted(changed, key=lambda each: each[1].id)


def forget_old(connection: Connection, before: datetime) -> None:
    """Drop what was read before then."""
    connection.execute(delete(notice).where(notice.c.read_at < before))


def count(connection: Connection, employee_id: int) -> int:
    """How many notices somebody has not read, whether they still see the tickets or not."""
    statement = select(func.count()).where(notice.c.employee_id == employee_id, notice.c.read_at.is_(None))
    return int(connection.execute(statement).scalar_one())


def _fields(row: Row | Any) -> dict[str, Any]:
    return {
        "id": row["id"],
        "ticket_id": row["ticket_id"],
        "kind": NoticeKind(row["kind"]),
        "entry_id": row["interaction_id"],
        "actor_id": row["actor_id"],
        "times": row["times"],
        "at": row["at"],
        "read": row["read_at"] is not None,
    }


def _notice(row: Row) -> Notice:
    return Notice(**_fields(row))


def _line(row: Row) -> NoticeLine:
    ref = TicketRef(row["ticket_id"], row["number"], row["subject"], Status(row["status"]))
    return NoticeLine(**_fields(row), ticket=ref)
