"""The commonest actions by keyboard alone: how many keys each takes is promised in docs/console.md, milliseconds are told."""

import re
import smtplib
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from contact_center.testing import a_mail
from tests.journeys.conftest import Served, first_log_in
from tests.journeys.test_one_person_journey import call, make
from tests.journeys.timing import Hands

pytestmark = pytest.mark.journey
PAGE = Path(__file__).parents[2] / "docs" / "console.md"
FACTS = "document.querySelector('.head .facts').innerText"
ENTRIES = "[...document.querySelectorAll('[data-entry]')]"


def said(text: str) -> str:
    """Whether an entry with this text is drawn."""
    return f"{ENTRIES}.some(entry => entry.innerText.includes('{text}'))"


def promised() -> dict[str, int]:
    """The table of the page: what is done, and by how many keys."""
    rows = re.findall(r"^\| ([^|]+) \| [^|]*`[^|]* \| (\d+) \|", PAGE.read_text(), re.M)
    return {what: int(keys) for what, keys in rows}


async def world(page: Page, served: Served, log: Path) -> None:
    """Three mails, a missed call, a colleague, a second queue and a text that is written often."""
    admin = page.context.request
    sales = await make(admin, "/api/v1/queues", name="Sales")
    await make(admin, "/api/v1/users", name="Boris", email="boris@example.org", role="agent", queue_ids=[1, sales["id"]])
    calls = {"cdr_file": str(log), "cdr_format": "master", "our_numbers": "74950000118"}
    await make(admin, "/api/v1/channels", kind="telephony", name="PBX", address="office", queue_id=1, options=calls)
    call(log, 1, answered=False)
    await expect(page.locator("[data-ticket-row]")).to_have_count(1, timeout=30000)
    await make(admin, "/api/v1/canned-replies", title="Delivery", text="It takes ten days.")
    write(served, 1, 2, 3)
    await expect(page.locator("[data-ticket-row]")).to_have_count(4)


def write(served: Served, *numbers: int) -> None:
    """Customers write."""
    with smtplib.SMTP("127.0.0.1", served.mail_port) as client:
        for n in numbers:
            mail = a_mail(
                sender=f"Customer {n} <c{n}@example.org>", subject=f"Question {n}", text=f"Text of {n}", message_id=f"<k{n}@example.org>"
            )
            client.send_message(mail)


async def test_a_days_actions_without_a_mouse(browser: Browser, served: Served, tmp_path: Path) -> None:
    """Each takes as many keys as the page says; whoever changes a key changes the page."""
    page = await first_log_in(browser, served)
    log = tmp_path / "Master.csv"
    log.touch()
    await world(page, served, log)
    keys: dict[str, int] = {}
    times: dict[str, float] = {}
    hands = Hands(page)

    def done(what: str, milliseconds: float) -> None:
        keys[what], times[what] = len(hands.keys), milliseconds
        hands.keys.clear()

    done("Open the next waiting ticket", await hands.last("j", said("Text of 3")))
    done("Take it", await hands.last("i", f"{FACTS}.includes('Ada Admin')"))

    await hands.press("n")
    await hands.write("jkeqmz are letters here")
    done("Write a private note", await hands.last("Control+Enter", said("jkeqmz are letters here")))
    await page.keyboard.press("Escape")

    await hands.press("r")
    await hands.write("It left today")
    done("Reply", await hands.last("Control+Enter", said("It left today")))
    await expect(page.get_by_role("button", name="Undo")).to_be_visible()
    done("Call the reply back", await hands.last("Control+z", "document.querySelector('textarea').value === 'It left today'"))
    await page.keyboard.press("Escape")

    await page.get_by_role("textbox", name="Reply").fill("")
    await hands.press("/")
    await hands.write("Del")
    await expect(page.locator("[data-canned]")).to_have_count(1)
    done("Put in a text that is written often", await hands.last("Enter", "document.querySelector('textarea').value.includes('ten days')"))
    await page.get_by_role("textbox", name="Reply").fill("")
    await page.keyboard.press("Escape")

    await hands.press("a")
    await hands.write("Bo")
    done("Assign to a colleague", await hands.last("Enter", f"{FACTS}.includes('Boris')"))
    await hands.press("q")
    await hands.write("Sa")
    done("Move to another queue", await hands.last("Enter", f"{FACTS}.includes('Sales')"))

    await hands.press("m")
    await hands.write("Customer 2")
    await expect(page.get_by_role("dialog").locator("li button")).to_have_count(1)
    await hands.press("Enter")
    await expect(page.get_by_role("dialog").get_by_role("button", name="Join", exact=True)).to_be_focused()
    joined = "!document.querySelector('[role=dialog]') && !!document.querySelector('.panel .merged')"
    done("Join with another person", await hands.last("Enter", joined))
    await expect(page.locator("[data-entry]", has_text="Text of 2")).to_be_visible()

    await hands.press("Control+k")
    await hands.write("8 (916) 123-45-67")
    await expect(page.get_by_role("option").first).to_contain_text("916")
    done(
        "Find a person by number",
        await hands.last("Enter", "location.pathname.startsWith('/people/') && !!document.querySelector('.panel .points')"),
    )

    await page.goto("/tickets/open")
    await page.locator("[data-ticket-row]").first.wait_for()
    await page.keyboard.press("j")
    await expect(page.locator(".head .facts")).to_contain_text("Open")
    done("Put off until tomorrow", await hands.last("Shift+S", "!!document.querySelector('[data-snoozed]')"))

    write(served, 4, 5)
    await expect(page.locator("[data-ticket-row]")).to_have_count(5)
    await page.goto("/tickets/open")
    await page.locator("[data-ticket-row]").first.wait_for()
    await page.keyboard.press("j")
    await expect(page.get_by_role("heading", name="Question 5")).to_be_visible()
    following = (
        "document.querySelector('.head h1').innerText === 'Question 4' && document.querySelectorAll('[data-ticket-row]').length === 4"
    )
    done("Resolve and open the next", await hands.last("Shift+E", following))
    await hands.press("r")
    await hands.write("Solved it")
    done("Reply and resolve", await hands.last("Control+Shift+Enter", said("Solved it")))
    await page.goto("/tickets/open")
    await expect(page.locator("[data-ticket-row]")).to_have_count(3)
    for _ in range(3):  # the missed call is the oldest
        await page.keyboard.press("j")
        await page.wait_for_timeout(100)
    await expect(page.locator('[data-call]:not([data-call="answered"])')).to_have_count(1)
    gone = "document.querySelectorAll('[data-ticket-row]').length === 2 && " + f"{FACTS}.includes('Resolved')"
    done("Resolve; a missed call is done with", await hands.last("e", gone))

    print("\n" + "\n".join(f"{what}: {keys[what]} keys, {times[what]:.0f} ms" for what in keys))
    assert keys == promised()
    assert len(keys) == 14
