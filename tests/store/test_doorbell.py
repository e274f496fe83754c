"""The doorbell between processes: a ring reaches everybody on the database, and a cut line heals."""

import asyncio
from collections.abc import Callable

import asyncpg
import pytest

from contact_center import bus
from contact_center.bus import PostgresDoorbell
from tests.conftest import make_database


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody rang")


async def test_a_ring_is_heard_elsewhere_also_after_the_line_was_cut(postgres_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who only listens notices that its line is dead, comes back, and looks into the journal at once."""
    monkeypatch.setattr(bus, "RETRY", 0.05)
    url = await make_database(postgres_server)
    rings: list[int] = []
    listener, ringer = PostgresDoorbell(url), PostgresDoorbell(url)
    listener.listen(lambda: rings.append(1))
    await listener.start()
    await ringer.start()
    admin = await asyncpg.connect(url)
    try:
        await until(lambda: bool(rings))
        heard = len(rings)
        ringer.ring()
        await until(lambda: len(rings) > heard)
        heard = len(rings)
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await until(lambda: len(rings) > heard)  # it is back, and looks by itself
        for _ in range(3):
            heard = len(rings)
            ringer.ring()
            await until(lambda: len(rings) > heard)  # noqa: B023
    finally:
        await admin.close()
        await listener.close()
        await ringer.close()
