"""Lists in pages: complete, each thing once, however much arrives between two pages; and cursors that are not ours."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import orjson
import pytest
from sqlalchemy import update

from contact_center.api.schemas import decode_cursor, encode_cursor
from contact_center.errors import BadRequest
from contact_center.store import Connection
from contact_center.store.schema.tickets import interaction, ticket
from contact_center.testing import RunningApp, a_mail
from tests.api.world import admin_id, cookie, make_session, quarantine

LISTS = ["/api/v1/tickets?view=all", "/api/v1/contacts", "/api/v1/contacts/1/timeline", "/api/v1/quarantine", "/api/v1/spool"]
Between = Callable[[int], Awaitable[None]]


async def client_of(server: RunningApp) -> aiohttp.ClientSession:
    """A signed-in administrator."""
    return aiohttp.ClientSession(server.url, headers=cookie(await make_session(server, await admin_id(server))))


async def nothing(_page: int) -> None:
    """Quiet between pages."""


async def walk(client: aiohttp.ClientSession, path: str, limit: int, between: Between = nothing) -> list[dict[str, Any]]:
    """All pages of a list, with something happening after each."""
    found: list[dict[str, Any]] = []
    cursor = None
    for page in range(200):
        params = {"limit": str(limit)} | ({"cursor": cursor} if cursor else {})
        async with client.get(path, params=params) as response:
            assert response.status == 200, await response.text()
            answer = await response.json()
        assert 0 < len(answer["items"]) <= limit, "no page is empty or too long"
        found += answer["items"]
        cursor = answer["next_cursor"]
        if cursor is None:
            return found
        assert len(answer["items"]) == limit, "only the last page is short"
        await between(page)
    raise AssertionError("the pages do not end")


def ids(items: list[dict[str, Any]]) -> list[int]:
    """Their numbers."""
    return [item["id"] for item in items]


async def arrive(server: RunningApp, *names: str, date: datetime | None = None) -> None:
    """A mail of each of these people."""
    await server.deliver(
        *(a_mail(sender=f"{name}@example.com", message_id=f"<{name}@example.com>", subject=name, date=date) for name in names)
    )


def _tie(connection: Connection, /, numbers: list[int]) -> None:
    """Let these tickets have moved at the very same moment."""
    at = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    connection.execute(update(ticket).where(ticket.c.id.in_(numbers)).values(last_at=at))


async def test_tickets_that_arrive_between_pages_disturb_nothing(any_server: RunningApp) -> None:
    """Every ticket that was there at the first page comes exactly once, in order, also among tickets of one moment."""
    await arrive(any_server, *(f"first{number}" for number in range(13)))
    async with await client_of(any_server) as client:
        await any_server.store.write(_tie, ids(await walk(client, LISTS[0], 200))[3:10])
        before = ids(await walk(client, LISTS[0], 200))

        async def between(page: int) -> None:
            await arrive(any_server, f"late{page}", f"later{page}")

        paged = ids(await walk(client, LISTS[0], 2, between))
        assert paged == before
        after = ids(await walk(client, LISTS[0], 3))
    assert len(after) == len(set(after)) == 13 + 12
    assert [number for number in after if number in before] == before, "the newcomers stand in front"


async def test_a_ticket_that_moves_between_pages_comes_once(server: RunningApp) -> None:
    """A ticket that was read and then moves to the front is not told twice, and all that stayed are told."""
    await arrive(server, *(f"person{number}" for number in range(8)))
    async with await client_of(server) as client:
        before = await walk(client, LISTS[0], 200)

        async def between(page: int) -> None:
            read = before[page * 2]
            answers = f"<{read['subject']}@example.com>"
            await server.deliver(a_mail(sender=f"{read['subject']}@example.com", message_id=f"<again{page}@example.com>", answers=answers))

        paged = ids(await walk(client, LISTS[0], 2, between))
        assert paged == ids(before)
        assert ids(await walk(client, LISTS[0], 200)) != ids(before), "they did move"


def _date(connection: Connection, /, numbers: list[int], at: datetime) -> None:
    """Let these entries be of that moment, as an archive's are."""
    connection.execute(update(interaction).where(interaction.c.id.in_(numbers)).values(occurred_at=at))


async def test_entries_that_arrive_between_pages_disturb_nothing(any_server: RunningApp) -> None:
    """A contact's history stays complete and without repetition while entries arrive, new ones and ones of long ago."""
    start = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)

    async def write(name: str) -> None:
        await any_server.deliver(a_mail(message_id=f"<{name}@example.com>", answers="<m0@example.com>" if name != "m0" else None))

    for number in range(9):
        await write(f"m{number}")
    async with await client_of(any_server) as client:
        made = ids(await walk(client, LISTS[2], 200))
        for hour in range(3):
            await any_server.store.write(_date, made[hour * 3 : hour * 3 + 3], start + timedelta(hours=hour))
        before = ids(await walk(client, LISTS[2], 200))
        assert before == [*made[6:], *made[3:6], *made[:3]], "the numbers decide within one moment"

        async def between(page: int) -> None:
            await write(f"new{page}")
            await write(f"old{page}")
            newest = ids(await walk(client, LISTS[2], 200))[0]
            await any_server.store.write(_date, [newest], start + timedelta(hours=1))

        paged = ids(await walk(client, LISTS[2], 2, between))
    assert [number for number in paged if number in before] == before
    assert len(paged) == len(set(paged))


async def test_contacts_that_arrive_between_pages_are_told_too(any_server: RunningApp) -> None:
    """The list of contacts goes from the oldest on: who arrives while it is read comes at its end, and everybody once."""
    await arrive(any_server, *(f"first{number}" for number in range(7)))
    async with await client_of(any_server) as client:

        async def between(page: int) -> None:
            if page < 3:
                await arrive(any_server, f"late{page}")

        paged = ids(await walk(client, LISTS[1], 2, between))
        assert paged == ids(await walk(client, LISTS[1], 200))
    assert len(paged) == 10
    assert paged == sorted(set(paged))


async def test_items_that_fail_between_pages_disturb_nothing(any_server: RunningApp) -> None:
    """The quarantine tells each item once while others are put there and taken out."""
    for number in range(7):
        await any_server.store.write(quarantine, 1, f"first{number}")
    async with await client_of(any_server) as client:
        before = ids(await walk(client, LISTS[3], 200))
        assert len(before) == 7

        async def between(page: int) -> None:
            await any_server.store.write(quarantine, 1, f"late{page}")

        assert ids(await walk(client, LISTS[3], 2, between)) == before


async def test_replies_that_leave_between_pages_disturb_nothing(server: RunningApp) -> None:
    """The spool tells each sent mail once while others are being sent."""
    await arrive(server, "person")
    async with await client_of(server) as client:

        async def reply(key: str) -> None:
            async with client.post("/api/v1/tickets/1/replies", json={"text": key}, headers={"Idempotency-Key": key}) as response:
                assert response.status == 201, await response.text()

        async def spooled(count: int) -> list[int]:
            for _ in range(500):
                async with client.get(LISTS[4], params={"limit": "200"}) as response:
                    found = ids((await response.json())["items"])
                if len(found) == count:
                    return found
                await asyncio.sleep(0.02)
            raise AssertionError("the replies did not reach the spool")

        for number in range(5):
            await reply(f"first{number}")
        before = await spooled(5)

        async def between(page: int) -> None:
            await reply(f"late{page}")
            await spooled(6 + page)

        assert ids(await walk(client, LISTS[4], 2, between)) == before


async def test_the_feed_is_complete_while_it_grows(any_server: RunningApp) -> None:
    """Reading the change feed from number to number misses no event and repeats none, however much happens meanwhile."""
    await arrive(any_server, *(f"first{number}" for number in range(4)))
    async with await client_of(any_server) as client:
        seen: list[int] = []
        after, rounds = 0, 0
        while True:
            async with client.get("/api/v1/events", params={"after": str(after), "limit": "3"}) as response:
                feed = await response.json()
            numbers = [event["seq"] for event in feed["events"]]
            assert all(after < number <= feed["horizon"] for number in numbers)
            seen += numbers
            after = feed["horizon"]
            rounds += 1
            if rounds <= 3:
                await arrive(any_server, f"late{rounds}")
            if not feed["more"] and rounds > 3:
                break
        async with client.get("/api/v1/events", params={"after": "0", "limit": "1000"}) as response:
            whole = [event["seq"] for event in (await response.json())["events"]]
    assert seen == whole
    assert len(whole) > 7


@pytest.mark.parametrize("path", LISTS[:3])
async def test_every_size_of_page_tells_the_same(server: RunningApp, path: str) -> None:
    """Pages of one, of some, of exactly all and of more add up to the same list, and none is empty."""
    await arrive(server, *(f"person{number}" for number in range(6)))
    for number in range(5):
        answers = "<person0@example.com>"
        await server.deliver(a_mail(sender="person0@example.com", message_id=f"<more{number}@example.com>", answers=answers))
    async with await client_of(server) as client:
        whole = ids(await walk(client, path, 200))
        assert len(whole) == 6
        for limit in (1, 2, 3, 5, 6, 7):
            assert ids(await walk(client, path, limit)) == whole, limit


def packed(value: Any) -> str:
    """A cursor as somebody else would make it."""
    data = value if isinstance(value, bytes) else orjson.dumps(value)
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


NOW = "2026-11-02T09:00:00+00:00"
BAD = {
    "a word": "cursor",
    "one sign": "x",
    "not base64": "!!!!",
    "other letters": "курсор",
    "a NUL": "\x00",
    "line ends": "a\r\nb",
    "no JSON": packed(b"not json"),
    "no UTF-8": packed(b"\xff\xfe"),
    "null": packed(None),
    "a number": packed(5),
    "an object": packed({"a": 1}),
    "nothing in it": packed([]),
    "too much in it": packed([NOW, 1, 1]),
    "nulls": packed([None, None]),
    "one null": packed([None]),
    "lists": packed([[], []]),
    "no instant": packed(["yesterday", 1]),
    "no zone": packed(["2026-11-02T09:00:00", 1]),
    "the end of time": packed(["9999-12-31T23:59:59-14:00", 1]),
    "the beginning of time": packed(["0001-01-01T00:00:00+14:00", 1]),
    "no day": packed(["2026-02-30T00:00:00+00:00", 1]),
    "a huge number": packed([NOW, 2**53]),
    "a number beyond all": packed(["9" * 1400]),
    "a huge single": packed([2**63 - 1]),
    "a word for a number": packed([NOW, "x"]),
    "words": packed(["; drop table ticket"]),
    "deep": packed(b"[" * 1400),
}


@pytest.mark.parametrize("path", LISTS)
async def test_a_cursor_that_is_not_ours_is_refused(any_server: RunningApp, path: str) -> None:
    """Anything but a place we gave is answered with a problem that says so, at every list."""
    await arrive(any_server, "person")
    async with await client_of(any_server) as client:
        for name, cursor in BAD.items():
            async with client.get(path, params={"cursor": cursor}) as response:
                problem = await response.json(content_type="application/problem+json")
                assert (response.status, problem["title"]) == (400, "bad-request"), (name, problem)
                assert "cursor" in problem["detail"].lower()
        for params in ({"cursor": "x" * 2001}, {"limit": "0"}, {"limit": "201"}, {"limit": "-1"}, {"limit": "x"}, {"page": "2"}):
            async with client.get(path, params=params) as response:
                assert response.status == 422, params
                assert (await response.json(content_type="application/problem+json"))["errors"]


async def test_a_place_of_another_kind_of_list_is_refused(server: RunningApp) -> None:
    """The place in a list by time is none in a list by number, nor the other way round."""
    await arrive(server, "one", "two", "three")
    async with await client_of(server) as client:
        places = {}
        for path in LISTS[:2]:
            async with client.get(path, params={"limit": "1"}) as response:
                places[path] = (await response.json())["next_cursor"]
        for path, other in ((LISTS[0], LISTS[1]), (LISTS[1], LISTS[0])):
            async with client.get(path, params={"cursor": places[other]}) as response:
                assert response.status == 400
            async with client.get(path, params={"cursor": places[path]}) as response:
                assert response.status == 200


def test_a_cursor_comes_back_as_it_went() -> None:
    """An instant keeps its microseconds and its zone becomes UTC; a number keeps every digit."""
    at = datetime(2026, 11, 2, 12, 0, 0, 123456, tzinfo=UTC)
    assert decode_cursor(encode_cursor(at, 2**53 - 1), datetime, int) == [at, 2**53 - 1]
    assert decode_cursor(None, int) is None
    assert decode_cursor("", int) is None
    with pytest.raises(BadRequest):
        decode_cursor(encode_cursor(at), int)
