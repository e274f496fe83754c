"""Finding: both databases the same, within what the viewer may see, in order of time, page by page."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contact_center.contacts import book
from contact_center.model.words import Direction, PointKind
from contact_center.search import finder, query
from contact_center.store import Connection
from contact_center.store.repositories import contacts, timeline
from contact_center.tickets import lifecycle
from contact_center.tickets.lifecycle import TicketPatch
from tests.search.house import NOW, House
from tests.search.test_words import holds

WORDS = ["доставка", "доставку", "заказ", "117-А", "order", "orders", "the", "не", "8 916 123-45-67", "ivan@example.com", "ёлка", "x"]
SLOW = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SLOW
@given(
    st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join), min_size=1, max_size=6),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=2),
    st.booleans(),
)
async def test_both_engines_find_what_the_words_say(house: House, texts: list[str], typed: list[str], quoted: bool) -> None:
    """A database finds exactly the texts that hold the words by the plain definition, the newest first."""
    asked = f'"{" ".join(typed)}"' if quoted else " ".join(typed)
    made = [(await house.say(text), text) for text in texts]
    want = [entry for entry, text in reversed(made) if holds(text, asked)]
    found = await house.ids(asked, unfinished=False, limit=200)
    assert [entry for entry in found if entry in dict(made)] == want


async def test_everything_that_is_written_is_found(house: House) -> None:
    """Text, subject, file names, facts of a card, the message's own id; a text longer than a page of history too."""
    entry = await house.say(
        "начало " + "слово " * 3000 + "зебра", subject="Тема письма", files=("Счёт-на-оплату.pdf",), message_key="<abc.1-2@mail.example.com>",
        facts={"type": "form", "fields": [{"name": "Город", "value": "Самара"}], "amount": 4711},
    )  # fmt: skip
    for typed in ("начала", "зебры", "письмо", "счет на оплату", "самаре", "4711", "<abc.1-2@mail.example.com>"):
        assert await house.ids(typed) == [entry], typed
    assert await house.ids("form") == []
    (hit,) = (await house.find("оплата")).entries
    assert [hit.text[a:b] for a, b in hit.ranges] == ["оплату"]
    assert hit.entry.files == 1


async def test_people_and_tickets_come_apart(house: House) -> None:
    """A person by name, address, phone or note; a ticket by number or subject."""

    def make(connection: Connection) -> tuple[int, int, int]:
        contact = house.person(connection, "Ольга Ёлкина", (PointKind.EMAIL, "olga@example.com"), (PointKind.PHONE, "+79161234567"))
        book.annotate(connection, house.act(), 1, contact, "просит счёт")
        ticket = house.ticket(connection, contact, subject="Сломалась кофеварка")
        return contact, ticket.id, ticket.number

    contact, ticket, number = await house.store.write(make)
    await house.indexer.catch_up()
    for typed in ("елкина", "Ольга", "olga@", "example.com", "8 (916) 123-45-67", "счета", "ольг елк"):
        assert [hit.contact.id for hit in (await house.find(typed)).people] == [contact], typed
    for typed in ("кофеварку", f"#{number}", str(number), "слом"):
        assert [hit.ticket.id for hit in (await house.find(typed)).tickets] == [ticket], typed
    (hit,) = (await house.find("89161234567")).people
    assert hit.ranges


async def test_filters(house: House) -> None:
    """Kind, direction, queue, time, person and files narrow the entries."""
    first = await house.say("слово", queue=0, name="A")
    second = await house.say("слово", queue=1, direction=Direction.OUT, files=("a.pdf",), name="B")
    third = await house.say("слово", queue=0, kind="call", name="C")
    when = {hit.entry.id: hit.entry.occurred_at for hit in (await house.find("слово")).entries}
    person = {hit.entry.id: hit.entry.contact.id for hit in (await house.find("слово")).entries}
    assert await house.ids("слово") == [third, second, first]
    assert await house.ids("слово", kind="call") == [third]
    assert await house.ids("слово", direction="out") == [second]
    assert await house.ids("слово", queue_id=house.queues[0]) == [third, first]
    assert await house.ids("слово", after=when[second]) == [third, second]
    assert await house.ids("слово", before=when[second]) == [first]
    assert await house.ids("слово", has_file=True) == [second]
    assert await house.ids("слово", contact_id=person[first]) == [first]
    assert await house.ids("иное", contact_id=person[first]) == []


async def test_confidential_entries_are_not_there(house: House) -> None:
    """Who may not read an entry finds neither it nor a sign of it; moving the ticket changes that at once, without the index."""

    def make(connection: Connection) -> tuple[int, int, int]:
        contact = house.person(connection)
        open_one, hidden = house.ticket(connection, contact, 0, "видно"), house.ticket(connection, contact, 2, "тайный предмет")
        return house.entry(connection, open_one, "слово видно"), house.entry(connection, hidden, "слово тайна"), open_one.id

    seen, hidden, ticket = await house.store.write(make)
    await house.indexer.catch_up()
    viewer = await house.viewer(0)
    assert await house.ids("слово") == [hidden, seen]
    assert await house.ids("слово", viewer) == [seen]
    found = await house.find("тайна предмет", viewer)
    assert (found.entries, found.tickets, found.next_place) == ([], [], None)
    assert (await house.find("тайный", viewer)).tickets == []
    await house.store.write(lifecycle.change, house.act(), 1, ticket, TicketPatch(queue_id=house.queues[2]))
    assert await house.ids("слово", viewer) == []


STATE = st.tuples(st.integers(0, 2), st.booleans())


@SLOW
@given(st.sets(st.integers(0, 2)), st.lists(STATE, min_size=1, max_size=4), st.booleans())
async def test_scope_is_that_of_the_history(house: House, grants: set[int], states: list[Any], together: bool) -> None:
    """For any grants and tickets, what is found is what may be opened one by one."""

    def make(connection: Connection) -> list[int]:
        shared = house.person(connection)
        made = []
        for queue, mine in states:
            contact = shared if together else house.person(connection)
            ticket = house.ticket(connection, contact, queue, assignee_id=house.users[0] if mine else None)
            made.append(house.entry(connection, ticket, "общее слово"))
        return made

    made = await house.store.write(make)
    await house.indexer.catch_up()
    viewer = await house.viewer(*grants)
    want = [entry for entry in made if await house.store.read(timeline.visible, viewer, entry) is not None]
    found = await house.ids("общее слово", viewer, limit=200)
    assert sorted(entry for entry in found if entry in made) == want
    people = (await house.find("ivan", viewer)).people
    assert all([await house.store.read(contacts.is_visible, viewer, hit.contact.id) for hit in people])


async def test_pages_stay_complete_while_things_arrive(house: House) -> None:
    """Going on from a page neither repeats nor skips, whatever arrives; entries of one second keep an order."""

    def make(connection: Connection) -> list[int]:
        ticket = house.ticket(connection, house.person(connection))
        return [house.entry(connection, ticket, "слово", occurred_at=NOW + timedelta(milliseconds=n * 400)) for n in range(11)]

    made = await house.store.write(make)
    await house.indexer.catch_up()
    seen: list[int] = []
    before: int | None = None
    for _ in range(20):
        page = await house.find("слово", limit=3, below=before)
        seen += [hit.entry.id for hit in page.entries]
        before = page.next_place
        if before is None:
            break
        await house.say("слово опять")
    assert seen == sorted(made, reverse=True)


async def test_what_may_not_be_seen_does_not_end_the_page(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind hundreds of hits of others one's own is still found."""
    own = await house.say("слово", queue=0)

    def make(connection: Connection) -> None:
        ticket = house.ticket(connection, house.person(connection), 1)
        for _ in range(260):
            house.entry(connection, ticket, "слово")

    await house.store.write(make)
    await house.indexer.catch_up()
    page = await house.find("слово", await house.viewer(0))
    assert [hit.entry.id for hit in page.entries] == [own]
    assert page.next_place is None
    monkeypatch.setattr("contact_center.store.repositories.search.NEWEST", 20)  # the other way of asking PostgreSQL
    assert await house.ids("слово", await house.viewer(0)) == [own]
    assert len(await house.ids("слово", limit=200)) == 200


HOSTILE = [
    '"', '""', "'", "*", "AND OR NOT", "NEAR(a b)", "words:a", "(", "a)", "a & | ! <-> :*", "\\", "\x00", "a\x00b", "🙂", "🙂 слово", "слово*",
    "x" * 10_000, "слово " * 2000, '"слово', "-слово", "^слово", "{a}", "%", "_", "'; DROP TABLE ticket; --", "\ud800", "ﷺ", "\u0345", "1" * 500,
]  # fmt: skip


@pytest.mark.parametrize("typed", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_queries(house: House, typed: str) -> None:
    """Whatever is typed is a search for words: it never fails, and finds at most what holds them."""
    entry = await house.say("слово 🙂 and or not near a b")
    for unfinished in (True, False):
        assert set(await house.ids(typed, unfinished=unfinished)) <= {entry}


async def test_hostile_texts_are_indexed(house: House) -> None:
    """Quotes, backslashes, NUL characters, endless words and ten thousand different ones do no harm."""
    for text in (*HOSTILE, " ".join(f"w{n}" for n in range(20_000)), "\u0130\u0345 \ufb01"):
        await house.say(text.replace("\ud800", "") + " конец")
    assert len(await house.ids("конец", limit=200)) == len(HOSTILE) + 2 - 1  # of twenty thousand words the last is beyond what counts


def test_an_empty_search_asks_nothing() -> None:
    """No words, no question to the database."""
    assert query.parse("  ") == ()
    assert finder.FEW < 20


async def test_a_slow_statement_ends(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement that takes too long is broken off with words, and the connection is well afterwards."""
    from sqlalchemy import text

    from contact_center.errors import Unavailable
    from contact_center.store.bounds import bounded

    slow = {
        "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
        "postgresql": "SELECT pg_sleep(20)",
    }[house.store.dialect]

    def ask(connection: Connection) -> None:
        with bounded(connection, 0.2, "It took too long."):
            connection.execute(text(slow)).all()

    with pytest.raises(Unavailable, match="too long"):
        await house.store.read(ask)
    entry = await house.say("слово")
    assert await house.ids("слово") == [entry]
