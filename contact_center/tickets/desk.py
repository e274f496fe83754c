"""What stands beside a ticket: what became of drafts, notes of hand-over, links. Works inside the caller's unit of work."""

from contact_center.errors import Conflict, NotFound
from contact_center.model.acts import Act
from contact_center.model.desk import BACK, DraftKind, LinkKind
from contact_center.model.tickets import Change, Ticket
from contact_center.store import Connection
from contact_center.store.repositories import desk, drafts
from contact_center.store.repositories.desk import MOST_LINKS
from contact_center.tickets import entries, telling


def answered(connection: Connection, act: Act, project_id: int, ticket: Ticket, kind: DraftKind = DraftKind.REPLY) -> None:
    """Somebody answered, or added a note: what they had drafted is sent, and an answer ends a hand-over."""
    changed = False
    row = drafts.find(connection, ticket.id, act.user_id, kind) if act.user_id is not None else None
    if row is not None and row["ended_at"] is None:
        end = {
            "text": "",
            "recipients": {},
            "attachment_ids": [],
            "version": row["version"] + 1,
            "updated_at": act.now,
            "ended_at": act.now,
        }
        drafts.change(connection, row["id"], **end)
        changed = True
    if kind is DraftKind.REPLY:
        changed |= desk.end_handover(connection, ticket.id, act.now)
    if changed:
        telling.publish_desk(connection, act, project_id, ticket)


# Hand-over.


def dismiss_handover(connection: Connection, act: Act, project_id: int, ticket: Ticket) -> None:
    """Whoever took the ticket has read the note."""
    if desk.end_handover(connection, ticket.id, act.now):
        telling.publish_desk(connection, act, project_id, ticket)


# Links.


def link(connection: Connection, act: Act, project_id: int, ticket: Ticket, other: Ticket, kind: LinkKind) -> None:
    """Say how a ticket stands to another, in the history of both. Raises Conflict when they are linked already."""
    if ticket.id == other.id:
        raise Conflict("A ticket cannot be linked to itself.")
    # In one order whoever asks, so that two people who link the same pair meet here.
    for each in sorted((ticket.id, other.id)):
        entries.lock(connection, each)
    if desk.link_between(connection, ticket.id, other.id) is not None:
        raise Conflict("These tickets are linked already.")
    if desk.count_links(connection, ticket.id) >= MOST_LINKS or desk.count_links(connection, other.id) >= MOST_LINKS:
        raise Conflict(f"A ticket has at most {MOST_LINKS} links.")
    desk.add_link(connection, project_id, ticket.id, other.id, kind, act.user_id, act.now)
    _note_link(connection, act, project_id, ticket, other, kind)


def unlink(connection: Connection, act: Act, project_id: int, ticket: Ticket, link_id: int) -> None:
    """Two tickets belong together no more. Raises NotFound for a link of others, Conflict for one that is a fact."""
    row = desk.link_of(connection, link_id, ticket.id)
    if row is None:
        raise NotFound
    kind = LinkKind(row["kind"])
    if kind is LinkKind.SPLIT_FROM:
        raise Conflict("That one ticket was split from another is a fact, and stays.")
    is_first = row["ticket_id"] == ticket.id
    other = entries.get(connection, row["other_id"] if is_first else row["ticket_id"])
    desk.drop_link(connection, link_id)
    _note_link(connection, act, project_id, ticket, other, kind if is_first else BACK[kind], gone=True)


def _note_link(
    connection: Connection, act: Act, project_id: int, ticket: Ticket, other: Ticket, kind: LinkKind, *, gone: bool = False
) -> None:
    for this, that, word in ((ticket, other, kind), (other, ticket, BACK[kind])):
        # Only the number: whoever may not see the other ticket learns nothing of it.
        said: list[str | None] = [None, f"#{that.number}"]
        before, after = reversed(said) if gone else said
        entries.note_change(connection, act, project_id, this, Change(f"link_{word}", before, after))
        telling.publish_desk(connection, act, project_id, this)
