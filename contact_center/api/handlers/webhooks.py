"""Webhooks that we send: endpoints, their secrets, what became of the messages, and sending again."""

from datetime import timedelta
from typing import Any

from contact_center.api.answers import NewWebhook, Replaying, WebhooksInfo
from contact_center.api.context import Context
from contact_center.api.schemas import (
    DeliveryQuery,
    Page,
    WebhookBody,
    WebhookPatchBody,
    WebhookReplayBody,
    WebhookSecretBody,
    decode_cursor,
    encode_cursor,
)
from contact_center.errors import Conflict, Gone, Invalid, NotFound
from contact_center.keys import new_token
from contact_center.model.acts import Act
from contact_center.model.audit import Action, Subject
from contact_center.model.people import Viewer
from contact_center.model.webhooks import TEST, TYPES, DeliveryState, WebhookDelivery, WebhookEndpoint
from contact_center.store import Connection, Row, audit, dump_json, journal
from contact_center.store.repositories import webhooks
from contact_center.webhooks.addresses import check_url
from contact_center.webhooks.planning import as_of_now
from contact_center.webhooks.signing import new_secret

MOST = 50  # endpoints of a project: each has a line of its own


async def list_webhooks(ctx: Context) -> WebhooksInfo:
    """All endpoints that events are sent to."""
    private = ctx.services.settings.webhooks.allow_private_networks
    return WebhooksInfo(await ctx.read(webhooks.endpoints, ctx.viewer.project_id), list(TYPES), private)


async def create_webhook(ctx: Context, body: WebhookBody) -> NewWebhook:
    """Add an endpoint, which hears what happens from now on. The answer holds its secret, this once."""
    url = check_url(body.url, private=ctx.services.settings.webhooks.allow_private_networks)
    secret = new_secret()
    return NewWebhook(await ctx.write(_create, ctx.act(), ctx.viewer, body, url, ctx.services.keys.encrypt(secret)), secret)


async def change_webhook(ctx: Context, webhook_id: int, body: WebhookPatchBody) -> WebhookEndpoint:
    """Change an endpoint, or switch it on and off. Switched on again it goes on where it stopped."""
    if body.url is not None:
        check_url(body.url, private=ctx.services.settings.webhooks.allow_private_networks)
    endpoint = await ctx.write(_change, ctx.act(), ctx.viewer, webhook_id, body)
    ctx.services.wake_webhooks()
    return endpoint


async def delete_webhook(ctx: Context, webhook_id: int) -> None:
    """Delete an endpoint, with everything that waits for it."""
    await ctx.write(_delete, ctx.act(), ctx.viewer, webhook_id)


async def rotate_secret(ctx: Context, webhook_id: int, body: WebhookSecretBody) -> NewWebhook:
    """Make a new secret, shown this once; for some hours messages are signed with the earlier one too."""
    secret = new_secret()
    overlap = timedelta(hours=body.overlap_hours)
    return NewWebhook(await ctx.write(_rotate, ctx.act(), ctx.viewer, webhook_id, ctx.services.keys.encrypt(secret), overlap), secret)


async def send_test(ctx: Context, webhook_id: int) -> WebhookDelivery:
    """Send a test message at once, also to an endpoint that is switched off. It is tried once."""
    delivery = await ctx.write(_test, ctx.act(), ctx.viewer, webhook_id)
    ctx.services.wake_webhooks()
    return delivery


async def list_deliveries(ctx: Context, webhook_id: int, query: DeliveryQuery) -> Page[WebhookDelivery]:
    """Messages to an endpoint, newest first, with what became of them."""
    place = decode_cursor(query.cursor, int)
    return await ctx.read(_deliveries, ctx.viewer, webhook_id, query, place[0] if place else 0)


async def replay_delivery(ctx: Context, webhook_id: int, delivery_id: int) -> WebhookDelivery:
    """Send one message again, under the same id."""
    delivery = await ctx.write(_replay_one, ctx.act(), ctx.viewer, webhook_id, delivery_id)
    ctx.services.wake_webhooks()
    return delivery


async def replay(ctx: Context, webhook_id: int, body: WebhookReplayBody) -> Replaying:
    """Send again all that failed since a time, or everything in the journal after a number; every message under its old id."""
    if (body.failed_since is None) == (body.after is None):
        raise Invalid("Say either failed_since or after.", field="after")
    count = await ctx.write(_replay, ctx.act(), ctx.viewer, webhook_id, body)
    ctx.services.wake_webhooks()
    return Replaying(count)


def _find(connection: Connection, viewer: Viewer, webhook_id: int) -> Row:
    endpoint = webhooks.find(connection, webhook_id, viewer.project_id)
    if endpoint is None:
        raise NotFound
    return endpoint


def _create(connection: Connection, act: Act, viewer: Viewer, body: WebhookBody, url: str, secret: str) -> WebhookEndpoint:
    if len(webhooks.endpoints(connection, viewer.project_id)) >= MOST:
        raise Conflict(f"There are {MOST} endpoints already. Delete one first.")
    webhook_id = webhooks.add(
        connection,
        project_id=viewer.project_id,
        name=body.name,
        url=url,
        secret=secret,
        types=sorted(set(body.types)),
        confidential=body.confidential,
        cursor=journal.horizon(connection),
        created_at=act.now,
        created_by_id=act.user_id,
    )
    _note(connection, act, webhook_id, "added")
    return webhooks.as_endpoint(_find(connection, viewer, webhook_id))


def _change(connection: Connection, act: Act, viewer: Viewer, webhook_id: int, body: WebhookPatchBody) -> WebhookEndpoint:
    endpoint = _find(connection, viewer, webhook_id)
    names = ("name", "url", "confidential", "enabled")
    values: dict[str, Any] = {name: getattr(body, name) for name in names if getattr(body, name) is not None}
    if body.types is not None:
        values["types"] = sorted(set(body.types))
    if body.enabled is not None and body.enabled != endpoint["enabled"]:
        values |= {"stopped_because": "", "failing_since": None}
    if values:
        webhooks.change(connection, webhook_id, **values)
    if endpoint["confidential"] and body.confidential is False:
        webhooks.plan_anew(connection, webhook_id)  # what waits was judged by the rights of before
    if body.skip_missed:
        webhooks.skip(connection, webhook_id, journal.horizon(connection))
    if body.enabled or body.url is not None:
        webhooks.hurry(connection, webhook_id, act.now)
    _note(connection, act, webhook_id, "changed", fields=sorted(values))
    return webhooks.as_endpoint(_find(connection, viewer, webhook_id))


def _delete(connection: Connection, act: Act, viewer: Viewer, webhook_id: int) -> None:
    _find(connection, viewer, webhook_id)
    webhooks.remove(connection, webhook_id)
    _note(connection, act, webhook_id, "deleted")


def _rotate(connection: Connection, act: Act, viewer: Viewer, webhook_id: int, secret: str, overlap: timedelta) -> WebhookEndpoint:
    endpoint = _find(connection, viewer, webhook_id)
    earlier = {"earlier_secret": endpoint["secret"], "earlier_until": act.now + overlap} if overlap else {"earlier_secret": None}
    webhooks.change(connection, webhook_id, secret=secret, **earlier)
    _note(connection, act, webhook_id, "secret renewed")
    return webhooks.as_endpoint(_find(connection, viewer, webhook_id))


def _test(connection: Connection, act: Act, viewer: Viewer, webhook_id: int) -> WebhookDelivery:
    endpoint = _find(connection, viewer, webhook_id)
    data = {"endpoint": endpoint["name"]}
    payload = dump_json({"seq": None, "type": TEST, "at": act.now, "actor_id": act.user_id, "data": data})
    delivery_id = webhooks.add_test(connection, webhook_id, f"msg_test_{new_token()}", TEST, payload, act.now)
    return _delivery(connection, webhook_id, delivery_id)


def _deliveries(connection: Connection, viewer: Viewer, webhook_id: int, query: DeliveryQuery, before: int) -> Page[WebhookDelivery]:
    _find(connection, viewer, webhook_id)
    state = DeliveryState(query.state) if query.state else None
    rows = webhooks.deliveries(connection, webhook_id, state, before, query.limit + 1)
    cursor = encode_cursor(rows[query.limit - 1]["id"]) if len(rows) > query.limit else None
    return Page([webhooks.as_delivery(row) for row in rows[: query.limit]], cursor, journal.horizon(connection))


def _delivery(connection: Connection, webhook_id: int, delivery_id: int) -> WebhookDelivery:
    row = webhooks.find_delivery(connection, webhook_id, delivery_id)
    if row is None:
        raise NotFound
    return webhooks.as_delivery(row)


def _replay_one(connection: Connection, act: Act, viewer: Viewer, webhook_id: int, delivery_id: int) -> WebhookDelivery:
    endpoint = _enabled(connection, viewer, webhook_id)
    row = webhooks.find_delivery(connection, webhook_id, delivery_id)
    if row is None:
        raise NotFound
    if row["state"] in (DeliveryState.PENDING, DeliveryState.LEASED):
        raise Conflict("This message is on its way already.")
    payload = as_of_now(connection, endpoint, row)
    if payload is None:
        raise Conflict("The endpoint may not or does not hear of this any more.")
    webhooks.again(connection, delivery_id, act.now, payload)
    _note(connection, act, webhook_id, "sent again")
    return _delivery(connection, webhook_id, delivery_id)


def _replay(connection: Connection, act: Act, viewer: Viewer, webhook_id: int, body: WebhookReplayBody) -> int:
    _enabled(connection, viewer, webhook_id)
    if body.failed_since is not None:
        count = webhooks.again_failed(connection, webhook_id, body.failed_since, act.now)
    else:
        after = body.after or 0
        if after > journal.horizon(connection):
            raise Invalid("The journal ends before this number.", field="after")
        if after and after + 1 < (oldest := journal.oldest(connection)):
            raise Gone(f"Events before number {oldest} are not kept any more.", oldest=oldest)
        count = webhooks.rewind(connection, webhook_id, after)
    _note(connection, act, webhook_id, "sent again")
    return count


def _enabled(connection: Connection, viewer: Viewer, webhook_id: int) -> Row:
    endpoint = _find(connection, viewer, webhook_id)
    if not endpoint["enabled"]:
        raise Conflict("The endpoint is switched off. Switch it on first.")
    return endpoint


def _note(connection: Connection, act: Act, webhook_id: int, what: str, **detail: Any) -> None:
    audit.note(connection, act, Action.SETTINGS_CHANGED, Subject.WEBHOOK, webhook_id, what=what, **detail)
