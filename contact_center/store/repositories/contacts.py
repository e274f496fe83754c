"""Contacts, their points, and merges."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import and_, bindparam, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Connection

from contact_center.model.people import Contact, ContactRef, Holder, Holders, Merge, OrganizationRef, Point, Viewer
from contact_center.model.text import clean_text
from contact_center.model.words import PointKind, PointRole
from contact_center.store.prepared import Prepared, Row
from contact_center.store.schema.contacts import contact, contact_merge, contact_point, contact_point_link, opt_out, organization
from contact_center.store.schema.tickets import interaction, ticket
from contact_center.store.scope import sees_contact

_UPSERT_POINT = Prepared(
    upsert(contact_point)
    .values({name: bindparam(name) for name in ("project_id", "kind", "value", "display")})
    # Changing nothing is what locks a row that is there already.
    .on_conflict_do_update(index_elements=["project_id", "kind", "value"], set_={"value": contact_point.c.value})
    .returning(contact_point.c.id)
)
_NEW_POINT = Prepared(
    upsert(contact_point)
    .values({name: bindparam(name) for name in ("project_id", "kind", "value", "display")})
    .on_conflict_do_nothing()
    .returning(contact_point.c.id)
)
_FIND_POINT = Prepared(
    select(contact_point.c.id).where(
        contact_point.c.project_id == bindparam("project_id"),
        contact_point.c.kind == bindparam("kind"),
        contact_point.c.value == bindparam("value"),
    )
)
_HOLDERS = Prepared(
    select(contact_point_link.c.contact_id, contact_point_link.c.role, contact_point_link.c.verified_at)
    .where(contact_point_link.c.point_id == bindparam("point_id"), contact_point_link.c.valid_to.is_(None))
    .order_by(contact_point_link.c.id)
)
_REACHES = Prepared(
    select(
        contact_point.c.id.label("point_id"),
        contact_point_link.c.verified_at,
        contact.c.id.label("contact_id"),
        contact.c.name,
        contact.c.provisional,
    )
    .outerjoin(contact_point_link, (contact_point_link.c.point_id == contact_point.c.id) & contact_point_link.c.valid_to.is_(None))
    .outerjoin(contact, contact.c.id == contact_point_link.c.contact_id)
    .where(
        contact_point.c.project_id == bindparam("project_id"),
        contact_point.c.kind == bindparam("kind"),
        contact_point.c.value == bindparam("value"),
    )
    .order_by(contact_point_link.c.id)
)
_INSERT_CONTACT = Prepared(
    insert(contact)
    .values({name: bindparam(name) for name in ("project_id", "name", "provisional", "created_at")} | {"note": ""})
    .returning(contact.c.id)
)
_INSERT_LINK = Prepared(
    insert(contact_point_link).values({name: bindparam(name) for name in ("point_id", "contact_id", "role", "verified_at", "valid_from")})
)
_RELINK = Prepared(
    update(contact_point_link)
    .where(contact_point_link.c.point_id == bindparam("of_point"), contact_point_link.c.contact_id == bindparam("of_contact"))
    .values(valid_to=None, role=bindparam("new_role"))
)
_ORGANIZATION = Prepared(select(organization.c.id, organization.c.name).where(organization.c.id == bindparam("organization_id")))
_MERGED_INTO = Prepared(select(contact.c.merged_into_id).where(contact.c.id == bindparam("contact_id")))
_CONTACT = Prepared(select(contact).where(contact.c.id == bindparam("contact_id")))
_POINTS = Prepared(
    select(
        contact_point,
        contact_point_link.c.role,
        contact_point_link.c.verified_at,
        select(opt_out.c.since).where(opt_out.c.point_id == contact_point.c.id).exists().label("opted_out"),
    )
    .join(contact_point_link)
    .where(contact_point_link.c.contact_id == bindparam("contact_id"), contact_point_link.c.valid_to.is_(None))
    .order_by(contact_point_link.c.id)
)
_MERGES = Prepared(
    select(contact_merge, contact.c.name.label("loser_name"))
    .join(contact, contact.c.id == contact_merge.c.loser_id)
    .where(contact_merge.c.survivor_id == bindparam("contact_id"), contact_merge.c.undone_at.is_(None))
    .order_by(contact_merge.c.id.desc())
)


def ensure_point(connection: Connection, project_id: int, kind: PointKind, value: str, display: str) -> int:
    """The id of the contact point with this normalised value, made if new. `value` must not be empty."""
    if not value:
        raise ValueError("an empty value is not a contact point: nothing may match on it")
    found = _FIND_POINT.scalar(connection, project_id=project_id, kind=kind, value=value)
    return int(found) if found is not None else lock_point(connection, project_id, kind, value, display)


def lock_point(connection: Connection, project_id: int, kind: PointKind, value: str, display: str) -> int:
    """The id of a contact point, made if new, to which nobody else can link a contact until the commit."""
    return int(_UPSERT_POINT.scalar(connection, project_id=project_id, kind=kind, value=value, display=display))


def add_point(connection: Connection, project_id: int, kind: PointKind, value: str, display: str) -> int | None:
    """Make a contact point, to which nobody else can link a contact until the commit; None when there is one already."""
    found = _NEW_POINT.scalar(connection, project_id=project_id, kind=kind, value=value, display=display)
    return None if found is None else int(found)


def reached_by(connection: Connection, project_id: int, kind: PointKind, value: str) -> list[Row]:
    """Whom a normalised point reaches now, the latest linked last: point_id, verified_at, contact_id, name, provisional.

    Empty when the point is unknown; one row without a contact_id when it reaches nobody.
    """
    return _REACHES.rows(connection, project_id=project_id, kind=kind, value=value)


def holders(connection: Connection, point_id: int) -> list[Row]:
    """contact_id, role and verified_at of everybody this point reaches now."""
    return _HOLDERS.rows(connection, point_id=point_id)


def holders_for(connection: Connection, viewer: Viewer, point_id: int) -> Holders:
    """Whom a point reaches, as the viewer may know it; the latest linked last."""
    statement = (
        select(
            contact.c.id,
            contact.c.name,
            contact.c.provisional,
            contact_point_link.c.role,
            contact_point_link.c.verified_at,
            sees_contact(viewer).label("seen"),
        )
        .join(contact_point_link, contact_point_link.c.contact_id == contact.c.id)
        .where(contact_point_link.c.point_id == point_id, contact_point_link.c.valid_to.is_(None))
        .order_by(contact_point_link.c.id)
    )
    rows = list(connection.execute(statement).mappings())
    people = tuple(
        Holder(ContactRef(row["id"], row["name"], row["provisional"]), row["verified_at"] is not None, row is rows[-1])
        for row in rows
        if row["seen"]
    )
    shared = any(row["role"] == PointRole.SHARED for row in rows)
    return Holders(point_id, PointRole.SHARED if shared else PointRole.PERSONAL, people, len(rows) - len(people))


def set_role(connection: Connection, point_id: int, role: PointRole) -> None:
    """Say whether the point reaches one person or a group: the same for everybody it reaches."""
    live = and_(contact_point_link.c.point_id == point_id, contact_point_link.c.valid_to.is_(None))
    connection.execute(update(contact_point_link).where(live).values(role=role))


def project_of(connection: Connection, contact_id: int) -> int | None:
    """The project a contact belongs to."""
    return connection.execute(select(contact.c.project_id).where(contact.c.id == contact_id)).scalar()


def add_contact(connection: Connection, project_id: int, name: str, provisional: bool, now: datetime) -> int:
    """Make a contact; returns its id."""
    return int(_INSERT_CONTACT.scalar(connection, project_id=project_id, name=name, provisional=provisional, created_at=now))


def add_reached(
    connection: Connection, project_id: int, name: str, point_id: int, kind: PointKind, value: str, display: str, now: datetime
) -> Contact:
    """Make a provisional contact whom a point reaches that is as new, and return it as it will be read."""
    contact_id = add_contact(connection, project_id, name, True, now)
    link = {"point_id": point_id, "contact_id": contact_id, "role": PointRole.PERSONAL, "verified_at": None, "valid_from": now}
    _INSERT_LINK.run(connection, link)
    point = Point(point_id, kind, value, clean_text(display), PointRole.PERSONAL, verified=False)
    return Contact(contact_id, clean_text(name), True, (point,), created_at=now.astimezone(UTC))


def change_contact(connection: Connection, contact_id: int, **values: Any) -> None:
    """Set columns of a contact."""
    connection.execute(update(contact).where(contact.c.id == contact_id).values(values))


def link_point(
    connection: Connection,
    point_id: int,
    contact_id: int,
    role: PointRole,
    now: datetime,
    verified_at: datetime | None = None,
) -> None:
    """Say that the point reaches the contact."""
    values = {"point_id": point_id, "contact_id": contact_id, "role": role, "verified_at": verified_at, "valid_from": now}
    if _RELINK.run(connection, {"of_point": point_id, "of_contact": contact_id, "new_role": role}) == 0:
        _INSERT_LINK.run(connection, values)


def unlink_point(connection: Connection, point_id: int, contact_id: int, now: datetime) -> bool:
    """Say that the point no longer reaches the contact; False when it did not."""
    statement = update(contact_point_link).where(
        contact_point_link.c.point_id == point_id,
        contact_point_link.c.contact_id == contact_id,
        contact_point_link.c.valid_to.is_(None),
    )
    return connection.execute(statement.values(valid_to=now)).rowcount == 1


def verify_point(connection: Connection, point_id: int, contact_id: int, now: datetime) -> bool:
    """Mark the link as proven; False when it already was or does not exist."""
    statement = update(contact_point_link).where(
        contact_point_link.c.point_id == point_id,
        contact_point_link.c.contact_id == contact_id,
        contact_point_link.c.verified_at.is_(None),
    )
    return connection.execute(statement.values(verified_at=now)).rowcount == 1


def set_bounced(connection: Connection, point_id: int, at: datetime | None) -> None:
    """Mark that our last message to the point came back, or (None) that it is alive again."""
    connection.execute(update(contact_point).where(contact_point.c.id == point_id).values(bounced_at=at))


def find_contact(connection: Connection, contact_id: int) -> Contact | None:
    """A contact by its own id; a merged one is returned as it is. For any viewer: callers check scope."""
    row = _CONTACT.row(connection, contact_id=contact_id)
    return _contact(connection, row) if row else None


def survivor_of(connection: Connection, contact_id: int) -> int:
    """The id under which this contact's history is found now: its own, or that of whoever it was merged into."""
    for _ in range(100):
        target = _MERGED_INTO.scalar(connection, contact_id=contact_id)
        if target is None:
            return contact_id
        contact_id = target
    raise ValueError(f"contact {contact_id} is merged in a circle")


def visible_contact(connection: Connection, viewer: Viewer, contact_id: int) -> Contact | None:
    """The contact, or the survivor of it, if the viewer may see it."""
    resolved = survivor_of(connection, contact_id)
    row = connection.execute(select(contact).where(contact.c.id == resolved, sees_contact(viewer))).mappings().one_or_none()
    return _contact(connection, row) if row else None


def is_visible(connection: Connection, viewer: Viewer, contact_id: int) -> bool:
    """Whether the viewer may see this contact."""
    return connection.execute(select(contact.c.id).where(contact.c.id == contact_id, sees_contact(viewer))).scalar() is not None


def search_contacts(
    connection: Connection, viewer: Viewer, words: str, after: int, limit: int, since: datetime | None = None
) -> list[Contact]:
    """Visible contacts whose name or a point holds `words`, by id from `after`; empty words list everybody."""
    statement = select(contact).where(sees_contact(viewer), contact.c.merged_into_id.is_(None), contact.c.id > after)
    if since is not None:
        statement = statement.where(contact.c.created_at >= since)
    if words:
        pattern = f"%{_escape_like(words.lower())}%"
        by_point = (
            select(contact_point_link.c.id)
            .join(contact_point)
            .where(
                contact_point_link.c.contact_id == contact.c.id,
                contact_point_link.c.valid_to.is_(None),
                contact_point.c.value.like(pattern, escape="\\"),
            )
            .exists()
        )
        by_name = func.lower(contact.c.name).like(pattern, escape="\\")
        # SQLite lowers ASCII only; a capitalised Russian word is found by its capitalised form.
        by_title = contact.c.name.like(f"%{_escape_like(words.title())}%", escape="\\")
        statement = statement.where(or_(by_name, by_title, by_point))
    rows = connection.execute(statement.order_by(contact.c.id).limit(limit)).mappings().all()
    return [_contact(connection, row) for row in rows]


# Merging: which rows move is recorded, so that they can move back.


def rows_of(connection: Connection, contact_id: int) -> dict[str, list[int]]:
    """Ids of everything that hangs on a contact: links, tickets, interactions."""
    return {
        "links": _ids(connection, contact_point_link.c.id, contact_point_link.c.contact_id == contact_id),
        "tickets": _ids(connection, ticket.c.id, ticket.c.contact_id == contact_id),
        "interactions": _ids(connection, interaction.c.id, interaction.c.contact_id == contact_id),
    }


def link_rows(connection: Connection, contact_id: int) -> list[dict[str, Any]]:
    """Every link of a contact, ended ones too, as plain values."""
    rows = connection.execute(select(contact_point_link).where(contact_point_link.c.contact_id == contact_id)).mappings()
    return [dict(row) for row in rows]


def move_links(connection: Connection, loser_id: int, survivor_id: int, now: datetime) -> list[int]:
    """Let the loser's live points reach the survivor. Returns the points that newly do."""
    have = {row["point_id"] for row in link_rows(connection, survivor_id) if row["valid_to"] is None}
    gained = []
    for row in link_rows(connection, loser_id):
        if row["valid_to"] is not None:
            continue
        connection.execute(update(contact_point_link).where(contact_point_link.c.id == row["id"]).values(valid_to=now))
        if row["point_id"] not in have:
            link_point(connection, row["point_id"], survivor_id, PointRole(row["role"]), now, row["verified_at"])
            mine = and_(contact_point_link.c.point_id == row["point_id"], contact_point_link.c.contact_id == survivor_id)
            connection.execute(update(contact_point_link).where(mine).values(verified_at=row["verified_at"]))
            gained.append(int(row["point_id"]))
    return gained


def return_links(connection: Connection, survivor_id: int, link_ids: list[int], gained: list[int]) -> None:
    """Make the loser's links live again, as the survivor's link to the same point stands now.

    A point that was taken from the survivor meanwhile stays away. That a point is proven is known of whom it came from:
    of the loser's only for points that the survivor did not have itself.
    """
    survivors = {row["point_id"]: row for row in link_rows(connection, survivor_id) if row["valid_to"] is None}
    for row in connection.execute(select(contact_point_link).where(contact_point_link.c.id.in_(link_ids))).mappings().all():
        mine = survivors.get(row["point_id"])
        if mine is None:
            continue
        proven = mine["verified_at"] if row["point_id"] in gained else row["verified_at"]
        values = {"valid_to": None, "role": mine["role"], "verified_at": row["verified_at"] or proven}
        connection.execute(update(contact_point_link).where(contact_point_link.c.id == row["id"]).values(values))


def reset_links(connection: Connection, contact_id: int, before: list[list[Any]], point_ids: list[int]) -> None:
    """Let ended links say again what they said before a merge brought them back: [id, role, proven]."""
    now_ended = {row["id"]: row for row in link_rows(connection, contact_id) if row["point_id"] in point_ids}
    for link_id, role, proven in before:
        if link_id in now_ended:
            values = {"role": role} | ({} if proven else {"verified_at": None})
            connection.execute(update(contact_point_link).where(contact_point_link.c.id == link_id).values(values))


def columns(connection: Connection, contact_id: int) -> Row:
    """The contact's own columns, as they stand."""
    row = _CONTACT.row(connection, contact_id=contact_id)
    assert row is not None
    return row


def drop_links(connection: Connection, contact_id: int, point_ids: list[int], now: datetime) -> None:
    """End the contact's links to these points."""
    if point_ids:
        mine = and_(contact_point_link.c.contact_id == contact_id, contact_point_link.c.point_id.in_(point_ids))
        connection.execute(update(contact_point_link).where(mine).values(valid_to=now))


def move_history(connection: Connection, from_id: int, to_id: int) -> None:
    """Give every ticket and entry of one contact to another."""
    for table in (ticket, interaction):
        connection.execute(update(table).where(table.c.contact_id == from_id).values(contact_id=to_id))


def give_back(connection: Connection, survivor_id: int, loser_id: int, tickets: list[int], interactions: list[int]) -> None:
    """Return tickets and entries from the survivor to the loser."""
    for ids in _batches(tickets):
        still = and_(ticket.c.id.in_(ids), ticket.c.contact_id == survivor_id)
        connection.execute(update(ticket).where(still).values(contact_id=loser_id))
    for ids in _batches(interactions):
        still = and_(interaction.c.id.in_(ids), interaction.c.contact_id == survivor_id)
        connection.execute(update(interaction).where(still).values(contact_id=loser_id))


def newest_rows(connection: Connection) -> list[int]:
    """The highest ids of tickets and of entries: what is above them came later."""
    return [int(connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()) for table in (ticket, interaction)]


def tickets_from_points(connection: Connection, contact_id: int, point_ids: list[int], after: int) -> list[int]:
    """Tickets of the contact above id `after` whose first inbound entry came from one of these points."""
    first = (
        select(func.min(interaction.c.id))
        .join(ticket, ticket.c.id == interaction.c.ticket_id)
        .where(ticket.c.contact_id == contact_id, ticket.c.id > after, interaction.c.sender_point_id.is_not(None))
        .group_by(ticket.c.id)
    )
    statement = select(interaction.c.ticket_id).where(interaction.c.id.in_(first), interaction.c.sender_point_id.in_(point_ids))
    return [int(row) for row in connection.execute(statement).scalars()] if point_ids else []


def entries_since(connection: Connection, contact_id: int, ticket_ids: list[int], point_ids: list[int], after: int) -> list[int]:
    """Entries of the contact above id `after` that came from one of these points, or that we made in one of these tickets."""
    newer = and_(interaction.c.contact_id == contact_id, interaction.c.id > after)
    found = _ids(connection, interaction.c.id, and_(newer, interaction.c.sender_point_id.in_(point_ids))) if point_ids else []
    for ids in _batches(ticket_ids):
        ours = and_(newer, interaction.c.sender_point_id.is_(None), interaction.c.ticket_id.in_(ids))
        found += _ids(connection, interaction.c.id, ours)
    return found


def add_merge(connection: Connection, **values: Any) -> int:
    """Record a merge; returns its id."""
    return int(connection.execute(insert(contact_merge).values(values).returning(contact_merge.c.id)).scalar_one())


def find_merge(connection: Connection, merge_id: int) -> Row | None:
    """A merge with its snapshot."""
    return connection.execute(select(contact_merge).where(contact_merge.c.id == merge_id)).mappings().one_or_none()


def merges_into(connection: Connection, contact_id: int) -> list[Row]:
    """Merges into the contact that are not undone, the oldest first."""
    standing = and_(contact_merge.c.survivor_id == contact_id, contact_merge.c.undone_at.is_(None))
    return list(connection.execute(select(contact_merge).where(standing).order_by(contact_merge.c.id)).mappings())


def change_merge(connection: Connection, merge_id: int, **values: Any) -> None:
    """Set columns of a merge."""
    connection.execute(update(contact_merge).where(contact_merge.c.id == merge_id).values(values))


def points_of_links(connection: Connection, link_ids: list[int]) -> list[int]:
    """The points of these links."""
    return _ids(connection, contact_point_link.c.point_id, contact_point_link.c.id.in_(link_ids))


def end_merge(connection: Connection, merge_id: int, now: datetime, user_id: int | None) -> bool:
    """Mark a merge as undone; False when somebody already did."""
    statement = update(contact_merge).where(contact_merge.c.id == merge_id, contact_merge.c.undone_at.is_(None))
    return connection.execute(statement.values(undone_at=now, undone_by=user_id)).rowcount == 1


def _contact(connection: Connection, row: Row) -> Contact:
    points = _POINTS.rows(connection, contact_id=row["id"])
    merges = _MERGES.rows(connection, contact_id=row["id"])
    return Contact(
        id=row["id"],
        name=row["name"],
        provisional=row["provisional"],
        points=tuple(_point(point) for point in points),
        note=row["note"],
        owner_id=row["owner_id"],
        created_at=row["created_at"],
        merges=tuple(_merge(merge) for merge in merges),
        organization=_organization(connection, row["organization_id"]),
    )


def _organization(connection: Connection, organization_id: int | None) -> OrganizationRef | None:
    if organization_id is None:
        return None
    row = _ORGANIZATION.row(connection, organization_id=organization_id)
    assert row is not None
    return OrganizationRef(row["id"], row["name"])


def _point(row: Row) -> Point:
    return Point(
        id=row["id"],
        kind=PointKind(row["kind"]),
        value=row["value"],
        display=row["display"],
        role=PointRole(row["role"]),
        verified=row["verified_at"] is not None,
        bounced=row["bounced_at"] is not None,
        opted_out=bool(row["opted_out"]),
    )


def _merge(row: Row) -> Merge:
    return Merge(
        id=row["id"],
        survivor_id=row["survivor_id"],
        loser_id=row["loser_id"],
        loser_name=row["loser_name"],
        merged_at=row["merged_at"],
        merged_by=row["merged_by"],
        undone_at=row["undone_at"],
    )


def _ids(connection: Connection, column: Any, where: Any) -> list[int]:
    return [int(value) for value in connection.execute(select(column).where(where).order_by(column)).scalars()]


def _batches(ids: list[int], size: int = 500) -> list[list[int]]:
    return [ids[start : start + size] for start in range(0, len(ids), size)]


def _escape_like(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
