"""From a report over the hours of a week to the rows behind a cell; an alert that rings in the console; a workbook."""

from datetime import datetime

from playwright.async_api import Browser, expect

from tests.journeys.conftest import Served, first_log_in
from tests.journeys.test_shift_journey import colleague, write


async def test_a_cell_of_the_heat_map_opens_into_as_many_rows(browser: Browser, served: Served) -> None:
    """What is written in the cell of this hour is how many rows it opens into, and each leads to its ticket."""
    admin = await first_log_in(browser, served)
    for number in (1, 2, 3):
        write(served, number)
    await expect(admin.locator("[data-ticket-row]")).to_have_count(3)
    await admin.goto(f"{served.url}/reports?period=days7&by=hour")
    cells = admin.locator("[data-heat] td[data-hour] button")
    await expect(cells.first).to_be_visible()
    texts = [int(text) for text in await cells.all_inner_texts()]
    assert sum(texts) == 3, "three letters, unless the hour has just changed in one or two cells"
    await cells.first.click()
    await expect(admin.locator("[data-stay]")).to_have_count(texts[0])
    await admin.locator("[data-stay]").first.get_by_role("link").click()
    await expect(admin.get_by_role("heading", name="Question")).to_be_visible()


async def test_a_share_opens_into_what_it_is_made_of(browser: Browser, served: Served) -> None:
    """A share shows its formula with the counts in it, and each count opens into as many rows; a nought opens into none."""
    admin = await first_log_in(browser, served)
    for number in (1, 2):
        write(served, number)
    await expect(admin.locator("[data-ticket-row]")).to_have_count(2)
    await admin.locator("[data-ticket-row]").first.click()
    await admin.keyboard.press("e")
    await expect(admin.get_by_text("Resolved").first).to_be_visible()
    await admin.goto(f"{served.url}/reports")
    row = admin.locator("[data-row='total']")
    await admin.get_by_role("button", name="Columns").click()
    await admin.get_by_role("menuitem", name="Passed on, share", exact=True).click()
    await admin.keyboard.press("Escape")
    await row.locator("[data-cell='transfer_rate'] button").click()
    await expect(admin.locator("[data-how]")).to_contain_text("0% =")
    await expect(admin.locator("[data-part='transferred']")).to_have_text("passed on 0")
    await expect(admin.locator("[data-stay]")).to_have_count(0)
    await admin.locator("[data-part='settled']").click()
    await expect(admin.locator("[data-part='settled']")).to_have_text("no answer needed 1")
    await expect(admin.locator("[data-stay]")).to_have_count(1)


async def test_a_colleagues_time_opens_into_stretches(browser: Browser, served: Served) -> None:
    """Signed in is made of the states one was in, one after the other; a kind that is chosen shows its own."""
    admin = await first_log_in(browser, served)
    for state in ("available", "aux", "available"):
        answer = await admin.request.put(f"{served.url}/api/v1/me/state", data={"state": state})
        assert answer.ok, await answer.text()
        await admin.wait_for_timeout(1100)  # a stretch of a second, to be seen in whole seconds
    await admin.goto(f"{served.url}/reports?about=agents")
    row = admin.locator("tr[data-agent]").first
    await row.locator("[data-time='time.signed_in'] button").click()
    await expect(admin.locator("[data-stretch]")).to_have_count(3)
    await admin.locator("[data-kind='aux']").click()
    await expect(admin.locator("[data-stretch]")).to_have_count(1)
    await admin.keyboard.press("Escape")
    await admin.locator("tr[data-agent='total'] [data-time='time.signed_in'] button").click()
    await expect(admin.locator("[data-stretch]")).to_have_count(3)
    await expect(admin.locator("[data-stretch]").first).to_contain_text("Ada Admin")


async def test_a_file_holds_the_report(browser: Browser, served: Served) -> None:
    """The button gives a workbook whose name says of when it is."""
    admin = await first_log_in(browser, served)
    write(served, 1)
    await expect(admin.locator("[data-ticket-row]")).to_have_count(1)
    await admin.goto(f"{served.url}/reports")
    async with admin.expect_download() as waiting:
        await admin.locator("[data-xlsx]").click()
    file = await waiting.value
    assert file.suggested_filename.endswith(".xlsx")
    assert str(datetime.now().year) in file.suggested_filename


async def test_columns_that_somebody_chose_stay(browser: Browser, served: Served) -> None:
    """A column that is switched off is gone, also after the page was opened anew; the usual ones come back with one choice."""
    admin = await first_log_in(browser, served)
    write(served, 1)
    await expect(admin.locator("[data-ticket-row]")).to_have_count(1)
    await admin.goto(f"{served.url}/reports")
    settled = admin.locator("[data-row='total'] [data-cell='volume.settled']")
    await expect(settled).to_be_visible()
    await admin.get_by_role("button", name="Columns").click()
    await admin.get_by_role("menuitem", name="No answer needed", exact=True).click()
    await expect(settled).to_have_count(0)
    await admin.reload()
    await expect(admin.locator("[data-row='total'] [data-cell='volume.entered']")).to_be_visible()
    await expect(settled).to_have_count(0)
    await admin.get_by_role("button", name="Columns").click()
    await admin.get_by_role("menuitem", name="Usual columns").click()
    await expect(settled).to_be_visible()


async def test_an_alert_is_set_in_one_line_and_rings(browser: Browser, served: Served) -> None:
    """More than nothing waits, at once: the console says so within a look, on whatever page, and the board shows it."""
    admin = await first_log_in(browser, served)
    write(served, 1)
    await expect(admin.locator("[data-ticket-row]")).to_have_count(1)
    await admin.goto(f"{served.url}/board")
    await admin.locator("[data-alerts]").click()
    await admin.get_by_label("Threshold").nth(1).fill("0")
    await admin.get_by_label("minutes on end").fill("0")
    await admin.locator("[data-add-alert]").click()
    await expect(admin.locator("[data-alert]")).to_have_count(1)
    await admin.keyboard.press("Escape")
    await expect(admin.get_by_text("Waiting now: 1", exact=False)).to_be_visible(timeout=40_000)
    await admin.locator("[data-alerts]").click()
    await expect(admin.locator("[data-alert] .badge")).to_contain_text("1")


async def test_an_alert_is_told_to_whom_it_names(browser: Browser, served: Served) -> None:
    """Whoever is named hears of it and nobody else does; an agent who is told is led to the queue, having no board, and when they say so."""
    admin = await first_log_in(browser, served)
    olga = await colleague(browser, admin.request, served, "Olga")
    write(served, 1)
    await expect(olga.locator("[data-ticket-row]")).to_have_count(1)
    await admin.goto(f"{served.url}/board")
    await admin.locator("[data-alerts]").click()
    await admin.get_by_label("Threshold").nth(1).fill("0")
    await admin.get_by_label("minutes on end").fill("0")
    await admin.get_by_role("dialog").get_by_label("Queue").select_option("Support")
    await admin.locator("[data-told-new]").get_by_label("Who is told").select_option("Olga")
    await admin.locator("[data-add-alert]").click()
    await expect(admin.locator("[data-alert] [data-told]")).to_contain_text("Olga")
    await expect(olga.get_by_text("Waiting now: 1", exact=False)).to_be_visible(timeout=40_000)
    assert await admin.get_by_text("Waiting now: 1", exact=False).count() == 0
    # It came by itself, and is not what the key for undoing answers.
    before = olga.url
    await olga.keyboard.press("z")
    await olga.wait_for_timeout(300)
    assert olga.url == before
    await olga.get_by_role("button", name="Look").click()
    await expect(olga).to_have_url(f"{served.url}/queues/1")

    # Named no more: every supervisor is told again.
    await admin.get_by_role("button", name="Remove Olga").click()
    await expect(admin.locator("[data-alert] [data-told] .chip")).to_have_count(0)
    (alert,) = await (await admin.request.get("/api/v1/alerts")).json()
    assert alert["told"] == []
