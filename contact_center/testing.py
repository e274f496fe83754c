"""Doubles and builders that the product ships for tests, its own and those of connectors: a clock, mails, a running server."""

import asyncio
import base64
import functools
import hashlib
import secrets
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web, web_app
from sqlalchemy import create_engine, make_url

from contact_center import app as root
from contact_center.api import passwords
from contact_center.config import MailSettings, Settings
from contact_center.intake.parsing import Parsers
from contact_center.model.words import Role
from contact_center.store import Store, migrate
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
class FakeProvider:
    """Who gives permission to use mailboxes, as Google and Microsoft do: `/authorize`, `/token`, and `/introspect` for servers."""

    port: int = 0
    rotates: bool = False
    """Whether each renewal gives a new refresh token and takes the old one back."""
    lifetime: int = 3600
    """Seconds an access token lives, as it says."""
    failure: tuple[int, dict[str, Any]] | None = None
    """What `/token` answers to everything."""
    refresh_tokens: dict[str, str] = field(default_factory=dict)
    """The mailbox of each refresh token that holds."""
    access_tokens: dict[str, str] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    """The forms that `/token` was sent."""
    _codes: dict[str, tuple[str, str]] = field(default_factory=dict)

    def options(self, user: str, refresh_token: str = "") -> dict[str, Any]:
        """Options of an e-mail account that this provider keeps."""
        base = f"http://127.0.0.1:{self.port}"
        return {
            "sign_in": "oauth2", "oauth_provider": "other", "oauth_client_id": "us", "oauth_client_secret": "our secret",
            "oauth_authorize_url": f"{base}/authorize", "oauth_token_url": f"{base}/token", "oauth_scope": "mail",
            "oauth_refresh_token": refresh_token, "imap_user": user,
        }  # fmt: skip

    def allow(self, user: str) -> str:
        """A refresh token for a mailbox."""
        token = secrets.token_urlsafe(12)
        self.refresh_tokens[token] = user
        return token

    async def authorize(self, request: web.Request) -> web.StreamResponse:
        """The page where people agree; here everybody does, at once."""
        query, code = request.query, secrets.token_urlsafe(8)
        self._codes[code] = (query["code_challenge"], query.get("login_hint", ""))
        raise web.HTTPFound(f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}")

    async def token(self, request: web.Request) -> web.Response:
        """A code or a refresh token for an access token."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append(form)
        if self.failure is not None:
            return web.json_response(self.failure[1], status=self.failure[0])
        if form.get("client_secret") != "our secret":
            return web.json_response({"error": "invalid_client"}, status=401)
        user, refresh = self._user_of(form)
        if user is None:
            return web.json_response({"error": "invalid_grant", "error_description": "Token has been expired or revoked."}, status=400)
        access = secrets.token_urlsafe(12)
        self.access_tokens[access] = user
        answer: dict[str, Any] = {"access_token": access, "expires_in": self.lifetime, "token_type": "Bearer"}
        return web.json_response(answer | ({"refresh_token": refresh} if refresh else {}))

    def _user_of(self, form: dict[str, str]) -> tuple[str | None, str]:
        if form["grant_type"] == "authorization_code":
            challenge, user = self._codes.pop(form["code"], ("", ""))
            given = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
            return (user, self.allow(user)) if given == challenge else (None, "")
        old = form.get("refresh_token", "")
        user = self.refresh_tokens.get(old, "")
        if user and self.rotates:
            del self.refresh_tokens[old]
            return user, self.allow(user)
        return user or None, ""

    async def introspect(self, request: web.Request) -> web.Response:
        """Whether an access token holds, and whose it is."""
        user = self.access_tokens.get(str((await request.post()).get("token", "")))
        return web.json_response({"active": user is not None, "email": user or ""})


@asynccontextmanager
async def fake_provider(port: int = 0, **knobs: Any) -> AsyncIterator[FakeProvider]:
    """A provider of mailboxes on a port of its own."""
    made = FakeProvider(**knobs)
    app = web.Application()
    app.add_routes([web.get("/authorize", made.authorize), web.post("/token", made.token), web.post("/introspect", made.introspect)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    made.port = runner.addresses[0][1]
    try:
        yield made
    finally:
        await runner.cleanup()


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


@functools.cache
def _migrated() -> bytes:
    """An SQLite file with all tables and nothing in them."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "made.sqlite3"
        migrate.upgrade(create_engine(f"sqlite:///{file}"))
        return file.read_bytes()


def _begin_migrated(url: str) -> None:
    """Make an SQLite file that is not there a copy of one that was migrated before: to migrate takes longer than most tests."""
    file = Path(make_url(url).database or "")
    if url.startswith("sqlite") and not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_migrated())


class KeptParsers(Parsers):
    """Parser processes that outlive the server: to start some for each costs more than most tests."""

    def close(self) -> None:
        """They are kept for the next server."""


@functools.cache
def _parsers(workers: int, seconds: float) -> KeptParsers:
    return KeptParsers(workers, seconds)


@asynccontextmanager
async def running_app(folder: Path, *, workers: bool = True, **overrides: Any) -> AsyncIterator[RunningApp]:
    """A whole server in this process, with the administrator admin@example.com."""
    door = socket.socket()
    door.bind(("127.0.0.1", 0))
    settings = settings_for(folder, **overrides).model_copy(update={"port": door.getsockname()[1]})
    await asyncio.to_thread(_begin_migrated, settings.effective_database_url)
    store = await root.open_database(settings)
    product = root.build(settings, store, _parsers(settings.mail.parse_workers, settings.mail.parse_seconds))
    runner = web.AppRunner(product.app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.SockSite(runner, door).start()
        async with root.running(product, workers=workers):
            running = RunningApp(product, f"http://127.0.0.1:{settings.port}")
            if await store.read(access.credentials, "admin@example.com") is None:
                queues = await store.read(access.queues, 1)
                await running.add_user("admin@example.com", Role.ADMIN, [queue.id for queue in queues])
            yield running
            await runner.cleanup()
    finally:
        await runner.cleanup()
        await store.close()
        # aiohttp remembers the last thousand handlers, and with each its whole server: hundreds of them in a run of the tests.
        web_app._cached_build_middleware.cache_clear()
