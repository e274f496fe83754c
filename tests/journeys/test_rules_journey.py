"""Views whose numbers move, macros, many tickets at once, and a rule from its first try to what it did."""

import asyncio
import smtplib

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect

from contact_center.testing import a_mail
from tests.journeys.conftest import Served, first_log_in
from tests.journeys.test_shift_journey import colleague

pytestmark = pytest.mark.journey


def write(served: Served, *numbers: int, subject: str = "Question") -> None:
    """Customers write, each for the first time."""
    with smtplib.SMTP("127.0.0.1", served.mail_port) as client:
        for n in numbers:
            mail = a_mail(sender=f"Customer {n} <r{n}@example.org>", subject=f"{subject} {n}", message_id=f"<r{n}@example.org>")
            client.send_message(mail)


@pytest_asyncio.fixture(loop_scope="session")
async def admin(browser: Browser, served: Served) -> Page:
    """The administrator at their console."""
    return await first_log_in(browser, served)


async def test_a_view_is_saved_and_its_number_moves(browser: Browser, served: Served, admin: Page) -> None:
    """Conditions are chosen and counted at once; saved, the view stands beside the others, and its number follows what a colleague does."""
    write(served, 1, 2, 3)
    await expect(admin.locator("[data-ticket-row]")).to_have_count(3)
    await admin.locator("[data-new-view]").click()
    form = admin.locator("[data-view-form]")
    await form.get_by_label("Name").fill("Nobody's")
    await form.locator("[data-test-row]").nth(1).get_by_label("Assignee").select_option("nobody")
    await expect(admin.locator("[data-live-count]")).to_have_text("3 tickets now")
    await form.get_by_label("Who sees it").select_option("Everybody")
    await form.get_by_role("button", name="Save").click()
    number = admin.locator("[data-view] .count")
    await expect(number).to_have_text("3")
    await expect(admin.locator("[data-ticket-row]")).to_have_count(3)

    await admin.mouse.move(1000, 600)  # a list that somebody points at holds still
    olga = await colleague(browser, admin.request, served, "Olga")
    await expect(olga.locator("[data-view] .count")).to_have_text("3")
    await olga.locator("[data-ticket-row]").first.click()
    await expect(olga.get_by_role("button", name="Resolve", exact=True)).to_be_visible()
    await olga.keyboard.press("i")
    await expect(number).to_have_text("2")
    await expect(admin.locator("[data-ticket-row]")).to_have_count(2)
    write(served, 4)
    await expect(number).to_have_text("3")
    await expect(admin.locator("[data-ticket-row]")).to_have_count(3)


async def test_a_macro_is_made_seen_run_and_taken_back(served: Served, admin: Page) -> None:
    """Made in set-up, found by a key, shown before it is done, done at once, and taken back with one key but for the note; found in
    the command box, it is shown first, too."""
    write(served, 1)
    await admin.goto("/setup/macros")
    await admin.get_by_role("button", name="New macro").click()
    await admin.get_by_label("Name").fill("Refund")
    await admin.locator("[data-add-action]").select_option("add_tags")
    await admin.get_by_label("Add tags").fill("refund")
    await admin.locator("[data-add-action]").select_option("set_priority")
    await admin.locator("[data-add-action]").select_option("add_note")
    await admin.get_by_label("Add a note").fill("Accepted by {{agent.name}}")
    await admin.get_by_role("button", name="Save").click()
    await expect(admin.locator("[data-macro-card]")).to_contain_text("Refund")

    await admin.goto("/tickets/open")
    await admin.locator("[data-ticket-row]").click()
    await expect(admin.get_by_role("heading", name="Question 1")).to_be_visible()
    await admin.keyboard.press("p")
    preview = admin.locator("[data-preview]")
    await expect(preview).to_contain_text("refund")
    await expect(preview).to_contain_text("Accepted by Ada Admin")
    await expect(preview).to_contain_text("A note cannot be taken back.")
    await admin.keyboard.press("Enter")
    await expect(admin.locator("[data-priority]")).to_have_text("High")
    await expect(admin.locator("header .tag, header .badge").filter(has_text="refund").first).to_be_visible()
    await admin.keyboard.press("z")
    await expect(admin.locator("[data-priority]")).to_have_text("Normal")
    await expect(admin.get_by_role("log").get_by_text("Accepted by Ada Admin")).to_be_visible()

    await admin.keyboard.press("Control+k")
    await admin.get_by_role("combobox").fill("refu")
    await admin.keyboard.press("Enter")
    await expect(preview).to_contain_text("High")
    await expect(admin.locator("[data-priority]")).to_have_text("Normal")
    await admin.keyboard.press("Enter")
    await expect(admin.locator("[data-priority]")).to_have_text("High")


async def test_thirty_tickets_are_resolved_at_once(served: Served, admin: Page) -> None:
    """A few are selected by key and by Shift, all of the list by one button; all are resolved, and the list is empty."""
    write(served, *range(1, 31))
    rows = admin.locator("[data-ticket-row]")
    await expect(admin.get_by_role("link", name="Open")).to_contain_text("30")
    await rows.first.click()
    await expect(admin.get_by_role("button", name="Resolve", exact=True)).to_be_visible()
    await admin.keyboard.press("x")
    await admin.keyboard.press("j")
    await admin.keyboard.press("x")
    bulk = admin.locator("[data-bulk]")
    await expect(bulk).to_contain_text("2 selected")
    await rows.nth(4).click(modifiers=["Shift"])
    await expect(bulk).to_contain_text("5 selected")
    await admin.locator("[data-bulk-all]").click()
    await expect(bulk).to_contain_text("30 selected")
    await admin.locator("[data-bulk-do]").click()
    await admin.get_by_role("menuitem", name="Resolve").click()
    await expect(admin.get_by_text("Done for 30 tickets")).to_be_visible()
    await expect(rows).to_have_count(0)
    answer = await (await admin.request.get("/api/v1/tickets?view=resolved&limit=200")).json()
    assert len(answer["items"]) == 30


async def test_a_window_that_is_closed_over_undone_work_asks_first(served: Served, admin: Page) -> None:
    """Many tickets at once are done while the window is open: who closes it meanwhile is asked, and stays; afterwards nobody is asked."""
    write(served, 1, 2)
    rows = admin.locator("[data-ticket-row]")
    await expect(rows).to_have_count(2)
    reached = asyncio.Event()

    async def later(route: Route) -> None:
        await reached.wait()
        await route.continue_()

    await admin.route("**/api/v1/bulk-actions", later)
    await rows.first.click(modifiers=["Control"])
    await admin.locator("[data-bulk-all]").click()
    await admin.locator("[data-bulk-do]").click()
    await admin.get_by_role("menuitem", name="Resolve").click()
    await expect(admin.locator("[data-bulk] progress")).to_be_visible()
    async with admin.expect_event("dialog") as asked:
        await admin.close(run_before_unload=True)
    dialog = await asked.value
    assert dialog.type == "beforeunload"
    await dialog.dismiss()
    reached.set()
    await expect(admin.get_by_text("Done for 2 tickets")).to_be_visible()
    await expect(rows).to_have_count(0)
    async with admin.expect_event("close"):
        await admin.close(run_before_unload=True)


async def test_a_rule_is_tried_switched_on_and_explained(served: Served, admin: Page) -> None:
    """What it would have done last week is seen first; on, it tags the next one, and says of the other why it did not."""
    write(served, 1, 2, subject="Order")
    await expect(admin.locator("[data-ticket-row]")).to_have_count(2)
    await admin.goto("/setup/rules")
    await admin.get_by_role("button", name="New rule").click()
    form = admin.locator("[data-rule-form]")
    await form.get_by_label("Name").fill("Tag orders")
    await form.locator("[data-add-test]").select_option("subject")
    await form.locator("[data-test-row]").get_by_label("Subject").fill("ORDER")
    await form.locator("[data-add-action]").select_option("add_tags")
    await form.get_by_label("Add tags").fill("order")
    await form.locator("[data-try]").click()
    await expect(form.locator("[data-tried]")).to_contain_text("It would have fired 2 times, on 2 tickets")
    await form.get_by_role("button", name="Save").click()
    await expect(admin.locator("[data-rule]")).to_contain_text("has never fired")

    write(served, 3, subject="Order")
    write(served, 4, subject="Hello")
    await admin.goto("/tickets/open")
    await admin.locator("[data-ticket-row]").filter(has_text="Order 3").click()
    await expect(admin.locator("header .badge, header .tag").filter(has_text="order").first).to_be_visible()
    await expect(admin.get_by_text("Rule “Tag orders” set the tags to order")).to_be_visible()
    await admin.locator("[data-ticket-row]").filter(has_text="Hello 4").click()
    await expect(admin.get_by_role("heading", name="Hello 4")).to_be_visible()
    await admin.keyboard.press("Control+k")
    await admin.get_by_role("combobox").fill("why rules")
    await admin.keyboard.press("Enter")
    await expect(admin.locator("[data-verdict]")).to_contain_text("did not hold")
    await expect(admin.locator("[data-verdict]")).to_contain_text("Subject contains")
    await admin.goto("/setup/rules")
    await expect(admin.locator("[data-run]")).to_contain_text("fired")


async def test_a_rule_that_is_not_written_out_acts_on_nothing(served: Served, admin: Page) -> None:
    """A condition without a value is not left out: neither tried nor saved, since without it the rule would mean every ticket."""
    await admin.goto("/setup/rules")
    await admin.get_by_role("button", name="New rule").click()
    form = admin.locator("[data-rule-form]")
    await form.get_by_label("Name").fill("Close them")
    await form.locator("[data-add-test]").select_option("subject")
    await form.locator("[data-add-action]").select_option("set_status")
    await form.locator("[data-try]").click()
    await expect(form.locator("[data-test-row]").get_by_label("Subject")).to_be_focused()
    await expect(form.locator("[data-tried]")).to_have_count(0)
    await form.get_by_role("button", name="Save").click()
    await expect(form.locator("[data-test-row]").get_by_label("Subject")).to_be_focused()
    assert await (await admin.request.get("/api/v1/rules")).json() == []

    await form.locator("[data-test-row]").get_by_label("Subject").fill("spam")
    await form.locator("[data-add-action]").select_option("set_queue")
    await form.get_by_role("button", name="Save").click()
    await expect(form.get_by_label("Move to the queue")).to_be_focused()
    await form.get_by_label("Move to the queue").select_option("1")
    await form.get_by_role("button", name="Save").click()
    await expect(admin.locator("[data-rule]")).to_contain_text("Close them")
    (rule,) = await (await admin.request.get("/api/v1/rules")).json()
    assert rule["conditions"] == {"all": [{"field": "subject", "op": "contains", "value": ["spam"]}]}


async def test_what_is_refused_of_many_is_said_in_the_readers_language(served: Served, admin: Page) -> None:
    """The server refuses each ticket by itself, in English; a Russian reads it in Russian, and that nothing was done is not said as done."""
    write(served, 1, 2)
    body = {"name": "Olga", "email": "olga@example.org", "role": "agent", "queue_ids": []}
    assert (await admin.request.post("/api/v1/users", data=body)).ok
    await admin.evaluate("localStorage.setItem('cc.prefs', '{\"language\":\"ru\"}')")
    await admin.reload()
    rows = admin.locator("[data-ticket-row]")
    await expect(rows).to_have_count(2)
    await rows.first.click(modifiers=["Control"])
    await admin.locator("[data-bulk-all]").click()
    await admin.locator("[data-bulk-do]").click()
    await admin.get_by_role("menuitem", name="Другое…").click()
    dialog = admin.get_by_role("dialog")
    await dialog.locator("[data-add-action]").select_option("set_assignee")
    await dialog.get_by_label("Назначить").select_option(label="Olga")
    await dialog.get_by_role("button", name="Сделать…").click()
    await expect(dialog.get_by_text("У этого сотрудника нет доступа к очереди заявки.")).to_have_count(2)
    assert await admin.get_by_text("Готово: 0").count() == 0
