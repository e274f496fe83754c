"""Links that work once: invitations and the first one."""

import asyncio
from typing import Any

import pytest

from contact_center import app as root
from contact_center.app import utc_now
from contact_center.model.words import Role
from contact_center.store.repositories import access
from contact_center.testing import RunningApp
from tests.api.asking import HTTPS, OTHER, Answer, log_in, me, send, set_user, stop_clock
from tests.api.world import admin_id, cookie, make_session


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
    await quick.store.write(set_user, user, disabled_at=utc_now())
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
    await server.store.write(set_user, await admin_id(server), role=Role.AGENT)
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
    await quick.store.write(set_user, await admin_id(quick), role=Role.ADMIN)
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
