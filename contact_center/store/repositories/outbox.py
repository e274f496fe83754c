"""The outbox: leased before it is sent, settled after, uncertain when a crash came in between."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, bindparam, func, insert, select, true, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Connection

from contact_center.model.words import Delivery
from contact_center.store.prepared import Prepared, Row
from contact_center.store.schema.channels import channel_account, channel_cursor, lease
from contact_center.store.schema.outbound import outbox
from contact_center.store.schema.tickets import interaction

PACE = "send_pace"
"""The cursor of an account that says when it may send next."""
_OF_INTERACTION = Prepared(select(outbox).where(outbox.c.interaction_id == bindparam("interaction_id")))
_BY_KEYS = Prepared(select(outbox).where(outbox.c.message_key.in_(bindparam("keys", expanding=True))).order_by(outbox.c.id))


def add(connection: Connection, **values: Any) -> int:
    """Queue a message; returns the row's id."""
    values = {"state": Delivery.QUEUED, "attempts": 0, "error": "", "provider_id": "", "spooled": False} | values
    return int(connection.execute(insert(outbox).values(values).returning(outbox.c.id)).scalar_one())


def has_reply(connection: Connection, project_id: int) -> bool:
    """Whether a person ever wrote a message that was to go out."""
    statement = (
        select(outbox.c.id)
        .join(interaction, interaction.c.id == outbox.c.interaction_id)
        .join(channel_account, channel_account.c.id == outbox.c.account_id)
        .where(interaction.c.author_id.is_not(None), channel_account.c.project_id == project_id)
    )
    return connection.execute(statement.limit(1)).first() is not None


def due_accounts(connection: Connection, now: datetime) -> list[Row]:
    """id and options of the accounts that have messages due, whoever waits longest first."""
    statement = (
        select(channel_account.c.id, channel_account.c.options)
        .join(outbox, outbox.c.account_id == channel_account.c.id)
        .where(outbox.c.state == Delivery.QUEUED, outbox.c.next_attempt_at <= now)
        .group_by(channel_account.c.id)
        .order_by(func.min(outbox.c.next_attempt_at), channel_account.c.id)
    )
    return list(connection.execute(statement).mappings())


def take_turn(connection: Connection, account_id: int, now: datetime, every: timedelta) -> tuple[bool, datetime]:
    """Whether an account that sends one message `every` so often may send one now, and when it may send the next.

    Two processes never get the same turn.
    """
    mine = (channel_cursor.c.account_id == account_id) & (channel_cursor.c.name == PACE)
    connection.execute(upsert(channel_cursor).values(account_id=account_id, name=PACE, value={}).on_conflict_do_nothing())
    value = connection.execute(select(channel_cursor.c.value).where(mine).with_for_update()).scalar_one()
    free_at = datetime.fromisoformat(value["next"]) if value else now
    if now < free_at <= now + every:  # a clock that was put back does not stop the mail
        return False, free_at
    connection.execute(update(channel_cursor).where(mine).values(value={"next": (now + every).isoformat()}))
    return True, now + every


def lease_due(connection: Connection, holder: str, now: datetime, limit: int, account_id: int | None = None) -> list[Row]:
    """Lease messages that are due, of one account or of all. Two senders never lease the same row."""
    whose = outbox.c.account_id == account_id if account_id is not None else true()
    # A table of its own, made once: PostgreSQL may ask a question inside `IN` again for every row, and each time takes others.
    due = (
        select(outbox.c.id)
        .where(outbox.c.state == Delivery.QUEUED, outbox.c.next_attempt_at <= now, whose)
        .order_by(outbox.c.next_attempt_at, outbox.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    statement = (
        update(outbox)
        .where(outbox.c.id.in_(select(due.c.id)))
        .values(state=Delivery.LEASED, lease_holder=holder, attempts=outbox.c.attempts + 1)
        .returning(outbox)
    )
    return sorted(connection.execute(statement).mappings(), key=lambda row: row["id"])


def orphaned(connection: Connection, now: datetime) -> list[Row]:
    """Leased rows whose sender no longer renews its own lease: it died between leasing and recording the outcome."""
    alive = select(lease.c.name).where(lease.c.name == sender_lease(outbox.c.lease_holder), lease.c.expires_at > now).exists()
    statement = select(outbox).where(outbox.c.state == Delivery.LEASED, ~alive).order_by(outbox.c.id)
    return list(connection.execute(statement).mappings())


def sender_lease(holder: Any) -> Any:
    """The name of the lease by which a sending process shows that it lives."""
    return "sender:" + holder


def holds(connection: Connection, row: Row | Mapping[str, Any], holder: str) -> bool:
    """Whether this holder still has the row by the very lease that it took; locks the row until the commit."""
    return connection.execute(_held(row, holder).with_for_update()).scalar() is not None


def still_holds(connection: Connection, row: Row | Mapping[str, Any], holder: str) -> bool:
    """The same for a look at it, which locks nothing."""
    return connection.execute(_held(row, holder)).scalar() is not None


def _held(row: Row | Mapping[str, Any], holder: str) -> Select[tuple[int]]:
    return select(outbox.c.id).where(
        outbox.c.id == row["id"],
        outbox.c.state == Delivery.LEASED,
        outbox.c.lease_holder == holder,
        outbox.c.attempts == row["attempts"],
    )


def change(connection: Connection, row_id: int, **values: Any) -> None:
    """Set columns of a row."""
    connection.execute(update(outbox).where(outbox.c.id == row_id).values(values))


def change_if(connection: Connection, row_id: int, states: tuple[Delivery, ...], **values: Any) -> bool:
    """Set columns of a row if it is in one of these states; False when it is not."""
    statement = update(outbox).where(outbox.c.id == row_id, outbox.c.state.in_(states))
    return connection.execute(statement.values(values)).rowcount == 1


def change_lease(connection: Connection, row: Row | Mapping[str, Any], **values: Any) -> bool:
    """Set columns of a leased row if it is still the very lease that was read; False when somebody else has it by now."""
    statement = update(outbox).where(
        outbox.c.id == row["id"],
        outbox.c.state == Delivery.LEASED,
        outbox.c.lease_holder == row["lease_holder"],
        outbox.c.attempts == row["attempts"],
    )
    return connection.execute(statement.values(values)).rowcount == 1


def of_interaction(connection: Connection, interaction_id: int) -> Row | None:
    """The outbox row of an entry."""
    return _OF_INTERACTION.row(connection, interaction_id=interaction_id)


def by_keys(connection: Connection, keys: tuple[str, ...]) -> list[Row]:
    """Rows whose message keys are among `keys`."""
    return _BY_KEYS.rows(connection, keys=keys) if keys else []


def next_due(connection: Connection, besides: Collection[int] = ()) -> datetime | None:
    """When the next queued row becomes due, but for those of some accounts; None when nothing waits."""
    statement = select(func.min(outbox.c.next_attempt_at)).where(outbox.c.state == Delivery.QUEUED)
    if besides:
        statement = statement.where(outbox.c.account_id.not_in(sorted(besides)))
    return connection.execute(statement).scalar_one()


def project_of(connection: Connection, row_id: int) -> int:
    """The project of an outbox row."""
    statement = select(channel_account.c.project_id).join(outbox, outbox.c.account_id == channel_account.c.id)
    return int(connection.execute(statement.where(outbox.c.id == row_id)).scalar_one())


def spooled(connection: Connection, project_id: int, queue_ids: tuple[int, ...] | None, before: int, limit: int) -> list[Row]:
    """Messages written to the outgoing spool, newest first, of these queues (None: of all)."""
    where = [channel_account.c.project_id == project_id, outbox.c.spooled, outbox.c.state == Delivery.SENT]
    if before:
        where.append(outbox.c.id < before)
    if queue_ids is not None:
        where.append(channel_account.c.queue_id.in_(queue_ids))
    statement = (
        select(outbox, interaction.c.ticket_id, interaction.c.contact_id)
        .join(channel_account, channel_account.c.id == outbox.c.account_id)
        .join(interaction, interaction.c.id == outbox.c.interaction_id)
        .where(and_(*where))
        .order_by(outbox.c.id.desc())
        .limit(limit)
    )
    return list(connection.execute(statement).mappings())
