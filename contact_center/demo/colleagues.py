"""The people of the shop: they sit at consoles, take what waits and answer it, by the same API as everybody.

Each answers in the customer's language and about the customer's matter, and leaves enough for whoever watches to do.
"""

import asyncio
import random
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import aiohttp
import socketio
import structlog

from contact_center.demo.history import COLLEAGUES, PASSWORD, WORDS
from contact_center.demo.letters import answer_to
from contact_center.tasks import spawn, stop

logger = structlog.get_logger(__name__)

AT_WORK = ("boris@shop.example", "vera@shop.example", "daniel@shop.example")  # the administrator's seat is the visitor's
READS = (3.0, 8.0)  # seconds that somebody reads before the answer
LEAVES = 12  # tickets that nobody has taken stay for the visitor
HOURS: dict[str, Any] = {"timezone": "Europe/Moscow", "weekly": [[["09:00", "21:00"]]] * 5 + [[["10:00", "18:00"]]] * 2, "holidays": "RU"}
# Why people write to a shop, and what comes of it.
REASONS: dict[str, dict[str, list[str]]] = {
    "en": {"Delivery": ["Late", "Damaged on the way"], "Order": ["Change it", "Cancel it"], "Invoice": []},
    "ru": {"Доставка": ["Опаздывает", "Пришло повреждённым"], "Заказ": ["Изменить", "Отменить"], "Счёт": []},
}
DISPOSITIONS = {"en": ["Solved", "Promised a call", "Not for us"], "ru": ["Решено", "Обещали перезвонить", "Не к нам"]}
OFFERED: dict[str, Any] = {"offers": True, "offer_seconds": 120, "wrap_seconds": 60, "wants_reason": True}
LOOKS = 3.0  # seconds between looks whether the visitor has come
EVENTS = ["ticket.created", "ticket.changed", "contact.changed"]


@dataclass
class Colleagues:
    """Everybody at work in one shop."""

    url: str
    language: str
    crm: str
    """Another system of the shop, which is told what happens."""
    pace: float
    """Seconds between two answers of one colleague, on average."""
    chance: random.Random = field(default_factory=lambda: random.Random())
    _done: set[tuple[int, str]] = field(default_factory=set)

    async def work(self) -> None:
        """Furnish what is furnished by hand, then work until cancelled."""
        await self._furnish()
        tasks = [spawn(self._sit(address), name=f"demo {address}") for address in AT_WORK]
        tasks.append(spawn(self._receive(COLLEAGUES[0][0]), name="demo reception"))
        try:
            await asyncio.gather(*tasks)
        finally:
            await stop(*tasks)

    async def _furnish(self) -> None:
        """Hours and a webhook, as an administrator sets them up; what is there already stays."""
        async with await self._signed_in(COLLEAGUES[0][0]) as client:
            if not await _ask(client, "GET", "/calendars"):
                made = await _ask(client, "POST", "/calendars", name=WORDS[self.language]["hours"], hours=HOURS)
                for queue in await _ask(client, "GET", "/queues"):
                    await _ask(client, "PATCH", f"/queues/{queue['id']}", calendar_id=made["id"])
            if not await _ask(client, "GET", "/contact-reasons"):
                await self._offer(client)
            known = (await _ask(client, "GET", "/webhooks"))["endpoints"]
            if known:  # the other system listens on another port each time
                await _ask(client, "PATCH", f"/webhooks/{known[0]['id']}", url=self.crm)
            else:
                await _ask(client, "POST", "/webhooks", name="CRM", url=self.crm, types=EVENTS)

    async def _offer(self, client: aiohttp.ClientSession) -> None:
        """One queue offers its work and lets it be written up, so that whoever visits meets a card."""
        sales = next(queue for queue in await _ask(client, "GET", "/queues") if queue["name"] == WORDS[self.language]["sales"])
        await _ask(client, "PATCH", f"/queues/{sales['id']}", **OFFERED)
        for ticket in (await _ask(client, "GET", "/tickets?view=mine&limit=200"))["items"]:
            if ticket["waiting_since"]:  # with full hands nothing is offered
                await _ask(client, "PATCH", f"/tickets/{ticket['id']}", assignee_id=None)
        for name, parts in REASONS[self.language].items():
            above = await _ask(client, "POST", "/contact-reasons", name=name)
            for part in parts:
                await _ask(client, "POST", "/contact-reasons", name=part, parent_id=above["id"])
        for name in DISPOSITIONS[self.language]:
            await _ask(client, "POST", "/dispositions", name=name)

    async def _receive(self, address: str) -> None:
        """Whoever sits down in the visitor's seat is available, once a visit: what they choose then stands."""
        greeted = None
        async with await self._signed_in(address) as client:
            me = (await _ask(client, "GET", "/me"))["user"]["id"]
            while True:
                await asyncio.sleep(LOOKS)
                try:
                    since = quote(datetime.now(UTC).isoformat())
                    board = await _ask(client, "GET", f"/board?since={since}")
                    here = next(each["here_since"] for each in board["agents"] if each["user_id"] == me)
                    if here and here != greeted:
                        await _ask(client, "PUT", "/me/state", state="available")
                    greeted = here or greeted
                except (aiohttp.ClientError, TimeoutError) as error:
                    logger.warning("demo.not_received", who=address, error=repr(error))

    async def _sit(self, address: str) -> None:
        """One colleague's day."""
        async with await self._signed_in(address) as client:
            me = (await _ask(client, "GET", "/me"))["user"]["id"]
            console = socketio.AsyncClient()
            cookies = "; ".join(f"{cookie.key}={cookie.value}" for cookie in client.cookie_jar)
            await console.connect(self.url, headers={"Cookie": cookies}, transports=["websocket"], wait_timeout=10)
            try:
                while True:
                    await asyncio.sleep(self.chance.uniform(0.5, 1.5) * self.pace)
                    try:
                        await self._answer_one(client, me)
                    except (aiohttp.ClientError, TimeoutError) as error:
                        logger.warning("demo.not_answered", who=address, error=repr(error))
            finally:
                await console.disconnect()

    async def _answer_one(self, client: aiohttp.ClientSession, me: int) -> None:
        """Take one ticket, read it, answer it."""
        mine = (await _ask(client, "GET", "/tickets?view=mine&limit=50"))["items"]
        waiting = [ticket for ticket in mine if ticket["waiting_since"]]
        if not waiting:
            free = (await _ask(client, "GET", "/tickets?view=awaiting&limit=50"))["items"]
            waiting = free[: len(free) - LEAVES] if len(free) > LEAVES else []
        waiting = [ticket for ticket in waiting if (ticket["id"], ticket["waiting_since"]) not in self._done]
        if not waiting:
            return
        ticket = self.chance.choice(waiting[:10])
        self._done.add((ticket["id"], ticket["waiting_since"]))
        if ticket["assignee_id"] != me:
            await _ask(client, "PATCH", f"/tickets/{ticket['id']}", assignee_id=me)
        await asyncio.sleep(self.chance.uniform(*READS))
        last = ticket["last_entry"]
        if last["kind"] == "telephony":
            note = "Перезвонили, вопрос решён." if self.language == "ru" else "Called back; all is settled."
            await _ask(client, "POST", f"/tickets/{ticket['id']}/notes", text=note)
            await _ask(client, "PATCH", f"/tickets/{ticket['id']}", status="resolved")
            return
        answer = answer_to(ticket["subject"], last["preview"])
        if answer is None:
            await _ask(client, "PATCH", f"/tickets/{ticket['id']}", status="resolved")
        else:
            await _ask(client, "POST", f"/tickets/{ticket['id']}/replies", text=answer[0], status="resolved" if answer[1] else "waiting")

    async def _signed_in(self, address: str) -> aiohttp.ClientSession:
        jar = aiohttp.CookieJar(unsafe=True)
        client = aiohttp.ClientSession(self.url, cookie_jar=jar, timeout=aiohttp.ClientTimeout(total=30))
        await _ask(client, "POST", "/session", email=address, password=PASSWORD)
        return client


async def _ask(client: aiohttp.ClientSession, method: str, path: str, **body: Any) -> Any:
    headers = {"Idempotency-Key": secrets.token_hex(8)} if method == "POST" else {}
    async with client.request(method, f"/api/v1{path}", json=body or None, headers=headers) as response:
        response.raise_for_status()
        return await response.json() if response.content_type == "application/json" else None
