"""Quarantine: what no parser understood, kept with its original for people to look at, try again, or write up by hand."""

import asyncio
import html
import itertools
import re
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parseaddr
from typing import Any

from aiohttp import web

from contact_center.api import media
from contact_center.api.answers import MadeByHand, OriginalPreview, Released
from contact_center.api.context import Context
from contact_center.api.schemas import ByHandBody, Page, PageQuery, decode_cursor, encode_cursor
from contact_center.contacts import identity
from contact_center.errors import Conflict, NotFound
from contact_center.intake.ledger import ByHand
from contact_center.model.acts import Act
from contact_center.model.audit import Action, Subject
from contact_center.model.channels import RawItemRow
from contact_center.model.messages import InboundPerson
from contact_center.model.people import Viewer
from contact_center.model.text import clean_text
from contact_center.model.words import Fate, PointKind
from contact_center.store import Connection, audit, blobs, journal
from contact_center.store.repositories import raw_items, timeline

PREVIEW = 20_000  # bytes of an original that are shown
TAG = re.compile(r"<[^<>]{0,2000}>")


async def list_items(ctx: Context, query: PageQuery) -> Page[RawItemRow]:
    """Items that could not be taken in, newest first, each kept with its original."""
    return await ctx.read(_list, ctx.viewer, query)


async def retry(ctx: Context, item_id: int) -> RawItemRow:
    """Try a quarantined item again."""
    row = await ctx.write(_retry, ctx.act(), ctx.viewer, item_id)
    ctx.services.wake_intake()
    return row


async def retry_all(ctx: Context) -> Released:
    """Try everything again that is in quarantine, as far as the viewer's queues go."""
    released = await ctx.write(_retry_all, ctx.act(), ctx.viewer)
    ctx.services.wake_intake()
    return Released(released)


async def original(ctx: Context, item_id: int) -> web.StreamResponse:
    """The bytes of a raw item as they came."""
    sha256 = await ctx.read(_sha256, ctx.viewer, item_id)
    await ctx.told(Action.ORIGINAL_DOWNLOADED, Subject.RAW_ITEM, item_id)
    return await media.blob_response(ctx.store, ctx.services.files, sha256, media.download(f"item-{item_id}.eml"))


async def preview(ctx: Context, item_id: int) -> OriginalPreview:
    """The beginning of an original as text, and who seems to have sent it: for a person who writes it up by hand."""
    sha256, is_mail, head = await ctx.read(_head, ctx.viewer, item_id)
    await ctx.told(Action.ORIGINAL_DOWNLOADED, Subject.RAW_ITEM, item_id)
    if head is None:
        head = await asyncio.to_thread(_read_head, ctx.services.files.path(sha256))
    return await asyncio.to_thread(_preview, head, is_mail)


async def make_ticket(ctx: Context, item_id: int, body: ByHandBody) -> MadeByHand:
    """Make a ticket of a quarantined item out of what somebody read in it. The original is attached to its first entry."""
    await ctx.read(_find, ctx.viewer, item_id)
    kind = PointKind.EMAIL if "@" in body.address else PointKind.PHONE
    identity.require(kind, body.address)
    by_hand = ByHand(InboundPerson(kind, body.address, body.name), body.subject, body.text)
    entry_id = await ctx.services.ledger.make_ticket(ctx.act(), item_id, by_hand)
    await ctx.told(Action.WRITTEN_BY_HAND, Subject.RAW_ITEM, item_id, entry_id=entry_id)
    entry = await ctx.read(timeline.find, entry_id)
    return MadeByHand(entry_id, entry.ticket_id if entry else None)


def _scope(viewer: Viewer) -> tuple[int, ...] | None:
    return None if viewer.sees_all else viewer.queue_ids


def _list(connection: Connection, viewer: Viewer, query: PageQuery) -> Page[RawItemRow]:
    cursor = decode_cursor(query.cursor, int)
    before = cursor[0] if cursor else 0
    rows = raw_items.quarantined(connection, viewer.project_id, _scope(viewer), before, query.limit + 1)
    items = rows[: query.limit]
    return Page(items, encode_cursor(items[-1].id) if len(rows) > query.limit else None, journal.horizon(connection))


def _find(connection: Connection, viewer: Viewer, item_id: int) -> Any:
    """An item of the viewer's quarantine. What was taken in is read by its entry, whose ticket may be in another queue by now."""
    row = raw_items.find(connection, item_id)
    if row is None or row["project_id"] != viewer.project_id or not viewer.sees_queue(row["queue_id"]):
        raise NotFound
    if row["state"] != Fate.QUARANTINED:
        raise NotFound
    return row


def _retry(connection: Connection, act: Act, viewer: Viewer, item_id: int) -> RawItemRow:
    row = _find(connection, viewer, item_id)
    if not raw_items.release(connection, item_id):
        raise Conflict("This item is not in quarantine.")
    audit.note(connection, act, Action.QUARANTINE_RETRIED, Subject.RAW_ITEM, item_id)
    return raw_items.as_row(raw_items.find(connection, item_id) or row)


def _retry_all(connection: Connection, act: Act, viewer: Viewer) -> int:
    released = raw_items.release_all(connection, viewer.project_id, _scope(viewer))
    audit.note(connection, act, Action.QUARANTINE_RETRIED, Subject.INSTANCE, None, items=released)
    return released


def _sha256(connection: Connection, viewer: Viewer, item_id: int) -> str:
    return str(_find(connection, viewer, item_id)["sha256"])


def _head(connection: Connection, viewer: Viewer, item_id: int) -> tuple[str, bool, bytes | None]:
    row = _find(connection, viewer, item_id)
    content = blobs.get(connection, row["sha256"])
    return row["sha256"], row["kind"] == "email", None if content is None else content[:PREVIEW]


def _read_head(path: Any) -> bytes:
    with path.open("rb") as file:
        return bytes(file.read(PREVIEW))


def _preview(head: bytes, is_mail: bool) -> OriginalPreview:
    text = clean_text(head.decode("utf-8", "replace"))
    lines = text.split("\n\n", 1)[0].splitlines()[:200]
    name, address = parseaddr(_header(lines, "from"))
    said = _said(head) if is_mail else ""
    return OriginalPreview(text=text, said=said, name=name[:200], address=address[:320], subject=_header(lines, "subject")[:300])


def _said(head: bytes) -> str:
    """The words of a mail as far as they can be made out; empty when they cannot. What broke the parser may break this too."""
    try:
        parts = [part for part in itertools.islice(message_from_bytes(head).walk(), 50) if part.get_content_maintype() == "text"]
        for subtype in ("plain", "html"):
            for part in parts:
                if part.get_content_subtype() == subtype and (text := _words(part).strip()):
                    return clean_text(text if subtype == "plain" else html.unescape(TAG.sub(" ", text)))[:PREVIEW]
    except Exception:  # noqa: BLE001 - a person still has the raw text
        return ""
    return ""


def _words(part: Message) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    try:
        return content.decode(part.get_content_charset("utf-8"), "replace")
    except (LookupError, UnicodeError):
        text = content.decode("utf-8", "replace")
        return text if text.count("\ufffd") * 20 < len(text) else content.decode("cp1251", "replace")


def _header(lines: list[str], name: str) -> str:
    found = next((line.partition(":")[2].strip() for line in lines if line.lower().startswith(f"{name}:")), "")
    try:
        return clean_text(str(make_header(decode_header(found[:2000]))))
    except (ValueError, LookupError, UnicodeError):
        return found[:300]
