"""The longest lists: 100,000 tickets and 100,000 people, scrolled to the far end by the End key in a browser.

A page counts from the key to the frame in which the list has become longer. Nodes and memory are the browser's own count,
after its garbage collection.
"""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from bench.crowd import gather
from bench.places import Setting, say
from bench.report import Row, percentile, show

LISTS = {"tickets": ("/tickets/open", "[data-ticket-row]"), "people": ("/people", "[data-person-row]")}
# Press End until nothing more comes; milliseconds of each page. The list says how long it is.
GROWN = """before => {
  const { length, end } = document.querySelector('[data-length]').dataset;
  return Number(length) > before || end !== undefined;
}"""


@dataclass
class Walk:
    """What walking a list to its end took."""

    first: float = 0.0
    pages: list[float] = field(default_factory=list)
    length: int = 0
    nodes: tuple[int, int] = (0, 0)
    megabytes: tuple[float, float] = (0.0, 0.0)


def run(setting: Setting) -> None:
    """Measure and print."""
    count = 5_000 if setting.quick else 100_000
    walks = asyncio.run(_walk_all(setting, count))
    rows = []
    for name, walk in walks.items():
        assert walk.length == count, f"{walk.length} of {count} {name} were reached"
        rows += [
            Row(f"{name}: navigation to the first row", "sqlite", [walk.first]),
            Row(f"{name}: a page, the first tenth", "sqlite", walk.pages[: max(1, len(walk.pages) // 10)]),
            Row(f"{name}: a page, the last tenth", "sqlite", walk.pages[-max(1, len(walk.pages) // 10) :]),
            Row(f"{name}: a page, p95 of all", "sqlite", [percentile(walk.pages, 0.95)], note=f"{len(walk.pages)} pages"),
        ]
        say(f"{name}: {walk.nodes[0]} DOM nodes at the beginning, {walk.nodes[1]} at the end of {walk.length:,} rows")
        say(f"{name}: JavaScript holds {walk.megabytes[0]:.0f} MB at the beginning, {walk.megabytes[1]:.0f} MB at the end")
    show(f"Lists of {count:,}", "ms", rows)


async def _walk_all(setting: Setting, count: int) -> dict[str, Walk]:
    from playwright.async_api import async_playwright

    from contact_center.testing import PASSWORD, running_app
    from tests.pictures import BROWSER

    async with running_app(setting.folder("data")) as server, async_playwright() as driver:
        began = time.perf_counter()
        await gather(server.store, count)
        say(f"{count:,} people and tickets written in {time.perf_counter() - began:.0f} s")
        # The browser's own gliding would be most of what is measured.
        browser = await driver.chromium.launch(
            executable_path=str(BROWSER["executable_path"]), args=[*BROWSER["args"], "--disable-smooth-scrolling"]
        )
        walks = {}
        for name, (path, row) in LISTS.items():
            context = await browser.new_context(viewport={"width": 1440, "height": 900}, base_url=server.url)
            await context.request.post("/api/v1/session", data={"email": "admin@example.com", "password": PASSWORD})
            walks[name] = await walk_to_end(await context.new_page(), path, row)
            await context.close()
        await browser.close()
    return walks


async def walk_to_end(page: Any, path: str, row: str) -> Walk:
    """Open a list and press End until its end is reached."""
    walk = Walk()
    began = time.perf_counter()
    await page.goto(path, wait_until="commit")
    await page.locator(row).first.wait_for()
    walk.first = (time.perf_counter() - began) * 1000
    start = await _weigh(page)
    await page.locator("[data-length]").focus()
    while not await page.locator("[data-length][data-end]").count():
        before = int(await page.locator("[data-length]").get_attribute("data-length") or 0)
        pressed = time.perf_counter()
        await page.keyboard.press("End")
        await page.wait_for_function(GROWN, arg=before, timeout=20000)
        walk.pages.append((time.perf_counter() - pressed) * 1000)
    await page.keyboard.press("End")
    await page.wait_for_timeout(300)
    end = await _weigh(page)
    walk.length = int(await page.locator("[data-length]").get_attribute("data-length") or 0)
    walk.nodes, walk.megabytes = (start[0], end[0]), (start[1], end[1])
    return walk


async def _weigh(page: Any) -> tuple[int, float]:
    """DOM nodes that are there, and megabytes that JavaScript holds."""
    client = await page.context.new_cdp_session(page)
    await client.send("HeapProfiler.collectGarbage")
    heap = await client.send("Runtime.getHeapUsage")
    nodes = await page.evaluate("document.querySelectorAll('*').length")
    await client.detach()
    return int(nodes), heap["usedSize"] / 1e6
