"""Entries, keys, participants, work items and links that go from one ticket to another, and back."""

from sqlalchemy import delete, or_, select, update
from sqlalchemy.engine import Connection

from contact_center.model.words import Direction
from contact_center.store.prepared import Row
from contact_center.store.repositories.desk import link_between
from contact_center.store.schema.tickets import interaction, ticket_participant, ticket_thread_key
from contact_center.store.schema.work import work_item
from contact_center.store.schema.working import ticket_link


def contacts_of(connection: Connection, ticket_id: int) -> set[int]:
    """Whose histories the entries of a ticket stand in."""
    return set(connection.execute(select(interaction.c.contact_id).where(interaction.c.ticket_id == ticket_id).distinct()).scalars())


def senders(connection: Connection, ids: list[int]) -> list[Row]:
    """By which account and from which address these entries came, where they did."""
    statement = select(interaction.c.account_id, interaction.c.sender_address).where(
        interaction.c.id.in_(ids), interaction.c.direction == Direction.IN, interaction.c.account_id.is_not(None)
    )
    return list(connection.execute(statement.distinct()).mappings())


def move_entries(connection: Connection, entry_ids: list[int], from_ticket: int, to_ticket: int) -> None:
    """Let these entries of one ticket stand in another."""
    theirs = (interaction.c.id.in_(entry_ids), interaction.c.ticket_id == from_ticket)
    connection.execute(update(interaction).where(*theirs).values(ticket_id=to_ticket))


def move_items(connection: Connection, entry_ids: list[int], from_ticket: int, to_ticket: int) -> None:
    """Let the work that these entries opened go along with them."""
    theirs = (work_item.c.ticket_id == from_ticket, work_item.c.interaction_id.in_(entry_ids))
    connection.execute(update(work_item).where(*theirs).values(ticket_id=to_ticket))


def give_items(connection: Connection, item_ids: list[int], to_ticket: int) -> None:
    """Let these work items be a ticket's."""
    connection.execute(update(work_item).where(work_item.c.id.in_(item_ids)).values(ticket_id=to_ticket))


def items_of(connection: Connection, ticket_id: int) -> list[int]:
    """The work items of a ticket."""
    return list(connection.execute(select(work_item.c.id).where(work_item.c.ticket_id == ticket_id).order_by(work_item.c.id)).scalars())


def keys_of(connection: Connection, ticket_id: int) -> list[str]:
    """The keys by which messages find a ticket."""
    statement = select(ticket_thread_key.c.key).where(ticket_thread_key.c.ticket_id == ticket_id).order_by(ticket_thread_key.c.key)
    return list(connection.execute(statement).scalars())


def drop_keys(connection: Connection, ticket_id: int, keys: list[str]) -> None:
    """Let these keys lead to the ticket no more."""
    connection.execute(delete(ticket_thread_key).where(ticket_thread_key.c.ticket_id == ticket_id, ticket_thread_key.c.key.in_(keys)))


def drop_participants(connection: Connection, ticket_id: int, point_ids: list[int]) -> None:
    """Let these points take part no more."""
    theirs = (ticket_participant.c.ticket_id == ticket_id, ticket_participant.c.point_id.in_(point_ids))
    connection.execute(delete(ticket_participant).where(*theirs))


def move_links(connection: Connection, from_ticket: int, to_ticket: int) -> list[int]:
    """Let links of one ticket be another's, but for those it has already; returns which went."""
    here = or_(ticket_link.c.ticket_id == from_ticket, ticket_link.c.other_id == from_ticket)
    moved = []
    for row in list(connection.execute(select(ticket_link).where(here).order_by(ticket_link.c.id)).mappings()):
        other = row["other_id"] if row["ticket_id"] == from_ticket else row["ticket_id"]
        if other != to_ticket and link_between(connection, to_ticket, other) is None:
            give_links(connection, [row["id"]], from_ticket, to_ticket)
            moved.append(int(row["id"]))
    return moved


def give_links(connection: Connection, link_ids: list[int], from_ticket: int, to_ticket: int) -> None:
    """Put one ticket in another's place in these links."""
    for column in (ticket_link.c.ticket_id, ticket_link.c.other_id):
        connection.execute(update(ticket_link).where(ticket_link.c.id.in_(link_ids), column == from_ticket).values({column: to_ticket}))
