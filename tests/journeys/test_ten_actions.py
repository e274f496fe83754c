"""The ten commonest actions by keyboard alone: how many keys each takes is promised in docs/console.md, milliseconds are told."""

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
    """Three mails, a missed call, a colleague and a second queue."""
    admin = page.context.request
    sales = await make(admin, "/api/v1/queues", name="Sales")
    await make(admin, "/api/v1/users", name="Boris", email="boris@example.org", role="agent", queue_ids=[1, sales["id"]])
    calls = {"cdr_file": str(log), "cdr_format": "master", "our_numbers": "74950000118"}
    await make(admin, "/api/v1/channels", kind="telephony", name="PBX", address="office", queue_id=1, options=calls)
    call(log, 1, answered=False)
    await expect(page.locator("[data-ticket-row]")).to_have_count(1, timeout=30000)
    with smtplib.SMTP("127.0.0.1", served.mail_port) as client:
        for n in (1, 2, 3):
            mail = a_mail(
                sender=f"Customer {n} <c{n}@example.org>", subject=f"Question {n}", text=f"Text of {n}", message_id=f"<k{n}@example.org>"
            )
            client.send_message(mail)
    await expect(page.locator("[data-ticket-row]")).to_have_count(4)


async def test_ten_actions_without_a_mouse(browser: Browser, served: Served, tmp_path: Path) -> None:
    """Each of the ten takes as many keys as the page says; whoever changes a key changes the page."""
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
    for _ in range(4):  # the missed call is the oldest
        await page.keyboard.press("j")
        await page.wait_for_timeout(100)
    await expect(page.locator('[data-call]:not([data-call="answered"])')).to_have_count(1)
    gone = "document.querySelectorAll('[data-ticket-row]').length === 3 && " + f"{FACTS}.includes('Resolved')"
    done("Resolve; a missed call is done with", await hands.last("e", gone))

    print("\n" + "\n".join(f"{what}: {keys[what]} keys, {times[what]:.0f} ms" for what in keys))
    assert keys == promised()
    assert len(keys) == 10
