"""Alerts over HTTP: whoever heard that one began hears that it is over."""

from typing import Any

import pytest

from contact_center.app import utc_now
from contact_center.store import journal
from contact_center.store.repositories import alerts
from contact_center.testing import RunningApp
from tests.api.test_views import ask


@pytest.mark.parametrize(("method", "body"), [("PATCH", {"threshold": 9.0}), ("PATCH", {"active": False}), ("DELETE", None)])
async def test_what_is_changed_or_dropped_while_it_lasts_is_over(server: RunningApp, method: str, body: Any) -> None:
    """The episode of an alert that somebody changes, switches off or drops ends, and its end is told as every other."""
    wanted = {"figure": "now.waiting", "queue_id": 1, "above": True, "threshold": 5.0, "minutes": 5}
    async with server.session() as client:
        status, made = await ask(client, "POST", "/alerts", wanted)
        assert status == 201
        await server.store.write(alerts.begin, made["id"], 7.0, utc_now())
        before = await server.store.read(journal.horizon)
        for _ in range(2 if method == "PATCH" else 1):
            assert (await ask(client, method, f"/alerts/{made['id']}", body))[0] < 300
    events = await server.store.read(journal.read_after, before, 100)
    told = [event.data["alert"] for event in events if event.type == "alert.ended"]
    assert [(alert["id"], alert["threshold"], alert["firing"]["ended_at"] is not None) for alert in told] == [(made["id"], 5.0, True)]


async def test_any_figure_can_be_watched(server: RunningApp) -> None:
    """All of the registry; the time of colleagues in the whole centre only, for it is of no queue."""
    async with server.session() as client:
        _, registry = await ask(client, "GET", "/figures")
        wanted = {"above": True, "threshold": 5.0, "minutes": 5, "active": False}
        for figure in registry:
            status, made = await ask(client, "POST", "/alerts", wanted | {"figure": figure["id"], "queue_id": None})
            assert status == 201, figure["id"]
            assert (await ask(client, "DELETE", f"/alerts/{made['id']}"))[0] < 300
        status, refused = await ask(client, "POST", "/alerts", wanted | {"figure": "occupancy", "queue_id": 1})
        assert (status, refused["field"]) == (422, "queue_id")
        status, made = await ask(client, "POST", "/alerts", wanted | {"figure": "service_level.standard", "medium": "voice"})
        assert (status, made["medium"]) == (201, "voice")
        status, refused = await ask(client, "POST", "/alerts", wanted | {"figure": "now.waiting", "medium": "voice"})
        assert (status, refused["field"]) == (422, "medium")
