"""One PBX at work: its log files followed, its webhook answered."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from contact_center.channels.base import ChannelKind, Environment, HookReply, HookRequest, Inbox
from contact_center.channels.telephony import hook
from contact_center.channels.telephony.calls import KIND as NAME
from contact_center.channels.telephony.options import TelephonyOptions
from contact_center.channels.telephony.sources import Source, envelope_of, sources
from contact_center.channels.telephony.tail import Batch, Place, batches, first_lines
from contact_center.errors import ChannelMisconfigured, ChannelUnavailable, SourceCannotBeAsked, Undeliverable
from contact_center.model.channels import ChannelAccount
from contact_center.model.messages import Cursor, OutboundMessage, Receipt

POLL = 1.0  # seconds between two looks at a file
QUIET = 1.0  # seconds a file must have been left alone: a PBX writes the rows of a call together
PATIENCE = 5.0  # seconds after which a file that is never quiet is read all the same
BATCH = 500  # lines in one commit
LOOK_AT = 20  # lines that are tried before settings are saved


class TelephonyConnector:
    """Reads what a PBX writes down, and hears what it posts. It never calls anybody."""

    repeatable = True

    def __init__(self, account: ChannelAccount, options: TelephonyOptions, environment: Environment) -> None:
        self.account = account
        self.options = options
        self.environment = environment

    async def run(self, inbox: Inbox) -> None:
        """Follow the files; an account without any lives from the webhook alone."""
        found = await asyncio.to_thread(self._sources)
        if names := [source.envelope["missing"] for source in found if "missing" in source.envelope]:
            raise ChannelUnavailable(f"The header of {self.options.cdr_file} cannot be read, or lacks the columns {', '.join(names)}.")
        followed = [Follower(source, inbox, self._recent) for source in found]
        while followed:
            trouble = [words for follower in followed if (words := await follower.catch_up())]
            await inbox.report(ok=not trouble, detail=" ".join(trouble))
            await asyncio.sleep(POLL)

    async def holdings(self, _inbox: Inbox) -> AsyncIterator[Sequence[str]]:
        """See `channels.base.Inventoried`: the lines that the files hold today; what was rotated away is not asked for."""
        sources = await asyncio.to_thread(self._sources)
        if not sources:
            raise SourceCannotBeAsked  # a webhook only
        for source in sources:
            source.recall({})
            try:
                reading = batches(source.path, Place(), BATCH)
                while (batch := await asyncio.to_thread(_next, reading)) is not None:
                    yield [item.provider_key for item in source.items(batch.lines, 0.0)]
            except OSError as error:
                raise ChannelUnavailable(f"{source.path} cannot be read: {error.strerror}.") from error

    async def send(self, message: OutboundMessage) -> Receipt:
        """Nothing can be sent by a call log."""
        raise Undeliverable("Messages cannot be sent by a PBX's call log.")

    async def answer(self, request: HookRequest, inbox: Inbox) -> HookReply:
        """Take in what the PBX posts."""
        envelope = envelope_of(self.options) | {"old_before": time.time() - self._recent}
        return await hook.answer(request, inbox, self.options.webhook_secret, envelope, self.options.agent_names())

    async def check(self) -> None:
        """Look into the files. Raises ChannelMisconfigured."""
        for source in await asyncio.to_thread(self._sources):
            try:
                source.check(await asyncio.to_thread(first_lines, source.path, LOOK_AT))
            except OSError as error:
                raise ChannelMisconfigured(f"{source.path} cannot be read: {error.strerror}.") from error

    def _sources(self) -> list[Source]:
        if self.options.cdr_file and self.options.cdr_format == "columns":
            wanted = self.options.column_map()
            if "start" not in wanted or not {"from", "to"} & set(wanted):
                raise ChannelMisconfigured("The column map needs at least start, and from or to.")
        found = sources(self.options)
        for source in found:
            if source.path.resolve().is_relative_to(self.environment.spool_dir.parent.resolve()):
                raise ChannelMisconfigured("A log of calls is not kept in the data folder of this product.")
        return found

    @property
    def _recent(self) -> float:
        return self.options.callback_hours * 3600.0


class Follower:
    """One file, as far as it was read."""

    def __init__(self, source: Source, inbox: Inbox, recent: float) -> None:
        self.source = source
        self.inbox = inbox
        self._recent = recent  # seconds within which a missed call still asks for a callback
        self._place: Place | None = None
        self._waiting_since = 0.0

    async def catch_up(self) -> str:
        """Hand over what was written since; returns what is wrong with the file, empty when all is well."""
        if self._place is None:
            stored = await self.inbox.cursor(self.source.name)
            self._place = Place.of(stored)
            self.source.recall(stored or {})
        try:
            if await asyncio.to_thread(self._is_news):
                await self._read()
        except OSError as error:
            # Between two steps of a rotation there is no file at all; the next look finds one.
            return f"{self.source.path} cannot be read: {error.strerror}."
        return ""

    def _is_news(self) -> bool:
        """Whether something was written, and its writer seems to be done for the moment."""
        status = self.source.path.stat()
        assert self._place is not None
        if (status.st_ino, status.st_size) == (self._place.inode, self._place.offset) and status.st_mtime <= self._place.seen:
            self._waiting_since = 0.0
            return False
        now = time.time()
        self._waiting_since = self._waiting_since or now
        return now - status.st_mtime >= QUIET or now - self._waiting_since >= PATIENCE

    async def _read(self) -> None:
        assert self._place is not None
        reading = batches(self.source.path, self._place, BATCH)
        while (batch := await asyncio.to_thread(_next, reading)) is not None:
            items = self.source.items(batch.lines, time.time() - self._recent)
            cursor = None
            if batch.place is not None:
                cursor = Cursor(self.source.name, batch.place.as_cursor() | self.source.state())
            await self.inbox.accept(items, cursor)
            self._place = batch.place or self._place
        self._waiting_since = 0.0


def _next(reading: Iterator[Batch]) -> Batch | None:
    return next(reading, None)


def connect(account: ChannelAccount, options: Any, environment: Environment) -> TelephonyConnector:
    """The connector of an account."""
    return TelephonyConnector(account, options, environment)


KIND = ChannelKind(
    name=NAME,
    label="Telephony",
    options=TelephonyOptions,
    connect=connect,
    can_send=False,
    address_label="Number or name of the PBX",
    hook_limit=256 * 1024,
)
