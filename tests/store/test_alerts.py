"""Alerts through the database: an episode begins once, whoever looks, is heard by those who may, and is over when all is well."""

from datetime import timedelta
from typing import Any

import pytest

from contact_center.figures.alerts import Lookout
from contact_center.model.alerts import window
from contact_center.model.figures import BY_ID, FIGURES, About
from contact_center.model.people import Viewer
from contact_center.model.reports import Medium
from contact_center.model.words import Role
from contact_center.store import Connection, Store, journal
from contact_center.store.audience import Reach, for_viewer
from contact_center.store.repositories import alerts
from tests.store.test_board import Desk
from tests.store.test_calls import NOON, Line

MINUTE = timedelta(minutes=1)


class Clock:
    def __init__(self, desk: Desk) -> None:
        self.now = desk.now

    def __call__(self) -> Any:
        return self.now


def said(connection: Connection) -> list[tuple[str, float]]:
    events = [event for event in journal.read_after(connection, 0, 1000) if event.type.startswith("alert.")]
    return [(event.type, event.data["alert"]["firing"]["value"]) for event in events]


async def make(store: Store, **wanted: Any) -> tuple[Desk, int]:
    def run(connection: Connection) -> tuple[Desk, int]:
        desk = Desk(connection, 1)
        values = {"figure": "now.waiting", "queue_id": None, "above": True, "threshold": 2.0, "minutes": 2, "told": [], "sound": False}
        return desk, alerts.add(connection, desk.project, desk.now, active=True, **(values | wanted))

    return await store.write(run)


async def do(store: Store, desk: Desk, *steps: str) -> None:
    def run(connection: Connection) -> None:
        desk.connection = connection
        for step in steps:
            desk.do(step)

    await store.write(run)


async def test_an_episode_begins_once_and_is_over_once(store: Store) -> None:
    """Three wait for two minutes: it is said once, by whichever of two processes looks; well again for two minutes: said once."""
    desk, alert_id = await make(store)
    clock = Clock(desk)
    lookouts = [Lookout(store, f"process {n}", clock) for n in range(2)]

    async def pass_by(minutes: int) -> None:
        for _ in range(minutes * 4):
            clock.now += timedelta(seconds=15)
            for lookout in lookouts:
                await lookout.look()

    await do(store, desk, "open", "open")
    clock.now = desk.now
    await pass_by(5)
    assert await store.read(said) == []
    await do(store, desk, "open")
    await pass_by(1)
    assert await store.read(said) == [], "not yet for two minutes"
    await pass_by(4)
    assert await store.read(said) == [("alert.began", 3)]
    await do(store, desk, "open")
    await pass_by(1)
    (firing,) = await store.read(alerts.firings, alert_id, None, 10)
    assert (firing.value, firing.last_value, firing.ended_at) == (3, 4, None)
    await do(store, desk, *["answer"] * 30)
    await pass_by(1)
    assert len(await store.read(said)) == 1, "not well for two minutes yet"
    await pass_by(3)
    assert await store.read(said) == [("alert.began", 3), ("alert.ended", 3)]
    (firing,) = await store.read(alerts.firings, alert_id, None, 10)
    assert firing.ended_at is not None and firing.ended_at > firing.began_at


async def test_switched_off_it_is_over(store: Store) -> None:
    """Whoever changes an alert or switches it off ends its episode, and it is looked at afresh."""
    desk, alert_id = await make(store, minutes=0, threshold=0.0)
    clock = Clock(desk)
    await do(store, desk, "open")
    clock.now = desk.now
    lookout = Lookout(store, "one", clock)
    await lookout.look()
    assert await store.read(said) == [("alert.began", 1)]
    await store.write(lambda connection: alerts.change(connection, alert_id, clock.now, active=False))
    clock.now += 10 * MINUTE
    await lookout.look()
    found = await store.read(alerts.by_id, alert_id)
    assert found is not None and found.firing is None
    assert len(await store.read(said)) == 1


async def test_running_figures_are_those_of_the_hour(store: Store) -> None:
    """Per queue and for the whole centre, figures of what began in the last hour, and of what stands now."""
    desk, _ = await make(store)
    await do(store, desk, "open", "open", "open")
    found = await store.read(
        alerts.running, desk.project, desk.now, [(name, None) for name in ("now.waiting", "now.longest", "volume.entered")]
    )
    alone = await store.read(alerts.running, desk.project, desk.now, [("volume.answered", None)])
    assert alone == {("volume.answered", None, queue): 0 for queue in (*desk.queues, None)}, "nobody answers: nought, and not nothing"
    assert found["now.waiting", None, None] == 3
    assert sum(found.get(("now.waiting", None, queue), 0) or 0 for queue in desk.queues) == 3
    longest = found["now.longest", None, None]
    assert longest is not None and longest == max(found.get(("now.longest", None, queue)) or 0 for queue in desk.queues)
    entered = found["volume.entered", None, None]
    assert entered is not None and 1 <= entered <= 3


@pytest.mark.parametrize(
    ("role", "queues", "told", "queue", "hears"),
    [
        (Role.SUPERVISOR, (7,), [], 7, True),
        (Role.SUPERVISOR, (8,), [], 7, False),
        (Role.AGENT, (7,), [], 7, False),
        (Role.AGENT, (7,), [3], 7, True),
        (Role.SUPERVISOR, (7,), [4], 7, False),
        (Role.AGENT, (8,), [3], 7, False),
        (Role.SUPERVISOR, (7,), [3], None, False),
        (Role.ADMIN, (), [], None, True),
    ],
)
def test_who_hears_of_it(role: Role, queues: tuple[int, ...], told: list[int], queue: int | None, hears: bool) -> None:
    """Supervisors who see the queue, or whoever is named and sees it; of the whole centre those who see all of it."""
    from contact_center.model.events import Recorded

    data = {"alert": {"queue_id": queue, "told": told}}
    event = Recorded(1, "alert.began", None, None, 1, queue, None, None, None, queue is None, data)  # type: ignore[arg-type]
    assert (for_viewer(event, Viewer(3, 1, role, queues), Reach(), None) is not None) is hears


async def test_every_figure_runs(store: Store) -> None:
    """Whatever the registry knows has a value, or none where nothing can be divided, in every queue it can be of, and in the centre."""
    desk, _ = await make(store)
    await do(store, desk, *("open", "assign", "answer", "resolve") * 6)
    ids = [(figure.id, None) for figure in FIGURES]
    found = await store.read(alerts.running, desk.project, desk.now, ids)
    places = {figure.id: (None,) if figure.about is About.TIME else (*desk.queues, None) for figure in FIGURES}
    assert set(found) == {(name, None, place) for name, where in places.items() for place in where}
    for each in ids:
        assert found == found | await store.read(alerts.running, desk.project, desk.now, [each]), "alone as beside others"
    assert found["resolution.resolved", None, None] == sum(found["resolution.resolved", None, queue] or 0 for queue in desk.queues)
    assert found["day.answered", None, None] is not None and found["team.agents", None, None] is not None
    assert window(BY_ID["now.waiting"]) is None
    assert window(BY_ID["fcr"]) == timedelta(days=14)


async def test_calls_and_mail_are_watched_apart(store: Store) -> None:
    """A queue that answers its calls at once and its mail never: each has a service level of its own, and together neither is seen."""

    def run(connection: Connection) -> None:
        line = Line(connection)
        line.call("answered", 5)
        line.call("abandoned", 60)
        desk = Desk(connection, 1)
        desk.project, desk.queues, desk.now = line.project, [line.queue], NOON - MINUTE
        desk.who = line.people[0]
        desk.do("open")
        watched = [("volume.entered", medium) for medium in (None, Medium.TEXT, Medium.VOICE)] + [("service_level.standard", Medium.VOICE)]
        found = alerts.running(connection, line.project, desk.now + MINUTE, watched)
        assert {name: value for name, value in found.items() if name[2] == line.queue} == {
            ("volume.entered", None, line.queue): 3,
            ("volume.entered", Medium.TEXT, line.queue): 1,
            ("volume.entered", Medium.VOICE, line.queue): 2,
            ("service_level.standard", Medium.VOICE, line.queue): 0.5,
        }

    await store.write(run)


async def test_an_alert_on_calls_rings_for_calls(store: Store) -> None:
    """Two mails are no reason to ring where calls are watched."""
    desk, alert_id = await make(store, figure="volume.entered", medium=Medium.VOICE, threshold=0.0, minutes=0)
    clock = Clock(desk)
    await do(store, desk, "open", "open")
    clock.now = desk.now
    lookout = Lookout(store, "one", clock)
    await lookout.look()
    assert await store.read(said) == []
    found = await store.read(alerts.by_id, alert_id)
    assert found is not None and found.medium is Medium.VOICE
