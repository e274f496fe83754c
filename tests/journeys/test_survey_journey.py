"""A resolved ticket is asked about: the mail goes out by SMTP, the customer opens its link, and their word stands in the ticket."""

import email
import email.policy
import re

import pytest
from playwright.async_api import Browser, expect

from tests.journeys.conftest import MailWorld, Served, first_log_in
from tests.journeys.test_mail_journey import connect_mailbox, customer_mail

pytestmark = pytest.mark.journey


async def test_from_resolution_to_the_card(browser: Browser, served: Served, mail_world: MailWorld) -> None:
    """Set up beside a look at the page; the mail arrives by itself and is marked automatic; looking votes for nobody; the score on
    a telephone, without script, is a card that the console shows at once; a bad one opens the ticket again and is told."""
    page = await first_log_in(browser, served)
    await connect_mailbox(page, mail_world)
    await page.goto("/setup/queues")
    await page.locator("[data-survey-setup]").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("What is asked").select_option("csat")
    await dialog.locator("label", has_text="When").locator("select").select_option("0")
    await dialog.get_by_label("A bad score").select_option("2")
    await dialog.get_by_label("Then").select_option("reopen")
    await expect(dialog.frame_locator("[data-sample]").get_by_text("This is what customers will see.")).to_be_visible()
    await dialog.get_by_role("button", name="Save").click()
    await page.get_by_role("link", name="Tickets").first.click()

    await mail_world.write_to_support(customer_mail(117))
    row = page.locator("[data-ticket-row]", has_text="Где мой заказ 117?")
    await row.click(timeout=15000)
    await page.keyboard.press("r")
    await page.keyboard.type("Уже едет!")
    await page.keyboard.press("Control+Shift+Enter")
    answer, survey = (email.message_from_bytes(each, policy=email.policy.default) for each in await mail_world.wait_for_answers(2))
    assert (answer["Auto-Submitted"], survey["Auto-Submitted"]) == (None, "auto-replied")
    body = survey.get_body(("plain",))
    assert body is not None
    links = re.findall(r"http\S+", body.get_content())
    assert len(links) == 5

    phone = await browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False, color_scheme="dark")
    customer = await phone.new_page()
    for link in links:
        await customer.goto(link)  # as a scanner of mail does
    await customer.goto(links[-1])
    await expect(customer.get_by_role("radio", name="1")).to_be_checked()
    await customer.get_by_label("Anything you want to add?").fill("It has not come")
    await customer.get_by_role("button", name="Send").click()
    await expect(customer.get_by_text("Thank you!")).to_be_visible()

    await page.goto("/tickets/all")
    await page.locator("[data-ticket-row]", has_text="Где мой заказ 117?").click()
    card = page.locator("[data-survey]")
    await expect(card).to_contain_text("1 of 5")
    await expect(card).to_contain_text("It has not come")
    await expect(page.get_by_role("button", name="Resolve", exact=True)).to_be_visible()

    await customer.get_by_role("link", name="Change my answer").click()
    await customer.locator("label", has=customer.get_by_role("radio", name="5")).click()
    await customer.get_by_role("button", name="Send").click()
    await expect(card).to_contain_text("5 of 5")
    assert len(mail_world.received_by_customer()) == 2
    await phone.close()
