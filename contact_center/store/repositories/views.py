"""Saved views and macros: kept, listed for whoever finds them, and counted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, case, delete, func, insert, literal, or_, select, update
from sqlalchemy.engine import Connection

from contact_center.model.conditions import Tree, statuses, tests_of
from contact_center.model.people import Viewer
from contact_center.model.views import Macro, SavedView
from contact_center.model.words import Sharing, Status, ViewSort
from contact_center.store.conditions import compiled
from contact_center.store.prepared import Row
from contact_center.store.schema.rules import macro, saved_view
from contact_center.store.schema.tickets import ticket
from contact_center.store.scope import sees_ticket

MOST_LISTED = 500
MOST_OWN = 100
MOST_COUNTED = 1000
"""Where counting stops of views that reach what is done: nobody works through a longer list, and the past has no end."""
MOST_VALUES = 10_000
"""Of one statement: PostgreSQL takes 32 767, and tests have others besides."""
_ACTIVE = frozenset((Status.OPEN, Status.WAITING))


@dataclass(frozen=True, slots=True)
class Counted:
    """How many tickets there are; `more`: counting stopped there."""

    tickets: int
    more: bool = False


def views(connection: Connection, viewer: Viewer) -> list[SavedView]:
    """One's own, those shared with everybody, and those shared with queues one sees; by name."""
    return [
        SavedView(
            row["id"], row["name"], row["conditions"], ViewSort(row["sort"]), Sharing(row["sharing"]), row["queue_id"], row["owner_id"]
        )
        for row in _listed(connection, saved_view, viewer)
    ]


def macros(connection: Connection, viewer: Viewer) -> list[Macro]:
    """The same of macros."""
    return [
        Macro(row["id"], row["name"], row["actions"], Sharing(row["sharing"]), row["queue_id"], row["owner_id"])
        for row in _listed(connection, macro, viewer)
    ]


def find_view(connection: Connection, viewer: Viewer, view_id: int) -> SavedView | None:
    """One of them."""
    return next((view for view in views(connection, viewer) if view.id == view_id), None)


def find_macro(connection: Connection, viewer: Viewer, macro_id: int) -> Macro | None:
    """One of them."""
    return next((each for each in macros(connection, viewer) if each.id == macro_id), None)


def add_view(connection: Connection, **values: Any) -> int:
    """Keep a view; returns its id."""
    return int(connection.execute(insert(saved_view).values(values).returning(saved_view.c.id)).scalar_one())


def add_macro(connection: Connection, **values: Any) -> int:
    """Keep a macro; returns its id."""
    return int(connection.execute(insert(macro).values(values).returning(macro.c.id)).scalar_one())


def change_view(connection: Connection, view_id: int, **values: Any) -> None:
    """Set columns of a view."""
    connection.execute(update(saved_view).where(saved_view.c.id == view_id).values(values))


def change_macro(connection: Connection, macro_id: int, **values: Any) -> None:
    """Set columns of a macro."""
    connection.execute(update(macro).where(macro.c.id == macro_id).values(values))


def remove_view(connection: Connection, view_id: int) -> None:
    """Drop a view."""
    connection.execute(delete(saved_view).where(saved_view.c.id == view_id))


def remove_macro(connection: Connection, macro_id: int) -> None:
    """Drop a macro."""
    connection.execute(delete(macro).where(macro.c.id == macro_id))


def _listed(connection: Connection, table: Table, viewer: Viewer) -> list[Row]:
    shared = table.c.sharing == Sharing.ALL
    of_queue = table.c.sharing == Sharing.QUEUE
    if not viewer.sees_all:
        of_queue = and_(of_queue, table.c.queue_id.in_(viewer.queue_ids))
    own = and_(table.c.sharing == Sharing.OWN, table.c.owner_id == viewer.user_id)
    statement = select(table).where(table.c.project_id == viewer.project_id, or_(own, shared, of_queue))
    return list(connection.execute(statement.order_by(table.c.name, table.c.id).limit(MOST_LISTED)).mappings())


# Counting.


def counts(connection: Connection, viewer: Viewer, trees: Mapping[int, Tree], now: datetime) -> dict[int, Counted]:
    """How many visible tickets each of these trees means, in as few statements as a database takes: usually one."""
    found: dict[int, Counted] = {}
    some: dict[int, Tree] = {}
    room = MOST_VALUES
    for key, tree in trees.items():
        needed = sum(len(test.value) if isinstance(test.value, tuple) else 1 for test in tests_of(tree))
        if some and needed > room:
            found |= _counts(connection, viewer, some, now)
            some, room = {}, MOST_VALUES
        some[key], room = tree, room - needed
    return found | (_counts(connection, viewer, some, now) if some else {})


def _counts(connection: Connection, viewer: Viewer, trees: Mapping[int, Tree], now: datetime) -> dict[int, Counted]:
    """Those that name only what is open or waiting in one walk over that, the others one by one and no further than to `MOST_COUNTED`."""
    visible = (sees_ticket(viewer), ticket.c.merged_into_id.is_(None))
    conditions = {key: compiled(tree, now, viewer.user_id) for key, tree in trees.items()}
    active = [key for key, tree in trees.items() if statuses(tree) <= _ACTIVE]
    columns: list[ColumnElement[Any]] = []
    for key, condition in conditions.items():
        if key not in active:
            some = select(literal(1).label("one")).where(*visible, condition).limit(MOST_COUNTED + 1).subquery()
            columns.append(select(func.count()).select_from(some).scalar_subquery().label(f"v{key}"))
    source = None
    if active:
        sums = [func.coalesce(func.sum(case((conditions[key], 1), else_=0)), 0).label(f"v{key}") for key in active]
        walk = select(*sums).where(*visible, ticket.c.status.in_(sorted(_ACTIVE))).subquery()
        columns += [walk.c[f"v{key}"] for key in active]
        source = walk
    statement = select(*columns) if source is None else select(*columns).select_from(source)
    row = connection.execute(statement).mappings().one()
    found = {key: int(row[f"v{key}"]) for key in trees}
    return {
        key: Counted(number) if key in active else Counted(min(number, MOST_COUNTED), number > MOST_COUNTED)
        for key, number in found.items()
    }
