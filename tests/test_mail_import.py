"""`contact-center import`: archives in every common form, once."""

import asyncio
import contextlib
import json
import mailbox
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from contact_center.archives import folders
from contact_center.archives.found import Found, Passed
from contact_center.archives.mbox import read_mbox
from contact_center.config import Settings
from contact_center.errors import BadRequest, NotFound
from contact_center.mail_import import Source, Wishes, import_into, read_source
from contact_center.store import Store, open_store
from contact_center.testing import a_mail, running_app, settings_for

COUNT = 7


def mails() -> list[bytes]:
    return [
        a_mail(subject=f"Question {number}", message_id=f"<q{number}@example.com>", text="Hello\nFrom the archive\n").as_bytes()
        for number in range(COUNT)
    ]


def an_mbox(folder: Path) -> Path:
    box = mailbox.mbox(str(folder / "archive.mbox"))
    for mail in mails():
        box.add(mail)
    box.close()
    return folder / "archive.mbox"


def a_maildir(folder: Path) -> Path:
    box = mailbox.Maildir(str(folder / "Maildir"))
    for number, mail in enumerate(mails()):
        message = mailbox.MaildirMessage(mail)
        if number % 2:
            message.set_subdir("cur")
            message.add_flag("S")
        box.add(message)
    box.close()
    return folder / "Maildir"


def a_folder(folder: Path) -> Path:
    deep = folder / "mails" / "2026" / "ноябрь"
    deep.mkdir(parents=True)
    for number, mail in enumerate(mails()):
        (deep / f"{number}.EML").write_bytes(mail)
    (folder / "mails" / "notes.txt").write_text("no mail")
    return folder / "mails"


@pytest.mark.parametrize("make", [an_mbox, a_maildir, a_folder])
def test_every_form_is_read(tmp_path: Path, make: object) -> None:
    """An mbox, a Maildir and a folder of .eml files give the same mails, in an order that stays."""
    source = make(tmp_path)  # type: ignore[operator]
    found = list(read_source(source))
    assert len(found) == COUNT
    assert {line for mail in found for line in mail.splitlines() if line.startswith(b"Subject")} == {
        f"Subject: Question {number}".encode() for number in range(COUNT)
    }
    assert list(read_source(source)) == found


def test_a_single_mail(tmp_path: Path) -> None:
    """One .eml file is an archive of one mail."""
    (tmp_path / "one.eml").write_bytes(mails()[0])
    assert list(read_source(tmp_path / "one.eml")) == [mails()[0]]


@pytest.mark.parametrize("name", ["missing", "missing.eml", "words.txt", "empty", "nothing.mbox"])
def test_what_is_no_archive(tmp_path: Path, name: str) -> None:
    """A wrong path is a clear error that names it, before anything is written."""
    (tmp_path / "words.txt").write_text("just words")
    (tmp_path / "nothing.mbox").touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadRequest, match=name):
        read_source(tmp_path / name)


@pytest.fixture
def product(tmp_path: Path) -> Settings:
    return settings_for(tmp_path / "data")


@pytest.mark.parametrize("make", [an_mbox, a_maildir])
async def test_a_second_run_adds_nothing(tmp_path: Path, product: Settings, make: object) -> None:
    """Running the same import again reads all and adds nothing."""
    source = make(tmp_path)  # type: ignore[operator]
    first = await import_into(product, source, "")
    second = await import_into(product, source, "")
    assert (first["read"], first["known"], first["stored"]) == (COUNT, 0, COUNT)
    assert (second["read"], second["known"], second["stored"]) == (COUNT, COUNT, 0)


async def test_an_unknown_address(tmp_path: Path, product: Settings) -> None:
    """An address that no mailbox has is a clear error that names it."""
    with pytest.raises(NotFound, match=r"nobody@example\.com"):
        await import_into(product, an_mbox(tmp_path), "nobody@example.com")


def read(path: Path, start: int = 0, largest: int = 2**29) -> tuple[list[Found], Passed]:
    passed = Passed()
    numbers = iter(range(1000))
    return list(read_mbox(path, start, passed, lambda: path.with_name(f"large{next(numbers)}"), largest)), passed


SEPARATORS = {
    "ordinary": b"From ivan@example.com Fri Jul  8 12:08:34 2011",
    "of Mozilla": b"From - Sat Jan 03 01:05:34 1996",
    "of Gmail": b"From 1234567890@xxx Mon Jan 02 15:04:05 +0000 2012",
    "with a zone": b"From ivan@example.com  Fri Jul  8 12:08:34 2011 +0200",
    "without a date": b"From ivan@example.com",
    "of nobody": b"From MAILER-DAEMON Fri Jul  8 12:08:34 2011",
}


@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("separator", SEPARATORS)
def test_dialects_of_mbox(tmp_path: Path, separator: str, end: bytes) -> None:
    """Every known kind of From line parts mails, with either line ending; the blank line before it belongs to no mail."""
    mail = end.join([b"Subject: a", b"", b"Hello", b"", b"From time to time I write.", b">From me", b">>From you", b"Fromage", b""])
    line = SEPARATORS[separator] + end
    (tmp_path / "a").write_bytes((line + mail + end) * 3)
    found, passed = read(tmp_path / "a")
    expected = mail.replace(b">From", b"From")
    assert [each.content for each in found] == [expected] * 3
    assert passed.counts == {}


def test_an_mbox_without_blank_lines(tmp_path: Path) -> None:
    """Where programs left the blank line out, a From line with a date that headers follow begins a mail; a text like it does not."""
    mail = b"Subject: a\n\nHe wrote\nFrom here on Mon it was 12:00 in 2011\nand went\n"
    (tmp_path / "a").write_bytes((SEPARATORS["ordinary"] + b"\n" + mail) * 4)
    found, _ = read(tmp_path / "a")
    assert [each.content for each in found] == [mail] * 4


def test_an_mbox_goes_on_anywhere(tmp_path: Path) -> None:
    """From the place behind each mail the rest is read, and nothing else."""
    path = an_mbox(tmp_path)
    found, _ = read(path)
    for number, each in enumerate(found, 1):
        assert [later.content for later in read(path, each.place["offset"])[0]] == [later.content for later in found[number:]]


def test_a_large_mail_goes_to_a_file(tmp_path: Path) -> None:
    """A mail above a megabyte is never held in memory, and one above the limit is reported and passed over."""
    line = SEPARATORS["ordinary"] + b"\nSubject: x\n\n"
    body = (b"y" * 70 + b"\n") * 30000
    (tmp_path / "a").write_bytes(line + body + b"\n" + line + b"small\n")
    found, _ = read(tmp_path / "a")
    assert found[0].content is None
    assert found[0].path is not None
    assert found[0].path.read_bytes() == b"Subject: x\n\n" + body
    assert found[1].content == b"Subject: x\n\nsmall\n"
    found, passed = read(tmp_path / "a", largest=1_500_000)
    assert len(found) == 1
    assert passed.counts == {"too large": 1}


@pytest.mark.parametrize("line", [b"From \n", b"From a@b Fri Jul  8 12:08:34 2011\n", b"From " + b"Mon 12:00 " * 40 + b"\n"])
def test_a_million_from_lines(tmp_path: Path, line: bytes) -> None:
    """A bomb of From lines costs time in proportion and no memory."""
    count = 1_000_000 if len(line) < 100 else 50_000
    (tmp_path / "bomb").write_bytes(line * count)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    passed = Passed()
    total = sum(len(each.content or b"") for each in read_mbox(tmp_path / "bomb", 0, passed, lambda: tmp_path / "large"))
    assert total <= len(line) * count
    assert time.monotonic() - began < 40
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000


def test_a_line_without_an_end(tmp_path: Path) -> None:
    """A line of many megabytes is read in pieces, and no piece of it is taken for a From line."""
    line = SEPARATORS["ordinary"] + b"\nSubject: x\n\n"
    endless = b"z" * (64 * 1024 - 5) + b"From " * 200_000
    (tmp_path / "a").write_bytes(line + b"\n" + endless + b"\n\n" + line)
    found, _ = read(tmp_path / "a")
    assert len(found) == 2
    assert found[0].path is not None
    assert found[0].path.stat().st_size > len(endless)


def a_tree(root: Path) -> Path:
    """A Maildir with folders: Sent, a Russian one, drafts, junk; flags; what Dovecot leaves beside."""
    names = {
        "": "",
        "Sent": ".Sent",
        "Заказы": ".&BBcEMAQ6BDAENwRL-",
        "Заказы/2026": ".&BBcEMAQ6BDAENwRL-.2026",
        "Drafts": ".Drafts",
        "Junk": ".Junk",
    }
    for title, name in names.items():
        box = mailbox.Maildir(str(root / name) if name else str(root))
        for flags in ("", "S", "RS", "ST"):
            message = mailbox.MaildirMessage(
                a_mail(subject=f"{title} {flags}", message_id=f"<{len(title)}{title.encode().hex()}{flags}@x>").as_bytes()
            )
            if flags:
                message.set_subdir("cur")
                message.set_flags(flags)
            box.add(message)
        box.close()
    (root / "dovecot-uidlist").write_text("3 V1 N1")
    return root


def listed(root: Path, after: dict[str, Any] | None = None, *, everything: bool = False) -> tuple[list[Found], Passed]:
    passed = Passed()
    return list(folders.read_folder(root, after, passed, lambda: root / "large", everything=everything)), passed


def test_a_maildir_with_folders(tmp_path: Path) -> None:
    """Folders are read with their names in any script, flags are kept, drafts and junk are counted and passed over unless wanted."""
    root = a_tree(tmp_path / "Maildir")
    found, passed = listed(root)
    assert {each.folder for each in found} == {"", "Sent", "Заказы", "Заказы/2026"}
    assert {each.flags for each in found} == {"", "S", "RS"}
    assert passed.counts == {"in Drafts": 4, "in Junk": 4, "draft or deleted": 4}
    everything, passed = listed(root, everything=True)
    assert len(everything) == folders.count(root) == 24
    assert passed.counts == {}
    for number, each in enumerate(everything, 1):
        rest, _ = listed(root, each.place, everything=True)
        assert [later.content for later in rest] == [later.content for later in everything[number:]]


def test_mh(tmp_path: Path) -> None:
    """An MH folder is read by its numbered files, its subfolders too."""
    (tmp_path / "mh/sub").mkdir(parents=True)
    for number in (1, 2, 10):
        (tmp_path / f"mh/{number}").write_bytes(a_mail(subject=str(number)).as_bytes())
        (tmp_path / f"mh/sub/{number}").write_bytes(a_mail(subject=f"sub {number}").as_bytes())
    (tmp_path / "mh/.mh_sequences").write_text("unseen: 1-2")
    (tmp_path / "mh/,3").write_text("deleted")
    assert len(listed(tmp_path / "mh")[0]) == 6


def test_a_hostile_folder(tmp_path: Path) -> None:
    """Loops, links to elsewhere, devices, very deep folders, names of any bytes and unreadable files: reported, passed over."""
    root = tmp_path / "mails"
    root.mkdir()
    (root / "good.eml").write_bytes(mails()[0])
    (root / "loop").symlink_to(root)
    (root / "secret.eml").symlink_to("/etc/passwd")
    os.mkfifo(root / "pipe.eml")
    (root / "empty.eml").touch()
    Path(os.fsdecode(os.fsencode(root) + b"/\xff\xfe.eml")).write_bytes(mails()[1])
    deep = str(root)
    for _ in range(150):
        deep += "/d"
        Path(deep).mkdir()
    Path(deep + "/deep.eml").write_bytes(mails()[2])
    found, passed = listed(root)
    assert sorted(each.content for each in found if each.content) == sorted(mails()[:2])
    assert passed.counts == {"no ordinary file": 3, "empty": 1, "folders too deep": 1}


def test_an_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that cannot be read is named, and the others are taken."""
    source = a_folder(tmp_path)
    real = os.open

    def refuse(path: Any, *arguments: Any) -> int:
        if os.fsencode(path).endswith(b"/3.EML"):
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments)

    monkeypatch.setattr(os, "open", refuse)
    found, passed = listed(source)
    assert len(found) == COUNT - 1
    assert "Permission denied" in passed.examples["not readable"][0]


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Store]:
    store = await open_store(settings.effective_database_url, settings.data_dir / "blobs")
    try:
        yield store
    finally:
        await store.close()


async def ask(settings: Settings, sql: str) -> list[Any]:
    async with opened(settings) as store:
        return await store.read(lambda connection: [tuple(row) for row in connection.execute(text(sql))])


def dated(number: int, day: datetime, answers: str | None = None) -> bytes:
    return a_mail(
        subject=f"Day {number}", message_id=f"<d{number}@example.com>", date=day, answers=answers, sender=f"c{number}@example.com"
    ).as_bytes()


async def test_the_past_asks_for_nothing(tmp_path: Path, product: Settings) -> None:
    """Imported mail has its own date, opens no work and gets no answer; from a day on it does, unless it was answered."""
    box = mailbox.Maildir(str(tmp_path / "box"))
    for number, (day, flags) in enumerate([(1, "S"), (20, "S"), (21, "RS")]):
        message = mailbox.MaildirMessage(dated(number, datetime(2026, 10, day, 12, tzinfo=UTC)))
        message.set_subdir("cur")
        message.set_flags(flags)
        box.add(message)
    await import_into(product, tmp_path / "box", Wishes(open_since=datetime(2026, 10, 10, tzinfo=UTC)))
    rows = await ask(product, "SELECT subject, status, waiting_since, created_at FROM ticket ORDER BY subject")
    assert [row[:2] for row in rows] == [("Day 0", "resolved"), ("Day 1", "open"), ("Day 2", "resolved")]
    assert [row[2] is None for row in rows] == [True, False, True]
    assert [row[3][:10] for row in rows] == ["2026-10-01", "2026-10-20", "2026-10-21"]
    assert await ask(product, "SELECT count(*) FROM work_item") == [(1,)]
    assert await ask(product, "SELECT count(*) FROM outbox") == [(0,)]


async def test_an_old_thread_is_one_ticket(tmp_path: Path, product: Settings) -> None:
    """Months between the mails of an imported thread do not tear it apart, and an open ticket is not closed by its past."""
    first = a_mail(subject="Long", message_id="<l1@x>", date=datetime(2024, 1, 1, tzinfo=UTC)).as_bytes()
    second = a_mail(subject="Re: Long", message_id="<l2@x>", answers="<l1@x>", date=datetime(2025, 1, 1, tzinfo=UTC)).as_bytes()
    (tmp_path / "mails").mkdir()
    (tmp_path / "mails/1.eml").write_bytes(first)
    (tmp_path / "mails/2.eml").write_bytes(second)
    await import_into(product, tmp_path / "mails", "")
    assert await ask(product, "SELECT count(*), min(status) FROM ticket") == [(1, "resolved")]


async def test_a_large_mail_is_imported(tmp_path: Path, product: Settings) -> None:
    """A mail of some megabytes goes through a file into its ticket."""
    mail = a_mail(subject="Large", message_id="<large@example.com>")
    mail.add_attachment(os.urandom(3_000_000), maintype="application", subtype="octet-stream", filename="x.bin")
    box = mailbox.mbox(str(tmp_path / "a.mbox"))
    box.add(mail)
    box.close()
    counts = await import_into(product, tmp_path / "a.mbox", "")
    assert counts["stored"] == 1
    assert await ask(product, "SELECT count(*) FROM attachment") == [(1,)]


def test_a_run_that_was_killed_goes_on(tmp_path: Path, product: Settings) -> None:
    """kill -9 in the middle, several times: each run goes on where the last one was, and every mail is there once."""
    count = 1500
    with (tmp_path / "a.mbox").open("wb") as file:
        for number in range(count):
            file.write(SEPARATORS["ordinary"] + b"\n" + a_mail(subject=f"K {number}", message_id=f"<k{number}@x>").as_bytes() + b"\n")
    environment = os.environ | {"CONTACT_CENTER_DATA_DIR": str(product.data_dir)}
    command = [str(Path(sys.executable).with_name("contact-center")), "import", "--json", str(tmp_path / "a.mbox")]

    def place() -> int:
        if not product.sqlite_path.is_file():
            return 0
        try:
            rows = asyncio.run(ask(product, "SELECT value FROM channel_cursor WHERE name LIKE 'import:%'"))
        except Exception:  # the tables are being made
            return 0
        return int(json.loads(rows[0][0])["mails"]) if rows else 0

    reached = []
    for _ in range(3):
        run = subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + 60
        before = place()
        while place() < before + 200 and run.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        run.wait(20)
        reached.append(place())
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=200, check=True)
    counts = json.loads(done.stdout)
    assert reached[0] >= 200
    assert reached == sorted(set(reached)), "a run began anew"
    assert reached[-1] < count, "it was never killed in the middle"
    assert (counts["read"], counts["known"]) == (count, 0)
    assert asyncio.run(ask(product, "SELECT state, count(*) FROM raw_item GROUP BY state")) == [("stored", count)]
    subjects = asyncio.run(ask(product, "SELECT count(*), count(DISTINCT subject) FROM interaction WHERE direction = 'in'"))
    assert subjects == [(count, count)]


def test_a_source_has_a_name(tmp_path: Path) -> None:
    """The place in an archive is not the place in another one that took its name."""
    path = an_mbox(tmp_path)
    name = Source(path).name
    assert Source(path).name == name
    path.write_bytes(SEPARATORS["of Mozilla"] + b"\nSubject: other\n\nx\n")
    assert Source(path).name != name


async def test_a_sent_folder_gives_outgoing_entries(tmp_path: Path, product: Settings) -> None:
    """What we sent in the past stands in the history as ours, beside what it answers."""
    root = tmp_path / "Maildir"
    asked = a_mail(message_id="<q@x>", date=datetime(2026, 1, 5, tzinfo=UTC))
    answer = a_mail(
        sender="support@localhost", to="ivan@example.com", message_id="<a@x>", answers="<q@x>", date=datetime(2026, 1, 6, tzinfo=UTC)
    )
    mailbox.Maildir(str(root)).add(asked.as_bytes())
    mailbox.Maildir(str(root / ".Sent")).add(answer.as_bytes())
    await import_into(product, root, "")
    rows = await ask(product, "SELECT direction, occurred_at FROM interaction WHERE kind = 'email' ORDER BY occurred_at")
    assert [(row[0], row[1][:10]) for row in rows] == [("in", "2026-01-05"), ("out", "2026-01-06")]
    assert await ask(product, "SELECT count(*) FROM work_item") == [(0,)]
    assert await ask(product, "SELECT count(DISTINCT ticket_id) FROM interaction WHERE kind = 'email'") == [(1,)]


async def test_beside_a_running_server(tmp_path: Path) -> None:
    """While a server works with the same database an import goes through, and the past stays quiet whoever settles it."""
    async with running_app(tmp_path / "data") as running:
        command = [str(Path(sys.executable).with_name("contact-center")), "import", "--json", str(an_mbox(tmp_path))]
        environment = os.environ | {"CONTACT_CENTER_DATA_DIR": str(tmp_path / "data")}
        run = await asyncio.create_subprocess_exec(*command, env=environment, cwd=tmp_path, stdout=asyncio.subprocess.PIPE)
        await running.deliver(a_mail(message_id="<live@x>", sender="live@example.com"))
        output, _ = await run.communicate()
        await running.settled()
        counts = json.loads(output)
        assert (run.returncode, counts["read"], counts["known"]) == (0, COUNT, 0)
        assert await ask(running.product.settings, "SELECT state, count(*) FROM raw_item GROUP BY state") == [("stored", COUNT + 1)]
        assert await ask(running.product.settings, "SELECT count(*) FROM work_item") == [(1,)]
