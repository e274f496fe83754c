"""A console that loses its network for a minute shows exactly what one that did not lose it shows."""

import asyncio
import smtplib
import time

import pytest
from playwright.async_api import Browser, Page, expect

from contact_center.testing import a_mail
from tests.journeys.conftest import PASSWORD, Served, first_log_in
from tests.journeys.proxy import proxy_to

pytestmark = pytest.mark.journey
CUT_SECONDS = 60


def send(served: Served, first: int, count: int) -> None:
    with smtplib.SMTP("127.0.0.1", served.mail_port) as client:
        for number in range(first, first + count):
            client.send_message(
                a_mail(
                    sender=f"c{number % 7}@example.org",
                    subject=f"Mail {number}",
                    text=f"Text {number}",
                    message_id=f"<m{number}@example.org>",
                )
            )


async def rows(page: Page) -> list[str]:
    """Which tickets stand there, in order, and what each says; not how long ago, which each page counts for itself."""
    script = "rows => rows.map(row => [row.dataset.ticket, row.querySelector('.subject').innerText, row.querySelector('.preview').innerText].join(' | '))"
    return list(await page.locator("[data-ticket-row]").evaluate_all(script))


async def signed_in(browser: Browser, base_url: str) -> Page:
    context = await browser.new_context(viewport={"width": 1440, "height": 2400}, base_url=base_url, locale="en-GB")
    answer = await context.request.post("/api/v1/session", data={"email": "ada@example.org", "password": PASSWORD})
    assert answer.ok
    page = await context.new_page()
    await page.goto("/tickets/open")
    await page.locator("[data-ticket-row]").first.wait_for()
    return page


async def test_a_minute_without_network(browser: Browser, served: Served) -> None:
    """After sixty seconds without network the missed news are replayed, without a reset, and nothing is missing."""
    await first_log_in(browser, served)
    await asyncio.to_thread(send, served, 0, 3)
    async with proxy_to(served.port) as proxy:
        cut, steady = await signed_in(browser, f"http://127.0.0.1:{proxy.port}"), await signed_in(browser, served.url)
        await cut.locator("[data-ticket-row]", has_text="Mail 1").click()
        await cut.mouse.move(900, 300)  # a list under the pointer holds still
        await cut.locator("textarea").first.fill("A draft that must survive")
        proxy.cut()
        mended_at = time.monotonic() + CUT_SECONDS
        await expect(cut.locator('[role="alert"]', has_text="No connection")).to_be_visible(timeout=40000)
        await asyncio.to_thread(send, served, 3, 20)
        await asyncio.sleep(mended_at - time.monotonic())
        proxy.mend()

        await expect(cut.locator('[role="alert"]', has_text="No connection")).to_be_hidden(timeout=20000)
        await expect(steady.locator("[data-ticket-row]")).to_have_count(23)
        await expect(cut.locator("[data-ticket-row]")).to_have_count(23)
        assert await rows(cut) == await rows(steady)
        assert await cut.locator("textarea").first.input_value() == "A draft that must survive"
        assert await cut.evaluate("document.documentElement.dataset.resets ?? '0'") == "0"
        fresh = await signed_in(browser, served.url)
        await expect(fresh.locator("[data-ticket-row]")).to_have_count(23)
        assert await rows(fresh) == await rows(cut)
