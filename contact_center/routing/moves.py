"""Who serves other queues for a while, and until when "the end of the shift" is."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from contact_center.errors import Invalid, NotFound
from contact_center.model.acts import Act
from contact_center.model.events import AccessChanged, Event, UserChanged
from contact_center.model.people import User
from contact_center.store import Connection, journal
from contact_center.store.repositories import access, hours, routing, serving


def end_of_shift(connection: Connection, project_id: int, queue_ids: Iterable[int], now: datetime) -> datetime:
    """When the last of these queues closes today, by its calendar; without one, or after it, the next midnight of the project."""
    closing = [end for queue_id in queue_ids if (calendar := hours.of_queue(connection, queue_id)) and (end := calendar.closing(now))]
    if closing:
        return max(closing)
    known = hours.calendars(connection, project_id)
    zone = ZoneInfo(known[0].hours.timezone) if known else ZoneInfo("UTC")
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(0), zone).astimezone(UTC)


def stand_in(
    connection: Connection, act: Act, project_id: int, user_id: int, queue_ids: list[int], until: datetime, among: Iterable[int]
) -> User:
    """Let an employee serve these queues until then, and be offered their work only; no queues: they are back in their own.
    Only what they do `among` these queues is changed: a colleague may have asked them elsewhere.

    Raises Invalid for what is over already.
    """
    if queue_ids and until <= act.now:
        raise Invalid("This is over already.", field="until")
    routing.hold_agent(connection, user_id)
    serving.set_stand_ins(connection, user_id, queue_ids, until, among)
    return _published(connection, act, project_id, user_id)


def move(connection: Connection, act: Act, project_id: int, user_id: int, queue_ids: list[int], leaving: Iterable[int]) -> User:
    """Let an employee serve these queues for good instead of those they leave, where they stand in no more either."""
    routing.hold_agent(connection, user_id)
    left = set(leaving)
    stay = [each for each in access.grants(connection, user_id) if each not in left]
    access.set_grants(connection, user_id, [*stay, *queue_ids])
    serving.set_stand_ins(connection, user_id, [], act.now, {*left, *queue_ids})
    return _published(connection, act, project_id, user_id)


def end_over(connection: Connection, act: Act, project_id: int, user_id: int) -> None:
    """What somebody stood in until now is over."""
    routing.hold_agent(connection, user_id)
    if serving.end_over(connection, user_id, act.now):
        _published(connection, act, project_id, user_id)


def _published(connection: Connection, act: Act, project_id: int, user_id: int) -> User:
    user = access.find_user(connection, project_id, user_id)
    if user is None:
        raise NotFound
    journal.append(connection, Event(UserChanged(user), project_id), at=act.now, actor_id=act.user_id)
    changed = Event(AccessChanged(user_id), project_id, assignee_id=user_id)
    journal.append(connection, changed, at=act.now, actor_id=act.user_id)
    return user
