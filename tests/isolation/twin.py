"""A second project, made row by row from the first: the same in everything, and every text of it begins with a canary.

What is made is read from the tables' own descriptions, so a new table or column is in the twin without a word here.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Boolean, Column, Float, Integer, LargeBinary, Table, insert, select, text, update
from sqlalchemy.engine import Connection

from contact_center.model import acts, audit, words
from contact_center.store import audit as audit_log
from contact_center.store.schema import metadata
from contact_center.store.types import CleanText, Json, Utc

CANARY = "CANARY-B-"
OFFSET = 1_000_000
PROJECT = 1 + OFFSET
# Belongs to no project: the chain of the log (its twin entry is noted), what processes hold, how far rules have read, and the
# index, which is made from the twin's events as it is from anybody's; so are rollups, from the twin's rows.
SKIPPED = {"audit_entry", "audit_head", "interval_fact", "interval_stale", "lease", "rule_cursor", "search_doc", "search_state"}
VOCABULARY = {
    str(member)
    for module in (words,)
    for each in vars(module).values()
    if isinstance(each, type) and issubclass(each, StrEnum)
    for member in each
}
# Numbers that name something without a foreign key, for what is told must outlive whom it tells of.
LOOSE = {"project_id", "queue_id", "contact_id", "assignee_id", "previous_queue_id", "actor_id", "endpoint_id", "account_id"}
KEPT = {("event", "type"), ("calendar", "timezone"), ("calendar", "holidays"), ("webhook_delivery", "type"), ("channel_account", "kind")}


def make_twin(connection: Connection) -> None:
    """Copy every row of the first project into a second."""
    for table in metadata.sorted_tables:
        if table.name in SKIPPED:
            continue
        rows = [dict(row) for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()]  # what is referred to first
        for row in [_twin_of(table, row) for row in rows] or [_invented(connection, table)]:
            if row is not None:
                connection.execute(insert(table).values(row))
    # Nothing may go out for the twin meanwhile, or its rows would change by themselves.
    webhooks = metadata.tables["webhook_endpoint"]
    connection.execute(update(webhooks).where(webhooks.c.id > OFFSET).values(enabled=False))
    act = acts.Act(datetime.now(UTC))
    audit_log.note(
        connection, act, audit.Action.CONTACT_OPENED, audit.Subject.CONTACT, 1 + OFFSET, project_id=PROJECT, actor=f"{CANARY}actor"
    )


def empty_tables(connection: Connection) -> list[str]:
    """Tables that the twin left without a row."""
    wanted = [table for table in metadata.sorted_tables if table.name not in SKIPPED]
    return [table.name for table in wanted if not _has_canary(connection, table)]


Members = dict[str, set[Any]]


def members(connection: Connection) -> Members:
    """Numbers of the twin's things, by table. What the first project makes later may have numbers above them."""
    numbered = [table for table in metadata.sorted_tables if "id" in table.c and table.name not in SKIPPED]
    return {table.name: set(connection.execute(select(table.c.id).where(table.c.id > OFFSET)).scalars()) for table in numbered}


def everything(connection: Connection, known: Members) -> set[str]:
    """All rows that are the twin's, name something of it or hold its words, to see that none was changed, dropped or added."""
    return {
        f"{table.name} {tuple(row.values())!r}"
        for table in metadata.sorted_tables
        if table.name not in SKIPPED | {"presence", "event"}
        for row in connection.execute(select(table)).mappings()
        if _belongs(table, row, known)
    }


def _belongs(table: Table, row: Any, known: Members) -> bool:
    if row.get("project_id") == PROJECT or row.get("id") in known.get(table.name, ()) or CANARY.lower() in repr(dict(row)).lower():
        return True
    return any(
        row[column.name] in known.get(next(iter(column.foreign_keys)).column.table.name, ())
        for column in table.columns
        if column.foreign_keys
    )


def _is_twin(table: Table, row: Any) -> bool:
    return "canary-b-" in repr(row).lower() or any(isinstance(value, int) and value > OFFSET for value in row)


def _has_canary(connection: Connection, table: Table) -> bool:
    return any(_is_twin(table, row) for row in connection.execute(select(table)))


def _twin_of(table: Table, row: dict[str, Any]) -> dict[str, Any] | None:
    if table.name == "event":
        row.pop("seq")
    return {column.name: _value(table, column, row[column.name]) for column in table.columns if column.name in row}


def _value(table: Table, column: Column[Any], value: Any) -> Any:
    if value is None or isinstance(value, bool | datetime):
        return value
    if isinstance(value, bytes):
        return CANARY.encode() + value
    if isinstance(value, int):
        names_something = column.foreign_keys or column.name in LOOSE or (column.primary_key and column.name == "id")
        return value + OFFSET if names_something else value
    if isinstance(column.type, Json):
        return _json(value, "")
    return _text(f"{table.name}-{column.name}", value) if (table.name, column.name) not in KEPT else value


def _text(place: str, value: Any) -> Any:
    if not isinstance(value, str) or value in VOCABULARY or value == "":
        return value
    return f"{CANARY}{value}"


def _json(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key: _json(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_json(item, name) for item in value]
    if isinstance(value, str) and not _is_instant(value):
        return _text(name, value)
    if isinstance(value, int) and not isinstance(value, bool) and (name == "id" or name.endswith(("_id", "_ids"))):
        return value + OFFSET
    return value


def _is_instant(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _invented(connection: Connection, table: Table) -> dict[str, Any] | None:
    """A row of a table in which the first project has none."""
    row: dict[str, Any] = {}
    for column in table.columns:
        kind = column.type
        if column.foreign_keys:
            target = next(iter(column.foreign_keys)).column
            row[column.name] = _last_of_twin(connection, target)
        elif column.name == "project_id":
            row[column.name] = PROJECT
        elif isinstance(kind, Utc):
            row[column.name] = datetime(2090, 1, 1, tzinfo=UTC)  # neither due, nor over, nor so old that it is forgotten
        elif isinstance(kind, Boolean):
            row[column.name] = False
        elif isinstance(kind, Json):
            row[column.name] = [] if column.name in ("types", "scopes", "columns") else {"canary": f"{CANARY}{table.name}"}
        elif isinstance(kind, LargeBinary):
            row[column.name] = CANARY.encode()
        elif isinstance(kind, CleanText):
            row[column.name] = f"{CANARY}{table.name}-{column.name}"
        elif isinstance(kind, Float):
            row[column.name] = float(OFFSET)
        elif isinstance(kind, Integer):
            row[column.name] = OFFSET + 1
    return row


def _last_of_twin(connection: Connection, target: Column[Any]) -> Any:
    return connection.execute(text(f'SELECT max("{target.name}") FROM "{target.table.name}"')).scalar()
