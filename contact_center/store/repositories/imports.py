"""Imports of contacts: the jobs, how far each is, and the rows a person should look at; and contacts in bulk."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Connection, RowMapping

from contact_center.model.imports import ImportJob, ImportState, Outcome, RowResult
from contact_center.store.schema.contacts import (
    contact,
    contact_import,
    contact_import_row,
    contact_match_key,
    contact_point,
    contact_point_link,
)

ROWS_KEPT = 1000
_ACTIVE = (ImportState.CHECKING, ImportState.RUNNING)


def add(connection: Connection, **values: Any) -> int:
    """Enter an import whose blob is stored; returns its id."""
    row = {"rows_total": 0, "rows_done": 0, "outcomes": {}, "error": "", "state": ImportState.READY} | values
    return int(connection.execute(insert(contact_import).values(row).returning(contact_import.c.id)).scalar_one())


def find(connection: Connection, project_id: int, import_id: int) -> ImportJob | None:
    """An import of the project."""
    where = (contact_import.c.id == import_id, contact_import.c.project_id == project_id)
    row = connection.execute(select(contact_import).where(*where)).mappings().one_or_none()
    return _job(row) if row else None


def page(connection: Connection, project_id: int, limit: int = 50) -> list[ImportJob]:
    """The latest imports of the project."""
    statement = select(contact_import).where(contact_import.c.project_id == project_id).order_by(contact_import.c.id.desc()).limit(limit)
    return [_job(row) for row in connection.execute(statement).mappings()]


def row_of(connection: Connection, import_id: int) -> RowMapping | None:
    """An import with everything the runner needs."""
    return connection.execute(select(contact_import).where(contact_import.c.id == import_id)).mappings().one_or_none()


def active(connection: Connection) -> list[int]:
    """Imports that are under way, the oldest first: what a restart goes on with."""
    statement = select(contact_import.c.id).where(contact_import.c.state.in_(_ACTIVE)).order_by(contact_import.c.id)
    return [int(row) for row in connection.execute(statement).scalars()]


def change_if(connection: Connection, import_id: int, states: Sequence[ImportState], **values: Any) -> bool:
    """Set columns if the import stands in one of these states; False when it does not."""
    statement = update(contact_import).where(contact_import.c.id == import_id, contact_import.c.state.in_(states))
    return connection.execute(statement.values(values)).rowcount == 1


def advance(connection: Connection, import_id: int, from_row: int, to_row: int, outcomes: Mapping[str, int]) -> bool:
    """Say how far it is; False when it was stopped, or another process is further already."""
    where = (contact_import.c.id == import_id, contact_import.c.state.in_(_ACTIVE), contact_import.c.rows_done == from_row)
    return connection.execute(update(contact_import).where(*where).values(rows_done=to_row, outcomes=dict(outcomes))).rowcount == 1


def keep_rows(connection: Connection, import_id: int, results: Sequence[RowResult]) -> None:
    """Remember rows a person should look at."""
    rows = [
        {
            "import_id": import_id,
            "row": each.row,
            "outcome": each.outcome,
            "reason": _joined(each),
            "name": each.name,
            "contact_id": each.contact_id,
        }
        for each in results
    ]
    if rows:
        connection.execute(upsert(contact_import_row).on_conflict_do_nothing(), rows)


def forget_rows(connection: Connection, import_id: int) -> None:
    """Forget the rows of an earlier reading."""
    connection.execute(delete(contact_import_row).where(contact_import_row.c.import_id == import_id))


def rows(connection: Connection, import_id: int, after: int, limit: int) -> list[RowResult]:
    """The rows a person should look at, by number above `after`."""
    where = (contact_import_row.c.import_id == import_id, contact_import_row.c.row > after)
    found = connection.execute(select(contact_import_row).where(*where).order_by(contact_import_row.c.row).limit(limit)).mappings()
    return [_result(row) for row in found]


# Contacts in bulk: a few statements for a whole batch.


def reached(connection: Connection, project_id: int, values: Sequence[tuple[str, str]]) -> dict[tuple[str, str], list[int]]:
    """For each known point (kind, normal form) the contacts it reaches, the latest linked last; [] for nobody."""
    statement = (
        select(contact_point.c.kind, contact_point.c.value, contact_point_link.c.contact_id)
        .outerjoin(contact_point_link, (contact_point_link.c.point_id == contact_point.c.id) & contact_point_link.c.valid_to.is_(None))
        .order_by(contact_point_link.c.id)
    )
    found: dict[tuple[str, str], list[int]] = {}
    texts = sorted({value for _, value in values})
    for start in range(0, len(texts), 500):
        where = (contact_point.c.project_id == project_id, contact_point.c.value.in_(texts[start : start + 500]))
        for row in connection.execute(statement.where(*where)):
            holders = found.setdefault((row.kind, row.value), [])
            if row.contact_id is not None:
                holders.append(row.contact_id)
    return found


def cards(connection: Connection, contact_ids: Sequence[int]) -> dict[int, RowMapping]:
    """What a row could add to, of these contacts: id, name, provisional, note, organization_id."""
    columns = (contact.c.id, contact.c.name, contact.c.provisional, contact.c.note, contact.c.organization_id)
    found: dict[int, RowMapping] = {}
    for start in range(0, len(contact_ids), 500):
        rows = connection.execute(select(*columns).where(contact.c.id.in_(contact_ids[start : start + 500]))).mappings()
        found.update({row["id"]: row for row in rows})
    return found


def add_contacts(connection: Connection, people: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert contacts; returns their ids in the same order."""
    return _insert_in_order(connection, contact, people)


def add_points(connection: Connection, points: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert points that are not there yet; returns their ids in the same order. Fails when one is."""
    return _insert_in_order(connection, contact_point, points)


def add_links(connection: Connection, links: Sequence[Mapping[str, Any]], keys: Sequence[Mapping[str, Any]]) -> None:
    """Let new points reach new contacts, and compare the contacts by these keys."""
    if links:
        connection.execute(insert(contact_point_link), links)
    if keys:
        connection.execute(insert(contact_match_key), keys)


def _insert_in_order(connection: Connection, table: Any, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    if not rows:
        return []
    statement = insert(table).returning(table.c.id, sort_by_parameter_order=True)
    return [int(row) for row in connection.execute(statement, list(rows)).scalars()]


def _joined(result: RowResult) -> str:
    return f"{result.reason}:{result.detail}" if result.detail else result.reason


def _result(row: RowMapping) -> RowResult:
    reason, _, detail = row["reason"].partition(":")
    return RowResult(row["row"], Outcome(row["outcome"]), reason, row["name"], detail, row["contact_id"])


def _job(row: RowMapping) -> ImportJob:
    mapping = row["mapping"]
    finished: datetime | None = row["finished_at"]
    return ImportJob(
        id=row["id"],
        filename=row["filename"],
        size=row["size"],
        header=mapping["header"],
        columns=tuple(mapping["columns"]),
        sample=tuple(tuple(cells) for cells in mapping["sample"]),
        state=ImportState(row["state"]),
        rows_total=row["rows_total"],
        rows_done=row["rows_done"],
        outcomes=row["outcomes"],
        error=row["error"],
        created_at=row["created_at"],
        finished_at=finished,
    )
