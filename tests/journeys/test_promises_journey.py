"""Promises: set by an administrator, shown in the list, and said before they are broken."""

import re
import smtplib

import pytest
from playwright.async_api import Browser, expect

from contact_center.testing import a_mail
from tests.journeys.conftest import Served, first_log_in

pytestmark = pytest.mark.journey


async def test_a_promise_from_its_making_to_its_warning(browser: Browser, served: Served) -> None:
    """A policy is made and chosen for the queue; what comes then shows what is left of it, warns, and tells what became of it."""
    page = await first_log_in(browser, served)
    await page.goto(f"{served.url}/setup/sla")
    await page.get_by_role("button", name="New policy").click()
    await page.get_by_label("Name").fill("Gold")
    await page.get_by_label("Normal: First response").fill("soon")
    await expect(page.get_by_role("button", name="Save")).to_be_disabled()
    await page.get_by_label("Normal: First response").fill("1 min")
    await page.get_by_label("Warn when so much is spent, %").fill("5")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("[data-policy]")).to_contain_text("Gold")
    await page.goto(f"{served.url}/setup/queues")
    await page.get_by_label(re.compile("What is promised")).select_option(label="Promised: Gold")
    await expect(page.get_by_text("Saved")).to_be_visible()
    await page.goto(f"{served.url}/tickets/open")
    await page.get_by_role("link", name="Unassigned").wait_for()

    mail = a_mail(sender="Ivan <ivan@example.org>", subject="When will it come?", message_id="<p1@example.org>")
    with smtplib.SMTP("127.0.0.1", served.mail_port) as client:
        client.send_message(mail)
    row = page.locator("[data-ticket-row]", has_text="When will it come?")
    await expect(row.locator("[data-due]")).to_contain_text("left")
    await expect(page.get_by_text("time is running out")).to_be_visible(timeout=20_000)
    await page.get_by_role("button", name="Open", exact=True).click()
    await expect(page.get_by_role("heading", name="When will it come?")).to_be_visible()
    await page.get_by_placeholder(re.compile("^Write to")).fill("Tomorrow.")
    await page.get_by_role("button", name="Send", exact=True).click()
    await page.locator("[data-promises]").click()
    await expect(page.locator("[data-clock=first_response]")).to_contain_text("kept")
    await expect(page.locator("[data-clock=resolution]")).to_contain_text("stands still")
