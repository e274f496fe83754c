"""Requests from outside: only an account's own address is heard, and only what it is meant to hear."""

import asyncio
import io

import aiohttp
import pytest

from contact_center.api import bodies
from contact_center.testing import RunningApp


async def door(server: RunningApp) -> str:
    body = {"kind": "web_form", "name": "Form", "address": "contact", "queue_id": 1, "options": {"difficulty": 8}}
    async with server.session() as client:
        async with client.get("/api/v1/channels") as response:
            for channel in await response.json():
                if channel["channel"]["kind"] == "web_form":
                    return str(channel["hook_url"])
        async with client.post("/api/v1/channels", json=body) as response:
            assert response.status == 201, await response.text()
            return str((await response.json())["hook_url"])


@pytest.mark.parametrize("made", ["1-", "1-aaaaaaaaaaaaaaaa", "999999-{code}", "x-{code}", "-1-{code}", "{number}", "{number}-{code}x"])
async def test_an_address_cannot_be_guessed(server: RunningApp, made: str) -> None:
    """The code in it is our signature of the account: any other address answers like one that does not exist."""
    number, _, code = (await door(server)).rpartition("/")[2].partition("-")
    async with aiohttp.ClientSession(server.url) as outside:
        async with outside.get("/hooks/" + made.format(number=number, code=code)) as response:
            assert response.status == 404


async def test_a_mailbox_hears_no_requests(server: RunningApp) -> None:
    """A kind that hears none has no door, even with the right code."""
    code = server.product.keys.sign("hook", "1")
    async with aiohttp.ClientSession(server.url) as outside:
        async with outside.post(f"/hooks/1-{code}", data=b"x") as response:
            assert response.status == 404


async def test_an_account_that_is_switched_off_hears_nothing(server: RunningApp) -> None:
    """Switched off means off, at once."""
    url = await door(server)
    account = int(url.rpartition("/")[2].partition("-")[0])
    async with server.session() as client:
        for enabled, wanted in ((False, 404), (True, 200)):
            async with client.patch(f"/api/v1/channels/{account}", json={"enabled": enabled, "check": False}) as response:
                assert response.status == 200
            async with aiohttp.ClientSession() as outside, outside.get(url) as response:
                assert response.status == wanted


async def test_a_body_is_bounded_in_size_and_time(server: RunningApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too much is refused with 413, and who stops sending in the middle gets 408 and holds nothing up."""
    url = await door(server)
    async with aiohttp.ClientSession() as outside:
        async with outside.post(url, data=io.BytesIO(b"x" * (31 * 1024 * 1024))) as response:
            assert response.status == 413
        monkeypatch.setattr(bodies, "STRANGERS", bodies.Pace(0.2, 50_000))

        async def halting() -> object:
            yield b"half"
            await asyncio.sleep(5)

        async with outside.post(url, data=halting()) as response:
            assert response.status == 408


async def test_another_site_may_post_and_gains_no_session(server: RunningApp) -> None:
    """A form stands on foreign pages: their origin is let in here, and a cookie that comes along means nothing."""
    url = await door(server)
    async with server.session() as client:
        async with client.post(url, data=b"{}", headers={"Origin": "https://shop.example", "Content-Type": "application/json"}) as response:
            assert response.status != 403
            assert "Set-Cookie" not in response.headers
