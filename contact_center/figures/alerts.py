"""Looks at the running figures every five seconds and says when an alert begins and when it is over.

How each alert stands is kept in its row, so that whichever process looks next goes on from there; an episode begins once, whoever looks.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from contact_center.errors import ContactCenterError
from contact_center.model.acts import Act
from contact_center.model.alerts import Alert, Turn, Watched, look
from contact_center.model.events import AlertBegan, AlertEnded, Event
from contact_center.store import Connection, Store, journal
from contact_center.store.repositories import alerts, channels
from contact_center.store.repositories.alerts import Standing

logger = structlog.get_logger(__name__)

LEASE = "alerts"
LEASE_TTL = timedelta(seconds=40)
LOOK_SECONDS = 5.0


class Lookout:
    """One of each process; the lease lets one of them look."""

    def __init__(self, store: Store, holder: str, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._holder = holder
        self._clock = clock

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.look()
            except ContactCenterError as error:
                logger.warning("alerts.waiting", error=error.message)
            except Exception as error:
                logger.error("alerts.stuck", error=repr(error), exc_info=error)
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """One look at everything that is watched; nothing is read while nothing is."""
        now = self._clock()
        if not await self._store.read(alerts.standing):
            return
        if await self._store.write(channels.take_lease, LEASE, self._holder, now, LEASE_TTL) is None:
            return
        for standing, value in await self._store.read(_figures, now):
            await self._store.write(settle, Act(now), standing, value)


def _figures(connection: Connection, now: datetime) -> list[tuple[Standing, float | None]]:
    """What changes or lasts, with the value its figure has now."""
    watched = alerts.standing(connection)
    wanted: dict[int, set[alerts.Watching]] = {}
    for each in watched:
        wanted.setdefault(each.project_id, set()).add((each.alert.figure, each.alert.medium))
    running = {project: alerts.running(connection, project, now, only) for project, only in wanted.items()}
    found = []
    for each in watched:
        value = running[each.project_id].get((each.alert.figure, each.alert.medium, each.alert.queue_id)) if each.alert.active else None
        if each.watched.firing or look(each.alert, each.watched, value, now) != (each.watched, Turn.NOTHING):
            found.append((each, value))
    return found


def settle(connection: Connection, act: Act, standing: Standing, value: float | None) -> Turn:
    """Keep what a look made of an alert, and say so when it begins or is over."""
    alert = standing.alert
    becomes, turn = look(alert, standing.watched, value, act.now)
    if becomes != standing.watched and not alerts.note(connection, alert.id, standing.watched, becomes):
        return Turn.NOTHING  # somebody changed it at this moment: the next look sees
    if turn is Turn.BEGAN:
        assert value is not None
        if not alerts.begin(connection, alert.id, value, act.now):
            return Turn.NOTHING
        _say(connection, act, standing.project_id, alerts.by_id(connection, alert.id), began=True)
    elif turn is Turn.ENDED:
        ended = replace(alert, firing=replace(alert.firing, ended_at=act.now)) if alert.firing is not None else alert
        if not alerts.end(connection, alert.id, act.now):
            return Turn.NOTHING
        _say(connection, act, standing.project_id, ended, began=False)
    elif becomes.firing and becomes.within_since is None and value is not None and _moved(alert, value):
        alerts.still(connection, alert.id, value)
    return turn


def _moved(alert: Alert, value: float) -> bool:
    return alert.firing is None or alert.firing.last_value != value


def _say(connection: Connection, act: Act, project_id: int, alert: Alert | None, *, began: bool) -> None:
    assert alert is not None
    data = AlertBegan(alert) if began else AlertEnded(alert)
    event = Event(data, project_id, queue_id=alert.queue_id, admins_only=alert.queue_id is None)
    journal.append(connection, event, at=act.now)


__all__ = ["Lookout", "Watched", "settle"]
