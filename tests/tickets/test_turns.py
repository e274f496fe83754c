"""Turns: whoever waits is counted once, from the first unanswered message to the reply, whatever people do meanwhile."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from contact_center.errors import Conflict, Invalid, Overtaken, StaleVersion
from contact_center.model.acts import Act
from contact_center.model.tickets import Address
from contact_center.model.words import PointKind, Role, Status
from contact_center.store import Store, blobs
from contact_center.store.repositories import access, outbox, timeline, work
from contact_center.tickets import lifecycle, replies
from contact_center.tickets.replies import Draft, Sending
from tests.intake.world import KEYS, make_world
from tests.tickets.test_threading import Desk


@pytest.fixture
async def desk(store: Store) -> Desk:
    world = await make_world(store)
    made = Desk(world, await store.write(access.add_user, 1, "a@x", "Anna", Role.AGENT, None, world.clock()))
    await store.write(access.add_queue, 1, "Billing", False, world.clock())
    return made


async def segments(desk: Desk, ticket_id: int) -> list[Any]:
    return list(await desk.store.read(work.segments, ticket_id))


async def call_back(desk: Desk, entry: Any) -> Any:
    return await desk.store.write(replies.call_back, desk.act, 1, entry.id)


async def test_further_messages_join_the_turn(desk: Desk) -> None:
    """A second message does not reset the clock; the reply ends the turn; the next message begins another."""
    since = desk.clock()
    root, ticket = await desk.mail("ivan@x")
    desk.clock.move(minutes=5)
    await desk.mail("ivan@x", root)
    assert (await desk.ticket(ticket)).waiting_since == since
    assert len(await segments(desk, ticket)) == 1
    await desk.reply(ticket)
    assert (await desk.ticket(ticket)).waiting_since is None
    (ended,) = await segments(desk, ticket)
    assert (ended["end_reason"], ended["agent_id"], ended["ended_at"]) == ("completed", desk.agent, desk.clock())
    desk.clock.move(minutes=5)
    await desk.mail("ivan@x", root)
    assert (await desk.ticket(ticket)).waiting_since == desk.clock()
    assert len(await segments(desk, ticket)) == 2


async def test_a_reply_called_back_never_happened(desk: Desk) -> None:
    """The turn goes on from where it was, and the ticket stands as before."""
    _, ticket = await desk.mail("ivan@x")
    since = (await desk.ticket(ticket)).waiting_since
    desk.clock.move(minutes=5)
    entry = await desk.reply(ticket, Status.RESOLVED)
    await call_back(desk, entry)
    after = await desk.ticket(ticket)
    assert (after.status, after.waiting_since) == (Status.OPEN, since)
    (turn,) = await segments(desk, ticket)
    assert (turn["ended_at"], turn["end_reason"]) == (None, None)
    assert turn["agent_id"] == after.assignee_id
    with pytest.raises(Conflict):
        await call_back(desk, entry)


async def test_who_wrote_before_the_call_back_waits(desk: Desk) -> None:
    """A message that came between a reply and its call-back keeps the ticket open."""
    root, ticket = await desk.mail("ivan@x")
    await desk.reply(ticket)
    second = await desk.reply(ticket)
    await desk.mail("ivan@x", root)
    await call_back(desk, second)
    after = await desk.ticket(ticket)
    assert (after.status, after.waiting_since is not None) == (Status.OPEN, True)


async def test_a_call_back_remembers_when_it_was_resolved(desk: Desk) -> None:
    """After a reply to a resolved ticket was called back, a late answer still opens a new one."""
    root, ticket = await desk.mail("ivan@x")
    await desk.change(ticket, status=Status.RESOLVED)
    await call_back(desk, await desk.reply(ticket))
    assert (await desk.ticket(ticket)).status is Status.RESOLVED
    desk.clock.move(days=15)
    assert (await desk.mail("ivan@x", root))[1] != ticket


async def test_a_transfer_ends_one_stay_and_begins_another(desk: Desk) -> None:
    """Each queue counts its own wait; the customer's runs on."""
    _, ticket = await desk.mail("ivan@x")
    since = (await desk.ticket(ticket)).waiting_since
    desk.clock.move(minutes=3)
    await desk.change(ticket, queue_id=2)
    first, second = await segments(desk, ticket)
    assert (first["end_reason"], first["ended_at"], second["entered_at"]) == ("transferred", desk.clock(), desk.clock())
    assert (second["queue_id"], second["ended_at"], (await desk.ticket(ticket)).waiting_since) == (2, None, since)


async def test_somebody_was_faster(desk: Desk) -> None:
    """A change of a version that is no longer the current one is refused and changes nothing."""
    _, ticket = await desk.mail("ivan@x")
    seen = await desk.ticket(ticket)
    await desk.change(ticket, tags=("a",))
    with pytest.raises(StaleVersion):
        await desk.store.write(lifecycle.change, desk.act, 1, ticket, lifecycle.TicketPatch(tags=("b",)), seen.version)
    assert (await desk.ticket(ticket)).tags == ("a",)


async def recipients(desk: Desk, entry: Any) -> list[str]:
    row = await desk.store.read(outbox.of_interaction, entry.id)
    assert row is not None
    return [to["email"] for to in row["message"]["to"]]


async def test_answers_go_where_they_are_wanted(desk: Desk) -> None:
    """Reply-To is honoured when it is usable, else the sender; the agent's own choice beats both."""
    _, first = await desk.mail("ivan@x", headers={"reply_to": [{"name": "", "email": "home@x"}]})
    assert await recipients(desk, await desk.reply(first)) == ["home@x"]
    _, second = await desk.mail("ivan@x", headers={"reply_to": [{"name": "", "email": "nowhere"}]})
    assert await recipients(desk, await desk.reply(second)) == ["ivan@x"]
    assert await recipients(desk, await desk.reply(second, to=(Address("O", "olga@x"),))) == ["olga@x"]


@pytest.mark.parametrize(
    "bad", [Address("x\r\nBcc: eve@x", "a@x"), Address("", "a@x\nBcc: e@x"), Address("", ""), Address("", "a"), Address("x\x00", "a@x")]
)
@pytest.mark.parametrize("field", ["to", "cc"])
async def test_headers_cannot_be_smuggled_in(desk: Desk, bad: Address, field: str) -> None:
    """Line breaks in names and addresses are refused, and nothing is queued."""
    _, ticket = await desk.mail("ivan@x")
    with pytest.raises(Invalid):
        await desk.reply(ticket, **{field: (bad,)})
    assert await desk.store.read(lambda c: c.execute(text("SELECT count(*) FROM outbox")).scalar()) == 0


async def test_only_ones_own_uploads_can_be_attached_once(desk: Desk) -> None:
    """Files of others, of nobody and files already sent are refused; the reply is not made."""
    _, ticket = await desk.mail("ivan@x")
    other = await desk.store.write(access.add_user, 1, "b@x", "Boris", Role.AGENT, None, desk.clock())
    await desk.store.write(blobs.put, "aa", 1, b"a")

    async def upload(owner: int | None) -> int:
        values = {"sha256": "aa", "filename": "a", "content_type": "t/p", "size": 1, "uploader_id": owner, "created_at": desk.clock()}
        return (await desk.store.write(timeline.add_attachment, interaction_id=None, **values)).id

    mine, theirs = await upload(desk.agent), await upload(other)
    for wrong in ([theirs], [mine, theirs], [999]):
        with pytest.raises(Invalid):
            await desk.reply(ticket, attachment_ids=tuple(wrong))
    entry = await desk.reply(ticket, attachment_ids=(mine,))
    assert [file.id for file in entry.attachments] == [mine]
    with pytest.raises(Invalid):
        await desk.reply(ticket, attachment_ids=(mine,))


ACTS = [
    "mail",
    "automatic",
    "reply",
    "reply and resolve",
    "call back",
    "assign",
    "give up",
    "transfer",
    "transfer back",
    "resolve",
    "wait",
    "open",
    "note",
]


async def _do(desk: Desk, act: str, ticket: int, root: str, sent: list[Any]) -> None:
    match act:
        case "mail":
            await desk.mail("ivan@x", root)
        case "automatic":
            await desk.mail("ivan@x", root, automatic=True)
        case "reply" | "reply and resolve":
            sending = Sending(KEYS, timedelta(minutes=30), {"email": PointKind.EMAIL})
            draft = Draft("Here.", status=Status.WAITING if act == "reply" else Status.RESOLVED)
            sent.append(await desk.store.write(replies.reply, desk.act, sending, 1, ticket, draft))
        case "call back":
            if sent:
                await call_back(desk, sent.pop())
        case "assign" | "give up":
            await desk.change(ticket, assignee_id=desk.agent if act == "assign" else None)
        case "transfer" | "transfer back":
            await desk.change(ticket, queue_id=2 if act == "transfer" else 1)
        case "note":
            await desk.store.write(lifecycle.add_note, Act(desk.clock(), desk.agent), 1, ticket, "hm")
        case _:
            await desk.change(ticket, status={"resolve": Status.RESOLVED, "wait": Status.WAITING, "open": Status.OPEN}[act])


async def _check(desk: Desk, ticket_id: int) -> None:
    ticket, stays = await desk.ticket(ticket_id), await segments(desk, ticket_id)
    live = [stay for stay in stays if stay["ended_at"] is None]
    items = {stay["work_item_id"] for stay in stays if stay["closed_at"] is None}
    assert len(live) == len(items) <= 1, "one open item has one open stay"
    assert (ticket.waiting_since is not None) == bool(live), "the list says whether somebody waits"
    if live:
        assert ticket.waiting_since == live[0]["opened_at"]
        assert live[0]["queue_id"] == ticket.queue_id
        assert live[0]["agent_id"] == ticket.assignee_id
        assert ticket.status in (Status.OPEN, Status.WAITING)
    assert all((stay["end_reason"] is None) == (stay["ended_at"] is None) for stay in stays)


@settings(
    max_examples=8, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.sampled_from(ACTS), min_size=3, max_size=12))
async def test_one_turn_at_a_time_whatever_people_do(desk: Desk, acts: list[str]) -> None:
    """After any sequence of acts a ticket has at most one open item and stay, and its row tells the same story."""
    root, ticket = await desk.mail("ivan@x")
    sent: list[Any] = []
    for act in acts:
        desk.clock.move(seconds=1)
        await _do(desk, act, ticket, root, sent)
        await _check(desk, ticket)


async def test_nobody_answers_over_a_colleagues_answer(desk: Desk) -> None:
    """Begun before a colleague answered, a reply is refused; one that knows of it, one's own and a called back one are not in the way."""
    root, ticket = await desk.mail("ivan@x")
    question = (await desk.store.read(timeline.last_inbound, ticket) or {})["id"]
    mine = await desk.reply(ticket, seen_entry_id=question)
    desk.agent = await desk.store.write(access.add_user, 1, "b@x", "Boris", Role.AGENT, None, desk.clock())
    with pytest.raises(Overtaken) as refused:
        await desk.reply(ticket, seen_entry_id=question)
    assert refused.value.details["entry_id"] == mine.id
    boris = await desk.reply(ticket, seen_entry_id=mine.id)
    await desk.reply(ticket, seen_entry_id=mine.id)
    await desk.mail("ivan@x", root)
    await desk.reply(ticket)
    desk.agent = mine.author_id
    with pytest.raises(Overtaken):
        await desk.reply(ticket, seen_entry_id=boris.id)
    await desk.reply(ticket)


async def test_an_answer_that_was_called_back_overtakes_nobody(desk: Desk) -> None:
    """What the customer never got is no answer."""
    _, ticket = await desk.mail("ivan@x")
    question = (await desk.store.read(timeline.last_inbound, ticket) or {})["id"]
    await call_back(desk, await desk.reply(ticket))
    desk.agent = await desk.store.write(access.add_user, 1, "b@x", "Boris", Role.AGENT, None, desk.clock())
    await desk.reply(ticket, seen_entry_id=question)
