"""Rollups against the rows: folded as things end, folded anew, and counted one by one by hand, whatever happened and in what order."""

import math
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update

from contact_center.errors import Conflict
from contact_center.model.acts import Act
from contact_center.model.figures import Tallies
from contact_center.model.people import Viewer
from contact_center.model.reports import Asked, By, Medium, Row, Step, starts_of
from contact_center.model.words import Direction, EndReason, Role
from contact_center.store import Connection, Store
from contact_center.store.repositories import calls, figures, rollups, timeline, work
from contact_center.store.schema.figures import call_fact, interval_fact, interval_stale
from contact_center.store.schema.handling import contact_reason
from contact_center.store.schema.tickets import interaction
from contact_center.store.schema.work import segment, work_item
from contact_center.tickets import entries, joining, turns
from tests.store.test_figures import BERLIN, TALLY, Shift, left_late

NIGHT = datetime(2026, 10, 24, 18, 7, tzinfo=UTC)  # the night in which the clocks go back
STEPS = (
    "open", "open", "open late", "assign", "transfer", "answer", "answer", "resolve", "speak", "offer", "merge", "undo", "write up",
    "call", "call", "call tells more", "fold",
)  # fmt: skip
RESULTS = ("answered", "answered", "abandoned", "abandoned", "timeout", "voicemail", "callback", "ringing", "busy")


class History(Shift):
    """The shift of the reports' test, through a night with 25 hours, with all that comes late or is taken back."""

    def __init__(self, connection: Connection, seed: int) -> None:
        super().__init__(connection, seed)
        self.now = NIGHT
        self.calls: list[int] = []
        found = insert(contact_reason).values(project_id=self.project, name="Invoice").returning(contact_reason.c.id)
        self.reason = connection.execute(found).scalar_one()

    def do(self, step: str) -> None:
        self.now -= timedelta(minutes=self.chance.randint(0, 115))
        match step:
            case "open late":
                super().do("open")
                self._came_earlier(self.tickets[-1], timedelta(minutes=self.chance.randint(1, 600)))
            case "merge" if len(self.tickets) > 1:
                survivor, loser = self.chance.sample(self.tickets, 2)
                joining.join(self.connection, Act(self.now), self.project, survivor_id=survivor, loser_id=loser)
                self.tickets.remove(loser)
            case "undo" | "write up":
                self._change_an_ended_stay(step)
            case "call":
                self._call()
            case "call tells more" if self.calls:
                self._tell(self.chance.choice(self.calls))
            case "fold":
                fold(self.connection, 1)
            case "merge" | "call tells more":
                pass
            case _:
                super().do(step)

    def _came_earlier(self, ticket: int, before: timedelta) -> None:
        """The turn of a ticket began long before we heard of it, as a mail does after an outage."""
        item = work.open_item(self.connection, ticket)
        assert item is not None
        self.connection.execute(delete(segment).where(segment.c.work_item_id == item["id"]))
        opener = select(work_item.c.interaction_id).where(work_item.c.id == item["id"])
        entry = self.connection.execute(opener).scalar_one()
        self.connection.execute(delete(work_item).where(work_item.c.id == item["id"]))
        turns.begin(
            self.connection, project_id=self.project, ticket_id=ticket, queue_id=item["queue_id"], assignee_id=None, kind="email",
            interaction_id=entry, at=self.now - before,
        )  # fmt: skip

    def _change_an_ended_stay(self, step: str) -> None:
        ended = [row for ticket in self.tickets for row in work.segments(self.connection, ticket) if row["ended_at"] is not None]
        if not ended:
            return
        row = self.chance.choice(ended)
        if step == "write up":
            self.connection.execute(update(segment).where(segment.c.id == row["id"]).values(reason_id=self.reason))
            return
        ticket = self.connection.execute(select(work_item.c.ticket_id).where(work_item.c.id == row["work_item_id"])).scalar_one()
        if row["end_reason"] == EndReason.COMPLETED and work.open_item(self.connection, ticket) is None:
            work.reopen_item(self.connection, row["work_item_id"], row["id"], None)

    def _call(self) -> None:
        self.now += timedelta(minutes=3)
        entry = entries.add_entry(
            self.connection, Act(self.now), project_id=self.project, contact_id=self.who.id, ticket=None, kind="telephony",
            direction=self.chance.choice([Direction.IN, Direction.IN, Direction.IN, Direction.OUT]), text="",
            queue_id=self.chance.choice(self.queues), occurred_at=self.now - timedelta(minutes=self.chance.choice([0, 1, 40])),
        )  # fmt: skip
        self.calls.append(entry.id)
        self._tell(entry.id)

    def _tell(self, entry_id: int) -> None:
        result = self.chance.choice(RESULTS)
        wait = self.chance.choice([2, 10, 14_000, 15_000])
        timeline.change(
            self.connection, entry_id, cancelled=self.chance.random() < 0.05,
            facts={"type": "call", "result": result, "wait_seconds": wait, "short": result == "abandoned" and wait <= 5},
        )  # fmt: skip
        calls.note(self.connection, entry_id)


def fold(connection: Connection, units: int = 10**6) -> None:
    for _ in range(units):
        found = rollups.prepare(connection)
        if found is None:
            return
        rollups.write(connection, found)


def facts(connection: Connection, project: int) -> list[tuple[Any, ...]]:
    columns = [column for column in interval_fact.columns if column.name not in ("id", "samples")]
    rows = [
        (*row[:-1], {name: sorted(found) for name, found in rollups.unpack(row[-1])})
        for row in connection.execute(select(*columns, interval_fact.c.samples).where(interval_fact.c.project_id == project))
    ]
    return sorted(rows, key=repr)


def by_hand(connection: Connection, desk: History, asked: Asked) -> tuple[Tallies, dict[str, list[float]]]:
    """The total of a report, without a condition in SQL."""
    total, samples = Tallies(), defaultdict(list)
    answered: dict[int, int] = defaultdict(int)
    rows = [(ticket, row) for ticket in desk.tickets for row in work.segments(connection, ticket)]
    for _, row in rows:
        if not (asked.since <= row["entered_at"] < asked.until) or asked.medium is Medium.VOICE:
            continue
        if asked.queue_id not in (None, row["queue_id"]) or (asked.reason_id is not None and asked.reason_id != (row["reason_id"] or 0)):
            continue
        found = {"entered": 1, "transferred_in": int(bool(row["passed_in"])), "late": int(bool(row["late"]))}
        if row["ended_at"] is None:
            found |= {"open": 1, "open_over_target": int(row["due_at"] < desk.now)}
        else:
            found |= {TALLY[EndReason(row["end_reason"])]: 1, "left_over_target": left_late(row)}
        if row["end_reason"] == EndReason.COMPLETED:
            found["answered_in_target"] = int(row["ended_at"] <= row["due_at"])
            found[f"{row['response']}_responses"] = 1
            samples["wait"].append((row["ended_at"] - row["entered_at"]).total_seconds())
            samples[f"{row['response']}_response"].append((row["ended_at"] - row["opened_at"]).total_seconds())
        answered[row["id"]] = 1
        total += Tallies(**found)
    for row in connection.execute(select(interaction).where(interaction.c.id.in_(desk.calls))).mappings():
        told = row["facts"]
        if row["cancelled"] or row["direction"] != "in" or not asked.since <= row["occurred_at"] < asked.until:
            continue
        if asked.medium is Medium.TEXT or asked.queue_id not in (None, row["queue_id"]) or asked.reason_id:
            continue
        word = {"timeout": "overflowed", "voicemail": "overflowed", "busy": "abandoned", "ringing": "open"}.get(
            told["result"], told["result"]
        )
        found = {"entered": 1, word: 1, "late": int((row["received_at"] - row["occurred_at"]).total_seconds() > 900)}
        if word in ("answered", "abandoned"):
            found[f"{word}_in_target"] = int(told["wait_seconds"] <= 14_400)
        if word == "answered":
            samples["wait"].append(float(told["wait_seconds"]))
        if word == "open":
            found["open_over_target"] = int(row["occurred_at"] + timedelta(seconds=14_400) < desk.now)
        found["abandoned_short"] = int(told["short"] and word == "abandoned")
        total += Tallies(**found)
    return total, samples


@pytest.fixture
def numbers() -> list[int]:
    return []


ASKED = st.builds(
    dict,
    by=st.sampled_from([by for by in By if by is not By.POLICY]),
    medium=st.sampled_from([None, Medium.TEXT, Medium.VOICE]),
    queue=st.sampled_from([None, 0, 1]),
    reason=st.sampled_from([None, None, 0, 1]),
    before=st.integers(0, 600),
    hours=st.integers(1, 60),
    step=st.sampled_from([Step.QUARTER, Step.HOUR, Step.DAY]),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(STEPS), min_size=5, max_size=60), seed=st.integers(0, 10**6), asked=ASKED)
@example(
    steps=[*STEPS, *STEPS, *STEPS], seed=3,
    asked={"by": By.INTERVAL, "medium": None, "queue": None, "reason": None, "before": 187, "hours": 55, "step": Step.HOUR},
)  # fmt: skip
async def test_folded_is_rebuilt_is_counted_by_hand(
    store: Store, numbers: list[int], steps: list[str], seed: int, asked: dict[str, Any]
) -> None:
    """However far the folding is, a report equals the one counted from rows alone and the recount by hand; all folded equals made anew."""
    numbers.append(seed)

    def run(connection: Connection) -> None:
        for table in (call_fact, interval_fact, interval_stale):
            connection.execute(delete(table))
        desk = History(connection, len(numbers) * 10**7 + seed)
        for step in steps:
            desk.do(step)
        question = narrow(desk, asked)
        viewer = Viewer(desk.people[0], desk.project, Role.SUPERVISOR, tuple(desk.queues))
        rows = figures.report(connection, viewer, question, desk.now, rollups=False)
        same(figures.report(connection, viewer, question, desk.now), rows)
        fold(connection)
        same(figures.report(connection, viewer, question, desk.now), rows)
        folded = facts(connection, desk.project)
        rollups.forget(connection)
        fold(connection)
        assert facts(connection, desk.project) == folded
        assert rows.total.tallies.balanced
        total, samples = by_hand(connection, desk, question)
        elsewhere = ("offers_", "wait_", "first_response_", "next_response_", "sessions", "repeated")
        for name in (each for each in Tallies.__slots__ if not each.startswith(elsewhere)):
            assert getattr(rows.total.tallies, name) == getattr(total, name), name
        for name, found in samples.items():
            assert getattr(rows.total.tallies, f"{name}_seconds") == pytest.approx(math.fsum(found), abs=0.01)
        for name, figure in (("wait", "asa.p90"), ("first_response", "first_response.p90"), ("next_response", "next_response.p90")):
            wanted = sorted(samples[name])
            assert rows.total.figures[figure] == pytest.approx(wanted[math.ceil(0.9 * len(wanted)) - 1] if wanted else None, abs=0.01)

    await store.write(run)


def narrow(desk: History, asked: dict[str, Any]) -> Asked:
    since = NIGHT - timedelta(minutes=asked["before"])
    until = since + timedelta(hours=asked["hours"])
    starts = starts_of(since, until, asked["step"], BERLIN.key) if asked["by"] is By.INTERVAL else ()
    return Asked(
        since, until, asked["by"], starts, BERLIN.key, medium=asked["medium"],
        queue_id=None if asked["queue"] is None else desk.queues[asked["queue"]],
        reason_id=desk.reason if asked["reason"] else asked["reason"],
    )  # fmt: skip


def same(one: Any, other: Any) -> None:
    """The same report, but for the last digit of a sum."""
    assert [row.key for row in one.rows] == [row.key for row in other.rows]
    pairs: list[tuple[Row, Row]] = [*zip(one.rows, other.rows, strict=True), (one.total, other.total)]
    for mine, theirs in pairs:
        assert mine.tallies.by_name == pytest.approx(theirs.tallies.by_name)
        assert mine.figures == pytest.approx(theirs.figures)
        assert (mine.provisional, mine.restated) == (theirs.provisional, theirs.restated)


async def test_two_that_fold_at_once_do_not_undo_each_other(store: Store) -> None:
    """Whoever counted before another one's fold was written is refused, and the mark that came meanwhile stays."""

    def run(connection: Connection) -> None:
        desk = History(connection, 11)
        for step in ("open", "answer", "open", "answer"):
            desk.do(step)
        early = rollups.prepare(connection)
        assert early is not None
        rollups.write(connection, early)
        with pytest.raises(Conflict):
            rollups.write(connection, early)

    await store.write(run)
