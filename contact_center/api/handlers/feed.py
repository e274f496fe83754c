"""The change feed: the journal for everybody who is not a console. Ordered, complete, and only what one may see."""

import asyncio
import time

from contact_center.api import security
from contact_center.api.answers import Feed, FeedEvent
from contact_center.api.context import Context
from contact_center.api.permissions import Permission, allows
from contact_center.api.schemas import EventsQuery
from contact_center.errors import Forbidden, Gone, NotSignedIn
from contact_center.model.people import Viewer
from contact_center.store import Connection, journal
from contact_center.store.audience import for_viewer, reach_of

PAUSE = 0.05  # seconds between two looks of one waiting request, however often the bell rings


async def events(ctx: Context, query: EventsQuery) -> Feed:
    """Events after a number, in order: the same journal that the live consoles read. Only what one may see.

    `types` leaves out all others; with `wait` the answer comes when there is something to tell, at most that many seconds
    later. 410 when the journal does not reach back to `after`.
    """
    waiters = ctx.services.waiters
    until = time.monotonic() + query.wait
    viewer, after = ctx.viewer, query.after
    while True:
        ring = waiters.listen()
        feed = await ctx.read(_feed, viewer, query, after)
        left = until - time.monotonic()
        if feed.events or left <= 0 or not waiters.open:
            return feed
        after = feed.horizon or after
        if not feed.more:
            await waiters.wait(ring, left)
            await asyncio.sleep(PAUSE)
        # What one may see can have changed meanwhile, and the session can have ended.
        viewer = await _viewer_still(ctx)


async def _viewer_still(ctx: Context) -> Viewer:
    viewer = await security.viewer_of(ctx.request)
    if viewer is None:
        raise NotSignedIn
    if not allows(viewer.role, viewer.scopes, Permission.EVENTS_READ):
        raise Forbidden
    return viewer


def _feed(connection: Connection, viewer: Viewer, query: EventsQuery, after: int) -> Feed:
    recorded = journal.read_after(connection, after, query.limit)
    horizon = recorded[-1].seq if recorded else journal.horizon(connection)
    _check_reach(connection, after, horizon)
    reach = reach_of(connection, recorded)
    seen = [(event, news) for event in recorded if (news := for_viewer(event, viewer, reach, None)) is not None]
    if query.types:
        seen = [(event, news) for event, news in seen if news.type in query.types]
    return Feed(
        events=[FeedEvent(event.seq, news.type, event.at, event.actor_id, news.data) for event, news in seen],
        horizon=horizon,
        more=len(recorded) == query.limit,
    )


def _check_reach(connection: Connection, after: int, horizon: int) -> None:
    """Refuse a number that the journal does not know any more, or not yet: both would mean a gap that nobody notices."""
    advice = "Read /api/v1/snapshot and what you keep copies of, and go on after its `as_of`."
    if after > horizon:
        # A database that was put back from a backup counts these numbers anew.
        raise Gone(f"The journal ends before this number. {advice}", horizon=horizon)
    # Nobody can have been told a number below the first, so a start at 0 is no gap.
    if after and after + 1 < (oldest := journal.oldest(connection)):
        raise Gone(f"Events after this number are not kept any more. {advice}", oldest=oldest)
