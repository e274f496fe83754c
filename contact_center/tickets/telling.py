"""Who watches a ticket, and what they are told of it: mentions, and what happens where they watch. Only they hear of it."""

from collections.abc import Iterable

from contact_center.errors import Conflict, Forbidden, Invalid
from contact_center.model.acts import Act
from contact_center.model.desk import Notice, NoticeKind
from contact_center.model.events import DeskChanged, Event, NoticeChanged
from contact_center.model.tickets import Entry, Ticket
from contact_center.store import Connection, journal
from contact_center.store.repositories import access, notices, tickets
from contact_center.store.repositories.notices import MOST_WATCHERS

TOLD_OF = ("status", "assignee_id", "queue_id")
"""Changes that watchers are told of; whatever is said they are told of anyway."""


def publish_desk(connection: Connection, act: Act, project_id: int, ticket: Ticket) -> None:
    """Say that the desk must be read again."""
    event = Event(
        DeskChanged(ticket.id), project_id, queue_id=ticket.queue_id, contact_id=ticket.contact.id, assignee_id=ticket.assignee_id
    )
    journal.append(connection, event, at=act.now, actor_id=act.user_id)


def watch(connection: Connection, act: Act, project_id: int, ticket: Ticket, employee_id: int) -> None:
    """Let somebody who sees the ticket hear of it. Raises Conflict when too many do."""
    watching = notices.watchers(connection, ticket.id)
    if employee_id in watching:
        return
    if len(watching) >= MOST_WATCHERS:
        raise Conflict(f"At most {MOST_WATCHERS} colleagues watch one ticket.")
    notices.watch(connection, ticket.id, employee_id, act.now)
    publish_desk(connection, act, project_id, ticket)


def unwatch(connection: Connection, act: Act, project_id: int, ticket: Ticket, employee_id: int) -> None:
    """Let somebody hear of the ticket no more."""
    if notices.unwatch(connection, ticket.id, [employee_id]):
        publish_desk(connection, act, project_id, ticket)


def check_mentions(connection: Connection, project_id: int, ticket: Ticket, employee_ids: list[int]) -> list[int]:
    """Whom a note may mention: colleagues who see the ticket. Raises Invalid or Forbidden, in words."""
    wanted = list(dict.fromkeys(employee_ids))
    names = {user.id: user for user in access.users(connection, project_id) if user.id in wanted}
    for employee_id in wanted:
        user = names.get(employee_id)
        if user is None or user.disabled:
            raise Invalid("There is no such colleague to mention.", field="mentioned_ids")
        if not _sees(connection, employee_id, ticket):
            raise Forbidden("One of those you mention has no access to the ticket's queue and would not see it.", user_id=employee_id)
    return wanted


def mention(connection: Connection, act: Act, project_id: int, ticket: Ticket, entry: Entry, employee_ids: list[int]) -> None:
    """Tell those whom a note mentions; from then on they watch the ticket."""
    for employee_id in employee_ids:
        if employee_id != act.user_id:
            _tell(connection, act, project_id, employee_id, entry, NoticeKind.MENTION)
            if len(notices.watchers(connection, ticket.id)) < MOST_WATCHERS:
                notices.watch(connection, ticket.id, employee_id, act.now)
    if employee_ids:
        publish_desk(connection, act, project_id, ticket)


def tell_watchers(connection: Connection, act: Act, project_id: int, entry: Entry, besides: tuple[int, ...] = ()) -> None:
    """Tell whoever watches the ticket of an entry that was added; nobody of what they did themselves."""
    if entry.ticket_id is None or (entry.change is not None and entry.change.field not in TOLD_OF):
        return
    for employee_id in notices.watchers(connection, entry.ticket_id):
        if employee_id != act.user_id and employee_id not in besides:
            _tell(connection, act, project_id, employee_id, entry, NoticeKind.NEWS)


def tell(connection: Connection, act: Act, project_id: int, entry: Entry, employee_ids: Iterable[int], kind: NoticeKind) -> None:
    """Tell these colleagues of an entry, as far as they see its ticket."""
    ticket = tickets.find(connection, entry.ticket_id or 0)
    for employee_id in sorted(employee_ids):
        if ticket is not None and employee_id != act.user_id and _sees(connection, employee_id, ticket):
            _tell(connection, act, project_id, employee_id, entry, kind)


def read(connection: Connection, act: Act, project_id: int, employee_id: int, ticket_id: int | None = None) -> list[Notice]:
    """Somebody has opened a ticket, or has seen all there is."""
    done = notices.mark_read(connection, employee_id, act.now, ticket_id)
    for notice in done:
        _publish_notice(connection, act, project_id, employee_id, notice)
    return done


def out_of_sight(connection: Connection, act: Act, project_id: int, ticket: Ticket) -> None:
    """The ticket went elsewhere: who cannot see it any more watches it no more, and has nothing unread of it."""
    concerned = {*notices.watchers(connection, ticket.id), *notices.told(connection, ticket.id)}
    blind = sorted(employee_id for employee_id in concerned if not _sees(connection, employee_id, ticket))
    if not blind:
        return
    for employee_id in blind:
        read(connection, act, project_id, employee_id, ticket.id)
    if notices.unwatch(connection, ticket.id, blind):
        publish_desk(connection, act, project_id, ticket)


def joined(connection: Connection, act: Act, project_id: int, from_id: int, ticket: Ticket) -> None:
    """A ticket became part of this one: who watched it watches this one, and what they have not read of it is here now."""
    for employee_id, notice in notices.move(connection, from_id, ticket.id, act.now):
        _publish_notice(connection, act, project_id, employee_id, notice)
    out_of_sight(connection, act, project_id, ticket)
    publish_desk(connection, act, project_id, ticket)


def _tell(connection: Connection, act: Act, project_id: int, employee_id: int, entry: Entry, kind: NoticeKind) -> None:
    assert entry.ticket_id is not None
    made = notices.tell(
        connection,
        project_id=project_id,
        employee_id=employee_id,
        ticket_id=entry.ticket_id,
        interaction_id=entry.id,
        kind=kind,
        actor_id=act.user_id,
        at=act.now,
    )
    _publish_notice(connection, act, project_id, employee_id, made)


def _publish_notice(connection: Connection, act: Act, project_id: int, employee_id: int, notice: Notice) -> None:
    journal.append(connection, Event(NoticeChanged(notice), project_id, assignee_id=employee_id), at=act.now, actor_id=act.user_id)


def _sees(connection: Connection, employee_id: int, ticket: Ticket) -> bool:
    viewer = access.viewer_of_user(connection, employee_id)
    return viewer is not None and (viewer.sees_queue(ticket.queue_id) or ticket.assignee_id == employee_id)
