"""Entries of the contact history: adding them, walking them by key, their bodies and attachments."""

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Connection

from contact_center.model.people import Viewer
from contact_center.model.tickets import Address, Attachment, Change, DeliveryState, Entry, EntryBody, Proof, as_stub
from contact_center.model.words import Delivery, Direction, EntryKind, ProofState
from contact_center.store.prepared import Prepared, Row
from contact_center.store.schema.contacts import contact
from contact_center.store.schema.outbound import outbox
from contact_center.store.schema.tickets import attachment, interaction, interaction_body, interaction_key, ticket
from contact_center.store.scope import entry_queue, reads_entry, sees_contact
from contact_center.store.types import as_stored

_ENTRY = (
    select(
        interaction,
        entry_queue().label("effective_queue_id"),
        ticket.c.number.label("ticket_number"),
        ticket.c.assignee_id,
        outbox.c.state.label("delivery"),
        outbox.c.attempts,
        outbox.c.error,
        outbox.c.next_attempt_at,
        outbox.c.spooled,
    )
    .select_from(interaction)
    .outerjoin(ticket, ticket.c.id == interaction.c.ticket_id)
    .outerjoin(outbox, outbox.c.interaction_id == interaction.c.id)
)
_BY_ID = Prepared(_ENTRY.where(interaction.c.id == bindparam("interaction_id")))
_NEWEST = (
    _ENTRY.where(interaction.c.contact_id == bindparam("contact_id"), interaction.c.cancelled.is_(False))
    .order_by(interaction.c.occurred_at.desc(), interaction.c.id.desc())
    .limit(bindparam("count"))
)
# The plain bound lets SQLite enter the index at the right place; the exact one settles ties.
_OLDER = _NEWEST.where(
    interaction.c.occurred_at <= bindparam("at"),
    or_(interaction.c.occurred_at < bindparam("at"), interaction.c.id < bindparam("before_id")),
)
_BY_KEYS = Prepared(
    select(interaction_key.c.interaction_id)
    .where(interaction_key.c.account_id == bindparam("account_id"), interaction_key.c.key.in_(bindparam("keys", expanding=True)))
    .distinct()
    .order_by(interaction_key.c.interaction_id)
)
_NEW_KEY = upsert(interaction_key).values({name: bindparam(name) for name in ("account_id", "key", "interaction_id")})
_INSERT_KEY = Prepared(_NEW_KEY)
_ADD_KEY = Prepared(
    _NEW_KEY.on_conflict_do_update(index_elements=["account_id", "key"], set_={"interaction_id": _NEW_KEY.excluded.interaction_id})
)
_NEW: dict[str, Any] = {column.name: None for column in interaction.c if column.name != "id"} | {
    "sender_name": "",
    "sender_address": "",
    "subject": "",
    "folded": False,
    "truncated": False,
    "has_html": False,
    "automatic": False,
    "cancelled": False,
}
_INSERT = Prepared(insert(interaction).values({name: bindparam(name) for name in _NEW}).returning(interaction.c.id))
_INSERT_BODY = Prepared(
    insert(interaction_body).values({name: bindparam(name) for name in ("interaction_id", "text", "visible_text", "html", "headers")})
)
_INSERT_ATTACHMENT = Prepared(
    insert(attachment)
    .values({column.name: bindparam(column.name) for column in attachment.c if column.name not in ("id",)})
    .returning(attachment.c.id)
)
_ATTACHMENTS = Prepared(
    select(attachment)
    .where(attachment.c.interaction_id.in_(bindparam("ids", expanding=True)))
    .order_by(attachment.c.interaction_id, attachment.c.id)
)
_BODY = Prepared(select(interaction_body).where(interaction_body.c.interaction_id == bindparam("interaction_id")))
_CAME_FROM = (
    interaction.c.contact_id == bindparam("contact_id"),
    interaction.c.occurred_at > bindparam("since"),
    interaction.c.occurred_at <= bindparam("until"),
    interaction.c.sender_point_id == bindparam("point_id"),
    interaction.c.direction == Direction.IN,
)
_COUNT_FROM = Prepared(select(func.count()).where(*_CAME_FROM))
_TICKET_FROM = Prepared(
    select(interaction.c.ticket_id)
    .where(*_CAME_FROM, interaction.c.ticket_id.is_not(None))
    .order_by(interaction.c.occurred_at.desc(), interaction.c.id.desc())
    .limit(1)
)
_CHANGES = Prepared(
    select(interaction.c.change).where(interaction.c.ticket_id == bindparam("ticket_id"), interaction.c.kind == EntryKind.CHANGE)
)
_NEWEST_FACTS = Prepared(
    select(interaction.c.occurred_at, interaction.c.facts)
    .where(interaction.c.contact_id == bindparam("contact_id"), interaction.c.cancelled.is_(False))
    .order_by(interaction.c.occurred_at.desc(), interaction.c.id.desc())
    .limit(bindparam("count"))
)
_WITH_MESSAGE_KEY = Prepared(
    select(interaction)
    .where(interaction.c.message_key == bindparam("message_key"), interaction.c.account_id == bindparam("account_id"))
    .order_by(interaction.c.id)
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class TimelineKey:
    """Where a page of a timeline ended."""

    at: datetime
    id: int


def add(connection: Connection, ticket_number: int | None, **values: Any) -> Entry:
    """Insert an entry and return it as it will be read. Columns not named stay empty."""
    row = _NEW | values
    row["id"] = _INSERT.scalar(connection, **row)
    read_with = {"ticket_number": ticket_number, "effective_queue_id": row["queue_id"], "delivery": None}
    return _entry(as_stored(row) | read_with, ())


def add_body(connection: Connection, interaction_id: int, text: str, visible_text: str, html: str | None, headers: Any) -> None:
    """Keep the entry's whole text, its sanitised markup and its headers."""
    values = {"interaction_id": interaction_id, "text": text, "visible_text": visible_text, "html": html, "headers": headers}
    _INSERT_BODY.run(connection, values)


def change(connection: Connection, interaction_id: int, **values: Any) -> None:
    """Set columns of an entry; facts of what was said never change, what is appended does."""
    new = {f"new_{name}": value for name, value in values.items()} | {"interaction_id": interaction_id}
    _update(tuple(sorted(values))).run(connection, new)


@functools.cache
def _update(names: tuple[str, ...]) -> Prepared:
    """One statement for each set of columns that is ever changed together."""
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    return Prepared(update(interaction).where(interaction.c.id == bindparam("interaction_id")).values(values))


def find(connection: Connection, interaction_id: int) -> Entry | None:
    """One entry, for the product itself."""
    row = _BY_ID.row(connection, interaction_id=interaction_id)
    return _with_attachments(connection, [row])[0] if row else None


def visible(connection: Connection, viewer: Viewer, interaction_id: int) -> Entry | None:
    """One entry whose content the viewer may read."""
    statement = (
        _ENTRY.join(contact, contact.c.id == interaction.c.contact_id)
        .where(interaction.c.id == interaction_id, sees_contact(viewer), reads_entry(viewer))
        .where(interaction.c.project_id == viewer.project_id)
    )
    row = connection.execute(statement).mappings().one_or_none()
    return _with_attachments(connection, [row])[0] if row else None


def page(connection: Connection, viewer: Viewer, contact_id: int, before: TimelineKey | None, limit: int) -> list[Entry]:
    """One page of a contact's history, newest first; the caller has checked that the contact is visible.

    Entries of confidential queues the viewer may not read come as stubs.
    """
    values: dict[str, Any] = {"contact_id": contact_id, "count": limit}
    if before is None:
        found = connection.execute(_NEWEST, values)
    else:
        found = connection.execute(_OLDER, values | {"at": before.at, "before_id": before.id})
    rows = list(found.mappings())
    entries = _with_attachments(connection, rows)
    return [_for_viewer(entry, row, viewer) for entry, row in zip(entries, rows, strict=True)]


def newest_facts(connection: Connection, contact_id: int, limit: int) -> list[tuple[datetime, Any]]:
    """When the newest entries of a contact were, and what is known of them, the newest first; for the product itself."""
    return [(row["occurred_at"], row["facts"]) for row in _NEWEST_FACTS.rows(connection, contact_id=contact_id, count=limit)]


def of_ticket(connection: Connection, ticket_id: int) -> list[Entry]:
    """Every entry of a ticket, the oldest first, for the product itself."""
    statement = _ENTRY.where(interaction.c.ticket_id == ticket_id, interaction.c.cancelled.is_(False))
    rows = list(connection.execute(statement.order_by(interaction.c.occurred_at, interaction.c.id)).mappings())
    return _with_attachments(connection, rows)


def last_spoken(connection: Connection, ticket_id: int) -> Row | None:
    """The latest entry of a ticket that somebody wrote: not a change of fields, not a cancelled reply."""
    statement = (
        select(interaction)
        .where(interaction.c.ticket_id == ticket_id, interaction.c.change.is_(None), interaction.c.cancelled.is_(False))
        .where(or_(interaction.c.direction != Direction.OUT, interaction.c.automatic.is_(False)))
        .order_by(interaction.c.occurred_at.desc(), interaction.c.id.desc())
        .limit(1)
    )
    return connection.execute(statement).mappings().one_or_none()


def answer_after(connection: Connection, ticket_id: int, entry_id: int, *, besides: int | None) -> Row | None:
    """The latest answer to the customer that somebody else added after this entry, and that was not called back."""
    statement = (
        select(interaction.c.id, interaction.c.author_id)
        .where(interaction.c.ticket_id == ticket_id, interaction.c.id > entry_id, interaction.c.direction == Direction.OUT)
        .where(interaction.c.automatic.is_(False), interaction.c.cancelled.is_(False), interaction.c.author_id != besides)
        .order_by(interaction.c.id.desc())
        .limit(1)
    )
    return connection.execute(statement).mappings().one_or_none()


def last_inbound(connection: Connection, ticket_id: int) -> Row | None:
    """The latest message from outside in a ticket that no machine sent, else the latest of any kind."""
    statement = (
        select(interaction)
        .where(interaction.c.ticket_id == ticket_id, interaction.c.direction == Direction.IN)
        .order_by(interaction.c.automatic, interaction.c.occurred_at.desc(), interaction.c.id.desc())
        .limit(1)
    )
    return connection.execute(statement).mappings().one_or_none()


def last_from_outside(connection: Connection, ticket_id: int) -> Row | None:
    """The latest thing that came from outside in a ticket, be it from a person or from a machine."""
    statement = (
        select(interaction)
        .where(interaction.c.ticket_id == ticket_id, interaction.c.direction == Direction.IN)
        .order_by(interaction.c.occurred_at.desc(), interaction.c.id.desc())
        .limit(1)
    )
    return connection.execute(statement).mappings().one_or_none()


def message_keys(connection: Connection, ticket_id: int) -> list[str]:
    """Message keys of a ticket in order of time: the References chain of the next reply."""
    statement = (
        select(interaction.c.message_key)
        .where(interaction.c.ticket_id == ticket_id, interaction.c.message_key.is_not(None), interaction.c.cancelled.is_(False))
        .order_by(interaction.c.occurred_at, interaction.c.id)
    )
    return list(connection.execute(statement).scalars())


def body(connection: Connection, interaction_id: int) -> EntryBody | None:
    """The whole text of an entry."""
    row = _BODY.row(connection, interaction_id=interaction_id)
    if row is None:
        return None
    return EntryBody(id=interaction_id, text=row["text"], visible_text=row["visible_text"], headers=row["headers"])


def html(connection: Connection, interaction_id: int) -> str | None:
    """The sanitised markup of an entry."""
    return connection.execute(select(interaction_body.c.html).where(interaction_body.c.interaction_id == interaction_id)).scalar()


def count_automatic(connection: Connection, contact_id: int, account_id: int, since: datetime) -> int:
    """How many messages this account has sent the contact by itself since then."""
    statement = select(func.count()).where(
        interaction.c.contact_id == contact_id,
        interaction.c.account_id == account_id,
        interaction.c.direction == Direction.OUT,
        interaction.c.automatic,
        interaction.c.occurred_at >= since,
    )
    return int(connection.execute(statement).scalar_one())


def count_from(connection: Connection, contact_id: int, point_id: int, since: datetime, until: datetime) -> int:
    """How many messages came from a contact point in a stretch of time."""
    return int(_COUNT_FROM.scalar(connection, contact_id=contact_id, point_id=point_id, since=since, until=until))


def newest_ticket_from(connection: Connection, contact_id: int, point_id: int, since: datetime, until: datetime) -> int | None:
    """The ticket of the latest message that came from a contact point in a stretch of time."""
    found = _TICKET_FROM.scalar(connection, contact_id=contact_id, point_id=point_id, since=since, until=until)
    return None if found is None else int(found)


def has_change(connection: Connection, ticket_id: int, field: str) -> bool:
    """Whether a line of the ticket's history tells of a change of this field."""
    return any(change["field"] == field for change in _CHANGES.scalars(connection, ticket_id=ticket_id) if change)


def wrote_from(connection: Connection, contact_id: int, point_ids: list[int]) -> set[int]:
    """Those of these points by which the contact really wrote or called."""
    statement = select(interaction.c.sender_point_id).where(
        interaction.c.contact_id == contact_id, interaction.c.sender_point_id.in_(point_ids), interaction.c.direction == Direction.IN
    )
    return set(connection.execute(statement.distinct()).scalars()) if point_ids else set()


def set_body(connection: Connection, interaction_id: int, text: str, headers: Any) -> None:
    """Replace what an entry's body says: more became known of the same happening."""
    values = {"text": text, "visible_text": text, "headers": headers}
    connection.execute(update(interaction_body).where(interaction_body.c.interaction_id == interaction_id).values(values))


def replace_body(connection: Connection, interaction_id: int, text: str, visible_text: str, html: str | None, headers: Any) -> None:
    """Put another reading of the same original in the place of the first."""
    values = {"text": text, "visible_text": visible_text, "html": html, "headers": headers}
    connection.execute(update(interaction_body).where(interaction_body.c.interaction_id == interaction_id).values(values))


def drop_attachments(connection: Connection, ids: list[int]) -> None:
    """Forget files that an original turned out not to have; their bytes stay."""
    if ids:
        connection.execute(delete(attachment).where(attachment.c.id.in_(ids)))


# Happenings that several items tell of.


def by_keys(connection: Connection, account_id: int, keys: tuple[str, ...]) -> list[int]:
    """Ids of entries that have one of these keys, the oldest first."""
    if not keys:
        return []
    return [int(row) for row in _BY_KEYS.scalars(connection, account_id=account_id, keys=list(dict.fromkeys(keys)))]


def claim_keys(connection: Connection, account_id: int, interaction_id: int, keys: tuple[str, ...]) -> None:
    """Let these new keys lead to the entry. When another process was faster with one, the unit is repeated and finds it."""
    rows = [{"account_id": account_id, "key": key, "interaction_id": interaction_id} for key in dict.fromkeys(keys) if key]
    if rows:
        _INSERT_KEY.run_all(connection, rows)


def add_keys(connection: Connection, account_id: int, interaction_id: int, keys: tuple[str, ...]) -> None:
    """Let these keys lead to the entry, wherever they led before."""
    rows = [{"account_id": account_id, "key": key, "interaction_id": interaction_id} for key in dict.fromkeys(keys) if key]
    if rows:
        _ADD_KEY.run_all(connection, rows)


def move_keys(connection: Connection, from_id: int, to_id: int) -> None:
    """Let every key of one entry lead to another."""
    statement = update(interaction_key).where(interaction_key.c.interaction_id == from_id)
    connection.execute(statement.values(interaction_id=to_id))


def public(connection: Connection, ticket_id: int, account_id: int) -> list[Entry]:
    """What was said by one channel account in a ticket, the oldest first: no notes, no changes."""
    statement = _ENTRY.where(
        interaction.c.ticket_id == ticket_id,
        interaction.c.account_id == account_id,
        interaction.c.cancelled.is_(False),
        interaction.c.direction.in_((Direction.IN, Direction.OUT)),
        interaction.c.change.is_(None),
    )
    rows = list(connection.execute(statement.order_by(interaction.c.occurred_at, interaction.c.id).limit(500)).mappings())
    return _with_attachments(connection, rows)


def with_message_key(connection: Connection, account_id: int, message_key: str, limit: int) -> list[Row]:
    """Entries that came by this account under this key, the oldest first."""
    return _WITH_MESSAGE_KEY.rows(connection, message_key=message_key, account_id=account_id, most=limit)


def ticket_of_key(connection: Connection, account_id: int, message_key: str) -> int | None:
    """The ticket of the message that came by this account under this key."""
    statement = select(interaction.c.ticket_id).where(interaction.c.account_id == account_id, interaction.c.message_key == message_key)
    found = connection.execute(statement.order_by(interaction.c.id).limit(1)).scalar()
    return None if found is None else int(found)


def move_entries(connection: Connection, from_contact: int, to_contact: int, *, ticket_id: int) -> None:
    """Give a contact's entries in a ticket to another contact."""
    theirs = (interaction.c.ticket_id == ticket_id) & (interaction.c.contact_id == from_contact)
    connection.execute(update(interaction).where(theirs).values(contact_id=to_contact))


def is_only_inbound(connection: Connection, interaction_id: int, ticket_id: int) -> bool:
    """Whether the entry came from outside and nothing else of the ticket did."""
    statement = select(interaction.c.id).where(interaction.c.ticket_id == ticket_id, interaction.c.direction == Direction.IN)
    return list(connection.execute(statement.limit(2)).scalars()) == [interaction_id]


# Attachments.


def add_attachment(connection: Connection, **values: Any) -> Attachment:
    """Record a file whose blob is stored."""
    row = {"interaction_id": None, "uploader_id": None, "content_id": None, "inline": False} | values
    row["id"] = _INSERT_ATTACHMENT.scalar(connection, **row)
    return _attachment(as_stored(row))


def claim_uploads(connection: Connection, uploader_id: int, ids: list[int], interaction_id: int) -> list[Row]:
    """Attach files the employee uploaded and has not used yet. Returns those that could be claimed."""
    statement = (
        update(attachment)
        .where(attachment.c.id.in_(ids), attachment.c.uploader_id == uploader_id, attachment.c.interaction_id.is_(None))
        .values(interaction_id=interaction_id)
        .returning(attachment)
    )
    return list(connection.execute(statement).mappings())


def attachment_row(connection: Connection, attachment_id: int) -> Row | None:
    """An attachment with its blob's hash and its entry, for the product itself."""
    return connection.execute(select(attachment).where(attachment.c.id == attachment_id)).mappings().one_or_none()


def attachments_of(connection: Connection, interaction_id: int) -> list[Row]:
    """The attachments of one entry."""
    return _ATTACHMENTS.rows(connection, ids=[interaction_id])


def _for_viewer(entry: Entry, row: Row, viewer: Viewer) -> Entry:
    hidden = viewer.is_hidden(row["effective_queue_id"]) and row["assignee_id"] != viewer.user_id
    return as_stub(entry) if hidden else entry


def _with_attachments(connection: Connection, rows: Iterable[Row]) -> list[Entry]:
    rows = list(rows)
    files: dict[int, list[Attachment]] = {}
    if rows:
        for row in _ATTACHMENTS.rows(connection, ids=[row["id"] for row in rows]):
            files.setdefault(row["interaction_id"], []).append(_attachment(row))
    return [_entry(row, tuple(files.get(row["id"], ()))) for row in rows]


def _attachment(row: Row) -> Attachment:
    return Attachment(
        id=row["id"],
        filename=row["filename"],
        content_type=row["content_type"],
        size=row["size"],
        inline=row["inline"],
        content_id=row["content_id"],
    )


def _entry(row: Row, files: tuple[Attachment, ...]) -> Entry:
    recipients = row["recipients"] or {}
    sender = Address(row["sender_name"], row["sender_address"]) if row["sender_address"] or row["sender_name"] else None
    return Entry(
        id=row["id"],
        contact_id=row["contact_id"],
        ticket_id=row["ticket_id"],
        ticket_number=row["ticket_number"],
        queue_id=row["effective_queue_id"],
        kind=row["kind"],
        direction=Direction(row["direction"]),
        occurred_at=row["occurred_at"],
        author_id=row["author_id"],
        sender=sender,
        subject=row["subject"],
        text=row["visible_text"],
        truncated=row["truncated"],
        folded=row["folded"],
        has_html=row["has_html"],
        to=_addresses(recipients.get("to", ())),
        cc=_addresses(recipients.get("cc", ())),
        automatic=row["automatic"],
        attachments=files,
        delivery=_delivery(row),
        change=_change(row["change"]),
        facts=row["facts"],
        proof=_proof(row["proof"]),
    )


def _proof(value: Any) -> Proof | None:
    if not isinstance(value, dict):
        return value
    return Proof(**value | {"state": ProofState(value["state"]), "warnings": tuple(value.get("warnings", ()))})


def _addresses(values: Iterable[Any]) -> tuple[Address, ...]:
    return tuple(value if isinstance(value, Address) else Address(**value) for value in values)


def _change(value: Any) -> Change | None:
    return Change(**value) if isinstance(value, dict) else value


def _delivery(row: Row) -> DeliveryState | None:
    if row["delivery"] is None:
        return None
    state = Delivery(row["delivery"])
    held = row["next_attempt_at"] if state is Delivery.QUEUED and row["attempts"] == 0 else None
    return DeliveryState(state=state, attempts=row["attempts"], error=row["error"], held_until=held, spooled=bool(row["spooled"]))
