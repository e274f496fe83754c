"""Agents and offers: how one stands, what one is offered, and what supervisors arrange about it."""

from contact_center.api.context import Context
from contact_center.api.shift_schemas import AuxCodeBody, AuxCodePatchBody, OverflowBody, StateBody
from contact_center.errors import Conflict, Invalid, NotFound
from contact_center.model.acts import Act
from contact_center.model.audit import Action, Subject
from contact_center.model.events import AuxCodesChanged, Event
from contact_center.model.people import Queue, Viewer
from contact_center.model.routing import AgentNow, AuxCode
from contact_center.model.tickets import Ticket
from contact_center.model.words import StateReason
from contact_center.routing import moves, offers, queues, states
from contact_center.store import Connection, audit, journal
from contact_center.store.repositories import access, routing


async def choose_my_state(ctx: Context, body: StateBody) -> AgentNow:
    """Say whether one may be offered work. With `after_work` it begins when what one has in hand is done."""
    return await ctx.write(_choose, ctx.act(), ctx.viewer, ctx.viewer.user_id, body, StateReason.CHOSEN)


async def choose_state(ctx: Context, user_id: int, body: StateBody) -> AgentNow:
    """Put a colleague into a state, one who works in a queue that one sees."""
    return await ctx.write(_choose, ctx.act(), ctx.viewer, user_id, body, StateReason.SUPERVISOR)


async def accept_offer(ctx: Context, offer_id: int) -> Ticket:
    """Take what is offered: the ticket is one's own. 409 when the offer has ended."""
    return await ctx.write(_accept, ctx.act(), ctx.viewer, offer_id)


async def decline_offer(ctx: Context, offer_id: int) -> None:
    """Leave what is offered to somebody else. 409 when the offer has ended."""
    await ctx.write(offers.decline, ctx.act(), ctx.viewer.user_id, offer_id)


async def open_overflow(ctx: Context, queue_id: int, body: OverflowBody) -> Queue:
    """Let turns that wait too long go to another queue, for as long as is said."""
    return await ctx.write(_overflow, ctx.act(), ctx.viewer, queue_id, body)


async def aux_codes(ctx: Context) -> list[AuxCode]:
    """Every reason to take no work, retired ones too."""
    return await ctx.read(routing.codes, ctx.viewer.project_id)


async def create_aux_code(ctx: Context, body: AuxCodeBody) -> AuxCode:
    """Make a reason to take no work."""
    return await ctx.write(_create_code, ctx.act(), ctx.viewer, body)


async def change_aux_code(ctx: Context, code_id: int, body: AuxCodePatchBody) -> AuxCode:
    """Rename a reason, or retire it."""
    return await ctx.write(_change_code, ctx.act(), ctx.viewer, code_id, body)


def _choose(connection: Connection, act: Act, viewer: Viewer, user_id: int, body: StateBody, reason: StateReason) -> AgentNow:
    if user_id != viewer.user_id:
        other = access.viewer_of_user(connection, user_id, act.now)
        if other is None or other.project_id != viewer.project_id or not any(viewer.sees_queue(each) for each in other.queue_ids):
            raise NotFound
    return states.choose(connection, act, viewer.project_id, user_id, body.state, body.code_id, after_work=body.after_work, reason=reason)


def _accept(connection: Connection, act: Act, viewer: Viewer, offer_id: int) -> Ticket:
    return offers.accept(connection, act, viewer.project_id, viewer.user_id, offer_id)


def _overflow(connection: Connection, act: Act, viewer: Viewer, queue_id: int, body: OverflowBody) -> Queue:
    if not viewer.sees_queue(queue_id):
        raise NotFound
    if body.queue_id is not None and not viewer.sees_queue(body.queue_id):
        raise Invalid("There is no such queue.", field="queue_id")
    audit.note(connection, act, Action.QUEUE_CHANGED, Subject.QUEUE, queue_id, fields=["overflow"])
    until = body.until
    if until == "end_of_shift":
        until = moves.end_of_shift(connection, viewer.project_id, [queue_id], act.now)
    return queues.open_overflow(connection, act, viewer.project_id, queue_id, body.queue_id, body.after_seconds, until)


def _create_code(connection: Connection, act: Act, viewer: Viewer, body: AuxCodeBody) -> AuxCode:
    code_id = routing.add_code(connection, viewer.project_id, body.name, body.paid)
    if code_id is None:
        raise Conflict("A code of this name exists already.")
    return _publish_codes(connection, act, viewer, code_id)


def _change_code(connection: Connection, act: Act, viewer: Viewer, code_id: int, body: AuxCodePatchBody) -> AuxCode:
    known = {code.id: code for code in routing.codes(connection, viewer.project_id)}
    if code_id not in known:
        raise NotFound
    if any(code.name == body.name and code.id != code_id for code in known.values()):
        raise Conflict("A code of this name exists already.")
    values: dict[str, object] = {name: getattr(body, name) for name in ("name", "paid") if getattr(body, name) is not None}
    if body.retired is not None:
        values["retired_at"] = act.now if body.retired else None
    if values:
        routing.change_code(connection, code_id, **values)
    return _publish_codes(connection, act, viewer, code_id)


def _publish_codes(connection: Connection, act: Act, viewer: Viewer, code_id: int) -> AuxCode:
    audit.note(connection, act, Action.SETTINGS_CHANGED, Subject.AUX_CODE, code_id)
    codes = routing.codes(connection, viewer.project_id)
    journal.append(connection, Event(AuxCodesChanged(codes), viewer.project_id), at=act.now, actor_id=act.user_id)
    return next(code for code in codes if code.id == code_id)
