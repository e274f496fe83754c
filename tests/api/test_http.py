"""What holds for every request: problems, limits, idempotency, versions, headers."""

import asyncio
import gzip
import io
from typing import Any

import aiohttp
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from contact_center.api.openapi import document
from contact_center.api.routes import ROUTES
from contact_center.model.events import CATALOGUE
from contact_center.testing import RunningApp, a_mail
from tests.api.world import admin_id, cookie, make_session

JSON = {"Content-Type": "application/json"}
BAD: list[tuple[str, str, dict[str, Any], int]] = [
    ("GET", "/api/v1/nothing", {}, 404),
    ("PUT", "/api/v1/me", {}, 405),
    ("PATCH", "/api/v1/me", {"data": b"{}", "headers": {"Content-Type": "text/plain"}}, 415),
    ("PATCH", "/api/v1/me", {"data": b"{", "headers": JSON}, 400),
    ("PATCH", "/api/v1/me", {"data": b"[" * 100_000, "headers": JSON}, 400),
    ("PATCH", "/api/v1/me", {"data": b"a" * 900_000 * 3, "headers": JSON}, 413),
    ("PATCH", "/api/v1/me", {"data": gzip.compress(b" " * 50_000_000), "headers": JSON | {"Content-Encoding": "gzip"}}, 413),
    ("PATCH", "/api/v1/me", {"json": {"name": "x", "role": "admin"}}, 422),
    ("GET", "/api/v1/tickets/99999999999999999999999", {}, 404),
    ("GET", "/api/v1/tickets/0", {}, 404),
    ("GET", "/api/v1/tickets?cursor=%00", {}, 400),
    ("GET", "/api/v1/tickets?cursor=WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzE0OjAwIiwxXQ", {}, 400),
    ("GET", "/api/v1/tickets?limit=99999999999999999999", {}, 422),
    ("GET", "/api/v1/tickets?q=%00&view=all", {}, 200),
    ("GET", "/api/v1/contacts?q=%00", {}, 200),
    ("PATCH", "/api/v1/tickets/1", {"json": {"priority": "low"}, "headers": {"If-Match": '"²"'}}, 422),
    ("PATCH", "/api/v1/tickets/1", {"json": {"priority": "low"}, "headers": {"If-Match": '"99999999999999999999"'}}, 412),
    ("POST", "/api/v1/tickets/1/replies", {"json": {"text": "x"}}, 400),
    ("POST", "/api/v1/tickets/1/replies", {"json": {"text": "x", "attachment_ids": [2**63]}, "headers": {"Idempotency-Key": "k"}}, 422),
]


async def client_of(server: RunningApp) -> aiohttp.ClientSession:
    """A signed-in administrator."""
    return aiohttp.ClientSession(server.url, headers=cookie(await make_session(server, await admin_id(server))))


async def test_every_error_is_a_problem(any_server: RunningApp) -> None:
    """Hostile and mistaken requests get a problem document with an id, never a traceback, and headers that protect."""
    await any_server.deliver(a_mail())
    wrong = []
    async with await client_of(any_server) as client:
        for method, path, options, status in BAD:
            if isinstance(options.get("data"), bytes):
                options = options | {"data": io.BytesIO(options["data"])}
            async with client.request(method, path, **options) as response:
                problem = response.content_type == "application/problem+json" or response.status < 400
                guarded = response.headers["X-Content-Type-Options"] == "nosniff" and "Content-Security-Policy" in response.headers
                if response.status != status or not problem or not guarded or "X-Request-ID" not in response.headers:
                    wrong.append((method, path, status, response.status, (await response.text())[:200]))
    assert wrong == []


async def test_racing_repetitions_reply_once(any_server: RunningApp) -> None:
    """Twenty requests with one key make one reply and get one answer; another body under the key is refused."""
    await any_server.deliver(a_mail())
    path, headers = "/api/v1/tickets/1/replies", {"Idempotency-Key": "one"}
    async with await client_of(any_server) as client:

        async def send(text: str) -> tuple[int, str, str | None]:
            async with client.post(path, json={"text": text}, headers=headers) as response:
                return response.status, await response.text(), response.headers.get("Idempotency-Replayed")

        answers = await asyncio.gather(*(send("Hello") for _ in range(20)))
        assert {answer[:2] for answer in answers} == {(201, answers[0][1])}
        assert sorted(str(answer[2]) for answer in answers) == ["None"] + ["true"] * 19
        assert (await send("Other"))[0] == 422
        async with client.get("/api/v1/contacts/1/timeline") as response:
            entries = (await response.json())["items"]
    assert len([entry for entry in entries if entry["direction"] == "out"]) == 1


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}])
async def test_foreign_pages_change_nothing(server: RunningApp, headers: dict[str, str]) -> None:
    """Every unsafe route, log-in among them, refuses what another site's page sends."""
    async with await client_of(server) as client:
        for route in ROUTES:
            if route.method == "GET":
                continue
            path = route.path.replace("{", "").replace("}", "")
            for extra in ({}, {"Authorization": "Basic eDp5"}):
                async with client.request(route.method, path, json={}, headers=headers | extra) as response:
                    assert response.status == 403, (route.method, path, extra)


def test_openapi_is_valid_and_complete() -> None:
    """The document is OpenAPI 3.1 and names every route and every event."""
    made = document(ROUTES)
    OpenAPIV31SpecValidator(made).validate()
    assert {(method.upper(), path) for path, item in made["paths"].items() for method in item} == {(r.method, r.path) for r in ROUTES}
    assert set(made["webhooks"]) == set(CATALOGUE)


async def test_metrics_are_guarded(server: RunningApp) -> None:
    """A proxy on this machine does not open the metrics to the world."""
    async with aiohttp.ClientSession(server.url) as client:
        async with client.get("/metrics") as response:
            assert response.status == 200
        async with client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}) as response:
            assert response.status == 403


async def test_two_administrators_cannot_remove_each_other(any_server: RunningApp) -> None:
    """However the requests race, somebody stays administrator."""
    from contact_center.model.words import Role
    from tests.api.world import make_user

    first = await admin_id(any_server)
    second = await make_user(any_server, "second", Role.ADMIN, [])
    async with await client_of(any_server) as client:
        sent = [client.patch(f"/api/v1/users/{user}", json={"role": "agent"}) for user in (first, second)]
        statuses = sorted([response.status for response in await asyncio.gather(*sent)])
    assert statuses[0] == 200
    assert statuses[1] in (403, 409)
