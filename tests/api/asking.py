"""One request of a stranger or a colleague, with nothing that a browser or a client library would add."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from contact_center.api.context import SERVICES
from contact_center.app import utc_now
from contact_center.store import Connection
from contact_center.store.repositories import access
from contact_center.testing import PASSWORD, FrozenClock, RunningApp, running_app
from tests.api.world import cookie

ADMIN = "admin@example.com"
OTHER = "long and quiet river"
HTTPS = "https://help.example.org"


@dataclass
class Answer:
    """A whole HTTP answer."""

    status: int
    headers: Any
    text: str

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.text)

    @property
    def cookie(self) -> str:
        """The value of the first cookie that the answer sets."""
        return str(self.headers["Set-Cookie"]).partition(";")[0].partition("=")[2]

    @property
    def flags(self) -> set[str]:
        """The attributes of that cookie, in lower case."""
        return {part.strip().lower() for part in str(self.headers["Set-Cookie"]).split(";")[1:]}


async def send(server: RunningApp, method: str, path: str, **options: Any) -> Answer:
    """One request of a client that keeps no cookies of its own."""
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(server.url, cookie_jar=jar) as client, client.request(method, path, **options) as response:
        return Answer(response.status, response.headers.copy(), await response.text(errors="replace"))


async def log_in(server: RunningApp, email: str = ADMIN, password: str = PASSWORD, **headers: str) -> Answer:
    """One attempt to sign in."""
    return await send(server, "POST", "/api/v1/session", json={"email": email, "password": password}, headers=headers)


async def me(server: RunningApp, token: str) -> int:
    """The status with which one's own account answers to a session."""
    return (await send(server, "GET", "/api/v1/me", headers=cookie(token))).status


async def raw(server: RunningApp, head: bytes, body: bytes = b"") -> tuple[int, bytes]:
    """One request byte by byte, for headers that no client library would send; the status and the whole answer."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(head + b"\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        answer = await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()
    return int(answer.split(b" ", 2)[1]), answer


def set_user(connection: Connection, /, user_id: int, **values: Any) -> None:
    """Change an employee behind the back of the API."""
    access.change_user(connection, user_id, **values)


def stop_clock(server: RunningApp) -> FrozenClock:
    """From now on the server's time moves only when the test moves it."""
    clock = FrozenClock(utc_now())
    object.__setattr__(server.product.app[SERVICES], "clock", clock)
    return clock


@asynccontextmanager
async def behind_proxy(folder: Path, *, attempts: int = 1000) -> AsyncIterator[RunningApp]:
    """A server that believes the proxies at 127.0.0.1 and 10.0.0.0/8 about addresses."""
    security = {"trusted_proxies": ("127.0.0.1", "10.0.0.0/8"), "login_attempts_per_minute": attempts}
    async with running_app(folder / "data", workers=False, security=security) as server:
        yield server
