"""Canned replies: kept by supervisors, filled in for a ticket by whoever writes."""

from typing import Any

from contact_center.api.answers import FilledText
from contact_center.api.context import Context
from contact_center.api.shift_schemas import CannedBody, CannedPatchBody
from contact_center.errors import Conflict, Invalid, NotFound
from contact_center.model import canned
from contact_center.model.acts import Act
from contact_center.model.audit import Action, Subject
from contact_center.model.canned import CannedReply
from contact_center.model.people import Viewer
from contact_center.store import Connection, audit
from contact_center.store.repositories import access, tickets
from contact_center.store.repositories import canned as stored
from contact_center.tickets import filling


async def canned_replies(ctx: Context) -> list[CannedReply]:
    """Texts that are written often: for all queues, and for those one sees."""
    return await ctx.read(stored.replies, ctx.viewer)


async def create_canned_reply(ctx: Context, body: CannedBody) -> CannedReply:
    """Keep a text. A variable that there is not is refused."""
    return await ctx.write(_create, ctx.act(), ctx.viewer, body)


async def change_canned_reply(ctx: Context, canned_reply_id: int, body: CannedPatchBody) -> CannedReply:
    """Change a text. `queue_id: null` offers it in all queues."""
    return await ctx.write(_change, ctx.act(), ctx.viewer, canned_reply_id, body)


async def delete_canned_reply(ctx: Context, canned_reply_id: int) -> None:
    """Drop a text; letters that were written with it stay as they are."""
    await ctx.write(_delete, ctx.act(), ctx.viewer, canned_reply_id)


async def fill_in(ctx: Context, ticket_id: int, canned_reply_id: int) -> FilledText:
    """The text with its variables filled in for a ticket. A variable without a value is an error (422): no letter goes out with a gap."""
    return await ctx.read(_fill, ctx.viewer, ticket_id, canned_reply_id)


def _create(connection: Connection, act: Act, viewer: Viewer, body: CannedBody) -> CannedReply:
    _check(connection, viewer, body.text, body.queue_id)
    reply_id = stored.add(connection, viewer.project_id, body.title, body.text, body.queue_id, act.now)
    if reply_id is None:
        raise Conflict("A text of this title exists already.")
    audit.note(connection, act, Action.SETTINGS_CHANGED, Subject.CANNED_REPLY, reply_id)
    return _found(connection, viewer, reply_id)


def _change(connection: Connection, act: Act, viewer: Viewer, reply_id: int, body: CannedPatchBody) -> CannedReply:
    _found(connection, viewer, reply_id)
    values: dict[str, Any] = {name: getattr(body, name) for name in ("title", "text") if getattr(body, name) is not None}
    if "queue_id" in body.model_fields_set:
        values["queue_id"] = body.queue_id
    _check(connection, viewer, values.get("text", ""), values.get("queue_id"))
    if "title" in values and stored.title_taken(connection, viewer.project_id, values["title"], reply_id):
        raise Conflict("A text of this title exists already.")
    stored.change(connection, reply_id, **values, changed_at=act.now)
    audit.note(connection, act, Action.SETTINGS_CHANGED, Subject.CANNED_REPLY, reply_id, fields=sorted(values))
    return _found(connection, viewer, reply_id)


def _delete(connection: Connection, act: Act, viewer: Viewer, reply_id: int) -> None:
    _found(connection, viewer, reply_id)
    stored.remove(connection, reply_id)
    audit.note(connection, act, Action.SETTINGS_CHANGED, Subject.CANNED_REPLY, reply_id)


def _fill(connection: Connection, viewer: Viewer, ticket_id: int, reply_id: int) -> FilledText:
    ticket = tickets.visible(connection, viewer, ticket_id)
    if ticket is None:
        raise NotFound
    text = _found(connection, viewer, reply_id).text
    return FilledText(filling.fill(connection, viewer, ticket, text))


def _check(connection: Connection, viewer: Viewer, text: str, queue_id: int | None) -> None:
    if (name := canned.unknown(text)) is not None:
        raise Invalid(f"There is no variable {name[:60]}: there are {', '.join(canned.VARIABLES)}.", field="text")
    if queue_id is not None and (not viewer.sees_queue(queue_id) or access.find_queue(connection, viewer.project_id, queue_id) is None):
        raise Invalid("There is no such queue.", field="queue_id")


def _found(connection: Connection, viewer: Viewer, reply_id: int) -> CannedReply:
    reply = stored.find(connection, viewer, reply_id)
    if reply is None:
        raise NotFound
    return reply
