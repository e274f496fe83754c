"""What the columns of a file mean: guessed from their headers in Russian and English, and changeable."""

import re
from dataclasses import dataclass
from enum import StrEnum

from contact_center.contacts.identity import normalise
from contact_center.contacts.importing.cards import COLUMNS
from contact_center.model.words import PointKind


class Column(StrEnum):
    """What a column can hold."""

    NAME = "name"
    FIRST_NAME = "first_name"
    MIDDLE_NAME = "middle_name"
    LAST_NAME = "last_name"
    EMAIL = "email"
    PHONE = "phone"
    ORGANIZATION = "organization"
    NOTE = "note"
    NOTHING = ""


@dataclass(frozen=True, slots=True)
class Mapping:
    """How a file is read."""

    header: bool
    """The first row names the columns."""
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """What a row says."""

    name: str
    points: tuple[tuple[PointKind, str, str], ...]
    """Kind, normal form and the form it stood in."""
    organization: str
    note: str
    unusable: tuple[str, ...]
    """Addresses and numbers that are none."""


# The first that fits wins; words are compared without case, and "e-mail 2" is a mail address like "e-mail".
_HEADERS = (
    (Column.EMAIL, r"e-?mail|mail|почта|электронн|адрес эл|эл\.? ?(почта|адрес)|имейл|емейл"),
    (Column.PHONE, r"phone|mobile|cell|tel\b|telephone|fax|телефон|тел\b|тел\.|моб|сотовый|номер тел"),
    (Column.ORGANIZATION, r"organi[sz]ation|company|employer|account|firm|организаци|компани|фирма|предприяти|юр\.? ?лицо|место работы"),
    (Column.MIDDLE_NAME, r"middle|patronymic|отчество"),
    (Column.FIRST_NAME, r"first.?name|given|forename|^имя$"),
    (Column.LAST_NAME, r"last.?name|family|surname|фамилия$"),
    (Column.NAME, r"^name$|full.?name|display.?name|contact|customer|client|person|фио|ф\.и\.о|имя|клиент|контакт|наименование|название"),
    (Column.NOTE, r"note|comment|remark|description|примечан|комментар|заметк|описание"),
)
_NO_MAIL = re.compile(r"\b(id|type|label|code|name of|count|date|дата|тип|код|кол)\b", re.IGNORECASE)
_BETWEEN = re.compile(r"[;,\n\r\t|]+|\s(?:/|:::)\s")


def guess(rows: list[tuple[str, ...]], *, cards: bool = False) -> Mapping:
    """How a file that begins with these rows is probably meant."""
    if cards:
        return Mapping(True, (Column.NAME, Column.EMAIL, Column.PHONE, Column.ORGANIZATION, Column.NOTE)[: len(COLUMNS)])
    if not rows:
        return Mapping(False, ())
    header = not any(_point_kind(cell) for cell in rows[0])
    width = max(len(row) for row in rows)
    named = [_by_header(rows[0][index]) if header and index < len(rows[0]) else Column.NOTHING for index in range(width)]
    below = rows[1:] if header else rows
    columns = [column or _by_content([row[index] for row in below if index < len(row)]) for index, column in enumerate(named)]
    if not header and Column.NAME not in columns and Column.NOTHING in columns:
        columns[columns.index(Column.NOTHING)] = Column.NAME
    return Mapping(header, tuple(_single(columns)))


def person_of(cells: tuple[str, ...], mapping: Mapping) -> Person:
    """What a row says of a person, cleaned. Nothing is computed: a cell is only ever text."""
    found: dict[Column, list[str]] = {}
    for column, cell in zip(mapping.columns, cells, strict=False):
        if column is not Column.NOTHING and cell.strip():
            found.setdefault(column, []).append(cell)
    points: dict[tuple[PointKind, str], str] = {}
    unusable = []
    for column, kind in ((Column.EMAIL, PointKind.EMAIL), (Column.PHONE, PointKind.PHONE)):
        for raw in (part for cell in found.get(column, []) for part in _BETWEEN.split(cell) if part.strip()):
            raw = re.sub(r"^mailto:|^tel:", "", raw.strip(), flags=re.IGNORECASE).strip("<>")
            value = normalise(kind, raw)
            if value:
                points.setdefault((kind, value), raw[:320])
            else:
                unusable.append(raw[:80])
    company = _line(" ".join(found.get(Column.ORGANIZATION, [])[:1]))
    return Person(
        name=_name(found),
        points=tuple((kind, value, raw) for (kind, value), raw in points.items()),
        organization=company if any(letter.isalnum() for letter in company) else "",
        note="\n".join(found.get(Column.NOTE, []))[:20_000].strip(),
        unusable=tuple(unusable[:10]),
    )


def _name(found: dict[Column, list[str]]) -> str:
    whole = _line(" ".join(found.get(Column.NAME, [])[:1]))
    parts = [_line(found[column][0]) for column in (Column.FIRST_NAME, Column.MIDDLE_NAME, Column.LAST_NAME) if column in found]
    # "Name" beside "Surname" is a first name, whatever the header says.
    if whole and parts and whole not in " ".join(parts) and Column.FIRST_NAME not in found:
        return _line(f"{whole} {' '.join(parts)}")
    return whole or _line(" ".join(parts))


def _line(text: str) -> str:
    """Text on one line, without control characters and direction tricks."""
    text = re.sub(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]", " ", text)
    return " ".join(text.split())[:200].strip()


def _by_header(header: str) -> Column:
    words = " ".join(header.replace("_", " ").casefold().split())
    for column, pattern in _HEADERS:
        if re.search(pattern, words):
            # "E-mail 1 - Type" of an address book says what the next column is, and is none itself.
            return Column.NOTHING if column in (Column.EMAIL, Column.PHONE) and _NO_MAIL.search(words) else column
    return Column.NOTHING


def _by_content(cells: list[str]) -> Column:
    kinds = [_point_kind(cell) for cell in cells if cell.strip()][:50]
    if not kinds:
        return Column.NOTHING
    for kind, column in ((PointKind.EMAIL, Column.EMAIL), (PointKind.PHONE, Column.PHONE)):
        if kinds.count(kind) * 2 > len(kinds):
            return column
    return Column.NOTHING


def _point_kind(cell: str) -> PointKind | None:
    cell = cell.strip()
    if "@" in cell and normalise(PointKind.EMAIL, cell):
        return PointKind.EMAIL
    looks = re.fullmatch(r"\+?[\d\s().\-]{7,25}", cell) is not None and sum(letter.isdigit() for letter in cell) >= 10
    return PointKind.PHONE if looks and normalise(PointKind.PHONE, cell) else None


def _single(columns: list[Column]) -> list[Column]:
    """Addresses and notes may stand in several columns, everything else in the first that looks like it."""
    many = (Column.EMAIL, Column.PHONE, Column.NOTE, Column.NOTHING)
    return [column if column in many or column not in columns[:index] else Column.NOTHING for index, column in enumerate(columns)]
