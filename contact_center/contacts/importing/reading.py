"""A file of contacts as a table of text, row by row: CSV with any delimiter and encoding, XLSX, vCard.

Everything here comes from outside: sizes are bounded, and a broken row is told apart from a broken file.
"""

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from contact_center.contacts.importing import cards, sheets
from contact_center.errors import Invalid
from contact_center.model.text import clean_text

MAX_ROWS = 200_000
MAX_COLUMNS = 200
MAX_CELL = 10_000  # characters of one cell that are read
_DELIMITERS = (",", ";", "\t", "|")
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `broken` says why it could not be read; then there are no cells."""

    number: int
    """From 1, as a person counts the rows below the header."""
    cells: tuple[str, ...]
    broken: str = ""


def rows_of(content: bytes) -> Iterator[tuple[str, ...] | str]:
    """Rows of cells, the header among them; a text instead of a row says why that row is broken.

    Raises Invalid for a file that is no table at all.
    """
    if not content:
        raise Invalid("The file is empty.", field="file")
    if content[:4] == b"PK\x03\x04":
        return sheets.rows_of(content)
    if is_cards(content):
        return cards.rows_of(_text(content, None))
    return _csv(content)


def data_rows(content: bytes, has_header: bool) -> Iterator[Row]:
    """The rows below the header; at most `MAX_ROWS`, without those that are empty. Raises Invalid when there are more."""
    found = rows_of(content)
    if has_header:
        next(found, None)
    number = 0
    for cells in found:
        if not isinstance(cells, str) and not any(cells):
            continue
        number += 1
        if number > MAX_ROWS:
            raise Invalid(f"A file can have at most {MAX_ROWS} rows.", field="file")
        if isinstance(cells, str):
            yield Row(number, (), cells)
        else:
            yield Row(number, tuple(clean_text(cell[:MAX_CELL]).strip() for cell in cells[:MAX_COLUMNS]))


def first_rows(content: bytes, count: int) -> list[tuple[str, ...]]:
    """The first readable rows, the header among them."""
    found = (cells for cells in rows_of(content) if not isinstance(cells, str) and any(cells))
    return [tuple(clean_text(cell[:MAX_CELL]).strip() for cell in cells[:MAX_COLUMNS]) for cells in islice(found, count)]


def is_cards(content: bytes) -> bool:
    """Whether the file holds vCards, whose columns have a known meaning."""
    return _text(content[:4000], None).read(400).lstrip(" \r\n\t").upper().startswith("BEGIN:VCARD")


def _text(content: bytes, newline: str | None) -> io.TextIOWrapper:
    """The text of a file, read as it is asked for: a large one never stands in memory as text."""
    text = io.TextIOWrapper(io.BytesIO(content), _encoding(content), "replace", newline)
    if text.read(1) != "\ufeff":
        text.seek(0)
    return text


def _encoding(content: bytes) -> str:
    """What the first bytes say, else UTF-8 if it is that, else Windows-1251."""
    if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16-le" if content[:2] == codecs.BOM_UTF16_LE else "utf-16-be"
    head = content[:4000]
    if head.count(0) > len(head) // 4:  # UTF-16 without a mark: every other byte of Latin text is NUL
        return "utf-16-le" if head[1::2].count(0) >= head[::2].count(0) else "utf-16-be"
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(content), _CHUNK):
            decoder.decode(content[start : start + _CHUNK])
    except UnicodeDecodeError:
        return "cp1251"
    return "utf-8"


def _csv(content: bytes) -> Iterator[tuple[str, ...] | str]:
    file = _text(content, "")
    delimiter = _delimiter(file.read(100_000))
    file = _text(content, "")
    first = file.read(6)
    if first[:4].lower() == "sep=" and len(first) > 4:  # how Excel names the delimiter
        delimiter = first[4]
        file.readline()
    else:
        file = _text(content, "")
    reader = csv.reader(file, delimiter=delimiter)
    while True:
        try:
            yield tuple(next(reader))
        except StopIteration:
            return
        except csv.Error as error:
            yield f"the row cannot be read: {error}"


def _delimiter(text: str) -> str:
    """The delimiter by which the first rows have the same number of cells, and the most."""
    best, score = ",", (0.0, 0)
    for delimiter in _DELIMITERS:
        try:
            lengths = [len(row) for row in islice(csv.reader(io.StringIO(text[:100_000], newline=""), delimiter=delimiter), 50) if row]
        except csv.Error:
            continue
        usual = max(set(lengths), key=lengths.count) if lengths else 1
        if usual > 1 and (found := (lengths.count(usual) / len(lengths), usual)) > score:
            best, score = delimiter, found
    return best
