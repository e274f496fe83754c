"""Kill -9 while mail pours in: everything we said yes to is there once, and the books balance."""

import asyncio
import contextlib
import os
import random
import signal
import smtplib
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from sqlalchemy import text

from contact_center.store import open_store
from contact_center.testing import a_mail
from tests.servers import free_port, wait_for_port

ROUNDS = 4
SEED = 20261102


class Customer(threading.Thread):
    """Sends one mail after the other, and again until it hears a yes."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.accepted: list[str] = []
        self.stopped = threading.Event()

    def run(self) -> None:
        number = 0
        while not self.stopped.is_set():
            mail = a_mail(message_id=f"<m{number}@example.com>", subject=f"mail {number}", sender=f"c{number % 7}@example.com")
            if self._sent(mail.as_bytes()):
                self.accepted.append(f"mail {number}")
                number += 1

    def _sent(self, mail: bytes) -> bool:
        try:
            with smtplib.SMTP("127.0.0.1", self.port, timeout=5) as smtp:
                smtp.sendmail("c@example.com", ["support@localhost"], mail)
        except (OSError, smtplib.SMTPException):
            self.stopped.wait(0.05)
            return False
        return True


def start(folder: Path, web: int, mail: int) -> "subprocess.Popen[bytes]":
    environment = os.environ | {
        "CONTACT_CENTER_DATA_DIR": str(folder),
        "CONTACT_CENTER_HOST": "127.0.0.1",
        "CONTACT_CENTER_PORT": str(web),
        "CONTACT_CENTER_MAIL__LISTEN": f"127.0.0.1:{mail}",
        "CONTACT_CENTER_LOG_LEVEL": "error",
    }
    for name in ("DATABASE_URL", "HOST", "PORT", "CONTACT_CENTER_CONFIG", "CONTACT_CENTER_DATABASE_URL"):
        environment.pop(name, None)
    program = [str(Path(sys.executable).with_name("contact-center")), "serve"]
    environment |= {"CONTACT_CENTER_HOST": "127.0.0.1", "CONTACT_CENTER_PORT": str(web)}
    return subprocess.Popen(
        program, env=environment, cwd=folder.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def kill(server: "subprocess.Popen[bytes]") -> None:
    """End the server and its parser processes without a warning."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait(20)


async def state(folder: Path) -> tuple[dict[str, int], list[str]]:
    store = await open_store(f"sqlite:///{folder / 'contact-center.sqlite3'}", folder / "blobs")
    try:
        books = await store.read(lambda c: dict(c.execute(text("SELECT state, count(*) FROM raw_item GROUP BY state")).all()))
        subjects = await store.read(lambda c: c.execute(text("SELECT subject FROM interaction WHERE direction = 'in'")).scalars().all())
        return books, list(subjects)
    finally:
        await store.close()


def test_nothing_is_lost_or_doubled_by_kill_9(tmp_path: Path) -> None:
    """Every mail that got a 250 is exactly one entry after any number of crashes, and every raw item has its fate."""
    dice = random.Random(SEED)
    folder, web, mail = tmp_path / "data", free_port(), free_port()
    customer = Customer(mail)
    server = start(folder, web, mail)
    try:
        wait_for_port(mail, 40)
        customer.start()
        for _ in range(ROUNDS):
            before = len(customer.accepted)
            time.sleep(dice.uniform(0.05, 1.0))
            kill(server)
            server = start(folder, web, mail)
            wait_for_port(mail, 40)
            deadline = time.monotonic() + 20
            while len(customer.accepted) <= before and time.monotonic() < deadline:
                time.sleep(0.02)
        customer.stopped.set()
        customer.join(20)
        deadline = time.monotonic() + 30
        while asyncio.run(state(folder))[0].get("received") and time.monotonic() < deadline:
            time.sleep(0.2)
    finally:
        customer.stopped.set()
        kill(server)
    books, subjects = asyncio.run(state(folder))
    seen = Counter(subjects)
    assert len(customer.accepted) >= ROUNDS
    assert [subject for subject in customer.accepted if seen[subject] != 1] == [], f"seed {SEED}"
    assert [subject for subject, times in seen.items() if times > 1] == []
    assert set(books) == {"stored"}
    assert books["stored"] == len(subjects)
