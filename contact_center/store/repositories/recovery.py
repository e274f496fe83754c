"""What a restore leaves behind: the mark that other rooms ask for, and what nobody may use any more.

The mark stands beside the cursors of every channel account, since it tells how to read what comes from there.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, inspect, select, update
from sqlalchemy.engine import Connection, RowMapping

from contact_center.model.words import Delivery
from contact_center.store.repositories import channels
from contact_center.store.schema.access import employee, invitation, project, session
from contact_center.store.schema.channels import channel_account, channel_cursor, lease, raw_item
from contact_center.store.schema.contacts import contact
from contact_center.store.schema.outbound import outbox
from contact_center.store.schema.tickets import interaction

MARK = "restored"
GAP = 1000
"""Ticket numbers left out after a restore: those given after the backup were told to customers."""


def restored_at(connection: Connection) -> datetime | None:
    """When this database was last restored from a backup, None when it never was.

    What happened before it may have been answered already, by people or by itself, in the hours that the backup does not know:
    nothing automatic may be sent for a message whose own time (`intake.settle.occurred_at`) lies before it. When it was
    *received* says nothing, since the mailbox is read again after the restore.
    """
    values = connection.execute(select(channel_cursor.c.value).where(channel_cursor.c.name == MARK)).scalars()
    return max((datetime.fromisoformat(value["at"]) for value in values), default=None)


def mark_restored(connection: Connection, at: datetime, backup_at: datetime) -> None:
    """Note that the database was restored at `at` from a backup of `backup_at`."""
    for account_id in connection.execute(select(channel_account.c.id)).scalars().all():
        channels.set_cursor(connection, account_id, MARK, {"at": at.isoformat(), "backup_at": backup_at.isoformat()})


def unsent(connection: Connection) -> list[RowMapping]:
    """Messages that may have gone out since the backup, with whether nobody wrote them."""
    statement = (
        select(outbox, interaction.c.automatic)
        .join(interaction, interaction.c.id == outbox.c.interaction_id)
        .where(outbox.c.state.in_((Delivery.QUEUED, Delivery.LEASED)))
        .order_by(outbox.c.id)
    )
    return list(connection.execute(statement).mappings())


def revoke_entrances(connection: Connection, now: datetime) -> int:
    """End every session and every invitation; returns how many sessions there were."""
    connection.execute(delete(invitation).where(invitation.c.used_at.is_(None)))
    return connection.execute(update(session).where(session.c.revoked_at.is_(None)).values(revoked_at=now)).rowcount


def leave_gap(connection: Connection) -> None:
    """No number that a customer may have been told becomes the number of another ticket."""
    connection.execute(update(project).values(next_ticket_number=project.c.next_ticket_number + GAP))


def is_used(connection: Connection) -> bool:
    """Whether the database holds anything that a first start has not put there itself."""
    known = set(inspect(connection).get_table_names())
    held = [each for each in (employee, contact, raw_item) if each.name in known]
    return any(connection.execute(select(func.count()).select_from(each)).scalar_one() for each in held)


def is_alive(connection: Connection, now: datetime) -> bool:
    """Whether some process works with this database at the moment."""
    if "lease" not in inspect(connection).get_table_names():
        return False
    return connection.execute(select(lease.c.name).where(lease.c.expires_at > now).limit(1)).scalar() is not None


def large_blobs(connection: Connection) -> Any:
    """(sha256, size) of contents that stand in files, one after the other."""
    from contact_center.store.schema.channels import blob

    return connection.execution_options(stream_results=True).execute(
        select(blob.c.sha256, blob.c.size).where(blob.c.content.is_(None)).order_by(blob.c.sha256)
    )
