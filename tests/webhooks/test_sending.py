"""Webhooks to a real receiver: at least once, in order, one slow side never in another's way, never into the inside."""

import asyncio
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

import aiohttp
import pytest
from aiohttp import web
from aiohttp.resolver import DefaultResolver

from contact_center.errors import Unavailable
from contact_center.model.events import Event
from contact_center.store import journal
from contact_center.store.repositories import access, webhooks
from contact_center.webhooks import schedule, sending
from tests.webhooks.receiver import TTL, House, Receiver, is_signed, until


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line with nothing to do ends at once."""
    monkeypatch.setattr(sending, "BUSY_WAIT", 0.01)
    monkeypatch.setattr(sending, "RECORD_RETRY", 0.01)


async def test_events_arrive_signed_in_order_and_once(house: House, receiver: Receiver) -> None:
    """Each event after the endpoint was made arrives once, in order, as the specification says."""
    await house.happen()
    endpoint = await house.endpoint(receiver.url)
    numbers = await house.happen(5)
    await house.run(house.sender(), 2)
    assert receiver.seqs() == numbers
    assert all(is_signed(house, heard) for heard in receiver.heard)
    assert len({heard.id for heard in receiver.heard}) == 5
    first = receiver.heard[0]
    assert first.headers["content-type"] == "application/json"
    assert first.headers["webhook-timestamp"] == str(int(house.clock().timestamp()))
    assert json.loads(first.body)["type"] == "queue.changed"
    assert [state for _, state, _ in await house.states(endpoint)] == ["delivered"] * 5


async def test_only_chosen_types_arrive(house: House, receiver: Receiver) -> None:
    """An endpoint that did not choose a type hears nothing of it, and its cursor moves on all the same."""
    endpoint = await house.endpoint(receiver.url, types=["ticket.created"])
    (number,) = await house.happen()
    await house.run(house.sender())
    assert receiver.heard == []
    assert (await house.row(endpoint))["cursor"] == number


async def test_a_failure_is_tried_again_under_the_same_id_and_holds_the_line(house: House, receiver: Receiver) -> None:
    """While the head waits for its next attempt nothing overtakes it; then all follow in order."""
    endpoint = await house.endpoint(receiver.url)
    one, two, three = await house.happen(3)
    receiver.answers = [500, 503]
    sender = house.sender()
    await house.run(sender, 2)
    assert receiver.seqs() == [one]
    house.clock.move(seconds=6)
    await house.live()
    await house.run(sender, 2)
    assert receiver.seqs() == [one, one]
    house.clock.move(minutes=6)
    await house.live()
    await house.run(sender, 2)
    assert receiver.seqs() == [one, one, one, two, three]
    assert len({heard.id for heard in receiver.heard}) == 3
    assert [attempts for _, _, attempts in await house.states(endpoint)] == [3, 1, 1]
    assert (await house.row(endpoint))["failing_since"] is None


async def test_a_message_that_is_never_taken_steps_aside(house: House, receiver: Receiver) -> None:
    """After three attempts the others go first, so that one message cannot stop all of them."""
    endpoint = await house.endpoint(receiver.url)
    poison, good = await house.happen(2)

    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=500)

    receiver.answers = [refuse, refuse, refuse]
    sender = house.sender()
    for seconds in (0, 6, 331):
        house.clock.move(seconds=seconds)
        await house.live()
        await house.run(sender)
    assert receiver.seqs() == [poison, poison, poison, good]
    house.clock.move(minutes=34)
    await house.live()
    await house.run(sender)
    assert receiver.seqs()[-1] == poison
    assert [state for _, state, _ in await house.states(endpoint)] == ["delivered", "delivered"]


async def test_after_three_days_a_message_fails(house: House, receiver: Receiver) -> None:
    """Ten attempts by the schedule, then the message has failed, and can be listed as such."""
    endpoint = await house.endpoint(receiver.url)
    await house.happen()
    receiver.answers = [500] * 20
    sender = house.sender()
    for wait in (timedelta(0), *schedule.RETRIES):
        house.clock.now += wait * 1.11
        await house.live()
        await house.run(sender)
    assert len(receiver.heard) == 10
    assert len({heard.id for heard in receiver.heard}) == 1
    assert [(state, attempts) for _, state, attempts in await house.states(endpoint)] == [("failed", 10)]
    row = await house.row(endpoint)
    assert row["enabled"]
    assert row["failing_since"] is not None


async def test_days_of_nothing_but_failures_stop_the_endpoint(house: House, receiver: Receiver) -> None:
    """After five days without a single success it is switched off and says why; nothing more is sent."""
    endpoint = await house.endpoint(receiver.url)
    sender = house.sender()
    receiver.answers = [500] * 100
    for _ in range(7):
        await house.happen()
        await house.live()
        await house.run(sender)
        house.clock.move(days=1)
    row = await house.row(endpoint)
    assert (row["enabled"], row["stopped_because"]) == (False, "failing")
    before = len(receiver.heard)
    house.clock.move(days=1)
    await house.happen()
    await house.live()
    await house.run(sender)
    assert len(receiver.heard) == before


async def test_gone_stops_the_endpoint_at_once(house: House, receiver: Receiver) -> None:
    """410 means that nobody wants to hear any more; switched on again, nothing was lost."""
    endpoint = await house.endpoint(receiver.url)
    one, two = await house.happen(2)
    receiver.answers = [410]
    sender = house.sender()
    await house.run(sender, 2)
    row = await house.row(endpoint)
    assert (row["enabled"], row["stopped_because"], receiver.seqs()) == (False, "gone", [one])
    (three,) = await house.happen()
    await house.run(sender)
    await house.store.write(webhooks.change, endpoint, enabled=True, stopped_because="")
    await house.run(sender, 2)
    assert receiver.seqs() == [one, two, three]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_no_redirect_is_followed(house: House, receiver: Receiver, status: int) -> None:
    """Another address in the answer is a failure like any other, and nobody goes there."""
    other = await Receiver().start()

    async def away(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": other.url})

    receiver.answers = [away]
    endpoint = await house.endpoint(receiver.url)
    await house.happen()
    await house.run(house.sender())
    rows = await house.store.read(webhooks.deliveries, endpoint, None, 0, 10)
    assert (other.heard, rows[0]["state"], rows[0]["last_error"], rows[0]["last_status"]) == ([], "pending", "redirect", status)
    await other.close()


async def test_a_slow_endpoint_delays_only_itself(house: House, receiver: Receiver) -> None:
    """While one side does not answer, the other gets everything."""
    slow = await Receiver().start()
    slow.gate = asyncio.Event()
    await house.endpoint(slow.url)
    await house.endpoint(receiver.url)
    numbers = await house.happen(20)
    sender = house.sender()
    await sender.step()
    await until(lambda: len(receiver.heard) == 20)
    assert (receiver.seqs(), len(slow.heard)) == (numbers, 1)
    slow.gate.set()
    await sender.rest()
    assert slow.seqs() == numbers
    await slow.close()


async def test_who_never_answers_is_given_up_after_a_while(house: House, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A timeout is a failure; the message is tried again."""
    monkeypatch.setattr("contact_center.egress.TIMEOUT", aiohttp.ClientTimeout(total=0.2))
    receiver.gate = asyncio.Event()
    endpoint = await house.endpoint(receiver.url)
    await house.happen()
    await house.run(house.sender())
    rows = await house.store.read(webhooks.deliveries, endpoint, None, 0, 10)
    assert (rows[0]["state"], rows[0]["last_error"], rows[0]["last_status"]) == ("pending", "timeout", None)
    receiver.gate.set()


async def test_an_endless_answer_costs_nothing(house: House, receiver: Receiver) -> None:
    """Of the answer only the status counts: what follows is dropped, however long and slow."""

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65536)

    receiver.answers = [endless]
    await house.endpoint(receiver.url)
    numbers = await house.happen(2)
    async with asyncio.timeout(5):
        await house.run(house.sender(), 2)
    assert receiver.seqs() == numbers


async def test_a_kill_between_sending_and_recording_sends_again_under_the_same_id(house: House, receiver: Receiver) -> None:
    """While the dead process's lease may live nothing moves; then the message goes out again, and in order."""
    endpoint = await house.endpoint(receiver.url)
    numbers = await house.happen(2)
    await house.live("dead")
    dead = house.sender("dead")
    receiver.gate = asyncio.Event()
    await dead.step()
    await until(lambda: len(receiver.heard) == 1)
    for task in list(dead._lanes.values()):
        task.cancel()
    await dead.rest()
    receiver.gate.set()
    alive = house.sender()
    await house.run(alive)
    assert (await house.states(endpoint))[0] == (numbers[0], "leased", 1)
    house.clock.now += TTL + timedelta(seconds=1)
    await house.live()
    await house.run(alive, 2)
    assert receiver.seqs() == [numbers[0], *numbers]
    assert receiver.heard[0].id == receiver.heard[1].id
    assert [state for _, state, _ in await house.states(endpoint)] == ["delivered", "delivered"]


async def test_a_late_outcome_of_a_lost_lease_changes_nothing(house: House, receiver: Receiver) -> None:
    """A process whose message was taken over cannot settle it any more."""
    endpoint = await house.endpoint(receiver.url)
    await house.happen()
    await sending.plan(house.store, house.clock)
    row = await house.store.write(webhooks.lease_next, endpoint, "dead", house.clock())
    await house.store.write(webhooks.release_orphans, house.clock())
    await house.store.write(webhooks.lease_next, endpoint, "one", house.clock())
    assert await house.store.write(sending.settle, row, sending.Outcome(410), house.clock()) == ""
    assert [state for _, state, _ in await house.states(endpoint)] == ["leased"]
    assert (await house.row(endpoint))["enabled"]


async def test_several_processes_send_each_message_once_and_in_order(house: House, receiver: Receiver) -> None:
    """Processes that plan and send at the same time make one line for each endpoint."""
    for holder in ("a", "b", "c"):
        await house.live(holder)
    await house.endpoint(receiver.url)
    numbers = await house.happen(30)
    senders = [house.sender(holder) for holder in ("a", "b", "c")]
    for _ in range(40):
        await asyncio.gather(*(house.run(sender) for sender in senders))
        if len(receiver.heard) >= 30:
            break
    assert receiver.seqs() == numbers


async def test_what_is_known_outlives_an_outage_of_the_database(house: House, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that arrived is recorded as soon as the database is back, and not sent again."""
    endpoint = await house.endpoint(receiver.url)
    await house.happen()
    receiver.gate = asyncio.Event()
    sender = house.sender()
    await sender.step()
    await until(lambda: len(receiver.heard) == 1)
    real, failures = house.store.write, [Unavailable(), Unavailable()]

    async def write(*args: Any, **kwargs: Any) -> Any:
        if failures:
            raise failures.pop()
        return await real(*args, **kwargs)

    monkeypatch.setattr(house.store, "write", write)
    receiver.gate.set()
    await sender.rest()
    assert ([state for _, state, _ in await house.states(endpoint)], len(receiver.heard)) == (["delivered"], 1)


async def test_both_secrets_sign_while_a_rotation_lasts(house: House, receiver: Receiver) -> None:
    """The earlier secret checks until its end, and no longer."""
    from contact_center.webhooks.signing import new_secret
    from tests.webhooks.receiver import KEYS

    fresh = new_secret()
    values = {"secret": KEYS.encrypt(fresh), "earlier_secret": KEYS.encrypt(house.secret)}
    await house.endpoint(receiver.url, earlier_until=house.clock() + timedelta(hours=1), **values)
    sender = house.sender()
    await house.happen()
    await house.run(sender)
    assert is_signed(house, receiver.heard[0])
    house.clock.move(hours=2)
    await house.live()
    await house.happen()
    await house.run(sender)
    assert not is_signed(house, receiver.heard[1])
    house.secret = fresh
    assert all(is_signed(house, heard) for heard in receiver.heard)


INSIDE = [
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0", "[::]",
    "localhost", "169.254.169.254", "[::ffff:169.254.169.254]", "10.0.0.1", "192.168.0.1", "100.64.0.1", "[fd00:ec2::254]", "[fe80::1]",
    "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "inside.example",
]  # fmt: skip


ODD = ("127.1", "2130706433", "0x7f000001", "0177.0.0.1")


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("host", INSIDE)
async def test_nothing_inside_is_ever_reached(house: House, receiver: Receiver, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No spelling of an inner address, and no public name that leads to one, is ever connected to."""
    real = DefaultResolver.resolve

    async def resolve(self: Any, name: str, port: int = 0, **kwargs: Any) -> Any:
        return await real(self, "127.0.0.1" if name == "inside.example" else name, port, **kwargs)

    monkeypatch.setattr(DefaultResolver, "resolve", resolve)
    port = receiver.url.partition("127.0.0.1:")[2].partition("/")[0]
    endpoint = await house.endpoint(f"http://{host}:{port}/hear")
    await house.happen()
    async with asyncio.timeout(5):
        await house.run(house.sender(private=False))
    rows = await house.store.read(webhooks.deliveries, endpoint, None, 0, 10)
    assert (receiver.heard, rows[0]["state"], rows[0]["last_status"]) == ([], "pending", None)
    # Odd spellings of numbers are neither addresses nor names to our client; everything else was resolved and refused.
    assert rows[0]["last_error"] in (("address", "dns") if host in ODD else ("not-public",))


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("host", ["169.254.169.254", "[::ffff:169.254.169.254]", "0.0.0.0", "[fe80::1]", "[fd00:ec2::254]"])
async def test_closed_networks_open_no_metadata(house: House, receiver: Receiver, host: str) -> None:
    """Also where private networks are allowed, addresses of one link and of a cloud's metadata are not."""
    endpoint = await house.endpoint(f"http://{host}:1/hear")
    await house.happen()
    async with asyncio.timeout(5):
        await house.run(house.sender(private=True))
    rows = await house.store.read(webhooks.deliveries, endpoint, None, 0, 10)
    assert rows[0]["last_error"] == "not-public"


async def test_old_messages_are_forgotten(house: House, receiver: Receiver) -> None:
    """What came to its end long ago is deleted; what waits stays, and a replay still has the same id."""
    endpoint = await house.endpoint(receiver.url)
    (one,) = await house.happen()
    sender = house.sender()
    await house.run(sender)
    house.clock.move(days=31)
    await house.live()
    (two,) = await house.happen()
    await house.run(sender)
    await house.run(sender)
    assert [seq for seq, _, _ in await house.states(endpoint)] == [two]
    await house.store.write(webhooks.rewind, endpoint, one - 1)
    await house.run(sender, 2)
    assert receiver.seqs() == [one, two, one, two]
    assert receiver.heard[0].id == receiver.heard[2].id


async def test_the_line_survives_trouble_and_hears_the_bell(house: House, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """After any error it goes on, and a ring wakes it at once."""
    sender = house.sender()
    real = sender.step
    troubles: list[Exception] = [Unavailable(), RuntimeError("surprise")]

    async def step() -> float:
        if troubles:
            raise troubles.pop()
        return await real()

    monkeypatch.setattr(sender, "step", step)
    running = asyncio.ensure_future(sender.run())
    await house.endpoint(receiver.url)
    await house.happen()
    async with asyncio.timeout(5):
        while not receiver.heard:
            sender.wake()
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.wait([running])


@dataclass(frozen=True, slots=True)
class InQueue:
    """An event of a queue, as small as can be."""

    TYPE: ClassVar[str] = "raw_item.quarantined"
    item: dict[str, Any]


async def test_what_became_confidential_while_it_waited_is_held_back(house: House, receiver: Receiver) -> None:
    """A message that waits is judged again: rights are those of the moment it leaves, also when somebody sends it again."""
    endpoint = await house.endpoint(receiver.url)
    event = Event(InQueue({"account_id": 0, "reason": "secret"}), house.project_id, queue_id=1)  # type: ignore[arg-type]
    await house.store.write(journal.append, event, at=house.clock())
    await house.happen()
    receiver.answers = [500]
    sender = house.sender()
    await house.run(sender)
    await house.store.write(access.change_queue, 1, confidential=True)
    house.clock.move(seconds=6)
    await house.live()
    await house.run(sender)
    assert [state for _, state, _ in await house.states(endpoint)] == ["withheld", "delivered"]
    assert [b"secret" in heard.body for heard in receiver.heard] == [True, False]
    first = (await house.states(endpoint))[0][0]
    await house.store.write(webhooks.rewind, endpoint, first - 1)
    await house.run(sender, 2)
    assert [b"secret" in heard.body for heard in receiver.heard] == [True, False, False]
