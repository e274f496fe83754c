"""Permission from a provider instead of a password: fetched, renewed, withdrawn; a real IMAP server asks whether it holds."""

import asyncio
import contextlib
import warnings
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from contact_center import oauth
from contact_center.channels.base import Environment
from contact_center.channels.email import connector
from contact_center.channels.email.imap import ImapReader
from contact_center.channels.email.options import EmailOptions
from contact_center.channels.email.sending import check_smtp
from contact_center.errors import ChannelAuthFailed, ChannelMisconfigured, ChannelUnavailable
from contact_center.oauth import Provider, TokenSource
from contact_center.store.repositories import channels
from contact_center.testing import FakeProvider, RunningApp, fake_provider
from tests.channels.doubles import MemoryInbox, an_account
from tests.channels.email.mailboxes import Mailbox, a_mail, put


@pytest.fixture
async def provider(mailbox: Mailbox) -> AsyncIterator[FakeProvider]:
    async with fake_provider(mailbox.server.provider_port) as made:
        yield made


class Kept:
    """Remembers what it was told to keep."""

    def __init__(self) -> None:
        self.tokens: list[str] = []

    async def __call__(self, token: str) -> None:
        self.tokens.append(token)


def source(mailbox: Mailbox, provider: FakeProvider, refresh_token: str) -> tuple[EmailOptions, TokenSource, Kept]:
    options = mailbox.options(**provider.options(mailbox.user, refresh_token), imap_password="")
    assert options.provider is not None
    kept = Kept()
    return options, TokenSource(options.provider, refresh_token, kept), kept


async def test_a_real_server_lets_us_in(mailbox: Mailbox, provider: FakeProvider, inbox: MemoryInbox) -> None:
    """An access token fetched by the refresh token opens the mailbox of the person who agreed."""
    await put(mailbox, a_mail("by token"))
    options, tokens, _ = source(mailbox, provider, provider.allow(mailbox.user))
    task = asyncio.create_task(ImapReader(options, tokens).run(inbox))
    await inbox.until(lambda: bool(inbox.items), 20)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert inbox.contents() == [a_mail("by token")]
    assert [form["grant_type"] for form in provider.asked] == ["refresh_token"]


async def test_another_ones_token_opens_nothing(mailbox: Mailbox, provider: FakeProvider) -> None:
    """The server refuses the token of another mailbox; it is asked twice, with a fresh token, and not more."""
    options, tokens, _ = source(mailbox, provider, provider.allow("somebody.else"))
    with pytest.raises(ChannelAuthFailed, match="token"):
        await ImapReader(options, tokens).check()
    assert len(provider.asked) == 2


async def test_a_token_withdrawn_before_its_time(mailbox: Mailbox, provider: FakeProvider) -> None:
    """The one we held is refused: a new one is fetched, without a person."""
    options, tokens, _ = source(mailbox, provider, provider.allow(mailbox.user))
    await ImapReader(options, tokens).check()
    provider.access_tokens.clear()
    await ImapReader(options, tokens).check()
    assert len(provider.asked) == 2


async def test_a_token_is_fetched_once_while_it_holds(mailbox: Mailbox, provider: FakeProvider) -> None:
    """Many at once ask for one; near its end it is renewed."""
    _, tokens, _ = source(mailbox, provider, provider.allow(mailbox.user))
    assert len(set(await asyncio.gather(*(tokens.access() for _ in range(20))))) == 1
    assert len(provider.asked) == 1
    tokens._until = 0.0
    await tokens.access()
    assert len(provider.asked) == 2


async def test_refresh_tokens_that_rotate_are_kept(mailbox: Mailbox, provider: FakeProvider) -> None:
    """The new one is stored before anything else, and used next time."""
    provider.rotates = True
    _, tokens, kept = source(mailbox, provider, provider.allow(mailbox.user))
    await tokens.access()
    await tokens.access(fresh=True)
    assert len(kept.tokens) == 2
    assert provider.refresh_tokens == {kept.tokens[-1]: mailbox.user}


async def test_a_permission_that_ended_is_told_in_clear_words_and_not_insisted_on(mailbox: Mailbox, provider: FakeProvider) -> None:
    """The words say what to do; the provider is not asked again for each mail."""
    options, tokens, _ = source(mailbox, provider, "revoked")
    for _ in range(5):
        with pytest.raises(ChannelAuthFailed, match="Connect it again"):
            await ImapReader(options, tokens).check()
    assert len(provider.asked) == 1


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        ((400, {"error": "invalid_grant"}), ChannelAuthFailed),
        ((401, {"error": "invalid_client"}), ChannelAuthFailed),
        ((400, {"error": "temporarily_unavailable"}), ChannelUnavailable),
        ((429, {"error": "slow_down"}), ChannelUnavailable),
        ((500, {}), ChannelUnavailable),
        ((503, {"error": "invalid_grant"}), ChannelUnavailable),
        ((200, {}), ChannelUnavailable),
        ((200, {"access_token": 5}), ChannelUnavailable),
        ((200, {"access_token": "a" * 100_000}), ChannelUnavailable),
        ((302, {}), ChannelUnavailable),
    ],
)
async def test_answers_of_a_provider(
    mailbox: Mailbox, provider: FakeProvider, failure: tuple[int, dict[str, Any]], expected: type[Exception]
) -> None:
    """What passes by itself is tried again; what does not asks for a person."""
    _, tokens, _ = source(mailbox, provider, provider.allow(mailbox.user))
    provider.failure = failure
    with pytest.raises(expected):
        await tokens.access()


async def test_google_and_microsoft_are_where_they_are() -> None:
    """Their addresses are fixed, asked for what we need, and only reached on the open internet."""
    google = EmailOptions(sign_in="oauth2", oauth_client_id="us").provider
    microsoft = EmailOptions(sign_in="oauth2", oauth_provider="microsoft", oauth_tenant="ours.example").provider
    assert google is not None
    assert microsoft is not None
    url = oauth.consent_url(google, "https://here/back", "state", "verifier", "me@gmail.com")
    assert "access_type=offline" in url
    assert "code_challenge_method=S256" in url
    assert "verifier" not in url
    assert "/ours.example/" in microsoft.token_url
    assert "IMAP.AccessAsUser.All" in microsoft.scope
    assert google.public
    assert microsoft.public
    with pytest.raises(ChannelMisconfigured):
        await oauth.renew(Provider("", "http://127.0.0.1:9/token", "us", "", "", "x"), "token")


class Smtp:
    """An SMTP server that knows XOAUTH2."""

    def __init__(self, provider: FakeProvider) -> None:
        self.provider = provider
        self.asked = 0

    async def auth_XOAUTH2(self, server: Any, args: list[str]) -> AuthResult:  # noqa: N802
        import base64

        self.asked += 1
        token = base64.b64decode(args[1]).decode().split("Bearer ")[1].split("\x01")[0]
        return AuthResult(success=token in self.provider.access_tokens, handled=False)


async def test_mail_is_sent_with_a_token(mailbox: Mailbox, provider: FakeProvider) -> None:
    """SMTP signs in with the same permission; a refused sign-in is not repeated with every mail."""
    handler = Smtp(provider)
    loop = asyncio.get_running_loop()

    def protocol() -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # it warns of a login without TLS
            return SMTP(handler, hostname="mx", loop=loop, auth_require_tls=False, auth_required=True)

    server = await loop.create_server(protocol, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    options, tokens, _ = source(mailbox, provider, provider.allow(mailbox.user))
    options = options.model_copy(update={"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": "none"})
    try:
        await check_smtp(options, "here", tokens)
        assert handler.asked == 1
        provider.refresh_tokens.clear()
        provider.access_tokens.clear()
        with pytest.raises(ChannelAuthFailed):
            await check_smtp(options, "here", tokens)
    finally:
        server.close()


async def test_a_wrong_smtp_password_is_not_offered_with_every_mail(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """One refused sign-in, and the next mails wait: a provider locks accounts that insist."""
    asked = []

    async def refuse(*_args: Any) -> None:
        asked.append(1)
        raise ChannelAuthFailed("wrong")

    monkeypatch.setattr(connector, "send_by_smtp", refuse)
    made = connector.connect(an_account(), EmailOptions(smtp_host="127.0.0.1"), Environment(tmp_path, "here"))
    for _ in range(5):
        with pytest.raises(ChannelAuthFailed):
            await made.send(None)  # type: ignore[arg-type]
    assert len(asked) == 1


async def connect(running: RunningApp, provider: FakeProvider, user: str = "admin@example.com") -> tuple[int, str]:
    """An account that waits for permission; (its id, where the administrator is sent)."""
    body = {
        "kind": "email",
        "name": "Ours",
        "address": "ours@example.com",
        "queue_id": 1,
        "options": provider.options("ours"),
        "check": True,
    }
    async with running.session() as client:
        async with client.post("/api/v1/channels", json=body) as response:
            assert response.status == 201, await response.text()
            detail = await response.json()
            assert detail["consent"] == "needed"
        channel_id = detail["channel"]["id"]
    async with running.session(user) as client, client.post(f"/api/v1/channels/{channel_id}/consent") as response:
        assert response.status == 200, await response.text()
        return channel_id, (await response.json())["url"]


async def test_an_administrator_connects_a_mailbox(server: RunningApp) -> None:
    """To the provider's page and back: the permission is stored, encrypted, and never shown."""
    async with fake_provider() as provider:
        channel_id, url = await connect(server, provider)
        async with server.session() as client:
            async with client.get(url, allow_redirects=False) as page:
                back = page.headers["Location"]
            path = "/" + back.split("/", 3)[3]
            async with client.get(path.replace("code=", "error=access_denied&x="), allow_redirects=False) as response:
                assert response.status == 422
            state = path.split("state=")[1]
            async with client.get(f"/api/v1/channels/consent?error=access_denied&state={state}", allow_redirects=False) as response:
                assert response.headers["Location"] == f"/setup/channels?refused={channel_id}"
            account = await server.store.read(channels.find_account, channel_id)
            assert account is not None
            assert (account.health, "access_denied" in account.health_detail) == ("auth_failed", True)
            async with client.get(path, allow_redirects=False) as response:
                assert (response.status, response.headers["Location"]) == (303, f"/setup/channels?connected={channel_id}")
            async with client.get("/api/v1/channels") as response:
                detail = next(each for each in await response.json() if each["channel"]["id"] == channel_id)
            assert detail["consent"] == "given"
            assert "oauth_refresh_token" not in detail["options"]
            account = await server.store.read(channels.find_account, channel_id)
            assert account is not None
            (token,) = provider.refresh_tokens
            assert token not in str(account.options)
            assert server.product.keys.decrypt(account.options["oauth_refresh_token"]) == token
            # The same way back a second time: the code is used up.
            async with client.get(path, allow_redirects=False) as response:
                assert response.headers["Location"] == f"/setup/channels?refused={channel_id}"


async def test_nobody_ends_what_somebody_else_began(server: RunningApp) -> None:
    """A forged, altered, foreign or late attempt stores nothing."""
    from contact_center.model.words import Role

    await server.add_user("second@example.com", Role.ADMIN, [1])
    async with fake_provider() as provider:
        channel_id, url = await connect(server, provider, "second@example.com")
        async with server.session() as client:
            async with client.get(url, allow_redirects=False) as page:
                path = "/" + page.headers["Location"].split("/", 3)[3]
            for attempt in (
                path,
                path[:-6] + "AAAAAA",
                "/api/v1/channels/consent?code=a",
                "/api/v1/channels/consent?code=a&state=" + "x" * 3000,
            ):
                async with client.get(attempt, allow_redirects=False) as response:
                    assert response.status == 422
        account = await server.store.read(channels.find_account, channel_id)
        assert account is not None
        assert not account.options["oauth_refresh_token"]
