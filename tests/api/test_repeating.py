"""Keys of repetition, and readiness."""

import pytest

from contact_center.model.words import Role
from contact_center.store import Connection
from contact_center.testing import RunningApp, a_mail
from tests.api.asking import Answer, send
from tests.api.world import admin_id, cookie, make_session, make_user


async def test_repetition_keys_are_asked_for_and_bounded(server: RunningApp) -> None:
    """Where a repetition would hurt a key of 1 to 200 characters is needed; the longest is remembered whole."""
    await server.deliver(a_mail())
    session, path = cookie(await make_session(server, await admin_id(server))), "/api/v1/tickets/1/notes"

    async def note(text: str, **headers: str) -> Answer:
        return await send(server, "POST", path, json={"text": text}, headers=session | headers)

    assert (await note("x")).status == 400
    assert (await note("x", **{"Idempotency-Key": ""})).status == 400
    assert (await note("x", **{"Idempotency-Key": "k" * 201})).status == 400
    first, again = await note("x", **{"Idempotency-Key": "k" * 200}), await note("x", **{"Idempotency-Key": "k" * 200})
    assert (first.status, again.status) == (201, 201)
    assert first.json == again.json
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (await note("x", **{"Idempotency-Key": "k" * 199 + "l"})).json["id"] != first.json["id"]


async def test_a_repetition_key_belongs_to_one_person_and_one_request(server: RunningApp) -> None:
    """A key of a colleague is not met, one of another request is refused, and one of a failed request is free again."""
    await server.deliver(a_mail())
    path, key = "/api/v1/tickets/1/notes", {"Idempotency-Key": "one"}
    admin = cookie(await make_session(server, await admin_id(server)))
    agent = cookie(await make_session(server, await make_user(server, "agent", Role.AGENT, [1])))
    missing = await send(server, "POST", "/api/v1/tickets/99/notes", json={"text": "x"}, headers=admin | key)
    assert missing.status == 404
    mine = await send(server, "POST", path, json={"text": "x"}, headers=admin | key)
    theirs = await send(server, "POST", path, json={"text": "x"}, headers=agent | key)
    assert (mine.status, theirs.status) == (201, 201)
    assert mine.json["id"] != theirs.json["id"]
    assert "Idempotency-Replayed" not in theirs.headers
    assert (await send(server, "POST", path, json={"text": "y"}, headers=admin | key)).status == 422
    assert (await send(server, "POST", "/api/v1/tickets/1/replies", json={"text": "x"}, headers=admin | key)).status == 422


# Readiness.


def _pull_the_plug(connection: Connection) -> None:
    """Close the driver's connection under the writer: it cannot even say whether a transaction is open, and dies."""
    connection.connection.driver_connection.close()  # type: ignore[union-attr]


async def test_a_dead_writer_is_not_ready(quick: RunningApp) -> None:
    """When the database's writer has died the server says so with 503, still lives, still reads, and refuses changes honestly."""
    assert (await send(quick, "GET", "/readyz")).status == 200
    session = cookie(await make_session(quick, await admin_id(quick)))
    with pytest.raises(Exception, match="writer has stopped"):
        await quick.store.write(_pull_the_plug)
    ready = await send(quick, "GET", "/readyz")
    assert ready.status == 503
    assert ready.json["ready"] is False
    assert ready.json["checks"]["database"].startswith("failed")
    assert (await send(quick, "GET", "/healthz")).status == 200
    assert (await send(quick, "GET", "/api/v1/me", headers=session)).status == 200
    change = await send(quick, "PATCH", "/api/v1/me", json={"name": "New"}, headers=session)
    assert change.status == 503
    assert change.headers["Content-Type"].startswith("application/problem+json")
