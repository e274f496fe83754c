"""One search: people, tickets and entries, each with the place where the words stand."""

from dataclasses import dataclass

from contact_center.model.people import Contact, Viewer
from contact_center.model.tickets import Ticket
from contact_center.search import query
from contact_center.search.excerpt import excerpt
from contact_center.store import Connection, journal
from contact_center.store.bounds import bounded
from contact_center.store.repositories import contacts, search, search_index, tickets
from contact_center.store.repositories.search import Filters, FoundEntry, Wanted

STATEMENT_SECONDS = 3.0
FEW = 5  # people and tickets shown above the entries


@dataclass(frozen=True, slots=True)
class EntryHit:
    """An entry that holds the words. `ranges` of `text` are to be marked: [from, to) in Unicode characters."""

    entry: FoundEntry
    text: str
    ranges: list[list[int]]


@dataclass(frozen=True, slots=True)
class TicketHit:
    """A ticket whose number or subject holds the words."""

    ticket: Ticket
    text: str
    ranges: list[list[int]]


@dataclass(frozen=True, slots=True)
class ContactHit:
    """A person whose name, contact point or note holds the words; `text` is the one that does."""

    contact: Contact
    text: str
    ranges: list[list[int]]


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to one search."""

    people: list[ContactHit]
    tickets: list[TicketHit]
    entries: list[EntryHit]
    next_place: int | None
    as_of: int
    upto: int
    """The journal number the index has come to."""
    behind: int
    """How many numbers of the journal it has not read yet; -1 while the whole index is being made."""


def find(
    connection: Connection,
    viewer: Viewer,
    words: str,
    filters: Filters,
    *,
    below: int | None = None,
    limit: int = 20,
    unfinished: bool = True,
    people: bool = True,
) -> Found:
    """Everything the viewer may see that holds the words. `below` is the place where the page before ended; people and
    tickets come with the first page only."""
    wanted = query.parse(words, unfinished=unfinished)
    as_of = journal.horizon(connection)
    upto, behind = _come_to(connection, as_of)
    if not wanted:
        return Found([], [], [], None, as_of, upto, behind)
    with bounded(connection, STATEMENT_SECONDS, "The search took too long. Add a word, a person or a time."):
        first = below is None
        persons = _people(connection, viewer, wanted) if first and people else []
        found_tickets = _tickets(connection, viewer, wanted, query.ticket_number(words), filters.queue_id) if first else []
        hits, following = search.find_entries(connection, viewer, wanted, filters, below, limit)
        entries = _entries(connection, [entry for _, entry in hits], wanted)
    return Found(persons, found_tickets, entries, following, as_of, upto, behind)


def lag(connection: Connection) -> int:
    """How many numbers of the journal the index has not read yet; -1 while the whole of it is being made."""
    return _come_to(connection, journal.horizon(connection))[1]


def _come_to(connection: Connection, horizon: int) -> tuple[int, int]:
    at = search_index.state(connection)
    upto = at.seq if at else 0
    return upto, -1 if at is None or at.walk is not None else max(0, horizon - upto)


def _entries(connection: Connection, entries: list[FoundEntry], wanted: Wanted) -> list[EntryHit]:
    texts = search.texts_of(connection, entries)
    hits = []
    for entry in entries:
        shown = excerpt(texts[entry.id].texts if entry.id in texts else [], wanted)
        hits.append(EntryHit(entry, shown.text, shown.ranges))
    return hits


def _tickets(connection: Connection, viewer: Viewer, wanted: Wanted, number: int | None, queue_id: int | None) -> list[TicketHit]:
    hits = []
    for ticket_id in search.find_tickets(connection, viewer, wanted, number, queue_id, FEW):
        ticket = tickets.visible(connection, viewer, ticket_id)
        if ticket is not None:
            shown = excerpt([ticket.subject], wanted)
            hits.append(TicketHit(ticket, shown.text, shown.ranges))
    return hits


def _people(connection: Connection, viewer: Viewer, wanted: Wanted) -> list[ContactHit]:
    hits = []
    for contact_id in search.find_contacts(connection, viewer, wanted, FEW):
        contact = contacts.visible_contact(connection, viewer, contact_id)
        if contact is not None:
            shown = excerpt([contact.name, *(point.display for point in contact.points), contact.note], wanted)
            hits.append(ContactHit(contact, shown.text, shown.ranges))
    return hits
