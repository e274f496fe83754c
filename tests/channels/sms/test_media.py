"""Files of an MMS: fetched after the message stands, with our password for Twilio alone, and never lost in silence."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import web

from contact_center import egress
from contact_center.channels.sms import media
from contact_center.errors import ChannelAuthFailed, ChannelUnavailable, Undeliverable
from contact_center.intake import fetching
from contact_center.model.messages import RawItem
from contact_center.testing import RunningApp, running_app
from tests.channels.sms.helpers import OURS, THEIRS

PASSWORD = "Basic " + base64.b64encode(b"AC1:token").decode()


class Cloud:
    """What keeps the files, and another host to which it sends on."""

    def __init__(self) -> None:
        self.url = ""
        self.elsewhere = ""
        self.asked: list[tuple[str, str]] = []
        self.failures = 0
        self.size = 5

    async def api(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, request.headers.get("Authorization", "")))
        if self.failures:
            self.failures -= 1
            return web.Response(status=503)
        status, target = {
            "/gone": (404, ""),
            "/locked": (401, ""),
            "/moved": (307, f"{self.elsewhere}/file"),
            "/inside": (302, "https://10.0.0.1/secret"),
            "/round": (302, "/round"),
        }.get(request.path, (200, ""))
        body = b"\x89PNG" + b"x" * (self.size - 4) if status == 200 else b""
        return web.Response(status=status, body=body, content_type="image/png", headers={"Location": target} if target else {})


@contextlib.asynccontextmanager
async def serving(cloud: Cloud) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/{path:.*}", cloud.api)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def cloud(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cloud]:
    monkeypatch.setattr(egress, "is_public", lambda address: address == "127.0.0.1")
    made = Cloud()
    async with serving(made) as made.url, serving(made) as made.elsewhere:
        yield made


async def test_a_file_is_fetched_with_our_password(cloud: Cloud) -> None:
    file = await media.fetch(f"{cloud.url}/file", cloud.url, PASSWORD)

    assert (file.content, file.content_type, cloud.asked) == (b"\x89PNGx", "image/png", [("/file", PASSWORD)])


async def test_the_password_does_not_follow_to_another_host(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twilio sends on to where the bytes lie; whoever that is learns nothing of ours."""
    monkeypatch.setattr(media, "_check", lambda url, api_base: None)

    await media.fetch(f"{cloud.url}/moved", cloud.url, PASSWORD)

    assert cloud.asked == [("/moved", PASSWORD), ("/file", "")]


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/gone", Undeliverable),
        ("/round", Undeliverable),
        ("/inside", Undeliverable),
        ("/moved", Undeliverable),
        ("/huge", Undeliverable),
        ("/locked", ChannelAuthFailed),
        ("/late", ChannelUnavailable),
    ],
)
async def test_what_cannot_be_had(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, path: str, error: type[Exception]) -> None:
    """What will never come is told from what may come later; size, redirects and destinations are bounded."""
    monkeypatch.setattr(media, "LIMIT", 1000)
    cloud.failures, cloud.size = int(path == "/late"), 100_000

    with pytest.raises(error):
        await media.fetch(cloud.url + path, cloud.url, PASSWORD)


ODD = ["file:///etc/passwd", "http://example.com/a", "https://169.254.169.254/latest", "https://[::1]/", "", "https://"]


@pytest.mark.parametrize("url", ODD)
async def test_only_the_open_internet_is_asked(url: str) -> None:
    """Encrypted, at a public address, whatever the message names."""
    with pytest.raises(Undeliverable):
        await media.fetch(url, "https://api.twilio.com", PASSWORD)


async def an_mms(app: RunningApp, cloud: Cloud, *paths: str, body: str = "") -> None:
    async with app.session() as admin:
        options = {"provider": "twilio", "twilio_account_sid": "AC1", "twilio_auth_token": "token", "twilio_api_base": cloud.url}
        made = {"kind": "sms", "name": "SMS", "address": OURS, "queue_id": 1, "check": False, "options": options}
        async with admin.post("/api/v1/channels", json=made) as response:
            assert response.status == 201, await response.text()
            account_id = (await response.json())["channel"]["id"]
    form = {"MessageSid": "MM1", "From": THEIRS, "To": OURS, "Body": body, "NumMedia": str(len(paths))}
    form |= {f"MediaUrl{number}": cloud.url + path for number, path in enumerate(paths)} | {"MediaContentType0": "image/png"}
    about = {"provider": "twilio", "what": "message", "account": account_id, "address": OURS, "key": "MM1"}
    await app.product.pipeline.accept(account_id, [RawItem("message:MM1", urlencode(form).encode(), envelope=about)], None, None)
    await app.settled()


async def the_entry(app: RunningApp, ready: Any) -> Any:
    async with app.session() as admin:
        async with admin.get("/api/v1/tickets?view=all") as response:
            contact_id = (await response.json())["items"][0]["contact"]["id"]
        for _ in range(400):
            async with admin.get(f"/api/v1/contacts/{contact_id}/timeline") as response:
                (entry,) = (await response.json())["items"]
            if ready(entry):
                return entry
            app.product.fetcher.wake()
            await asyncio.sleep(0.05)
    raise AssertionError(entry)


async def test_pictures_become_attachments(tmp_path: Path, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message stands at once; its files follow, also when the provider fails at first."""
    monkeypatch.setattr(fetching, "FIRST_RETRY", 0.05)
    cloud.failures = 1
    async with running_app(tmp_path) as app:
        await an_mms(app, cloud, "/a", "/b")
        entry = await the_entry(app, lambda entry: len(entry["attachments"]) == 2)

        assert entry["text"] == "[image/png] [file]"
        assert sorted((file["filename"], file["size"]) for file in entry["attachments"]) == [("a.png", 5), ("b.png", 5)]


@pytest.mark.parametrize("path", ["/gone", "/late"])
async def test_a_missing_file_is_named_in_the_entry(tmp_path: Path, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """At once when the provider says so, else after the last attempt; what was written stays."""
    monkeypatch.setattr(fetching, "FIRST_RETRY", 0.001)
    cloud.failures = 100 if path == "/late" else 0
    async with running_app(tmp_path) as app:
        await an_mms(app, cloud, path, body="Look at this")
        entry = await the_entry(app, lambda entry: "could not be fetched" in entry["text"])

        assert entry["text"].startswith("Look at this\n[A file could not be fetched: The provider answers")
        assert cloud.url + path in entry["text"]
        assert len(cloud.asked) == (fetching.ATTEMPTS if path == "/late" else 1)
