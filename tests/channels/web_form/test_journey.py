"""A visitor of a shop writes, gets a number, reads the answer on the private page and answers back. Real browser, real server."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import APIRequestContext, Browser, BrowserContext, Page, expect

from tests.channels.web_form.helpers import options
from tests.journeys import conftest as journeys
from tests.journeys.conftest import Served, first_log_in
from tests.journeys.test_console_journey import no_violations

pytestmark = pytest.mark.journey
chromium, browser, served = journeys.chromium, journeys.browser, journeys.served


class Shop:
    """Somebody's web site, on another origin."""

    def __init__(self) -> None:
        self.url = ""
        self.script = ""

    async def page(self, request: web.Request) -> web.Response:
        """A page with the form in it, and the code beside the phone number."""
        body = f"""<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Shop</title>
        <h1>Shop</h1><p>Call us, your code is <b data-contact-code></b></p><script src="{self.script}"></script>"""
        response = web.Response(text=body, content_type="text/html")
        response.set_cookie("_ym_uid", "1690000000123456789")
        return response


@pytest_asyncio.fixture(loop_scope="session")
async def shop() -> AsyncIterator[Shop]:
    found = Shop()
    app = web.Application()
    app.router.add_get("/", found.page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://localhost:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


async def make_form(agent: APIRequestContext, shop: Shop, **values: object) -> str:
    """Set the form up; its address."""
    chosen = options(allowed_origins=shop.url, difficulty=16, code_shown=True, consent_text="I agree that you answer me.", **values)
    body = {"kind": "web_form", "name": "Shop", "address": "shop", "queue_id": 1, "options": chosen}
    response = await agent.post("/api/v1/channels", data=body)
    assert response.status == 201, await response.text()
    url: str = (await response.json())["hook_url"]
    shop.script = f"{url}/embed.js"
    return url


async def first_ticket(agent: APIRequestContext) -> int:
    response = await agent.get("/api/v1/tickets?view=open")
    (ticket,) = (await response.json())["items"]
    return int(ticket["id"])


def listen(page: Page) -> list[str]:
    """Whatever a browser complains of, and whoever else it asks."""
    complaints: list[str] = []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type == "error" and "favicon" not in message.text else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return complaints


async def narrow(page: Page) -> None:
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390


async def fill_in(context: BrowserContext, shop: Shop) -> tuple[str, str]:
    """Write to the shop through the form on its page; the private link and the visit code."""
    page = await context.new_page()
    await page.goto(f"{shop.url}/?utm_source=news")
    code = await page.locator("[data-contact-code]").inner_text()
    form = page.frame_locator("iframe")
    await expect(form.locator("[data-code]")).to_have_text(code)
    await narrow(page)

    await form.get_by_role("button", name="Send").click()
    await expect(form.get_by_text("Please fill this in.").first).to_be_visible()
    await expect(form.get_by_label("Name")).to_be_focused()
    await form.get_by_label("Name").fill("Анна Смирнова")
    await form.get_by_label("E-mail").fill("anna@example.com")
    await form.get_by_label("Topic").select_option("Order")
    await form.get_by_label("Message").fill("Where is order 117?\n<b>Thank you</b>")
    await form.get_by_label("Photos").set_input_files([{"name": "box.png", "mimeType": "image/png", "buffer": b"\x89PNG"}])
    await form.get_by_label("I agree").check()
    await form.get_by_role("button", name="Send").click()
    await expect(form.get_by_text("Number of your request: 1")).to_be_visible(timeout=20000)
    height = await page.locator("iframe").evaluate("frame => frame.clientHeight - frame.getBoundingClientRect().height")
    assert abs(height) < 1
    async with context.expect_page() as opened:
        await form.get_by_role("link", name="Open my page").click()
    link = (await opened.value).url
    await page.close()
    return link, code


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.long)])
async def test_a_customers_way(browser: Browser, served: Served, shop: Shop, theme: str) -> None:
    """Form in a foreign page, work, number, answer, answer back; nothing scrolls sideways and axe finds nothing."""
    agent = (await first_log_in(browser, served)).request
    url = await make_form(agent, shop)
    context = await browser.new_context(viewport={"width": 390, "height": 844}, color_scheme=theme, locale="en-GB")  # type: ignore[arg-type]

    link, code = await fill_in(context, shop)
    page = await context.new_page()
    complaints = listen(page)
    await page.goto(link)
    await expect(page.get_by_text("Where is order 117?")).to_be_visible()
    await expect(page.get_by_text("<b>Thank you</b>")).to_be_visible()  # text, as it was written
    await expect(page.get_by_text("box.png")).to_be_visible()

    ticket = await first_ticket(agent)
    found = await (await agent.get(f"/api/v1/tickets/{ticket}")).json()
    assert found["channel"] == "web_form"
    timeline = await (await agent.get(f"/api/v1/contacts/{found['contact']['id']}/timeline")).json()
    came_from = timeline["items"][0]["facts"]["attribution"]
    assert came_from == {
        "utm_source": "news",
        "page": f"{shop.url}/",
        "client_id": "1690000000123456789",
        "client_id_source": "yandex",
        "visit_code": code,
    }

    sent = await agent.post(f"/api/v1/tickets/{ticket}/replies", data={"text": "It is on its way."}, headers={"Idempotency-Key": "1"})
    assert sent.status == 201, await sent.text()
    await page.locator("#text").fill("I am still writing")
    await expect(page.get_by_text("It is on its way.")).to_be_visible(timeout=30000)  # by itself
    await expect(page.get_by_text("We have answered")).to_be_visible()
    await expect(page.locator("#text")).to_have_value("I am still writing")  # and nothing of the draft is lost
    await page.locator("#text").fill("Thank you!")
    await page.get_by_role("button", name="Send message").click()
    await expect(page.locator("[data-log]").get_by_text("Thank you!", exact=True)).to_be_visible(timeout=20000)
    await expect(page.get_by_text("We are working on it")).to_be_visible()
    assert await first_ticket(agent) == ticket  # the same

    await page.get_by_label("Your phone number").fill("+7 916 123-45-67")
    await page.get_by_role("button", name="Call me back").click()
    await expect(page.get_by_text("We will call you.")).to_be_visible(timeout=20000)

    for path in (url, link):
        await page.goto(path)
        await narrow(page)
    assert complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_every_page_is_accessible(browser: Browser, served: Served, shop: Shop, theme: str) -> None:
    """axe finds nothing at WCAG 2.2 AA: the form, its errors, the thanks, the private page."""
    agent = (await first_log_in(browser, served)).request
    url = await make_form(agent, shop, language="ru", colour="#ffd400")
    # The policy of the pages lets nothing in but their own script, so axe must be let past it.
    context = await browser.new_context(color_scheme=theme, bypass_csp=True, base_url=served.url, locale="ru-RU")  # type: ignore[arg-type]
    page = await context.new_page()
    await page.goto(url)
    await no_violations(page, f"form {theme}")
    await page.get_by_role("button", name="Отправить").click()
    await no_violations(page, f"errors {theme}")
    await page.get_by_label("Name").fill("Anna")
    await page.get_by_label("Message").fill("Hello")
    await page.get_by_label("I agree").check()
    await page.get_by_role("button", name="Отправить").click()
    await expect(page.get_by_text("Номер вашего обращения: 1")).to_be_visible(timeout=20000)
    await no_violations(page, f"thanks {theme}")
    await page.goto(await page.get_by_role("link", name="Открыть страницу").get_attribute("href") or "")
    await expect(page.get_by_text("Обращение 1")).to_be_visible()
    await no_violations(page, f"page {theme}")
    await page.goto(f"{url}/r/nothing")
    await no_violations(page, f"nothing {theme}")
