"""The matcher: nobody idle beside work they could do, nobody starves, nobody gets more than they can hold."""

from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from contact_center.model.words import Priority
from contact_center.routing.matcher import HEAD_START, Agent, Match, Need, Waiting, fits, match, rank

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CHANNELS = ("email", "sms", "telephony")
WEIGHTS = (25, 50, 100)


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def an_agent(number: int, *, idle: float = 1, free: int = 100, queues: tuple[int, ...] = (1,), **more: object) -> Agent:
    return Agent(number, frozenset(queues), free, ago(idle), **more)  # type: ignore[arg-type]


def an_item(
    number: int, *, waited: float = 1, queue: int = 1, weight: int = 100, priority: Priority = Priority.NORMAL, **more: object
) -> Waiting:
    return Waiting(number, queue, str(more.pop("channel", "email")), weight, priority, ago(waited), **more)  # type: ignore[arg-type]


needs = st.builds(Need, st.integers(1, 3), st.integers(1, 10), st.sampled_from([0, 30, 600]))
agents = st.lists(
    st.builds(
        Agent,
        id=st.integers(1, 9),
        queue_ids=st.frozensets(st.integers(1, 3)),
        free=st.integers(-25, 100),
        idle_since=st.integers(0, 60).map(ago),
        channels_off=st.frozensets(st.sampled_from(CHANNELS)),
        skills=st.dictionaries(st.integers(1, 3), st.integers(1, 10)),
    ),
    max_size=8,
    unique_by=lambda agent: agent.id,
)
items = st.lists(
    st.builds(
        Waiting,
        segment_id=st.integers(1, 99),
        queue_id=st.integers(1, 3),
        channel=st.sampled_from(CHANNELS),
        weight=st.sampled_from(WEIGHTS),
        priority=st.sampled_from(Priority),
        waiting_since=st.integers(0, 600).map(ago),
        owner_id=st.none() | st.integers(1, 9),
        needs=st.lists(needs, max_size=2).map(tuple),
        not_to=st.frozensets(st.integers(1, 9), max_size=3),
    ),
    max_size=20,
    unique_by=lambda item: item.segment_id,
)


@given(agents, items)
def test_no_agent_stands_idle_beside_work_they_could_do(free: list[Agent], waiting: list[Waiting]) -> None:
    """Whatever is left waits because nobody who is left may take it."""
    matches = match(free, waiting, NOW)
    taken, busy = {found.segment_id for found in matches}, {found.agent_id for found in matches}
    idle = [agent for agent in free if agent.id not in busy]
    assert not [(a.id, i.segment_id) for i in waiting if i.segment_id not in taken for a in idle if fits(a, i, NOW)]


@given(agents, items)
def test_nothing_goes_to_two_and_nobody_gets_what_they_may_not(free: list[Agent], waiting: list[Waiting]) -> None:
    """Each item goes to one agent, each agent gets one item, and has the right, the skill and the room for it."""
    matches = match(free, waiting, NOW)
    assert len({found.segment_id for found in matches}) == len(matches) == len({found.agent_id for found in matches})
    by_id, items_by_id = {agent.id: agent for agent in free}, {item.segment_id: item for item in waiting}
    assert all(fits(by_id[found.agent_id], items_by_id[found.segment_id], NOW) for found in matches)


@given(agents, items)
def test_whoever_waits_longer_is_not_overtaken(free: list[Agent], waiting: list[Waiting]) -> None:
    """What is left could not have been put in the place of anything of a later rank."""
    taken = {found.segment_id: found.agent_id for found in match(free, waiting, NOW)}
    by_id = {agent.id: agent for agent in free}
    for item in (item for item in waiting if item.segment_id not in taken):
        later = [other for other in waiting if other.segment_id in taken and rank(other) > rank(item)]
        assert not [other for other in later if fits(by_id[taken[other.segment_id]], item, NOW)]


@given(agents, items, st.randoms(use_true_random=False))
def test_the_order_of_reading_does_not_matter(free: list[Agent], waiting: list[Waiting], random: Random) -> None:
    """The same agents and the same work give the same matches, however the database lists them."""
    found = match(free, waiting, NOW)
    random.shuffle(free)
    random.shuffle(waiting)
    assert match(free, waiting, NOW) == found


def test_the_owner_comes_first_and_then_whoever_is_idle_longest() -> None:
    """An owner who can take it gets it; without one it goes to the longest idle."""
    free = [an_agent(1, idle=5), an_agent(2, idle=50)]
    assert match(free, [an_item(7, owner_id=1)], NOW) == [Match(7, 1)]
    assert match(free, [an_item(7)], NOW) == [Match(7, 2)]
    assert match([an_agent(1, free=0), an_agent(2)], [an_item(7, owner_id=1)], NOW) == [Match(7, 2)]


def test_each_agent_is_asked_one_thing_at_a_time() -> None:
    """Two mails go to two agents, though the first has been idle longer and has room for both; the third waits for an answer."""
    free = [an_agent(1, idle=50), an_agent(2, idle=5)]
    assert match(free, [an_item(n, weight=25, waited=9 - n) for n in (1, 2, 3)], NOW) == [Match(1, 1), Match(2, 2)]


def test_a_priority_is_a_head_start_and_no_wall() -> None:
    """An urgent item overtakes what has waited less than its head start, and nothing that has waited longer."""
    hours = HEAD_START[Priority.URGENT].total_seconds() / 3600
    urgent = an_item(1, waited=0, priority=Priority.URGENT)
    assert match([an_agent(1)], [urgent, an_item(2, waited=60 * hours - 1)], NOW) == [Match(1, 1)]
    assert match([an_agent(1)], [urgent, an_item(2, waited=60 * hours + 1)], NOW) == [Match(2, 1)]


def test_a_skill_is_asked_for_less_the_longer_somebody_waits() -> None:
    """Level 8 at first; a level less each minute; at last anybody in the queue will do."""
    need = (Need(5, 8, 60),)
    expert, beginner = an_agent(1, idle=1, skills={5: 8}), an_agent(2, idle=9, skills={5: 3})
    assert match([expert, beginner], [an_item(7, waited=0, needs=need)], NOW) == [Match(7, 1)]
    assert match([beginner], [an_item(7, waited=4, needs=need)], NOW) == []
    assert match([beginner], [an_item(7, waited=5, needs=need)], NOW) == [Match(7, 2)]
    assert match([an_agent(3)], [an_item(7, waited=8, needs=need)], NOW) == [Match(7, 3)]
    assert match([an_agent(3)], [an_item(7, waited=600, needs=(Need(5, 1),))], NOW) == []


def test_what_was_declined_goes_to_somebody_else() -> None:
    """Who just declined does not get it again at once; the next in line does."""
    item = an_item(7, not_to=frozenset({1}), owner_id=1)
    assert match([an_agent(1, idle=50), an_agent(2)], [item], NOW) == [Match(7, 2)]
    assert match([an_agent(1)], [item], NOW) == []
