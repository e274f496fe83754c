"""The audit log: noted within the unit of work that does the thing, sealed and chained at its end.

Each entry's hash is made with a key that is not in the database, over the entry and the hash before it. The head, too, is
sealed: whoever can write to the database but has no key can neither change, drop, insert nor reorder entries, nor cut the
end off, without `audit_check.py` naming the place. Appending locks the head until the commit, so the chain has no forks.
"""

from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Connection, RowMapping

from contact_center.keys import Seal
from contact_center.model.acts import Act
from contact_center.model.audit import Action, AuditEntry, Subject
from contact_center.store.schema.access import employee, project
from contact_center.store.schema.audit import audit_entry, audit_head
from contact_center.store.types import as_stored, dump_json

_PENDING = "contact_center_audit"
_HEAD = select(audit_head.c.number, audit_head.c.hash, audit_head.c.seal).where(audit_head.c.id == 1)
_LOCK = _HEAD.with_for_update()
_MOVE = update(audit_head).where(audit_head.c.id == 1).values({name: bindparam(f"new_{name}") for name in ("number", "hash", "seal")})
_LAST = select(audit_entry.c.number, audit_entry.c.hash).order_by(audit_entry.c.number.desc()).limit(1)
_INSERT = insert(audit_entry).values({column.name: bindparam(column.name) for column in audit_entry.c})
_PEOPLE = select(employee.c.id, employee.c.project_id, employee.c.name, employee.c.email)
SEALED = ("number", "at", "project_id", "actor_id", "actor", "address", "action", "object_kind", "object_id", "detail")


def note(
    connection: Connection,
    act: Act,
    action: Action,
    kind: Subject,
    object_id: int | None = None,
    *,
    project_id: int | None = None,
    actor: str = "",
    **detail: Any,
) -> None:
    """Say what the open unit of work does; it is written if and when that commits.

    `detail` holds names of fields, numbers and states, never secrets and never what a customer or a colleague wrote.
    """
    connection.info.setdefault(_PENDING, []).append(
        {
            "at": act.now,
            "project_id": project_id,
            "actor_id": act.user_id,
            "actor": actor,
            "address": act.address,
            "action": action.value,
            "object_kind": kind.value,
            "object_id": object_id,
            "detail": detail,
        }
    )


def begin(connection: Connection) -> None:
    """A new unit begins; what one that failed had noted is forgotten."""
    connection.info.pop(_PENDING, None)


def flush(connection: Connection, seal: Seal | None) -> None:
    """Number, chain and write what the unit noted. Nobody else appends until it has committed."""
    rows: list[dict[str, Any]] | None = connection.info.pop(_PENDING, None)
    if not rows:
        return
    if seal is None:
        raise RuntimeError("this store has no key for the audit log")
    _name(connection, rows)
    number, last = lock(connection, seal, rows)
    for row in rows:
        number += 1
        row |= as_stored(row) | {"number": number, "detail": orjson.loads(dump_json(row["detail"]))}
        last = row["hash"] = seal.make(canonical(row, last))
    connection.execute(_INSERT, rows)
    connection.execute(_MOVE, {"new_number": number, "new_hash": last, "new_seal": seal.make(head_text(number, last))})


def lock(connection: Connection, seal: Seal, rows: list[dict[str, Any]]) -> tuple[int, str]:
    """Number and hash of the newest entry, held until the commit. A head that is not ours is told by an entry of its own."""
    head = connection.execute(_LOCK).mappings().one_or_none()
    if head is None:
        head = _restore_head(connection, seal)
    if not seal.holds(head_text(head["number"], head["hash"]), head["seal"]):
        known = {"known_key": seal.knows(head["seal"]), "after": head["number"]}
        told = {"project_id": rows[0]["project_id"], "actor_id": None, "actor": "", "address": "", "object_id": None, "detail": known}
        rows.insert(0, told | {"at": rows[0]["at"], "action": Action.LOG_ALTERED.value, "object_kind": Subject.INSTANCE.value})
        # The next number must be free, whatever the head says.
        last = connection.execute(_LAST).mappings().one_or_none()
        return (last["number"], last["hash"]) if last else (0, "")
    return head["number"], head["hash"]


def head_text(number: int, last: str) -> bytes:
    """What the seal of the head is made over."""
    return orjson.dumps(["head", number, last])


def canonical(row: Any, previous: str) -> bytes:
    """What an entry's hash is made over: all of it, and the hash before."""
    values = [row[name] for name in SEALED]
    values[1] = values[1].astimezone(UTC).isoformat(timespec="microseconds")
    return orjson.dumps([*values, previous], option=orjson.OPT_SORT_KEYS)


def head(connection: Connection) -> RowMapping | None:
    """number, hash and seal of the head; None before the first entry."""
    return connection.execute(_HEAD).mappings().one_or_none()


def rows_after(connection: Connection, number: int, count: int) -> list[RowMapping]:
    """Whole rows above `number`, in order."""
    statement = select(audit_entry).where(audit_entry.c.number > number).order_by(audit_entry.c.number).limit(count)
    return list(connection.execute(statement).mappings())


def page(
    connection: Connection,
    project_id: int,
    *,
    actor_id: int | None = None,
    action: Action | None = None,
    kind: Subject | None = None,
    object_ids: list[int] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int = 0,
    limit: int = 50,
) -> list[AuditEntry]:
    """Entries below the number `before` (0: from the newest), newest first."""
    entry = audit_entry.c
    statement = select(audit_entry).where(entry.project_id == project_id).order_by(entry.number.desc()).limit(limit)
    wanted = ((entry.actor_id, actor_id), (entry.action, action), (entry.object_kind, kind))
    for column, value in wanted:
        statement = statement.where(column == value) if value is not None else statement
    if object_ids is not None:
        statement = statement.where(entry.object_id.in_(object_ids))
    if since is not None:
        statement = statement.where(entry.at >= since)
    if until is not None:
        statement = statement.where(entry.at < until)
    if before:
        statement = statement.where(entry.number < before)
    return [as_entry(row) for row in connection.execute(statement).mappings()]


def as_entry(row: RowMapping) -> AuditEntry:
    """The entry without its seal."""
    return AuditEntry(
        number=row["number"],
        at=row["at"],
        actor_id=row["actor_id"],
        actor=row["actor"],
        address=row["address"],
        action=Action(row["action"]),
        object_kind=Subject(row["object_kind"]),
        object_id=row["object_id"],
        detail=row["detail"],
    )


def opened_since(connection: Connection, user_id: int, contact_id: int, since: datetime) -> bool:
    """Whether it is noted already that the employee opened the contact."""
    entry = audit_entry.c
    statement = (
        select(entry.at)
        .where(entry.object_kind == Subject.CONTACT, entry.object_id == contact_id)
        .where(entry.action == Action.CONTACT_OPENED, entry.actor_id == user_id)
        .order_by(entry.number.desc())
        .limit(1)
    )
    at = connection.execute(statement).scalar()
    return at is not None and at > since


def _restore_head(connection: Connection, seal: Seal) -> RowMapping:
    """A head for an empty log, or for one that lost it: then without a seal, so that it is told."""
    last = connection.execute(_LAST).mappings().one_or_none()
    values = {"number": last["number"], "hash": last["hash"], "seal": ""} if last else {"number": 0, "hash": "", "seal": ""}
    if last is None:
        values["seal"] = seal.make(head_text(0, ""))
    connection.execute(upsert(audit_head).values(id=1, **values).on_conflict_do_nothing())
    return connection.execute(_LOCK).mappings().one()


def _name(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Who they were at this moment, and whose project it is; what nobody did who is known belongs to the first."""
    wanted = {row["actor_id"] for row in rows} - {None}
    people = {row["id"]: row for row in connection.execute(_PEOPLE.where(employee.c.id.in_(wanted))).mappings()} if wanted else {}
    first: int | None = None
    for row in rows:
        person = people.get(row["actor_id"])
        if person is not None:
            row["actor"] = f"{person['name']} <{person['email']}>"
            row["project_id"] = row["project_id"] or person["project_id"]
        if row["project_id"] is None:
            first = first or connection.execute(select(func.min(project.c.id))).scalar()
            row["project_id"] = first
