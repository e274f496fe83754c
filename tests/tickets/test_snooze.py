"""Putting off: a ticket waits with its next step, and wakes at its time or with the customer's word."""

from datetime import timedelta

import pytest

from contact_center.model.words import Status
from contact_center.store.repositories import tickets
from contact_center.tickets import lifecycle
from tests.tickets.test_threading import Desk
from tests.tickets.test_turns import desk  # noqa: F401 - a fixture


async def put_off(desk: Desk, ticket: int, **delta: float) -> None:  # noqa: F811
    await desk.change(ticket, snoozed_until=desk.clock() + timedelta(**delta), next_step="Ask the warehouse")


async def wake(desk: Desk) -> int:  # noqa: F811
    due = await desk.store.read(tickets.snoozed_until, desk.clock(), 100)
    return sum([await desk.store.write(lifecycle.wake_snoozed, desk.act, ticket_id) for _, ticket_id in due])


async def test_what_was_settled_meanwhile_does_not_wake(desk: Desk) -> None:  # noqa: F811
    """Its time came, and before the clock was looked at again somebody resolved it: it stays resolved."""
    _, ticket = await desk.mail("ivan@x")
    await put_off(desk, ticket, hours=2)
    desk.clock.move(hours=2)
    await desk.change(ticket, status=Status.RESOLVED)
    assert not await desk.store.write(lifecycle.wake_snoozed, desk.act, ticket)
    assert (await desk.ticket(ticket)).status is Status.RESOLVED


async def test_it_wakes_at_its_time(desk: Desk) -> None:  # noqa: F811
    """Not a moment before; then it is open again with its next step, and once."""
    _, ticket = await desk.mail("ivan@x")
    await put_off(desk, ticket, hours=2)
    asleep = await desk.ticket(ticket)
    assert (asleep.status, asleep.next_step) == (Status.WAITING, "Ask the warehouse")
    assert asleep.waiting_since is not None, "the customer waits all the same, and the board says so"
    desk.clock.move(hours=1, minutes=59)
    assert await wake(desk) == 0
    desk.clock.move(minutes=1)
    assert await wake(desk) == 1
    awake = await desk.ticket(ticket)
    assert (awake.status, awake.snoozed_until, awake.next_step) == (Status.OPEN, None, "Ask the warehouse")
    assert await wake(desk) == 0


async def test_the_customers_word_wakes_it(desk: Desk) -> None:  # noqa: F811
    """Whoever writes meanwhile is not kept waiting until the time that we chose."""
    root, ticket = await desk.mail("ivan@x")
    await put_off(desk, ticket, days=5)
    await desk.mail("ivan@x", root)
    after = await desk.ticket(ticket)
    assert (after.status, after.snoozed_until) == (Status.OPEN, None)


@pytest.mark.parametrize("status", [Status.RESOLVED, Status.CLOSED])
async def test_what_is_done_does_not_wake(desk: Desk, status: Status) -> None:  # noqa: F811
    """Resolving ends the putting off and the next step; a reply leaves both."""
    _, ticket = await desk.mail("ivan@x")
    await put_off(desk, ticket, days=1)
    await desk.reply(ticket)
    assert (await desk.ticket(ticket)).snoozed_until is not None
    await desk.change(ticket, status=status)
    after = await desk.ticket(ticket)
    assert (after.snoozed_until, after.next_step) == (None, "")
    desk.clock.move(days=2)
    assert await wake(desk) == 0
    assert (await desk.ticket(ticket)).status == status
