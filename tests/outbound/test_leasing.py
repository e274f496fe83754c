"""Leasing from the outbox, whatever plan the database makes."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from contact_center.store import Connection
from contact_center.store.repositories import outbox
from tests.outbound.test_sender import Desk, desk

__all__ = ["desk"]
# Plans that PostgreSQL chooses by what it believes of the table: one of them runs the inner question again for every row.
PLANS = ["enable_hashjoin", "enable_hashagg", "enable_sort", "enable_mergejoin", "enable_material", "enable_indexscan", "enable_bitmapscan"]


@pytest.mark.parametrize("off", [PLANS[:0], PLANS[:2], PLANS[:3], PLANS[:4], PLANS[:5], PLANS], ids=len)
@pytest.mark.parametrize("analyzed", [False, True], ids=["unknown", "analyzed"])
async def test_never_more_are_leased_than_were_asked_for(desk: Desk, off: list[str], analyzed: bool) -> None:
    """Nine are due and one is asked for: one is leased, whichever way the database goes about it."""
    for _ in range(9):
        await desk.reply()

    def run(connection: Connection) -> list[int]:
        if connection.dialect.name == "postgresql":
            if analyzed:
                connection.execute(text("ANALYZE outbox"))
            for name in off:
                connection.execute(text(f"SET LOCAL {name} = off"))
        now = desk.clock() + timedelta(seconds=1)
        return [len(outbox.lease_due(connection, "one", now, most, 1)) for most in (1, 4, 9)]

    assert await desk.store.write(run) == [1, 4, 4]
