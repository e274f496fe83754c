"""Writing up what was answered: a short time after each stay in which whoever answered is offered nothing else."""

from dataclasses import replace
from datetime import timedelta

from contact_center.model.acts import Act
from contact_center.model.events import Event, WrapUpChanged
from contact_center.model.shift import WrapUp
from contact_center.model.words import WrapEnd
from contact_center.store import Connection, journal
from contact_center.store.repositories import access, handling


def begin(connection: Connection, act: Act, segment_id: int, queue_id: int, agent_id: int | None) -> None:
    """Whoever has just answered or settled what was theirs writes it up, where the queue gives time for it."""
    if agent_id is None or agent_id != act.user_id:
        return
    seconds = handling.wrap_seconds(connection, queue_id)
    if seconds:
        publish(connection, act, handling.begin_wrap(connection, segment_id, act.now + timedelta(seconds=seconds)))


def end(connection: Connection, act: Act, wrap: WrapUp) -> bool:
    """It is done by hand; False when it had ended already."""
    at = min(act.now, wrap.until)
    if not handling.end_wrap(connection, wrap, WrapEnd.DONE, at):
        return False
    publish(connection, act, replace(wrap, end=WrapEnd.DONE, until=at))
    return True


def time_up(connection: Connection, act: Act, segment_id: int) -> None:
    """The clock ends it, at its very second; what the queue wanted and nobody said is noted as not given."""
    wrap = handling.find_wrap(connection, segment_id)
    if wrap is None:
        return
    how = WrapEnd.NOT_GIVEN if missing(connection, wrap) else WrapEnd.TIME_UP
    if handling.end_wrap(connection, wrap, how, wrap.until):
        publish(connection, act, replace(wrap, end=how))


def called_back(connection: Connection, act: Act, segment_id: int) -> None:
    """The answer was called back: what it was about stays, and the time that was spent on it."""
    wrap = handling.find_wrap(connection, segment_id)
    if wrap is not None and handling.end_wrap(connection, wrap, None, min(act.now, wrap.until)):
        publish(connection, act, replace(wrap, until=min(act.now, wrap.until), called_back=True))


def reason_changed(connection: Connection, act: Act, ticket_id: int, reason_id: int | None) -> None:
    """Who writes a stay up says in the ticket's header, too, what it was about."""
    for wrap in handling.wraps_of_ticket(connection, ticket_id):
        handling.note(connection, wrap.id, reason_id=reason_id)
        publish(connection, act, replace(wrap, reason_id=reason_id))


def missing(connection: Connection, wrap: WrapUp) -> str:
    """The field that the queue wants and nobody has given yet; empty when nothing is missing."""
    queue = access.find_queue(connection, handling.project_of_stay(connection, wrap.id), wrap.queue_id)
    if queue is not None and queue.wants_reason and wrap.reason_id is None:
        return "reason_id"
    if queue is not None and queue.wants_disposition and wrap.disposition_id is None:
        return "disposition_id"
    return ""


def publish(connection: Connection, act: Act, wrap: WrapUp) -> None:
    """Say how a wrap-up stands to whose it is, and to those who see the queue."""
    project_id = access.project_of_queue(connection, wrap.queue_id)
    event = Event(WrapUpChanged(wrap), project_id, queue_id=wrap.queue_id, assignee_id=wrap.agent_id)
    journal.append(connection, event, at=act.now, actor_id=act.user_id)
