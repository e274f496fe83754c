"""Writing up: who has answered is offered nothing until it is done, and what was said of it stands on the stay."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contact_center.errors import Conflict, Invalid, NotFound
from contact_center.model.acts import Act
from contact_center.model.figures import About
from contact_center.model.people import Viewer
from contact_center.model.reports import Asked, By
from contact_center.model.shift import WrapUp
from contact_center.model.words import PointKind, Role, Status, WorkState, WrapEnd
from contact_center.routing import offers, wrap_ups
from contact_center.routing.wrap_ups import WriteUp
from contact_center.store.repositories import access, figures, handling, reasons, work
from contact_center.tickets import lifecycle, replies
from contact_center.tickets.lifecycle import TicketPatch
from contact_center.tickets.replies import Draft, Sending
from tests.intake.world import KEYS
from tests.routing.conftest import WEIGHTS, Floor

SENDING = Sending(KEYS, timedelta(0), {"email": PointKind.EMAIL})


async def answer(floor: Floor, user_id: int, ticket: int, status: Status = Status.WAITING) -> Any:
    act = Act(floor.clock(), user_id)
    return await floor.store.write(replies.reply, act, SENDING, 1, ticket, Draft("Here.", status=status))


async def wraps(floor: Floor, user_id: int) -> list[WrapUp]:
    return await floor.store.read(handling.wraps_of_agent, user_id)


async def say(floor: Floor, user_id: int, wrap: WrapUp, **said: Any) -> WrapUp:
    return await floor.store.write(wrap_ups.write_up, Act(floor.clock(), user_id), 1, user_id, wrap.id, WriteUp(**said))


async def stay(floor: Floor, ticket: int) -> Any:
    return (await floor.store.read(work.segments, ticket))[-1]


async def wants(floor: Floor, **queue: Any) -> None:
    await floor.store.write(access.change_queue, 1, **({"wrap_seconds": 60} | queue))


async def worked(floor: Floor, user_id: int) -> list[tuple[str, datetime, datetime | None]]:
    rows = await floor.store.read(handling.of_agent, user_id)
    return [(row["kind"], row["started_at"], row["ended_at"]) for row in rows]


async def test_nothing_is_offered_until_it_is_written_up(floor: Floor) -> None:
    """The answer begins the wrap-up, nothing is offered meanwhile, and whoever is done gets the next at once."""
    await wants(floor)
    anna = await floor.hire("anna")
    first = await floor.ticket()
    await floor.accept((await floor.round())[0])
    second = await floor.ticket()
    (offer,) = await floor.round()
    await answer(floor, anna, first)
    assert (await stay(floor, first))["state"] == WorkState.WRAPPING
    assert await floor.round() == [], "what was on offer goes back"
    (wrap,) = await wraps(floor, anna)
    assert (wrap.ticket_id, wrap.until) == (first, floor.clock() + timedelta(seconds=60))
    assert not await floor.store.write(
        offers.make, floor.act, WEIGHTS, timedelta(seconds=45), (await stay(floor, second))["id"], anna, "email"
    )
    began = floor.clock()
    await floor.later(seconds=20)
    done = await say(floor, anna, wrap, done=True)
    assert (done.end, done.until) == (WrapEnd.DONE, floor.clock())
    assert (await stay(floor, first))["state"] == WorkState.DONE
    assert [each.ticket_id for each in await floor.round()] == [second]
    assert await worked(floor, anna) == [("wrap", began, floor.clock())]
    with pytest.raises(Conflict):
        await say(floor, anna, wrap, done=True)
    assert offer.ticket_id == second


async def test_whoever_writes_up_has_something_in_hand(floor: Floor) -> None:
    """On the board of those who are available the one who writes up is as busy as before the answer, and free when it is done."""
    await wants(floor)
    anna, _ = await floor.hire("anna"), await floor.hire("olga")
    viewer = Viewer(anna, 1, Role.SUPERVISOR, (1,))
    assert await floor.busy(viewer) == 0
    ticket = await floor.ticket()
    await answer(floor, anna, ticket)
    (wrap,) = await wraps(floor, anna)
    assert await floor.busy(viewer) == 0.5
    await say(floor, anna, wrap, done=True)
    assert await floor.busy(viewer) == 0


async def test_the_clock_ends_it_at_its_very_second(floor: Floor) -> None:
    """However late somebody looks, it ended when its time was up; without what the queue wants it says so."""
    await wants(floor, wants_reason=True)
    anna = await floor.hire("anna")
    ticket = await floor.ticket()
    await answer(floor, anna, ticket)
    (wrap,) = await wraps(floor, anna)
    with pytest.raises(Invalid):
        await say(floor, anna, wrap, done=True)
    await floor.later(seconds=90)
    await floor.round()
    ended = await stay(floor, ticket)
    assert (ended["wrap_end"], ended["wrap_until"], ended["reason_id"]) == (WrapEnd.NOT_GIVEN, wrap.until, None)
    assert await worked(floor, anna) == [("wrap", wrap.started_at, wrap.until)]
    again = await floor.ticket()
    reason = await floor.store.write(reasons.add_reason, 1, "Delivery", None)
    await answer(floor, anna, again)
    (wrap,) = await wraps(floor, anna)
    await say(floor, anna, wrap, reason_id=reason)
    await floor.later(seconds=90)
    await floor.round()
    ended = await stay(floor, again)
    assert (ended["wrap_end"], ended["reason_id"]) == (WrapEnd.TIME_UP, reason)
    asked = Asked(floor.clock() - timedelta(hours=1), floor.clock() + timedelta(minutes=1), By.AGENT, about=About.HANDLING)
    report = await floor.store.read(figures.report, Viewer(anna, 1, Role.ADMIN, ()), asked, floor.clock())
    assert [(row.key, row.tallies.handled, row.tallies.not_given) for row in report.rows] == [(str(anna), 2, 1)]


async def test_what_was_said_stands_on_the_stay(floor: Floor) -> None:
    """A reason becomes the ticket's, and the ticket's is the stay's; what the ticket is about later restates nothing."""
    await wants(floor, wants_reason=True, wants_disposition=True)
    anna = await floor.hire("anna")
    ticket = await floor.ticket()
    delivery = await floor.store.write(reasons.add_reason, 1, "Delivery", None)
    late = await floor.store.write(reasons.add_reason, 1, "Late", delivery)
    solved = await floor.store.write(reasons.add_disposition, 1, "Solved")
    await answer(floor, anna, ticket)
    (wrap,) = await wraps(floor, anna)
    for wrong in ({"reason_id": 99}, {"disposition_id": 99}):
        with pytest.raises(Invalid):
            await say(floor, anna, wrap, **wrong)
    with pytest.raises(NotFound):
        await say(floor, anna + 1, wrap, done=True)
    await say(floor, anna, wrap, reason_id=late, disposition_id=solved, done=True)
    assert (await floor.desk.ticket(ticket)).reason_id == late
    await floor.desk.change(ticket, reason_id=delivery)
    noted = await stay(floor, ticket)
    assert (noted["reason_id"], noted["disposition_id"], noted["wrap_end"]) == (late, solved, WrapEnd.DONE)


async def test_the_header_says_it_too(floor: Floor) -> None:
    """A reason that is set in the ticket while it is written up is the stay's; one set before is there already."""
    await wants(floor, wants_reason=True)
    anna = await floor.hire("anna")
    ticket = await floor.ticket()
    reason = await floor.store.write(reasons.add_reason, 1, "Delivery", None)
    await answer(floor, anna, ticket)
    await floor.store.write(lifecycle.change, Act(floor.clock(), anna), 1, ticket, TicketPatch(reason_id=reason))
    (wrap,) = await wraps(floor, anna)
    assert wrap.reason_id == reason
    await say(floor, anna, wrap, done=True)
    other = await floor.ticket()
    await floor.store.write(lifecycle.change, Act(floor.clock(), anna), 1, other, TicketPatch(reason_id=reason))
    await answer(floor, anna, other)
    assert (await wraps(floor, anna))[0].reason_id == reason


async def test_an_answer_that_was_called_back_is_not_written_up(floor: Floor) -> None:
    """The wrap-up goes with the answer, whether it lasts or is over, and begins anew with the next."""
    await wants(floor)
    anna = await floor.hire("anna")
    ticket = await floor.ticket()
    entry = await answer(floor, anna, ticket)
    await floor.later(seconds=5)
    await floor.store.write(replies.call_back, Act(floor.clock(), anna), 1, entry.id)
    again = await stay(floor, ticket)
    assert (again["state"], again["ended_at"], again["wrap_until"], again["wrap_end"]) == (WorkState.ASSIGNED, None, None, None)
    assert await wraps(floor, anna) == []
    entry = await answer(floor, anna, ticket)
    (wrap,) = await wraps(floor, anna)
    await say(floor, anna, wrap, done=True)
    await floor.store.write(replies.call_back, Act(floor.clock(), anna), 1, entry.id)
    again = await stay(floor, ticket)
    assert (again["state"], again["wrap_until"], again["wrap_end"]) == (WorkState.ASSIGNED, None, None)


async def test_only_who_had_it_writes_it_up(floor: Floor) -> None:
    """Somebody who answers in a colleague's stead, and somebody who settles what nobody had, write up nothing."""
    await wants(floor)
    anna, olga = await floor.hire("anna"), await floor.hire("olga")
    ticket, other = await floor.ticket(), await floor.ticket()
    await floor.store.write(lifecycle.change, floor.act, 1, ticket, TicketPatch(assignee_id=olga))
    await answer(floor, anna, ticket)
    await floor.store.write(lifecycle.change, Act(floor.clock(), anna), 1, other, TicketPatch(status=Status.RESOLVED))
    assert await wraps(floor, anna) == await wraps(floor, olga) == []


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["answer", "done", "undo", "round"]), st.integers(0, 70)), max_size=25))
async def test_wrap_ups_never_overlap(floor: Floor, steps: list[tuple[str, int]]) -> None:
    """Whatever an agent answers, writes up, calls back and lets run out: one stretch at a time, within what each was given, and
    one lasts exactly as long as something is written up."""
    await wants(floor)
    anna = await floor.hire(f"anna{floor.clock().timestamp()}")
    sent: list[Any] = []
    for what, seconds in steps:
        await floor.later(seconds=seconds)
        if what == "answer":
            sent.append(await answer(floor, anna, await floor.ticket()))
        elif what == "done" and (open_ones := await wraps(floor, anna)):
            await say(floor, anna, open_ones[seconds % len(open_ones)], done=True)
        elif what == "undo" and sent:
            await floor.store.write(replies.call_back, Act(floor.clock(), anna), 1, sent.pop().id)
        else:
            await floor.dispatcher.look_at_the_clock()
        rows = await worked(floor, anna)
        assert all(end is not None and end <= start for (_, _, end), (_, start, _) in pairwise(rows))
        assert all(end is None or timedelta(0) <= end - begin <= timedelta(seconds=60) for _, begin, end in rows)
        assert bool(await wraps(floor, anna)) == any(end is None for _, _, end in rows)
    floor.clock.now += timedelta(minutes=2)
    await floor.dispatcher.look_at_the_clock()
    assert await wraps(floor, anna) == []
