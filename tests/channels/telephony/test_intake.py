"""From the lines of a PBX to the history: one entry a call, one callback a person, whatever the order of arrival."""

import asyncio
import json
import random
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contact_center.model.messages import RawItem
from contact_center.store import Store, open_store
from tests.channels.telephony.recordings import NAMES, Line, envelope, expected, lines, messages, of, one, outcome
from tests.channels.telephony.world import World, make_world

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture
async def world(store: Store) -> World:
    return await make_world(store)


@pytest.fixture
async def quick(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[World]:
    """On SQLite only, for many rounds."""
    shutil.copyfile(sqlite_template, tmp_path / "quick.sqlite3")
    store = await open_store(f"sqlite:///{tmp_path / 'quick.sqlite3'}", tmp_path / "blobs")
    yield await make_world(store)
    await store.close()


def row(
    minute: float,
    number: str = "+79161112233",
    *,
    answered: bool = False,
    uniqueid: str = "",
    agent: str = "101",
    sequence: int = 1,
    dst: str = "74951234567",
    channel: str = "",
    to: str = "",
    app: str = "Dial",
    disposition: str = "",
) -> Line:
    """A row of the custom layout: a call of ten seconds, straight to an agent."""
    at = (START + timedelta(minutes=minute)).timestamp()
    ident = uniqueid or f"lab-{at:.0f}.{int(minute * 10)}"
    leg = int(at * 10) % 0xFFFFFF + sequence
    cells = [
        f"{at:.6f}", f"{at + 3:.6f}" if answered else "0.000000", f"{at + 10:.6f}", ident, ident, str(sequence), number, dst,
        channel or f"PJSIP/trunk-{leg:08x}", to or f"PJSIP/{agent}-{leg + 1:08x}", app, disposition or ("ANSWERED" if answered else "NO ANSWER"),
        "10", "7" if answered else "0",
    ]  # fmt: skip
    return "custom", ",".join(f'"{cell}"' for cell in cells).encode()


def queue_line(minute: float, uniqueid: str, event: str, *data: object, agent: str = "NONE") -> Line:
    at = int((START + timedelta(minutes=minute)).timestamp())
    return "queue_log", f"{at}|{uniqueid}|support|{agent}|{event}|{'|'.join(map(str, data))}".encode()


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name[:2])
@pytest.mark.parametrize("sources", [("master",), ("queue_log",), ("custom", "queue_log")], ids="+".join)
async def test_a_recorded_call_is_one_entry(quick: World, name: str, sources: tuple[str, ...]) -> None:
    """Through the whole line, in three orders: the entry is what the lines say together, and asks for what they say."""
    told = lines(name, *sources)
    if not told:
        pytest.skip("this call is not in this log")
    random.Random(name).shuffle(told)
    await quick.take_in(*told)
    whole = one(messages(told))
    (call,) = await quick.calls()
    assert (call["direction"], call["subject"], call["visible_text"]) == (whole.direction, whole.subject, whole.visible_text)
    assert whole.sender is not None
    assert call["holder"] == whole.sender.value
    assert [who for who, _ in await quick.open_callbacks()] == ([whole.sender.value] if whole.demand == "callback" else [])
    assert outcome(whole)[:1] == of(expected(name, *sources))[:1]
    assert set(await quick.books()) == {"stored"}


async def test_recordings_on_both_engines(world: World) -> None:
    """All recordings together: one entry a call, and of one customer one callback although three calls were missed."""
    told = [line for name in NAMES for line in lines(name, "master", "queue_log")]
    await world.take_in(*told)
    found = await world.calls()
    assert len(found) == len(NAMES)
    assert await world.open_callbacks() == [("+79161112233", "open")]
    await world.take_in(*told, again=True)
    assert len(await world.calls()) == len(NAMES)
    assert set(await world.books()) == {"stored", "duplicate"}


async def test_any_order_of_lines_is_the_same_history(tmp_path: Path, sqlite_template: Path) -> None:
    """Calls of several people, told by two logs: every order, with doubles, gives the same entries and the same open work."""
    told = [(source, _person(line, name)) for name in NAMES[:6] for source, line in lines(name, "custom", "queue_log")]
    told += [row(1), row(2, "+79160000001"), row(3), row(4, "+79160000002", answered=True)]
    pictures = []
    for seed in range(12):
        shutil.copyfile(sqlite_template, tmp_path / f"{seed}.sqlite3")
        store = await open_store(f"sqlite:///{tmp_path / f'{seed}.sqlite3'}", tmp_path / "blobs")
        world = await make_world(store)
        mixed = told * (1 + seed % 2)
        if seed:
            random.Random(seed).shuffle(mixed)
        await world.take_in(*mixed, again=True)
        pictures.append(await world.picture())
        await store.close()
    assert len(pictures[0][0]) == 10
    for other in pictures[1:]:
        assert other == pictures[0]


def _person(line: bytes, name: str) -> bytes:
    """Each recording by another customer, so that no call of one serves another."""
    return line.replace(b"9161112233", f"91611122{name[:2]}".encode())


async def test_one_callback_however_often_they_try(world: World) -> None:
    """Three missed calls are three entries in one ticket with one open demand; an answered call afterwards closes it."""
    await world.take_in(row(1), row(2), row(3))
    assert len(await world.calls()) == 3
    assert len({call["ticket_id"] for call in await world.calls()}) == 1
    assert await world.open_callbacks() == [("+79161112233", "open")]
    await world.take_in(row(4, answered=True))
    assert await world.open_callbacks() == []
    assert [ticket["status"] for ticket in await world.rows("SELECT status FROM ticket")] == ["resolved"]
    await world.take_in(row(5))
    assert await world.open_callbacks() == [("+79161112233", "open")]


async def test_our_own_call_that_reached_them_closes_it(world: World) -> None:
    """Calling back is what a callback asks for: an outbound call that was answered ends it, one in vain does not."""
    await world.take_in(row(1))
    ours = {"dst": "89161112233", "channel": "PJSIP/101-0000aa01", "to": "PJSIP/trunk-0000aa02"}
    await world.take_in(row(2, "74951234567", **ours))  # type: ignore[arg-type]
    assert await world.open_callbacks() == [("+79161112233", "open")]
    ours = {"dst": "89161112233", "channel": "PJSIP/101-0000ab01", "to": "PJSIP/trunk-0000ab02"}
    await world.take_in(row(3, "74951234567", answered=True, **ours))  # type: ignore[arg-type]
    assert await world.open_callbacks() == []
    assert [call["direction"] for call in await world.calls()] == ["in", "out", "out"]


async def test_a_late_answered_row_withdraws_the_callback(world: World) -> None:
    """A call that looked missed and was answered after all leaves nobody to be called."""
    told = lines("04_queue_rna_then_second_agent", "custom")
    await world.take_in(told[0])
    assert len(await world.open_callbacks()) == 1
    await world.take_in(told[1])
    assert await world.open_callbacks() == []
    (call,) = await world.calls()
    facts = json.loads(call["facts"]) if isinstance(call["facts"], str) else call["facts"]  # SQLite keeps JSON as text
    assert facts["result"] == "answered"


async def test_withdrawing_leaves_what_others_demand(world: World) -> None:
    """The first of two missed calls turns out to be answered: the second still waits for a call."""
    await world.take_in(row(1, uniqueid="a.1"), row(5))
    await world.take_in(row(1.1, uniqueid="a.1", answered=True, sequence=2))
    assert await world.open_callbacks() == [("+79161112233", "open")]


async def test_an_older_answered_call_serves_nobody_later(world: World) -> None:
    """A record of an answered call that arrives late does not end a demand that was made after it."""
    await world.take_in(row(10))
    await world.take_in(row(2, answered=True))
    assert await world.open_callbacks() == [("+79161112233", "open")]


async def test_an_older_missed_call_that_is_read_late_asks_for_nothing(world: World) -> None:
    """Whoever was talked to after they tried need not be called, also when the attempt is read after the talk."""
    await world.take_in(row(10, answered=True))
    await world.take_in(row(2))
    assert await world.open_callbacks() == []
    await world.take_in(row(20))
    assert await world.open_callbacks() == [("+79161112233", "open")]


async def test_a_call_of_which_the_number_comes_late(world: World) -> None:
    """Lines without a number are kept under the unknown caller; when the number comes the call moves to its owner."""
    ident = "lab-1795296068.23"
    await world.take_in(queue_line(1, ident, "ABANDON", 1, 1, 7))
    (call,) = await world.calls()
    assert call["holder"] == "caller"
    assert await world.open_callbacks() == []
    await world.take_in(queue_line(0.9, ident, "ENTERQUEUE", "", "+79161112233", 1))
    (call,) = await world.calls()
    assert call["holder"] == "+79161112233"
    assert await world.open_callbacks() == [("+79161112233", "open")]


async def test_withheld_numbers(world: World) -> None:
    """All of them stand under one technical contact, and nobody is asked to call what cannot be called."""
    await world.take_in(row(1, "anonymous"), row(2, ""), row(3, "<unknown>", answered=True))
    assert {call["holder"] for call in await world.calls()} == {"caller"}
    assert len(await world.calls()) == 3
    assert await world.rows("SELECT id FROM ticket") == []
    assert len(await world.rows("SELECT id FROM contact")) == 1


async def test_an_odd_number_makes_one_contact(world: World) -> None:
    """A caller who is no number of the public network is one technical contact, however many lines tell of him."""
    await world.take_in(row(1, "ivan.petrov", uniqueid="x.1"), row(1.1, "ivan.petrov", uniqueid="x.1", sequence=2), row(2, "ivan.petrov"))
    assert len(await world.rows("SELECT id FROM contact")) == 1


async def test_colleagues_among_themselves(world: World) -> None:
    """Internal calls ask for nothing and belong to no customer."""
    await world.take_in(row(1, "101", dst="103", channel="PJSIP/101-000000a1", to="PJSIP/103-000000a2"))
    (call,) = await world.calls()
    assert (call["direction"], call["holder"]) == ("internal", "colleagues")
    assert await world.open_callbacks() == []


async def test_two_calls_that_prove_to_be_one(world: World) -> None:
    """The consultation of an attended transfer comes first and stands alone, until the row that ties it to the customer."""
    consult, tie, *rest = lines("06_queue_attended_transfer_REFER_Replaces", "custom")
    await world.take_in(consult, rest[0])
    assert len(await world.calls()) == 2
    await world.take_in(tie, rest[1])
    (call,) = await world.calls()
    assert call["holder"] == "+79161112233"
    assert await world.open_callbacks() == []


async def test_two_demands_that_prove_to_be_one(world: World) -> None:
    """Two entries with a demand each, in one ticket, become one entry with one demand."""
    await world.take_in(row(1, uniqueid="p.1"), row(1.1, uniqueid="p.2"))
    assert len(await world.calls()) == 2
    source, tie = row(1.2, uniqueid="p.2", sequence=3)
    await world.take_in((source, tie.replace(b'"p.2","p.2"', b'"p.1","p.2"')))
    assert len(await world.calls()) == 1
    assert await world.open_callbacks() == [("+79161112233", "open")]


async def test_the_entry_with_the_ticket_stays(world: World) -> None:
    """When an entry that asks for nothing and one with a ticket prove to be one call, the ticket keeps its call."""
    await world.take_in(row(1, "anonymous", uniqueid="p.1"), row(1.1, uniqueid="p.2"))
    source, tie = row(1.2, uniqueid="p.2", sequence=3)
    await world.take_in((source, tie.replace(b'"p.2","p.2"', b'"p.1","p.2"')))
    (call,) = await world.calls()
    (ticket,) = await world.rows("SELECT id, status FROM ticket")
    assert (call["ticket_id"], ticket["status"]) == (ticket["id"], "open")
    assert await world.open_callbacks() == [("+79161112233", "open")]


async def test_two_processes_at_once(database_url: str, tmp_path: Path) -> None:
    """Two processes that settle the same lines at the same time make one entry a call, and one callback."""
    told = [line for name in NAMES for line in lines(name, "master", "queue_log")]  # first: without recordings this ends here
    stores = [await open_store(database_url, tmp_path / "blobs") for _ in range(2)]
    first = await make_world(stores[0])
    second = World(stores[1], first.account_id)
    random.Random(5).shuffle(told)
    items = [RawItem(f"{source}:{line!r}", line, envelope=envelope(source)) for source, line in told]
    await first.pipeline.accept(first.account_id, items, None, None)
    await asyncio.gather(first.pipeline.settle_all(), second.pipeline.settle_all())
    assert len(await first.calls()) == len(NAMES)
    assert set(await first.books()) == {"stored"}
    assert len(await first.open_callbacks()) <= 1
    for store in stores:
        await store.close()


async def test_old_missed_calls_ask_for_nothing(world: World) -> None:
    """The log of last year is read into the history; nobody is to call all those people."""
    source, line = row(1)
    old = envelope(source) | {"old_before": (START + timedelta(days=3)).timestamp()}
    await world.accept([RawItem("a", line, envelope=old)])
    assert len(await world.calls()) == 1
    assert await world.open_callbacks() == []


async def test_junk_is_quarantined(world: World) -> None:
    """A line that is no record is kept with its reason, and its neighbours pass."""
    await world.take_in(("custom", b'"half a li'), ("queue_log", b"rubbish"), ("custom", b"\xff\xfe\x00"), row(1))
    assert await world.books() == {"stored": 1, "quarantined": 3}
