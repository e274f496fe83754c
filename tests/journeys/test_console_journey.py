"""An agent's day by keyboard, and what every page must be: reachable, accessible, alone with its own server."""

import asyncio
import smtplib
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, WebSocketRoute, expect

from contact_center.testing import a_mail
from tests.journeys.conftest import Served, first_log_in

pytestmark = pytest.mark.journey
AXE = Path(__file__).parents[2] / "contact_center" / "agent_ui" / "node_modules" / "axe-core" / "axe.min.js"
PAGES = [
    "/tickets/open",
    "/tickets/all/1",
    "/people/1",
    "/board",
    "/reports",
    "/reports?by=interval&period=week&step=day",
    "/search?q=Question",
    "/setup/channels",
    "/setup/channels?add=email",
    "/setup/channels?add=sms",
    "/setup/channels?add=telephony",
    "/setup/channels?add=web_form",
    "/setup/queues",
    "/setup/texts",
    "/setup/hours",
    "/setup/users",
    "/setup/webhooks",
    "/setup/audit",
    "/setup/books",
    "/setup/quarantine",
    "/setup/spool",
    "/account",
]
EVIL = """<p onclick="hit()">x</p><script>parent.hit&&parent.hit()</script><img src=x onerror="top.document.title='hit'">
<a href="javascript:top.document.title='hit'">link</a><svg onload="top.document.title='hit'"><style>@import 'http://evil.example/x'</style>
<form action="http://evil.example"><input name=a></form><iframe src="http://evil.example"></iframe><img src="http://tracker.example/pixel.gif">
<div style="position:fixed;top:0;left:0;background:url(http://evil.example/a)">over everything</div>"""


def send(served: Served, *mails: object) -> None:
    with smtplib.SMTP("127.0.0.1", served.mail_port) as client:
        for mail in mails:
            client.send_message(mail)  # type: ignore[arg-type]


def three_mails() -> list[object]:
    return [
        a_mail(sender=f"Customer {n} <c{n}@example.org>", subject=f"Question {n}", text=f"Text of {n}", message_id=f"<k{n}@example.org>")
        for n in (1, 2, 3)
    ]


async def test_the_day_by_keyboard(browser: Browser, served: Served) -> None:
    """Next, previous, take, note, resolve, palette: none of it needs a mouse."""
    page = await first_log_in(browser, served)
    send(served, *three_mails())
    await expect(page.locator("[data-ticket-row]")).to_have_count(3)

    await page.keyboard.press("j")
    await expect(page.get_by_role("heading", name="Question 3")).to_be_visible()
    await page.keyboard.press("j")
    await expect(page.get_by_role("heading", name="Question 2")).to_be_visible()
    await page.keyboard.press("k")
    await expect(page.get_by_role("heading", name="Question 3")).to_be_visible()
    await page.keyboard.press("i")
    await expect(page.get_by_text("Ada Admin took the ticket")).to_be_visible()
    await page.keyboard.press("n")
    await page.keyboard.type("j k e are letters here")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("[data-entry]", has_text="j k e are letters here")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.keyboard.press("e")
    await expect(page.locator("[data-ticket-row]")).to_have_count(2)

    await page.keyboard.press("Control+k")
    await page.keyboard.type("Question 1")
    await expect(page.get_by_role("option", name="Question 1")).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Question 1")).to_be_visible()
    await page.keyboard.press("Shift+Slash")
    await expect(page.get_by_role("heading", name="Keyboard shortcuts")).to_be_visible()


async def test_a_reply_can_be_called_back(browser: Browser, served: Served) -> None:
    """For a few seconds Undo brings the reply back into the composer, and the customer never gets it."""
    page = await first_log_in(browser, served)
    send(served, three_mails()[0])
    await page.locator("[data-ticket-row]").first.click()
    await page.locator("textarea").first.fill("Too hasty")
    await page.keyboard.press("Control+Enter")
    await page.get_by_role("button", name="Undo").click()
    await expect(page.locator("textarea").first).to_have_value("Too hasty")
    await expect(page.locator("[data-entry]", has_text="Too hasty")).to_have_count(0)
    assert not (served.folder / "data" / "spool").exists()


async def test_first_steps_tell_facts(browser: Browser, served: Served) -> None:
    """Who has answered once has answered, also when the customer writes again; a mailbox without SMTP is no way to answer."""
    page = await first_log_in(browser, served)
    first = a_mail(message_id="<q1@example.org>")
    send(served, first)
    answered, channel = page.locator("[data-step=answer]"), page.locator("[data-step=channel]")
    await page.locator("[data-ticket-row]").wait_for()
    await expect(answered).to_have_attribute("data-done", "false")
    await page.locator("[data-ticket-row]").click()
    await page.locator("textarea").first.fill("It is on its way")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("[data-entry]", has_text="It is on its way")).to_be_visible()
    send(served, a_mail(message_id="<q2@example.org>", answers="<q1@example.org>", text="Still nothing here"))
    await expect(page.locator("[data-entry]", has_text="Still nothing here")).to_be_visible()
    options = {"kind": "email", "name": "Own", "address": "own@shop.example", "queue_id": 1, "options": {}, "check": True}
    made = await page.context.request.post("/api/v1/channels", data=options)
    assert made.ok, await made.text()
    await page.goto("/tickets/open")
    await expect(answered).to_have_attribute("data-done", "true")
    await expect(channel).to_contain_text("receives only")
    await expect(channel).to_have_attribute("data-done", "false")
    await page.goto("/setup/channels")
    await expect(page.locator("section", has_text="own@shop.example").locator("[data-spools]")).to_have_text("receives only")


async def test_hostile_markup_does_nothing(browser: Browser, served: Served) -> None:
    """A mail full of traps runs nothing, covers nothing, posts nothing and calls nobody."""
    page = await first_log_in(browser, served)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: asked.append(f"dialog {dialog.message}"))
    send(served, a_mail(subject="Traps", text="traps", html=EVIL, sender='"<b onmouseover=hit()>Eve" <eve@evil.example>'))
    await page.locator("[data-ticket-row]").first.click()
    await page.get_by_role("button", name="Original layout").click()
    frame = page.frame_locator("iframe")
    await expect(frame.get_by_text("over everything")).to_be_visible()
    await page.wait_for_timeout(500)

    assert await page.title() == "contact_center"
    assert await frame.locator("script, form, input, iframe, svg, [onclick], [onerror]").count() == 0
    assert [url for url in asked if not url.startswith(served.url)] == []


ALL = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
COLOURS = ["color-contrast"]


async def no_violations(page: Page, where: str, rules: list[str] = ALL) -> None:
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text())
    result = await page.evaluate("rules => axe.run(document, {runOnly: rules})", rules)
    found = [f"{v['id']}: {v['help']} {[n['html'][:160] for n in v['nodes'][:3]]}" for v in result["violations"]]
    assert not found, f"{where}: " + "\n".join(found)


async def test_every_page_is_accessible_and_alone(browser: Browser, served: Served) -> None:
    """axe finds nothing at WCAG 2.2 AA on any page in either theme, no page asks another host, and the policy blocks nothing of ours."""
    page = await first_log_in(browser, served)
    await page.evaluate("localStorage.setItem('cc.prefs', JSON.stringify({language: 'ru', theme: 'system'}))")
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    send(served, *three_mails())
    for path in PAGES:
        await page.goto(path)
        await page.locator("h1, h2, [data-ticket-row]").first.wait_for()
        await page.wait_for_timeout(300)
        await no_violations(page, f"{path} light")
        await page.emulate_media(color_scheme="dark")  # nothing but colours is another one there
        await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        await no_violations(page, f"{path} dark", COLOURS)
        await page.emulate_media(color_scheme="light")
    assert [url for url in asked if not url.startswith((served.url, "data:", "blob:"))] == []
    assert complaints == []


async def test_the_api_page_needs_nobody(browser: Browser, served: Served) -> None:
    """The API's documentation opens without asking any other host."""
    context = await browser.new_context(base_url=served.url)
    page = await context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto("/api/docs")
    await page.get_by_text("/api/v1/session", exact=True).first.wait_for()
    # Of a document this long the viewer draws what is in sight, and the rest as somebody comes to it.
    tickets = page.get_by_text("/api/v1/tickets", exact=True)
    for _ in range(20):
        if await tickets.count():
            break
        await page.mouse.wheel(0, 600)
        await page.wait_for_timeout(150)
    await tickets.first.wait_for()
    assert [url for url in asked if not url.startswith((served.url, "data:", "blob:"))] == []


async def test_a_page_that_is_there_before_its_line_misses_nothing(browser: Browser, served: Served) -> None:
    """With a line that comes two seconds after the page, what is written then stands in the history at once."""
    page = await first_log_in(browser, served)
    send(served, three_mails()[0])
    await expect(page.locator("[data-ticket-row]")).to_have_count(1)

    async def slowly(line: WebSocketRoute) -> None:
        await asyncio.sleep(2)
        line.connect_to_server()

    await page.route_web_socket("**/socket.io/**", slowly)
    await page.goto(f"{served.url}/tickets/all/1")
    await expect(page.locator("[data-entry]").first).to_be_visible(timeout=10_000)
    note = await page.request.post("/api/v1/tickets/1/notes", data={"text": "Written elsewhere"}, headers={"Idempotency-Key": "elsewhere"})
    assert note.ok
    await expect(page.locator("[data-entry]", has_text="Written elsewhere")).to_be_visible()
