"""Peers from PyPI in an environment of their own, fed the same mails by the way their documents recommend."""

import functools
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.corpus import Corpus, bare, right_threads
from bench.places import CACHE, Fresh, Setting, say
from bench.report import Row

HOME = CACHE / "peers"
DRIVERS = ("asyncpg", "sqlalchemy[asyncio]", "psycopg[binary]")
ROUNDUP = ("roundup==2.6.0",)


@functools.cache
def python_with_drivers() -> Path:
    """A Python that has the database drivers the references use; ours when they cannot be installed."""
    return HOME / "bin" / "python" if install(DRIVERS) else Path(sys.executable)


@functools.cache
def install(packages: Sequence[str]) -> bool:
    """Install packages into the peers' environment; False, and a line that says so, when it cannot be done."""
    mark = HOME / ("installed-" + "-".join(package.split("[")[0] for package in packages))
    if mark.is_file():
        return True
    try:
        if not (HOME / "bin" / "python").is_file():
            subprocess.run([sys.executable, "-m", "venv", str(HOME)], check=True, timeout=120)
        subprocess.run([str(HOME / "bin" / "pip"), "install", "-q", *packages], check=True, timeout=300, capture_output=True)
    except (subprocess.SubprocessError, OSError) as error:
        say(f"cannot install {' '.join(packages)}: {type(error).__name__}")
        return False
    mark.touch()
    return True


def ingest(setting: Setting, corpus: Corpus, _databases: dict[str, Fresh], products: Sequence[Row]) -> list[Row]:
    """The peers' rows; says how many times faster the product was."""
    rows = []
    for peer in (roundup,):
        row = peer(setting, corpus)
        if row is not None:
            rows.append(row)
            for product in products:
                say(f"product on {product.engine} is {product.median / row.median:.1f} x {row.label}")
    return rows


def roundup(setting: Setting, corpus: Corpus) -> Row | None:
    """Mails per second of `roundup-mailgw TRACKER mailbox FILE`."""
    if not install(ROUNDUP):
        return None
    row = Row("roundup-mailgw", "sqlite")
    count = min(len(corpus.files), 100 if setting.quick else 300)
    for _ in range(1 if setting.quick else 2):
        try:
            rate, right, true = _run_roundup(setting, corpus, count)
        except (subprocess.SubprocessError, OSError, sqlite3.Error) as error:
            say(f"roundup failed: {error} {getattr(error, 'stderr', '') or ''}"[:500])
            return None
        row.values.append(rate)
        row.note = f"{right}/{true} threads right, {count} mails"
    return row


def _run_roundup(setting: Setting, corpus: Corpus, count: int) -> tuple[float, int, int]:
    folder = setting.folder("roundup")
    tracker, mbox = folder / "tracker", folder / "mails.mbox"
    some = first_mails(corpus, count)
    write_mbox(some.files, mbox)
    admin = [str(HOME / "bin" / "roundup-admin"), "-i", str(tracker)]
    environment = {"PATH": "/usr/bin:/bin", "SENDMAILDEBUG": str(folder / "sent.txt"), "HOME": str(folder), "LANG": "C.UTF-8"}
    run = functools.partial(subprocess.run, check=True, capture_output=True, text=True, timeout=240, env=environment)
    run([*admin, "install", "classic", "sqlite"])
    config = tracker / "config.ini"
    text = config.read_text("utf-8")
    for name, value in (("web", "http://localhost/"), ("domain", "bench.local"), ("host", "localhost")):
        text = text.replace(f"#{name} = NO DEFAULT", f"{name} = {value}")
    config.write_text(text, "utf-8")
    with (tracker / "schema.py").open("a", encoding="utf-8") as schema:  # the template's own suggestion for public trackers
        schema.write("\ndb.security.addPermissionToRole('Anonymous', 'Email Access')\n")
    run([*admin, "initialise", "secret"])
    began = time.perf_counter()
    run([str(HOME / "bin" / "roundup-mailgw"), str(tracker), "mailbox", str(mbox)])
    seconds = time.perf_counter() - began
    right, true = right_threads(some, _issues(tracker))
    return count / seconds, right, true


def _issues(tracker: Path) -> dict[str, int]:
    connection = sqlite3.connect(tracker / "db" / "db")
    try:
        rows = connection.execute("SELECT m._messageid, i.nodeid FROM _msg m JOIN issue_messages i ON i.linkid = m.id").fetchall()
    finally:
        connection.close()
    return {bare(key): int(issue) for key, issue in rows if key}


class _Part(Corpus):
    """The beginning of a corpus."""

    @property
    def files(self) -> list[Path]:
        return super().files[: len(self.truth["msgs"])]


def first_mails(corpus: Corpus, count: int) -> Corpus:
    """The first `count` mails and the truth about them."""
    return _Part(corpus.folder, {"msgs": corpus.truth["msgs"][:count]})


def write_mbox(files: Sequence[Path], path: Path) -> None:
    """Write mails into one mbox file."""
    import mailbox

    box = mailbox.mbox(path)
    for file in files:
        box.add(file.read_bytes())
    box.flush()
    box.close()
