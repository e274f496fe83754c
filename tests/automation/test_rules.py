"""Rules: what fires them, in which order, once and never in circles, and that they say why."""

import asyncio
import itertools
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from contact_center import tasks
from contact_center.automation import firing
from contact_center.automation.happenings import facts_of, happenings
from contact_center.automation.runner import KEEP, Runner
from contact_center.automation.trying import verdicts
from contact_center.model import conditions
from contact_center.model.hours import Calendar
from contact_center.model.rules import MAX_CHAIN, MOST_AN_HOUR
from contact_center.model.words import Priority, RuleOutcome, Since, Status, Trigger
from contact_center.store import Connection, journal
from contact_center.store.repositories import access, canned, hours, rules, tickets
from contact_center.tickets import acting
from tests.automation.conftest import ADMIN, EVERYTHING, House, tagged
from tests.intake.world import item
from tests.tickets.test_clocks import look as look_at_promises
from tests.tickets.test_clocks import promise

OPEN = {"field": "status", "op": "is", "value": ["open"]}


async def test_each_trigger_fires_on_what_it_says(house: House) -> None:
    """Opened, written, answered, and each field that changes: its own trigger and no other."""
    named = [trigger for trigger in Trigger if trigger is not Trigger.TIME]
    ids = {await house.rule(trigger, [{"do": "set_next_step", "value": trigger}]): trigger for trigger in named}
    queue = await house.store.write(access.add_queue, 1, "Billing", False, house.clock())
    seen: list[set[Trigger]] = []

    async def look() -> None:
        known = len(await house.runs())
        await house.runner.catch_up()
        seen.append({ids[run.rule_id] for run in (await house.runs())[: len(await house.runs()) - known]})

    key, ticket = await house.mail()
    await look()
    await house.mail("ivan@x", key)
    await look()
    house.clock.move(seconds=1)
    await house.desk.reply(ticket, status=Status.OPEN)
    await look()
    for fields in ({"status": Status.WAITING}, {"assignee_id": None}, {"queue_id": queue}, {"priority": Priority.HIGH}, {"tags": ("x",)}):
        await house.change(ticket, **fields)
        await look()
    await promise(house.desk)
    await house.mail("late@x")
    await look()
    for minutes in (50, 11):
        house.clock.move(minutes=minutes)
        await look_at_promises(house.desk)
        await look()

    assert seen == [
        {Trigger.CREATED, Trigger.CUSTOMER_WROTE}, {Trigger.CUSTOMER_WROTE}, {Trigger.AGENT_ANSWERED, Trigger.ASSIGNEE_CHANGED},
        {Trigger.STATUS_CHANGED}, {Trigger.ASSIGNEE_CHANGED}, {Trigger.QUEUE_CHANGED}, {Trigger.PRIORITY_CHANGED}, set(),
        {Trigger.CREATED, Trigger.CUSTOMER_WROTE}, {Trigger.AT_RISK}, {Trigger.OVERDUE},
    ]  # fmt: skip


async def test_conditions_queues_and_what_was_before_keep_a_rule_away(house: House) -> None:
    """It fires where its conditions hold, in queues of whoever saved it, and on nothing that happened before it was saved."""
    other = await house.store.write(access.add_queue, 1, "Billing", False, house.clock())
    _, before = await house.mail("early@x")
    subject = {"field": "subject", "op": "contains", "value": ["ЗАКАЗ"]}
    await house.rule(Trigger.CREATED, tagged("order"), subject)
    await house.rule(Trigger.CREATED, tagged("elsewhere"), queue_ids=[other])
    await house.rule(Trigger.CREATED, tagged("here"), queue_ids=[1])
    _, first = await house.mail("a@x", subject="Мой заказ")
    _, second = await house.mail("b@x", subject="Hello")
    await house.runner.catch_up()
    assert [await house.tags(each) for each in (before, first, second)] == [(), ("order", "here"), ("here",)]


async def test_effects_come_about_once(house: House) -> None:
    """Two runners over the same events, and the same events once more: every ticket has one note of the rule."""
    rule = await house.rule(Trigger.CREATED, [{"do": "add_note", "value": "Seen {{ticket.number}}"}])
    made = [(await house.mail(f"c{n}@x"))[1] for n in range(8)]
    start = await house.store.read(rules.cursor)
    await asyncio.gather(*(house.a_runner().catch_up() for _ in range(3)))
    await house.store.write(_go_back, start)
    await asyncio.gather(house.a_runner().catch_up(), house.a_runner().catch_up())
    notes = await house.store.read(_notes)
    assert Counter(ticket for ticket in notes) == dict.fromkeys(made, 1)
    assert len(await house.runs(rule, RuleOutcome.FIRED)) == 8
    assert (await house.all_rules())[rule].fired == 8


def _go_back(connection: Connection, seq: int) -> None:
    connection.execute(text("UPDATE rule_cursor SET seq = :seq"), {"seq": seq})


def _notes(connection: Connection) -> list[int]:
    return list(connection.execute(text("SELECT ticket_id FROM interaction WHERE kind = 'note'")).scalars())


async def test_two_rules_that_undo_each_other_stop(house: House) -> None:
    """A rule never fires on what it caused, not even by way of another: the circle is closed before it begins."""
    up = await house.rule(Trigger.PRIORITY_CHANGED, [{"do": "set_priority", "value": "high"}])
    down = await house.rule(Trigger.PRIORITY_CHANGED, [{"do": "set_priority", "value": "low"}])
    _, ticket = await house.mail()
    await house.change(ticket, priority=Priority.URGENT)
    await asyncio.wait_for(house.runner.catch_up(), 30)
    fired = Counter(run.rule_id for run in await house.runs(outcome=RuleOutcome.FIRED))
    assert fired[up] <= 2
    assert fired[down] <= 2


async def test_a_chain_has_an_end(house: House) -> None:
    """Rules may lead to one another, but not for ever: behind five of them no other looks, and the log says so."""
    names = [f"t{n}" for n in range(MAX_CHAIN + 3)]
    for number, (name, after) in enumerate(itertools.pairwise(names)):
        tree = {"all": [{"field": "tags", "op": "any_of", "value": [name]}, {"field": "tags", "op": "none_of", "value": [after]}]}
        # The priority is what triggers: each step changes it.
        priority = ("high", "low")[number % 2]
        await house.rule(Trigger.PRIORITY_CHANGED, [*tagged(after), {"do": "set_priority", "value": priority}], tree)
    _, ticket = await house.mail()
    await house.change(ticket, tags=("t0",), priority=Priority.URGENT)
    await house.runner.catch_up()
    assert set(await house.tags(ticket)) == set(names[: MAX_CHAIN + 1])
    (loop,) = await house.runs(outcome=RuleOutcome.LOOP)
    assert len(loop.detail["chain"]) == MAX_CHAIN


async def test_a_rule_that_fires_too_often_is_paused(house: House) -> None:
    """Ten times an hour on one ticket, then it stops and says on which; changing it lets it go on."""
    rule = await house.rule(Trigger.STATUS_CHANGED, [{"do": "add_note", "value": "Again"}])
    _, ticket = await house.mail()
    for number in range(MOST_AN_HOUR + 3):
        await house.change(ticket, status=(Status.WAITING, Status.OPEN)[number % 2])
        await house.runner.catch_up()
    assert len(await house.store.read(_notes)) == MOST_AN_HOUR
    assert (await house.all_rules())[rule].paused_because == "#1"
    assert [run.outcome for run in await house.runs(rule)].count(RuleOutcome.PAUSED) == 1
    await house.store.write(rules.change, rule, name="Mended")
    house.clock.move(hours=2)
    await house.change(ticket, status=Status.RESOLVED)
    await house.runner.catch_up()
    assert len(await house.store.read(_notes)) == MOST_AN_HOUR + 1


async def test_what_cannot_be_done_is_noted_and_holds_up_nobody(house: House) -> None:
    """A letter with a gap: nothing of that rule is done, the log says why, and the next rule has its turn."""
    letter = await house.store.write(canned.add, 1, "Letter", "Dear {{agent.name}}", None, house.clock())
    broken = await house.rule(Trigger.CREATED, [*tagged("never"), {"do": "send_reply", "value": letter}])
    await house.rule(Trigger.CREATED, tagged("next"))
    _, ticket = await house.mail()
    await house.runner.catch_up()
    (run,) = await house.runs(broken)
    assert (run.outcome, run.detail["error"]) == (RuleOutcome.REFUSED, "There is no agent.name here to fill in.")
    assert await house.tags(ticket) == ("next",)


async def test_what_was_overtaken_is_left_alone(house: House) -> None:
    """It held when it happened; a colleague was faster than the rule: nothing is done, and the log names the test that fails now."""
    rule = await house.rule(Trigger.CREATED, tagged("late"), OPEN)
    _, ticket = await house.mail()
    await house.change(ticket, status=Status.RESOLVED)
    await house.runner.catch_up()
    (run,) = await house.runs(rule)
    assert run.outcome is RuleOutcome.OVERTAKEN
    assert run.detail["findings"] == [{"field": "status", "op": "is", "value": ["open"], "seen": "resolved", "held": False}]
    assert await house.tags(ticket) == ()


async def test_time_fires_once_an_episode(house: House) -> None:
    """After so many minutes, to the second, once; and again when the customer begins to wait anew."""
    rule = await house.rule(Trigger.TIME, [{"do": "add_note", "value": "Late"}], OPEN, since=Since.WAITING, minutes=30)
    key, ticket = await house.mail()
    house.clock.move(minutes=30, seconds=-1)
    assert await house.runner.look_at_the_clock() == 0
    house.clock.move(seconds=1)
    looks = await asyncio.gather(*(house.a_runner().look_at_the_clock() for _ in range(3)))
    assert sum(looks) == 1
    house.clock.move(hours=5)
    assert await house.runner.look_at_the_clock() == 0
    await house.desk.reply(ticket)
    await house.mail("ivan@x", key)
    house.clock.move(minutes=31)
    assert await house.runner.look_at_the_clock() == 1
    assert len(await house.runs(rule, RuleOutcome.FIRED)) == 2


async def test_time_in_business_hours(house: House) -> None:
    """Sixty minutes of a queue that is closed over night have not passed by the morning."""
    weekly = tuple((("09:00", "18:00"),) if day < 5 else () for day in range(7))
    calendar = Calendar("UTC", weekly)  # type: ignore[arg-type]
    await house.store.write(_open_at, calendar)
    house.clock.move(hours=8, minutes=30)  # Monday, 17:30
    rule = await house.rule(Trigger.TIME, tagged("late"), since=Since.WAITING, minutes=60, business=True)
    _, ticket = await house.mail()
    house.clock.move(hours=15)  # Tuesday, 08:30
    assert await house.runner.look_at_the_clock() == 0
    house.clock.move(hours=1, minutes=1)
    assert await house.runner.look_at_the_clock() == 1
    assert await house.tags(ticket) == ("late",)
    assert len(await house.runs(rule)) == 1


def _open_at(connection: Connection, calendar: Calendar) -> None:
    number = hours.add(connection, 1, "Hours", calendar, datetime(2026, 1, 1, tzinfo=UTC))
    access.change_queue(connection, 1, calendar_id=number)


STEPS = ("mail", "again", "reply", "resolve", "take", "tag", "priority", "queue")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=st.lists(st.sampled_from(STEPS), min_size=3, max_size=14), seed=st.integers(0, 10**6), data=st.data())
async def test_a_dry_run_equals_what_fired(house: House, steps: list[str], seed: int, data: st.DataObject) -> None:
    """Whatever happens while a rule runs: a dry run over the same days afterwards names the very events on which it fired."""
    chance = random.Random(seed)
    trigger = data.draw(st.sampled_from([each for each in Trigger if each is not Trigger.TIME]))
    tree = data.draw(
        st.sampled_from(
            (
                EVERYTHING,
                OPEN,
                {"not": {"field": "tags", "op": "any_of", "value": ["x"]}},
                {"any": [{"field": "assignee", "op": "is", "value": ["nobody"]}, {"field": "priority", "op": "is", "value": ["high"]}]},
                {"field": "organization", "op": "empty"},
                {"field": "created", "op": "less_than", "value": 3},
            )
        )
    )
    house.clock.move(days=8)  # what earlier examples did is over a week old
    await house.store.write(_drop_rules)
    rule = await house.rule(trigger, tagged("done"), tree)
    known: list[tuple[str, int]] = []
    for step in steps:
        house.clock.move(seconds=chance.randint(1, 100))
        await _do(house, chance, step, known)
        await house.runner.catch_up()
    fired = {run.seq for run in await house.runs(rule, RuleOutcome.FIRED)}
    tried = await house.tried(rule)
    assert {match.seq for match in tried.matches} == fired
    assert tried.fired == len(fired)
    assert tried.tickets == len({run.ticket_id for run in await house.runs(rule, RuleOutcome.FIRED)})


def _drop_rules(connection: Connection) -> None:
    for rule in rules.rules(connection, ADMIN):
        rules.remove(connection, rule.id)


async def _do(house: House, chance: random.Random, step: str, known: list[tuple[str, int]]) -> None:
    if step == "mail" or not known:
        known.append(await house.mail(f"c{chance.randint(0, 10**9)}@x"))
        return
    key, ticket = chance.choice(known)
    if step == "again":
        await house.mail("ivan@x", key)
    elif step == "reply":
        await house.desk.reply(ticket)
    else:
        fields: dict[str, Any] = {
            "resolve": {"status": chance.choice(list(Status))}, "take": {"assignee_id": chance.choice([None, house.desk.agent])},
            "tag": {"tags": chance.choice([(), ("x",), ("y",)])}, "priority": {"priority": chance.choice(list(Priority))},
            "queue": {"queue_id": 1},
        }[step]  # fmt: skip
        await house.change(ticket, **fields)


async def test_an_event_tells_the_same_facts_as_the_ticket(house: House) -> None:
    """What a rule reads out of the journal is what it reads out of the table, field by field."""
    key, ticket = await house.mail()
    await house.change(ticket, tags=("x", "ё"), priority=Priority.HIGH, snoozed_until=house.clock() + timedelta(days=1))
    await house.mail("ivan@x", key)

    def compare(connection: Connection) -> None:
        (*_, last) = happenings(journal.read_after(connection, 0, 1000))
        found = tickets.find(connection, ticket)
        assert last.ticket is not None
        assert found is not None
        assert facts_of(last.ticket, 7) == conditions.facts_of(found, 7)
        assert set(facts_of(last.ticket, 7)) == set(conditions.FIELDS)

    await house.store.read(compare)


async def test_why_it_did_not_fire(house: House) -> None:
    """Of each rule the test that failed and what it saw; of what never happened, of time that has not passed, that too."""
    wanted = {"all": [OPEN, {"field": "priority", "op": "is", "value": ["high"]}]}
    failing = await house.rule(Trigger.CREATED, tagged("a"), wanted)
    never = await house.rule(Trigger.AGENT_ANSWERED, tagged("b"))
    not_yet = await house.rule(Trigger.TIME, tagged("c"), since=Since.WAITING, minutes=60)
    held = await house.rule(Trigger.CREATED, tagged("d"))
    _, ticket = await house.mail()
    await house.runner.catch_up()

    def ask(connection: Connection) -> dict[int, Any]:
        known = rules.ready(connection, [failing, never, not_yet, held])
        found = tickets.find(connection, ticket)
        assert found is not None
        return {each.rule_id: each for each in verdicts(connection, known, set(), found, house.clock())}

    why = await house.store.read(ask)
    assert (why[failing].reason, why[failing].detail["findings"]) == (
        "conditions", [{"field": "priority", "op": "is", "value": ["high"], "seen": "normal", "held": False}],
    )  # fmt: skip
    assert [why[each].reason for each in (never, not_yet, held)] == ["trigger", "not_yet", ""]


async def test_an_import_wakes_no_rule(house: House) -> None:
    """What an archive brings in is the past; what a mailbox brings late after an outage is not."""
    await house.rule(Trigger.CREATED, tagged("made"))
    await house.rule(Trigger.CUSTOMER_WROTE, tagged("wrote"))
    long_ago, now = house.clock() - timedelta(days=30), house.clock()
    await house.desk.world.take_in(
        item("old", {"trust_date": True, "quiet_before": now.isoformat()}, long_ago, sender="old@x"),
        item("late", {}, now - timedelta(days=3), sender="late@x"),
    )
    await house.runner.catch_up()
    rows = await house.store.read(lambda c: [row[0] for row in c.execute(text("SELECT id FROM ticket ORDER BY id"))])
    assert [set(await house.tags(each)) for each in rows] == [set(), {"made", "wrote"}]


async def test_the_log_has_an_end(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is older than a month is forgotten, what is younger is not."""
    rule = await house.rule(Trigger.CREATED, tagged("x"))
    await house.mail("a@x")
    await house.runner.catch_up()
    house.clock.move(days=KEEP.days - 1)
    await house.mail("b@x")
    await house.runner.catch_up()
    house.clock.move(days=2)
    monkeypatch.setattr("contact_center.automation.runner.LOOK_SECONDS", 0.0)
    await Runner._clocks(house.runner)
    assert [run.ticket_id for run in await house.runs(rule)] == [2]


async def test_a_rule_that_nobody_understands_stops_no_other(house: House) -> None:
    """What another release kept is left out, and everything else goes on."""
    rule = await house.rule(Trigger.CREATED, tagged("x"))
    await house.rule(Trigger.CREATED, tagged("y"))
    await house.store.write(rules.change, rule, conditions={"field": "mood", "op": "is", "value": ["grim"]})
    _, ticket = await house.mail()
    await house.runner.catch_up()
    assert await house.tags(ticket) == ("y",)


async def test_a_reply_of_a_rule_is_automatic_and_guarded(house: House) -> None:
    """It is marked automatic, ends no turn, goes to no machine, and to one address three times a day at most."""
    letter = await house.store.write(canned.add, 1, "Letter", "We have #{{ticket.number}}", None, house.clock())
    rule = await house.rule(Trigger.CUSTOMER_WROTE, [{"do": "send_reply", "value": letter}])
    _, ticket = await house.mail("ivan@example.com")
    await house.runner.catch_up()
    sent = await house.store.read(_sent)
    assert [row["message"]["automatic"] for row in sent] == [True]
    assert (await house.desk.ticket(ticket)).waiting_since is not None, "nobody has answered yet"
    await house.mail("robot@example.com", automatic=True)
    await house.mail("list@example.com", unanswerable="a list")
    await house.mail("support@localhost")
    for _ in range(4):
        await house.mail("ivan@example.com")
        await house.runner.catch_up()
    assert len(await house.store.read(_sent)) == 3
    reasons = {run.detail["error"] for run in await house.runs(rule, RuleOutcome.REFUSED)}
    assert "Nothing automatic goes there: enough for one day." in reasons
    assert "Nothing automatic goes there: not a message to be answered." in reasons


def _sent(connection: Connection) -> list[Any]:
    from sqlalchemy import select

    from contact_center.store.schema.outbound import outbox

    return list(connection.execute(select(outbox)).mappings())


async def test_a_rule_sees_with_the_eyes_of_whoever_saved_it(house: House) -> None:
    """A rule of one queue neither touches tickets of another nor gives work to who may not see it."""
    stranger = await house.store.write(access.add_user, 1, "s@x", "S", "agent", None, house.clock())
    rule = await house.rule(Trigger.CREATED, [{"do": "set_assignee", "value": stranger}], queue_ids=[1])
    _, ticket = await house.mail()
    await house.runner.catch_up()
    (run,) = await house.runs(rule)
    assert run.outcome is RuleOutcome.REFUSED
    assert (await house.desk.ticket(ticket)).assignee_id is None
    assert firing.viewer_of((await house.store.read(rules.active))[0]).queue_ids == (1,)


@pytest.mark.parametrize("trigger", [Trigger.CREATED, Trigger.TIME])
async def test_what_fails_every_time_holds_up_nobody(house: House, monkeypatch: pytest.MonkeyPatch, trigger: Trigger) -> None:
    """What nobody foresaw is tried three times; then the log says that nothing came of it, and others have their turn."""
    time = {"since": Since.CREATED, "minutes": 5} if trigger is Trigger.TIME else {}
    broken = await house.rule(trigger, tagged("never"), name="broken", **time)
    sound = await house.rule(trigger, tagged("next"), name="sound", **time)
    _, ticket = await house.mail()
    _, later = await house.mail("olga@x")
    real = acting.perform

    def perform(*args: Any) -> Any:
        if args[1].by == "broken" and args[4] == ticket:
            raise ZeroDivisionError
        return real(*args)

    monkeypatch.setattr(acting, "perform", perform)
    house.clock.move(minutes=6)
    look = house.runner.look_at_the_clock if trigger is Trigger.TIME else house.runner.catch_up
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            await look()
    await look()
    assert [(run.ticket_id, run.outcome) for run in await house.runs(broken)] == [
        (later, RuleOutcome.FIRED),
        (ticket, RuleOutcome.REFUSED),
    ]
    assert len(await house.runs(sound, RuleOutcome.FIRED)) == 2
    assert (await house.tags(ticket), set(await house.tags(later))) == (("next",), {"never", "next"})


async def test_a_dry_run_names_nothing_that_went_out_of_sight(house: House) -> None:
    """A ticket that came to a queue of the rule and has gone to another one since is counted, and its subject told to nobody."""
    other = await house.store.write(access.add_queue, 1, "Board", True, house.clock())
    rule = await house.rule(Trigger.CREATED, tagged("x"), queue_ids=[1])
    _, here = await house.mail(subject="Here")
    _, gone = await house.mail("olga@x", subject="Gone")
    await house.change(gone, queue_id=other)
    tried = await house.tried(rule)
    assert (tried.fired, tried.tickets, [match.ticket_id for match in tried.matches]) == (2, 2, [here])


async def test_time_does_not_wait_until_nothing_happens_any_more(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """While events come faster than they are looked at, what time has come for is looked at all the same."""
    runner = house.a_runner()
    looked = asyncio.Event()

    async def another() -> bool:
        await asyncio.sleep(0)
        return True

    async def look() -> int:
        looked.set()
        return 0

    monkeypatch.setattr(runner, "step", another)
    monkeypatch.setattr(runner, "look_at_the_clock", look)
    running = asyncio.create_task(runner.run())
    try:
        await asyncio.wait_for(looked.wait(), 5)
    finally:
        await tasks.stop(running)
