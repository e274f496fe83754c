"""Two colleagues work a ticket: what one was writing survives kill -9 and is taken over, a mention is heard, a hand-over is read."""

import asyncio
import smtplib

import pytest
from playwright.async_api import Browser, Page, expect

from contact_center.testing import a_mail
from tests.journeys.conftest import Served, first_log_in
from tests.journeys.test_one_person_journey import make
from tests.journeys.test_shift_journey import colleague, write

pytestmark = pytest.mark.journey


async def saved(page: Page) -> None:
    """Wait until the server has answered that the draft is kept."""
    async with page.expect_response(lambda answer: answer.url.endswith("/drafts") and answer.ok, timeout=15000):
        pass


async def open_ticket(page: Page, words: str) -> None:
    row = page.locator("[data-ticket-row]", has_text=words)
    await row.click(timeout=20000)
    await expect(page.get_by_role("heading", name=words)).to_be_visible()


async def test_what_was_written_is_there_for_whoever_goes_on(browser: Browser, served: Served) -> None:
    """Saved is saved: kill -9 at once after loses nothing. In another browser the draft goes on, a colleague takes it over with a
    line in the history, and of two windows of one person the later one is asked."""
    ada = await first_log_in(browser, served)
    boris = await colleague(browser, ada.request, served, "Boris")
    write(served, 1)
    await open_ticket(ada, "Question 1")
    await ada.keyboard.press("r")
    async with ada.expect_response(lambda answer: answer.url.endswith("/drafts") and answer.ok):
        await ada.keyboard.type("We have looked into it, and")
    served.kill()
    served.start()

    # Another browser of Ada's: nothing is stored there.
    state = await ada.context.storage_state()
    other_context = await browser.new_context(
        viewport={"width": 1440, "height": 900}, base_url=served.url, locale="en-GB", storage_state={"cookies": state["cookies"]}
    )
    other = await other_context.new_page()
    await other.goto("/tickets/open")
    await open_ticket(other, "Question 1")
    field = other.get_by_role("textbox", name="Reply")
    await expect(field).to_have_value("We have looked into it, and", timeout=10000)

    # Both windows write on: the later one is told, and chooses.
    await field.focus()
    async with other.expect_response(lambda answer: answer.url.endswith("/drafts") and answer.ok):
        await other.keyboard.press("End")
        await other.keyboard.type(" it is found.")
    await ada.get_by_role("textbox", name="Reply").focus()
    await ada.keyboard.type(" it was lost.")
    conflict = ada.locator("[data-conflict]")
    await expect(conflict).to_contain_text("it is found.", timeout=15000)
    await conflict.get_by_role("button", name="Take the other one").click()
    await expect(ada.get_by_role("textbox", name="Reply")).to_have_value("We have looked into it, and it is found.")
    await other_context.close()

    # A colleague takes it over.
    await open_ticket(boris, "Question 1")
    await boris.locator("[data-left-draft]").get_by_role("button", name="Take it over").click()
    await expect(boris.get_by_role("textbox", name="Reply")).to_have_value("We have looked into it, and it is found.")
    await expect(ada.locator(".change", has_text="took over Ada Admin’s draft")).to_be_visible()
    await expect(ada.get_by_role("textbox", name="Reply")).to_have_value("", timeout=10000)
    await boris.get_by_role("textbox", name="Reply").focus()
    await boris.keyboard.press("Control+Enter")
    await expect(ada.locator("[data-entry]", has_text="it is found.")).to_be_visible()
    await expect(boris.locator("[data-left-draft]")).to_have_count(0)


async def test_what_is_written_without_a_network_goes_up_later(browser: Browser, served: Served) -> None:
    """The words stay where they are, and are on the server when the line is back, without a key pressed."""
    ada = await first_log_in(browser, served)
    write(served, 1)
    await open_ticket(ada, "Question 1")
    await ada.keyboard.press("r")
    await ada.context.set_offline(True)
    await ada.keyboard.type("Written in a tunnel")
    await asyncio.sleep(2)
    await ada.context.set_offline(False)
    for _ in range(60):
        desk = await (await ada.request.get("/api/v1/tickets/1/desk")).json()
        if desk["mine"]:
            break
        await asyncio.sleep(0.5)
    assert [draft["text"] for draft in desk["mine"]] == ["Written in a tunnel"]


async def test_a_mention_and_a_hand_over(browser: Browser, served: Served) -> None:
    """By keyboard: @ and two letters name a colleague, whose rail counts it until they open it; a queue that wants a note gets one,
    and it stands at the top until whoever got the ticket answers."""
    ada = await first_log_in(browser, served)
    boris = await colleague(browser, ada.request, served, "Boris")
    write(served, 1)
    write(served, 2)
    await open_ticket(ada, "Question 1")
    await ada.keyboard.press("n")
    await ada.keyboard.type("Ask @bo")
    await expect(ada.locator("[data-mention]")).to_have_count(1)
    await ada.keyboard.press("Enter")
    await expect(ada.get_by_role("textbox", name="Private note")).to_have_value("Ask @Boris ")
    await ada.keyboard.press("Control+Enter")
    unread = boris.locator("[data-unread]")
    await expect(unread).to_have_text("1")
    await boris.reload()
    await expect(unread).to_have_text("1")
    await boris.keyboard.press("g")
    await boris.keyboard.press("f")
    await expect(boris.locator("[data-notice]")).to_contain_text("Ada Admin mentioned you")
    await boris.keyboard.press("Enter")
    await expect(boris.get_by_role("heading", name="Question 1")).to_be_visible()
    await expect(unread).to_have_count(0)
    await expect(boris.locator("[data-watch]")).to_have_attribute("aria-pressed", "true")
    await boris.keyboard.press("w")
    await expect(boris.locator("[data-watch]")).to_have_attribute("aria-pressed", "false")

    answer = await ada.request.patch("/api/v1/queues/1", data={"wants_handover": True})
    assert answer.ok
    await make(ada.request, "/api/v1/queues", name="Sales")
    await ada.locator("body").click(position={"x": 5, "y": 5})
    await asyncio.sleep(0.2)
    await ada.keyboard.press("a")
    await ada.keyboard.type("Bo")
    await ada.keyboard.press("Enter")
    await ada.get_by_role("dialog").get_by_role("textbox").fill("Promised an answer by noon")
    await ada.keyboard.press("Control+Enter")
    note = boris.locator("[data-handover]")
    await expect(note).to_contain_text("Promised an answer by noon")
    await expect(note).to_contain_text("Handed over by Ada Admin")
    await boris.keyboard.press("r")
    await boris.keyboard.type("Here it is")
    await boris.keyboard.press("Control+Enter")
    await expect(note).to_have_count(0)


async def test_a_note_is_left_where_it_was_meant(browser: Browser, served: Served) -> None:
    """Who has passed a ticket on and gone to the next leaves the note at the one that was passed on."""
    ada = await first_log_in(browser, served)
    await colleague(browser, ada.request, served, "Boris")
    write(served, 1)
    write(served, 2)
    await expect(ada.locator("[data-ticket-row]")).to_have_count(2)
    await open_ticket(ada, "Question 1")
    await ada.keyboard.press("a")
    await ada.keyboard.type("Bo")
    await ada.keyboard.press("Enter")
    await expect(ada.get_by_text("Passed on to Boris")).to_be_visible()
    await open_ticket(ada, "Question 2")
    await ada.keyboard.press("z")
    await ada.get_by_role("dialog").get_by_role("textbox").fill("Promised an answer by noon")
    await ada.get_by_role("button", name="Leave a note").last.click()
    await expect(ada.get_by_role("dialog")).to_have_count(0)
    desks = [await (await ada.request.get(f"/api/v1/tickets/{number}/desk")).json() for number in (1, 2)]
    by_subject = {(await (await ada.request.get(f"/api/v1/tickets/{number}")).json())["subject"]: desks[number - 1] for number in (1, 2)}
    assert by_subject["Question 1"]["handover"]["text"] == "Promised an answer by noon"
    assert by_subject["Question 2"]["handover"] is None


async def test_what_was_put_off_comes_back_as_it_was(browser: Browser, served: Served) -> None:
    """Z takes putting off back at once; and whoever resolves by mistake what was put off has its next step and its time again."""
    ada = await first_log_in(browser, served)
    write(served, 1)
    await open_ticket(ada, "Question 1")
    await ada.keyboard.press("s")
    await ada.keyboard.type("ask the warehouse")
    await ada.keyboard.press("Enter")
    await expect(ada.locator("[data-snoozed]")).to_be_visible()
    await ada.keyboard.press("z")
    await expect(ada.locator("[data-snoozed]")).to_have_count(0)
    await expect(ada.locator("[data-next-step]")).to_have_count(0)

    await ada.keyboard.press("s")
    await ada.keyboard.type("ask the warehouse")
    await ada.keyboard.press("Enter")
    until = await ada.locator("[data-snoozed]").inner_text()
    await ada.keyboard.press("e")
    await expect(ada.locator("[data-snoozed]")).to_have_count(0)
    await ada.keyboard.press("z")
    await expect(ada.locator("[data-snoozed]")).to_have_text(until)
    await expect(ada.locator("[data-next-step]")).to_contain_text("ask the warehouse")


async def test_two_matters_and_one(browser: Browser, served: Served) -> None:
    """Two tickets of one customer are made one and taken apart again; what a merge brought is split off as a ticket of its own; and
    tickets of two customers are linked, in words on both sides."""
    ada = await first_log_in(browser, served)
    write(served, 1)
    with smtplib.SMTP("127.0.0.1", served.mail_port) as client:
        client.send_message(
            a_mail(sender="Customer 1 <s1@example.org>", subject="Invoice", text="And the invoice?", message_id="<i@example.org>")
        )
    write(served, 2)
    rows = ada.locator("[data-ticket-row]")
    await expect(rows).to_have_count(3, timeout=20000)
    await open_ticket(ada, "Question 1")

    async def find(words: str) -> None:
        await ada.keyboard.press("l")
        await ada.get_by_role("dialog").get_by_role("searchbox").fill(words)
        await expect(ada.locator("[data-found-ticket]")).to_have_count(1)
        await ada.keyboard.press("Enter")

    await find("Invoice")
    await ada.locator("[data-merge]").click()
    await expect(rows).to_have_count(2)
    await ada.get_by_role("button", name="Take the merge back").click()
    await expect(rows).to_have_count(3)
    await find("Invoice")
    await ada.locator("[data-merge]").click()
    await expect(rows).to_have_count(2)
    entry = ada.locator("[data-entry]", has_text="And the invoice?")
    await entry.get_by_role("button", name="What can be done with this entry").click()
    await ada.get_by_role("menuitem", name="Split off as a ticket of its own").click()
    await ada.get_by_role("button", name="Open it").click()
    await expect(ada.locator("[data-linked=split_from]")).to_have_text("Split from #1")
    await find("Question 2")
    await expect(ada.locator("[data-merge]")).to_have_count(0)
    await ada.locator("[data-link=duplicate_of]").click()
    await ada.locator("[data-linked=duplicate_of] a").click()
    await expect(ada.locator("[data-linked=duplicated_by]")).to_be_visible()
