"""A shift: work is offered, accepted, declined and missed, by several people at their consoles at once."""

import smtplib

import pytest
import pytest_asyncio
from playwright.async_api import APIRequestContext, Browser, Page, expect

from contact_center.testing import a_mail
from tests.journeys.conftest import PASSWORD, Served, first_log_in

pytestmark = pytest.mark.journey


async def colleague(browser: Browser, admin: APIRequestContext, served: Served, name: str) -> Page:
    """Somebody who comes by an invitation, sits at an own console and says that they are available."""
    body = {"name": name, "email": f"{name.lower()}@example.org", "role": "agent", "queue_ids": [1]}
    invited = await (await admin.post("/api/v1/users", data=body)).json()
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, base_url=served.url, locale="en-GB")
    page = await context.new_page()
    await page.goto(next(value for value in invited.values() if isinstance(value, str) and "/invitation#" in value))
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Save and sign in").click()
    await page.get_by_role("link", name="Unassigned").wait_for()
    return page


async def available(page: Page) -> None:
    """Say so, with the menu in the corner."""
    await page.locator("[data-my-state]").click()
    await page.get_by_role("menuitem", name="Available", exact=True).click()
    await expect(page.locator("[data-my-state=available]")).to_be_visible()


def write(served: Served, number: int) -> None:
    """A customer writes."""
    mail = a_mail(sender=f"Customer {number} <s{number}@example.org>", subject=f"Question {number}", message_id=f"<s{number}@example.org>")
    with smtplib.SMTP("127.0.0.1", served.mail_port) as client:
        client.send_message(mail)


@pytest_asyncio.fixture(loop_scope="session")
async def admin(browser: Browser, served: Served) -> Page:
    """The administrator, who makes the queue offer its work."""
    page = await first_log_in(browser, served)
    await page.goto(f"{served.url}/setup/queues")
    await page.get_by_label("Work is offered to whoever is free").check()
    await page.get_by_label("An offer stands for, seconds").fill("8")
    await page.keyboard.press("Tab")
    await page.get_by_placeholder("Reason").fill("Lunch")
    await page.get_by_role("button", name="Add").last.click()
    await expect(page.get_by_label("Reason").first).to_have_value("Lunch")
    return page


async def test_a_shift_of_two(browser: Browser, served: Served, admin: Page) -> None:
    """Who is free longest is asked; declined, it goes to the other; missed, it takes the agent out; the board tells it all."""
    anna = await colleague(browser, admin.request, served, "Anna")
    await available(anna)
    olga = await colleague(browser, admin.request, served, "Olga")
    await available(olga)

    write(served, 1)
    offer = anna.locator("[data-offer]")
    await expect(offer).to_contain_text("Question 1")
    await expect(olga.locator("[data-offer]")).to_have_count(0)
    await anna.keyboard.press("y")
    await expect(anna.get_by_role("heading", name="Question 1")).to_be_visible()
    await expect(anna.get_by_role("button", name="Anna", exact=True)).to_be_visible()
    await expect(offer).to_have_count(0)

    # Olga is idle and Anna is not; what Olga declines comes to Anna, who has room for it.
    write(served, 2)
    await expect(olga.locator("[data-offer]")).to_contain_text("Question 2")
    await olga.keyboard.press("x")
    await expect(olga.locator("[data-offer]")).to_have_count(0)
    await expect(offer).to_contain_text("Question 2")
    await offer.get_by_role("button", name="Accept").click()
    await expect(anna.get_by_role("heading", name="Question 2")).to_be_visible()

    # Typing is not disturbed by an offer, and nobody's answer sends its reader out.
    await olga.goto(f"{served.url}/tickets/all/1")
    await expect(olga.locator("[data-entry]").first).to_be_visible()
    await olga.keyboard.press("n")
    await expect(olga.locator("textarea").first).to_be_focused()
    write(served, 3)
    await olga.keyboard.type("yes and x are only letters here")
    await expect(olga.locator("[data-offer]")).to_contain_text("Question 3")
    await expect(olga.locator("textarea").first).to_have_value("yes and x are only letters here")
    await expect(olga.locator("[data-offer]")).to_have_count(0, timeout=20_000)
    await expect(olga.locator("[data-my-state=rona]")).to_be_visible()
    await expect(offer).to_contain_text("Question 3")

    # Anna goes to lunch when she is done; the board shows both.
    await offer.get_by_role("button", name="Not now").click()
    await anna.locator("[data-my-state]").click()
    await anna.get_by_role("menuitem", name="Lunch, when this is done").click()
    await expect(anna.locator("[data-my-state]")).to_contain_text("Lunch")
    await admin.goto(f"{served.url}/board")
    await expect(admin.locator("[data-agent='2'] [data-stands]")).to_contain_text("Available")
    await expect(admin.locator("[data-agent='3'] [data-stands]")).to_contain_text("No answer")
    await admin.locator("[data-agent='3'] [data-stands]").click()
    await admin.get_by_role("menuitem", name="Available", exact=True).click()
    await expect(olga.locator("[data-my-state=available]")).to_be_visible()
    await expect(olga.locator("[data-offer]")).to_contain_text("Question 3")

    # Somebody takes it from the list: it is offered no more, and Olga stays available.
    await admin.goto(f"{served.url}/tickets/unassigned/3")
    await expect(admin.get_by_role("heading", name="Question 3")).to_be_visible()
    await admin.keyboard.press("i")
    await expect(olga.locator("[data-offer]")).to_have_count(0)
    await expect(olga.locator("[data-my-state=available]")).to_be_visible()

    # The report of today says what became of the three, and its numbers open into them.
    await admin.goto(f"{served.url}/reports")
    entered = admin.locator("[data-row='total'] [data-cell='volume.entered']")
    await expect(entered).to_have_text("3")
    await expect(admin.locator("[data-row='total'] [data-cell='rona']")).to_have_text("20%")
    await entered.get_by_role("button").click()
    await expect(admin.locator("[data-stay]")).to_have_count(3)
    await admin.locator("[data-stay]").first.get_by_role("link").click()
    await expect(admin.get_by_role("heading", name="Question 1")).to_be_visible()


async def test_two_at_one_question(browser: Browser, served: Served) -> None:
    """Each sees that the other is here and writes; who began before the other answered is warned, and nothing goes out by chance."""
    admin = await first_log_in(browser, served)
    anna = await colleague(browser, admin.request, served, "Anna")
    write(served, 1)
    await expect(admin.locator("[data-ticket-row]")).to_have_count(1)
    for page in (admin, anna):
        await page.goto(f"{served.url}/tickets/all/1")
        await expect(page.locator("[data-entry]").first).to_be_visible()
    await expect(anna.locator("[data-company]")).to_contain_text("Ada Admin is looking at this too")
    await admin.locator("textarea").first.press_sequentially("It is on its way")
    await expect(anna.locator("[data-company]")).to_contain_text("Ada Admin is writing")
    await anna.locator("textarea").first.press_sequentially("I shall look")
    await admin.keyboard.press("Control+Enter")
    for page in (admin, anna):
        await expect(page.locator("[data-entry]", has_text="It is on its way")).to_be_visible()
    await expect(anna.locator("[data-overtaken]")).to_contain_text("Ada Admin answered")

    await anna.locator("textarea").first.focus()
    await anna.keyboard.press("Control+Enter")
    await expect(anna.locator(".toast.error")).to_contain_text("A colleague has answered meanwhile")
    await expect(anna.locator("textarea").first).to_have_value("I shall look")
    await expect(admin.locator("[data-entry]", has_text="I shall look")).to_have_count(0)
    await anna.get_by_role("button", name="Send mine all the same").click()
    await anna.locator("textarea").first.focus()
    await anna.keyboard.press("Control+Enter")
    await expect(admin.locator("[data-entry]", has_text="I shall look")).to_be_visible()
    # What is sent leaves the field: the next key is a command, and never the first letter of the next letter.
    await expect(anna.locator("textarea").first).not_to_be_focused()


async def test_a_text_that_is_written_often(browser: Browser, served: Served) -> None:
    """Kept once, put in by two keys and a letter, with the customer's name and nobody else's."""
    page = await first_log_in(browser, served)
    await page.goto(f"{served.url}/setup/texts")
    await page.get_by_placeholder("Title").fill("Greeting")
    await page.get_by_label("Text", exact=True).fill("Dear {{contact.name}}, we look into #{{ticket.number}}.")
    await page.get_by_role("button", name="Add").click()
    await expect(page.locator("[data-text]")).to_have_count(1)
    write(served, 1)
    await page.goto(f"{served.url}/tickets/open")
    await expect(page.locator("[data-ticket-row]")).to_have_count(1)
    await page.goto(f"{served.url}/tickets/all/1")
    await expect(page.locator("[data-entry]").first).to_be_visible()
    await page.keyboard.press("r")
    await expect(page.locator("textarea").first).to_be_focused()
    await page.keyboard.press("/")
    await expect(page.locator("[data-canned]")).to_have_count(1)
    await page.keyboard.type("greet")
    await page.keyboard.press("Enter")
    await expect(page.locator("textarea").first).to_have_value("Dear Customer 1, we look into #1.")
    await expect(page.locator("textarea").first).to_be_focused()


async def test_a_ticket_is_put_off(browser: Browser, served: Served) -> None:
    """Two keys put it off until tomorrow with its next step; it is out of the open list, and the customer's word brings it back."""
    page = await first_log_in(browser, served)
    write(served, 1)
    await page.locator("[data-ticket-row]").first.click()
    await expect(page.locator("[data-entry]").first).to_be_visible()
    await page.mouse.move(900, 300)  # a list under the pointer holds still
    await page.keyboard.press("s")
    await expect(page.get_by_label("What is to be done then")).to_be_focused()
    await page.keyboard.type("Ask the warehouse")
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-snoozed]")).to_be_visible()
    await expect(page.locator("[data-next-step]")).to_contain_text("Ask the warehouse")
    await expect(page.locator("[data-ticket-row]")).to_have_count(0)
    answer = a_mail(
        sender="Customer 1 <s1@example.org>", subject="Re: Question 1", message_id="<again@example.org>", answers="<s1@example.org>"
    )
    with smtplib.SMTP("127.0.0.1", served.mail_port) as client:
        client.send_message(answer)
    await expect(page.locator("[data-snoozed]")).to_have_count(0)
    await expect(page.locator("[data-ticket-row]")).to_have_count(1)
