"""Carrying out a list of actions on a ticket: all of them or none, in the unit of work of whoever asks, with their rights."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from contact_center.errors import Forbidden, Invalid, NotFound
from contact_center.model.actions import ASSIGNEE, Action, Do
from contact_center.model.acts import Act
from contact_center.model.conditions import ME, NOBODY
from contact_center.model.people import Viewer
from contact_center.model.tickets import Ticket
from contact_center.model.words import Priority, Status
from contact_center.store import Connection
from contact_center.store.repositories import access, canned, reasons, tickets
from contact_center.tickets import entries, filling, handing_over, lifecycle, replies, unattended
from contact_center.tickets.lifecycle import TicketPatch
from contact_center.tickets.replies import Draft, Sending

MOST_TAGS = 50


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that became of it."""

    field: str
    """A field of the ticket, or note, or reply."""
    before: Any = None
    after: Any = None
    """What the field is now, or the text that was written."""
    entry_id: int | None = None
    """Of a note or a reply."""


@dataclass(frozen=True, slots=True)
class Done:
    """What was done to a ticket."""

    ticket: Ticket
    effects: tuple[Effect, ...]


def perform(connection: Connection, act: Act, sending: Sending, viewer: Viewer, ticket_id: int, actions: tuple[Action, ...]) -> Done:
    """Carry the actions out on a ticket that the viewer sees. Where a rule acts nobody wrote what is sent: it is marked automatic, ends no
    turn, and goes out only where an automatic message may.

    Raises NotFound for a ticket out of sight, Forbidden or Invalid for what may not or cannot be done; then nothing was.
    """
    seen = tickets.visible(connection, viewer, ticket_id)
    if seen is None:
        raise NotFound
    before = entries.lock(connection, seen.id)
    if before.merged_into is not None:
        raise NotFound
    wanted = {each.do: each.value for each in actions}
    effects: list[Effect] = []
    patch = _patch(connection, act, viewer, before, wanted)
    if act.user_id is not None:
        handing_over.check(connection, act.user_id, before, patch, wanted.get(Do.ADD_NOTE, ""))
    if (text := wanted.get(Do.ADD_NOTE)) is not None:
        filled = filling.fill(connection, viewer, before, text)
        told = _told(before, patch, wanted.get(Do.MENTION, ()))
        note = lifecycle.add_note(connection, act, viewer.project_id, before.id, filled, told)
        effects.append(Effect("note", after=note.text, entry_id=note.id))
    if (reply_id := wanted.get(Do.SEND_REPLY)) is not None:
        effects.append(_reply(connection, act, sending, viewer, before, reply_id, patch))
    between = entries.get(connection, before.id)
    changed = TicketPatch(**patch).changes(between)
    after = lifecycle.change(connection, act, viewer.project_id, before.id, TicketPatch(**patch)) if changed else between
    fields = ("status", "assignee_id", "queue_id", "priority", "tags", "snoozed_until", "next_step")
    moved = [Effect(name, getattr(before, name), getattr(after, name)) for name in fields if getattr(before, name) != getattr(after, name)]
    return Done(after, (*moved, *effects))


def _told(ticket: Ticket, patch: dict[str, Any], wanted: tuple[Any, ...]) -> tuple[int, ...]:
    """Whom the note mentions; where nobody is responsible nobody is told."""
    owner = patch.get("assignee_id", ticket.assignee_id)
    found = [owner if each == ASSIGNEE else each for each in wanted]
    return tuple(dict.fromkeys(each for each in found if each is not None))


def check_assignee(connection: Connection, viewer: Viewer, user_id: int, queue_id: int) -> None:
    """Work goes to colleagues who may see it; anybody may take what they see. Raises Invalid or Forbidden."""
    other = access.viewer_of_user(connection, user_id)
    if other is None or other.project_id != viewer.project_id:
        raise Invalid("There is no such employee.", field="assignee_id")
    if other.user_id != viewer.user_id and not other.sees_queue(queue_id):
        raise Forbidden("This colleague has no access to the ticket's queue.")


def _patch(connection: Connection, act: Act, viewer: Viewer, ticket: Ticket, wanted: dict[Do, Any]) -> dict[str, Any]:
    patch: dict[str, Any] = {}
    if Do.SET_STATUS in wanted:
        patch["status"] = Status(wanted[Do.SET_STATUS])
    if Do.SET_PRIORITY in wanted:
        patch["priority"] = Priority(wanted[Do.SET_PRIORITY])
    if Do.SET_QUEUE in wanted:
        if access.find_queue(connection, viewer.project_id, wanted[Do.SET_QUEUE]) is None:
            raise Invalid("There is no such queue.", field="queue_id")
        patch["queue_id"] = wanted[Do.SET_QUEUE]
    if Do.SET_ASSIGNEE in wanted:
        patch["assignee_id"] = _assignee(connection, viewer, wanted[Do.SET_ASSIGNEE], patch.get("queue_id", ticket.queue_id))
    if Do.SET_REASON in wanted:
        if not reasons.is_reason(connection, viewer.project_id, wanted[Do.SET_REASON]):
            raise Invalid("There is no such contact reason.", field="reason_id")
        patch["reason_id"] = wanted[Do.SET_REASON]
    if Do.ADD_TAGS in wanted or Do.REMOVE_TAGS in wanted:
        dropped = wanted.get(Do.REMOVE_TAGS, ())
        patch["tags"] = tuple(dict.fromkeys([*(tag for tag in ticket.tags if tag not in dropped), *wanted.get(Do.ADD_TAGS, ())]))
        if len(patch["tags"]) > MOST_TAGS:
            raise Invalid(f"A ticket has at most {MOST_TAGS} tags.", field="tags")
    if Do.SNOOZE in wanted:
        patch["snoozed_until"] = act.now + timedelta(minutes=wanted[Do.SNOOZE])
    if Do.SET_NEXT_STEP in wanted:
        patch["next_step"] = wanted[Do.SET_NEXT_STEP]
    return patch


def _assignee(connection: Connection, viewer: Viewer, value: Any, queue_id: int) -> int | None:
    if value == NOBODY:
        return None
    user_id = viewer.user_id if value == ME else int(value)
    check_assignee(connection, viewer, user_id, queue_id)
    return user_id


def _reply(
    connection: Connection, act: Act, sending: Sending, viewer: Viewer, ticket: Ticket, reply_id: int, patch: dict[str, Any]
) -> Effect:
    text = canned.find(connection, viewer, reply_id)
    if text is None or (text.queue_id is not None and text.queue_id != ticket.queue_id):
        raise Invalid("There is no such text for this ticket.", field="send_reply")
    filled = filling.fill(connection, viewer, ticket, text.text)
    if act.by:
        entry = unattended.send(connection, act, sending, viewer.project_id, ticket, filled)
    else:
        status = patch.get("status", Status.WAITING)
        entry = replies.reply(connection, act, sending, viewer.project_id, ticket.id, Draft(filled, status=status))
    return Effect("reply", after=filled, entry_id=entry.id)
