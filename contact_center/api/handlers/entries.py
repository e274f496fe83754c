"""Entries of the history: whole text, markup in its frame, original, attachments."""

import asyncio
import hashlib
from datetime import datetime
from typing import Any

from aiohttp import web

from contact_center.api import bodies, media
from contact_center.api.answers import Uploaded
from contact_center.api.context import Context
from contact_center.api.schemas import DownloadQuery, HtmlQuery, MediaQuery, RemoteImageQuery, UploadQuery
from contact_center.errors import Invalid, NotFound
from contact_center.markup import sanitise
from contact_center.model.audit import Action, Subject
from contact_center.model.people import Viewer
from contact_center.model.text import clean_filename
from contact_center.model.tickets import Entry, EntryBody
from contact_center.store import Connection, blobs
from contact_center.store.blobs import INLINE_LIMIT
from contact_center.store.repositories import raw_items, tickets, timeline

UPLOAD_LIMIT = 25 * 1024 * 1024

FRAME = """<!doctype html><html><head><meta charset="utf-8"><meta name="referrer" content="no-referrer"><base target="_blank">
<style>body{margin:12px;font:14px/1.5 system-ui,sans-serif;color:#1a1d21;background:#fff;overflow-wrap:anywhere}img{max-width:100%;height:auto}
table{max-width:100%}blockquote{margin:0 0 0 8px;padding-left:10px;border-left:2px solid #ccc;color:#555}</style></head><body>"""


async def get_body(ctx: Context, entry_id: int) -> EntryBody:
    """The whole text of an entry, with quotes, signature and headers."""
    contact_id, body = await ctx.read(_body, ctx.viewer, entry_id)
    await ctx.opened(contact_id)
    return body


async def get_html(ctx: Context, entry_id: int, query: HtmlQuery) -> web.StreamResponse:
    """The markup of a mail as a document for a sandboxed frame. Remote pictures only when asked for, by our proxy."""
    contact_id, html, inline = await ctx.read(_html, ctx.viewer, entry_id)
    await ctx.opened(contact_id)
    keys = ctx.services.keys

    def picture(source: str) -> str | None:
        if source[:4].lower() == "cid:":
            attachment_id = inline.get(source[4:].strip("<>"))
            return media.sign(keys, f"/media/attachments/{attachment_id}") if attachment_id else None
        return media.sign(keys, "/media/remote", url=source) if query.images else None

    document = FRAME + await asyncio.to_thread(sanitise, html, picture) + "</body></html>"
    headers = {"Content-Security-Policy": media.FRAME_CSP, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return web.Response(text=document, content_type="text/html", headers=headers)


async def get_original(ctx: Context, entry_id: int) -> web.StreamResponse:
    """The raw item an entry was made from, byte for byte."""
    contact_id, sha256 = await ctx.read(_original, ctx.viewer, entry_id)
    await ctx.told(Action.ORIGINAL_DOWNLOADED, Subject.ENTRY, entry_id, contact_id=contact_id)
    return await media.blob_response(ctx.store, ctx.services.files, sha256, media.download(f"entry-{entry_id}.eml"))


async def read_again(ctx: Context, entry_id: int) -> Entry:
    """Read an entry's original again, after the product learnt to understand it better. Its place and ticket stay."""
    await ctx.read(_changeable, ctx.viewer, entry_id)
    entry = await ctx.services.ledger.read_again(ctx.act(), entry_id)
    await ctx.told(Action.ORIGINAL_READ_AGAIN, Subject.ENTRY, entry_id, contact_id=entry.contact_id)
    return entry


async def get_attachment(ctx: Context, attachment_id: int, query: DownloadQuery) -> web.StreamResponse:
    """A file; inline only if it is a picture of a harmless kind."""
    contact_id, row = await ctx.read(_attachment, ctx.viewer, attachment_id)
    limit = ctx.services.settings.mail.inline_attachment_mib * 1024 * 1024
    inline = not query.download and row["size"] <= limit
    if contact_id is not None and inline and row["content_type"] in media.PICTURES:
        await ctx.opened(contact_id)  # a picture among what is read, not a file that is taken away
    elif contact_id is not None:
        await ctx.told(Action.ATTACHMENT_DOWNLOADED, Subject.ATTACHMENT, attachment_id, contact_id=contact_id)
    return await media.file_response(ctx.store, ctx.services.files, row, inline=inline)


async def upload(ctx: Context, query: UploadQuery) -> Uploaded:
    """Upload a file to attach to a reply; at most 25 MiB."""
    content = bytearray()

    async def keep(chunk: bytes) -> None:
        content.extend(chunk)

    await bodies.receive(ctx.request, UPLOAD_LIMIT, "A file can have at most 25 MiB.", bodies.COLLEAGUES, keep)
    await ctx.admit_again()
    if not content:
        raise Invalid("The file is empty.", field="body")
    data, sha256 = bytes(content), hashlib.sha256(content).hexdigest()
    if len(data) > INLINE_LIMIT:
        await asyncio.to_thread(ctx.services.files.keep, data)
    return await ctx.write(
        _keep_upload, ctx.viewer, clean_filename(query.filename), ctx.request.content_type, sha256, data, ctx.services.clock()
    )


async def signed_attachment(ctx: Context, attachment_id: int, query: MediaQuery) -> web.StreamResponse:
    """A picture inside a mail, for its sandboxed frame, by a signed address."""
    media.check(ctx.services.keys, f"/media/attachments/{attachment_id}", query.expires, query.signature)
    row = await ctx.read(timeline.attachment_row, attachment_id)
    if row is None:
        raise NotFound
    return await media.file_response(ctx.store, ctx.services.files, row, inline=True)


async def remote_image(ctx: Context, query: RemoteImageQuery) -> web.StreamResponse:
    """A remote picture that an agent asked to see, by a signed address, never from private networks."""
    media.check(ctx.services.keys, "/media/remote", query.expires, query.signature, url=query.url)
    return await media.remote_picture(query.url)


def _readable(connection: Connection, viewer: Viewer, entry_id: int) -> Entry:
    entry = timeline.visible(connection, viewer, entry_id)
    if entry is None:
        raise NotFound
    return entry


def _body(connection: Connection, viewer: Viewer, entry_id: int) -> tuple[int, EntryBody]:
    entry = _readable(connection, viewer, entry_id)
    return entry.contact_id, timeline.body(connection, entry_id) or EntryBody(entry_id, entry.text, entry.text)


def _html(connection: Connection, viewer: Viewer, entry_id: int) -> tuple[int, str, dict[str, int]]:
    entry = _readable(connection, viewer, entry_id)
    html = timeline.html(connection, entry_id)
    if html is None:
        raise NotFound
    return entry.contact_id, html, {file.content_id: file.id for file in entry.attachments if file.content_id}


def _original(connection: Connection, viewer: Viewer, entry_id: int) -> tuple[int, str]:
    entry = _readable(connection, viewer, entry_id)
    row = raw_items.of_interaction(connection, entry_id)
    if row is None:
        raise NotFound
    return entry.contact_id, str(row["sha256"])


def _changeable(connection: Connection, viewer: Viewer, entry_id: int) -> None:
    """Reading a colleague's entry is not yet a right to change it: that takes its ticket."""
    entry = _readable(connection, viewer, entry_id)
    if entry.ticket_id is not None and tickets.visible(connection, viewer, entry.ticket_id) is None:
        raise NotFound
    _original(connection, viewer, entry_id)


def _attachment(connection: Connection, viewer: Viewer, attachment_id: int) -> tuple[int | None, Any]:
    row = timeline.attachment_row(connection, attachment_id)
    if row is None:
        raise NotFound
    if row["interaction_id"] is not None:
        return _readable(connection, viewer, row["interaction_id"]).contact_id, row
    if row["uploader_id"] != viewer.user_id:
        raise NotFound
    return None, row


def _keep_upload(
    connection: Connection, viewer: Viewer, filename: str, content_type: str, sha256: str, data: bytes, now: datetime
) -> Uploaded:
    blobs.put(connection, sha256, len(data), data if len(data) <= INLINE_LIMIT else None)
    kept = timeline.add_attachment(
        connection,
        interaction_id=None,
        uploader_id=viewer.user_id,
        sha256=sha256,
        filename=filename,
        content_type=content_type[:200],
        size=len(data),
        inline=False,
        created_at=now,
    )
    return Uploaded(kept.id, kept.filename, kept.size)
