"""Files of entries that are still with a provider. A row is there until its file is stored or given up."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.engine import Connection, RowMapping

from contact_center.store.schema.outbound import remote_file


def add(connection: Connection, interaction_id: int, account_id: int, urls: Iterable[str], now: datetime) -> None:
    """Have these files fetched for an entry."""
    about = {"interaction_id": interaction_id, "account_id": account_id, "attempts": 0, "next_attempt_at": now}
    rows = [about | {"url": url} for url in urls]
    if rows:
        connection.execute(insert(remote_file), rows)


def next_due(connection: Connection) -> datetime | None:
    """When something is to be done next."""
    return connection.execute(select(func.min(remote_file.c.next_attempt_at))).scalar()


def claim(connection: Connection, now: datetime, until: datetime, limit: int) -> list[RowMapping]:
    """Take files that are due; nobody else takes them before `until`. Whoever dies meanwhile has changed nothing."""
    # A table of its own, made once: see `outbox.lease_due`.
    due = (
        select(remote_file.c.id)
        .where(remote_file.c.next_attempt_at <= now)
        .order_by(remote_file.c.next_attempt_at, remote_file.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    statement = (
        update(remote_file)
        .where(remote_file.c.id.in_(select(due.c.id)))
        .values(attempts=remote_file.c.attempts + 1, next_attempt_at=until)
        .returning(remote_file)
    )
    return sorted(connection.execute(statement).mappings(), key=lambda row: row["id"])


def later(connection: Connection, row_id: int, at: datetime) -> None:
    """Try again at this time."""
    connection.execute(update(remote_file).where(remote_file.c.id == row_id).values(next_attempt_at=at))


def take(connection: Connection, row_id: int) -> bool:
    """The file is stored or given up; False when another process was faster."""
    return connection.execute(delete(remote_file).where(remote_file.c.id == row_id)).rowcount == 1
