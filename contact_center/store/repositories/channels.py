"""Channel accounts, connector cursors, and leases."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Connection

from contact_center.errors import FenceLost
from contact_center.model.channels import ChannelAccount
from contact_center.model.people import Viewer
from contact_center.model.words import Health
from contact_center.store.prepared import Prepared, Row
from contact_center.store.schema.channels import channel_account, channel_cursor, lease
from contact_center.store.scope import sees_account

_BY_ID = Prepared(select(channel_account).where(channel_account.c.id == bindparam("account_id")))


def accounts(connection: Connection, project_id: int | None = None) -> list[ChannelAccount]:
    """All channel accounts, of one project or of all, by id."""
    statement = select(channel_account).order_by(channel_account.c.id)
    if project_id is not None:
        statement = statement.where(channel_account.c.project_id == project_id)
    return [_account(row) for row in connection.execute(statement).mappings()]


def visible(connection: Connection, viewer: Viewer) -> list[ChannelAccount]:
    """The channel accounts that the viewer may know of, by id."""
    statement = select(channel_account).where(sees_account(viewer)).order_by(channel_account.c.id)
    return [_account(row) for row in connection.execute(statement).mappings()]


def find_account(connection: Connection, account_id: int) -> ChannelAccount | None:
    """One channel account."""
    row = _BY_ID.row(connection, account_id=account_id)
    return _account(row) if row else None


def find_by_address(connection: Connection, project_id: int, kind: str, address: str) -> ChannelAccount | None:
    """The account of a kind with this address."""
    where = (
        channel_account.c.project_id == project_id,
        channel_account.c.kind == kind,
        channel_account.c.address == address,
    )
    row = connection.execute(select(channel_account).where(*where)).mappings().one_or_none()
    return _account(row) if row else None


def add_account(connection: Connection, **values: Any) -> int:
    """Make a channel account; returns its id."""
    values = {"health": Health.STARTING, "health_detail": "", "enabled": True} | values
    return int(connection.execute(insert(channel_account).values(values).returning(channel_account.c.id)).scalar_one())


def change_account(connection: Connection, account_id: int, **values: Any) -> None:
    """Set columns of a channel account."""
    connection.execute(update(channel_account).where(channel_account.c.id == account_id).values(values))


def cursor(connection: Connection, account_id: int, name: str) -> dict[str, Any] | None:
    """How far a connector has read, None before its first item."""
    where = (channel_cursor.c.account_id == account_id, channel_cursor.c.name == name)
    value = connection.execute(select(channel_cursor.c.value).where(*where)).scalar()
    return dict(value) if value is not None else None


def set_cursor(connection: Connection, account_id: int, name: str, value: dict[str, Any]) -> None:
    """Store how far a connector has read."""
    statement = upsert(channel_cursor).values(account_id=account_id, name=name, value=value)
    connection.execute(statement.on_conflict_do_update(index_elements=["account_id", "name"], set_={"value": statement.excluded.value}))


def take_lease(connection: Connection, name: str, holder: str, now: datetime, ttl: timedelta) -> int | None:
    """Take or renew a lease. Returns its fencing number, or None while another holder's is alive.

    The number grows with every change of holder; a stale holder's units are refused by `check_fence`.
    """
    statement = select(lease).where(lease.c.name == name).with_for_update()
    row = connection.execute(statement).mappings().one_or_none()
    if row is None:
        fresh = upsert(lease).values(name=name, holder=holder, fence=1, expires_at=now + ttl).on_conflict_do_nothing()
        return 1 if connection.execute(fresh).rowcount == 1 else None
    if row["holder"] != holder and row["expires_at"] > now:
        return None
    fence = int(row["fence"]) + (row["holder"] != holder)
    connection.execute(update(lease).where(lease.c.name == name).values(holder=holder, fence=fence, expires_at=now + ttl))
    return fence


def release_lease(connection: Connection, name: str, holder: str, now: datetime) -> None:
    """Let the next holder take over at once."""
    connection.execute(update(lease).where(lease.c.name == name, lease.c.holder == holder).values(expires_at=now))


def living_leases(connection: Connection, now: datetime) -> dict[str, datetime]:
    """Leases that still hold by the clock: name to the end."""
    return {row.name: row.expires_at for row in connection.execute(select(lease).where(lease.c.expires_at > now))}


def end_lease(connection: Connection, name: str, seen: datetime, now: datetime) -> bool:
    """End a lease that was last seen to hold until `seen`; False when it was renewed since."""
    statement = update(lease).where(lease.c.name == name, lease.c.expires_at == seen).values(expires_at=now)
    return connection.execute(statement).rowcount == 1


def check_fence(connection: Connection, name: str, fence: int) -> None:
    """Refuse the unit of a holder that was replaced. Raises FenceLost."""
    statement = select(lease.c.fence).where(lease.c.name == name).with_for_update(read=True)
    if connection.execute(statement).scalar() != fence:
        raise FenceLost


def _account(row: Row) -> ChannelAccount:
    return ChannelAccount(
        id=row["id"],
        project_id=row["project_id"],
        kind=row["kind"],
        name=row["name"],
        address=row["address"],
        queue_id=row["queue_id"],
        enabled=row["enabled"],
        options=row["options"],
        health=Health(row["health"]),
        health_detail=row["health_detail"],
        checked_at=row["checked_at"],
        created_at=row["created_at"],
        expect_hours=row["expect_hours"],
        silent_since=row["silent_since"],
    )
