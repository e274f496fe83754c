"""What becomes of the rows of an import: planned first, so that a check and a run say the same; then carried out.

A row means the contact that its addresses reach. Nothing matches on a name, and a row without a usable address is
refused, because read a second time it would make the person a second time.
"""

from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contact_center.contacts import book, candidates, organizations
from contact_center.contacts.importing.mapping import Mapping as Columns
from contact_center.contacts.importing.mapping import Person, person_of
from contact_center.contacts.importing.reading import Row
from contact_center.model.acts import Act
from contact_center.model.events import ContactChanged, Event
from contact_center.model.imports import Outcome, RowResult
from contact_center.model.people import Contact, OrganizationRef, Point
from contact_center.model.words import PointKind, PointRole
from contact_center.store import Connection, journal
from contact_center.store import Row as StoredRow
from contact_center.store.repositories import candidates as comparing
from contact_center.store.repositories import contacts, imports
from contact_center.store.repositories import organizations as companies


@dataclass
class Planned:
    """A row with what it says and what becomes of it."""

    result: RowResult
    person: Person | None = None
    missing: list[tuple[PointKind, str, str]] = field(default_factory=list)
    """Points that the contact does not have yet."""


def plan(
    connection: Connection, project_id: int, rows: Sequence[Row], mapping: Columns, seen: dict[tuple[str, str], int] | None = None
) -> list[Planned]:
    """What becomes of these rows as things stand. `seen` carries the points of earlier rows of the same file to the row
    they stood in, for a check, which changes nothing."""
    local: ChainMap[tuple[str, str], int] = ChainMap({}, seen or {})  # the unit may run twice: what it was given stays
    people = [None if row.broken else person_of(row.cells, mapping) for row in rows]
    points = [(kind, value) for person in people if person for kind, value, _ in person.points]
    reached = imports.reached(connection, project_id, points)
    known = imports.cards(connection, sorted({contact_id for holders in reached.values() for contact_id in holders}))
    planned = []
    for row, person in zip(rows, people, strict=True):
        each = _plan_row(row, person, reached, known, local)
        planned.append(each)
        if person is not None and each.result.outcome is Outcome.NEW:
            local.update({(kind, value): row.number for kind, value, _ in person.points})
    return planned


def carry_out(connection: Connection, act: Act, project_id: int, rows: Sequence[Row], mapping: Columns) -> list[RowResult]:
    """Settle these rows in the open unit of work; anything it raises rolls all of them back."""
    planned = plan(connection, project_id, rows, mapping)
    fresh = [each for each in planned if each.result.outcome is Outcome.NEW]
    _add_new(connection, act, project_id, fresh)
    for each in planned:
        if each.result.outcome is Outcome.UPDATE and each.result.reason != "same_as_row":
            _update(connection, act, project_id, each)
    # Rows that mean a person who stands further up in the same batch: that person is there now.
    again = [row for row, each in zip(rows, planned, strict=True) if each.result.reason == "same_as_row"]
    results = {each.result.row: each.result for each in planned}
    for row in again:
        (once_more,) = plan(connection, project_id, [row], mapping)
        if once_more.result.outcome is Outcome.UPDATE:
            _update(connection, act, project_id, once_more)
        results[row.number] = once_more.result
    return [results[row.number] for row in rows]


def _plan_row(
    row: Row,
    person: Person | None,
    reached: dict[tuple[str, str], list[int]],
    known: Mapping[int, StoredRow],
    seen: Mapping[tuple[str, str], int],
) -> Planned:
    if person is None:
        return Planned(RowResult(row.number, Outcome.ERROR, "unreadable", "", row.broken[:200]))
    detail = ", ".join(person.unusable)[:200]
    if not person.points:
        return Planned(RowResult(row.number, Outcome.ERROR, "unusable" if detail else "no_point", person.name, detail), person)
    reason = "unusable" if detail else ""
    holders = {(kind, value): reached.get((kind, value), []) for kind, value, _ in person.points}
    found = sorted({contact_id for each in holders.values() for contact_id in each})
    earlier = sorted({seen[key] for key in holders if key in seen})
    if len(found) > 1 or len(earlier) > 1 or (found and earlier):
        shared = any(len(each) > 1 for each in holders.values())
        why = "shared_point" if shared else "several_contacts"
        return Planned(RowResult(row.number, Outcome.CONFLICT, why, person.name, detail, found[0] if found else None), person)
    if earlier:
        return Planned(RowResult(row.number, Outcome.UPDATE, "same_as_row", person.name, str(earlier[0])), person)
    if not found:
        return Planned(RowResult(row.number, Outcome.NEW, reason, person.name or person.points[0][2], detail), person)
    missing = [(kind, value, raw) for kind, value, raw in person.points if not holders[(kind, value)]]
    changes = missing or _additions(known[found[0]], person)
    outcome = Outcome.UPDATE if changes else Outcome.SKIP
    return Planned(RowResult(row.number, outcome, reason, person.name, detail, found[0]), person, missing)


def _additions(card: StoredRow, person: Person) -> set[str]:
    """What the row knows and the contact does not say. What a person wrote is never overwritten."""
    found = set()
    if card["provisional"] and person.name and person.name != card["name"]:
        found.add("name")
    if person.note and not card["note"]:
        found.add("note")
    if person.organization and card["organization_id"] is None:
        found.add("organization")
    return found


def _update(connection: Connection, act: Act, project_id: int, planned: Planned) -> None:
    person, contact_id = planned.person, planned.result.contact_id
    assert person is not None
    assert contact_id is not None
    additions = _additions(imports.cards(connection, [contact_id])[contact_id], person)
    for kind, value, raw in planned.missing:
        point_id = contacts.lock_point(connection, project_id, kind, value, raw)
        if not contacts.holders(connection, point_id):
            contacts.link_point(connection, point_id, contact_id, PointRole.PERSONAL, act.now)
    values: dict[str, Any] = {}
    if "name" in additions:
        values |= {"name": person.name, "provisional": False}
    if "note" in additions:
        values["note"] = person.note
    if "organization" in additions:
        values["organization_id"] = _organization_id(connection, act, project_id, person.organization)
    if values:
        contacts.change_contact(connection, contact_id, **values)
    book.publish(connection, act, project_id, contact_id, compare=True)


def _add_new(connection: Connection, act: Act, project_id: int, planned: Sequence[Planned]) -> None:
    """Make the people of a batch in a few statements, and say of each that they are there."""
    people = [each.person for each in planned if each.person is not None]
    companies_of = _organizations(connection, act, project_id, [person.organization for person in people if person.organization])
    names = [person.name or person.points[0][2] for person in people]
    rows = [
        {
            "project_id": project_id,
            "name": name,
            "provisional": not person.name,
            "note": person.note,
            "created_at": act.now,
            "organization_id": companies_of[person.organization].id if person.organization in companies_of else None,
        }
        for name, person in zip(names, people, strict=True)
    ]
    contact_ids = imports.add_contacts(connection, rows)
    point_ids = iter(_point_ids(connection, project_id, people))
    links, keys = [], []
    for contact_id, name, person in zip(contact_ids, names, people, strict=True):
        company = companies_of.get(person.organization)
        contact = Contact(
            id=contact_id,
            name=name,
            provisional=not person.name,
            points=tuple(_new_point(next(point_ids), *point) for point in person.points),
            note=person.note,
            created_at=act.now,
            organization=OrganizationRef(company.id, company.name) if company else None,
        )
        links += [
            {"point_id": point.id, "contact_id": contact_id, "role": point.role, "verified_at": None, "valid_from": act.now}
            for point in contact.points
        ]
        compared = candidates.keys_of(contact)
        keys += [{"project_id": project_id, "key": key, "contact_id": contact_id, "weight": compared[key]} for key in compared]
        journal.append(connection, Event(ContactChanged(contact), project_id, contact_id=contact_id), at=act.now, actor_id=act.user_id)
    imports.add_links(connection, links, keys)
    comparing.count_holders(connection, project_id, {str(row["key"]) for row in keys})


def _new_point(point_id: int, kind: PointKind, value: str, raw: str) -> Point:
    return Point(point_id, kind, value, raw, PointRole.PERSONAL, verified=False)


def _point_ids(connection: Connection, project_id: int, people: Sequence[Person]) -> list[int]:
    """Ids of the points of new people: most are new too, some reached somebody once and are there already."""
    wanted = [(kind, value, raw) for person in people for kind, value, raw in person.points]
    there = imports.reached(connection, project_id, [(kind, value) for kind, value, _ in wanted])
    missing = [each for each in wanted if each[:2] not in there]
    rows = [{"project_id": project_id, "kind": kind, "value": value, "display": raw} for kind, value, raw in missing]
    ids = dict(zip([each[:2] for each in missing], imports.add_points(connection, rows), strict=True))
    return [ids.get((kind, value)) or contacts.lock_point(connection, project_id, kind, value, raw) for kind, value, raw in wanted]


def _organization_id(connection: Connection, act: Act, project_id: int, name: str) -> int | None:
    found = _organizations(connection, act, project_id, [name]).get(name)
    return found.id if found else None


def _organizations(connection: Connection, act: Act, project_id: int, names: Sequence[str]) -> dict[str, OrganizationRef]:
    """The organizations of these names, made if new."""
    keys = {name: organizations.name_key(name) for name in dict.fromkeys(names)}
    known = companies.by_names(connection, project_id, sorted({key for key in keys.values() if key}))
    found = {}
    for name, key in keys.items():
        if key and key not in known:
            made = organizations.create(connection, act, project_id, name)
            known[key] = OrganizationRef(made.id, made.name)
        if key:
            found[name] = known[key]
    return found
