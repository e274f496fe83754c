"""Statements that are compiled once for each engine and then go straight to the driver.

What every mail and every call asks runs a dozen times a message. SQLAlchemy's own way of running a statement that it has
compiled already costs more than SQLite needs to answer it; this is that way without what a prebuilt statement does not use.
Types convert values and results as they always do, and errors are SQLAlchemy's.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Delete, Dialect, Float, Insert, Select, Update
from sqlalchemy.engine import Connection, RowMapping
from sqlalchemy.sql.compiler import SQLCompiler

Row = RowMapping | dict[str, Any]
"""A row by the names of its columns."""
Statement = Select[Any] | Insert | Update | Delete
Converter = Callable[[Any], Any]

_EXPANDING = re.compile(r"IN \(__\[POSTCOMPILE_(\w+)\]\)")


@dataclass(frozen=True, slots=True)
class _Value:
    """One value that the statement is given, or always has."""

    name: str
    convert: Converter | None
    constant: Any
    is_constant: bool
    is_list: bool

    def of(self, values: Mapping[str, Any]) -> Any:
        """As the driver takes it."""
        if self.is_constant:
            return self.constant
        given, convert = values[self.name], self.convert
        if convert is None:
            return list(given) if self.is_list else given
        return [convert(each) for each in given] if self.is_list else convert(given)


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement as one engine takes it."""

    text: str
    values: tuple[_Value, ...]
    lists: tuple[int, ...]
    """Which of the values are lists that SQLite wants spelled out, in the order of the text."""
    names: tuple[str, ...]
    converters: tuple[tuple[int, Converter], ...]

    def call(self, values: Mapping[str, Any]) -> tuple[str, Sequence[Any]]:
        """The text and the values in its order."""
        given = [value.of(values) for value in self.values]
        if not self.lists:
            return self.text, given
        # Each list becomes as many question marks as it is long. An empty one matches nothing, as `IN (NULL)` does.
        text, flat = self.text, []
        for position, value in enumerate(given):
            if position in self.lists:
                text = text.replace("IN (?*)", f"IN ({', '.join('?' * len(value)) or 'NULL'})", 1)
                flat += value
            else:
                flat.append(value)
        return text, flat

    def row(self, found: Sequence[Any]) -> dict[str, Any]:
        """A row of the driver's by the names of its columns."""
        if not self.converters:
            return dict(zip(self.names, found, strict=True))
        cells = list(found)
        for place, convert in self.converters:
            cells[place] = convert(cells[place])
        return dict(zip(self.names, cells, strict=True))


class Prepared:
    """A statement whose values are all bind parameters or constants."""

    __slots__ = ("_by_engine", "statement")

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self._by_engine: dict[str, _Compiled] = {}

    def rows(self, connection: Connection, **values: Any) -> list[Row]:
        """Every row."""
        compiled = self._for(connection)
        found, _ = _run(connection, *compiled.call(values), wants_rows=True)
        return [compiled.row(row) for row in found]

    def row(self, connection: Connection, **values: Any) -> Row | None:
        """The first row, None when there is none."""
        compiled = self._for(connection)
        found, _ = _run(connection, *compiled.call(values), wants_rows=True)
        return compiled.row(found[0]) if found else None

    def scalars(self, connection: Connection, **values: Any) -> list[Any]:
        """The first column of every row."""
        compiled = self._for(connection)
        found, _ = _run(connection, *compiled.call(values), wants_rows=True)
        convert = next((each for place, each in compiled.converters if place == 0), None)
        return [row[0] if convert is None else convert(row[0]) for row in found]

    def scalar(self, connection: Connection, **values: Any) -> Any:
        """The first column of the first row, None when there is none."""
        found = self.scalars(connection, **values)
        return found[0] if found else None

    def run(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """Run it for its effect; returns how many rows it touched."""
        return _run(connection, *self._for(connection).call(values), wants_rows=False)[1]

    def run_all(self, connection: Connection, values: Iterable[Mapping[str, Any]]) -> None:
        """Run it for its effect with each of these values."""
        compiled = self._for(connection)
        assert not compiled.lists
        if many := [[value.of(each) for value in compiled.values] for each in values]:
            _run_all(connection, compiled.text, many)

    def _for(self, connection: Connection) -> _Compiled:
        name = connection.dialect.name
        found = self._by_engine.get(name)
        if found is None:
            found = self._by_engine[name] = _compile(self.statement, connection.dialect)
        return found


def _compile(statement: Statement, dialect: Dialect) -> _Compiled:
    # Without it PostgreSQL is asked for the new keys, whether anybody wants them or not.
    is_quiet = isinstance(statement, Insert) and not statement.returning_column_descriptions
    compiled = statement.compile(None, dialect, for_executemany=is_quiet)
    assert isinstance(compiled, SQLCompiler)
    assert not compiled.literal_execute_params
    assert not compiled.insert_prefetch, "a column has a default of Python's: name it among the values"
    assert not compiled.update_prefetch
    values = tuple(_value(compiled, name, dialect) for name in compiled.positiontup or ())
    lists: tuple[int, ...] = ()
    if dialect.name == "sqlite":
        lists = tuple(number for number, value in enumerate(values) if value.is_list)
        text = _EXPANDING.sub("IN (?*)", compiled.string)
    else:
        # Lists have no number yet; all the others keep theirs, and a list is one value of its own behind them.
        ordered = sorted(values, key=lambda value: value.is_list)
        numbers = {value.name: number for number, value in enumerate(ordered, 1)}
        text = _EXPANDING.sub(lambda found: _any(compiled, found[1], numbers, dialect), compiled.string)
        values = tuple(ordered)
    described = _columns(statement)
    converters = [(place, _converter(kind, dialect)) for place, (_, kind) in enumerate(described)]
    named = tuple(name for name, _ in described)
    return _Compiled(text, values, lists, named, tuple((place, convert) for place, convert in converters if convert is not None))


def _value(compiled: SQLCompiler, name: str, dialect: Dialect) -> _Value:
    bind = compiled.binds[name]
    convert = bind.type.dialect_impl(dialect).bind_processor(dialect)
    if bind.required:
        return _Value(bind.key, convert, None, is_constant=False, is_list=bind.expanding)
    constant = bind.effective_value
    return _Value(name, None, convert(constant) if convert is not None else constant, is_constant=True, is_list=False)


def _converter(kind: Any, dialect: Dialect) -> Converter | None:
    """What a driver's value becomes. Both give floats as floats, and SQLAlchemy would ask for PostgreSQL's own number of the type."""
    converter: Converter | None = None if isinstance(kind, Float) else kind.dialect_impl(dialect).result_processor(dialect, None)
    return converter


def _any(compiled: SQLCompiler, name: str, numbers: Mapping[str, int], dialect: Dialect) -> str:
    kind = compiled.binds[name].type.dialect_impl(dialect).compile(dialect)
    return f"= ANY(${numbers[name]}::{kind}[])"


def _columns(statement: Statement) -> list[tuple[str, Any]]:
    """Names and types of the columns that come back."""
    described = statement.column_descriptions if isinstance(statement, Select) else statement.returning_column_descriptions
    return [(str(each["name"]), each["type"]) for each in described]


def _run(connection: Connection, text: str, values: Sequence[Any], *, wants_rows: bool) -> tuple[Sequence[Sequence[Any]], int]:
    if not connection.in_transaction():
        connection.begin()
    cursor = connection.connection.cursor()
    try:
        cursor.execute(text, values)
        found: Sequence[Sequence[Any]] = cursor.fetchall() if wants_rows else ()
        touched = cursor.rowcount
    except Exception as error:  # noqa: BLE001 - raised again, as SQLAlchemy raises it
        connection._handle_dbapi_exception(error, text, values, cursor, None)
    cursor.close()
    return found, touched


def _run_all(connection: Connection, text: str, many: Sequence[Sequence[Any]]) -> None:
    if not connection.in_transaction():
        connection.begin()
    cursor = connection.connection.cursor()
    try:
        cursor.executemany(text, many)
    except Exception as error:  # noqa: BLE001 - raised again, as SQLAlchemy raises it
        connection._handle_dbapi_exception(error, text, many, cursor, None)
    cursor.close()
