"""Column types that behave the same on SQLite and PostgreSQL."""

from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import BigInteger, Dialect, Float, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from contact_center.model.text import clean_text

BigKey = BigInteger().with_variant(Integer, "sqlite")
"""A 64-bit key; SQLite only auto-numbers columns declared INTEGER."""


class Utc(TypeDecorator[datetime]):
    """An instant. Takes aware datetimes only and returns them in UTC, to the microsecond."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime: every instant must carry its zone")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.isoformat(timespec="microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if isinstance(value, datetime) else datetime.fromisoformat(value)


class seconds_between(FunctionElement[float]):  # noqa: N801 - reads as the SQL function that it is
    """Seconds from one instant to another, in SQL; to a tenth of a millisecond."""

    type = Float()
    inherit_cache = True


@compiles(seconds_between)
def _on_postgresql(element: FunctionElement[float], compiler: Any, **options: Any) -> str:
    start, end = (compiler.process(clause, **options) for clause in element.clauses)
    return f"EXTRACT(EPOCH FROM ({end} - {start}))::double precision"


@compiles(seconds_between, "sqlite")
def _on_sqlite(element: FunctionElement[float], compiler: Any, **options: Any) -> str:
    start, end = (compiler.process(clause, **options) for clause in element.clauses)
    return f"((julianday({end}) - julianday({start})) * 86400.0)"


class Json(TypeDecorator[Any]):
    """A JSON document. Dataclasses, enums and aware datetimes are written as JSON; plain dicts and lists come back."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(JSONB(none_as_null=True))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        # PostgreSQL's engine is given the same encoder.
        return value if value is None or dialect.name == "postgresql" else dump_json(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        # The driver of PostgreSQL has decoded it already.
        return value if value is None or dialect.name == "postgresql" else orjson.loads(value)


_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC


def dump_json(value: Any) -> str:
    """The one JSON encoding of the product: instants in UTC with a Z, NUL characters and lone surrogates cleaned away.

    PostgreSQL's jsonb refuses U+0000, UTF-8 refuses lone surrogates, and mails do carry both.
    """
    try:
        encoded = orjson.dumps(value, option=_OPTIONS)
        if b"\\u0000" not in encoded:
            return encoded.decode()
    except TypeError:
        pass  # a lone surrogate, or something that is no JSON at all: then the second attempt says so
    return orjson.dumps(_cleaned(value), option=_OPTIONS).decode()


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _cleaned(getattr(value, each.name)) for each in fields(value)}
    return value


def as_stored(row: dict[str, Any]) -> dict[str, Any]:
    """A row as reading it back would give it: text cleaned, instants in UTC."""
    return {name: _as_stored(value) for name, value in row.items()}


def _as_stored(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    return value.astimezone(UTC) if isinstance(value, datetime) else value


class CleanText(TypeDecorator[str]):
    """Text without NUL characters and lone surrogates, which PostgreSQL and UTF-8 refuse."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return clean_text(value) if value else value
