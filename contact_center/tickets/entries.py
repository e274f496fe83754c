"""Adding to the history and saying so: every change of a ticket passes through here."""

from datetime import datetime
from typing import Any

from contact_center.errors import NotFound
from contact_center.model import cards
from contact_center.model.acts import Act
from contact_center.model.events import Event, HistoryChanged, InteractionAdded, InteractionChanged, TicketChanged, TicketCreated
from contact_center.model.text import clean_text, preview
from contact_center.model.tickets import TEXT_LIMIT, Bucket, Change, Entry, Ticket
from contact_center.model.words import Direction, EntryKind
from contact_center.store import Connection, journal
from contact_center.store.repositories import regrouping, tickets, timeline
from contact_center.tickets import clocks, telling


def get(connection: Connection, ticket_id: int) -> Ticket:
    """A ticket that must exist. Raises NotFound."""
    ticket = tickets.find(connection, ticket_id)
    if ticket is None:
        raise NotFound
    return ticket


def lock(connection: Connection, ticket_id: int) -> Ticket:
    """A ticket that must exist and that nobody else can change until the commit. Raises NotFound."""
    ticket = tickets.lock(connection, ticket_id)
    if ticket is None:
        raise NotFound
    return ticket


def add_entry(
    connection: Connection,
    act: Act,
    *,
    project_id: int,
    contact_id: int,
    ticket: Ticket | None,
    kind: str,
    direction: Direction,
    text: str,
    queue_id: int | None = None,
    occurred_at: datetime | None = None,
    body: tuple[str, str | None, dict[str, Any]] | None = None,
    **columns: Any,
) -> Entry:
    """Insert an entry. `body` is (whole text, sanitised markup, headers). Publishes nothing yet.

    `queue_id` is for an entry without a ticket: the queue it belongs to.
    """
    text = clean_text(text)
    shown = text[:TEXT_LIMIT]
    entry = timeline.add(
        connection,
        ticket.number if ticket else None,
        project_id=project_id,
        contact_id=contact_id,
        ticket_id=ticket.id if ticket else None,
        queue_id=ticket.queue_id if ticket else queue_id,
        kind=kind,
        direction=direction,
        occurred_at=occurred_at or act.now,
        received_at=act.now,
        visible_text=shown,
        truncated=len(text) > len(shown),
        **columns,
    )
    if body is not None:
        whole, html, headers = body
        timeline.add_body(connection, entry.id, clean_text(whole), text, html, headers)
    return entry


def note_change(connection: Connection, act: Act, project_id: int, ticket: Ticket, change: Change) -> None:
    """Leave a thin line in the history: this field changed."""
    entry = add_entry(
        connection,
        act,
        project_id=project_id,
        contact_id=ticket.contact.id,
        ticket=ticket,
        kind=EntryKind.CHANGE,
        direction=Direction.INTERNAL,
        text="",
        author_id=act.user_id,
        sender_name=act.by,
        change=change,
    )
    publish_added(connection, act, project_id, entry)


def last_columns(
    ticket: Ticket | None, at: datetime, direction: Direction, kind: str, text: str, facts: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The list row's columns for an entry at `at`; empty when something later stands there already."""
    if ticket is not None and ticket.last_entry is not None and at < ticket.last_entry.at:
        return {}
    shown = {"last_preview": preview(cards.gist(facts, text)), "last_facts": cards.summary(facts)}
    return {"last_at": at, "last_direction": direction, "last_kind": kind} | shown


def bucket_of(ticket: Ticket) -> Bucket:
    """The columns by which counts are kept."""
    return Bucket(ticket.queue_id, ticket.status, ticket.assignee_id)


def publish_created(connection: Connection, act: Act, project_id: int, ticket: Ticket, *, has_past: bool = False) -> None:
    """Say that a ticket was opened; one that `has_past` was split from another."""
    ticket = clocks.keep(connection, act, project_id, None, ticket, has_past=has_past)
    event = Event(TicketCreated(ticket), project_id, queue_id=ticket.queue_id, contact_id=ticket.contact.id, assignee_id=ticket.assignee_id)
    journal.append(connection, event, at=act.now, actor_id=act.user_id)


def publish_changed(connection: Connection, act: Act, project_id: int, before: Ticket) -> Ticket:
    """Say how the ticket stands now; `before` is how it stood."""
    ticket = clocks.keep(connection, act, project_id, before, get(connection, before.id))
    event = Event(
        TicketChanged(ticket, bucket_of(before)),
        project_id,
        queue_id=ticket.queue_id,
        contact_id=ticket.contact.id,
        assignee_id=ticket.assignee_id,
        previous_queue_id=before.queue_id if before.queue_id != ticket.queue_id else None,
    )
    journal.append(connection, event, at=act.now, actor_id=act.user_id)
    return ticket


def publish_history(connection: Connection, act: Act, project_id: int, ticket: Ticket) -> None:
    """Say that histories must be read again, because the ticket's entries went to another queue: its contact's, and those of
    third people who took part."""
    for contact_id in regrouping.contacts_of(connection, ticket.id) | {ticket.contact.id}:
        event = Event(HistoryChanged(contact_id, ticket.id), project_id, contact_id=contact_id)
        journal.append(connection, event, at=act.now, actor_id=act.user_id)


def publish_added(connection: Connection, act: Act, project_id: int, entry: Entry, told: tuple[int, ...] = ()) -> None:
    """Say that an entry was added, also to whoever watches its ticket; `told` are those who hear of it anyway."""
    event = Event(InteractionAdded(entry), project_id, queue_id=entry.queue_id, contact_id=entry.contact_id)
    journal.append(connection, event, at=act.now, actor_id=act.user_id)
    telling.tell_watchers(connection, act, project_id, entry, told)


def publish_entry(connection: Connection, act: Act, project_id: int, entry_id: int, *, added: bool = False) -> Entry:
    """Read an entry again and say how it stands now, after something was appended to it."""
    entry = timeline.find(connection, entry_id)
    if entry is None:
        raise NotFound
    data = InteractionAdded(entry) if added else InteractionChanged(entry)
    event = Event(data, project_id, queue_id=entry.queue_id, contact_id=entry.contact_id)
    journal.append(connection, event, at=act.now, actor_id=act.user_id)
    if added:
        telling.tell_watchers(connection, act, project_id, entry)
    return entry
