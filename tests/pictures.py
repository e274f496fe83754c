"""`make screenshots`: every page in both themes, both languages and three widths, with 5,000 tickets. Pictures to be looked at.

`python -m tests.pictures FOLDER --all` takes all of them, `--ugly` those of the ugliest shop there can be, `--empty` those of
the emptiest one; these two with `--all` in both themes and languages.
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, async_playwright

from contact_center.demo import run
from contact_center.demo.outside import Gateway
from contact_center.testing import PASSWORD, RunningApp, running_app
from tests import ugly

BROWSER = {"executable_path": "/usr/bin/chromium", "args": ["--no-sandbox", "--disable-background-networking", "--disable-gpu"]}
SIZES = {"wide": (1440, 900), "middle": (1024, 768), "narrow": (390, 844)}
README_SET = {"inbox-wide-light-en", "inbox-wide-dark-ru", "inbox-narrow-light-ru", "board-wide-dark-en", "search-wide-light-ru"}
PAGES = {
    "board": "/board",
    "reports": "/reports?period=days30",
    "reports-time": "/reports?period=days30&by=interval&step=day",
    "queues": "/setup/queues",
    "search": "/search?q=заказ",
    "people": "/people",
    "setup": "/setup/channels",
    "mailbox": "/setup/channels?add=email",
    "hours": "/setup/hours",
    "sla": "/setup/sla",
    "webhooks": "/setup/webhooks",
    "books": "/setup/books",
    "quarantine": "/setup/quarantine",
    "audit": "/setup/audit",
    "users": "/setup/users",
    "account": "/account",
}


async def seed(server: RunningApp, count: int) -> None:
    """Fill a server with the demo's shop: `count` mails of the past, and what customers do on all channels."""
    gateway = Gateway()
    shop = await run.prepare(server.product, gateway, lambda _words: None, count)
    try:
        await run.outside_of(server.product, shop, gateway, 1.0).happen(30)
        await server.settled()
    finally:
        await gateway.close()


async def open_page(browser: Browser, server: RunningApp, size: str, theme: str, language: str) -> Any:
    """A signed-in page with these preferences."""
    width, height = SIZES[size]
    context = await browser.new_context(viewport={"width": width, "height": height}, base_url=server.url, locale=language)
    prefs = f'{{"language":"{language}","theme":"{theme}"}}'
    await context.add_init_script(f"localStorage.setItem('cc.prefs', '{prefs}')")
    answer = await context.request.post("/api/v1/session", data={"email": "admin@example.com", "password": PASSWORD})
    assert answer.ok, await answer.text()
    page = await context.new_page()
    await page.goto("/tickets/open")
    await page.locator(".rail").first.wait_for()
    return page


async def take(folder: Path, everything: bool) -> None:
    """Take the pictures into `folder`: those of the README, or all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data:
        async with running_app(Path(data) / "data") as server, async_playwright() as driver:
            await seed(server, 7000)
            browser = await driver.chromium.launch(**BROWSER)
            for size in SIZES:
                for theme in ("light", "dark"):
                    for language in ("en", "ru"):
                        await _series(browser, server, folder, f"{size}-{theme}-{language}", everything)
            await browser.close()


async def take_others(folder: Path, what: str, everything: bool) -> None:
    """Take the pictures of the ugliest shop, or of the emptiest one: every page, and every ticket."""
    folder.mkdir(parents=True, exist_ok=True)
    looks = [f"{theme}-{language}" for theme in ("light", "dark") for language in ("en", "ru")] if everything else ["light-en", "dark-ru"]
    with tempfile.TemporaryDirectory() as data:
        async with running_app(Path(data)) as server, async_playwright() as driver:
            tickets: list[int] = []
            if what == "ugly":
                await ugly.fill(server.url, server.mail_port, "admin@example.com", PASSWORD)
                async with ugly.signed_in(server.url, "admin@example.com", PASSWORD) as client:
                    tickets = sorted((await ugly.tickets(client, 12)).values())
            browser = await driver.chromium.launch(**BROWSER)
            for size in SIZES:
                for look in looks:
                    await _all_pages(browser, server, folder, what, f"{size}-{look}", tickets)
            await browser.close()


async def _all_pages(browser: Browser, server: RunningApp, folder: Path, what: str, name: str, tickets: list[int]) -> None:
    page = await open_page(browser, server, *name.split("-"))
    paths = {"list": "/tickets/open", "person": "/people/1", "organizations": "/organizations"} | PAGES
    for title, path in (paths | {f"ticket{number}": f"/tickets/all/{number}" for number in tickets}).items():
        if title == "person" and not tickets:
            continue
        await page.goto(path.replace("заказ", "example"))
        await page.wait_for_timeout(700)
        await page.screenshot(path=folder / f"{what}-{title}-{name}.png")
    await page.context.close()


async def _series(browser: Browser, server: RunningApp, folder: Path, name: str, everything: bool) -> None:
    size, theme, language = name.split("-")
    page = await open_page(browser, server, size, theme, language)

    async def shoot(what: str) -> None:
        if everything or f"{what}-{name}" in README_SET:
            await page.wait_for_timeout(250)
            # The past was written in a minute, so all that it had promised is broken in the same one.
            for close in reversed(await page.locator(".toast button[aria-label]").all()):
                await close.click()
            await page.screenshot(path=folder / f"{what}-{name}.png")

    await shoot("list")
    await page.locator("[data-ticket-row]").nth(2).click()
    await page.locator("[data-entry]").first.wait_for()
    await shoot("inbox")
    for what, path in PAGES.items():
        if everything or f"{what}-{name}" in README_SET:
            await page.goto(path)
            await page.wait_for_timeout(900)
            await shoot(what)
    if everything:
        await page.goto("/tickets/open")
        await page.locator("[data-ticket-row]").first.wait_for()
        await page.keyboard.press("Control+k")
        await page.keyboard.type("заказ", delay=10)
        await page.wait_for_timeout(500)
        await shoot("palette")
    await page.context.close()


if __name__ == "__main__":
    wanted = [name for name in ("ugly", "empty") if f"--{name}" in sys.argv]
    for each in wanted:
        asyncio.run(take_others(Path(sys.argv[1]), each, everything="--all" in sys.argv))
    if not wanted:
        asyncio.run(take(Path(sys.argv[1]), everything="--all" in sys.argv))
