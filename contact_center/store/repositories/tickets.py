"""Ticket rows, lists and counts, participants and thread keys."""

import functools
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, insert, literal, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Connection

from contact_center.model.people import ContactRef, Viewer
from contact_center.model.text import folded
from contact_center.model.tickets import LastEntry, Ticket
from contact_center.model.words import Direction, Priority, Status, View, ViewSort
from contact_center.store.prepared import Prepared, Row
from contact_center.store.repositories import resolutions
from contact_center.store.repositories.sla import due_of
from contact_center.store.schema.contacts import contact, contact_point
from contact_center.store.schema.tickets import interaction, ticket, ticket_participant, ticket_thread_key
from contact_center.store.scope import sees_ticket
from contact_center.store.types import Utc, as_stored

_ROW = select(ticket, contact.c.name.label("contact_name"), contact.c.provisional.label("contact_provisional")).join(
    contact, contact.c.id == ticket.c.contact_id
)
_BY_ID = Prepared(_ROW.where(ticket.c.id == bindparam("ticket_id")))
_LOCKED = Prepared(_ROW.where(ticket.c.id == bindparam("ticket_id")).with_for_update(of=ticket))
_NEW: dict[str, Any] = {column.name: None for column in ticket.c if column.name != "id"} | {
    "version": 1,
    "tags": [],
    "priority": Priority.NORMAL,
    "last_preview": "",
    "next_step": "",
    "subject_folded": "",
    "paused_seconds": 0.0,
    "paused_business_seconds": 0.0,
}
_INSERT = Prepared(insert(ticket).values({name: bindparam(name) for name in _NEW}).returning(ticket.c.id))
_ADD_KEY = Prepared(
    upsert(ticket_thread_key).values({name: bindparam(name) for name in ("project_id", "key", "ticket_id")}).on_conflict_do_nothing()
)
_ADD_PARTICIPANT = Prepared(
    upsert(ticket_participant).values({name: bindparam(name) for name in ("ticket_id", "point_id", "role")}).on_conflict_do_nothing()
)
_BY_KEYS = Prepared(
    select(ticket_thread_key.c.ticket_id)
    .join(ticket, ticket.c.id == ticket_thread_key.c.ticket_id)
    .where(
        ticket_thread_key.c.project_id == bindparam("project_id"),
        ticket_thread_key.c.key.in_(bindparam("keys", expanding=True)),
        ticket.c.merged_into_id.is_(None),
    )
    .distinct()
    .order_by(ticket_thread_key.c.ticket_id)
)
_PARTICIPANTS = Prepared(select(ticket_participant.c.point_id).where(ticket_participant.c.ticket_id == bindparam("ticket_id")))


LONGEST_FIRST = (View.AWAITING, View.IN_WORK)
"""The views of customers who wait. The console keeps the same order by news."""
NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""Stands for a time that there is not, behind all that there are."""


@dataclass(frozen=True, slots=True)
class ListKey:
    """Where a page of the ticket list ended."""

    at: datetime
    id: int


def find(connection: Connection, ticket_id: int) -> Ticket | None:
    """A ticket by id, for the product itself; callers that serve a viewer use `visible`."""
    row = _BY_ID.row(connection, ticket_id=ticket_id)
    return _ticket(row) if row else None


def visible(connection: Connection, viewer: Viewer, ticket_id: int) -> Ticket | None:
    """A ticket the viewer may see; a merged one leads to its survivor."""
    statement = _ROW.where(ticket.c.id == ticket_id, sees_ticket(viewer))
    row = connection.execute(statement).mappings().one_or_none()
    if row is not None and row["merged_into_id"] is not None:
        return visible(connection, viewer, row["merged_into_id"])
    return _ticket(row) if row else None


def is_of_project(connection: Connection, ticket_id: int, project_id: int) -> bool:
    """Whether the ticket belongs to this project."""
    return connection.execute(select(ticket.c.project_id).where(ticket.c.id == ticket_id)).scalar() == project_id


def lock(connection: Connection, ticket_id: int) -> Ticket | None:
    """A ticket by id, which nobody else can change until the commit."""
    row = _LOCKED.row(connection, ticket_id=ticket_id)
    return _ticket(row) if row else None


def add(connection: Connection, contact_ref: ContactRef, **values: Any) -> Ticket:
    """Insert a ticket of this contact and return it. Columns not named stay empty."""
    row = _NEW | values | {"contact_id": contact_ref.id, "subject_folded": folded(values.get("subject", ""))}
    row["paused_since"] = None if row["status"] == Status.OPEN else row["created_at"]
    row["id"] = _INSERT.scalar(connection, **row)
    return _ticket(as_stored(row) | {"contact_name": contact_ref.name, "contact_provisional": contact_ref.provisional})


def change(connection: Connection, ticket_id: int, now: datetime, **values: Any) -> None:
    """Set columns; every change counts the version up. Whatever opens or ends a ticket ends its being put off."""
    if values.get("status", Status.WAITING) != Status.WAITING:
        values = {"snoozed_until": None} | values
    if "status" in values:
        values = resolutions.paused(connection, ticket_id, values["status"], now) | values
    if "subject" in values:
        values["subject_folded"] = folded(values["subject"])
    if "resolved_at" in values:
        resolutions.note(connection, ticket_id, values["resolved_at"], now)
    new = {f"new_{name}": value for name, value in values.items()} | {"new_updated_at": now, "ticket_id": ticket_id}
    _update(tuple(sorted(values))).run(connection, new)


@functools.cache
def _update(names: tuple[str, ...]) -> Prepared:
    """One statement for each set of columns that is ever changed together: building it anew costs more than running it."""
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in ("updated_at", *names)}
    return Prepared(update(ticket).where(ticket.c.id == bindparam("ticket_id")).values(version=ticket.c.version + 1, **values))


def columns(connection: Connection, ticket_id: int) -> Row:
    """The row as it is stored."""
    return connection.execute(select(ticket).where(ticket.c.id == ticket_id)).mappings().one()


def snoozed_until(connection: Connection, now: datetime, limit: int, ticket_id: int | None = None) -> list[tuple[int, int]]:
    """Tickets that were put off until now, or this one: (project, ticket), the earliest first."""
    statement = select(ticket.c.project_id, ticket.c.id).where(ticket.c.snoozed_until <= now).order_by(ticket.c.snoozed_until).limit(limit)
    if ticket_id is not None:
        statement = statement.where(ticket.c.id == ticket_id)
    return [(int(row[0]), int(row[1])) for row in connection.execute(statement)]


def resolved_at(connection: Connection, ticket_id: int) -> datetime | None:
    """When the ticket was last resolved or closed, None while it is open or waiting."""
    return connection.execute(select(ticket.c.resolved_at).where(ticket.c.id == ticket_id)).scalar_one()


# Threading.


def by_thread_keys(connection: Connection, project_id: int, keys: tuple[str, ...]) -> list[int]:
    """Ids of tickets whose messages carry or name one of `keys`, the oldest first. Empty keys match nothing."""
    wanted = [key for key in dict.fromkeys(keys) if key]
    if not wanted:
        return []
    return [int(i) for i in _BY_KEYS.scalars(connection, project_id=project_id, keys=wanted)]


def add_thread_keys(connection: Connection, project_id: int, ticket_id: int, keys: tuple[str, ...]) -> None:
    """Remember message keys as belonging to the ticket's thread."""
    rows = [{"project_id": project_id, "key": key, "ticket_id": ticket_id} for key in dict.fromkeys(keys) if key]
    if rows:
        _ADD_KEY.run_all(connection, rows)


def participants(connection: Connection, ticket_id: int) -> set[int]:
    """Contact points that take part in the ticket."""
    return set(_PARTICIPANTS.scalars(connection, ticket_id=ticket_id))


def known_thread_keys(connection: Connection, project_id: int, keys: tuple[str, ...]) -> set[str]:
    """Those of `keys` that lead to a ticket already."""
    statement = select(ticket_thread_key.c.key).where(ticket_thread_key.c.project_id == project_id, ticket_thread_key.c.key.in_(keys))
    return set(connection.execute(statement).scalars()) if keys else set()


def add_participants(connection: Connection, ticket_id: int, point_ids: set[int], role: str | None = None) -> None:
    """Let contact points take part: because they wrote, or a message named them (`to`, `cc`). The first role stays."""
    if point_ids:
        _ADD_PARTICIPANT.run_all(connection, ({"ticket_id": ticket_id, "point_id": p, "role": role} for p in sorted(point_ids)))


def participants_with_roles(connection: Connection, ticket_id: int) -> list[Row]:
    """Who takes part in a ticket: point_id, role, kind and display of the address, those who wrote first."""
    statement = (
        select(ticket_participant.c.point_id, ticket_participant.c.role, contact_point.c.kind, contact_point.c.display)
        .join(contact_point, contact_point.c.id == ticket_participant.c.point_id)
        .where(ticket_participant.c.ticket_id == ticket_id)
        .order_by(ticket_participant.c.role.desc().nulls_last(), ticket_participant.c.point_id)
    )
    return list(connection.execute(statement).mappings())


def inbound_senders(connection: Connection, ticket_id: int) -> set[int]:
    """Contact points that wrote something in this ticket."""
    statement = select(interaction.c.sender_point_id).where(
        interaction.c.ticket_id == ticket_id, interaction.c.sender_point_id.is_not(None)
    )
    return set(connection.execute(statement.distinct()).scalars())


def is_untouched(connection: Connection, ticket_id: int) -> bool:
    """Whether no employee has done anything in the ticket: only then may the product join it to another by itself."""
    statement = select(interaction.c.id).where(interaction.c.ticket_id == ticket_id, interaction.c.author_id.is_not(None)).limit(1)
    return connection.execute(statement).scalar() is None


def first_message(connection: Connection, ticket_id: int) -> Row | None:
    """The ticket's earliest inbound entry: contact_id, subject, facts, occurred_at."""
    statement = (
        select(interaction.c.contact_id, interaction.c.subject, interaction.c.facts, interaction.c.occurred_at)
        .where(interaction.c.ticket_id == ticket_id, interaction.c.direction == Direction.IN)
        .order_by(interaction.c.occurred_at, interaction.c.id)
        .limit(1)
    )
    return connection.execute(statement).mappings().one_or_none()


def move_thread(connection: Connection, project_id: int, from_id: int, to_id: int) -> None:
    """Give entries, keys and participants of one ticket to another."""
    connection.execute(update(interaction).where(interaction.c.ticket_id == from_id).values(ticket_id=to_id))
    keys = connection.execute(select(ticket_thread_key.c.key).where(ticket_thread_key.c.ticket_id == from_id)).scalars()
    add_thread_keys(connection, project_id, to_id, tuple(keys))
    add_participants(connection, to_id, participants(connection, from_id))


# Lists and counts.


def page(
    connection: Connection,
    viewer: Viewer,
    view: View,
    *,
    queue_id: int | None = None,
    contact_id: int | None = None,
    words: str = "",
    conditions: ColumnElement[bool] | None = None,
    sort: ViewSort | None = None,
    after: ListKey | None = None,
    limit: int = 50,
) -> list[Ticket]:
    """One page of a view, the latest activity first, keyset-paged by (last activity, id). Where customers wait, whoever waits
    longest comes first, paged by (waiting since, id). `conditions` narrow it down; `sort` is an order of one's own."""
    where = _wanted(viewer, view, queue_id, words, conditions)
    if contact_id is not None:
        where.append(ticket.c.contact_id == contact_id)
    place, falls = _place(view, sort)
    if after is not None:
        beyond = place < after.at if falls else place > after.at
        where.append(or_(beyond, and_(place == after.at, ticket.c.id < after.id if falls else ticket.c.id > after.id)))
    order = (place.desc(), ticket.c.id.desc()) if falls else (place.asc(), ticket.c.id.asc())
    statement = _ROW.where(*where).order_by(*order).limit(limit)
    return [_ticket(row) for row in connection.execute(statement).mappings()]


def ids(
    connection: Connection,
    viewer: Viewer,
    view: View,
    *,
    queue_id: int | None = None,
    words: str = "",
    conditions: ColumnElement[bool] | None = None,
    sort: ViewSort | None = None,
    limit: int,
) -> list[int]:
    """The tickets of a view by number alone, in its order."""
    place, falls = _place(view, sort)
    order = (place.desc(), ticket.c.id.desc()) if falls else (place.asc(), ticket.c.id.asc())
    found = select(ticket.c.id).join(contact, contact.c.id == ticket.c.contact_id)
    statement = found.where(*_wanted(viewer, view, queue_id, words, conditions)).order_by(*order).limit(limit)
    return [int(i) for i in connection.execute(statement).scalars()]


def _wanted(
    viewer: Viewer, view: View, queue_id: int | None, words: str, conditions: ColumnElement[bool] | None
) -> list[ColumnElement[bool]]:
    where = [sees_ticket(viewer), ticket.c.merged_into_id.is_(None), _in_view(view, viewer)]
    if queue_id is not None:
        where.append(ticket.c.queue_id == queue_id)
    if words:
        where.append(_holds(words))
    if conditions is not None:
        where.append(conditions)
    return where


def _place(view: View, sort: ViewSort | None) -> tuple[ColumnElement[Any], bool]:
    """What a list is ordered by, and whether the latest comes first. What has no such time stands behind all that has."""
    if sort is ViewSort.WAITING:
        return func.coalesce(ticket.c.waiting_since, literal(NEVER, Utc())), False
    if sort is ViewSort.DUE:
        return func.coalesce(ticket.c.due_at, literal(NEVER, Utc())), False
    if sort is None and view in LONGEST_FIRST:
        return ticket.c.waiting_since, False
    return ticket.c.last_at, True


def counts(connection: Connection, viewer: Viewer) -> list[Row]:
    """How many visible tickets stand in each (queue_id, status, assignee_id); consoles keep it up to date by events."""
    statement = (
        select(ticket.c.queue_id, ticket.c.status, ticket.c.assignee_id, func.count().label("tickets"))
        .where(sees_ticket(viewer), ticket.c.merged_into_id.is_(None), ticket.c.status.in_((Status.OPEN, Status.WAITING)))
        .group_by(ticket.c.queue_id, ticket.c.status, ticket.c.assignee_id)
    )
    return list(connection.execute(statement).mappings())


def _in_view(view: View, viewer: Viewer) -> ColumnElement[bool]:
    active = ticket.c.status.in_((Status.OPEN, Status.WAITING))
    return {
        View.OPEN: ticket.c.status == Status.OPEN,
        View.MINE: and_(active, ticket.c.assignee_id == viewer.user_id),
        View.UNASSIGNED: and_(ticket.c.status == Status.OPEN, ticket.c.assignee_id.is_(None)),
        View.AWAITING: and_(ticket.c.waiting_since.is_not(None), ticket.c.assignee_id.is_(None)),
        View.IN_WORK: and_(ticket.c.waiting_since.is_not(None), ticket.c.assignee_id.is_not(None)),
        View.WAITING: ticket.c.status == Status.WAITING,
        View.RESOLVED: ticket.c.status.in_((Status.RESOLVED, Status.CLOSED)),
        View.ALL: true(),
    }[view]


def _holds(words: str) -> ColumnElement[bool]:
    """A ticket number, or words of the subject or the contact's name."""
    if words.isascii() and words.lstrip("#").isdigit() and len(words) < 10:
        return ticket.c.number == int(words.lstrip("#"))
    escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    pattern = f"%{escaped}%"
    return or_(ticket.c.subject.ilike(pattern, escape="\\"), contact.c.name.ilike(pattern, escape="\\"))


def list_key(row: Ticket, view: View = View.ALL, sort: ViewSort | None = None) -> ListKey:
    """Where a page of the view that ends with this row continues."""
    if sort is ViewSort.DUE:
        return ListKey(at=row.due.at if row.due else NEVER, id=row.id)
    if sort is ViewSort.WAITING or (sort is None and view in LONGEST_FIRST and row.waiting_since):
        return ListKey(at=row.waiting_since or NEVER, id=row.id)
    return ListKey(at=row.last_entry.at if row.last_entry else row.created_at, id=row.id)


def _ticket(row: Row) -> Ticket:
    last = LastEntry(
        at=row["last_at"],
        direction=Direction(row["last_direction"] or Direction.INTERNAL),
        kind=row["last_kind"] or "",
        preview=row["last_preview"],
        facts=row["last_facts"],
    )
    return Ticket(
        id=row["id"],
        number=row["number"],
        subject=row["subject"],
        contact=ContactRef(id=row["contact_id"], name=row["contact_name"], provisional=row["contact_provisional"]),
        queue_id=row["queue_id"],
        status=Status(row["status"]),
        assignee_id=row["assignee_id"],
        priority=Priority(row["priority"]),
        tags=tuple(row["tags"]),
        channel=row["channel"],
        last_entry=last,
        waiting_since=row["waiting_since"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        version=row["version"],
        follow_up_of=row["follow_up_of_id"],
        merged_into=row["merged_into_id"],
        unproven=bool(row["unproven"]),
        about=row["about"],
        snoozed_until=row["snoozed_until"],
        next_step=row["next_step"],
        sla_policy_id=row["sla_policy_id"],
        due=due_of(row),
        reason_id=row["reason_id"],
    )
