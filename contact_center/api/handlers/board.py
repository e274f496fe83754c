"""The board: what waits, how long, and who is here."""

from dataclasses import replace
from datetime import datetime, timedelta

from contact_center.api.context import Context
from contact_center.api.schemas import BoardQuery
from contact_center.errors import Invalid
from contact_center.model.board import Board
from contact_center.model.people import Viewer
from contact_center.routing import standing
from contact_center.routing.offers import Weights
from contact_center.store import Connection, journal
from contact_center.store.repositories import access, board, presence, team

LONGEST_DAY = timedelta(hours=50)  # a day of 25 hours, and clocks that differ


async def get_board(ctx: Context, query: BoardQuery) -> Board:
    """How the queues one sees stand, and who is at a console. `since` is the beginning of the reader's day."""
    now = ctx.services.clock()
    if not now - LONGEST_DAY <= query.since <= now + timedelta(minutes=5):
        raise Invalid("since must be the beginning of today.", field="since")
    routing = ctx.services.settings.routing
    viewer, weights = ctx.viewer, Weights(routing.weights, routing.weight)

    async def look() -> Board:
        return await ctx.services.store.read(_board, viewer, query.since, ctx.services.clock(), weights)

    scope = (viewer.project_id, viewer.sees_all or viewer.queue_ids, viewer.hidden_queue_ids, query.since)
    return await ctx.services.boards.get(scope, look)


def _board(connection: Connection, viewer: Viewer, since: datetime, now: datetime, weights: Weights) -> Board:
    counted = board.Counted(connection, viewer, since, now)
    queues = [queue for queue in access.queues(connection, viewer.project_id) if viewer.sees_queue(queue.id)]
    could = standing.could_take(connection, weights, now, now - presence.FADES)
    holding = board.holding(connection, viewer, now)
    in_call = board.in_call(connection, viewer, now)
    agents = board.by_agent(connection, viewer, since, now, presence.present(connection, now - presence.FADES))
    members = team.members(connection, viewer, now)
    all_of_them = team.figures_of(members)
    stands = {each.user_id: (each.here, each.busy if each.available else None) for each in members}
    return Board(
        as_of=journal.horizon(connection),
        at=now,
        since=since,
        queues=[replace(counted.queue(each.id), could_take=could.get(each.id, 0)) for each in queues],
        agents=[
            replace(each, holding=holding.get(each.user_id, ()), in_call_since=in_call.get(each.user_id), here=here, busy=busy)
            for each in agents
            for here, busy in (stands.get(each.user_id, (None, None)),)
        ],
        today=counted.today,
        came=counted.came,
        here=int(all_of_them["team.here"] or 0),
        team=int(all_of_them["team.agents"] or 0),
        busy=all_of_them["team.busy"],
    )
