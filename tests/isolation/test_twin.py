"""One of project A asks for everything there is, by every route, with numbers of project B, and meets no canary of B."""

import asyncio
import functools
import io
import json
import re
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.engine import Connection

from contact_center.api.framework import Route
from contact_center.api.permissions import Permission
from contact_center.api.routes import ROUTES
from contact_center.store import audit, journal
from contact_center.store.schema import metadata
from contact_center.testing import a_mail, running_app
from tests.api.samples import V1, table
from tests.api.world import World, make_session, make_token, make_world
from tests.conftest import make_database
from tests.console.helpers import console
from tests.isolation.twin import CANARY, OFFSET, PROJECT, Members, empty_tables, everything, make_twin, members

SAMPLES = table().samples
PEOPLE = ("admin", "supervisor", "agent")
# What a number in a path names, where that is not the table of the same name.
TABLES = {
    "entry_id": "interaction", "user_id": "employee", "token_id": "api_token", "channel_id": "channel_account", "item_id": "raw_item",
    "import_id": "contact_import", "merge_id": "contact_merge", "point_id": "contact_point", "spool_id": "outbox",
    "code_id": "aux_code", "endpoint_id": "webhook_endpoint", "webhook_id": "webhook_endpoint", "delivery_id": "webhook_delivery",
    "policy_id": "sla_policy", "view_id": "saved_view", "reason_id": "contact_reason", "wrap_up_id": "segment", "link_id": "ticket_link",
}  # fmt: skip
SEARCHED = ("visible", CANARY, "canary", "%25", "_", "example", "Petrov", "order", "")


@dataclass
class Twins:
    """The first project with its people, and the numbers of the second."""

    world: World
    ids: dict[str, int]
    members: Members
    logs: io.StringIO


@pytest.fixture
def logs() -> Iterator[io.StringIO]:
    """Everything that is logged."""
    kept = io.StringIO()
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()],
        logger_factory=structlog.PrintLoggerFactory(kept),
        cache_logger_on_first_use=False,
    )
    yield kept
    structlog.reset_defaults()


@dataclass
class Made:
    """A folder of data, the database that belongs to it, and what is in them."""

    folder: Path
    url: str
    world: World


@pytest.fixture(scope="module")
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Made]:
    """Project A, full of everything, made once for each engine; every test works on a copy of its own."""

    @functools.cache
    def make(engine: str) -> Made:
        folder = tmp_path_factory.mktemp("twins")
        url = f"sqlite:///{folder / 'data' / 'contact-center.sqlite3'}"
        if engine == "postgresql":
            url = asyncio.run(make_database(request.getfixturevalue("postgres_server")))
        return asyncio.run(_make(folder / "data", url))

    return make


async def _make(folder: Path, url: str) -> Made:
    async with running_app(folder, database_url=url) as running:
        world = await make_world(running)
        await _fill(world)
    return Made(folder, url, world)


@pytest.fixture
async def twins(
    request: pytest.FixtureRequest, engine: str, made: Callable[[str], Made], tmp_path: Path, logs: io.StringIO
) -> AsyncIterator[Twins]:
    """Project A and its twin, running."""
    whole = await asyncio.to_thread(made, engine)
    shutil.copytree(whole.folder, tmp_path / "data")
    url = f"sqlite:///{tmp_path / 'data' / 'contact-center.sqlite3'}"
    if engine == "postgresql":
        server, _, template = whole.url.rpartition("/")
        url = await make_database(server, template)
    async with running_app(tmp_path / "data", database_url=url) as running:
        await running.store.write(make_twin)
        ids = await running.store.read(_ids_of_twin)
        # The index is made from the twin's events as from anybody's.
        await running.product.indexer.catch_up()
        yield Twins(replace(whole.world, app=running), ids, await running.store.read(members), logs)


async def _fill(world: World) -> None:
    """What `make_world` leaves out: tokens, sessions, imports, calendars, whatever a sample can make."""
    for route in ROUTES:
        sample = SAMPLES[(route.method, route.path)]
        if route.method == "POST" and sample.fresh and route.permission is not Permission.PUBLIC:
            await sample.fresh(world, world.own, "admin")
    await make_token(world.app, world.people["admin"], ["tickets:read"])
    await make_session(world.app, world.people["admin"])
    async with world.client("admin") as client:
        async with client.put("/api/v1/me/state", json={"state": "available"}):
            pass
        for route in ROUTES:
            sample = SAMPLES[(route.method, route.path)]
            if route.method == "POST" and "{" not in route.path and route.permission is Permission.ADMIN and (sample.body or sample.fresh):
                made = await sample.fresh(world, world.own, "twin") if sample.fresh else {}
                if body := made.get("body") or sample.body:
                    async with client.post(route.path, json=body, headers={"Idempotency-Key": route.path}):
                        pass


def _ids_of_twin(connection: Connection) -> dict[str, int]:
    names = {name for route in ROUTES for name in re.findall(r"{(\w+)}", route.path)}
    found = {}
    for name in names:
        table = metadata.tables[TABLES.get(name, name.removesuffix("_id"))]
        found[name] = connection.execute(select(table.c.id).where(table.c.id > OFFSET).order_by(table.c.id.desc()).limit(1)).scalar()
    return found


def urls_of(route: Route, ids: dict[str, int]) -> str:
    return route.path.format(**ids)


async def answers(client: aiohttp.ClientSession, method: str, url: str, **options: Any) -> tuple[int, bytes]:
    async with client.request(method, url, **options) as response:
        return response.status, await response.read() + str(response.headers).encode()


def leaks(body: bytes) -> bool:
    return CANARY.lower().encode() in body.lower()


async def test_the_twin_has_a_row_in_every_table(twins: Twins) -> None:
    """So that what is not there cannot be what is not leaked."""
    assert await twins.world.app.store.read(empty_tables) == []
    assert all(number is not None and number > OFFSET for number in twins.ids.values()), twins.ids


async def test_reading_everything_meets_no_canary(twins: Twins) -> None:
    """Every GET, plain and with numbers of the twin, every search and autocomplete, the feed from its beginning."""
    world = twins.world
    own = {name: world.own.ids.get(name, 1) for name in twins.ids}
    paths = [route for route in ROUTES if route.method == "GET"]
    urls = [route.path + SAMPLES[(route.method, route.path)].query for route in paths if "{" not in route.path]
    urls += [
        urls_of(route, ids)
        for route in paths
        if "{" in route.path
        for ids in (own, twins.ids, own | {"contact_id": twins.ids["contact_id"]})
    ]
    urls += [f"{V1}/{kind}?q={words}&limit=100" for kind in ("tickets", "contacts", "organizations", "search") for words in SEARCHED]
    urls += [f"{V1}/events?limit=1000", f"{V1}/tickets?view=all&limit=200", f"{V1}/audit?limit=200"]
    urls += [f"{V1}/search?q=visible&{name}={twins.ids[name]}" for name in ("queue_id", "contact_id")]
    urls += [f"{V1}/tickets?view=all&queue_id={twins.ids['queue_id']}", f"{V1}/audit?actor_id={twins.ids['user_id']}"]
    found, seen = [], 0
    for who in PEOPLE:
        async with world.client(who) as client:
            for url in urls:
                status, body = await answers(client, "GET", url)
                seen += b"visible" in body
                # What one sends oneself may come back in the words of a refusal; it is not sent here.
                # The operator's figures are of the whole instance, and for this machine or a token only.
                if (leaks(body) and url != "/metrics") or status >= 500:
                    found.append((who, status, url, body[:300]))
    assert found == []
    assert seen > 30, "the crawl reaches what is one's own"


async def test_numbers_of_the_twin_are_not_there(twins: Twins) -> None:
    """Every route whose path names something answers 404 (or refuses the role), and nothing of the twin has changed."""
    world, wrong = twins.world, []
    before = await world.app.store.read(everything, twins.members)
    for who in PEOPLE:
        async with world.client(who) as client:
            for number, route in enumerate(ROUTES):
                if "{" not in route.path or route.permission is Permission.PUBLIC:
                    continue
                sample = SAMPLES[(route.method, route.path)]
                made = await sample.fresh(world, world.own, who) if sample.fresh and sample.body is None and sample.data is None else {}
                body = made.get("body") or sample.body
                options: dict[str, Any] = {"data": sample.data} if sample.data else {"json": body} if body is not None else {}
                headers = {"Idempotency-Key": f"{who}{number}"}
                status, text = await answers(client, route.method, urls_of(route, twins.ids) + sample.query, headers=headers, **options)
                if status not in (403, 404) or leaks(text):
                    wrong.append((who, route.method, route.path, status, text[:200]))
    assert wrong == []
    assert _unchanged(before, await world.app.store.read(everything, twins.members)) == []


async def test_numbers_of_the_twin_in_a_body_are_refused(twins: Twins) -> None:
    """Each field that names something by its number is given one of the twin: 4xx, or each line of the answer a refusal; no canary, nothing changed."""
    world, wrong, tried = twins.world, [], 0
    before = await world.app.store.read(everything, twins.members)
    async with world.client("admin") as client:
        for route in ROUTES:
            body_model = route.signature.body
            sample = SAMPLES[(route.method, route.path)]
            for name, number in _naming_fields(body_model, twins.ids):
                made = await sample.fresh(world, world.own, "admin") if sample.fresh else {}
                body = dict(made.get("body") or sample.body or {}) | {name: number}
                path = route.path.format(**{**dict.fromkeys(twins.ids, 0), **world.own.ids, **made})
                tried += 1
                status, text = await answers(
                    client, route.method, path + sample.query, json=body, headers={"Idempotency-Key": f"{path}{name}"}
                )
                refused = 400 <= status < 500 or (status == 200 and b'"refusal":{' in text and b'"refusal":null' not in text)
                if not refused or leaks(text):
                    wrong.append((route.method, path, name, status, text[:200]))
    assert wrong == []
    assert tried > 8
    assert _unchanged(before, await world.app.store.read(everything, twins.members)) == []


COMPARED = {"seen_entry_id"}
"""Numbers that are only compared with one's own: nothing is looked up by them."""


def _naming_fields(model: type[BaseModel] | None, ids: dict[str, int]) -> list[tuple[str, Any]]:
    kinds = {
        "sla_policy_id": "policy_id",
        "escalate_queue_id": "queue_id",
        "after_hours_queue_id": "queue_id",
        "parent_id": "reason_id",
        "other_id": "contact_id",
        "assignee_id": "user_id",
        "owner_id": "user_id",
        "mentioned_id": "user_id",
        "other_ticket_id": "ticket_id",
    }
    found: list[tuple[str, Any]] = []
    for name in model.model_fields if model else ():
        one = name.removesuffix("s")
        if one.endswith("_id") and name not in COMPARED:
            number = ids[kinds.get(one, one)]
            found.append((name, [number] if name.endswith("s") else number))
    return found


def _unchanged(before: set[str], after: set[str]) -> list[str]:
    """Rows of the twin that were altered or are gone, and rows that are new there."""
    return sorted(row[:300] for row in before ^ after)


async def test_the_live_line_tells_nothing_of_the_twin(twins: Twins) -> None:
    """Consoles that watch the twin's contacts and replay the journal from its beginning hear no canary, nor does a snapshot of news."""
    world = twins.world
    async with AsyncExitStack() as stack:
        listening = [await stack.enter_async_context(console(world.app, world.people[who])) for who in PEOPLE]
        for each in listening:
            watched = [twins.ids["contact_id"], 1 + OFFSET, world.own.ids["contact_id"]]
            await each.ask("watch", {"contacts": watched})
            await each.ask("resume", {"after": 0, "contacts": watched})
        # Everything that ever happened in the twin happens again, now that the consoles listen.
        await world.app.store.write(_again)
        await world.app.deliver(a_mail(message_id="<fresh@example.com>"))
        horizon = await world.app.store.read(journal.horizon)
        for each in listening:
            await each.hears_up_to(horizon)
            assert each.types, "the console hears its own"
            assert CANARY.lower() not in json.dumps(each.news, default=str).lower()


def _again(connection: Connection) -> None:
    events = metadata.tables["event"]
    rows = [dict(row) for row in connection.execute(select(events).where(events.c.project_id == PROJECT)).mappings()]
    for row in rows:
        row.pop("id")
        row.pop("seq")
    connection.execute(events.insert(), rows)


async def test_mail_of_a_stranger_with_the_twins_address_learns_nothing(twins: Twins) -> None:
    """Whoever is known in B is a new person in A, their thread there is no thread here, and our answer tells nothing of B."""
    app = twins.world.app
    before = await app.store.read(everything, twins.members)
    known = await app.store.read(_points_of_twin)
    for number, address in enumerate(known[:5]):
        await app.deliver(a_mail(sender=f"{address}", message_id=f"<x{number}@example.net>", answers=f"<{CANARY}visible@example.com>"))
    assert len(known) > 2
    changed = _unchanged(before, await app.store.read(everything, twins.members))
    # Their address, as they wrote it themselves, is all that is new.
    assert [row for row in changed if row in before] == []
    async with twins.world.client("admin") as client:
        status, body = await answers(client, "GET", f"{V1}/contacts?q=example.net&limit=100")
        assert status == 200
    for address in known[:5]:
        body = body.replace(address.encode(), b"")
    assert not leaks(body.replace(known[0].partition("@")[0].encode(), b""))


def _points_of_twin(connection: Connection) -> list[str]:
    points = metadata.tables["contact_point"]
    return [row.value for row in connection.execute(select(points).where(points.c.project_id == PROJECT)) if "@" in row.value]


async def test_the_logs_of_all_this_hold_no_canary(twins: Twins) -> None:
    """Whatever A does with numbers of B, the log of the process tells nothing that is written in B."""
    async with twins.world.client("admin") as client:
        for route in ROUTES:
            if route.permission is not Permission.PUBLIC:
                await answers(client, route.method, urls_of(route, twins.ids))
    assert CANARY.lower() not in twins.logs.getvalue().lower()


async def test_each_sees_its_own_part_of_the_audit_log(twins: Twins) -> None:
    """The chain is one; its pages are each project's own."""
    store = twins.world.app.store
    theirs = await store.read(audit.page, PROJECT)
    assert [entry.actor for entry in theirs] == [f"{CANARY}actor"]
    assert CANARY not in str(await store.read(audit.page, 1, limit=1000))
