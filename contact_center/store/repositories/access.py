"""Employees, queues and grants, sessions, API tokens, invitations, idempotency keys."""

from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Connection

from contact_center.model.people import Queue, StandIn, User, Viewer
from contact_center.model.words import Role
from contact_center.store.prepared import Prepared, Row
from contact_center.store.repositories import serving
from contact_center.store.schema.access import (
    api_token,
    employee,
    idempotency,
    invitation,
    project,
    queue,
    queue_grant,
    session,
)

_SESSION = (
    select(session, employee.c.project_id, employee.c.role, employee.c.disabled_at)
    .join(employee)
    .where(session.c.token_hash == bindparam("token_hash"))
)
_TOKEN = (
    select(api_token, employee.c.project_id, employee.c.role, employee.c.disabled_at)
    .join(employee)
    .where(api_token.c.token_hash == bindparam("token_hash"))
)
_GRANTS = select(queue_grant.c.queue_id).where(queue_grant.c.employee_id == bindparam("employee_id"))
_CONFIDENTIAL = select(queue.c.id).where(queue.c.project_id == bindparam("project_id"), queue.c.confidential)


# Projects and queues.

_CREDENTIALS = Prepared(select(employee).where(employee.c.email == bindparam("email")))


def first_project(connection: Connection) -> int | None:
    """The id of the oldest project, None in an empty database."""
    return connection.execute(select(func.min(project.c.id))).scalar_one()


def add_project(connection: Connection, slug: str, name: str) -> int:
    """Make a project; returns its id."""
    return _id(connection.execute(insert(project).values(slug=slug, name=name, next_ticket_number=1).returning(project.c.id)))


def take_ticket_number(connection: Connection, project_id: int) -> int:
    """The next free ticket number of the project. Serialises with other takers until the commit."""
    taken = _TAKE_NUMBER.scalar(connection, project=project_id)
    return int(taken) - 1


_TAKE_NUMBER = Prepared(
    update(project)
    .where(project.c.id == bindparam("project"))
    .values(next_ticket_number=project.c.next_ticket_number + 1)
    .returning(project.c.next_ticket_number)
)


def queues(connection: Connection, project_id: int) -> list[Queue]:
    """All queues of a project, by name."""
    rows = connection.execute(select(queue).where(queue.c.project_id == project_id).order_by(queue.c.name, queue.c.id))
    return [_queue(row) for row in rows]


def find_queue(connection: Connection, project_id: int, queue_id: int) -> Queue | None:
    """One queue of the project."""
    row = connection.execute(select(queue).where(queue.c.id == queue_id, queue.c.project_id == project_id)).one_or_none()
    return _queue(row) if row else None


def project_of_queue(connection: Connection, queue_id: int) -> int:
    """Which project a queue belongs to."""
    return int(connection.execute(select(queue.c.project_id).where(queue.c.id == queue_id)).scalar_one())


def queue_name_taken(connection: Connection, project_id: int, name: str, besides: int | None = None) -> bool:
    """Whether another queue of the project bears this name."""
    found = connection.execute(select(queue.c.id).where(queue.c.project_id == project_id, queue.c.name == name)).scalar()
    return found is not None and found != besides


def add_queue(connection: Connection, project_id: int, name: str, confidential: bool, now: datetime, calendar_id: int | None = None) -> int:
    """Make a queue; returns its id."""
    values = {"project_id": project_id, "name": name, "confidential": confidential, "created_at": now, "calendar_id": calendar_id}
    return _id(connection.execute(insert(queue).values(values).returning(queue.c.id)))


def change_queue(connection: Connection, queue_id: int, **values: Any) -> None:
    """Set columns of a queue."""
    connection.execute(update(queue).where(queue.c.id == queue_id).values(values))


# Employees.


def add_user(connection: Connection, project_id: int, email: str, name: str, role: Role, password_hash: str | None, now: datetime) -> int:
    """Make an employee; returns the id."""
    statement = insert(employee).values(
        project_id=project_id, email=email, name=name, role=role, password_hash=password_hash, created_at=now
    )
    return _id(connection.execute(statement.returning(employee.c.id)))


def change_user(connection: Connection, user_id: int, **values: Any) -> None:
    """Set columns of an employee."""
    connection.execute(update(employee).where(employee.c.id == user_id).values(values))


def users(connection: Connection, project_id: int) -> list[User]:
    """All employees of a project, by name, with their grants."""
    grants: dict[int, list[int]] = {}
    for row in connection.execute(select(queue_grant).join(employee).where(employee.c.project_id == project_id)):
        grants.setdefault(row.employee_id, []).append(row.queue_id)
    rows = connection.execute(select(employee).where(employee.c.project_id == project_id).order_by(employee.c.name, employee.c.id))
    people = list(rows.mappings())
    moved = serving.stand_ins(connection, (row["id"] for row in people))
    return [_user(row, tuple(sorted(grants.get(row["id"], ()))), moved.get(row["id"], ())) for row in people]


def find_user(connection: Connection, project_id: int, user_id: int) -> User | None:
    """One employee of the project."""
    return next((user for user in users(connection, project_id) if user.id == user_id), None)


def credentials(connection: Connection, email: str) -> Row | None:
    """id, project_id, role, password_hash and disabled_at of the employee with this address."""
    return _CREDENTIALS.row(connection, email=email)


def password_hash(connection: Connection, user_id: int) -> str | None:
    """The stored hash, None while no password was set."""
    return connection.execute(select(employee.c.password_hash).where(employee.c.id == user_id)).scalar_one()


def active_admins(connection: Connection, project_id: int) -> int:
    """How many admins can still log in."""
    statement = select(func.count()).where(
        employee.c.project_id == project_id, employee.c.role == Role.ADMIN, employee.c.disabled_at.is_(None)
    )
    return int(connection.execute(statement).scalar_one())


def grants(connection: Connection, user_id: int) -> list[int]:
    """The queues granted to this employee for good."""
    return list(connection.execute(_GRANTS, {"employee_id": user_id}).scalars())


def set_grants(connection: Connection, user_id: int, queue_ids: list[int]) -> None:
    """Grant exactly these queues."""
    connection.execute(delete(queue_grant).where(queue_grant.c.employee_id == user_id))
    if queue_ids:
        connection.execute(insert(queue_grant), [{"employee_id": user_id, "queue_id": q} for q in sorted(set(queue_ids))])


def viewer(
    connection: Connection,
    user_id: int,
    project_id: int,
    role: str,
    *,
    session_id: int | None = None,
    scopes: tuple[str, ...] | None = None,
    now: datetime | None = None,
) -> Viewer:
    """The viewer with the grants of this moment. Where they stand in ends at its very second if `now` is given."""
    granted = tuple(connection.execute(_GRANTS, {"employee_id": user_id}).scalars())
    moved = serving.stand_ins(connection, (user_id,), now).get(user_id, ())
    granted += tuple(each.queue_id for each in moved if each.queue_id not in granted)
    hidden: tuple[int, ...] = ()
    if role != Role.ADMIN:
        confidential = connection.execute(_CONFIDENTIAL, {"project_id": project_id}).scalars()
        hidden = tuple(queue_id for queue_id in confidential if queue_id not in granted)
    return Viewer(
        user_id=user_id,
        project_id=project_id,
        role=Role(role),
        queue_ids=granted,
        hidden_queue_ids=hidden,
        session_id=session_id,
        scopes=scopes,
        until=min((each.until for each in moved), default=None),
    )


def viewer_of_user(connection: Connection, user_id: int, now: datetime | None = None) -> Viewer | None:
    """The viewer an active employee is, None when disabled or unknown."""
    row = connection.execute(select(employee).where(employee.c.id == user_id, employee.c.disabled_at.is_(None))).one_or_none()
    return viewer(connection, row.id, row.project_id, row.role, now=now) if row else None


def user_names(connection: Connection) -> dict[int, str]:
    """Names of all employees by id."""
    return {int(row.id): str(row.name) for row in connection.execute(select(employee.c.id, employee.c.name))}


# Sessions and API tokens.


def add_session(connection: Connection, /, **values: Any) -> int:
    """Store a session; returns its id."""
    return _id(connection.execute(insert(session).values(values).returning(session.c.id)))


def find_session(connection: Connection, token_hash: str) -> Row | None:
    """A session with its employee's project, role and disabled_at, whatever its state."""
    return connection.execute(_SESSION, {"token_hash": token_hash}).mappings().one_or_none()


def touch_session(connection: Connection, session_id: int, now: datetime) -> None:
    """Note that the session was used."""
    connection.execute(update(session).where(session.c.id == session_id).values(last_seen_at=now))


def sessions(connection: Connection, user_id: int, now: datetime) -> list[Row]:
    """Live sessions of an employee, the latest used first."""
    statement = (
        select(session)
        .where(session.c.employee_id == user_id, session.c.revoked_at.is_(None), session.c.expires_at > now)
        .order_by(session.c.last_seen_at.desc())
    )
    return list(connection.execute(statement).mappings())


def revoke_sessions(connection: Connection, user_id: int, now: datetime, *, only: int | None = None, keep: int | None = None) -> list[int]:
    """End sessions of an employee: one (`only`), or all (but `keep`). Returns the ids ended."""
    statement = update(session).where(session.c.employee_id == user_id, session.c.revoked_at.is_(None))
    if only is not None:
        statement = statement.where(session.c.id == only)
    if keep is not None:
        statement = statement.where(session.c.id != keep)
    return list(connection.execute(statement.values(revoked_at=now).returning(session.c.id)).scalars())


def add_api_token(connection: Connection, **values: Any) -> int:
    """Store an API token; returns its id."""
    return _id(connection.execute(insert(api_token).values(values).returning(api_token.c.id)))


def find_api_token(connection: Connection, token_hash: str) -> Row | None:
    """A token with its employee's project, role and disabled_at, whatever its state."""
    return connection.execute(_TOKEN, {"token_hash": token_hash}).mappings().one_or_none()


def touch_api_token(connection: Connection, token_id: int, now: datetime) -> None:
    """Note that the token was used."""
    connection.execute(update(api_token).where(api_token.c.id == token_id).values(last_used_at=now))


def api_tokens(connection: Connection, user_id: int) -> list[Row]:
    """Tokens of an employee that were not revoked, the newest first."""
    statement = select(api_token).where(api_token.c.employee_id == user_id, api_token.c.revoked_at.is_(None))
    return list(connection.execute(statement.order_by(api_token.c.id.desc())).mappings())


def revoke_api_token(connection: Connection, user_id: int, token_id: int, now: datetime) -> bool:
    """End a token of the employee; False when there is none."""
    statement = update(api_token).where(api_token.c.id == token_id, api_token.c.employee_id == user_id, api_token.c.revoked_at.is_(None))
    return connection.execute(statement.values(revoked_at=now)).rowcount == 1


# Invitations: the first log-in, new employees, forgotten passwords.


def add_invitation(connection: Connection, token_hash: str, employee_id: int | None, expires_at: datetime) -> None:
    """Store a one-time link; without an employee it makes the first administrator."""
    unused = invitation.c.used_at.is_(None)
    same = invitation.c.employee_id == employee_id if employee_id is not None else invitation.c.employee_id.is_(None)
    connection.execute(delete(invitation).where(and_(unused, same)))
    connection.execute(insert(invitation).values(token_hash=token_hash, employee_id=employee_id, expires_at=expires_at))


def find_invitation(connection: Connection, token_hash: str, now: datetime) -> Row | None:
    """The invitation, if it is neither used nor expired."""
    statement = select(invitation).where(
        invitation.c.token_hash == token_hash, invitation.c.used_at.is_(None), invitation.c.expires_at > now
    )
    return connection.execute(statement).mappings().one_or_none()


def use_invitation(connection: Connection, token_hash: str, now: datetime) -> Row | None:
    """Spend the invitation; None when it was spent, expired or never existed. Two racers: one wins."""
    statement = (
        update(invitation)
        .where(invitation.c.token_hash == token_hash, invitation.c.used_at.is_(None), invitation.c.expires_at > now)
        .values(used_at=now)
        .returning(invitation.c.id, invitation.c.employee_id)
    )
    return connection.execute(statement).mappings().one_or_none()


# Idempotency keys.


def claim_key(connection: Connection, user_id: int, key: str, request_hash: str, now: datetime) -> Row | None:
    """Claim a key for a request; returns the earlier claim if there is one, else None: the caller goes on."""
    statement = upsert(idempotency).values(employee_id=user_id, key=key, request_hash=request_hash, created_at=now)
    if connection.execute(statement.on_conflict_do_nothing()).rowcount == 1:
        return None
    mine = and_(idempotency.c.employee_id == user_id, idempotency.c.key == key)
    return connection.execute(select(idempotency).where(mine)).mappings().one()


def settle_key(connection: Connection, user_id: int, key: str, status: int, body: str) -> None:
    """Keep the answer, so that a repetition of the request gets it again."""
    mine = and_(idempotency.c.employee_id == user_id, idempotency.c.key == key)
    connection.execute(update(idempotency).where(mine).values(status=status, body=body))


def release_key(connection: Connection, user_id: int, key: str) -> None:
    """Give a key back after the request failed without an effect."""
    mine = and_(idempotency.c.employee_id == user_id, idempotency.c.key == key)
    connection.execute(delete(idempotency).where(mine))


def follow_up_days(connection: Connection, queue_id: int) -> int | None:
    """For how long answers reopen tickets of a queue, if it says so."""
    return connection.execute(select(queue.c.follow_up_days).where(queue.c.id == queue_id)).scalar()


def wants_handover(connection: Connection, queue_id: int) -> bool:
    """Whether whoever passes a ticket of the queue on must leave a note."""
    return bool(connection.execute(select(queue.c.wants_handover).where(queue.c.id == queue_id)).scalar())


def forget_old(connection: Connection, now: datetime, keys_before: datetime) -> None:
    """Drop what no longer matters: settled keys, dead sessions, spent invitations."""
    connection.execute(delete(idempotency).where(idempotency.c.created_at < keys_before))
    connection.execute(delete(session).where(or_(session.c.expires_at < keys_before, session.c.revoked_at < keys_before)))
    connection.execute(delete(invitation).where(invitation.c.expires_at < now))


def _queue(row: Any) -> Queue:
    return Queue(**{column.name: row._mapping[column] for column in queue.c if column.name not in ("project_id", "created_at")})


def _user(row: Row, granted: tuple[int, ...], stand_ins: tuple[StandIn, ...]) -> User:
    return User(
        id=row["id"],
        name=row["name"],
        email=row["email"],
        role=Role(row["role"]),
        disabled=row["disabled_at"] is not None,
        queue_ids=granted,
        has_password=row["password_hash"] is not None,
        stand_ins=stand_ins,
    )


def _id(result: Any) -> int:
    return int(result.scalar_one())
