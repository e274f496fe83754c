"""A database of N people with a ticket each, written by SQL in seconds: what lists are scrolled in."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select, update

from contact_center.demo.letters import PEOPLE, SUBJECTS
from contact_center.store import Connection, Store
from contact_center.store.schema.access import project
from contact_center.store.schema.contacts import contact, contact_point, contact_point_link
from contact_center.store.schema.tickets import interaction, ticket
from contact_center.store.schema.work import segment, work_item

UNIT = 5000
START = datetime(2025, 1, 1, tzinfo=UTC)


async def gather(store: Store, count: int) -> None:
    """Fill an empty store. The first person wrote first, so that the first ticket is the last one of every list."""
    for start in range(0, count, UNIT):
        await store.write_bulk(_unit, start + 1, min(count, start + UNIT) + 1)
    await store.write_bulk(go_on)


def go_on(connection: Connection) -> None:
    """What comes next gets the numbers after those that were given by hand."""
    connection.execute(update(project).values(next_ticket_number=select(func.max(ticket.c.number) + 1).scalar_subquery()))
    if connection.dialect.name == "postgresql":
        for table in (contact, contact_point, contact_point_link, ticket, interaction, work_item, segment):
            newest = select(func.coalesce(func.max(table.c.id), 1)).scalar_subquery()
            connection.execute(select(func.setval(func.pg_get_serial_sequence(table.name, "id"), newest)))


def _unit(connection: Connection, start: int, end: int) -> None:
    numbers = range(start, end)
    tables = {contact: _contact, contact_point: _point, contact_point_link: _link, ticket: _ticket, interaction: _entry}
    for table, row in tables.items():
        connection.execute(
            insert(table), [{"id": n, "project_id": 1} | row(n) if table is not contact_point_link else row(n) for n in numbers]
        )


def _contact(n: int) -> dict[str, Any]:
    return {"name": f"{PEOPLE[n % len(PEOPLE)][0]} {n}", "provisional": False, "note": "", "created_at": START}


def _point(n: int) -> dict[str, Any]:
    address = f"{PEOPLE[n % len(PEOPLE)][1]}.{n}@example{n % 90}.org"
    return {"kind": "email", "value": address, "display": address}


def _link(n: int) -> dict[str, Any]:
    return {"id": n, "point_id": n, "contact_id": n, "role": "personal", "valid_from": START}


def _ticket(n: int) -> dict[str, Any]:
    at = START + timedelta(minutes=5 * n)
    subject, text = SUBJECTS[n % len(SUBJECTS)][:2]
    return {
        "number": n, "contact_id": n, "queue_id": 1, "subject": subject.format(n=n), "status": "open", "priority": "normal",
        "channel": "email", "tags": [], "created_at": at, "updated_at": at, "version": 1, "last_at": at, "last_direction": "in",
        "last_kind": "email", "last_preview": text.format(n=n)[:120], "waiting_since": at,
    }  # fmt: skip


def _entry(n: int) -> dict[str, Any]:
    at = START + timedelta(minutes=5 * n)
    return {
        "contact_id": n, "ticket_id": n, "queue_id": 1, "kind": "email", "direction": "in", "occurred_at": at, "received_at": at,
        "sender_name": "", "sender_address": "", "subject": "", "visible_text": SUBJECTS[n % len(SUBJECTS)][1].format(n=n),
    }  # fmt: skip
