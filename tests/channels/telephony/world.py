"""A PBX's account and the real pipeline behind it, understood in this process."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from contact_center.intake.parsing import Parsers
from contact_center.intake.pipeline import Pipeline
from contact_center.intake.settle import Rules
from contact_center.intake.understanding import Outcome, parse_all
from contact_center.keys import Keys
from contact_center.model.messages import RawItem
from contact_center.model.people import Viewer
from contact_center.model.tickets import Entry
from contact_center.model.words import Role
from contact_center.store import Connection, Store
from contact_center.store.blobs import BlobFiles
from contact_center.store.repositories import access, channels, raw_items
from contact_center.testing import FrozenClock
from tests.channels.telephony.recordings import Line, envelope

ADMIN = Viewer(1, 1, Role.ADMIN, ())


class HereParsers(Parsers):
    """Understands in this process: for tests that are about what comes after."""

    def __init__(self) -> None:
        super().__init__(1, 1.0)

    async def parse(self, originals: Any) -> list[Outcome]:
        return parse_all(originals)

    async def warm_up(self) -> None:
        """Nothing to start."""


class World:
    """One PBX."""

    def __init__(self, store: Store, account_id: int) -> None:
        self.store, self.account_id = store, account_id
        self.clock = FrozenClock(datetime(2030, 1, 1, tzinfo=UTC))
        rules = Rules(Keys("a secret of sixteen"), timedelta(days=14))
        self.pipeline = Pipeline(store, BlobFiles(store.blob_dir), HereParsers(), rules, self.clock)
        self._number = 0

    async def take_in(self, *told: Line, again: bool = False) -> None:
        """Lines of logs, settled in this order. `again`: under keys of their own, as if nothing knew that they are double."""
        items = []
        for source, line in told:
            self._number += 1
            key = f"{self._number}" if again else f"{source}:{line!r}"
            items.append(RawItem(key, line, envelope=envelope(source)))
        await self.accept(items)

    async def accept(self, items: Sequence[RawItem]) -> None:
        await self.pipeline.accept(self.account_id, items, None, None)
        await self.pipeline.settle_all()

    async def books(self) -> dict[str, int]:
        counts = (await self.store.read(raw_items.books, 1)).get(self.account_id, {})
        return {fate: count for fate, count in counts.items() if count}

    async def rows(self, query: str) -> list[Any]:
        return list(await self.store.read(lambda c: c.execute(text(query)).mappings().all()))

    async def calls(self) -> list[dict[str, Any]]:
        """Every call in the history: whose it is, what is said of it, and whether somebody is to call because of it."""
        rows = await self.rows(
            "SELECT i.id, i.direction, i.occurred_at, i.subject, i.visible_text, i.facts, i.sender_address, p.value AS holder, i.ticket_id "
            "FROM interaction i "
            "LEFT JOIN contact_point_link l ON l.contact_id = i.contact_id LEFT JOIN contact_point p ON p.id = l.point_id "
            "WHERE i.kind = 'telephony' AND i.cancelled = FALSE ORDER BY i.occurred_at, i.id"
        )
        return [dict(row) for row in rows]

    async def open_callbacks(self) -> list[tuple[str, str]]:
        """Who is to be called, and how the ticket stands."""
        rows = await self.rows(
            "SELECT p.value AS who, t.status FROM work_item w JOIN ticket t ON t.id = w.ticket_id "
            "JOIN contact_point_link l ON l.contact_id = t.contact_id JOIN contact_point p ON p.id = l.point_id "
            "WHERE w.closed_at IS NULL AND w.kind = 'callback' ORDER BY 1"
        )
        return [(row["who"], row["status"]) for row in rows]

    async def picture(self) -> Any:
        """All that must not depend on the order in which things became known."""
        shown = ("direction", "subject", "visible_text", "facts", "sender_address", "holder", "occurred_at")
        calls = sorted(tuple(str(call[name]) for name in shown) for call in await self.calls())
        items = await self.rows("SELECT kind, state FROM work_item WHERE closed_at IS NULL ORDER BY 1, 2")
        return calls, await self.open_callbacks(), [tuple(row.values()) for row in items]

    async def entry(self, entry_id: int) -> Entry | None:
        from contact_center.store.repositories import timeline

        return await self.store.read(timeline.find, entry_id)


def _begin(connection: Connection, now: datetime) -> int:
    project_id = access.add_project(connection, "default", "Default")
    queue_id = access.add_queue(connection, project_id, "Support", False, now)
    return channels.add_account(
        connection, project_id=project_id, kind="telephony", name="PBX", address="lab", queue_id=queue_id, options={}, created_at=now
    )


async def make_world(store: Store) -> World:
    return World(store, await store.write(_begin, datetime(2030, 1, 1, tzinfo=UTC)))
