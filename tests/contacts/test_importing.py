"""Contacts from files: every format and encoding, what a row becomes, twice the same, and on after a restart."""

import asyncio
import io
import zipfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from contact_center.contacts import book
from contact_center.contacts.importing import mapping, runner, settling
from contact_center.contacts.importing.mapping import Column
from contact_center.contacts.importing.reading import data_rows, first_rows, is_cards, rows_of
from contact_center.errors import Invalid
from contact_center.model.acts import Act
from contact_center.model.imports import ImportJob, ImportState, Outcome
from contact_center.model.people import Viewer
from contact_center.model.words import PointKind, Role
from contact_center.store import Store, blobs
from contact_center.store.blobs import BlobFiles
from contact_center.store.repositories import access, contacts, imports
from tests.intake.world import World, make_world

CSV = 'ФИО;E-mail;Телефон;Компания;Примечание\nИванов Иван;ivan@acme.ru;8 912 345-67-89;ООО «Акме»;"две\nстроки"\nОльга;olga@acme.ru;;;\n'


def sheet(rows: list[list[str]]) -> bytes:
    """A workbook as Excel writes it: shared strings, a number, an inline text."""
    strings = sorted({cell for row in rows for cell in row if cell and not cell.isdigit()})
    escape = {cell: cell.replace("&", "&amp;").replace("<", "&lt;") for cell in strings}
    lines = []
    for number, row in enumerate(rows, 1):
        cells = []
        for index, cell in enumerate(row):
            place = f"{chr(65 + index)}{number}"
            if cell.isdigit():
                cells.append(f'<c r="{place}"><v>{float(cell):.10E}</v></c>')
            elif cell:
                cells.append(f'<c r="{place}" t="s"><v>{strings.index(cell)}</v></c>')
        lines.append(f'<row r="{number}">{"".join(cells)}</row>')
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as book_file:
        book_file.writestr("xl/sharedStrings.xml", f"<sst {main}>{''.join(f'<si><t>{escape[s]}</t></si>' for s in strings)}</sst>")
        book_file.writestr("xl/worksheets/sheet1.xml", f"<worksheet {main}><sheetData>{''.join(lines)}</sheetData></worksheet>")
    return made.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1251"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_tables_of_every_encoding_and_delimiter(encoding: str, delimiter: str) -> None:
    """Umlauts, quoted line ends and the delimiter are understood without being told."""
    content = CSV.replace(";", delimiter).encode(encoding)
    guessed = mapping.guess(first_rows(content, 10))
    assert guessed == mapping.Mapping(True, (Column.NAME, Column.EMAIL, Column.PHONE, Column.ORGANIZATION, Column.NOTE))
    people = [mapping.person_of(row.cells, guessed) for row in data_rows(content, True)]
    assert [person.name for person in people] == ["Иванов Иван", "Ольга"]
    assert [value for _, value, _ in people[0].points] == ["ivan@acme.ru", "+79123456789"]
    assert people[0].note == "две\nстроки"


def test_workbooks() -> None:
    """Texts by number, empty cells, and a phone number that a spreadsheet took for one."""
    content = sheet([["Имя", "Почта", "Телефон"], ["Анна <&>", "", "79123456789"], ["", "b@acme.ru", ""]])
    assert [row.cells for row in data_rows(content, True)] == [("Анна <&>", "", "79123456789"), ("", "b@acme.ru")]


def test_a_workbook_cannot_harm() -> None:
    """A DOCTYPE with entities, and what is no workbook at all, are refused."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as book_file:
        book_file.writestr("xl/worksheets/sheet1.xml", '<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet>&a;</worksheet>')
    for content in (made.getvalue(), b"PK\x03\x04 nothing", b""):
        with pytest.raises(Invalid):
            list(rows_of(content))


@pytest.mark.parametrize(
    "card",
    [
        "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D0=98=D0=B2=D0=B0=D0=BD=D0=BE=D0=B2;=D0=98=\r\n=D0=B2=D0=B0=D0=BD\r\n"
        "TEL;CELL:+7 912 345-67-89\r\nEMAIL;INTERNET:ivan@acme.ru\r\nORG:Acme;Sales\r\nEND:VCARD\r\n",
        'BEGIN:VCARD\nVERSION:3.0\nN:Иванов;Иван;;;\nFN:Иван Ива\n нов\nitem1.TEL;TYPE="CELL,VOICE":+79123456789\nEMAIL;TYPE=WORK:ivan@acme.ru\n'
        "ORG:Acme\\, Inc;x\nEND:VCARD\n",
        'BEGIN:VCARD\nVERSION:4.0\nFN:Иван Иванов\nTEL;VALUE=uri;TYPE="voice,home":tel:+7-912-345-67-89\nEMAIL:mailto:ivan@acme.ru\nORG:Acme\nEND:VCARD',
    ],
    ids=["2.1", "3.0", "4.0"],
)
def test_cards_of_every_version(card: str) -> None:
    """Quoted-printable, folded lines, groups, escapes and addresses as URIs."""
    content = card.encode()
    assert is_cards(content)
    (row,) = data_rows(content, True)
    person = mapping.person_of(row.cells, mapping.guess([], cards=True))
    assert person.name == "Иван Иванов"
    assert {value for _, value, _ in person.points} == {"ivan@acme.ru", "+79123456789"}
    assert person.organization.startswith("Acme")


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        (["First Name", "Last Name", "E-mail 1 - Type", "E-mail 1 - Value", "Phone 1 - Value"], ["first_name", "last_name", "", "email", "phone"]),
        (["Фамилия", "Имя", "Отчество", "Моб. тел.", "Эл. почта"], ["last_name", "first_name", "middle_name", "phone", "email"]),
        (["Contact", "Company name", "Comment", "Mobile"], ["name", "organization", "note", "phone"]),
        (["Anna", "anna@example.com"], ["name", "email"]),
    ],
)  # fmt: skip
def test_columns_are_guessed(header: list[str], columns: list[str]) -> None:
    """From headers in both languages, from other programs' address books, and without a header from what is there."""
    assert [str(column) for column in mapping.guess([tuple(header)]).columns] == columns


@given(st.binary(max_size=300))
def test_any_bytes_are_a_table_or_refused(content: bytes) -> None:
    """Nothing breaks the reader."""
    try:
        rows = list(data_rows(content, False))
    except Invalid:
        return
    for row in rows:
        mapping.person_of(row.cells, mapping.guess([row.cells]))


class Desk:
    """Imports of a test."""

    def __init__(self, world: World) -> None:
        self.world, self.store = world, world.store
        self.files = BlobFiles(world.store.blob_dir)
        self.runner = runner.Imports(world.store, self.files, world.clock)

    async def upload(self, content: bytes, columns: list[str] | None = None) -> int:
        sample = first_rows(content, 5)
        guessed = mapping.guess(sample, cards=is_cards(content))
        kept = {"header": guessed.header, "columns": columns or list(guessed.columns), "sample": [list(row) for row in sample]}
        sha256 = self.files.keep(content)
        return await self.store.write(_add, sha256, len(content), kept, self.world.clock())

    async def go(self, import_id: int, state: ImportState = ImportState.RUNNING) -> ImportJob:
        await self.store.write(_set_state, import_id, state)
        await self.runner.carry_out(import_id)
        job = await self.store.read(imports.find, 1, import_id)
        assert job is not None
        return job

    async def run(self, content: bytes) -> ImportJob:
        return await self.go(await self.upload(content))

    async def people(self) -> list[Any]:
        return await self.store.read(
            lambda c: [contacts.find_contact(c, i) for (i,) in c.execute(text("SELECT id FROM contact ORDER BY id"))]
        )


def _add(connection: Any, sha256: str, size: int, kept: Any, now: Any) -> int:
    blobs.put(connection, sha256, size, None)
    user = connection.execute(text("SELECT id FROM employee LIMIT 1")).scalar()
    user = user or access.add_user(connection, 1, "admin@example.com", "Admin", "admin", None, now)
    return imports.add(connection, project_id=1, created_by=user, created_at=now, filename="f.csv", sha256=sha256, size=size, mapping=kept)


def _set_state(connection: Any, import_id: int, state: ImportState) -> None:
    imports.change_if(connection, import_id, list(ImportState), state=state)


@pytest.fixture
async def desk(store: Store) -> Desk:
    return Desk(await make_world(store))


async def test_an_import_makes_people_and_the_second_time_nothing(desk: Desk) -> None:
    """Names, points, company and note are there; the same file again only skips."""
    job = await desk.run(CSV.encode())
    assert (job.state, job.rows_done, job.rows_total, job.outcomes) == (ImportState.DONE, 2, 2, {"new": 2})
    ivan, olga = await desk.people()
    assert (ivan.name, ivan.provisional, ivan.organization.name, ivan.note) == ("Иванов Иван", False, "ООО «Акме»", "две\nстроки")
    assert [point.verified for point in ivan.points] == [False, False]
    assert olga.organization is None
    assert (await desk.run(CSV.encode())).outcomes == {"skip": 2}
    assert await desk.people() == [ivan, olga]


async def test_whoever_came_by_an_import_can_be_listed(desk: Desk) -> None:
    """The list can begin with the import: nobody who was known before is in it."""
    await desk.run(CSV.encode())
    desk.world.clock.move(minutes=1)
    second = await desk.run("ФИО;E-mail\nПётр;petr@acme.ru\nИванов Иван;ivan@acme.ru\n".encode())
    viewer = Viewer(0, 1, Role.ADMIN, ())
    found = await desk.world.store.read(contacts.search_contacts, viewer, "", 0, 10, second.created_at)
    assert [person.name for person in found] == ["Пётр"]


async def test_a_check_says_what_a_run_does_and_changes_nothing(desk: Desk) -> None:
    """Every outcome with its reason, also for rows that mean the same person."""
    await desk.run(b"name,email\nAnna,anna@example.com\nBoris,boris@example.com\n")
    before = await desk.people()
    rows = [
        "New,new@example.com,",
        "New again,new@example.com,+7 912 345-67-89",
        "Anna,anna@example.com,",
        "Anna,anna@example.com,+7 495 123-45-67",
        "Both,anna@example.com; boris@example.com,",
        "Nobody,,",
        "Broken,not an address,",
    ]
    content = ("name,email,phone\n" + "\n".join(rows) + "\n").encode()
    import_id = await desk.upload(content)
    checked = await desk.go(import_id, ImportState.CHECKING)
    assert checked.state is ImportState.CHECKED
    assert await desk.people() == before
    wanted = {"new": 1, "update": 2, "skip": 1, "conflict": 1, "error": 2}
    assert checked.outcomes == wanted
    attention = await desk.store.read(imports.rows, import_id, 0, 100)
    assert [(each.row, each.outcome, each.reason, each.detail) for each in attention] == [
        (5, Outcome.CONFLICT, "several_contacts", ""),
        (6, Outcome.ERROR, "no_point", ""),
        (7, Outcome.ERROR, "unusable", "not an address"),
    ]
    await desk.store.write(_reset, import_id)
    assert (await desk.go(import_id)).outcomes == wanted
    people = await desk.people()
    assert [len(person.points) for person in people] == [2, 1, 2]


def _reset(connection: Any, import_id: int) -> None:
    imports.forget_rows(connection, import_id)
    imports.change_if(connection, import_id, list(ImportState), state=ImportState.READY, rows_done=0, outcomes={})


async def test_what_a_person_wrote_is_kept(desk: Desk) -> None:
    """A confirmed name, a note and a company are never overwritten; a provisional name is."""
    await desk.run(b"email\nanna@example.com\n")
    await desk.run(b"name,email,company,note\nAnna,anna@example.com,Acme,VIP\n")
    await desk.run(b"name,email,company,note\nOther,anna@example.com,Other,Other\n")
    (anna,) = await desk.people()
    assert (anna.name, anna.provisional, anna.organization.name, anna.note) == ("Anna", False, "Acme", "VIP")


async def test_a_shared_point_is_left_to_a_person(desk: Desk) -> None:
    """Whom a switchboard means, a file cannot say."""
    await desk.run(b"name,email\nAnna,anna@example.com\nBoris,boris@example.com\n")
    anna, boris = await desk.people()
    for who in (anna, boris):
        await desk.store.write(book.add_point, Act(desk.world.clock()), 1, who.id, PointKind.PHONE, "+74951234567", "495", shared=True)
    job = await desk.run(b"name,phone\nSomebody,+7 495 123-45-67\n")
    assert job.outcomes == {"conflict": 1}


async def test_a_row_that_fails_stops_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch in which something breaks is settled row by row."""
    real = settling.candidates.keys_of

    def keys_of(contact: Any) -> Any:
        if contact.name == "Bad":
            raise RuntimeError
        return real(contact)

    monkeypatch.setattr(settling.candidates, "keys_of", keys_of)
    job = await desk.run(b"name,email\nAnna,a@example.com\nBad,b@example.com\nCarl,c@example.com\n")
    assert (job.state, job.outcomes) == (ImportState.DONE, {"new": 2, "error": 1})
    assert [person.name for person in await desk.people()] == ["Anna", "Carl"]


async def test_an_import_goes_on_after_a_restart(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was settled before the crash is not settled again, and the rest follows."""
    monkeypatch.setattr(runner, "BATCH", 10)
    content = b"name,email\n" + b"".join(b"N%d,n%d@example.com\n" % (n, n) for n in range(35))
    import_id = await desk.upload(content)
    monkeypatch.setattr(desk.runner, "_settle", _crash_after(desk.runner._settle, 2))
    with pytest.raises(asyncio.CancelledError):
        await desk.go(import_id)
    assert len(await desk.people()) == 20
    again = runner.Imports(desk.store, desk.files, desk.world.clock)
    assert await desk.store.read(imports.active) == [import_id]
    await again.carry_out(import_id)
    job = await desk.store.read(imports.find, 1, import_id)
    assert job is not None
    assert (job.state, job.outcomes, job.rows_done) == (ImportState.DONE, {"new": 35}, 35)
    assert len(await desk.people()) == 35


def _crash_after(settle: Any, batches: int) -> Any:
    done = 0

    async def crashing(*args: Any) -> Any:
        nonlocal done
        done += 1
        if done > batches:
            raise asyncio.CancelledError
        return await settle(*args)

    return crashing


async def test_a_cancelled_import_stops(desk: Desk) -> None:
    """Whoever cancels keeps what was imported, and the runner leaves the rest."""
    import_id = await desk.upload(CSV.encode())
    await desk.store.write(_set_state, import_id, ImportState.CANCELLED)
    await desk.runner.carry_out(import_id)
    assert await desk.people() == []
