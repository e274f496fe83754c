"""Canned replies."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Connection

from contact_center.model.canned import CannedReply
from contact_center.model.people import Viewer
from contact_center.store.schema.canned import canned_reply


def replies(connection: Connection, viewer: Viewer) -> list[CannedReply]:
    """Those for all, and those of the queues that the viewer sees, by title."""
    statement = select(canned_reply).where(canned_reply.c.project_id == viewer.project_id)
    if not viewer.sees_all:
        statement = statement.where(or_(canned_reply.c.queue_id.is_(None), canned_reply.c.queue_id.in_(viewer.queue_ids)))
    rows = connection.execute(statement.order_by(canned_reply.c.title, canned_reply.c.id))
    return [CannedReply(row.id, row.title, row.text, row.queue_id) for row in rows]


def find(connection: Connection, viewer: Viewer, reply_id: int) -> CannedReply | None:
    """One of them."""
    return next((reply for reply in replies(connection, viewer) if reply.id == reply_id), None)


def add(connection: Connection, project_id: int, title: str, text: str, queue_id: int | None, now: datetime) -> int | None:
    """Make one; None when there is one of this title."""
    values = {"project_id": project_id, "title": title, "text": text, "queue_id": queue_id, "changed_at": now}
    return connection.execute(upsert(canned_reply).values(values).on_conflict_do_nothing().returning(canned_reply.c.id)).scalar()


def change(connection: Connection, reply_id: int, **values: Any) -> None:
    """Set columns of one."""
    connection.execute(update(canned_reply).where(canned_reply.c.id == reply_id).values(values))


def title_taken(connection: Connection, project_id: int, title: str, besides: int) -> bool:
    """Whether another one of the project bears this title."""
    found = select(canned_reply.c.id).where(canned_reply.c.project_id == project_id, canned_reply.c.title == title)
    return connection.execute(found.where(canned_reply.c.id != besides)).scalar() is not None


def remove(connection: Connection, reply_id: int) -> None:
    """Drop one."""
    connection.execute(delete(canned_reply).where(canned_reply.c.id == reply_id))
