"""`contact-center parse-mail`: every documented key for every mail, a line for every file."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from contact_center.cli import app
from contact_center.mail_report import report

KEYS = {
    "message_id",
    "in_reply_to",
    "references",
    "from",
    "reply_to",
    "to",
    "cc",
    "subject",
    "date",
    "auto_submitted",
    "is_bounce",
    "text",
    "html",
    "visible_text",
    "attachments",
    "defects",
}
MAIL = """\
From: =?utf-8?b?0JjQstCw0L0=?= <ivan@example.org>
Reply-To: answers@example.org
To: Support <support@example.com>, b@example.com
Cc: "Petrova, Anna" <anna@example.org>
Subject: Order
Date: Mon, 2 Nov 2026 12:00:00 +0300
Message-ID: <m1@example.org>
In-Reply-To: <k1@example.com>
References: <q1@example.org> <k1@example.com>
Auto-Submitted: no
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain

Answer.

> question
--b
Content-Type: image/png; name=p.png
Content-ID: <p@x>
Content-Disposition: inline; filename=p.png

PNG
--b--
"""


def parsed(folder: Path, data: bytes) -> dict[str, Any]:
    path = folder / "mail.eml"
    path.write_bytes(data)
    found = report(path)
    assert set(found) == KEYS
    return found


def test_every_documented_key(tmp_path: Path) -> None:
    """An ordinary mail fills every key in its documented form."""
    found = parsed(tmp_path, MAIL.encode())
    assert found["from"] == [{"name": "Иван", "email": "ivan@example.org"}]
    assert found["to"] == [{"name": "Support", "email": "support@example.com"}, {"name": "", "email": "b@example.com"}]
    assert found["cc"] == [{"name": "Petrova, Anna", "email": "anna@example.org"}]
    assert found["reply_to"] == [{"name": "", "email": "answers@example.org"}]
    assert (found["message_id"], found["in_reply_to"]) == ("m1@example.org", "k1@example.com")
    assert found["references"] == ["q1@example.org", "k1@example.com"]
    assert (found["subject"], found["date"]) == ("Order", "2026-11-02T09:00:00Z")
    assert (found["auto_submitted"], found["is_bounce"], found["html"], found["defects"]) == ("no", False, None, [])
    assert (found["text"].split(), found["visible_text"]) == (["Answer.", ">", "question"], "Answer.")


def test_attachments(tmp_path: Path) -> None:
    """An attachment is described by name, type, size, digest, id and place, without its content."""
    assert parsed(tmp_path, MAIL.encode())["attachments"] == [
        {
            "filename": "p.png",
            "content_type": "image/png",
            "size": 3,
            "sha256": hashlib.sha256(b"PNG").hexdigest(),
            "content_id": "p@x",
            "inline": True,
        }
    ]


@pytest.mark.parametrize("data", [b"", b"\x00" * 100, b"no mail at all", bytes(range(256)) * 50], ids=["empty", "nul", "words", "bytes"])
def test_what_is_no_mail(tmp_path: Path, data: bytes) -> None:
    """Anything gives a report with every key, missing values empty or null."""
    found = parsed(tmp_path, data)
    assert (found["from"], found["date"], found["message_id"]) == ([], None, None)
    json.dumps(found).encode()


def test_years_before_a_thousand(tmp_path: Path) -> None:
    """Dates are ISO 8601 with four digits of the year, or null."""
    assert parsed(tmp_path, b"From: a@b.c\nDate: Mon, 2 Nov 99999 12:00:00 +0000\n\nx")["date"] is None


def test_large_mails(tmp_path: Path) -> None:
    """A mail beyond the limit for memory is reported with its attachment's digest."""
    content = b"z" * 9_000_000
    data = MAIL.replace("\nPNG\n", "\n" + content.decode() + "\n").encode()
    (file,) = parsed(tmp_path, data)["attachments"]
    assert file["size"] >= len(content)


def test_the_command(tmp_path: Path) -> None:
    """The command prints one line of JSON a file, also for those it cannot read, and ends with 0."""
    (tmp_path / "a.eml").write_text(MAIL)
    (tmp_path / "folder.eml").mkdir()
    names = ["a.eml", "missing.eml", "folder.eml", "a.eml"]
    done = CliRunner().invoke(app, ["parse-mail", *(str(tmp_path / name) for name in names)])
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.exit_code == 0
    assert [set(line) for line in lines] == [KEYS] * 4
    assert [bool(line["defects"]) for line in lines] == [False, True, True, False]
