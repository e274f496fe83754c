"""The indexer: nothing lost and nothing double, whatever happens between two batches."""

from typing import Any

import pytest
from sqlalchemy import func, select

from contact_center.contacts import book, merging
from contact_center.search import indexer
from contact_center.search.indexer import Indexer, reindex
from contact_center.store import Connection
from contact_center.store.repositories import search_index, timeline
from contact_center.store.schema.search import search_doc
from contact_center.tickets import entries, lifecycle
from contact_center.tickets.lifecycle import TicketPatch
from tests.search.house import House


class Crash(Exception):
    """The process dies here."""


async def docs(house: House) -> int:
    return await house.store.read(lambda connection: int(connection.execute(select(func.count()).select_from(search_doc)).scalar_one()))


async def test_a_crash_between_batches_loses_and_doubles_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dying before, while or after writing, another indexer goes on where the first one was."""
    monkeypatch.setattr(indexer, "BATCH", 3)
    await house.indexer.catch_up()

    def make(connection: Connection) -> list[int]:
        ticket = house.ticket(connection, house.person(connection))
        return [house.entry(connection, ticket, f"слово номер{n}") for n in range(20)]

    made = await house.store.write(make)
    real = search_index.keep
    calls = 0

    def sometimes(connection: Connection, *args: Any) -> None:
        nonlocal calls
        calls += 1
        real(connection, *args)
        if calls % 5 == 0:
            raise Crash

    monkeypatch.setattr(search_index, "keep", sometimes)
    for _ in range(200):
        try:
            await Indexer(house.store).catch_up()
            break
        except Crash:
            continue
    assert await house.ids("слово", limit=200) == made[::-1]
    assert await docs(house) == 22


async def test_two_indexers_do_not_write_the_same_batch(house: House) -> None:
    """The slower of two drops its work."""
    await house.indexer.catch_up()
    entry = await house.say("слово")
    await house.store.write(lambda connection: entries.publish_entry(connection, house.act(), 1, entry) and None)
    step, _ = await house.store.read(indexer._next_step)
    assert step is not None
    made = indexer.docs_of(step.sources)
    assert [await house.store.write(indexer._write, step, made) for _ in range(2)] == [True, False]
    assert await house.ids("слово") == [entry]


async def test_a_changed_entry_is_found_by_its_new_words_only(house: House) -> None:
    """What an entry said before is forgotten, on SQLite in the tables of FTS5 too."""
    entry = await house.say("старое")

    def change(connection: Connection) -> None:
        timeline.change(connection, entry, visible_text="новое")
        entries.publish_entry(connection, house.act(), 1, entry)

    await house.store.write(change)
    await house.indexer.catch_up()
    assert (await house.ids("старое"), await house.ids("новое")) == ([], [entry])
    if house.store.dialect == "sqlite":
        await house.store.write(
            lambda c: c.exec_driver_sql("INSERT INTO search_words(search_words, rank) VALUES ('integrity-check', 1)") and None
        )


async def test_a_cancelled_reply_is_gone(house: House) -> None:
    """At once, since the tables say so, and then from the index too."""
    entry = await house.say("отозвано")
    before = await docs(house)

    def cancel(connection: Connection) -> None:
        timeline.change(connection, entry, cancelled=True)
        entries.publish_entry(connection, house.act(), 1, entry)

    await house.store.write(cancel)
    assert await house.ids("отозвано") == []
    await house.indexer.catch_up()
    assert await docs(house) == before - 1


async def test_merged_contacts_are_one(house: House) -> None:
    """After a merge entries and points lead to the survivor; after undoing it to both again."""

    def make(connection: Connection) -> tuple[int, int, int]:
        loser, survivor = house.person(connection, "Пётр"), house.person(connection, "Петруша")
        return loser, survivor, house.entry(connection, house.ticket(connection, loser), "слово")

    loser, survivor, entry = await house.store.write(make)
    await house.indexer.catch_up()
    await house.store.write(merging.merge, house.act(), 1, survivor, loser)
    await house.indexer.catch_up()
    found = await house.find("слово")
    assert [(hit.entry.id, hit.entry.contact.id) for hit in found.entries] == [(entry, survivor)]
    assert [hit.contact.id for hit in (await house.find("петр")).people] == [survivor]
    from contact_center.store.repositories import contacts

    (merge,) = (await house.store.read(contacts.find_contact, survivor)).merges  # type: ignore[union-attr]
    await house.store.write(merging.unmerge, house.act(), 1, merge.id)
    await house.indexer.catch_up()
    assert {hit.contact.id for hit in (await house.find("петр")).people} == {loser, survivor}


async def test_a_renamed_thing_is_found_by_its_new_name(house: House) -> None:
    """A person's name and a ticket's subject follow their changes."""

    def make(connection: Connection) -> tuple[int, int]:
        contact = house.person(connection, "Старая")
        return contact, house.ticket(connection, contact, subject="прежний").id

    contact, ticket = await house.store.write(make)
    await house.indexer.catch_up()
    await house.store.write(book.rename, house.act(), 1, contact, "Молодая")
    await house.store.write(lifecycle.change, house.act(), 1, ticket, TicketPatch(subject="свежий"))
    await house.indexer.catch_up()
    assert (await house.find("старая")).people == (await house.find("прежний")).tickets == []
    assert len((await house.find("молодая")).people) == len((await house.find("свежий")).tickets) == 1


async def test_an_old_database_is_walked_and_a_new_index_made(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was there before the index is found too; making the index anew changes nothing, and news go before the walk."""
    monkeypatch.setattr(indexer, "BATCH", 4)

    def make(connection: Connection) -> list[int]:
        ticket = house.ticket(connection, house.person(connection))
        return [house.entry(connection, ticket, "слово") for _ in range(10)]

    made = await house.store.write(make)
    found = await house.find("слово")
    assert (found.entries, found.behind) == ([], -1)
    await house.indexer.catch_up()
    assert await house.ids("слово") == made[::-1]
    before = await docs(house)
    steps: list[int] = []
    await reindex(house.store, steps.append)
    assert steps
    assert await docs(house) == before
    assert await house.ids("слово") == made[::-1]
    found = await house.find("слово")
    assert (found.behind, found.upto) == (0, found.as_of)


async def test_the_lag_is_told(house: House) -> None:
    """A search says how far the index is behind the journal."""
    await house.indexer.catch_up()
    entry = await house.say("слово")
    await house.store.write(lambda connection: entries.publish_entry(connection, house.act(), 1, entry) and None)
    found = await house.find("слово")
    assert found.behind == 1
    assert found.upto + 1 == found.as_of
    await house.indexer.catch_up()
    assert (await house.find("слово")).behind == house.indexer.behind == 0
