"""The life of a ticket: opening, status, assignee, queue, tags, priority, subject, notes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contact_center.errors import StaleVersion
from contact_center.model.acts import Act
from contact_center.model.desk import DraftKind
from contact_center.model.people import ContactRef
from contact_center.model.tickets import Change, Entry, Ticket
from contact_center.model.words import Direction, EndReason, EntryKind, Priority, Status
from contact_center.store import Connection
from contact_center.store.repositories import access, tickets
from contact_center.tickets import desk, entries, telling, turns, wrapping

DONE = (Status.RESOLVED, Status.CLOSED)
UNSET: Any = object()


@dataclass(frozen=True, slots=True)
class TicketPatch:
    """What to change; fields left UNSET stay as they are."""

    status: Status = UNSET
    assignee_id: int | None = UNSET
    queue_id: int = UNSET
    priority: Priority = UNSET
    subject: str = UNSET
    tags: tuple[str, ...] = UNSET
    snoozed_until: datetime | None = UNSET
    """Put off until then; the ticket waits, and opens again by itself."""
    next_step: str = UNSET
    reason_id: int | None = UNSET
    """Why the customer turned to us."""

    def changes(self, ticket: Ticket) -> dict[str, Any]:
        """The fields that would really change."""
        wanted = {name: getattr(self, name) for name in self.__slots__ if getattr(self, name) is not UNSET}
        return {name: value for name, value in wanted.items() if value != getattr(ticket, name)}


def open_ticket(
    connection: Connection,
    act: Act,
    *,
    project_id: int,
    contact: ContactRef,
    queue_id: int,
    subject: str,
    channel: str,
    status: Status = Status.OPEN,
    follow_up_of: int | None = None,
    at: datetime | None = None,
    **columns: Any,
) -> Ticket:
    """Insert a ticket; `columns` are what the first entry sets. The caller adds that entry and then publishes."""
    return tickets.add(
        connection,
        contact,
        project_id=project_id,
        number=access.take_ticket_number(connection, project_id),
        queue_id=queue_id,
        subject=subject,
        status=status,
        channel=channel,
        created_at=at or act.now,
        updated_at=act.now,
        resolved_at=act.now if status in DONE else None,
        follow_up_of_id=follow_up_of,
        **({"last_at": at or act.now} | columns),
    )


def change(
    connection: Connection,
    act: Act,
    project_id: int,
    ticket_id: int,
    patch: TicketPatch,
    expected_version: int | None = None,
    leaving: EndReason = EndReason.TRANSFERRED,
) -> Ticket:
    """Apply a patch, leave a line in the history for each field, keep the turn in step, publish.

    `leaving` is why the turn leaves its queue, when it goes to another.

    Raises StaleVersion when `expected_version` is given and somebody was faster.
    """
    before = entries.lock(connection, ticket_id)
    if expected_version is not None and before.version != expected_version:
        raise StaleVersion
    changes = patch.changes(before)
    if not changes:
        return before
    changes |= _left_behind(connection, act, before, changes)
    tickets.change(connection, ticket_id, act.now, **_columns(act, before, changes))
    _keep_turn(connection, act, before, changes, leaving)
    if "reason_id" in changes:
        wrapping.reason_changed(connection, act, ticket_id, changes["reason_id"])
    after = entries.get(connection, ticket_id)
    for name, value in changes.items():
        entries.note_change(connection, act, project_id, after, Change(name, getattr(before, name), value))
    if "queue_id" in changes:
        entries.publish_history(connection, act, project_id, after)
    if "queue_id" in changes or "assignee_id" in changes:
        telling.out_of_sight(connection, act, project_id, after)
    return entries.publish_changed(connection, act, project_id, before)


def _left_behind(connection: Connection, act: Act, before: Ticket, changes: dict[str, Any]) -> dict[str, Any]:
    """Who does not serve the queue that a ticket goes to leaves it behind: it would wait for somebody who is not there."""
    if "queue_id" not in changes or "assignee_id" in changes or before.assignee_id is None:
        return {}
    assignee = access.viewer_of_user(connection, before.assignee_id, act.now)
    return {} if assignee is not None and assignee.sees_queue(changes["queue_id"]) else {"assignee_id": None}


def wake_snoozed(connection: Connection, act: Act, ticket_id: int) -> bool:
    """Open a ticket that was put off until now, unless somebody has decided otherwise meanwhile; whether it woke."""
    entries.lock(connection, ticket_id)
    due = tickets.snoozed_until(connection, act.now, 1, ticket_id)
    for project_id, _ in due:
        change(connection, act, project_id, ticket_id, TicketPatch(status=Status.OPEN))
    return bool(due)


def add_note(connection: Connection, act: Act, project_id: int, ticket_id: int, text: str, mentioned_ids: tuple[int, ...] = ()) -> Entry:
    """Add a private note: seen by colleagues, never by the customer. Whom it mentions is told of it.

    Raises Invalid or Forbidden when somebody who is mentioned would not see it.
    """
    before = entries.get(connection, ticket_id)
    mentioned = telling.check_mentions(connection, project_id, before, list(mentioned_ids)) if mentioned_ids else []
    entry = entries.add_entry(
        connection,
        act,
        project_id=project_id,
        contact_id=before.contact.id,
        ticket=before,
        kind=EntryKind.NOTE,
        direction=Direction.INTERNAL,
        text=text,
        author_id=act.user_id,
        sender_name=act.by,
    )
    last = entries.last_columns(before, act.now, Direction.INTERNAL, EntryKind.NOTE, text)
    tickets.change(connection, ticket_id, act.now, **last)
    # Whoever is mentioned is told once, and not also because they watch.
    entries.publish_added(connection, act, project_id, entry, told=tuple(mentioned))
    telling.mention(connection, act, project_id, before, entry, mentioned)
    desk.answered(connection, act, project_id, before, DraftKind.NOTE)
    entries.publish_changed(connection, act, project_id, before)
    return entry


def _columns(act: Act, before: Ticket, changes: dict[str, Any]) -> dict[str, Any]:
    columns = dict(changes)
    if changes.get("snoozed_until") is not None and before.status not in DONE:
        columns.setdefault("status", Status.WAITING)
    if (status := changes.get("status")) is not None:
        columns["resolved_at"] = act.now if status in DONE else None
        if status in DONE:
            columns |= {"waiting_since": None, "next_step": ""}
    if "tags" in columns:
        columns["tags"] = list(columns["tags"])
    return columns


def _keep_turn(connection: Connection, act: Act, before: Ticket, changes: dict[str, Any], leaving: EndReason) -> None:
    if changes.get("status") in DONE:
        turns.end(connection, act, before.id, EndReason.NO_REPLY_NEEDED)
        return
    if "queue_id" in changes:
        turns.transferred(connection, act, before, changes["queue_id"], leaving)
    if "assignee_id" in changes:
        turns.assigned(connection, act, before.id, changes["assignee_id"])
