"""Who is at a console: noted by the process that holds the console, renewed while it is open."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Connection

from contact_center.store.schema.presence import presence

_INSERT = upsert(presence).values({name: bindparam(name) for name in ("employee_id", "holder", "since", "seen_at")})
_RENEW = _INSERT.on_conflict_do_update(index_elements=["employee_id", "holder"], set_={"seen_at": _INSERT.excluded.seen_at})

_LEAVE = _INSERT.on_conflict_do_update(
    index_elements=["employee_id", "holder"], set_={"seen_at": _INSERT.excluded.seen_at, "since": _INSERT.excluded.since}
)
LEFT = "-"
"""The holder of those who have left: nobody is here because of such a row."""
FADES = timedelta(seconds=45)
"""Three renewals missed: no console."""
BACK = timedelta(seconds=90)
"""Who comes back so soon has not been away."""
AT_CONSOLE = presence.c.holder != LEFT


def note(connection: Connection, holder: str, user_ids: list[int], now: datetime) -> None:
    """These employees, and no others, are at consoles of this process. Who left is remembered for a while: who loads the page anew
    has been here all the time, and nobody is out of the shift because of it."""
    gone = presence.c.holder == holder, presence.c.employee_id.not_in(user_ids)
    left = [dict(row) for row in connection.execute(select(presence).where(*gone)).mappings()]
    if left:
        connection.execute(delete(presence).where(*gone))
        connection.execute(_LEAVE, [row | {"holder": LEFT, "seen_at": now} for row in left])
    if not user_ids:
        return
    back = select(presence.c.employee_id, presence.c.since).where(
        presence.c.holder == LEFT, presence.c.employee_id.in_(user_ids), presence.c.seen_at >= now - BACK
    )
    since = {int(row[0]): row[1] for row in connection.execute(back)}
    connection.execute(_RENEW, [{"employee_id": i, "holder": holder, "since": since.get(i, now), "seen_at": now} for i in user_ids])


def forget_faded(connection: Connection, before: datetime) -> None:
    """Drop what processes left behind that are gone."""
    connection.execute(delete(presence).where(presence.c.seen_at < before))


def present(connection: Connection, after: datetime) -> dict[int, datetime]:
    """Employees seen since `after`, each with the time since when they have been here."""
    statement = select(presence.c.employee_id, func.min(presence.c.since)).where(presence.c.seen_at >= after, AT_CONSOLE)
    statement = statement.group_by(presence.c.employee_id)
    return {int(user_id): since for user_id, since in connection.execute(statement)}
