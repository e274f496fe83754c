"""A small centre to search in: queues, people, and entries made by the product's own verbs."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from contact_center.contacts import book
from contact_center.model.acts import Act
from contact_center.model.people import ContactRef, Viewer
from contact_center.model.tickets import Ticket
from contact_center.model.words import Direction, PointKind, Role
from contact_center.search.finder import Found, find
from contact_center.search.indexer import Indexer
from contact_center.store import Connection, Store, blobs
from contact_center.store.repositories import access, contacts, timeline
from contact_center.store.repositories.search import Filters
from contact_center.tickets import entries, lifecycle

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


class House:
    """Three queues, the last confidential; an agent and an admin; every entry a second after the one before."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.indexer = Indexer(store)
        self.queues: list[int] = []
        self.users: list[int] = []
        self.clock = NOW

    async def build(self) -> "House":
        await self.store.write(self._build)
        return self

    def _build(self, connection: Connection) -> None:
        project = access.add_project(connection, "default", "Default")
        self.queues = [access.add_queue(connection, project, name, name == "C", NOW) for name in "ABC"]
        roles = [Role.AGENT, Role.ADMIN]
        self.users = [access.add_user(connection, project, f"u{n}@x", f"U{n}", role, None, NOW) for n, role in enumerate(roles)]

    async def viewer(self, *queues: int) -> Viewer:
        """The agent with these queues granted."""
        await self.store.write(access.set_grants, self.users[0], [self.queues[q] for q in queues])
        found = await self.store.read(access.viewer_of_user, self.users[0])
        assert found is not None
        return found

    async def admin(self) -> Viewer:
        """Who sees everything."""
        found = await self.store.read(access.viewer_of_user, self.users[1])
        assert found is not None
        return found

    def act(self) -> Act:
        self.clock += timedelta(seconds=1)
        return Act(self.clock, self.users[1])

    def person(self, connection: Connection, name: str = "Ivan", *points: tuple[PointKind, str]) -> int:
        contact = contacts.add_contact(connection, 1, name, True, NOW)
        act = self.act()
        book.publish(connection, act, 1, contact)
        for kind, value in points:
            book.add_point(connection, act, 1, contact, kind, value, value)
        return contact

    def ticket(self, connection: Connection, contact: int, queue: int = 0, subject: str = "", **columns: Any) -> Ticket:
        act = self.act()
        made = lifecycle.open_ticket(
            connection, act, project_id=1, contact=ContactRef(contact, "Ivan", True), queue_id=self.queues[queue], subject=subject,
            channel="email", **columns,
        )  # fmt: skip
        entries.publish_created(connection, act, 1, made)
        return made

    def entry(self, connection: Connection, ticket: Ticket, text: str, files: tuple[str, ...] = (), **columns: Any) -> int:
        act = self.act()
        columns = {"kind": "email", "direction": Direction.IN} | columns
        made = entries.add_entry(
            connection, act, project_id=1, contact_id=ticket.contact.id, ticket=ticket, text=text, body=(text, None, {}), **columns
        )
        for name in files:
            sha256 = hashlib.sha256(name.encode()).hexdigest()
            blobs.put(connection, sha256, 1, b"x")
            timeline.add_attachment(
                connection,
                interaction_id=made.id,
                uploader_id=None,
                sha256=sha256,
                filename=name,
                content_type="x/y",
                size=1,
                created_at=act.now,
            )
        entries.publish_added(connection, act, 1, made)
        return made.id

    async def say(self, text: str, queue: int = 0, name: str = "Ivan", **columns: Any) -> int:
        """One entry of a new person in a new ticket, indexed."""

        def make(connection: Connection) -> int:
            ticket = self.ticket(connection, self.person(connection, name), queue)
            return self.entry(connection, ticket, text, **columns)

        made = await self.store.write(make)
        await self.indexer.catch_up()
        return made

    async def find(self, words: str, viewer: Viewer | None = None, **options: Any) -> Found:
        filters = Filters(**{name: options.pop(name) for name in list(options) if name in Filters.__slots__})
        return await self.store.read(find, viewer or await self.admin(), words, filters, **options)

    async def ids(self, words: str, viewer: Viewer | None = None, **options: Any) -> list[int]:
        """Entries that are found, in the order of the answer."""
        return [hit.entry.id for hit in (await self.find(words, viewer, **options)).entries]
