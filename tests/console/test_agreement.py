"""State plus news equals a fresh state, with the console's own `apply.ts`: the one test that finds most live bugs."""

import asyncio
import json
import shutil
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from contact_center.app import utc_now
from contact_center.model.acts import Act
from contact_center.model.events import CATALOGUE
from contact_center.store.repositories import access, outbox, sla, surveys
from contact_center.surveys import answering
from contact_center.testing import RunningApp, a_mail
from contact_center.tickets import entries, escalation, lifecycle
from tests.api.samples import offer_to

SCRIPT = Path(__file__).parent / "apply_news.mjs"
Client = aiohttp.ClientSession
covered: set[str] = set()


async def fetch(client: Client, path: str) -> Any:
    async with client.get(f"/api/v1{path}") as response:
        assert response.status == 200, (path, await response.text())
        return await response.json()


async def send(client: Client, method: str, path: str, body: Any = None) -> Any:
    headers = {"Idempotency-Key": f"{method}{path}{json.dumps(body)}"}
    async with client.request(method, f"/api/v1{path}", json=body, headers=headers) as response:
        assert response.status < 300, (path, await response.text())
        return await response.json() if response.status != 204 else None


async def read_state(client: Client, contacts: list[int], view: str) -> dict[str, Any]:
    """Everything a console that shows these contacts and this list has fetched."""
    shown, pages, tickets = [], [], []
    for contact in contacts:
        card = await fetch(client, f"/contacts/{contact}")
        if card["id"] in [other["id"] for other in shown]:
            continue
        shown.append(card)
        pages.append({"id": card["id"], "page": await fetch(client, f"/contacts/{card['id']}/timeline?limit=200")})
        tickets += await fetch(client, f"/contacts/{card['id']}/tickets")
    return {
        "snapshot": await fetch(client, "/snapshot"),
        "list": await fetch(client, f"/tickets?view={view}&limit=200"),
        "listQuery": {"view": view, "queueId": None, "words": ""},
        "contacts": shown,
        "timelines": pages,
        "tickets": tickets,
    }


@pytest.fixture
async def judge() -> AsyncIterator[Process]:
    """The console's own code, which says whether two states and the news between them agree."""
    node = shutil.which("node", path=str(Path(__file__).parents[2] / ".venv" / "bin")) or shutil.which("node")
    assert node, "node is missing: the console's own code cannot be run"
    process = await asyncio.create_subprocess_exec(
        node, "--no-warnings", str(SCRIPT), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin
    yield process
    process.stdin.close()
    await process.wait()


async def agree(judge: Process, client: Client, contacts: list[int], action: Callable[[], Awaitable[Any]], view: str) -> Any:
    """Take a state, act, apply the news to the old state, and compare with a fresh one."""
    before = await read_state(client, contacts, view)
    result = await action()
    feed = await fetch(client, f"/events?after={before['snapshot']['as_of']}&limit=1000")
    covered.update(event["type"] for event in feed["events"])
    after = await read_state(client, contacts, view)
    assert judge.stdin
    assert judge.stdout
    judge.stdin.write(json.dumps({"before": before, "events": feed["events"], "after": after}).encode() + b"\n")
    answer = json.loads(await judge.stdout.readline())
    assert answer == "ok", answer
    return result


async def reply_and_wait(server: RunningApp, client: Client, ticket: str) -> None:
    """Reply, and wait until the sender has recorded what became of it."""
    entry = await send(client, "POST", f"{ticket}/replies", {"text": "It is on its way.", "status": "resolved"})
    for _ in range(500):
        row = await server.store.read(outbox.of_interaction, entry["id"])
        if row is not None and row["state"] == "sent":
            return
        await asyncio.sleep(0.01)
    raise TimeoutError("the reply was not sent")


async def offered(server: RunningApp, ticket_id: int) -> None:
    """Put the ticket's turn on offer to the administrator."""
    await server.store.write(offer_to, ticket_id, 1)


async def looked_at(server: RunningApp, now: datetime) -> None:
    """Do what the promises of tickets ask for at an instant."""
    for project_id, ticket_id in await server.store.read(sla.asking, now, 100):
        await server.store.write(escalation.look, Act(now), project_id, ticket_id)


async def mentioned(server: RunningApp, ticket_id: int) -> None:
    """Somebody else mentions the administrator in a note."""

    def note(connection: Any) -> None:
        other = next(user for user in access.users(connection, 1) if user.id != 1)
        lifecycle.add_note(connection, Act(utc_now(), other.id), 1, ticket_id, "Ask @Admin", (1,))

    await server.store.write(note)


async def content(server: RunningApp, ticket_id: int) -> None:
    """A customer who was asked how it was answers."""

    def answer(connection: Any) -> None:
        now = utc_now()
        ticket = entries.get(connection, ticket_id)
        values = {"project_id": 1, "queue_id": ticket.queue_id, "ticket_id": ticket_id, "contact_id": ticket.contact.id, "kind": "csat"}
        survey_id = surveys.add(connection, **values, channel="email", language="en", question="", resolved_at=now)
        surveys.change(connection, survey_id or 0, sent_at=now, expires_at=now + timedelta(days=1))
        answering.answer(connection, Act(now), survey_id or 0, 5, "Thanks")

    await server.store.write(answer)


@pytest.mark.parametrize("view", ["open", "all", "mine", "awaiting"])
async def test_every_event_keeps_the_console_right(server: RunningApp, judge: Process, view: str) -> None:
    """After each thing that can happen, the old state plus the news is the fresh state; all of the catalogue is met."""
    await server.deliver(a_mail(), a_mail(sender="Olga <olga@example.com>", message_id="<o1@example.com>", subject="Invoice"))
    async with server.session() as client:
        rows = (await fetch(client, "/tickets?view=all"))["items"]
        olga, ivan = rows[0], rows[1]
        people = [ivan["contact"]["id"], olga["contact"]["id"]]
        ticket = f"/tickets/{ivan['id']}"

        async def act(what: Callable[[], Awaitable[Any]]) -> Any:
            return await agree(judge, client, people, what, view)

        def mail(**fields: Any) -> Callable[[], Awaitable[Any]]:
            return lambda: server.deliver(a_mail(**fields))

        def call(method: str, path: str, body: Any = None) -> Callable[[], Awaitable[Any]]:
            return lambda: send(client, method, path, body)

        await act(mail(message_id="<q2@example.com>", answers="<q1@example.com>", text="Any news?"))
        await act(mail(sender="New <new@example.com>", message_id="<n1@example.com>"))
        await act(call("PATCH", ticket, {"assignee_id": 1}))
        await act(call("PATCH", ticket, {"tags": ["late"], "priority": "high", "subject": "Order 117"}))
        await act(call("POST", f"{ticket}/notes", {"text": "Call the warehouse"}))
        await act(call("PATCH", ticket, {"snoozed_until": (utc_now() + timedelta(days=1)).isoformat(), "next_step": "Ask again"}))
        await act(call("PATCH", ticket, {"status": "open"}))
        await act(lambda: reply_and_wait(server, client, ticket))
        queue = await act(call("POST", "/queues", {"name": "Returns", "confidential": True}))
        await act(call("PATCH", ticket, {"queue_id": queue["id"], "status": "open"}))
        await act(call("PATCH", f"/contacts/{people[0]}", {"name": "Ivan P.", "note": "VIP"}))
        await act(call("POST", f"/contacts/{people[0]}/points", {"kind": "phone", "value": "+7 495 123-45-67"}))
        await act(call("POST", "/users", {"name": "Anna", "email": "anna@example.com", "queue_ids": [1]}))
        await act(call("PATCH", "/channels/1", {"name": "Help", "check": False}))
        await act(call("POST", f"/contacts/{people[0]}/merges", {"other_id": people[1]}))
        company = await act(call("POST", "/organizations", {"name": "Acme"}))
        await act(call("PATCH", f"/contacts/{people[0]}", {"organization_id": company["id"], "owner_id": 1}))
        await act(call("PATCH", f"/organizations/{company['id']}", {"name": "Acme Inc", "domains": ["acme.example"]}))
        merge = (await fetch(client, f"/contacts/{people[0]}"))["merges"][0]
        await act(call("POST", f"/contacts/{people[0]}/merges/{merge['id']}/undo"))
        await act(call("PATCH", f"/contacts/{people[0]}", {"owner_id": None}))
        await act(call("POST", f"/contacts/{people[1]}/points", {"kind": "phone", "value": "+7 495 123-45-67", "shared": True}))
        await act(call("POST", f"{ticket}/move", {"contact_id": people[1]}))
        await act(lambda: mentioned(server, ivan["id"]))
        await act(mail(message_id="<q3@example.com>", answers="<q1@example.com>", text="Still nothing?"))
        await act(call("POST", "/me/notices/read", {"ticket_id": ivan["id"]}))
        await act(lambda: content(server, ivan["id"]))
        await act(call("POST", f"{ticket}/merges", {"other_ticket_id": olga["id"]}))
        await act(call("POST", f"{ticket}/merges/undo"))
        await act(call("POST", "/aux-codes", {"name": "Lunch", "paid": False}))
        await act(call("PUT", "/me/state", {"state": "available"}))
        await act(call("PATCH", f"/queues/{queue['id']}", {"offers": True, "wrap_seconds": 600}))
        reason = await act(call("POST", "/contact-reasons", {"name": "Delivery"}))
        await act(call("POST", "/dispositions", {"name": "Solved"}))
        await act(lambda: offered(server, ivan["id"]))
        await act(call("PATCH", ticket, {"assignee_id": None}))
        await act(call("PATCH", ticket, {"assignee_id": 1}))
        await act(call("PATCH", ticket, {"status": "resolved"}))
        (wrap,) = (await fetch(client, "/snapshot"))["wrap_ups"]
        await act(call("PATCH", f"/wrap-ups/{wrap['id']}", {"reason_id": reason["id"]}))
        await act(call("PATCH", f"/wrap-ups/{wrap['id']}", {"done": True}))
        await act(call("PATCH", ticket, {"assignee_id": None, "status": "open", "queue_id": 1}))
        targets = {"normal": {"first_response": 3600, "resolution": 7200}}
        policy = await act(call("POST", "/sla-policies", {"name": "Gold", "targets": targets, "escalate_priority": "urgent"}))
        await act(call("PATCH", "/queues/1", {"sla_policy_id": policy["id"]}))
        await act(mail(sender="New <new@example.com>", message_id="<p1@example.com>", subject="Promised"))
        for hours in (0.9, 1.1, 3):
            await act(lambda hours=hours: looked_at(server, utc_now() + timedelta(hours=hours)))
        entry = (await fetch(client, f"/contacts/{people[1]}/timeline"))["items"][-1]
        await act(call("POST", f"/entries/{entry['id']}/move", {"contact_id": people[0]}))


async def test_the_catalogue_is_covered(server: RunningApp) -> None:
    """What the test above does not meet is known by name: events for single people, and those of the quarantine."""
    elsewhere = {"ticket.gone", "channel.gone", "access.changed", "alert.began", "alert.ended", "raw_item.quarantined", "raw_item.released"}

    assert set(CATALOGUE) - covered <= elsewhere
