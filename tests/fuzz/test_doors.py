"""Hostile requests at the public doors: forms, providers' webhooks, a PBX's events. Each is taken or refused, and the product lives on."""

import io
import json
import random
import time
from urllib.parse import urlsplit

import aiohttp

from contact_center.channels.telephony import hook
from contact_center.testing import RunningApp
from tests.fuzz import seeds
from tests.fuzz.mutations import mutate
from tests.fuzz.test_limits import BODIES, client_of

KINDS = {
    "web_form": {"difficulty": 8},
    "sms": {
        "provider": "kannel",
        "kannel_url": "http://127.0.0.1:9/",
        "kannel_user": "u",
        "kannel_password": "p",
        "kannel_hook_secret": "s" * 20,
    },
    "telephony": {"webhook_secret": "w" * 20},
}
PATHS = {
    "web_form": ("", "/", "/submit", "/challenge", "/x/y", "/%00", "/" + "a" * 3000),
    "sms": ("/mo", "/dlr", ""),
    "telephony": ("/events", ""),
}
NOW = 1795295151


async def doors(server: RunningApp) -> dict[str, str]:
    """The path of a door of each kind."""
    found = {}
    async with await client_of(server) as client:
        for kind, options in KINDS.items():
            body = {"kind": kind, "name": kind, "address": "+74951234567", "queue_id": 1, "options": options, "check": False}
            async with client.post("/api/v1/channels", json=body) as response:
                assert response.status == 201, await response.text()
                found[kind] = urlsplit((await response.json())["hook_url"]).path
    return found


async def test_doors_take_or_refuse(server: RunningApp) -> None:
    """Never an error of ours, whatever is posted where, in whatever encoding; what was taken gets its fate."""
    wrong, statuses = [], set()
    posts = {"web_form": seeds.POSTS, "sms": seeds.KANNEL, "telephony": seeds.EVENTS}
    for kind, door in (await doors(server)).items():
        rng = random.Random(kind)
        for number in range(40):
            content, headers = mutate(rng, rng.choice(posts[kind]), posts[kind])[:150_000], {}
            path, query = rng.choice(PATHS[kind]), ""
            if kind == "web_form":
                headers = {
                    "Content-Type": rng.choice(
                        ('multipart/form-data; boundary="b0"', "application/json", "application/x-www-form-urlencoded", "x", "")
                    )
                }
            if kind == "sms":
                query = "?secret=" + "s" * 20 + "&" + mutate(rng, rng.choice(seeds.KANNEL))[:3000].hex()
            if number % 8 == 7:
                _, content, headers, _ = rng.choice(BODIES)
            if kind == "telephony":
                stamp = str(_now())
                headers = headers | {"X-Timestamp": stamp, "X-Signature": hook.sign("w" * 20, stamp, content)}
            async with aiohttp.ClientSession(server.url) as client:
                try:
                    async with client.post(door + path + query, data=io.BytesIO(content), headers=headers) as response:
                        text = await response.text(errors="replace")
                except aiohttp.ClientError:
                    continue  # refused in the middle of a body
            statuses.add(response.status)
            if response.status >= 500 or "Traceback" in text:
                wrong.append((kind, number, path[:50], response.status, text[:200], content[:200]))
    assert wrong == []
    assert statuses & {200, 204}
    assert {400, 404} <= statuses
    await server.settled()
    async with await client_of(server) as client, client.get("/healthz") as response:
        assert response.status == 200


def _now() -> int:
    return int(time.time())


async def test_events_that_say_the_impossible_are_taken_or_refused(server: RunningApp) -> None:
    """A signed event may name any number: what was taken also gets its fate, and the books balance."""
    door = (await doors(server))["telephony"] + "/events"
    async with aiohttp.ClientSession(server.url) as client:
        for value in (2**63, -(2**63), 1e308, -1, "9" * 400, "\x00", "²", "0001-01-01", True, None, [], {"a": 1}):
            for name in ("id", "at", "from", "to", "wait_seconds", "talk_seconds", "agent", "event"):
                body = json.dumps({"id": f"c{value!r}{name}", "event": "answered", "at": NOW} | {name: value}).encode()
                stamp = str(_now())
                headers = {"X-Timestamp": stamp, "X-Signature": hook.sign("w" * 20, stamp, body)}
                async with client.post(door, data=body, headers=headers) as response:
                    assert response.status in (204, 400), (name, value, await response.text())
    await server.settled()
    async with await client_of(server) as client, client.get("/api/v1/books") as response:
        for row in await response.json():
            assert row["received"] == sum(row["fates"].values())
            assert row["fates"].get("quarantined", 0) == 0, row
