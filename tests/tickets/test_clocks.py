"""Promises of tickets: their clocks follow whatever happens to the ticket, and a breach is said once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from contact_center.model.hours import Calendar
from contact_center.model.sla import Clock, Policy
from contact_center.model.words import Goal, Priority, Status
from contact_center.store import Connection, journal
from contact_center.store.repositories import access, contacts, hours, organizations, sla, work
from contact_center.tickets import escalation, joining, replies
from tests.model.test_hours import OFFICE
from tests.tickets.test_threading import Desk
from tests.tickets.test_turns import desk  # noqa: F401 - a fixture

HOUR = timedelta(hours=1)
TARGETS = {
    Priority.NORMAL: {Goal.FIRST_RESPONSE: 3600, Goal.NEXT_RESPONSE: 7200, Goal.RESOLUTION: 86_400},
    Priority.URGENT: {Goal.FIRST_RESPONSE: 600, Goal.NEXT_RESPONSE: 600, Goal.RESOLUTION: 7200},
}
SUPPORT, BILLING = 1, 2


async def promise(desk: Desk, queue_id: int = SUPPORT, **fields: Any) -> int:  # noqa: F811
    policy = Policy(**({"id": 0, "name": "Gold", "calendar_id": None, "targets": TARGETS} | fields))
    policy_id = await desk.store.write(sla.add_policy, 1, policy, desk.clock())
    await desk.store.write(access.change_queue, queue_id, sla_policy_id=policy_id)
    return int(policy_id)


async def clocks(desk: Desk, ticket: int) -> dict[str, Clock]:  # noqa: F811
    """The newest clock of each goal."""
    return {each.clock.goal: each.clock for each in await desk.store.read(sla.clocks, ticket)}


async def look(desk: Desk) -> int:  # noqa: F811
    """What the clock asks for; returns how many tickets were looked at."""
    asked = await desk.store.read(sla.asking, desk.clock(), 100)
    for project_id, ticket_id in asked:
        await desk.store.write(escalation.look, desk.act, project_id, ticket_id)
    return len(asked)


async def test_a_reply_in_time_keeps_the_promise(desk: Desk) -> None:  # noqa: F811
    """From the first message to a person's answer; what is due next is the resolution, which stands still while we wait."""
    await promise(desk)
    _, ticket = await desk.mail("ivan@x")
    shown = (await desk.ticket(ticket)).due
    assert (shown.goal, shown.at) == (Goal.FIRST_RESPONSE, desk.clock() + HOUR)
    desk.clock.move(minutes=59)
    await desk.reply(ticket, Status.OPEN)
    found = await clocks(desk, ticket)
    assert (found[Goal.FIRST_RESPONSE].met, found[Goal.FIRST_RESPONSE].stopped_at) == (True, desk.clock())
    assert (await desk.ticket(ticket)).due.goal is Goal.RESOLUTION
    await desk.change(ticket, status=Status.WAITING)
    assert (await desk.ticket(ticket)).due is None


async def test_later_turns_have_a_clock_each(desk: Desk) -> None:  # noqa: F811
    """After the first answer it is the next response that is promised, from the oldest message that is unanswered."""
    await promise(desk)
    root, ticket = await desk.mail("ivan@x")
    await desk.reply(ticket)
    desk.clock.move(hours=5)
    await desk.mail("ivan@x", root)
    asked = desk.clock()
    desk.clock.move(minutes=90)
    await desk.mail("ivan@x", root)
    clock = (await clocks(desk, ticket))[Goal.NEXT_RESPONSE]
    assert (clock.started_at, clock.due_at) == (asked, asked + 2 * HOUR)
    assert (await desk.ticket(ticket)).due.at == asked + 2 * HOUR


async def test_waiting_stops_every_clock(desk: Desk) -> None:  # noqa: F811
    """While a ticket waits nothing runs; the customer's word sets all of it going, with what was left."""
    await promise(desk)
    root, ticket = await desk.mail("ivan@x")
    desk.clock.move(minutes=40)
    await desk.change(ticket, status=Status.WAITING)
    desk.clock.move(days=3)
    await desk.mail("ivan@x", root)
    found = await clocks(desk, ticket)
    assert found[Goal.FIRST_RESPONSE].due_at == desk.clock() + timedelta(minutes=20)
    assert found[Goal.RESOLUTION].due_at == desk.clock() + timedelta(hours=24, minutes=-40)


async def test_a_ticket_that_opens_again_goes_on(desk: Desk) -> None:  # noqa: F811
    """What passed while it was resolved does not count, and its promise is one."""
    await promise(desk)
    root, ticket = await desk.mail("ivan@x")
    desk.clock.move(hours=1)
    await desk.reply(ticket, Status.RESOLVED)
    assert (await clocks(desk, ticket))[Goal.RESOLUTION].met is True
    desk.clock.move(days=2)
    await desk.mail("ivan@x", root)
    clock = (await clocks(desk, ticket))[Goal.RESOLUTION]
    assert (clock.met, clock.due_at) == (None, desk.clock() + 23 * HOUR)


async def test_without_an_answer_nothing_was_kept(desk: Desk) -> None:  # noqa: F811
    """A turn that needed no answer counts neither as kept nor as broken."""
    await promise(desk)
    _, ticket = await desk.mail("ivan@x")
    await desk.change(ticket, status=Status.RESOLVED)
    clock = (await clocks(desk, ticket))[Goal.FIRST_RESPONSE]
    assert (clock.cancelled, clock.met) == (True, None)


async def test_a_reply_that_is_called_back_was_none(desk: Desk) -> None:  # noqa: F811
    """The clock runs on as if nobody had answered."""
    await promise(desk)
    _, ticket = await desk.mail("ivan@x")
    before = await clocks(desk, ticket)
    entry = await desk.reply(ticket)
    await desk.store.write(replies.call_back, desk.act, 1, entry.id)
    assert await clocks(desk, ticket) == before


async def test_urgency_counts_from_the_beginning(desk: Desk) -> None:  # noqa: F811
    """A higher priority has its own targets, of which what passed so far is spent; what is overdue by it is due now."""
    await promise(desk)
    _, ticket = await desk.mail("ivan@x")
    began = desk.clock()
    desk.clock.move(minutes=4)
    await desk.change(ticket, priority=Priority.URGENT)
    assert (await desk.ticket(ticket)).due.at == began + timedelta(minutes=10)
    await desk.change(ticket, priority=Priority.NORMAL)
    desk.clock.move(minutes=26)
    await desk.change(ticket, priority=Priority.URGENT)
    assert (await desk.ticket(ticket)).due.at == desk.clock()


async def test_another_queue_promises_something_else(desk: Desk) -> None:  # noqa: F811
    """What was spent is taken along; a queue that promises nothing ends the clocks, and one that does goes on."""
    await promise(desk)
    other = await promise(desk, BILLING, name="Silver", targets={Priority.NORMAL: {Goal.FIRST_RESPONSE: 7200}})
    _, ticket = await desk.mail("ivan@x")
    began = desk.clock()
    desk.clock.move(minutes=30)
    await desk.change(ticket, queue_id=BILLING)
    moved = await desk.ticket(ticket)
    assert (moved.sla_policy_id, moved.due.goal, moved.due.at) == (other, Goal.FIRST_RESPONSE, began + 2 * HOUR)
    assert (await clocks(desk, ticket))[Goal.RESOLUTION].cancelled
    await desk.store.write(access.change_queue, SUPPORT, sla_policy_id=None)
    await desk.change(ticket, queue_id=SUPPORT)
    assert (await desk.ticket(ticket)).due is None
    await desk.change(ticket, queue_id=BILLING)
    assert (await desk.ticket(ticket)).due.at == began + 2 * HOUR


async def test_a_contract_comes_before_the_queue(desk: Desk) -> None:  # noqa: F811
    """What an organization was promised holds in every queue."""
    await promise(desk)
    gold = await promise(desk, BILLING, name="Contract", targets={Priority.NORMAL: {Goal.FIRST_RESPONSE: 60}})
    _, first = await desk.mail("ivan@x")
    company = await desk.store.write(organizations.add, 1, "Romashka", "romashka", desk.agent, desk.clock())
    await desk.store.write(organizations.change, company, sla_policy_id=gold)
    contact = (await desk.ticket(first)).contact.id
    await desk.store.write(contacts.change_contact, contact, organization_id=company)
    _, second = await desk.mail("ivan@x")
    assert (await desk.ticket(second)).sla_policy_id == gold


async def test_the_loser_of_a_merge_promises_nothing(desk: Desk) -> None:  # noqa: F811
    """What became part of another ticket has no clock of its own any more."""
    await promise(desk)
    _, first = await desk.mail("ivan@x")
    _, second = await desk.mail("ivan@x")
    await desk.store.write(lambda c: joining.join(c, desk.act, 1, survivor_id=first, loser_id=second))
    assert (await desk.ticket(second)).due is None
    running = [each.clock.goal for each in await desk.store.read(sla.clocks, first) if not each.clock.is_over]
    assert sorted(running) == [Goal.FIRST_RESPONSE, Goal.RESOLUTION]


async def test_no_policy_costs_nothing(desk: Desk) -> None:  # noqa: F811
    """Where nothing is promised there is no clock."""
    _, ticket = await desk.mail("ivan@x")
    await desk.reply(ticket)
    assert await desk.store.read(sla.clocks, ticket) == []


async def test_risk_and_breach_are_said_once(desk: Desk) -> None:  # noqa: F811
    """At the warning, and once it is broken, with a line in the history and the steps of the policy; another look does nothing."""
    await promise(desk, escalate_priority=Priority.HIGH, escalate_queue_id=BILLING, targets={Priority.NORMAL: TARGETS[Priority.NORMAL]})
    _, ticket = await desk.mail("ivan@x")
    desk.clock.move(minutes=47, seconds=59)
    assert await look(desk) == 0
    desk.clock.move(seconds=1)
    seq = await desk.store.read(journal.horizon)
    assert await look(desk) == 1
    assert await desk.store.read(types_since, seq) == ["ticket.at_risk"]
    desk.clock.move(minutes=12)
    assert await look(desk) == 0, "at the instant at which it is due it can still be kept"
    desk.clock.move(seconds=1)
    seq = await desk.store.read(journal.horizon)
    assert await look(desk) == 1
    assert "ticket.overdue" in await desk.store.read(types_since, seq)
    after = await desk.ticket(ticket)
    assert (after.priority, after.queue_id) == (Priority.HIGH, BILLING)
    seq = await desk.store.read(journal.horizon)
    assert await look(desk) == 0
    assert await desk.store.read(types_since, seq) == []


async def test_a_breach_counts_from_when_it_was_due(desk: Desk) -> None:  # noqa: F811
    """However late it is noticed, also when the answer came before anybody looked."""
    await promise(desk)
    _, ticket = await desk.mail("ivan@x")
    due = desk.clock() + HOUR
    desk.clock.move(hours=2)
    await desk.reply(ticket)
    clock = (await clocks(desk, ticket))[Goal.FIRST_RESPONSE]
    assert (clock.met, clock.breached_at) == (False, due)


async def test_other_hours_aim_anew(desk: Desk) -> None:  # noqa: F811
    """A holiday that is announced moves what is due, in tickets that are open already."""
    begin = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)  # Friday, 15:00 in Moscow
    desk.clock.move(seconds=(begin - desk.clock()).total_seconds())
    week = Calendar("Europe/Moscow", OFFICE)
    calendar_id = await desk.store.write(hours.add, 1, "Office", week, desk.clock())
    await promise(desk, calendar_id=calendar_id, targets={Priority.NORMAL: {Goal.FIRST_RESPONSE: 4 * 3600}})
    _, ticket = await desk.mail("ivan@x")
    assert (await desk.ticket(ticket)).due.at == datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
    desk.clock.move(minutes=1)
    version = (await desk.ticket(ticket)).version
    closed = Calendar("Europe/Moscow", OFFICE, overrides={"2026-11-23": ()})
    await desk.store.write(hours.change, calendar_id, "Office", closed)
    await desk.store.write(sla.calendar_changed, calendar_id, desk.clock())
    assert await look(desk) == 1
    after = await desk.ticket(ticket)
    assert (after.due.at, after.version > version) == (datetime(2026, 11, 24, 7, 0, tzinfo=UTC), True)
    assert await look(desk) == 0


@pytest.mark.parametrize("status", [Status.RESOLVED, Status.CLOSED])
async def test_what_is_done_is_left_alone(desk: Desk, status: Status) -> None:  # noqa: F811
    """A ticket that is done is neither at risk nor overdue, however long ago."""
    await promise(desk)
    _, ticket = await desk.mail("ivan@x")
    await desk.change(ticket, status=status)
    desk.clock.move(days=9)
    assert await look(desk) == 0


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["mail", "reply", "resolve", "wait", "open", "urgent", "normal", "queue", "undo", "look", "join"]),
        st.integers(0, 5000),
    ),
    min_size=1,
    max_size=12,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], phases=[Phase.generate, Phase.target]
)
@given(STEPS)
async def test_clocks_follow_any_history(desk: Desk, steps: list[tuple[str, int]]) -> None:  # noqa: F811
    """Whatever is done, in any order: an open turn has one clock that runs while the ticket is open, nothing runs while it waits or is
    done, every answered turn's clock stopped at its answer, and the ticket shows what is due first."""
    if not await desk.store.read(sla.policies, 1):
        await promise(desk)
        await promise(desk, BILLING, name="Silver", targets={Priority.NORMAL: {Goal.NEXT_RESPONSE: 900, Goal.RESOLUTION: 4000}})
    root, ticket = await desk.mail("ivan@x")
    entry = None
    for what, seconds in steps:
        desk.clock.move(seconds=seconds)
        if what == "mail":
            await desk.mail("ivan@x", root)
        elif what == "reply":
            entry = await desk.reply(ticket)
        elif what == "undo" and entry is not None:
            await desk.store.write(_call_back, desk, entry)
            entry = None
        elif what in ("resolve", "wait", "open"):
            await desk.change(ticket, status={"resolve": Status.RESOLVED, "wait": Status.WAITING, "open": Status.OPEN}[what])
        elif what in ("urgent", "normal"):
            await desk.change(ticket, priority=Priority(what))
        elif what == "queue":
            now = await desk.ticket(ticket)
            await desk.change(ticket, queue_id=BILLING if now.queue_id == SUPPORT else SUPPORT)
        elif what == "look":
            await look(desk)
        elif what == "join":
            _, other = await desk.mail("ivan@x")
            await desk.store.write(lambda c, loser: joining.join(c, desk.act, 1, survivor_id=ticket, loser_id=loser), other)
        await _check(desk, ticket)


def _call_back(connection: Connection, desk: Desk, entry: Any) -> None:  # noqa: F811
    replies.call_back(connection, desk.act, 1, entry.id)


async def _check(desk: Desk, ticket_id: int) -> None:  # noqa: F811
    ticket = await desk.ticket(ticket_id)
    found = await desk.store.read(sla.clocks, ticket_id)
    policy = await desk.store.read(sla.find_policy, ticket.sla_policy_id)
    item = await desk.store.read(work.open_item, ticket_id)
    live = [each for each in found if not each.clock.is_over]
    responses = [each for each in live if each.turn is not None]
    promised = item is not None and any(
        policy.target(ticket.priority, goal) is not None
        for goal in ({each.clock.goal for each in found if each.turn and each.turn.id == item["id"]} or {Goal.NEXT_RESPONSE})
    )
    assert len(responses) <= 1
    if responses:
        assert item is not None and responses[0].turn.id == item["id"]
    elif promised:
        assert policy.target(ticket.priority, Goal.FIRST_RESPONSE) is None, "an open turn has its clock"
    for each in live:
        runs = each.clock.running_since is not None
        assert runs is (ticket.status is Status.OPEN), (each, ticket.status)
        assert each.clock.target == policy.target(ticket.priority, each.clock.goal)
    for each in found:
        if each.turn is not None and each.turn.closed_at is not None and each.turn.ended_by == "completed" and not each.clock.cancelled:
            assert each.clock.stopped_at is not None
    due = [each.clock.due_at for each in live if each.clock.due_at is not None]
    assert (ticket.due.at if ticket.due else None) == min(due, default=None)


def types_since(connection: Connection, seq: int) -> list[str]:
    """What the journal says after a number."""
    return [event.type for event in journal.read_after(connection, seq, 100)]
