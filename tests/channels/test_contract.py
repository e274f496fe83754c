"""What every channel promises, whatever it talks to. A new channel comes under it by a `case.py` beside its tests."""

import asyncio
import contextlib
import hmac
import importlib
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from contact_center import channels
from contact_center.channels import parsers, registry
from contact_center.channels.base import Environment, secret_fields
from contact_center.errors import ChannelError, QuarantineItem
from contact_center.intake import understanding
from contact_center.intake.parsing import Parsers
from contact_center.intake.understanding import Original
from contact_center.keys import Keys
from contact_center.model.channels import ChannelAccount
from contact_center.model.messages import InboundMessage, RawItem
from contact_center.store import Store
from contact_center.testing import running_app
from tests.channels.contract import Case
from tests.channels.doubles import MemoryInbox
from tests.intake.world import World, make_world

CASES: list[Case] = [importlib.import_module(f"tests.channels.{kind}.case").CASE for kind in sorted(registry.kinds())]
each = pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)


class HereParsers(Parsers):
    """Understands in this process what the real parser would in its own."""

    def __init__(self) -> None:
        super().__init__(1, 1.0)

    async def parse(self, originals: object) -> list[understanding.Outcome]:
        return understanding.parse_all(originals)  # type: ignore[arg-type]

    async def warm_up(self) -> None:
        """Nothing to start."""


def account(case: Case, **options: object) -> ChannelAccount:
    return ChannelAccount(1, 1, case.kind, "Test", "test", 1, options={**case.options, **options})


def environment(folder: Path) -> Environment:
    keys = Keys("a secret of sixteen")
    return Environment(folder, "localhost", "https://help.example", {}, lambda number: f"https://help.example/hooks/{number}-x", keys)


def connector(case: Case, folder: Path, **options: object) -> object:
    kind = registry.find(case.kind)
    made = account(case, **options)
    return kind.connect(made, kind.options.model_validate(made.options), environment(folder))


async def world_of(case: Case, store: Store) -> World:
    world = await make_world(store, HereParsers())
    await store.write(lambda connection: connection.execute(text("UPDATE channel_account SET kind = :kind"), {"kind": case.kind}) and None)
    return world


async def entries(store: Store) -> int:
    said = "SELECT count(*) FROM interaction WHERE NOT cancelled AND change IS NULL"
    return int(await store.read(lambda connection: connection.execute(text(said)).scalar_one()))


def expected(case: Case) -> int:
    return len(case.items) if case.entries is None else case.entries


@each
def test_the_settings_explain_themselves(case: Case) -> None:
    """The form is drawn from the options alone: each has a title and a sentence, none is open, secrets are texts."""
    options = registry.find(case.kind).options
    assert options.model_config["extra"] == "forbid"
    for name, option in options.model_fields.items():
        assert option.title, name
        assert option.description, name
    assert all(options.model_fields[name].annotation is str for name in secret_fields(options))
    options.model_validate(case.options)


@each
async def test_repeated_delivery_changes_nothing(case: Case, store: Store) -> None:
    """A source that tells everything twice, at once or after a restart, makes the history no longer."""
    world = await world_of(case, store)
    await world.take_in(*case.items, *case.items)
    again = World(store, world.account_id, HereParsers(), world.clock)
    await again.take_in(*reversed(case.items))
    assert await entries(store) == expected(case)
    books = await world.books()
    assert set(books) <= {"stored", "ignored"}
    assert sum(books.values()) == len(case.items)


@each
async def test_a_crash_before_the_acknowledgement_doubles_nothing(case: Case, store: Store) -> None:
    """What was stored and not acknowledged comes again from the source, and is known."""
    world = await world_of(case, store)
    for item in case.items:
        await world.accept(item)  # and here the process dies: the source never hears of it
        reborn = World(store, world.account_id, HereParsers(), world.clock)
        await reborn.take_in(item)
    assert await entries(store) == expected(case)


@each
async def test_cancelling_while_idle_ends_it(case: Case, tmp_path: Path) -> None:
    """A connector that waits stops when told to, and one that has nothing to receive returns by itself."""
    inbox = MemoryInbox(tmp_path)
    task = asyncio.create_task(connector(case, tmp_path).run(inbox))  # type: ignore[attr-defined]
    await asyncio.sleep(0.2)
    task.cancel()
    async with asyncio.timeout(10):
        with contextlib.suppress(asyncio.CancelledError, ChannelError):
            await task
    assert task.done()


@each
async def test_settings_that_cannot_work_are_refused(case: Case, tmp_path: Path) -> None:
    """`check` tries the real connection, and says by its error what a person must do."""
    if case.refused is None:
        await connector(case, tmp_path).check()  # type: ignore[attr-defined]
        return
    options, error = case.refused
    with pytest.raises(error):
        await connector(case, tmp_path, **options).check()  # type: ignore[attr-defined]


@each
def test_parsing_is_pure(case: Case) -> None:
    """A replay understands what the first reading understood."""
    parser = parsers.find(case.kind)
    for item in case.items:
        assert item.content is not None
        assert parser.parse(item.content, item.envelope) == parser.parse(item.content, item.envelope)


@each
def test_a_huge_body_ends(case: Case) -> None:
    """Megabytes of anything are understood or refused, by the rules of one parser process."""
    envelope = case.items[0].envelope
    for filler in (b"A", b"[", b"\xff\x00", b"<div>", "ё".encode()):
        content = (case.items[0].content or b"")[:200] + filler * (2_000_000 // len(filler))
        (outcome,) = understanding.parse_all([Original(case.kind, envelope, content)])
        assert isinstance(outcome, InboundMessage | QuarantineItem)


@each
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_bad_bytes_are_understood_or_refused(case: Case, data: st.DataObject) -> None:
    """Whatever the charset claims: a meaning, or a reason. What is stored of it can be stored."""
    item = data.draw(st.sampled_from(case.items))
    content = bytearray(item.content or b"")
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, max(0, len(content) - 1)))
        content[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=6))
    (outcome,) = understanding.parse_all([Original(case.kind, item.envelope, bytes(content))])
    assert isinstance(outcome, InboundMessage | QuarantineItem)


@each
async def test_a_clock_that_jumps_makes_no_future(case: Case, store: Store) -> None:
    """Whatever time a source claims, nothing happened after it was received."""
    world = await world_of(case, store)
    future = world.clock() + timedelta(days=400)
    await world.take_in(*(RawItem(i.provider_key, i.content, source_time=future, envelope=i.envelope) for i in case.items))
    said = "SELECT count(*) FROM interaction WHERE occurred_at > received_at"
    assert await store.read(lambda connection: connection.execute(text(said)).scalar_one()) == 0


@each
async def test_a_replay_means_the_same(case: Case, store: Store) -> None:
    """Items that were quarantined and are read again later end where they would have been."""
    world = await world_of(case, store)
    broken = HereParsers()
    broken.parse = _refuse  # type: ignore[method-assign]
    first = World(store, world.account_id, broken, world.clock)
    await first.take_in(*case.items)
    assert await world.books() == {"quarantined": len(case.items)}
    await store.write(lambda connection: connection.execute(text("UPDATE raw_item SET state = 'received'")) and None)
    await world.pipeline.settle_all()
    assert await entries(store) == expected(case)


async def _refuse(originals: list[Original]) -> list[understanding.Outcome]:
    return [QuarantineItem("not today") for _ in originals]


# Adding a channel.


@pytest.fixture
def copied(tmp_path: Path) -> Iterator[str]:
    """The template, copied under a name of its own, and nothing else touched."""
    name = "carrier_pigeon"
    folder = tmp_path / "more_channels" / name
    shutil.copytree(Path(channels.__file__).parent / "_template", folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in folder.glob("*.py"):
        file.write_text(file.read_text().replace("_template", name))
    channels.__path__.append(str(folder.parent))
    registry.kinds.cache_clear()
    yield name
    channels.__path__.remove(str(folder.parent))
    registry.kinds.cache_clear()


async def test_a_copy_of_the_template_is_a_channel(copied: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copied and renamed, it is offered, takes a message in, and sends the answer."""
    monkeypatch.setattr(Parsers, "parse", HereParsers.parse)
    sent: list[dict[str, object]] = []

    async def service(request: web.Request) -> web.Response:
        if request.headers["X-Signature"] != hmac.new(b"secret", await request.read(), "sha256").hexdigest():
            return web.Response(status=403)
        sent.append(await request.json())
        return web.Response()

    app = web.Application()
    app.router.add_post("/send", service)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with running_app(tmp_path / "data") as running, running.session() as client:
            url = f"http://127.0.0.1:{runner.addresses[0][1]}/send"
            body = {"kind": copied, "name": "Pigeons", "address": "loft", "queue_id": 1, "options": {"service_url": url, "token": "wrong"}}
            async with client.post("/api/v1/channels", json=body) as response:
                assert response.status == 422  # the real connection was tried, and refused the token
            body["options"] = {"service_url": url, "token": "secret"}
            async with client.post("/api/v1/channels", json=body) as response:
                assert response.status == 201, await response.text()
                hook = (await response.json())["hook_url"]
            message = b'{"id": "m1", "from": "anna@example.com", "name": "Anna", "text": "Hello"}'
            async with aiohttp.ClientSession() as outside:
                async with outside.post(hook, data=message, headers={"X-Signature": "no"}) as response:
                    assert response.status == 403
                signature = hmac.new(b"secret", message, "sha256").hexdigest()
                async with outside.post(hook, data=message, headers={"X-Signature": signature}) as response:
                    assert response.status == 204
            await running.settled()
            async with client.get("/api/v1/tickets?view=open") as response:
                (ticket,) = (await response.json())["items"]
            assert (ticket["channel"], ticket["contact"]["name"]) == (copied, "Anna")
            headers = {"Idempotency-Key": "1"}
            async with client.post(f"/api/v1/tickets/{ticket['id']}/replies", json={"text": "Coo"}, headers=headers) as response:
                assert response.status == 201, await response.text()
            async with asyncio.timeout(20):
                while len(sent) < 2:
                    await asyncio.sleep(0.05)
            assert sent[-1]["text"] == "Coo"
            assert sent[-1]["to"] == ["anna@example.com"]
    finally:
        await runner.cleanup()
