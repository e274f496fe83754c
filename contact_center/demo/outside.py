"""The world around the demo: a gateway for text messages, and customers who write, call and answer.

Everything goes the way it goes in earnest: SMTP to the receiver, the gateway's and the PBX's requests to the hooks, the
form's proof of work. Customers answer what they are told: they read the outgoing spool and the gateway.
"""

import asyncio
import email
import email.policy
import hashlib
import hmac
import json
import random
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import aiosmtplib
import structlog
from aiohttp import web

from contact_center.channels.web_form.challenge import solve
from contact_center.demo.letters import PEOPLE, TEXTS, THANKS, Person, somebody, topic_for, topic_of
from contact_center.tasks import spawn, stop

logger = structlog.get_logger(__name__)

RESULTS = ("answered", "answered", "answered", "missed", "abandoned")
OURS = {"sms": "+74950000117", "calls": "+74950000118"}
SECONDS = aiohttp.ClientTimeout(total=30)
ANSWER_SECONDS = (8.0, 40.0)  # how long a customer thinks


@dataclass
class Outside:
    """The world around one server."""

    mail_port: int
    sms_hook: str
    calls_hook: str
    form_hook: str
    secret: str
    spool: Path
    queue: str
    agents: tuple[str, ...]
    """Whom the PBX names: a queue of its own, and who took the call."""
    pace: float
    """Seconds between two things that happen, on average."""
    chance: random.Random = field(default_factory=lambda: random.Random())
    _client: aiohttp.ClientSession | None = None
    _read: set[str] = field(default_factory=set)
    _began: datetime = field(default_factory=lambda: datetime.now(UTC))
    """Answers of the past, which are sent as the server starts, are not answered once more."""

    async def live(self) -> None:
        """Let things happen until cancelled."""
        self._read = {path.name for path in self._spooled()}
        async with aiohttp.ClientSession(timeout=SECONDS) as self._client:
            while True:
                await self._try(self.chance.choice(self._deeds()))
                await self._try(self.answer_mails)
                await asyncio.sleep(self.chance.uniform(0.4, 1.6) * self.pace)

    async def happen(self, count: int) -> None:
        """Let `count` things happen at once: for pictures."""
        async with aiohttp.ClientSession(timeout=SECONDS) as self._client:
            for number in range(count):
                await self._deeds()[number % len(self._deeds())]()

    def _deeds(self) -> list[Callable[[], Awaitable[None]]]:
        return [self.write, self.call, self.text, self.write, self.call, self.fill_in]

    async def _try(self, deed: Callable[[], Awaitable[None]]) -> None:
        try:
            await deed()
        except (OSError, aiohttp.ClientError, aiosmtplib.SMTPException, TimeoutError) as error:
            logger.warning("demo.something_did_not_happen", deed=deed.__name__, error=repr(error))

    # What customers do.

    async def write(self) -> None:
        """Somebody writes a mail."""
        person, number = somebody(self.chance), self.chance.randint(50_000, 60_000)
        topic = topic_for(self.chance, person)
        await self._send(person.name, person.address, topic.subject.format(n=number), topic.body.format(n=number))

    async def answer_mails(self) -> None:
        """Whoever got an answer writes back, or not."""
        for path in self._spooled():
            if path.name in self._read or time.time() - path.stat().st_mtime < self.chance.uniform(*ANSWER_SECONDS):
                continue
            self._read.add(path.name)
            mail = email.message_from_bytes(await asyncio.to_thread(path.read_bytes), policy=email.policy.default)
            known = topic_of(str(mail["Subject"]))
            if mail["Date"].datetime > self._began and known is not None and self.chance.random() < 0.7:
                name, _, address = str(mail["To"]).rpartition("<")
                words = mail.get_content() if not mail.is_multipart() else ""
                first = known[0].answers[0].format(n=known[1])[:40] in words
                text, subject = known[0].more[0 if first else -1], str(mail["Subject"])
                subject = subject if subject.startswith("Re:") else f"Re: {subject}"
                await self._send(name.strip(' "'), address.rstrip(">"), subject, text, str(mail["Message-ID"]))

    async def text(self, number: str = "", words: str = "") -> None:
        """Somebody sends a text message."""
        sender = number or self._number()
        language = "en" if sender.startswith("+44") else "ru"
        fields = {
            "from": sender,
            "to": OURS["sms"],
            "charset": "UTF-8",
            "coding": "2",
            "id": f"{time.time_ns():x}",
            "secret": self.secret,
        }
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())
        await self._post(f"{self.sms_hook}/mo?{query}", (words or self.chance.choice(TEXTS[language])[0]).encode())

    async def call(self, at: datetime | None = None) -> None:
        """Somebody calls, and gets through or not."""
        result, began = self.chance.choice(RESULTS), at or datetime.now(UTC) - timedelta(minutes=3)
        event: dict[str, Any] = {
            "id": f"demo-{time.time_ns():x}-{self.chance.randint(0, 9999)}",
            "event": result,
            "direction": "in" if self.chance.random() < 0.85 else "out",
            "from": self._number(),
            "to": OURS["calls"],
            "queue": self.queue,
            "at": began.isoformat(),
            "wait_seconds": self.chance.randint(3, 70),
        }
        if event["direction"] == "out":
            event |= {"from": event["to"], "to": event["from"], "event": "answered"}
        if event["event"] == "answered":
            event |= {"agent": self.chance.choice(self.agents), "talk_seconds": self.chance.randint(20, 600)}
        body, stamp = json.dumps(event, ensure_ascii=False).encode(), str(int(time.time()))
        code = hmac.new(self.secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        await self._post(f"{self.calls_hook}/events", body, {"X-Timestamp": stamp, "X-Signature": f"sha256={code}"})

    async def fill_in(self) -> None:
        """Somebody fills in the form on the website."""
        assert self._client is not None
        person, number = somebody(self.chance), self.chance.randint(50_000, 60_000)
        topic = topic_for(self.chance, person)
        async with self._client.get(f"{self.form_hook}/challenge") as response:
            challenge = (await response.json())["challenge"]
        solution = await asyncio.to_thread(solve, challenge)
        words = {
            "name": person.name,
            "email": person.address,
            "subject": topic.subject.format(n=number),
            "message": topic.body.format(n=number),
        }
        body = {"challenge": challenge, "solution": solution, "fields": words}
        await self._post(self.form_hook, json.dumps(body).encode(), {"Content-Type": "application/json", "Accept": "application/json"})

    # How.

    async def _send(self, name: str, address: str, subject: str, text: str, answers: str = "") -> None:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = f'"{name}" <{address}>', "support@localhost", subject
        mail["Message-ID"] = f"<{time.time_ns():x}@mail.example.org>"
        if answers:
            mail["In-Reply-To"] = mail["References"] = answers
        mail.set_content(f"{text}\n\n-- \n{name}\n")
        await aiosmtplib.send(mail, hostname="127.0.0.1", port=self.mail_port, timeout=20)

    async def _post(self, url: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        assert self._client is not None
        async with self._client.post(url, data=body, headers=headers or {"Content-Type": "text/plain"}) as response:
            if response.status >= 300:
                logger.warning("demo.refused", url=url.partition("?")[0], status=response.status, words=(await response.text())[:200])

    def _number(self) -> str:
        """Of somebody who writes, too; or of somebody whom nobody knows."""
        known: Person = self.chance.choice(PEOPLE[:60])
        return known.phone if known.phone and self.chance.random() < 0.7 else f"+7926{self.chance.randint(0, 999):03d}0117"

    def _spooled(self) -> list[Path]:
        return sorted(self.spool.glob("*.eml")) if self.spool.is_dir() else []


class Gateway:
    """Stands where a Kannel gateway would: takes our messages, reports on them, and lets their readers answer."""

    def __init__(self) -> None:
        self.secret = secrets.token_urlsafe(24)
        """The password of the gateway, and the word in its requests."""
        self.crm = ""
        """Where another system of the shop listens, once it does."""
        self._runner: web.AppRunner | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.outside: Outside | None = None

    async def start(self) -> str:
        """Listen on a free port; the address to send to."""
        app = web.Application()
        app.router.add_route("*", "/cgi-bin/sendsms", self._take)
        app.router.add_post("/crm", self._hear)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.crm = f"http://127.0.0.1:{self._runner.addresses[0][1]}/crm"
        return self.crm.removesuffix("/crm") + "/cgi-bin/sendsms"

    async def close(self) -> None:
        """Stop listening."""
        await stop(*self._tasks)
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        fields = dict(request.query) | dict(await request.post())
        if fields.get("password") != self.secret:
            return web.Response(status=403, text="Authorization failed for sendsms")
        if not fields.get("to"):
            return web.Response(status=400, text="Missing receiver number, rejected")
        self._tasks.append(spawn(self._report(str(fields.get("dlr-url", "")), str(fields["to"])), name="demo report"))
        return web.Response(status=202, text="0: Accepted for delivery")

    async def _hear(self, _request: web.Request) -> web.Response:
        """Another system of the shop, which listens to webhooks; now and then it is busy, as they are."""
        return web.Response(status=503 if random.random() < 0.03 else 204)

    async def _report(self, url: str, reader: str) -> None:
        """The phone gets it after a moment, and its owner writes back after another."""
        await asyncio.sleep(2)
        async with aiohttp.ClientSession() as client:
            async with client.get(url.replace("%d", "1").replace("%A", "DELIVRD")):
                pass
        await asyncio.sleep(12)
        if self.outside is not None:
            await self.outside.text(reader, THANKS["en" if reader.startswith("+44") else "ru"])
