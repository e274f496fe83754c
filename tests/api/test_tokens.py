"""Tokens of programs."""

from typing import Any

from contact_center.api.permissions import SCOPES, Permission
from contact_center.api.routes import ROUTES
from contact_center.model.words import Role
from contact_center.store.repositories import access
from contact_center.testing import RunningApp
from tests.api.asking import Answer, send, stop_clock
from tests.api.world import admin_id, cookie, make_session, make_token, make_user


def bearer(token: str) -> dict[str, str]:
    """The header of an API token."""
    return {"Authorization": f"Bearer {token}"}


async def new_api_token(server: RunningApp, session: dict[str, str], **body: Any) -> Answer:
    """Make a token as a person does."""
    return await send(server, "POST", "/api/v1/me/tokens", json={"name": "robot", "scopes": ["tickets:read"]} | body, headers=session)


async def test_an_api_token_is_shown_once_and_ends_when_revoked(quick: RunningApp) -> None:
    """A token works from when it is made until it is revoked, at once, and nothing shows it again."""
    session = cookie(await make_session(quick, await admin_id(quick)))
    made = (await new_api_token(quick, session)).json
    assert (await send(quick, "GET", "/api/v1/tickets", headers=bearer(made["token"]))).status == 200
    listed = await send(quick, "GET", "/api/v1/me/tokens", headers=session)
    rows = await quick.store.read(access.api_tokens, await admin_id(quick))
    assert made["token"] not in listed.text
    assert made["token"] not in str([dict(row) for row in rows])
    path = f"/api/v1/me/tokens/{made['id']}"
    other = cookie(await make_session(quick, await make_user(quick, "agent", Role.AGENT, [1])))
    assert (await send(quick, "DELETE", path, headers=other)).status == 404
    assert (await send(quick, "DELETE", path, headers=session)).status == 204
    assert (await send(quick, "GET", "/api/v1/tickets", headers=bearer(made["token"]))).status == 401


async def test_an_api_token_expires(quick: RunningApp) -> None:
    """A token ends on its day; one without a day goes on."""
    clock = stop_clock(quick)
    session = cookie(await make_session(quick, await admin_id(quick)))
    short = (await new_api_token(quick, session, days=1)).json["token"]
    lasting = (await new_api_token(quick, session, days=None)).json["token"]
    clock.move(hours=23, minutes=59)
    assert (await send(quick, "GET", "/api/v1/tickets", headers=bearer(short))).status == 200
    clock.move(minutes=1)
    assert (await send(quick, "GET", "/api/v1/tickets", headers=bearer(short))).status == 401
    assert (await send(quick, "GET", "/api/v1/tickets", headers=bearer(lasting))).status == 200


async def test_an_api_token_never_reaches_the_account(quick: RunningApp) -> None:
    """A token with every scope there is cannot read or change its owner's account, sessions, password or tokens."""
    token = await make_token(quick, await admin_id(quick), [str(scope) for scope in SCOPES])
    own = [route for route in ROUTES if route.permission is Permission.SELF]
    assert len(own) >= 9
    for route in own:
        path = route.path.format(session_id=1, token_id=1)
        assert (await send(quick, route.method, path, json={}, headers=bearer(token))).status == 403, route
    assert (await send(quick, "GET", "/api/v1/tickets", headers=bearer(token))).status == 200


async def test_a_token_never_gives_more_than_its_owner_has(quick: RunningApp) -> None:
    """Scopes beyond the role are refused, and those a role loses are lost at once."""
    admin = await admin_id(quick)
    second = await make_user(quick, "second", Role.ADMIN, [])
    agent = cookie(await make_session(quick, await make_user(quick, "agent", Role.AGENT, [1])))
    assert (await new_api_token(quick, agent, scopes=["admin"])).status == 403
    assert (await new_api_token(quick, agent, scopes=["board"])).status == 403
    for scopes in (["self"], ["public"], ["*"], [""], []):
        assert (await new_api_token(quick, agent, scopes=scopes)).status == 422, scopes
    token = (await new_api_token(quick, cookie(await make_session(quick, second)), scopes=["admin"])).json["token"]
    assert (await send(quick, "GET", "/api/v1/channels", headers=bearer(token))).status == 200
    body, session = {"role": "agent"}, cookie(await make_session(quick, admin))
    assert (await send(quick, "PATCH", f"/api/v1/users/{second}", json=body, headers=session)).status == 200
    assert (await send(quick, "GET", "/api/v1/channels", headers=bearer(token))).status == 403


async def test_a_bad_token_does_not_fall_back_to_the_cookie(quick: RunningApp) -> None:
    """Who sends a token is judged by the token, and a token in the address is nobody's."""
    session = cookie(await make_session(quick, await admin_id(quick)))
    assert (await send(quick, "GET", "/api/v1/me", headers=session | bearer("cc_pat_no"))).status == 401
    token = await make_token(quick, await admin_id(quick), ["tickets:read"])
    for query in (f"token={token}", f"access_token={token}", f"Authorization=Bearer+{token}"):
        assert (await send(quick, "GET", f"/api/v1/tickets?{query}")).status == 401
    assert (await send(quick, "GET", "/api/v1/tickets", headers=cookie(token))).status == 401
