"""A hundred at the same moment: what may happen once happens once, and the others are told."""

import asyncio
from collections import Counter

import pytest

from contact_center.api import passwords
from contact_center.app import utc_now
from contact_center.model.words import Role
from contact_center.store.repositories import access
from contact_center.testing import RunningApp, a_mail
from tests.api.asking import send
from tests.api.test_links import accept, invite
from tests.api.world import admin_id, cookie, make_session

MANY = 100


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred real hashes would take half a minute and change nothing here."""

    async def quick(password: str) -> str:
        return f"hash of {password}"

    monkeypatch.setattr(passwords, "hash_password", quick)


async def test_a_hundred_redeem_one_invitation(any_server: RunningApp) -> None:
    """One sets the password and is signed in; ninety-nine are refused."""
    user, token = await invite(any_server)
    answers = await asyncio.gather(*(accept(any_server, token, f"the long password {number}") for number in range(MANY)))
    assert Counter(answer.status for answer in answers) == {201: 1, 401: MANY - 1}
    assert len(await any_server.store.read(access.sessions, user, utc_now())) == 1


async def test_a_hundred_claim_one_ticket(any_server: RunningApp) -> None:
    """Whoever names the version they saw: one has it, the others hear that somebody was faster."""
    await any_server.deliver(a_mail())
    sessions = [cookie(await make_session(any_server, await admin_id(any_server))) for _ in range(4)]
    found = await send(any_server, "GET", "/api/v1/tickets/1", headers=sessions[0])
    version = {"If-Match": found.headers["ETag"]}
    body = {"assignee_id": await admin_id(any_server)}
    answers = await asyncio.gather(
        *(send(any_server, "PATCH", "/api/v1/tickets/1", json=body, headers=sessions[number % 4] | version) for number in range(MANY))
    )
    assert Counter(answer.status for answer in answers) == {200: 1, 412: MANY - 1}


async def test_ten_administrators_remove_each_other(any_server: RunningApp) -> None:
    """A hundred removals at the same moment, each of each: somebody stays who can administer."""
    users = [await admin_id(any_server)]
    users += [await any_server.add_user(f"admin{number}@example.com", Role.ADMIN, []) for number in range(9)]
    sessions = [cookie(await make_session(any_server, user)) for user in users]
    sent = [
        send(any_server, "PATCH", f"/api/v1/users/{user}", json={"disabled": True}, headers=session)
        for session in sessions
        for user in users
    ]
    statuses = Counter(answer.status for answer in await asyncio.gather(*sent))
    assert set(statuses) <= {200, 401, 403, 409}
    assert sum(statuses.values()) == MANY
    assert await any_server.store.read(access.active_admins, 1) >= 1
