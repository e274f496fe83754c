"""Kannel: what its requests must bear, and the whole way through a real gateway, from one handset to the other."""

import asyncio
import contextlib
import itertools
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from aiohttp import ClientSession, web

from contact_center.channels.sms import kannel as kannel_module
from contact_center.channels.sms.parse import parse
from contact_center.errors import (
    ChannelAuthFailed,
    ChannelError,
    ChannelMisconfigured,
    ChannelUnavailable,
    SourceCannotBeAsked,
    Unavailable,
    Undeliverable,
)
from contact_center.model.words import Delivery
from contact_center.testing import RunningApp, running_app
from tests.channels.doubles import MemoryInbox
from tests.channels.sms.helpers import SECRET, THEIRS, a_connector, a_request, an_answer
from tests.channels.sms.kannel import NUMBER, PASSWORD, USER, Gateway, gateway
from tests.servers import free_port

_marks = itertools.count(1)


def options(url: str = "http://127.0.0.1:1/cgi-bin/sendsms", **more: Any) -> dict[str, Any]:
    named = {"provider": "kannel", "kannel_url": url, "kannel_user": USER, "kannel_password": PASSWORD, "kannel_hook_secret": SECRET}
    return named | more


def mo(body: bytes = b"hello", **fields: str) -> Any:
    named = {"from": "79161234567", "to": NUMBER, "charset": "UTF-8", "coding": "0", "udh": "", "id": "u-1", "ts": "1790000000"}
    named |= {"secret": SECRET} | fields
    query = "&".join(f"{name}={quote(value)}" for name, value in named.items() if value is not None)
    return a_request("mo", query, body)


def dlr(key: str, kind: str, attempt: str = "a1", secret: str = SECRET) -> Any:
    return a_request("dlr", f"key={key}&try={attempt}&type={kind}&status=x&secret={secret}", method="GET")


# Requests from outside.


async def test_a_message_is_taken_in(tmp_path: Path) -> None:
    """Answered with 200, for the gateway repeats after 204; its time is the item's; the secret is not stored."""
    inbox = MemoryInbox(tmp_path)

    reply = await a_connector(tmp_path, NUMBER, **options()).answer(mo(), inbox)

    item = inbox.items["message:u-1"]
    assert reply.status == 200
    assert item.source_time == datetime.fromtimestamp(1790000000, UTC)
    assert SECRET.encode() not in (item.content or b"")
    assert SECRET not in str(item.envelope)
    assert parse(item.content or b"", item.envelope).text == "hello"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (mo(secret="a-word-that-somebody-guesses"), 403),
        (mo(secret=""), 403),
        (mo(secret="é" * 20), 403),
        (a_request("mo", "from=1&id=2"), 403),
        (a_request("", f"secret={SECRET}"), 404),
        (a_request("status", f"secret={SECRET}"), 404),
        (dlr("", "1"), 400),
        (dlr("!!!", "1"), 400),
        (dlr("MTIuYUA3MDAw", "1", secret="wrong"), 403),
    ],
)
async def test_what_is_not_the_gateways_is_refused(tmp_path: Path, request_: Any, status: int) -> None:
    """Nothing of it is stored."""
    inbox = MemoryInbox(tmp_path)

    reply = await a_connector(tmp_path, **options()).answer(request_, inbox)

    assert (reply.status, inbox.items) == (status, {})


async def test_without_a_secret_everything_is_refused(tmp_path: Path) -> None:
    """An account that is not set up yet cannot tell who asks."""
    connector = a_connector(tmp_path, **options(kannel_hook_secret=""))

    assert (await connector.answer(mo(secret=""), MemoryInbox(tmp_path))).status == 403


async def test_nothing_is_acknowledged_before_it_is_stored(tmp_path: Path) -> None:
    """When the database is away, the gateway does not hear a 2xx, and repeats."""
    with pytest.raises(Unavailable):
        await a_connector(tmp_path, **options()).answer(mo(), MemoryInbox(tmp_path, failure=Unavailable()))


async def test_repetitions_are_known_and_equal_texts_are_not_repetitions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the gateway's id; without one by what it says and when; without a time by the minute in which we hear it."""
    inbox, connector = MemoryInbox(tmp_path), a_connector(tmp_path, **options())
    requests = [mo(), mo(), mo(id="u-2"), mo(id=""), mo(id=""), mo(id="", ts="1790000001"), mo(id="", ts=""), mo(id="", ts="")]
    for request in requests:
        await connector.answer(request, inbox)
    monkeypatch.setattr(kannel_module.time, "time", lambda: 2_000_000_000.0)
    await connector.answer(mo(id="", ts=""), inbox)

    assert len(inbox.items) == 6
    assert len({item.content for item in inbox.items.values()}) == 6


async def test_reports_are_known_by_message_attempt_and_state(tmp_path: Path) -> None:
    """Repeated reports are one; a message that is sent again fails anew."""
    inbox, connector = MemoryInbox(tmp_path), a_connector(tmp_path, **options())
    key = "MTIuYWJjQDcwMDA"  # 12.abc@7000

    for kind, attempt in [("1", "a1"), ("8", "a1"), ("8", "a1"), ("4", "a1"), ("2", "a2")]:
        assert (await connector.answer(dlr(key, kind, attempt), inbox)).status == 200

    assert list(inbox.items) == ["report:12.abc@7000:a1:delivered", "report:12.abc@7000:a1:sent", "report:12.abc@7000:a2:bounced"]
    understood = [parse(item.content or b"", item.envelope).report for item in inbox.items.values()]
    assert [report.state for report in understood if report] == [Delivery.DELIVERED, Delivery.SENT, Delivery.BOUNCED]


# Sending, to a double that says what a real one seldom does.


@contextlib.asynccontextmanager
async def answering(status: int, words: str, heard: list[web.Request]) -> AsyncIterator[str]:
    async def take(request: web.Request) -> web.Response:
        heard.append(request)
        return web.Response(status=status, text=words)

    app = web.Application()
    app.router.add_get("/cgi-bin/sendsms", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/cgi-bin/sendsms"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "words", "error"),
    [
        (403, "Authorization failed for sendsms", ChannelAuthFailed),
        (403, "Not routable. Do not try again.", Undeliverable),
        (400, "Number(s) has/have been denied by white- and/or black-lists.", Undeliverable),
        (404, "Unknown request.", ChannelMisconfigured),
        (503, "Temporal failure, try again later.", ChannelUnavailable),
    ],
)
async def test_every_refusal_has_its_consequence(tmp_path: Path, status: int, words: str, error: type[ChannelError]) -> None:
    """Refused for good, again later, or a person must mend the settings; in the gateway's words."""
    async with answering(status, words, []) as url:
        with pytest.raises(error, match=re.escape(words)):
            await a_connector(tmp_path, NUMBER, **options(url)).send(an_answer())


@pytest.mark.parametrize(("text", "coding"), [("On its way {100%} €", "0"), ("В пути + 😀", "2")])
async def test_a_message_is_sent_in_the_smallest_alphabet(tmp_path: Path, text: str, coding: str) -> None:
    """UCS-2 only when it must be. In the report address only what the gateway replaces has a percent sign."""
    heard: list[web.Request] = []
    async with answering(202, "0: Accepted for delivery", heard) as url:
        receipt = await a_connector(tmp_path, NUMBER, **options(url)).send(an_answer(text, message_key="12.я@7000"))

    asked = heard[0].query
    assert receipt.provider_id == "0: Accepted for delivery"
    assert (asked["text"], asked["coding"], asked["charset"], asked["dlr-mask"]) == (text, coding, "UTF-8", "31")
    assert (asked["from"], asked["to"], asked["username"]) == (NUMBER, THEIRS, USER)
    assert asked["dlr-url"].count("%") == 2
    assert {"key", "try", "type", "status", "secret"} == set(parse_qs(urlsplit(asked["dlr-url"]).query))


async def test_an_unreachable_gateway_is_tried_again(tmp_path: Path) -> None:
    """Nothing was written to it."""
    with pytest.raises(ChannelUnavailable):
        await a_connector(tmp_path, NUMBER, **options(f"http://127.0.0.1:{free_port()}/x")).send(an_answer())


async def test_another_server_is_not_taken_for_a_gateway(tmp_path: Path) -> None:
    """A page that says yes to everything would swallow every message."""
    async with answering(200, "<h1>It works!</h1>", []) as url:
        with pytest.raises(ChannelMisconfigured, match="no sendsms"):
            await a_connector(tmp_path, NUMBER, **options(url)).check()


@pytest.mark.parametrize("missing", ["kannel_user", "kannel_password", "kannel_hook_secret"])
async def test_what_is_not_filled_in_is_named(tmp_path: Path, missing: str) -> None:
    """Before the gateway is asked."""
    with pytest.raises(ChannelMisconfigured, match=missing):
        await a_connector(tmp_path, NUMBER, **options(**{missing: ""})).check()


# The whole way, through a real gateway.


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Gateway]:
    with gateway(tmp_path / "kannel") as made:
        yield made


@dataclass
class Desk:
    """A product with a number behind a real Kannel, and its administrator."""

    server: RunningApp
    admin: ClientSession
    box: Gateway
    hook: str

    async def get(self, path: str) -> Any:
        async with self.admin.get(f"/api/v1{path}") as response:
            assert response.status == 200, await response.text()
            return (await response.json()).get("items")

    async def post(self, path: str, body: Any) -> tuple[int, Any]:
        headers = {"Idempotency-Key": f"k{next(_marks)}"}
        async with self.admin.post(f"/api/v1{path}", json=body, headers=headers) as response:
            return response.status, await response.json()

    async def entries(self) -> list[Any]:
        """Everything said with anybody who has a ticket."""
        contacts = {ticket["contact"]["id"] for ticket in await self.get("/tickets?view=all")}
        found = [await self.get(f"/contacts/{contact_id}/timeline") for contact_id in contacts]
        return [entry for entries in found for entry in entries if entry["kind"] == "sms"]


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def desk(tmp_path: Path, box: Gateway, *, plain: bool = True) -> AsyncIterator[Desk]:
    async with running_app(tmp_path / "data") as server, server.session() as admin:
        body = {"kind": "sms", "name": "SMS", "address": NUMBER, "queue_id": 1, "options": options(box.url), "check": False}
        async with admin.post("/api/v1/channels", json=body) as response:
            assert response.status == 201, await response.text()
            hook = (await response.json())["hook_url"]
        await asyncio.to_thread(box.start, hook, SECRET, plain=plain)
        yield Desk(server, admin, box, hook)
        await asyncio.to_thread(box.stop)


async def test_from_one_handset_to_the_other(tmp_path: Path, box: Gateway) -> None:
    """A message opens a ticket, the second joins it, the answer arrives and is shown as delivered, STOP ends it and is confirmed."""
    async with desk(tmp_path, box) as it:
        await asyncio.to_thread(box.write_text, "79161234567", "Where is my order?")
        await until(lambda: _has(it, 1))
        await asyncio.to_thread(box.write_text, "79161234567", "Алло, где заказ № 117? 😀")
        await until(lambda: _has(it, 2))
        (ticket,) = await it.get("/tickets?view=all")
        said = await it.entries()
        assert sorted(entry["text"] for entry in said) == ["Where is my order?", "Алло, где заказ № 117? 😀"]
        assert {entry["kind"] for entry in said} == {"sms"}

        answers = ["On its way {€}.", "Уже в пути 😀", "A long answer. " * 20]
        for text in answers:
            status, told = await it.post(f"/tickets/{ticket['id']}/replies", {"text": text})
            assert status == 201, told
        await until(lambda: _delivered(it, 3))
        got = [(sender, receiver) for sender, receiver, _ in box.received()]
        assert set(got) == {(NUMBER, THEIRS)}
        texts = [text for *_, text in box.received()]
        assert answers[0] in texts
        assert answers[1] in texts
        assert answers[2].strip() in "".join(text for text in texts if text not in answers[:2])

        await asyncio.to_thread(box.write_text, "79161234567", "Стоп")
        await until(lambda: _delivered(it, 4))
        assert "Больше не будем вам писать. Если передумаете, ответьте СТАРТ." in [text for *_, text in box.received()]
        status, told = await it.post(f"/tickets/{ticket['id']}/replies", {"text": "Are you there?"})
        assert (status, "no more messages" in told["detail"]) == (409, True)
        assert len(await it.get("/tickets?view=all")) == 1

        await asyncio.to_thread(box.write_text, "79161234567", "START")
        await until(lambda: _has(it, 9))
        assert (await it.post(f"/tickets/{ticket['id']}/replies", {"text": "Welcome back."}))[0] == 201


async def _has(it: Desk, count: int) -> bool:
    return len(await it.entries()) == count


async def _delivered(it: Desk, count: int) -> bool:
    return [entry["delivery"]["state"] for entry in await it.entries() if entry["delivery"]] == ["delivered"] * count


async def test_the_parts_of_a_long_message_are_joined(tmp_path: Path, box: Gateway) -> None:
    """The gateway does it, in whatever order they come."""
    async with desk(tmp_path, box) as it:
        await asyncio.to_thread(box.write, "79161234567", "udh-text", "%05%00%03%11%02%02 of a whole.")
        await asyncio.to_thread(box.write, "79161234567", "udh-text", "%05%00%03%11%02%01 Two halves ")
        await until(lambda: _has(it, 1))

        assert [entry["text"] for entry in await it.entries()] == ["Two halves of a whole."]


async def test_a_gateway_that_passes_everything_on_is_understood(tmp_path: Path, box: Gateway) -> None:
    """The body is UCS-2 then, and parts come alone: they are kept one after the other, in one ticket."""
    async with desk(tmp_path, box, plain=False) as it:
        await asyncio.to_thread(box.write_text, "79161234567", "Где заказ?")
        await asyncio.to_thread(box.write, "79161234567", "udh-text", "%05%00%03%11%02%01 Two halves ")
        await asyncio.to_thread(box.write, "79161234567", "udh-text", "%05%00%03%11%02%02 of a whole.")
        await until(lambda: _has(it, 3))

        assert sorted(entry["text"] for entry in await it.entries()) == ["Two halves ", "of a whole.", "Где заказ?"]
        assert len(await it.get("/tickets?view=all")) == 1


async def test_what_arrives_while_the_product_is_away_arrives_later(tmp_path: Path, box: Gateway) -> None:
    """The gateway repeats until it hears 200, and nothing comes twice."""
    async with desk(tmp_path, box) as it:
        whole = it.server.product.pipeline.accept
        failures = itertools.count()

        async def fails_at_first(*arguments: Any) -> int:
            if next(failures) < 2:
                raise Unavailable
            return await whole(*arguments)

        it.server.product.pipeline.accept = fails_at_first  # type: ignore[method-assign]
        await asyncio.to_thread(box.write_text, "79161234567", "Hello?")
        await until(lambda: _has(it, 1))

        assert next(failures) == 3


async def test_credentials_are_tried_without_sending(tmp_path: Path, box: Gateway) -> None:
    """A wrong password is told from a gateway that is not there, and no handset hears of it."""
    with pytest.raises(ChannelUnavailable):
        await a_connector(tmp_path, NUMBER, **options(box.url)).check()
    await asyncio.to_thread(box.start, "http://127.0.0.1:9/hooks", SECRET)

    await a_connector(tmp_path, NUMBER, **options(box.url)).check()
    with pytest.raises(ChannelAuthFailed):
        await a_connector(tmp_path, NUMBER, **options(box.url, kannel_password="wrong")).check()
    with pytest.raises(ChannelMisconfigured):
        await a_connector(tmp_path, NUMBER, **options(box.url.replace("sendsms", "elsewhere"))).check()
    assert "Receive SMS" not in (box.folder / "smsbox.log").read_text()


async def test_a_gateway_cannot_be_asked_what_it_had(tmp_path: Path) -> None:
    """Kannel keeps no list of messages: that is how it is set up, and no failed comparison."""
    with pytest.raises(SourceCannotBeAsked):
        await anext(a_connector(tmp_path, NUMBER, **options()).holdings(MemoryInbox(tmp_path)))
