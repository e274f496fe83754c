"""Contact reasons and dispositions."""

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Connection

from contact_center.model.shift import ContactReason, Disposition
from contact_center.store.schema.handling import contact_reason, disposition


def reasons(connection: Connection, project_id: int) -> list[ContactReason]:
    """Every contact reason of the project, by name, retired ones too."""
    rows = connection.execute(select(contact_reason).where(contact_reason.c.project_id == project_id).order_by(contact_reason.c.name))
    return [ContactReason(row.id, row.name, row.parent_id, row.retired_at is not None) for row in rows]


def add_reason(connection: Connection, project_id: int, name: str, parent_id: int | None) -> int | None:
    """Make a reason; None when there is one of this name beside it."""
    values = {"project_id": project_id, "name": name, "parent_id": parent_id}
    return connection.execute(upsert(contact_reason).values(values).on_conflict_do_nothing().returning(contact_reason.c.id)).scalar()


def change_reason(connection: Connection, reason_id: int, **values: object) -> None:
    """Set columns of a reason."""
    connection.execute(update(contact_reason).where(contact_reason.c.id == reason_id).values(values))


def is_reason(connection: Connection, project_id: int, reason_id: int) -> bool:
    """Whether this can be chosen: it is a reason of the project, and neither it nor one above it is retired."""
    known = {reason.id: reason for reason in reasons(connection, project_id)}
    at: int | None = reason_id
    while at is not None:
        reason = known.get(at)
        if reason is None or reason.retired:
            return False
        at = reason.parent_id
    return True


def dispositions(connection: Connection, project_id: int) -> list[Disposition]:
    """Every disposition of the project, by name, retired ones too."""
    rows = connection.execute(select(disposition).where(disposition.c.project_id == project_id).order_by(disposition.c.name))
    return [Disposition(row.id, row.name, row.retired_at is not None) for row in rows]


def add_disposition(connection: Connection, project_id: int, name: str) -> int | None:
    """Make a disposition; None when there is one of this name."""
    statement = upsert(disposition).values(project_id=project_id, name=name).on_conflict_do_nothing().returning(disposition.c.id)
    return connection.execute(statement).scalar()


def change_disposition(connection: Connection, disposition_id: int, **values: object) -> None:
    """Set columns of a disposition."""
    connection.execute(update(disposition).where(disposition.c.id == disposition_id).values(values))


def is_disposition(connection: Connection, project_id: int, disposition_id: int) -> bool:
    """Whether this can be chosen."""
    statement = select(disposition.c.id).where(
        disposition.c.id == disposition_id, disposition.c.project_id == project_id, disposition.c.retired_at.is_(None)
    )
    return connection.execute(statement).first() is not None
