"""What the audit log tells: every deed of an administrator, every opened customer, and never a secret."""

import asyncio
import json
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from contact_center.api.context import SERVICES
from contact_center.api.permissions import Permission
from contact_center.api.routes import ROUTES
from contact_center.errors import Unavailable
from contact_center.model.audit import Action, AuditEntry, Subject
from contact_center.model.words import Role
from contact_center.store import audit, audit_check
from contact_center.store.repositories import contacts
from contact_center.testing import PASSWORD, RunningApp, a_mail
from tests.api.samples import table
from tests.api.test_matrix import ask
from tests.api.world import cookie, make_session, make_user, make_world
from tests.console.helpers import console

SAMPLES = table().samples
# These look at something, or send a word of no customer to try a line.
TELLS_NOTHING = {
    ("POST", "/api/v1/calendars/preview"), ("POST", "/api/v1/hours/preview"), ("POST", "/api/v1/surveys/preview"),
    ("POST", "/api/v1/channels/{channel_id}/comparison"), ("POST", "/api/v1/webhooks/{webhook_id}/test"),
    # Only the address of the provider's page; what comes back from there is a change of the channel.
    ("POST", "/api/v1/channels/{channel_id}/consent"),
}  # fmt: skip


async def entries(server: RunningApp, **wanted: Any) -> list[AuditEntry]:
    return await server.store.read(audit.page, 1, limit=1000, **wanted)


async def actions(server: RunningApp) -> list[Action]:
    return [entry.action for entry in reversed(await entries(server))]


async def get(client: aiohttp.ClientSession, path: str) -> Any:
    async with client.get(path) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def test_whatever_an_administrator_changes_is_told(server: RunningApp) -> None:
    """Each unsafe route that only administrators and supervisors have leaves an entry; a new one must too."""
    world = await make_world(server)
    silent = []
    for route in ROUTES:
        if route.method == "GET" or route.permission not in (Permission.ADMIN, Permission.QUARANTINE):
            continue
        before = await server.store.read(audit.head)
        status, text = await ask(world, route, world.own, "admin")
        after = await server.store.read(audit.head)
        assert status in SAMPLES[(route.method, route.path)].ok, text
        if before == after and status < 400 and (route.method, route.path) not in TELLS_NOTHING:
            silent.append((route.method, route.path))
    assert not silent, "\n".join(map(str, silent))


async def test_signing_in_and_out_is_told(any_server: RunningApp) -> None:
    """Success, refusal and end, with the employee and the address."""
    async with any_server.session() as client:
        await client.delete("/api/v1/session")
    async with aiohttp.ClientSession(any_server.url) as client:
        await client.post("/api/v1/session", json={"email": "admin@example.com", "password": "wrong words"})
        await client.post("/api/v1/session", json={"email": "my own password", "password": "wrong words"})
    assert await actions(any_server) == [Action.SIGNED_IN, Action.SIGNED_OUT, Action.SIGN_IN_FAILED, Action.SIGN_IN_FAILED]
    unknown, refused, _, began = await entries(any_server)
    assert (began.actor, began.address) == ("Admin <admin@example.com>", "127.0.0.1")
    assert (refused.actor_id, refused.object_kind, refused.object_id) == (None, Subject.EMPLOYEE, began.actor_id)
    assert unknown.object_id is None
    assert "my own password" not in str(await entries(any_server))


async def test_guessing_fills_no_log(tmp_path: Path) -> None:
    """Throttled attempts are told once a minute for an account and address, not each."""
    from contact_center.testing import running_app

    async with running_app(tmp_path / "data", workers=False, security={"login_attempts_per_minute": 2}) as server:
        async with aiohttp.ClientSession(server.url) as client:
            for _ in range(6):
                await client.post("/api/v1/session", json={"email": "admin@example.com", "password": "wrong words"})
        assert await actions(server) == [Action.SIGN_IN_FAILED] * 2 + [Action.SIGN_IN_THROTTLED]


async def test_who_opened_a_customer_is_told_once_in_ten_minutes(any_server: RunningApp) -> None:
    """Person, timeline, ticket and entry are one opening; ten minutes later it is another; each employee has their own."""
    await any_server.deliver(a_mail())
    agent = await make_user(any_server, "agent", Role.AGENT, [1])
    clock = any_server.product.app[SERVICES].clock
    moved = [clock()]
    any_server.product.app[SERVICES].openings._clock = lambda: moved[0]
    async with (
        any_server.session() as client,
        aiohttp.ClientSession(any_server.url, headers=cookie(await make_session(any_server, agent))) as other,
    ):
        for path in ("contacts/1", "contacts/1/timeline", "contacts/1/tickets", "tickets/1", "entries/1/body", "contacts/1"):
            await get(client, f"/api/v1/{path}")
        await asyncio.gather(*(get(other, f"/api/v1/{path}") for path in ["contacts/1", "tickets/1", "contacts/1/timeline"] * 5))
        opened = await entries(any_server, action=Action.CONTACT_OPENED)
        assert [(entry.actor, entry.object_kind, entry.object_id) for entry in opened] == [
            ("Agent <agent@example.com>", Subject.CONTACT, 1), ("Admin <admin@example.com>", Subject.CONTACT, 1),
        ]  # fmt: skip
        moved[0] = moved[0].replace(year=moved[0].year + 1)
        await get(client, "/api/v1/contacts/1")
        assert len(await entries(any_server, action=Action.CONTACT_OPENED)) == 3
    assert await any_server.store.read(audit_check.check, any_server.store.seal, []) == (await count(any_server), None)


async def count(server: RunningApp) -> int:
    head = await server.store.read(audit.head)
    return head["number"] if head else 0


async def test_a_restart_or_another_process_does_not_tell_twice(server: RunningApp) -> None:
    """What is in the log is not written again by a process that does not remember it."""
    await server.deliver(a_mail())
    async with server.session() as client:
        await get(client, "/api/v1/contacts/1")
        server.product.app[SERVICES].openings._known.clear()
        await get(client, "/api/v1/contacts/1")
    assert len(await entries(server, action=Action.CONTACT_OPENED)) == 1


async def test_what_is_not_seen_is_not_opened(server: RunningApp) -> None:
    """A refused look is no opening; nor are lists and searches."""
    await server.deliver(a_mail())
    stranger = cookie(await make_session(server, await make_user(server, "stranger", Role.AGENT, [])))
    async with aiohttp.ClientSession(server.url, headers=stranger) as client:
        for path in ("contacts/1", "contacts/1/timeline", "tickets/1", "entries/1/body"):
            assert (await client.get(f"/api/v1/{path}")).status == 404
    async with server.session() as client:
        await get(client, "/api/v1/contacts")
        await get(client, "/api/v1/search?q=order")
    assert await entries(server, action=Action.CONTACT_OPENED) == []


async def test_no_answer_without_an_entry(server: RunningApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the log cannot be written the customer stays closed, and opens again when it can."""
    await server.deliver(a_mail())
    write = server.store.write

    async def full(unit: Any, *args: Any, **kwargs: Any) -> Any:
        raise Unavailable("disk full")

    async with server.session() as client:
        monkeypatch.setattr(server.store, "write", full)
        assert (await client.get("/api/v1/contacts/1")).status == 503
        monkeypatch.setattr(server.store, "write", write)
        assert (await client.get("/api/v1/contacts/1")).status == 200
    assert len(await entries(server, action=Action.CONTACT_OPENED)) == 1


async def test_watching_a_customer_opens_them(server: RunningApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever follows customers on the live line alone is told of too, for those they may see; and hears nothing untold."""
    await server.deliver(a_mail(), a_mail(sender="Petra <petra@example.com>", message_id="<q2@example.com>"))
    agent = await make_user(server, "agent", Role.AGENT, [1])
    stranger = await make_user(server, "stranger", Role.AGENT, [])
    async with console(server, agent) as own, console(server, stranger) as other:
        assert (await own.ask("watch", {"contacts": [1, 99]}))["ok"]
        assert (await own.ask("resume", {"after": 0, "contacts": [1, 2]}))["ok"]
        assert (await other.ask("watch", {"contacts": [1, 2]}))["ok"]
        opened = await entries(server, action=Action.CONTACT_OPENED)
        assert [(entry.actor_id, entry.object_id, entry.address) for entry in opened] == [(agent, 2, "127.0.0.1"), (agent, 1, "127.0.0.1")]

        async def full(unit: Any, *args: Any, **kwargs: Any) -> Any:
            raise Unavailable("disk full")

        server.product.app[SERVICES].openings._known.clear()
        monkeypatch.setattr(server.store, "write", full)
        await own.ask("watch", {"contacts": []})
        assert await own.ask("watch", {"contacts": [1]}) == {"ok": False}


async def test_downloads_are_told(server: RunningApp) -> None:
    """Originals, attachments, quarantined items and spooled mails, each download for itself."""
    world = await make_world(server)
    ids = world.own.ids
    async with world.client("agent") as client:
        for path in (f"entries/{ids['entry_id']}/original", f"attachments/{ids['attachment_id']}", f"spool/{ids['spool_id']}"):
            for _ in range(2):
                assert (await client.get(f"/api/v1/{path}")).status == 200
    async with world.client("supervisor") as client:
        assert (await client.get(f"/api/v1/quarantine/{ids['item_id']}/original")).status == 200
    told = [(entry.action, entry.object_kind, entry.object_id) for entry in await entries(server) if "downloaded" in entry.action]
    assert sorted(told) == sorted(
        [(Action.ORIGINAL_DOWNLOADED, Subject.ENTRY, ids["entry_id"])] * 2
        + [(Action.ATTACHMENT_DOWNLOADED, Subject.ATTACHMENT, ids["attachment_id"])] * 2
        + [(Action.ORIGINAL_DOWNLOADED, Subject.SPOOLED_MAIL, ids["spool_id"])] * 2
        + [(Action.ORIGINAL_DOWNLOADED, Subject.RAW_ITEM, ids["item_id"])]
    )


async def test_changed_fields_are_named_and_secrets_never(server: RunningApp) -> None:
    """A new password of a mailbox is told as a name of an option; passwords, tokens and links not at all."""
    async with server.session() as client:
        options = {"smtp_host": "", "imap_password": "canary-secret-1", "sender_name": "Canary-Name-2"}
        body = {"options": options, "check": False, "name": "Front desk"}
        async with client.patch("/api/v1/channels/1", json=body) as response:
            assert response.status == 200, await response.text()
        async with client.post("/api/v1/users", json={"name": "New", "email": "new@example.com"}) as response:
            link = (await response.json())["url"].partition("#")[2]
        async with client.post("/api/v1/me/tokens", json={"name": "T", "scopes": ["tickets:read"]}) as response:
            token = (await response.json())["token"]
        change = {"current": PASSWORD, "new": "long and quiet river"}
        async with client.post("/api/v1/me/password", json=change) as response:
            assert response.status == 204
    changed = (await entries(server, action=Action.CHANNEL_CHANGED))[0]
    assert changed.detail == {"fields": ["name"], "options": ["imap_password", "sender_name"]}
    rows = json.dumps([repr(dict(row)) for row in await server.store.read(audit.rows_after, 0, 1000)])
    for secret in ("canary-secret-1", "Canary-Name-2", link, token, PASSWORD, "long and quiet river"):
        assert secret not in rows


async def test_a_refused_connection_is_told(server: RunningApp) -> None:
    """Whoever tries servers and passwords until one fits leaves an entry for each try, with neither in it."""
    with socket.socket() as door:  # bound and not listening: whoever knocks is refused
        door.bind(("127.0.0.1", 0))
        options = {"imap_host": "127.0.0.1", "imap_port": door.getsockname()[1], "imap_security": "none", "imap_user": "u"}
        body = {
            "kind": "email",
            "name": "N",
            "address": "desk@example.com",
            "queue_id": 1,
            "options": options | {"imap_password": "canary"},
        }
        async with server.session() as client:
            async with client.post("/api/v1/channels", json=body) as response:
                assert response.status == 422, await response.text()
            async with client.patch("/api/v1/channels/1", json={"options": body["options"]}) as response:
                assert response.status == 422, await response.text()
    changed, added = await entries(server, action=Action.CHANNEL_REFUSED)
    assert [(entry.object_kind, entry.object_id) for entry in (added, changed)] == [(Subject.CHANNEL, None), (Subject.CHANNEL, 1)]
    assert added.detail == changed.detail == {"channel": "email", "reason": "channel-unavailable"}
    assert "canary" not in str(await entries(server))


async def test_the_list_filters_and_pages(server: RunningApp) -> None:
    """By person, action, object and time; page by page nothing is lost or told twice."""
    await server.deliver(a_mail())
    async with server.session() as client:
        for name in ("A", "B", "C"):
            await client.post("/api/v1/queues", json={"name": name})
        await get(client, "/api/v1/contacts/1")
        whole = (await get(client, "/api/v1/audit"))["items"]
        assert {entry["action"] for entry in whole} == {"session.began", "queue.added", "contact.opened"}
        seen, cursor = [], ""
        while cursor is not None:
            page = await get(client, f"/api/v1/audit?limit=2{f'&cursor={cursor}' if cursor else ''}")
            seen += page["items"]
            cursor = page["next_cursor"]
        assert seen == whole
        assert len((await get(client, "/api/v1/audit?action=queue.added"))["items"]) == 3
        assert len((await get(client, "/api/v1/audit?object_kind=contact&object_id=1"))["items"]) == 1
        assert (await get(client, f"/api/v1/audit?actor_id={whole[0]['actor_id'] + 1}"))["items"] == []
        assert (await get(client, "/api/v1/audit?since=2999-01-01T00:00:00Z"))["items"] == []
        async with client.get("/api/v1/audit?action=anything") as response:
            assert response.status == 422


async def test_who_opened_a_joined_customer(server: RunningApp) -> None:
    """After a merge the openings of both are told at the survivor; supervisors see them, agents do not."""
    await server.deliver(a_mail(), a_mail(sender="Petra <petra@example.com>", message_id="<q2@example.com>"))
    supervisor = cookie(await make_session(server, await make_user(server, "supervisor", Role.SUPERVISOR, [1])))
    agent = cookie(await make_session(server, await make_user(server, "agent", Role.AGENT, [1])))
    async with server.session() as client:
        await get(client, "/api/v1/contacts/1")
        await get(client, "/api/v1/contacts/2")
        async with client.post("/api/v1/contacts/1/merges", json={"other_id": 2}, headers={"Idempotency-Key": "m"}) as response:
            assert response.status == 201
    async with aiohttp.ClientSession(server.url) as client:
        async with client.get("/api/v1/contacts/2/openings", headers=supervisor) as response:
            assert sorted(entry["object_id"] for entry in (await response.json())["items"]) == [1, 2]
        async with client.get("/api/v1/contacts/1/openings", headers=agent) as response:
            assert response.status == 403


async def test_the_head_is_anchored_when_the_server_starts(tmp_path: Path) -> None:
    """A start writes the day's anchor, once there is anything to anchor."""
    from contact_center.testing import running_app

    async with running_app(tmp_path / "data", workers=False) as server:
        async with server.session() as client:
            await client.get("/api/v1/me")
    (tmp_path / "data" / audit_check.ANCHORS).unlink(missing_ok=True)  # the first start may have seen the first line
    from contact_center import app as root
    from contact_center.testing import settings_for

    settings = settings_for(tmp_path / "data")
    store = await root.open_database(settings)
    product = root.build(settings, store)
    async with root.running(product, workers=False):
        for _ in range(200):
            if audit_check.load_anchors(tmp_path / "data"):
                break
            await asyncio.sleep(0.02)
    await store.close()
    assert [anchor.number for anchor in audit_check.load_anchors(tmp_path / "data")] == [1]


async def test_the_list_names_what_was_done_to(any_server: RunningApp) -> None:
    """A line says how its object is called, and whoever its detail names; one statement asks for all of a page."""
    async with any_server.session() as client:
        async with client.post("/api/v1/queues", json={"name": "Returns"}) as answer:
            queue_id = (await answer.json())["id"]
        people = [await fresh_contact_named(any_server, name) for name in ("Ivan Petrov", "I. Petrov")]
        async with client.post(
            f"/api/v1/contacts/{people[0]}/merges", json={"other_id": people[1]}, headers={"Idempotency-Key": "m"}
        ) as answer:
            assert answer.ok, await answer.text()
        body = {"email": "vera@shop.example", "name": "Vera", "role": "agent", "queue_ids": [queue_id]}
        async with client.post("/api/v1/users", json=body) as answer:
            assert answer.ok, await answer.text()
        async with client.get("/api/v1/audit?limit=20") as answer:
            lines = (await answer.json())["items"]
    named = {line["action"]: set(line["names"].values()) for line in lines}

    assert named[Action.QUEUE_ADDED] == {"Returns"}
    assert named[Action.CONTACTS_MERGED] == {"Ivan Petrov", "I. Petrov"}
    assert named[Action.EMPLOYEE_ADDED] == {"Vera", "Returns"}


async def fresh_contact_named(server: RunningApp, name: str) -> int:
    return await server.store.write(contacts.add_contact, 1, name, False, datetime(2026, 11, 2, tzinfo=UTC))
