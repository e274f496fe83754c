"""Sending: nothing twice in silence, nothing dropped in silence."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from contact_center.errors import (
    ChannelError,
    ChannelUnavailable,
    Conflict,
    DeliveryUnknown,
    Unavailable,
    Undeliverable,
)
from contact_center.model.acts import Act
from contact_center.model.messages import OutboundMessage, Receipt
from contact_center.model.words import Delivery, PointKind, Role, Status
from contact_center.outbound import pacing
from contact_center.outbound import sender as line
from contact_center.outbound.sender import Sender, retry_delay
from contact_center.store import Store, open_store
from contact_center.store.repositories import access, channels, outbox, tickets, timeline, work
from contact_center.tickets import replies
from contact_center.tickets.replies import Draft, Sending
from tests.intake.world import KEYS, World, item, make_world

TTL = timedelta(seconds=12)


class Peer:
    """A connector that does as told and remembers what it was given."""

    def __init__(self, repeatable: bool = False) -> None:
        self.repeatable = repeatable
        self.got: list[str] = []
        self.troubles: list[Exception] = []
        self.gate: asyncio.Event | None = None

    async def send(self, message: OutboundMessage) -> Receipt:
        self.got.append(message.message_key)
        if self.gate is not None:
            await self.gate.wait()
        if self.troubles:
            raise self.troubles.pop(0)
        return Receipt("provider-1")


class Desk:
    """A ticket with an agent who answers, and senders."""

    def __init__(self, world: World, agent: int) -> None:
        self.world, self.store, self.clock, self.agent = world, world.store, world.clock, agent
        self.peer = Peer()

    def sender(self, holder: str = "one", peer: Any = None) -> Sender:
        async def find(_account: int) -> Any:
            return self.peer if peer is None else peer()

        return Sender(self.store, self.world.files, find, holder, self.clock)

    async def live(self, holder: str = "one") -> None:
        await self.store.write(channels.take_lease, outbox.sender_lease(holder), holder, self.clock(), TTL)

    async def reply(self, status: Status = Status.WAITING, undo: float = 0, ticket_id: int = 1) -> int:
        sending = Sending(KEYS, timedelta(seconds=undo), {"email": PointKind.EMAIL})
        entry = await self.store.write(replies.reply, Act(self.clock(), self.agent), sending, 1, ticket_id, Draft("Here.", status=status))
        return entry.id

    async def state(self, entry_id: int) -> str:
        row = await self.store.read(outbox.of_interaction, entry_id)
        assert row is not None
        return str(row["state"])

    async def status(self, ticket_id: int = 1) -> Status:
        ticket = await self.store.read(tickets.find, ticket_id)
        assert ticket is not None
        return ticket.status

    async def decide(self, verb: Callable[..., Any], entry_id: int) -> Any:
        return await self.store.write(verb, Act(self.clock(), self.agent), 1, entry_id)


@pytest.fixture
async def desk(store: Store) -> Desk:
    world = await make_world(store)
    agent = await store.write(access.add_user, 1, "a@x", "Anna", Role.AGENT, None, world.clock())
    await world.take_in(item("first", message_key="q1@x"))
    made = Desk(world, agent)
    await made.live()
    return made


async def test_a_reply_is_sent_once(desk: Desk) -> None:
    """What is due goes out under the key fixed before, and the entry says so."""
    entry = await desk.reply()
    assert await desk.sender().send_due() == 1
    assert await desk.sender().send_due() == 0
    row = await desk.store.read(outbox.of_interaction, entry)
    assert row is not None
    assert (row["state"], row["provider_id"], row["attempts"]) == ("sent", "provider-1", 1)
    assert desk.peer.got == [row["message_key"]]
    assert await desk.status() is Status.WAITING


async def test_nothing_leaves_before_its_time(desk: Desk) -> None:
    """A reply that can still be called back is not sent; called back, it never is."""
    entry = await desk.reply(undo=10)
    assert await desk.sender().send_due() == 0
    await desk.decide(replies.call_back, entry)
    desk.clock.move(seconds=11)
    assert await desk.sender().send_due() == 0
    assert (desk.peer.got, await desk.state(entry)) == ([], "cancelled")
    late = await desk.reply()
    await desk.sender().send_due()
    with pytest.raises(Conflict):
        await desk.decide(replies.call_back, late)


async def test_an_outage_is_tried_again_ever_more_slowly(desk: Desk) -> None:
    """A passing refusal queues the row again under the same key, until days have gone by."""
    entry = await desk.reply(Status.RESOLVED)
    desk.peer.troubles = [ChannelUnavailable("busy"), ChannelUnavailable("busy")]
    await desk.sender().send_due()
    assert await desk.state(entry) == "queued"
    assert await desk.sender().send_due() == 0
    desk.clock.move(seconds=retry_delay(1))
    await desk.sender().send_due()
    desk.clock.move(seconds=retry_delay(2))
    await desk.sender().send_due()
    assert (await desk.state(entry), len(set(desk.peer.got)), len(desk.peer.got)) == ("sent", 1, 3)
    assert [retry_delay(n) for n in (1, 2, 3, 50)] == [30, 60, 120, 3600]


async def test_after_days_it_is_given_up_and_the_ticket_comes_back(desk: Desk) -> None:
    """A reply nobody takes for four days fails, and its resolved ticket is open again."""
    entry = await desk.reply(Status.RESOLVED)
    desk.clock.move(days=4, seconds=1)
    desk.peer.troubles = [ChannelUnavailable("busy")]
    await desk.sender().send_due()
    assert (await desk.state(entry), await desk.status()) == ("failed", Status.OPEN)


@pytest.mark.parametrize(
    ("trouble", "state"), [(Undeliverable("no such user"), "failed"), (KeyError("bug"), "failed"), (DeliveryUnknown("lost"), "uncertain")]
)
async def test_trouble_that_needs_a_person(desk: Desk, trouble: Exception, state: str) -> None:
    """A refusal, a bug and an unknown outcome end the attempts, are shown, and reopen the ticket."""
    entry = await desk.reply(Status.RESOLVED)
    desk.peer.troubles = [trouble]
    await desk.sender().send_due()
    desk.clock.move(days=1)
    await desk.live()
    assert await desk.sender().send_due() == 0
    assert (await desk.state(entry), await desk.status(), len(desk.peer.got)) == (state, Status.OPEN, 1)
    found = await desk.store.read(timeline.find, entry)
    assert found is not None
    assert found.delivery is not None
    assert found.delivery.error


async def test_a_person_decides(desk: Desk) -> None:
    """An uncertain reply is sent again under the same key, or confirmed; a sent one leaves nothing to decide."""
    entry = await desk.reply()
    desk.peer.troubles = [DeliveryUnknown("lost"), DeliveryUnknown("lost")]
    await desk.sender().send_due()
    await desk.decide(replies.send_again, entry)
    await desk.sender().send_due()
    assert (len(desk.peer.got), len(set(desk.peer.got)), await desk.state(entry)) == (2, 1, "uncertain")
    await desk.decide(replies.confirm_sent, entry)
    assert await desk.state(entry) == "sent"
    for verb in (replies.confirm_sent, replies.send_again, replies.call_back):
        with pytest.raises(Conflict):
            await desk.decide(verb, entry)


async def lease_and_die(desk: Desk, holder: str) -> None:
    await desk.live(holder)
    assert await desk.store.write(outbox.lease_due, holder, desk.clock(), 10)


async def test_a_dead_senders_row_waits_for_its_lease_to_run_out(desk: Desk) -> None:
    """While the sender may live its row is untouched; then an unrepeatable send is uncertain and a person is asked."""
    entry = await desk.reply(Status.RESOLVED)
    await lease_and_die(desk, "dead")
    await desk.sender().send_due()
    assert await desk.state(entry) == "leased"
    desk.clock.move(seconds=13)
    await desk.live()
    await desk.sender().send_due()
    assert (await desk.state(entry), desk.peer.got, await desk.status()) == ("uncertain", [], Status.OPEN)


async def test_a_repeatable_send_is_repeated_after_a_crash(desk: Desk) -> None:
    """Where a repetition has one effect only, the crash costs nothing and nobody is asked."""
    entry = await desk.reply()
    desk.peer.repeatable = True
    await lease_and_die(desk, "dead")
    desk.clock.move(seconds=13)
    await desk.live()
    assert await desk.sender().send_due() == 1
    assert (await desk.state(entry), len(desk.peer.got)) == ("sent", 1)


async def test_a_row_is_recovered_from_the_lease_that_was_read(desk: Desk) -> None:
    """Who judged an old lease too slowly does not take the row from its new holder."""
    entry = await desk.reply()
    await lease_and_die(desk, "dead")
    desk.clock.move(seconds=13)
    (stale,) = await desk.store.read(outbox.orphaned, desk.clock())
    await desk.store.write(line._requeue, stale, desk.clock())
    await lease_and_die(desk, "quick")
    await desk.store.write(line._requeue, stale, desk.clock())
    await desk.store.write(line._uncertain, stale, desk.clock(), "died")
    row = await desk.store.read(outbox.of_interaction, entry)
    assert row is not None
    assert (row["state"], row["lease_holder"]) == ("leased", "quick")


async def test_a_late_outcome_of_a_lost_lease_changes_nothing(desk: Desk) -> None:
    """A sender whose row was taken over cannot settle it any more."""
    entry = await desk.reply()
    (row,) = await desk.store.write(outbox.lease_due, "one", desk.clock(), 10)
    await desk.store.write(line._requeue, row, desk.clock())
    await desk.store.write(outbox.lease_due, "two", desk.clock(), 10)
    await desk.store.write(line._sent, row, "one", desk.clock(), Receipt())
    await desk.store.write(line._not_known, row, "one", desk.clock(), "lost")
    assert await desk.state(entry) == "leased"


async def test_two_senders_never_send_the_same_row(desk: Desk) -> None:
    """Many replies and several senders at once: each reply leaves once."""
    await desk.world.take_in(*(item(f"{n}", sender=f"c{n}@example.com") for n in range(24)))
    for ticket_id in range(2, 26):
        await desk.reply(ticket_id=ticket_id)
    senders = [desk.sender(f"s{n}") for n in range(3)]
    for n in range(3):
        await desk.live(f"s{n}")

    async def drain(sender: Sender) -> None:
        while await sender.send_due():
            pass

    await asyncio.gather(*(drain(sender) for sender in senders))
    assert len(desk.peer.got) == len(set(desk.peer.got)) == 24


async def test_a_connector_that_is_not_there_yet(desk: Desk) -> None:
    """While an enabled account is being started its messages wait; of one switched off they fail at once."""
    desk.peer.repeatable = True
    entry = await desk.reply()
    there: list[Peer] = []
    sender = desk.sender(peer=lambda: there[0] if there else None)
    await sender.send_due()
    assert await desk.state(entry) == "queued"
    there.append(desk.peer)
    desk.clock.move(seconds=line.STARTING_RETRY)
    await sender.send_due()
    row = await desk.store.read(outbox.of_interaction, entry)
    assert row is not None
    assert (row["state"], row["attempts"]) == ("sent", 1)
    other = await desk.reply()
    await desk.store.write(channels.change_account, 1, enabled=False)
    there.clear()
    await sender.send_due()
    assert (await desk.state(other), await desk.status()) == ("failed", Status.OPEN)


async def test_an_orphan_waits_for_its_connector(desk: Desk) -> None:
    """Whether a repetition is harmless only the connector knows: until it is started nothing is judged."""
    entry = await desk.reply()
    await lease_and_die(desk, "dead")
    desk.clock.move(seconds=13)
    await desk.live()
    await desk.sender(peer=lambda: None).send_due()
    assert await desk.state(entry) == "leased"


async def test_an_outcome_outlives_an_outage_of_the_database(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known to have been sent is recorded as soon as the database is back, and never sent again."""
    monkeypatch.setattr(line, "RECORD_RETRY", 0.01)
    entry = await desk.reply()
    desk.peer.gate = asyncio.Event()
    sending = asyncio.ensure_future(desk.sender().send_due())
    while not desk.peer.got:
        await asyncio.sleep(0.01)
    real, failures = desk.store.write, [Unavailable(), Unavailable()]

    async def write(*args: Any, **kwargs: Any) -> Any:
        if failures:
            raise failures.pop()
        return await real(*args, **kwargs)

    monkeypatch.setattr(desk.store, "write", write)
    desk.peer.gate.set()
    await sending
    assert (await desk.state(entry), len(desk.peer.got)) == ("sent", 1)


async def test_the_sender_survives_trouble_and_hears_the_bell(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """After any error the sender goes on, and a ring wakes it at once."""
    sender = desk.sender()
    real: Callable[..., Awaitable[int]] = sender.send_due
    troubles: list[Exception] = [Unavailable(), RuntimeError("surprise"), ChannelError()]

    async def send_due() -> int:
        if troubles:
            raise troubles.pop()
        return await real()

    monkeypatch.setattr(sender, "send_due", send_due)
    running = asyncio.ensure_future(sender.run())
    entry = await desk.reply()
    for _ in range(200):
        sender.wake()
        await asyncio.sleep(0.01)
        if await desk.state(entry) == "sent":
            break
    running.cancel()
    await asyncio.wait([running])
    assert await desk.state(entry) == Delivery.SENT


async def test_the_books_of_outgoing_mail_balance(desk: Desk) -> None:
    """Every row is in exactly one state, and none is left leased when all senders rest."""
    for _ in range(9):
        await desk.reply()
    desk.peer.troubles = [ChannelUnavailable(), Undeliverable(), DeliveryUnknown(), KeyError()]
    while await desk.sender().send_due():
        pass
    counts = await desk.store.read(lambda c: dict(c.execute(text("SELECT state, count(*) FROM outbox GROUP BY state")).all()))
    assert counts == {"sent": 5, "queued": 1, "failed": 2, "uncertain": 1}


async def board_counts(desk: Desk) -> int:
    """How many work items are open: what the board counts."""
    return await desk.store.read(lambda c: c.execute(text("SELECT count(*) FROM work_item WHERE closed_at IS NULL")).scalar_one())


@pytest.mark.parametrize("trouble", [Undeliverable("no such user"), DeliveryUnknown("lost")], ids=["failed", "uncertain"])
async def test_what_did_not_arrive_is_work(desk: Desk, trouble: Exception) -> None:
    """A failed or uncertain reply opens a work item, which the board counts; a person's decision closes it."""
    entry = await desk.reply(Status.RESOLVED)
    assert await board_counts(desk) == 0
    desk.clock.move(minutes=1)
    desk.peer.troubles = [trouble]
    await desk.sender().send_due()
    assert await board_counts(desk) == 1
    item = await desk.store.read(work.open_item, 1)
    ticket = await desk.store.read(tickets.find, 1)
    assert item is not None
    assert ticket is not None
    assert (item["opened_at"], item["agent_id"], ticket.waiting_since) == (desk.clock(), desk.agent, desk.clock())
    await desk.decide(replies.send_again, entry)
    await desk.sender().send_due()
    assert (await board_counts(desk), await desk.state(entry), await desk.status()) == (0, "sent", Status.WAITING)


async def test_that_it_was_sent_can_be_said(desk: Desk) -> None:
    """Somebody who knows that an uncertain mail arrived ends the work with it."""
    entry = await desk.reply()
    desk.peer.troubles = [DeliveryUnknown("lost")]
    await desk.sender().send_due()
    await desk.decide(replies.confirm_sent, entry)
    assert (await board_counts(desk), await desk.status()) == (0, Status.WAITING)


async def test_who_wrote_meanwhile_still_waits(desk: Desk) -> None:
    """A decision about a failed reply does not end the turn that a later message of the customer opened."""
    entry = await desk.reply()
    await desk.world.take_in(item("more", thread_hints=["q1@x"]))
    desk.peer.troubles = [Undeliverable("no")]
    await desk.sender().send_due()
    await desk.decide(replies.send_again, entry)
    assert (await board_counts(desk), await desk.status()) == (1, Status.OPEN)


async def test_a_sender_that_stood_still_sends_nothing(desk: Desk) -> None:
    """While a process stands still between taking a row and sending it, another takes over; then it must not send."""
    entry = await desk.reply()
    await desk.live("frozen")
    asked = asyncio.Event()
    goes_on = asyncio.Event()

    class Slow(Peer):
        async def send(self, message: OutboundMessage) -> Receipt:
            asked.set()
            await goes_on.wait()  # as long as SIGSTOP lasts
            await message.go()
            return await super().send(message)

    frozen = Slow()
    sender = desk.sender("frozen", peer=lambda: frozen)
    sending = asyncio.ensure_future(sender.send_due())
    await asked.wait()
    desk.clock.move(seconds=13)
    await desk.live("one")
    await desk.sender("one").send_due()
    assert await desk.state(entry) == "uncertain"
    await desk.decide(replies.send_again, entry)
    await desk.sender("one").send_due()
    goes_on.set()
    await sending
    assert (frozen.got, len(desk.peer.got), await desk.state(entry)) == ([], 1, "sent")


async def test_a_second_lease_of_the_same_process_is_another(desk: Desk) -> None:
    """The outcome of an earlier attempt settles nothing once the row was taken again, even by the same process."""
    entry = await desk.reply()
    (first,) = await desk.store.write(outbox.lease_due, "one", desk.clock(), 10)
    await desk.store.write(line._requeue, first, desk.clock())
    await desk.store.write(outbox.lease_due, "one", desk.clock(), 10)
    await desk.store.write(line._sent, first, "one", desk.clock(), Receipt())
    assert await desk.state(entry) == "leased"


async def other_account(desk: Desk, **options: Any) -> int:
    """A second mailbox, with one ticket of its own."""

    def add(connection: Any) -> int:
        values = {"project_id": 1, "kind": "email", "name": "Sales", "queue_id": 1, "options": options, "created_at": desk.clock()}
        return channels.add_account(connection, address="sales@localhost", **values)

    account_id = await desk.store.write(add)
    await desk.world.pipeline.accept(account_id, [item("theirs", sender="anna@example.com")], None, None)
    await desk.world.pipeline.settle_all()
    return account_id


async def test_a_slow_server_holds_up_nobody_else(desk: Desk) -> None:
    """While one account's server does not answer, the mails of another leave; of the slow one only a few are begun."""
    account = await other_account(desk)
    slow, quick = Peer(), Peer()
    slow.gate = asyncio.Event()

    async def find(account_id: int) -> Any:
        return quick if account_id == account else slow

    sender = Sender(desk.store, desk.world.files, find, "one", desk.clock)
    for _ in range(9):
        await desk.reply()
    running = asyncio.ensure_future(sender.run())
    while len(slow.got) < pacing.PER_ACCOUNT:
        await asyncio.sleep(0.01)
    theirs = [await desk.reply(ticket_id=2) for _ in range(6)]
    for _ in range(500):
        sender.wake()
        await asyncio.sleep(0.01)
        if len(quick.got) == 6:
            break
    assert (len(quick.got), len(slow.got)) == (6, pacing.PER_ACCOUNT)
    slow.gate.set()
    while len(slow.got) < 9:
        await asyncio.sleep(0.01)
    await sender.drain(5)
    running.cancel()
    await asyncio.wait([running])
    assert {await desk.state(entry) for entry in theirs} == {"sent"}


async def test_an_account_keeps_its_pace(desk: Desk) -> None:
    """Ten a minute are one in six seconds, over two processes together; the other account does not wait."""
    await desk.store.write(channels.change_account, 1, options={"send_per_minute": 10})
    account = await other_account(desk)
    for _ in range(12):
        await desk.reply()
    for _ in range(3):
        await desk.reply(ticket_id=2)
    await desk.live("two")
    senders = [desk.sender("one"), desk.sender("two")]
    left: list[int] = []
    for _second in range(60):
        for sender in senders:
            while await sender.send_due():
                pass
        left.append(len(desk.peer.got))
        desk.clock.move(seconds=1)
        await desk.live("one")
        await desk.live("two")
    assert account == 2
    assert left[0] == 1 + 3
    assert left[59] == 10 + 3
    assert all(after - before <= 1 for before, after in itertools.pairwise(left))


async def test_many_accounts_that_wait_for_their_turn_hold_up_nobody(desk: Desk) -> None:
    """However many mailboxes keep a slow pace, one without a pace sends at once."""

    def slow_ones(connection: Any) -> None:
        values = {
            "project_id": 1,
            "kind": "email",
            "name": "Slow",
            "queue_id": 1,
            "options": {"send_per_minute": 1},
            "created_at": desk.clock(),
        }
        for n in range(12):
            channels.add_account(connection, address=f"slow{n}@localhost", **values)

    await desk.store.write(slow_ones)
    for n in range(12):
        await desk.world.pipeline.accept(2 + n, [item(f"s{n}", sender=f"s{n}@example.com")], None, None)
    await desk.world.pipeline.settle_all()
    for n in range(12):
        await desk.reply(ticket_id=2 + n)
        await desk.reply(ticket_id=2 + n)
    sender = desk.sender()
    while await sender.send_due():
        pass
    assert len(desk.peer.got) == 12
    mine = [await desk.reply() for _ in range(3)]
    while await sender.send_due():
        pass
    assert [await desk.state(entry) for entry in mine] == ["sent"] * 3


async def test_a_clock_that_was_put_back_does_not_stop_the_mail(desk: Desk) -> None:
    """The next turn of an account never lies further away than one turn."""
    await desk.store.write(channels.change_account, 1, options={"send_per_minute": 10})
    await desk.reply()
    assert await desk.sender().send_due() == 1
    desk.clock.move(hours=-5)
    await desk.reply()
    assert await desk.sender().send_due() == 1


async def test_the_undo_window_holds_between_processes(desk: Desk, database_url: str) -> None:
    """However a change of mind in one process races with sending in another: called back and never sent, or sent."""
    other = await open_store(database_url, desk.world.files.folder)
    try:
        entries = [await desk.reply() for _ in range(15)]
        sender = Sender(other, desk.world.files, desk.sender()._find, "one", desk.clock)

        async def call_back(entry: int) -> bool:
            try:
                await desk.decide(replies.call_back, entry)
            except Conflict:
                return False
            return True

        async def send_all() -> None:
            while await sender.send_due():
                await asyncio.sleep(0)

        *back, _ = await asyncio.gather(*(call_back(entry) for entry in entries), send_all())
        await send_all()
    finally:
        await other.close()
    states = [await desk.state(entry) for entry in entries]
    assert states == ["cancelled" if called else "sent" for called in back]
    assert len(desk.peer.got) == states.count("sent") == len(set(desk.peer.got))
