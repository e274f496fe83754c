"""Nobody gives themselves rights, and somebody stays administrator."""

import asyncio
from typing import Any

import pytest

from contact_center.api.routes import ROUTES
from contact_center.model.words import Role
from contact_center.store.repositories import access
from contact_center.testing import PASSWORD, RunningApp
from tests.api.asking import OTHER, send
from tests.api.test_links import accept, invite
from tests.api.world import admin_id, cookie, make_session, make_user

PRIVILEGES = {
    "id": 1, "role": "admin", "is_admin": True, "is_active": True, "project_id": 2, "disabled": False, "disabled_at": None,
    "password_hash": "x", "password": "x", "queue_ids": [1], "scopes": ["admin"], "employee_id": 1, "__proto__": {"role": "admin"},
}  # fmt: skip


@pytest.mark.parametrize("name", PRIVILEGES)
async def test_one_cannot_raise_oneself(quick: RunningApp, name: str) -> None:
    """A field that is not one's to set refuses the whole request, and nothing of it is done."""
    agent = await make_user(quick, "agent", Role.AGENT, [1])
    session = cookie(await make_session(quick, agent))
    before = await quick.store.read(access.credentials, "agent@example.com")
    for method, path, body in (
        ("PATCH", "/api/v1/me", {"name": "Changed"}),
        ("POST", "/api/v1/me/password", {"current": PASSWORD, "new": OTHER}),
        ("PATCH", "/api/v1/tickets/1", {"subject": "Changed"}),
        ("PATCH", "/api/v1/contacts/1", {"name": "Changed"}),
    ):
        answer = await send(quick, method, path, json=body | {name: PRIVILEGES[name]}, headers=session)
        assert answer.status == 422, (path, answer.text)
        assert name in answer.text
    after = await quick.store.read(access.credentials, "agent@example.com")
    assert after is not None
    assert before is not None
    assert dict(after) == dict(before)


@pytest.mark.parametrize("name", ["id", "project_id", "password", "password_hash", "has_password", "created_at", "is_active"])
async def test_an_administrator_sets_only_what_is_named(quick: RunningApp, name: str) -> None:
    """Making and changing employees takes the named fields alone; number, project and password are nobody's to give."""
    session = cookie(await make_session(quick, await admin_id(quick)))
    user = await make_user(quick, "agent", Role.AGENT, [1])
    made = await send(quick, "POST", "/api/v1/users", json={"name": "N", "email": "n@example.com", name: 1}, headers=session)
    changed = await send(quick, "PATCH", f"/api/v1/users/{user}", json={"name": "N", name: 1}, headers=session)
    assert (made.status, changed.status) == (422, 422)
    assert [found.name for found in await quick.store.read(access.users, 1)] == ["Admin", "Agent"]


def test_every_input_is_closed() -> None:
    """Bodies and queries of all routes, and what is nested in them, refuse fields they do not name."""
    open_ones = []
    for route in ROUTES:
        for model in (route.signature.body, route.signature.query):
            if model is not None:
                schema = model.model_json_schema()
                objects = [schema, *schema.get("$defs", {}).values()]
                open_ones += [
                    (route.path, item["title"])
                    for item in objects
                    if "properties" in item and item.get("additionalProperties") is not False
                ]
    assert open_ones == []


# Somebody must stay administrator.


@pytest.mark.parametrize("body", [{"role": "agent"}, {"role": "supervisor"}, {"disabled": True}, {"disabled": True, "role": "agent"}])
async def test_the_last_administrator_stays(quick: RunningApp, body: dict[str, Any]) -> None:
    """The last administrator cannot be demoted or switched off, not even by themselves."""
    admin = await admin_id(quick)
    session = cookie(await make_session(quick, admin))
    assert (await send(quick, "PATCH", f"/api/v1/users/{admin}", json=body, headers=session)).status == 409
    found = await quick.store.read(access.find_user, 1, admin)
    assert found is not None
    assert (found.role, found.disabled) == (Role.ADMIN, False)
    assert (await send(quick, "GET", "/api/v1/channels", headers=session)).status == 200


async def test_an_administrator_who_cannot_log_in_does_not_count(quick: RunningApp) -> None:
    """An invited administrator without a password is no reason to let the last one go: the link may never be used."""
    admin = await admin_id(quick)
    session = cookie(await make_session(quick, admin))
    invited, token = await invite(quick, "Second", "admin")
    path = f"/api/v1/users/{admin}"
    assert (await send(quick, "PATCH", path, json={"role": "agent"}, headers=session)).status == 409
    assert (await send(quick, "PATCH", path, json={"disabled": True}, headers=session)).status == 409
    assert (await send(quick, "PATCH", f"/api/v1/users/{invited}", json={"name": "Renamed"}, headers=session)).status == 200
    assert (await accept(quick, token)).status == 201
    assert (await send(quick, "PATCH", path, json={"role": "agent"}, headers=session)).status == 200


@pytest.mark.parametrize("body", [{"role": "agent"}, {"disabled": True}])
async def test_racing_removals_leave_an_administrator(any_server: RunningApp, body: dict[str, Any]) -> None:
    """Three administrators who remove each other and themselves at the same moment leave at least one."""
    users = [await admin_id(any_server)]
    users += [await any_server.add_user(f"admin{number}@example.com", Role.ADMIN, []) for number in range(2)]
    sessions = [cookie(await make_session(any_server, user)) for user in users]
    sent = [send(any_server, "PATCH", f"/api/v1/users/{user}", json=body, headers=session) for session in sessions for user in users]
    statuses = [answer.status for answer in await asyncio.gather(*sent)]
    assert set(statuses) <= {200, 401, 403, 409}
    assert await any_server.store.read(access.active_admins, 1) >= 1
