"""Whose address it is that asks."""

from pathlib import Path

from multidict import CIMultiDict

from contact_center.testing import PASSWORD, RunningApp, running_app
from tests.api.asking import ADMIN, behind_proxy, log_in, send
from tests.api.world import cookie


async def address_of(server: RunningApp, *forwarded: str) -> str:
    """The address that a log-in with these X-Forwarded-For lines is noted with."""
    headers: CIMultiDict[str] = CIMultiDict([("X-Forwarded-For", line) for line in forwarded])
    body = {"email": ADMIN, "password": PASSWORD}
    answer = await send(server, "POST", "/api/v1/session", json=body, headers=headers)
    assert answer.status == 201, answer.text
    devices = await send(server, "GET", "/api/v1/me/devices", headers=cookie(answer.cookie))
    return str(next(device for device in devices.json if device["current"])["address"])


async def test_forwarded_addresses_are_believed_only_from_proxies(quick: RunningApp, tmp_path: Path) -> None:
    """Without a named proxy the header is a stranger's word; with one, the last address that is not a proxy counts."""
    assert await address_of(quick, "203.0.113.9") == "127.0.0.1"
    async with behind_proxy(tmp_path / "second") as server:
        assert await address_of(server) == "127.0.0.1"
        assert await address_of(server, "203.0.113.9") == "203.0.113.9"
        assert await address_of(server, "6.6.6.6, 203.0.113.9") == "203.0.113.9"
        assert await address_of(server, "6.6.6.6, 203.0.113.9, 10.1.2.3") == "203.0.113.9"
        assert await address_of(server, "10.1.2.3, 10.1.2.4") == "127.0.0.1"
        # Some proxies add a line of their own below the stranger's instead of going on in it.
        assert await address_of(server, "6.6.6.6", "203.0.113.9") == "203.0.113.9"
        assert await address_of(server, "6.6.6.6, 10.0.0.1", "203.0.113.9, 10.0.0.1") == "203.0.113.9"
        # With ports, which change with each connection and say nothing of who it is.
        assert await address_of(server, "203.0.113.9:4711") == "203.0.113.9"
        assert await address_of(server, "203.0.113.9:4711, 10.0.0.1:80") == "203.0.113.9"
        assert await address_of(server, "[2001:db8::7]:443, [2001:db8::9]:4711") == "2001:db8::9"
        assert await address_of(server, "[2001:db8::9]") == "2001:db8::9"


async def test_limits_cannot_be_dodged_by_inventing_addresses(tmp_path: Path) -> None:
    """New X-Forwarded-For values bring no new attempts, neither without a proxy nor in front of what a proxy adds."""
    async with running_app(tmp_path / "one", workers=False, security={"login_attempts_per_minute": 2}) as server:
        tries = [(await log_in(server, password="wrong", **{"X-Forwarded-For": f"6.6.6.{number}"})).status for number in range(4)]
    assert tries == [401, 401, 429, 429]
    async with behind_proxy(tmp_path / "two", attempts=2) as server:
        tries = [
            (await log_in(server, password="wrong", **{"X-Forwarded-For": f"6.6.6.{number}, 203.0.113.9"})).status for number in range(4)
        ]
    assert tries == [401, 401, 429, 429]
