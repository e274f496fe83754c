"""Somebody writes a reply while a day's worth of events arrives: caret, focus, draft, the line being read and the pointed row stay."""

import asyncio
import smtplib
from typing import Any

import pytest
from playwright.async_api import APIRequestContext, Browser, Page, expect

from contact_center.testing import a_mail
from tests.journeys.conftest import Served, first_log_in

pytestmark = pytest.mark.journey
ROUNDS = 5
MAILS = 30  # a round, beside notes, assignments, resolutions and merges
LETTERS = "Thank you for waiting, the parcel left our store this morning. "
# What must not change while others work: looked at after every drawn frame.
GUARD = """
void (() => {
  const field = document.querySelector('textarea');
  const line = [...document.querySelectorAll('[data-entry]')].find((entry) => entry.innerText.includes('Line being read'));
  const wanted = line.getBoundingClientRect().top;
  const row = () => document.elementFromPoint(200, 400)?.closest('[data-ticket-row]')?.dataset.ticket;
  const pointed = row();
  window.faults = [];
  window.typed = { text: field.value, caret: field.selectionStart };
  const complain = (what) => window.faults.length < 20 && window.faults.push(what);
  field.addEventListener('input', () => (window.typed = { text: field.value, caret: field.selectionStart }));
  const look = () => {
    const [now] = document.querySelectorAll('textarea');
    const read = [...document.querySelectorAll('[data-entry]')].find((entry) => entry.innerText.includes('Line being read'));
    if (now !== field) complain('the field is another one');
    else if (document.activeElement !== field) complain(`the focus is at ${document.activeElement?.tagName}`);
    else if (field.value !== window.typed.text) complain(`the draft is ${field.value}`);
    else if (field.selectionStart !== window.typed.caret) complain(`the caret is at ${field.selectionStart}, not ${window.typed.caret}`);
    if (!read) complain('the line being read is gone');
    else if (Math.abs(read.getBoundingClientRect().top - wanted) > 0.5) complain(`the line moved by ${read.getBoundingClientRect().top - wanted} after ${window.drawn} frames, among ${document.querySelectorAll('[data-entry]').length} entries`);
    if (row() !== pointed) complain(`the pointer is at ${row()}, not ${pointed}`);
    window.drawn = (window.drawn ?? 0) + 1;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})()
"""


def deliver(served: Served, mails: list[Any]) -> None:
    with smtplib.SMTP("127.0.0.1", served.mail_port) as client:
        for mail in mails:
            client.send_message(mail)


def history() -> list[Any]:
    """Anna's long thread, one line of which is being read; and others who wrote before."""
    mails = [a_mail(sender=f"c{n}@example.org", subject=f"Mail {n}", text=f"Text {n}", message_id=f"<b{n}@x>") for n in range(30)]
    for n in range(30):
        text = "Line being read" if n == 12 else f"Part {n}\n" * (1 + n % 4)
        answers = "<anna0@x>" if n else None
        mails.append(a_mail(sender="Anna <anna@example.org>", subject="The story", text=text, message_id=f"<anna{n}@x>", answers=answers))
    return mails


def round_of(n: int) -> list[Any]:
    """Mails of a while: most of others, old and new, some of Anna herself."""
    mails = []
    for k in range(MAILS):
        key = f"<r{n}.{k}@x>"
        if k % 6 == 0:
            mails.append(
                a_mail(sender="Anna <anna@example.org>", subject="Re: The story", text=f"And {n}.{k}", message_id=key, answers="<anna0@x>")
            )
        elif k % 3 == 0:
            mails.append(a_mail(sender=f"c{k}@example.org", subject=f"Re: Mail {k}", text="More", message_id=key, answers=f"<b{k}@x>"))
        else:
            mails.append(a_mail(sender=f"new{n}.{k}@example.org", subject=f"News {n}.{k}", text="Hello", message_id=key))
    return mails


async def post(request: APIRequestContext, path: str, **body: Any) -> None:
    answer = await request.post(path, data=body, headers={"Idempotency-Key": f"{path} {body}"})
    assert answer.ok, await answer.text()


async def others_work(request: APIRequestContext, anna: int, tickets: list[int], people: list[int], n: int) -> None:
    """What colleagues do meanwhile: notes, assignments, resolutions; and two contacts who turn out to be Anna."""
    for k in range(4):
        await request.patch(f"/api/v1/tickets/{tickets[(4 * n + k) % len(tickets)]}", data={"assignee_id": 1, "tags": [f"t{n}"]})
    await request.patch(f"/api/v1/tickets/{tickets[n]}", data={"status": "resolved"})
    await post(request, f"/api/v1/tickets/{anna}/notes", text=f"Note {n}")
    await request.patch(f"/api/v1/tickets/{anna}", data={"priority": ("high", "normal")[n % 2]})
    if n in (1, 3):
        contact = (await (await request.get(f"/api/v1/tickets/{anna}")).json())["contact"]["id"]
        # Once Anna's contact takes another in, once another one takes Anna's in: her ticket goes to somebody else's page.
        survivor, loser = (contact, people[n]) if n == 1 else (people[n], contact)
        await post(request, f"/api/v1/contacts/{survivor}/merges", other_id=loser)


async def settle(page: Page) -> None:
    """Put the pointer at a row, the line being read into sight, and the caret into the middle of a draft."""
    await page.locator("[data-ticket-row]", has_text="The story").click()
    await page.locator("[data-entry]", has_text="Line being read").evaluate("entry => entry.scrollIntoView({block: 'center'})")
    await page.locator("textarea").first.fill("Dear Anna,  Yours, Ada")
    for _ in range(11):
        await page.keyboard.press("ArrowLeft")
    await page.mouse.move(200, 400)
    await page.wait_for_timeout(300)


async def test_nothing_moves_while_somebody_types(browser: Browser, served: Served) -> None:
    """In no frame of it all does anything move that the person looks at, points at or writes."""
    page = await first_log_in(browser, served)
    request = page.context.request
    await asyncio.to_thread(deliver, served, history())
    await page.locator("[data-ticket-row]", has_text="The story").wait_for(timeout=20000)
    await expect(page.get_by_role("link", name="Open 31")).to_be_visible(timeout=20000)
    listed = (await (await request.get("/api/v1/tickets?limit=100")).json())["items"]
    anna = next(ticket["id"] for ticket in listed if ticket["subject"] == "The story")
    others = [ticket for ticket in listed if ticket["id"] != anna]
    await settle(page)
    await page.evaluate(GUARD)
    before = int(await page.evaluate("document.documentElement.dataset.upto ?? 0"))

    for n in range(ROUNDS):
        work = asyncio.gather(
            asyncio.to_thread(deliver, served, round_of(n)),
            others_work(request, anna, [ticket["id"] for ticket in others], [ticket["contact"]["id"] for ticket in others], n),
        )
        await page.keyboard.type(LETTERS, delay=12)
        await work
    await page.wait_for_timeout(700)

    events = int(await page.evaluate("document.documentElement.dataset.upto")) - before
    frames, faults = await page.evaluate("[window.drawn, window.faults]")
    print(f"\n{events} events, {frames} frames")
    assert not faults, "\n".join(faults)
    assert events >= 300
    assert await page.locator("textarea").first.input_value() == f"Dear Anna, {LETTERS * ROUNDS} Yours, Ada"
    assert await page.evaluate("document.documentElement.dataset.resets ?? '0'") == "0"
    await expect(page.get_by_role("button", name="new below")).to_be_visible()
    await expect(page.get_by_role("button", name="new above")).to_be_visible()


@pytest.mark.parametrize("opened", ["One", "Two"])
async def test_a_draft_follows_its_ticket(browser: Browser, served: Served, opened: str) -> None:
    """A mail shows that two tickets are one, while somebody writes in either: the draft goes on, the caret where it was."""
    page = await first_log_in(browser, served)
    asked = [a_mail(sender="Anna <anna@example.org>", subject=name, text=name, message_id=f"<{name}@x>") for name in ("One", "Two")]
    await asyncio.to_thread(deliver, served, asked)
    await page.locator("[data-ticket-row]", has_text=opened).first.click()
    await page.mouse.move(900, 300)  # a list under the pointer holds still
    field = page.locator("textarea").first
    await field.fill("Dear Anna, it comes.")
    await page.keyboard.press("ArrowLeft")
    await asyncio.to_thread(
        deliver,
        served,
        [a_mail(sender="Anna <anna@example.org>", subject="Re: One", message_id="<b@x>", answers="<One@x>", references="<Two@x>")],
    )
    await page.keyboard.type(" tomorrow", delay=60)
    await expect(page.locator("[data-ticket-row]")).to_have_count(1)
    await page.keyboard.type(" or so", delay=30)

    await expect(field).to_have_value("Dear Anna, it comes tomorrow or so.")
    assert await page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    await page.reload()
    await expect(page.locator("textarea").first).to_have_value("Dear Anna, it comes tomorrow or so.")
