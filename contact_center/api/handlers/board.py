"""The board: what waits, how long, and who is here."""

from dataclasses import replace
from datetime import datetime, timedelta

from contact_center.api.context import Context
from contact_center.api.schemas import BoardQuery
from contact_center.errors import Invalid
from contact_center.model.board import Board, QueueFigures
from contact_center.model.people import Viewer
from contact_center.routing import standing
from contact_center.routing.offers import Weights
from contact_center.store import Connection, journal
from contact_center.store.repositories import access, board, presence

LONGEST_DAY = timedelta(hours=50)  # a day of 25 hours, and clocks that differ
FADES = timedelta(seconds=45)  # three renewals missed


async def get_board(ctx: Context, query: BoardQuery) -> Board:
    """How the queues one sees stand, and who is at a console. `since` is the beginning of the reader's day."""
    now = ctx.services.clock()
    if not now - LONGEST_DAY <= query.since <= now + timedelta(minutes=5):
        raise Invalid("since must be the beginning of today.", field="since")
    routing = ctx.services.settings.routing
    return await ctx.read(_board, ctx.viewer, query.since, now, Weights(routing.weights, routing.weight))


def _board(connection: Connection, viewer: Viewer, since: datetime, now: datetime, weights: Weights) -> Board:
    figures = board.by_queue(connection, viewer, since)
    queues = [queue for queue in access.queues(connection, viewer.project_id) if viewer.sees_queue(queue.id)]
    empty = (0, 0, None, 0, 0, 0)
    could = standing.could_take(connection, weights, now, now - FADES)
    stand = [replace(figures.get(each.id) or QueueFigures(each.id, *empty), could_take=could.get(each.id, 0)) for each in queues]
    holding = board.holding(connection, viewer)
    agents = board.by_agent(connection, viewer, since, presence.present(connection, now - FADES))
    return Board(
        as_of=journal.horizon(connection),
        at=now,
        since=since,
        queues=stand,
        agents=[replace(each, holding=holding.get(each.user_id, ())) for each in agents],
    )
