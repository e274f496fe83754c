"""What is asked of those who sign in: how often they may guess, what their password must be, what cookie they get."""

from pathlib import Path
from typing import Any

import pytest
from argon2 import extract_parameters

from contact_center.api import passwords
from contact_center.app import utc_now
from contact_center.model.words import Role
from contact_center.store.repositories import access
from contact_center.testing import PASSWORD, RunningApp
from tests.api.asking import ADMIN, OTHER, behind_proxy, log_in, me, send, set_user
from tests.api.test_links import _nobody_is_admin, accept, first_log_in, invite
from tests.api.world import admin_id, cookie, make_session, make_user


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
    await quick.store.write(set_user, gone, disabled_at=utc_now())
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
