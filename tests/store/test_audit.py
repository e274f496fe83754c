"""The audit log: written with the deed, one chain whoever writes, and every way of tampering is named with its place."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.engine import Connection

from contact_center.keys import Keys, Seal, forget_earlier, load_audit_keys, load_secrets, renew_secret
from contact_center.model.acts import Act
from contact_center.model.audit import Action, Subject
from contact_center.store import Store, audit, audit_check, open_store
from contact_center.store.audit_check import Anchor, Fault
from contact_center.store.repositories import access
from contact_center.store.schema.audit import audit_entry, audit_head

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
SEAL = Keys("a-secret-of-the-instance").seal()


def deed(connection: Connection, number: int = 0, **detail: Any) -> None:
    audit.note(connection, Act(NOW + timedelta(seconds=number), None, "192.0.2.1"), Action.QUEUE_CHANGED, Subject.QUEUE, number, **detail)


@pytest.fixture
async def log(store: Store) -> Store:
    """A store with five entries."""
    store.seal = SEAL
    for number in range(1, 6):
        await store.write(deed, number, fields=["name"])
    return store


async def verdict(store: Store, anchors: list[Anchor] | None = None, seal: Seal = SEAL) -> tuple[int, Fault | None]:
    return await store.read(audit_check.check, seal, anchors or [])


async def first_fault(store: Store, anchors: list[Anchor] | None = None) -> int:
    _, fault = await verdict(store, anchors)
    assert fault is not None, "the log passes for whole"
    return fault.number


async def rows(store: Store) -> list[Any]:
    return await store.read(audit.rows_after, 0, 10_000)


async def tamper(store: Store, *statements: Any) -> None:
    def unit(connection: Connection) -> None:
        for statement in statements:
            connection.execute(statement)

    await store.write(unit)


async def test_an_untouched_log_is_whole(log: Store) -> None:
    """Entries are numbered without gaps and verify; the head is the last."""
    assert await verdict(log) == (5, None)
    assert [row["number"] for row in await rows(log)] == [1, 2, 3, 4, 5]


async def test_an_empty_log_is_whole(store: Store) -> None:
    """Nothing was done yet, and nothing is wrong."""
    assert await verdict(store) == (0, None)


async def test_what_was_undone_was_not_done(log: Store) -> None:
    """An entry commits with its deed or not at all, and the next one follows without a gap."""

    def fails(connection: Connection) -> None:
        deed(connection, 6)
        raise ValueError

    with pytest.raises(ValueError):
        await log.write(fails)
    await log.write(deed, 7)
    assert await verdict(log) == (6, None)
    assert (await rows(log))[-1]["object_id"] == 7


async def test_a_store_without_a_key_refuses_the_deed(store: Store) -> None:
    """What must be told and cannot be told is not done."""
    with pytest.raises(RuntimeError, match="no key"):
        await store.write(deed)
    assert await rows(store) == []


@pytest.mark.parametrize(
    "values",
    [
        {"actor": "Somebody else"}, {"actor_id": 7}, {"address": "198.51.100.1"}, {"action": "queue.added"}, {"object_id": 9},
        {"object_kind": "contact"}, {"detail": {"fields": []}}, {"at": NOW}, {"project_id": 99}, {"hash": "0.0"},
    ],
)  # fmt: skip
async def test_an_edited_row_is_named(log: Store, values: dict[str, Any]) -> None:
    """Whichever field was changed."""
    await tamper(log, update(audit_entry).where(audit_entry.c.number == 3).values(values))
    assert await first_fault(log) == 3


@pytest.mark.parametrize("number", [1, 3])
async def test_a_deleted_row_is_named(log: Store, number: int) -> None:
    """The first and one in the middle."""
    await tamper(log, delete(audit_entry).where(audit_entry.c.number == number))
    assert await first_fault(log) == number


async def test_a_deleted_row_whose_gap_was_closed_is_named(log: Store) -> None:
    """Numbering the later ones anew hides nothing."""
    await tamper(log, delete(audit_entry).where(audit_entry.c.number == 3))
    for number in (4, 5):
        await tamper(log, update(audit_entry).where(audit_entry.c.number == number).values(number=number - 1))
    await tamper(log, update(audit_head).values(number=4))
    assert await first_fault(log) == 3


async def test_reordered_rows_are_named(log: Store) -> None:
    """Two entries that changed places."""
    moves = [(2, 99), (3, 2), (99, 3)]
    await tamper(log, *(update(audit_entry).where(audit_entry.c.number == old).values(number=new) for old, new in moves))
    assert await first_fault(log) == 2


async def test_an_inserted_row_is_named(log: Store) -> None:
    """An entry of somebody without the key, even with a head to match."""
    forged = dict((await rows(log))[-1]) | {"number": 6}
    await tamper(log, insert(audit_entry).values(forged), update(audit_head).values(number=6, hash=forged["hash"]))
    assert await first_fault(log) == 6


async def test_a_cut_off_end_is_named_by_the_head(log: Store) -> None:
    """The last entries are gone."""
    await tamper(log, delete(audit_entry).where(audit_entry.c.number > 3))
    assert await first_fault(log) == 4


async def cut_with_head(log: Store, number: int) -> None:
    kept = (await rows(log))[number - 1]
    await tamper(log, delete(audit_entry).where(audit_entry.c.number > number), update(audit_head).values(number=number, hash=kept["hash"]))


async def test_a_head_that_was_made_to_match_is_named(log: Store) -> None:
    """Only a holder of the key can make the head of a shorter log."""
    await cut_with_head(log, 3)
    assert await first_fault(log) == 4


@pytest.mark.parametrize("how", ["forged", "missing"])
async def test_going_on_after_a_cut_hides_nothing(log: Store, how: str) -> None:
    """The next deed goes through, and tells of the cut before itself."""
    if how == "forged":
        await cut_with_head(log, 3)
    else:
        await tamper(log, delete(audit_entry).where(audit_entry.c.number > 3), delete(audit_head))
    await log.write(deed, 8)
    assert [row["action"] for row in await rows(log)][3:] == [Action.LOG_ALTERED, Action.QUEUE_CHANGED]
    assert await first_fault(log) == 4


async def test_a_log_put_back_whole_is_named_by_an_anchor(log: Store, tmp_path: Path) -> None:
    """Yesterday's log with yesterday's head is consistent; only the file beside the database knows of more."""
    before = await log.read(audit.head)
    assert before is not None
    await log.write(deed, 6)
    made = audit_check.anchor(tmp_path, await log.read(audit.head), SEAL, NOW)
    assert made is not None
    assert await verdict(log, audit_check.load_anchors(tmp_path)) == (6, None)
    await tamper(log, delete(audit_entry).where(audit_entry.c.number > 5), update(audit_head).values(dict(before)))
    assert await verdict(log) == (5, None)
    assert await first_fault(log, audit_check.load_anchors(tmp_path)) == 6
    # Filled up again to the same length, it is another entry that stands there.
    await log.write(deed, 7)
    assert await first_fault(log, audit_check.load_anchors(tmp_path)) == 6


async def test_a_log_that_was_emptied_is_named_by_an_anchor(log: Store, tmp_path: Path) -> None:
    """With nothing left in the database it looks like a new one."""
    audit_check.anchor(tmp_path, await log.read(audit.head), SEAL, NOW)
    await tamper(log, delete(audit_entry), delete(audit_head))
    await log.write(deed, 1)
    assert await verdict(log) == (1, None)
    assert await first_fault(log, audit_check.load_anchors(tmp_path)) == 2


async def test_anchors_are_written_once_a_day_and_survive_a_torn_line(log: Store, tmp_path: Path) -> None:
    """The second of a day adds nothing, the next day's does, and half a line is no anchor."""
    head = await log.read(audit.head)
    made = [audit_check.anchor(tmp_path, head, SEAL, NOW + timedelta(hours=hours)) for hours in (0, 5, 24)]
    with (tmp_path / audit_check.ANCHORS).open("a") as file:
        file.write('{"day": "2026-')
    assert [each is not None for each in made] == [True, False, True]
    assert [each.day for each in audit_check.load_anchors(tmp_path)] == ["2026-11-02", "2026-11-03"]
    assert await verdict(log, audit_check.load_anchors(tmp_path)) == (5, None)


async def test_an_altered_anchor_is_named(log: Store, tmp_path: Path) -> None:
    """An anchor is sealed too."""
    made = audit_check.anchor(tmp_path, await log.read(audit.head), SEAL, NOW)
    assert made is not None
    assert await first_fault(log, [Anchor("2020-01-01", made.number, made.hash, made.seal)]) == 5


async def test_a_rotated_key_goes_on_with_the_chain(log: Store, tmp_path: Path) -> None:
    """Entries of the earlier key hold beside those of the new one, also after the earlier secret was forgotten."""
    path = tmp_path / "secret_key"
    path.write_text("a-secret-of-the-instance")
    renew_secret(path)
    log.seal = Keys(*load_secrets(path)).seal()
    await log.write(deed, 6)
    assert await verdict(log, seal=log.seal) == (6, None)
    forget_earlier(path)
    assert "instance" not in path.read_text()
    assert (tmp_path / "audit_keys").stat().st_mode & 0o077 == 0
    renew_secret(path)
    forget_earlier(path)
    after = Keys(*load_secrets(path)).seal(load_audit_keys(tmp_path))
    log.seal = after
    await log.write(deed, 7)
    assert await verdict(log, seal=after) == (7, None)
    assert len({row["hash"].partition(".")[0] for row in await rows(log)}) == 3
    _, fault = await verdict(log, seal=Keys(*load_secrets(path)).seal())
    assert fault == Fault(1, "altered, or sealed with a key that is not here")


async def test_many_processes_make_one_chain(database_url: str, tmp_path: Path) -> None:
    """Two stores that write at the same moment leave no fork, no gap and no lost entry."""
    stores = [await open_store(database_url, tmp_path / "blobs") for _ in range(2 if "postgres" in database_url else 1)]
    await stores[0].migrate()
    for each in stores:
        each.seal = SEAL
    await asyncio.gather(*(each.write(deed, number) for number in range(40) for each in stores))
    assert await verdict(stores[0]) == (40 * len(stores), None)
    for each in stores:
        await each.close()


async def test_the_name_of_the_moment_stays(log: Store) -> None:
    """Who it was is told by name and address, whatever they are called later; and whose project it was."""

    def unit(connection: Connection) -> int:
        project = access.add_project(connection, "p", "P")
        user = access.add_user(connection, project, "anna@example.com", "Anna", "agent", None, NOW)  # type: ignore[arg-type]
        audit.note(connection, Act(NOW, user), Action.SIGNED_IN, Subject.SESSION, 1)
        return user

    user = await log.write(unit)
    await log.write(access.change_user, user, name="Berta")
    entry = (await log.read(audit.page, 1))[0]
    assert (entry.actor, entry.actor_id) == ("Anna <anna@example.com>", user)


async def test_filters_and_pages(log: Store) -> None:
    """By action, object and time, newest first, below a number."""
    await log.write(access.add_project, "p", "P")
    for number in range(6, 9):
        await log.write(deed, number)

    async def numbers(**wanted: Any) -> list[int]:
        return [entry.number for entry in await log.read(audit.page, 1, **wanted)]

    assert await numbers() == [8, 7, 6]
    assert await numbers(before=8, limit=1) == [7]
    assert await numbers(kind=Subject.QUEUE, object_ids=[7]) == [7]
    assert await numbers(action=Action.KEY_ROTATED) == []
    assert await numbers(since=NOW + timedelta(seconds=7), until=NOW + timedelta(seconds=8)) == [7]


async def test_text_that_databases_refuse_is_sealed_as_it_is_stored(log: Store) -> None:
    """NUL characters and lone surrogates do not break the chain."""
    await log.write(deed, 6, fields=["a\x00b", "\ud800"], nested={"b": [1, True, None], "a": "я"})
    assert await verdict(log) == (6, None)
    found = await log.read(lambda connection: connection.execute(select(audit_entry.c.detail).where(text("number = 6"))).scalar())
    assert found["nested"] == {"b": [1, True, None], "a": "я"}
