"""What supervisors arrange until the end of the shift: who serves other queues."""

from datetime import datetime

from contact_center.api.agents_schemas import StandInBody
from contact_center.api.context import Context
from contact_center.api.handlers.skills import check_colleague
from contact_center.errors import Forbidden, Invalid
from contact_center.model.acts import Act
from contact_center.model.audit import Action, Subject
from contact_center.model.people import User, Viewer
from contact_center.routing import moves
from contact_center.store import Connection, audit
from contact_center.store.repositories import access, serving


async def move_agent(ctx: Context, user_id: int, body: StandInBody) -> User:
    """Let a colleague serve other queues than their own: until an instant, to the end of the shift, or for good."""
    return await ctx.write(_move, ctx.act(), ctx.viewer, user_id, body)


def _move(connection: Connection, act: Act, viewer: Viewer, user_id: int, body: StandInBody) -> User:
    check_colleague(connection, viewer, user_id)
    queue_ids = sorted(set(body.queue_ids))
    seen = {queue.id for queue in access.queues(connection, viewer.project_id) if viewer.sees_queue(queue.id)}
    if not set(queue_ids) <= seen:
        raise Invalid("There is no such queue.", field="queue_ids")
    # What one has for a while oneself, one lends for as long at most.
    lent = {} if viewer.sees_all else _lent(connection, viewer, act.now)
    if body.until == "for_good":
        if not queue_ids:
            raise Invalid("Say where to.", field="queue_ids")
        if lent.keys() & set(queue_ids):
            raise Forbidden("You stand in there for a while yourself: nobody can be moved there for good by you.")
        audit.note(connection, act, Action.EMPLOYEE_CHANGED, Subject.EMPLOYEE, user_id, fields=["queue_ids"], queue_ids=queue_ids)
        return moves.move(connection, act, viewer.project_id, user_id, queue_ids, leaving=seen - lent.keys())
    shift = body.until if isinstance(body.until, datetime) else moves.end_of_shift(connection, viewer.project_id, queue_ids, act.now)
    until = min([shift, *(lent[each] for each in queue_ids if each in lent)])
    audit.note(connection, act, Action.EMPLOYEE_CHANGED, Subject.EMPLOYEE, user_id, fields=["stand_ins"], queue_ids=queue_ids)
    return moves.stand_in(connection, act, viewer.project_id, user_id, queue_ids, until, among=seen)


def _lent(connection: Connection, viewer: Viewer, now: datetime) -> dict[int, datetime]:
    """The queues that the viewer serves for a while only, and until when."""
    granted = access.grants(connection, viewer.user_id)
    moved = serving.stand_ins(connection, (viewer.user_id,), now).get(viewer.user_id, ())
    return {each.queue_id: each.until for each in moved if each.queue_id not in granted}
