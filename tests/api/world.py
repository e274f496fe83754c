"""A small centre with two queues: everything of queue B carries a canary, and the agent of queue A must never meet it."""

import asyncio
import hashlib
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import aiohttp

from contact_center.app import utc_now
from contact_center.contacts import book, organizations
from contact_center.keys import new_token, token_hash
from contact_center.model.acts import Act
from contact_center.model.messages import RawItem
from contact_center.model.words import Fate, PointKind, Role
from contact_center.store import Connection, blobs
from contact_center.store.repositories import access, channels, raw_items
from contact_center.testing import RunningApp, a_mail

CANARY = "canaryb77"
_numbers = itertools.count(1)


@dataclass
class Side:
    """One queue and one object of every kind in it."""

    queue_id: int
    ids: dict[str, int] = field(default_factory=dict)


@dataclass
class World:
    """The running product with both sides and its people."""

    app: RunningApp
    own: Side
    foreign: Side
    people: dict[str, int]

    async def headers(self, who: str) -> dict[str, str]:
        """Headers of a fresh session of agent, supervisor or admin; of a token for `token:scope`; none for nobody."""
        if who == "nobody":
            return {}
        if who.startswith("token:"):
            return {"Authorization": f"Bearer {await make_token(self.app, self.people['admin'], [who.removeprefix('token:')])}"}
        return cookie(await make_session(self.app, self.people[who]))

    @asynccontextmanager
    async def client(self, who: str) -> AsyncIterator[aiohttp.ClientSession]:
        """An HTTP client of one of the people."""
        async with aiohttp.ClientSession(self.app.url, headers=await self.headers(who)) as client:
            yield client


def cookie(token: str) -> dict[str, str]:
    """The header that a browser sends for a session."""
    return {"Cookie": f"cc_session={token}"}


async def make_session(app: RunningApp, user_id: int) -> str:
    """A session made without the slow hash of a password."""
    token, now = new_token(), utc_now()
    await app.store.write(
        access.add_session,
        employee_id=user_id,
        token_hash=token_hash(token),
        created_at=now,
        last_seen_at=now,
        expires_at=now + timedelta(days=30),
        address="",
        user_agent="",
    )
    return token


async def make_token(app: RunningApp, user_id: int, scopes: list[str]) -> str:
    """An API token of an employee."""
    token, now = new_token("cc_pat_"), utc_now()
    await app.store.write(
        access.add_api_token,
        employee_id=user_id,
        name="test",
        token_hash=token_hash(token),
        scopes=scopes,
        created_at=now,
        expires_at=now + timedelta(days=1),
    )
    return token


async def make_user(app: RunningApp, name: str, role: Role, queue_ids: list[int]) -> int:
    """An employee without a password."""
    user_id = await app.store.write(access.add_user, 1, f"{name}@example.com", name.title(), role, None, utc_now())
    await app.store.write(access.set_grants, user_id, queue_ids)
    return user_id


async def admin_id(app: RunningApp) -> int:
    """The administrator that every running product has."""
    row = await app.store.read(access.credentials, "admin@example.com")
    assert row is not None
    return int(row["id"])


async def make_world(app: RunningApp) -> World:
    """Two queues, each with a mail, a reply in the spool, an attachment, a quarantined item and a merge."""
    queue_b = await app.store.write(access.add_queue, 1, "Other", False, utc_now())
    account_b = await app.store.write(
        channels.add_account,
        project_id=1,
        kind="email",
        name="Other",
        address="other@localhost",
        queue_id=queue_b,
        options={"sender_name": "Other"},
        created_at=utc_now(),
    )
    await app.product.supervisor.refresh()
    people = {
        "admin": await admin_id(app),
        "agent": await make_user(app, "agent", Role.AGENT, [1]),
        "supervisor": await make_user(app, "supervisor", Role.SUPERVISOR, [1]),
        "other": await make_user(app, "other", Role.SUPERVISOR, [queue_b]),
    }
    world = World(app, Side(1), Side(queue_b), people)
    await _fill(world, world.own, 1, "visible")
    await _fill(world, world.foreign, account_b, CANARY)
    return world


async def _fill(world: World, side: Side, account_id: int, word: str) -> None:
    app = world.app
    before = {row["id"] for row in (await _admin_get(world, "/api/v1/tickets?view=all"))["items"]}
    await app.deliver(_rich_mail(word, account_id), account_id=account_id)
    page = await _admin_get(world, "/api/v1/tickets?view=all")
    ticket = next(row for row in page["items"] if row["id"] not in before)
    contact_id = ticket["contact"]["id"]
    await _reply(world, ticket["id"], word)
    timeline = await _admin_get(world, f"/api/v1/contacts/{contact_id}/timeline")
    first = timeline["items"][-1]
    side.ids = {
        "ticket_id": ticket["id"],
        "contact_id": contact_id,
        "entry_id": first["id"],
        "reply_id": next(row["id"] for row in timeline["items"] if row["direction"] == "out"),
        "attachment_id": first["attachments"][0]["id"],
        "item_id": await app.store.write(quarantine, account_id, word),
        "queue_id": side.queue_id,
        "channel_id": account_id,
    }
    side.ids["spool_id"] = await _spooled(world, ticket["id"])
    await app.store.write(book.annotate, Act(utc_now()), 1, contact_id, f"note {word}")
    side.ids["point_id"] = (await _admin_get(world, f"/api/v1/contacts/{contact_id}"))["points"][0]["id"]
    side.ids["organization_id"] = await app.store.write(_company, contact_id, word)


def _company(connection: Connection, contact_id: int, word: str) -> int:
    """An organization to which the contact belongs."""
    act = Act(utc_now())
    made = organizations.create(connection, act, 1, f"Company {word}")
    organizations.change(connection, act, 1, made.id, domains=[f"{word}.example"], note=f"company {word}")
    book.set_organization(connection, act, 1, contact_id, made.id)
    return made.id


def _rich_mail(word: str, account_id: int) -> EmailMessage:
    mail = a_mail(
        sender=f"Name {word} <{word}@example.com>",
        to="support@localhost" if account_id == 1 else "other@localhost",
        subject=f"Subject {word}",
        text=f"Text {word}",
        html=f"<p>Html {word}</p><img src='https://pictures.example/{word}.png'>",
        message_id=f"<{word}@example.com>",
    )
    mail.add_attachment(f"file {word}".encode(), maintype="application", subtype="x-test", filename=f"{word}.bin")
    return mail


async def _reply(world: World, ticket_id: int, word: str) -> None:
    body = {"text": f"Answer {word}"}
    async with world.client("admin") as client:
        async with client.post(f"/api/v1/tickets/{ticket_id}/replies", json=body, headers={"Idempotency-Key": word}) as response:
            assert response.status == 201, await response.text()
        async with client.post(
            f"/api/v1/tickets/{ticket_id}/notes", json={"text": f"Note {word}"}, headers={"Idempotency-Key": f"{word}n"}
        ) as response:
            assert response.status == 201, await response.text()


async def _spooled(world: World, ticket_id: int) -> int:
    for _ in range(200):
        for row in (await _admin_get(world, "/api/v1/spool"))["items"]:
            if row["ticket_id"] == ticket_id:
                return int(row["id"])
        await asyncio.sleep(0.05)
    raise TimeoutError("the reply did not reach the spool")


async def _admin_get(world: World, path: str) -> Any:
    async with world.client("admin") as client, client.get(path) as response:
        assert response.status == 200, await response.text()
        return await response.json()


def quarantine(connection: Connection, account_id: int, word: str, content: bytes = b"") -> int:
    """A quarantined item of an account."""
    content = content or f"broken {word}".encode()
    sha256 = hashlib.sha256(content).hexdigest()
    item = RawItem(f"quarantine-{word}", content, sha256, len(content))
    blobs.put(connection, sha256, item.size, content)
    (item_id,) = raw_items.add_all(connection, account_id, [item], utc_now()).values()
    raw_items.settle(connection, {item_id: raw_items.Ending(Fate.QUARANTINED, f"reason {word}")})
    return item_id


async def fresh_point(world: World, side: Side) -> int:
    """A new contact point of the side's contact."""
    address = f"new{next(_numbers)}@example.com"
    contact = await world.app.store.write(book.add_point, Act(utc_now()), 1, side.ids["contact_id"], PointKind.EMAIL, address, address)
    return contact.points[-1].id


async def fresh_contact(world: World, queue_id: int) -> int:
    """A new contact with one mail in a queue."""
    account_id = 1 if queue_id == 1 else world.foreign.ids["channel_id"]
    word = f"person{next(_numbers)}"
    await world.app.deliver(_rich_mail(word, account_id), account_id=account_id)
    page = await _admin_get(world, f"/api/v1/contacts?q={word}")
    return int(page["items"][0]["id"])


async def fresh_merge(world: World, side: Side) -> int:
    """A new merge into the side's contact."""
    other = await fresh_contact(world, side.queue_id)
    async with world.client("admin") as client:
        path, headers = f"/api/v1/contacts/{side.ids['contact_id']}/merges", {"Idempotency-Key": f"merge{other}"}
        async with client.post(path, json={"other_id": other}, headers=headers) as response:
            assert response.status == 201, await response.text()
            return int((await response.json())["merges"][0]["id"])
