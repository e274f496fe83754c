"""Nothing waits for somebody who is away."""

from datetime import timedelta
from typing import Any

from contact_center.model.acts import Act
from contact_center.model.words import AgentState, PointKind
from contact_center.routing.dispatcher import GRACE
from contact_center.store.repositories import access, work
from contact_center.tickets import replies
from contact_center.tickets.replies import Draft, Sending
from tests.intake.world import KEYS
from tests.routing.conftest import Floor


async def answered_by(floor: Floor, user_id: int) -> tuple[str, int]:
    """A ticket that this agent has answered; the customer has the key to answer to."""
    key, ticket = await floor.desk.mail(f"c{floor.clock().timestamp()}@x")
    await floor.desk.change(ticket, assignee_id=user_id)
    sending = Sending(KEYS, timedelta(0), {"email": PointKind.EMAIL})
    await floor.store.write(replies.reply, Act(floor.clock(), user_id), sending, 1, ticket, Draft("Here."))
    return key, ticket


async def writes_again(floor: Floor, key: str, ticket: int) -> Any:
    sender = (await floor.desk.ticket(ticket)).contact.name
    await floor.desk.mail(sender, key)
    return (await floor.store.read(work.segments, ticket))[-1]


async def test_an_answer_to_somebody_who_is_away_is_offered_to_others(floor: Floor) -> None:
    """After the grace it is nobody's, offered to whoever is free, and the history says so; whose it was is asked first if back."""
    anna, olga = await floor.hire("anna"), await floor.hire("olga", state=AgentState.OFFLINE)
    key, ticket = await answered_by(floor, anna)
    await floor.choose(anna, AgentState.OFFLINE)
    await floor.later(minutes=5)
    stay = await writes_again(floor, key, ticket)
    assert stay["agent_id"] == anna
    await floor.later(seconds=GRACE.total_seconds() - 1)
    await floor.round()
    assert (await floor.desk.ticket(ticket)).assignee_id == anna
    await floor.later(seconds=1)
    assert await floor.round() == []
    assert (await floor.desk.ticket(ticket)).assignee_id is None
    await floor.choose(olga, AgentState.AVAILABLE)
    await floor.later(seconds=5)
    await floor.choose(anna, AgentState.AVAILABLE)
    (offer,) = await floor.round()
    assert (offer.ticket_id, offer.agent_id) == (ticket, anna), "though olga has been idle longer"


async def test_what_was_in_hand_stays_theirs(floor: Floor) -> None:
    """Who had taken a turn before they left keeps it: a break is no reason to lose what one works on."""
    anna = await floor.hire("anna")
    await floor.hire("olga")
    ticket = await floor.ticket()
    await floor.later(seconds=10)
    await floor.desk.change(ticket, assignee_id=anna)
    await floor.choose(anna, AgentState.AUX)
    await floor.later(minutes=30)
    await floor.round()
    assert (await floor.desk.ticket(ticket)).assignee_id == anna


async def test_where_people_pick_it_waits_for_whose_it_is(floor: Floor) -> None:
    """In a queue that offers nothing a ticket is not taken from anybody; nor from who is there."""
    anna = await floor.hire("anna", 1, 2)
    key, ticket = await answered_by(floor, anna)
    await writes_again(floor, key, ticket)
    await floor.later(minutes=10)
    await floor.round()
    assert (await floor.desk.ticket(ticket)).assignee_id == anna
    await floor.desk.change(ticket, queue_id=2)
    await floor.choose(anna, AgentState.OFFLINE)
    await floor.later(minutes=10)
    await floor.round()
    assert (await floor.desk.ticket(ticket)).assignee_id == anna


async def test_a_line_that_was_just_lost(floor: Floor) -> None:
    """What comes while nobody knows yet that the agent is gone does not wait for them either."""
    anna = await floor.hire("anna")
    key, ticket = await answered_by(floor, anna)
    floor.at_console.discard(anna)
    await floor.later(seconds=30)
    await writes_again(floor, key, ticket)
    for _ in range(4):
        await floor.later(seconds=75)
        await floor.round()
    assert (await floor.desk.ticket(ticket)).assignee_id is None


async def test_whoever_does_not_serve_the_queue_leaves_it_behind(floor: Floor) -> None:
    """A ticket that goes to another queue is nobody's there, unless its assignee serves that queue or somebody is named."""
    anna, olga = await floor.hire("anna"), await floor.hire("olga", 1, 2)
    boss = floor.desk.agent
    for assignee, kept in ((anna, None), (olga, olga), (boss, boss)):
        ticket = await floor.ticket()
        await floor.desk.change(ticket, assignee_id=assignee)
        assert (await floor.desk.change(ticket, queue_id=2)).assignee_id == kept
    ticket = await floor.ticket()
    await floor.desk.change(ticket, assignee_id=anna)
    assert (await floor.desk.change(ticket, queue_id=2, assignee_id=olga)).assignee_id == olga
    assert (await floor.store.read(access.viewer_of_user, anna)) is not None
