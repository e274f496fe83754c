"""Macros, and carrying out actions: on one ticket or on many, each in a unit of its own."""

from typing import Any

import orjson

from contact_center.api.answers import BulkLine, Performed, Refusal
from contact_center.api.context import Context, Replayed
from contact_center.api.handlers.views import check_own, check_sharing, readable
from contact_center.api.rules_schemas import ActionsBody, BulkBody, MacroBody, MacroPatchBody
from contact_center.errors import ContactCenterError, Invalid, NotFound, Unavailable
from contact_center.model import actions
from contact_center.model.acts import Act
from contact_center.model.audit import Action, Subject
from contact_center.model.people import Viewer
from contact_center.model.views import Macro
from contact_center.model.words import Sharing
from contact_center.store import Connection, audit
from contact_center.store.repositories import views as stored
from contact_center.tickets import acting
from contact_center.tickets.replies import Sending


async def list_macros(ctx: Context) -> list[Macro]:
    """Macros: one's own and those that are shared with one."""
    return await ctx.read(stored.macros, ctx.viewer)


async def create_macro(ctx: Context, body: MacroBody) -> Macro:
    """Keep a macro. Supervisors may share theirs."""
    return await ctx.write(_create, ctx.act(), ctx.viewer, body)


async def change_macro(ctx: Context, macro_id: int, body: MacroPatchBody) -> Macro:
    """Change a macro."""
    return await ctx.write(_change, ctx.act(), ctx.viewer, macro_id, body)


async def delete_macro(ctx: Context, macro_id: int) -> None:
    """Drop a macro; what was done with it stays done."""
    await ctx.write(_delete, ctx.act(), ctx.viewer, macro_id)


async def preview_actions(ctx: Context, ticket_id: int, body: ActionsBody) -> Performed:
    """What actions would do to a ticket: they are carried out and taken back at once, so that the answer is what would really happen."""
    try:
        await ctx.write(_try_out, ctx.act(), ctx.services.sending, ctx.viewer, ticket_id, body)
    except _Tried as tried:
        return tried.performed
    raise AssertionError


async def perform_actions(ctx: Context, ticket_id: int, body: ActionsBody) -> Performed:
    """Carry out actions on a ticket: all of them or none."""
    return await ctx.write(_perform, ctx.act(), ctx.services.sending, ctx.viewer, ticket_id, body)


async def perform_in_bulk(ctx: Context, body: BulkBody) -> list[BulkLine]:
    """Carry out actions on many tickets, each in a unit of its own: what one refuses stops no other. A repetition with the same
    Idempotency-Key goes on where the first one ended, and does nothing twice."""
    await ctx.read(_wanted, ctx.viewer, body)  # what is wrong with the request itself is refused once
    found: list[BulkLine] = []
    for ticket_id in dict.fromkeys(body.ticket_ids):
        try:
            await ctx.write_part(str(ticket_id), _perform, ctx.act(), ctx.services.sending, ctx.viewer, ticket_id, body)
            found.append(BulkLine(ticket_id, None))
        except Replayed as earlier:
            assert orjson.loads(earlier.body)["ticket"]["id"]
            found.append(BulkLine(ticket_id, None))
        except Unavailable:
            raise
        except ContactCenterError as error:
            found.append(BulkLine(ticket_id, Refusal(error.code, error.message)))
    return found


class _Tried(Exception):
    """Ends a unit of work that was only to be tried."""

    def __init__(self, performed: Performed) -> None:
        self.performed = performed


def _try_out(connection: Connection, act: Act, sending: Sending, viewer: Viewer, ticket_id: int, body: ActionsBody) -> None:
    raise _Tried(_perform(connection, act, sending, viewer, ticket_id, body))


def _perform(connection: Connection, act: Act, sending: Sending, viewer: Viewer, ticket_id: int, body: ActionsBody) -> Performed:
    done = acting.perform(connection, act, sending, viewer, ticket_id, _wanted(connection, viewer, body))
    return Performed(done.ticket, list(done.effects))


def _wanted(connection: Connection, viewer: Viewer, body: ActionsBody) -> Any:
    """The actions that are asked for, by themselves or by a macro's name. Raises Invalid and NotFound."""
    if (body.actions is None) == (body.macro_id is None):
        raise Invalid("Either actions or a macro.", field="actions")
    document: Any = body.actions if body.macro_id is None else _found(connection, viewer, body.macro_id).actions
    return readable(document, "actions", actions.parse)


def _create(connection: Connection, act: Act, viewer: Viewer, body: MacroBody) -> Macro:
    wanted = readable(body.actions, "actions", actions.parse)
    check_sharing(connection, viewer, body.sharing, body.queue_id)
    own = sum(each.owner_id == viewer.user_id for each in stored.macros(connection, viewer))
    if own >= stored.MOST_OWN:
        raise Invalid(f"At most {stored.MOST_OWN} macros: drop one first.")
    macro_id = stored.add_macro(
        connection,
        project_id=viewer.project_id,
        owner_id=viewer.user_id,
        sharing=body.sharing,
        queue_id=body.queue_id,
        name=body.name,
        actions=actions.as_json(wanted),
        changed_at=act.now,
    )
    if body.sharing is not Sharing.OWN:
        audit.note(connection, act, Action.SETTINGS_CHANGED, Subject.MACRO, macro_id)
    return _found(connection, viewer, macro_id)


def _change(connection: Connection, act: Act, viewer: Viewer, macro_id: int, body: MacroPatchBody) -> Macro:
    macro = _found(connection, viewer, macro_id)
    check_own(viewer, macro)
    values: dict[str, Any] = {} if body.name is None else {"name": body.name}
    if body.actions is not None:
        values["actions"] = actions.as_json(readable(body.actions, "actions", actions.parse))
    if body.sharing is not None or body.queue_id is not None:
        check_sharing(connection, viewer, body.sharing, body.queue_id)
        values |= {"sharing": body.sharing, "queue_id": body.queue_id}
        if body.sharing is Sharing.OWN:
            values["owner_id"] = viewer.user_id
    stored.change_macro(connection, macro_id, **values, changed_at=act.now)
    if Sharing.OWN not in (macro.sharing, values.get("sharing", macro.sharing)):
        audit.note(connection, act, Action.SETTINGS_CHANGED, Subject.MACRO, macro_id, fields=sorted(values))
    return _found(connection, viewer, macro_id)


def _delete(connection: Connection, act: Act, viewer: Viewer, macro_id: int) -> None:
    macro = _found(connection, viewer, macro_id)
    check_own(viewer, macro)
    stored.remove_macro(connection, macro_id)
    if macro.sharing is not Sharing.OWN:
        audit.note(connection, act, Action.SETTINGS_CHANGED, Subject.MACRO, macro_id)


def _found(connection: Connection, viewer: Viewer, macro_id: int) -> Macro:
    macro = stored.find_macro(connection, viewer, macro_id)
    if macro is None:
        raise NotFound
    return macro
