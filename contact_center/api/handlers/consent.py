"""Letting a provider allow us a mailbox: an administrator leaves for the provider's page and comes back with a code.

What travels with them is sealed: the attempt belongs to one administrator, one account and a few minutes, and only whoever
began it can end it.
"""

import orjson
from aiohttp import web
from pydantic import Field

from contact_center import oauth
from contact_center.api.answers import ConsentPage
from contact_center.api.context import Context
from contact_center.api.framework import Input
from contact_center.api.handlers.channels import decrypt_options, publish_channel
from contact_center.channels import registry
from contact_center.errors import ChannelAuthFailed, ChannelError, ConfigError, Conflict, Invalid, NotFound
from contact_center.keys import Keys
from contact_center.model.acts import Act
from contact_center.model.audit import Action, Subject
from contact_center.model.channels import ChannelAccount
from contact_center.model.people import Viewer
from contact_center.model.words import Health
from contact_center.oauth import Provider
from contact_center.store import Connection, audit
from contact_center.store.repositories import channels

MINUTES = 15  # in which somebody must have come back
CALLBACK = "/api/v1/channels/consent"
SETUP = "/setup/channels"


class ConsentQuery(Input):
    """What a provider sends along."""

    code: str = Field("", max_length=4000)
    state: str = Field("", max_length=4000)
    error: str = Field("", max_length=200)


async def begin_consent(ctx: Context, channel_id: int) -> ConsentPage:
    """The address of the provider's page where this account's use is allowed. The administrator's browser goes there."""
    account = await ctx.read(_account, ctx.viewer, channel_id)
    provider = _provider(ctx.services.keys, account)
    verifier = oauth.new_verifier()
    attempt = {
        "account": account.id,
        "user": ctx.viewer.user_id,
        "verifier": verifier,
        "until": ctx.services.clock().timestamp() + MINUTES * 60,
    }
    state = ctx.services.keys.encrypt("consent " + orjson.dumps(attempt).decode())
    return ConsentPage(oauth.consent_url(provider, _callback(ctx), state, verifier, account.address))


async def end_consent(ctx: Context, query: ConsentQuery) -> web.StreamResponse:
    """Where the provider sends the administrator back to: keep what it allows, and return to the set-up."""
    account_id, verifier = _opened(ctx, query.state)
    account = await ctx.read(_account, ctx.viewer, account_id)
    provider = _provider(ctx.services.keys, account)
    try:
        if query.error or not query.code:
            raise ChannelAuthFailed(f"The provider's page gave no permission: {query.error or 'no code came back'}")
        grant = await oauth.redeem(provider, query.code, _callback(ctx), verifier)
    except ChannelError as error:
        # The words stand with the account: what a link says is anybody's.
        await ctx.write(_refuse, ctx.act(), ctx.viewer, account_id, provider.keeps, error.message)
        return _back("refused", account_id)
    await ctx.write(_keep, ctx.act(), ctx.viewer, account_id, provider.keeps, ctx.services.keys.encrypt(grant.refresh_token))
    await ctx.services.refresh_channels()
    return _back("connected", account_id)


def _opened(ctx: Context, state: str) -> tuple[int, str]:
    """The account and the secret of an attempt. Raises Invalid for what was not begun here, by this person, just now."""
    try:
        sealed = ctx.services.keys.decrypt(state)
        kind, _, content = sealed.partition(" ")
        attempt = orjson.loads(content) if kind == "consent" else {}
        fitting = attempt.get("user") == ctx.viewer.user_id and attempt["until"] > ctx.services.clock().timestamp()
    except (ConfigError, orjson.JSONDecodeError, KeyError, UnicodeError):
        fitting = False
    if not fitting:
        raise Invalid("This was not begun here, by you, within the last minutes. Connect the account again.", field="state")
    return int(attempt["account"]), str(attempt["verifier"])


def _back(word: str, account_id: int) -> web.Response:
    return web.Response(status=303, headers={"Location": f"{SETUP}?{word}={account_id}", "Cache-Control": "no-store"})


def _callback(ctx: Context) -> str:
    return ctx.services.settings.base_url.rstrip("/") + CALLBACK


def _provider(keys: Keys, account: ChannelAccount) -> Provider:
    kind = registry.find(account.kind)
    provider = kind.consent(kind.options.model_validate(decrypt_options(keys, account).options))
    if provider is None:
        raise Conflict("This account signs in with a password.")
    return provider


def _account(connection: Connection, viewer: Viewer, channel_id: int) -> ChannelAccount:
    account = channels.find_account(connection, channel_id)
    if account is None or account.project_id != viewer.project_id:
        raise NotFound
    return account


def _keep(connection: Connection, act: Act, viewer: Viewer, account_id: int, option: str, sealed: str) -> None:
    account = _account(connection, viewer, account_id)
    values = {"options": account.options | {option: sealed}, "health": Health.STARTING, "health_detail": ""}
    channels.change_account(connection, account_id, **values)
    audit.note(connection, act, Action.CHANNEL_CHANGED, Subject.CHANNEL, account_id, fields=[], options=[option])
    publish_channel(connection, act, viewer.project_id, account_id)


def _refuse(connection: Connection, act: Act, viewer: Viewer, account_id: int, option: str, why: str) -> None:
    """Say why; an account that works by an earlier permission goes on working."""
    account = _account(connection, viewer, account_id)
    if account.enabled and not (account.health is Health.OK and account.options.get(option)):
        channels.change_account(connection, account_id, health=Health.AUTH_FAILED, health_detail=why[:500], checked_at=act.now)
        publish_channel(connection, act, viewer.project_id, account_id)
