"""Standing in: other queues until an instant, what one sees and is offered meanwhile, and back at the very second."""

from datetime import UTC, datetime, timedelta

import pytest

from contact_center.errors import Invalid
from contact_center.model.acts import Act
from contact_center.model.hours import Calendar, as_spans
from contact_center.model.people import Viewer
from contact_center.model.shift import SkillNeed
from contact_center.model.words import OfferState
from contact_center.routing import moves, standing
from contact_center.store.repositories import access, board, hours, routing, skills
from contact_center.store.repositories.presence import FADES
from tests.routing.conftest import WEIGHTS, Floor


async def viewer(floor: Floor, user_id: int) -> Viewer:
    found = await floor.store.read(access.viewer_of_user, user_id, floor.clock())
    assert found is not None
    return found


async def test_who_stands_in_is_offered_the_other_queue_only(floor: Floor) -> None:
    """They see both, are offered work of the other, and at the very second it is as before: what was on offer goes back."""
    await floor.store.write(access.change_queue, 2, offers=True)
    anna = await floor.hire("anna")
    mine, theirs = await floor.ticket(), await floor.ticket()
    await floor.desk.change(theirs, queue_id=2)
    until = floor.clock() + timedelta(minutes=5)
    user = await floor.store.write(moves.stand_in, floor.act, 1, anna, [2], until, [1, 2])
    assert [(each.queue_id, each.until) for each in user.stand_ins] == [(2, until)]
    assert (await viewer(floor, anna)).queue_ids == (1, 2)
    assert (await viewer(floor, anna)).until == until
    (offer,) = await floor.round()
    assert offer.ticket_id == theirs
    await floor.decline(offer)
    assert await floor.round() == []
    await floor.later(minutes=2, seconds=1)
    (offer,) = await floor.round()
    floor.clock.now = until
    assert (await viewer(floor, anna)).queue_ids == (1,), "exactly, though nobody has looked at the clock yet"
    await floor.round()
    ended = await floor.store.read(routing.find_offer, offer.id)
    assert ended is not None
    assert ended.state is OfferState.WITHDRAWN
    assert [each.ticket_id for each in await floor.round()] == [mine]
    found = await floor.store.read(access.find_user, 1, anna)
    assert found is not None
    assert (found.queue_ids, found.stand_ins) == ((1,), ())


async def test_for_good_is_instead_of_what_one_sees(floor: Floor) -> None:
    """Whoever is moved for good leaves the queues that the mover sees, and keeps the others; what is over cannot begin."""
    third = await floor.store.write(access.add_queue, 1, "Personnel", True, floor.clock())
    anna = await floor.hire("anna", 1, third)
    with pytest.raises(Invalid):
        await floor.store.write(moves.stand_in, floor.act, 1, anna, [2], floor.clock(), [1, 2])
    await floor.store.write(moves.stand_in, floor.act, 1, anna, [2], floor.clock() + timedelta(hours=1), [1, 2])
    user = await floor.store.write(moves.move, floor.act, 1, anna, [2], [1, 2])
    assert (user.queue_ids, user.stand_ins) == ((2, third), ())


async def test_what_others_arranged_stays(floor: Floor) -> None:
    """Who moves somebody, or calls them back, changes nothing in queues that they do not see: another supervisor asked for it there."""
    third = await floor.store.write(access.add_queue, 1, "Personnel", True, floor.clock())
    anna = await floor.hire("anna", 1)
    until = floor.clock() + timedelta(hours=1)
    await floor.store.write(moves.stand_in, floor.act, 1, anna, [third], until, [third])
    for queue_ids, wanted in (([2], [2, third]), ([], [third])):
        user = await floor.store.write(moves.stand_in, floor.act, 1, anna, queue_ids, until, [1, 2])
        assert [each.queue_id for each in user.stand_ins] == sorted(wanted)
    user = await floor.store.write(moves.move, floor.act, 1, anna, [2], [1])
    assert (user.queue_ids, [each.queue_id for each in user.stand_ins]) == ((2,), [third])


async def test_the_end_of_the_shift(floor: Floor) -> None:
    """When the queue closes today, after its last hours; else the midnight of the project."""
    now = datetime(2026, 3, 27, 9, tzinfo=UTC)  # a Friday; on Sunday the clocks of Berlin go forward
    day = as_spans([["08:00", "12:00"], ["13:00", "18:00"]])
    assert await floor.store.read(moves.end_of_shift, 1, [1], now) == datetime(2026, 3, 28, tzinfo=UTC)
    berlin = await floor.store.write(hours.add, 1, "Week", Calendar("Europe/Berlin", (*[day] * 5, (), ())), now)
    assert await floor.store.read(moves.end_of_shift, 1, [1], now) == datetime(2026, 3, 27, 23, tzinfo=UTC)
    await floor.store.write(access.change_queue, 1, calendar_id=berlin)
    assert await floor.store.read(moves.end_of_shift, 1, [1], now) == datetime(2026, 3, 27, 17, tzinfo=UTC)
    assert await floor.store.read(moves.end_of_shift, 1, [1, 2], now.replace(hour=17)) == datetime(2026, 3, 27, 23, tzinfo=UTC)
    assert await floor.store.read(moves.end_of_shift, 1, [1], datetime(2026, 3, 28, 23, 30, tzinfo=UTC)) == datetime(
        2026, 3, 29, 22, tzinfo=UTC
    )


async def test_the_board_says_who_could_take_it(floor: Floor) -> None:
    """Those who are available, have room and what the queue asks for; and of everybody what they hold."""
    anna, _ = await floor.hire("anna"), await floor.hire("olga", 2)

    async def could() -> dict[int, int]:
        now = floor.clock()
        return await floor.store.read(standing.could_take, WEIGHTS, now, now - FADES)

    assert await could() == {1: 1, 2: 1}
    tickets = [await floor.ticket() for _ in range(2)]
    for ticket in tickets:
        await floor.desk.change(ticket, assignee_id=anna)
    assert await could() == {2: 1}
    held = await floor.store.read(board.holding, await viewer(floor, anna), floor.clock())
    assert [turn.ticket_id for turn in held[anna]] == tickets
    french = await floor.store.write(skills.add_skill, 1, "French")
    await floor.store.write(skills.set_of_queue, 2, [SkillNeed(french or 0, 1)])
    assert await could() == {2: 0}


async def test_an_act_of_nobody_moves_nobody(floor: Floor) -> None:
    """Ending what is not over changes nothing."""
    anna = await floor.hire("anna")
    await floor.store.write(moves.stand_in, floor.act, 1, anna, [2], floor.clock() + timedelta(hours=1), [1, 2])
    await floor.store.write(moves.end_over, Act(floor.clock()), 1, anna)
    assert (await viewer(floor, anna)).queue_ids == (1, 2)
