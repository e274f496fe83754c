"""Memory of the idle embedded service: `contact-center serve` with its children, after mails have gone through."""

import os
import smtplib
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from bench.places import Setting, process, say
from bench.report import Row, show


def run(setting: Setting) -> None:
    """Measure and print."""
    from tests import servers

    count = 100 if setting.quick else 500
    folder, port = setting.folder("data"), servers.free_port()
    database = folder / "contact-center.sqlite3"
    environment = os.environ | {"CONTACT_CENTER_DATA_DIR": str(folder), "CONTACT_CENTER_MAIL__LISTEN": f"127.0.0.1:{port}"}
    command = [sys.executable, "-m", "contact_center", "serve", "--port", "0"]
    with process(command, env=environment, stderr=subprocess.DEVNULL) as service:
        servers.wait_for_port(port)
        at_start = resident(service.pid)
        began = time.perf_counter()
        _send(port, count)
        _wait(database, count)
        say(f"{count} mails by SMTP took {time.perf_counter() - began:.1f} s")
        time.sleep(3)
        after, processor = resident(service.pid), _processor(service.pid, 3)
    rows = [Row(f"after {count} mails, {name}", "sqlite", [size]) for name, size in after.items()]
    total = Row(f"after {count} mails, all processes", "sqlite", [sum(after.values())])
    show("RSS of the idle embedded service", "MB", [Row("just started, all processes", "sqlite", [sum(at_start.values())]), *rows, total])
    say(f"idle, the service uses {processor:.1f} % of one core")


def resident(pid: int) -> dict[str, float]:
    """Megabytes of a process and of each of its descendants, by what they are."""
    found: dict[str, float] = {}
    for number, process_id in enumerate(family(pid)):
        try:
            status = Path(f"/proc/{process_id}/status").read_text()
        except OSError:
            continue
        kilobytes = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
        found["server" if number == 0 else f"child {number}"] = kilobytes / 1024
    return found


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        parents.setdefault(parent, []).append(int(path.parent.name))
    members = [pid]
    for member in members:
        members += sorted(parents.get(member, []))
    return members


def _processor(pid: int, seconds: float) -> float:
    """Percent of one core that a process and its descendants use."""
    before = _ticks(pid)
    time.sleep(seconds)
    return (_ticks(pid) - before) / os.sysconf("SC_CLK_TCK") / seconds * 100


def _ticks(pid: int) -> int:
    total = 0
    for member in family(pid):
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total


def _send(port: int, count: int) -> None:
    from contact_center.testing import a_mail

    with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
        for number in range(count):
            client.send_message(
                a_mail(sender=f"Customer {number % 50} <c{number % 50}@example.com>", subject=f"Question {number}",
                       text="Where is it? " * 150,
                       message_id=f"<memory-{number}@example.com>", html="<p>" + "Where is it? " * 150 + "</p>")
            )  # fmt: skip


def _wait(database: Path, count: int) -> None:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)
    deadline = time.monotonic() + 120
    try:
        while connection.execute("SELECT count(*) FROM raw_item WHERE state <> 'received'").fetchone()[0] < count:
            if time.monotonic() > deadline:
                raise TimeoutError("the mails were not settled")
            time.sleep(0.1)
    finally:
        connection.close()
