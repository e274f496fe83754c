"""Agents' time against a recount second by second: whatever states and work there were, over any edge and a night with 25 hours."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from contact_center.model.acts import Act
from contact_center.model.figures import About, values
from contact_center.model.people import ContactRef, Viewer
from contact_center.model.words import AgentState, HandlingKind, OfferState, Role, StateReason
from contact_center.store import Connection, Store
from contact_center.store.repositories import access, agent_time, contacts, routing, work
from contact_center.store.schema.handling import handling
from contact_center.store.schema.routing import agent_state
from contact_center.store.schema.routing import offer as offers
from contact_center.tickets import entries, lifecycle, turns

BEGAN = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)  # an hour before the clocks of Europe go back
STEP = timedelta(seconds=20)
END = 300  # steps

STATES = st.lists(
    st.tuples(st.sampled_from(["available", "aux paid", "aux unpaid", "aux", "rona", "offline"]), st.integers(1, 90)), max_size=8
)
WORK = st.lists(st.tuples(st.sampled_from(list(HandlingKind)), st.integers(0, END), st.integers(1, 80)), max_size=6)
OFFERED = st.lists(st.tuples(st.sampled_from(list(OfferState)), st.integers(0, END)), max_size=4)


@pytest.fixture
def numbers() -> list[int]:
    return []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    states=STATES, stretches=WORK, offered=OFFERED, since=st.integers(0, END - 1), lasts=st.integers(1, END), now=st.integers(1, END + 50)
)
@example(
    states=[("available", 50), ("aux unpaid", 20), ("aux paid", 30)],
    stretches=[(HandlingKind.FOCUS, 10, 20), (HandlingKind.TALK, 20, 20), (HandlingKind.WRAP, 60, 30)],
    offered=[(OfferState.EXPIRED, 5)], since=5, lasts=90, now=95,
)  # fmt: skip
async def test_time_equals_a_recount_step_by_step(
    store: Store, numbers: list[int], states: list[tuple[str, int]], stretches: list[tuple[HandlingKind, int, int]],
    offered: list[tuple[OfferState, int]], since: int, lasts: int, now: int,
) -> None:  # fmt: skip
    """Each second of the asked stretch is counted once for each state and kind of work it lies in, and nothing outside it."""
    numbers.append(since)

    def run(connection: Connection) -> None:
        desk = Desk(connection, len(numbers))
        line = desk.live(states, min(now, END))
        did = desk.work([(kind, begin, begin + length) for kind, begin, length in stretches if begin < now])
        desk.offer(offered)
        until = min(since + lasts, END)
        viewer = Viewer(desk.boss, desk.project, Role.SUPERVISOR, (desk.queue,))
        found = agent_time.of_agents(connection, viewer, at(since), at(until), at(now))
        mine = {row.user_id: row for row in found}.get(desk.agent)
        steps = range(since, min(until, now))
        counts = dict.fromkeys(HandlingKind, 0)
        signed, available, idle, busy, ready, aux = 0, 0, 0, 0, 0, {"aux paid": 0, "aux unpaid": 0, "aux": 0}
        for step in steps:
            state = line[step] if step < len(line) else "offline"
            kinds = [kind for kind, begin, end in did if begin <= step < min(end, now)]
            for kind in kinds:
                counts[kind] += 1
            signed += state != "offline"
            available += state == "available"
            busy += bool(kinds)
            ready += state == "available" or (state != "offline" and bool(kinds))
            idle += state == "available" and not kinds
            if state in aux:
                aux[state] += 1
        taken = [state for state, when in offered if since <= when < until]
        if mine is None:
            assert not (signed or busy or {"accepted", "declined", "expired"} & set(taken))
            return
        seconds = STEP.total_seconds()
        assert mine.signed_in == pytest.approx(signed * seconds)
        assert (mine.available, mine.idle, mine.busy) == pytest.approx((available * seconds, idle * seconds, busy * seconds))
        assert (mine.aux_paid, mine.aux_unpaid) == pytest.approx(((aux["aux paid"] + aux["aux"]) * seconds, aux["aux unpaid"] * seconds))
        assert {kind: getattr(mine, kind) for kind in HandlingKind} == pytest.approx({kind: n * seconds for kind, n in counts.items()})
        assert (mine.accepted, mine.declined, mine.expired) == tuple(taken.count(state) for state in ("accepted", "declined", "expired"))
        told = values(mine.tallies, about=About.TIME)
        assert told["occupancy"] == (pytest.approx(busy / (busy + idle)) if busy + idle else None)
        assert told["utilisation"] == (pytest.approx(ready / signed) if signed else None)
        assert told["concurrency"] == (pytest.approx(sum(counts.values()) / busy) if busy else None)
        rows = agent_time.behind(connection, viewer, desk.agent, at(since), at(until), at(now), 1000)
        lasted = dict.fromkeys((*AgentState, *HandlingKind), 0.0)
        for row in rows:
            if row.kind in lasted:
                lasted[row.kind] += (row.ended - row.began).total_seconds()
        in_states = sum(lasted[state] for state in AgentState)
        assert (in_states, lasted["available"]) == pytest.approx((mine.signed_in, mine.available))
        assert {kind: lasted[kind] for kind in HandlingKind} == pytest.approx({kind: getattr(mine, kind) for kind in HandlingKind})
        told = [sum(row.kind == state for row in rows) for state in ("accepted", "declined", "expired")]
        assert told == [mine.accepted, mine.declined, mine.expired]
        assert rows == sorted(rows, key=lambda row: row.began)
        assert {row.agent_id for row in rows} <= {desk.agent}
        for some in (1, 2, 5):
            assert agent_time.behind(connection, viewer, desk.agent, at(since), at(until), at(now), some) == rows[:some]
            assert agent_time.behind(connection, viewer, desk.agent, at(since), at(until), at(now), some, skip=2) == rows[2 : 2 + some]
        for kinds in (("talk",), ("available", "accepted"), ("wrap", "focus", "hold")):
            chosen = agent_time.behind(connection, viewer, desk.agent, at(since), at(until), at(now), 1000, kinds=kinds)
            assert chosen == [row for row in rows if row.kind in kinds]
        everybody = agent_time.behind(connection, viewer, None, at(since), at(until), at(now), 1000)
        assert [row for row in everybody if row.agent_id == desk.agent] == rows
        stranger = Viewer(desk.agent + 10**6, desk.project, Role.SUPERVISOR, ())
        assert agent_time.of_agents(connection, stranger, at(since), at(until), at(now)) == []
        assert agent_time.behind(connection, stranger, desk.agent, at(since), at(until), at(now), 1000) == []

    await store.write(run)


def at(step: int) -> datetime:
    return BEGAN + step * STEP


class Desk:
    """One agent and one boss who share a queue."""

    def __init__(self, connection: Connection, number: int) -> None:
        self.connection = connection
        self.project = access.add_project(connection, f"time{number}", "P")
        self.queue = access.add_queue(connection, self.project, "A", False, BEGAN)
        self.agent, self.boss = (
            access.add_user(connection, self.project, f"t{number}.{n}@x", "U", Role.AGENT, None, BEGAN) for n in range(2)
        )
        access.set_grants(connection, self.agent, [self.queue])
        contact = contacts.add_contact(connection, self.project, "Ivan", True, BEGAN)
        self.ticket = lifecycle.open_ticket(
            connection, Act(BEGAN), project_id=self.project, contact=ContactRef(contact, "Ivan", True), queue_id=self.queue, subject="s",
            channel="email",
        ).id  # fmt: skip

    def live(self, states: list[tuple[str, int]], until: int) -> list[str]:
        """Go through states, the last of which lasts; returns the state at each step."""
        codes = {name: routing.add_code(self.connection, self.project, name, name == "aux paid") for name in ("aux paid", "aux unpaid")}
        line: list[str] = []
        begin = 0
        for number, (name, length) in enumerate(states):
            is_last = number == len(states) - 1
            end = begin + length
            state = AgentState(name.partition(" ")[0])
            values = {"employee_id": self.agent, "state": state, "code_id": codes.get(name), "reason": StateReason.CHOSEN}
            ended = None if is_last else at(end)
            self.connection.execute(insert(agent_state).values(started_at=at(begin), ended_at=ended, **values))
            line += [name] * ((END + 100 if is_last else end) - begin)
            begin = end
        return line

    def work(self, wanted: list[tuple[HandlingKind, int, int]]) -> list[tuple[HandlingKind, int, int]]:
        for kind, begin, end in wanted:
            self.connection.execute(
                insert(handling).values(
                    project_id=self.project, queue_id=self.queue, ticket_id=self.ticket, agent_id=self.agent, channel="email", kind=kind,
                    started_at=at(begin), seen_at=at(end), ended_at=at(end),
                )
            )  # fmt: skip
        return wanted

    def offer(self, offered: list[tuple[OfferState, int]]) -> None:
        ticket = entries.get(self.connection, self.ticket)
        entry = lifecycle.add_note(self.connection, Act(BEGAN), self.project, ticket.id, "said")
        turns.begin(
            self.connection, project_id=self.project, ticket_id=ticket.id, queue_id=self.queue, assignee_id=None, kind="email",
            interaction_id=entry.id, at=BEGAN,
        )  # fmt: skip
        item = work.open_item(self.connection, ticket.id)
        assert item is not None
        for state, when in offered:
            values = {"segment_id": item["segment_id"], "agent_id": self.agent, "state": state, "offered_at": at(when)}
            self.connection.execute(insert(offers).values(expires_at=at(when), ended_at=at(when), **values))
