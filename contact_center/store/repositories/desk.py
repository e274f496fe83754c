"""Notes of hand-over, links between tickets, and merges by hand."""

from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, delete, insert, or_, select, update
from sqlalchemy.engine import Connection

from contact_center.model.desk import BACK, Handover, Link, LinkKind, TicketRef
from contact_center.model.people import Viewer
from contact_center.model.words import Status
from contact_center.store.prepared import Prepared, Row
from contact_center.store.schema.tickets import ticket
from contact_center.store.schema.working import handover, ticket_link, ticket_merge
from contact_center.store.scope import sees_ticket

_HANDOVER = Prepared(select(handover).where(handover.c.ticket_id == bindparam("ticket_id"), handover.c.ended_at.is_(None)))
_END_HANDOVER = Prepared(
    update(handover)
    .where(handover.c.ticket_id == bindparam("of_ticket"), handover.c.ended_at.is_(None))
    .values(ended_at=bindparam("ended"))
)
# Kinds as they are stored, seen from `ticket_id`; the way back is a matter of reading.
STORED = (LinkKind.RELATED, LinkKind.DUPLICATE_OF, LinkKind.PART_OF, LinkKind.SPLIT_FROM)
MOST_LINKS = 50


def open_handover(connection: Connection, ticket_id: int) -> Handover | None:
    """The note that stands at a ticket."""
    row = _HANDOVER.row(connection, ticket_id=ticket_id)
    return Handover(row["id"], row["author_id"], row["text"], row["created_at"]) if row else None


def add_handover(connection: Connection, project_id: int, ticket_id: int, author_id: int, text: str, now: datetime) -> None:
    """Put a note of hand-over at a ticket that has none."""
    values = {"project_id": project_id, "ticket_id": ticket_id, "author_id": author_id, "text": text, "created_at": now}
    connection.execute(insert(handover).values(values))


def end_handover(connection: Connection, ticket_id: int, now: datetime) -> bool:
    """Take the note away; whether there was one."""
    return _END_HANDOVER.run(connection, {"of_ticket": ticket_id, "ended": now}) > 0


# Links.


def add_link(
    connection: Connection, project_id: int, ticket_id: int, other_id: int, kind: LinkKind, author_id: int | None, now: datetime
) -> None:
    """Note how one ticket stands to another."""
    first, second = (ticket_id, other_id) if kind in STORED else (other_id, ticket_id)
    stored = kind if kind in STORED else BACK[kind]
    values = {"project_id": project_id, "ticket_id": first, "other_id": second, "kind": stored, "author_id": author_id, "created_at": now}
    connection.execute(insert(ticket_link).values(values))


def link_between(connection: Connection, one_id: int, other_id: int) -> Row | None:
    """The link of two tickets, whichever way it was made."""
    pairs = or_(*(and_(ticket_link.c.ticket_id == a, ticket_link.c.other_id == b) for a, b in ((one_id, other_id), (other_id, one_id))))
    return connection.execute(select(ticket_link).where(pairs).limit(1)).mappings().one_or_none()


def link_of(connection: Connection, link_id: int, ticket_id: int) -> Row | None:
    """A link of this ticket."""
    statement = select(ticket_link).where(
        ticket_link.c.id == link_id, or_(ticket_link.c.ticket_id == ticket_id, ticket_link.c.other_id == ticket_id)
    )
    return connection.execute(statement).mappings().one_or_none()


def drop_link(connection: Connection, link_id: int) -> None:
    """Two tickets belong together no more."""
    connection.execute(delete(ticket_link).where(ticket_link.c.id == link_id))


def count_links(connection: Connection, ticket_id: int) -> int:
    """How many links a ticket has."""
    statement = select(ticket_link.c.id).where(or_(ticket_link.c.ticket_id == ticket_id, ticket_link.c.other_id == ticket_id))
    return len(list(connection.execute(statement.limit(MOST_LINKS + 1)).scalars()))


def links(connection: Connection, viewer: Viewer, ticket_id: int) -> list[Link]:
    """Tickets that belong to this one, of those that the viewer sees, as seen from it."""
    here = or_(
        and_(ticket_link.c.ticket_id == ticket_id, ticket.c.id == ticket_link.c.other_id),
        and_(ticket_link.c.other_id == ticket_id, ticket.c.id == ticket_link.c.ticket_id),
    )
    columns = (ticket_link.c.id.label("link_id"), ticket_link.c.kind, ticket_link.c.ticket_id.label("first_id"))
    statement = (
        select(*columns, ticket.c.id, ticket.c.number, ticket.c.subject, ticket.c.status)
        .join(ticket, here)
        .where(sees_ticket(viewer))
        .order_by(ticket_link.c.id)
    )
    found = []
    for row in connection.execute(statement).mappings():
        kind = LinkKind(row["kind"])
        seen = kind if row["first_id"] == ticket_id else BACK[kind]
        found.append(Link(row["link_id"], seen, TicketRef(row["id"], row["number"], row["subject"], Status(row["status"]))))
    return found


def are_split(connection: Connection, ticket_ids: list[int]) -> bool:
    """Whether one of these tickets was split from another of them."""
    statement = select(ticket_link.c.id).where(
        ticket_link.c.kind == LinkKind.SPLIT_FROM, ticket_link.c.ticket_id.in_(ticket_ids), ticket_link.c.other_id.in_(ticket_ids)
    )
    return connection.execute(statement.limit(1)).scalar() is not None


# Merges by hand.


def add_merge(connection: Connection, **values: Any) -> None:
    """Note what went over when one ticket was made part of another."""
    connection.execute(insert(ticket_merge).values(values))


def last_merge(connection: Connection, survivor_id: int) -> Row | None:
    """The latest merge into a ticket that was not taken back, with the number of the ticket that went."""
    statement = (
        select(ticket_merge, ticket.c.number)
        .join(ticket, ticket.c.id == ticket_merge.c.loser_id)
        .where(ticket_merge.c.survivor_id == survivor_id, ticket_merge.c.undone_at.is_(None))
        .order_by(ticket_merge.c.id.desc())
        .limit(1)
    )
    return connection.execute(statement).mappings().one_or_none()


def end_merge(connection: Connection, merge_id: int, now: datetime) -> None:
    """It was taken back."""
    connection.execute(update(ticket_merge).where(ticket_merge.c.id == merge_id).values(undone_at=now))
