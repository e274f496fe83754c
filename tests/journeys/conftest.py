"""What a person's way needs: the server as a process of its own, a real browser, a real mail world. No double here."""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import smtplib
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from contact_center import agent_ui
from tests import servers

CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PASSWORD = "correct horse battery"
ADA = {"email": "ada@example.org", "password": PASSWORD}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium, started once for all journeys of a worker."""
    program = servers.need("chromium", "chromium")
    assert agent_ui.is_built(), "the console is not built: make console"
    async with async_playwright() as driver:
        opened = await driver.chromium.launch(executable_path=program, args=CHROMIUM)
        yield opened
        await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def browser(chromium: Browser) -> AsyncIterator[Browser]:
    """It, as if it had just been started: nothing that one test opened is there in the next."""
    yield chromium
    for context in chromium.contexts:
        await context.close()


@dataclass
class Served:
    """`contact-center serve` as a process."""

    folder: Path
    port: int
    mail_port: int
    process: "subprocess.Popen[str] | None" = None
    first_login: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, and wait until it says where it is."""
        environment = os.environ | {
            "CONTACT_CENTER_DATA_DIR": str(self.folder / "data"),
            "CONTACT_CENTER_PORT": str(self.port),
            "CONTACT_CENTER_MAIL__LISTEN": f"127.0.0.1:{self.mail_port}",
            "CONTACT_CENTER_MAIL__UNDO_SEND_SECONDS": "2",
            "PYTHONUNBUFFERED": "1",
        }
        program = Path(sys.executable).with_name("contact-center")
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                [str(program), "serve"], env=environment, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
            )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if (found := re.search(r"works once\): (\S+)", line)) is not None:
                self.first_login = found[1]
                break
            if line.startswith("Mail is received") and self.first_login:
                break

    def kill(self) -> None:
        """kill -9, the whole group: what a power cut does."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(20)
        if self.process.stdout:
            self.process.stdout.close()

    def stop(self) -> None:
        """Ask it to stop, and kill it if it does not."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()
        if self.process.stdout:
            self.process.stdout.close()


@pytest.fixture
def served(tmp_path: Path, sqlite_template: Path) -> Iterator[Served]:
    """A server that was just started and has nobody in it."""
    (tmp_path / "data").mkdir()
    shutil.copyfile(sqlite_template, tmp_path / "data" / "contact-center.sqlite3")
    server = Served(tmp_path, servers.free_port(), servers.free_port())
    server.start()
    yield server
    server.kill()  # to stop as a server should takes a second that nobody looks at


@dataclass
class MailWorld:
    """The customers' side: a real SMTP server that keeps what it gets in a Maildir, and Dovecot's own delivery."""

    dovecot: servers.Dovecot
    smtp_port: int
    customer_maildir: Path

    async def write_to_support(self, mail: EmailMessage) -> None:
        """A customer's mail, delivered into the support mailbox by Dovecot's LMTP."""

        def deliver() -> None:
            with smtplib.LMTP("127.0.0.1", self.dovecot.lmtp_port) as client:
                client.send_message(mail, from_addr="anna@customer.example", to_addrs=["ivan"])

        await asyncio.to_thread(deliver)

    def received_by_customer(self) -> list[bytes]:
        """What the customer got, the oldest first."""
        return [path.read_bytes() for path in sorted((self.customer_maildir / "new").glob("*"))]

    async def wait_for_answers(self, count: int) -> list[bytes]:
        """Wait until the customer has this many mails."""
        for _ in range(600):
            if len(found := self.received_by_customer()) >= count:
                return found
            await asyncio.sleep(0.1)
        raise TimeoutError(f"the customer has {len(self.received_by_customer())} of {count} mails")


@pytest.fixture
def mail_world(dovecot: servers.Dovecot, tmp_path: Path) -> Iterator[MailWorld]:
    """Dovecot with an empty mailbox, and an SMTP server in a process of its own."""
    port, maildir = servers.free_port(), tmp_path / "customer"
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "aiosmtpd",
        "-n",
        "-l",
        f"127.0.0.1:{port}",
        "-c",
        "aiosmtpd.handlers.Mailbox",
        str(maildir),
    ]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        servers.wait_for_port(port)
        yield MailWorld(dovecot, port, maildir)
    finally:
        process.terminate()
        process.wait(10)


async def first_log_in(browser: Browser, served: Served, base_url: str | None = None) -> Page:
    """The console of the first administrator, who is made on the way. How a person does that: `by_hand`."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, base_url=base_url or served.url, locale="en-GB")
    token = served.first_login.partition("#")[2]
    answer = await context.request.post("/api/v1/first-login", data={"token": token, "name": "Ada Admin"} | ADA)
    assert answer.ok, await answer.text()
    page = await context.new_page()
    await page.goto("/")
    await page.get_by_role("link", name="Unassigned").wait_for()
    return page


async def by_hand(browser: Browser, served: Served) -> Page:
    """Open the one-time link and make the first administrator, as a person does."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, base_url=served.url, locale="en-GB")
    page = await context.new_page()
    await page.goto(f"/first-login#{served.first_login.partition('#')[2]}")
    await page.get_by_label("Your name").fill("Ada Admin")
    await page.get_by_label("Mail address").fill(ADA["email"])
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Create and sign in").click()
    await page.get_by_role("link", name="Unassigned").wait_for()
    return page
