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
