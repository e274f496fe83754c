"""A floor of agents on both engines: mails come in, people sign in, the dispatcher is called by hand."""

from datetime import timedelta

import pytest

from contact_center.model.acts import Act
from contact_center.model.figures import About
from contact_center.model.people import Viewer
from contact_center.model.reports import Asked, By, Report
from contact_center.model.routing import AgentNow, Offer
from contact_center.model.words import AgentState, Role
from contact_center.routing import offers, states
from contact_center.routing.dispatcher import Dispatcher
from contact_center.routing.offers import Weights
from contact_center.store import Connection, Store
from contact_center.store.repositories import access, figures, presence, routing
from tests.intake.world import make_world
from tests.tickets.test_threading import Desk

WEIGHTS = Weights({"telephony": 100}, 50)


class Floor:
    """Agents at one desk. Mails weigh 50, so each agent has room for two."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.store: Store = desk.store
        self.clock = desk.clock
        self.dispatcher = Dispatcher(self.store, WEIGHTS, self.clock)
        self.at_console: set[int] = set()
        self._mails = 0

    @property
    def act(self) -> Act:
        return Act(self.clock())

    async def hire(self, name: str, *queue_ids: int, state: AgentState = AgentState.AVAILABLE) -> int:
        """An agent of these queues (of the first, unless said), at a console, in this state."""
        user_id = await self.store.write(access.add_user, 1, f"{name}@example.com", name, Role.AGENT, None, self.clock())
        await self.store.write(access.set_grants, user_id, list(queue_ids or (1,)))
        self.at_console.add(user_id)
        await self.renew()
        await self.choose(user_id, state)
        return user_id

    async def renew(self) -> None:
        """Consoles that are open say so."""
        await self.store.write(presence.note, "test", sorted(self.at_console), self.clock())

    async def team(self, viewer: Viewer, by: By = By.QUEUE, **narrowed: int) -> Report:
        """Who is there now."""
        asked = Asked(self.clock(), self.clock(), by, about=About.TEAM, **narrowed)
        return await self.store.read(figures.report, viewer, asked, self.clock())

    async def busy(self, viewer: Viewer) -> float | None:
        """Of the available, the part with work in hand."""
        return (await self.team(viewer)).total.figures["team.busy"]

    async def choose(self, user_id: int, state: AgentState, code_id: int | None = None, *, after_work: bool = False) -> AgentNow:
        act = Act(self.clock(), user_id)
        return await self.store.write(states.choose, act, 1, user_id, state, code_id, after_work=after_work)

    async def ticket(self, sender: str = "") -> int:
        """A customer writes; returns the ticket."""
        self._mails += 1
        _, ticket_id = await self.desk.mail(sender or f"customer{self._mails}@x")
        return int(ticket_id)

    async def round(self) -> list[Offer]:
        """Let time and work be looked at once; returns what is on offer then."""
        await self.renew()
        await self.dispatcher.look_at_the_clock()
        while await self.dispatcher.offer():
            pass
        return await self.offers()

    async def offers(self) -> list[Offer]:
        """All that is on offer."""
        return await self.store.read(_all_offers)

    async def accept(self, offer: Offer) -> None:
        await self.store.write(offers.accept, Act(self.clock(), offer.agent_id), 1, offer.agent_id, offer.id)

    async def decline(self, offer: Offer) -> None:
        await self.store.write(offers.decline, Act(self.clock(), offer.agent_id), offer.agent_id, offer.id)

    async def state(self, user_id: int) -> AgentState:
        now = await self.store.read(routing.state_of, user_id)
        return now.state if now else AgentState.OFFLINE

    async def later(self, **delta: float) -> None:
        """Time goes by while the consoles stay open."""
        until = self.clock() + timedelta(**delta)
        while self.clock() < until:
            self.clock.now = min(until, self.clock() + timedelta(seconds=15))
            await self.renew()


def _all_offers(connection: Connection) -> list[Offer]:
    return routing.open_offers(connection, access.viewer(connection, 1, 1, Role.ADMIN))


@pytest.fixture
async def floor(store: Store) -> Floor:
    """A desk whose first queue offers its work for thirty seconds; a second queue, Billing, where people pick."""
    world = await make_world(store)
    desk = Desk(world, await store.write(access.add_user, 1, "boss@x", "Boss", Role.ADMIN, None, world.clock()))
    await store.write(access.add_queue, 1, "Billing", False, world.clock())
    await store.write(access.change_queue, 1, offers=True, offer_seconds=30)
    return Floor(desk)
