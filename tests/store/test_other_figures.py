"""Resolutions, handling and promises: counted against what was seen to happen, and every count opens into as many rows."""

from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from contact_center.model.acts import Act
from contact_center.model.figures import About
from contact_center.model.people import Viewer
from contact_center.model.reports import Asked, By
from contact_center.model.words import EndReason, HandlingKind, Role, Status
from contact_center.store import Connection, Store
from contact_center.store.repositories import figures, work
from contact_center.store.repositories.tallies import COUNTED
from contact_center.store.schema.handling import handling
from contact_center.store.schema.tickets import ticket
from contact_center.store.schema.work import segment
from contact_center.tickets import lifecycle
from contact_center.tickets.lifecycle import TicketPatch
from tests.store.test_board import Desk

WEEK = timedelta(days=7)
STEPS = ("open", "open", "answer", "answer", "resolve", "resolve", "speak", "speak", "reopen", "transfer", "work", "work", "a day passes")


class Watched(Desk):
    """A desk beside which somebody stands and notes what happens to tickets, from the tickets alone."""

    def __init__(self, connection: Connection, seed: int) -> None:
        super().__init__(connection, seed)
        self.done: dict[int, Any] = {}
        self.noted: list[dict[str, Any]] = []
        self.began: list[Any] = []
        self.answers: dict[int, int] = defaultdict(int)
        self.work: list[tuple[int, str, float]] = []

    def do(self, step: str) -> None:
        turns = self._turns()
        answered = self._answered()
        match step:
            case "a day passes":
                self.now += timedelta(days=1)
            case "reopen" if self.tickets:
                self.now += timedelta(minutes=self.chance.randint(1, 100))
                lifecycle.change(
                    self.connection, Act(self.now), self.project, self.chance.choice(self.tickets), TicketPatch(status=Status.OPEN)
                )
            case "work":
                self._work()
            case _:
                super().do(step)
        self.began += [self.now] * (self._turns() - turns)
        for ticket_id, count in self._answered().items():
            self.answers[ticket_id] += count - answered.get(ticket_id, 0)
        self._look()

    def _turns(self) -> int:
        return sum(len({row["work_item_id"] for row in work.segments(self.connection, each)}) for each in self.tickets)

    def _answered(self) -> dict[int, int]:
        rows = {each: work.segments(self.connection, each) for each in self.tickets}
        return {each: sum(row["end_reason"] == EndReason.COMPLETED for row in found) for each, found in rows.items()}

    def _look(self) -> None:
        for row in self.connection.execute(select(ticket).where(ticket.c.project_id == self.project)):
            was = self.done.get(row.id)
            if row.resolved_at is not None and was is None:
                self.noted.append(
                    {"ticket": row.id, "at": row.resolved_at, "opened": row.created_at, "answers": self.answers[row.id], "reopened": None}
                )
            if row.resolved_at is None and was is not None:
                last = next(each for each in reversed(self.noted) if each["ticket"] == row.id)
                last["reopened"] = self.now
            self.done[row.id] = row.resolved_at

    def _work(self) -> None:
        stays = [row for each in self.tickets for row in work.segments(self.connection, each)]
        if not stays:
            return
        row, kind = self.chance.choice(stays), self.chance.choice(list(HandlingKind))
        seconds = self.chance.randint(1, 900)
        self.connection.execute(
            insert(handling).values(
                project_id=self.project, queue_id=row["queue_id"], ticket_id=self.tickets[0], segment_id=row["id"], agent_id=self.people[0],
                channel="email", kind=kind, started_at=self.now, seen_at=self.now, ended_at=self.now + timedelta(seconds=seconds),
            )
        )  # fmt: skip
        self.work.append((row["id"], kind, seconds))


@pytest.fixture
def numbers() -> list[int]:
    return []


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.sampled_from(STEPS), min_size=8, max_size=30),
    seed=st.integers(0, 10**6),
    by=st.sampled_from([By.QUEUE, By.AGENT, By.CHANNEL, By.INTERVAL]),
)
async def test_what_was_seen_is_what_is_counted(store: Store, numbers: list[int], steps: list[str], seed: int, by: By) -> None:
    """Resolved, opened again, ripe, came again, first contact, and all work by kind: as somebody noted who only saw the tickets."""
    numbers.append(seed)

    def run(connection: Connection) -> None:
        desk = Watched(connection, len(numbers) * 10**7 + seed)
        beginning = desk.now
        for step in steps:
            desk.do(step)
        now = desk.now + timedelta(days=3)
        viewer = Viewer(desk.people[0], desk.project, Role.SUPERVISOR, tuple(desk.queues))
        asked = Asked(beginning, now, by, (beginning,) if by is By.INTERVAL else (), about=About.RESOLUTION)
        found = figures.report(connection, viewer, asked, now).total
        ripe = [each for each in desk.noted if each["at"] <= now - WEEK]
        again = [each for each in ripe if any(each["at"] < at <= each["at"] + WEEK for at in desk.began)]
        first = [
            each for each in ripe
            if each not in again and each["answers"] <= 1 and not (each["reopened"] and each["reopened"] - each["at"] <= WEEK)
        ]  # fmt: skip
        stood = [each for each in desk.noted if each["reopened"] is None]
        counted = {name: getattr(found.tallies, name) for name in ("resolved", "reopened", "ripe", "again", "first_contact", "stood")}
        wanted = (desk.noted, [each for each in desk.noted if each["reopened"]], ripe, again, first, stood)
        assert counted == dict(zip(counted, map(len, wanted), strict=True))
        lasted = sorted((each["at"] - each["opened"]).total_seconds() for each in stood)
        assert found.figures["resolution.median"] == pytest.approx(lasted[(len(lasted) - 1) // 2] if lasted else None, abs=0.01)
        ended = dict(connection.execute(select(segment.c.id, segment.c.ended_at).where(segment.c.ended_at.is_not(None))).all())  # type: ignore[arg-type]
        done = [each for each in desk.work if each[0] in ended]
        about = Asked(beginning, now, by, asked.starts, about=About.HANDLING)
        handled = figures.report(connection, viewer, about, now).total
        assert handled.tallies.handled == len({each[0] for each in done})
        for kind in HandlingKind:
            assert getattr(handled.tallies, f"{kind}_seconds") == pytest.approx(sum(each[2] for each in done if each[1] == kind), abs=0.01)
        if done:
            assert handled.figures["aht"] == pytest.approx(sum(each[2] for each in done) / len({each[0] for each in done}), abs=0.01)
        for tally, sources in COUNTED.items():
            question = Asked(beginning, now, by, asked.starts, about=sources[0].about)
            report = figures.report(connection, viewer, question, now)
            assert len(figures.behind(connection, viewer, question, tally, now)) == getattr(report.total.tallies, tally), tally

    await store.write(run)
