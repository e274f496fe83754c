"""Doubles and builders that the product ships for tests, its own and those of connectors: a clock, mails, a running server."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from contact_center import app as root
from contact_center.api import passwords
from contact_center.config import MailSettings, Settings
from contact_center.model.words import Role
from contact_center.store import Store
from contact_center.store.repositories import access

PASSWORD = "correct horse battery"


class FrozenClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, now: datetime = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """The time it stands at."""
        return self.now

    def move(self, **delta: float) -> None:
        """Go forward by a timedelta's keywords: `move(minutes=5)`."""
        self.now += timedelta(**delta)


def a_mail(
    *,
    sender: str = "Ivan Petrov <ivan@example.com>",
    to: str = "support@localhost",
    subject: str = "Where is my order?",
    text: str = "Where is order 117?",
    message_id: str | None = "<q1@example.com>",
    answers: str | None = None,
    references: str | None = None,
    date: datetime | None = None,
    html: str | None = None,
    **headers: str,
) -> EmailMessage:
    """A customer's mail. `answers` is the Message-ID it replies to; other headers by keyword, `_` for `-`."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    if message_id:
        mail["Message-ID"] = message_id
    if answers:
        mail["In-Reply-To"] = answers
        mail["References"] = f"{references} {answers}" if references else answers
    if date:
        mail["Date"] = format_datetime(date)
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
    return mail


@dataclass
class RunningApp:
    """A server of its own on a free port, with its first administrator."""

    product: root.Product
    url: str

    @property
    def store(self) -> Store:
        """Its database."""
        return self.product.store

    @property
    def mail_port(self) -> int:
        """Port of its mail receiver."""
        port: int = self.product.supervisor.listening["email"].port
        return port

    async def deliver(self, *mails: EmailMessage | bytes, account_id: int = 1) -> None:
        """Take mails in as a connector does, and wait until they have their fate."""
        from contact_center.model.messages import RawItem

        for mail in mails:
            content = mail if isinstance(mail, bytes) else mail.as_bytes()
            key = f"test:{hash(content)}"
            await self.product.pipeline.accept(account_id, [RawItem(key, content)], None, None)
        await self.settled()

    async def settled(self) -> None:
        """Wait until nothing is in flight."""
        import asyncio

        from contact_center.store.repositories import raw_items

        for _ in range(15000):
            if not await self.store.read(raw_items.in_flight, 0, 1):
                return
            self.product.pipeline.wake()
            await asyncio.sleep(0.02)
        raise TimeoutError("some raw items have no fate yet")

    async def add_user(self, email: str, role: Role, queue_ids: list[int]) -> int:
        """An employee with the password `PASSWORD`."""
        hashed = await passwords.hash_password(PASSWORD)
        now = root.utc_now()
        project_id = await self.store.read(access.first_project)
        assert project_id is not None
        user_id = await self.store.write(access.add_user, project_id, email, email.partition("@")[0].title(), role, hashed, now)
        await self.store.write(access.set_grants, user_id, queue_ids)
        return user_id

    @asynccontextmanager
    async def session(self, email: str = "admin@example.com") -> AsyncIterator[aiohttp.ClientSession]:
        """An HTTP client that is signed in."""
        async with aiohttp.ClientSession(self.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
            async with client.post("/api/v1/session", json={"email": email, "password": PASSWORD}) as response:
                assert response.status == 201, await response.text()
            yield client


def settings_for(folder: Path, **overrides: Any) -> Settings:
    """Settings of a test server: everything in `folder`, free ports, replies sent without delay."""
    mail = {"listen": "127.0.0.1:0", "undo_send_seconds": 0.0} | overrides.pop("mail", {})
    security = {"login_attempts_per_minute": 1000} | overrides.pop("security", {})
    return Settings(data_dir=folder, port=0, mail=MailSettings(**mail), security=security, **overrides)


@asynccontextmanager
async def running_app(folder: Path, *, workers: bool = True, **overrides: Any) -> AsyncIterator[RunningApp]:
    """A whole server in this process, with the administrator admin@example.com."""
    door = socket.socket()
    door.bind(("127.0.0.1", 0))
    settings = settings_for(folder, **overrides).model_copy(update={"port": door.getsockname()[1]})
    store = await root.open_database(settings)
    product = root.build(settings, store)
    runner = web.AppRunner(product.app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.SockSite(runner, door).start()
        async with root.running(product, workers=workers):
            running = RunningApp(product, f"http://127.0.0.1:{settings.port}")
            queues = await store.read(access.queues, 1)
            await running.add_user("admin@example.com", Role.ADMIN, [queue.id for queue in queues])
            yield running
            await runner.cleanup()
    finally:
        await runner.cleanup()
        await store.close()
