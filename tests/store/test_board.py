"""The board against a recount by hand: every figure from the bare segments, whatever happened."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from contact_center.model.acts import Act
from contact_center.model.board import AgentFigures, QueueFigures
from contact_center.model.people import ContactRef, Viewer
from contact_center.model.words import Demand, Direction, EndReason, Role, Status, WorkState
from contact_center.store import Connection, Store
from contact_center.store.repositories import access, board, contacts, work
from contact_center.tickets import entries, lifecycle, turns
from contact_center.tickets.lifecycle import TicketPatch

MIDNIGHT = datetime(2026, 11, 2, 0, 0, tzinfo=UTC)
STEPS = ("open", "open", "callback", "assign", "give up", "transfer", "answer", "resolve", "speak")


class Desk:
    """Three queues, three people, and what they do over two days."""

    def __init__(self, connection: Connection, seed: int) -> None:
        self.connection = connection
        self.chance = random.Random(seed)
        self.now = MIDNIGHT - timedelta(hours=20)
        project = access.add_project(connection, f"p{seed}", "P")
        self.project = project
        self.queues = [access.add_queue(connection, project, name, False, self.now) for name in "ABC"]
        self.people = [access.add_user(connection, project, f"u{n}.{seed}@x", f"U{n}", Role.AGENT, None, self.now) for n in range(3)]
        contact = contacts.add_contact(connection, project, "Ivan", True, self.now)
        self.who = ContactRef(contact, "Ivan", True)
        self.tickets: list[int] = []

    def do(self, step: str) -> None:
        self.now += timedelta(minutes=self.chance.randint(1, 120))
        if step in ("open", "callback") or not self.tickets:
            self._open(Demand.CALLBACK if step == "callback" else "email")
            return
        ticket, act = self.chance.choice(self.tickets), Act(self.now, self.chance.choice(self.people))
        patch: dict[str, Any] = {
            "assign": {"assignee_id": act.user_id},
            "give up": {"assignee_id": None},
            "transfer": {"queue_id": self.chance.choice(self.queues)},
            "resolve": {"status": Status.RESOLVED},
        }.get(step, {})
        if patch:
            lifecycle.change(self.connection, act, self.project, ticket, TicketPatch(**patch))
        elif step == "answer":
            turns.end(self.connection, act, ticket, EndReason.COMPLETED)
        elif work.open_item(self.connection, ticket) is None:
            self._speak(ticket, "email")

    def _open(self, kind: str) -> None:
        ticket = lifecycle.open_ticket(
            self.connection, Act(self.now), project_id=self.project, contact=self.who, queue_id=self.chance.choice(self.queues), subject="s", channel="email"
        )  # fmt: skip
        self.tickets.append(ticket.id)
        self._speak(ticket.id, kind)

    def _speak(self, ticket_id: int, kind: str) -> None:
        ticket = entries.get(self.connection, ticket_id)
        entry = entries.add_entry(
            self.connection, Act(self.now), project_id=self.project, contact_id=ticket.contact.id, ticket=ticket, kind="email",
            direction=Direction.IN, text="said", queue_id=ticket.queue_id,
        )  # fmt: skip
        turns.begin(
            self.connection, project_id=self.project, ticket_id=ticket_id, queue_id=ticket.queue_id, assignee_id=ticket.assignee_id,
            kind=kind, interaction_id=entry.id, at=self.now,
        )  # fmt: skip


def by_hand(connection: Connection, desk: Desk) -> tuple[dict[int, QueueFigures], dict[int, AgentFigures]]:
    """The same figures without a single condition in SQL."""
    rows = [(row, ticket) for ticket in desk.tickets for row in work.segments(connection, ticket)]
    kinds = {ticket: work_kind(connection, ticket) for ticket in desk.tickets}
    queues = {}
    for queue in desk.queues:
        here = [(row, ticket) for row, ticket in rows if row["queue_id"] == queue]
        waiting = [row for row, _ in here if row["ended_at"] is None and row["state"] == WorkState.WAITING]
        figures = QueueFigures(
            queue_id=queue,
            waiting=len(waiting),
            in_work=sum(row["ended_at"] is None and row["state"] == WorkState.ASSIGNED for row, _ in here),
            oldest_waiting_since=min((row["opened_at"] for row in waiting), default=None),
            callbacks=sum(row["ended_at"] is None and kinds[ticket] == Demand.CALLBACK for row, ticket in here),
            received=sum(row["entered_at"] >= MIDNIGHT for row, _ in here),
            answered=sum(
                row["ended_at"] is not None and row["ended_at"] >= MIDNIGHT and row["end_reason"] == EndReason.COMPLETED for row, _ in here
            ),
            first_due=min((row["due_at"] for row in waiting), default=None),
            oldest_ticket_id=min(((row["opened_at"], row["id"], ticket) for row, ticket in here if row in waiting), default=(0, 0, None))[
                2
            ],
        )
        queues[queue] = figures
    agents = {}
    for person in desk.people:
        mine = [row for row, _ in rows if row["agent_id"] == person]
        in_work = sum(row["ended_at"] is None and row["state"] == WorkState.ASSIGNED for row in mine)
        answered = sum(
            row["ended_at"] is not None and row["ended_at"] >= MIDNIGHT and row["end_reason"] == EndReason.COMPLETED for row in mine
        )
        agents[person] = AgentFigures(person, None, in_work, answered)
    return queues, agents


def work_kind(connection: Connection, ticket: int) -> str | None:
    """The kind of the ticket's open work item."""
    from sqlalchemy import text

    found = connection.execute(text("SELECT kind FROM work_item WHERE ticket_id = :t AND closed_at IS NULL"), {"t": ticket})
    return found.scalar()


@pytest.fixture
def numbers() -> list[int]:
    return []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(STEPS), min_size=5, max_size=60), seed=st.integers(0, 10**6))
@example(steps=["open"] * 40 + ["transfer"] * 20, seed=1)
async def test_the_board_equals_a_recount_by_hand(store: Store, numbers: list[int], steps: list[str], seed: int) -> None:
    """Whatever was opened, taken, given up, transferred, answered and resolved: each figure equals the rows counted one by one."""
    numbers.append(seed)

    def run(connection: Connection) -> None:
        desk = Desk(connection, len(numbers) * 10**7 + seed)
        for step in steps:
            desk.do(step)
        queues, agents = by_hand(connection, desk)
        viewer = Viewer(desk.people[0], desk.project, Role.SUPERVISOR, tuple(desk.queues))
        seen = board.Counted(connection, viewer, MIDNIGHT, desk.now)
        for queue, figures in queues.items():
            assert seen.queue(queue) == figures
        assert {each.user_id: each for each in board.by_agent(connection, viewer, MIDNIGHT, desk.now, {})} == agents
        # Each turn of today once, where it stands or ended.
        rows = [row for ticket in desk.tickets for row in work.segments(connection, ticket)]
        for sees in (desk.queues, desk.queues[:2], desk.queues[2:]):
            partial = Viewer(desk.people[0], desk.project, Role.SUPERVISOR, tuple(sees))
            last = {row["work_item_id"]: row for row in sorted(rows, key=lambda row: row["entered_at"])}.values()
            today = [
                row for row in last if row["queue_id"] in sees and row["opened_at"] >= MIDNIGHT and row["end_reason"] != EndReason.MERGED
            ]
            assert board.Counted(connection, partial, MIDNIGHT, desk.now).came == len(today)

    await store.write(run)
