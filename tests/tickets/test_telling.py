"""Mentions and watching: whoever asked to hear of a ticket does, once and only as long as they may see it."""

from typing import Any

import pytest

from contact_center.errors import Forbidden, Invalid
from contact_center.model.acts import Act
from contact_center.model.people import Viewer
from contact_center.model.words import Role, Status
from contact_center.store import Store, journal
from contact_center.store.repositories import access, notices
from contact_center.tickets import lifecycle, merging, telling
from tests.intake.world import make_world
from tests.tickets.test_threading import Desk


@pytest.fixture
async def desk(store: Store) -> Desk:
    world = await make_world(store)
    made = Desk(world, await store.write(access.add_user, 1, "a@x", "Anna", Role.AGENT, None, world.clock()))
    await store.write(access.set_grants, made.agent, [1])
    await store.write(access.add_queue, 1, "Billing", False, world.clock())
    return made


async def colleague(desk: Desk, name: str, *queues: int) -> int:
    user = await desk.store.write(access.add_user, 1, f"{name}@x", name, Role.AGENT, None, desk.clock())
    await desk.store.write(access.set_grants, user, list(queues))
    return int(user)


async def viewer(desk: Desk, user_id: int) -> Viewer:
    found = await desk.store.read(access.viewer_of_user, user_id)
    assert found is not None
    return found


async def unread(desk: Desk, user_id: int) -> list[tuple[str, int]]:
    found = await desk.store.read(notices.unread, await viewer(desk, user_id), 100)
    return sorted((each.kind.value, each.times) for each in found)


async def watch(desk: Desk, ticket_id: int, user_id: int) -> None:
    await desk.store.write(telling.watch, Act(desk.clock(), user_id), 1, await desk.ticket(ticket_id), user_id)


async def note(desk: Desk, ticket_id: int, *mentioned: int) -> Any:
    return await desk.store.write(lifecycle.add_note, desk.act, 1, ticket_id, "Look, @Boris", mentioned)


async def test_what_happens_counts_up_until_it_is_read(desk: Desk) -> None:
    """A busy ticket is one unread notice of a kind; one's own deeds are none; after reading the next begins another."""
    root, ticket_id = await desk.mail("ivan@x")
    boris = await colleague(desk, "Boris", 1)
    await watch(desk, ticket_id, boris)
    await watch(desk, ticket_id, desk.agent)
    await desk.mail("ivan@x", root)
    await note(desk, ticket_id)
    await desk.reply(ticket_id, Status.RESOLVED)
    assert await unread(desk, boris) == [("news", 3)]
    assert await unread(desk, desk.agent) == [("news", 1)]
    await desk.store.write(telling.read, Act(desk.clock(), boris), 1, boris, ticket_id)
    assert await unread(desk, boris) == []
    await desk.mail("ivan@x", root)
    assert await unread(desk, boris) == [("news", 1)]


async def test_a_mention_is_told_once_and_watches_from_then_on(desk: Desk) -> None:
    """Whoever is mentioned has one notice of it, none that the note was added, and hears what follows."""
    root, ticket_id = await desk.mail("ivan@x")
    boris = await colleague(desk, "Boris", 1)
    await note(desk, ticket_id, boris, desk.agent)
    assert await unread(desk, boris) == [("mention", 1)]
    assert await unread(desk, desk.agent) == []
    await desk.mail("ivan@x", root)
    assert await unread(desk, boris) == [("mention", 1), ("news", 1)]


async def test_somebody_who_would_not_see_it_is_not_mentioned(desk: Desk) -> None:
    """Refused in words, and nothing is added; the assignee sees the ticket without a right to its queue."""
    _, ticket_id = await desk.mail("ivan@x")
    stranger = await colleague(desk, "Stranger", 2)
    with pytest.raises(Forbidden, match="no access to the ticket's queue"):
        await note(desk, ticket_id, stranger)
    with pytest.raises(Invalid):
        await note(desk, ticket_id, 999)
    assert await unread(desk, stranger) == []
    await desk.change(ticket_id, assignee_id=stranger)
    await note(desk, ticket_id, stranger)
    assert await unread(desk, stranger) == [("mention", 1)]


async def test_a_watcher_who_loses_sight_hears_and_sees_nothing_more(desk: Desk) -> None:
    """The ticket goes to a queue that is not theirs, or the right to its queue is taken: nothing unread, nothing new, nothing told."""
    root, ticket_id = await desk.mail("ivan@x")
    boris, vera = await colleague(desk, "Boris", 1), await colleague(desk, "Vera", 1, 2)
    for each in (boris, vera):
        await watch(desk, ticket_id, each)
    await desk.mail("ivan@x", root)
    await desk.change(ticket_id, queue_id=2)
    assert await desk.store.read(notices.count, boris) == 0
    before = await desk.store.read(journal.horizon)
    await desk.mail("ivan@x", root)
    events = await desk.store.read(journal.read_after, before, 100)
    assert {event.assignee_id for event in events if event.type == "notice.changed"} == {vera}
    assert await unread(desk, vera) == [("news", 3)]
    await desk.store.write(access.set_grants, vera, [1])
    assert await unread(desk, vera) == []
    assert await desk.store.read(notices.page, await viewer(desk, vera), None, 10) == []


async def test_a_mention_goes_along_when_its_ticket_becomes_part_of_another(desk: Desk) -> None:
    """Whoever sees the other ticket has it unread there, once, and is told so; whoever does not watches nothing and has nothing unread."""
    _, survivor = await desk.mail("ivan@x")
    _, loser = await desk.mail("ivan@x", subject="Two")
    boris, vera = await colleague(desk, "Boris", 1), await colleague(desk, "Vera", 1, 2)
    await note(desk, loser, boris, vera)
    await note(desk, survivor, vera)
    await desk.change(survivor, queue_id=2)
    before = await desk.store.read(journal.horizon)
    await desk.store.write(merging.merge, desk.act, 1, survivor, loser)
    assert await unread(desk, boris) == []
    assert await desk.store.read(notices.count, boris) == 0
    assert await desk.store.read(notices.watchers, survivor) == [vera]
    assert await desk.store.read(notices.told, loser) == []
    assert [kind for kind, _ in await unread(desk, vera)] == ["mention", "news"]
    events = await desk.store.read(journal.read_after, before, 100)
    told = {event.assignee_id: event.data["notice"] for event in events if event.type == "notice.changed"}
    assert told[boris]["read"]
