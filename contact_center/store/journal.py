"""The journal: append within a unit of work, read after a number. See `schema/journal.py` for how numbers are given."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.engine import Connection, RowMapping

from contact_center.model.events import Event, Recorded
from contact_center.store.prepared import Prepared
from contact_center.store.schema.journal import journal

_INSERT = Prepared(insert(journal).values(
    {name: bindparam(name) for name in
     ("at", "type", "project_id", "queue_id", "contact_id", "assignee_id", "previous_queue_id", "admins_only", "actor_id", "data", "chain")}
))  # fmt: skip
_AFTER = select(journal).where(journal.c.seq > bindparam("after")).order_by(journal.c.seq).limit(bindparam("count"))
_HORIZON = select(func.coalesce(func.max(journal.c.seq), 0))
_OLDEST = select(func.coalesce(func.min(journal.c.seq), 1))


_PENDING = "contact_center_events"  # events of the open unit, kept beside the connection until its end
_CHAIN = "contact_center_chain"


def append(connection: Connection, event: Event, *, at: datetime, actor_id: int | None = None) -> None:
    """Record `event` in the open unit of work; it is written at the unit's end and numbered when that commits."""
    connection.info.setdefault(_PENDING, []).append(
        {
            "at": at,
            "type": event.data.TYPE,
            "project_id": event.project_id,
            "queue_id": event.queue_id,
            "contact_id": event.contact_id,
            "assignee_id": event.assignee_id,
            "previous_queue_id": event.previous_queue_id,
            "admins_only": event.admins_only,
            "actor_id": actor_id,
            "data": event.data,
            "chain": connection.info.get(_CHAIN),
        }
    )


@contextmanager
def caused_by(connection: Connection, chain: tuple[int, ...]) -> Iterator[None]:
    """What is recorded meanwhile was led to by these rules, the last one last."""
    connection.info[_CHAIN] = list(chain)
    try:
        yield
    finally:
        connection.info.pop(_CHAIN, None)


def begin(connection: Connection) -> None:
    """A new unit begins; what one that failed had recorded is forgotten."""
    connection.info.pop(_PENDING, None)


def flush(connection: Connection) -> bool:
    """Write what the unit recorded, in one statement; whether there was anything, so that the doorbell is worth a ring."""
    rows = connection.info.pop(_PENDING, None)
    if rows:
        _INSERT.run_all(connection, rows)
    return bool(rows)


def read_after(connection: Connection, after: int, count: int) -> list[Recorded]:
    """At most `count` events numbered above `after`, in order. Complete: no smaller number can appear later."""
    rows = connection.execute(_AFTER, {"after": after, "count": count}).mappings()
    return [_recorded(row) for row in rows]


def read_before(connection: Connection, before: int, count: int) -> list[Recorded]:
    """At most `count` events numbered below `before`, the last of them, in order."""
    newest = select(journal).where(journal.c.seq < before).order_by(journal.c.seq.desc()).limit(count)
    return [_recorded(row) for row in connection.execute(newest).mappings()][::-1]


def of_contact(connection: Connection, contact_id: int, since: datetime, count: int) -> list[Recorded]:
    """At most `count` of the newest events of a contact since then, in order."""
    mine = (journal.c.contact_id == contact_id, journal.c.seq.is_not(None))
    newest = select(journal).where(*mine).order_by(journal.c.seq.desc()).limit(count)
    return [_recorded(row) for row in connection.execute(newest).mappings() if row["at"] >= since][::-1]


def horizon(connection: Connection) -> int:
    """The number of the newest event, 0 when there is none."""
    return int(connection.execute(_HORIZON).scalar_one())


def oldest(connection: Connection) -> int:
    """The number of the oldest event still kept, 1 when there is none."""
    return int(connection.execute(_OLDEST).scalar_one())


def _recorded(row: RowMapping) -> Recorded:
    return Recorded(
        seq=row["seq"],
        type=row["type"],
        at=row["at"],
        actor_id=row["actor_id"],
        project_id=row["project_id"],
        queue_id=row["queue_id"],
        contact_id=row["contact_id"],
        assignee_id=row["assignee_id"],
        previous_queue_id=row["previous_queue_id"],
        admins_only=row["admins_only"],
        data=row["data"],
        chain=tuple(row["chain"] or ()),
    )
