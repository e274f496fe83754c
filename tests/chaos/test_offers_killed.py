"""Kill -9 in the middle of offers, answers and wrap-ups: nothing stays on offer, and nobody is stuck."""

import asyncio
import smtplib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import socketio
from sqlalchemy import text

from contact_center.app import utc_now
from contact_center.keys import token_hash
from contact_center.model.words import Role
from contact_center.store import Connection, Store, open_store
from contact_center.store.repositories import access
from contact_center.testing import a_mail
from tests.api.world import cookie
from tests.chaos.server import Server

SEED = 11
DEATHS = 4
OFFER_SECONDS = 5
PATIENCE = 60.0


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Store]:
    """The database of a product that does not run."""
    store = await open_store(f"sqlite:///{folder / 'contact-center.sqlite3'}", folder / "blobs")
    try:
        yield store
    finally:
        await store.close()


def _hire(connection: Connection) -> list[int]:
    """Two agents of the first queue, which offers its work and lets it be written up."""
    access.change_queue(connection, 1, offers=True, offer_seconds=OFFER_SECONDS, wrap_seconds=2)
    now, found = utc_now(), []
    for name in ("anna", "olga"):
        user_id = access.add_user(connection, 1, f"{name}@x", name, Role.AGENT, None, now)
        access.set_grants(connection, user_id, [1])
        access.add_session(
            connection, employee_id=user_id, token_hash=token_hash(name), created_at=now, last_seen_at=now,
            expires_at=now + timedelta(days=1), address="", user_agent="",
        )  # fmt: skip
        found.append(user_id)
    return found


async def sit(server: Server, name: str) -> None:
    """An agent's day: at a console, available, taking and answering whatever is offered, until cancelled, whatever dies."""
    while True:
        client = socketio.AsyncClient(reconnection=False)
        try:
            await client.connect(server.url, headers=cookie(name), transports=["websocket"], wait_timeout=5)
            async with aiohttp.ClientSession(server.url, headers=cookie(name)) as http:
                while client.connected:
                    await _work(http)
                    await asyncio.sleep(0.1)
        except (aiohttp.ClientError, socketio.exceptions.ConnectionError, TimeoutError):
            await asyncio.sleep(0.2)
        finally:
            await client.disconnect()


async def _work(http: aiohttp.ClientSession) -> None:
    async with http.get("/api/v1/snapshot") as answer:
        snapshot = await answer.json()
    me = snapshot["me"]["user"]["id"]
    if not any(agent["user_id"] == me and agent["state"] == "available" for agent in snapshot["agents"]):
        await _send(http, "PUT", "/me/state", {"state": "available"})
    for offer in snapshot["offers"]:
        if offer["agent_id"] == me:
            await _send(http, "POST", f"/offers/{offer['id']}/accept", None)
    async with http.get("/api/v1/tickets?view=mine&limit=50") as answer:
        mine = (await answer.json())["items"]
    for ticket in mine:
        if ticket["waiting_since"]:
            await _send(http, "POST", f"/tickets/{ticket['id']}/replies", {"text": "Here.", "status": "waiting"})


async def _send(http: aiohttp.ClientSession, method: str, path: str, body: Any) -> None:
    headers = {"Idempotency-Key": f"{path}{asyncio.get_running_loop().time()}"}
    async with http.request(method, f"/api/v1{path}", json=body, headers=headers):
        pass  # what was refused is looked at again


async def test_nothing_stays_on_offer_and_nobody_is_stuck(tmp_path: Path) -> None:
    """After a death at any moment of a busy minute everything is answered once, no offer, no wrap-up and no stretch is left open,
    and each agent has one state."""
    dice, server = Random(SEED), Server(tmp_path / "data")
    assert await asyncio.to_thread(server.start), (tmp_path / "server.log").read_text()[-2000:]
    server.kill()
    server.bury()
    async with opened(tmp_path / "data") as store:
        people = await store.write(_hire)
    await asyncio.to_thread(server.start)
    agents = [asyncio.create_task(sit(server, name)) for name in ("anna", "olga")]
    try:
        for death in range(DEATHS):
            for number in range(3):
                mail = a_mail(sender=f"c{death}{number}@example.org", message_id=f"<k{death}{number}@example.org>", subject="Question")
                await _deliver(server, mail)
            await asyncio.sleep(dice.uniform(0.05, 2.5))
            server.kill()
            server.bury()
            await asyncio.to_thread(server.start)
        async with asyncio.timeout(PATIENCE):
            while await _open_turns(server) > 0:
                await asyncio.sleep(0.5)
        await asyncio.sleep(5)  # the last wrap-up, and a look at the clock
    finally:
        for agent in agents:
            agent.cancel()
        await asyncio.gather(*agents, return_exceptions=True)
        server.kill()
        server.bury()
    async with opened(tmp_path / "data") as store:
        left = await store.read(_left_open)
        answers = await store.read(_answers)
    assert left == {"offers": 0, "turns": 0, "wrapping": 0, "wraps": 0, "states": len(people)}
    assert answers == [1] * (3 * DEATHS)


async def _deliver(server: Server, mail: EmailMessage) -> None:
    """Hand a mail over, again when nobody takes it: the receiver opens its door after the console does."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                with smtplib.SMTP("127.0.0.1", server.mail) as client:
                    client.send_message(mail, to_addrs=["support@localhost"])
                return
            except (OSError, smtplib.SMTPException):
                await asyncio.sleep(0.1)


async def _open_turns(server: Server) -> int:
    async with aiohttp.ClientSession(server.url, headers=cookie("anna")) as http:
        async with http.get("/api/v1/tickets?view=all&limit=100") as answer:
            tickets = (await answer.json())["items"]
    return (3 * DEATHS - len(tickets)) + sum(ticket["waiting_since"] is not None for ticket in tickets)


def _left_open(connection: Connection) -> dict[str, int]:
    asked = {
        "offers": "SELECT count(*) FROM offer WHERE ended_at IS NULL",
        "turns": "SELECT count(*) FROM segment WHERE ended_at IS NULL",
        "wrapping": "SELECT count(*) FROM segment WHERE state = 'wrapping'",
        "wraps": "SELECT count(*) FROM handling WHERE kind = 'wrap' AND ended_at IS NULL",
        "states": "SELECT count(*) FROM agent_state WHERE ended_at IS NULL",
    }
    return {name: int(connection.execute(text(statement)).scalar_one()) for name, statement in asked.items()}


def _answers(connection: Connection) -> list[int]:
    statement = "SELECT count(*) FROM segment WHERE end_reason = 'completed' GROUP BY work_item_id"
    return [int(row[0]) for row in connection.execute(text(statement))]
