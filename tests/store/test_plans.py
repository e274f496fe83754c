"""What every item asks does not go through a table that grows: how SQLite means to answer the prebuilt statements."""

import importlib
import pkgutil
import re
import sqlite3
from collections.abc import Iterator

import pytest
from sqlalchemy import Select, create_engine
from sqlalchemy.dialects import sqlite

from contact_center.store import repositories
from contact_center.store.migrate import upgrade
from contact_center.store.prepared import Prepared

MODULES = [f"{repositories.__name__}.{module.name}" for module in pkgutil.iter_modules(repositories.__path__)]
QUESTIONS = [
    pytest.param(value.statement, id=f"{name.rpartition('.')[2]}.{key}")
    for name in MODULES
    for key, value in vars(importlib.import_module(name)).items()
    if isinstance(value, Prepared) and isinstance(value.statement, Select)
]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """The tables as migrations make them: of two indexes that would do, SQLite takes the younger."""
    path = tmp_path_factory.mktemp("plans") / "test.sqlite3"
    upgrade(create_engine(f"sqlite:///{path}"))
    connection = sqlite3.connect(path)
    yield connection
    connection.close()


@pytest.mark.parametrize("statement", QUESTIONS)
def test_it_is_answered_from_an_index(database: sqlite3.Connection, statement: Select) -> None:
    """Each table is entered at the rows that are asked for, never at its beginning, and not by a state that all rows have."""
    text = re.sub(r"\(__\[POSTCOMPILE_\w+\]\)", "(?, ?)", str(statement.compile(dialect=sqlite.dialect())))
    steps = [str(row[3]) for row in database.execute(f"EXPLAIN QUERY PLAN {text}", (1,) * text.count("?"))]

    assert steps
    assert [step for step in steps if step.startswith("SCAN") or "rowid>" in step or "ix_raw_item_books" in step] == []
