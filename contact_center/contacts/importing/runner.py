"""The imports under way: read in batches, behind everything that people wait for, and gone on with after a restart."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice

import structlog

from contact_center.contacts.importing import settling
from contact_center.contacts.importing.mapping import Column, Mapping
from contact_center.contacts.importing.reading import Row, data_rows
from contact_center.errors import ContactCenterError, Invalid, Unavailable
from contact_center.model.acts import Act
from contact_center.model.imports import ImportState, Outcome, RowResult
from contact_center.store import Connection, Store, blobs
from contact_center.store import Row as StoredRow
from contact_center.store.blobs import BlobFiles
from contact_center.store.repositories import imports
from contact_center.tasks import wait

logger = structlog.get_logger(__name__)

BATCH = 500
LOOK_SECONDS = 5.0  # another process may have been asked for an import
_ATTENTION = (Outcome.CONFLICT, Outcome.ERROR)


class _Stopped(Exception):
    """The import is no longer ours to go on with."""


class Imports:
    """Carries out imports, one after another."""

    def __init__(self, store: Store, files: BlobFiles, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._files = files
        self._clock = clock
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There is an import to carry out."""
        self._woken.set()

    async def run(self) -> None:
        """Carry out imports until cancelled; those that a restart interrupted go on where they stood."""
        while True:
            self._woken.clear()
            try:
                for import_id in await self._store.read(imports.active):
                    await self.carry_out(import_id)
            except Unavailable as error:
                logger.warning("imports.waiting", error=error.message)
            await wait(self._woken, LOOK_SECONDS)

    async def carry_out(self, import_id: int) -> None:
        """Bring one import to its end. Two processes cannot disturb each other: whoever is behind stops."""
        job = await self._store.read(imports.row_of, import_id)
        if job is None:
            return
        try:
            content = await content_of(self._store, self._files, job["sha256"])
            await self._read_through(job, content)
        except Unavailable:
            raise
        except ContactCenterError as error:
            await self._fail(job, error.message)
        except Exception as error:
            logger.exception("import.failed", import_id=import_id)
            await self._fail(job, f"{type(error).__name__}")

    async def _read_through(self, job: StoredRow, content: bytes) -> None:
        mapping = mapping_of(job["mapping"])
        dry = job["state"] == ImportState.CHECKING
        # A check keeps in mind what the rows before it said, and so begins anew after a restart.
        done = 0 if dry else job["rows_done"]
        outcomes = Counter({} if dry else job["outcomes"])
        if dry and job["rows_done"]:
            await self._store.write_bulk(_begin_again, job["id"])
        rows = data_rows(content, mapping.header)
        if not await self._count(job, content, mapping):
            return
        await asyncio.to_thread(_skip, rows, done)
        seen: dict[tuple[str, str], int] = {}
        try:
            while batch := await asyncio.to_thread(_take, rows):
                if dry:
                    outcomes = await self._check(job, mapping, batch, done, outcomes, seen)
                else:
                    outcomes = await self._settle(job, mapping, batch, done, outcomes)
                done = batch[-1].number
        except _Stopped:
            return
        state = ImportState.CHECKED if dry else ImportState.DONE
        await self._store.write_bulk(_finish, job["id"], state, "", self._clock())

    async def _count(self, job: StoredRow, content: bytes, mapping: Mapping) -> bool:
        total = job["rows_total"] or await asyncio.to_thread(lambda: sum(1 for _ in data_rows(content, mapping.header)))
        return await self._store.write_bulk(_set_total, job["id"], total)

    async def _check(
        self, job: StoredRow, mapping: Mapping, batch: list[Row], done: int, outcomes: Counter[str], seen: dict[tuple[str, str], int]
    ) -> Counter[str]:
        planned = await self._store.read(settling.plan, job["project_id"], batch, mapping, seen)
        for each in planned:
            if each.result.outcome is Outcome.NEW and each.person is not None:
                seen.update({(kind, value): each.result.row for kind, value, _ in each.person.points})
        return await self._store.write_bulk(_note, job["id"], done, batch[-1].number, outcomes, [each.result for each in planned])

    async def _settle(self, job: StoredRow, mapping: Mapping, batch: list[Row], done: int, outcomes: Counter[str]) -> Counter[str]:
        """Settle a batch in one unit; one that fails is tried row by row, so that a bad row stops no other."""
        act = Act(self._clock(), job["created_by"])
        try:
            return await self._store.write_bulk(_settle, act, job, mapping, batch, done, outcomes)
        except (Unavailable, _Stopped):
            raise
        except Exception:
            logger.warning("import.batch_failed", import_id=job["id"], row=batch[0].number, exc_info=True)
        for row in batch:
            try:
                outcomes = await self._store.write_bulk(_settle, act, job, mapping, [row], done, outcomes)
            except (Unavailable, _Stopped):
                raise
            except Exception as error:  # noqa: BLE001 - whatever is wrong with the row, the next one has its turn
                failed = RowResult(row.number, Outcome.ERROR, "failed", "", type(error).__name__)
                outcomes = await self._store.write_bulk(_note, job["id"], done, row.number, outcomes, [failed])
            done = row.number
        return outcomes

    async def _fail(self, job: StoredRow, error: str) -> None:
        await self._store.write_bulk(_finish, job["id"], ImportState.FAILED, error[:500], self._clock())


async def content_of(store: Store, files: BlobFiles, sha256: str) -> bytes:
    """The bytes of an uploaded file."""
    content = await store.read(blobs.get, sha256)
    if content is not None:
        return content
    try:
        return await asyncio.to_thread(lambda: b"".join(files.read(sha256)))
    except OSError as error:
        raise Invalid("The file is not there any more.", field="file") from error


def mapping_of(stored: dict[str, object]) -> Mapping:
    """The mapping as it is kept with an import."""
    columns = stored["columns"]
    assert isinstance(columns, list)
    return Mapping(bool(stored["header"]), tuple(Column(name) for name in columns))


def _take(rows: Iterator[Row]) -> list[Row]:
    return list(islice(rows, BATCH))


def _skip(rows: Iterator[Row], count: int) -> None:
    for _ in islice(rows, count):
        pass


def _set_total(connection: Connection, import_id: int, total: int) -> bool:
    return imports.change_if(connection, import_id, (ImportState.CHECKING, ImportState.RUNNING), rows_total=total)


def _begin_again(connection: Connection, import_id: int) -> None:
    imports.forget_rows(connection, import_id)
    imports.change_if(connection, import_id, (ImportState.CHECKING,), rows_done=0, outcomes={})


def _settle(
    connection: Connection, act: Act, job: StoredRow, mapping: Mapping, batch: list[Row], done: int, outcomes: Counter[str]
) -> Counter[str]:
    results = settling.carry_out(connection, act, job["project_id"], batch, mapping)
    return _note(connection, job["id"], done, batch[-1].number, outcomes, results)


def _note(connection: Connection, import_id: int, done: int, upto: int, outcomes: Counter[str], results: list[RowResult]) -> Counter[str]:
    """Say how far it is; returns what became of all rows so far.

    Raises _Stopped, which takes back the unit, when somebody cancelled the import or another process is further.
    """
    counted = outcomes + Counter(each.outcome.value for each in results)
    if not imports.advance(connection, import_id, done, upto, counted):
        raise _Stopped
    kept = sum(outcomes[outcome.value] for outcome in _ATTENTION)
    imports.keep_rows(connection, import_id, [each for each in results if each.outcome in _ATTENTION][: max(imports.ROWS_KEPT - kept, 0)])
    return counted


def _finish(connection: Connection, import_id: int, state: ImportState, error: str, now: datetime) -> None:
    imports.change_if(connection, import_id, (ImportState.CHECKING, ImportState.RUNNING), state=state, error=error, finished_at=now)
