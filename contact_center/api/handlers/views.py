"""Saved views: one's own and shared ones, their counts, and the tickets of a view by number alone."""

from collections.abc import Callable
from typing import Any

from contact_center.api.answers import TicketIds, ViewCount
from contact_center.api.context import Context
from contact_center.api.permissions import Permission, allows
from contact_center.api.rules_schemas import CountBody, ViewBody, ViewPatchBody
from contact_center.api.schemas import TicketQuery
from contact_center.errors import Forbidden, Invalid, NotFound
from contact_center.model import conditions
from contact_center.model.acts import Act
from contact_center.model.audit import Action, Subject
from contact_center.model.conditions import Tree, Unreadable
from contact_center.model.people import Viewer
from contact_center.model.views import Macro, SavedView
from contact_center.model.words import Sharing
from contact_center.store import Connection, audit, bounds
from contact_center.store.conditions import compiled
from contact_center.store.repositories import access, tickets
from contact_center.store.repositories import views as stored

COUNT_SECONDS = 5.0
MOST_AT_ONCE = 1000
"""Tickets that one bulk action reaches."""


async def list_views(ctx: Context) -> list[SavedView]:
    """Saved views: one's own and those that are shared with one."""
    return await ctx.read(stored.views, ctx.viewer)


async def create_view(ctx: Context, body: ViewBody) -> SavedView:
    """Keep a view. Supervisors may share theirs."""
    return await ctx.write(_create, ctx.act(), ctx.viewer, body)


async def change_view(ctx: Context, view_id: int, body: ViewPatchBody) -> SavedView:
    """Change a view."""
    return await ctx.write(_change, ctx.act(), ctx.viewer, view_id, body)


async def delete_view(ctx: Context, view_id: int) -> None:
    """Drop a view; its tickets stay where they are."""
    await ctx.write(_delete, ctx.act(), ctx.viewer, view_id)


async def count_views(ctx: Context) -> list[ViewCount]:
    """How many tickets each saved view holds now, counted for all of them at once."""
    async with ctx.services.counting:
        return await ctx.read(_count_all, ctx.act(), ctx.viewer)


async def count_conditions(ctx: Context, body: CountBody) -> ViewCount:
    """How many visible tickets meet conditions that are being put together."""
    async with ctx.services.counting:
        return await ctx.read(_count, ctx.act(), ctx.viewer, body)


async def ticket_ids(ctx: Context, query: TicketQuery) -> TicketIds:
    """The tickets of a view by number alone, as many as one bulk action may reach."""
    return await ctx.read(_ids, ctx.act(), ctx.viewer, query)


def readable(document: Any, where: str, parse: Callable[..., Any] = conditions.parse, **options: Any) -> Any:
    """What a document says. Raises Invalid, which names the place, for one that cannot be understood."""
    try:
        return parse(document, **options)
    except Unreadable as error:
        place = [where, *error.path]
        errors = [{"in": "body", "loc": place, "msg": error.message, "type": "unreadable"}]
        raise Invalid(error.message, field=".".join(map(str, place)), errors=errors) from None


def check_sharing(connection: Connection, viewer: Viewer, sharing: Sharing | None, queue_id: int | None) -> None:
    """Agents keep things for themselves; supervisors share them, with queues that they see. Raises Forbidden or Invalid."""
    if sharing is not Sharing.OWN and not allows(viewer.role, None, Permission.BOARD):
        raise Forbidden("Only supervisors share what they keep.")
    if (sharing is Sharing.QUEUE) != (queue_id is not None):
        raise Invalid("What is shared with a queue names it, and nothing else does.", field="queue_id")
    if queue_id is not None and (not viewer.sees_queue(queue_id) or access.find_queue(connection, viewer.project_id, queue_id) is None):
        raise Invalid("There is no such queue.", field="queue_id")


def check_own(viewer: Viewer, thing: SavedView | Macro) -> None:
    """One changes one's own; what is shared is changed by supervisors. Raises Forbidden."""
    if thing.sharing is not Sharing.OWN and not allows(viewer.role, None, Permission.BOARD):
        raise Forbidden("Only supervisors change what is shared.")


def conditions_of(connection: Connection, act: Act, viewer: Viewer, query: TicketQuery) -> dict[str, Any]:
    """What a saved view adds to a list of tickets. Raises NotFound when there is none."""
    if query.saved_view_id is None:
        return {}
    view = _found(connection, viewer, query.saved_view_id)
    tree = readable(view.conditions, "conditions")
    return {"conditions": compiled(tree, act.now, viewer.user_id), "sort": view.sort}


def _create(connection: Connection, act: Act, viewer: Viewer, body: ViewBody) -> SavedView:
    tree = readable(body.conditions, "conditions")
    check_sharing(connection, viewer, body.sharing, body.queue_id)
    values = {"sharing": body.sharing, "queue_id": body.queue_id, "name": body.name, "sort": body.sort}
    own = sum(view.owner_id == viewer.user_id for view in stored.views(connection, viewer))
    if own >= stored.MOST_OWN:
        raise Invalid(f"At most {stored.MOST_OWN} views: drop one first.")
    view_id = stored.add_view(
        connection,
        project_id=viewer.project_id,
        owner_id=viewer.user_id,
        conditions=conditions.as_json(tree),
        changed_at=act.now,
        **values,
    )
    if body.sharing is not Sharing.OWN:
        audit.note(connection, act, Action.SETTINGS_CHANGED, Subject.VIEW, view_id)
    return _found(connection, viewer, view_id)


def _change(connection: Connection, act: Act, viewer: Viewer, view_id: int, body: ViewPatchBody) -> SavedView:
    view = _found(connection, viewer, view_id)
    check_own(viewer, view)
    values: dict[str, Any] = {name: getattr(body, name) for name in ("name", "sort") if getattr(body, name) is not None}
    if body.conditions is not None:
        values["conditions"] = conditions.as_json(readable(body.conditions, "conditions"))
    if body.sharing is not None or body.queue_id is not None:
        check_sharing(connection, viewer, body.sharing, body.queue_id)
        values |= {"sharing": body.sharing, "queue_id": body.queue_id}
        if body.sharing is Sharing.OWN:
            values["owner_id"] = viewer.user_id
    stored.change_view(connection, view_id, **values, changed_at=act.now)
    if Sharing.OWN not in (view.sharing, values.get("sharing", view.sharing)):
        audit.note(connection, act, Action.SETTINGS_CHANGED, Subject.VIEW, view_id, fields=sorted(values))
    return _found(connection, viewer, view_id)


def _delete(connection: Connection, act: Act, viewer: Viewer, view_id: int) -> None:
    view = _found(connection, viewer, view_id)
    check_own(viewer, view)
    stored.remove_view(connection, view_id)
    if view.sharing is not Sharing.OWN:
        audit.note(connection, act, Action.SETTINGS_CHANGED, Subject.VIEW, view_id)


def _found(connection: Connection, viewer: Viewer, view_id: int) -> SavedView:
    view = stored.find_view(connection, viewer, view_id)
    if view is None:
        raise NotFound
    return view


def _count_all(connection: Connection, act: Act, viewer: Viewer) -> list[ViewCount]:
    trees: dict[int, Tree] = {}
    for view in stored.views(connection, viewer):
        try:
            trees[view.id] = conditions.parse(view.conditions)
        except Unreadable:
            continue  # kept by another release; opening it says what is wrong
    with bounds.bounded(connection, COUNT_SECONDS, "Counting the views takes too long just now."):
        found = stored.counts(connection, viewer, trees, act.now)
    return [ViewCount(view_id, each.tickets, each.more) for view_id, each in found.items()]


def _count(connection: Connection, act: Act, viewer: Viewer, body: CountBody) -> ViewCount:
    tree = readable(body.conditions, "conditions")
    with bounds.bounded(connection, COUNT_SECONDS, "Counting takes too long just now."):
        (found,) = stored.counts(connection, viewer, {0: tree}, act.now).values()
    return ViewCount(0, found.tickets, found.more)


def _ids(connection: Connection, act: Act, viewer: Viewer, query: TicketQuery) -> TicketIds:
    if query.queue_id is not None and not viewer.sees_queue(query.queue_id):
        raise NotFound
    extra = conditions_of(connection, act, viewer, query)
    found = tickets.ids(connection, viewer, query.view, queue_id=query.queue_id, words=query.q, limit=MOST_AT_ONCE + 1, **extra)
    return TicketIds(found[:MOST_AT_ONCE], len(found) > MOST_AT_ONCE)
