"""What a restored database says of the hours that nobody knows: nothing goes out twice, nobody stays signed in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from contact_center.backup.restoring import settle
from contact_center.model.messages import InboundMessage
from contact_center.model.words import Consent, Delivery
from contact_center.store import Connection, Store
from contact_center.store.repositories import outbox, recovery
from contact_center.testing import a_mail, running_app
from tests.intake import world as worlds
from tests.intake.world import item, make_world
from tests.intake.world import parse as understood

BACKUP = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)


def rows(connection: Connection, sql: str) -> list[Any]:
    return [tuple(row) for row in connection.execute(text(sql))]


def wish(content: bytes, envelope: dict[str, Any]) -> InboundMessage:
    """Whoever writes here asks for no more messages."""
    return replace(understood(content, envelope), consent=Consent.STOP, confirmation="You will hear no more.")


async def reply(client: Any, ticket: int, words: str) -> int:
    async with client.post(f"/api/v1/tickets/{ticket}/replies", json={"text": words}, headers={"Idempotency-Key": words}) as response:
        assert response.status == 201, await response.text()
        return int((await response.json())["id"])


async def test_what_waited_is_uncertain_or_dropped(tmp_path: Path, database_url: str) -> None:
    """A person's waiting reply asks a person, a machine's is dropped, what was sent stays; and whoever was inside is outside."""
    async with running_app(tmp_path / "data", database_url=database_url, mail={"undo_send_seconds": 60.0}) as running:
        store = running.store
        async with running.session() as client:
            mails = [a_mail(sender=f"c{number}@example.com", message_id=f"<m{number}@x>") for number in range(4)]
            await running.deliver(*mails)
            queued, leased, machine, sent = [await reply(client, number, f"answer {number}") for number in range(1, 5)]

            def arrange(connection: Connection) -> None:
                for entry, state in ((leased, Delivery.LEASED), (sent, Delivery.SENT)):
                    row = outbox.of_interaction(connection, entry)
                    assert row is not None
                    outbox.change(connection, row["id"], state=state, lease_holder="dead" if state is Delivery.LEASED else None)
                connection.execute(text("UPDATE interaction SET automatic = :yes WHERE id = :id"), {"yes": True, "id": machine})
                settle(connection, datetime.now(UTC), BACKUP)

            await store.write(arrange)
            found = dict(await store.read(rows, "SELECT interaction_id, state FROM outbox"))
            assert found == {queued: "uncertain", leased: "uncertain", machine: "cancelled", sent: "sent"}
            words = await store.read(rows, "SELECT DISTINCT error FROM outbox WHERE state = 'uncertain'")
            assert words == [("restored from a backup of 2026-11-01 03:00 UTC: it may have gone out since",)]
            # The undecided ones are open again, so that somebody sees them.
            assert await store.read(rows, "SELECT status FROM ticket ORDER BY id") == [("open",), ("open",), ("waiting",), ("waiting",)]
            async with client.get("/api/v1/tickets") as response:
                assert response.status == 401
        assert await store.read(rows, "SELECT count(*) FROM invitation WHERE used_at IS NULL") == [(0,)]
        restored = await store.read(recovery.restored_at)
        assert restored is not None
        assert datetime.now(UTC) - restored < timedelta(minutes=1)
        async with running.session("admin@example.com"):
            pass  # the password still opens


async def test_a_database_that_was_never_restored(store: Store) -> None:
    """Without a restore there is no mark, and the last of several restores counts."""
    await make_world(store)
    assert await store.read(recovery.restored_at) is None
    for day in (3, 5, 4):
        await store.write(recovery.mark_restored, datetime(2026, 11, day, tzinfo=UTC), BACKUP)
    assert await store.read(recovery.restored_at) == datetime(2026, 11, 4, tzinfo=UTC)  # each mark replaces the one before


@pytest.mark.parametrize(("hours", "confirmed"), [(-1, 0), (1, 1)])
async def test_a_wish_is_confirmed_once(store: Store, hours: int, confirmed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A STOP from before the restore is heeded again, and not confirmed again."""
    world = await make_world(store)
    now = world.clock()
    await store.write(recovery.mark_restored, now, BACKUP)
    world.clock.move(hours=2)
    monkeypatch.setattr(worlds, "parse", wish)
    await world.take_in(item("stop", source_time=now + timedelta(hours=hours)))
    assert await store.read(rows, "SELECT count(*) FROM outbox") == [(confirmed,)]


async def test_an_archive_confirms_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an archive brings is the past: a STOP in it is heeded, and nobody hears of it."""
    world = await make_world(store)
    monkeypatch.setattr(worlds, "parse", wish)
    await world.take_in(item("stop", {"trust_date": True, "quiet_before": "9999-01-01T00:00:00+00:00"}))
    assert await store.read(rows, "SELECT count(*) FROM outbox") == [(0,)]
    assert await store.read(rows, "SELECT count(*) FROM work_item") == [(0,)]
