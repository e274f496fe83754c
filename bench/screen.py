"""The console's first screen: what a browser fetches for it, and how long until the list stands there."""

import asyncio
import gzip
import time
from pathlib import Path
from typing import Any

from bench.places import Setting, say
from bench.report import Row, percentile, show

TICKETS = 5000


def run(setting: Setting) -> None:
    """Measure and print."""
    kilobytes, requests, times = asyncio.run(_look(setting.folder("data"), 500 if setting.quick else 7000, 5 if setting.quick else 15))
    show("First screen of the console, a browser without a cache", "kB", [Row("gzip", "-", [kilobytes], note=f"{requests} requests")])
    rows = [
        Row("navigation to the first ticket row, p50", "sqlite", [percentile(times, 0.5)]),
        Row("the same, highest", "sqlite", [max(times)]),
    ]
    show("First screen of the console, signed in", "ms", rows)


async def _look(folder: Path, mails: int, rounds: int) -> tuple[float, int, list[float]]:
    from playwright.async_api import async_playwright

    from contact_center.testing import PASSWORD, running_app
    from tests.pictures import BROWSER, seed

    times: list[float] = []
    sizes: dict[str, int] = {}
    async with running_app(folder) as server, async_playwright() as driver:
        await seed(server, mails)
        browser = await driver.chromium.launch(**BROWSER)
        for number in range(rounds):
            context = await browser.new_context(viewport={"width": 1440, "height": 900}, base_url=server.url)
            await context.request.post("/api/v1/session", data={"email": "admin@example.com", "password": PASSWORD})
            page = await context.new_page()
            if number == 0:
                page.on("requestfinished", lambda request: asyncio.ensure_future(_weigh(request, sizes)))
            began = time.perf_counter()
            await page.goto("/tickets/open", wait_until="commit")
            await page.locator("[data-ticket-row]").first.wait_for()
            times.append((time.perf_counter() - began) * 1000)
            if number == 0:
                await page.wait_for_timeout(1500)
            await context.close()
        await browser.close()
    if not sizes:
        say("the browser told no sizes")
    return sum(sizes.values()) / 1024, len(sizes), times


async def _weigh(request: Any, sizes: dict[str, int]) -> None:
    """Bytes as a proxy that compresses would send them; pictures and fonts are compressed already."""
    if "/socket.io/" in request.url:
        return
    response = await request.response()
    body = await response.body()
    sizes[request.url] = len(body) if request.url.endswith((".woff2", ".png")) else len(gzip.compress(body, 6))
