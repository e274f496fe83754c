"""Twilio: the official vectors of its signature, its webhooks from end to end, and its API with every answer it may give."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from aiohttp import ClientSession, web

from contact_center.channels.sms import web as client
from contact_center.channels.sms.parse import parse
from contact_center.channels.sms.signature import is_signed, is_signed_body, signature
from contact_center.errors import (
    ChannelAuthFailed,
    ChannelError,
    ChannelMisconfigured,
    ChannelUnavailable,
    DeliveryUnknown,
    OptedOut,
    Unavailable,
    Undeliverable,
)
from contact_center.model.messages import OutboundFile
from contact_center.model.tickets import Address
from contact_center.model.words import Delivery
from contact_center.testing import RunningApp, running_app
from tests.channels.doubles import MemoryInbox
from tests.channels.sms.helpers import HOOK, OURS, THEIRS, a_connector, a_request, an_answer

SID, TOKEN = "AC00000000000000000000000000000001", "12345"
WEB_PAGE = "https://mycompany.com/myapp.php?foo=1&bar=2"
CALL = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
    ("Caller", "+14158675309"),
]
Reply = Callable[[web.Request], Any]


@dataclass
class Api:
    """A double of Twilio's REST API: remembers what it was told, answers as it is bidden."""

    url: str = ""
    sent: list[dict[str, str]] = field(default_factory=list)
    status: int = 201
    answer: Any = None
    silence: float = 0.0
    cut: bool = False
    cut_body: bool = False
    asked: list[dict[str, str]] = field(default_factory=list)
    following: str = ""
    """Where the list of messages says that it goes on."""

    async def take(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != "Basic " + base64.b64encode(f"{SID}:{TOKEN}".encode()).decode():
            return web.json_response({"code": 20003, "message": "Authenticate", "status": 401}, status=401)
        self.sent.append({name: str(value) for name, value in (await request.post()).items()})
        await asyncio.sleep(self.silence)
        if self.cut and request.transport is not None:
            request.transport.abort()
        if self.cut_body and request.transport is not None:
            response = web.StreamResponse(status=self.status, headers={"Content-Length": "100"})
            await response.prepare(request)
            await response.write(b'{"sid": "SM')
            request.transport.close()
            return response
        body = self.answer if self.answer is not None else {"sid": f"SM{len(self.sent)}", "status": "queued"}
        return web.json_response(body, status=self.status) if isinstance(body, dict) else web.Response(body=body, status=self.status)

    async def list(self, request: web.Request) -> web.StreamResponse:
        """Two pages of what was received, as Twilio links them."""
        self.asked.append(dict(request.query))
        if "Page" in request.query:
            return web.json_response({"messages": [{"sid": "SM3", "direction": "inbound"}], "next_page_uri": None})
        following = f"/2010-04-01/Accounts/{SID}/Messages.json?Page=1"
        said = [{"sid": "SM1", "direction": "inbound"}, {"sid": "SM2", "direction": "outbound-api"}]
        return web.json_response({"messages": said, "next_page_uri": self.following or following})

    async def show(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != "Basic " + base64.b64encode(f"{SID}:{TOKEN}".encode()).decode():
            return web.json_response({"code": 20003, "message": "Authenticate", "status": 401}, status=401)
        return web.json_response(self.answer or {"sid": SID, "status": "active"})


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    double = Api()
    app = web.Application()
    app.router.add_post(f"/2010-04-01/Accounts/{SID}/Messages.json", double.take)
    app.router.add_get(f"/2010-04-01/Accounts/{SID}/Messages.json", double.list)
    app.router.add_get(f"/2010-04-01/Accounts/{SID}.json", double.show)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    double.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield double
    await runner.cleanup()


def options(api: Api | None = None, **more: Any) -> dict[str, Any]:
    base = {"twilio_api_base": api.url} if api else {}
    return {"provider": "twilio", "twilio_account_sid": SID, "twilio_auth_token": TOKEN} | base | more


# The signature.


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (WEB_PAGE, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (WEB_PAGE.replace(".com", ".com:1234"), "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (WEB_PAGE.replace(".com", ".com:1234").replace("https", "http"), "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
        (WEB_PAGE, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        (WEB_PAGE.replace("https", "http"), "0ZXoZLH/DfblKGATFgpif+LLRf4="),
    ],
    ids=["as it is", "a port too much on https", "a port on http", "no port on https", "no port on http"],
)
def test_the_official_vectors(url: str, expected: str) -> None:
    """Twilio's own examples, with and without a port."""
    assert is_signed(TOKEN, url, CALL, expected)
    assert not is_signed("12346", url, CALL, expected)
    assert not is_signed(TOKEN, url, [*CALL, ("Body", "more")], expected)


def test_the_official_vector_of_repeated_names() -> None:
    """Every value of a name is signed, in order, each once."""
    fields = [("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234")]

    assert signature(TOKEN, WEB_PAGE, fields) == "IK+Dwps556ElfBT0I3Rgjkr1wJU="
    assert signature(TOKEN, WEB_PAGE, [*fields, fields[-1]]) == "IK+Dwps556ElfBT0I3Rgjkr1wJU="


def test_the_official_vector_of_a_body() -> None:
    """A JSON body is covered by its hash in the signed address."""
    url = WEB_PAGE + "&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
    body = b'{"property": "value", "boolean": true}'

    assert is_signed_body(TOKEN, url, body, "a9nBmqA0ju/hNViExpshrM61xv4=")
    assert not is_signed_body(TOKEN, url, body + b" ", "a9nBmqA0ju/hNViExpshrM61xv4=")
    assert not is_signed_body(TOKEN, WEB_PAGE, body, signature(TOKEN, WEB_PAGE, ()))


def test_an_empty_token_signs_nothing() -> None:
    """An account whose token was never entered believes nobody."""
    assert not is_signed("", WEB_PAGE, CALL, signature("", WEB_PAGE, CALL))


# Requests from outside.


def signed(path: str = "", query: str = "", token: str = TOKEN, **fields: str) -> Any:
    form = {"MessageSid": "SM1", "AccountSid": SID, "From": THEIRS, "To": OURS, "Body": "Hello", "NumMedia": "0"} | fields
    url = HOOK + (f"/{path}" if path else "") + (f"?{query}" if query else "")
    return a_request(path, query, urlencode(form).encode(), X_Twilio_Signature=signature(token, url, form.items()))


async def test_a_signed_message_is_taken_in(tmp_path: Path) -> None:
    """It is stored as it came, and Twilio is told to say nothing to the sender."""
    inbox = MemoryInbox(tmp_path)

    reply = await a_connector(tmp_path, **options()).answer(signed(), inbox)

    assert (reply.status, reply.body) == (200, b"<Response/>")
    item = inbox.items["message:SM1"]
    assert parse(item.content or b"", item.envelope).text == "Hello"


async def test_a_repetition_is_known(tmp_path: Path) -> None:
    """The provider's own id tells."""
    inbox, connector = MemoryInbox(tmp_path), a_connector(tmp_path, **options())

    for request in (signed(), signed(), signed(MessageSid="SM2")):
        await connector.answer(request, inbox)

    assert sorted(inbox.items) == ["message:SM1", "message:SM2"]


async def test_one_message_under_two_names_is_one(tmp_path: Path) -> None:
    """Twilio gives a message its id twice, and the signature cannot tell where a name ends: whoever replays a request with the
    first name glued to its value makes nothing new."""
    inbox, connector = MemoryInbox(tmp_path), a_connector(tmp_path, **options())
    form = {"MessageSid": "SM1", "SmsSid": "SM1", "AccountSid": SID, "From": THEIRS, "To": OURS, "Body": "Hello"}
    proof = signature(TOKEN, HOOK, form.items())
    glued = {"MessageSi": "dSM1"} | {name: value for name, value in form.items() if name != "MessageSid"}

    for fields in (form, form, glued):
        assert (await connector.answer(a_request("", "", urlencode(fields).encode(), X_Twilio_Signature=proof), inbox)).status == 200
    hidden = {"MessageSi": "dSM1", "SmsSi": "dSM1"} | {name: value for name, value in form.items() if name not in ("MessageSid", "SmsSid")}
    assert (await connector.answer(a_request("", "", urlencode(hidden).encode(), X_Twilio_Signature=proof), inbox)).status == 400

    assert list(inbox.items) == ["message:SM1"]


async def test_nothing_is_acknowledged_before_it_is_stored(tmp_path: Path) -> None:
    """When the database is away, Twilio does not hear a 2xx."""
    inbox = MemoryInbox(tmp_path, failure=Unavailable())

    with pytest.raises(Unavailable):
        await a_connector(tmp_path, **options()).answer(signed(), inbox)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (signed(token="wrong"), 403),
        (a_request(body=b"From=%2B79161234567&Body=x"), 403),
        (a_request(body=b"From=x", X_Twilio_Signature="é"), 403),
        (signed(AccountSid="AC2"), 403),
        (signed("elsewhere"), 404),
        (a_request(method="GET"), 405),
        (a_request(body=b"{broken"), 400),
        (a_request(body=b'{"a":' + b"[" * 200_000), 400),
        (a_request(body=b"&".join(b"a=1" for _ in range(2000))), 400),
        (signed("status", MessageStatus="sent"), 400),
    ],
    ids=["token", "unsigned", "odd signature", "account", "path", "method", "json", "deep json", "many fields", "no key"],
)
async def test_what_is_not_twilios_is_refused(tmp_path: Path, request_: Any, status: int) -> None:
    """Nothing of it is stored."""
    inbox = MemoryInbox(tmp_path)

    reply = await a_connector(tmp_path, **options()).answer(request_, inbox)

    assert (reply.status, inbox.items) == (status, {})


async def test_without_a_token_everything_is_refused(tmp_path: Path) -> None:
    """An account that is not set up yet cannot tell who asks."""
    connector = a_connector(tmp_path, **options(twilio_auth_token=""))

    assert (await connector.answer(signed(token=""), MemoryInbox(tmp_path))).status == 403


async def test_a_report_is_known_by_message_and_state(tmp_path: Path) -> None:
    """Repeated reports are one; each state is one; what is sent again fails anew."""
    inbox, connector = MemoryInbox(tmp_path), a_connector(tmp_path, **options())

    for sid, status in [("SM1", "sent"), ("SM1", "sent"), ("SM1", "failed"), ("SM2", "failed")]:
        reply = await connector.answer(signed("status", "key=MTIuYWJjQCs3OTE2", MessageSid=sid, MessageStatus=status), inbox)
        assert reply.status == 200

    assert list(inbox.items) == [
        "report:12.abc@+7916:SM1:sent",
        "report:12.abc@+7916:SM1:bounced",
        "report:12.abc@+7916:SM2:bounced",
    ]
    understood = [parse(item.content or b"", item.envelope).report for item in inbox.items.values()]
    assert [report.state for report in understood if report] == [Delivery.SENT, Delivery.BOUNCED, Delivery.BOUNCED]


# Sending.


async def test_a_message_is_sent_as_a_form(tmp_path: Path, api: Api) -> None:
    """To, From, Body, and where to tell what became of it, under our own key."""
    receipt = await a_connector(tmp_path, **options(api)).send(an_answer("Ваш заказ & чек = 100%"))

    assert receipt.provider_id == "SM1"
    assert api.sent[0] | {"StatusCallback": ""} == {"To": THEIRS, "From": OURS, "Body": "Ваш заказ & чек = 100%", "StatusCallback": ""}
    callback = urlsplit(api.sent[0]["StatusCallback"])
    assert callback.path.endswith("/hooks/7-abc/status")
    assert parse_qs(callback.query) == {"key": ["MTIuYWJjZGVmZ2hAKzc5MTYwMDAwMDAw"]}


async def test_a_messaging_service_sends_by_its_own_field(tmp_path: Path, api: Api) -> None:
    """An address that begins with MG is no number."""
    await a_connector(tmp_path, "MG0123456789", **options(api)).send(an_answer())

    assert api.sent[0]["MessagingServiceSid"] == "MG0123456789"
    assert "From" not in api.sent[0]


@pytest.mark.parametrize(
    ("status", "answer", "error", "words"),
    [
        (400, {"code": 21610, "message": "Attempt to send to unsubscribed recipient"}, OptedOut, "21610 Attempt to send"),
        (400, {"code": 21211, "message": "Invalid 'To' Phone Number"}, Undeliverable, "21211"),
        (401, {"code": 20003, "message": "Authenticate"}, ChannelAuthFailed, "20003"),
        (403, {"code": 20006, "message": "Access denied"}, ChannelAuthFailed, "20006"),
        (404, {"code": 20404, "message": "Not found"}, ChannelMisconfigured, "20404"),
        (302, b"", ChannelMisconfigured, "302"),
        (429, {"code": 20429, "message": "Too Many Requests"}, ChannelUnavailable, "20429"),
        (500, b"<html>oh</html>", ChannelUnavailable, "oh"),
        (503, b"x" * 1_000_000, ChannelUnavailable, "xxx"),
        (400, b"[1]", Undeliverable, "[1]"),
    ],
)
async def test_every_refusal_has_its_consequence(
    tmp_path: Path, api: Api, status: int, answer: Any, error: type[ChannelError], words: str
) -> None:
    """Refused for good, again later, or a person must mend the settings; in the provider's words."""
    api.status, api.answer = status, answer

    with pytest.raises(error, match=words.replace("[", r"\[")):
        await a_connector(tmp_path, **options(api)).send(an_answer())


async def test_an_answer_that_cannot_be_read_is_a_receipt(tmp_path: Path, api: Api) -> None:
    """Twilio said 201: whatever else it said, it has the message, and sending again would double it."""
    api.answer = b"\xff not json"

    assert (await a_connector(tmp_path, **options(api)).send(an_answer())).provider_id == ""


async def test_an_answer_that_breaks_off_after_its_status_is_a_receipt(tmp_path: Path, api: Api) -> None:
    """The same when the line breaks in the middle of the answer."""
    api.cut_body = True

    assert (await a_connector(tmp_path, **options(api)).send(an_answer())).provider_id == ""


async def test_silence_after_the_request_means_unknown(tmp_path: Path, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have been sent: a person decides."""
    api.silence = 5
    monkeypatch.setattr(client, "WHOLE", 0.3)

    with pytest.raises(DeliveryUnknown):
        await a_connector(tmp_path, **options(api)).send(an_answer())


async def test_a_line_that_breaks_after_the_request_means_unknown(tmp_path: Path, api: Api) -> None:
    """The same for a connection that was cut."""
    api.cut = True

    with pytest.raises(DeliveryUnknown):
        await a_connector(tmp_path, **options(api)).send(an_answer())
    assert len(api.sent) == 1


@pytest.mark.parametrize(
    ("base", "error"),
    [
        ("http://127.0.0.1:1", ChannelUnavailable),
        ("http://no-such-host.invalid", ChannelUnavailable),
        ("http://", ChannelMisconfigured),
        ("http://[::1", ChannelMisconfigured),
        ("http://127.0.0.1:99999", ChannelMisconfigured),
    ],
)
async def test_who_cannot_be_reached_got_nothing(tmp_path: Path, base: str, error: type[ChannelError]) -> None:
    """Nothing was written, so that a later attempt doubles nothing."""
    with pytest.raises(error):
        await a_connector(tmp_path, **options(twilio_api_base=base)).send(an_answer())


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (an_answer(to="ivan@example.com"), "not a telephone number"),
        (an_answer(cc=(Address("", "+79161234568"),)), "one number"),
        (an_answer(attachments=(OutboundFile("a.pdf", "application/pdf", b"x"),)), "no files"),
        (an_answer("Я" * 135), "3 parts, and at most 2"),
    ],
)
async def test_what_is_no_text_message_is_refused_here(tmp_path: Path, api: Api, message: Any, words: str) -> None:
    """Before anything is paid for."""
    with pytest.raises(Undeliverable, match=words):
        await a_connector(tmp_path, **options(api, max_parts=2)).send(message)
    assert api.sent == []


async def test_settings_are_tried(tmp_path: Path, api: Api) -> None:
    """A wrong token, a closed account and a missing option are told apart."""
    await a_connector(tmp_path, **options(api)).check()
    with pytest.raises(ChannelAuthFailed):
        await a_connector(tmp_path, **options(api, twilio_auth_token="wrong")).check()
    with pytest.raises(ChannelAuthFailed):
        await a_connector(tmp_path, **options(api, twilio_account_sid="AC9")).check()
    with pytest.raises(ChannelMisconfigured, match="twilio_auth_token"):
        await a_connector(tmp_path, **options(api, twilio_auth_token="")).check()
    api.answer = {"sid": SID, "status": "suspended"}
    with pytest.raises(ChannelMisconfigured, match="suspended"):
        await a_connector(tmp_path, **options(api)).check()


async def test_an_account_that_is_not_filled_in_says_so(tmp_path: Path) -> None:
    """Its health tells; one that is has nothing to fetch and returns."""
    await a_connector(tmp_path, **options()).run(MemoryInbox(tmp_path))
    with pytest.raises(ChannelMisconfigured, match="twilio_auth_token"):
        await a_connector(tmp_path, **options(twilio_auth_token="")).run(MemoryInbox(tmp_path))


# The whole way.


async def post_as_twilio(server: RunningApp, hook: str, **fields: str) -> int:
    """What Twilio does; the address it signs is the one it was given."""
    form = {"AccountSid": SID, "To": OURS, "NumMedia": "0"} | fields
    path = urlsplit(hook)._replace(scheme="", netloc="").geturl()
    async with (
        ClientSession(server.url) as session,
        session.post(path, data=form, headers={"X-Twilio-Signature": signature(TOKEN, hook, form.items())}) as response,
    ):
        return response.status


@contextlib.asynccontextmanager
async def desk(tmp_path: Path, api: Api, **more: Any) -> AsyncIterator[tuple[RunningApp, ClientSession, str]]:
    """A running product with a Twilio number; yields it, an administrator's session and the address of the number's hook."""
    async with running_app(tmp_path / "data", public_url="http://127.0.0.1:8443") as server, server.session() as admin:
        body = {"kind": "sms", "name": "SMS", "address": OURS, "queue_id": 1, "options": options(api, **more)}
        async with admin.post("/api/v1/channels", json=body) as response:
            assert response.status == 201, await response.text()
            yield server, admin, (await response.json())["hook_url"]


async def test_from_the_customers_message_to_the_report_on_the_answer(tmp_path: Path, api: Api) -> None:
    """A ticket, an answer, and what became of it, reports in any order and twice."""
    async with desk(tmp_path, api) as (server, admin, hook):
        assert await post_as_twilio(server, hook, MessageSid="SM77", From=THEIRS, Body="Где заказ?") == 200
        assert await post_as_twilio(server, hook, MessageSid="SM77", From=THEIRS, Body="Где заказ?") == 200
        await server.settled()
        async with admin.get("/api/v1/tickets") as response:
            (ticket,) = (await response.json())["items"]
        async with admin.post(
            f"/api/v1/tickets/{ticket['id']}/replies", json={"text": "В пути."}, headers={"Idempotency-Key": "1"}
        ) as response:
            assert response.status == 201, await response.text()
            entry = await response.json()
        async with asyncio.timeout(10):
            while not api.sent:
                await asyncio.sleep(0.02)
        callback = api.sent[0]["StatusCallback"]
        assert callback.startswith(f"{hook}/status?key=")
        for status in ("delivered", "sent", "delivered"):
            assert await post_as_twilio(server, callback, MessageSid="SM1", MessageStatus=status) == 200
        await server.settled()
        async with admin.get(f"/api/v1/contacts/{ticket['contact']['id']}/timeline") as response:
            shown = {item["id"]: item for item in (await response.json())["items"]}

    assert (api.sent[0]["To"], api.sent[0]["Body"]) == (THEIRS, "В пути.")
    assert shown[entry["id"]]["delivery"]["state"] == "delivered"


async def test_a_strangers_request_is_refused_at_the_door(tmp_path: Path, api: Api) -> None:
    """The address alone opens nothing."""
    async with desk(tmp_path, api) as (server, _, hook):
        path = urlsplit(hook).path
        async with ClientSession(server.url) as session, session.post(path, data={"From": THEIRS, "Body": "x"}) as response:
            assert response.status == 403


async def ticket_of(server: RunningApp, admin: ClientSession) -> int:
    await server.settled()
    async with admin.get("/api/v1/tickets?view=all") as response:
        return int((await response.json())["items"][0]["id"])


async def answer(admin: ClientSession, ticket_id: int, to: str, key: str, text: str = "More") -> tuple[int, str]:
    body = {"text": text, "to": [{"name": "", "email": to}]}
    async with admin.post(f"/api/v1/tickets/{ticket_id}/replies", json=body, headers={"Idempotency-Key": key}) as response:
        return response.status, await response.text()


async def test_an_opt_out_is_found_in_any_spelling(tmp_path: Path, api: Api) -> None:
    """What is looked up is what would be sent to: no way of writing a number leads past its owner's wish."""
    async with desk(tmp_path, api) as (server, admin, hook):
        await post_as_twilio(server, hook, MessageSid="SM1", From=THEIRS, Body="Hello")
        await post_as_twilio(server, hook, MessageSid="SM2", From=THEIRS, Body="STOP")
        ticket_id = await ticket_of(server, admin)

        for number, spelling in enumerate((THEIRS, THEIRS[1:], "8 (916) 123-45-67", "916 123 45 67", "+7 916 123-45-67")):
            status, words = await answer(admin, ticket_id, spelling, f"k{number}")
            assert (status, "has asked for no more messages from SMS" in words) == (409, True), (spelling, words)
    assert api.sent == []


async def test_an_answer_goes_to_a_number_that_was_typed(tmp_path: Path, api: Api) -> None:
    """The agent may choose another number; what is no number of the public network is refused before anything is queued."""
    async with desk(tmp_path, api) as (server, admin, hook):
        await post_as_twilio(server, hook, MessageSid="SM1", From=THEIRS, Body="Hello")
        ticket_id = await ticket_of(server, admin)

        status, words = await answer(admin, ticket_id, "8 (495) 123-45-67", "k1")
        assert status == 201, words
        for number, typed in enumerate(("7000", "anna@example.com", "+1 2 3")):
            status, words = await answer(admin, ticket_id, typed, f"w{number}")
            assert (status, "cannot be written to by SMS" in words) == (422, True), words
        async with asyncio.timeout(10):
            while not api.sent:
                await asyncio.sleep(0.02)
    assert [each["To"] for each in api.sent] == ["+74951234567"]


async def history(server: RunningApp, admin: ClientSession) -> list[dict[str, Any]]:
    """The customer's history, the oldest first, when nothing is on its way any more."""
    await server.settled()
    async with admin.get("/api/v1/contacts?limit=1") as response:
        contact = (await response.json())["items"][0]
    for _ in range(200):
        async with admin.get(f"/api/v1/contacts/{contact['id']}/timeline") as response:
            entries = (await response.json())["items"]
        if not any(entry["delivery"] and entry["delivery"]["state"] in ("queued", "leased") for entry in entries):
            break
        await asyncio.sleep(0.05)
    return sorted(entries, key=lambda entry: int(entry["id"]))


async def test_an_opt_out_is_confirmed_once_if_the_account_says_so(tmp_path: Path, api: Api) -> None:
    """One text for each change, in the language of the word, also to somebody who has just opted out; none for a repetition."""
    async with desk(tmp_path, api, confirm_opt_out="yes") as (server, admin, hook):
        for number, word in enumerate(("STOP", "Stop!", "quit", "Старт", "старт")):
            await post_as_twilio(server, hook, MessageSid=f"SM{number}", From=THEIRS, Body=word)
            await server.settled()
        shown = await history(server, admin)
        async with admin.get("/api/v1/tickets?view=all") as response:
            assert (await response.json())["items"] == []

    assert [(each["To"], each["Body"].split(".")[0]) for each in api.sent] == [
        (THEIRS, "You will get no more messages from this number"),
        (THEIRS, "Снова будем вам писать"),
    ]
    assert [entry["delivery"]["state"] for entry in shown if entry["direction"] == "out"] == ["sent", "sent"]


async def test_whoever_plays_with_the_words_is_not_answered_for_ever(tmp_path: Path, api: Api) -> None:
    """Six confirmations a day; the wishes themselves are heeded however often they change."""
    async with desk(tmp_path, api, confirm_opt_out="yes", opt_out_reply="Bye", opt_in_reply="Welcome back") as (server, admin, hook):
        for number in range(9):
            await post_as_twilio(server, hook, MessageSid=f"SM{number}", From=THEIRS, Body="START" if number % 2 else "STOP")
            await server.settled()
        shown = await history(server, admin)
        async with admin.get(f"/api/v1/contacts/{shown[0]['contact_id']}") as response:
            assert (await response.json())["points"][0]["opted_out"] is True

    assert sorted(each["Body"] for each in api.sent) == ["Bye"] * 3 + ["Welcome back"] * 3


async def test_twilio_confirms_by_itself(tmp_path: Path, api: Api) -> None:
    """So that by default nobody is told twice."""
    async with desk(tmp_path, api) as (server, admin, hook):
        await post_as_twilio(server, hook, MessageSid="SM1", From=THEIRS, Body="STOP")
        assert len(await history(server, admin)) == 1
    assert api.sent == []


@pytest.mark.parametrize("told", ["at once", "by a report"])
async def test_what_twilio_knows_of_an_opt_out_we_know_too(tmp_path: Path, api: Api, told: str) -> None:
    """Error 21610 fails the answer and becomes our own record with its reason; the next one is refused here; START lifts it."""
    async with desk(tmp_path, api) as (server, admin, hook):
        await post_as_twilio(server, hook, MessageSid="SM1", From=THEIRS, Body="Hello")
        ticket_id = await ticket_of(server, admin)
        if told == "at once":
            api.status, api.answer = 400, {"code": 21610, "message": "Attempt to send to unsubscribed recipient"}
        assert (await answer(admin, ticket_id, THEIRS, "k1"))[0] == 201
        shown = await history(server, admin)
        if told == "by a report":
            callback = api.sent[0]["StatusCallback"]
            assert await post_as_twilio(server, callback, MessageSid="SM1", MessageStatus="undelivered", ErrorCode="21610") == 200
            shown = await history(server, admin)
        (sent,) = [entry for entry in shown if entry["direction"] == "out" and entry["delivery"]]
        assert sent["delivery"]["state"] == ("failed" if told == "at once" else "bounced")

        status, words = await answer(admin, ticket_id, THEIRS, "k2")
        assert (status, "21610" in words) == (409, True), words
        await post_as_twilio(server, hook, MessageSid="SM2", From=THEIRS, Body="START", OptOutType="START")
        await server.settled()
        api.status, api.answer = 201, None
        assert (await answer(admin, ticket_id, THEIRS, "k3"))[0] == 201


# Comparing.


async def test_what_twilio_received_is_compared_page_by_page(api: Api, tmp_path: Path) -> None:
    """The list of the last days names what was sent to us, and nothing that we sent."""
    found = [keys async for keys in a_connector(tmp_path, **options(api)).holdings(MemoryInbox(tmp_path))]
    assert found == [["message:SM1"], ["message:SM3"]]
    assert api.asked[0]["To"] == OURS
    assert set(api.asked[0]) == {"To", "DateSent>", "PageSize"}


async def test_the_list_leads_to_no_other_host(api: Api, tmp_path: Path) -> None:
    """Our password goes to the address in the settings and nowhere else, wherever the list says that it goes on."""
    api.following = "https://elsewhere.example/steal"
    assert [keys async for keys in a_connector(tmp_path, **options(api)).holdings(MemoryInbox(tmp_path))] == [["message:SM1"]]
    assert len(api.asked) == 1
