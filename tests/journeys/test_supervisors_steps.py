"""What supervisors do most, in a browser: how many clicks and keys each takes is promised in docs/console.md."""

import re
import smtplib
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from contact_center.testing import a_mail
from tests.journeys.conftest import Served, first_log_in
from tests.journeys.test_one_person_journey import make
from tests.journeys.test_shift_journey import available, colleague

pytestmark = pytest.mark.journey
PAGE = Path(__file__).parents[2] / "docs" / "console.md"


class Steps:
    """Counts what somebody does; text that is written is not counted."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.taken: dict[str, int] = {}
        self._steps = 0

    async def click(self, what: Locator) -> None:
        self._steps += 1
        await what.click()

    async def press(self, key: str) -> None:
        self._steps += 1
        await self.page.keyboard.press(key)

    def done(self, what: str) -> None:
        self.taken[what], self._steps = self._steps, 0


def promised() -> dict[str, int]:
    """The table of the page: what is done, and by how many steps."""
    return {what: int(steps) for what, steps in re.findall(r"^\| ([^|]+) \| [^|]* \| (\d+) steps? \|", PAGE.read_text(), re.M)}


async def test_a_supervisors_five(browser: Browser, served: Served) -> None:
    """Each takes as many steps as the page says, from wherever one is."""
    page = await first_log_in(browser, served)
    await make(page.context.request, "/api/v1/queues", name="Sales")
    assert (await page.context.request.patch("/api/v1/queues/1", data={"offers": True})).ok
    boris = await colleague(browser, page.context.request, served, "Boris")
    await available(boris)
    await make(page.context.request, "/api/v1/aux-codes", name="Lunch", paid=False)
    for n in (1, 2):
        mail = a_mail(sender=f"Customer {n} <c{n}@example.org>", subject=f"Question {n}", message_id=f"<k{n}@example.org>")
        with smtplib.SMTP("127.0.0.1", served.mail_port) as client:
            client.send_message(mail)
        await expect(page.locator("[data-ticket-row]")).to_have_count(n)
    steps = Steps(page)

    await steps.click(page.get_by_role("link", name="Board"))
    await expect(page.locator("[data-figure=oldest]")).to_contain_text("min")
    steps.done("See who waits longest, and how long")

    await steps.click(page.locator("[data-agent]", has_text="Boris").locator("[data-stands]"))
    await steps.click(page.get_by_role("menuitem", name="Lunch", exact=True))
    await expect(boris.locator("[data-my-state=aux]")).to_be_visible()
    steps.done("Send a colleague on a break")

    await steps.click(page.get_by_role("button", name=re.compile("Support")))
    await steps.click(page.get_by_role("menuitem", name=re.compile("Sales")))
    await expect(page.locator("[data-queue]", has_text="Support").locator(".over")).to_contain_text("Sales")
    steps.done("Let a queue overflow until the end of the shift")

    await steps.click(page.locator("[data-figure=oldest]"))
    await expect(page.get_by_role("heading", name="Question 1")).to_be_visible()
    await steps.press("a")
    await page.keyboard.type("Bo")
    await steps.press("Enter")
    await expect(page.locator(".head .facts")).to_contain_text("Boris")
    steps.done("Give what waits longest to somebody")

    await steps.click(page.get_by_role("link", name="Reports"))
    await expect(page.locator("table tbody tr").first).to_contain_text("Support")
    steps.done("See how today went, by queue")
    assert steps.taken == promised()
