"""Who came again, where several answer the same customer at the same moment."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from contact_center.model.acts import Act
from contact_center.model.people import ContactRef
from contact_center.model.words import Direction, EndReason, Status
from contact_center.store import Connection, Store
from contact_center.store.repositories import access, calls, contacts
from contact_center.store.schema.figures import resolution
from contact_center.store.schema.work import segment, work_item
from contact_center.tickets import entries, lifecycle, turns
from contact_center.tickets.lifecycle import TicketPatch

NOON = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
TICKETS = 6


def write(connection: Connection, number: int) -> list[int]:
    """A customer who asks six things, one each hour."""
    project = access.add_project(connection, f"again{number}", "P")
    queue = access.add_queue(connection, project, "A", False, NOON)
    who = ContactRef(contacts.add_contact(connection, project, "Ivan", True, NOON), "Ivan", True)
    found = []
    for hour in range(TICKETS):
        at = NOON + timedelta(hours=hour)
        common = {"project_id": project, "queue_id": queue}
        ticket = lifecycle.open_ticket(connection, Act(at), **common, contact=who, subject="s", channel="email")
        entry = entries.add_entry(
            connection, Act(at), **common, contact_id=who.id, ticket=ticket, kind="email", direction=Direction.IN, text="said"
        )
        turns.begin(connection, **common, ticket_id=ticket.id, assignee_id=None, kind="email", interaction_id=entry.id, at=at)
        found.append(ticket.id)
    return found


async def test_all_who_answer_at_once_see_each_other(store: Store) -> None:
    """Of six things asked within a day only the first is no repetition, also when all are answered in the same moment."""
    for number in range(5):
        ids = await store.write(write, number)
        now = NOON + timedelta(hours=TICKETS)
        await asyncio.gather(*(store.write(turns.end, Act(now), each, EndReason.COMPLETED) for each in ids))

        def look(connection: Connection, ids: list[int] = ids) -> list[bool | None]:
            found = select(segment.c.repeated).join(work_item, work_item.c.id == segment.c.work_item_id)
            return list(connection.execute(found.where(work_item.c.ticket_id.in_(ids)).order_by(work_item.c.opened_at)).scalars())

        assert await store.read(look) == [False] + [True] * (TICKETS - 1)


@pytest.mark.parametrize(
    ("hour", "who", "kind", "again"), [(1, 0, "email", True), (-1, 0, "email", False), (1, 1, "email", False), (1, 0, "callback", False)]
)
async def test_who_asks_elsewhere_before_it_is_resolved_came_again(store: Store, hour: int, who: int, kind: str, again: bool) -> None:
    """A call while a ticket is open makes it two sessions, however late it becomes known; one of before, or of somebody else, does not,
    nor does that of a customer whom we were to call."""

    def run(connection: Connection, number: int, is_late: bool) -> bool:
        project = access.add_project(connection, f"beside{number}", "P")
        queue = access.add_queue(connection, project, "A", False, NOON)
        people = [ContactRef(contacts.add_contact(connection, project, name, True, NOON), name, True) for name in ("Ivan", "Olga")]
        common = {"project_id": project, "queue_id": queue}
        facts = {"type": "call", "result": "answered", "wait_seconds": 5, "talk_seconds": 60, "number": "+7"}

        def call() -> None:
            at = NOON + timedelta(hours=hour)
            entry = entries.add_entry(
                connection, Act(at), **common, contact_id=people[who].id, ticket=None, kind="telephony", direction=Direction.IN, text="", facts=facts
            )  # fmt: skip
            calls.note(connection, entry.id)

        ticket = lifecycle.open_ticket(connection, Act(NOON), **common, contact=people[0], subject="s", channel="email")
        entry = entries.add_entry(
            connection, Act(NOON), **common, contact_id=people[0].id, ticket=ticket, kind="email", direction=Direction.IN, text="said"
        )
        turns.begin(connection, **common, ticket_id=ticket.id, assignee_id=None, kind=kind, interaction_id=entry.id, at=NOON)
        if not is_late:
            call()
        done = Act(NOON + timedelta(hours=2))
        turns.end(connection, done, ticket.id, EndReason.COMPLETED)
        lifecycle.change(connection, done, project, ticket.id, TicketPatch(status=Status.RESOLVED))
        if is_late:
            call()
        found = select(resolution.c.again_at).where(resolution.c.ticket_id == ticket.id)
        return connection.execute(found).scalar_one() is not None

    assert [await store.write(run, number, bool(number)) for number in range(2)] == [again, again]
