"""From the moment a mail was accepted to the moment a console has it: over the socket, and drawn by a browser."""

import asyncio
import contextlib
import smtplib
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from bench.ingest import ADDRESS, channel
from bench.mailboxes import mailboxes
from bench.places import Setting, engines, say, served
from bench.report import Row, percentile, show

WAIT = 20.0  # seconds after which a mail counts as lost
CHROMIUM = "/usr/bin/chromium"
ROW = "[data-ticket-row]"
# Notes when a row with one of our subjects is first painted: two frames after it came into the page.
OBSERVER = """
window.benchDrawn = {};
const look = () => {
  for (const row of document.querySelectorAll("[data-ticket-row]")) {
    for (const found of row.textContent.matchAll(/Delivered [a-z]+ \\d+ end/g)) {
      const subject = found[0];
      if (subject in window.benchDrawn) continue;
      window.benchDrawn[subject] = 0;
      requestAnimationFrame(() => requestAnimationFrame(() => {
        window.benchDrawn[subject] = (performance.timeOrigin + performance.now()) / 1000;
      }));
    }
  }
};
new MutationObserver(look).observe(document, { childList: true, subtree: true, characterData: true });
"""

Accept = Callable[[str], float]
"""Hands a mail with a subject in; returns when it was accepted, in seconds since the epoch."""
Seen = Callable[[str], Awaitable[float | None]]
"""Waits for a subject; when it was there, None when it never was."""


def run(setting: Setting) -> None:
    """Measure and print."""
    count = 15 if setting.quick else 50
    rows: list[Row] = []
    with engines(setting) as databases, mailboxes(setting) as dovecot:
        for engine, fresh in databases.items():
            with served(setting, fresh()) as about:
                rows += asyncio.run(_measure(engine, about, dovecot, count))
    show(f"Mail accepted to console, {count} mails one by one", "ms", rows)


async def _measure(engine: str, about: dict[str, Any], dovecot: Any, count: int) -> list[Row]:
    rows = []
    async with socket_console(about) as seen:
        rows.append(await _one_by_one("SMTP 250 to news", engine, "smtp", _by_smtp(about["mail_port"]), seen, count))
        if dovecot is not None:
            await _add_mailbox(about, dovecot)
            rows += await _by_imap(engine, dovecot, seen, count)
    async with browser_console(about) as drawn:
        if drawn is not None:
            rows.append(await _one_by_one("SMTP 250 to drawn", engine, "drawn", _by_smtp(about["mail_port"]), drawn, count))
    return rows


async def _one_by_one(label: str, engine: str, word: str, accept: Accept, seen: Seen, count: int) -> Row:
    row, lost = Row(label, engine), 0
    for number in range(count):
        subject = f"Delivered {word} {number} end"
        accepted = await asyncio.to_thread(accept, subject)
        at = await seen(subject)
        if at is None:
            lost += 1
        else:
            row.values.append((at - accepted) * 1000)
        await asyncio.sleep(0.05)
    row.note = _words(row.values, lost)
    return row


def _words(values: list[float], lost: int) -> str:
    return (f"p99 {percentile(values, 0.99):.1f} ms" if values else "") + (f"  {lost} NEVER CAME" if lost else "")


def _by_smtp(port: int) -> Accept:
    client = smtplib.SMTP("127.0.0.1", port, timeout=30)

    def accept(subject: str) -> float:
        client.sendmail("anna@example.com", ["support@localhost"], _mail(subject))
        return time.time()

    return accept


def _mail(subject: str) -> bytes:
    from contact_center.testing import a_mail

    key = subject.replace(" ", "-")
    return a_mail(sender="Anna <anna@example.com>", subject=subject, message_id=f"<{key}@example.com>").as_bytes()


async def _by_imap(engine: str, dovecot: Any, seen: Seen, count: int) -> list[Row]:
    """The whole time, and what the product adds to the server's own notice, seen by an IDLE of our own."""
    from imapclient import IMAPClient

    whole, notice = Row("IMAP append to news", engine), Row("  the server's own notice", engine)
    beyond, lost = Row("  beyond the server's notice", engine), 0
    with IMAPClient("127.0.0.1", dovecot.port, ssl=False) as writer, _Notices(dovecot.port) as notices:
        writer.login("ivan", "secret")
        for number in range(count):
            subject = f"Delivered imap{engine} {number} end"  # the mailbox is the same for both engines
            notices.told.clear()
            await asyncio.to_thread(writer.append, "INBOX", _mail(subject))
            accepted = time.time()
            at = await seen(subject)
            if at is None or not await asyncio.to_thread(notices.told.wait, 5):
                lost += 1
                continue
            whole.values.append((at - accepted) * 1000)
            notice.values.append((notices.at - accepted) * 1000)
            beyond.values.append((at - notices.at) * 1000)
            await asyncio.sleep(0.1)
    for row in (whole, notice, beyond):
        row.note = _words(row.values, lost)
    return [whole, notice, beyond]


class _Notices:
    """A connection that idles in a thread and notes when the server says that there is more."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._idle, daemon=True)
        self.told = threading.Event()
        self._ready = threading.Event()
        self.at = 0.0

    def __enter__(self) -> "_Notices":
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(5)

    def _idle(self) -> None:
        from imapclient import IMAPClient

        with IMAPClient("127.0.0.1", self._port, ssl=False) as client:
            client.login("ivan", "secret")
            client.select_folder("INBOX", readonly=True)
            client.idle()
            self._ready.set()
            while not self._stop.is_set():
                if any(len(line) > 1 and line[1] == b"EXISTS" for line in client.idle_check(timeout=0.5)):
                    self.at = time.time()
                    self.told.set()
            client.idle_done()


async def _add_mailbox(about: dict[str, Any], dovecot: Any) -> None:
    import aiohttp

    async with aiohttp.ClientSession(about["url"], headers={"Cookie": about["cookie"]}) as client:
        async with client.post("/api/v1/channels", json=channel(dovecot.port, "INBOX") | {"address": ADDRESS}) as response:
            assert response.status == 201, await response.text()
    await asyncio.sleep(2)  # until it idles


@contextlib.asynccontextmanager
async def socket_console(about: dict[str, Any]) -> AsyncIterator[Seen]:
    """A console without a screen: notes when news named a subject."""
    import socketio

    client = socketio.AsyncClient()
    arrived: dict[str, float] = {}
    news = asyncio.Event()

    @client.on("news")
    async def _on_news(data: Any) -> None:
        now = time.time()
        for event in data["events"]:
            subject = (event["data"].get("ticket") or event["data"].get("entry") or {}).get("subject")
            if subject:
                arrived.setdefault(subject, now)
        news.set()

    async def seen(subject: str) -> float | None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WAIT):
                while subject not in arrived:
                    news.clear()
                    await news.wait()
        return arrived.get(subject)

    await client.connect(about["url"], headers={"Cookie": about["cookie"]}, transports=["websocket"])
    try:
        yield seen
    finally:
        await client.disconnect()


@contextlib.asynccontextmanager
async def browser_console(about: dict[str, Any]) -> AsyncIterator[Seen | None]:
    """A console in Chromium, signed in by its cookie; None, and a line that says why, when there is none."""
    from contact_center import agent_ui

    if not agent_ui.is_built():
        say("console not built: no time to drawn (run make console)")
        yield None
        return
    try:
        from playwright.async_api import async_playwright
    except ImportError:
        say("playwright is not installed: no time to drawn")
        yield None
        return
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            context = await browser.new_context()
            name, _, value = about["cookie"].partition("=")
            await context.add_cookies([{"name": name, "value": value, "url": about["url"]}])
            page = await context.new_page()
            await page.add_init_script(OBSERVER)
            await page.goto(about["url"])
            await page.wait_for_selector(ROW, timeout=WAIT * 1000)
            yield _drawn_in(page)
        finally:
            await browser.close()


def _drawn_in(page: Any) -> Seen:
    async def seen(subject: str) -> float | None:
        with contextlib.suppress(Exception):
            await page.wait_for_function("subject => window.benchDrawn[subject]", arg=subject, timeout=WAIT * 1000)
        at = await page.evaluate("subject => window.benchDrawn[subject]", subject)
        return float(at) if at else None

    return seen
