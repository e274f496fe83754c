"""Where a closed queue sends what comes: to the queue that answers then, once, and not what waited before or was meant for it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contact_center.model.acts import Act
from contact_center.model.hours import Calendar
from contact_center.model.people import ContactRef, Viewer
from contact_center.model.reports import Asked, By
from contact_center.model.words import Direction, EndReason, Role
from contact_center.routing.dispatcher import Dispatcher
from contact_center.routing.offers import Weights
from contact_center.store import Connection, Store
from contact_center.store.repositories import access, contacts, figures, hours, work
from contact_center.tickets import entries, lifecycle, turns
from contact_center.tickets.lifecycle import TicketPatch

NIGHT = datetime(2026, 11, 3, 22, 0, tzinfo=UTC)  # a Tuesday
NOON = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)


class House:
    """A queue that is open from nine to five, and one that answers at night; each sends the other what comes when it is closed."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.project = access.add_project(connection, "night", "P")
        self.day, self.night = (access.add_queue(connection, self.project, name, False, NOON) for name in ("Day", "Night"))
        for queue, other, spans in ((self.day, self.night, (("09:00", "17:00"),)), (self.night, self.day, (("21:00", "24:00"),))):
            calendar = hours.add(connection, self.project, f"Hours {queue}", Calendar("UTC", (spans,) * 7), NOON)
            access.change_queue(connection, queue, calendar_id=calendar, after_hours_queue_id=other)
        self.who = ContactRef(contacts.add_contact(connection, self.project, "Ivan", True, NOON), "Ivan", True)

    def write(self, at: datetime, queue: int | None = None) -> int:
        ticket = lifecycle.open_ticket(
            self.connection, Act(at), project_id=self.project, contact=self.who, queue_id=queue or self.day, subject="s", channel="email"
        )  # fmt: skip
        entry = entries.add_entry(
            self.connection, Act(at), project_id=self.project, contact_id=self.who.id, ticket=ticket, kind="email",
            direction=Direction.IN, text="said", queue_id=ticket.queue_id,
        )  # fmt: skip
        turns.begin(
            self.connection, project_id=self.project, ticket_id=ticket.id, queue_id=ticket.queue_id, assignee_id=None, kind="email",
            interaction_id=entry.id, at=at,
        )  # fmt: skip
        return ticket.id


async def at(store: Store, now: datetime) -> None:
    await Dispatcher(store, Weights({}, 100), lambda: now).look_at_the_clock(now)


def ways(connection: Connection, house: House, ticket_id: int) -> list[tuple[int, str | None]]:
    return [(row["queue_id"], row["end_reason"]) for row in work.segments(connection, ticket_id)]


async def test_what_comes_while_it_is_closed_goes_on(store: Store) -> None:
    """It is the other queue's at the next look; there it waits, and did not enter the queue that was closed."""
    house = await store.write(House)
    came = await store.write(lambda connection: _with(house, connection).write(NIGHT))
    for _ in range(3):
        await at(store, NIGHT + timedelta(seconds=5))
    found = await store.read(ways, house, came)
    assert found == [(house.day, EndReason.AFTER_HOURS), (house.night, None)]
    asked = Asked(NIGHT - timedelta(hours=1), NIGHT + timedelta(hours=1), By.QUEUE)
    viewer = Viewer(1, house.project, Role.ADMIN, ())
    report = await store.read(figures.report, viewer, asked, NIGHT + timedelta(minutes=1))
    rows = {row.key: row.tallies for row in report.rows}
    assert (rows[str(house.day)].entered, rows[str(house.day)].after_hours) == (0, 1)
    assert (rows[str(house.night)].entered, rows[str(house.night)].transferred_in, rows[str(house.night)].open) == (1, 1, 1)
    assert report.total.tallies.balanced


async def test_two_that_are_closed_do_not_throw_it_to_and_fro(store: Store) -> None:
    """At seven both are closed: it goes on once, and waits there."""
    house = await store.write(House)
    evening = NIGHT.replace(hour=19)
    came = await store.write(lambda connection: _with(house, connection).write(evening))
    for minute in range(3):
        await at(store, evening + timedelta(minutes=minute))
    assert await store.read(ways, house, came) == [(house.day, EndReason.AFTER_HOURS), (house.night, None)]


@pytest.mark.parametrize("case", ["came before", "taken", "passed in", "opens again", "open", "closes again"])
async def test_what_stays(store: Store, case: str) -> None:
    """What waited when it closed, what somebody took, what a colleague passed in, and what nobody moved until it opened,
    also at the next night: a whole day it had its chance here."""
    house = await store.write(House)

    def prepare(connection: Connection) -> int:
        desk = _with(house, connection)
        if case == "passed in":
            ticket = desk.write(NIGHT, house.night)
            lifecycle.change(connection, Act(NIGHT), house.project, ticket, TicketPatch(queue_id=house.day))
            return ticket
        ticket = desk.write(NOON if case in ("came before", "open") else NIGHT)
        if case == "taken":
            agent = access.add_user(connection, house.project, "n@x", "N", Role.AGENT, None, NOON)
            access.set_grants(connection, agent, [house.day])
            lifecycle.change(connection, Act(NIGHT), house.project, ticket, TicketPatch(assignee_id=agent))
        return ticket

    ticket = await store.write(prepare)
    looked = {"opens again": NOON + timedelta(days=1), "open": NOON, "closes again": NIGHT + timedelta(days=1)}.get(
        case, NIGHT + timedelta(minutes=1)
    )
    await at(store, looked)
    found = await store.read(ways, house, ticket)
    assert found[-1] == (house.day, None)


async def test_the_hours_that_a_customer_is_told_are_those_of_who_answers(store: Store) -> None:
    """A closed queue that sends what comes to an open one is open, as far as its customers are concerned."""
    house = await store.write(House)

    def look(connection: Connection) -> list[int]:
        evening = NIGHT.replace(hour=19)
        return [hours.answering(connection, house.day, now) for now in (NOON, NIGHT, evening)]

    assert await store.read(look) == [house.day, house.night, house.night]


def _with(house: House, connection: Connection) -> Any:
    house.connection = connection
    return house
