"""The first sheet of an XLSX file as rows of text. Our own reader: only text is wanted, nothing is ever computed, and the
limits of what is unpacked are ours."""

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import IO
from xml.etree import ElementTree

from contact_center.errors import Invalid

MAX_UNPACKED = 256 << 20
MAX_HELD = 50_000  # elements in memory at once: what stands between two rows, and one row
MAX_STRINGS = 100 << 20
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_STRICT = "{http://purl.oclc.org/ooxml/spreadsheetml/main}"
_COLUMN = re.compile(r"[A-Z]{1,3}")
_NUMBER = re.compile(r"[0-9]{1,9}$")
_WHOLE = re.compile(r"-?\d+\.0+$")
# All that the readers of archives and of XML raise for bytes that are neither.
_UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, ElementTree.ParseError, KeyError, ValueError),
    *(NotImplementedError, RuntimeError, EOFError, OSError),
)
_POWER = re.compile(r"-?\d+(\.\d+)?[eE][+]?\d+$")


def rows_of(content: bytes) -> Iterator[tuple[str, ...]]:
    """Rows of the first sheet. Raises Invalid for what is no workbook, or would unpack to too much."""
    try:
        book = zipfile.ZipFile(BytesIO(content))
        names = {info.filename: info for info in book.infolist()}
        sheet = _first_sheet(names)
        if sum(info.file_size for name, info in names.items() if name.startswith("xl/")) > MAX_UNPACKED:
            raise Invalid("The workbook is too large.", field="file")
        strings = _strings(book, names)
        with book.open(sheet) as file:
            yield from _rows(file, strings)
    except _UNREADABLE as error:
        raise Invalid("The file is no readable workbook.", field="file") from error


def _first_sheet(names: dict[str, zipfile.ZipInfo]) -> str:
    sheets = sorted((name for name in names if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", name)), key=lambda name: (len(name), name))
    if not sheets:
        raise Invalid("The file is no readable workbook.", field="file")
    return sheets[0]


def _strings(book: zipfile.ZipFile, names: dict[str, zipfile.ZipInfo]) -> list[str]:
    """The texts that cells name by number."""
    info = names.get("xl/sharedStrings.xml")
    if info is None:
        return []
    if info.file_size > MAX_STRINGS:
        raise Invalid("The workbook holds too much text.", field="file")
    found = []
    with book.open(info) as file:
        for element in _elements(file, "si"):
            found.append(_text(element))
    return found


def _rows(file: IO[bytes], strings: list[str]) -> Iterator[tuple[str, ...]]:
    for row in _elements(file, "row"):
        cells: list[str] = []
        for cell in row:
            place = _COLUMN.match(cell.get("r", ""))
            index = _index(place.group()) if place else len(cells)
            if index < 200:
                cells += [""] * (index - len(cells))
                cells[index:] = [_value(cell, strings)]
        yield tuple(cells)


def _elements(file: IO[bytes], name: str) -> Iterator[ElementTree.Element]:
    """Elements of one name, each let go once it was used: a sheet of any length needs the memory of one row."""
    wanted = (_MAIN + name, _STRICT + name)
    parents: list[ElementTree.Element] = []
    held = 0
    # Without a DOCTYPE there are no entities, and so nothing that could expand.
    for event, element in ElementTree.iterparse(_without_doctype(file), events=("start", "end")):  # noqa: S314
        if event == "start":
            parents.append(element)
            held += 1
            if held > MAX_HELD:
                raise Invalid("The workbook has a row of too many cells.", field="file")
            continue
        parents.pop()
        if element.tag in wanted:
            yield element
            held = 0
            element.clear()
            if parents:
                parents[-1].clear()


def _without_doctype(file: IO[bytes]) -> IO[bytes]:
    """A workbook declares no entities of its own; one that does wants to harm."""
    head = file.read(1024)
    if b"<!DOCTYPE" in head:
        raise Invalid("The file is no readable workbook.", field="file")
    file.seek(0)
    return file


def _value(cell: ElementTree.Element, strings: list[str]) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return _text(cell)
    value = next((child.text or "" for child in cell if child.tag in (_MAIN + "v", _STRICT + "v")), "")
    if kind == "s":
        return strings[int(value)] if _NUMBER.match(value) and int(value) < len(strings) else ""
    if kind == "n" and _WHOLE.match(value):
        return value.partition(".")[0]
    if kind == "n" and _POWER.match(value) and len(value) < 30:  # a phone number that was taken for one: 7.9123456789E10
        return f"{float(value):.0f}"
    return value


def _text(element: ElementTree.Element) -> str:
    """All the text below an element but its phonetic hints."""
    parts = []
    for child in element:
        if child.tag in (_MAIN + "t", _STRICT + "t"):
            parts.append(child.text or "")
        elif not child.tag.endswith("}rPh"):
            parts.append(_text(child))
    return "".join(parts)


def _index(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1
