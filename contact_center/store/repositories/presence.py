"""Who is at a console: noted by the process that holds the console, renewed while it is open."""

from datetime import datetime

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Connection

from contact_center.store.schema.presence import presence

_INSERT = upsert(presence).values({name: bindparam(name) for name in ("employee_id", "holder", "since", "seen_at")})
_RENEW = _INSERT.on_conflict_do_update(index_elements=["employee_id", "holder"], set_={"seen_at": _INSERT.excluded.seen_at})


def note(connection: Connection, holder: str, user_ids: list[int], now: datetime) -> None:
    """These employees, and no others, are at consoles of this process."""
    connection.execute(delete(presence).where(presence.c.holder == holder, presence.c.employee_id.not_in(user_ids)))
    if user_ids:
        connection.execute(_RENEW, [{"employee_id": i, "holder": holder, "since": now, "seen_at": now} for i in user_ids])


def forget_faded(connection: Connection, before: datetime) -> None:
    """Drop what processes left behind that are gone."""
    connection.execute(delete(presence).where(presence.c.seen_at < before))


def present(connection: Connection, after: datetime) -> dict[int, datetime]:
    """Employees seen since `after`, each with the time since when they have been here."""
    statement = (
        select(presence.c.employee_id, func.min(presence.c.since)).where(presence.c.seen_at >= after).group_by(presence.c.employee_id)
    )
    return {int(user_id): since for user_id, since in connection.execute(statement)}
