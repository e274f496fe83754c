"""Two people on one ticket at once: one is first, the other is told, and nothing is half done."""

import asyncio
from datetime import timedelta

import pytest

from contact_center.errors import Conflict, StaleVersion
from contact_center.model.acts import Act
from contact_center.model.words import PointKind, Priority, Role, Status
from contact_center.store import Connection, Store, journal
from contact_center.store.repositories import access, timeline, work
from contact_center.tickets import lifecycle, replies
from contact_center.tickets.lifecycle import TicketPatch
from tests.intake.world import KEYS, make_world
from tests.tickets.test_threading import Desk


@pytest.fixture
async def desk(store: Store) -> Desk:
    world = await make_world(store)
    made = Desk(world, await store.write(access.add_user, 1, "a@x", "Anna", Role.AGENT, None, world.clock()))
    await made.mail("ivan@x")
    return made


async def test_of_many_who_take_a_ticket_one_gets_it(desk: Desk) -> None:
    """Fifty changes against one version: one is made, the others are told that somebody was faster."""
    users = [await desk.store.write(access.add_user, 1, f"u{n}@x", "U", Role.AGENT, None, desk.clock()) for n in range(10)]
    seen = await desk.ticket(1)

    async def take(user: int) -> object:
        patch = TicketPatch(assignee_id=user)
        return await desk.store.write(lifecycle.change, Act(desk.clock(), user), 1, 1, patch, seen.version)

    results = await asyncio.gather(*(take(user) for user in users * 5), return_exceptions=True)
    assert sum(isinstance(result, StaleVersion) for result in results) == 49
    winner = (await desk.ticket(1)).assignee_id
    turn = await desk.store.read(work.open_item, 1)
    assert turn is not None
    assert turn["agent_id"] == winner


async def test_a_change_says_what_changed(desk: Desk) -> None:
    """Each field leaves one line in the history, and one event carries the ticket as it is and how it was counted."""
    start = await desk.store.read(journal.horizon)
    await desk.change(1, priority=Priority.HIGH, tags=("a", "b"), status=Status.WAITING)
    lines = [entry.change for entry in await desk.store.read(timeline.of_ticket, 1) if entry.change is not None]
    assert sorted((line.field, line.before, line.after) for line in lines) == [
        ("priority", "normal", "high"),
        ("status", "open", "waiting"),
        ("tags", [], ["a", "b"]),
    ]
    events = [event for event in await desk.store.read(journal.read_after, start, 99) if event.type == "ticket.changed"]
    assert len(events) == 1
    assert (events[0].data["before"]["status"], events[0].data["ticket"]["status"]) == ("open", "waiting")


async def test_changing_nothing_says_nothing(desk: Desk) -> None:
    """A patch that asks for what is there already is no event and no new version."""
    start, before = await desk.store.read(journal.horizon), await desk.ticket(1)
    await desk.change(1, status=Status.OPEN, tags=())
    assert (await desk.store.read(journal.horizon), await desk.ticket(1)) == (start, before)


async def test_a_note_reopens_nothing(desk: Desk) -> None:
    """What colleagues tell each other changes neither status nor turn."""
    await desk.reply(1)
    await desk.store.write(lifecycle.add_note, desk.act, 1, 1, "he called, too")
    assert (await desk.ticket(1)).status is Status.WAITING
    assert await desk.store.read(work.open_item, 1) is None
    assert (await desk.ticket(1)).last_entry.kind == "note"


async def test_a_failed_reply_leaves_the_turn_open(desk: Desk) -> None:
    """When anything about a reply is refused, nothing of it is there."""

    def reply_and_fail(connection: Connection) -> None:
        replies.reply(connection, desk.act, replies.Sending(KEYS, timedelta(0), {"email": PointKind.EMAIL}), 1, 1, replies.Draft("Here."))
        raise Conflict("no")

    before = await desk.ticket(1)
    with pytest.raises(Conflict):
        await desk.store.write(reply_and_fail)
    assert await desk.ticket(1) == before
    assert await desk.store.read(work.open_item, 1) is not None
    assert len(await desk.store.read(timeline.of_ticket, 1)) == 1
