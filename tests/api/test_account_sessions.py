"""Sessions: who has one, until when, and what ends it."""

import asyncio
import json

import pytest

from contact_center.api import passwords
from contact_center.app import utc_now
from contact_center.model.words import Role
from contact_center.store.repositories import access
from contact_center.testing import PASSWORD, RunningApp, a_mail
from tests.api.asking import ADMIN, OTHER, log_in, me, raw, send, stop_clock
from tests.api.world import admin_id, cookie, make_session, make_token, make_user


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
