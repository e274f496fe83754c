"""Webhooks as administrators arrange them: what is shown, what is heard, and what an endpoint may never hear."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from contact_center.keys import Keys
from contact_center.model.webhooks import TYPES
from contact_center.store.repositories import webhooks
from contact_center.testing import RunningApp, a_mail, running_app
from tests.webhooks.receiver import Receiver, until
from tests.webhooks.test_signing import checks


@pytest.fixture
async def closed_network(database_url: str, tmp_path: Path) -> AsyncIterator[RunningApp]:
    """A product that may send to addresses of this machine, on each engine."""
    async with running_app(tmp_path / "data", database_url=database_url, webhooks={"allow_private_networks": True}) as running:
        yield running


@pytest.fixture
async def admin(closed_network: RunningApp) -> AsyncIterator[aiohttp.ClientSession]:
    """The administrator's client."""
    async with closed_network.session() as client:
        yield client


async def ask(client: aiohttp.ClientSession, method: str, path: str, want: int = 200, **json_body: Any) -> Any:
    """One request of the API under test."""
    options = {"json": json_body} if json_body or method in ("POST", "PATCH") else {}
    async with client.request(method, f"/api/v1{path}", **options) as response:
        assert response.status == want, await response.text()
        return await response.json() if response.status != 204 else None


async def make(client: aiohttp.ClientSession, url: str, **values: Any) -> tuple[int, str]:
    """An endpoint and its secret."""
    made = await ask(client, "POST", "/webhooks", 201, name="E", url=url, **({"types": list(TYPES)} | values))
    return made["endpoint"]["id"], made["secret"]


async def quiet(client: aiohttp.ClientSession, webhook_id: int) -> list[dict[str, Any]]:
    """Messages of an endpoint, oldest first, once nothing is on its way."""
    async with asyncio.timeout(20):
        while True:
            horizon = (await ask(client, "GET", "/events?limit=1000"))["horizon"]
            (endpoint,) = [each for each in (await ask(client, "GET", "/webhooks"))["endpoints"] if each["id"] == webhook_id]
            found = (await ask(client, "GET", f"/webhooks/{webhook_id}/deliveries?limit=200"))["items"]
            if endpoint["cursor"] >= horizon and not any(each["state"] in ("pending", "leased") for each in found):
                return found[::-1]
            await asyncio.sleep(0.05)


async def test_what_is_sent_is_what_the_feed_says(closed_network: RunningApp, admin: aiohttp.ClientSession, receiver: Receiver) -> None:
    """The same events in the same order, each the very same document, signed with the secret that was shown once."""
    webhook_id, secret = await make(admin, receiver.url, confidential=True)
    after = (await ask(admin, "GET", "/webhooks"))["endpoints"][0]["cursor"]
    await closed_network.deliver(a_mail(), a_mail(message_id="<q2@example.com>", sender="Other <o@example.com>"))
    await quiet(admin, webhook_id)
    feed = await ask(admin, "GET", f"/events?after={after}&limit=1000")
    assert len(feed["events"]) > 4
    assert [json.loads(heard.body) for heard in receiver.heard] == feed["events"]
    assert all(checks(secret, heard.headers, heard.body) for heard in receiver.heard)
    listed = await ask(admin, "GET", "/webhooks")
    assert secret not in json.dumps(listed)
    stored = await closed_network.store.read(webhooks.find, webhook_id)
    assert stored is not None
    assert secret not in str(dict(stored))


async def test_confidential_queues_are_heard_of_only_where_it_was_allowed(
    closed_network: RunningApp, admin: aiohttp.ClientSession, receiver: Receiver
) -> None:
    """Of a confidential queue an ordinary endpoint hears nothing, not even that there is something."""
    other = await Receiver().start()
    queue = await ask(admin, "POST", "/queues", 201, name="Staff", confidential=True)
    await closed_network.deliver(a_mail(sender="Known <known@example.com>", subject="Open matter", message_id="<open@example.com>"))
    ordinary, _ = await make(admin, receiver.url)
    allowed, _ = await make(admin, other.url, confidential=True)
    (channel,) = await ask(admin, "GET", "/channels")
    await ask(admin, "PATCH", f"/channels/{channel['channel']['id']}", queue_id=queue["id"], check=False)
    secret = {"subject": "Secret matter", "text": "Secret words"}
    await closed_network.deliver(
        a_mail(sender="Known <known@example.com>", message_id="<s1@example.com>", **secret),
        a_mail(sender="Unknown <unknown@example.com>", message_id="<s2@example.com>", **secret),
    )
    await quiet(admin, ordinary)
    await quiet(admin, allowed)
    heard = b"".join(each.body for each in receiver.heard)
    assert b"Secret" not in heard
    assert b"unknown@example.com" not in heard
    assert not any(b'"interaction.' in each.body or b'"ticket.' in each.body for each in receiver.heard)
    told = b"".join(each.body for each in other.heard)
    assert b"Secret matter" in told
    assert b"unknown@example.com" in told
    tickets = (await ask(admin, "GET", "/tickets?view=all"))["items"]
    open_ticket = next(each["id"] for each in tickets if each["subject"] == "Open matter")
    receiver.heard.clear()
    await ask(admin, "PATCH", f"/tickets/{open_ticket}", queue_id=queue["id"])
    await quiet(admin, ordinary)
    assert "ticket.gone" in [json.loads(each.body)["type"] for each in receiver.heard]
    assert not any(json.loads(each.body)["type"] == "ticket.changed" for each in receiver.heard)
    await other.close()


async def test_taking_the_right_back_takes_what_waits(closed_network: RunningApp, admin: aiohttp.ClientSession, receiver: Receiver) -> None:
    """What was planned with a right and not sent yet is not sent once the right is gone."""
    receiver.answers = [500] * 3
    queue = await ask(admin, "POST", "/queues", 201, name="Staff", confidential=True)
    (channel,) = await ask(admin, "GET", "/channels")
    await ask(admin, "PATCH", f"/channels/{channel['channel']['id']}", queue_id=queue["id"], check=False)
    webhook_id, _ = await make(admin, receiver.url, confidential=True)
    await ask(admin, "POST", "/queues", 201, name="Held")
    await until(lambda: len(receiver.heard) == 1)
    await closed_network.deliver(a_mail(subject="Secret matter"))
    await asyncio.sleep(0.3)
    await ask(admin, "PATCH", f"/webhooks/{webhook_id}", confidential=False)
    receiver.answers.clear()
    await ask(admin, "PATCH", f"/webhooks/{webhook_id}", enabled=True)
    await quiet(admin, webhook_id)
    assert not any(b"Secret" in each.body for each in receiver.heard)
    assert json.loads(receiver.heard[-1].body)["type"] in ("queue.changed", "channel.changed")


async def test_a_test_message_says_whether_it_arrives(admin: aiohttp.ClientSession, receiver: Receiver) -> None:
    """Sent at once, also to an endpoint that is switched off, tried once, and changing nothing."""
    webhook_id, secret = await make(admin, receiver.url)
    await ask(admin, "PATCH", f"/webhooks/{webhook_id}", enabled=False)
    receiver.answers = [500, 204]
    for want in (("failed", 500), ("delivered", 204)):
        made = await ask(admin, "POST", f"/webhooks/{webhook_id}/test", 201)
        assert made["state"] == "pending"
        last = (await quiet_tests(admin, webhook_id))[-1]
        assert (last["state"], last["last_status"], last["attempts"], last["seq"]) == (*want, 1, None)
    assert all(checks(secret, each.headers, each.body) for each in receiver.heard)
    assert json.loads(receiver.heard[0].body)["type"] == "webhook.test"


async def quiet_tests(client: aiohttp.ClientSession, webhook_id: int) -> list[dict[str, Any]]:
    """Messages of an endpoint that is switched off, once nothing is on its way."""
    async with asyncio.timeout(10):
        while True:
            found = (await ask(client, "GET", f"/webhooks/{webhook_id}/deliveries"))["items"]
            if not any(each["state"] in ("pending", "leased") for each in found):
                return list(found[::-1])
            await asyncio.sleep(0.05)


async def test_sending_again(closed_network: RunningApp, admin: aiohttp.ClientSession, receiver: Receiver) -> None:
    """One message, all that failed since a time, or everything after a number; always under the same id, and pages are complete."""
    webhook_id, _ = await make(admin, receiver.url, types=["queue.changed"])
    for number in range(5):
        await ask(admin, "POST", "/queues", 201, name=f"Queue {number}")
    first = await quiet(admin, webhook_id)
    assert [each["state"] for each in first] == ["delivered"] * 5
    await ask(admin, "POST", f"/webhooks/{webhook_id}/deliveries/{first[2]['id']}/replay")
    await quiet(admin, webhook_id)
    assert receiver.heard[-1].id == first[2]["message_id"]
    assert receiver.heard[-1].body == receiver.heard[2].body
    before = len(receiver.heard)
    assert (await ask(admin, "POST", f"/webhooks/{webhook_id}/replay", after=first[1]["seq"]))["messages"] == 3
    await quiet(admin, webhook_id)
    assert [each.id for each in receiver.heard[before:]] == [each["message_id"] for each in first[2:]]
    failed = [each["id"] for each in await quiet(admin, webhook_id)][:2]
    for delivery_id in failed:
        await closed_network.store.write(webhooks.change_delivery, delivery_id, state="failed")
    only = (await ask(admin, "GET", f"/webhooks/{webhook_id}/deliveries?state=failed"))["items"]
    assert sorted(each["id"] for each in only) == sorted(failed)
    assert (await ask(admin, "POST", f"/webhooks/{webhook_id}/replay", failed_since="2020-01-01T00:00:00Z"))["messages"] == 2
    assert [each["state"] for each in await quiet(admin, webhook_id)] == ["delivered"] * 5
    page = await ask(admin, "GET", f"/webhooks/{webhook_id}/deliveries?limit=2")
    seen = [each["id"] for each in page["items"]]
    while page["next_cursor"]:
        page = await ask(admin, "GET", f"/webhooks/{webhook_id}/deliveries?limit=2&cursor={page['next_cursor']}")
        seen += [each["id"] for each in page["items"]]
    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) == 5
    await ask(admin, "POST", f"/webhooks/{webhook_id}/replay", 422)
    await ask(admin, "POST", f"/webhooks/{webhook_id}/replay", 422, after=2**40)
    await ask(admin, "DELETE", f"/webhooks/{webhook_id}", 204)
    await ask(admin, "GET", f"/webhooks/{webhook_id}/deliveries", 404)


async def test_a_rotation_leaves_time(closed_network: RunningApp, admin: aiohttp.ClientSession, receiver: Receiver) -> None:
    """For the overlap both secrets check; without one the earlier secret ends at once. A new instance key changes nothing."""
    from contact_center.checkup import _encrypt_anew

    webhook_id, old = await make(admin, receiver.url, types=["queue.changed"])
    made = await ask(admin, "POST", f"/webhooks/{webhook_id}/secret", 201, overlap_hours=1)
    assert made["endpoint"]["earlier_secret_until"]
    stored = await closed_network.store.read(webhooks.find, webhook_id)
    assert stored is not None
    await closed_network.store.write(_encrypt_anew, closed_network.product.keys)
    anew = await closed_network.store.read(webhooks.find, webhook_id)
    assert anew is not None
    keys = closed_network.product.keys
    assert anew["secret"] != stored["secret"]
    assert (keys.decrypt(anew["secret"]), keys.decrypt(anew["earlier_secret"])) == (made["secret"], old)
    await ask(admin, "POST", "/queues", 201, name="Two secrets")
    await quiet(admin, webhook_id)
    heard = receiver.heard[-1]
    assert checks(old, heard.headers, heard.body)
    assert checks(made["secret"], heard.headers, heard.body)
    last = await ask(admin, "POST", f"/webhooks/{webhook_id}/secret", 201, overlap_hours=0)
    await ask(admin, "POST", "/queues", 201, name="One secret")
    await quiet(admin, webhook_id)
    heard = receiver.heard[-1]
    assert checks(last["secret"], heard.headers, heard.body)
    assert not checks(made["secret"], heard.headers, heard.body)
    assert isinstance(keys, Keys)


async def test_switched_on_again_nothing_was_lost_unless_asked(admin: aiohttp.ClientSession, receiver: Receiver) -> None:
    """What happened meanwhile follows; with `skip_missed` only what happens from then on."""
    webhook_id, _ = await make(admin, receiver.url, types=["queue.changed"])
    for skip, want in ((False, 1), (True, 0)):
        await ask(admin, "PATCH", f"/webhooks/{webhook_id}", enabled=False)
        receiver.heard.clear()
        await ask(admin, "POST", "/queues", 201, name=f"Missed {skip}")
        await ask(admin, "PATCH", f"/webhooks/{webhook_id}", enabled=True, skip_missed=skip)
        await quiet(admin, webhook_id)
        assert len(receiver.heard) == want


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/x", "https://127.0.0.1/x", "https://[::1]/x", "https://[::ffff:10.0.0.1]/x", "https://169.254.169.254/",
        "https://localhost/x", "https://db.internal/", "ftp://hooks.example/", "https://", "https://user:pw@hooks.example/", "javascript:1",
        "https://hooks.example/#x", "https://hooks.example:99999/", "https://hooks .example/",
    ],
)  # fmt: skip
async def test_addresses_that_are_refused_at_once(server: RunningApp, url: str) -> None:
    """An open installation takes https addresses outside, and says why it does not take others."""
    async with server.session() as client:
        answer = await ask(client, "POST", "/webhooks", 422, name="E", url=url, types=["queue.changed"])
        assert answer["field"] == "url"
        assert answer["reason"] in ("address", "https", "private")


async def test_unknown_types_are_refused(admin: aiohttp.ClientSession) -> None:
    """Only what the catalogue names can be chosen, and never what is told to one employee only."""
    for types in (["ticket.exploded"], ["access.changed"], []):
        await ask(admin, "POST", "/webhooks", 422, name="E", url="https://hooks.example/", types=types)
