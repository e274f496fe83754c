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
from contact_center.model.people import ContactRef, Viewer
from contact_center.model.reports import Asked, By
from contact_center.model.words import Demand, Direction, EndReason, HandlingKind, Role, Status
from contact_center.store import Connection, Store
from contact_center.store.repositories import calls, contacts, figures, reasons, work
from contact_center.store.repositories import handling as stretches
from contact_center.store.repositories.tallies import COUNTED
from contact_center.store.schema.handling import handling
from contact_center.store.schema.tickets import ticket
from contact_center.store.schema.work import segment, work_item
from contact_center.tickets import entries, lifecycle, turns
from contact_center.tickets.lifecycle import TicketPatch
from tests.store.test_board import Desk

WEEK = timedelta(days=7)
STEPS = (
    "open", "open", "answer", "answer", "answer", "resolve", "resolve", "speak", "speak", "reopen", "transfer", "work", "work",
    "a day passes", "settle", "wait", "what about", "call", "a late call", "written up",
)  # fmt: skip


class Watched(Desk):
    """A desk beside which somebody stands and notes what happens to tickets, from the tickets alone."""

    def __init__(self, connection: Connection, seed: int) -> None:
        super().__init__(connection, seed)
        self.done: dict[int, Any] = {}
        self.noted: list[dict[str, Any]] = []
        self.status: dict[int, tuple[str, Any]] = {}
        self.open_for: dict[int, float] = defaultdict(float)
        self.answers: dict[int, int] = defaultdict(int)
        self.work: list[tuple[int, str, float]] = []
        self.calls: list[tuple[int, Any]] = []
        self.customers = [self.who, ContactRef(contacts.add_contact(connection, self.project, "Olga", True, self.now), "Olga", True)]
        self.reasons = [int(reasons.add_reason(connection, self.project, name, None) or 0) for name in ("Price", "Size")]

    def do(self, step: str) -> None:
        answered, before = self._answered(), self.now
        match step:
            case "a day passes":
                self.now += timedelta(days=1)
            case "open" | "callback":
                self.who = self.chance.choice(self.customers)
                super().do(step)
            case "call" | "a late call":
                self._call(self.now - timedelta(days=3) if step == "a late call" else self.now)
            case "work":
                self._work()
            case "reopen" | "wait" | "settle" | "what about" | "written up" if self.tickets:
                self.now += timedelta(minutes=self.chance.randint(1, 100))
                self._with(step, self.chance.choice(self.tickets))
            case _:
                super().do(step)
        for ticket_id, (status, _) in self.status.items():
            self.open_for[ticket_id] += (self.now - before).total_seconds() if status == Status.OPEN else 0
        for ticket_id, count in self._answered().items():
            self.answers[ticket_id] += count - answered.get(ticket_id, 0)
        self._look()

    def _with(self, step: str, ticket_id: int) -> None:
        act = Act(self.now, self.people[0])
        if step == "settle":
            turns.end(self.connection, act, ticket_id, EndReason.NO_REPLY_NEEDED)
            return
        if step == "written up":
            ended = [row["id"] for row in work.segments(self.connection, ticket_id) if row["end_reason"] == EndReason.COMPLETED]
            if ended:
                stretches.note(self.connection, self.chance.choice(ended), reason_id=self.chance.choice(self.reasons))
            return
        patch: dict[str, Any] = {"reopen": {"status": Status.OPEN}, "wait": {"status": Status.WAITING}}.get(step, {})
        reason = {"reason_id": self.chance.choice([None, *self.reasons])}
        lifecycle.change(self.connection, act, self.project, ticket_id, TicketPatch(**(patch or reason)))

    def _call(self, at: Any) -> None:
        who = self.chance.choice(self.customers)
        facts = {
            "type": "call",
            "result": self.chance.choice(("answered", "abandoned")),
            "wait_seconds": 5,
            "talk_seconds": 60,
            "number": "+7",
        }
        entry = entries.add_entry(
            self.connection, Act(at), project_id=self.project, contact_id=who.id, ticket=None, kind="telephony", direction=Direction.IN,
            text="", queue_id=self.queues[0], facts=facts,
        )  # fmt: skip
        calls.note(self.connection, entry.id)
        if facts["result"] == "answered":
            self.calls.append((who.id, at))

    def sessions(self) -> list[tuple[int, Any, int | None, int | None]]:
        """Whose, when, why and of which ticket: every answered turn, and every call that got through."""
        rows = [
            (entries.get(self.connection, each).contact.id, each, row)
            for each in self.tickets
            for row in work.segments(self.connection, each)
        ]
        opened = dict(self.connection.execute(select(work_item.c.id, work_item.c.kind)).all())  # type: ignore[arg-type]
        done = [
            (who, row["opened_at"], row["reason_id"], each)
            for who, each, row in rows
            if row["end_reason"] == EndReason.COMPLETED and opened[row["work_item_id"]] != Demand.CALLBACK
        ]
        return [*done, *((who, at, None, None) for who, at in self.calls)]

    def _answered(self) -> dict[int, int]:
        rows = {each: work.segments(self.connection, each) for each in self.tickets}
        return {each: sum(row["end_reason"] == EndReason.COMPLETED for row in found) for each, found in rows.items()}

    def _look(self) -> None:
        for row in self.connection.execute(select(ticket).where(ticket.c.project_id == self.project)):
            was = self.done.get(row.id)
            if row.resolved_at is not None and was is None:
                seen = {"ticket": row.id, "at": row.resolved_at, "lasted": self.open_for[row.id], "answers": self.answers[row.id]}
                self.noted.append(seen | {"reopened": None, "who": row.contact_id, "reason": row.reason_id, "opened": row.created_at})
            if row.resolved_at is None and was is not None:
                last = next(each for each in reversed(self.noted) if each["ticket"] == row.id)
                last["reopened"] = self.now
            self.done[row.id] = row.resolved_at
            self.status[row.id] = (row.status, self.now)

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


def paged(connection: Connection, viewer: Viewer, asked: Asked, tally: str, now: Any) -> list[Any]:
    """What stands behind a number, three rows at a time."""
    found: list[Any] = []
    after = ("", 0)
    while page := figures.behind(connection, viewer, asked, tally, now, after, 3):
        found += page
        after = (page[-1].kind, page[-1].id)
    return found


def follows(session: tuple[int, Any, int | None, int | None], who: int, at: Any, reason: int | None, _ticket: int | None = None) -> bool:
    """Whether a session came within a week after something of the same customer, and may be about the same."""
    same = session[2] is None or reason is None or session[2] == reason
    return session[0] == who and at < session[1] < at + WEEK and same


def adds_to(session: tuple[int, Any, int | None, int | None], resolved: dict[str, Any]) -> bool:
    """Whether it took this session, too: one beside the ticket from its opening on, or any within a week after it was resolved."""
    beside = session[3] != resolved["ticket"] and session[0] == resolved["who"] and resolved["opened"] < session[1] <= resolved["at"]
    same = session[2] is None or resolved["reason"] is None or session[2] == resolved["reason"]
    return (beside and same) or follows(session, resolved["who"], resolved["at"], resolved["reason"])


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
    """Resolved, opened again, ripe, first contact, who came again, and all work by kind: as somebody noted who only saw the tickets."""
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
        sessions = desk.sessions()
        stood = [each for each in desk.noted if each["reopened"] is None]
        ripe = [each for each in stood if each["at"] <= now - WEEK]
        first = [each for each in ripe if each["answers"] == 1 and not any(adds_to(session, each) for session in sessions)]
        counted = {name: getattr(found.tallies, name) for name in ("resolved", "reopened", "ripe", "first_contact", "stood")}
        wanted = (desk.noted, [each for each in desk.noted if each["reopened"]], ripe, first, stood)
        assert counted == dict(zip(counted, map(len, wanted), strict=True))
        lasted = sorted(each["lasted"] for each in stood)
        assert found.figures["resolution.median"] == pytest.approx(lasted[(len(lasted) - 1) // 2] if lasted else None, abs=0.01)
        came = figures.report(connection, viewer, Asked(beginning - WEEK, now, by, asked.starts), now).total.tallies
        again = [session for session in sessions if any(follows(session, *other) for other in sessions)]
        assert (came.sessions, came.repeated) == (len(sessions), len(again))
        ended = dict(connection.execute(select(segment.c.id, segment.c.ended_at).where(segment.c.ended_at.is_not(None))).all())  # type: ignore[arg-type]
        done = [each for each in desk.work if each[0] in ended]
        about = Asked(beginning - WEEK, now, by, asked.starts, about=About.HANDLING)
        handled = figures.report(connection, viewer, about, now).total
        handled_by_hand = len({each[0] for each in done}) + len(desk.calls)
        assert handled.tallies.handled == handled_by_hand
        for kind in HandlingKind:
            talked = 60 * len(desk.calls) if kind is HandlingKind.TALK else 0
            by_kind = sum(each[2] for each in done if each[1] == kind)
            assert getattr(handled.tallies, f"{kind}_seconds") == pytest.approx(talked + by_kind, abs=0.01)
        if handled_by_hand:
            took = sum(each[2] for each in done) + 60 * len(desk.calls)
            assert handled.figures["aht"] == pytest.approx(took / handled_by_hand, abs=0.01)
        for tally, sources in COUNTED.items():
            question = Asked(beginning - WEEK, now, by, asked.starts, about=sources[0].about)
            report = figures.report(connection, viewer, question, now)
            whole = figures.behind(connection, viewer, question, tally, now)
            assert len(whole) == getattr(report.total.tallies, tally), tally
            assert paged(connection, viewer, question, tally, now) == whole, "page by page it is the same"

    await store.write(run)
