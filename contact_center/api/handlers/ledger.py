"""The ledger of raw items: its books, their comparison with the source, and the outgoing spool."""

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from contact_center.api import media
from contact_center.api.answers import Alarm, Books, SpooledMail
from contact_center.api.context import Context
from contact_center.api.handlers.channels import publish_channel
from contact_center.api.schemas import Page, PageQuery, decode_cursor, encode_cursor
from contact_center.errors import NotFound
from contact_center.model.audit import Action, Subject
from contact_center.model.channels import Reconciliation
from contact_center.model.messages import spool_name
from contact_center.model.people import Viewer
from contact_center.model.words import Fate
from contact_center.store import Connection, journal
from contact_center.store.repositories import channels, outbox, raw_items, reconciliations, tickets

SPOOL_BATCH = 200  # rows looked through at once for those the viewer may see


async def books(ctx: Context) -> list[Books]:
    """Per channel account: what was received, what became of it, and what the last comparison with the source found.

    The fates add up to the received. Accounts of confidential queues that are not the viewer's are left out.
    """
    return await ctx.read(_books, ctx.viewer)


async def alarms(ctx: Context) -> list[Alarm]:
    """Channel accounts of which something waits in quarantine, or is missing at us. Cheap: ask it as often as you like."""
    return await ctx.read(_alarms, ctx.viewer)


async def compare(ctx: Context, channel_id: int) -> Reconciliation:
    """Ask the source of a channel what it holds, and name what of it we do not have. May take a minute."""
    await ctx.read(_account, ctx.viewer, channel_id)
    found = await ctx.services.ledger.compare(channel_id)
    await ctx.write(publish_channel, ctx.act(), ctx.viewer.project_id, channel_id)
    return found


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
    return web.FileResponse(path, headers=media.download(name))


def _books(connection: Connection, viewer: Viewer) -> list[Books]:
    found, compared = raw_items.books(connection, viewer.project_id), reconciliations.latest(connection, viewer.project_id)
    result = []
    for account in channels.visible(connection, viewer):
        fates, last = found.get(account.id, {}), compared.get(account.id)
        if last is not None and not viewer.sees_queue(account.queue_id):
            last = dataclasses.replace(last, missing_keys=())  # a key may tell who wrote
        result.append(Books(account.id, sum(fates.values()), {fate: fates.get(fate, 0) for fate in Fate}, last))
    return result


def _alarms(connection: Connection, viewer: Viewer) -> list[Alarm]:
    stuck, compared = raw_items.stuck(connection, viewer.project_id), reconciliations.latest(connection, viewer.project_id)
    found = [
        Alarm(account.id, stuck.get(account.id, 0), compared[account.id].missing if account.id in compared else 0)
        for account in channels.visible(connection, viewer)
    ]
    return [alarm for alarm in found if alarm.quarantined or alarm.missing]


def _account(connection: Connection, viewer: Viewer, channel_id: int) -> None:
    account = channels.find_account(connection, channel_id)
    if account is None or account.project_id != viewer.project_id:
        raise NotFound


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
