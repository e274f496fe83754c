"""`contact-center import`: existing mail, by the same pipeline as new mail.

Its key is its content, so that a second run adds nothing. How far a source was read is committed together with what was read,
so that a run that was killed goes on where it was. It is the past: dates are the mails' own, nobody is notified or answered,
and nothing becomes work, unless it is asked for from a day on.
"""

import asyncio
import hashlib
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from contact_center.app import build, open_database
from contact_center.archives import folders
from contact_center.archives.found import LARGEST, Draft, Found, NewFile, Passed
from contact_center.archives.mbox import is_mbox, read_mbox
from contact_center.config import MIB, Settings
from contact_center.errors import BadRequest, NotFound, Unavailable
from contact_center.model.channels import ChannelAccount
from contact_center.model.messages import Cursor, RawItem
from contact_center.store import Store
from contact_center.store.blobs import BlobFiles
from contact_center.store.repositories import channels, raw_items

BATCH = 100
BATCH_BYTES = 16 * MIB
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
PROGRESS_SECONDS = 0.5
RETRY_SECONDS = 2.0
TRIES = 60

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wishes:
    """How somebody wants an archive read."""

    address: str = ""
    """Of the channel account that receives it; empty: the first one."""
    open_since: datetime | None = None
    """Mail from then on asks for an answer; None: none does."""
    everything: bool = False
    """Drafts, junk and deleted mail too."""
    progress: bool = False


class Source:
    """An archive: what kind it is, how much there is, and its mails from a place on.

    Raises BadRequest when it is neither an mbox nor a mail nor a folder of mails.
    """

    def __init__(self, path: Path, *, everything: bool = False) -> None:
        self.path = path
        self.passed = Passed()
        self._everything = everything
        if path.is_dir():
            self.unit, self.total = "mails", folders.count(path)
            if not self.total:
                raise BadRequest(f"There are no mails in {path}.")
        elif not path.is_file():
            raise BadRequest(f"{path}: no such file or folder.")
        else:
            self.unit, self.total = "bytes", path.stat().st_size
            if not _is_mail(path) and not is_mbox(path):
                raise BadRequest(f"{path} is neither an mbox nor a mail: it does not begin with 'From '.")

    @property
    def name(self) -> str:
        """The cursor of this archive. It is another one's when the file was replaced by another."""
        digest = hashlib.sha256(os.fsencode(self.path.resolve()))
        if self.path.is_file():
            with self.path.open("rb") as file:
                digest.update(file.read(4096))
        return f"import:{digest.hexdigest()[:32]}"

    def mails(self, after: dict[str, Any] | None, new_file: NewFile) -> Iterator[Found]:
        """The mails behind `after`, in an order that stays."""
        if self.path.is_dir():
            return folders.read_folder(self.path, after, self.passed, new_file, everything=self._everything)
        if _is_mail(self.path):
            return self._one(new_file)
        return read_mbox(self.path, int(after["offset"]) if after else 0, self.passed, new_file)

    def _one(self, new_file: NewFile) -> Iterator[Found]:
        draft = Draft(new_file, LARGEST)
        with self.path.open("rb") as file:
            while data := file.read(MIB):
                draft.add(data)
        if draft.blank or draft.too_large:
            draft.drop()
            self.passed.add("too large" if draft.too_large else "empty", str(self.path))
            return
        content, path = draft.finish()
        yield Found(content, path, {}, self.total)


async def import_into(settings: Settings, path: Path, wishes: Wishes | str = "", *, progress: bool = False) -> dict[str, Any]:
    """Import the archive at `path`; returns how many mails were read and what became of them.

    Raises BadRequest when it is no archive, NotFound for an unknown address.
    """
    wishes = Wishes(address=wishes, progress=progress) if isinstance(wishes, str) else wishes
    source = await asyncio.to_thread(Source, path, everything=wishes.everything)
    store = await open_database(settings)
    workers = max(settings.mail.parse_workers, min(4, (os.cpu_count() or 2) - 1))
    mail = settings.mail.model_copy(update={"parse_workers": workers})
    product = build(settings.model_copy(update={"mail": mail}), store)
    try:
        account = await _account(store, wishes.address)
        return await _Run(product, source, account, wishes).all()
    finally:
        product.parsers.close()
        await store.close()


class _Run:
    """One run over one archive."""

    def __init__(self, product: Any, source: Source, account: ChannelAccount, wishes: Wishes) -> None:
        self._product = product
        self._source = source
        self._account = account
        self._wishes = wishes
        self._files: BlobFiles = product.files
        self._tally = {"read": 0, "known": 0}
        self._begun_at = 0
        self._began = self._said = time.monotonic()

    async def all(self) -> dict[str, Any]:
        store: Store = self._product.store
        after = await store.read(channels.cursor, self._account.id, self._source.name)
        if after is not None and after.get("done"):
            after = None  # it came to its end: whatever was added since is found by reading it again
        self._tally["read"] = int(after["mails"]) if after else 0
        self._begun_at = int(after["read"]) if after else 0
        before = await self._fates()
        mails = self._source.mails(after, self._files.new_file)
        settling: asyncio.Future[None] | None = None
        while batch := await asyncio.to_thread(_batch, mails):
            await _patiently(partial(self._accept, await asyncio.to_thread(self._items, batch), batch[-1]))
            if settling is not None:
                await settling
            settling = asyncio.ensure_future(_patiently(self._product.pipeline.settle_all))  # the next ones are read meanwhile
        if settling is not None:
            await settling
        await _patiently(self._product.pipeline.settle_all)
        await store.write(channels.set_cursor, self._account.id, self._source.name, {"done": True})
        self._say(self._source.total, last=True)
        fates = {fate: number - before.get(fate, 0) for fate, number in (await self._fates()).items()}
        return self._tally | fates | {"passed": dict(self._source.passed.counts), "examples": self._source.passed.examples}

    async def _fates(self) -> dict[str, int]:
        books = await self._product.store.read(raw_items.books, self._account.project_id)
        return dict(books.get(self._account.id, {}))

    async def _accept(self, items: list[RawItem], last: Found) -> None:
        mails = self._tally["read"] + len(items)
        value = last.place | {"mails": mails, "read": last.read, "source": self._source.path.name}
        added = await self._product.pipeline.accept(self._account.id, items, Cursor(self._source.name, value), None)
        self._tally["read"] = mails
        self._tally["known"] += len(items) - len(added)
        self._say(last.read)

    def _items(self, batch: list[Found]) -> list[RawItem]:
        return [self._item(found) for found in batch]

    def _item(self, found: Found) -> RawItem:
        # An archive has no time of its own: the sender's date is believed, unless it lies in the future.
        quiet = NEVER if self._wishes.open_since is None or "R" in found.flags else self._wishes.open_since
        envelope: dict[str, Any] = {"trust_date": True, "quiet_before": quiet.isoformat()}
        if found.folder:
            envelope["folder"] = found.folder[-200:]
        if found.flags:
            envelope["flags"] = found.flags
        if folders.is_sent(found.folder):
            envelope["sent"] = True
        if found.path is None:
            content = found.content or b""
            return RawItem(f"sha256:{hashlib.sha256(content).hexdigest()}", content, envelope=envelope)
        sha256, size = self._files.adopt(found.path)
        return RawItem(f"sha256:{sha256}", None, sha256, size, envelope=envelope)

    def _say(self, read: int, *, last: bool = False) -> None:
        now = time.monotonic()
        if not self._wishes.progress or (not last and now - self._said < PROGRESS_SECONDS):
            return
        self._said = now
        total, seconds = max(1, self._source.total), max(0.001, now - self._began)
        rate = (read - self._begun_at) / seconds
        left = f", {(total - read) / rate / 60:.0f} min left" if rate and not last else ""
        words = f"{self._tally['read']} mails, {100 * read / total:.1f} %, {self._tally['read'] / seconds:.0f} mails/s{left}"
        print(f"\r\x1b[K{words}", end="\n" if last else "", file=sys.stderr, flush=True)


async def _patiently(step: Callable[[], Awaitable[T]]) -> T:
    """Do it again while the database is busy with somebody else, for some minutes."""
    for attempt in range(TRIES):
        try:
            return await step()
        except Unavailable:
            if attempt == TRIES - 1:
                raise
            await asyncio.sleep(RETRY_SECONDS)
    raise AssertionError


def _batch(mails: Iterator[Found]) -> list[Found]:
    """Some mails, and not too many bytes of them."""
    batch: list[Found] = []
    size = 0
    for found in mails:
        batch.append(found)
        size += len(found.content or b"")
        if len(batch) >= BATCH or size >= BATCH_BYTES:
            break
    return batch


_NAMES = {"received": "in flight"}  # so the ledger calls what has no fate yet; for people the word means all that came


def tell(counts: dict[str, Any]) -> str:
    """What became of an archive, in words; what was passed over with examples."""
    lines = [", ".join(f"{_NAMES.get(name, name)}: {number}" for name, number in counts.items() if name not in ("passed", "examples"))]
    for reason, number in counts["passed"].items():
        lines += [f"passed over, {reason}: {number}", *(f"    {where}" for where in counts["examples"].get(reason, ()))]
    return "\n".join(lines)


def read_source(path: Path) -> Iterator[bytes]:
    """Every mail of an archive that fits into memory, in a stable order."""
    import tempfile

    def new_file() -> Path:
        handle, name = tempfile.mkstemp()
        os.close(handle)
        return Path(name)

    found = Source(path).mails(None, new_file)
    return (each.path.read_bytes() if each.path is not None else each.content or b"" for each in found)


def _is_mail(path: Path) -> bool:
    return path.suffix.lower() in (".eml", ".msg", ".mail")


async def _account(store: Any, address: str) -> ChannelAccount:
    accounts: list[ChannelAccount] = [a for a in await store.read(channels.accounts) if not address or a.address.lower() == address.lower()]
    if not accounts:
        raise NotFound(f"There is no channel with the address {address}.")
    return accounts[0]
