"""Splitting, merging, taking back, linking: whoever waits is counted once, and answers find what they answer."""

import contextlib
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from contact_center.errors import Conflict, NotFound
from contact_center.model.desk import LinkKind
from contact_center.model.people import Viewer
from contact_center.model.reports import Asked, By
from contact_center.model.sla import Policy
from contact_center.model.words import Direction, Goal, PointKind, Priority, Role, Status
from contact_center.store import Connection, Store
from contact_center.store.repositories import access, figures, sla, tickets, timeline, work
from contact_center.store.repositories import desk as desks
from contact_center.tickets import desk as linking
from contact_center.tickets import merging, splitting
from contact_center.tickets.replies import Sending
from contact_center.tickets.splitting import Split
from tests.intake.world import KEYS, make_world
from tests.tickets.test_threading import Desk

SENDING = Sending(KEYS, timedelta(0), {"email": PointKind.EMAIL})


@pytest.fixture
async def desk(store: Store) -> Desk:
    world = await make_world(store)
    made = Desk(world, await store.write(access.add_user, 1, "a@x", "Anna", Role.AGENT, None, world.clock()))
    await store.write(access.set_grants, made.agent, [1])
    return made


async def split(desk: Desk, ticket_id: int, entry_id: int, *, and_later: bool = False) -> Any:
    return await desk.store.write(splitting.split, desk.act, SENDING, 1, ticket_id, Split(entry_id, and_later))


async def merge(desk: Desk, survivor: int, loser: int) -> Any:
    return await desk.store.write(merging.merge, desk.act, 1, survivor, loser)


async def undo(desk: Desk, survivor: int) -> Any:
    return await desk.store.write(merging.undo, desk.act, 1, survivor)


async def said(desk: Desk, ticket_id: int) -> list[Any]:
    return [entry for entry in await desk.store.read(timeline.of_ticket, ticket_id) if entry.change is None]


def check(connection: Connection, now: Any, begun: int, merged: bool) -> None:
    """What must hold whatever was done."""
    rows = connection.execute(text("SELECT id, merged_into_id FROM ticket WHERE id > :b"), {"b": begun}).mappings()
    for row in list(rows):
        ticket, item = tickets.find(connection, row["id"]), work.open_item(connection, row["id"])
        assert ticket is not None
        if row["merged_into_id"] is not None:
            assert (item, timeline.of_ticket(connection, ticket.id)) == (None, [])
            continue
        assert (ticket.waiting_since is None) == (item is None), ticket
        if item is not None:
            # A merge may bring in somebody who has waited for longer than the turn that is open.
            assert ticket.waiting_since is not None
            assert ticket.waiting_since <= item["opened_at"]
            assert ticket.waiting_since == item["opened_at"] or merged
            assert ticket.status is Status.OPEN
            opener = timeline.find(connection, work.opener(connection, ticket.id) or 0)
            assert opener is not None
            assert opener.ticket_id == ticket.id, "work stands where what opened it stands"
            spoken = [e for e in timeline.of_ticket(connection, ticket.id) if e.direction is Direction.IN]
            assert opener.id in {e.id for e in spoken}
        last = timeline.last_spoken(connection, ticket.id)
        if last is not None:
            assert ticket.last_entry is not None
            assert ticket.last_entry.at == last["occurred_at"]
    assert tallies(connection, now, rollups=False).balanced
    orphans = "SELECT count(*) FROM interaction i JOIN ticket t ON t.id = i.ticket_id WHERE t.merged_into_id IS NOT NULL"
    assert connection.execute(text(orphans)).scalar() == 0


def tallies(connection: Connection, now: Any, *, rollups: bool) -> Any:
    """What everything adds up to; from whatever is not folded yet, or from every row, which is quicker here."""
    viewer = Viewer(1, 1, Role.ADMIN, ())
    asked = Asked(now - timedelta(days=4000), now + timedelta(days=1), By.QUEUE)
    return figures.report(connection, viewer, asked, now, rollups=rollups).total.tallies


STEPS = st.lists(
    st.tuples(st.sampled_from(["mail", "answer", "more", "reply", "split", "split later", "merge", "undo", "resolve"]), st.integers(0, 99)),
    min_size=3,
    max_size=25,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_whatever_is_split_and_merged_balances(desk: Desk, steps: list[tuple[str, int]]) -> None:
    """After each step: who waits has one open turn in the ticket where they wait, since they wrote; what opened it stands there; all
    tallies balance. And an answer to any message that stands goes where that message stands now."""
    keys: dict[str, int] = {}
    desk.clock.move(hours=1)  # who writes too often gets one ticket for it all
    begun = await desk.store.read(lambda c: c.execute(text("SELECT coalesce(max(id), 0) FROM ticket")).scalar())
    for step, dice in steps:
        desk.clock.move(minutes=1)
        open_ids = await desk.store.read(
            lambda c: list(
                c.execute(text("SELECT id FROM ticket WHERE merged_into_id IS NULL AND id > :b ORDER BY id"), {"b": begun}).scalars()
            )
        )
        one = open_ids[dice % len(open_ids)] if open_ids else None
        if step == "mail" or one is None:
            key, _ = await desk.mail("ivan@x", subject=f"s{dice}")
            keys[key] = 1
        elif step in ("answer", "more") and keys:
            named = list(keys)[dice % len(keys)]
            where = await desk.store.read(
                lambda c, named=named: c.execute(text("SELECT ticket_id FROM interaction WHERE message_key = :k"), {"k": named}).scalar()
            )
            key, landed = await desk.mail("ivan@x", named)
            keys[key] = 1
            assert landed == where, f"{named} stands in {where}"
        elif step == "reply":
            await desk.reply(one)
        elif step == "resolve":
            await desk.change(one, status=Status.RESOLVED)
        elif step.startswith("split"):
            entries = await said(desk, one)
            entry = entries[dice % len(entries)]
            try:
                await split(desk, one, entry.id, and_later=step == "split later")
            except Conflict:
                inbound = [e.id for e in entries if e.direction is Direction.IN]
                stays = [
                    e for e in inbound if e not in ([entry.id] if step == "split" else [x.id for x in entries[entries.index(entry) :]])
                ]
                assert entry.direction is not Direction.IN or not stays
        elif step == "merge":
            other = open_ids[(dice // 7) % len(open_ids)]
            if other != one:
                await merge(desk, one, other)
        else:
            with contextlib.suppress(Conflict, NotFound):
                await undo(desk, one)
        await desk.store.read(check, desk.clock(), begun, any(each == "merge" for each, _ in steps))
    counted = [await desk.store.read(lambda c, way=way: tallies(c, desk.clock(), rollups=way)) for way in (True, False)]
    assert counted[0] == counted[1], "what was changed is marked as not folded"


async def test_a_later_answer_finds_the_part_it_answers(desk: Desk) -> None:
    """The second matter was split off: who answers our reply to it lands there, who answers the first stays; the wait went along."""
    root, ticket_id = await desk.mail("ivan@x")
    desk.clock.move(minutes=5)
    second, _ = await desk.mail("ivan@x", root)
    entry = (await said(desk, ticket_id))[-1]
    made = await split(desk, ticket_id, entry.id)
    old = await desk.ticket(ticket_id)
    assert (made.contact.id, made.queue_id, made.waiting_since, made.status) == (old.contact.id, 1, entry.occurred_at, Status.OPEN)
    assert old.waiting_since < made.waiting_since, "both wait, each since its own message"
    await desk.reply(made.id)
    answer = (await said(desk, made.id))[-1]
    key = await desk.store.read(lambda c: c.execute(text("SELECT message_key FROM interaction WHERE id = :i"), {"i": answer.id}).scalar())
    assert (await desk.mail("ivan@x", root, second, key))[1] == made.id
    assert (await desk.mail("ivan@x", root))[1] == ticket_id
    viewer = Viewer(desk.agent, 1, Role.AGENT, (1,))
    (link,) = await desk.store.read(desks.links, viewer, ticket_id)
    assert (link.kind, link.ticket.id) == (LinkKind.SPLIT_INTO, made.id)


@pytest.mark.parametrize("first", [True, False], ids=["the first message", "the second message"])
async def test_a_promise_goes_along_with_its_turn(desk: Desk, first: bool) -> None:
    """Whichever part is split off: each turn that is open has one clock that runs, since its own message."""
    policy = Policy(id=0, name="Gold", calendar_id=None, targets={Priority.NORMAL: {Goal.FIRST_RESPONSE: 3600}})
    policy_id = await desk.store.write(sla.add_policy, 1, policy, desk.clock())
    await desk.store.write(access.change_queue, 1, sla_policy_id=policy_id)
    root, ticket_id = await desk.mail("ivan@x")
    desk.clock.move(minutes=5)
    await desk.mail("ivan@x", root)
    desk.clock.move(minutes=5)
    question, again = await said(desk, ticket_id)
    made = await split(desk, ticket_id, question.id if first else again.id)
    for held in (made, await desk.ticket(ticket_id)):
        running = [each.clock for each in await desk.store.read(sla.clocks, held.id) if not each.clock.is_over]
        assert [clock.started_at for clock in running] == [held.waiting_since]


async def test_something_of_the_customer_stays(desk: Desk) -> None:
    """The only message of a ticket is not split from it, nor is what we wrote."""
    _, ticket_id = await desk.mail("ivan@x")
    await desk.reply(ticket_id)
    question, answer = await said(desk, ticket_id)
    with pytest.raises(Conflict, match="must stay"):
        await split(desk, ticket_id, question.id)
    with pytest.raises(Conflict, match="customer wrote"):
        await split(desk, ticket_id, answer.id)
    with pytest.raises(NotFound):
        await split(desk, ticket_id, 999)


async def test_a_merge_is_taken_back_while_nothing_came_of_it(desk: Desk) -> None:
    """Both stand as before, and answers go where they went before; after anything happened it is refused."""
    _, first = await desk.mail("ivan@x", subject="One")
    desk.clock.move(minutes=5)
    two, second = await desk.mail("ivan@x", subject="Two")
    before = [await desk.ticket(first), await desk.ticket(second)]
    await merge(desk, first, second)
    assert (await desk.ticket(second)).merged_into == first
    assert (await desk.mail("ivan@x", two))[1] == first
    with pytest.raises(Conflict, match="since it was merged"):
        await undo(desk, first)
    three, third = await desk.mail("ivan@x", subject="Three")
    was = await desk.ticket(third)
    held = await desk.ticket(first)
    await merge(desk, first, third)
    await undo(desk, first)
    for earlier, ticket_id in ((was, third), (held, first)):
        now = await desk.ticket(ticket_id)
        for name in ("subject", "status", "waiting_since", "last_entry", "contact", "assignee_id", "merged_into"):
            assert getattr(now, name) == getattr(earlier, name), name
    assert (await desk.mail("ivan@x", three))[1] == third
    assert before[0].subject == "One"


async def test_links_read_from_both_sides(desk: Desk) -> None:
    """A part names its whole and the whole its part; a pair is linked once; who does not see the other ticket reads nothing of it."""
    _, first = await desk.mail("ivan@x")
    _, second = await desk.mail("olga@x")
    one, other = await desk.ticket(first), await desk.ticket(second)
    await desk.store.write(linking.link, desk.act, 1, one, other, LinkKind.HAS_PART)
    with pytest.raises(Conflict, match="linked already"):
        await desk.store.write(linking.link, desk.act, 1, other, one, LinkKind.RELATED)
    viewer = Viewer(desk.agent, 1, Role.AGENT, (1,))
    (down,), (up,) = await desk.store.read(desks.links, viewer, first), await desk.store.read(desks.links, viewer, second)
    assert (down.kind, down.ticket.id, up.kind, up.ticket.id) == (LinkKind.HAS_PART, second, LinkKind.PART_OF, first)
    assert await desk.store.read(desks.links, Viewer(desk.agent, 1, Role.AGENT, ()), first) == []
    fields = [e.change.field for e in await desk.store.read(timeline.of_ticket, first) if e.change]
    assert fields == ["link_has_part"]
    await desk.store.write(linking.unlink, desk.act, 1, other, up.id)
    assert await desk.store.read(desks.links, viewer, first) == []
