"""An administrator connects another system: the page that is empty teaches, the test arrives, and what failed is sent again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from contact_center.testing import PASSWORD, RunningApp, running_app
from tests.webhooks.receiver import Receiver, until
from tests.webhooks.test_signing import checks


@pytest_asyncio.fixture(loop_scope="session")
async def shop(tmp_path: Path) -> AsyncIterator[RunningApp]:
    """A product that may send to this machine."""
    async with running_app(tmp_path / "data", webhooks={"allow_private_networks": True}) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def receiver() -> AsyncIterator[Receiver]:
    """The other system."""
    made = await Receiver().start()
    yield made
    await made.close()


async def set_up(browser: Browser, shop: RunningApp) -> Page:
    """The administrator at the tab of webhooks."""
    context = await browser.new_context(viewport={"width": 1200, "height": 900}, base_url=shop.url, locale="en")
    answer = await context.request.post("/api/v1/session", data={"email": "admin@example.com", "password": PASSWORD})
    assert answer.ok
    page = await context.new_page()
    page.on("dialog", lambda dialog: pytest.fail(f"a question of the browser: {dialog.message}"))
    await page.goto("/setup/webhooks")
    return page


async def test_connecting_another_system(browser: Browser, shop: RunningApp, receiver: Receiver) -> None:
    """From the empty page to a system that hears everything, with every step by hand."""
    page = await set_up(browser, shop)
    await expect(page.get_by_text("Tell another system what happens here")).to_be_visible()
    await page.get_by_role("button", name="Add a webhook").click()
    await page.get_by_label("Name", exact=True).fill("CRM")
    await page.get_by_label("Address").fill("ftp://crm.example")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_have_text("This is not an address that can be sent to.")
    await page.get_by_label("Address").fill(receiver.url)
    await page.get_by_label("Queues", exact=True).check()
    await page.get_by_role("button", name="Save").click()
    secret = await page.locator(".secret code").inner_text()
    receiver.answers = [500]
    await page.get_by_role("button", name="Send a test").click()
    await expect(page.locator(".item .badge.danger")).to_have_text("failed")
    await page.get_by_role("button", name="Send a test").click()
    await expect(page.locator(".item .badge.ok")).to_have_text("arrived")
    assert all(checks(secret, heard.headers, heard.body) for heard in receiver.heard)
    async with shop.session() as client, client.post("/api/v1/queues", json={"name": "New"}) as response:
        assert response.status == 201
    await until(lambda: len(receiver.heard) == 3)
    await page.reload()
    await expect(page.get_by_text(secret)).to_have_count(0)
    await page.get_by_role("button", name="Messages").click()
    row = page.locator(".item", has_text="queue.changed")
    await expect(row).to_contain_text("arrived")
    await row.get_by_role("button", name="Send again").click()
    await until(lambda: len(receiver.heard) == 4)
    assert receiver.heard[2].id == receiver.heard[3].id
    await page.get_by_role("button", name="New secret").click()
    asked = page.get_by_role("dialog")
    await asked.get_by_role("button", name="Cancel").click()
    await expect(asked).to_have_count(0)
    await expect(page.locator(".secret")).to_have_count(0)
    await page.get_by_role("button", name="Send again from a number…").click()
    await asked.get_by_label("journal number").fill("many")
    await expect(asked.get_by_role("button", name="Send again")).to_be_disabled()
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Delete").click()
    await asked.get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("Tell another system what happens here")).to_be_visible()
