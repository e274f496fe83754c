"""Taking a few of what is due, whatever plan the database makes."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from contact_center.store import Connection
from contact_center.store.repositories import outbox, remote_files
from tests.outbound.test_sender import Desk, desk

__all__ = ["desk"]
# Plans that PostgreSQL chooses by what it believes of the table: one of them runs the inner question again for every row.
PLANS = ["enable_hashjoin", "enable_hashagg", "enable_sort", "enable_mergejoin", "enable_material", "enable_indexscan", "enable_bitmapscan"]
plans = pytest.mark.parametrize("off", [PLANS[:0], PLANS[:2], PLANS[:3], PLANS[:4], PLANS[:5], PLANS], ids=len)
analyzed = pytest.mark.parametrize("analyzed", [False, True], ids=["unknown", "analyzed"])


def plan(connection: Connection, table: str, off: list[str], *, analyzed: bool) -> None:
    """Have the database go about it in this way, if it is one that can choose."""
    if connection.dialect.name != "postgresql":
        return
    if analyzed:
        connection.execute(text(f"ANALYZE {table}"))
    for name in off:
        connection.execute(text(f"SET LOCAL {name} = off"))


@plans
@analyzed
async def test_never_more_are_leased_than_were_asked_for(desk: Desk, off: list[str], analyzed: bool) -> None:
    """Nine are due and one is asked for: one is leased, whichever way the database goes about it."""
    for _ in range(9):
        await desk.reply()

    def run(connection: Connection) -> list[int]:
        plan(connection, "outbox", off, analyzed=analyzed)
        now = desk.clock() + timedelta(seconds=1)
        return [len(outbox.lease_due(connection, "one", now, most, 1)) for most in (1, 4, 9)]

    assert await desk.store.write(run) == [1, 4, 4]


@plans
@analyzed
async def test_never_more_files_are_claimed_than_were_asked_for(desk: Desk, off: list[str], analyzed: bool) -> None:
    """The same for files that are still with a provider."""

    def run(connection: Connection) -> list[int]:
        now = desk.clock()
        remote_files.add(connection, 1, 1, [f"https://provider.example/{number}" for number in range(9)], now)
        plan(connection, "remote_file", off, analyzed=analyzed)
        return [len(remote_files.claim(connection, now, now + timedelta(minutes=1), most)) for most in (1, 4, 9)]

    assert await desk.store.write(run) == [1, 4, 4]
