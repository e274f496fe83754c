"""Requests from outside to the address of a channel account: webhooks of providers, public forms."""

from aiohttp import web

from contact_center.api import bodies, media
from contact_center.api.addresses import client_address
from contact_center.api.context import Context
from contact_center.api.handlers.channels import decrypt_options
from contact_center.api.limits import Places, PostLimits
from contact_center.channels import registry
from contact_center.channels.base import ChannelKind, Hooked, HookRequest
from contact_center.errors import NotFound
from contact_center.model.channels import ChannelAccount
from contact_center.store.repositories import channels, timeline

LARGE = 256 * 1024  # bytes from which only a few requests are held in memory at once
POSTS = web.AppKey("post_limits", PostLimits)
BODILESS = {"GET", "HEAD"}
LARGE_ONES = web.AppKey("large_bodies", Places)


async def hook(ctx: Context, door: str) -> web.StreamResponse:
    """Hand a request to the channel account that this address belongs to."""
    number, _, code = door.partition("-")
    if not (number.isascii() and number.isdigit() and len(number) < 16) or not ctx.services.keys.verify("hook", number, code):
        raise NotFound
    account = await ctx.read(channels.find_account, int(number))
    if account is None or not account.enabled:
        raise NotFound
    kind = registry.find(account.kind)
    if not kind.hook_limit:
        raise NotFound
    length = ctx.request.content_length
    if ctx.request.method in BODILESS or (length is not None and length < LARGE):
        return await _answered(ctx, kind, account)
    async with ctx.request.app[LARGE_ONES].place(client_address(ctx.request)):
        return await _answered(ctx, kind, account)


async def _answered(ctx: Context, kind: ChannelKind, account: ChannelAccount) -> web.StreamResponse:
    account = decrypt_options(ctx.services.keys, account)
    options = kind.options.model_validate(account.options)
    address = client_address(ctx.request)
    too_often = ctx.request.method == "POST" and not ctx.request.app[POSTS].allows(account.id, address, kind.posts_per_minute(options))
    body = b"" if too_often else await _body(ctx.request, kind.hook_limit)
    hooked: Hooked = kind.connect(account, options, ctx.services.environment(kind.name))  # type: ignore[assignment]
    reply = await hooked.answer(_request(ctx, body, address, too_often=too_often), ctx.services.inbox(account))
    headers = dict(reply.headers) | ({"Retry-After": "60"} if too_often else {})
    if reply.attachment_id is not None:
        return await _download(ctx, reply.attachment_id, headers)
    headers["Content-Type"] = reply.content_type
    return web.Response(status=reply.status, body=reply.body, headers=headers)


async def _body(request: web.Request, limit: int) -> bytes:
    """The body, bounded in size and in the time that so many bytes may take. Raises TooLarge or TooSlow."""
    content = bytearray()

    async def keep(chunk: bytes) -> None:
        content.extend(chunk)

    await bodies.receive(request, limit, f"At most {limit // 1024} KiB.", bodies.STRANGERS, keep)
    return bytes(content)


async def _download(ctx: Context, attachment_id: int, headers: dict[str, str]) -> web.StreamResponse:
    """A stored file as a download and nothing else: it may be of any kind, and must not run as a page of ours."""
    row = await ctx.read(timeline.attachment_row, attachment_id)
    if row is None or row["interaction_id"] is None:
        raise NotFound
    response = await media.file_response(ctx.store, ctx.services.files, row, inline=False)
    response.headers.update({name: value for name, value in headers.items() if name not in response.headers})
    return response


def _request(ctx: Context, body: bytes, address: str, *, too_often: bool) -> HookRequest:
    request = ctx.request
    settings = ctx.services.settings
    return HookRequest(
        method=request.method,
        path=request.match_info.get("rest", ""),
        url=settings.base_url.rstrip("/") + request.raw_path,
        query=tuple(request.query.items()),
        headers=request.headers,
        body=body,
        address=address,
        too_often=too_often,
    )
