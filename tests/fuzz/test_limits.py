"""Too much, too deep, too long, too large: a clear refusal that names what is wrong, never a server's error, and soon."""

import gzip
import io
import json

import aiohttp
import pytest
from yarl import URL

from contact_center.api.routes import ROUTES
from contact_center.testing import RunningApp
from tests.api.world import admin_id, cookie, make_session
from tests.fuzz.people import people

JSON = {"Content-Type": "application/json"}
NUMBERS = [
    "9223372036854775808",
    "-9223372036854775809",
    "1" + "0" * 400,
    "1e999",
    "-1e999",
    "NaN",
    "Infinity",
    "1.5",
    "-0",
    "0",
    "true",
    '"1"',
    '"\\u0664"',
    "null",
    "[]",
]
TEXTS = [
    '"\\ud800"',
    '"\\u0000"',
    '"a\\u0000b"',
    json.dumps("\u202e" * 10),
    json.dumps("a" * 1_000_000),
    json.dumps(" "),
    '""',
    "1",
    "{}",
    "[[[[]]]]",
    "\xff",
]
IDS = [
    "0",
    "-1",
    "9007199254740992",
    "9223372036854775808",
    "1" * 5000,
    "1.0",
    "1e3",
    "%00",
    "%D9%A4",
    "%C2%B2",
    "NaN",
    "..%2f1",
    "1%20",
    "0x1",
    "1_0",
    "+1",
]
BODIES: list[tuple[str, bytes, dict[str, str], set[int]]] = [
    ("deep", b'{"name":' + b"[" * 5000 + b"]" * 5000 + b"}", JSON, {400}),
    ("deep objects", b'{"a":' * 5000 + b"1" + b"}" * 5000, JSON, {400}),
    ("too large", b'{"name":"' + b"a" * 3_000_000 + b'"}', JSON, {413}),
    ("a gzip bomb", gzip.compress(b" " * 30_000_000), JSON | {"Content-Encoding": "gzip"}, {413}),
    ("gzip that is none", b"no gzip at all", JSON | {"Content-Encoding": "gzip"}, {400}),
    ("deflate that is none", b"\xff\xff\xff", JSON | {"Content-Encoding": "deflate"}, {400}),
    ("an encoding nobody has", b"{}", JSON | {"Content-Encoding": "x-nobody"}, {400, 415, 422}),
    ("a hundred thousand fields", json.dumps({f"f{number}": 1 for number in range(100_000)}).encode(), JSON, {422}),
    ("no JSON", b"\x00\xff\xfe", JSON, {400}),
    ("UTF-16", '{"name": "x"}'.encode("utf-16"), JSON, {400}),
    ("nothing", b"", JSON, {400}),
    ("a form", b"name=x", {"Content-Type": "application/x-www-form-urlencoded"}, {415}),
    ("no type", b"{}", {"Content-Type": ""}, {415}),
    ("a charset nobody has", b"{}", {"Content-Type": "application/json; charset=undefined"}, {200, 400, 415, 422}),
]


async def client_of(server: RunningApp) -> aiohttp.ClientSession:
    """A signed-in administrator."""
    return aiohttp.ClientSession(server.url, headers=cookie(await make_session(server, await admin_id(server))))


async def test_bodies_beyond_all_bounds(server: RunningApp) -> None:
    """Each is refused with the status that says why, as a problem."""
    wrong = []
    for name, body, headers, wanted in BODIES:
        async with await client_of(server) as client:  # a refused body ends its connection
            try:
                async with client.patch("/api/v1/me", data=io.BytesIO(body), headers=headers) as response:
                    text = await response.text(errors="replace")
            except aiohttp.ClientError as error:
                wrong.append((name, repr(error)))
                continue
        if response.status not in wanted or (response.status >= 400 and response.content_type != "application/problem+json"):
            wrong.append((name, response.status, sorted(wanted), text[:200]))
    assert wrong == []


@pytest.mark.parametrize(
    "headers",
    [{"X-Long": "a" * 9000}, {f"X-{number}": "a" for number in range(400)}, {"X-Many": "a" * 7000, "Cookie": "a=" + "b" * 60_000}],
)
async def test_headers_beyond_all_bounds(server: RunningApp, headers: dict[str, str]) -> None:
    """Headers that are too long are refused; many of them are read or refused, and the next request is answered."""
    async with await client_of(server) as client:
        async with client.get("/healthz", headers=headers) as response:
            assert response.status in (200, 400, 431)
            assert "Traceback" not in await response.text()
        async with client.get("/healthz") as response:
            assert response.status == 200


async def test_numbers_in_paths(server: RunningApp) -> None:
    """What is no number of ours is not there: 404, whatever the route."""
    wrong = []
    async with await client_of(server) as client:
        for route in ROUTES:
            if route.method != "GET" or "{" not in route.path or route.path.startswith("/media"):
                continue
            for each in IDS:
                path = route.path
                for name in route.signature.path_params:
                    path = path.replace("{" + name + "}", each, 1)
                async with client.get(URL(server.url + path, encoded=True)) as response:
                    if response.status != 404:
                        wrong.append((path[:120], response.status))
    assert [each for each in wrong if each[1] >= 500] == []
    assert [each for each in wrong if each[1] not in (400, 200)] == []


async def test_every_field_of_every_body(server: RunningApp) -> None:
    """Each field in turn with numbers no database keeps and texts no encoding writes: accepted or refused, never an error of ours."""
    headers, ids = await people(server)
    wrong, sent = [], 0
    async with aiohttp.ClientSession(server.url, headers=headers("admin") | JSON) as client:
        for route in ROUTES:
            if route.signature.body is None or route.path.endswith(("/session", "/first-login", "/accept", "/password")):
                continue
            path = route.path.format(**{name: ids.get(name, 1) for name in route.signature.path_params})
            for name, field in route.signature.body.model_fields.items():
                for value in (*NUMBERS, *TEXTS)[:: 1 if "int" in str(field.annotation) else 2]:
                    sent += 1
                    body = f'{{"{name}": {value}, "check": false}}' if "/channels" in route.path else f'{{"{name}": {value}}}'
                    async with client.request(
                        route.method, path, data=body.encode("latin-1"), headers={"Idempotency-Key": f"k{sent}"}
                    ) as response:
                        if response.status >= 500:
                            wrong.append((route.method, path, name, value[:60], response.status, (await response.text())[:150]))
    assert wrong == []
    assert sent > 500


async def test_every_field_of_every_query(server: RunningApp) -> None:
    """The same for what stands in addresses."""
    headers, ids = await people(server)
    values = [
        *IDS,
        "a" * 7000,
        "%FF%FE",
        "%ED%A0%80",
        "null",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-23:59",
        "2026-11-02T09:00:00+99:99",
        "WyJcdWQ4MDAiXQ",
        "%F0%9F%92%A9",
    ]
    wrong = []
    async with aiohttp.ClientSession(headers=headers("admin")) as client:
        for route in ROUTES:
            if route.signature.query is None or route.method != "GET":
                continue
            path = route.path.format(**{name: ids.get(name, 1) for name in route.signature.path_params})
            for name in route.signature.query.model_fields:
                for value in values:
                    if name == "wait":
                        continue
                    async with client.get(URL(f"{server.url}{path}?{name}={value}", encoded=True)) as response:
                        if response.status >= 500:
                            wrong.append((path, name, value[:60], response.status, (await response.text())[:150]))
    assert wrong == []
