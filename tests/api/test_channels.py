"""Channel accounts: what an administrator may change without knowing its secrets."""

from typing import Any

import pytest

from contact_center.api.handlers import channels as handlers
from contact_center.store import Connection
from contact_center.store.repositories import channels
from contact_center.testing import RunningApp

MAILBOX = {
    "imap_host": "imap.example.com", "imap_user": "u", "imap_password": "canary-imap", "smtp_host": "smtp.example.com",
    "smtp_user": "u", "smtp_password": "canary-smtp",
}  # fmt: skip
OAUTH = {
    "sign_in": "oauth2", "oauth_provider": "other", "oauth_authorize_url": "https://id.example.com/a", "oauth_client_id": "c",
    "oauth_token_url": "https://id.example.com/t", "oauth_scope": "mail", "oauth_client_secret": "canary-client",
    "oauth_refresh_token": "canary-refresh", "imap_host": "imap.example.com", "imap_user": "u",
}  # fmt: skip
TWILIO = {"provider": "twilio", "twilio_account_sid": "AC1", "twilio_auth_token": "canary-twilio"}
KANNEL = {"provider": "kannel", "kannel_user": "u", "kannel_password": "canary-kannel", "kannel_hook_secret": "k" * 20}


async def add(server: RunningApp, kind: str, options: dict[str, Any]) -> str:
    """A new account that is switched off; returns its path."""
    address = "desk@example.com" if kind == "email" else "+12025550123"
    body = {"kind": kind, "name": "N", "address": address, "queue_id": 1, "check": False, "options": options}
    async with server.session() as client, client.post("/api/v1/channels", json=body) as response:
        assert response.status == 201, await response.text()
        path = f"/api/v1/channels/{(await response.json())['channel']['id']}"
    async with server.session() as client, client.patch(path, json={"enabled": False}) as response:
        assert response.status == 200
    return path


async def change(server: RunningApp, path: str, options: dict[str, Any]) -> tuple[int, Any]:
    """Save options; the status and the answer."""
    async with server.session() as client, client.patch(path, json={"options": options, "check": False}) as response:
        return response.status, await response.json()


async def stored(server: RunningApp, path: str) -> dict[str, Any]:
    """The account's options with their secrets in the clear."""

    def find(connection: Connection) -> Any:
        return channels.find_account(connection, int(path.rpartition("/")[2]))

    return dict(handlers.decrypt_options(server.product.keys, await server.store.read(find)).options)


@pytest.mark.parametrize(
    ("kind", "options", "moved", "secret"),
    [
        ("email", MAILBOX, {"imap_host": "evil.example"}, "imap_password"),
        ("email", MAILBOX, {"imap_port": 1143}, "imap_password"),
        ("email", MAILBOX, {"imap_security": "none"}, "imap_password"),
        ("email", MAILBOX, {"smtp_host": "evil.example"}, "smtp_password"),
        ("email", MAILBOX, {"smtp_security": "none"}, "smtp_password"),
        ("email", OAUTH, {"oauth_token_url": "https://evil.example/t"}, "oauth_client_secret"),
        ("sms", TWILIO, {"twilio_api_base": "https://evil.example"}, "twilio_auth_token"),
        ("sms", KANNEL, {"kannel_url": "http://evil.example/sendsms"}, "kannel_password"),
    ],
)
async def test_a_stored_secret_goes_to_no_other_server(
    server: RunningApp, kind: str, options: dict[str, Any], moved: dict[str, Any], secret: str
) -> None:
    """Another host, port, security or address asks for its secret again, left out or empty; entered again it is saved."""
    path = await add(server, kind, options)
    before = await stored(server, path)
    for left in ({}, {secret: ""}):
        status, answer = await change(server, path, moved | left)
        assert status == 422, answer
        assert [error["loc"] for error in answer["errors"]] == [["options", secret]]
        assert await stored(server, path) == before
    status, answer = await change(server, path, moved | {secret: "entered-again"})
    assert status == 200, answer
    assert (await stored(server, path))[secret] == "entered-again"


async def test_secrets_stay_where_their_server_stays(server: RunningApp) -> None:
    """Other options are changed without entering secrets again, and so is switching a line off; turning it to another server is not."""
    path = await add(server, "email", MAILBOX)
    for options in ({"sender_name": "Desk"}, {"imap_folder": "Help"}, {"imap_host": MAILBOX["imap_host"]}, {"imap_host": ""}):
        assert (await change(server, path, options))[0] == 200
    assert (await stored(server, path))["imap_password"] == "canary-imap"
    assert (await change(server, path, {"imap_host": "evil.example"}))[0] == 422


async def test_consent_is_asked_for_again_for_other_servers(server: RunningApp) -> None:
    """What a provider allowed for one mail server is forgotten for another: nobody could enter it again."""
    path = await add(server, "email", OAUTH)
    status, answer = await change(server, path, {"imap_host": "evil.example"})
    assert (status, answer["consent"]) == (200, "needed")
    assert not (await stored(server, path)).get("oauth_refresh_token")
