"""Prebuilt statements: every one compiles for both engines."""

import importlib
import pkgutil

import pytest
from sqlalchemy import ClauseElement
from sqlalchemy.dialects import postgresql, sqlite

from contact_center.store import repositories
from contact_center.store.prepared import Prepared

MODULES = ["contact_center.store.blobs", "contact_center.store.journal"] + [
    f"{repositories.__name__}.{module.name}" for module in pkgutil.iter_modules(repositories.__path__)
]
STATEMENTS = [
    pytest.param(value, id=f"{name.rpartition('.')[2]}.{key}")
    for name in MODULES
    for key, value in vars(importlib.import_module(name)).items()
    if isinstance(value, ClauseElement | Prepared) and key.startswith("_")
]


def test_there_are_statements_to_compile() -> None:
    """The walk through the modules finds them."""
    assert len(STATEMENTS) > 20


@pytest.mark.parametrize("statement", STATEMENTS)
def test_it_compiles_on_both_engines(statement: ClauseElement | Prepared) -> None:
    """One statement serves both engines."""
    statement = statement.statement if isinstance(statement, Prepared) else statement
    assert str(statement.compile(dialect=postgresql.dialect()))
    assert str(statement.compile(dialect=sqlite.dialect()))
