"""The inbound line: every item gets exactly one fate, whatever happens to it or beside it."""

import asyncio
import hashlib
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from contact_center.channels import registry
from contact_center.errors import FenceLost
from contact_center.intake import pipeline as line
from contact_center.intake import understanding
from contact_center.intake.pipeline import Pipeline
from contact_center.intake.settle import settle as real_settle
from contact_center.model.messages import Cursor, InboundFile, RawItem
from contact_center.model.people import Viewer
from contact_center.model.words import Role, View
from contact_center.store import Connection, Store
from contact_center.store.repositories import channels, raw_items, tickets
from contact_center.store.repositories.raw_items import Ending
from tests.intake.world import KIND, DirectParsers, World, item, make_world, message

ADMIN = Viewer(1, 1, Role.ADMIN, ())


@pytest.fixture
async def world(store: Store) -> World:
    return await make_world(store)


async def subjects(world: World) -> list[str]:
    page = await world.store.read(tickets.page, ADMIN, View.ALL, limit=1000)
    return sorted(ticket.subject for ticket in page)


async def rows(world: World) -> list[Any]:
    return list(await world.store.read(lambda c: c.execute(text("SELECT * FROM raw_item ORDER BY id")).mappings().all()))


async def test_a_key_is_taken_in_once(world: World) -> None:
    """The same provider key again is passed over, whatever its bytes."""
    assert await world.accept(item("a"), item("b"), item("a")) == 2
    assert await world.accept(item("a", subject="other")) == 0
    await world.pipeline.settle_all()
    assert await world.books() == {"stored": 2}


async def test_the_same_bytes_under_another_key_are_a_duplicate(world: World) -> None:
    """A mail found twice by its source is one entry, and the ledger names its twin."""
    await world.take_in(item("a", subject="one"), item("b", subject="one"))
    first, second = await rows(world)
    assert (first["state"], second["state"], second["duplicate_of_id"]) == ("stored", "duplicate", first["id"])
    assert await subjects(world) == ["one"]


async def test_one_message_id_with_other_bytes_is_another_message(world: World) -> None:
    """A Message-ID is no proof that two mails are the same one."""
    await world.take_in(item("a", message_key="q@x", text="one"), item("b", message_key="q@x", text="two"))
    assert await world.books() == {"stored": 2}


async def test_a_fence_guards_the_first_commit(world: World) -> None:
    """A connector that was replaced can store neither items nor its cursor."""
    lease = "channel:1"
    await world.store.write(channels.take_lease, lease, "a", world.clock(), timedelta(0))
    await world.store.write(channels.take_lease, lease, "b", world.clock(), timedelta(0))
    with pytest.raises(FenceLost):
        await world.pipeline.accept(world.account_id, [item("a")], Cursor("INBOX", {"uid": 7}), (lease, 1))
    assert await world.store.read(channels.cursor, world.account_id, "INBOX") is None
    await world.pipeline.accept(world.account_id, [item("a")], Cursor("INBOX", {"uid": 7}), (lease, 2))
    assert await world.store.read(channels.cursor, world.account_id, "INBOX") == {"uid": 7}


async def test_quarantine_and_release(world: World) -> None:
    """What is not understood is kept with its reason, fails nobody, and is stored once the parser was mended."""
    assert isinstance(world.parsers, DirectParsers)
    world.parsers.broken = {"odd"}
    await world.take_in(item("1"), item("odd"), item("3"))
    assert await world.books() == {"stored": 2, "quarantined": 1}
    (stuck,) = await world.store.read(raw_items.quarantined, 1, None, 0, 10)
    assert stuck.reason == "not understood"
    world.parsers.broken = set()
    assert await world.store.write(raw_items.release, stuck.id)
    assert not await world.store.write(raw_items.release, stuck.id)
    await world.pipeline.settle_all()
    assert await world.books() == {"stored": 3}
    kinds = await world.store.read(
        lambda c: c.execute(text("SELECT type FROM event WHERE type LIKE 'raw_item%' ORDER BY seq")).scalars().all()
    )
    assert kinds == ["raw_item.quarantined", "raw_item.released"]


async def test_an_item_that_cannot_be_settled(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An item whose second commit fails is tried again alone, then quarantined; its neighbours are stored in order."""
    tried = []

    def settle(connection: Connection, act: Any, rules: Any, row: Any, understood: Any, own: Any) -> Ending:
        ending = real_settle(connection, act, rules, row, understood, own)
        if understood.subject == "bad":
            tried.append(row["id"])
            raise ValueError("no room")
        return ending

    monkeypatch.setattr(line, "settle", settle)
    await world.take_in(item("1"), item("bad"), item("3"))
    assert await world.books() == {"stored": 2, "quarantined": 1}
    assert len(tried) >= 3
    assert await subjects(world) == ["1", "3"]
    assert (await rows(world))[1]["reason"] == "ValueError: no room"


async def test_a_broken_constraint_is_one_items_problem(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An item that breaks a key for good is quarantined on both engines, and the line goes on."""

    def settle(connection: Connection, act: Any, rules: Any, row: Any, understood: Any, own: Any) -> Ending:
        if understood.subject == "bad":
            connection.execute(text("INSERT INTO project (slug, name, next_ticket_number) VALUES ('default', 'x', 1)"))
        return real_settle(connection, act, rules, row, understood, own)

    monkeypatch.setattr(line, "settle", settle)
    await world.take_in(item("1"), item("bad"), item("3"))
    assert await world.books() == {"stored": 2, "quarantined": 1}


async def test_a_passing_failure_costs_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An item that fails once and then not is stored."""
    failures = [ValueError("once")]

    def settle(*args: Any) -> Ending:
        if failures:
            raise failures.pop()
        return real_settle(*args)

    monkeypatch.setattr(line, "settle", settle)
    await world.take_in(item("1"), item("2"))
    assert await world.books() == {"stored": 2}


async def test_a_fate_is_final(world: World) -> None:
    """Whoever comes second with an item changes nothing, be it to store or to quarantine."""
    await world.accept(item("1"))
    (row,) = await world.store.read(raw_items.in_flight, 0, 10)
    await world.pipeline.settle_all()
    await world.store.write(line._quarantine, row, "too slow", world.clock())
    await world.store.write(line.settle_batch, world.rules, [(row, message(subject="1"))], world.clock())
    assert await world.books() == {"stored": 1}
    assert await subjects(world) == ["1"]


async def test_a_backlog_is_settled_in_order(store: Store) -> None:
    """Some hundred items handed over at once become tickets in the order they came."""
    world = await make_world(store, batch=17)
    await world.take_in(*(item(f"{n:04}", sender=f"c{n % 40}@example.com") for n in range(300)))
    assert await world.books() == {"stored": 300}
    order = await store.read(lambda c: c.execute(text("SELECT subject FROM ticket ORDER BY number")).scalars().all())
    assert order == [f"{n:04}" for n in range(300)]


async def test_two_pipelines_share_one_backlog(store: Store) -> None:
    """Two processes that settle the same items give each one fate."""
    world = await make_world(store, batch=5)
    other = Pipeline(store, world.files, DirectParsers(), world.rules, world.clock, batch=7)
    await world.accept(*(item(f"{n:03}", sender=f"c{n % 3}@example.com") for n in range(40)))
    await asyncio.gather(world.pipeline.settle_all(), other.settle_all())
    assert await world.books() == {"stored": 40}
    assert len(await subjects(world)) == 40
    assert await store.read(lambda c: c.execute(text("SELECT count(*) FROM contact")).scalar()) == 3


async def test_large_attachments_are_kept_in_files_only(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Contents beyond the limit are a file with the right bytes, and no weight in the database."""

    content = b"x" * (2 * 1024 * 1024)
    sha256 = hashlib.sha256(content).hexdigest()

    async def understood(originals: Any) -> list[Any]:
        return [message(attachments=(InboundFile("a.bin", "application/x", len(content), sha256, content),)) for _ in originals]

    monkeypatch.setattr(world.parsers, "parse", understood)
    await world.take_in(item("1"))
    assert world.files.path(sha256).read_bytes() == content
    assert await world.store.read(lambda c: c.execute(text("SELECT content FROM blob WHERE size > 1000000")).scalar()) is None
    assert await world.books() == {"stored": 1}


async def test_a_lost_original_and_an_unknown_kind_do_not_stop_the_line(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Items that can never be understood are quarantined with a reason; what came with them is stored."""
    monkeypatch.setattr(registry, "kinds", lambda: {"email": KIND})
    world = await make_world(store)

    async def here(originals: Any) -> list[Any]:
        return understanding.parse_all(originals)

    monkeypatch.setattr(world.parsers, "parse", here)
    await world.accept(item("1"), RawItem("lost", None, "0" * 64, 5), item("3"), item("4"))
    await store.write(lambda c: c.execute(text("UPDATE channel_account SET kind = 'telex'")) and None)
    await world.pipeline.settle_all()
    assert await world.books() == {"quarantined": 4}
    await store.write(lambda c: c.execute(text("UPDATE channel_account SET kind = 'email'")) and None)
    for row in await rows(world):
        await store.write(raw_items.release, row["id"])
    await world.pipeline.settle_all()
    assert await world.books() == {"stored": 3, "quarantined": 1}


async def test_the_worker_takes_what_nobody_announced(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """An item that another process stored, without a word to this one, is settled all the same."""
    monkeypatch.setattr(line, "POLL_SECONDS", 0.05)
    world = await make_world(store)
    running = asyncio.ensure_future(world.pipeline.run())
    await asyncio.sleep(0.02)
    other = Pipeline(store, world.files, DirectParsers(), world.rules, world.clock)
    await other.accept(world.account_id, [item("1")], None, None)
    for _ in range(200):
        if await world.books() == {"stored": 1}:
            break
        await asyncio.sleep(0.02)
    running.cancel()
    await asyncio.wait([running])
    assert await world.books() == {"stored": 1}


async def test_the_worker_survives_what_nobody_foresaw(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error outside any item is logged, and the line goes on after it."""
    monkeypatch.setattr(line, "RETRY_SECONDS", 0.01)
    world = await make_world(store)
    real, failures = world.parsers.parse, [KeyError("surprise")]

    async def parse(originals: Any) -> Any:
        if failures and originals:
            raise failures.pop()
        return await real(originals)

    monkeypatch.setattr(world.parsers, "parse", parse)
    running = asyncio.ensure_future(world.pipeline.run())
    await world.accept(item("1"))
    for _ in range(200):
        if await world.books() == {"stored": 1}:
            break
        await asyncio.sleep(0.02)
    running.cancel()
    await asyncio.wait([running])
    assert await world.books() == {"stored": 1}
