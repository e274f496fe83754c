"""Organizations and the mail domains of their people."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Connection

from contact_center.model.people import Organization, OrganizationRef, Viewer
from contact_center.store.schema.contacts import contact, organization, organization_domain
from contact_center.store.scope import sees_contact, sees_organization


def add(connection: Connection, project_id: int, name: str, key: str, user_id: int | None, now: datetime) -> int | None:
    """Make an organization; returns its id, None when the name (compared by `key`) is taken."""
    values = {"project_id": project_id, "name": name, "name_key": key, "note": "", "created_by": user_id, "created_at": now}
    statement = upsert(organization).values(values).on_conflict_do_nothing().returning(organization.c.id)
    return connection.execute(statement).scalar()


def by_name(connection: Connection, project_id: int, key: str) -> int | None:
    """The id of the organization of this name."""
    statement = select(organization.c.id).where(organization.c.project_id == project_id, organization.c.name_key == key)
    return connection.execute(statement).scalar()


def by_names(connection: Connection, project_id: int, keys: Sequence[str]) -> dict[str, OrganizationRef]:
    """The organizations of these names, by the name as it is compared."""
    found = {}
    for start in range(0, len(keys), 500):
        where = (organization.c.project_id == project_id, organization.c.name_key.in_(keys[start : start + 500]))
        for row in connection.execute(select(organization.c.id, organization.c.name, organization.c.name_key).where(*where)):
            found[row.name_key] = OrganizationRef(row.id, row.name)
    return found


def change(connection: Connection, organization_id: int, **values: Any) -> None:
    """Set columns."""
    connection.execute(update(organization).where(organization.c.id == organization_id).values(values))


def set_domains(connection: Connection, project_id: int, organization_id: int, domains: list[str]) -> str | None:
    """Let exactly these mail domains be the organization's; returns one that is another's already, None when all went well."""
    connection.execute(delete(organization_domain).where(organization_domain.c.organization_id == organization_id))
    for domain in domains:
        values = {"project_id": project_id, "domain": domain, "organization_id": organization_id}
        if connection.execute(upsert(organization_domain).values(values).on_conflict_do_nothing()).rowcount == 0:
            return domain
    return None


def find(connection: Connection, organization_id: int) -> Organization | None:
    """An organization, for the product itself; callers that serve a viewer use `visible`."""
    return next(iter(_read(connection, organization.c.id == organization_id)), None)


def visible(connection: Connection, viewer: Viewer, organization_id: int) -> Organization | None:
    """An organization the viewer may see."""
    return next(iter(_read(connection, organization.c.id == organization_id, sees_organization(viewer))), None)


def page(connection: Connection, viewer: Viewer, words: str, after: int, limit: int) -> list[Organization]:
    """Visible organizations whose name holds `words`, by id from `after`."""
    where = [sees_organization(viewer), organization.c.id > after]
    if words:
        escaped = words.casefold().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        where.append(organization.c.name_key.like(f"%{escaped}%", escape="\\"))
    return _read(connection, *where, limit=limit)


def of_domains(connection: Connection, viewer: Viewer, domains: list[str]) -> list[Organization]:
    """Visible organizations that have one of these mail domains."""
    if not domains:
        return []
    having = select(organization_domain.c.organization_id).where(
        organization_domain.c.project_id == viewer.project_id, organization_domain.c.domain.in_(domains)
    )
    return _read(connection, sees_organization(viewer), organization.c.id.in_(having))


def people(connection: Connection, viewer: Viewer, organization_id: int, after: int, limit: int) -> list[int]:
    """Ids of the visible contacts that belong to the organization, above `after`."""
    statement = select(contact.c.id).where(
        contact.c.organization_id == organization_id, contact.c.merged_into_id.is_(None), contact.c.id > after, sees_contact(viewer)
    )
    return [int(row) for row in connection.execute(statement.order_by(contact.c.id).limit(limit)).scalars()]


def _read(connection: Connection, *where: Any, limit: int = 200) -> list[Organization]:
    rows = list(connection.execute(select(organization).where(*where).order_by(organization.c.id).limit(limit)).mappings())
    domains: dict[int, list[str]] = {}
    if rows:
        having = organization_domain.c.organization_id.in_([row["id"] for row in rows])
        for row in connection.execute(select(organization_domain).where(having).order_by(organization_domain.c.domain)).mappings():
            domains.setdefault(row["organization_id"], []).append(row["domain"])
    return [
        Organization(row["id"], row["name"], tuple(domains.get(row["id"], ())), row["note"], row["created_by"], row["sla_policy_id"])
        for row in rows
    ]
