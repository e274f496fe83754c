"""Conditions on tickets: one tree for views, macros' previews and rules, judged here in memory and compiled to SQL in the store.

A tree is `{"all": [...]}`, `{"any": [...]}`, `{"not": ...}` or a test `{"field", "op", "value"}`. Every test is true or false, also
about what a ticket does not have: nothing is unknown, so that `not` means the same here and in a database.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from contact_center.model.text import clean_text, folded
from contact_center.model.tickets import Ticket
from contact_center.model.words import Direction, Priority, Status

MAX_DEPTH = 6
MAX_TESTS = 50
MAX_VALUES = 100
MAX_TEXT = 200
MAX_MINUTES = 10 * 366 * 24 * 60
NOBODY, ME = "nobody", "me"
"""Who a ticket may belong to besides employees by number: no one, and whoever reads the list."""


class Kind(StrEnum):
    """What a field holds; it decides which operators there are."""

    CHOICE = "choice"
    WORD = "word"
    EMPLOYEE = "employee"
    NUMBER = "number"
    TAGS = "tags"
    TEXT = "text"
    AGE = "age"
    COMING = "coming"
    FLAG = "flag"


class Op(StrEnum):
    """How a field is compared."""

    IS = "is"
    IS_NOT = "is_not"
    ANY_OF = "any_of"
    ALL_OF = "all_of"
    NONE_OF = "none_of"
    CONTAINS = "contains"
    LACKS = "lacks"
    AT_LEAST = "at_least"
    """So many minutes ago or earlier, to the microsecond."""
    LESS_THAN = "less_than"
    WITHIN = "within"
    """In so many minutes or sooner; what is past is within any number."""
    NOT_WITHIN = "not_within"
    EMPTY = "empty"
    FILLED = "filled"


_LISTS = (Op.IS, Op.IS_NOT)
OPERATORS: dict[Kind, tuple[Op, ...]] = {
    Kind.CHOICE: _LISTS,
    Kind.WORD: _LISTS,
    Kind.EMPLOYEE: _LISTS,
    Kind.NUMBER: _LISTS,
    Kind.TAGS: (Op.ANY_OF, Op.ALL_OF, Op.NONE_OF, Op.EMPTY, Op.FILLED),
    Kind.TEXT: (Op.CONTAINS, Op.LACKS),
    Kind.AGE: (Op.AT_LEAST, Op.LESS_THAN),
    Kind.COMING: (Op.WITHIN, Op.NOT_WITHIN),
    Kind.FLAG: (Op.IS,),
}


@dataclass(frozen=True, slots=True)
class Field:
    """Something about a ticket that can be asked for."""

    kind: Kind
    names: str = ""
    """Which things its numbers name: queue, organization."""
    choices: tuple[str, ...] = ()
    optional: bool = False
    """A ticket may have none."""

    @property
    def operators(self) -> tuple[Op, ...]:
        """How it can be compared."""
        own = OPERATORS[self.kind]
        return (*own, *(op for op in (Op.EMPTY, Op.FILLED) if op not in own)) if self.optional else own


FIELDS: dict[str, Field] = {
    "status": Field(Kind.CHOICE, choices=tuple(Status)),
    "priority": Field(Kind.CHOICE, choices=tuple(Priority)),
    "queue": Field(Kind.NUMBER, names="queue"),
    "assignee": Field(Kind.EMPLOYEE),
    "tags": Field(Kind.TAGS),
    "channel": Field(Kind.WORD, names="channel"),
    "subject": Field(Kind.TEXT),
    "waiting": Field(Kind.AGE, optional=True),
    "created": Field(Kind.AGE),
    "updated": Field(Kind.AGE),
    "last_entry": Field(Kind.AGE),
    "due": Field(Kind.COMING, optional=True),
    "last_direction": Field(Kind.CHOICE, choices=tuple(Direction)),
    "last_kind": Field(Kind.WORD, names="kind"),
    "organization": Field(Kind.NUMBER, names="organization", optional=True),
    "reason": Field(Kind.NUMBER, names="reason", optional=True),
    "provisional": Field(Kind.FLAG),
    "unproven": Field(Kind.FLAG),
    "follow_up": Field(Kind.FLAG),
    "snoozed": Field(Kind.FLAG),
}
"""Every field there is."""

Facts = Mapping[str, Any]
"""A ticket by the names of the fields: texts folded, ages and what is to come as instants, what it does not have as None."""


class Unreadable(ValueError):
    """A tree or a list of actions that cannot be understood; `path` is where, in the names and numbers of the document."""

    def __init__(self, message: str, path: tuple[str | int, ...] = ()) -> None:
        self.message = message
        self.path = path
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison."""

    field: str
    op: Op
    value: Any = None


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; with no part, every ticket."""

    parts: tuple["Tree", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Some part holds; with no part, no ticket."""

    parts: tuple["Tree", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: "Tree"


Tree = All | AnyOf | Not | Test


@dataclass(frozen=True, slots=True)
class Finding:
    """What a test met."""

    field: str
    op: Op
    value: Any
    seen: Any
    held: bool


# Reading.


@dataclass
class _Budget:
    tests: int = field(default=MAX_TESTS)


def parse(document: Any, *, reader: bool = True) -> Tree:
    """The tree that a JSON document says; without a `reader` nobody is "me". Raises Unreadable."""
    return _node(document, (), reader, _Budget(), MAX_DEPTH)


def _node(document: Any, path: tuple[str | int, ...], reader: bool, budget: _Budget, depth: int) -> Tree:
    if not isinstance(document, dict):
        raise Unreadable("A condition is all, any, not or a test.", path)
    if depth == 0:
        raise Unreadable(f"Conditions are nested at most {MAX_DEPTH} deep.", path)
    if "field" in document:
        budget.tests -= 1
        if budget.tests < 0:
            raise Unreadable(f"At most {MAX_TESTS} tests.", path)
        return _test(document, path, reader)
    if len(document) != 1 or (word := next(iter(document))) not in ("all", "any", "not"):
        raise Unreadable("A condition is all, any, not or a test.", path)
    inner = document[word]
    if word == "not":
        return Not(_node(inner, (*path, word), reader, budget, depth - 1))
    if not isinstance(inner, list) or len(inner) > MAX_TESTS:
        raise Unreadable(f"{word} needs a list of at most {MAX_TESTS} conditions.", (*path, word))
    parts = tuple(_node(each, (*path, word, number), reader, budget, depth - 1) for number, each in enumerate(inner))
    return All(parts) if word == "all" else AnyOf(parts)


def _test(document: dict[str, Any], path: tuple[str | int, ...], reader: bool) -> Test:
    if extra := set(document) - {"field", "op", "value"}:
        raise Unreadable(f"A test has a field, an op and a value, no {min(map(str, extra))[:40]}.", path)
    name, op = document["field"], document.get("op")
    known = FIELDS.get(name) if isinstance(name, str) else None
    if known is None:
        raise Unreadable("There is no such field.", (*path, "field"))
    if not isinstance(op, str) or op not in known.operators:
        raise Unreadable(f"{name} can be compared by {', '.join(known.operators)}.", (*path, "op"))
    found = Op(op)
    value = document.get("value")
    if found in (Op.EMPTY, Op.FILLED):
        if value is not None:
            raise Unreadable(f"{op} takes no value.", (*path, "value"))
        return Test(name, found)
    try:
        return Test(name, found, _READERS[known.kind](value, known, reader))
    except Unreadable as error:
        raise Unreadable(error.message, (*path, "value")) from None


def _list(value: Any, each: Callable[[Any], Any]) -> tuple[Any, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_VALUES:
        raise Unreadable(f"A list of 1 to {MAX_VALUES} values is needed.")
    return tuple(dict.fromkeys(each(item) for item in value))


def _word(value: Any) -> str:
    text = clean_text(value).strip() if isinstance(value, str) else ""
    if not 1 <= len(text) <= MAX_TEXT:
        raise Unreadable(f"A text of 1 to {MAX_TEXT} characters is needed.")
    return text


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**53:
        raise Unreadable("A number of something there is is needed.")
    return value


def _choices(value: Any, known: Field, _reader: bool) -> tuple[str, ...]:
    def one(item: Any) -> str:
        if not isinstance(item, str) or item not in known.choices:
            raise Unreadable(f"One of {', '.join(known.choices)} is needed.")
        return str(item)

    return _list(value, one)


def _people(value: Any, _known: Field, reader: bool) -> tuple[Any, ...]:
    def one(item: Any) -> Any:
        if item == NOBODY:
            return NOBODY
        if item == ME:
            if not reader:
                raise Unreadable("Nobody reads here: there is no me.")
            return ME
        return _number(item)

    return _list(value, one)


def _minutes(value: Any, _known: Field, _reader: bool) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_MINUTES:
        raise Unreadable(f"A number of minutes from 0 to {MAX_MINUTES} is needed.")
    return value


def _flag(value: Any, _known: Field, _reader: bool) -> bool:
    if not isinstance(value, bool):
        raise Unreadable("true or false is needed.")
    return value


def _texts(value: Any, _known: Field, _reader: bool) -> tuple[str, ...]:
    return _list(value, _word)


_READERS: dict[Kind, Callable[[Any, Field, bool], Any]] = {
    Kind.CHOICE: _choices,
    Kind.WORD: _texts,
    Kind.EMPLOYEE: _people,
    Kind.NUMBER: lambda value, _known, _reader: _list(value, _number),
    Kind.TAGS: _texts,
    Kind.TEXT: _texts,
    Kind.AGE: _minutes,
    Kind.COMING: _minutes,
    Kind.FLAG: _flag,
}


def as_json(tree: Tree) -> dict[str, Any]:
    """The document that says a tree."""
    if isinstance(tree, Test):
        value = list(tree.value) if isinstance(tree.value, tuple) else tree.value
        return {"field": tree.field, "op": tree.op.value} | ({} if value is None else {"value": value})
    if isinstance(tree, Not):
        return {"not": as_json(tree.part)}
    return {"all" if isinstance(tree, All) else "any": [as_json(part) for part in tree.parts]}


def tests_of(tree: Tree) -> Iterator[Test]:
    """Every test of a tree."""
    if isinstance(tree, Test):
        yield tree
    elif isinstance(tree, Not):
        yield from tests_of(tree.part)
    else:
        for part in tree.parts:
            yield from tests_of(part)


# Judging.


def facts_of(ticket: Ticket, organization_id: int | None) -> dict[str, Any]:
    """A ticket as tests see it."""
    last = ticket.last_entry
    return {
        "status": ticket.status.value,
        "priority": ticket.priority.value,
        "queue": ticket.queue_id,
        "assignee": ticket.assignee_id,
        "tags": ticket.tags,
        "channel": ticket.channel,
        "subject": folded(ticket.subject),
        "waiting": ticket.waiting_since,
        "created": ticket.created_at,
        "updated": ticket.updated_at,
        "last_entry": last.at if last else ticket.created_at,
        "due": ticket.due.at if ticket.due else None,
        "last_direction": last.direction.value if last else Direction.INTERNAL.value,
        "last_kind": last.kind if last else "",
        "organization": organization_id,
        "reason": ticket.reason_id,
        "provisional": ticket.contact.provisional,
        "unproven": ticket.unproven,
        "follow_up": ticket.follow_up_of is not None,
        "snoozed": ticket.snoozed_until is not None,
    }


def evaluate(tree: Tree, facts: Facts, now: datetime, reader: int | None = None) -> bool:
    """Whether a ticket is one of those that the tree means."""
    if isinstance(tree, Test):
        return _holds(tree, facts[tree.field], now, reader)
    if isinstance(tree, Not):
        return not evaluate(tree.part, facts, now, reader)
    judged = (evaluate(part, facts, now, reader) for part in tree.parts)
    return all(judged) if isinstance(tree, All) else any(judged)


def explain(tree: Tree, facts: Facts, now: datetime, reader: int | None = None) -> tuple[Finding, ...]:
    """The tests that decided: of a tree that holds, those that made it hold, and of one that does not, those that failed."""
    if isinstance(tree, Test):
        held = _holds(tree, facts[tree.field], now, reader)
        return (Finding(tree.field, tree.op, tree.value, facts[tree.field], held),)
    if isinstance(tree, Not):
        return explain(tree.part, facts, now, reader)
    wanted = evaluate(tree, facts, now, reader)
    deciding = [part for part in tree.parts if evaluate(part, facts, now, reader) is wanted]
    # One part is enough to decide `all` against a ticket and `any` for it.
    some = deciding[:1] if wanted is isinstance(tree, AnyOf) else deciding
    return tuple(found for part in some for found in explain(part, facts, now, reader))


def _holds(test: Test, seen: Any, now: datetime, reader: int | None) -> bool:
    if test.op is Op.EMPTY:
        return seen is None or seen == ()
    if test.op is Op.FILLED:
        return seen is not None and seen != ()
    return _COMPARE[test.op](test.value, seen, now, reader)


def _is(wanted: Any, seen: Any, _now: datetime, reader: int | None) -> bool:
    if isinstance(wanted, bool):
        return bool(seen) is wanted
    if seen is None:
        return NOBODY in wanted
    return seen in wanted or (ME in wanted and seen == reader)


def _contains(wanted: Collection[str], seen: str) -> bool:
    return any(folded(each) in seen for each in wanted)


_COMPARE: dict[Op, Callable[[Any, Any, datetime, int | None], bool]] = {
    Op.IS: _is,
    Op.IS_NOT: lambda wanted, seen, now, reader: not _is(wanted, seen, now, reader),
    Op.ANY_OF: lambda wanted, seen, _now, _reader: any(each in seen for each in wanted),
    Op.ALL_OF: lambda wanted, seen, _now, _reader: all(each in seen for each in wanted),
    Op.NONE_OF: lambda wanted, seen, _now, _reader: not any(each in seen for each in wanted),
    Op.CONTAINS: lambda wanted, seen, _now, _reader: _contains(wanted, seen),
    Op.LACKS: lambda wanted, seen, _now, _reader: not _contains(wanted, seen),
    Op.AT_LEAST: lambda wanted, seen, now, _reader: seen is not None and seen <= now - timedelta(minutes=wanted),
    Op.LESS_THAN: lambda wanted, seen, now, _reader: seen is not None and seen > now - timedelta(minutes=wanted),
    Op.WITHIN: lambda wanted, seen, now, _reader: seen is not None and seen <= now + timedelta(minutes=wanted),
    Op.NOT_WITHIN: lambda wanted, seen, now, _reader: seen is not None and seen > now + timedelta(minutes=wanted),
}


def statuses(tree: Tree) -> frozenset[Status]:
    """The statuses a ticket of the tree can have, as far as its form tells: a list of what is open need not read what is done."""
    every = frozenset(Status)
    if isinstance(tree, Test):
        if tree.field != "status":
            return every
        named = frozenset(Status(each) for each in tree.value)
        return named if tree.op is Op.IS else every - named
    if isinstance(tree, Not):
        of_status = isinstance(tree.part, Test) and tree.part.field == "status"
        return every - statuses(tree.part) if of_status else every
    if isinstance(tree, All):
        return every.intersection(*(statuses(part) for part in tree.parts))
    return frozenset[Status]().union(*(statuses(part) for part in tree.parts))
