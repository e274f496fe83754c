"""`make screenshots`: every page in both themes, both languages and two widths, with 5,000 tickets. Pictures to be looked at."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, async_playwright

from contact_center.demo.letters import mails
from contact_center.model.messages import RawItem
from contact_center.testing import PASSWORD, RunningApp, running_app

BROWSER = {"executable_path": "/usr/bin/chromium", "args": ["--no-sandbox", "--disable-background-networking", "--disable-gpu"]}
SIZES = {"wide": (1440, 900), "narrow": (390, 844)}
README_SET = {"inbox-wide-light-en", "inbox-wide-dark-ru", "inbox-narrow-light-ru"}


async def seed(server: RunningApp, count: int) -> None:
    """Fill a server by the ordinary pipeline, and work a little in it."""
    batch = [RawItem(f"seed:{n}", mail.as_bytes(), envelope={"trust_date": True}) for n, mail in enumerate(mails(count))]
    for start in range(0, len(batch), 500):
        await server.product.pipeline.accept(1, batch[start : start + 500], None, None)
    await server.settled()
    async with server.session() as client:
        async with client.get("/api/v1/tickets", params={"limit": "200"}) as response:
            rows = (await response.json())["items"]
        for index, row in enumerate(rows[:90]):
            if index % 3 == 0:
                await _work_on(client, row["id"], index)


async def _work_on(client: Any, ticket: int, index: int) -> None:
    path = f"/api/v1/tickets/{ticket}"
    await (
        await client.patch(path, json={"assignee_id": 1, "priority": "high" if index % 9 == 0 else "normal", "tags": ["доставка"]})
    ).read()
    if index % 2:
        await (await client.post(f"{path}/notes", json={"text": "Позвонить на склад."}, headers={"Idempotency-Key": f"n{ticket}"})).read()
    if index % 4 == 0:
        body = {"text": "Здравствуйте! Уже проверяем и напишем сегодня до 18:00."}
        await (await client.post(f"{path}/replies", json=body, headers={"Idempotency-Key": f"r{ticket}"})).read()


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
    await page.locator("[data-ticket-row]").first.wait_for()
    return page


async def take(folder: Path, everything: bool) -> None:
    """Take the pictures into `folder`: those of the README, or all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data:
        async with running_app(Path(data)) as server, async_playwright() as driver:
            await seed(server, 7000)
            browser = await driver.chromium.launch(**BROWSER)
            for size in SIZES:
                for theme in ("light", "dark"):
                    for language in ("en", "ru"):
                        await _series(browser, server, folder, f"{size}-{theme}-{language}", everything)
            await browser.close()


async def _series(browser: Browser, server: RunningApp, folder: Path, name: str, everything: bool) -> None:
    size, theme, language = name.split("-")
    page = await open_page(browser, server, size, theme, language)

    async def shoot(what: str) -> None:
        if everything or f"{what}-{name}" in README_SET:
            await page.wait_for_timeout(250)
            await page.screenshot(path=folder / f"{what}-{name}.png")

    await shoot("list")
    await page.locator("[data-ticket-row]").nth(2).click()
    await page.locator("[data-entry]").first.wait_for()
    await shoot("inbox")
    if everything:
        for what, path in (("people", "/people"), ("setup", "/setup/channels"), ("users", "/setup/users"), ("account", "/account")):
            await page.goto(path)
            await page.wait_for_timeout(400)
            await shoot(what)
        await page.goto("/tickets/open")
        await page.locator("[data-ticket-row]").first.wait_for()
        await page.keyboard.press("Control+k")
        await page.keyboard.type("заказ", delay=10)
        await page.wait_for_timeout(500)
        await shoot("palette")
    await page.context.close()


if __name__ == "__main__":
    asyncio.run(take(Path(sys.argv[1]), everything="--all" in sys.argv))
