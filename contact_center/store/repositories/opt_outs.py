"""Who asked which of our numbers or mailboxes for no more messages."""

from datetime import datetime

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Connection

from contact_center.store.schema.contacts import contact_point, opt_out

_ADD = upsert(opt_out).values({name: bindparam(name) for name in ("account_id", "point_id", "since", "reason")}).on_conflict_do_nothing()
_AMONG = (
    select(contact_point.c.display, opt_out.c.reason)
    .join(opt_out, opt_out.c.point_id == contact_point.c.id)
    .where(
        opt_out.c.account_id == bindparam("account_id"),
        contact_point.c.kind == bindparam("kind"),
        contact_point.c.value.in_(bindparam("values", expanding=True)),
    )
    .order_by(contact_point.c.id)
)


def add(connection: Connection, account_id: int, point_id: int, now: datetime, reason: str = "") -> bool:
    """Note that nothing more may go to this point by this account, and how we know; False when it was so already."""
    values = {"account_id": account_id, "point_id": point_id, "since": now, "reason": reason[:300]}
    return connection.execute(_ADD, values).rowcount == 1


def remove(connection: Connection, account_id: int, point_id: int) -> bool:
    """The person wants messages again; False when they did all the time."""
    statement = delete(opt_out).where(opt_out.c.account_id == account_id, opt_out.c.point_id == point_id)
    return connection.execute(statement).rowcount == 1


def among(connection: Connection, account_id: int, kind: str, values: list[str]) -> list[str]:
    """Those of these normalised values that this account may not write to, as people write them and with the reason."""
    rows = connection.execute(_AMONG, {"account_id": account_id, "kind": kind, "values": values}).all() if values else []
    return [f"{row.display} ({row.reason})" if row.reason else str(row.display) for row in rows]
