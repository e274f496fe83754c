"""The ledger of raw items: books, quarantine, and the outgoing spool."""

import itertools
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from aiohttp import web

from contact_center.api import media
from contact_center.api.answers import Books, SpooledMail
from contact_center.api.context import Context
from contact_center.api.schemas import Page, PageQuery, decode_cursor, encode_cursor
from contact_center.errors import Conflict, NotFound
from contact_center.model.acts import Act
from contact_center.model.audit import Action, Subject
from contact_center.model.channels import RawItemRow
from contact_center.model.messages import spool_name
from contact_center.model.people import Viewer
from contact_center.model.words import Fate
from contact_center.store import Connection, audit, journal
from contact_center.store.repositories import outbox, raw_items, tickets

SPOOL_BATCH = 200  # rows looked through at once for those the viewer may see


async def books(ctx: Context) -> list[Books]:
    """Per channel account: what was received, and what became of it. The fates add up to the received."""
    found = await ctx.read(raw_items.books, ctx.viewer.project_id)
    return [
        Books(account_id, sum(fates.values()), {Fate(fate): items for fate, items in fates.items()})
        for account_id, fates in sorted(found.items())
    ]


async def quarantine(ctx: Context, query: PageQuery) -> Page[RawItemRow]:
    """Items that could not be taken in, newest first, each kept with its original."""
    return await ctx.read(_quarantine, ctx.viewer, query)


async def retry(ctx: Context, item_id: int) -> RawItemRow:
    """Try a quarantined item again."""
    row = await ctx.write(_retry, ctx.act(), ctx.viewer, item_id)
    ctx.services.wake_intake()
    return row


async def original(ctx: Context, item_id: int) -> web.StreamResponse:
    """The bytes of a raw item as they came."""
    sha256 = await ctx.read(_sha256, ctx.viewer, item_id)
    await ctx.told(Action.ORIGINAL_DOWNLOADED, Subject.RAW_ITEM, item_id)
    return await media.blob_response(ctx.store, ctx.services.files, sha256, _download(f"item-{item_id}.eml"))


async def spool(ctx: Context, query: PageQuery) -> Page[SpooledMail]:
    """Mails written to the outgoing spool because their channel has no mail server, newest first."""
    return await ctx.read(_spool, ctx.viewer, query)


async def spooled_mail(ctx: Context, spool_id: int) -> web.StreamResponse:
    """A spooled mail as an .eml file."""
    name = await ctx.read(_spool_file, ctx.viewer, spool_id)
    path = ctx.services.environment("email").spool_dir / name
    if not path.is_file():
        raise NotFound("The file is no longer in the spool.")
    await ctx.told(Action.ORIGINAL_DOWNLOADED, Subject.SPOOLED_MAIL, spool_id)
    return web.FileResponse(path, headers=_download(name))


def _download(name: str) -> dict[str, str]:
    return {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": media.INLINE_CSP,
    }


def _scope(viewer: Viewer) -> tuple[int, ...] | None:
    return None if viewer.sees_all else viewer.queue_ids


def _quarantine(connection: Connection, viewer: Viewer, query: PageQuery) -> Page[RawItemRow]:
    cursor = decode_cursor(query.cursor, int)
    before = cursor[0] if cursor else 0
    rows = raw_items.quarantined(connection, viewer.project_id, _scope(viewer), before, query.limit + 1)
    items = rows[: query.limit]
    return Page(items, encode_cursor(items[-1].id) if len(rows) > query.limit else None, journal.horizon(connection))


def _find(connection: Connection, viewer: Viewer, item_id: int) -> Any:
    row = raw_items.find(connection, item_id)
    if row is None or row["project_id"] != viewer.project_id or not viewer.sees_queue(row["queue_id"]):
        raise NotFound
    return row


def _retry(connection: Connection, act: Act, viewer: Viewer, item_id: int) -> RawItemRow:
    _find(connection, viewer, item_id)
    if not raw_items.release(connection, item_id):
        raise Conflict("This item is not in quarantine.")
    audit.note(connection, act, Action.QUARANTINE_RETRIED, Subject.RAW_ITEM, item_id)
    return raw_items.as_row(_find(connection, viewer, item_id))


def _sha256(connection: Connection, viewer: Viewer, item_id: int) -> str:
    return str(_find(connection, viewer, item_id)["sha256"])


def _spool(connection: Connection, viewer: Viewer, query: PageQuery) -> Page[SpooledMail]:
    cursor = decode_cursor(query.cursor, int)
    rows = list(itertools.islice(_spooled(connection, viewer, cursor[0] if cursor else 0), query.limit + 1))
    items = [
        SpooledMail(
            id=row["id"],
            entry_id=row["interaction_id"],
            ticket_id=row["ticket_id"],
            subject=row["message"]["subject"],
            to=[address["email"] for address in row["message"]["to"]],
            filename=spool_name(row["message_key"]),
            sent_at=row["sent_at"],
        )
        for row in rows[: query.limit]
    ]
    return Page(items, encode_cursor(items[-1].id) if len(rows) > query.limit else None, journal.horizon(connection))


def _spool_file(connection: Connection, viewer: Viewer, spool_id: int) -> str:
    row = next(_spooled(connection, viewer, spool_id + 1), None)
    if row is None or row["id"] != spool_id:
        raise NotFound
    return spool_name(row["message_key"])


def _spooled(connection: Connection, viewer: Viewer, before: int) -> Iterator[Any]:
    """Spooled mails of tickets the viewer may see: a ticket may long have left the queue of its channel."""
    while rows := outbox.spooled(connection, viewer.project_id, None, before, SPOOL_BATCH):
        for row in rows:
            if row["ticket_id"] is not None and tickets.visible(connection, viewer, row["ticket_id"]) is not None:
                yield row
        before = rows[-1]["id"]
