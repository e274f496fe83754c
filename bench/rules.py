"""Conditions and rules: judging in memory, counting views, and what an event costs while fifty rules are active."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from bench.crowd import gather
from bench.places import Setting, engines
from bench.report import Row, show
from contact_center.app import open_database, utc_now
from contact_center.automation.runner import Runner
from contact_center.automation.trying import dry_run
from contact_center.keys import Keys
from contact_center.model import conditions
from contact_center.model.acts import Act
from contact_center.model.people import Viewer
from contact_center.model.rules import Armed, When, armed
from contact_center.model.words import PointKind, Role, Trigger
from contact_center.store import Connection
from contact_center.store.repositories import rules, views
from contact_center.testing import settings_for
from contact_center.tickets import lifecycle
from contact_center.tickets.lifecycle import TicketPatch
from contact_center.tickets.replies import Sending

RULES, VIEWS = 50, 10
ACTIONS = [{"do": "add_tags", "value": ["bench"]}]
SENDING = Sending(Keys("a secret of sixteen"), timedelta(0), {"email": PointKind.EMAIL})


def tree(number: int) -> dict[str, Any]:
    """Conditions as people write them: four tests, one group; met by no ticket of the crowd."""
    return {
        "all": [
            {"field": "status", "op": "is", "value": ["open", "waiting"]},
            {"field": "subject", "op": "lacks", "value": [f"word {number}"]},
            {
                "any": [
                    {"field": "tags", "op": "any_of", "value": [f"tag {number}"]},
                    {"field": "waiting", "op": "less_than", "value": 30 + number},
                ]
            },
            {"field": "priority", "op": "is", "value": ["urgent"]},
        ]
    }


def run(setting: Setting) -> None:
    """Measure and print."""
    count, changes, rounds = (5_000, 300, 3) if setting.quick else (20_000, 1_000, 5)
    show("Judging a tree of five tests", "trees/s", [Row("in memory", "python", [_pure() for _ in range(rounds)])])
    events, replayed, counted = [], [], []
    with engines(setting) as databases:
        for engine, fresh in databases.items():
            with_rules, without, dry, times = asyncio.run(_measure(setting.folder("data"), fresh(), count, changes, rounds))
            events.append(Row(f"{RULES} rules that look and do not fire", engine, [with_rules]))
            events.append(Row(f"{RULES} rules of another trigger", engine, [without]))
            replayed.append(Row("a dry run over last week", engine, [dry]))
            counted.append(Row(f"{VIEWS} views over {count:,} open tickets, one statement", engine, times))
    show("An event of the journal, read and judged", "microseconds/event", events)
    show("Trying a rule out", "events/s", replayed)
    show("The numbers beside saved views", "ms", counted)


def _pure() -> float:
    now = datetime.now(UTC)
    facts = {
        "status": "open", "priority": "normal", "queue": 1, "assignee": None, "tags": ("a", "b"), "channel": "email", "subject": "subject",
        "waiting": now - timedelta(hours=3), "created": now, "updated": now, "last_entry": now, "due": None, "last_direction": "in",
        "last_kind": "email", "organization": None, "reason": None, "provisional": False, "unproven": False, "follow_up": False,
        "snoozed": False,
    }  # fmt: skip
    trees = [conditions.parse(tree(number)) for number in range(RULES)]
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < 1.0:
        for each in trees:
            conditions.evaluate(each, facts, now)
        done += len(trees)
    return done / (time.perf_counter() - began)


async def _measure(folder: Path, url: str, count: int, changes: int, rounds: int) -> tuple[float, float, float, list[float]]:
    store = await open_database(settings_for(folder, database_url=url))
    try:
        await gather(store, count)
        trees = {number: conditions.parse(tree(number)) for number in range(VIEWS)}
        viewer, times = Viewer(0, 1, Role.ADMIN, ()), []
        for _ in range(rounds):
            began = time.perf_counter()
            await store.read(views.counts, viewer, trees, utc_now())
            times.append((time.perf_counter() - began) * 1000)
        await store.write(_number_on)
        runner = Runner(store, lambda: SENDING, utc_now)
        await runner.catch_up()
        costs = []
        for trigger in (Trigger.PRIORITY_CHANGED, Trigger.STATUS_CHANGED):
            await store.write(_only, trigger)
            for number in range(1, changes + 1):
                await store.write(_change, number, trigger)
            events = changes * 2  # the line in the history, and how the ticket stands
            began = time.perf_counter()
            await runner.catch_up()
            costs.append((time.perf_counter() - began) / events * 1e6)
        began = time.perf_counter()
        tried = await dry_run(store, conditions_of(), utc_now())
        return costs[0], costs[1], tried.events / (time.perf_counter() - began), times
    finally:
        await store.close()


def conditions_of() -> Armed:
    """A rule to try."""
    when = When(Trigger.PRIORITY_CHANGED).as_json()
    return armed(0, 1, "", 1, when, {"all": [{"field": "status", "op": "is", "value": ["open"]}]}, ACTIONS, None, 0)


def _number_on(connection: Connection) -> None:
    """The crowd came with numbers of its own; PostgreSQL goes on behind them."""
    if connection.dialect.name == "postgresql":
        for table in ("interaction", "ticket"):
            connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"))


def _only(connection: Connection, trigger: Trigger) -> None:
    """Let there be fifty rules; the changes to come are of the priority."""
    for rule in rules.rules(connection, Viewer(0, 1, Role.ADMIN, ())):
        rules.remove(connection, rule.id)
    for number in range(RULES):
        values = {"project_id": 1, "name": f"R{number}", "active": True, "queue_ids": None, "changed_at": utc_now(), "changed_by_id": None}
        rules.add(connection, trigger=When(trigger).as_json(), conditions=tree(number), actions=ACTIONS, **values)


def _change(connection: Connection, number: int, trigger: Trigger) -> None:
    priority: Any = "high" if trigger is Trigger.PRIORITY_CHANGED else "low"
    lifecycle.change(connection, Act(utc_now()), 1, number, TicketPatch(priority=priority))
