"""A contact's history over HTTP, signed in: the newest 50 entries, and 1,000 as pages of 200."""

import contextlib
import http.client
import json
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from bench.places import Setting, engines, first_line, process, say, served
from bench.report import Row, percentile, show

LENGTH = 1000


def run(setting: Setting) -> None:
    """Measure and print."""
    requests, rounds = (60, 3) if setting.quick else (300, 4)
    with engines(setting) as databases, contextlib.ExitStack() as stack:
        cases: list[tuple[str, str, int, Callable[[], int]]] = []
        for engine, fresh in databases.items():
            url = fresh()
            about = stack.enter_context(served(setting, url, "history", str(LENGTH)))
            if engine == "sqlite":
                raw = stack.enter_context(process([sys.executable, "-m", "bench.raw_page", url.removeprefix("sqlite:///")]))
                cases.append(("raw page (aiohttp, sqlite3)", engine, 50, _raw_page(first_line(raw)["port"], about["contact_id"])))
            product = _Product(about)
            cases.append(("newest 50", engine, 50, product.newest))
            cases.append((f"{LENGTH} in pages of 200", engine, LENGTH, product.whole))
        _measure(cases, requests, rounds)


def _measure(cases: list[tuple[str, str, int, Callable[[], int]]], requests: int, rounds: int) -> None:
    tables: dict[str, list[Row]] = {"p50": [], "p99": []}
    for label, engine, _, _ in cases:
        for rows in tables.values():
            rows.append(Row(label, engine, reference=rows[0] if rows and label == "newest 50" else None))
    for _ in range(rounds):
        for index, (label, _, wanted, case) in enumerate(cases):
            times = []
            for _ in range(requests if wanted == 50 else max(10, requests // 10)):
                began = time.perf_counter()
                found = case()
                times.append((time.perf_counter() - began) * 1000)
                assert found == wanted, f"{label}: {found} entries"
            tables["p50"][index].values.append(percentile(times, 0.5))
            tables["p99"][index].values.append(percentile(times, 0.99))
    for part, rows in tables.items():
        show(f"History over HTTP, one client, {part}", "ms", rows)
    say("a ratio above 1 means slower here: times, not rates")


class _Product:
    """A signed-in client that keeps its connection."""

    def __init__(self, about: dict[str, Any]) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", about["port"], timeout=30)
        self._headers = {"Cookie": about["cookie"]}
        self._path = f"/api/v1/contacts/{about['contact_id']}/timeline"

    def newest(self) -> int:
        """How many entries the first page holds."""
        return len(self._get(f"{self._path}?limit=50")["items"])

    def whole(self) -> int:
        """How many entries all pages hold."""
        count, cursor = 0, ""
        while True:
            page = self._get(f"{self._path}?limit=200" + (f"&cursor={quote(cursor)}" if cursor else ""))
            count += len(page["items"])
            cursor = page["next_cursor"]
            if not cursor or count >= LENGTH:
                return count

    def _get(self, path: str) -> Any:
        self._connection.request("GET", path, headers=self._headers)
        response = self._connection.getresponse()
        content = response.read()
        assert response.status == 200, content[:300]
        return json.loads(content)


def _raw_page(port: int, contact: int) -> Callable[[], int]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def get() -> int:
        connection.request("GET", f"/page?contact={contact}&limit=50")
        return len(json.loads(connection.getresponse().read()))

    return get
