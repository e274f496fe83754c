"""A line that is slow, and answers out of order: what one does next means what one sees, and nothing is overtaken."""

import asyncio
import re
import smtplib
from collections.abc import Callable

import pytest
from playwright.async_api import Browser, Page, Route, expect

from contact_center.testing import a_mail
from tests.journeys.conftest import Served, first_log_in
from tests.journeys.test_shift_journey import available, colleague

pytestmark = pytest.mark.journey


def write(served: Served, *numbers: int) -> None:
    for number in numbers:
        mail = a_mail(
            sender=f"Customer {number} <s{number}@example.org>", subject=f"Question {number}", message_id=f"<s{number}@example.org>"
        )
        with smtplib.SMTP("127.0.0.1", served.mail_port) as client:
            client.send_message(mail)


async def slow(page: Page, path: str, wanted: Callable[[Route], bool] = lambda _: True, *, first: int = 99) -> None:
    """The first so many of these requests reach the server a second late."""
    left = [first]

    async def late(route: Route) -> None:
        if wanted(route) and left[0]:
            left[0] -= 1
            await asyncio.sleep(1)
        await route.continue_()

    await page.route(path, late)


def changes(route: Route) -> bool:
    return route.request.method == "PATCH"


async def one_open(browser: Browser, served: Served) -> Page:
    page = await first_log_in(browser, served)
    write(served, 1)
    await page.locator("[data-ticket-row]").click()
    await expect(page.get_by_role("heading", name="Question 1")).to_be_visible()
    return page


async def status(page: Page, ticket: int = 1) -> str:
    return str((await (await page.request.get(f"/api/v1/tickets/{ticket}")).json())["status"])


async def test_undoing_means_what_was_done_last(browser: Browser, served: Served) -> None:
    """Z while the server is still being told: what was done is taken back when it is there, and not what was done before it."""
    page = await one_open(browser, served)
    await page.keyboard.press("s")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(page.locator(".toast")).to_be_visible()
    await slow(page, "**/api/v1/tickets/1", changes, first=1)
    await page.keyboard.press("e")
    await page.keyboard.press("z")
    await expect(page.locator(".toast")).to_have_count(1)
    await expect(page.locator("[data-snoozed]")).to_be_visible()
    await asyncio.sleep(1.5)
    await expect(page.locator("[data-snoozed]")).to_be_visible()
    assert await status(page) == "waiting"


async def test_nothing_is_overtaken(browser: Browser, served: Served) -> None:
    """Put off and then resolved, and only the first is slow: it ends resolved, on the screen and at the server."""
    page = await one_open(browser, served)
    await slow(page, "**/api/v1/tickets/1", changes, first=1)
    await page.keyboard.press("Shift+S")
    await page.keyboard.press("e")
    await expect(page.locator(".toast", has_text="Resolved")).to_be_visible()
    await expect(page.locator("[data-snoozed]")).to_have_count(0)
    assert await status(page) == "resolved"


@pytest.mark.parametrize("where", ["the command box", "the search"])
async def test_enter_means_the_words_that_stand_there(browser: Browser, served: Served, where: str) -> None:
    """What an earlier, shorter question found is on screen when somebody has typed on and presses Enter: it goes to what they typed."""
    page = await first_log_in(browser, served)
    write(served, 1, 2, 3)
    await expect(page.locator("[data-ticket-row]")).to_have_count(3)
    if where == "the search":
        await page.goto("/search")
    else:
        await page.keyboard.press("Control+k")
    await page.locator("input.box").focus()
    await page.keyboard.type("Question")
    options = page.get_by_role("option", name=re.compile("Question"))
    await expect(options.nth(2)).to_be_visible()
    shown = await options.first.inner_text()
    last = next(number for number in "123" if f"Question {number}" not in shown)
    await slow(page, "**/api/v1/search?*")
    await page.keyboard.type(f" {last}")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name=f"Question {last}")).to_be_visible()


async def test_enter_is_forgotten_with_the_box(browser: Browser, served: Served) -> None:
    """Enter, and then Esc before the answer came: nobody is led anywhere when it comes."""
    page = await first_log_in(browser, served)
    write(served, 1)
    await expect(page.locator("[data-ticket-row]")).to_have_count(1)
    await slow(page, "**/api/v1/search?*")
    await page.keyboard.press("Control+k")
    await page.locator("input.box").focus()
    async with page.expect_request("**/api/v1/search?*"):
        await page.keyboard.type("Question 1")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await asyncio.sleep(1.5)
    assert page.url.endswith("/tickets/open")


async def test_what_was_gone_to_in_an_older_answer_is_not_opened(browser: Browser, served: Served) -> None:
    """The arrow went down in what the shorter question found; whoever types on and presses Enter means the new words all the same."""
    page = await first_log_in(browser, served)
    write(served, 1, 2, 3)
    await expect(page.locator("[data-ticket-row]")).to_have_count(3)
    await page.goto("/search")
    await page.locator("input.box").focus()
    await page.keyboard.type("Question")
    await expect(page.get_by_role("option", name=re.compile("Question")).nth(2)).to_be_visible()
    for _ in range(2):
        await page.keyboard.press("ArrowDown")
    await slow(page, "**/api/v1/search?*")
    await page.keyboard.type(" 2")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Question 2")).to_be_visible()


async def test_there_is_nothing_to_undo_of_what_the_server_refused(browser: Browser, served: Served) -> None:
    """Z while a deed is on its way that fails: the ticket stays as it was, and what was done before it is not undone in its place."""
    page = await one_open(browser, served)
    await page.keyboard.press("Shift+S")
    await expect(page.locator("[data-snoozed]")).to_be_visible()
    await expect(page.locator(".toast")).to_be_visible()

    async def refused(route: Route) -> None:
        await asyncio.sleep(0.5)
        await (route.abort() if changes(route) else route.continue_())

    await page.route("**/api/v1/tickets/1", refused)
    await page.keyboard.press("e")
    await page.keyboard.press("z")
    await expect(page.locator(".toast.error")).to_be_visible()
    await expect(page.locator("[data-snoozed]")).to_be_visible()
    await page.unroute("**/api/v1/tickets/1")
    assert await status(page) == "waiting"


async def test_a_list_that_could_not_be_fetched_comes_with_the_line(browser: Browser, served: Served) -> None:
    """The network goes, a list is asked for and cannot come: it is there when the network is back, though nobody asks again."""
    page = await first_log_in(browser, served)
    write(served, 1, 2)
    rows = page.locator("[data-ticket-row]")
    await expect(rows).to_have_count(2)
    ada = (await (await page.request.get("/api/v1/me")).json())["user"]["id"]
    assert (await page.request.patch("/api/v1/tickets/1", data={"assignee_id": ada})).ok
    await expect(page.get_by_role("link", name=re.compile("^Mine"))).to_contain_text("1")
    await page.context.set_offline(True)
    await page.get_by_role("link", name=re.compile("^Unassigned")).click()
    await expect(page.locator(".toast.error")).to_be_visible()
    await expect(page.locator(".rows.leaving")).to_be_visible()
    await page.context.set_offline(False)
    await expect(rows).to_have_count(1)
    await expect(page.locator(".rows.leaving")).to_have_count(0)


async def test_rows_of_another_list_cannot_be_opened(browser: Browser, served: Served) -> None:
    """While a list is on its way the rows of the last one stay, and neither a click nor a key opens one of them."""
    page = await first_log_in(browser, served)
    write(served, 1)
    await expect(page.locator("[data-ticket-row]")).to_have_count(1)
    await slow(page, "**/api/v1/tickets?*view=mine*")
    await page.get_by_role("link", name="Mine", exact=True).click()
    await expect(page.locator(".rows.leaving")).to_be_visible()
    await page.keyboard.press("j")
    await page.locator("[data-ticket-row]").click(force=True)
    await expect(page.locator("[data-ticket-row]")).to_have_count(0)
    assert page.url.endswith("/tickets/mine")


async def test_an_accepted_ticket_is_there_at_once(browser: Browser, served: Served) -> None:
    """Y and R: the reply is begun in what was accepted, though the server has not answered; a refusal leads back where one was."""
    page = await first_log_in(browser, served)
    assert (await page.request.patch("/api/v1/queues/1", data={"offers": True})).ok
    boris = await colleague(browser, page.request, served, "Boris")
    await available(boris)
    write(served, 1)
    await expect(boris.locator("[data-offer]")).to_be_visible()
    await expect(boris.locator("[data-offer]")).to_contain_text("Question 1")
    await slow(boris, "**/api/v1/offers/*/accept", first=1)
    await boris.keyboard.press("y")
    await boris.keyboard.press("r")
    await boris.keyboard.type("At once")
    await expect(boris.get_by_role("textbox", name="Reply")).to_have_value("At once")
    await expect(boris.locator(".head .facts")).to_contain_text("Boris")

    await boris.keyboard.press("Escape")
    await boris.goto("/people")
    write(served, 2)
    await expect(boris.locator("[data-offer]")).to_contain_text("Question 2")

    async def refused(route: Route) -> None:
        await asyncio.sleep(0.5)
        await route.abort()

    await boris.unroute_all(behavior="wait")
    await boris.route("**/api/v1/offers/*/accept", refused)
    await boris.keyboard.press("y")
    await boris.wait_for_url("**/tickets/mine/2")
    await boris.wait_for_url("**/people")
    await expect(boris.locator("[data-offer]")).to_be_visible()


async def test_what_was_done_is_told_though_the_page_goes(browser: Browser, served: Served) -> None:
    """Resolved, and the tab closed in the same moment: it is resolved."""
    page = await one_open(browser, served)
    other = await page.context.new_page()
    await page.keyboard.press("e")
    await page.close()
    for _ in range(50):
        if (found := await status(other)) == "resolved":
            break
        await asyncio.sleep(0.1)
    assert found == "resolved"
