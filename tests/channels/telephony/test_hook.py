"""The signed webhook: what is let in, what is answered, and what becomes of it."""

import asyncio
import itertools
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from contact_center.channels.base import HookReply, HookRequest
from contact_center.channels.telephony import hook
from contact_center.channels.telephony.calls import describe
from contact_center.channels.telephony.options import COLUMNS, TelephonyOptions
from contact_center.channels.telephony.parse import combine, parse
from contact_center.channels.telephony.records import ENDINGS
from contact_center.errors import ChannelUnavailable
from contact_center.model.messages import InboundMessage
from contact_center.testing import RunningApp
from tests.channels.doubles import MemoryInbox

SECRET = "a secret of the webhook"
NOW = 1795296054.0
ENVELOPE = {"digits": 4, "zone": "UTC", "region": "RU", "trust_date": True, "old_before": 0.0, "ours": ["+74951234567"]}
EVENT = {"id": "c1", "event": "missed", "direction": "in", "from": "+79161112233", "to": "+74951234567", "at": "2026-11-21T21:20:54Z"}


@pytest.fixture
def inbox(tmp_path: Path) -> MemoryInbox:
    return MemoryInbox(tmp_path)


async def post(
    inbox: MemoryInbox,
    event: Any,
    *,
    secret: str = SECRET,
    configured: str = SECRET,
    timestamp: str = "1795296054",
    signature: str | None = None,
    path: str = "events",
    method: str = "POST",
) -> HookReply:
    body = event if isinstance(event, bytes) else orjson.dumps(event)
    headers = {"X-Timestamp": timestamp, "X-SIGNATURE": hook.sign(secret, timestamp, body) if signature is None else signature}
    request = HookRequest(method, path, "https://cc.example.org/hooks/1-x/events", (), headers, body, "192.0.2.1")
    return await hook.answer(request, inbox, configured, dict(ENVELOPE), clock=lambda: NOW)


def told(*events: dict[str, Any]) -> InboundMessage:
    """The call that these events tell of."""
    return combine([parse(orjson.dumps(event), ENVELOPE | {"source": "event", "received": NOW}).headers for event in events])


@pytest.mark.parametrize(
    ("secret", "timestamp", "body", "signature"),
    [
        ("key", "1700000000", b"{}", "9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae"),
        ("ключ", "1", "привет".encode(), "aaeb005e32756130a1e05d151d3b3096abe1db31f083a0ef35d479dfbae92e77"),
    ],
)
def test_signature_vectors(secret: str, timestamp: str, body: bytes, signature: str) -> None:
    """The signature is the HMAC of timestamp, dot and body, as openssl makes it."""
    assert hook.sign(secret, timestamp, body) == f"sha256={signature}"
    openssl = shutil.which("openssl")
    if openssl and secret.isascii():
        arguments = [openssl, "dgst", "-sha256", "-hmac", secret]
        out = subprocess.run(arguments, input=timestamp.encode() + b"." + body, capture_output=True, check=True).stdout.decode()
        assert out.strip().rpartition(" ")[2] == signature


async def test_a_signed_event_is_taken(inbox: MemoryInbox) -> None:
    """204 after the item is stored, byte for byte, under a key from its content."""
    reply = await post(inbox, EVENT)
    assert reply.status == 204
    assert inbox.contents() == [orjson.dumps(EVENT)]


async def test_a_repeated_event_is_known(inbox: MemoryInbox) -> None:
    """The same request again, and the same event under a new timestamp, are answered alike and stored once."""
    for timestamp in ("1795296054", "1795296054", "1795296100"):
        assert (await post(inbox, EVENT, timestamp=timestamp)).status == 204
    assert len(inbox.items) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "another"},
        {"signature": ""},
        {"signature": "sha256="},
        {"signature": "sha1=abc"},
        {"signature": "sha256=é"},
        {"signature": "sha256=\udcff"},
        {"timestamp": "\udcff", "signature": "sha256=00"},
        {"timestamp": "1795295753"},
        {"timestamp": "1795296355"},
        {"timestamp": ""},
        {"timestamp": "-1795296054"},
        {"timestamp": "1795296054.0"},
        {"timestamp": "١٧٩٥٢٩٦٠٥٤"},
        {"timestamp": "9" * 5000},
        {"secret": "", "configured": ""},
    ],
)
async def test_what_is_not_signed_now_is_refused(inbox: MemoryInbox, wrong: dict[str, str]) -> None:
    """Another secret, no signature, an old or odd timestamp, or no secret at all: 401, and nothing is stored."""
    assert (await post(inbox, EVENT, **wrong)).status == 401  # type: ignore[arg-type]
    assert not inbox.items


async def test_the_border_of_five_minutes(inbox: MemoryInbox) -> None:
    """300 seconds either way are let in."""
    for timestamp in ("1795295754", "1795296354"):
        assert (await post(inbox, EVENT, timestamp=timestamp)).status == 204


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]]", b"12", b'"x"', b"{}", b'{"id": null, "event": "missed"}', b'{"id": {}}', b"[1]", b'[{"id":"a"}, 7]',
     b"[" * 3000, b'{"id": "\\ud800"}', b"\xff\xfe"]
)  # fmt: skip
async def test_junk_is_refused_with_words(inbox: MemoryInbox, body: bytes) -> None:
    """A signed body that can never be understood is the script's mistake: 400, and nothing is stored."""
    reply = await post(inbox, body)
    assert reply.status == 400
    assert reply.body
    assert not inbox.items


async def test_several_events_at_once(inbox: MemoryInbox) -> None:
    """A list is taken whole, each event an item of its own; more than 500 are too many."""
    assert (await post(inbox, [EVENT, EVENT | {"id": "c2"}, EVENT])).status == 204
    assert len(inbox.items) == 2
    assert (await post(inbox, [EVENT | {"id": str(number)} for number in range(501)])).status == 400


async def test_an_event_that_is_not_stored_is_not_acknowledged(inbox: MemoryInbox) -> None:
    """When the database is away the PBX hears an error and tries again."""
    inbox.failure = ChannelUnavailable("away")
    with pytest.raises(ChannelUnavailable):
        await post(inbox, EVENT)


async def test_other_addresses_and_methods(inbox: MemoryInbox) -> None:
    """Only POST to /events is heard."""
    assert (await post(inbox, EVENT, path="")).status == 404
    assert (await post(inbox, EVENT, path="events", method="GET")).status == 405


# What events mean.


def test_a_missed_call() -> None:
    """One event is enough for a call, with its time and both numbers."""
    call = told(EVENT)
    assert call.sender is not None
    assert call.facts is not None
    assert (call.facts["result"], call.demand, call.sender.value) == ("missed", "callback", "+79161112233")
    assert (call.facts["our_number"], call.facts["started_at"]) == ("+74951234567", "2026-11-21T21:20:54+00:00")


def test_a_call_from_ringing_to_the_end() -> None:
    """Events of one id are one call in any order; unknown ones say nothing, and numbers may come as numbers."""
    base = {"id": 77, "direction": "inbound", "from": 79161112233, "to": "74951234567"}
    events = [
        base | {"event": "ringing", "at": NOW, "queue": "Продажи"},
        base | {"event": "recording_started", "at": NOW + 1},
        base | {"event": "answered", "at": NOW + 5, "agent": "Анна", "wait_seconds": 5},
        base | {"event": "transferred", "at": NOW + 20, "agent": "Анна", "transfer_to": "102", "transfer_kind": "attended"},
        base | {"event": "ended", "at": NOW + 65, "talk_seconds": 60, "hold_seconds": 12},
    ]
    call = told(*events)
    assert call.facts is not None
    assert told(*reversed(events)).facts == call.facts
    shown = {name: call.facts[name] for name in ("result", "direction", "wait_seconds", "talk_seconds", "agents", "queue")}
    assert shown == {"result": "answered", "direction": "in", "wait_seconds": 5, "talk_seconds": 60, "agents": ["Анна"], "queue": "Продажи"}
    assert (call.facts["hold_seconds"], told(*events[:-1]).facts["hold_seconds"]) == (12, None)  # type: ignore[index]
    assert call.facts["transfers"] == [{"kind": "attended", "from": "Анна", "to": "102"}]
    assert [(talk["agent"], talk["seconds"]) for talk in call.facts["talks"]] == [("Анна", 15), ("102", 45)]
    assert (call.facts["started_at"], call.facts["ended_at"]) == ("2026-11-21T21:20:54+00:00", "2026-11-21T21:21:59+00:00")
    assert call.demand == "served"


def test_a_call_that_is_handed_on_while_it_happens() -> None:
    """Who handed it on has it no more, even while the other's telephone still rings; then whoever answered has it, until the end. That a
    hang-up names an agent and all the talk of the call says nothing about who had how much of it."""
    base = {"id": "c-9", "direction": "in", "from": "+79161112233", "to": "+74951234567"}
    events = [
        base | {"event": "answered", "at": NOW + 5, "agent": "Анна", "wait_seconds": 5},
        base | {"event": "transferred", "at": NOW + 60, "agent": "Анна", "transfer_to": "Борис", "transfer_kind": "blind"},
        base | {"event": "answered", "at": NOW + 70, "agent": "Борис"},
        base | {"event": "ended", "at": NOW + 200, "agent": "Борис", "talk_seconds": 195},
    ]

    def talks(*events: dict[str, Any]) -> list[tuple[str, int | None]]:
        facts = [told(*order).facts for order in itertools.permutations(events)]
        assert all(each == facts[0] for each in facts)
        assert facts[0] is not None
        return [(talk["agent"], talk["seconds"]) for talk in facts[0]["talks"]]

    assert talks(*events[:1]) == [("Анна", None)]
    assert talks(*events[:2]) == [("Анна", 55)]
    assert talks(*events[:3]) == [("Анна", 55), ("Борис", None)]
    assert talks(*events) == [("Анна", 55), ("Борис", 130)]
    assert talks(events[0], events[2]) == [("Анна", 65), ("Борис", None)]


ANSWERED, ENDED = {"event": "answered"}, {"event": "ended", "at": 200, "talk_seconds": 195}
HANDED_ON = {"event": "transferred", "agent": "A", "transfer_to": "B", "transfer_kind": "blind"}
ASKED = {"event": "transferred", "agent": "A", "transfer_kind": "attended"}


@pytest.mark.parametrize(
    ("events", "talks"),
    [
        ([ANSWERED | {"at": 5, "agent": "A"}, ANSWERED | {"at": 70, "agent": "B"}, HANDED_ON | {"at": 71}, ENDED], [("A", 65), ("B", 130)]),
        ([ANSWERED | {"at": 5, "agent": "A"}, ANSWERED | {"at": 50, "agent": "B"}, ASKED | {"at": 75}], [("A", 45), ("B", None)]),
        ([ANSWERED | {"at": 5}, HANDED_ON | {"at": 60}, ENDED | {"agent": "B"}], [("A", 55), ("B", 140)]),
        ([ANSWERED | {"at": 5, "agent": "A"}, HANDED_ON | {"at": 60}, ENDED | {"agent": "B"}], [("A", 55), ("B", 140)]),
        ([ANSWERED | {"at": 5, "agent": "A"}, HANDED_ON | {"at": 60}, ENDED | {"agent": "A"}], [("A", 55)]),
        (
            [ANSWERED | {"at": 5, "agent": "A"}, HANDED_ON | {"at": 60}, ANSWERED | {"at": 100, "agent": "B"},
             {"event": "ended", "at": 160, "talk_seconds": 115}],
            [("A", 55), ("B", 60)],
        ),
        (
            [ANSWERED | {"at": 5, "agent": "A"}, ANSWERED | {"at": 60, "agent": "B"},
             {"event": "transferred", "at": 90, "agent": "B", "transfer_to": "A", "transfer_kind": "attended"}, ENDED],
            [("A", 55), ("B", 30), ("A", 110)],
        ),
    ],
    ids=["told late", "to whom is not told", "nobody said who answered", "only the hang-up names the other", "names the giver", "gap", "back"],
)  # fmt: skip
def test_who_had_the_caller_from_when(events: list[dict[str, Any]], talks: list[tuple[str, int | None]]) -> None:
    """As far as events tell it, in whatever order: a transfer ends the giver's part and nobody else's, what lay between two is nobody's."""
    base = {"id": "c-8", "direction": "in", "from": "+79161112233", "to": "+74951234567"}
    for order in itertools.permutations(events):
        facts = told(*(base | event | {"at": NOW + event["at"]} for event in order)).facts
        assert facts is not None
        assert [(talk["agent"], talk["seconds"]) for talk in facts["talks"]] == talks


@pytest.mark.parametrize(
    ("event", "result", "demand"),
    [
        ("ringing", "ringing", "nothing"), ("answered", "answered", "served"), ("Missed", "missed", "callback"),
        ("abandoned", "abandoned", "callback"), ("TIMEOUT", "timeout", "callback"), ("busy", "busy", "callback"),
        ("failed", "failed", "callback"), ("no-answer", "no_answer", "callback"), ("voicemail", "voicemail", "callback"),
        ("callback_requested", "callback", "callback"),
        ("ended", "missed", "callback"), ("whatever", "ringing", "nothing"), ("", "ringing", "nothing"),
    ],
)  # fmt: skip
def test_what_each_event_asks_for(event: str, result: str, demand: str) -> None:
    """The words of the contract, in any spelling."""
    call = told(EVENT | {"event": event})
    assert call.facts is not None
    assert (call.facts["result"], call.demand) == (result, demand)
    assert (call.facts["number"], call.subject, call.visible_text) == ("+79161112233", "", "")
    out = told(EVENT | {"event": event, "direction": "out", "from": "101", "to": "+79161112233"})
    assert out.demand == ("served" if result == "answered" else "nothing")


@pytest.mark.parametrize(
    ("caller", "called", "direction"),
    [("+79161112233", "74951234567", "in"), ("74951234567", "89161112233", "out"), ("101", "89161112233", "out"), ("101", "102", "internal"),
     ("", "74951234567", "in"), ("+79161112233", "102", "in")]
)  # fmt: skip
def test_the_direction_by_the_numbers(caller: str, called: str, direction: str) -> None:
    """Where the PBX does not say it, the numbers tell who is the customer."""
    event = {"id": "x", "event": "answered", "from": caller, "to": called, "at": NOW}
    assert told(event).direction == direction


@pytest.mark.parametrize("at", ["soon", "", -5, 1e300, 0, "9999-99-99", [], None, True])
def test_odd_times(at: Any) -> None:
    """A time that is none is the time of receipt; one in milliseconds is understood."""
    assert told(EVENT | {"at": at}).sent_at == told(EVENT | {"at": NOW}).sent_at
    assert told(EVENT | {"at": NOW * 1000}).sent_at == told(EVENT | {"at": NOW}).sent_at


def test_a_flood_of_events_stays_bounded() -> None:
    """Thousands of events with one id do not grow the entry without end."""
    parts = [parse(orjson.dumps(EVENT | {"n": n, "at": NOW + n}), ENVELOPE | {"source": "event"}) for n in range(1500)]
    assert len(combine([part.headers for part in parts]).headers["records"]) == 1000


def test_nothing_known_at_all() -> None:
    """No records are no failure."""
    assert describe([]).demand == "nothing"


# Over HTTP, into the history.


async def test_from_the_pbx_to_the_history(server: RunningApp) -> None:
    """An account made by the API has an address; what is posted there with a signature becomes a call, all else nothing."""
    options = {"webhook_secret": SECRET, "agents": "101=Анна Петрова"}
    async with server.session() as client:
        body = {"kind": "telephony", "name": "PBX", "address": "lab", "queue_id": 1, "options": options, "check": True}
        async with client.post("/api/v1/channels", json=body) as response:
            assert response.status == 201, await response.text()
            account = await response.json()
        address = account["hook_url"].partition("/hooks/")[2]
        assert "webhook_secret" not in account["options"]
        missed = orjson.dumps(EVENT | {"at": time.time() - 60})
        answered = orjson.dumps(EVENT | {"id": "c2", "event": "answered", "agent": "101", "at": time.time() - 5, "from": "+79160000001"})
        assert await _send(server, address, missed) == 204
        assert await _send(server, address, answered) == 204
        assert await _send(server, address, answered, secret="wrong") == 401
        assert await _send(server, address, b"{" + b" " * (300 * 1024)) == 413
        assert await _send(server, address[:-1] + ("y" if address.endswith("x") else "x"), missed) == 404
        await server.settled()
        async with client.get("/api/v1/tickets") as response:
            tickets = (await response.json())["items"]
    about = {"type": "call", "result": "missed", "direction": "in", "number": "+79161112233"}
    (ticket,) = tickets
    assert (ticket["subject"], ticket["last_entry"]["preview"]) == ("", "")
    assert ticket["about"] == ticket["about"] | about
    assert ticket["last_entry"]["facts"] == ticket["about"]


async def _send(server: RunningApp, address: str, body: bytes, secret: str = SECRET) -> int:
    timestamp = str(int(time.time()))
    headers = {"X-Timestamp": timestamp, "X-Signature": hook.sign(secret, timestamp, body), "Content-Type": "application/json"}
    async with aiohttp.ClientSession() as client:
        async with client.post(f"{server.url}/hooks/{address}/events", data=body, headers=headers) as response:
            return response.status


def test_every_option_and_event_is_in_the_how_to() -> None:
    """What can be set and what can be posted is explained by its name."""
    page = (Path(__file__).parents[3] / "docs" / "howto" / "telephony.md").read_text()
    words = [*TelephonyOptions.model_fields, *COLUMNS, "ringing", "answered", "transferred", "ended", *ENDINGS]
    assert [word for word in words if f"`{word}`" not in page] == []


async def test_the_example_of_the_how_to(server: RunningApp, tmp_path: Path) -> None:
    """The shell script printed in the how-to works as it stands, with the address and the secret filled in."""
    page = (Path(__file__).parents[3] / "docs" / "howto" / "telephony.md").read_text()
    script = page.partition("```sh\n# post-event.sh\n")[2].partition("```")[0]
    if not (shutil.which("curl") and shutil.which("openssl")):
        pytest.skip("curl and openssl are not installed")
    async with server.session() as client:
        body = {"kind": "telephony", "name": "PBX", "address": "lab", "queue_id": 1, "options": {"webhook_secret": SECRET}}
        async with client.post("/api/v1/channels", json=body) as response:
            address = (await response.json())["hook_url"].partition("/hooks/")[2]
    lines = [line for line in script.splitlines() if not line.startswith(("HOOK=", "SECRET="))]
    file = tmp_path / "post-event.sh"
    file.write_text(f"HOOK='{server.url}/hooks/{address}'\nSECRET='{SECRET}'\n" + "\n".join(lines))
    process = await asyncio.create_subprocess_exec("sh", str(file), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, out.decode()
    assert out.decode().strip().endswith("204"), out.decode()
