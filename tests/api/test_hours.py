"""Opening hours over the API: what is saved, what is refused, what a queue follows."""

from datetime import timedelta
from typing import Any

from contact_center.app import utc_now
from contact_center.testing import RunningApp
from tests.api.samples import HOURS
from tests.api.world import make_world


async def _ask(client: Any, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    async with client.request(method, f"/api/v1{path}", json=body) as response:
        return response.status, await response.json()


async def test_calendars_are_made_changed_and_followed(server: RunningApp) -> None:
    """A calendar is made and changed, a queue follows it, and lets it go again."""
    world = await make_world(server)
    async with world.client("admin") as client:
        status, made = await _ask(client, "POST", "/calendars", {"name": "Office", "hours": HOURS})
        assert (status, made["hours"]["weekly"][0], made["hours"]["overrides"]) == (201, [["09:00", "18:00"]], {"2026-12-31": []})
        assert (await _ask(client, "POST", "/calendars", {"name": "Office", "hours": HOURS}))[0] == 409
        other = HOURS | {"timezone": "Europe/Berlin", "weekly": [[["09:00", "13:00"], ["14:00", "24:00"]]] * 7}
        status, changed = await _ask(client, "PATCH", f"/calendars/{made['id']}", {"name": "Shop", "hours": other})
        assert (status, changed["name"], changed["hours"]["timezone"]) == (200, "Shop", "Europe/Berlin")
        assert (await _ask(client, "GET", "/calendars"))[1] == [changed]
        assert (await _ask(client, "PATCH", "/queues/1", {"calendar_id": made["id"]}))[1]["calendar_id"] == made["id"]
        assert (await _ask(client, "PATCH", "/queues/1", {"name": "Renamed"}))[1]["calendar_id"] == made["id"]
        assert (await _ask(client, "PATCH", "/queues/1", {"calendar_id": 999}))[0] == 422
        snapshot = (await _ask(client, "GET", "/snapshot"))[1]
        assert {queue["id"]: queue["calendar_id"] for queue in snapshot["queues"]}[1] == made["id"]
        assert (await _ask(client, "PATCH", "/queues/1", {"calendar_id": None}))[1]["calendar_id"] is None
        assert (await _ask(client, "PATCH", "/calendars/999", {"name": "Shop", "hours": other}))[0] == 404


async def test_hours_that_make_no_sense_are_refused(server: RunningApp) -> None:
    """Words say what is wrong; nothing is saved."""
    world = await make_world(server)
    async with world.client("admin") as client:
        for wrong in (
            {"timezone": "Mars/Base"},
            {"holidays": "XX"},
            {"weekly": [[["18:00", "09:00"]]] + [[]] * 6},
            {"overrides": {"2026-02-30": []}},
        ):
            status, answer = await _ask(client, "POST", "/calendars", {"name": "Wrong", "hours": HOURS | wrong})
            assert status == 422, wrong
            assert "." in answer["detail"]
        assert (await _ask(client, "POST", "/calendars", {"name": "Wrong", "hours": HOURS | {"weekly": []}}))[0] == 422
        assert (await _ask(client, "GET", "/calendars"))[1] == []


async def test_the_next_two_weeks_are_shown_before_saving(server: RunningApp) -> None:
    """Fourteen days from today in the calendar's own zone, each with the reason for its hours."""
    world = await make_world(server)
    tomorrow = (utc_now() + timedelta(days=3)).date().isoformat()
    async with world.client("admin") as client:
        hours = HOURS | {"timezone": "UTC", "overrides": {tomorrow: [["10:00", "12:00"]]}}
        status, days = await _ask(client, "POST", "/calendars/preview", {"hours": hours, "language": "ru"})
        assert (status, len(days), days[0]["date"]) == (200, 14, utc_now().date().isoformat())
        assert (days[3]["why"], days[3]["spans"]) == ("exception", [["10:00", "12:00"]])
        assert "RU" in (await _ask(client, "GET", "/holiday-regions"))[1]
