"""Row scope: what a viewer sees in lists, in a history and as news, by one set of rules on both engines."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from contact_center.api.handlers import channels as handlers
from contact_center.contacts import book, merging
from contact_center.model.acts import Act
from contact_center.model.events import Recorded
from contact_center.model.people import ContactRef, Viewer
from contact_center.model.tickets import Ticket
from contact_center.model.words import Direction, Role, View
from contact_center.store import Connection, Store, journal
from contact_center.store.audience import for_viewer, reach_of
from contact_center.store.repositories import access, channels, contacts, tickets, timeline
from contact_center.tickets import entries, lifecycle

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
ACT = Act(NOW)


class House:
    """Three queues (the last confidential), three agents, a supervisor and an admin."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.queues: list[int] = []
        self.users: list[int] = []

    def build(self, connection: Connection) -> None:
        project = access.add_project(connection, "default", "Default")
        self.queues = [access.add_queue(connection, project, name, name == "C", NOW) for name in "ABC"]
        roles = [Role.AGENT, Role.AGENT, Role.AGENT, Role.SUPERVISOR, Role.ADMIN]
        self.users = [access.add_user(connection, project, f"u{n}@x", f"U{n}", role, None, NOW) for n, role in enumerate(roles)]

    def ticket(self, connection: Connection, queue: int, assignee: int | None = None, owner: int | None = None) -> tuple[int, int, int]:
        """A ticket with an entry; returns (ticket, contact, entry)."""
        contact = contacts.add_contact(connection, 1, "Ivan", True, NOW)
        if owner is not None:
            contacts.change_contact(connection, contact, owner_id=owner)
        ticket = self.open(connection, contact, queue, assignee_id=assignee)
        entry = self.entry(connection, contact, ticket, queue)
        book.publish(connection, ACT, 1, contact)
        entries.publish_created(connection, ACT, 1, ticket)
        return ticket.id, contact, entry

    def open(self, connection: Connection, contact: int, queue: int, **columns: Any) -> Ticket:
        who = ContactRef(contact, "Ivan", True)
        return lifecycle.open_ticket(
            connection, ACT, project_id=1, contact=who, queue_id=queue, subject="secret subject", channel="email", **columns
        )

    def entry(self, connection: Connection, contact: int, ticket: Ticket | None, queue: int) -> int:
        made = entries.add_entry(
            connection, ACT, project_id=1, contact_id=contact, ticket=ticket, queue_id=queue, kind="email",
            direction=Direction.IN, text="secret words", subject="secret subject",
        )  # fmt: skip
        entries.publish_added(connection, ACT, 1, made)
        return made.id

    async def viewer(self, number: int, *queues: int) -> Viewer:
        user = self.users[number]
        await self.store.write(access.set_grants, user, [self.queues[q] for q in queues])
        found = await self.store.read(access.viewer_of_user, user)
        assert found is not None
        return found

    async def news(self, viewer: Viewer) -> list[Any]:
        def read(connection: Connection) -> list[Any]:
            events = journal.read_after(connection, 0, 1000)
            reach = reach_of(connection, events)
            return [for_viewer(event, viewer, reach, None) for event in events]

        return [each for each in await self.store.read(read) if each is not None]


@pytest.fixture
async def house(store: Store) -> House:
    made = House(store)
    await store.write(made.build)
    return made


async def test_one_queue_knows_nothing_of_another(house: House) -> None:
    """Who is granted queue A sees of queue B neither tickets, contacts, entries nor news."""
    ticket, contact, entry = await house.store.write(house.ticket, house.queues[1])
    viewer = await house.viewer(0, 0)
    read = house.store.read
    assert await read(tickets.visible, viewer, ticket) is None
    assert await read(tickets.page, viewer, View.ALL) == []
    assert await read(tickets.counts, viewer) == []
    assert await read(contacts.visible_contact, viewer, contact) is None
    assert await read(contacts.search_contacts, viewer, "", 0, 10) == []
    assert await read(timeline.visible, viewer, entry) is None
    assert await house.news(viewer) == []


async def test_an_assigned_ticket_is_seen_with_its_contact(house: House) -> None:
    """A ticket given to somebody is open to them, whatever its queue, a confidential one too."""
    ticket, contact, entry = await house.store.write(house.ticket, house.queues[2], house.users[0])
    viewer = await house.viewer(0, 0)
    assert await house.store.read(tickets.visible, viewer, ticket) is not None
    assert await house.store.read(contacts.is_visible, viewer, contact)
    found = await house.store.read(timeline.visible, viewer, entry)
    assert found is not None
    assert {news.type for news in await house.news(viewer)} == {"interaction.added", "contact.changed", "ticket.created"}


async def test_confidential_entries_are_stubs(house: House) -> None:
    """Of an entry in a confidential queue others learn that it exists, and not a word of it."""

    def build(connection: Connection) -> tuple[int, int]:
        _, contact, _ = house.ticket(connection, house.queues[0])
        ticket = house.open(connection, contact, house.queues[2])
        return contact, house.entry(connection, contact, ticket, house.queues[2])

    contact, entry = await house.store.write(build)
    viewer = await house.viewer(0, 0)
    page = await house.store.read(timeline.page, viewer, contact, None, 10)
    (stub,) = [each for each in page if each.id == entry]
    assert stub.stub
    assert "secret" not in repr(stub)
    assert await house.store.read(timeline.visible, viewer, entry) is None
    news = [each for each in await house.news(viewer) if each.type == "interaction.added"]
    assert [("secret" in repr(each.data), each.key) for each in news] == [(True, "full"), (False, "stub")]
    admin = await house.viewer(4)
    assert not [each for each in await house.store.read(timeline.page, admin, contact, None, 10) if each.stub]


async def test_loose_entries_and_owned_contacts_open_the_way(house: House) -> None:
    """A contact is seen by its owner, and by the queue that an entry without a ticket came to."""

    def build(connection: Connection) -> tuple[int, int]:
        contact = contacts.add_contact(connection, 1, "Olga", True, NOW)
        house.entry(connection, contact, None, house.queues[0])
        return contact, house.ticket(connection, house.queues[1], None, house.users[1])[1]

    loose, owned = await house.store.write(build)
    agent, owner = await house.viewer(0, 0), await house.viewer(1)
    assert [await house.store.read(contacts.is_visible, agent, c) for c in (loose, owned)] == [True, False]
    assert [await house.store.read(contacts.is_visible, owner, c) for c in (loose, owned)] == [False, True]


async def test_leaving_a_queue_is_told_to_those_who_lose_sight(house: House) -> None:
    """On a transfer the old queue hears that the ticket went, and nothing of where or what it is now."""
    ticket, _, _ = await house.store.write(house.ticket, house.queues[0])
    patch = lifecycle.TicketPatch(queue_id=house.queues[1], subject="moved secret")
    await house.store.write(lifecycle.change, ACT, 1, ticket, patch)
    viewer = await house.viewer(0, 0)
    (gone,) = [news for news in await house.news(viewer) if news.type == "ticket.gone"]
    assert gone.data["ticket_id"] == ticket
    assert "moved secret" not in repr(await house.news(viewer))


@pytest.mark.parametrize("to", [1, 2], ids=["another queue", "a confidential queue"])
async def test_what_went_before_is_told_without_words_once_a_ticket_left(house: House, to: int) -> None:
    """Who replays the news of a ticket that moved away learns what counts are kept by, and neither subject, tags nor customer."""

    def build(connection: Connection) -> int:
        ticket, _, _ = house.ticket(connection, house.queues[0])
        lifecycle.change(connection, ACT, 1, ticket, lifecycle.TicketPatch(tags=("secret tag",)))
        lifecycle.change(connection, ACT, 1, ticket, lifecycle.TicketPatch(queue_id=house.queues[to]))
        return ticket

    ticket = await house.store.write(build)
    agent, supervisor = await house.viewer(0, 0), await house.viewer(3, 0, to)
    told = [each for each in await house.news(agent) if each.type.startswith("ticket.")]
    assert [each.type for each in told] == ["ticket.created", "ticket.changed", "ticket.gone"]
    assert {each.data.get("ticket", {"id": each.data.get("ticket_id")})["id"] for each in told} == {ticket}
    assert [each.data["ticket"]["queue_id"] for each in told[:2]] == [house.queues[0]] * 2
    assert "secret" not in repr(told)
    assert "Ivan" not in repr(told)
    whole = [each for each in await house.news(supervisor) if each.type.startswith("ticket.")]
    assert [("secret tag" in repr(each.data), each.key) for each in whole] == [(False, "full"), (True, "full"), (True, "full")]
    await house.store.write(lifecycle.change, ACT, 1, ticket, lifecycle.TicketPatch(assignee_id=agent.user_id))
    assert "secret tag" in repr(await house.news(agent)), "whoever is given the ticket sees all of it again"


async def test_channels_of_confidential_queues_are_nobodys_news(house: House) -> None:
    """Accounts that feed a confidential queue are told to those it is granted to; one that goes there is told to be gone, once."""

    def add(connection: Connection) -> int:
        values: dict[str, Any] = {"project_id": 1, "kind": "email", "queue_id": house.queues[0], "options": {}, "created_at": NOW}
        made = channels.add_account(connection, name="Staff matters", address="secret@example.com", **values)
        handlers.publish_channel(connection, ACT, 1, made)
        return made

    def move(connection: Connection, queue: int, before: int | None) -> None:
        channels.change_account(connection, account, queue_id=queue)
        handlers.publish_channel(connection, ACT, 1, account, before)

    account = await house.store.write(add)
    agent, granted = await house.viewer(0, 0), await house.viewer(1, 2)

    async def known(viewer: Viewer) -> tuple[list[int], list[str]]:
        news = [each for each in await house.news(viewer) if each.type.startswith("channel.")]
        assert all("secret" not in repr(each.data) for each in news if each.type == "channel.gone")
        return [each.id for each in await house.store.read(channels.visible, viewer)], [each.type for each in news]

    assert await known(agent) == ([account], ["channel.changed"])
    await house.store.write(move, house.queues[2], house.queues[0])
    await house.store.write(move, house.queues[2], None)
    assert await known(agent) == ([], ["channel.gone"])
    assert await known(granted) == ([account], ["channel.changed"] * 3)


STATE = st.tuples(st.integers(0, 2), st.none() | st.integers(0, 3), st.none() | st.integers(0, 3))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 4), st.sets(st.integers(0, 2)), st.lists(STATE, min_size=1, max_size=4))
async def test_news_and_lists_agree(house: House, who: int, grants: set[int], states: list[Any]) -> None:
    """For any viewer and any tickets, what is heard live is what a fresh snapshot shows."""
    start = await house.store.read(journal.horizon)

    def build(connection: Connection) -> list[tuple[int, int, int]]:
        def user(number: int | None) -> int | None:
            return None if number is None else house.users[number]

        return [house.ticket(connection, house.queues[q], user(assignee), user(owner)) for q, assignee, owner in states]

    made = await house.store.write(build)
    viewer = await house.viewer(who, *grants)

    def heard(connection: Connection) -> dict[str, set[int]]:
        events: list[Recorded] = journal.read_after(connection, start, 1000)
        reach = reach_of(connection, events)
        found: dict[str, set[int]] = {"ticket.created": set(), "contact.changed": set(), "full": set(), "stub": set()}
        for event in events:
            news = for_viewer(event, viewer, reach, None)
            if news is None:
                continue
            noun = news.data.get("ticket") or news.data.get("contact") or news.data["entry"]
            found[news.key if "entry" in news.data else news.type].add(noun["id"])
        return found

    def shown(connection: Connection) -> dict[str, set[int]]:
        found: dict[str, set[int]] = {"ticket.created": set(), "contact.changed": set(), "full": set(), "stub": set()}
        for ticket, contact, entry in made:
            if tickets.visible(connection, viewer, ticket) is not None:
                found["ticket.created"].add(ticket)
            if contacts.is_visible(connection, viewer, contact):
                found["contact.changed"].add(contact)
                for each in timeline.page(connection, viewer, contact, None, 10):
                    found["stub" if each.stub else "full"].add(each.id)
                assert (timeline.visible(connection, viewer, entry) is None) == (entry in found["stub"])
        return found

    assert await house.store.read(heard) == await house.store.read(shown)


async def test_an_undone_merge_tells_each_side_its_own(house: House) -> None:
    """Two people who were taken apart again: whoever reaches one of them hears of the other no more than an id."""

    def build(connection: Connection) -> tuple[int, int, int]:
        _, leo, _ = house.ticket(connection, house.queues[0])
        _, sonia, written = house.ticket(connection, house.queues[1])
        contacts.change_contact(connection, sonia, note="note of Sonia")
        merging.merge(connection, ACT, 1, leo, sonia)
        merge_id = connection.execute(text("SELECT max(id) FROM contact_merge")).scalar_one()
        merging.unmerge(connection, ACT, 1, merge_id)
        return leo, sonia, written

    leo, sonia, written = await house.store.write(build)
    viewer = await house.viewer(0, 0)
    news = await house.news(viewer)
    (undone,) = [each for each in news if each.type == "contact.unmerged"]
    assert (undone.data["contact"]["id"], undone.data["restored"]["id"]) == (leo, sonia)
    assert undone.data["restored"]["note"] == ""
    assert undone.data["restored"]["points"] == []
    assert [each for each in news if each.type.startswith("interaction") and each.data["entry"]["id"] == written] == []


async def test_a_replay_judges_an_entry_by_whose_it_is_now(house: House) -> None:
    """An entry that was moved to somebody else is not told to those who reached the person it stood under before."""

    def build(connection: Connection) -> tuple[int, int]:
        _, leo, entry = house.ticket(connection, house.queues[0])
        _, carl, _ = house.ticket(connection, house.queues[1])
        timeline.change(connection, entry, contact_id=carl, ticket_id=None, queue_id=house.queues[1])
        return leo, entry

    _, entry = await house.store.write(build)
    told = [each for each in await house.news(await house.viewer(0, 0)) if each.type == "interaction.added"]
    assert [each.data["entry"]["id"] for each in told if each.data["entry"]["id"] == entry] == []
