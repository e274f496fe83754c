"""The route table is walked: whatever is added later keeps these promises too."""

import re
import statistics
import time
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from contact_center.api import passwords
from contact_center.api.framework import Route
from contact_center.api.permissions import Permission
from contact_center.api.routes import HOOKS, ROUTES
from contact_center.channels import registry
from contact_center.channels.base import secret_fields
from contact_center.testing import PASSWORD, RunningApp, running_app
from tests.api.asking import Answer, send
from tests.api.world import admin_id, cookie, make_session

UNSAFE = [route for route in ROUTES if route.method not in ("GET", "HEAD", "OPTIONS")]
HTTPS = "https://help.example.org"
FOREIGN = ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"})


def path_of(route: Route) -> str:
    return re.sub(r"{[^}]*}", "1", route.path)


async def test_no_other_site_changes_anything(server: RunningApp) -> None:
    """Each unsafe route refuses what another site makes a browser send, signing in included, before it looks at anything else."""
    session = cookie(await make_session(server, await admin_id(server)))
    wrong = []
    for route in UNSAFE:
        for headers in FOREIGN:
            answer = await send(server, route.method, path_of(route), json={}, headers=session | headers)
            if answer.status != 403:
                wrong.append((route.method, route.path, headers, answer.status))
    assert wrong == []


def test_reading_changes_nothing() -> None:
    """Whatever another site can make a browser fetch is a GET without effect; what has one is not a GET, and takes JSON or bytes."""
    for route in UNSAFE:
        assert route.method in ("POST", "PATCH", "PUT", "DELETE")
    assert {route.path.split("/")[1] for route in HOOKS} == {"hooks", "surveys"}
    assert all(not route.from_anywhere for route in ROUTES), "only public doors, which look at no cookie, take what other sites send"


@pytest.mark.parametrize("public_url", ["", HTTPS])
async def test_every_route_protects_its_answer(tmp_path: Path, public_url: str) -> None:
    """Signed in and not, found and not found: type, policy, frames, referrer, caches; over https the promise to stay there."""
    async with running_app(tmp_path / "data", workers=False, public_url=public_url) as server:
        name = "__Host-cc_session" if public_url else "cc_session"
        token = await make_session(server, await admin_id(server))
        wrong = []
        for route in (*ROUTES, *HOOKS):
            for headers in ({}, {"Cookie": f"{name}={token}"}):
                answer = await send(server, route.method, path_of(route), json={} if route.method != "GET" else None, headers=headers)
                if faults := _faults(route, answer, https=bool(public_url)):
                    wrong.append((route.method, route.path, bool(headers), answer.status, faults))
                if route.path.endswith("/session") and route.method == "DELETE" and headers:
                    token = await make_session(server, await admin_id(server))
        assert wrong == []


def _faults(route: Route, answer: Answer, *, https: bool) -> list[str]:
    policy = answer.headers.get("Content-Security-Policy", "")
    wanted = {
        "nosniff": answer.headers.get("X-Content-Type-Options") == "nosniff",
        "policy": "default-src 'none'" in policy and "unsafe-eval" not in policy and "script-src 'unsafe" not in policy,
        "frames": "frame-ancestors" in policy or "sandbox" in policy,
        "referrer": answer.headers.get("Referrer-Policy") in ("same-origin", "no-referrer"),
        "caches": answer.headers.get("Cache-Control", "").startswith(("no-store", "private")) or not route.path.startswith("/api/v1"),
        "https": ("Strict-Transport-Security" in answer.headers) == https,
        "no tracing": "Traceback" not in answer.text and answer.status < 500,
        "no server": "Server" not in answer.headers,
    }
    return [name for name, well in wanted.items() if not well]


async def test_an_unknown_account_takes_as_long_as_a_known_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over a hundred attempts each, in turn, the middle times of known and unknown addresses are within 20 ms."""
    # A hash of a few milliseconds, the same for both: that the real ones cost the same is held elsewhere; here it is the rest.
    quick = PasswordHasher(time_cost=1, memory_cost=256, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", quick)
    monkeypatch.setattr(passwords, "_DUMMY", passwords.nobodys(quick))
    async with running_app(tmp_path / "data", workers=False, security={"login_attempts_per_minute": 100_000}) as server:
        took: dict[str, list[float]] = {"admin@example.com": [], "nobody@example.com": []}
        for _ in range(100):
            for email, times in took.items():
                began = time.perf_counter()
                answer = await send(server, "POST", "/api/v1/session", json={"email": email, "password": "wrong words"})
                times.append(time.perf_counter() - began)
                assert answer.status == 401
    known, unknown = (statistics.median(times) for times in took.values())
    assert abs(known - unknown) < 0.020


# Rate limits: what can be guessed.


@pytest.mark.parametrize("path", ["/api/v1/session", "/api/v1/first-login", "/api/v1/invitations/accept"])
def test_what_can_be_guessed_is_public_and_limited(path: str) -> None:
    """The doors that take a secret from nobody are these three; each has its test of the limit in tests/api."""
    doors = {route.path for route in UNSAFE if route.permission is Permission.PUBLIC}
    assert doors == {"/api/v1/session", "/api/v1/first-login", "/api/v1/invitations/accept"}
    assert path in doors


# Secrets.


async def test_secrets_are_nowhere_in_the_clear(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A password of a mailbox, a token, a link, a session, a password and the body of a mail: not in the files of the database, and none of them in the log."""
    from contact_center.testing import a_mail

    seen = []
    async with running_app(tmp_path / "data") as server:
        await server.deliver(a_mail(text="canary-of-a-body"))
        async with server.session() as client:
            seen += [cookie.value for cookie in client.cookie_jar]
            kinds = registry.kinds()
            for kind in kinds.values():
                options: dict[str, Any] = {name: f"canary-secret-{kind.name}-{name}" for name in secret_fields(kind.options)}
                body = {
                    "kind": kind.name,
                    "name": "N",
                    "address": f"{kind.name}@example.org",
                    "queue_id": 1,
                    "options": options,
                    "check": False,
                }
                async with client.post("/api/v1/channels", json=body) as response:
                    assert response.status in (201, 422), await response.text()
                    if response.status == 201:
                        seen += list(options.values())
                    assert "canary-secret" not in await response.text() or response.status == 422
            async with client.post("/api/v1/users", json={"name": "New", "email": "new@example.com"}) as response:
                seen.append((await response.json())["url"].partition("#")[2])
            async with client.post("/api/v1/me/tokens", json={"name": "T", "scopes": ["tickets:read"]}) as response:
                seen.append((await response.json())["token"])
            async with client.post("/api/v1/session", json={"email": "admin@example.com", "password": "canary-wrong-password"}):
                seen.append("canary-wrong-password")
            async with client.get("/api/v1/channels") as response:
                assert "canary-secret" not in await response.text()
    assert sum("canary-secret" in each for each in seen) >= 2, "some kind of channel took its secrets"
    files = {path: path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file()}
    assert any(path.suffix == ".sqlite3" for path in files)
    found = [(path.name, secret[:14]) for secret in [*seen, PASSWORD] for path, content in files.items() if secret.encode() in content]
    assert found == []
    captured = capfd.readouterr()
    logged = captured.out + captured.err
    assert [secret[:14] for secret in [*seen, PASSWORD, "canary-of-a-body"] if secret in logged] == []
