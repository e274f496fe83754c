"""The board of a busy centre, over a slow line."""

import asyncio
import smtplib

import pytest
from playwright.async_api import Browser, Route, expect

from contact_center.testing import a_mail
from tests.journeys.conftest import Served, first_log_in

pytestmark = pytest.mark.journey


async def test_a_board_that_is_slow_to_come_is_waited_for(browser: Browser, served: Served) -> None:
    """However much news there is, one look is under way at a time; what came meanwhile is on the board in the end."""
    page = await first_log_in(browser, served)
    under_way: list[int] = [0]

    async def slow(route: Route) -> None:
        under_way.append(under_way[-1] + 1)
        await asyncio.sleep(2)
        under_way.append(under_way[-1] - 1)
        await route.continue_()

    await page.route("**/api/v1/board?*", slow)
    await page.goto(f"{served.url}/board")
    for number in range(6):
        mail = a_mail(sender=f"Customer {number} <b{number}@example.org>", subject=f"Q {number}", message_id=f"<b{number}@example.org>")
        with smtplib.SMTP("127.0.0.1", served.mail_port) as client:
            client.send_message(mail)
        await asyncio.sleep(0.8)
    await expect(page.locator("[data-figure=waiting] strong")).to_have_text("6", timeout=12_000)
    assert max(under_way) == 1
    await page.unroute_all(behavior="ignoreErrors")


async def test_every_number_of_the_board_opens_into_as_many_rows(browser: Browser, served: Served) -> None:
    """Tiles, ages and cells: each says a number, and shows that many tickets or colleagues; a share shows its formula."""
    page = await first_log_in(browser, served)
    assert (await page.request.patch("/api/v1/queues/1", data={"offers": True})).ok
    for number in range(4):
        mail = a_mail(sender=f"Customer {number} <r{number}@example.org>", subject=f"Q {number}", message_id=f"<r{number}@example.org>")
        with smtplib.SMTP("127.0.0.1", served.mail_port) as client:
            client.send_message(mail)
        await expect(page.locator("[data-ticket-row]")).to_have_count(number + 1)
    me = (await (await page.request.get("/api/v1/me")).json())["user"]["id"]
    for ticket in (1, 2, 3):
        assert (await page.request.patch(f"/api/v1/tickets/{ticket}", data={"assignee_id": me})).ok
    sent = await page.request.post("/api/v1/tickets/1/replies", data={"text": "Here."}, headers={"Idempotency-Key": "1"})
    assert sent.ok, await sent.text()
    await page.request.put("/api/v1/me/state", data={"state": "available"})
    await page.goto("/board")
    await expect(page.locator("[data-figure=waiting] strong")).to_have_text("1")
    numbers = page.locator("button[data-look]:not([disabled])")
    opened = {}
    for place in range(await numbers.count()):
        figure, said = await numbers.nth(place).get_attribute("data-look"), await numbers.nth(place).inner_text()
        await numbers.nth(place).click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        if "%" in said:
            await expect(page.locator("[data-how] strong")).to_contain_text(said.rstrip("%"))
            said = await page.locator("[data-part][aria-pressed=true] b").inner_text()
        await expect(page.locator("[data-stay]")).to_have_count(int(said.split()[0]))
        opened[figure] = said.split()[0]
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
    assert opened | {"now.waiting.quarter": "1"} == opened
    assert (opened["day.answered"], opened["day.came"], opened["now.in_work"], opened["volume.entered"]) == ("1", "4", "2", "4")
    for figure, count in (("in-work", 2), ("here", 1), ("occupancy", 1)):
        await page.locator(f"[data-figure={figure}]").click()
        await expect(page.locator("[data-stay], [data-member]")).to_have_count(count)
        await page.keyboard.press("Escape")
    await page.locator("[data-agent] [data-answered]").click()
    await expect(page.locator("[data-stay]")).to_have_count(1)
