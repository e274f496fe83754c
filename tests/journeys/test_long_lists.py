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
