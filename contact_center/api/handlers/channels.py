"""Channel accounts: settings drawn from the connectors' own options, secrets encrypted, the connection tried first."""

import dataclasses
import typing
from collections.abc import Callable
from typing import Any, Literal

from pydantic import ValidationError

from contact_center.api.answers import ChannelDetail, KindInfo, OptionField
from contact_center.api.context import Context
from contact_center.api.schemas import ChannelBody, ChannelPatchBody
from contact_center.channels import registry
from contact_center.channels.base import ChannelKind, Environment, goes_to, secret_fields
from contact_center.errors import ChannelError, Conflict, Invalid, NotFound
from contact_center.keys import Keys
from contact_center.model.acts import Act
from contact_center.model.audit import Action, Subject
from contact_center.model.channels import ChannelAccount, ChannelNews
from contact_center.model.events import ChannelChanged, Event
from contact_center.model.people import Viewer
from contact_center.model.words import Health
from contact_center.store import Connection, audit, journal
from contact_center.store.repositories import access, channels, raw_items


async def kinds(ctx: Context) -> list[KindInfo]:
    """The kinds of channel there are, each with the form of its settings."""
    return [
        KindInfo(kind.name, kind.label, kind.address_label, [_field(name, option) for name, option in kind.options.model_fields.items()])
        for kind in registry.kinds().values()
    ]


async def list_channels(ctx: Context) -> list[ChannelDetail]:
    """All channel accounts with their settings, health and books."""
    return await ctx.read(_details, ctx.viewer, ctx.services.environment)


async def create_channel(ctx: Context, body: ChannelBody) -> ChannelDetail:
    """Add a channel account; the real connection is tried before anything is saved."""
    kind = _kind(body.kind)
    options = _validated(kind, body.options)
    if body.check:
        await _check(ctx, ChannelAccount(0, ctx.viewer.project_id, body.kind, body.name, body.address, body.queue_id), kind, options)
    stored = encrypt_options(ctx.services.keys, kind, options)
    account_id = await ctx.write(_create, ctx.act(), ctx.viewer, body, stored)
    await ctx.services.refresh_channels()
    return await _detail(ctx, account_id)


async def change_channel(ctx: Context, channel_id: int, body: ChannelPatchBody) -> ChannelDetail:
    """Change a channel account. Secrets left out or empty stay as they are."""
    account = await ctx.read(_account, ctx.viewer, channel_id)
    stored, changed = None, []
    if body.options is not None:
        kind = registry.find(account.kind)
        old = decrypt_options(ctx.services.keys, account).options
        options = _for_new_servers(kind, old, body.options, _validated(kind, _with_old_secrets(kind, old, body.options)))
        if body.check:
            await _check(ctx, account, kind, options)
        stored = encrypt_options(ctx.services.keys, kind, options)
        changed = _differing(kind, old, options)
    await ctx.write(_change, ctx.act(), ctx.viewer, channel_id, body, stored, changed)
    await ctx.services.refresh_channels()
    return await _detail(ctx, channel_id)


def encrypt_options(keys: Keys, kind: ChannelKind, options: Any) -> dict[str, Any]:
    """Options as they are stored: secrets encrypted."""
    values = dict(options.model_dump())
    return values | {name: keys.encrypt(values[name]) for name in secret_fields(kind.options) if values[name]}


def decrypt_options(keys: Keys, account: ChannelAccount) -> ChannelAccount:
    """The account with its secrets in the clear, for its connector only."""
    kind = registry.find(account.kind)
    clear = {name: keys.decrypt(account.options[name]) for name in secret_fields(kind.options) if account.options.get(name)}
    return dataclasses.replace(account, options=account.options | clear)


def publish_channel(
    connection: Connection, act: Act, project_id: int, account_id: int, previous_queue_id: int | None = None
) -> ChannelNews:
    """Record the account's state in the journal, without its options; and from which queue it went, if it did."""
    account = channels.find_account(connection, account_id)
    if account is None:
        raise NotFound
    news = as_news(account)
    event = Event(ChannelChanged(news), project_id, previous_queue_id=previous_queue_id)
    journal.append(connection, event, at=act.now, actor_id=act.user_id)
    return news


def as_news(account: ChannelAccount) -> ChannelNews:
    """The account without its options."""
    return ChannelNews(
        id=account.id,
        kind=account.kind,
        name=account.name,
        address=account.address,
        queue_id=account.queue_id,
        enabled=account.enabled,
        health=account.health,
        health_detail=account.health_detail,
        checked_at=account.checked_at,
        can_send=registry.find(account.kind).can_send,
        reaches=registry.find(account.kind).reaches,
        silent_since=account.silent_since,
        expect_hours=account.expect_hours,
        spools=registry.find(account.kind).spools(account.options),
    )


def _kind(name: str) -> ChannelKind:
    try:
        return registry.find(name)
    except NotFound as error:
        raise Invalid(error.message, field="kind") from None


def _validated(kind: ChannelKind, options: dict[str, Any]) -> Any:
    try:
        return kind.options.model_validate(options)
    except ValidationError as error:
        errors = [{"in": "body", "loc": ["options", *item["loc"]], "msg": item["msg"], "type": item["type"]} for item in error.errors()]
        raise Invalid(errors=errors) from None


async def _check(ctx: Context, account: ChannelAccount, kind: ChannelKind, options: Any) -> None:
    connector = kind.connect(account, options, ctx.services.environment(kind.name))
    try:
        await connector.check()
    except ChannelError as error:
        # Who tries servers and passwords until one fits is told of, as whoever tries to sign in here is.
        await ctx.told(Action.CHANNEL_REFUSED, Subject.CHANNEL, account.id or None, channel=kind.name, reason=error.code)
        if name := error.details.get("option"):  # the form marks it
            errors = [{"in": "body", "loc": ["options", name], "msg": "Fill this in.", "type": "missing"}]
            raise Invalid(errors=errors) from error
        raise Invalid(error.message, field="options", reason=error.code) from error


def _with_old_secrets(kind: ChannelKind, old: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    kept = {name: old.get(name, "") for name in secret_fields(kind.options) if not given.get(name)}
    return old | given | kept


def _for_new_servers(kind: ChannelKind, old: dict[str, Any], given: dict[str, Any], options: Any) -> Any:
    """The options without what only another server may be shown: nobody sends a secret they do not know to a server of their own.

    Raises Invalid for secrets that must be entered again. What comes by a provider's consent is forgotten, and asked for again.
    """
    changed = set(_differing(kind, old, options))
    held = [name for name in sorted(secret_fields(kind.options)) if old.get(name) and not given.get(name)]
    moved = [name for name in held if _is_sent_elsewhere(options, goes_to(kind.options, name), changed)]
    provider = kind.consent(options)
    errors = [
        {"in": "body", "loc": ["options", name], "msg": "Enter it again for the new server.", "type": "new_server"}
        for name in moved
        if provider is None or name != provider.keeps
    ]
    if errors:
        raise Invalid(errors=errors)
    return _validated(kind, options.model_dump() | dict.fromkeys(moved, "")) if moved else options


def _is_sent_elsewhere(options: Any, names: tuple[str, ...], changed: set[str]) -> bool:
    return not changed.isdisjoint(names) and bool(getattr(options, names[0]))


def _differing(kind: ChannelKind, stored: dict[str, Any], options: Any) -> list[str]:
    """Names of the options that changed. Their values are nobody's business, least of all those of secrets."""
    before = kind.options.model_construct().model_dump() | stored
    return sorted(name for name, value in options.model_dump().items() if before.get(name) != value)


def _create(connection: Connection, act: Act, viewer: Viewer, body: ChannelBody, options: dict[str, Any]) -> int:
    _check_queue(connection, viewer, body.queue_id)
    if channels.find_by_address(connection, viewer.project_id, body.kind, body.address) is not None:
        raise Conflict("A channel with this address exists already.")
    account_id = channels.add_account(
        connection,
        project_id=viewer.project_id,
        kind=body.kind,
        name=body.name,
        address=body.address,
        queue_id=body.queue_id,
        options=options,
        expect_hours=body.expect_hours or None,
        created_at=act.now,
    )
    audit.note(connection, act, Action.CHANNEL_ADDED, Subject.CHANNEL, account_id, channel=body.kind)
    publish_channel(connection, act, viewer.project_id, account_id)
    return account_id


def _change(
    connection: Connection,
    act: Act,
    viewer: Viewer,
    channel_id: int,
    body: ChannelPatchBody,
    options: dict[str, Any] | None,
    changed: list[str],
) -> None:
    before = _account(connection, viewer, channel_id)
    values: dict[str, Any] = {name: getattr(body, name) for name in ("name", "queue_id", "enabled") if getattr(body, name) is not None}
    if "queue_id" in values:
        _check_queue(connection, viewer, values["queue_id"])
    audit.note(connection, act, Action.CHANNEL_CHANGED, Subject.CHANNEL, channel_id, fields=sorted(values), options=changed)
    if body.expect_hours is not None and body.expect_hours != (before.expect_hours or 0):
        values |= {"expect_hours": body.expect_hours or None, "silent_since": None}
    if options is not None:
        values["options"] = options
    if values.get("enabled") is False:
        values |= {"health": Health.STOPPED, "health_detail": ""}
    elif values.get("enabled") or options is not None:
        values |= {"health": Health.STARTING, "health_detail": ""}
    if values:
        channels.change_account(connection, channel_id, **values)
    moved_from = before.queue_id if values.get("queue_id", before.queue_id) != before.queue_id else None
    publish_channel(connection, act, viewer.project_id, channel_id, moved_from)


def _check_queue(connection: Connection, viewer: Viewer, queue_id: int) -> None:
    if access.find_queue(connection, viewer.project_id, queue_id) is None:
        raise Invalid("There is no such queue.", field="queue_id")


def _account(connection: Connection, viewer: Viewer, channel_id: int) -> ChannelAccount:
    account = channels.find_account(connection, channel_id)
    if account is None or account.project_id != viewer.project_id:
        raise NotFound
    return account


async def _detail(ctx: Context, account_id: int) -> ChannelDetail:
    details = await ctx.read(_details, ctx.viewer, ctx.services.environment)
    return next(detail for detail in details if detail.channel.id == account_id)


def _hook_url(environment: Callable[[str], Environment], account: ChannelAccount) -> str | None:
    return environment(account.kind).hook_url(account.id) if registry.find(account.kind).hook_limit else None


def _consent(account: ChannelAccount, held: list[str]) -> Literal["none", "needed", "given"]:
    """Whether a provider must allow us the account, and does. Options of another release need nobody's consent."""
    kind = registry.find(account.kind)
    try:
        provider = kind.consent(kind.options.model_validate(account.options))
    except ValidationError:
        return "none"
    return "none" if provider is None else "given" if provider.keeps in held else "needed"


def _details(connection: Connection, viewer: Viewer, environment: Callable[[str], Environment]) -> list[ChannelDetail]:
    books = raw_items.books(connection, viewer.project_id)
    result = []
    for account in channels.accounts(connection, viewer.project_id):
        secrets = secret_fields(registry.find(account.kind).options)
        shown = {name: value for name, value in account.options.items() if name not in secrets}
        held = sorted(name for name in secrets if account.options.get(name))
        hook, consent = _hook_url(environment, account), _consent(account, held)
        result.append(ChannelDetail(as_news(account), shown, held, books.get(account.id, {}), hook, consent))
    return result


def _field(name: str, option: Any) -> OptionField:
    annotation = option.annotation
    kind: Literal["text", "number", "switch", "choice", "long", "form_fields"] = "text"
    choices: list[str] = []
    if typing.get_origin(annotation) is Literal:
        kind, choices = "choice", [str(choice) for choice in typing.get_args(annotation)]
    elif annotation is bool:
        kind = "switch"
    elif annotation is int:
        kind = "number"
    extra = option.json_schema_extra if isinstance(option.json_schema_extra, dict) else {}
    kind = typing.cast(Any, extra.get("widget", kind))
    return OptionField(name, option.title or name, option.description or "", kind, bool(extra.get("secret")), option.default, choices)
