"""Reports as anybody may ask for them: nonsense is refused in words, and whoever counts holds up nobody who works."""

import asyncio
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import text

from contact_center.api.handlers import reports
from contact_center.store import Connection
from contact_center.store.repositories import figures
from contact_center.testing import RunningApp

YEARS = "since=2026-01-01T00:00:00Z&until=2026-12-31T00:00:00Z"


@pytest.mark.parametrize(
    "stretch",
    [
        "since=0001-01-01T00:00:00Z&until=0001-06-01T00:00:00Z&timezone=America/New_York",
        "since=9998-12-01T00:00:00Z&until=9999-12-31T23:30:00Z&timezone=Asia/Tokyo",
        "since=0001-01-01T00:00:00%2B14:00&until=0001-06-01T00:00:00Z",
    ],
)
async def test_an_instant_beyond_all_calendars_is_refused(server: RunningApp, stretch: str) -> None:
    """The ends of time, where the clock of another zone has no name for the hour, are no fault of the server's."""
    async with server.session() as client:
        for path in ("reports?", "reports/export?", "reports/behind?tally=entered&"):
            async with client.get(f"/api/v1/{path}{stretch}&by=interval&step=month") as response:
                assert response.status == 422, await response.text()


@pytest.mark.parametrize("zone", ["../../etc/passwd", "/etc/passwd", "Europe", "", "Ω", "x" * 60, "tzdata.zi"])
async def test_a_timezone_is_a_name_and_no_path(server: RunningApp, zone: str) -> None:
    """Whatever stands there, no file is opened by it and nothing is told but that there is no such zone."""
    async with server.session() as client, client.get(f"/api/v1/reports?{YEARS}&by=interval&timezone={quote(zone)}") as response:
        assert (response.status, (await response.json())["field"]) == (422, "timezone")


async def test_a_report_that_takes_too_long_is_broken_off(server: RunningApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """With words that say what to ask for instead."""

    def slow(connection: Connection, *_: Any) -> None:
        connection.execute(text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n")).all()

    monkeypatch.setattr(reports, "SECONDS", 0.2)
    monkeypatch.setattr(figures, "report", slow)
    async with server.session() as client, client.get(f"/api/v1/reports?{YEARS}") as response:
        assert response.status == 503
        assert "shorter time" in await response.text()


async def test_those_who_count_hold_up_nobody_who_works(server: RunningApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty reports at once keep two readers of the store busy and leave the others to everybody else."""
    counting, most = 0, 0
    real = figures.report

    def slow(connection: Connection, *args: Any) -> Any:
        nonlocal counting, most
        counting += 1
        most = max(most, counting)
        connection.execute(
            text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT max(i) FROM n")
        ).all()
        counting -= 1
        return real(connection, *args)

    monkeypatch.setattr(figures, "report", slow)
    async with server.session() as client:

        async def ask() -> int:
            async with client.get(f"/api/v1/reports?{YEARS}") as response:
                return response.status

        assert await asyncio.gather(*(ask() for _ in range(20))) == [200] * 20
    assert most == 2
