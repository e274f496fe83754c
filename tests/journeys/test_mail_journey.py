"""A mail comes through Dovecot, the agent answers in Chromium, and the answer's answer lands in the same ticket."""

import asyncio
import email
import email.policy

import pytest
from playwright.async_api import Browser, Page, expect

from contact_center.testing import a_mail
from tests.journeys.conftest import MailWorld, Served, by_hand

pytestmark = pytest.mark.journey


async def connect_mailbox(page: Page, world: MailWorld) -> None:
    """Connect the mailbox in the console, as an administrator does; the connection is tried before it is saved."""
    await page.goto("/setup/channels")
    await page.get_by_role("button", name="Add", exact=True).click()
    form = page.locator("form")
    await form.get_by_label("Name", exact=True).fill("Help")
    await form.get_by_label("Mail address", exact=True).fill("help@shop.example")
    await form.get_by_label("Sender name", exact=False).fill("Shop help")
    await form.get_by_label("IMAP server").fill("127.0.0.1")
    await form.get_by_label("IMAP port").fill(str(world.dovecot.port))
    await form.get_by_label("IMAP security").select_option("none")
    await form.get_by_label("IMAP user").fill("ivan")
    await form.get_by_label("IMAP password").fill("secret")
    await form.get_by_label("SMTP server").fill("127.0.0.1")
    await form.get_by_label("SMTP port").fill(str(world.smtp_port))
    await form.get_by_label("SMTP security").select_option("none")
    await form.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("help@shop.example")).to_be_visible()
    await page.get_by_role("link", name="Tickets").first.click()


def customer_mail(number: int, **fields: str) -> email.message.EmailMessage:
    return a_mail(
        sender="Анна Смирнова <anna@customer.example>",
        to="help@shop.example",
        subject=f"Где мой заказ {number}?",
        text=f"Здравствуйте! Где заказ {number}?",
        message_id=f"<q{number}@customer.example>",
        **fields,
    )


async def test_the_whole_way(browser: Browser, served: Served, mail_world: MailWorld) -> None:
    """Question, live sight, answer by keyboard, answer's answer; kill -9 in between loses and doubles nothing."""
    page = await by_hand(browser, served)
    await connect_mailbox(page, mail_world)

    await mail_world.write_to_support(customer_mail(117))
    row = page.locator("[data-ticket-row]", has_text="Где мой заказ 117?")
    await expect(row).to_be_visible(timeout=15000)  # no reload in between
    await row.click()
    await expect(page.locator("[data-entry]", has_text="Где заказ 117?")).to_be_visible()

    await page.keyboard.press("r")
    await page.keyboard.type("Уже едет!")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator('[data-delivery="sent"]')).to_be_visible(timeout=20000)
    answer = email.message_from_bytes((await mail_world.wait_for_answers(1))[0], policy=email.policy.default)
    assert answer["To"].addresses[0].addr_spec == "anna@customer.example"
    assert answer["In-Reply-To"] == "<q117@customer.example>"
    assert "Уже едет!" in answer.get_body(("plain",)).get_content()

    back = a_mail(
        sender="anna@customer.example",
        to="help@shop.example",
        subject="Re: Где мой заказ 117?",
        text="Спасибо! Жду.\n\n> Уже едет!",
        message_id="<thanks@customer.example>",
        answers=str(answer["Message-ID"]),
        references="<q117@customer.example>",
    )
    await mail_world.write_to_support(back)
    await expect(page.locator("[data-entry]", has_text="Спасибо! Жду.")).to_be_visible(timeout=15000)
    assert await page.locator("[data-ticket-row]").count() == 1  # the same ticket

    await kill_in_the_middle(page, served, mail_world)


async def kill_in_the_middle(page: Page, served: Served, world: MailWorld) -> None:
    """The power goes while mails come in; afterwards everything is there once, and the open page has caught up."""
    await page.mouse.move(900, 300)  # a list under the pointer holds still
    for number in range(200, 206):
        await world.write_to_support(customer_mail(number))
    await asyncio.sleep(0.3)
    served.kill()
    for number in range(206, 209):
        await world.write_to_support(customer_mail(number))
    served.start()
    for number in range(200, 209):
        await expect(page.locator("[data-ticket-row]", has_text=f"заказ {number}?")).to_have_count(1, timeout=40000)
    assert len(world.received_by_customer()) == 1  # nothing was answered twice
    await page.reload()
    await expect(page.locator("[data-ticket-row]")).to_have_count(10)
