"""Lists that are longer than a screen by far: the End key leads to their end, and no more is drawn than can be seen."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from bench.crowd import gather
from bench.lists import LISTS, walk_to_end
from contact_center.store import open_store
from tests.journeys.conftest import Served, first_log_in

pytestmark = pytest.mark.journey
MANY = 5000
DRAWN = 900  # DOM nodes of a whole page, whatever its list holds


async def fill(folder: Path) -> None:
    store = await open_store(f"sqlite:///{next((folder / 'data').glob('*.sqlite3'))}", folder / "data" / "blobs")
    try:
        await gather(store, MANY)
    finally:
        await store.close()


@pytest.mark.parametrize("name", sorted(LISTS))
async def test_the_end_of_a_long_list(browser: Browser, served: Served, name: str) -> None:
    """Of 5,000 rows some dozens are drawn, at the beginning and at the end; and the last one opens."""
    page = await first_log_in(browser, served)
    await asyncio.to_thread(asyncio.run, fill(served.folder))
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


async def test_a_page_loaded_anew_stands_where_it_stood(browser: Browser, served: Served) -> None:
    """Whoever reloads far down the list of tickets, or comes back from another page, sees the same rows again."""
    page = await first_log_in(browser, served)
    await asyncio.to_thread(asyncio.run, fill(served.folder))
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
