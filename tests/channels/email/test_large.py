"""Mails of hundreds of megabytes: understood without holding them."""

import base64
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from contact_center.channels.email.large import SPOOL_ABOVE, read_large
from contact_center.channels.email.mime import ParsedMail, read_mail

HEAD = b'From: ivan@example.org\r\nSubject: big\r\nContent-Type: multipart/mixed; boundary="b b"\r\n\r\n'
TEXT = b"--b b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nhello\r\n"
MIB = 1024 * 1024


def attachment(name: str, content: bytes, encoding: str = "base64") -> bytes:
    head = f"--b b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename={name}\r\n"
    body = base64.encodebytes(content).replace(b"\n", b"\r\n") if encoding == "base64" else content
    return head.encode() + f"Content-Transfer-Encoding: {encoding}\r\n\r\n".encode() + body + b"\r\n"


def read(folder: Path, data: bytes) -> ParsedMail:
    path = folder / "big.eml"
    path.write_bytes(data)
    parts = folder / "parts"
    parts.mkdir()
    return read_large(path, parts)


MEASURE = """
import json, pathlib, sys
from contact_center.channels.email.large import read_large
mail = read_large(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
file = mail.attachments[0]
# Not ru_maxrss: it survives exec, and would count the test runner that started this process.
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([mail.text, file.sha256, file.size, file.filename, peak // 1024]))
"""


def test_200_megabytes_need_little_memory(tmp_path: Path) -> None:
    """A mail of 200 MB is understood with less than 300 MB of memory, and its attachment is exact."""
    import json

    path, parts = tmp_path / "big.eml", tmp_path / "parts"
    parts.mkdir()
    digest = hashlib.sha256()
    block = os.urandom(57 * 1024)
    encoded = base64.encodebytes(block).replace(b"\n", b"\r\n")
    rounds = 200 * MIB // len(encoded)
    with path.open("wb") as file:
        file.write(HEAD + TEXT + attachment("a.bin", b"").rstrip(b"\r\n") + b"\r\n\r\n")
        for _ in range(rounds):
            file.write(encoded)
            digest.update(block)
        file.write(b"\r\n--b b--\r\n")
    done = subprocess.run([sys.executable, "-c", MEASURE, str(path), str(parts)], capture_output=True, timeout=100, check=True, text=True)
    text, sha256, size, name, megabytes = json.loads(done.stdout)
    assert (text, sha256, size, name) == ("hello", digest.hexdigest(), rounds * len(block), "a.bin")
    assert megabytes < 300
    path.unlink()


def test_a_thousand_attachments(tmp_path: Path) -> None:
    """Of 5,000 attachments those within the limit of parts are listed, and the mail says that there are more."""
    mail = read(tmp_path, HEAD + TEXT + b"".join(attachment(f"f{number}", b"x") for number in range(5000)) + b"--b b--\r\n")
    assert mail.text == "hello"
    assert 1500 < len(mail.attachments) <= 5000
    assert any("too many parts" in defect for defect in mail.defects)


@pytest.mark.parametrize("encoding", ["base64", "8bit", "binary"])
def test_large_and_small_parts_keep_their_order(tmp_path: Path, encoding: str) -> None:
    """Large parts between small ones come in the order of the mail, each with its own name and content."""
    big = (os.urandom(64).replace(b"\r", b"_").replace(b"\n", b"_").hex().encode() + b"\r\n") * (2 * SPOOL_ABOVE // 128)
    data = HEAD + TEXT + attachment("a", b"small") + attachment("b", big, encoding) + attachment("c", b"end") + b"--b b--\r\n"
    mail = read(tmp_path, data)
    assert [file.filename for file in mail.attachments] == ["a", "b", "c"]
    file = mail.attachments[1]
    assert file.path is not None
    content = Path(file.path).read_bytes()
    assert content.rstrip(b"\r\n") == big.rstrip(b"\r\n")
    assert (hashlib.sha256(content).hexdigest(), len(content)) == (file.sha256, file.size)


def test_the_same_as_in_memory(tmp_path: Path) -> None:
    """Both ways understand the same: sizes and digests of every file are equal."""
    data = HEAD + TEXT + b"".join(attachment(f"f{n}", os.urandom(n * SPOOL_ABOVE // 2 + n)) for n in range(5)) + b"--b b--\r\n"
    big, small = read(tmp_path, data), read_mail(data)
    assert [(f.filename, f.size, f.sha256) for f in big.attachments] == [(f.filename, f.size, f.sha256) for f in small.attachments]
    assert (big.text, big.subject, big.sender) == (small.text, small.subject, small.sender)


def test_joined_base64_in_a_large_part(tmp_path: Path) -> None:
    """Padding in the middle of a large attachment does not shift what follows."""
    piece = base64.b64encode(b"0123456789") + b"\r\n"
    count = 2 * SPOOL_ABOVE // len(piece)
    head, _, _ = attachment("a", b"").partition(b"\r\n\r\n")
    (file,) = read(tmp_path, HEAD + TEXT + head + b"\r\n\r\n" + piece * count + b"--b b--\r\n").attachments
    assert file.sha256 == hashlib.sha256(b"0123456789" * count).hexdigest()


def test_a_large_text_is_shown(tmp_path: Path) -> None:
    """A mail whose only part is an enormous text shows its beginning and says that there is more."""
    mail = read(tmp_path, b"From: ivan@example.org\r\nSubject: log\r\n\r\n" + b"one line of a log\r\n" * 600_000)
    assert mail.text.startswith("one line of a log")
    assert mail.defects
