"""Permission that a provider gives us to read and send somebody's mail (RFC 6749, with PKCE of RFC 7636).

People give it once in their browser; what is kept is the refresh token, with which short-lived access tokens are fetched.
"""

import asyncio
import base64
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
import orjson

from contact_center import egress
from contact_center.errors import ChannelAuthFailed, ChannelError, ChannelMisconfigured, ChannelUnavailable

ANSWER_LIMIT = 64 * 1024  # bytes
EARLY = 60.0  # seconds before its end at which a token is renewed
SHORTEST, LONGEST, USUAL = 60.0, 24 * 3600.0, 300.0  # seconds a token is believed to live; USUAL when nobody says
PAUSE = 600.0  # seconds during which a refusal is not asked for again: a provider may lock whoever insists
_PASSING = ("temporarily_unavailable", "server_error", "slow_down")


@dataclass(frozen=True, slots=True)
class Provider:
    """Where permission is asked for, and as whom."""

    authorize_url: str
    token_url: str
    client_id: str
    client_secret: str
    scope: str
    keeps: str
    """Name of the account's option that holds the refresh token."""
    extra: Mapping[str, str] = field(default_factory=dict)
    """Further parameters of the page where people agree."""
    public: bool = True
    """Whether it must be on the open internet; one of the house, named by an administrator, need not."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a provider gave."""

    access_token: str
    expires_in: float
    """Seconds."""
    refresh_token: str = ""
    """Empty: the one we have stays."""


def new_verifier() -> str:
    """A secret of one attempt, by which the provider knows that whoever began also ends it."""
    return secrets.token_urlsafe(48)


def consent_url(provider: Provider, redirect_uri: str, state: str, verifier: str, hint: str = "") -> str:
    """The address of the page where people agree; `hint` is the mailbox they should agree for."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    values = {
        "client_id": provider.client_id,
        "response_type": "code",
        "redirect_uri": redirect_uri,
        "scope": provider.scope,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    } | dict(provider.extra)
    if hint:
        values["login_hint"] = hint
    return f"{provider.authorize_url}{'&' if '?' in provider.authorize_url else '?'}{urlencode(values)}"


async def redeem(provider: Provider, code: str, redirect_uri: str, verifier: str) -> Grant:
    """Tokens for the code that came back. Raises a ChannelError, ChannelAuthFailed also when there is no refresh token."""
    values = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier}
    grant = await _ask(provider, values)
    if not grant.refresh_token:
        raise ChannelAuthFailed("The provider let us in only for now: it gave no refresh token. Ask for offline access.")
    return grant


async def renew(provider: Provider, refresh_token: str) -> Grant:
    """A fresh access token. Raises ChannelAuthFailed when the permission has ended, ChannelUnavailable when it may still hold."""
    return await _ask(provider, {"grant_type": "refresh_token", "refresh_token": refresh_token})


class TokenSource:
    """Access tokens of one account, fetched when they are needed and kept while they hold."""

    def __init__(self, provider: Provider, refresh_token: str, keep: Callable[[str], Awaitable[None]]) -> None:
        self._provider = provider
        self._refresh_token = refresh_token
        self._keep = keep
        self._grant: Grant | None = None
        self._until = 0.0
        self._refused: tuple[float, ChannelError] | None = None
        self._asking = asyncio.Lock()

    async def access(self, *, fresh: bool = False) -> str:
        """A token that is valid now; `fresh`: not the one handed out before. Raises a ChannelError."""
        async with self._asking:
            if self._refused is not None and time.monotonic() < self._refused[0]:
                raise self._refused[1]
            if self._grant is None or fresh or time.monotonic() >= self._until:
                self._grant = await self._renewed()
                self._until = time.monotonic() + max(self._grant.expires_in - EARLY, EARLY / 2)
            return self._grant.access_token

    async def _renewed(self) -> Grant:
        if not self._refresh_token:
            raise ChannelAuthFailed("Nobody has allowed us to use this mailbox yet: connect it in Set-up → Channels.")
        try:
            grant = await renew(self._provider, self._refresh_token)
        except ChannelAuthFailed as error:
            self._refused = (time.monotonic() + PAUSE, error)
            raise
        if grant.refresh_token and grant.refresh_token != self._refresh_token:
            # Some providers give a new one with each renewal, and take the old one back.
            self._refresh_token = grant.refresh_token
            await self._keep(grant.refresh_token)
        return grant


async def _ask(provider: Provider, values: dict[str, str]) -> Grant:
    form = values | {"client_id": provider.client_id} | ({"client_secret": provider.client_secret} if provider.client_secret else {})
    try:
        async with _session(provider) as session, session.post(provider.token_url, data=form, allow_redirects=False) as response:
            content = await _read(response)
            return _grant(response.status, content)
    except aiohttp.InvalidURL as error:
        raise ChannelMisconfigured(f"The provider's token address is none: {error}") from error
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        if isinstance(getattr(error, "os_error", error), egress.Forbidden):
            raise ChannelMisconfigured(f"The provider's token address is no public one: {error}") from error
        raise ChannelUnavailable(f"The provider's token service does not answer: {str(error)[:200] or type(error).__name__}") from error


def _session(provider: Provider) -> aiohttp.ClientSession:
    if provider.public:
        return egress.guarded_session()
    return aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), timeout=egress.TIMEOUT, trust_env=False)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for piece in response.content.iter_chunked(8192):
        content += piece
        if len(content) > ANSWER_LIMIT:
            raise ChannelUnavailable("The provider's token service sends more than a token.")
    return bytes(content)


def _grant(status: int, content: bytes) -> Grant:
    try:
        answer: Any = orjson.loads(content)
    except orjson.JSONDecodeError:
        answer = None
    answer = answer if isinstance(answer, dict) else {}
    if status == 200 and isinstance(answer.get("access_token"), str) and answer["access_token"]:
        refresh = answer.get("refresh_token")
        return Grant(answer["access_token"], _lifetime(answer.get("expires_in")), refresh if isinstance(refresh, str) else "")
    code = str(answer.get("error", ""))[:60]
    words = " ".join(f"{code} {str(answer.get('error_description', ''))[:200]}".split())
    if status in (400, 401, 403) and code and code not in _PASSING:
        raise ChannelAuthFailed(_refusal(code, words))
    raise ChannelUnavailable(f"The provider's token service answered {status} {words}".strip())


def _refusal(code: str, words: str) -> str:
    if code in ("invalid_client", "unauthorized_client"):
        return f"The provider does not know us by this client id and secret: {words}"
    return f"The provider no longer lets us use this mailbox ({words}). Connect it again in Set-up → Channels."


def _lifetime(value: Any) -> float:
    try:
        return min(max(float(value), SHORTEST), LONGEST)
    except (TypeError, ValueError):
        return USUAL
