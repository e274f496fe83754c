"""Keeping the search index: the texts of things, and the rows that hold their words.

An entry's *place* is its second of time and its id, so that the newest come first by the key alone, on both databases;
tickets and contacts stand above all entries, by id.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Connection

from contact_center.store import journal
from contact_center.store.schema.contacts import contact, contact_point, contact_point_link
from contact_center.store.schema.search import search_doc, search_state
from contact_center.store.schema.tickets import attachment, interaction, interaction_body, ticket

ENTRY, TICKET, CONTACT = "entry", "ticket", "contact"
IDS = 1 << 22  # places within a second
_FIRST_TICKET, _FIRST_CONTACT, _END = 1 << 61, 1 << 62, (1 << 63) - 1
BOUNDS = {ENTRY: (-_END, _FIRST_TICKET), TICKET: (_FIRST_TICKET, _FIRST_CONTACT), CONTACT: (_FIRST_CONTACT, _END)}
"""Between which places things of a kind stand."""
LONGEST_TEXT = 200_000  # characters of an entry that are searched
OUR_WORDS = ("type", "result", "direction", "kind")  # of a card's facts: nobody looks for them, and no person wrote them
LAST_POSITION = 16_383  # of a word, in PostgreSQL


@dataclass(frozen=True, slots=True)
class Doc:
    """What the index holds of one thing."""

    kind: str
    thing_id: int
    project_id: int
    at: datetime | None
    words: list[str]
    keys: list[str]


@dataclass(frozen=True, slots=True)
class Source:
    """The texts of one thing as they stand in the tables."""

    kind: str
    thing_id: int
    project_id: int
    at: datetime | None
    texts: list[str]
    ids: list[str] = field(default_factory=list)
    """Texts by which it is found that are not shown."""


@dataclass(frozen=True, slots=True)
class State:
    """How far the index has come."""

    seq: int
    walk: dict[str, Any] | None


def state(connection: Connection) -> State | None:
    """Where the indexer stands, None before it ever ran."""
    row = connection.execute(select(search_state)).mappings().one_or_none()
    return State(row["seq"], row["walk"]) if row else None


def begin_walk(connection: Connection) -> None:
    """Let the indexer walk all tables anew; what happens meanwhile it reads from the journal."""
    values = {"id": 1, "seq": journal.horizon(connection), "walk": {"kind": CONTACT, "after": 0}}
    statement = upsert(search_state).values(values)
    fresh = {"walk": statement.excluded.walk, "seq": statement.excluded.seq}
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=fresh))


def move_state(connection: Connection, before: State, after: State) -> bool:
    """Take the next step; False when another process took it already."""
    row = connection.execute(select(search_state).with_for_update()).mappings().one_or_none()
    if row is None or State(row["seq"], row["walk"]) != before:
        return False
    connection.execute(update(search_state).values(seq=after.seq, walk=after.walk))
    return True


def next_ids(connection: Connection, kind: str, after: int, limit: int) -> list[int]:
    """The next things of a kind, for a walk over the tables."""
    things = {ENTRY: interaction, TICKET: ticket, CONTACT: contact}[kind]
    return [int(i) for i in connection.execute(select(things.c.id).where(things.c.id > after).order_by(things.c.id).limit(limit)).scalars()]


def sources(connection: Connection, kind: str, ids: list[int]) -> list[Source]:
    """The texts of those of these things that are to be found."""
    return {ENTRY: entry_sources, TICKET: _ticket_sources, CONTACT: _contact_sources}[kind](connection, ids) if ids else []


def keep(connection: Connection, kind: str, ids: list[int], docs: list[Doc]) -> None:
    """Let the index hold exactly `docs` of these things."""
    if not ids:
        return
    _forget(connection, kind, ids)
    rows = _rows(connection, docs)
    if not rows:
        return
    connection.execute(_INSERT, rows)
    if connection.dialect.name == "sqlite":
        connection.execute(_INSERT_FTS, [{"place": row["place"], "words": row["words"]} for row in rows])


_INSERT = insert(search_doc)
_INSERT_FTS = text("INSERT INTO search_words(rowid, words) VALUES (:place, :words)")
_DELETE_FTS = text("INSERT INTO search_words(search_words, rowid, words) VALUES ('delete', :place, :words)")


def _rows(connection: Connection, docs: list[Doc]) -> list[dict[str, Any]]:
    write = _tsvector if connection.dialect.name == "postgresql" else _spaced
    wanted = {_place(doc) for doc in docs}
    taken = set(connection.execute(select(search_doc.c.place).where(search_doc.c.place.in_(wanted))).scalars())
    rows = []
    for doc in docs:
        place = _place(doc)
        while place in taken:  # two entries of one second whose ids are four million apart would share a place
            place += 1
            if connection.execute(select(search_doc.c.thing_id).where(search_doc.c.place == place)).scalar() is not None:
                taken.add(place)
        taken.add(place)
        rows.append({"place": place, "project_id": doc.project_id, "kind": doc.kind, "thing_id": doc.thing_id, "words": write(doc)})
    return rows


def _spaced(doc: Doc) -> str:
    return " ".join([*doc.words, *doc.keys])


def _forget(connection: Connection, kind: str, ids: list[int]) -> None:
    mine = and_(search_doc.c.kind == kind, search_doc.c.thing_id.in_(ids))
    if connection.dialect.name == "sqlite":
        gone = [dict(row) for row in connection.execute(select(search_doc.c.place, search_doc.c.words).where(mine)).mappings()]
        if gone:
            connection.execute(_DELETE_FTS, gone)
    connection.execute(delete(search_doc).where(mine))


def _place(doc: Doc) -> int:
    return BOUNDS[doc.kind][0] + doc.thing_id if doc.at is None else second(doc.at) * IDS + doc.thing_id % IDS


def second(at: datetime) -> int:
    """The second of an instant, by which entries are in order."""
    return int(at.timestamp() // 1)


def _tsvector(doc: Doc) -> str:
    """The words with their positions, as PostgreSQL writes them; keys stand apart so that no phrase runs into them."""
    positions: dict[str, list[int]] = {}
    for position, word in enumerate(doc.words, 1):
        positions.setdefault(word, []).append(min(position, LAST_POSITION))
    for key in doc.keys:
        positions.setdefault(key, []).append(LAST_POSITION)
    return " ".join(f"{quoted(word)}:{','.join(map(str, dict.fromkeys(at[:255])))}" for word, at in positions.items())


def quoted(word: str) -> str:
    """A word as tsvector and tsquery write it."""
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


def entry_sources(connection: Connection, ids: list[int], with_files: list[int] | None = None) -> list[Source]:
    """The texts of those of these entries that are to be found: no changes of fields, no cancelled replies.

    `with_files` names those that may have files, if the caller knows.
    """
    whole = func.substr(func.coalesce(interaction_body.c.visible_text, interaction.c.visible_text), 1, LONGEST_TEXT).label("whole")
    statement = (
        select(*(interaction.c[name] for name in ("id", "project_id", "occurred_at", "subject", "facts", "message_key")), whole)
        .select_from(interaction)
        .outerjoin(interaction_body, and_(interaction_body.c.interaction_id == interaction.c.id, interaction.c.truncated))
        .where(interaction.c.id.in_(ids), interaction.c.cancelled.is_(False), interaction.c.change.is_(None))
    )
    files = _file_names(connection, ids if with_files is None else with_files)
    return [
        Source(
            ENTRY,
            row["id"],
            row["project_id"],
            row["occurred_at"],
            [row["whole"], row["subject"], *files.get(row["id"], ()), *fact_values(row["facts"])],
            [row["message_key"] or ""],
        )
        for row in connection.execute(statement).mappings()
    ]


def _file_names(connection: Connection, ids: list[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    if not ids:
        return found
    statement = select(attachment.c.interaction_id, attachment.c.filename).where(attachment.c.interaction_id.in_(ids))
    for row in connection.execute(statement.order_by(attachment.c.id)).mappings():
        found.setdefault(row["interaction_id"], []).append(row["filename"])
    return found


def fact_values(facts: Any) -> list[str]:
    """Every text and number in a card's facts, however deep, but for our own words for them."""
    if isinstance(facts, dict):
        return [value for key, inner in facts.items() if key not in OUR_WORDS for value in fact_values(inner)]
    if isinstance(facts, list):
        return [value for inner in facts for value in fact_values(inner)]
    if isinstance(facts, bool) or facts is None:
        return []
    return [str(facts)]


def _ticket_sources(connection: Connection, ids: list[int]) -> list[Source]:
    statement = select(ticket).where(ticket.c.id.in_(ids), ticket.c.merged_into_id.is_(None))
    rows = connection.execute(statement).mappings()
    return [Source(TICKET, row["id"], row["project_id"], None, [row["subject"]], [str(row["number"])]) for row in rows]


def _contact_sources(connection: Connection, ids: list[int]) -> list[Source]:
    live = select(contact).where(contact.c.id.in_(ids), contact.c.merged_into_id.is_(None))
    reached = (
        select(contact_point_link.c.contact_id, contact_point.c.value, contact_point.c.display)
        .join(contact_point, contact_point.c.id == contact_point_link.c.point_id)
        .where(contact_point_link.c.contact_id.in_(ids), contact_point_link.c.valid_to.is_(None))
    )
    points: dict[int, list[str]] = {}
    for row in connection.execute(reached.order_by(contact_point_link.c.id)).mappings():
        points.setdefault(row["contact_id"], []).extend(dict.fromkeys((row["display"], row["value"])))
    return [
        Source(CONTACT, row["id"], row["project_id"], None, [row["name"], *points.get(row["id"], ()), row["note"]])
        for row in connection.execute(live).mappings()
    ]
