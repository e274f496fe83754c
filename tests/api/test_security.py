"""Guessing, cookies, sessions, one-time links, tokens, rights and headers: each test is one promise to those who trust the server."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from argon2 import extract_parameters
from multidict import CIMultiDict

from contact_center import app as root
from contact_center.api import bodies, framework, passwords
from contact_center.api.context import SERVICES
from contact_center.api.permissions import SCOPES, Permission
from contact_center.api.routes import ROUTES
from contact_center.app import utc_now
from contact_center.model.words import Role
from contact_center.store import Connection
from contact_center.store.repositories import access
from contact_center.testing import PASSWORD, FrozenClock, RunningApp, a_mail, running_app
from tests.api.world import admin_id, cookie, make_session, make_token, make_user

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


def _set(connection: Connection, /, user_id: int, **values: Any) -> None:
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


@pytest.fixture
async def quick(tmp_path: Path) -> AsyncIterator[RunningApp]:
    """A server without mail, for what needs none."""
    async with running_app(tmp_path / "data", workers=False) as server:
        yield server


@pytest.fixture
async def secure(tmp_path: Path) -> AsyncIterator[RunningApp]:
    """A server that people reach over https."""
    async with running_app(tmp_path / "data", workers=False, public_url=HTTPS) as server:
        yield server


# Guessing.


async def test_guessing_is_limited_and_says_for_how_long(tmp_path: Path) -> None:
    """After the allowed attempts even the right password gets 429 with Retry-After, and no password is looked at."""
    async with behind_proxy(tmp_path, attempts=3) as server:
        guesses = [(await log_in(server, password="wrong words")).status for _ in range(3)]
        refused = await log_in(server)
    assert guesses == [401, 401, 401]
    assert refused.status == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.headers["Content-Type"].startswith("application/problem+json")
    assert "Set-Cookie" not in refused.headers


async def test_a_stranger_cannot_lock_a_colleague_out(tmp_path: Path) -> None:
    """While an attacker is limited, the victim signs in from another address."""
    async with behind_proxy(tmp_path, attempts=2) as server:
        attack = [(await log_in(server, password="wrong words", **{"X-Forwarded-For": "203.0.113.66"})).status for _ in range(4)]
        victim = await log_in(server, **{"X-Forwarded-For": "198.51.100.7"})
    assert attack == [401, 401, 429, 429]
    assert victim.status == 201


async def test_one_address_cannot_try_one_password_on_everybody(tmp_path: Path) -> None:
    """Going through the accounts from one address ends at the address's own budget; others go on."""
    async with behind_proxy(tmp_path, attempts=1) as server:
        sprayed = [
            (await log_in(server, f"person{number}@example.com", **{"X-Forwarded-For": "203.0.113.66"})).status for number in range(6)
        ]
        other = await log_in(server, **{"X-Forwarded-For": "198.51.100.7"})
    assert sprayed == [401] * 5 + [429]
    assert other.status == 201


async def test_one_network_of_ipv6_is_one_address(tmp_path: Path) -> None:
    """Whoever holds a /64 has 2^64 addresses and one budget."""
    async with behind_proxy(tmp_path, attempts=2) as server:
        addresses = [f"2001:470:1:2::{number:x}" for number in range(1, 5)]
        attack = [(await log_in(server, password="wrong words", **{"X-Forwarded-For": address})).status for address in addresses]
        neighbour = await log_in(server, **{"X-Forwarded-For": "2001:470:1:3::1"})
    assert attack == [401, 401, 429, 429]
    assert neighbour.status == 201


async def test_the_current_password_cannot_be_guessed_from_a_stolen_session(tmp_path: Path) -> None:
    """Changing a password asks for the current one as often as signing in does, and no more."""
    async with behind_proxy(tmp_path, attempts=2) as server:
        headers = cookie(await make_session(server, await admin_id(server)))
        body = {"current": "wrong words", "new": OTHER}
        statuses = [(await send(server, "POST", "/api/v1/me/password", json=body, headers=headers)).status for _ in range(3)]
    assert statuses == [422, 422, 429]


async def test_links_cannot_be_guessed_without_end(tmp_path: Path) -> None:
    """Invitations and the first log-in have the same limit as passwords."""
    async with behind_proxy(tmp_path, attempts=2) as server:
        for path, more in (("/api/v1/invitations/accept", {}), ("/api/v1/first-login", {"name": "N", "email": "n@example.com"})):
            body = {"token": "guess", "password": OTHER} | more
            assert [(await send(server, "POST", path, json=body)).status for _ in range(3)] == [401, 401, 429], path


async def test_unknown_accounts_answer_as_known_ones(quick: RunningApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong password, an unknown, a disabled and an invited account give one answer after one check of one hash of equal cost."""
    await make_user(quick, "invited", Role.AGENT, [])
    gone = await quick.add_user("gone@example.com", Role.AGENT, [])
    await quick.store.write(_set, gone, disabled_at=utc_now())
    checked: list[Any] = []
    verify = passwords._verify

    def counted(stored: str, password: str) -> bool:
        checked.append(str(extract_parameters(stored)))
        return verify(stored, password)

    monkeypatch.setattr(passwords, "_verify", counted)
    seen = []
    for email, password in (
        (ADMIN, "wrong words"),
        ("nobody@example.com", PASSWORD),
        ("invited@example.com", PASSWORD),
        ("gone@example.com", PASSWORD),
    ):
        answer = await log_in(quick, email, password)
        seen.append((answer.status, {**answer.json, "request_id": ""}, sorted(set(answer.headers) - {"X-Request-ID"})))
    assert seen[0][0] == 401
    assert all(answer == seen[0] for answer in seen)
    assert len(checked) == 4
    assert len(set(checked)) == 1, "the hash that stands for no account costs what a real one does"


# Cookies.


async def test_cookie_of_a_loopback_server(quick: RunningApp) -> None:
    """On plain http at this machine the cookie is closed to scripts and to other sites."""
    answer = await log_in(quick)
    assert answer.headers["Set-Cookie"].startswith("cc_session=")
    assert {"httponly", "samesite=lax", "path=/"} <= answer.flags
    assert not any(flag.startswith("domain") for flag in answer.flags)
    assert "Strict-Transport-Security" not in answer.headers


async def test_cookie_of_an_https_server(secure: RunningApp) -> None:
    """Over https the cookie is bound to this host and to https, at its birth and at its end, and no other name is believed."""
    answer = await log_in(secure)
    assert answer.headers["Set-Cookie"].startswith("__Host-cc_session=")
    assert {"httponly", "samesite=lax", "path=/", "secure"} <= answer.flags
    assert not any(flag.startswith("domain") for flag in answer.flags)
    assert "Strict-Transport-Security" in answer.headers
    assert await me(secure, answer.cookie) == 401, "the unbound name is nobody's cookie here"
    ended = await send(secure, "DELETE", "/api/v1/session", headers={"Cookie": f"__Host-cc_session={answer.cookie}"})
    assert ended.status == 204
    assert ended.headers["Set-Cookie"].startswith("__Host-cc_session=")
    assert {"secure", "path=/", "max-age=0"} <= ended.flags


# Sessions.


async def test_signing_in_never_adopts_a_planted_session(quick: RunningApp) -> None:
    """Each log-in makes a token of its own, whatever the browser brought, and a planted one stays worthless."""
    planted = "p" * 43
    first = await log_in(quick, **cookie(planted))
    second = await log_in(quick, **cookie(first.cookie))
    assert len({planted, first.cookie, second.cookie}) == 3
    assert await me(quick, planted) == 401
    assert await me(quick, second.cookie) == 200


async def test_sessions_are_stored_as_hashes(quick: RunningApp) -> None:
    """Whoever reads the database cannot sign in with what is in it."""
    token = (await log_in(quick)).cookie
    rows = await quick.store.read(access.sessions, await admin_id(quick), utc_now())
    assert len(rows) == 1
    assert token not in str(dict(rows[0]))


async def test_a_new_password_ends_every_other_session(quick: RunningApp) -> None:
    """Changing the password needs the current one, ends all other sessions at once and keeps the one it was changed in."""
    mine, others = (await log_in(quick)).cookie, [(await log_in(quick)).cookie for _ in range(2)]
    wrong = await send(quick, "POST", "/api/v1/me/password", json={"current": OTHER, "new": OTHER}, headers=cookie(mine))
    assert wrong.status == 422
    assert [await me(quick, token) for token in others] == [200, 200]
    right = await send(quick, "POST", "/api/v1/me/password", json={"current": PASSWORD, "new": OTHER}, headers=cookie(mine))
    assert right.status == 204
    assert [await me(quick, token) for token in others] == [401, 401]
    assert await me(quick, mine) == 200
    assert (await log_in(quick)).status == 401
    assert (await log_in(quick, password=OTHER)).status == 201


async def test_a_log_in_that_a_new_password_overtakes_fails(quick: RunningApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """An old password that was checked before it was changed opens no session after it."""
    mine, check = (await log_in(quick)).cookie, passwords.matches
    checked, go_on = asyncio.Event(), asyncio.Event()

    async def slow(stored: str | None, password: str) -> bool:
        right = await check(stored, password)
        checked.set()
        await go_on.wait()
        return right

    monkeypatch.setattr(passwords, "matches", slow)
    late = asyncio.create_task(log_in(quick))
    await checked.wait()
    monkeypatch.setattr(passwords, "matches", check)
    body = {"current": PASSWORD, "new": OTHER}
    assert (await send(quick, "POST", "/api/v1/me/password", json=body, headers=cookie(mine))).status == 204
    go_on.set()
    assert (await late).status == 401


async def test_an_idle_session_ends(quick: RunningApp) -> None:
    """A session lives on while it is used and ends when it was not used for the idle limit."""
    clock = stop_clock(quick)
    token = (await log_in(quick)).cookie
    for _ in range(3):
        clock.move(hours=11, minutes=59)
        assert await me(quick, token) == 200
    clock.move(hours=12, minutes=1)
    assert await me(quick, token) == 401


async def test_no_session_outlives_its_longest_age(quick: RunningApp) -> None:
    """However busy, a session ends after 30 days."""
    clock = stop_clock(quick)
    token = (await log_in(quick)).cookie
    for _ in range(59):
        clock.move(hours=12)
        assert await me(quick, token) == 200
    clock.move(hours=11, minutes=59)
    assert await me(quick, token) == 200
    clock.move(minutes=1)
    assert await me(quick, token) == 401


async def test_a_device_can_be_signed_out_from_another(quick: RunningApp) -> None:
    """The list of devices names each session, and ending one ends only that one, once."""
    here, there = (await log_in(quick)).cookie, (await log_in(quick, **{"User-Agent": "A telephone"})).cookie
    devices = (await send(quick, "GET", "/api/v1/me/devices", headers=cookie(here))).json
    assert [device["current"] for device in devices].count(True) == 1
    far = next(device for device in devices if device["user_agent"] == "A telephone")
    assert not far["current"]
    path = f"/api/v1/me/devices/{far['id']}"
    assert (await send(quick, "DELETE", path, headers=cookie(here))).status == 204
    assert await me(quick, there) == 401
    assert await me(quick, here) == 200
    assert (await send(quick, "DELETE", path, headers=cookie(here))).status == 404


async def test_nobody_ends_the_session_of_another(quick: RunningApp) -> None:
    """An administrator's session is not there for an agent who guesses its number."""
    mine = (await log_in(quick)).cookie
    number = (await send(quick, "GET", "/api/v1/me/devices", headers=cookie(mine))).json[0]["id"]
    agent = cookie(await make_session(quick, await make_user(quick, "agent", Role.AGENT, [1])))
    assert (await send(quick, "DELETE", f"/api/v1/me/devices/{number}", headers=agent)).status == 404
    assert await me(quick, mine) == 200


async def test_signing_out_ends_the_session_on_the_server(quick: RunningApp) -> None:
    """A cookie that somebody copied is worth nothing after its owner signed out."""
    token = (await log_in(quick)).cookie
    assert (await send(quick, "DELETE", "/api/v1/session", headers=cookie(token))).status == 204
    assert await me(quick, token) == 401


async def test_a_disabled_employee_is_out_at_once(quick: RunningApp) -> None:
    """Switching an account off ends its sessions and tokens; switching it on again does not revive the sessions."""
    user = await quick.add_user("agent@example.com", Role.AGENT, [1])
    token, api = (await log_in(quick, "agent@example.com")).cookie, await make_token(quick, user, ["tickets:read"])
    bearer, admin = {"Authorization": f"Bearer {api}"}, cookie(await make_session(quick, await admin_id(quick)))
    assert (await send(quick, "GET", "/api/v1/tickets", headers=bearer)).status == 200
    assert (await send(quick, "PATCH", f"/api/v1/users/{user}", json={"disabled": True}, headers=admin)).status == 200
    assert await me(quick, token) == 401
    assert (await send(quick, "GET", "/api/v1/tickets", headers=bearer)).status == 401
    assert (await log_in(quick, "agent@example.com")).status == 401
    assert (await send(quick, "PATCH", f"/api/v1/users/{user}", json={"disabled": False}, headers=admin)).status == 200
    assert await me(quick, token) == 401


SHAPES = ["x", "x" * 5000, "%00", "null", "[]", "{}", "../..", "' OR 1=1 --", "é", "=", '"', "0"]


@pytest.mark.parametrize("shape", SHAPES)
async def test_what_is_no_session_is_nobody(quick: RunningApp, shape: str) -> None:
    """A malformed cookie or token is refused as a stranger's, never an error of ours."""
    assert (await send(quick, "GET", "/api/v1/me", headers={"Cookie": f"cc_session={shape}"})).status == 401
    for value in (shape, f"Bearer {shape}", f"Bearer cc_pat_{shape}", f"Basic {shape}", "Bearer", f"bearer  cc_pat_{shape}"):
        assert (await send(quick, "GET", "/api/v1/tickets", headers={"Authorization": value})).status == 401, value


async def test_headers_that_are_no_text_break_nothing(any_server: RunningApp) -> None:
    """Bytes that are not UTF-8 in a header are never an error of ours."""
    await any_server.deliver(a_mail())
    token = (await log_in(any_server)).cookie.encode()
    session = b"\r\nCookie: cc_session=" + token
    login = json.dumps({"email": ADMIN, "password": PASSWORD}).encode()
    typed = b"\r\nContent-Type: application/json"
    for head, body, wanted in (
        (b"GET /api/v1/me HTTP/1.1\r\nCookie: cc_session=\xff\xfe", b"", 401),
        (b"GET /api/v1/tickets HTTP/1.1\r\nAuthorization: Bearer cc_pat_\xff", b"", 401),
        (b"POST /api/v1/session HTTP/1.1\r\nUser-Agent: \xff\xfe" + typed, login, 201),
        (b"POST /api/v1/session HTTP/1.1\r\nOrigin: http://\xff" + typed, login, 403),
        (b'PATCH /api/v1/tickets/1 HTTP/1.1\r\nIf-Match: "\xff"' + typed + session, b"{}", 422),
        (b"POST /api/v1/attachments?filename=a.txt HTTP/1.1\r\nContent-Type: \xff/\xfe" + session, b"x", 201),
        (b"POST /api/v1/attachments?filename=%FF.txt HTTP/1.1\r\nContent-Type: text/plain" + session, b"x", 201),
        (b"POST /api/v1/tickets/1/notes HTTP/1.1\r\nIdempotency-Key: \xff" + typed + session, b'{"text": "x"}', 201),
    ):
        status, answer = await raw(any_server, head, body)
        assert status == wanted, (head, answer)


# One-time links.


async def invite(server: RunningApp, name: str = "New", role: str = "agent", **headers: str) -> tuple[int, str]:
    """Invite somebody; the employee's number and the token of the link."""
    admin = cookie(await make_session(server, await admin_id(server)))
    body = {"name": name, "email": f"{name.lower()}@example.com", "role": role, "queue_ids": [1]}
    answer = await send(server, "POST", "/api/v1/users", json=body, headers=admin | headers)
    assert answer.status == 201, answer.text
    return answer.json["user"]["id"], answer.json["url"].partition("#")[2]


async def accept(server: RunningApp, token: Any, password: Any = OTHER) -> Answer:
    """Use the link of an invitation."""
    return await send(server, "POST", "/api/v1/invitations/accept", json={"token": token, "password": password})


async def test_an_invitation_works_once(quick: RunningApp) -> None:
    """The link sets a password and signs in; the second use does neither."""
    user, token = await invite(quick)
    first = await accept(quick, token)
    assert first.status == 201
    assert first.json == {"user_id": user}
    assert await me(quick, first.cookie) == 200
    second = await accept(quick, token, "another long password")
    assert second.status == 401
    assert "Set-Cookie" not in second.headers
    assert (await log_in(quick, "new@example.com", "another long password")).status == 401
    assert (await log_in(quick, "new@example.com", OTHER)).status == 201


async def test_racing_uses_of_an_invitation_have_one_winner(any_server: RunningApp) -> None:
    """However many use a link at the same moment, one password is set and one session begun."""
    user, token = await invite(any_server)
    words = [f"the long password {number}" for number in range(6)]
    answers = await asyncio.gather(*(accept(any_server, token, password) for password in words))
    assert sorted(answer.status for answer in answers) == [201] + [401] * 5
    assert len(await any_server.store.read(access.sessions, user, utc_now())) == 1
    winner = next(password for password, answer in zip(words, answers, strict=True) if answer.status == 201)
    assert (await log_in(any_server, "new@example.com", winner)).status == 201


async def test_an_invitation_expires(quick: RunningApp) -> None:
    """After 72 hours a link is worth nothing."""
    clock = stop_clock(quick)
    _, token = await invite(quick)
    clock.move(hours=72)
    assert (await accept(quick, token)).status == 401


async def test_a_new_link_replaces_the_old_one(quick: RunningApp) -> None:
    """Of two links for one employee only the later works, and using it ends the sessions of before."""
    user, first = await invite(quick)
    before = await make_session(quick, user)
    admin = cookie(await make_session(quick, await admin_id(quick)))
    answer = await send(quick, "POST", f"/api/v1/users/{user}/invitation", headers=admin)
    assert (await accept(quick, first)).status == 401
    assert await me(quick, before) == 200
    assert (await accept(quick, answer.json["url"].partition("#")[2])).status == 201
    assert await me(quick, before) == 401


async def test_the_link_of_a_disabled_employee_is_void(quick: RunningApp) -> None:
    """An account that was switched off is not opened by a link that was on its way."""
    user, token = await invite(quick)
    await quick.store.write(_set, user, disabled_at=utc_now())
    assert (await accept(quick, token)).status == 401
    admin = cookie(await make_session(quick, await admin_id(quick)))
    assert (await send(quick, "POST", f"/api/v1/users/{user}/invitation", headers=admin)).status == 404


async def test_links_never_follow_the_host_header(secure: RunningApp) -> None:
    """A link leads to the configured address, whatever name the request used."""
    admin = {"Cookie": f"__Host-{cookie(await make_session(secure, await admin_id(secure)))['Cookie']}"}
    body = {"name": "New", "email": "new@example.com"}
    answer = await send(
        secure, "POST", "/api/v1/users", json=body, headers=admin | {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    )
    assert answer.json["url"].startswith(f"{HTTPS}/invitation#")


@pytest.mark.parametrize("token", ["", " ", "\x00", "x", "x" * 201, None, 0, True, [], ["x"], {"$ne": ""}, "%", "_", "é"])
async def test_what_is_no_link_opens_nothing(quick: RunningApp, token: Any) -> None:
    """A malformed token is refused at both doors while real links wait, and begins no session."""
    await invite(quick)
    await _nobody_is_admin(quick)
    for path, more in (("/api/v1/invitations/accept", {}), ("/api/v1/first-login", {"name": "N", "email": "n@example.com"})):
        answer = await send(quick, "POST", path, json={"token": token, "password": OTHER} | more)
        assert answer.status in (401, 422), answer.text
        assert "Set-Cookie" not in answer.headers


async def _nobody_is_admin(server: RunningApp) -> str:
    """Back to the moment before the first administrator; the token of the printed link."""
    await server.store.write(_set, await admin_id(server), role=Role.AGENT)
    url = await root.first_log_in_url(server.product)
    assert url is not None
    return url.partition("#")[2]


async def first_log_in(server: RunningApp, token: str, name: str) -> Answer:
    """Use the link that the first start printed."""
    body = {"token": token, "name": name, "email": f"{name.lower()}@example.com", "password": OTHER}
    return await send(server, "POST", "/api/v1/first-login", json=body)


async def test_racing_first_log_ins_make_one_administrator(any_server: RunningApp) -> None:
    """However many use the first link at the same moment, one of them becomes administrator and the others nobody."""
    token = await _nobody_is_admin(any_server)
    answers = await asyncio.gather(*(first_log_in(any_server, token, f"Racer{number}") for number in range(5)))
    assert sorted(answer.status for answer in answers) == [201] + [401] * 4
    assert await any_server.store.read(access.active_admins, 1) == 1
    names = [user.name for user in await any_server.store.read(access.users, 1)]
    assert len([name for name in names if name.startswith("Racer")]) == 1


async def test_the_first_link_expires(quick: RunningApp) -> None:
    """The printed link is worth nothing after 72 hours, nor once there is an administrator."""
    clock = stop_clock(quick)
    token = await _nobody_is_admin(quick)
    clock.move(hours=72, minutes=1)
    assert (await first_log_in(quick, token, "Late")).status == 401
    fresh = await _nobody_is_admin(quick)
    await quick.store.write(_set, await admin_id(quick), role=Role.ADMIN)
    clock.move(hours=-72)
    assert (await first_log_in(quick, fresh, "Second")).status == 409
    assert await root.first_log_in_url(quick.product) is None


async def test_a_link_opens_only_its_own_door(quick: RunningApp) -> None:
    """An invitation makes nobody administrator, and the first link sets nobody's password."""
    _, invitation = await invite(quick)
    first = await _nobody_is_admin(quick)
    assert (await first_log_in(quick, invitation, "Climber")).status == 401
    assert (await accept(quick, first)).status == 401
    assert (await accept(quick, invitation)).status == 201, "the wrong door did not spend it"


# API tokens.


def bearer(token: str) -> dict[str, str]:
    """The header of an API token."""
    return {"Authorization": f"Bearer {token}"}


async def new_api_token(server: RunningApp, session: dict[str, str], **body: Any) -> Answer:
    """Make a token as a person does."""
    return await send(server, "POST", "/api/v1/me/tokens", json={"name": "robot", "scopes": ["tickets:read"]} | body, headers=session)


async def test_an_api_token_is_shown_once_and_ends_when_revoked(quick: RunningApp) -> None:
    """A token works from when it is made until it is revoked, at once, and nothing shows it again."""
    session = cookie(await make_session(quick, await admin_id(quick)))
    made = (await new_api_token(quick, session)).json
    assert (await send(quick, "GET", "/api/v1/tickets", headers=bearer(made["token"]))).status == 200
    listed = await send(quick, "GET", "/api/v1/me/tokens", headers=session)
    rows = await quick.store.read(access.api_tokens, await admin_id(quick))
    assert made["token"] not in listed.text
    assert made["token"] not in str([dict(row) for row in rows])
    path = f"/api/v1/me/tokens/{made['id']}"
    other = cookie(await make_session(quick, await make_user(quick, "agent", Role.AGENT, [1])))
    assert (await send(quick, "DELETE", path, headers=other)).status == 404
    assert (await send(quick, "DELETE", path, headers=session)).status == 204
    assert (await send(quick, "GET", "/api/v1/tickets", headers=bearer(made["token"]))).status == 401


async def test_an_api_token_expires(quick: RunningApp) -> None:
    """A token ends on its day; one without a day goes on."""
    clock = stop_clock(quick)
    session = cookie(await make_session(quick, await admin_id(quick)))
    short = (await new_api_token(quick, session, days=1)).json["token"]
    lasting = (await new_api_token(quick, session, days=None)).json["token"]
    clock.move(hours=23, minutes=59)
    assert (await send(quick, "GET", "/api/v1/tickets", headers=bearer(short))).status == 200
    clock.move(minutes=1)
    assert (await send(quick, "GET", "/api/v1/tickets", headers=bearer(short))).status == 401
    assert (await send(quick, "GET", "/api/v1/tickets", headers=bearer(lasting))).status == 200


async def test_an_api_token_never_reaches_the_account(quick: RunningApp) -> None:
    """A token with every scope there is cannot read or change its owner's account, sessions, password or tokens."""
    token = await make_token(quick, await admin_id(quick), [str(scope) for scope in SCOPES])
    own = [route for route in ROUTES if route.permission is Permission.SELF]
    assert len(own) >= 9
    for route in own:
        path = route.path.format(session_id=1, token_id=1)
        assert (await send(quick, route.method, path, json={}, headers=bearer(token))).status == 403, route
    assert (await send(quick, "GET", "/api/v1/tickets", headers=bearer(token))).status == 200


async def test_a_token_never_gives_more_than_its_owner_has(quick: RunningApp) -> None:
    """Scopes beyond the role are refused, and those a role loses are lost at once."""
    admin = await admin_id(quick)
    second = await make_user(quick, "second", Role.ADMIN, [])
    agent = cookie(await make_session(quick, await make_user(quick, "agent", Role.AGENT, [1])))
    assert (await new_api_token(quick, agent, scopes=["admin"])).status == 403
    assert (await new_api_token(quick, agent, scopes=["board"])).status == 403
    for scopes in (["self"], ["public"], ["*"], [""], []):
        assert (await new_api_token(quick, agent, scopes=scopes)).status == 422, scopes
    token = (await new_api_token(quick, cookie(await make_session(quick, second)), scopes=["admin"])).json["token"]
    assert (await send(quick, "GET", "/api/v1/channels", headers=bearer(token))).status == 200
    body, session = {"role": "agent"}, cookie(await make_session(quick, admin))
    assert (await send(quick, "PATCH", f"/api/v1/users/{second}", json=body, headers=session)).status == 200
    assert (await send(quick, "GET", "/api/v1/channels", headers=bearer(token))).status == 403


async def test_a_bad_token_does_not_fall_back_to_the_cookie(quick: RunningApp) -> None:
    """Who sends a token is judged by the token, and a token in the address is nobody's."""
    session = cookie(await make_session(quick, await admin_id(quick)))
    assert (await send(quick, "GET", "/api/v1/me", headers=session | bearer("cc_pat_no"))).status == 401
    token = await make_token(quick, await admin_id(quick), ["tickets:read"])
    for query in (f"token={token}", f"access_token={token}", f"Authorization=Bearer+{token}"):
        assert (await send(quick, "GET", f"/api/v1/tickets?{query}")).status == 401
    assert (await send(quick, "GET", "/api/v1/tickets", headers=cookie(token))).status == 401


# Fields that nobody may set.

PRIVILEGES = {
    "id": 1, "role": "admin", "is_admin": True, "is_active": True, "project_id": 2, "disabled": False, "disabled_at": None,
    "password_hash": "x", "password": "x", "queue_ids": [1], "scopes": ["admin"], "employee_id": 1, "__proto__": {"role": "admin"},
}  # fmt: skip


@pytest.mark.parametrize("name", PRIVILEGES)
async def test_one_cannot_raise_oneself(quick: RunningApp, name: str) -> None:
    """A field that is not one's to set refuses the whole request, and nothing of it is done."""
    agent = await make_user(quick, "agent", Role.AGENT, [1])
    session = cookie(await make_session(quick, agent))
    before = await quick.store.read(access.credentials, "agent@example.com")
    for method, path, body in (
        ("PATCH", "/api/v1/me", {"name": "Changed"}),
        ("POST", "/api/v1/me/password", {"current": PASSWORD, "new": OTHER}),
        ("PATCH", "/api/v1/tickets/1", {"subject": "Changed"}),
        ("PATCH", "/api/v1/contacts/1", {"name": "Changed"}),
    ):
        answer = await send(quick, method, path, json=body | {name: PRIVILEGES[name]}, headers=session)
        assert answer.status == 422, (path, answer.text)
        assert name in answer.text
    after = await quick.store.read(access.credentials, "agent@example.com")
    assert after is not None
    assert before is not None
    assert dict(after) == dict(before)


@pytest.mark.parametrize("name", ["id", "project_id", "password", "password_hash", "has_password", "created_at", "is_active"])
async def test_an_administrator_sets_only_what_is_named(quick: RunningApp, name: str) -> None:
    """Making and changing employees takes the named fields alone; number, project and password are nobody's to give."""
    session = cookie(await make_session(quick, await admin_id(quick)))
    user = await make_user(quick, "agent", Role.AGENT, [1])
    made = await send(quick, "POST", "/api/v1/users", json={"name": "N", "email": "n@example.com", name: 1}, headers=session)
    changed = await send(quick, "PATCH", f"/api/v1/users/{user}", json={"name": "N", name: 1}, headers=session)
    assert (made.status, changed.status) == (422, 422)
    assert [found.name for found in await quick.store.read(access.users, 1)] == ["Admin", "Agent"]


def test_every_input_is_closed() -> None:
    """Bodies and queries of all routes, and what is nested in them, refuse fields they do not name."""
    open_ones = []
    for route in ROUTES:
        for model in (route.signature.body, route.signature.query):
            if model is not None:
                schema = model.model_json_schema()
                objects = [schema, *schema.get("$defs", {}).values()]
                open_ones += [
                    (route.path, item["title"])
                    for item in objects
                    if "properties" in item and item.get("additionalProperties") is not False
                ]
    assert open_ones == []


# Somebody must stay administrator.


@pytest.mark.parametrize("body", [{"role": "agent"}, {"role": "supervisor"}, {"disabled": True}, {"disabled": True, "role": "agent"}])
async def test_the_last_administrator_stays(quick: RunningApp, body: dict[str, Any]) -> None:
    """The last administrator cannot be demoted or switched off, not even by themselves."""
    admin = await admin_id(quick)
    session = cookie(await make_session(quick, admin))
    assert (await send(quick, "PATCH", f"/api/v1/users/{admin}", json=body, headers=session)).status == 409
    found = await quick.store.read(access.find_user, 1, admin)
    assert found is not None
    assert (found.role, found.disabled) == (Role.ADMIN, False)
    assert (await send(quick, "GET", "/api/v1/channels", headers=session)).status == 200


async def test_an_administrator_who_cannot_log_in_does_not_count(quick: RunningApp) -> None:
    """An invited administrator without a password is no reason to let the last one go: the link may never be used."""
    admin = await admin_id(quick)
    session = cookie(await make_session(quick, admin))
    invited, token = await invite(quick, "Second", "admin")
    path = f"/api/v1/users/{admin}"
    assert (await send(quick, "PATCH", path, json={"role": "agent"}, headers=session)).status == 409
    assert (await send(quick, "PATCH", path, json={"disabled": True}, headers=session)).status == 409
    assert (await send(quick, "PATCH", f"/api/v1/users/{invited}", json={"name": "Renamed"}, headers=session)).status == 200
    assert (await accept(quick, token)).status == 201
    assert (await send(quick, "PATCH", path, json={"role": "agent"}, headers=session)).status == 200


@pytest.mark.parametrize("body", [{"role": "agent"}, {"disabled": True}])
async def test_racing_removals_leave_an_administrator(any_server: RunningApp, body: dict[str, Any]) -> None:
    """Three administrators who remove each other and themselves at the same moment leave at least one."""
    users = [await admin_id(any_server)]
    users += [await any_server.add_user(f"admin{number}@example.com", Role.ADMIN, []) for number in range(2)]
    sessions = [cookie(await make_session(any_server, user)) for user in users]
    sent = [send(any_server, "PATCH", f"/api/v1/users/{user}", json=body, headers=session) for session in sessions for user in users]
    statuses = [answer.status for answer in await asyncio.gather(*sent)]
    assert set(statuses) <= {200, 401, 403, 409}
    assert await any_server.store.read(access.active_admins, 1) >= 1


# Addresses.


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


# Passwords.


@pytest.mark.parametrize(
    "password", ["ninechars", "         x         ", "1234567890", "QwertyUiop", "new@example.com", "NEW@example.com", "x" * 1001, ""]
)
async def test_poor_passwords_are_refused_everywhere(quick: RunningApp, password: str) -> None:
    """Too short, too common, one's own address: refused by invitation and change alike, and nothing is spent or changed."""
    user, token = await invite(quick)
    assert (await accept(quick, token, password)).status == 422
    assert (await accept(quick, token)).status == 201
    session = cookie(await make_session(quick, user))
    body = {"current": OTHER, "new": password}
    assert (await send(quick, "POST", "/api/v1/me/password", json=body, headers=session)).status == 422
    assert (await log_in(quick, "new@example.com", OTHER)).status == 201


async def test_poor_passwords_are_refused_at_the_first_log_in(quick: RunningApp) -> None:
    """The first administrator's password has the same rules, and a refusal does not spend the link."""
    token = await _nobody_is_admin(quick)
    body = {"token": token, "name": "First", "email": "first.person@example.com"}
    for password in ("short", "password1234", "first.person", "First.Person@example.com"):
        assert (await send(quick, "POST", "/api/v1/first-login", json=body | {"password": password})).status == 422, password
    assert (await first_log_in(quick, token, "First")).status == 201


@pytest.mark.parametrize("password", ["aaaaaaaaaaaaaaaaaa", "только буквы", "ten chars!", "🐘" * 10, "x" * 1000])
async def test_long_passwords_need_no_special_signs(quick: RunningApp, password: str) -> None:
    """There are no rules of composition, every script is welcome, and every character counts."""
    _, token = await invite(quick)
    assert (await accept(quick, token, password)).status == 201
    assert (await log_in(quick, "new@example.com", password)).status == 201
    assert (await log_in(quick, "new@example.com", password[:-1])).status == 401
    row = await quick.store.read(access.credentials, "new@example.com")
    assert row is not None
    assert row["password_hash"].startswith("$argon2id$")


# Headers.

EVERYWHERE: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/", {}),
    ("GET", "/tickets/1", {}),
    ("GET", "/index.html", {}),
    ("GET", "/nothing.js", {}),
    ("GET", "/assets/nothing.js", {}),
    ("GET", "/assets/../index.html", {}),
    ("GET", "/assets", {}),
    ("GET", "/api/docs", {}),
    ("GET", "/api/openapi.json", {}),
    ("GET", "/api/nothing", {}),
    ("GET", "/healthz", {}),
    ("GET", "/readyz", {}),
    ("GET", "/metrics", {}),
    ("GET", "/metrics", {"headers": {"Forwarded": "for=203.0.113.9"}}),
    ("GET", "/media/attachments/1", {}),
    ("GET", "/media/attachments/1?expires=1&signature=x", {}),
    ("GET", "/media/nothing", {}),
    ("GET", "/socket.io/", {}),
    ("GET", "/socket.io/?EIO=4&transport=polling", {}),
    ("GET", "/socket.io/?EIO=4&transport=polling&sid=x", {}),
    ("GET", "/hooks/nothing", {}),
    ("GET", "/api/v1/me", {}),
    ("PUT", "/api/v1/me", {}),
    ("HEAD", "/", {}),
    ("OPTIONS", "/api/v1/me", {}),
    ("POST", "/api/v1/session", {"json": {}}),
    ("POST", "/api/v1/session", {"json": {}, "headers": {"Origin": "https://evil.example"}}),
    ("POST", "/api/v1/session", {"data": b"x"}),
    ("POST", "/api/v1/session", {"headers": {"Expect": "a miracle"}}),
]


@pytest.mark.parametrize(("method", "path", "options"), EVERYWHERE)
async def test_every_answer_protects_itself(quick: RunningApp, method: str, path: str, options: dict[str, Any]) -> None:
    """Pages, files, data and errors of every kind name their type for good, leak no address and run nothing of a stranger's."""
    answer = await send(quick, method, path, **options)
    assert answer.headers.get("X-Content-Type-Options") == "nosniff"
    assert answer.headers.get("Referrer-Policy") in ("same-origin", "no-referrer")
    policy = answer.headers.get("Content-Security-Policy", "")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy or "frame-ancestors 'self'" in policy
    script = next((part for part in policy.split(";") if "script-src" in part), "")
    assert "unsafe" not in script
    assert len(answer.headers.getall("Content-Security-Policy")) == 1
    if path.startswith("/api/v1"):
        assert answer.headers.get("Cache-Control") == "no-store"


async def test_files_of_the_console_protect_themselves(quick: RunningApp) -> None:
    """Each file of the bundle comes with its own type and under the policy."""
    page = await send(quick, "GET", "/")
    for path in [part.split('"')[0] for part in page.text.split('"/')[1:] if part.startswith("assets/")]:
        answer = await send(quick, "GET", f"/{path}")
        assert answer.status == 200
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Content-Type"].partition(";")[0] in ("text/javascript", "application/javascript", "text/css")


# Requests of other sites.


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({}, 422),
        ({"Origin": HTTPS}, 422),
        ({"Origin": HTTPS, "Sec-Fetch-Site": "same-origin"}, 422),
        ({"Sec-Fetch-Site": "same-origin"}, 422),
        ({"Origin": "http://help.example.org"}, 403),
        ({"Origin": HTTPS + ":8443"}, 403),
        ({"Origin": HTTPS + ".evil.example"}, 403),
        ({"Origin": "https://evil.help.example.org"}, 403),
        ({"Origin": "https://help.example.org@evil.example"}, 403),
        ({"Origin": "https://evil.example", "Host": "evil.example"}, 403),
        ({"Origin": "http://evil.example", "Host": "evil.example"}, 403),
        ({"Origin": "https://evil.example", "X-Forwarded-Host": "evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
async def test_only_our_own_pages_may_change_things(secure: RunningApp, headers: dict[str, str], wanted: int) -> None:
    """With a public address only that very origin is ours; what merely resembles it, or names itself in Host, is not."""
    session = {"Cookie": f"__Host-{cookie(await make_session(secure, await admin_id(secure)))['Cookie']}"}
    assert (await send(secure, "PATCH", "/api/v1/me", json={}, headers=session | headers)).status == wanted
    assert (await send(secure, "POST", "/api/v1/session", json={}, headers=headers)).status == wanted


async def test_pages_of_a_loopback_server_are_those_of_its_host(quick: RunningApp) -> None:
    """Without a public address the origin must be the very host that was asked."""
    session = cookie(await make_session(quick, await admin_id(quick)))
    for origin, wanted in (
        (quick.url, 422),
        (quick.url.replace("127.0.0.1", "localhost"), 403),
        (quick.url.replace("http:", "https:"), 403),
    ):
        assert (await send(quick, "PATCH", "/api/v1/me", json={}, headers=session | {"Origin": origin})).status == wanted, origin


async def test_forms_of_other_sites_are_not_read(quick: RunningApp) -> None:
    """Each route that takes JSON refuses the content types that a form can send, whoever sends them."""
    session = cookie(await make_session(quick, await admin_id(quick)))
    for route in ROUTES:
        if route.signature.body is None:
            continue
        path = route.path.replace("{", "").replace("}", "")
        numbered = "/".join("1" if part.endswith("_id") else part for part in path.split("/"))
        for kind in (
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "text/plain",
            "text/plain; a=application/json",
        ):
            answer = await send(quick, route.method, numbered, data=b"{}", headers=session | {"Content-Type": kind})
            assert answer.status == 415, (route, kind)


async def test_answers_are_not_shared_with_other_sites(quick: RunningApp) -> None:
    """No answer invites another site's scripts to read it."""
    session = cookie(await make_session(quick, await admin_id(quick)))
    for method in ("GET", "OPTIONS"):
        for path in ("/api/v1/me", "/api/openapi.json", "/", "/socket.io/?EIO=4&transport=polling"):
            answer = await send(
                quick, method, path, headers=session | {"Origin": "https://evil.example", "Access-Control-Request-Method": "PATCH"}
            )
            assert "Access-Control-Allow-Credentials" not in answer.headers, (method, path)
            # The live line's library greets anybody; who has no session learns nothing from it.
            assert path.startswith("/socket.io/") or "Access-Control-Allow-Origin" not in answer.headers, (method, path)


# Repeating.


async def test_repetition_keys_are_asked_for_and_bounded(server: RunningApp) -> None:
    """Where a repetition would hurt a key of 1 to 200 characters is needed; the longest is remembered whole."""
    await server.deliver(a_mail())
    session, path = cookie(await make_session(server, await admin_id(server))), "/api/v1/tickets/1/notes"

    async def note(text: str, **headers: str) -> Answer:
        return await send(server, "POST", path, json={"text": text}, headers=session | headers)

    assert (await note("x")).status == 400
    assert (await note("x", **{"Idempotency-Key": ""})).status == 400
    assert (await note("x", **{"Idempotency-Key": "k" * 201})).status == 400
    first, again = await note("x", **{"Idempotency-Key": "k" * 200}), await note("x", **{"Idempotency-Key": "k" * 200})
    assert (first.status, again.status) == (201, 201)
    assert first.json == again.json
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (await note("x", **{"Idempotency-Key": "k" * 199 + "l"})).json["id"] != first.json["id"]


async def test_a_repetition_key_belongs_to_one_person_and_one_request(server: RunningApp) -> None:
    """A key of a colleague is not met, one of another request is refused, and one of a failed request is free again."""
    await server.deliver(a_mail())
    path, key = "/api/v1/tickets/1/notes", {"Idempotency-Key": "one"}
    admin = cookie(await make_session(server, await admin_id(server)))
    agent = cookie(await make_session(server, await make_user(server, "agent", Role.AGENT, [1])))
    missing = await send(server, "POST", "/api/v1/tickets/99/notes", json={"text": "x"}, headers=admin | key)
    assert missing.status == 404
    mine = await send(server, "POST", path, json={"text": "x"}, headers=admin | key)
    theirs = await send(server, "POST", path, json={"text": "x"}, headers=agent | key)
    assert (mine.status, theirs.status) == (201, 201)
    assert mine.json["id"] != theirs.json["id"]
    assert "Idempotency-Replayed" not in theirs.headers
    assert (await send(server, "POST", path, json={"text": "y"}, headers=admin | key)).status == 422
    assert (await send(server, "POST", "/api/v1/tickets/1/replies", json={"text": "x"}, headers=admin | key)).status == 422


# Readiness.


def _pull_the_plug(connection: Connection) -> None:
    """Close the driver's connection under the writer: it cannot even say whether a transaction is open, and dies."""
    connection.connection.driver_connection.close()  # type: ignore[union-attr]


async def test_a_dead_writer_is_not_ready(quick: RunningApp) -> None:
    """When the database's writer has died the server says so with 503, still lives, still reads, and refuses changes honestly."""
    assert (await send(quick, "GET", "/readyz")).status == 200
    session = cookie(await make_session(quick, await admin_id(quick)))
    with pytest.raises(Exception, match="writer has stopped"):
        await quick.store.write(_pull_the_plug)
    ready = await send(quick, "GET", "/readyz")
    assert ready.status == 503
    assert ready.json["ready"] is False
    assert ready.json["checks"]["database"].startswith("failed")
    assert (await send(quick, "GET", "/healthz")).status == 200
    assert (await send(quick, "GET", "/api/v1/me", headers=session)).status == 200
    change = await send(quick, "PATCH", "/api/v1/me", json={"name": "New"}, headers=session)
    assert change.status == 503
    assert change.headers["Content-Type"].startswith("application/problem+json")


# Bodies that take their time.


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
    await quick.store.write(_set, mallory, **{name: utc_now() if value is True else value for name, value in lost.items()})
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
