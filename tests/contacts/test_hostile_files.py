"""Files made to break a reader of contacts: each ends soon, within a bounded memory, with rows or with a clear refusal."""

import io
import subprocess
import sys
import zipfile

import pytest

MEMORY = 700  # MiB that a process of its own may use beyond nothing at all
SECONDS = 60
READ = f"""
import resource, sys
from contact_center.contacts.importing.reading import first_rows
from contact_center.errors import Invalid
resource.setrlimit(resource.RLIMIT_AS, ({MEMORY} << 20, {MEMORY} << 20))
try:
    rows = first_rows(sys.stdin.buffer.read(), 50)
except Invalid as error:
    print("refused", error.message)
else:
    print("read", len(rows), max((len(row) for row in rows), default=0))
"""
SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'


def a_book(sheet: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/worksheets/sheet1.xml", sheet)
    return file.getvalue()


HOSTILE = {
    "a row of five million cells": lambda: a_book(SHEET + b"<sheetData><row>" + b"<c/>" * 5_000_000 + b"</row></sheetData></worksheet>"),
    "five million strange elements": lambda: a_book(SHEET + b"<x/>" * 5_000_000 + b"<sheetData/></worksheet>"),
    "entities within entities": lambda: a_book(
        b'<!DOCTYPE x [<!ENTITY a "' + b"A" * 1000 + b'">]>' + SHEET + b"&a;" * 1000 + b"</worksheet>"
    ),
    "a card of one endless line": lambda: b"BEGIN:VCARD\r\n" + b"A" * 4_000_000 + b"\r\nEND:VCARD\r\n",
    "a card folded a million times": lambda: b"BEGIN:VCARD\r\nFN:A\r\n" + b" a\r\n" * 1_000_000 + b"END:VCARD\r\n",
    "a line of twenty million commas": lambda: b"a@b.ru" + b"," * 20_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_it_ends_within_its_bounds(name: str) -> None:
    """In a process of its own, so that what it needs is what is measured."""
    done = subprocess.run([sys.executable, "-c", READ], input=HOSTILE[name](), capture_output=True, timeout=SECONDS, check=False)

    assert done.returncode == 0, done.stderr.decode()[-500:]
    word, *more = done.stdout.decode().split()
    assert word in ("read", "refused"), done.stdout
    if word == "read":
        assert int(more[1]) <= 200
