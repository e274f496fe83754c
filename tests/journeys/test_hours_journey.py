"""An administrator says when somebody is there: hours typed loosely, a day that differs, the next two weeks in sight, a queue that follows."""

from datetime import date, timedelta

import pytest
from playwright.async_api import Browser, expect

from tests.journeys.conftest import Served, first_log_in

pytestmark = pytest.mark.journey


async def test_opening_hours_are_made_and_followed(browser: Browser, served: Served) -> None:
    """Without a mouse hint or a manual: what is wrong is said at once, what it comes to is seen before it is saved."""
    page = await first_log_in(browser, served)
    await page.goto(f"{served.url}/setup/hours")
    await page.get_by_role("button", name="New calendar").click()
    await page.get_by_label("Name", exact=True).fill("Office")
    await page.get_by_label("Timezone").fill("UTC")
    opens = page.get_by_label("Monday: from")
    await opens.fill("930")
    await opens.blur()
    await expect(opens).to_have_value("09:30")
    await page.get_by_role("button", name="Monday’s hours for Tuesday to Friday").click()
    await page.get_by_label("Saturday: Add hours").click()
    closes = page.get_by_label("Saturday: until")
    await closes.fill("8")
    await closes.blur()
    await expect(page.get_by_text("Hours end after they begin")).to_be_visible()
    await expect(page.get_by_role("button", name="Save")).to_be_disabled()
    await closes.fill("24")
    await closes.blur()
    await expect(closes).to_have_value("24:00")
    special = (date.today() + timedelta(days=2)).isoformat()
    await page.get_by_role("button", name="Add a day").click()
    await page.get_by_role("textbox", name="Date", exact=True).fill(special)
    shown = page.locator(f'[data-day="{special}"]')
    await expect(shown).to_contain_text("closed")
    await expect(shown).to_contain_text("exception")
    await page.get_by_role("button", name="Save").click()
    card = page.locator("[data-calendar]")
    await expect(card).to_contain_text("Mon–Fri 09:30–18:00 · Sat 09:00–24:00")
    await expect(card).to_contain_text("No queue follows it")
    await page.goto(f"{served.url}/setup/queues")
    async with page.expect_response(lambda answer: "/queues/" in answer.url and answer.request.method == "PATCH"):
        await page.get_by_label("Hours: Support").select_option("Office")
    await page.goto(f"{served.url}/setup/hours")
    await expect(page.locator("[data-calendar]")).to_contain_text("Queues: Support")
