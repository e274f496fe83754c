"""Imports of contacts: a file, what its columns mean, a check that changes nothing, the run, and what became of the rows."""

import asyncio
from itertools import islice

from contact_center.api import bodies
from contact_center.api.context import Context
from contact_center.api.schemas import ImportPatchBody, ImportRowsQuery, UploadQuery
from contact_center.contacts.importing import mapping, settling
from contact_center.contacts.importing.reading import Row, data_rows, first_rows, is_cards
from contact_center.contacts.importing.runner import content_of
from contact_center.errors import Conflict, Invalid, NotFound
from contact_center.model.audit import Action, Subject
from contact_center.model.imports import ImportJob, ImportState, RowResult
from contact_center.model.people import Viewer
from contact_center.model.text import clean_filename
from contact_center.store import Connection, audit, blobs
from contact_center.store.repositories import imports

UPLOAD_LIMIT = 100 * 1024 * 1024
SAMPLE_ROWS = 6
_SETTLED = (ImportState.READY, ImportState.CHECKED)
_ACTIVE = (ImportState.CHECKING, ImportState.RUNNING)


async def list_imports(ctx: Context) -> list[ImportJob]:
    """The latest imports of contacts."""
    return await ctx.read(imports.page, ctx.viewer.project_id)


async def get_import(ctx: Context, import_id: int) -> ImportJob:
    """One import: how far it is, and what became of its rows so far."""
    return await ctx.read(_find, ctx.viewer, import_id)


async def upload(ctx: Context, query: UploadQuery) -> ImportJob:
    """Upload a file of contacts (CSV, XLSX, vCard), at most 100 MiB; what its columns mean is guessed. Nothing is imported yet."""
    sha256, size = await _receive(ctx)
    content = await asyncio.to_thread(lambda: b"".join(ctx.services.files.read(sha256)))
    sample = await asyncio.to_thread(first_rows, content, 50)
    if not sample:
        raise Invalid("The file holds no rows.", field="body")
    guessed = mapping.guess(sample, cards=is_cards(content))
    kept = {"header": guessed.header, "columns": list(guessed.columns), "sample": [_short(row) for row in sample[:SAMPLE_ROWS]]}
    return await ctx.write(_add, ctx, clean_filename(query.filename), sha256, size, kept)


async def change_import(ctx: Context, import_id: int, body: ImportPatchBody) -> ImportJob:
    """Say what the columns mean. A check that was made before is void."""
    return await ctx.write(_change, ctx, ctx.viewer, import_id, body)


async def preview(ctx: Context, import_id: int, query: ImportRowsQuery) -> list[RowResult]:
    """What would become of the rows after `after`, as things stand; nothing is changed.

    A page does not know the rows of the others: whether a row means a person further up in the file, only the check of the
    whole file says.
    """
    job, sha256 = await ctx.read(_with_hash, ctx.viewer, import_id)
    columns = mapping.Mapping(job.header, tuple(mapping.Column(name) for name in job.columns))
    content = await content_of(ctx.store, ctx.services.files, sha256)
    rows = await asyncio.to_thread(_page, content, job.header, query.after, query.limit)
    planned = await ctx.read(settling.plan, ctx.viewer.project_id, rows, columns)
    return [each.result for each in planned]


async def check(ctx: Context, import_id: int) -> ImportJob:
    """Read the whole file and count what would become of its rows; nothing is changed."""
    return await _start(ctx, import_id, ImportState.CHECKING)


async def run(ctx: Context, import_id: int) -> ImportJob:
    """Import the rows. It goes on in the background, after a restart too; rows that cannot be imported stop no others."""
    return await _start(ctx, import_id, ImportState.RUNNING)


async def cancel(ctx: Context, import_id: int) -> ImportJob:
    """Stop an import or a check. What was imported stays."""
    return await ctx.write(_cancel, ctx, import_id)


async def get_rows(ctx: Context, import_id: int, query: ImportRowsQuery) -> list[RowResult]:
    """The rows of the last check or run that a person should look at: errors and conflicts, the first 1000."""
    return await ctx.read(_rows, ctx.viewer, import_id, query)


async def _receive(ctx: Context) -> tuple[str, int]:
    """The file in its place; returns its hash and size."""
    path = ctx.services.files.new_file()
    try:
        with path.open("wb") as file:

            async def keep(chunk: bytes) -> None:
                await asyncio.to_thread(file.write, chunk)

            size = await bodies.receive(ctx.request, UPLOAD_LIMIT, "A file can have at most 100 MiB.", bodies.COLLEAGUES, keep)
        await ctx.admit_again()
        if not size:
            raise Invalid("The file is empty.", field="body")
        return await asyncio.to_thread(ctx.services.files.adopt, path)
    finally:
        path.unlink(missing_ok=True)


async def _start(ctx: Context, import_id: int, state: ImportState) -> ImportJob:
    job = await ctx.write(_begin, ctx, ctx.viewer, import_id, state)
    ctx.services.wake_imports()
    return job


def _find(connection: Connection, viewer: Viewer, import_id: int) -> ImportJob:
    job = imports.find(connection, viewer.project_id, import_id)
    if job is None:
        raise NotFound
    return job


def _with_hash(connection: Connection, viewer: Viewer, import_id: int) -> tuple[ImportJob, str]:
    job = _find(connection, viewer, import_id)
    row = imports.row_of(connection, import_id)
    assert row is not None
    return job, row["sha256"]


def _add(connection: Connection, ctx: Context, filename: str, sha256: str, size: int, kept: dict[str, object]) -> ImportJob:
    blobs.put(connection, sha256, size, None)
    import_id = imports.add(
        connection,
        project_id=ctx.viewer.project_id,
        created_by=ctx.viewer.user_id,
        created_at=ctx.services.clock(),
        filename=filename,
        sha256=sha256,
        size=size,
        mapping=kept,
    )
    audit.note(connection, ctx.act(), Action.IMPORT_UPLOADED, Subject.IMPORT, import_id, size=size)
    return _find(connection, ctx.viewer, import_id)


def _change(connection: Connection, ctx: Context, viewer: Viewer, import_id: int, body: ImportPatchBody) -> ImportJob:
    job = _find(connection, viewer, import_id)
    width = len(job.columns)
    columns = job.columns if body.columns is None else tuple([*body.columns, *[""] * width][:width])
    kept = {
        "header": job.header if body.header is None else body.header,
        "columns": list(columns),
        "sample": [list(row) for row in job.sample],
    }
    imports.forget_rows(connection, import_id)
    if not imports.change_if(
        connection, import_id, _SETTLED, mapping=kept, state=ImportState.READY, rows_total=0, rows_done=0, outcomes={}
    ):
        raise Conflict("The import has begun already.")
    audit.note(connection, ctx.act(), Action.IMPORT_CHANGED, Subject.IMPORT, import_id, state=ImportState.READY)
    return _find(connection, viewer, import_id)


def _begin(connection: Connection, ctx: Context, viewer: Viewer, import_id: int, state: ImportState) -> ImportJob:
    job = _find(connection, viewer, import_id)
    if not {mapping.Column.EMAIL, mapping.Column.PHONE} & set(job.columns):
        raise Invalid("Say which column holds the mail address or the phone number.", field="columns")
    imports.forget_rows(connection, import_id)
    if not imports.change_if(connection, import_id, _SETTLED, state=state, rows_done=0, outcomes={}, error="", finished_at=None):
        raise Conflict("The import has begun already.")
    audit.note(connection, ctx.act(), Action.IMPORT_CHANGED, Subject.IMPORT, import_id, state=state)
    return _find(connection, viewer, import_id)


def _cancel(connection: Connection, ctx: Context, import_id: int) -> ImportJob:
    job = _find(connection, ctx.viewer, import_id)
    state = ImportState.READY if job.state is ImportState.CHECKING else ImportState.CANCELLED
    if not imports.change_if(connection, import_id, _ACTIVE, state=state, finished_at=ctx.services.clock()):
        raise Conflict("The import is not under way.")
    audit.note(connection, ctx.act(), Action.IMPORT_CHANGED, Subject.IMPORT, import_id, state=state)
    return _find(connection, ctx.viewer, import_id)


def _rows(connection: Connection, viewer: Viewer, import_id: int, query: ImportRowsQuery) -> list[RowResult]:
    _find(connection, viewer, import_id)
    return imports.rows(connection, import_id, query.after, query.limit)


def _page(content: bytes, header: bool, after: int, limit: int) -> list[Row]:
    return list(islice(data_rows(content, header), after, after + limit))


def _short(row: tuple[str, ...]) -> list[str]:
    return [cell[:200] for cell in row]
