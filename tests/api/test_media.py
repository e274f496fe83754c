"""What strangers sent, on its way to a browser: files, pictures in mails, remote pictures, the frame that shows a mail."""

import asyncio
import gzip
import io
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, ClassVar
from urllib.parse import quote

import aiohttp
import orjson
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from sqlalchemy import update
from yarl import URL

from contact_center import egress
from contact_center.api import media
from contact_center.api.context import SERVICES
from contact_center.keys import Keys
from contact_center.model.words import Role
from contact_center.store import Connection
from contact_center.store.repositories import access
from contact_center.store.schema.tickets import attachment
from contact_center.testing import RunningApp, a_mail
from tests.api.world import admin_id, cookie, make_session, make_user

Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
SCRIPT = b"<html><script>alert(document.cookie)</script></html>"
DANGEROUS = [
    "text/html", "text/html; charset=utf-7", "TEXT/HTML", "application/xhtml+xml", "image/svg+xml", "IMAGE/SVG+XML", "text/xml", "application/xml",
    "application/rss+xml", "application/xslt+xml", "application/pdf", "text/javascript", "application/javascript", "text/css", "text/plain",
    "application/x-shockwave-flash", "multipart/related", "message/rfc822", "image/x-icon", "image/png+xml", "image/png, text/html", "", "nonsense",
]  # fmt: skip
HOSTILE_NAMES = [
    'a"; filename="b.html', "a\r\nSet-Cookie: x=1\r\n\r\n<script>", "../../etc/passwd", "..\\..\\boot.ini", "C:\\x.exe", "a;b=c.txt", "a%0d%0aB: c.txt",
    "отчёт за ноябрь.pdf", "報告.pdf", "📎.bin", "a\u202egnp.exe", "a\x00b.txt", "'; x=y.txt", "%", "*", "a/b", "х" * 250 + ".txt",
]  # fmt: skip


async def session_of(server: RunningApp, user_id: int | None = None) -> dict[str, str]:
    """Headers of somebody's session, the administrator's if not said otherwise."""
    return cookie(await make_session(server, user_id or await admin_id(server)))


async def upload(server: RunningApp, content: bytes, kind: str, name: str = "file.bin") -> int:
    """The number of a file that the administrator uploaded."""
    headers = await session_of(server) | {"Content-Type": kind}
    async with aiohttp.ClientSession(server.url, headers=headers) as client:
        async with client.post("/api/v1/attachments", params={"filename": name}, data=io.BytesIO(content)) as response:
            assert response.status == 201, await response.text()
            return int((await response.json())["id"])


async def get(server: RunningApp, path: str, headers: dict[str, str] | None = None) -> tuple[int, Any, bytes]:
    """Status, headers and bytes of an address, asked for just as it is written."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False) as client:
        async with client.get(URL(server.url + path, encoded=True), headers=headers) as response:
            return response.status, response.headers.copy(), await response.read()


def assert_harmless(headers: Any) -> None:
    """Nothing of this answer can run or be mistaken for a page."""
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers.getall("Content-Security-Policy") == ["sandbox; default-src 'none'"]


def assert_download(headers: Any) -> None:
    """A browser stores this and does not show it."""
    assert_harmless(headers)
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"].startswith("attachment;")


# Files.


@pytest.mark.parametrize("kind", DANGEROUS)
async def test_what_could_run_is_only_ever_stored(server: RunningApp, kind: str) -> None:
    """Whatever type a stranger claims, a file that is no plain picture is a download of no particular type, by every way."""
    number = await upload(server, SCRIPT, "application/x-test")
    await server.store.write(_rewrite, number, content_type=kind)
    session = await session_of(server)
    signed = media.sign(server.product.keys, f"/media/attachments/{number}")
    for path in (f"/api/v1/attachments/{number}", f"/api/v1/attachments/{number}?download=false", signed):
        status, headers, body = await get(server, path, session)
        assert (status, body) == (200, SCRIPT), path
        assert_download(headers)


@pytest.mark.parametrize("kind", ["image/svg+xml", "text/html", "application/pdf"])
async def test_uploads_and_mails_keep_no_dangerous_type(server: RunningApp, kind: str) -> None:
    """The same holds for what came by upload and by mail as for any row of the database."""
    mail = a_mail()
    mail.add_attachment(SCRIPT, maintype=kind.partition("/")[0], subtype=kind.partition("/")[2], filename="page.html", disposition="inline")
    await server.deliver(mail)
    session = await session_of(server)
    arrived = int((await timeline(server))[-1]["attachments"][0]["id"])
    for number in (arrived, await upload(server, SCRIPT, kind, "page.html")):
        for path in (f"/api/v1/attachments/{number}", f"/api/v1/attachments/{number}?download=false"):
            status, headers, body = await get(server, path, session)
            assert (status, body) == (200, SCRIPT)
            assert_download(headers)


@pytest.mark.parametrize("kind", sorted(media.PICTURES))
async def test_pictures_are_shown_only_as_pictures(server: RunningApp, kind: str) -> None:
    """A picture is a download unless shown on purpose, and then it is of that very type, even when it is a page inside."""
    number = await upload(server, SCRIPT, kind, "picture.png")
    session = await session_of(server)
    assert_download((await get(server, f"/api/v1/attachments/{number}", session))[1])
    status, headers, _ = await get(server, f"/api/v1/attachments/{number}?download=false", session)
    assert status == 200
    assert_harmless(headers)
    assert headers["Content-Type"] == kind
    assert headers["Content-Disposition"].startswith("inline;")
    assert "private" in headers["Cache-Control"]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.parametrize("cleaned", [True, False])
async def test_a_file_name_is_only_a_name(server: RunningApp, name: str, cleaned: bool) -> None:
    """No file name breaks out of its header, whether it came through our cleaning or lies in the database as it was."""
    number = await upload(server, b"x", "text/plain", name if cleaned else "x")
    if not cleaned:
        await server.store.write(_rewrite, number, filename=name.replace("\x00", ""))
    status, headers, _ = await get(server, f"/api/v1/attachments/{number}", await session_of(server))
    assert status == 200
    assert_download(headers)
    assert "Set-Cookie" not in headers
    disposition = headers["Content-Disposition"]
    assert re.fullmatch(r"attachment; filename\*=UTF-8''[A-Za-z0-9._~%-]+", disposition), disposition
    if cleaned:
        given = re.sub(r"%([0-9A-F]{2})", "", disposition.partition("''")[2])
        assert ".." not in given
        assert not re.search(r"%(?:2F|5C|0D|0A|00|22|E2%80%AE)", disposition), "folders, line ends, quotes and direction tricks are gone"


async def test_a_name_in_other_letters_survives(server: RunningApp) -> None:
    """A harmless name arrives as it was, in any script."""
    number = await upload(server, b"x", "text/plain", "отчёт за ноябрь.pdf")
    _, headers, _ = await get(server, f"/api/v1/attachments/{number}", await session_of(server))
    assert headers["Content-Disposition"] == f"attachment; filename*=UTF-8''{quote('отчёт за ноябрь.pdf', safe='')}"


@pytest.mark.parametrize("size", [100, 2 * 1024 * 1024], ids=["in the database", "in a file"])
async def test_parts_of_a_file_are_as_harmless_as_the_whole(server: RunningApp, size: int) -> None:
    """A range, an impossible range and a repeated question get the same protection; the bytes are the right ones."""
    content = bytes(range(50)) * (size // 50)
    number = await upload(server, content, "text/html")
    session = await session_of(server)
    path = f"/api/v1/attachments/{number}"
    status, headers, body = await get(server, path, session)
    assert (status, body) == (200, content)
    assert_download(headers)
    status, headers, body = await get(server, path, session | {"Range": "bytes=10-19"})
    assert (status, body) in ((206, content[10:20]), (200, content))
    assert_download(headers)
    status, headers, _ = await get(server, path, session | {"Range": f"bytes={size + 5}-"})
    assert status in (200, 416)
    assert_harmless(headers)
    for more in ({"Accept-Encoding": "gzip, br"}, {"If-None-Match": "*"}, {"If-Modified-Since": "Sun, 22 Nov 2054 00:00:00 GMT"}):
        status, headers, body = await get(server, path, session | more)
        assert status in (200, 304, 412)
        assert body in (content, b"")
        assert_harmless(headers)


async def test_the_original_of_a_mail_is_a_download(server: RunningApp) -> None:
    """A mail as it came, markup and all, is never shown on our origin."""
    mail = a_mail(html=SCRIPT.decode())
    await server.deliver(mail)
    entry = (await timeline(server))[-1]["id"]
    status, headers, body = await get(server, f"/api/v1/entries/{entry}/original", await session_of(server))
    assert status == 200
    assert body == mail.as_bytes()
    assert_download(headers)


def _rewrite(connection: Connection, /, number: int, **values: Any) -> None:
    connection.execute(update(attachment).where(attachment.c.id == number).values(**values))


async def timeline(server: RunningApp) -> list[dict[str, Any]]:
    """Entries of the first contact, the newest first."""
    _, _, body = await get(server, "/api/v1/contacts/1/timeline", await session_of(server))
    items: list[dict[str, Any]] = orjson.loads(body)["items"]
    return items


# Signed addresses.


async def mail_with_pictures(server: RunningApp, html: str) -> int:
    """Take in a mail with markup and one picture `cid:here` inside; returns its entry's number."""
    mail = a_mail(html=html)
    mail.get_payload()[1].add_related(PNG, "image", "png", cid="<here>", filename="here.png")  # type: ignore[union-attr, index]
    await server.deliver(mail)
    return int((await timeline(server))[-1]["id"])


async def frame(server: RunningApp, entry: int, query: str = "", headers: dict[str, str] | None = None) -> tuple[int, Any, str]:
    """The document of a mail's frame."""
    status, answered, body = await get(server, f"/api/v1/entries/{entry}/html{query}", headers or await session_of(server))
    return status, answered, body.decode()


def signed_in(document: str) -> list[str]:
    """The signed addresses of a document."""
    return [address.replace("&amp;", "&") for address in re.findall(r'src="(/media/[^"]+)"', document)]


async def test_a_signed_picture_opens_without_a_cookie_for_a_while(server: RunningApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address of a picture inside a mail works for the frame, which has no cookie, and ends after ten minutes."""
    now = SimpleNamespace(value=1_800_000_000.0)
    monkeypatch.setattr(media, "time", SimpleNamespace(time=lambda: now.value))
    entry = await mail_with_pictures(server, '<p>Look</p><img src="cid:here">')
    [address] = signed_in((await frame(server, entry))[2])
    status, headers, body = await get(server, address)
    assert (status, body) == (200, PNG)
    assert_harmless(headers)
    now.value += media.LINK_SECONDS
    assert (await get(server, address))[0] == 200
    now.value += 1
    assert (await get(server, address))[0] == 403


async def test_a_signed_address_cannot_be_altered(server: RunningApp) -> None:
    """Another file, a later end, another picture's address, a changed or missing signature: all refused."""
    entry = await mail_with_pictures(server, '<img src="cid:here"><img src="https://pictures.example/a.png">')
    other = await upload(server, b"secret", "image/png")
    inside, remote = signed_in((await frame(server, entry, "?images=1"))[2])
    number, expires, signature = re.findall(r"attachments/(\d+)\?expires=(\d+)&signature=(\w+)", inside)[0]
    changed = ("b" if signature[0] == "a" else "a") + signature[1:]
    later = int(expires) + 60
    for address, wanted in (
        (f"/media/attachments/{other}?expires={expires}&signature={signature}", 403),
        (f"/media/attachments/{number}?expires={later}&signature={signature}", 403),
        (f"/media/attachments/{number}?expires={expires}&signature={changed}", 403),
        (f"/media/attachments/{number}?expires={expires}&signature={signature[:-1]}", 403),
        (f"/media/attachments/{number}?expires={expires}&signature=", 403),
        (f"/media/attachments/{number}?expires={expires}&signature=%C3%A9", 403),
        (f"/media/attachments/{number}?expires={expires}", 422),
        (f"/media/attachments/{number}", 422),
        (f"/media/attachments/{number}?expires=99999999999999999999&signature={signature}", 422),
        (f"/media/remote?url=https%3A%2F%2Fpictures.example%2Fa.png&expires={expires}&signature={signature}", 403),
        (remote.replace("a.png", "b.png"), 403),
        (remote.replace("pictures.example", "127.0.0.1"), 403),
        (remote.replace("/media/remote", f"/media/attachments/{number}"), 422),
        (re.sub(r"expires=\d+", f"expires={later}", remote), 403),
    ):
        status, _, body = await get(server, address)
        assert status == wanted, (address, body)
        assert b"secret" not in body


async def test_signatures_of_another_purpose_or_server_open_nothing(server: RunningApp) -> None:
    """A code made for a ticket's reply address, or with another key, is no signature of an address."""
    number = await upload(server, PNG, "image/png")
    path = f"/media/attachments/{number}"
    assert (await get(server, media.sign(server.product.keys, path)))[0] == 200
    assert (await get(server, media.sign(Keys("another secret key"), path)))[0] == 403
    expires = re.findall(r"expires=(\d+)", media.sign(server.product.keys, path))[0]
    ticket = server.product.keys.sign("ticket", f"{path}|[]|{expires}")
    assert (await get(server, f"{path}?expires={expires}&signature={ticket}"))[0] == 403


async def test_signed_addresses_are_given_only_to_those_who_may_read(server: RunningApp) -> None:
    """A colleague without the queue gets neither the frame with its addresses nor the file itself, nor does anybody without a session."""
    entry = await mail_with_pictures(server, '<img src="cid:here">')
    number = (await timeline(server))[-1]["attachments"][0]["id"]
    queue = await server.store.write(access.add_queue, 1, "Other", False, server.product.app[SERVICES].clock())
    stranger = await session_of(server, await make_user(server, "stranger", Role.AGENT, [queue]))
    member = await session_of(server, await make_user(server, "member", Role.AGENT, [1]))
    for path in (f"/api/v1/entries/{entry}/html", f"/api/v1/entries/{entry}/original", f"/api/v1/attachments/{number}"):
        assert (await get(server, path, stranger))[0] == 404
        assert (await get(server, path))[0] == 401
        assert (await get(server, path, member))[0] == 200


async def test_an_upload_is_its_uploaders_alone(server: RunningApp) -> None:
    """Until it is part of an entry a file is not there for anybody else, not even an administrator."""
    number = await upload(server, b"draft", "text/plain")
    colleague = await session_of(server, await make_user(server, "colleague", Role.ADMIN, [1]))
    assert (await get(server, f"/api/v1/attachments/{number}", colleague))[0] == 404
    assert (await get(server, f"/api/v1/attachments/{number}", await session_of(server)))[0] == 200


# The frame of a mail.

REMOTE = """
<img src="https://pictures.example/1.png"><img src="HTTP://pictures.example/2.png"><img src=" https://pictures.example/3.png">
<img src="//pictures.example/4.png"><img srcset="https://pictures.example/5.png 2x" src="x"><img src="x" lowsrc="https://pictures.example/6.png">
<picture><source srcset="https://pictures.example/7.png"><img src="cid:no"></picture><input type="image" src="https://pictures.example/8.png">
<table background="https://pictures.example/9.png"><tr><td background="https://pictures.example/10.png">x</td></tr></table>
<div style="background:url(https://pictures.example/11.png)">x</div><div style="background-image:u\\72l('https://pictures.example/12.png')">x</div>
<style>@import "https://pictures.example/13.css"; body{background:url(https://pictures.example/14.png)}</style>
<link rel="stylesheet" href="https://pictures.example/15.css"><link rel="dns-prefetch" href="https://pictures.example">
<video poster="https://pictures.example/16.png" src="https://pictures.example/17.mp4"></video><audio src="https://pictures.example/18.mp3"></audio>
<object data="https://pictures.example/19"></object><embed src="https://pictures.example/20"><iframe src="https://pictures.example/21"></iframe>
<svg><image href="https://pictures.example/22.png" /><use xlink:href="https://pictures.example/23.svg#a" /></svg>
<base href="https://pictures.example/"><meta http-equiv="refresh" content="0;url=https://pictures.example/24">
<form action="https://pictures.example/25"><input name="a"></form><body background="https://pictures.example/26.png">
<a href="/x" ping="https://pictures.example/27">link</a><q cite="https://pictures.example/28">x</q><img src="data:image/svg+xml,%3Csvg%3E">
<li style="list-style-image:url(https://pictures.example/29.png)">x</li><script src="https://pictures.example/30.js"></script>
"""


async def test_the_frame_runs_nothing_and_loads_nothing(server: RunningApp) -> None:
    """The document of a mail has no scripts, no origin, no forms and no addresses but ours to load from, whatever the mail says."""
    await server.deliver(a_mail(html=f"<p>Hello</p>{REMOTE}<img src=x onerror=alert(1)><a href='javascript:alert(1)'>x</a>"))
    entry = (await timeline(server))[-1]["id"]
    status, headers, document = await frame(server, entry)
    assert status == 200
    assert "Hello" in document
    [policy] = headers.getall("Content-Security-Policy")
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split(";")}
    assert rules["default-src"] == ["'none'"]
    assert rules["img-src"] == ["'self'", "data:"]
    assert rules["frame-ancestors"] == ["'self'"]
    assert set(rules["sandbox"]) <= {"allow-popups", "allow-popups-to-escape-sandbox"}
    assert not {"script-src", "connect-src", "form-action", "frame-src"} & set(rules)
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Type"].startswith("text/html")
    for word in ("onerror", "javascript:", "<script", "<form", "<iframe", "<object", "<embed", "<link", "<svg", "http-equiv", "<input"):
        assert word not in document.lower(), word


async def test_no_remote_picture_unless_asked_for(server: RunningApp) -> None:
    """Opening a mail tells its sender nothing: by no way of markup does the frame name another host."""
    await server.deliver(a_mail(html=f"<p>Hello</p>{REMOTE}"))
    entry = (await timeline(server))[-1]["id"]
    for query in ("", "?images=0", "?images=false"):
        _, _, document = await frame(server, entry, query)
        assert "Hello" in document
        loading = re.sub(r'(href|cite|ping)="[^"]*"', "", document)
        assert "pictures.example" not in loading
        assert "/media/remote" not in document
        assert re.findall(r'(?:ping)="', document) == []


async def test_remote_pictures_come_through_us_when_asked_for(server: RunningApp) -> None:
    """With images=1 pictures are named by signed addresses of ours, and still no other host is."""
    await server.deliver(a_mail(html=f"<p>Hello</p>{REMOTE}"))
    entry = (await timeline(server))[-1]["id"]
    _, _, document = await frame(server, entry, "?images=1")
    addresses = signed_in(document)
    assert any("pictures.example%2F1.png" in address for address in addresses)
    assert all(address.startswith("/media/remote?url=") and "signature=" in address for address in addresses)
    loading = re.sub(r'src="/media/remote[^"]*"|(href|cite)="[^"]*"', "", document)
    assert "pictures.example" not in loading


# The proxy of remote pictures.


@dataclass
class Outside:
    """A stranger's web server: 127.0.0.1 stands for the open internet, 127.0.0.2 for our own network."""

    port: int = 0
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    """Host, path and headers of every request that arrived."""
    answers: dict[str, Answering] = field(default_factory=dict)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """An address of it."""
        return f"http://{host}:{self.port}{path}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer as the test arranged."""
        assert request.transport is not None
        self.asked.append((request.transport.get_extra_info("sockname")[0], request.path, request.headers.copy()))
        return await self.answers[request.path](request)


@pytest.fixture
async def outside(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Outside]:
    """The stranger's server, reachable at both addresses, one of which is taken for public."""
    monkeypatch.setattr(egress, "is_public", lambda address: address == "127.0.0.1")
    made = Outside()
    app = web.Application()
    app.router.add_get("/{path:.*}", made.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        made.port = runner.addresses[0][1]
        await web.TCPSite(runner, "127.0.0.2", made.port).start()
        yield made
    finally:
        await runner.cleanup()


async def fetch(server: RunningApp, url: str) -> tuple[int, Any, bytes]:
    """A remote picture as the frame asks for it."""
    return await get(server, media.sign(server.product.keys, "/media/remote", url=url))


def plain(**options: Any) -> Answering:
    """The same answer to everybody."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(**options)

    return answer


def moved(to: str, status: int = 302, **headers: str) -> Answering:
    """A redirection."""
    return plain(status=status, headers={"Location": to} | headers)


def picture(body: bytes = PNG, kind: str = "image/png", **more: Any) -> Answering:
    """A picture, or what is called one."""
    return plain(body=body, content_type=kind, **more)


async def test_a_remote_picture_is_handed_on_harmless(server: RunningApp, outside: Outside) -> None:
    """A small picture arrives with our headers and none of its sender's, and its sender learns nothing of who asks."""
    outside.answers["/moved"] = moved("a.png?x=1", 302, **{"Set-Cookie": "spy=1"})
    outside.answers["/a.png"] = picture(headers={"Set-Cookie": "spy=2", "Refresh": "0;url=https://evil.example", "X-Spy": "1"})
    status, headers, body = await fetch(server, outside.url("/moved"))
    assert (status, body) == (200, PNG)
    assert_harmless(headers)
    assert headers["Content-Type"] == "image/png"
    assert not {"Set-Cookie", "Refresh", "X-Spy", "Location"} & set(headers)
    assert [path for _, path, _ in outside.asked] == ["/moved", "/a.png"]
    for _, _, sent in outside.asked:
        assert not {"Cookie", "Referer", "Authorization", "X-Forwarded-For", "Origin"} & set(sent)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirections_never_lead_inside(server: RunningApp, outside: Outside, status: int) -> None:
    """A public address that sends us on to a private one is followed no further, and nothing inside is touched."""
    outside.answers |= {"/out": moved(outside.url("/secret.png", "127.0.0.2"), status), "/secret.png": picture()}
    assert (await fetch(server, outside.url("/out")))[0] == 503
    assert (await fetch(server, outside.url("/secret.png", "127.0.0.2")))[0] == 503
    assert [(host, path) for host, path, _ in outside.asked] == [("127.0.0.1", "/out")]


class TwoFaced(AbstractResolver):
    """Names that lead outside when they are first looked up, and inside ever after."""

    asked: ClassVar[list[str]] = []

    def __init__(self, **_: Any) -> None:
        pass

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        """The address of the moment."""
        self.asked.append(host)
        address = "127.0.0.1" if len(self.asked) == 1 else "127.0.0.2"
        return [ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        """Nothing to let go of."""


async def test_a_name_is_judged_by_where_it_leads(server: RunningApp, outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    """A public name that leads inside, now or the second time it is looked up, is refused at the connection."""
    monkeypatch.setattr("aiohttp.connector.DefaultResolver", TwoFaced)
    monkeypatch.setattr(TwoFaced, "asked", [])
    outside.answers["/a.png"] = picture()
    statuses = [(await fetch(server, outside.url("/a.png", "rebind.example")))[0] for _ in range(2)]
    assert statuses == [200, 503]
    assert TwoFaced.asked == ["rebind.example"] * 2
    assert [host for host, _, _ in outside.asked] == ["127.0.0.1"]


@pytest.mark.parametrize(
    "location",
    ["file:///etc/passwd", "ftp://127.0.0.1/a.png", "data:image/png;base64,AAAA", "gopher://x", "http://", "http://[", "", "http://a b"],
)
async def test_redirections_lead_only_to_web_addresses(server: RunningApp, outside: Outside, location: str) -> None:
    """Other schemes, nothing at all and what is no address end the journey."""
    outside.answers["/out"] = moved(location)
    assert (await fetch(server, outside.url("/out")))[0] == 503


async def test_redirections_end(server: RunningApp, outside: Outside) -> None:
    """Three redirections are followed, a fourth is not, and a circle ends."""
    for number in range(5):
        outside.answers[f"/{number}"] = moved(f"/{number + 1}")
    outside.answers |= {"/5": picture(), "/circle": moved("/circle"), "/nowhere": plain(status=302)}
    assert (await fetch(server, outside.url("/2")))[0] == 200
    assert (await fetch(server, outside.url("/1")))[0] == 503
    for path in ("/circle", "/nowhere"):
        outside.asked.clear()
        assert (await fetch(server, outside.url(path)))[0] == 503
        assert len(outside.asked) == 4


@pytest.mark.parametrize(
    "kind",
    [
        "text/html",
        "image/svg+xml",
        "application/pdf",
        "text/plain",
        "application/octet-stream",
        "image/x-icon",
        "multipart/x-mixed-replace",
        "video/mp4",
    ],
)
async def test_only_pictures_are_handed_on(server: RunningApp, outside: Outside, kind: str) -> None:
    """What is not one of the four harmless kinds of picture is refused, whatever its name."""
    outside.answers["/a.png"] = picture(SCRIPT, kind)
    status, _, body = await fetch(server, outside.url("/a.png"))
    assert status == 503
    assert b"script" not in body


@pytest.mark.parametrize("status", [201, 204, 206, 304, 400, 401, 404, 500])
async def test_only_a_plain_success_is_a_picture(server: RunningApp, outside: Outside, status: int) -> None:
    """Any status but 200 is no picture."""
    outside.answers["/a.png"] = plain(status=status, body=PNG if status not in (204, 304) else None, content_type="image/png")
    assert (await fetch(server, outside.url("/a.png")))[0] == 503


async def test_pictures_have_a_largest_size(server: RunningApp, outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the limit a picture passes; beyond it, announced or endless or packed, it does not."""
    monkeypatch.setattr(media, "REMOTE_LIMIT", 100_000)
    outside.answers |= {
        "/fits": picture(bytes(100_000)),
        "/more": picture(bytes(100_001)),
        "/packed": picture(gzip.compress(bytes(30_000_000)), headers={"Content-Encoding": "gzip"}),
        "/endless": _endless,
    }
    assert len((await fetch(server, outside.url("/fits")))[2]) == 100_000
    for path in ("/more", "/packed", "/endless"):
        status, _, body = await fetch(server, outside.url(path))
        assert status == 503, path
        assert b"too large" in body


async def _endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "image/png"})
    await response.prepare(request)
    try:
        while True:
            await response.write(bytes(10_000))
    except ConnectionError:
        return response


async def test_silence_and_broken_answers_end(server: RunningApp, outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that never answers, stops in the middle or lies about the length is given up, and ours lives on."""
    monkeypatch.setattr(egress, "TIMEOUT", aiohttp.ClientTimeout(total=0.3))
    never = asyncio.Event()

    async def silent(_: web.Request) -> web.StreamResponse:
        await never.wait()
        raise AssertionError

    async def drips(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "image/png", "Content-Length": "1000"})
        await response.prepare(request)
        await response.write(PNG)
        await never.wait()
        return response

    async def cuts(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "image/png", "Content-Length": "1000"})
        await response.prepare(request)
        await response.write(PNG)
        assert request.transport is not None
        request.transport.close()
        return response

    outside.answers |= {"/silent": silent, "/drips": drips, "/cuts": cuts}
    async with _garbage() as port:
        for url in (
            outside.url("/silent"),
            outside.url("/drips"),
            outside.url("/cuts"),
            f"http://127.0.0.1:{port}/a.png",
            "http://127.0.0.1:1/a.png",
        ):
            status, headers, _ = await fetch(server, url)
            assert status == 503, url
            assert headers["Content-Type"].startswith("application/problem+json")
    assert (await get(server, "/healthz"))[0] == 200


@asynccontextmanager
async def _garbage() -> AsyncIterator[int]:
    """The port of a server that does not speak HTTP."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail.example ESMTP\r\n\xff\xfe\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    listening = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with listening:
        yield int(listening.sockets[0].getsockname()[1])


async def test_the_environment_chooses_no_way_out(server: RunningApp, outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy named in the environment is not used: it would connect on our behalf to anywhere."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.2:{outside.port}")
    outside.answers["/a.png"] = picture()
    assert (await fetch(server, outside.url("/a.png")))[0] == 200
    assert [host for host, _, _ in outside.asked] == ["127.0.0.1"]
