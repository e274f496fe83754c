"""Two agents: who can do what, what is offered to whom, and writing up with one key before the next comes."""

import smtplib
from typing import Any

import pytest
from playwright.async_api import APIRequestContext, Browser, Page, expect

from contact_center.testing import a_mail
from tests.journeys.conftest import Served, first_log_in
from tests.journeys.test_shift_journey import available, colleague

pytestmark = pytest.mark.journey


async def make(client: APIRequestContext, method: str, path: str, **body: Any) -> Any:
    """By the API, as the set-up pages do it."""
    headers = {"Idempotency-Key": f"{path}{body}"}
    answer = await client.fetch(f"/api/v1{path}", method=method, data=body, headers=headers)
    assert answer.ok, await answer.text()
    return await answer.json()


def write(served: Served, number: int) -> None:
    mail = a_mail(sender=f"Customer {number} <w{number}@example.org>", subject=f"Matter {number}", message_id=f"<w{number}@example.org>")
    with smtplib.SMTP("127.0.0.1", served.mail_port) as client:
        client.send_message(mail)


async def answer(page: Page, matter: str, words: str) -> None:
    """Accept what is offered, and answer it once it is there: the next key is meant for it."""
    await page.keyboard.press("y")
    await expect(page.locator("[data-offer]")).to_have_count(0)
    await expect(page.get_by_role("heading", name=matter)).to_be_visible()
    await page.keyboard.press("r")
    await page.keyboard.type(words)
    await page.keyboard.press("Control+Enter")


async def test_skills_and_writing_up(browser: Browser, served: Served) -> None:
    """Work goes to who has the skill; whoever answers is offered nothing until they have said why the customer wrote, by one key
    and a few letters; the supervisor sees it, and the next comes at once."""
    admin = await first_log_in(browser, served)
    client = admin.request
    await make(client, "PATCH", "/queues/1", offers=True, offer_seconds=60, wrap_seconds=120, wants_reason=True)
    delivery = await make(client, "POST", "/contact-reasons", name="Delivery")
    await make(client, "POST", "/contact-reasons", name="Late", parent_id=delivery["id"])
    await make(client, "POST", "/contact-reasons", name="Invoice")
    anna, olga = await colleague(browser, client, served, "Anna"), await colleague(browser, client, served, "Olga")

    # Skills by the page: a skill, what the queue asks for, and who has it.
    await admin.goto(f"{served.url}/setup/skills")
    await admin.locator("[data-new-skill]").fill("French")
    await admin.keyboard.press("Enter")
    await admin.get_by_label("Support: French").select_option("5")
    await expect(admin.get_by_label("Minutes of waiting after which one level less will do")).to_be_visible()
    await admin.get_by_label("Olga: French").select_option("7")
    await expect(admin.get_by_label("Olga: French")).to_have_value("7")
    await available(anna)
    await available(olga)

    write(served, 1)
    await expect(olga.locator("[data-offer]")).to_contain_text("Matter 1")
    await expect(anna.locator("[data-offer]")).to_have_count(0)
    await answer(olga, "Matter 1", "It is on its way.")
    await expect(olga.locator("[data-wrap]")).to_contain_text("Customer 1")
    write(served, 2)
    await admin.goto(f"{served.url}/board")
    await expect(admin.locator("[data-agent='3'] [data-writes-up]")).to_be_visible()
    await expect(olga.locator("[data-offer]")).to_have_count(0)

    # One key asks for what is missing, a few letters find it, the same key is done.
    await olga.locator("[data-wrap-reason]").focus()  # out of what one types in
    await olga.keyboard.press("d")
    await olga.keyboard.type("late")
    await olga.keyboard.press("Enter")
    await expect(olga.locator("[data-wrap-reason]")).to_contain_text("Delivery › Late")
    await expect(olga.locator("[data-reason]")).to_contain_text("Delivery › Late")
    await expect(olga.get_by_role("dialog")).to_have_count(0)
    await olga.keyboard.press("d")
    await expect(olga.locator("[data-wrap]")).to_have_count(0)
    await expect(olga.locator("[data-offer]")).to_contain_text("Matter 2")

    # Called back, the answer takes its wrap-up along.
    await answer(olga, "Matter 2", "One moment.")
    await expect(olga.locator("[data-wrap]")).to_contain_text("Customer 2")
    await olga.locator("[data-wrap-reason]").focus()
    await olga.keyboard.press("z")
    await expect(olga.locator("[data-wrap]")).to_have_count(0)
    await expect(admin.locator("[data-agent='3'] [data-writes-up]")).to_have_count(0)

    # Two clicks let Anna stand in for a while, and the row says until when.
    await make(client, "POST", "/queues", name="Sales")
    await admin.locator("[data-agent='2'] [data-move]").click()
    await admin.get_by_role("menuitem", name="To Sales until the end of the shift").click()
    await expect(admin.locator("[data-agent='2'] [data-stands-in]")).to_contain_text("Sales until")
    await anna.get_by_role("button", name="More", exact=True).click()
    await expect(anna.get_by_role("menuitem", name="Sales")).to_be_visible()
