"""Writing up what was answered: what agents say of it, and the reasons and dispositions there are to choose from."""

from contact_center.api.agents_schemas import DispositionBody, DispositionPatchBody, ReasonBody, ReasonPatchBody, WriteUpBody
from contact_center.api.context import Context
from contact_center.errors import Conflict, Invalid, NotFound
from contact_center.model.acts import Act
from contact_center.model.audit import Action, Subject
from contact_center.model.events import ContactReasonsChanged, DispositionsChanged, Event
from contact_center.model.people import Viewer
from contact_center.model.shift import MOST_LEVELS, ContactReason, Disposition, WrapUp
from contact_center.routing import wrap_ups
from contact_center.routing.wrap_ups import WriteUp
from contact_center.store import Connection, audit, journal
from contact_center.store.repositories import reasons


async def write_up(ctx: Context, wrap_up_id: int, body: WriteUpBody) -> WrapUp:
    """Say what a stay was about and what came of it; with `done` the wrap-up ends. 409 when it has ended."""
    given = {name: getattr(body, name) for name in body.model_fields_set}
    return await ctx.write(wrap_ups.write_up, ctx.act(), ctx.viewer.project_id, ctx.viewer.user_id, wrap_up_id, WriteUp(**given))


async def contact_reasons(ctx: Context) -> list[ContactReason]:
    """Every contact reason, retired ones too."""
    return await ctx.read(reasons.reasons, ctx.viewer.project_id)


async def create_contact_reason(ctx: Context, body: ReasonBody) -> ContactReason:
    """Make a contact reason, at the top or below another; three levels at most."""
    return await ctx.write(_create_reason, ctx.act(), ctx.viewer, body)


async def change_contact_reason(ctx: Context, reason_id: int, body: ReasonPatchBody) -> ContactReason:
    """Rename a contact reason, or retire it with all below it."""
    return await ctx.write(_change_reason, ctx.act(), ctx.viewer, reason_id, body)


async def dispositions(ctx: Context) -> list[Disposition]:
    """Every disposition, retired ones too."""
    return await ctx.read(reasons.dispositions, ctx.viewer.project_id)


async def create_disposition(ctx: Context, body: DispositionBody) -> Disposition:
    """Make a disposition."""
    return await ctx.write(_create_disposition, ctx.act(), ctx.viewer, body)


async def change_disposition(ctx: Context, disposition_id: int, body: DispositionPatchBody) -> Disposition:
    """Rename a disposition, or retire it."""
    return await ctx.write(_change_disposition, ctx.act(), ctx.viewer, disposition_id, body)


def _create_reason(connection: Connection, act: Act, viewer: Viewer, body: ReasonBody) -> ContactReason:
    known = {reason.id: reason for reason in reasons.reasons(connection, viewer.project_id)}
    levels, above = 1, body.parent_id
    while above is not None:
        if above not in known:
            raise Invalid("There is no such contact reason.", field="parent_id")
        levels, above = levels + 1, known[above].parent_id
    if levels > MOST_LEVELS:
        raise Invalid("Contact reasons have three levels at most.", field="parent_id")
    reason_id = reasons.add_reason(connection, viewer.project_id, body.name, body.parent_id)
    if reason_id is None:
        raise Conflict("A contact reason of this name exists already.")
    return _publish_reasons(connection, act, viewer, reason_id)


def _change_reason(connection: Connection, act: Act, viewer: Viewer, reason_id: int, body: ReasonPatchBody) -> ContactReason:
    known = {reason.id: reason for reason in reasons.reasons(connection, viewer.project_id)}
    if reason_id not in known:
        raise NotFound
    beside = [each for each in known.values() if each.parent_id == known[reason_id].parent_id and each.id != reason_id]
    if any(each.name == body.name for each in beside):
        raise Conflict("A contact reason of this name exists already.")
    values: dict[str, object] = {} if body.name is None else {"name": body.name}
    if body.retired is not None:
        values["retired_at"] = act.now if body.retired else None
    if values:
        reasons.change_reason(connection, reason_id, **values)
    return _publish_reasons(connection, act, viewer, reason_id)


def _publish_reasons(connection: Connection, act: Act, viewer: Viewer, reason_id: int) -> ContactReason:
    audit.note(connection, act, Action.SETTINGS_CHANGED, Subject.CONTACT_REASON, reason_id)
    all_of_them = reasons.reasons(connection, viewer.project_id)
    journal.append(connection, Event(ContactReasonsChanged(all_of_them), viewer.project_id), at=act.now, actor_id=act.user_id)
    return next(each for each in all_of_them if each.id == reason_id)


def _create_disposition(connection: Connection, act: Act, viewer: Viewer, body: DispositionBody) -> Disposition:
    disposition_id = reasons.add_disposition(connection, viewer.project_id, body.name)
    if disposition_id is None:
        raise Conflict("A disposition of this name exists already.")
    return _publish_dispositions(connection, act, viewer, disposition_id)


def _change_disposition(connection: Connection, act: Act, viewer: Viewer, disposition_id: int, body: DispositionPatchBody) -> Disposition:
    known = {each.id: each for each in reasons.dispositions(connection, viewer.project_id)}
    if disposition_id not in known:
        raise NotFound
    if any(each.name == body.name and each.id != disposition_id for each in known.values()):
        raise Conflict("A disposition of this name exists already.")
    values: dict[str, object] = {} if body.name is None else {"name": body.name}
    if body.retired is not None:
        values["retired_at"] = act.now if body.retired else None
    if values:
        reasons.change_disposition(connection, disposition_id, **values)
    return _publish_dispositions(connection, act, viewer, disposition_id)


def _publish_dispositions(connection: Connection, act: Act, viewer: Viewer, disposition_id: int) -> Disposition:
    audit.note(connection, act, Action.SETTINGS_CHANGED, Subject.DISPOSITION, disposition_id)
    all_of_them = reasons.dispositions(connection, viewer.project_id)
    journal.append(connection, Event(DispositionsChanged(all_of_them), viewer.project_id), at=act.now, actor_id=act.user_id)
    return next(each for each in all_of_them if each.id == disposition_id)
