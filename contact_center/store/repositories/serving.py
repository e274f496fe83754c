"""Which queues an agent serves now: those that were granted, and for a while those they stand in.

Who stands in somewhere sees both, and is offered work of the queues they stand in only: that is what moving somebody means.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, insert, or_, select, true
from sqlalchemy.engine import Connection

from contact_center.model.people import StandIn
from contact_center.store.schema.access import employee, queue_grant
from contact_center.store.schema.skills import stand_in


def stand_ins(connection: Connection, user_ids: Iterable[int], now: datetime | None = None) -> dict[int, tuple[StandIn, ...]]:
    """Where these employees stand in, and until when; without an instant also what is over and was not ended yet."""
    statement = select(stand_in).where(stand_in.c.employee_id.in_(list(user_ids)), _lasts(now)).order_by(stand_in.c.queue_id)
    found = defaultdict(list)
    for row in connection.execute(statement):
        found[row.employee_id].append(StandIn(row.queue_id, row.until))
    return {user_id: tuple(each) for user_id, each in found.items()}


def set_stand_ins(connection: Connection, user_id: int, queue_ids: Iterable[int], until: datetime, among: Iterable[int]) -> None:
    """Let an employee stand in exactly these of some queues until then; where else they stand in stays as it is."""
    connection.execute(delete(stand_in).where(stand_in.c.employee_id == user_id, stand_in.c.queue_id.in_(list(among))))
    rows = [{"employee_id": user_id, "queue_id": queue_id, "until": until} for queue_id in sorted(set(queue_ids))]
    if rows:
        connection.execute(insert(stand_in), rows)


def over(connection: Connection, now: datetime) -> list[tuple[int, int]]:
    """Employees who stood in somewhere until now: (project, employee)."""
    statement = select(employee.c.project_id, employee.c.id).join(stand_in, stand_in.c.employee_id == employee.c.id)
    return [(int(row[0]), int(row[1])) for row in connection.execute(statement.where(stand_in.c.until <= now).distinct())]


def end_over(connection: Connection, user_id: int, now: datetime) -> bool:
    """End what this employee stood in until now; False when it had been ended."""
    return connection.execute(delete(stand_in).where(stand_in.c.employee_id == user_id, stand_in.c.until <= now)).rowcount > 0


def offered_queues(connection: Connection, user_ids: Iterable[int], now: datetime) -> dict[int, frozenset[int]]:
    """The queues whose work is offered to these employees."""
    wanted = list(user_ids)
    found = defaultdict(set)
    for row in connection.execute(select(queue_grant).where(queue_grant.c.employee_id.in_(wanted))):
        found[row.employee_id].add(row.queue_id)
    moved = {user_id: {each.queue_id for each in each_of} for user_id, each_of in stand_ins(connection, wanted, now).items()}
    return {user_id: frozenset(queue_ids) for user_id, queue_ids in (found | moved).items()}


def is_offered(user: Any, queue: Any, now: datetime) -> ColumnElement[bool]:
    """Whether work of this queue is offered to this employee: both are columns."""
    granted = select(queue_grant.c.queue_id).where(queue_grant.c.employee_id == user, queue_grant.c.queue_id == queue).exists()
    somewhere = select(stand_in.c.queue_id).where(stand_in.c.employee_id == user, _lasts(now))
    return or_(somewhere.where(stand_in.c.queue_id == queue).exists(), and_(granted, ~somewhere.exists()))


def serves(connection: Connection, user_id: int, queue_id: int, now: datetime) -> bool:
    """Whether this employee sees this queue now by its own right, and is not switched off."""
    granted = select(queue_grant.c.queue_id).where(queue_grant.c.employee_id == user_id, queue_grant.c.queue_id == queue_id)
    moved = select(stand_in.c.queue_id).where(stand_in.c.employee_id == user_id, stand_in.c.queue_id == queue_id, _lasts(now))
    active = select(employee.c.id).where(employee.c.id == user_id, employee.c.disabled_at.is_(None))
    return connection.execute(active.where(or_(granted.exists(), moved.exists()))).first() is not None


def _lasts(now: datetime | None) -> ColumnElement[bool]:
    return true() if now is None else stand_in.c.until > now
