"""Messages that nobody wrote: counted for each address and each account, so that machines never talk to each other for long."""

from datetime import datetime

from sqlalchemy import delete, func, insert, select
from sqlalchemy.engine import Connection

from contact_center.store.schema.contacts import contact_point
from contact_center.store.schema.outbound import automatic_send


def lock_point(connection: Connection, point_id: int) -> None:
    """Let nobody else count for this address until the commit."""
    connection.execute(select(contact_point.c.id).where(contact_point.c.id == point_id).with_for_update())


def count_to_point(connection: Connection, point_id: int, since: datetime) -> int:
    """How many were sent to an address since then, by whatever account."""
    where = (automatic_send.c.point_id == point_id, automatic_send.c.at > since)
    return int(connection.execute(select(func.count()).select_from(automatic_send).where(*where)).scalar_one())


def count_of_account(connection: Connection, account_id: int, since: datetime) -> int:
    """How many an account has sent since then, to whomever."""
    where = (automatic_send.c.account_id == account_id, automatic_send.c.at > since)
    return int(connection.execute(select(func.count()).select_from(automatic_send).where(*where)).scalar_one())


def count_to_domain(connection: Connection, domain: str, since: datetime) -> int:
    """How many were sent to addresses of a domain since then, by whatever account."""
    theirs = contact_point.c.value.endswith(f"@{domain}", autoescape=True)
    joined = automatic_send.join(contact_point, contact_point.c.id == automatic_send.c.point_id)
    statement = select(func.count()).select_from(joined).where(automatic_send.c.at > since, theirs)
    return int(connection.execute(statement).scalar_one())


def add(connection: Connection, account_id: int, point_id: int, now: datetime) -> None:
    """Note one more."""
    connection.execute(insert(automatic_send).values(account_id=account_id, point_id=point_id, at=now))


def forget_old(connection: Connection, before: datetime) -> None:
    """Drop what no count asks for any more."""
    connection.execute(delete(automatic_send).where(automatic_send.c.at < before))
