"""The disaster drill: yesterday's backup beside today's mailbox, with a real Dovecot, a real mail server and real processes."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from email import message_from_bytes, policy
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from imapclient import IMAPClient
from sqlalchemy import text

from contact_center.channels.email.options import EmailOptions
from contact_center.config import Settings
from contact_center.store import open_store
from contact_center.testing import PASSWORD, a_mail, running_app
from tests.conftest import make_database
from tests.servers import Dovecot, free_port, wait_for_port
from tests.test_recovery import Customer

PROGRAM = str(Path(sys.executable).with_name("contact-center"))
UNDO = 15.0  # seconds: a backup must begin while a reply waits, on a busy machine too ...
SHORT_UNDO = 1.0  # ... and afterwards nothing needs to wait
_numbers = count(1)


class Sink:
    """A mail server that keeps what it is given."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.mails.append(bytes(envelope.content or b""))
        return "250 OK"

    def subjects(self) -> Counter[str]:
        return Counter(str(message_from_bytes(mail, policy=policy.default)["Subject"]) for mail in self.mails)


@contextlib.asynccontextmanager
async def sink() -> AsyncIterator[tuple[Sink, int]]:
    kept = Sink()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(kept, hostname="sink"), "127.0.0.1", 0)
    try:
        yield kept, server.sockets[0].getsockname()[1]
    finally:
        server.close()


class Machine:
    """A computer with a data folder and a database, on which the product is installed."""

    def __init__(self, folder: Path, url: str) -> None:
        self.undo = UNDO
        self.folder = folder
        self.url = url
        self.web, self.mail = free_port(), free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "HOST", "PORT", "CONTACT_CENTER_CONFIG")}
        return kept | {
            "CONTACT_CENTER_DATA_DIR": str(self.folder),
            "CONTACT_CENTER_DATABASE_URL": self.url,
            "CONTACT_CENTER_MAIL__LISTEN": f"127.0.0.1:{self.mail}",
            "CONTACT_CENTER_MAIL__UNDO_SEND_SECONDS": str(self.undo),
            "CONTACT_CENTER_HOST": "127.0.0.1",
            "CONTACT_CENTER_PORT": str(self.web),
            "CONTACT_CENTER_LOG_LEVEL": "error",
        }

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "serve"], env=self.environment(), cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )
        wait_for_port(self.web, 60)

    def kill(self) -> None:
        """Without a warning."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(20)
            self.process = None

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [PROGRAM, *arguments], env=self.environment(), cwd=self.folder, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextlib.asynccontextmanager
    async def agent(self) -> AsyncIterator[aiohttp.ClientSession]:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{self.web}", cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
            async with client.post("/api/v1/session", json={"email": "admin@example.com", "password": PASSWORD}) as response:
                assert response.status == 201, await response.text()
            yield client

    async def ask(self, sql: str) -> list[Any]:
        """Rows, straight from the database."""
        settings = Settings(data_dir=self.folder, database_url=self.url)
        store = await open_store(settings.effective_database_url, self.folder / "blobs")
        try:
            return await store.read(lambda connection: [tuple(row) for row in connection.execute(text(sql))])
        finally:
            await store.close()

    async def until(self, what: Callable[[list[Any]], bool], sql: str, seconds: float = 180) -> None:
        deadline = time.monotonic() + seconds
        while not what(await self.ask(sql)):
            assert time.monotonic() < deadline, await self.ask(sql)
            await asyncio.sleep(0.2)

    async def tickets(self) -> dict[str, str]:
        """Which mails lie in one ticket: the message key of each to the first of its ticket."""
        rows = await self.ask("SELECT ticket_id, message_key FROM interaction WHERE direction = 'in' AND message_key LIKE '%@drill'")
        first: dict[int, str] = {}
        for ticket, key in sorted(rows, key=lambda row: row[1]):
            first.setdefault(ticket, key)
        return {key: first[ticket] for ticket, key in rows}


FATES = "SELECT state, count(*) FROM raw_item WHERE account_id > 1 GROUP BY state"


async def make_machine(request: pytest.FixtureRequest, engine: str, folder: Path) -> Machine:
    folder.mkdir()
    url = "" if engine == "sqlite" else await make_database(request.getfixturevalue("postgres_server"))
    return Machine(folder, url)


async def add_mailbox(machine: Machine, user: str, imap: int, smtp: int) -> None:
    options = {"imap_host": "127.0.0.1", "imap_port": imap, "imap_security": "none", "imap_user": user, "imap_password": "secret"}
    options |= {"smtp_host": "127.0.0.1", "smtp_port": smtp, "smtp_security": "none"}
    if "acknowledge" in EmailOptions.model_fields:
        options["acknowledge"] = True
    async with running_app(machine.folder, database_url=machine.url) as running, running.session() as client:
        body = {"kind": "email", "name": "Drill", "address": "help@drill.example", "queue_id": 1, "options": options}
        async with client.post("/api/v1/channels", json=body) as response:
            assert response.status == 201, await response.text()


def put(server: Dovecot, user: str, *mails: bytes) -> None:
    with IMAPClient("127.0.0.1", server.port, ssl=False, timeout=30) as client:
        client.login(user, "secret")
        for mail in mails:
            client.append("INBOX", mail)


def question(name: str, number: int, answers: str | None = None) -> bytes:
    mail = a_mail(
        sender=f"c{number}@customers.example",
        to="help@drill.example",
        subject=f"{name} {number}",
        message_id=f"<{name}{number}@drill>",
        answers=answers,
        text=f"{name} {number}",
    )
    return mail.as_bytes()


async def reply(machine: Machine, client: aiohttp.ClientSession, subject: str, words: str) -> None:
    (row,) = await machine.ask(f"SELECT ticket_id FROM interaction WHERE subject = '{subject}' AND direction = 'in'")
    async with client.post(f"/api/v1/tickets/{row[0]}/replies", json={"text": words}, headers={"Idempotency-Key": words}) as response:
        assert response.status == 201, await response.text()


@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
async def test_yesterdays_backup_beside_todays_mailbox(
    request: pytest.FixtureRequest, tmp_path: Path, dovecot: Dovecot, engine: str
) -> None:
    """Everything comes in again, threads lie in one ticket as before, the figures are equal, and nobody is answered twice."""
    user = f"drill{next(_numbers)}{engine}"
    old = await make_machine(request, engine, tmp_path / "old")
    new = await make_machine(request, engine, tmp_path / "new")
    async with sink() as (outside, smtp):
        await add_mailbox(old, user, dovecot.port, smtp)
        old.start()
        try:
            # Yesterday: six customers write, two are answered, and a third answer waits while the backup is made.
            put(dovecot, user, *(question("yesterday", number) for number in range(6)))
            await old.until(lambda rows: dict(rows).get("stored") == 6, FATES)
            async with old.agent() as client:
                await reply(old, client, "yesterday 0", "answer 0")
                await reply(old, client, "yesterday 1", "answer 1")
                await old.until(lambda rows: rows == [], "SELECT id FROM outbox WHERE state <> 'sent'")
                await reply(old, client, "yesterday 2", "answer 2")
                due = time.monotonic() + UNDO
                manifest = json.loads(old.run("backup", "--with-key", "--json", str(tmp_path / "backup")))
                assert manifest["rows"]["outbox"] >= 3
                # Today: old and new customers write, and are answered; then the machine burns down.
                todays = [question("today", number) for number in range(4)]
                todays += [question("again", number, f"<yesterday{number}@drill>") for number in range(6)]
                put(dovecot, user, *todays)
                await old.until(lambda rows: dict(rows).get("stored") == 16, FATES)
                await reply(old, client, "today 0", "answer today")
                await old.until(lambda rows: rows == [], "SELECT id FROM outbox WHERE state <> 'sent'")
        finally:
            old.kill()
        tickets, sent = await old.tickets(), outside.subjects()
        assert sum(sent.values()) >= 4

        output = new.run("restore", str(tmp_path / "backup"))
        assert "1 messages may have gone out" in output
        new.undo = SHORT_UNDO
        new.start()
        try:
            await new.until(lambda rows: dict(rows).get("stored") == 16, FATES)
            # Whatever would be sent by itself would be sent by now: what waited is due, and so is any new one.
            await asyncio.sleep(max(0.0, due - time.monotonic()) + SHORT_UNDO + 3)
            assert dict(await new.ask(FATES)) == {"stored": 16}
            assert await new.tickets() == tickets
            assert outside.subjects() == sent, "somebody was answered twice"
            waiting = await new.ask("SELECT state, error FROM outbox WHERE state NOT IN ('sent', 'cancelled')")
            assert [state for state, _ in waiting] == ["uncertain"]
            assert waiting[0][1].startswith("restored from a backup of ")
            async with new.agent() as client:
                await reply(new, client, "today 1", "after the restore")
                before = sum(sent.values())
                deadline = time.monotonic() + 60
                while len(outside.mails) == before and time.monotonic() < deadline:
                    await asyncio.sleep(0.2)
                assert len(outside.mails) == before + 1
        finally:
            new.kill()
        assert len({message_from_bytes(mail)["Message-ID"] for mail in outside.mails}) == len(outside.mails)


class Sender(Customer):
    """A customer some of whose mails are too large for the database."""

    def _sent(self, mail: bytes) -> bool:
        if len(self.accepted) % 10 == 5:
            head, _, body = mail.partition(b"\n\n")
            mail = head + b"\n\n" + body + b"x" * 70 + b"\n" + (bytes(70).replace(b"\0", b"y") + b"\n") * 20000
        return super()._sent(mail)


@pytest.mark.parametrize("engine", [pytest.param("sqlite", marks=pytest.mark.long), "postgresql"])
async def test_a_backup_under_load_is_one_moment(request: pytest.FixtureRequest, tmp_path: Path, engine: str) -> None:
    """Mail pours in while the backup is made: it holds exactly the first mails, with all their contents, and the books balance."""
    old = await make_machine(request, engine, tmp_path / "old")
    new = await make_machine(request, engine, tmp_path / "new")
    old.start()
    customer = Sender(old.mail)
    slowest = 0.0
    try:
        wait_for_port(old.mail, 40)
        customer.start()
        await asyncio.sleep(2)
        at_start = len(customer.accepted)
        backup = asyncio.create_task(asyncio.to_thread(old.run, "backup", "--with-key", str(tmp_path / "backup")))
        while not backup.done():
            before, began = len(customer.accepted), time.monotonic()
            while len(customer.accepted) == before and not backup.done():
                await asyncio.sleep(0.005)
            slowest = max(slowest, time.monotonic() - began)
        await backup
        at_end = len(customer.accepted)
    finally:
        customer.stopped.set()
        customer.join(20)
        old.kill()
    print(f"{at_end - at_start} mails were taken during the backup; the longest pause was {slowest:.2f} s")
    assert at_end > at_start
    new.run("backup", "--verify", str(tmp_path / "backup"))
    new.run("restore", str(tmp_path / "backup"))
    new.start()
    try:
        await new.until(lambda rows: set(dict(rows)) == {"stored"}, "SELECT state, count(*) FROM raw_item GROUP BY state")
        ((items,),) = await new.ask("SELECT count(*) FROM raw_item")
        subjects = [row[0] for row in await new.ask("SELECT subject FROM interaction WHERE direction = 'in' ORDER BY id")]
        contents = await new.ask("SELECT sha256, size FROM blob WHERE content IS NULL")
    finally:
        new.kill()
    assert at_start - 1 <= items <= at_end + 1
    assert sorted(subjects) == sorted([*customer.accepted, f"mail {len(customer.accepted)}"][:items])
    assert len(contents) >= 1
    for sha256, size in contents:
        assert (new.folder / "blobs" / sha256[:2] / sha256).stat().st_size == size
