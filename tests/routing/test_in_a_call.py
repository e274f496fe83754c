"""Whoever talks on the telephone is busy and is there: as far as the telephone system tells it while it happens."""

from datetime import timedelta
from typing import Any

from contact_center.model.people import Viewer
from contact_center.model.words import AgentState, Direction, OfferState, Role
from contact_center.routing.dispatcher import GRACE
from contact_center.store import Connection
from contact_center.store.repositories import board, calls, routing, timeline
from contact_center.tickets import entries
from tests.routing.conftest import Floor


class Telephone:
    """A line on which one colleague talks."""

    def __init__(self, floor: Floor, name: str) -> None:
        self.floor = floor
        self.facts: dict[str, Any] = {"type": "call", "result": "answered", "wait_seconds": 3, "agents": [name], "number": "+7"}
        self.entry = 0

    async def answers(self) -> None:
        def run(connection: Connection) -> int:
            contact = entries.get(connection, 1).contact.id
            entry = entries.add_entry(
                connection, self.floor.act, project_id=1, contact_id=contact, ticket=None, kind="telephony", direction=Direction.IN,
                text="", queue_id=1, facts=self.facts,
            )  # fmt: skip
            calls.note(connection, entry.id)
            return entry.id

        self.entry = await self.floor.store.write(run)

    async def hands_on_to(self, name: str) -> None:
        """Thirty seconds after the first had answered."""
        began = self.floor.clock() - timedelta(seconds=27)
        talks = [
            {"agent": self.facts["agents"][0], "began_at": began.isoformat(), "seconds": 27},
            {"agent": name, "began_at": self.floor.clock().isoformat(), "seconds": None},
        ]
        self.facts |= {"agents": [*self.facts["agents"], name], "talks": talks}

        def run(connection: Connection) -> None:
            timeline.change(connection, self.entry, facts=self.facts)
            calls.note(connection, self.entry)

        await self.floor.store.write(run)

    async def hangs_up(self) -> None:
        ended = self.facts | {"ended_at": self.floor.clock().isoformat(), "talk_seconds": 60}

        def run(connection: Connection) -> None:
            timeline.change(connection, self.entry, facts=ended)
            calls.note(connection, self.entry)

        await self.floor.store.write(run)


async def test_who_talks_is_offered_nothing_until_they_hang_up(floor: Floor) -> None:
    """Not offered, shown as in a call and busy; and the turn is theirs at once when they are free again."""
    anna = await floor.hire("anna")
    await floor.ticket()
    line = Telephone(floor, "anna")
    await line.answers()
    await floor.later(seconds=30)
    boris = await floor.hire("boris")
    await line.hands_on_to("boris")
    viewer = Viewer(anna, 1, Role.ADMIN, ())
    assert await floor.store.read(board.in_call, viewer, floor.clock()) == {boris: floor.clock()}
    await floor.ticket()
    assert {offer.agent_id for offer in await floor.round()} == {anna}
    await line.hangs_up()
    assert boris in {offer.agent_id for offer in await floor.round()}


async def test_an_offer_is_taken_back_when_the_telephone_is_answered(floor: Floor) -> None:
    """Nobody is blamed for not taking what was offered while they talked."""
    await floor.hire("anna")
    await floor.ticket()
    (offer,) = await floor.round()
    await Telephone(floor, "anna").answers()
    await floor.round()
    found = await floor.store.read(routing.find_offer, offer.id)
    assert found is not None
    assert found.state is OfferState.WITHDRAWN


async def test_a_lost_console_drops_nobody_in_a_call(floor: Floor) -> None:
    """However long the console is gone they stay signed in while they talk, and are offline when they have hung up and are not back."""
    anna = await floor.hire("anna")
    await floor.ticket()
    line = Telephone(floor, "anna")
    await line.answers()
    floor.at_console.discard(anna)
    await floor.round()
    await floor.later(seconds=GRACE.total_seconds() + 60)
    await floor.round()
    assert await floor.state(anna) is AgentState.AVAILABLE
    await line.hangs_up()
    await floor.later(seconds=1)
    await floor.round()
    assert await floor.state(anna) is AgentState.OFFLINE


async def test_a_state_asked_for_begins_after_the_call(floor: Floor) -> None:
    """A break that somebody asks for while they talk begins when they have hung up."""
    anna = await floor.hire("anna")
    await floor.ticket()
    line = Telephone(floor, "anna")
    await line.answers()
    assert (await floor.choose(anna, AgentState.OFFLINE, after_work=True)).state is AgentState.AVAILABLE
    await floor.round()
    assert await floor.state(anna) is AgentState.AVAILABLE
    await line.hangs_up()
    await floor.round()
    assert await floor.state(anna) is AgentState.OFFLINE


async def test_a_hang_up_that_nobody_told_of_blocks_nobody_for_ever(floor: Floor) -> None:
    """After four hours of talk a call is over, as far as offers are concerned."""
    anna = await floor.hire("anna")
    await floor.ticket()
    await Telephone(floor, "anna").answers()
    assert await floor.round() == []
    await floor.later(hours=4, seconds=4)
    assert [offer.agent_id for offer in await floor.round()] == [anna]
