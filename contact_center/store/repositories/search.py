"""Asking the search index, within what the viewer may see.

The index only proposes places (see `search_index.py`); every hit is checked against the tables before it is told.
"""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, select, text, true
from sqlalchemy.engine import Connection, RowMapping

from contact_center.model import cards
from contact_center.model.people import ContactRef, Viewer
from contact_center.model.tickets import Address
from contact_center.model.words import Direction
from contact_center.store.repositories.search_index import BOUNDS, CONTACT, ENTRY, IDS, TICKET, Source, entry_sources, quoted, second
from contact_center.store.schema.contacts import contact
from contact_center.store.schema.search import search_doc
from contact_center.store.schema.tickets import attachment, interaction, ticket
from contact_center.store.scope import entry_queue, reads_entry, sees_contact, sees_ticket

WALK_SECONDS = 0.8  # of looking for a page among hits that the viewer may not see
NEWEST = 500  # rows at the end that PostgreSQL compares before it asks the index for a rare word
COMMON = 0.02  # of them hold a word that is common: then more of them are compared, and the index is not asked
MOST_READ = 50_000
CANDIDATES = 200  # people or tickets looked at


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that stand side by side; with `prefix` the last is only a beginning."""

    words: tuple[str, ...]
    prefix: bool = False


Wanted = tuple[tuple[Phrase, ...], ...]
"""All of these, each in one of its spellings."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What entries are limited to."""

    kind: str | None = None
    direction: str | None = None
    queue_id: int | None = None
    after: datetime | None = None
    before: datetime | None = None
    contact_id: int | None = None
    has_file: bool = False


@dataclass(frozen=True, slots=True)
class FoundEntry:
    """An entry of the history as a hit shows it."""

    id: int
    contact: ContactRef
    ticket_id: int | None
    ticket_number: int | None
    kind: str
    direction: Direction
    occurred_at: datetime
    author_id: int | None
    sender: Address | None
    subject: str
    files: int
    facts: dict[str, Any] | None = None
    """Of a call or a form: what it is to be called in the reader's language."""


# Asking.


def find_entries(
    connection: Connection, viewer: Viewer, wanted: Wanted, filters: Filters, before: int | None, limit: int
) -> tuple[list[tuple[int, FoundEntry]], int | None]:
    """Entries that hold what is wanted and that the viewer may read, newest first, with their places.

    The second value is where to go on, None at the end. The page may be short before the end: what one may not see was in
    the way for as long as is allowed.
    """
    low, high = _range(filters, before)
    found: list[tuple[int, FoundEntry]] = []
    deadline = time.monotonic() + WALK_SECONDS
    count = max(100, limit * 2)
    while True:
        places = _places(connection, wanted, low, high, count, filters.contact_id)
        rows = _readable(connection, viewer, filters, places, limit + 1 - len(found)) if places else []
        found += rows
        if len(found) > limit:
            return found[:limit], found[limit - 1][0]
        if len(places) < count:
            return found, None
        high = places[-1]
        if time.monotonic() > deadline:
            return found, high
        count = min(count * 5, 5_000)


def find_tickets(connection: Connection, viewer: Viewer, wanted: Wanted, number: int | None, queue_id: int | None, limit: int) -> list[int]:
    """Ids of visible tickets by number or subject, the latest first; the number itself stands first."""
    low, high = BOUNDS[TICKET]
    places = _places(connection, wanted, low, high, CANDIDATES)
    if not places and number is None:
        return []
    seen = and_(sees_ticket(viewer), ticket.c.merged_into_id.is_(None), true() if queue_id is None else ticket.c.queue_id == queue_id)
    statement = select(ticket.c.id).where(seen, ticket.c.id.in_([place - low for place in places]))
    found = list(connection.execute(statement.order_by(ticket.c.last_at.desc(), ticket.c.id.desc()).limit(limit)).scalars())
    if number is not None:
        exact = connection.execute(select(ticket.c.id).where(seen, ticket.c.number == number)).scalar()
        found = [exact, *(i for i in found if i != exact)] if exact is not None else found
    return found[:limit]


def find_contacts(connection: Connection, viewer: Viewer, wanted: Wanted, limit: int) -> list[int]:
    """Ids of visible contacts by name, point or note, the newest first."""
    low, high = BOUNDS[CONTACT]
    places = _places(connection, wanted, low, high, CANDIDATES)
    if not places:
        return []
    ids = [place - low for place in places]
    statement = select(contact.c.id).where(contact.c.id.in_(ids), sees_contact(viewer), contact.c.merged_into_id.is_(None))
    return list(connection.execute(statement.order_by(contact.c.id.desc()).limit(limit)).scalars())


def _range(filters: Filters, before: int | None) -> tuple[int, int]:
    """Places that the filters of time and the page leave: above the first, below the second."""
    low, high = BOUNDS[ENTRY]
    if filters.after is not None:
        low = max(low, second(filters.after) * IDS - 1)
    if filters.before is not None:
        high = min(high, (second(filters.before) + 1) * IDS)
    return low, high if before is None else min(high, before)


def _places(connection: Connection, wanted: Wanted, low: int, high: int, count: int, contact_id: int | None = None) -> list[int]:
    """The highest places between the two that hold what is wanted; at most `count`, the highest first; of one person if named."""
    postgres = connection.dialect.name == "postgresql"
    if contact_id is None and postgres:
        return _postgres_places(connection, wanted, low, high, count)
    values: dict[str, Any] = {"wanted": _tsquery(wanted) if postgres else _match(wanted), "low": low, "high": high, "count": count}
    if contact_id is None:
        return list(connection.execute(_SQLITE_PLACES, values).scalars())
    statement = _POSTGRES_OF_PERSON if postgres else _SQLITE_OF_PERSON
    return list(connection.execute(statement, values | {"contact": contact_id}).scalars())


# From the person's entries to the words, since a common word has far more hits elsewhere. CROSS JOIN is SQLite's word for
# this order; the list of hits is made once and looked up.
_SQLITE_OF_PERSON = text(
    "SELECT d.place FROM interaction AS i CROSS JOIN search_doc AS d ON d.kind = 'entry' AND d.thing_id = i.id "
    "WHERE i.contact_id = :contact AND d.place > :low AND d.place < :high AND d.place IN "
    "(SELECT rowid FROM search_words WHERE search_words MATCH :wanted AND rowid > :low AND rowid < :high) "
    "ORDER BY d.place DESC LIMIT :count"
)
_POSTGRES_OF_PERSON = text(
    "WITH mine AS MATERIALIZED (SELECT d.place, d.words FROM interaction AS i "
    "JOIN search_doc AS d ON d.kind = 'entry' AND d.thing_id = i.id WHERE i.contact_id = :contact AND d.place > :low AND d.place < :high) "
    "SELECT place FROM mine WHERE words @@ CAST(:wanted AS tsquery) ORDER BY place DESC LIMIT :count"
)
_SQLITE_PLACES = text(
    "SELECT rowid FROM search_words WHERE search_words MATCH :wanted AND rowid > :low AND rowid < :high ORDER BY rowid DESC LIMIT :count"
)
_NEWEST_PLACES = text(
    "SELECT count(*) AS rows, min(place) AS last, "
    "array_agg(place ORDER BY place DESC) FILTER (WHERE words @@ CAST(:wanted AS tsquery)) AS hits "
    "FROM (SELECT place, words FROM search_doc WHERE place > :low AND place < :high ORDER BY place DESC LIMIT :rows) AS newest"
)
# Materialized, or the planner walks backwards by place and compares every row until it has enough of a rare word. The bound of
# entries is spelled out: each side of it has an index of its own.
_ASK_INDEX = (
    "WITH hits AS MATERIALIZED (SELECT place FROM search_doc WHERE words @@ CAST(:wanted AS tsquery) AND place > :low AND place < :high "
    "AND place {side} 2305843009213693952) SELECT place FROM hits ORDER BY place DESC LIMIT :count"
)
_INDEXED_ENTRIES, _INDEXED_THINGS = text(_ASK_INDEX.format(side="<")), text(_ASK_INDEX.format(side=">="))


def _postgres_places(connection: Connection, wanted: Wanted, low: int, high: int, count: int) -> list[int]:
    """Common words are found by reading the newest rows, rare ones by the index; which it is, the newest rows tell."""
    query = _tsquery(wanted)
    found: list[int] = []
    rows = NEWEST
    while True:
        values = {"wanted": query, "low": low, "high": high, "rows": rows}
        read = connection.execute(_NEWEST_PLACES, values).mappings().one()
        hits = read["hits"] or []
        found += hits
        if len(found) >= count or read["rows"] < rows:
            return found[:count]
        high = read["last"]
        if len(hits) < rows * COMMON or rows > MOST_READ:
            break
        rows *= 5
    statement = _INDEXED_ENTRIES if low < BOUNDS[TICKET][0] else _INDEXED_THINGS
    rest = connection.execute(statement, {"wanted": query, "low": low, "high": high, "count": count - len(found)}).scalars()
    return found + list(rest)


def _match(wanted: Wanted) -> str:
    """An expression of FTS5. Every word is in quotes and has no quote in it, so nothing is an operator."""
    return " AND ".join("(" + " OR ".join(_match_phrase(phrase) for phrase in spellings) + ")" for spellings in wanted)


def _match_phrase(phrase: Phrase) -> str:
    return '"' + " ".join(word.replace('"', "") for word in phrase.words) + '"' + (" *" if phrase.prefix else "")


def _tsquery(wanted: Wanted) -> str:
    return " & ".join("(" + " | ".join(_ts_phrase(phrase) for phrase in spellings) + ")" for spellings in wanted)


def _ts_phrase(phrase: Phrase) -> str:
    last = len(phrase.words) - 1
    return "(" + " <-> ".join(quoted(word) + (":*" if phrase.prefix and n == last else "") for n, word in enumerate(phrase.words)) + ")"


# What a hit shows, and whether it may be shown.

_FILES = select(func.count()).where(attachment.c.interaction_id == interaction.c.id, attachment.c.inline.is_(False)).scalar_subquery()
_HIT = (
    select(
        search_doc.c.place,
        *(interaction.c[name] for name in ("id", "contact_id", "ticket_id", "kind", "direction", "occurred_at", "author_id")),
        *(interaction.c[name] for name in ("sender_name", "sender_address", "subject", "facts")),
        contact.c.name.label("contact_name"),
        contact.c.provisional.label("contact_provisional"),
        ticket.c.number.label("ticket_number"),
        _FILES.label("files"),
    )
    .select_from(search_doc)
    # Without the kind, which the place tells: SQLite would walk the index of kinds from end to end.
    .join(interaction, interaction.c.id == search_doc.c.thing_id)
    .join(contact, contact.c.id == interaction.c.contact_id)
    .outerjoin(ticket, ticket.c.id == interaction.c.ticket_id)
    .where(interaction.c.cancelled.is_(False))
    .order_by(search_doc.c.place.desc())
)


def _readable(connection: Connection, viewer: Viewer, filters: Filters, places: list[int], limit: int) -> list[tuple[int, FoundEntry]]:
    """The newest of these places that the viewer may read and the filters leave."""
    here = search_doc.c.place.in_(bindparam("places", places, expanding=True, literal_execute=True))
    rows = connection.execute(_HIT.where(here, *_allowed(viewer, filters)).limit(limit)).mappings()
    return [(row["place"], _found_entry(row)) for row in rows]


def _allowed(viewer: Viewer, filters: Filters) -> list[ColumnElement[bool]]:
    conditions = [interaction.c.project_id == viewer.project_id, sees_contact(viewer), reads_entry(viewer)]
    if filters.kind is not None:
        conditions.append(interaction.c.kind == filters.kind)
    if filters.direction is not None:
        conditions.append(interaction.c.direction == filters.direction)
    if filters.queue_id is not None:
        conditions.append(entry_queue() == filters.queue_id)
    if filters.after is not None:
        conditions.append(interaction.c.occurred_at >= filters.after)
    if filters.before is not None:
        conditions.append(interaction.c.occurred_at < filters.before)
    if filters.contact_id is not None:
        conditions.append(interaction.c.contact_id == filters.contact_id)
    if filters.has_file:
        file = select(attachment.c.id).where(attachment.c.interaction_id == interaction.c.id, attachment.c.inline.is_(False))
        conditions.append(file.exists())
    return conditions


def texts_of(connection: Connection, entries: list[FoundEntry]) -> dict[int, Source]:
    """What can be shown of these entries, by id."""
    with_files = [entry.id for entry in entries if entry.files]
    return {source.thing_id: source for source in entry_sources(connection, [entry.id for entry in entries], with_files)} if entries else {}


def _found_entry(row: RowMapping) -> FoundEntry:
    sender = Address(row["sender_name"], row["sender_address"]) if row["sender_name"] or row["sender_address"] else None
    return FoundEntry(
        id=row["id"],
        contact=ContactRef(row["contact_id"], row["contact_name"], row["contact_provisional"]),
        ticket_id=row["ticket_id"],
        ticket_number=row["ticket_number"],
        kind=row["kind"],
        direction=Direction(row["direction"]),
        occurred_at=row["occurred_at"],
        author_id=row["author_id"],
        sender=sender,
        subject=row["subject"],
        files=row["files"],
        facts=cards.summary(row["facts"]),
    )
