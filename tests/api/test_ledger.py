"""The books for people: who may see whose figures, what waits in quarantine, and the numbers that machines watch."""

import re
from base64 import b64encode
from email.header import Header
from typing import Any

from contact_center.app import utc_now
from contact_center.model.channels import Reconciliation
from contact_center.model.events import RawItemQuarantined, Recorded
from contact_center.model.people import Viewer
from contact_center.model.words import Role
from contact_center.store.audience import Reach, for_viewer
from contact_center.store.repositories import access, channels, raw_items, reconciliations
from contact_center.testing import RunningApp
from tests.api.world import World, make_world, quarantine


async def get(world: World, who: str, path: str) -> Any:
    async with world.client(who) as client, client.get(path) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def test_books_add_up_and_list_every_account(server: RunningApp) -> None:
    """Received is the sum of all fates, each of which is named even when it is zero."""
    world = await make_world(server)
    for books in await get(world, "admin", "/api/v1/books"):
        assert books["received"] == sum(books["fates"].values()) == 2
        assert set(books["fates"]) == {"received", "stored", "duplicate", "quarantined", "ignored"}


async def test_confidential_accounts_are_in_nobody_elses_books(server: RunningApp) -> None:
    """Figures of a foreign queue are seen without its keys; of a confidential one, not even that there are any."""
    world = await make_world(server)
    foreign = world.foreign.ids["channel_id"]
    lost = Reconciliation(foreign, utc_now(), at_source=3, in_ledger=2, missing=1, missing_keys=("anna@example.com",))
    await server.store.write(reconciliations.add, lost)
    seen = {books["account_id"]: books for books in await get(world, "agent", "/api/v1/books")}
    assert set(seen) == {1, foreign}
    assert (seen[foreign]["compared"]["missing"], seen[foreign]["compared"]["missing_keys"]) == (1, [])
    assert {"account_id": foreign, "quarantined": 1, "missing": 1} in await get(world, "agent", "/api/v1/alarms")

    await server.store.write(lambda connection: access.change_queue(connection, world.foreign.queue_id, confidential=True))
    assert [books["account_id"] for books in await get(world, "agent", "/api/v1/books")] == [1]
    assert await get(world, "agent", "/api/v1/alarms") == [{"account_id": 1, "quarantined": 1, "missing": 0}]
    assert len(await get(world, "admin", "/api/v1/alarms")) == 2


async def test_silence_is_expected_from_the_form(server: RunningApp) -> None:
    """How long a channel may be silent is set with it and changed later; saving it unchanged leaves the alarm alone."""
    async with server.session() as client:
        body = {"kind": "web_form", "name": "Form", "address": "form", "queue_id": 1, "expect_hours": 4, "check": False}
        async with client.post("/api/v1/channels", json=body) as response:
            channel = (await response.json())["channel"]
        assert (response.status, channel["expect_hours"]) == (201, 4)
        await server.store.write(lambda connection: channels.change_account(connection, channel["id"], silent_since=utc_now()))
        for hours, expected, silent in ((4, 4, True), (5, 5, False), (0, None, False)):
            async with client.patch(f"/api/v1/channels/{channel['id']}", json={"expect_hours": hours}) as response:
                changed = (await response.json())["channel"]
            assert (changed["expect_hours"], changed["silent_since"] is not None) == (expected, silent)


async def test_consoles_hear_of_a_comparison(server: RunningApp) -> None:
    """Whoever has the page open sees what a colleague's comparison found; a source that cannot be asked says so."""
    async with server.session() as client:
        async with client.get("/api/v1/events?limit=1000") as response:
            before = (await response.json())["horizon"]
        async with client.post("/api/v1/channels/1/comparison") as response:
            assert not (await response.json())["can_be_asked"]
        async with client.get(f"/api/v1/events?after={before}") as response:
            assert [event["type"] for event in (await response.json())["events"]] == ["channel.changed"]


async def test_metrics_count_items_by_fate_and_account(server: RunningApp) -> None:
    """Items by account and fate, what is missing and who is silent are there for an alarm, each family declared once."""
    world = await make_world(server)
    async with world.client("nobody") as client, client.get("/metrics") as response:
        text = await response.text()
    assert re.search(r'^contact_center_items\{account="1",address="[^"]+",fate="quarantined"\} 1$', text, re.M)
    assert re.search(r'^contact_center_items_missing\{account="1",[^}]*\} 0$', text, re.M)
    assert re.search(r'^contact_center_channel_silent\{account="1",[^}]*\} 0$', text, re.M)
    assert text.count("# TYPE contact_center_items gauge\n") == 1


async def test_a_preview_says_what_a_broken_mail_says(server: RunningApp) -> None:
    """Base64 in a character set that nobody knows is read for a person as far as it goes; its sender and subject are decoded."""
    words = "Здравствуйте! Где мой заказ 117?"
    mail = (
        f"From: {Header('Анна', 'utf-8').encode()} <anna@example.com>\r\nSubject: {Header('Где заказ', 'utf-8').encode()}\r\n"
        f"Content-Type: text/plain; charset=x-odd\r\nContent-Transfer-Encoding: base64\r\n\r\n{b64encode(words.encode()).decode()}\r\n"
    )
    item_id = await server.store.write(quarantine, 1, "mail", mail.encode())
    async with server.session() as client, client.get(f"/api/v1/quarantine/{item_id}/preview") as response:
        seen = await response.json()
    assert (seen["said"], seen["name"], seen["address"], seen["subject"]) == (words, "Анна", "anna@example.com", "Где заказ")


def test_agents_hear_of_quarantine_in_their_queues() -> None:
    """An agent hears that something in their queue was not understood, and nothing of other queues."""
    event = Recorded(1, RawItemQuarantined.TYPE, utc_now(), None, 1, 7, None, None, None, False, {"item": {"account_id": 4}})
    for queues, hears in (((7,), True), ((8,), False)):
        assert (for_viewer(event, Viewer(1, 1, Role.AGENT, queues), Reach(), None) is not None) is hears


async def test_what_was_taken_in_is_in_nobodys_quarantine(server: RunningApp) -> None:
    """A stored item answers 404 on every route of the quarantine: its original is read by its entry, whose ticket may have moved."""
    world = await make_world(server)
    item_id = await server.store.read(lambda connection: raw_items.of_interaction(connection, world.own.ids["entry_id"])["id"])  # type: ignore[index]
    by_hand = {"address": "anna@example.com", "name": "Anna", "subject": "By hand", "text": "Text"}
    for who in ("agent", "admin"):
        async with world.client(who) as client:
            for method, path, body in (
                ("GET", "original", None),
                ("GET", "preview", None),
                ("POST", "retry", None),
                ("POST", "ticket", by_hand),
            ):
                async with client.request(method, f"/api/v1/quarantine/{item_id}/{path}", json=body) as response:
                    assert response.status == 404, (who, path, await response.text())
