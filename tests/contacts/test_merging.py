"""Merging and taking it back: after both, everything is where it was, and what came in between is where it belongs."""

import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from contact_center.contacts import book, merging, organizations
from contact_center.errors import Conflict, NotFound
from contact_center.model.acts import Act
from contact_center.model.people import Contact, OrganizationRef
from contact_center.model.words import PointKind, PointRole, Role
from contact_center.store import Connection, Store, open_store
from contact_center.store.repositories import access, candidates, contacts, opt_outs
from contact_center.tickets import lifecycle, moving
from tests.intake.world import World, item, make_world

WHO = {"a": "a@example.com", "b": "b@example.com", "c": "c@example.com"}


class Book:
    """Three people who write, and what the tables say of them."""

    def __init__(self, world: World) -> None:
        self.world, self.store = world, world.store
        self.mails = 0

    async def mail(self, sender: str, answers: str | None = None, named: tuple[str, ...] = ()) -> str:
        self.mails += 1
        key = f"m{self.mails}@x"
        hints = (answers,) if answers else ()
        await self.world.take_in(
            item(key, sender=WHO.get(sender, sender), message_key=key, thread_hints=hints, named=[WHO[who] for who in named])
        )
        return key

    async def id_of(self, who: str) -> int:
        statement = text("SELECT contact_id FROM interaction WHERE sender_address = :a ORDER BY id LIMIT 1")
        return int(await self.store.read(lambda c: c.execute(statement, {"a": WHO[who]}).scalar()))

    async def merge(self, survivor: int, loser: int) -> int:
        contact = await self.store.write(merging.merge, Act(self.world.clock()), 1, survivor, loser)
        return contact.merges[0].id

    async def unmerge(self, merge_id: int) -> tuple[Contact, Contact]:
        return await self.store.write(merging.unmerge, Act(self.world.clock()), 1, merge_id)

    async def picture(self) -> Any:
        return await self.store.read(_picture)


def _picture(connection: Connection) -> Any:
    def rows(statement: str) -> list[Any]:
        return [tuple(row) for row in connection.execute(text(statement))]

    people = [contacts.find_contact(connection, i) for (i,) in rows("SELECT id FROM contact ORDER BY id")]
    return (
        [replace(who, merges=(), points=tuple(sorted(who.points, key=lambda p: p.id))) for who in people if who],
        rows("SELECT id, merged_into_id FROM contact ORDER BY id"),
        rows("SELECT id, contact_id FROM ticket ORDER BY id"),
        rows("SELECT id, contact_id FROM interaction ORDER BY id"),
        rows("SELECT low_id, high_id FROM contact_distinct ORDER BY 1, 2"),
        rows("SELECT contact_id, key FROM contact_match_key ORDER BY 1, 2"),
    )


@pytest.fixture
async def people(store: Store) -> Book:
    made = Book(await make_world(store))
    for who in WHO:
        await made.mail(who)
    return made


async def test_a_merge_moves_everything_and_leaves_an_alias(people: Book) -> None:
    """The survivor has tickets, entries and addresses of both; the loser's id leads to it."""
    a, b = await people.id_of("a"), await people.id_of("b")
    await people.merge(a, b)
    assert await people.store.read(contacts.survivor_of, b) == a
    survivor = await people.store.read(contacts.find_contact, a)
    assert survivor is not None
    assert {point.value for point in survivor.points} == {WHO["a"], WHO["b"]}
    await people.mail("b")
    assert (await people.picture())[2][-1][1] == a


async def test_merging_and_unmerging_is_nothing(people: Book) -> None:
    """Taken back at once, a merge has changed nothing."""
    before = await people.picture()
    await people.unmerge(await people.merge(await people.id_of("a"), await people.id_of("b")))
    assert await people.picture() == before


async def test_what_came_in_between_goes_to_its_sender(people: Book) -> None:
    """New tickets, answers in old and in foreign tickets, and our notes follow the person they belong to."""
    a, b = await people.id_of("a"), await people.id_of("b")
    shared = await people.mail("c", named=("b",))
    theirs = await people.mail("b", named=("a",))
    mine = await people.mail("a", answers=theirs, named=("b",))
    merge_id = await people.merge(a, b)
    await people.mail("b")
    await people.mail("a")
    await people.mail("b", answers=shared)
    await people.mail("a", answers=mine)
    await people.store.write(lifecycle.add_note, Act(people.world.clock()), 1, 2, "a note in the ticket of b")
    await people.unmerge(merge_id)
    entries = await people.store.read(lambda c: c.execute(text("SELECT sender_address, contact_id FROM interaction ORDER BY id")).all())
    owners = {WHO["a"]: a, WHO["b"]: b, WHO["c"]: await people.id_of("c"), "": b}
    assert [tuple(row) for row in entries] == [(address, owners[address]) for address, _ in entries]


async def test_merges_are_undone_from_the_outside_in(people: Book) -> None:
    """Of a merge of merges the last is undone first; each is undone once."""
    a, b, c = [await people.id_of(who) for who in "abc"]
    before = await people.picture()
    first = await people.merge(b, c)
    second = await people.merge(a, b)
    assert await people.store.read(contacts.survivor_of, c) == a
    with pytest.raises(Conflict):
        await people.unmerge(first)
    await people.unmerge(second)
    await people.unmerge(first)
    assert await people.picture() == before
    for gone in (first, second):
        with pytest.raises(Conflict):
            await people.unmerge(gone)
    with pytest.raises(NotFound):
        await people.unmerge(999)
    with pytest.raises(Conflict):
        await people.merge(a, a)


async def test_two_losers_can_be_returned_in_any_order(people: Book) -> None:
    """Merges into one survivor do not depend on each other."""
    a, b, c = [await people.id_of(who) for who in "abc"]
    before = await people.picture()
    first, second = await people.merge(a, b), await people.merge(a, c)
    await people.unmerge(first)
    await people.unmerge(second)
    assert await people.picture() == before


async def test_what_was_learnt_of_a_point_goes_with_it(people: Book) -> None:
    """Proof gained, a mark as shared, and a point taken away while two were one stay true when they are two again."""
    a, b = await people.id_of("a"), await people.id_of("b")
    act = Act(people.world.clock())
    for value in ("+79120000001", "+79120000002"):
        await people.store.write(book.add_point, act, 1, b, PointKind.PHONE, value, value)
    merge_id = await people.merge(a, b)
    joined = await people.store.read(contacts.find_contact, a)
    assert joined is not None
    ids = {point.value: point.id for point in joined.points}
    await people.store.write(book.verify, act, 1, a, ids[WHO["b"]])
    await people.store.write(book.mark_point, act, 1, a, ids["+79120000001"], PointRole.SHARED)
    await people.store.write(book.remove_point, act, 1, a, ids["+79120000002"])
    added = await people.store.write(book.add_point, act, 1, a, PointKind.PHONE, "+79120000003", "new")
    survivor, restored = await people.unmerge(merge_id)
    assert {point.value for point in survivor.points} == {WHO["a"], "+79120000003"}
    assert {(point.value, point.verified, point.role) for point in restored.points} == {
        (WHO["b"], True, PointRole.PERSONAL),
        ("+79120000001", False, PointRole.SHARED),
    }
    assert not any(point.verified for point in survivor.points)
    assert len(added.points) == 4


async def test_owner_and_organization_are_taken_over_and_given_up(people: Book) -> None:
    """What only the loser had, the survivor has for a while; what a person decided meanwhile stays."""
    a, b = await people.id_of("a"), await people.id_of("b")
    act = Act(people.world.clock())
    owner = await people.store.write(access.add_user, 1, "o@example.com", "Owner", Role.AGENT, None, act.now)
    acme = await people.store.write(organizations.create, act, 1, "Acme")
    await people.store.write(book.set_owner, act, 1, b, owner)
    await people.store.write(book.set_organization, act, 1, b, acme.id)
    before = await people.picture()
    merge_id = await people.merge(a, b)
    joined = await people.store.read(contacts.find_contact, a)
    assert joined is not None
    assert (joined.owner_id, joined.organization) == (owner, OrganizationRef(acme.id, "Acme"))
    await people.unmerge(merge_id)
    assert await people.picture() == before
    merge_id = await people.merge(a, b)
    other = await people.store.write(access.add_user, 1, "p@example.com", "Other", Role.AGENT, None, act.now)
    await people.store.write(book.set_owner, act, 1, a, other)
    survivor, restored = await people.unmerge(merge_id)
    assert (survivor.owner_id, survivor.organization, restored.owner_id) == (other, None, owner)


async def test_a_moved_entry_stays_where_a_person_put_it(people: Book) -> None:
    """What was given to a third person while two were one does not come back to the loser."""
    a, b, c = [await people.id_of(who) for who in "abc"]
    merge_id = await people.merge(a, b)
    await people.mail("b")
    third = await people.store.read(contacts.find_contact, c)
    assert third is not None
    ticket = (await people.picture())[2][-1][0]
    await people.store.write(moving.move_ticket, Act(people.world.clock()), 1, ticket, third)
    await people.unmerge(merge_id)
    assert (await people.picture())[2][-1] == (ticket, c)


async def test_a_point_of_two_losers_returns_to_both(people: Book) -> None:
    """A shared number of two who were joined into a third reaches both again, in whatever order that is undone."""
    a, b, c = [await people.id_of(who) for who in "abc"]
    act = Act(people.world.clock())
    for who in (b, c):
        await people.store.write(book.add_point, act, 1, who, PointKind.PHONE, "+79120000009", "9", shared=True)
    before = await people.picture()
    for order in ((0, 1), (1, 0)):
        merges = [await people.merge(a, b), await people.merge(a, c)]
        for index in order:
            await people.unmerge(merges[index])
        assert await people.picture() == before


STEP = st.tuples(st.sampled_from("abc"), st.none() | st.integers(0, 9), st.sets(st.sampled_from("abc"), max_size=2))
FACTS = st.fixed_dictionaries(
    {
        "phone": st.sampled_from(["none", "loser", "both"]),
        "owners": st.tuples(st.booleans(), st.booleans()),
        "companies": st.tuples(st.booleans(), st.booleans()),
        "distinct": st.sets(st.sampled_from([("a", "b"), ("a", "c"), ("b", "c")])),
        "verified": st.sets(st.sampled_from("abc")),
        "opted_out": st.booleans(),
        "removed_before": st.booleans(),
    }
)


async def _play(people: Book, steps: list[Any], keys: list[str]) -> None:
    for sender, answered, named in steps:
        hint = keys[answered % len(keys)] if answered is not None and keys else None
        keys.append(await people.mail(sender, hint, tuple(sorted(named))))


async def _know(people: Book, facts: dict[str, Any], survivor: int, loser: int) -> None:
    """Everything that can be known of two people before they are joined."""
    store, act = people.store, Act(people.world.clock())
    number = (PointKind.PHONE, "+79123456789", "8 912")
    if facts["removed_before"]:  # the survivor had the loser's number once
        had = await store.write(book.add_point, act, 1, survivor, *number)
        await store.write(book.remove_point, act, 1, survivor, had.points[-1].id)
    if facts["phone"] != "none":
        await store.write(book.add_point, act, 1, loser, *number)
    if facts["phone"] == "both":
        await store.write(book.add_point, act, 1, survivor, *number, shared=True)
    owner = await store.write(access.add_user, 1, "o@example.com", "Owner", Role.AGENT, None, act.now)
    acme = await store.write(organizations.create, act, 1, "Acme")
    for who, owned, belongs in zip((survivor, loser), facts["owners"], facts["companies"], strict=True):
        if owned:
            await store.write(book.set_owner, act, 1, who, owner)
        if belongs:
            await store.write(book.set_organization, act, 1, who, acme.id)
    for one, other in facts["distinct"]:
        await store.write(candidates.dismiss, await people.id_of(one), await people.id_of(other), None, act.now)
    for who in facts["verified"]:
        contact = await store.read(contacts.find_contact, await people.id_of(who))
        assert contact is not None
        await store.write(book.verify, act, 1, contact.id, contact.points[0].id)
        if facts["opted_out"]:
            await store.write(opt_outs.add, people.world.account_id, contact.points[0].id, act.now)


async def _round_trip(folder: Path, before: list[Any], facts: dict[str, Any], order: tuple[str, str]) -> None:
    store = await open_store(f"sqlite:///{folder / 'm.sqlite3'}", folder / "blobs")
    try:
        people = Book(await make_world(store))
        for who in WHO:
            await people.mail(who)
        await _play(people, before, [])
        survivor, loser = await people.id_of(order[0]), await people.id_of(order[1])
        await _know(people, facts, survivor, loser)
        start = await people.picture()
        await people.unmerge(await people.merge(survivor, loser))
        assert await people.picture() == start
    finally:
        await store.close()


@settings(max_examples=15, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(before=st.lists(STEP, max_size=8), facts=FACTS, order=st.permutations("abc"))
async def test_any_merge_can_be_taken_back(sqlite_template: Path, before: list[Any], facts: dict[str, Any], order: list[str]) -> None:
    """Whatever three people wrote and whatever is known of them, a merge taken back leaves the start."""
    with TemporaryDirectory() as folder:
        shutil.copyfile(sqlite_template, Path(folder) / "m.sqlite3")
        await _round_trip(Path(folder), before, facts, (order[0], order[1]))
