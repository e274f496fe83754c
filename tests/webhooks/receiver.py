"""The other side: a real HTTP server that does as told and remembers what it was sent, and a line that sends to it."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from aiohttp import web

from contact_center.keys import Keys
from contact_center.model.events import Event, QueueChanged
from contact_center.model.people import Queue
from contact_center.model.webhooks import TYPES
from contact_center.store import Connection, Store, journal
from contact_center.store.repositories import access, channels, outbox, webhooks
from contact_center.testing import FrozenClock
from contact_center.webhooks import signing
from contact_center.webhooks.sending import WebhookSender
from tests.webhooks.test_signing import checks

KEYS = Keys("a secret of the tests")
TTL = timedelta(seconds=12)


@dataclass
class Heard:
    """One request."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """Its `webhook-id`."""
        return self.headers["webhook-id"]

    @property
    def seq(self) -> int:
        """The journal's number in it."""
        return int(json.loads(self.body)["seq"])


@dataclass
class Receiver:
    """Answers 204, or whatever `answers` holds next."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    """Statuses, or functions of a request."""
    gate: asyncio.Event | None = None
    _runner: web.AppRunner | None = None

    async def start(self) -> "Receiver":
        """Listen on a free port of this machine."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/hear"
        return self

    async def close(self) -> None:
        """Hear no more."""
        if self._runner is not None:
            await self._runner.cleanup()

    def seqs(self) -> list[int]:
        """The numbers heard, in the order they came."""
        return [each.seq for each in self.heard]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        names = ("webhook-id", "webhook-timestamp", "webhook-signature", "content-type", "user-agent")
        headers = {name: request.headers.get(name, "") for name in names}
        self.heard.append(Heard(headers, await request.read()))
        if self.gate is not None:
            await self.gate.wait()
        answer = self.answers.pop(0) if self.answers else 204
        return web.Response(status=answer) if isinstance(answer, int) else await answer(request)


class House:
    """A project with a journal, endpoints and senders."""

    def __init__(self, store: Store, clock: FrozenClock, project_id: int) -> None:
        self.store, self.clock, self.project_id = store, clock, project_id
        self.secret = signing.new_secret()
        self._senders: list[WebhookSender] = []

    def sender(self, holder: str = "one", *, private: bool = True) -> WebhookSender:
        """A sender in a process of its own."""
        made = WebhookSender(self.store, KEYS, holder, self.clock, private=private)
        self._senders.append(made)
        return made

    async def live(self, holder: str = "one") -> None:
        """Show that the process lives."""
        await self.store.write(channels.take_lease, outbox.sender_lease(holder), holder, self.clock(), TTL)

    async def endpoint(self, url: str, **values: Any) -> int:
        """An endpoint that hears everything from now on."""
        fixed = {"project_id": self.project_id, "name": "E", "url": url, "types": list(TYPES), "secret": KEYS.encrypt(self.secret)}
        cursor = await self.store.read(journal.horizon)
        return await self.store.write(webhooks.add, **(fixed | {"cursor": cursor, "created_at": self.clock()} | values))

    async def happen(self, count: int = 1) -> list[int]:
        """Things happen; returns their numbers."""
        before = await self.store.read(journal.horizon)
        for number in range(count):
            await self.store.write(_happen, self.project_id, number, self.clock())
        return [event.seq for event in await self.store.read(journal.read_after, before, 1000)]

    async def run(self, sender: WebhookSender, times: int = 1) -> None:
        """Plan and send what is due."""
        for _ in range(times):
            await sender.step()
            await sender.rest()

    async def row(self, endpoint_id: int) -> Any:
        """The endpoint as stored."""
        return await self.store.read(webhooks.find, endpoint_id)

    async def states(self, endpoint_id: int) -> list[tuple[int, str, int]]:
        """(number, state, attempts) of every message, in order."""
        rows = await self.store.read(webhooks.deliveries, endpoint_id, None, 0, 1000)
        return [(row["seq"], row["state"], row["attempts"]) for row in reversed(rows)]

    async def close(self) -> None:
        """Stop all senders."""
        for sender in self._senders:
            await sender.drain(0.1)


def _happen(connection: Connection, project_id: int, number: int, now: Any) -> None:
    journal.append(connection, Event(QueueChanged(Queue(1, f"Queue {number}")), project_id), at=now)


async def make_house(store: Store, clock: FrozenClock) -> House:
    """A project with one open queue, and a sender that lives."""
    project_id = await store.write(access.add_project, "default", "Default")
    await store.write(access.add_queue, project_id, "Support", False, clock())
    house = House(store, clock, project_id)
    await house.live()
    return house


def is_signed(house: House, heard: Heard) -> bool:
    """Whether a request checks with the endpoint's secret."""
    return checks(house.secret, heard.headers, heard.body)


async def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    """Wait for something to come true."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
