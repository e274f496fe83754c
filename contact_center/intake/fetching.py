"""Files that a provider keeps (pictures of an MMS), fetched after their entry stands: a slow or broken provider delays no message.

What is to be fetched is committed together with the entry, so that nothing is forgotten. A file that cannot be had is tried
again for about a day; then the entry says that it is missing, and where it was.
"""

import asyncio
import functools
import hashlib
import mimetypes
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import structlog

from contact_center import tasks
from contact_center.channels.base import FetchedFile
from contact_center.errors import ChannelError, Unavailable, Undeliverable
from contact_center.model.acts import Act
from contact_center.model.text import clean_filename
from contact_center.model.tickets import TEXT_LIMIT
from contact_center.store import Connection, Row, Store, blobs
from contact_center.store.blobs import INLINE_LIMIT, BlobFiles
from contact_center.store.repositories import channels, remote_files, timeline
from contact_center.tickets import entries

logger = structlog.get_logger(__name__)
Clock = Callable[[], datetime]
FindConnector = Callable[[int], Awaitable[Any]]

BATCH = 4
CLAIM = timedelta(minutes=5)  # longer than a fetch may last; whoever dies lets go after it
FIRST_RETRY = 20.0  # seconds, three times as long each time: some nine hours with the last
ATTEMPTS = 8
POLL_SECONDS = 10.0


class Fetcher:
    """Fetches what is due until cancelled."""

    def __init__(self, store: Store, files: BlobFiles, find_connector: FindConnector, clock: Clock) -> None:
        self._store = store
        self._files = files
        self._find = find_connector
        self._clock = clock
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Something may be due."""
        self._news.set()

    async def run(self) -> None:
        """Fetch for ever."""
        while True:
            self._news.clear()
            try:
                while await self.fetch_due():
                    pass
            except Unavailable as error:
                logger.warning("fetcher.waiting", error=error.message)
            except Exception as error:
                # Whatever it is: other files must not wait for ever because of one thing nobody foresaw.
                logger.error("fetcher.failed", error=repr(error), exc_info=error)
            await tasks.wait(self._news, POLL_SECONDS)

    async def fetch_due(self) -> int:
        """Fetch one batch; returns how many were tried."""
        due = await self._store.read(remote_files.next_due)
        if due is None or due > self._clock():
            return 0  # nothing is written for nothing
        rows = await self._store.write(remote_files.claim, self._clock(), self._clock() + CLAIM, BATCH)
        await asyncio.gather(*(self._fetch(row) for row in rows))
        return len(rows)

    async def _fetch(self, row: Row) -> None:
        try:
            connector = await self._find(row["account_id"])
            if connector is None or not hasattr(connector, "fetch"):
                raise Unavailable("the channel is switched off")
            file: FetchedFile = await connector.fetch(row["url"])
            sha256 = await asyncio.to_thread(self._keep, file.content)
            settle = functools.partial(_kept, file=file, sha256=sha256)
        except Undeliverable as error:
            settle = functools.partial(_given_up, reason=error.message)
        except (ChannelError, Unavailable) as error:
            settle = functools.partial(_put_off, reason=error.message)
        except Exception as error:
            logger.error("fetcher.crashed", row=row["id"], error=repr(error), exc_info=error)
            settle = functools.partial(_put_off, reason=type(error).__name__)
        await self._store.write(settle, row, self._clock())

    def _keep(self, content: bytes) -> str:
        """The hash of the content; a large one is put into a file first."""
        if len(content) > INLINE_LIMIT:
            self._files.keep(content)
        return hashlib.sha256(content).hexdigest()


def _kept(connection: Connection, row: Row, now: datetime, file: FetchedFile, sha256: str) -> None:
    if not remote_files.take(connection, row["id"]):
        return
    size = len(file.content)
    blobs.put(connection, sha256, size, file.content if size <= INLINE_LIMIT else None)
    timeline.add_attachment(
        connection,
        interaction_id=row["interaction_id"],
        sha256=sha256,
        filename=_name(file, row),
        content_type=file.content_type,
        size=size,
        inline=False,
        created_at=now,
    )
    _publish(connection, row, now)


def _put_off(connection: Connection, row: Row, now: datetime, reason: str) -> None:
    if row["attempts"] >= ATTEMPTS:
        _given_up(connection, row, now, reason)
    else:
        remote_files.later(connection, row["id"], now + timedelta(seconds=FIRST_RETRY * 3 ** (row["attempts"] - 1)))


def _given_up(connection: Connection, row: Row, now: datetime, reason: str) -> None:
    """Say in the entry that a file is missing, why, and where whoever may still opens it."""
    if not remote_files.take(connection, row["id"]):
        return
    body = timeline.body(connection, row["interaction_id"])
    missing = f"[A file could not be fetched: {reason[:200]} {row['url'][:500]}]"
    text = f"{body.text if body else ''}\n{missing}".strip()
    timeline.set_body(connection, row["interaction_id"], text, body.headers if body else {})
    timeline.change(connection, row["interaction_id"], visible_text=text[:TEXT_LIMIT])
    _publish(connection, row, now)


def _name(file: FetchedFile, row: Row) -> str:
    extension = mimetypes.guess_extension(file.content_type) or ""
    return clean_filename(file.filename or f"{row['url'].rstrip('/').rpartition('/')[2][:60] or 'file'}{extension}")


def _publish(connection: Connection, row: Row, now: datetime) -> None:
    account = channels.find_account(connection, row["account_id"])
    assert account is not None
    entries.publish_entry(connection, Act(now), account.project_id, row["interaction_id"])
