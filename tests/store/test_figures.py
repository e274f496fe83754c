"""Reports against a recount by hand from the bare stays and offers, and the stays behind every number."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from contact_center.model.figures import FIGURES, SAMPLE_OF, About, Tallies, percentile, values
from contact_center.model.people import Viewer
from contact_center.model.reports import Asked, By, Step, hours_of, starts_of
from contact_center.model.words import EndReason, OfferState, Role
from contact_center.store import Connection, Store
from contact_center.store.repositories import figures, rollups, routing, work
from contact_center.store.repositories.tallies import COUNTED, SOURCES
from tests.store.test_board import MIDNIGHT, Desk

BERLIN = ZoneInfo("Europe/Berlin")
STEPS = ("open", "open", "assign", "give up", "transfer", "answer", "answer", "resolve", "speak", "offer", "offer")
TALLY = {
    EndReason.COMPLETED: "answered",
    EndReason.NO_REPLY_NEEDED: "settled",
    EndReason.TRANSFERRED: "transferred",
    EndReason.OVERFLOWED: "overflowed",
    EndReason.MERGED: "merged",
}


class Shift(Desk):
    """The desk of the board's test, with offers that are accepted, declined and missed."""

    def __init__(self, connection: Connection, seed: int) -> None:
        super().__init__(connection, seed)
        self.offered: list[tuple[int, int, str]] = []

    def do(self, step: str) -> None:
        if step != "offer":
            return super().do(step)
        self.now += timedelta(minutes=self.chance.randint(1, 120))
        waiting = [row for ticket in self.tickets for row in work.segments(self.connection, ticket) if row["state"] == "waiting"]
        if not waiting:
            return None
        row, agent = self.chance.choice(waiting), self.chance.choice(self.people)
        offer = routing.add_offer(self.connection, row["id"], agent, self.now, self.now)
        state = self.chance.choice([OfferState.ACCEPTED, OfferState.DECLINED, OfferState.EXPIRED, OfferState.WITHDRAWN])
        assert offer is not None
        routing.end_offer(self.connection, offer, state, self.now)
        self.offered.append((row["id"], agent, state))
        return None


def key_of(row: Any, asked: Asked) -> str:
    match asked.by:
        case By.QUEUE:
            return str(row["queue_id"])
        case By.AGENT:
            return str(row["agent_id"] or 0)
        case By.CHANNEL:
            return "email"
        case By.REASON | By.POLICY:
            return "0"
        case By.HOUR:
            wall = row["entered_at"].astimezone(BERLIN)
            return f"{wall.weekday()}-{wall.hour}"
        case By.INTERVAL:
            return max(start for start in asked.starts if start <= row["entered_at"]).isoformat()


def by_hand(
    rows: list[list[Any]], offered: list[tuple[int, int, str]], asked: Asked, now: datetime
) -> tuple[dict[str, Tallies], dict[str, list[float]]]:
    """The same tallies without a condition in SQL: `rows` are the stays of each ticket's turns, in order."""
    tallies: dict[str, Tallies] = defaultdict(Tallies)
    waits = defaultdict(list)
    for turn in rows:
        for number, row in enumerate(turn):
            if not asked.since <= row["entered_at"] < asked.until:
                continue
            key, found = key_of(row, asked), {"entered": 1, "transferred_in": int(number > 0)}
            if row["ended_at"] is None:
                found |= {"open": 1, "open_over_target": int(row["due_at"] < now)}
            else:
                found |= {TALLY[EndReason(row["end_reason"])]: 1, "left_over_target": left_late(row)}
            if row["end_reason"] == EndReason.COMPLETED:
                waits[key].append((row["ended_at"] - row["entered_at"]).total_seconds())
                found["answered_in_target"] = int(row["ended_at"] <= row["due_at"])
            tallies[key] += Tallies(**found)
            for segment_id, agent, state in offered:
                if segment_id == row["id"] and state != OfferState.WITHDRAWN:
                    tallies[str(agent) if asked.by is By.AGENT else key] += Tallies(**{f"offers_{state}": 1})
    return tallies, waits


def left_late(row: Any) -> int:
    """Whether a stay ended otherwise than by an answer, or by joining another, after the target had passed."""
    return int(row["end_reason"] in ("no_reply_needed", "transferred", "overflowed") and row["ended_at"] > row["due_at"])


HAND = [each for each in Tallies.__slots__ if not each.startswith(("first_", "next_", "wait")) and each not in ("sessions", "repeated")]
"""What `by_hand` counts; of responses tells test_rollups, of sessions test_other_figures."""


@pytest.fixture
def numbers() -> list[int]:
    return []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.sampled_from(STEPS), min_size=5, max_size=50), seed=st.integers(0, 10**6), by=st.sampled_from(By), hours=st.integers(1, 200)
)  # fmt: skip
@example(steps=["open", "answer", "open", "transfer"] * 8, seed=4, by=By.HOUR, hours=90)
@example(steps=["open", "open", "answer", "answer", "answer", "offer", "transfer"] * 20, seed=1, by=By.QUEUE, hours=200)
async def test_a_report_equals_a_recount_by_hand(store: Store, numbers: list[int], steps: list[str], seed: int, by: By, hours: int) -> None:
    """Whatever happened: each tally of each row and the waits equal the recount, all balance, and each number opens into as many stays."""
    numbers.append(seed)

    def run(connection: Connection) -> None:
        desk = Shift(connection, len(numbers) * 10**7 + seed)
        for step in steps:
            desk.do(step)
        since = MIDNIGHT - timedelta(hours=20)
        until = since + timedelta(hours=hours)
        starts = starts_of(since, until, Step.HOUR, "Europe/Berlin") if by is By.INTERVAL else ()
        asked = Asked(since, until, by, starts, "Europe/Berlin")
        viewer = Viewer(desk.people[0], desk.project, Role.SUPERVISOR, tuple(desk.queues))
        turns: dict[int, list[Any]] = defaultdict(list)
        for ticket in desk.tickets:
            for row in work.segments(connection, ticket):
                turns[row["work_item_id"]].append(row)
        tallies, waits = by_hand(list(turns.values()), desk.offered, asked, desk.now)
        report = figures.report(connection, viewer, asked, desk.now)
        while (fold := rollups.prepare(connection)) is not None:
            rollups.write(connection, fold)
        folded = figures.report(connection, viewer, asked, desk.now)
        assert folded == figures.report(connection, viewer, asked, desk.now, rollups=False)
        for row in report.rows:
            wanted = tallies.get(row.key, Tallies())
            for name in HAND:
                assert getattr(row.tallies, name) == getattr(wanted, name), (row.key, name)
            told = sorted(waits[row.key])
            assert row.tallies.wait_seconds == pytest.approx(sum(told), abs=0.01)
            assert row.figures["asa.median"] == pytest.approx(percentile(told, 50), abs=0.01)
            assert row.figures["asa.p90"] == pytest.approx(percentile(told, 90), abs=0.01)
            assert {name: row.figures[name] for name in ("rona", "service_level.async")} == {
                name: values(row.tallies)[name] for name in ("rona", "service_level.async")
            }
        assert {row.key for row in report.rows} >= set(tallies)
        assert report.total.tallies.balanced
        assert report.total.figures["asa.p90"] == pytest.approx(percentile(sorted(chain(*waits.values())), 90), abs=0.01)
        for tally in (each for each, sources in COUNTED.items() if sources[0].about is asked.about):
            behind = figures.behind(connection, viewer, asked, tally, desk.now)
            assert len(behind) == getattr(report.total.tallies, tally), tally
        for row in report.rows if by is By.HOUR else ():
            day, hour = map(int, row.key.split("-"))
            within = replace(asked, hours=hours_of(since, until, "Europe/Berlin", day, hour))
            assert len(figures.behind(connection, viewer, within, "entered", desk.now)) == row.tallies.entered

    await store.write(run)


async def test_a_report_is_of_ones_own_queues(store: Store) -> None:
    """What happened in a queue that the reader does not see is in no row, no total and no list."""

    def run(connection: Connection) -> None:
        desk = Shift(connection, 7)
        for _ in range(12):
            desk.do("open")
        asked = Asked(MIDNIGHT - timedelta(days=2), MIDNIGHT + timedelta(days=2), By.QUEUE)
        for queues in ((), desk.queues[:1]):
            viewer = Viewer(desk.people[0], desk.project, Role.SUPERVISOR, tuple(queues))
            report = figures.report(connection, viewer, asked, desk.now)
            assert {row.key for row in report.rows} <= {str(queue) for queue in queues}
            assert len(figures.behind(connection, viewer, asked, "entered", desk.now)) == report.total.tallies.entered
        other = Viewer(desk.people[0], desk.project + 1, Role.ADMIN, ())
        assert figures.report(connection, other, asked, desk.now).rows == []
        # What went elsewhere is counted where it was, and nothing is told of it there.
        viewer = Viewer(10**6, desk.project, Role.SUPERVISOR, (desk.queues[0],))
        before = figures.behind(connection, viewer, asked, "entered", desk.now)
        assert {(bool(row.subject), bool(row.contact_name)) for row in before} == {(True, True)}
        connection.execute(text("UPDATE ticket SET queue_id = :other, assignee_id = NULL"), {"other": desk.queues[1]})
        after = figures.behind(connection, viewer, asked, "entered", desk.now)
        assert [replace(row, subject="", contact_name="") for row in before] == after

    await store.write(run)


@pytest.mark.parametrize(
    ("step", "count"), [(Step.DAY, 7), (Step.HOUR, 7 * 24 + 1), (Step.HALF, 7 * 48 + 2), (Step.QUARTER, 7 * 96 + 4), (Step.WEEK, 1), (Step.MONTH, 1)]
)  # fmt: skip
def test_a_week_in_which_the_clocks_go_back(step: Step, count: int) -> None:
    """The week has 169 hours, and its Sunday is one day of 25."""
    since, until = datetime(2026, 10, 18, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC)
    starts = starts_of(since, until, step, "Europe/Berlin")
    assert len(starts) == count
    lengths = [(b - a) for a, b in zip(starts, [*starts[1:], until], strict=True)]
    if step is Step.DAY:
        assert [each.total_seconds() / 3600 for each in lengths] == [24] * 6 + [25]


def test_months_and_weeks_begin_where_the_calendar_says() -> None:
    """From the middle of a month: to the first, to Monday; what is too much is refused."""
    since, until = datetime(2026, 1, 14, 12, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
    assert [start.date().isoformat() for start in starts_of(since, until, Step.MONTH, "UTC")] == ["2026-01-14", "2026-02-01", "2026-03-01"]
    assert all(start.weekday() == 0 for start in starts_of(since, until, Step.WEEK, "UTC")[1:])
    with pytest.raises(ValueError, match="too many"):
        starts_of(since, until, Step.QUARTER, "UTC")


def test_every_figure_opens_into_rows() -> None:
    """Whatever is shown is made of at least one count that opens into as many rows; of colleagues the rows are they themselves."""
    of_people = (About.TIME, About.TEAM)
    without = [figure.id for figure in FIGURES if figure.about not in of_people and not set(figure.parts) & set(COUNTED)]
    assert without == []
    assert {name for source in SOURCES for name in source.samples} <= set(SAMPLE_OF)
