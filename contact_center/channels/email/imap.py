"""Reading a mailbox by IMAP. The state is a UID cursor per folder and UIDVALIDITY, never a flag, a date or a sequence number.

One connection serves all folders of a mailbox. On every connection, and once an hour, all UIDs of each folder are compared
with the ledger, which makes downtime, gaps and a changed UIDVALIDITY ordinary. Afterwards IDLE (or a poll) tells of news in
the first folder, and the others are looked at every minute.
"""

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from contact_center.channels.base import Inbox
from contact_center.channels.email.imap_line import BYTES_PER_SECOND, COMMAND_SECONDS, MAIL_BYTES, Line, Selected
from contact_center.channels.email.options import LARGE, EmailOptions, Folder
from contact_center.errors import ChannelAuthFailed, ChannelError, ChannelMisconfigured, ChannelUnavailable
from contact_center.model.messages import Cursor, RawItem

logger = structlog.get_logger(__name__)

BATCH = 200  # mails fetched with one command
BATCH_BYTES = 32 * 1024 * 1024
IDLE_REFRESH = 120.0  # seconds after which the first folder is looked at even if the server said nothing
OTHERS = 60.0  # seconds between looks at the other folders
COMPARE = 3600.0  # seconds between comparisons of whole folders with the ledger
PATIENCE = 10  # mails in a row that may break the connection before the whole server is given up for a while


class Tokens(Protocol):
    """Where access tokens come from; see `oauth.TokenSource`."""

    async def access(self, *, fresh: bool = False) -> str:
        """A token that is valid now; `fresh`: not the one handed out before."""
        ...


@dataclass(frozen=True, slots=True)
class _Place:
    """A folder under the numbering in force, and how far it was read."""

    folder: Folder
    numbering: str
    """UIDVALIDITY, with a suffix when the server began anew without changing it."""
    last: int
    last_at: str | None
    """When the server received that mail: by this a number that was given twice is found out."""
    renumbered: bool
    """Whether this is the first look under this numbering although the folder was read before."""
    cursor: dict[str, Any]

    def key(self, uid: int) -> str:
        """The mail's key in the ledger."""
        return f"{self.folder.name}:{self.numbering}:{uid}"

    def at(self, uid: int, times: dict[int, str]) -> Cursor:
        """The cursor when everything up to `uid` was looked at; it never goes back. `times`: when mails were received."""
        when = times.get(uid) if uid > self.last else self.last_at
        return Cursor(cursor_name(self.folder.name), self.cursor | {"uid": max(uid, self.last)} | ({"at": when} if when else {}))


class ImapReader:
    """One mailbox, read for ever."""

    def __init__(self, options: EmailOptions, tokens: Tokens | None = None) -> None:
        self.options = options
        self.line = Line(options)
        self._tokens = tokens
        self._troubles: dict[str, str] = {}
        self._failures = 0

    async def run(self, inbox: Inbox) -> None:
        """Connect, catch up, then wait for news; raises a ChannelError when the connection fails."""
        first, *others = self.options.folders
        try:
            await self._open()
            await self._look(inbox, first, whole=True)
            compared = looked = 0.0
            while True:
                now = time.monotonic()
                whole = not compared or now - compared >= COMPARE
                if whole or now - looked >= OTHERS:
                    looked = now
                    for folder in others:
                        await self._look_aside(inbox, folder, whole=whole)
                await self._look(inbox, first, whole=whole)
                compared = now if whole else compared
                await inbox.report(True, "; ".join(self._troubles.values()))
                wait = min(IDLE_REFRESH, OTHERS) if others else IDLE_REFRESH
                await self.line.call(self.line.wait, wait, seconds=wait + COMMAND_SECONDS)
        finally:
            self.line.close()

    async def check(self) -> None:
        """Sign in and open every folder. Raises a ChannelError that says what to mend."""
        try:
            await self._open()
            for folder in self.options.folders:
                await self.line.call(self.line.select, folder.name)
        finally:
            self.line.close()

    async def holdings(self, inbox: Inbox) -> AsyncIterator[Sequence[str]]:
        """The keys of all mails that the folders hold now, as the ledger would name them. Raises a ChannelError."""
        try:
            await self._open()
            for folder in self.options.folders:
                selected, known = await self.line.call(self.line.select, folder.name), await inbox.cursor(cursor_name(folder.name))
                place = _place(folder, selected, known, reused=False)
                uids = await self.line.call(self.line.all_uids)
                for start in range(0, len(uids), BATCH * 5):
                    yield [place.key(uid) for uid in uids[start : start + BATCH * 5]]
        finally:
            self.line.close()

    async def _open(self) -> None:
        if self._tokens is None:
            await self.line.call(self.line.open)
            return
        try:
            await self.line.call(self.line.open, await self._tokens.access())
        except ChannelAuthFailed:
            # The provider may have withdrawn a token before its time: a new one tells whether we are still let in.
            try:
                await self.line.call(self.line.open, await self._tokens.access(fresh=True))
            except ChannelAuthFailed as error:
                raise ChannelAuthFailed(f"The mailbox does not accept the provider's token: {error.message}") from error

    async def _look_aside(self, inbox: Inbox, folder: Folder, *, whole: bool) -> None:
        """Look at a folder that is not the main one: when it is missing the others are read all the same."""
        try:
            await self._look(inbox, folder, whole=whole)
        except ChannelMisconfigured as error:
            self._troubles[folder.name] = error.message
        else:
            self._troubles.pop(folder.name, None)

    async def _look(self, inbox: Inbox, folder: Folder, *, whole: bool) -> None:
        """Open the folder and take in what the ledger does not have."""
        selected, known = await self.line.call(self.line.select, folder.name), await inbox.cursor(cursor_name(folder.name))
        reused = whole and known is not None and await self._is_reused(selected, known)
        place = _place(folder, selected, known, reused=reused)
        if whole or place.renumbered or not place.last:
            uids = await self.line.call(self.line.all_uids)
        else:
            uids = await self.line.call(self.line.uids_after, place.last)
        if place.renumbered:
            logger.warning("imap.renumbered", folder=folder.name, numbering=place.numbering, mails=len(uids))
        await self._catch_up(inbox, place, uids)

    async def _is_reused(self, selected: Selected, known: dict[str, Any]) -> bool:
        """Whether the number read last belongs to another mail by now, although the numbering claims to be the same.

        A server that was restored from a backup may do this, against the rules.
        """
        if known["uidvalidity"] != selected.validity:
            return False
        if selected.next_uid is not None and selected.next_uid <= int(known["uid"]):
            return True
        at = await self.line.call(self.line.received_at, int(known["uid"])) if known.get("at") else None
        return at is not None and at.isoformat() != known["at"]

    async def _catch_up(self, inbox: Inbox, place: _Place, uids: Sequence[int]) -> None:
        stuck: list[int] = []
        times: dict[int, str] = {}
        for start in range(0, len(uids), BATCH * 5):
            part = uids[start : start + BATCH * 5]
            keys = {place.key(uid): uid for uid in part}
            unknown = sorted(keys[key] for key in await inbox.unknown(list(keys)))
            sizes = await self.line.call(self.line.sizes, unknown)
            missing = set(unknown) - set(sizes)
            for batch in _batches(sizes):
                items = dict(await self._fetch(inbox, place, batch))
                times |= {uid: item.source_time.isoformat() for uid, item in items.items() if item.source_time}
                missing |= set(batch) - set(items)
                await inbox.accept(list(items.values()), place.at(max(batch), times))
            stuck += await self._settle_missing(inbox, place, missing)
            await inbox.accept([], place.at(max(part), times))
        if stuck:
            numbers = ", ".join(map(str, stuck[:10]))
            self._troubles[f"{place.folder.name}!"] = f"{place.folder.name}: the server does not hand over {len(stuck)} mails ({numbers})"
        elif uids:
            self._troubles.pop(f"{place.folder.name}!", None)

    async def _settle_missing(self, inbox: Inbox, place: _Place, missing: set[int]) -> list[int]:
        """Enter what somebody removed before we could fetch it; returns what is there and was not handed over.

        Only what the server no longer lists is gone. The rest stays out of the ledger and is tried at every comparison.
        """
        if not missing:
            return []
        there = await self.line.call(self.line.still_there, sorted(missing))
        if gone := sorted(missing - there):
            await inbox.accept([_gone(place, uid) for uid in gone])
        return sorted(there)

    async def _fetch(self, inbox: Inbox, place: _Place, batch: dict[int, int]) -> list[tuple[int, RawItem]]:
        """The mails of a batch that the server hands over."""
        expected = sum(batch.values())
        try:
            if max(batch.values()) >= LARGE:
                return await self._fetch_large(inbox, place, *next(iter(batch.items())))
            rows = await self.line.call(self.line.fetch_whole, list(batch), expected, seconds=_seconds(expected))
        except ChannelUnavailable:
            # One mail may spoil the answer for all, or be larger than it said: each is tried alone, on a new connection
            # if need be. What fails then is the connection's fault, or the mail stays out, visibly.
            return await self._fetch_singly(inbox, place, batch)
        return [(uid, RawItem(place.key(uid), data, None, len(data), at, _envelope(place))) for uid, data, at in rows]

    async def _fetch_singly(self, inbox: Inbox, place: _Place, batch: dict[int, int]) -> list[tuple[int, RawItem]]:
        found: list[tuple[int, RawItem]] = []
        for uid, size in batch.items():
            await self._reopen(place)
            try:
                found += await self._fetch_large(inbox, place, uid, size)
                self._failures = 0
            except ChannelUnavailable as error:
                logger.warning("imap.mail_not_handed_over", folder=place.folder.name, uid=uid, error=error.message)
                self._failures += 1
                if self._failures >= PATIENCE:
                    raise  # it is the server, and the supervisor waits before it tries again
        await self._reopen(place)
        return found

    async def _reopen(self, place: _Place) -> None:
        """A connection with the folder open, a new one when the old one broke. Raises a ChannelError."""
        if self.line.client is not None:
            try:
                await self._same_numbering(place)
            except ChannelUnavailable:
                logger.info("imap.reconnecting", folder=place.folder.name)
            else:
                return
        await self._open()
        await self._same_numbering(place)

    async def _same_numbering(self, place: _Place) -> None:
        if (await self.line.call(self.line.select, place.folder.name)).validity != place.cursor["uidvalidity"]:
            raise ChannelUnavailable(f"The mail server numbers {place.folder.name} anew.")

    async def _fetch_large(self, inbox: Inbox, place: _Place, uid: int, size: int) -> list[tuple[int, RawItem]]:
        path = inbox.new_file()
        try:
            at = await self.line.call(self.line.fetch_to_file, uid, size, path, seconds=_seconds(min(max(size, LARGE), MAIL_BYTES)))
        except ChannelError:
            path.unlink(missing_ok=True)
            raise
        if at is None:
            path.unlink(missing_ok=True)
            return []
        if path.stat().st_size < LARGE:
            data = path.read_bytes()
            path.unlink(missing_ok=True)
            return [(uid, RawItem(place.key(uid), data, None, len(data), at, _envelope(place)))]
        sha256, stored = await inbox.adopt(path)
        return [(uid, RawItem(place.key(uid), None, sha256, stored, at, _envelope(place)))]


def cursor_name(folder: str) -> str:
    """The name under which it is kept how far a folder was read."""
    return f"imap:{folder}"


def _place(folder: Folder, selected: Selected, known: dict[str, Any] | None, *, reused: bool) -> _Place:
    """The folder under the numbering that is in force now; with `reused` it begins anew for us although it claims not to."""
    began, same = known is not None, known is not None and known["uidvalidity"] == selected.validity
    known = known if known is not None and same else {}
    last, last_at = (0, None) if reused else (int(known.get("uid", 0)), known.get("at"))
    epoch = int(known.get("epoch", 0)) + reused
    cursor = {"uidvalidity": selected.validity} | ({"epoch": epoch} if epoch else {})
    numbering = f"{selected.validity}.{epoch}" if epoch else str(selected.validity)
    return _Place(folder, numbering, last, last_at, began and (not same or reused), cursor)


def _envelope(place: _Place) -> dict[str, Any]:
    """What the parser and the ledger must know beside the mail."""
    facts = {"sent": place.folder.sent, "renumbered": place.renumbered}
    return {name: True for name, holds in facts.items() if holds}


def _gone(place: _Place, uid: int) -> RawItem:
    """A mail of which only its number is known."""
    words = f"Mail {uid} of the folder {place.folder.name} was removed from the mailbox before it could be fetched ({place.key(uid)}).\n"
    content = words.encode("utf-8", "replace")
    return RawItem(place.key(uid), content, None, len(content), None, {"gone": place.folder.name})


def _batches(sizes: dict[int, int]) -> Iterator[dict[int, int]]:
    batch: dict[int, int] = {}
    for uid, size in sizes.items():
        full = len(batch) >= BATCH or sum(batch.values()) + size > BATCH_BYTES
        if batch and (full or size >= LARGE):
            yield batch
            batch = {}
        batch[uid] = size
        if size >= LARGE:
            yield batch
            batch = {}
    if batch:
        yield batch


def _seconds(size: int) -> float:
    """How long a server may take to send so many bytes."""
    return COMMAND_SECONDS + size / BYTES_PER_SECOND
