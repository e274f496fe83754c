"""What every answer says to browsers, and what requests of other sites may do."""

from typing import Any

import pytest

from contact_center.api.routes import ROUTES
from contact_center.testing import RunningApp
from tests.api.asking import HTTPS, send
from tests.api.world import admin_id, cookie, make_session

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
