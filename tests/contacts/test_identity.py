"""From an address to a person: one form for each address, and nothing matches on nothing."""

import asyncio

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import text

from contact_center.contacts import identity
from contact_center.contacts.identity import normalise, require
from contact_center.errors import Invalid
from contact_center.model.acts import Act
from contact_center.model.messages import InboundPerson
from contact_center.model.words import PointKind
from contact_center.store import Store
from tests.intake.world import World, item, make_world

EMAIL, PHONE = PointKind.EMAIL, PointKind.PHONE


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("Ivan@Example.COM", "ivan@example.com"),
        (" ivan@example.com ", "ivan@example.com"),
        ("ivan@example.com.", "ivan@example.com"),
        ("иван@почта.рф", "иван@xn--80a1acny.xn--p1ai"),
        ("ИВАН@ПОЧТА.РФ", "иван@xn--80a1acny.xn--p1ai"),
        ("ivan@XN--80A1ACNY.XN--P1AI", "ivan@xn--80a1acny.xn--p1ai"),
        ("ivan+shop@example.com", "ivan+shop@example.com"),
    ],
)
def test_one_form_for_a_mail_address(raw: str, value: str) -> None:
    """Case and the spelling of the domain play no part."""
    assert normalise(EMAIL, raw) == value


@pytest.mark.parametrize(
    "raw",
    ["", " ", "@", "ivan", "ivan@", "@example.com", "ivan@.", "ivan@...", "iv an@example.com", "a@b\nc", "iv\x00an@example.com",
     "iv\ud800an@example.com", "ivan@" + "я" * 70 + ".рф", "x" * 320 + "@example.com"],
)  # fmt: skip
def test_what_is_no_mail_address(raw: str) -> None:
    """Nothing unusable becomes a contact point, least of all one that the database would make into another's."""
    assert normalise(EMAIL, raw) == ""
    with pytest.raises(Invalid):
        require(EMAIL, raw)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("+7 912 345-67-89", "+79123456789"),
        ("8 (912) 345-67-89", "+79123456789"),
        ("+7 (727) 258 00 00", "+77272580000"),
        ("8 727 258 00 00", "+77272580000"),
        ("+1 650-253-0000", "+16502530000"),
        ("810 44 20 7031 3000", "+442070313000"),
    ],
)
def test_one_form_for_a_phone_number(raw: str, value: str) -> None:
    """Numbers are known in E.164, however they were written."""
    assert normalise(PHONE, raw) == value


@pytest.mark.parametrize("raw", ["", "0", "112", "+7", "anonymous", "+" * 300, "1" * 40])
def test_what_is_no_phone_number(raw: str) -> None:
    """Short codes and words for "withheld" are no contact points."""
    assert normalise(PHONE, raw) == ""


@example(EMAIL, "0@¨")
@example(EMAIL, "a@b\uff20c")
@given(st.sampled_from([EMAIL, PHONE]), st.text() | st.from_regex(r"[^@\s]{1,9}@[^@\s]{1,9}\.[a-zа-я]{2,4}", fullmatch=True))
def test_normalising_twice_changes_nothing(kind: PointKind, raw: str) -> None:
    """The normal form of a normal form is itself."""
    once = normalise(kind, raw)
    assert normalise(kind, once) == once


@pytest.fixture
async def world(store: Store) -> World:
    return await make_world(store)


async def count(world: World, table: str) -> int:
    return int(await world.store.read(lambda c: c.execute(text(f"SELECT count(*) FROM {table}")).scalar()))


async def test_two_first_mails_at_once_make_one_contact(world: World) -> None:
    """Whoever is unknown becomes one provisional contact, even when two processes meet them in the same moment."""
    who = InboundPerson(EMAIL, "new@example.com", "New")
    found = await asyncio.gather(*(world.store.write(identity.identify, Act(world.clock()), 1, who) for _ in range(8)))
    assert len({each.contact_id for each in found}) == 1
    assert [each.is_new for each in found].count(True) == 1
    assert (await count(world, "contact"), await count(world, "contact_point")) == (1, 1)


async def test_nothing_matches_on_nothing(world: World) -> None:
    """Senders without a usable address are never taken for one another."""
    await world.take_in(*(item(f"{n}", sender=address) for n, address in enumerate(["", "", "nobody", "@", None])))
    assert await world.books() == {"stored": 5}
    assert (await count(world, "contact"), await count(world, "contact_point")) == (5, 0)


async def test_an_address_that_cleaning_would_change_is_not_anothers(world: World) -> None:
    """A sender with a NUL in the address is not the person whose address remains without it."""
    await world.take_in(item("a", sender="ivan@example.com"), item("b", sender="iv\x00an@example.com"))
    assert await count(world, "contact") == 2
