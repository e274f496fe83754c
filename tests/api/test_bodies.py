"""Bodies that take their time."""

import asyncio
import json
from typing import Any

import pytest

from contact_center.api import bodies, framework
from contact_center.app import utc_now
from contact_center.model.words import Role
from contact_center.store.repositories import access
from contact_center.testing import RunningApp
from tests.api.asking import send, set_user
from tests.api.world import admin_id, cookie, make_session, make_user


async def begin(server: RunningApp, path: str, headers: dict[str, str], body: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A POST of which everything has come but the last byte."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = "".join(f"{name}: {value}\r\n" for name, value in ({"Content-Length": len(body)} | headers).items())
    writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode() + body[:-1])
    await writer.drain()
    await asyncio.sleep(0.2)
    return reader, writer


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/api/v1/users", "application/json"), ("/api/v1/imports?filename=a.csv", "text/csv"), ("/api/v1/attachments?filename=a", "a/b")],
)
@pytest.mark.parametrize("lost", [{"disabled_at": True}, {"role": Role.AGENT}])
async def test_rights_are_those_of_the_moment_of_the_act(quick: RunningApp, path: str, kind: str, lost: dict[str, Any]) -> None:
    """Who held back the end of a body while their account or role was taken away is refused when it comes."""
    mallory = await make_user(quick, "mallory", Role.ADMIN, [1])
    headers = cookie(await make_session(quick, mallory)) | {"Content-Type": kind}
    body = json.dumps({"email": "back@door.example", "name": "Back", "role": "admin", "queue_ids": [1]}).encode()
    reader, writer = await begin(quick, path, headers, body)
    await quick.store.write(set_user, mallory, **{name: utc_now() if value is True else value for name, value in lost.items()})
    writer.write(body[-1:])
    async with asyncio.timeout(10):
        status = int((await reader.readline()).split()[1])
    writer.close()
    may_upload = "role" in lost and "attachments" in path
    assert status == (201 if may_upload else 403 if "role" in lost else 401)
    assert await quick.store.read(access.credentials, "back@door.example") is None


@pytest.mark.parametrize("path", ["/api/v1/users", "/api/v1/session"])
async def test_a_body_is_not_waited_for_without_end(quick: RunningApp, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """A JSON body that does not come in time is refused with 408, from a stranger and from an administrator."""
    monkeypatch.setattr(framework, "BODY_SECONDS", 0.5)
    headers = cookie(await make_session(quick, await admin_id(quick))) | {"Content-Type": "application/json"}
    reader, writer = await begin(quick, path, headers, b"{}")
    async with asyncio.timeout(10):
        assert b" 408 " in await reader.readline()
    writer.close()


@pytest.mark.parametrize("path", ["/api/v1/imports?filename=a.csv", "/api/v1/attachments?filename=a"])
async def test_an_upload_is_not_waited_for_without_end(quick: RunningApp, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """A file that stops coming, or comes a byte at a time, is refused with 408; a slow one that goes on is taken."""
    headers = cookie(await make_session(quick, await admin_id(quick))) | {"Content-Type": "text/csv"}
    content = b"email\n" + b"a@example.com\n" * 3
    for pace, pause, wanted in (
        (bodies.Pace(0.5, 8000), 5.0, b" 408 "),
        (bodies.Pace(0.5, 8000), 0.1, b" 408 "),
        (bodies.Pace(5, 100), 0.02, b" 201 "),
    ):
        monkeypatch.setattr(bodies, "COLLEAGUES", pace)
        reader, writer = await begin(quick, path, headers | {"Content-Length": str(len(content))}, b"")
        answer = asyncio.ensure_future(reader.readline())
        for number in range(len(content)):
            if answer.done():
                break
            writer.write(content[number : number + 1])
            await asyncio.wait([answer], timeout=pause)
        async with asyncio.timeout(10):
            assert wanted in await answer
        writer.close()


@pytest.mark.parametrize("path", ["/api/v1/session", "/api/v1/first-login", "/api/v1/invitations/accept"])
async def test_strangers_send_little(quick: RunningApp, path: str) -> None:
    """What is asked of somebody who is not signed in is small: a body above 16 KiB is refused before it is looked at."""
    large = await send(quick, "POST", path, data=b'{"a":"' + b"x" * 20_000 + b'"}', headers={"Content-Type": "application/json"})
    small = await send(quick, "POST", path, data=b'{"a":"' + b"x" * 10_000 + b'"}', headers={"Content-Type": "application/json"})
    assert (large.status, small.status) == (413, 422)
