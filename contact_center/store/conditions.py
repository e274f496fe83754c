"""Condition trees as SQL over `ticket`: the very tickets that `model/conditions.py` picks in memory, on either engine.

No test is ever NULL, so that NOT turns every one round. Values are bound, never written into the text.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Boolean, ColumnElement, and_, bindparam, false, func, not_, or_, select, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from contact_center.model.conditions import FIELDS, ME, NOBODY, All, Kind, Not, Op, Test, Tree
from contact_center.model.text import folded
from contact_center.model.words import Direction
from contact_center.store.schema.contacts import contact
from contact_center.store.schema.tickets import ticket
from contact_center.store.types import CleanText


class _holds_tag(FunctionElement[bool]):  # noqa: N801 - reads as the SQL function that it is
    """Whether a list of texts holds this one."""

    type = Boolean()
    inherit_cache = True


@compiles(_holds_tag)
def _on_postgresql(element: FunctionElement[bool], compiler: Any, **options: Any) -> str:
    many, one = (compiler.process(clause, **options) for clause in element.clauses)
    return f"jsonb_exists({many}, {one})"


@compiles(_holds_tag, "sqlite")
def _on_sqlite(element: FunctionElement[bool], compiler: Any, **options: Any) -> str:
    many, one = (compiler.process(clause, **options) for clause in element.clauses)
    return f"EXISTS (SELECT 1 FROM json_each({many}) WHERE json_each.value = {one})"  # noqa: S608 - both are ours


class _length(FunctionElement[int]):  # noqa: N801
    """How many there are in a list."""

    inherit_cache = True


@compiles(_length)
def _length_on_postgresql(element: FunctionElement[int], compiler: Any, **options: Any) -> str:
    return f"jsonb_array_length({compiler.process(element.clauses, **options)})"


@compiles(_length, "sqlite")
def _length_on_sqlite(element: FunctionElement[int], compiler: Any, **options: Any) -> str:
    return f"json_array_length({compiler.process(element.clauses, **options)})"


def compiled(tree: Tree, now: datetime, reader: int | None = None) -> ColumnElement[bool]:
    """The condition in SQL, as of this instant."""
    if isinstance(tree, Test):
        return _TESTS[FIELDS[tree.field].kind](tree, now, reader)
    if isinstance(tree, Not):
        return not_(compiled(tree.part, now, reader))
    parts = [compiled(part, now, reader) for part in tree.parts]
    return and_(true(), *parts) if isinstance(tree, All) else or_(false(), *parts)


_COLUMNS: dict[str, ColumnElement[Any]] = {
    "status": ticket.c.status,
    "priority": ticket.c.priority,
    "queue": ticket.c.queue_id,
    "assignee": ticket.c.assignee_id,
    "channel": ticket.c.channel,
    "waiting": ticket.c.waiting_since,
    "created": ticket.c.created_at,
    "updated": ticket.c.updated_at,
    "last_entry": ticket.c.last_at,
    "due": ticket.c.due_at,
    "reason": ticket.c.reason_id,
    "last_direction": func.coalesce(ticket.c.last_direction, Direction.INTERNAL),
    "last_kind": func.coalesce(ticket.c.last_kind, ""),
}
_FLAGS: dict[str, Callable[[], ColumnElement[bool]]] = {
    "provisional": lambda: _of_contact(lambda theirs: theirs.c.provisional.is_(True)),
    "unproven": lambda: ticket.c.unproven.is_(True),
    "follow_up": lambda: ticket.c.follow_up_of_id.is_not(None),
    "snoozed": lambda: ticket.c.snoozed_until.is_not(None),
}


def column(name: str) -> ColumnElement[Any]:
    """The column behind a field that has one of its own."""
    return _COLUMNS[name]


def _of_contact(condition: Callable[[Any], ColumnElement[bool]]) -> ColumnElement[bool]:
    # A table of its own: the statement around this may have joined contacts already.
    theirs = contact.alias()
    return select(theirs.c.id).where(theirs.c.id == ticket.c.contact_id, condition(theirs)).correlate(ticket).exists()


def _word(test: Test, _now: datetime, _reader: int | None) -> ColumnElement[bool]:
    found = _COLUMNS[test.field].in_(test.value)
    return found if test.op is Op.IS else not_(found)


def _number(test: Test, _now: datetime, _reader: int | None) -> ColumnElement[bool]:
    if test.field != "organization":
        own = _COLUMNS[test.field]
        if test.op in (Op.EMPTY, Op.FILLED):
            return own.is_(None) if test.op is Op.EMPTY else own.is_not(None)
        named = and_(own.is_not(None), own.in_(test.value))
        return named if test.op is Op.IS else not_(named)
    if test.op in (Op.EMPTY, Op.FILLED):
        has_one = _of_contact(lambda theirs: theirs.c.organization_id.is_not(None))
        return has_one if test.op is Op.FILLED else not_(has_one)
    found = _of_contact(lambda theirs: theirs.c.organization_id.in_(test.value))
    return found if test.op is Op.IS else not_(found)


def _employee(test: Test, _now: datetime, reader: int | None) -> ColumnElement[bool]:
    ids = [each for each in test.value if isinstance(each, int)] + ([reader] if ME in test.value and reader is not None else [])
    own = ticket.c.assignee_id
    found = or_(own.is_(None) if NOBODY in test.value else false(), and_(own.is_not(None), own.in_(ids)) if ids else false())
    return found if test.op is Op.IS else not_(found)


def _tags(test: Test, _now: datetime, _reader: int | None) -> ColumnElement[bool]:
    if test.op in (Op.EMPTY, Op.FILLED):
        empty = _length(ticket.c.tags) == 0
        return empty if test.op is Op.EMPTY else not_(empty)
    each = [_holds_tag(ticket.c.tags, bindparam(None, tag, type_=CleanText())) for tag in test.value]
    if test.op is Op.ALL_OF:
        return and_(true(), *each)
    return or_(false(), *each) if test.op is Op.ANY_OF else not_(or_(false(), *each))


def _text(test: Test, _now: datetime, _reader: int | None) -> ColumnElement[bool]:
    found = or_(false(), *(ticket.c.subject_folded.contains(folded(each), autoescape=True) for each in test.value))
    return found if test.op is Op.CONTAINS else not_(found)


def _instant(test: Test, now: datetime, _reader: int | None) -> ColumnElement[bool]:
    own = _COLUMNS[test.field]
    if test.op is Op.EMPTY:
        return own.is_(None)
    if test.op is Op.FILLED:
        return own.is_not(None)
    distance = timedelta(minutes=test.value)
    bound = now + distance if test.op in (Op.WITHIN, Op.NOT_WITHIN) else now - distance
    return and_(own.is_not(None), own <= bound if test.op in (Op.AT_LEAST, Op.WITHIN) else own > bound)


def _flag(test: Test, _now: datetime, _reader: int | None) -> ColumnElement[bool]:
    found = _FLAGS[test.field]()
    return found if test.value else not_(found)


_TESTS: dict[Kind, Callable[[Test, datetime, int | None], ColumnElement[bool]]] = {
    Kind.CHOICE: _word,
    Kind.WORD: _word,
    Kind.NUMBER: _number,
    Kind.EMPLOYEE: _employee,
    Kind.TAGS: _tags,
    Kind.TEXT: _text,
    Kind.AGE: _instant,
    Kind.COMING: _instant,
    Kind.FLAG: _flag,
}
