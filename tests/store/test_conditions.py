"""Condition trees: SQL and memory pick the very same tickets, whatever the tree and whatever the tickets."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, text, update

from contact_center.model import conditions
from contact_center.model.conditions import FIELDS, Kind, Op, Unreadable
from contact_center.model.people import Viewer
from contact_center.model.text import folded
from contact_center.model.words import Direction, Priority, Role, Status
from contact_center.store import Connection, Store, migrate, open_store
from contact_center.store.conditions import compiled
from contact_center.store.repositories import access, contacts, organizations, tickets, views
from contact_center.store.schema.contacts import contact
from contact_center.store.schema.handling import contact_reason
from contact_center.store.schema.tickets import ticket

NOW = datetime(2026, 11, 2, 9, 0, 0, 123456, tzinfo=UTC)
MINUTES = (0, 1, 15, 60)
WORDS = ("Straße", "STRASSE", "İstanbul", "ijs", "ЗАКАЗ", "заказ", "100%", "a_b", "\\", "/", "é", "e\u0301", "Ёлка", "'; --", "ß", "x")
TAGS = ("vip", "VIP", "Ёлка", "a b", '"', "'", "\\", "ё", "[]", "null")


Places = dict[str, list[int]]


@pytest.fixture
def at() -> Places:
    """Filled by the first example: the rest share its database."""
    return {}


def places(connection: Connection) -> Places:
    """Two queues, two people, contacts with and without a company."""
    project = access.add_project(connection, "p", "P")
    queues = [access.add_queue(connection, project, name, False, NOW) for name in "AB"]
    people = [access.add_user(connection, project, f"u{n}@x", f"U{n}", Role.AGENT, None, NOW) for n in range(2)]
    companies = [organizations.add(connection, project, name, name, people[0], NOW) or 0 for name in ("One", "Two")]
    known = [contacts.add_contact(connection, project, f"C{n}", n % 2 == 0, NOW) for n in range(4)]
    for person, company in ((known[0], companies[0]), (known[1], companies[1])):
        connection.execute(update(contact).where(contact.c.id == person).values(organization_id=company))
    reasons = [
        connection.execute(insert(contact_reason).values(project_id=project, name=name).returning(contact_reason.c.id)).scalar_one()
        for name in ("Price", "Delivery")
    ]
    return {"project": [project], "reason": reasons, "queue": queues, "employee": people, "organization": companies, "contact": known}


def instants() -> st.SearchStrategy[datetime]:
    """Around the ages that trees ask for, to the microsecond."""
    edge = st.sampled_from((-1, 0, 1, 999_999, 1_000_000))
    return st.builds(lambda minutes, micro: NOW - timedelta(minutes=minutes, microseconds=micro), st.sampled_from((*MINUTES, -15)), edge)


def rows(at: Places) -> st.SearchStrategy[dict[str, Any]]:
    """A ticket as it stands in the table."""
    subject = st.lists(st.sampled_from(WORDS), max_size=3).map(" ".join)
    maybe = st.none()
    return st.fixed_dictionaries(
        {
            "project_id": st.just(at["project"][0]),
            "contact_id": st.sampled_from(at["contact"]),
            "queue_id": st.sampled_from(at["queue"]),
            "assignee_id": maybe | st.sampled_from(at["employee"]),
            "subject": subject,
            "status": st.sampled_from(Status),
            "priority": st.sampled_from(Priority),
            "channel": st.sampled_from(("email", "telephony")),
            "tags": st.lists(st.sampled_from(TAGS), max_size=3, unique=True),
            "created_at": instants(),
            "updated_at": instants(),
            "last_at": instants(),
            "last_direction": maybe | st.sampled_from(Direction),
            "last_kind": maybe | st.sampled_from(("email", "note")),
            "waiting_since": maybe | instants(),
            "snoozed_until": maybe | instants(),
            "unproven": maybe | st.booleans(),
            "due_at": maybe | instants(),
            "due_kind": st.just("first_response"),
            "due_warn_at": st.just(NOW),
            "reason_id": maybe | st.sampled_from(at["reason"]),
        }
    )


def a_test(at: Places, name: str) -> st.SearchStrategy[dict[str, Any]]:
    """A test of this field that the parser takes."""
    known = FIELDS[name]
    some: dict[Kind, st.SearchStrategy[Any]] = {
        Kind.CHOICE: st.lists(st.sampled_from(known.choices or ("",)), min_size=1, max_size=3),
        Kind.WORD: st.lists(st.sampled_from(("email", "telephony", "note", "fax")), min_size=1, max_size=2),
        Kind.EMPLOYEE: st.lists(st.sampled_from([*at["employee"], "nobody", "me", 999]), min_size=1, max_size=3),
        Kind.NUMBER: st.lists(st.sampled_from([*at.get(known.names, [1]), 999]), min_size=1, max_size=2),
        Kind.TAGS: st.lists(st.sampled_from((*TAGS, "none of them")), min_size=1, max_size=3),
        Kind.TEXT: st.lists(st.sampled_from(WORDS), min_size=1, max_size=2),
        Kind.AGE: st.sampled_from(MINUTES),
        Kind.COMING: st.sampled_from(MINUTES),
        Kind.FLAG: st.booleans(),
    }

    def of(op: Op) -> st.SearchStrategy[dict[str, Any]]:
        bare = {"field": name, "op": op.value}
        return st.just(bare) if op in (Op.EMPTY, Op.FILLED) else some[known.kind].map(lambda value: bare | {"value": value})

    return st.sampled_from(known.operators).flatmap(of)


def trees(at: Places) -> st.SearchStrategy[dict[str, Any]]:
    """A tree as a document."""
    leaf = st.sampled_from(sorted(FIELDS)).flatmap(lambda name: a_test(at, name))
    return st.recursive(
        leaf,
        lambda inner: (
            st.lists(inner, max_size=3).flatmap(lambda some: st.sampled_from(({"all": some}, {"any": some})))
            | inner.map(lambda one: {"not": one})
        ),
        max_leaves=6,
    ).filter(lambda tree: _depth(tree) <= conditions.MAX_DEPTH)


def _depth(tree: dict[str, Any]) -> int:
    if "field" in tree:
        return 1
    inner = next(iter(tree.values()))
    return 1 + max((_depth(each) for each in (inner if isinstance(inner, list) else [inner])), default=0)


def fill(connection: Connection, wanted: list[dict[str, Any]]) -> None:
    """Let these tickets be all there are, numbered in their order."""
    connection.execute(delete(ticket))
    before = None
    for number, row in enumerate(wanted, 1):
        values = row | {"number": number, "version": 1, "last_preview": "", "subject_folded": folded(row["subject"])}
        values["follow_up_of_id"] = before if number % 3 == 0 else None
        before = connection.execute(insert(ticket).values(values).returning(ticket.c.id)).scalar_one()


def by_sql(connection: Connection, tree: conditions.Tree, reader: int) -> set[int]:
    """Numbers of the tickets that SQL picks."""
    return set(connection.execute(select(ticket.c.number).where(compiled(tree, NOW, reader))).scalars())


def all_facts(connection: Connection) -> dict[int, dict[str, Any]]:
    """Every ticket by its number, as tests see it in memory."""
    companies = {row.id: row.organization_id for row in connection.execute(select(contact.c.id, contact.c.organization_id))}
    found = [tickets.find(connection, ticket_id) for ticket_id in connection.execute(select(ticket.c.id)).scalars().all()]
    return {each.number: conditions.facts_of(each, companies[each.contact.id]) for each in found if each is not None}


def by_memory(known: dict[int, dict[str, Any]], tree: conditions.Tree, reader: int) -> set[int]:
    """Numbers of the tickets that memory picks."""
    picked = {number for number, facts in known.items() if conditions.evaluate(tree, facts, NOW, reader)}
    # The form of the tree may promise no more than it keeps.
    assert all(known[number]["status"] in conditions.statuses(tree) for number in picked)
    return picked


def edges(at: Places) -> list[dict[str, Any]]:
    """Tickets of which each has another value in one column, among them nothing, and every instant around every age."""
    around = [NOW - timedelta(minutes=m, microseconds=u) for m in (*MINUTES, -1, -15) for u in (-1_000_000, -1, 0, 1, 1_000_000)]
    plain: dict[str, Any] = {
        "project_id": at["project"][0], "contact_id": at["contact"][3], "queue_id": at["queue"][0], "assignee_id": None, "subject": "",
        "status": Status.OPEN, "priority": Priority.LOW, "channel": "email", "tags": [], "created_at": NOW, "updated_at": NOW,
        "last_at": NOW, "last_direction": None, "last_kind": None, "waiting_since": None, "snoozed_until": None, "unproven": None,
        "due_at": None, "due_kind": "first_response", "due_warn_at": NOW, "reason_id": None,
    }  # fmt: skip
    values: dict[str, list[Any]] = {
        "contact_id": at["contact"], "queue_id": at["queue"], "assignee_id": at["employee"], "status": list(Status),
        "priority": list(Priority), "channel": ["telephony"], "last_direction": list(Direction), "last_kind": ["email", "note"],
        "snoozed_until": [NOW], "unproven": [True, False], "reason_id": at["reason"], "subject": list(WORDS),
        "tags": [*([tag] for tag in TAGS), list(TAGS)],
    }  # fmt: skip
    values |= dict.fromkeys(("created_at", "updated_at", "last_at", "waiting_since", "due_at"), around)
    return [plain, *(plain | {name: value} for name, some in values.items() for value in some)]


def every_test(at: Places) -> list[dict[str, Any]]:
    """Every field by every operator with every value that edges are about."""
    found = []
    for name, known in FIELDS.items():
        values: dict[Kind, list[Any]] = {
            Kind.CHOICE: [[each] for each in known.choices],
            Kind.WORD: [["email"], ["telephony", "fax"], ["note"]],
            Kind.EMPLOYEE: [["nobody"], ["me"], ["me", "nobody"], at["employee"], [999]],
            Kind.NUMBER: [[each] for each in (*at.get(known.names, []), 999)],
            Kind.TAGS: [*([each] for each in TAGS), list(TAGS), ["none of them", "vip"]],
            Kind.TEXT: [[each] for each in WORDS],
            Kind.AGE: list(MINUTES),
            Kind.COMING: list(MINUTES),
            Kind.FLAG: [True, False],
        }
        for op in known.operators:
            bare = {"field": name, "op": op.value}
            found += [bare] if op in (Op.EMPTY, Op.FILLED) else [bare | {"value": value} for value in values[known.kind]]
    return found


async def test_every_test_alone_and_turned_round(store: Store) -> None:
    """Each field by each operator picks the same tickets in SQL and in memory, and `not` of it all the others: there is no third answer
    for what a ticket does not have, and an age is met at the very microsecond."""
    at = await store.write(places)
    await store.write(fill, edges(at))
    known, reader = await store.read(all_facts), at["employee"][0]

    def compare(connection: Connection) -> None:
        met = 0
        for document in every_test(at):
            tree, turned = conditions.parse(document), conditions.parse({"not": document})
            picked = by_memory(known, tree, reader)
            assert by_sql(connection, tree, reader) == picked, document
            assert by_sql(connection, turned, reader) == set(known) - picked == by_memory(known, turned, reader), document
            met += bool(picked) and picked != set(known)
        assert met > 100

    await store.read(compare)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
async def test_sql_and_memory_pick_the_same_tickets(store: Store, at: Places, data: st.DataObject) -> None:
    """One tree means one set of tickets: with nothing in a column, no tags, cases of any script, `not` of anything, and ages that
    are met at the very microsecond."""
    if not at:
        at.update(await store.write(places))
    document = data.draw(trees(at))
    tree = conditions.parse(document)
    assert conditions.parse(conditions.as_json(tree)) == tree

    wanted, reader = data.draw(st.lists(rows(at), min_size=1, max_size=6)), at["employee"][0]

    def compare(connection: Connection) -> None:
        fill(connection, wanted)
        assert by_sql(connection, tree, reader) == by_memory(all_facts(connection), tree, reader)

    await store.write(compare)


def test_every_field_is_known_on_both_sides() -> None:
    """No field can be parsed and then not compiled or not judged, nor can an operator."""
    found = a_ticket()
    for name, known in FIELDS.items():
        values: dict[Kind, Any] = {
            Kind.CHOICE: [next(iter(known.choices or ("",)))], Kind.WORD: ["x"], Kind.EMPLOYEE: ["nobody"], Kind.NUMBER: [1],
            Kind.TAGS: ["x"], Kind.TEXT: ["x"], Kind.AGE: 1, Kind.COMING: 1, Kind.FLAG: True,
        }  # fmt: skip
        for op in known.operators:
            value = {} if op in (Op.EMPTY, Op.FILLED) else {"value": values[known.kind]}
            tree = conditions.parse({"field": name, "op": op.value} | value)
            assert conditions.evaluate(tree, found, NOW) in (True, False)
            assert str(compiled(tree, NOW))


def a_ticket(**facts: Any) -> dict[str, Any]:
    """A ticket as tests see it."""
    return {
        "status": "open", "priority": "normal", "queue": 1, "assignee": None, "tags": (), "channel": "email", "subject": "a", "waiting": None,
        "created": NOW, "updated": NOW, "last_entry": NOW, "last_direction": "in", "last_kind": "email", "organization": None,
        "provisional": False, "unproven": False, "follow_up": False, "snoozed": False, "reason": None, "due": None,
    } | facts  # fmt: skip


def test_what_decided_is_named() -> None:
    """Of a tree that does not hold, the test that failed and what it saw; of one that holds, the tests that made it."""
    tree = conditions.parse(
        {"all": [{"field": "status", "op": "is", "value": ["open"]}, {"not": {"field": "tags", "op": "any_of", "value": ["vip"]}}]}
    )

    (failed,) = conditions.explain(tree, a_ticket(tags=("vip",)), NOW)
    held = conditions.explain(tree, a_ticket(), NOW)

    assert (failed.field, failed.seen, failed.held) == ("tags", ("vip",), True)
    assert [each.field for each in held] == ["status", "tags"]


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (None, ()),
        ([], ()),
        ({}, ()),
        ({"all": [], "any": []}, ()),
        ({"all": {}}, ("all",)),
        ({"all": [{"all": [{"all": [{"all": [{"all": [{"all": [{"all": []}]}]}]}]}]}]}, ("all", 0) * 6),
        ({"not": {"not": {"not": {"not": {"not": {"not": {"not": {}}}}}}}}, ("not",) * 6),
        ({"any": [{"field": "status", "op": "is", "value": ["open"]}] * 51}, ("any",)),
        ({"any": [{"any": [{"field": "status", "op": "is", "value": ["open"]}] * 26}] * 2}, ("any", 1, "any", 24)),
        ({"field": "password_hash", "op": "is", "value": ["x"]}, ("field",)),
        ({"field": ["status"], "op": "is", "value": ["x"]}, ("field",)),
        ({"field": "status", "op": "contains", "value": ["x"]}, ("op",)),
        ({"field": "status", "op": {}, "value": ["x"]}, ("op",)),
        ({"field": "status", "op": "is", "value": "open"}, ("value",)),
        ({"field": "status", "op": "is", "value": ["gone"]}, ("value",)),
        ({"field": "status", "op": "is", "value": [{}]}, ("value",)),
        ({"field": "status", "op": "is", "value": []}, ("value",)),
        ({"field": "queue", "op": "is", "value": [True]}, ("value",)),
        ({"field": "queue", "op": "is", "value": [2**60]}, ("value",)),
        ({"field": "queue", "op": "is", "value": list(range(1, 102))}, ("value",)),
        ({"field": "tags", "op": "empty", "value": ["x"]}, ("value",)),
        ({"field": "subject", "op": "contains", "value": ["x" * 201]}, ("value",)),
        ({"field": "subject", "op": "contains", "value": ["\x00 "]}, ("value",)),
        ({"field": "created", "op": "at_least", "value": 10**12}, ("value",)),
        ({"field": "created", "op": "at_least", "value": 1.5}, ("value",)),
        ({"field": "created", "op": "empty"}, ("op",)),
        ({"field": "provisional", "op": "is", "value": 1}, ("value",)),
        ({"field": "status", "op": "is", "value": ["open"], "sql": "1=1"}, ()),
        ({"all": [{"field": "assignee", "op": "is", "value": ["me"]}]}, ("all", 0, "value")),
    ],
)
def test_a_hostile_tree_is_refused_where_it_is_wrong(document: Any, path: tuple[str | int, ...]) -> None:
    """What is too deep, too large, of another type or names what there is not is refused, and the refusal says where."""
    with pytest.raises(Unreadable) as refused:
        conditions.parse(document, reader=False)

    assert refused.value.path == path
    assert refused.value.message


async def test_subjects_of_before_are_found_without_regard_to_case(empty_database_url: str, tmp_path: Path) -> None:
    """An upgrade folds the subjects that are there already, in every script."""
    store = await open_store(empty_database_url, tmp_path / "blobs")
    try:
        await store.write(migrate.upgrade, "0007")
        await store.write(_old_ticket, "ЗАКАЗ Straße")
        await store.write(migrate.upgrade)
        tree = conditions.parse({"field": "subject", "op": "contains", "value": ["заказ STRASSE"]})
        found = await store.read(lambda connection: list(connection.execute(select(ticket.c.id).where(compiled(tree, NOW))).scalars()))
    finally:
        await store.close()

    assert found == [1]


async def test_many_values_are_counted_in_more_than_one_statement(store: Store) -> None:
    """A database takes only so many values at once: long lists in shared views leave nobody without counts."""
    await store.write(places)
    tests = [{"field": "subject", "op": "lacks", "value": [f"{one} {other}" for other in range(100)]} for one in range(50)]
    trees = {key: conditions.parse({"all": tests}) for key in range(7)} | {7: conditions.parse({"any": []})}
    found = await store.read(views.counts, Viewer(1, 1, Role.ADMIN, ()), trees, NOW)
    assert {key: each.tickets for key, each in found.items()} == dict.fromkeys(range(8), 0)


def _old_ticket(connection: Connection, subject: str) -> None:
    """Written as release 0.4 would: without what later releases added."""
    at = {"at": NOW.isoformat() if connection.dialect.name == "sqlite" else NOW}
    for statement in (
        "INSERT INTO project (id, slug, name, next_ticket_number) VALUES (1, 'p', 'P', 2)",
        "INSERT INTO queue (id, project_id, name, confidential, created_at) VALUES (1, 1, 'Q', false, :at)",
        "INSERT INTO contact (id, project_id, name, provisional, note, created_at) VALUES (1, 1, 'C', false, '', :at)",
        "INSERT INTO ticket (id, project_id, number, contact_id, queue_id, subject, status, priority, channel, tags, created_at,"
        " updated_at, version, last_at, last_preview) VALUES (1, 1, 1, 1, 1, :subject, 'open', 'normal', 'email', '[]', :at, :at, 1, :at, '')",
    ):
        given_here = {name: value for name, value in (at | {"subject": subject}).items() if f":{name}" in statement}
        connection.execute(text(statement), given_here)
