"""Who is there: every colleague once in all and once in each queue they serve, whatever they do."""

from datetime import timedelta
from typing import Any

from contact_center.model.people import Viewer
from contact_center.model.reports import By
from contact_center.model.words import AgentState, Role
from contact_center.routing import moves
from contact_center.store.repositories import access, team
from tests.routing.conftest import Floor

EVERYTHING = Viewer(0, 1, Role.ADMIN, ())


async def another_queue(floor: Floor) -> int:
    return await floor.store.write(access.add_queue, 1, "Sales", False, floor.clock())


def counted(row: Any) -> tuple[int, int, int, int]:
    return row.tallies.agents, row.tallies.agents_here, row.tallies.agents_available, row.tallies.agents_busy


async def test_everybody_counts_once_in_all_and_in_each_queue(floor: Floor) -> None:
    """Of three, one serves two queues, one is away, and one has left their console: who has work in hand is busy."""
    sales = await another_queue(floor)
    both = await floor.hire("both", 1, sales)
    await floor.hire("away", 1, state=AgentState.AUX)
    left = await floor.hire("left", sales, state=AgentState.OFFLINE)
    floor.at_console.discard(left)
    await floor.renew()
    await floor.ticket()
    (offer,) = await floor.round()
    await floor.accept(offer)
    rows = {row.key: counted(row) for row in (await floor.team(EVERYTHING)).rows}
    assert rows == {"1": (2, 2, 1, 1), "2": (0, 0, 0, 0), str(sales): (2, 1, 1, 1)}
    whole = await floor.team(EVERYTHING)
    assert counted(whole.total) == (3, 2, 1, 1)
    assert whole.total.figures["team.busy"] == 1
    people = await floor.team(EVERYTHING, By.AGENT)
    assert [row.key for row in people.rows if row.tallies.agents_busy] == [str(both)]
    assert sum(row.tallies.agents_here for row in people.rows) == people.total.tallies.agents_here == 2
    assert counted((await floor.team(EVERYTHING, queue_id=sales)).total) == (2, 1, 1, 1)


async def test_a_queue_whose_people_stand_in_elsewhere_has_nobody(floor: Floor) -> None:
    """Nought, and not nothing: else an alert on too few would stay silent at the worst moment."""
    sales = await another_queue(floor)
    anna = await floor.hire("anna")
    await floor.store.write(moves.stand_in, floor.act, 1, anna, [sales], floor.clock() + timedelta(hours=1), [1, sales])
    rows = {row.key: counted(row) for row in (await floor.team(EVERYTHING)).rows}
    assert rows["1"][2] == 0
    assert rows[str(sales)][2] == 1


async def test_a_supervisor_is_told_of_their_own_queues(floor: Floor) -> None:
    """Whom no work of theirs is offered to is in no figure, by whatever it is asked."""
    sales = await another_queue(floor)
    anna, olga = await floor.hire("anna"), await floor.hire("olga", sales)
    viewer = Viewer(anna, 1, Role.SUPERVISOR, (1,))
    assert [each.user_id for each in await floor.store.read(team.members, viewer, floor.clock())] == [anna]
    for by in (By.QUEUE, By.AGENT):
        found = await floor.team(viewer, by)
        assert {row.key for row in found.rows} == {str(anna if by is By.AGENT else 1)}
        assert found.total.tallies.agents == 1
    assert (await floor.team(viewer, agent_id=olga)).total.tallies.agents == 0
