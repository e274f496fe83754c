"""Prepared statements give what SQLAlchemy's own way of running them gives, on both engines."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import bindparam, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError

from contact_center.store import Connection, Store
from contact_center.store.prepared import Prepared
from contact_center.store.schema.access import project
from contact_center.store.schema.channels import blob, lease
from contact_center.store.schema.search import search_state

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
ADD = Prepared(insert(lease).values({name: bindparam(name) for name in ("name", "holder", "fence", "expires_at")}))
AMONG = Prepared(
    select(lease).where(lease.c.fence > bindparam("least"), lease.c.name.in_(bindparam("names", expanding=True))).order_by(lease.c.name)
)
MOVE = Prepared(
    update(lease).where(lease.c.name.in_(bindparam("names", expanding=True)), lease.c.fence == bindparam("old")).values(holder="moved")
)
LEASES = [{"name": name, "holder": "one", "fence": number, "expires_at": NOW} for number, name in enumerate("abc", 1)]


async def test_rows_and_types_are_the_same(store: Store) -> None:
    """Names, instants, documents and missing values come back as SQLAlchemy gives them, and a list may be empty."""

    def unit(connection: Connection) -> None:
        ADD.run_all(connection, LEASES)
        values = {"least": 1, "names": ["a", "b", "c"]}
        own = [dict(row) for row in connection.execute(AMONG.statement, values).mappings()]
        assert AMONG.rows(connection, **values) == own
        assert [row["expires_at"] for row in own] == [NOW, NOW]
        assert AMONG.row(connection, **values) == own[0]
        assert AMONG.scalars(connection, **values) == ["b", "c"]
        assert AMONG.rows(connection, least=1, names=[]) == []
        assert AMONG.scalar(connection, least=9, names=["a"]) is None
        document = {"kind": "entry", "nothing": None, "many": [1, "два"]}
        write = Prepared(insert(search_state).values({name: bindparam(name) for name in ("id", "seq", "walk")}))
        write.run(connection, {"id": 7, "seq": 2**40, "walk": document})
        read = Prepared(select(search_state.c.walk, search_state.c.seq).where(search_state.c.id == 7))
        assert read.row(connection) == {"walk": document, "seq": 2**40}

    await store.write(unit)


async def test_what_was_touched_is_counted(store: Store) -> None:
    """A statement for its effect says how many rows it touched, also with a list in the middle of its values."""

    def unit(connection: Connection) -> tuple[int, int, Any]:
        ADD.run_all(connection, LEASES)
        add = Prepared(insert(project).values(slug=bindparam("slug"), name="P", next_ticket_number=1).returning(project.c.id))
        first, second = add.scalar(connection, slug="one"), add.scalar(connection, slug="two")
        assert second > first
        keep = upsert(blob).values(sha256=bindparam("sha256"), size=1, content=bindparam("content")).on_conflict_do_nothing()
        assert [Prepared(keep).run(connection, {"sha256": "x", "content": b"y"}) for _ in range(2)] == [1, 0]
        many = MOVE.run(connection, {"names": ["a", "b", "z"], "old": 2})
        none = MOVE.run(connection, {"names": [], "old": 2})
        return many, none, connection.execute(select(func.count()).where(lease.c.holder == "moved")).scalar()

    assert await store.write(unit) == (1, 0, 1)


async def test_a_value_may_stand_twice(store: Store) -> None:
    """What is named twice in a statement is given once."""
    either = Prepared(
        select(lease.c.name).where(or_(lease.c.fence == bindparam("n"), lease.c.fence == bindparam("n") + 1), lease.c.fence > 0)
    )

    def unit(connection: Connection) -> list[str]:
        ADD.run_all(connection, LEASES)
        return sorted(either.scalars(connection, n=2))

    assert await store.write(unit) == ["b", "c"]


async def test_errors_are_those_of_sqlalchemy(store: Store) -> None:
    """A key that is taken is an IntegrityError, alone and among many, and the unit leaves nothing behind."""

    def twice(connection: Connection) -> None:
        ADD.run(connection, LEASES[0])
        ADD.run(connection, LEASES[0])

    def many(connection: Connection) -> None:
        ADD.run_all(connection, [*LEASES, LEASES[0]])

    for unit in (twice, many):
        with pytest.raises(IntegrityError):
            await store.write(unit)
    assert await store.read(AMONG.rows, least=0, names=["a", "b", "c"]) == []
