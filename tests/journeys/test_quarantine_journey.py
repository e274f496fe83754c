"""What no parser understood waits for a person: an agent finds it, reads it, makes a ticket of it, and the books balance."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.journeys.conftest import PASSWORD, Served, first_log_in
from tests.journeys.test_console_journey import no_violations
from tests.journeys.test_one_person_journey import make

pytestmark = pytest.mark.journey
# A call that the exchange recorded in a layout of another release: nothing is lost but its meaning.
ODD = '"Anna Smirnova" <+79161234567>;2026-11-20 10:11:12;asked for a call back about order 117'


async def agent_of(browser: Browser, served: Served, admin: Page, name: str, queue_ids: list[int]) -> Page:
    """An agent's console, opened by the link that the administrator gave them."""
    made = await make(
        admin.context.request, "/api/v1/users", name=name, email=f"{name.lower()}@example.org", role="agent", queue_ids=queue_ids
    )
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, base_url=served.url, locale="en-GB")
    page = await context.new_page()
    await page.goto(f"/invitation{made['url'].partition('/invitation')[2]}")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Save and sign in").click()
    await page.get_by_role("link", name="Unassigned").wait_for()
    return page


async def figures(page: Page, account: str) -> dict[str, int]:
    """What the page of books says of an account, fate by fate."""
    card = page.locator("[data-books]", has_text=account)
    return {str(await each.get_attribute("data-fate")): int(await each.inner_text()) for each in await card.locator("[data-fate]").all()}


async def test_an_agent_reads_what_no_parser_could(browser: Browser, served: Served, tmp_path: Path) -> None:
    """A line of a call log in an unknown layout appears, is read, becomes a ticket with its original, and nothing is missing."""
    admin = await first_log_in(browser, served)
    other = await make(admin.context.request, "/api/v1/queues", name="Sales")
    anna, boris = await agent_of(browser, served, admin, "Olga", [1]), await agent_of(browser, served, admin, "Boris", [other["id"]])
    log = tmp_path / "Master.csv"
    log.touch()
    calls = {"cdr_file": str(log), "cdr_format": "master", "our_numbers": "74950000118"}
    await make(admin.context.request, "/api/v1/channels", kind="telephony", name="PBX", address="office", queue_id=1, options=calls)
    with log.open("a") as file:
        file.write(ODD + "\n")

    # It shows by itself: in the rail, and above the list.
    await expect(anna.locator("[data-quarantined] b")).to_have_text("1", timeout=30000)
    await anna.locator("[data-unread]").click()
    item = anna.locator("[data-item]")
    await expect(item).to_have_count(1)
    await expect(item).to_contain_text("It does not look as this channel’s items do")
    await item.get_by_role("button", name="Look inside").click()
    await expect(item.locator("[data-preview]")).to_contain_text("asked for a call back about order 117")

    await no_violations(anna, "an item looked into")

    await boris.goto("/setup/quarantine")  # another queue's agent finds nothing there, and is not asked to
    await expect(boris.locator("[data-empty]")).to_be_visible()
    await expect(boris.locator("[data-quarantined]")).to_have_count(0)

    await anna.goto("/setup/books")
    expected = {"all": 1, "stored": 0, "duplicate": 0, "ignored": 0, "quarantined": 1, "received": 0}
    await expect(anna.locator("[data-books]", has_text="PBX").locator("[data-alarm]")).to_have_text("1 item unread")
    assert await figures(anna, "PBX") == expected
    await no_violations(anna, "books with an alarm")

    await anna.goto("/setup/quarantine")
    await item.get_by_role("button", name="Make a ticket").click()
    form = anna.get_by_role("dialog")
    assert "order 117" in await form.get_by_label("What it says").input_value()
    await form.get_by_label("Mail address or phone").fill("+7 916 123-45-67")
    await form.get_by_label("Name").fill("Anna Smirnova")
    await form.get_by_label("Subject").fill("Call back about order 117")
    await no_violations(anna, "a ticket by hand")
    await form.get_by_role("button", name="Make the ticket").click()
    await anna.wait_for_url("**/tickets/all/*")
    await expect(anna.locator(".head")).to_contain_text("Call back about order 117")
    entry = anna.locator("[data-entry]", has_text="asked for a call back")
    await expect(entry.locator("a.file")).to_contain_text("original-")
    async with anna.expect_download() as download:
        await entry.locator("a.file").click()
    assert (await (await download.value).path()).read_text() == ODD

    await anna.goto("/setup/books")
    await expect(anna.locator("[data-books]", has_text="PBX").locator("[data-alarm]")).to_have_count(0)
    await expect(anna.locator("[data-books]", has_text="PBX").locator('[data-fate="quarantined"]')).to_have_text("0")
    assert await figures(anna, "PBX") == expected | {"stored": 1, "quarantined": 0}
    await compare(admin)


async def compare(admin: Page) -> None:
    """The administrator asks the log itself: it holds what the books hold."""
    await admin.goto("/setup/books")
    card = admin.locator("[data-books]", has_text="PBX")
    await card.get_by_role("button", name="Compare now").click()
    await expect(card.locator("[data-compared]")).to_contain_text("1 at the source, 1 of them here. Nothing is missing.", timeout=60000)
