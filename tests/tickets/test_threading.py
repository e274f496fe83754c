"""Which ticket a message belongs to: by ids and by who takes part, whatever the order of arrival."""

import itertools
import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from contact_center.model.acts import Act
from contact_center.model.tickets import Address
from contact_center.model.words import PointKind, Role, Status
from contact_center.store import Connection, Store
from contact_center.store.repositories import access, outbox, tickets
from contact_center.tickets import joining, lifecycle, replies
from contact_center.tickets.replies import Draft, Sending
from tests.intake.world import KEYS, World, item, make_world

_runs = itertools.count(1)


class Desk:
    """A mailbox and an agent."""

    def __init__(self, world: World, agent: int) -> None:
        self.world, self.store, self.clock, self.agent = world, world.store, world.clock, agent
        self.mails = 0

    @property
    def act(self) -> Act:
        return Act(self.clock(), self.agent)

    async def mail(self, sender: str, *hints: str, key: str | None = None, **meaning: Any) -> tuple[str, int]:
        """Take a mail in; returns its key and its ticket's id."""
        self.mails += 1
        key = f"m{self.mails}@x" if key is None else key
        await self.world.take_in(item(f"p{self.mails}", sender=sender, message_key=key, thread_hints=hints, **meaning))
        statement = text("SELECT ticket_id FROM interaction ORDER BY id DESC LIMIT 1")
        return key, int(await self.store.read(lambda c: c.execute(statement).scalar()))

    async def reply(self, ticket_id: int, status: Status = Status.WAITING, **draft: Any) -> Any:
        sending = Sending(KEYS, timedelta(0), {"email": PointKind.EMAIL})
        return await self.store.write(replies.reply, self.act, sending, 1, ticket_id, Draft("Here.", status=status, **draft))

    async def ticket(self, ticket_id: int) -> Any:
        return await self.store.read(tickets.find, ticket_id)

    async def change(self, ticket_id: int, **fields: Any) -> Any:
        return await self.store.write(lifecycle.change, self.act, 1, ticket_id, lifecycle.TicketPatch(**fields))


@pytest.fixture
async def desk(store: Store) -> Desk:
    world = await make_world(store)
    return Desk(world, await store.write(access.add_user, 1, "a@x", "Anna", Role.AGENT, None, world.clock()))


async def test_an_answer_joins_its_thread(desk: Desk) -> None:
    """Whoever takes part and names an earlier message is in its ticket, a copied person too."""
    root, first = await desk.mail("ivan@x", named=["olga@x"])
    assert (await desk.mail("ivan@x", root))[1] == first
    assert (await desk.mail("Olga@X", root))[1] == first


async def test_a_stranger_who_quotes_ids_is_not_let_in(desk: Desk) -> None:
    """Ids are claims: a new ticket that points to the old one, whose participants stay as they were."""
    root, first = await desk.mail("ivan@x")
    _, second = await desk.mail("eve@x", root)
    assert second != first
    assert (await desk.ticket(second)).follow_up_of == first
    assert len(await desk.store.read(tickets.participants, first)) == 1


@pytest.mark.parametrize("hints", [(), ("",), ("", "")])
async def test_empty_ids_match_nothing(desk: Desk, hints: tuple[str, ...]) -> None:
    """Mails without ids, or with empty ones, are tickets of their own, of the same sender too."""
    _, first = await desk.mail("ivan@x", *hints, key="")
    _, second = await desk.mail("ivan@x", *hints, key="")
    assert first != second
    assert (await desk.ticket(second)).follow_up_of is None


async def test_our_token_finds_the_ticket_for_a_participant_only(desk: Desk) -> None:
    """A signed token opens the thread to whoever takes part; to others it is a hint."""
    _, first = await desk.mail("ivan@x")
    token = KEYS.ticket_token(first)
    assert (await desk.mail("ivan@x", ticket_tokens=[token]))[1] == first
    _, other = await desk.mail("eve@x", ticket_tokens=[token])
    assert (other != first, (await desk.ticket(other)).follow_up_of) == (True, first)


async def test_forged_tokens_open_nothing(desk: Desk) -> None:
    """Another ticket's code, a flipped bit and an unknown ticket are as good as no token."""
    _, first = await desk.mail("ivan@x")
    _, second = await desk.mail("ivan@x")
    good = KEYS.ticket_token(first)
    number, _, code = good.partition("-")
    flipped = [f"{number}-{code[:n]}{'a' if code[n] != 'a' else 'b'}{code[n + 1 :]}" for n in range(len(code))]
    for token in [f"t{second}-{code}", KEYS.ticket_token(999), f"{number}-", "t-", "", number, *flipped]:
        _, found = await desk.mail("ivan@x", ticket_tokens=[token])
        assert found not in (first, second)
        assert (await desk.ticket(found)).follow_up_of is None


async def test_a_late_answer_opens_a_linked_ticket(desk: Desk) -> None:
    """Within the days set an answer reopens the ticket; later it opens one that points back."""
    root, first = await desk.mail("ivan@x")
    await desk.change(first, status=Status.RESOLVED)
    desk.clock.move(days=13)
    assert (await desk.mail("ivan@x", root))[1] == first
    assert (await desk.ticket(first)).status is Status.OPEN
    await desk.change(first, status=Status.CLOSED)
    desk.clock.move(days=15)
    _, second = await desk.mail("ivan@x", root)
    assert (second != first, (await desk.ticket(second)).follow_up_of) == (True, first)


async def test_an_automatic_mail_wakes_nobody(desk: Desk) -> None:
    """An auto-reply is kept in its ticket, neither reopens it nor makes work, and alone it is a resolved ticket."""
    root, first = await desk.mail("ivan@x")
    await desk.reply(first, Status.RESOLVED)
    desk.clock.move(days=30)
    assert (await desk.mail("ivan@x", root, automatic=True))[1] == first
    assert (await desk.ticket(first)).status is Status.RESOLVED
    _, alone = await desk.mail("bot@x", automatic=True)
    assert (await desk.ticket(alone)).status is Status.RESOLVED
    assert await desk.store.read(lambda c: c.execute(text("SELECT count(*) FROM work_item WHERE closed_at IS NULL")).scalar()) == 0


async def test_a_bounce_marks_what_came_back(desk: Desk) -> None:
    """A bounce of our reply marks the reply and the address, and opens the ticket again."""
    _, first = await desk.mail("ivan@x")
    entry = await desk.reply(first, Status.RESOLVED)
    row = await desk.store.read(outbox.of_interaction, entry.id)
    assert row is not None
    await desk.store.write(outbox.change, row["id"], state="sent")
    await desk.mail("mailer-daemon@x", automatic=True, is_bounce=True, bounce_of=[row["message_key"]])
    assert (await desk.ticket(first)).status is Status.OPEN
    after = await desk.store.read(outbox.of_interaction, entry.id)
    assert after is not None
    assert after["state"] == "bounced"
    bounced = text("SELECT value FROM contact_point WHERE bounced_at IS NOT NULL")
    assert list(await desk.store.read(lambda c: c.execute(bounced).scalars().all())) == ["ivan@x"]


NAMED = [
    ({"bounced_people": ["ivan@x"]}, "bounced", ["ivan@x"]),
    ({"bounced_people": ["IVAN+orders@X"]}, "bounced", ["ivan@x"]),
    ({"bounced_people": ["olga@x", "ivan@elsewhere"]}, "bounced", ["olga@x"]),
    ({"bounced_people": ["boss@x"]}, "sent", []),
    ({"bounced_people": ["boss@x"], "bounced_to": ["eve@x"]}, "sent", []),
    # Forwarded: which of the two it was cannot be told.
    ({"bounced_people": ["home@elsewhere"], "bounced_to": ["Ivan@x"]}, "bounced", []),
    ({}, "bounced", []),
]


@pytest.mark.parametrize(("said", "state", "unreached"), NAMED)
async def test_a_bounce_is_believed_of_those_we_wrote_to(desk: Desk, said: dict[str, Any], state: str, unreached: list[str]) -> None:
    """Whoever quotes the id of a reply cannot make it fail for people it never went to, and only who is named is marked."""
    _, first = await desk.mail("ivan@x")
    await desk.mail("olga@x")
    entry = await desk.reply(first, Status.RESOLVED, to=(Address("", "ivan@x"), Address("", "olga@x")))
    row = await desk.store.read(outbox.of_interaction, entry.id)
    assert row is not None
    await desk.store.write(outbox.change, row["id"], state="sent")
    _, placed = await desk.mail("mailer-daemon@x", automatic=True, is_bounce=True, bounce_of=[row["message_key"]], **said)
    after = await desk.store.read(outbox.of_interaction, entry.id)
    assert after is not None
    assert after["state"] == state
    assert (placed == first, (await desk.ticket(first)).status is Status.OPEN) == (state == "bounced", state == "bounced")
    bounced = text("SELECT value FROM contact_point WHERE bounced_at IS NOT NULL")
    assert list(await desk.store.read(lambda c: c.execute(bounced).scalars().all())) == unreached


async def test_our_own_message_is_ignored(desk: Desk) -> None:
    """A copy of our reply that comes back to us is no news; a forged key of ours is an ordinary mail."""
    _, first = await desk.mail("ivan@x")
    entry = await desk.reply(first)
    row = await desk.store.read(outbox.of_interaction, entry.id)
    assert row is not None
    await desk.world.take_in(item("copy", sender="support@localhost", message_key=row["message_key"]))
    await desk.world.take_in(item("forged", sender="eve@x", message_key=f"{entry.id}.aaaaaaaaaaaaaaaa@localhost"))
    assert await desk.world.books() == {"stored": 2, "ignored": 1}


def _join(connection: Connection, act: Act, survivor: int, loser: int) -> None:
    joining.join(connection, act, 1, survivor_id=survivor, loser_id=loser)


async def test_a_token_of_a_ticket_merged_twice_finds_the_survivor(desk: Desk) -> None:
    """However often a ticket was joined to another, its token leads to the one that lives."""
    ids = [(await desk.mail("ivan@x"))[1] for _ in range(3)]
    for loser, survivor in ((ids[2], ids[1]), (ids[1], ids[0])):
        await desk.store.write(_join, desk.act, survivor, loser)
    assert (await desk.mail("ivan@x", ticket_tokens=[KEYS.ticket_token(ids[2])]))[1] == ids[0]


PEOPLE = ["ann", "bob", "cat"]


@st.composite
def threads(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A conversation in which everybody who answers had received what they answer."""
    mails: list[dict[str, Any]] = []
    for number in range(draw(st.integers(2, 5))):
        parent = draw(st.integers(0, number - 1)) if number else None
        received = {mails[parent]["sender"], *mails[parent]["named"]} if parent is not None else {"ann"}
        sender = draw(st.sampled_from(sorted(received)))
        named = set(draw(st.sets(st.sampled_from(PEOPLE), max_size=2)))
        if parent is not None:
            named |= received  # "reply to all"
        style = draw(st.sampled_from(["in-reply-to", "references"]))
        chain = [] if parent is None else [*mails[parent]["chain"], parent]
        mails.append(
            {"sender": sender, "named": sorted(named - {sender}), "chain": chain, "hints": chain[-1:] if style == "in-reply-to" else chain}
        )
    return mails


async def _arrive(desk: Desk, mails: list[dict[str, Any]], order: list[int]) -> Any:
    run = next(_runs)
    start = desk.clock()
    desk.clock.move(hours=1)
    keys = []
    for number in order:
        mail = mails[number]
        keys.append(f"r{run}n{number}")
        await desk.world.take_in(
            item(
                keys[-1],
                source_time=start + timedelta(minutes=number),
                sender=f"{mail['sender']}@r{run}",
                named=[f"{name}@r{run}" for name in mail["named"]],
                subject=f"s{number}",
                message_key=keys[-1],
                thread_hints=[f"r{run}n{hint}" for hint in mail["hints"]],
            )
        )
    statement = text(
        "SELECT i.message_key, t.id, t.subject, c.name FROM interaction i JOIN ticket t ON t.id = i.ticket_id"
        " JOIN contact c ON c.id = t.contact_id WHERE i.message_key LIKE :run"
    )
    rows = await desk.store.read(lambda c: c.execute(statement, {"run": f"r{run}n%"}).all())
    found: dict[int, set[str]] = {}
    for key, ticket_id, subject, name in rows:
        found.setdefault(ticket_id, {subject, name.partition("@")[0]}).add(key.partition("n")[2])
    return sorted(sorted(each) for each in found.values())


@settings(
    max_examples=6, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(threads(), st.randoms(use_true_random=False))
async def test_the_order_of_arrival_plays_no_part(desk: Desk, mails: list[dict[str, Any]], dice: random.Random) -> None:
    """A shuffled thread becomes the same ticket, with the same contact and subject, as one that came in order."""
    expected = await _arrive(desk, mails, list(range(len(mails))))
    assert len(expected) == 1
    orders = list(itertools.permutations(range(len(mails))))
    for order in dice.sample(orders, min(4, len(orders))):
        assert await _arrive(desk, mails, list(order)) == expected, order
