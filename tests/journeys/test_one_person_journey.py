"""One person mails, fills in the form, texts and calls: one history, the same on every screen, also after a while without network."""

import asyncio
import json
import smtplib
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import APIRequestContext, Browser, Page, expect

from contact_center.testing import a_mail
from tests.channels.sms.kannel import NUMBER, USER, Gateway
from tests.channels.sms.kannel import PASSWORD as GATEWAY_PASSWORD
from tests.journeys.conftest import PASSWORD, Served, first_log_in
from tests.journeys.proxy import proxy_to

pytestmark = pytest.mark.journey
SECRET = "a-word-that-nobody-guesses"
PHONE = "79161234567"
FIELDS = [
    {"name": "name", "label": "Name", "type": "text", "required": True},
    {"name": "email", "label": "E-mail", "type": "email", "required": True},
    {"name": "phone", "label": "Phone", "type": "phone"},
    {"name": "message", "label": "Message", "type": "textarea", "required": True},
]


async def make(request: APIRequestContext, path: str, **body: Any) -> Any:
    answer = await request.post(path, data=body)
    assert answer.ok, await answer.text()
    return await answer.json()


async def channels(request: APIRequestContext, gateway: Gateway, log: Path) -> dict[str, str]:
    """Three channels beside the mail receiver; the hook of each."""
    sms = {
        "provider": "kannel",
        "kannel_url": gateway.url,
        "kannel_user": USER,
        "kannel_password": GATEWAY_PASSWORD,
        "kannel_hook_secret": SECRET,
    }
    calls = {"cdr_file": str(log), "cdr_format": "master", "our_numbers": "74950000118"}
    made = {}
    for kind, address, options in (
        ("sms", NUMBER, sms),
        ("telephony", "office", calls),
        ("web_form", "contact", {"fields": json.dumps(FIELDS), "callback": True, "difficulty": 8}),
    ):
        # The gateway starts after the account, whose address stands in its configuration: so it is not tried yet.
        channel = await make(
            request, "/api/v1/channels", kind=kind, name=kind.title(), address=address, queue_id=1, options=options, check=False
        )
        made[kind] = channel["hook_url"]
    return made


async def colleague(browser: Browser, admin: APIRequestContext, base_url: str) -> Page:
    """A second agent, who comes by an invitation and has an own console."""
    invited = await make(admin, "/api/v1/users", name="Boris", email="boris@example.org", role="agent", queue_ids=[1])
    context = await browser.new_context(viewport={"width": 1440, "height": 2400}, base_url=base_url, locale="en-GB")
    link = next(value for value in invited.values() if isinstance(value, str) and "/invitation#" in value)
    page = await context.new_page()
    await page.goto("/invitation#" + link.partition("#")[2])
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Save and sign in").click()
    await page.get_by_role("link", name="Unassigned").wait_for()
    return page


async def signed_in(browser: Browser, base_url: str, email: str) -> Page:
    context = await browser.new_context(viewport={"width": 1440, "height": 2400}, base_url=base_url, locale="en-GB")
    assert (await context.request.post("/api/v1/session", data={"email": email, "password": PASSWORD})).ok
    page = await context.new_page()
    await page.goto("/tickets/open")
    return page


async def open_anna(page: Page) -> None:
    await page.locator("[data-ticket-row]", has_text="Where is my order?").first.click()
    await page.locator("[data-entry]").first.wait_for()
    await page.mouse.move(900, 300)  # a list under the pointer holds still


async def fill_in_form(browser: Browser, hook: str) -> None:
    page = await (await browser.new_context(locale="en-GB")).new_page()
    await page.goto(hook)
    await page.get_by_label("Name").fill("Anna Smirnova")
    await page.get_by_label("E-mail").fill("anna@customer.example")
    await page.get_by_label("Phone").fill("+" + PHONE)
    await page.get_by_label("Message").fill("I also have a question about the invoice.")
    await page.get_by_role("button").first.click()
    await page.locator("a[href*='/r/']").first.wait_for(timeout=20000)


def call(log: Path, number: int, *, answered: bool) -> None:
    """What the PBX writes at the end of a call."""
    began = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=40)
    stamp = lambda at: at.strftime("%Y-%m-%d %H:%M:%S")  # noqa: E731
    unique = f"{began.timestamp():.0f}.{number}"
    talk = 20 if answered else 0
    fields = ["", PHONE, "74950000118", "from-trunk", f'""Anna"" <{PHONE}>', f"PJSIP/trunk-{number:08x}", f"PJSIP/101-{number:08x}" if answered else "",
              "Dial", "PJSIP/101,20", stamp(began), stamp(began + timedelta(seconds=10)) if answered else "", stamp(began + timedelta(seconds=30))]  # fmt: skip
    line = (
        ",".join(f'"{field}"' for field in fields)
        + f',30,{talk},"{"ANSWERED" if answered else "NO ANSWER"}","DOCUMENTATION","{unique}",""\n'
    )
    with log.open("a") as file:
        file.write(line)


async def screen(page: Page) -> dict[str, list[str]]:
    """Everything that must be the same: the person's whole history, the tickets, the list."""
    entries = "all => all.map(e => [e.dataset.entry, e.className.includes(' in') ? 'in' : 'out', e.querySelector('.text, .call, .form')?.innerText ?? ''].join(' | '))"
    rows = "rows => rows.map(row => [row.dataset.ticket, row.querySelector('.subject').innerText, row.querySelector('.preview').innerText].join(' | '))"
    return {
        "entries": list(await page.locator("[data-entry]").evaluate_all(entries)),
        "rows": list(await page.locator("[data-ticket-row]").evaluate_all(rows)),
    }


@pytest.mark.parametrize("seconds", [0, pytest.param(60, marks=pytest.mark.long)], ids=["as long as it takes", "a minute"])
async def test_one_person_on_four_channels(browser: Browser, served: Served, tmp_path: Path, seconds: int) -> None:
    """Whoever was without network while it all came in, whoever was not and whoever comes afterwards see the same history."""
    page = await first_log_in(browser, served)
    admin = page.context.request
    gateway, log = Gateway(tmp_path), tmp_path / "Master.csv"
    log.touch()
    hooks = await channels(admin, gateway, log)
    await asyncio.to_thread(gateway.start, hooks["sms"], SECRET)
    try:
        async with proxy_to(served.port) as proxy:
            boris = await colleague(browser, admin, served.url)
            ada = await signed_in(browser, f"http://127.0.0.1:{proxy.port}", "ada@example.org")
            mail = a_mail(sender="Anna Smirnova <anna@customer.example>", message_id="<one@customer.example>")
            with smtplib.SMTP("127.0.0.1", served.mail_port) as client:
                client.send_message(mail)
            for console in (ada, boris):
                await open_anna(console)

            proxy.cut()
            mended_at = time.monotonic() + seconds
            await fill_in_form(browser, hooks["web_form"])
            await asyncio.to_thread(gateway.write_text, PHONE, "Вы получили мою форму?")
            await expect(boris.locator("[data-entry]", has_text="Вы получили мою форму?")).to_be_visible(timeout=30000)
            call(log, 1, answered=False)
            await expect(boris.locator('[data-call]:not([data-call="answered"])')).to_have_count(1, timeout=30000)
            call(log, 2, answered=True)
            await expect(boris.locator('[data-call="answered"]')).to_have_count(1, timeout=30000)
            await asyncio.sleep(max(0.0, mended_at - time.monotonic()))
            proxy.mend()

            await expect(ada.locator("[data-entry]")).to_have_count(await boris.locator("[data-entry]").count(), timeout=30000)
            seen = await screen(boris)
            assert await screen(ada) == seen
            assert await ada.evaluate("document.documentElement.dataset.resets ?? '0'") == "0"
            fresh = await signed_in(browser, served.url, "boris@example.org")
            await open_anna(fresh)
            assert await screen(fresh) == seen
            said = [entry for entry in seen["entries"] if entry.rpartition("|")[2].strip()]
            assert len(said) == 5  # mail, form, text, two calls: one person
            contacts = await (await admin.get("/api/v1/contacts")).json()
            assert [contact["name"] for contact in contacts["items"]] == ["Anna Smirnova"]
            # The answered call met the demand that the missed one made.
            board = await (
                await admin.get("/api/v1/board", params={"since": datetime.now(UTC).replace(hour=0, minute=0, second=0).isoformat()})
            ).json()
            assert board["queues"][0]["callbacks"] == 0
    finally:
        await asyncio.to_thread(gateway.stop)
