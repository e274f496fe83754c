"""Points of several people, things given to the right one, and who may be one person."""

from typing import Any

import aiohttp
import pytest
from sqlalchemy import text

from contact_center.contacts import book, candidates, identity
from contact_center.contacts.candidates import keys_of
from contact_center.contacts.domains import company_domain
from contact_center.contacts.identity import Identified
from contact_center.model.acts import Act
from contact_center.model.messages import InboundPerson
from contact_center.model.people import Contact, ContactRef, Point, Viewer
from contact_center.model.words import PointKind, PointRole, Reason, Role
from contact_center.store import Store
from contact_center.store.repositories import candidates as pairs
from contact_center.store.repositories import contacts, tickets, work
from contact_center.testing import RunningApp
from contact_center.tickets import moving
from tests.api.world import CANARY, fresh_contact
from tests.api.world import make_world as make_api_world
from tests.intake.world import World, item, make_world

ADMIN = Viewer(1, 1, Role.ADMIN, ())


class House:
    """People of a test."""

    def __init__(self, world: World) -> None:
        self.world, self.store = world, world.store
        self.count = 0

    @property
    def act(self) -> Act:
        return Act(self.world.clock())

    async def mail(self, sender: str, **meaning: Any) -> tuple[int, int, int]:
        """Contact, ticket and entry of a new mail."""
        self.count += 1
        await self.world.take_in(item(f"k{self.count}", sender=sender, message_key=f"m{self.count}@x", **meaning))
        statement = text("SELECT contact_id, ticket_id, id FROM interaction WHERE direction = 'in' ORDER BY id DESC LIMIT 1")
        row = await self.store.read(lambda c: c.execute(statement).one())
        return int(row[0]), int(row[1]), int(row[2])

    async def contact(self, contact_id: int) -> Contact:
        found = await self.store.read(contacts.find_contact, contact_id)
        assert found is not None
        return found

    async def person(self, name: str, *points: tuple[PointKind, str]) -> int:
        contact_id = await self.store.write(contacts.add_contact, 1, name, False, self.world.clock())
        for kind, value in points:
            await self.store.write(book.add_point, self.act, 1, contact_id, kind, value, value)
        await self.store.write(book.rename, self.act, 1, contact_id, name)
        return contact_id


@pytest.fixture
async def house(store: Store) -> House:
    return House(await make_world(store))


async def test_what_comes_by_a_shared_point_goes_to_the_latest_linked(house: House) -> None:
    """Until a person chooses; and taking the point from them leads it back."""
    first, _, _ = await house.mail("info@acme.example")
    second = await house.person("Second")
    await house.store.write(book.add_point, house.act, 1, second, PointKind.EMAIL, "info@acme.example", "info", shared=True)
    assert [point.role for who in (first, second) for point in (await house.contact(who)).points] == [PointRole.SHARED] * 2
    assert (await house.mail("info@acme.example"))[0] == second
    point = (await house.contact(second)).points[0].id
    holders = await house.store.read(contacts.holders_for, ADMIN, point)
    assert [(each.contact.id, each.latest) for each in holders.people] == [(first, False), (second, True)]
    await house.store.write(book.remove_point, house.act, 1, second, point)
    assert (await house.mail("info@acme.example"))[0] == first


async def test_a_moved_ticket_takes_everything_along(house: House) -> None:
    """Its entries and its work go to the other; answers find it as before; a line says who did it."""
    ivan, ticket, _ = await house.mail("info@acme.example")
    olga, _, _ = await house.mail("olga@example.com")
    moved = await house.store.write(moving.move_ticket, house.act, 1, ticket, await house.contact(olga))
    assert moved.contact.id == olga
    lines = await house.store.read(
        lambda c: c.execute(text("SELECT contact_id, kind FROM interaction WHERE ticket_id = :t ORDER BY id"), {"t": ticket}).all()
    )
    assert [tuple(line) for line in lines] == [(olga, "email"), (olga, "change")]
    assert await house.store.read(work.open_item, ticket) is not None
    contact_id, answered, _ = await house.mail("info@acme.example", thread_hints=("m1@x",))
    assert (contact_id, answered) == (ivan, ticket)
    types = await house.store.read(lambda c: c.execute(text("SELECT type, contact_id FROM event")).all())
    assert {row[1] for row in types if row[0] == "contact.history_changed"} == {ivan, olga}


async def test_a_moved_entry_takes_its_ticket_only_when_nothing_else_is_in_it(house: House) -> None:
    """One of two mails goes alone; the last one takes the ticket along."""
    ivan, ticket, first = await house.mail("info@acme.example")
    _, same, second = await house.mail("info@acme.example", thread_hints=("m1@x",))
    assert same == ticket
    olga = await house.contact((await house.mail("olga@example.com"))[0])
    entry = await house.store.write(moving.move_entry, house.act, 1, second, olga)
    found = await house.store.read(tickets.find, ticket)
    assert found is not None
    assert (entry.contact_id, entry.ticket_id, found.contact.id) == (olga.id, ticket, ivan)
    _, alone, only = await house.mail("info@acme.example")
    await house.store.write(moving.move_entry, house.act, 1, only, olga)
    found = await house.store.read(tickets.find, alone)
    assert found is not None
    assert found.contact.id == olga.id
    assert first != second


def contact(name: str, *points: tuple[PointKind, str]) -> Contact:
    made = tuple(Point(index, kind, value, value, PointRole.PERSONAL, verified=False) for index, (kind, value) in enumerate(points))
    return Contact(1, name, False, made)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Юлия Щукина", "Yulia Shchukina"),
        ("Julia Schukina", "Щукина Юлия"),
        ("Иван Петрович Сидоров", "Ivan Sidorov"),
        ("Александр Хохлов", "Alexander Khokhlov"),
        ("Сергей Цой", "Sergey Tsoy"),
        ("Наталья Семёнова", "Natalia Semenova"),
    ],
)
def test_names_in_both_alphabets_are_compared(one: str, other: str) -> None:
    """In any order, with or without the patronymic."""
    assert set(keys_of(contact(one))) & set(keys_of(contact(other)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (contact("Ivan"), contact("Ivan")),
        (contact("", (PointKind.EMAIL, "info@a.example")), contact("", (PointKind.EMAIL, "info@b.example"))),
        (contact("ivan@gmail.com", (PointKind.EMAIL, "i@gmail.com")), contact("x", (PointKind.EMAIL, "o@gmail.com"))),
        (contact(""), contact("")),
    ],
)
def test_what_says_nothing_is_not_compared(one: Contact, other: Contact) -> None:
    """First names alone, addresses of desks, public mail domains, and nothing at all."""
    assert not set(keys_of(one)) & set(keys_of(other))


def test_public_domains_say_nothing() -> None:
    """Where anybody can have an address, nobody works."""
    assert [company_domain(f"x@{domain}") for domain in ("gmail.com", "yahoo.co.uk", "mail.ru", "acme.ru")] == ["", "", "", "acme.ru"]


async def test_candidates_with_score_and_reasons(house: House) -> None:
    """The likeliest first; a dismissed pair does not come back, and nothing is joined by itself."""
    ivan = await house.person("Иван Сидоров", (PointKind.EMAIL, "sidorov@acme.example"))
    same = await house.person("Ivan Sidorov", (PointKind.EMAIL, "i.sidorov@acme.example"))
    await house.person("Somebody", (PointKind.EMAIL, "sidorov@other.example"))
    found = await house.store.read(candidates.find, ADMIN, of=ivan)
    listed = [([each.id for each in pair.contacts], pair.score, pair.reasons) for pair in found]
    assert listed == [
        ([ivan, same], 45, (Reason.SAME_NAME_AND_DOMAIN, Reason.TRANSLITERATED_NAME, Reason.UNVERIFIED_ONLY)),
    ]
    await house.store.write(book.verify, house.act, 1, ivan, (await house.contact(ivan)).points[0].id)
    found = await house.store.read(candidates.find, ADMIN)
    assert [([each.id for each in pair.contacts], pair.score) for pair in found] == [([ivan, same], 55)]
    assert Reason.UNVERIFIED_ONLY not in found[0].reasons
    await house.store.write(pairs.dismiss, same, ivan, None, house.world.clock())
    assert await house.store.read(candidates.find, ADMIN) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Customer 1", "c1@acme.example"), ("Customer 3", "c3@acme.example")),
        (("Anna", "anna@acme.example"), ("Anna", "a.b@acme.example")),
        (("Olga Petrova", "olga.petrova@example.com"), ("Olga Petrova", "o.petrova@example.com")),
        (("Иван Сергеевич Петров", "ivan@acme.example"), ("Иван Ильич Петров", "petrov@acme.example")),
        (("John A. Carter", "john@acme.example"), ("John B. Carter", "carter@acme.example")),
    ],
    ids=["numbers", "first names", "nobody's domain", "patronymics", "initials"],
)
async def test_a_likeness_that_proves_nothing_is_not_shown(house: House, one: tuple[str, str], other: tuple[str, str]) -> None:
    """Names that differ in a word or a number are two people's; a name alone, or with a domain that is nobody's, is no hint."""
    for name, address in (one, other):
        await house.person(name, (PointKind.EMAIL, address))
    assert await house.store.read(candidates.find, ADMIN) == []


async def test_a_shared_number_outweighs_another_initial(house: House) -> None:
    """Who has the same telephone may be written down under two names."""
    for name, number in (("John A. Carter", "+79160001122"), ("John B. Carter", "+49160001122")):
        await house.person(name, (PointKind.PHONE, number), (PointKind.PHONE, number[:3] + "9160001122"))
    assert len(await house.store.read(candidates.find, ADMIN)) == 1


async def test_a_claim_is_a_hint_and_no_link(house: House) -> None:
    """Who says in a form that another's address is theirs may be that person; the address stays where it is."""
    owner, _, _ = await house.mail("owner@example.com")
    other = await house.person("Claimant")
    who = Identified(ContactRef(other, "Claimant", False), None, is_new=False)
    await house.store.write(identity.claim, house.act, 1, who, InboundPerson(PointKind.EMAIL, "owner@example.com"))
    assert (await house.contact(other)).points == ()
    (pair,) = await house.store.read(candidates.find, ADMIN, of=other)
    assert ({each.id for each in pair.contacts}, pair.reasons) == ({owner, other}, (Reason.CLAIMED_POINT, Reason.UNVERIFIED_ONLY))


async def test_a_common_name_is_no_reason(house: House) -> None:
    """A key that many share is left out: the work does not grow with the square."""
    for number in range(pairs.BLOCK + 1):
        await house.person("Иван Иванов", (PointKind.PHONE, f"+7912000{number:04}"))
    assert await house.store.read(candidates.find, ADMIN) == []


async def test_moving_to_whom_one_may_not_see_is_refused(server: RunningApp) -> None:
    """A contact of another queue is not there: neither to move to, nor to share a point with, nor among the holders."""
    world = await make_api_world(server)
    own, foreign = world.own.ids, world.foreign.ids
    async with world.client("agent") as client:
        for path in (f"/api/v1/tickets/{own['ticket_id']}/move", f"/api/v1/entries/{own['entry_id']}/move"):
            async with client.post(path, json={"contact_id": foreign["contact_id"]}) as response:
                assert response.status == 404
        body = {"kind": "email", "value": f"{CANARY}@example.com", "shared": True}
        async with client.post(f"/api/v1/contacts/{own['contact_id']}/points", json=body) as response:
            assert response.status == 409
            assert CANARY not in await response.text()
        async with client.patch(f"/api/v1/contacts/{own['contact_id']}", json={"organization_id": foreign["organization_id"]}) as response:
            assert response.status == 422


async def test_an_owner_sees_the_contact(server: RunningApp) -> None:
    """Given to a colleague of another queue, it is theirs to see; taken away, it is gone, and their consoles start afresh."""
    world = await make_api_world(server)
    contact_id = await fresh_contact(world, world.foreign.queue_id)
    path, agent = f"/api/v1/contacts/{contact_id}", world.people["agent"]
    async with world.client("admin") as admin, world.client("agent") as client:
        assert await _status(client, path) == 404
        for owner, status in ((agent, 200), (None, 404)):
            async with admin.patch(path, json={"owner_id": owner}) as response:
                assert (await response.json())["owner_id"] == owner
            assert await _status(client, path) == status
        async with admin.patch(path, json={"owner_id": 999}) as response:
            assert response.status == 422
        async with client.get("/api/v1/events?limit=1000") as response:
            types = [event["type"] for event in (await response.json())["events"]]
    assert "access.changed" in types


async def _status(client: aiohttp.ClientSession, path: str) -> int:
    async with client.get(path) as response:
        return response.status


async def test_organizations_by_mail_domain(server: RunningApp) -> None:
    """Suggested by a company's domain, never by a public provider's; each name and domain belongs to one."""
    world = await make_api_world(server)
    contact_id = await fresh_contact(world, 1)
    async with world.client("admin") as client:
        headers = {"Idempotency-Key": "acme"}
        async with client.post("/api/v1/organizations", json={"name": "«Acme»", "domains": ["Acme.example"]}, headers=headers) as response:
            acme = await response.json()
            assert acme["domains"] == ["acme.example"]
        for body, status in (
            ({"name": "acme"}, 409),
            ({"name": "B", "domains": ["acme.example"]}, 409),
            ({"name": "C", "domains": ["gmail.com"]}, 422),
        ):
            async with client.post("/api/v1/organizations", json=body, headers={"Idempotency-Key": str(body)}) as response:
                assert response.status == status, body
        body = {"kind": "email", "value": "somebody@acme.example"}
        async with client.post(f"/api/v1/contacts/{contact_id}/points", json=body) as response:
            assert response.status == 201
        async with client.get(f"/api/v1/contacts/{contact_id}/organizations") as response:
            assert [each["id"] for each in await response.json()] == [acme["id"]]
        async with client.patch(f"/api/v1/contacts/{contact_id}", json={"organization_id": acme["id"]}) as response:
            assert (await response.json())["organization"] == {"id": acme["id"], "name": "«Acme»"}
        async with client.get(f"/api/v1/organizations/{acme['id']}/contacts") as response:
            assert [each["id"] for each in (await response.json())["items"]] == [contact_id]
