"""Lists that are longer than a screen by far: the End key leads to their end, and no more is drawn than can be seen."""

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from bench.crowd import gather
from bench.lists import LISTS, walk_to_end
from contact_center.store import open_store
from tests import servers
from tests.journeys.conftest import ADA, Served

pytestmark = pytest.mark.journey
MANY = 5000
DRAWN = 900  # DOM nodes of a whole page, whatever its list holds


async def fill(folder: Path) -> None:
    store = await open_store(f"sqlite:///{next((folder / 'data').glob('*.sqlite3'))}", folder / "data" / "blobs")
    try:
        await gather(store, MANY)
    finally:
        await store.close()


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with an administrator, thousands of people and tickets: nobody here changes any of them."""
    server = Served(tmp_path_factory.mktemp("crowded"), servers.free_port(), servers.free_port())
    server.start()
    try:
        body = {"token": server.first_login.partition("#")[2], "name": "Ada"} | ADA
        headers = {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(f"{server.url}/api/v1/first-login", json.dumps(body).encode(), headers)):
            asyncio.run(fill(server.folder))
        yield server
    finally:
        server.kill()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, crowded: Served) -> Page:
    """A console of the administrator's."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, base_url=crowded.url, locale="en-GB")
    assert (await context.request.post("/api/v1/session", data=ADA)).ok
    return await context.new_page()


@pytest.mark.parametrize("name", sorted(LISTS))
async def test_the_end_of_a_long_list(page: Page, name: str) -> None:
    """Of 5,000 rows some dozens are drawn, at the beginning and at the end; and the last one opens."""
    path, row = LISTS[name]

    walk = await walk_to_end(page, path, row)

    assert walk.length == MANY
    assert max(walk.nodes) < DRAWN
    last = page.locator(row).last
    if name == "tickets":
        await expect(last).to_have_attribute("data-ticket", "1")
    await last.click()
    await expect(page.locator(".panel input.name")).to_be_visible()
    assert await page.locator(row).count() < 60


async def test_a_page_loaded_anew_stands_where_it_stood(page: Page) -> None:
    """Whoever reloads far down the list of tickets, or comes back from another page, sees the same rows again."""
    await page.goto("/tickets/all")
    row, scroller = page.locator("[data-ticket-row]"), page.locator(".scroller")
    await row.first.wait_for()
    for _ in range(5):
        await scroller.evaluate("list => list.scrollTo({top: list.scrollHeight})")
        await page.wait_for_timeout(300)
    await scroller.evaluate("list => list.scrollTo({top: 300 * 76})")
    await page.wait_for_timeout(500)  # the place is noted a moment after the last movement
    top = "() => [...document.querySelectorAll('[data-ticket-row]')].find(row => row.getBoundingClientRect().bottom > document.querySelector('.scroller').getBoundingClientRect().top + 2).dataset.ticket"
    before = await page.evaluate(top)

    await page.reload()
    await row.first.wait_for()
    await page.wait_for_function(f"before => ({top})() === before", arg=before)
    await page.goto("/board")
    await page.go_back()
    await page.wait_for_function(f"before => document.querySelector('[data-ticket-row]') && ({top})() === before", arg=before)
