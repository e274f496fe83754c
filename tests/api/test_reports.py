"""Reports as anybody may ask for them: nonsense is refused in words, and whoever counts holds up nobody who works."""

import asyncio
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import text

from contact_center.api.handlers import reports
from contact_center.store import Connection
from contact_center.store.repositories import figures
from contact_center.testing import RunningApp
from tests.api.samples import midnight

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


@pytest.mark.parametrize(("about", "by"), [("now", "interval"), ("now", "hour"), ("team", "channel"), ("time", "queue")])
async def test_a_report_without_such_rows_says_so(server: RunningApp, about: str, by: str) -> None:
    """What stands now has no hours, and the time of colleagues no queues: refused, and not an empty table."""
    async with server.session() as client, client.get(f"/api/v1/reports?{YEARS}&about={about}&by={by}") as response:
        assert (response.status, (await response.json())["field"]) == (422, "by")


async def test_the_time_of_colleagues_is_a_report_like_any_other(server: RunningApp) -> None:
    """Its page and the report have the same figures, and it can be had as a file in the words of the registry."""
    async with server.session() as client:
        async with client.put("/api/v1/me/state", json={"state": "available"}) as response:
            assert response.status == 200, await response.text()
        since, until = midnight(), midnight() + timedelta(days=2)
        asked = f"since={quote(since.isoformat())}&until={quote(until.isoformat())}"
        async with client.get(f"/api/v1/reports?{asked}&about=time&by=agent") as response:
            report = await response.json()
        async with client.get(f"/api/v1/reports/agent-time?{asked}") as response:
            page = await response.json()
        async with client.get(f"/api/v1/reports/export?{asked}&about=time&by=agent&language=ru") as response:
            lines = (await response.read()).decode("utf-8-sig").splitlines()
    assert [int(row["key"]) for row in report["rows"]] == [row["time"]["user_id"] for row in page["rows"]]
    assert list(report["total"]["figures"]) == list(page["total"]["figures"])
    assert report["total"]["figures"]["time.signed_in"] > 0
    assert lines[0].startswith("Сотрудник,")
    assert "Загрузка, %" in lines[0]
    assert len(lines) == 2 + len(report["rows"])
