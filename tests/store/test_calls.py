"""Calls as figures count them: the golden row, after hours, and the list of those whom nobody answered."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from contact_center.model.acts import Act
from contact_center.model.calls import Outcome
from contact_center.model.figures import About
from contact_center.model.hours import Calendar
from contact_center.model.people import ContactRef, Viewer
from contact_center.model.reports import Asked, By, Medium
from contact_center.model.words import Direction, Role
from contact_center.store import Connection, Store
from contact_center.store.repositories import access, agent_time, calls, contacts, figures, hours, timeline
from contact_center.store.schema.figures import call_fact
from contact_center.tickets import entries, lifecycle
from tests.store.test_rollups import fold

NOON = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)  # a Tuesday
DAY = (NOON - timedelta(hours=12), NOON + timedelta(hours=12))


class Line:
    """A queue that should answer within 20 seconds, open from nine to five."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.project = access.add_project(connection, "calls", "P")
        self.queue = access.add_queue(connection, self.project, "Line", False, NOON)
        week = tuple((("09:00", "17:00"),) if day < 5 else () for day in range(7))
        calendar = hours.add(connection, self.project, "Week", Calendar("UTC", week), NOON)
        access.change_queue(connection, self.queue, target_seconds=20, calendar_id=calendar)
        self.people = [
            ContactRef(contacts.add_contact(connection, self.project, name, True, NOON), name, True)
            for name in ("Ivan", "Olga", "Withheld")
        ]
        self.viewer = Viewer(1, self.project, Role.SUPERVISOR, (self.queue,))

    def call(
        self, result: str, wait: float, at: datetime = NOON, who: int = 0, number: str = "+4930123", out: bool = False, **told: Any
    ) -> int:
        entry = entries.add_entry(
            self.connection, Act(at), project_id=self.project, contact_id=self.people[who].id, ticket=None, kind="telephony",
            direction=Direction.OUT if out else Direction.IN, text="", queue_id=self.queue,
            facts={"type": "call", "result": result, "wait_seconds": wait, "number": number, **told},
        )  # fmt: skip
        calls.note(self.connection, entry.id)
        return entry.id

    def total(self) -> Any:
        return figures.report(self.connection, self.viewer, Asked(*DAY, By.CHANNEL, medium=Medium.VOICE), NOON).total


async def test_the_golden_row_through_the_database(store: Store) -> None:
    """1000 answered, 860 of them in time; 60 abandoned, 20 of them in time: four service levels, from rows and from rollups."""

    def run(connection: Connection) -> None:
        line = Line(connection)
        for count, result, wait in ((860, "answered", 20), (140, "answered", 21), (20, "abandoned", 7), (40, "abandoned", 50)):
            for _ in range(count):
                line.call(result, wait)
        for _ in range(2):
            row = line.total()
            levels = {name: f"{row.figures[f'service_level.{name}'] * 100:.2f}" for name in ("offered", "standard", "positive", "answered")}
            assert levels == {"offered": "81.13", "standard": "82.69", "positive": "83.02", "answered": "86.00"}
            assert (row.figures["asa.median"], row.figures["asa.p90"], row.figures["asa"]) == (20, 21, pytest.approx(20.14))
            fold(connection)

    await store.write(run)


async def test_everything_that_came_is_accounted_for(store: Store) -> None:
    """Answered, abandoned, overflowed, asked to be called and still waiting are all that were offered; after hours is said apart."""

    def run(connection: Connection) -> None:
        line = Line(connection)
        for result in ("answered", "abandoned", "timeout", "voicemail", "callback", "ringing", "busy"):
            line.call(result, 30)
        line.call("abandoned", 3, short=True)
        line.call("answered", 5, out=True)
        night = NOON - timedelta(hours=6)
        line.call("abandoned", 30, at=night)
        line.call("answered", 30, at=night)
        tallies = line.total().tallies
        assert tallies.balanced
        assert {name: getattr(tallies, name) for name in ("entered", "answered", "abandoned", "abandoned_short", "overflowed")} == {
            "entered": 9, "answered": 2, "abandoned": 3, "abandoned_short": 1, "overflowed": 2,
        }  # fmt: skip
        assert (tallies.callback, tallies.open, tallies.after_hours) == (1, 1, 1)

    await store.write(run)


async def test_who_was_not_answered_and_who_was_reached_since(store: Store) -> None:
    """The list names every call that nobody answered, the newest first, in pages, and says who was talked to later, and when."""

    def run(connection: Connection) -> None:
        line = Line(connection)
        minute = timedelta(minutes=1)
        line.call("answered", 5, at=NOON - minute)
        first = line.call("abandoned", 30, at=NOON)
        other = line.call("timeout", 40, at=NOON + minute, who=1)
        line.call("answered", 1, at=NOON + 2 * minute, out=True)
        again = line.call("abandoned", 2, at=NOON + 3 * minute, short=True)
        hidden = line.call("abandoned", 9, at=NOON + 4 * minute, number="")
        line.call("answered", 9, at=NOON + 5 * minute, number="")
        found = calls.missed(connection, line.viewer, *DAY, None, None, 10)
        assert [call.entry_id for call in found] == [hidden, again, other, first]
        by_entry = {call.entry_id: call for call in found}
        assert by_entry[first].reached_at == NOON + 2 * minute
        assert (by_entry[other].reached_at, by_entry[other].outcome, by_entry[other].contact_name) == (None, Outcome.OVERFLOWED, "Olga")
        assert by_entry[hidden].reached_at is None, "all that withhold their number stand under one contact"
        assert (by_entry[again].short, by_entry[again].wait_seconds) == (True, 2)
        page = calls.missed(connection, line.viewer, *DAY, line.queue, [found[1].at, found[1].entry_id], 1)
        assert [call.entry_id for call in page] == [other]
        assert calls.missed(connection, Viewer(1, line.project, Role.SUPERVISOR, ()), *DAY, None, None, 10) == []

    await store.write(run)


async def test_what_is_told_later_changes_the_call_and_not_its_target(store: Store) -> None:
    """A call that rings is open; later records end it, and the target of its queue stays what it was when it came."""

    def run(connection: Connection) -> None:
        line = Line(connection)
        entry = line.call("ringing", 0)
        assert line.total().tallies.open == 1
        access.change_queue(connection, line.queue, target_seconds=1)
        from contact_center.store.repositories import timeline

        timeline.change(connection, entry, facts={"type": "call", "result": "answered", "wait_seconds": 15})
        calls.note(connection, entry)
        tallies = line.total().tallies
        assert (tallies.open, tallies.answered, tallies.answered_in_target) == (0, 1, 1)
        timeline.change(connection, entry, cancelled=True)
        calls.note(connection, entry)
        assert line.total().tallies.entered == 0

    await store.write(run)


async def test_whose_call_went_out_of_sight_is_told_no_more(store: Store) -> None:
    """A missed call whose ticket went to another queue still counts here; the name and the number are that queue's."""

    def run(connection: Connection) -> None:
        line = Line(connection)
        entry = line.call("abandoned", 30)
        away = access.add_queue(connection, line.project, "Away", True, NOON)
        ticket = lifecycle.open_ticket(
            connection, Act(NOON), project_id=line.project, contact=line.people[0], queue_id=away, subject="", channel="telephony"
        )
        timeline.change(connection, entry, ticket_id=ticket.id)
        (call,) = calls.missed(connection, line.viewer, *DAY, None, None, 10)
        assert (call.entry_id, call.contact_name, call.number) == (entry, "", "")
        (whole,) = calls.missed(connection, Viewer(1, line.project, Role.SUPERVISOR, (line.queue, away)), *DAY, None, None, 10)
        assert (whole.contact_name, whole.number) == ("Ivan", "+4930123")

    await store.write(run)


async def test_a_call_counts_for_whom_the_telephone_system_names(store: Store) -> None:
    """By name or by address, also of a second who took part; nobody where two bear the name, unless one had left
    by then. Talk without hold, and both in their time."""

    def run(connection: Connection) -> None:
        line = Line(connection)
        address = f"p{line.project}@example.org"
        pavel = access.add_user(connection, line.project, address, "Павел", Role.AGENT, None, NOON)
        for number in range(2):
            access.add_user(connection, line.project, f"a{number}.{line.project}@example.org", "Anna", Role.AGENT, None, NOON)
        left, came = (access.add_user(connection, line.project, f"{n}.{address}", "Вера", Role.AGENT, None, NOON) for n in "lc")
        access.change_user(connection, left, disabled_at=NOON - timedelta(days=1))
        access.set_grants(connection, pavel, [line.queue])
        late = NOON + timedelta(minutes=10)
        line.call("answered", 5, agents=["PJSIP/101", "Павел"], talk_seconds=100, hold_seconds=30)
        line.call("answered", 5, at=late, who=1, agents=[address.upper()], talk_seconds=60)
        line.call("answered", 5, agents=["Anna"], talk_seconds=20)
        line.call("abandoned", 5, agents=["Павел"])
        line.call("answered", 5, agents=["Вера"])
        line.call("answered", 5, at=NOON - timedelta(days=2), agents=["Вера"])
        by_agent = figures.report(connection, line.viewer, Asked(*DAY, By.AGENT, medium=Medium.VOICE), NOON)
        assert {row.key: (row.tallies.entered, row.tallies.answered) for row in by_agent.rows} == {
            str(pavel): (2, 2),
            str(came): (1, 1),
            "0": (2, 1),
        }
        assert {*connection.execute(select(call_fact.c.agent_id).where(call_fact.c.agent_id.in_((left, came)))).scalars()} == {came}
        handled = figures.report(connection, line.viewer, Asked(*DAY, By.AGENT, about=About.HANDLING), NOON).rows
        mine = next(row for row in handled if row.key == str(pavel))
        assert (mine.figures["aht"], mine.figures["aht.talk"], mine.figures["aht.hold"]) == (80, 65, 15)
        (time,) = agent_time.of_agents(connection, line.viewer, *DAY, DAY[1])
        assert (time.user_id, time.talk, time.hold, time.busy) == (pavel, 130, 30, 160)

    await store.write(run)


async def test_a_call_that_is_handed_on_is_the_work_of_both(store: Store) -> None:
    """Answered by the first, and handled by each for as long as they talked: talk and hold in their figures and in their time, and together
    what the telephone system told of the call. Who had it twice has handled it once, and who is named only where it was handed to has it
    all the same. Whom it calls by no name of ours is nobody. Told anew, nothing counts twice."""

    def run(connection: Connection) -> None:
        line = Line(connection)
        anna, boris = (
            access.add_user(connection, line.project, f"{name}.{line.project}@example.org", name, Role.AGENT, None, NOON)
            for name in ("Anna", "Boris")
        )
        for one in (anna, boris):
            access.set_grants(connection, one, [line.queue])
        parts = (("Anna", 5, 60), ("Boris", 65, 180), ("PJSIP/9", 245, 30), ("Anna", 275, 30))
        talks = [{"agent": name, "began_at": (NOON + timedelta(seconds=at)).isoformat(), "seconds": told} for name, at, told in parts]
        told = {"talk_seconds": 300, "hold_seconds": 30, "ended_at": (NOON + timedelta(seconds=305)).isoformat()}
        entry = line.call("answered", 5, agents=["Anna"], talks=talks, **told)
        for _ in range(2):
            flow = figures.report(connection, line.viewer, Asked(*DAY, By.AGENT, medium=Medium.VOICE), NOON).rows
            assert {row.key: row.tallies.answered for row in flow} == {str(anna): 1}
            handled = figures.report(connection, line.viewer, Asked(*DAY, By.AGENT, about=About.HANDLING), NOON)
            found = {row.key: (row.tallies.handled, row.tallies.talk_seconds, row.tallies.hold_seconds) for row in handled.rows}
            assert found == {
                str(anna): (1, pytest.approx(81), pytest.approx(9)),
                str(boris): (1, pytest.approx(162), pytest.approx(18)),
                "0": (1, pytest.approx(27), pytest.approx(3)),
            }
            assert handled.total.tallies.hold_seconds == pytest.approx(30)
            time = {each.user_id: (each.talk, each.hold, each.busy) for each in agent_time.of_agents(connection, line.viewer, *DAY, DAY[1])}
            assert time == {anna: (81, 9, 90), boris: (162, 18, 180)}
            calls.note(connection, entry)

    await store.write(run)


async def test_a_late_log_tells_who_came_again(store: Store) -> None:
    """Whoever called within a week of a call that got through came again, in whatever order the calls become known; a missed one is none."""

    def run(connection: Connection) -> None:
        line = Line(connection)
        day = timedelta(days=1)

        def again() -> list[bool | None]:
            ids = sorted((at, entry) for at, entry in came.items())
            rows = dict(connection.execute(select(call_fact.c.interaction_id, call_fact.c.repeated)).all())  # type: ignore[arg-type]
            return [rows[entry] for _, entry in ids]

        came = {at: line.call("answered", 5, at=at) for at in (NOON, NOON + 8 * day)}
        hidden = [line.call("answered", 5, at=at, who=2, number="") for at in (NOON, NOON + day)]
        line.call("answered", 5, at=NOON + day, who=1)
        assert again() == [False, False]
        came[NOON + 4 * day] = line.call("abandoned", 5, at=NOON + 4 * day)
        assert again() == [False, None, False]
        timeline.change(
            connection, came[NOON + 4 * day], facts={"type": "call", "result": "answered", "wait_seconds": 5, "number": "+4930123"}
        )
        calls.note(connection, came[NOON + 4 * day])
        assert again() == [False, True, True]
        found = select(call_fact.c.repeated).where(call_fact.c.interaction_id.in_(hidden))
        assert connection.execute(found).scalars().all() == [None, None], "nobody can know whose call it was"
        timeline.change(connection, came[NOON], cancelled=True)
        calls.note(connection, came.pop(NOON))
        assert again() == [False, True]

    await store.write(run)
