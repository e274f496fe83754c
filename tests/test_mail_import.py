"""`contact-center import`: archives in every common form, once."""

import mailbox
from pathlib import Path

import pytest

from contact_center.config import Settings
from contact_center.errors import BadRequest, NotFound
from contact_center.mail_import import import_into, read_source
from contact_center.testing import a_mail, settings_for

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
    assert first["read"] == second["read"] == COUNT
    assert {name: count for name, count in first.items() if name != "read"} == {
        name: count for name, count in second.items() if name != "read"
    }
    assert sum(count for name, count in first.items() if name != "read") >= COUNT


async def test_an_unknown_address(tmp_path: Path, product: Settings) -> None:
    """An address that no mailbox has is a clear error that names it."""
    with pytest.raises(NotFound, match=r"nobody@example\.com"):
        await import_into(product, an_mbox(tmp_path), "nobody@example.com")
