"""Who may be the same person: the keys by which contacts are compared, and the pairs that share one.

Only contacts that share a key are ever compared, and a key that many share tells nothing and is left out, so the work
grows with the number of contacts and not with its square.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, bindparam, case, delete, func, insert, literal, or_, select, union_all
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Connection

from contact_center.model.people import Viewer
from contact_center.store.prepared import Prepared
from contact_center.store.schema.contacts import (
    contact,
    contact_claim,
    contact_distinct,
    contact_match_key,
    contact_match_shared,
    contact_point_link,
)
from contact_center.store.scope import sees_contact

BLOCK = 20  # a key that more contacts share is a common name or a switchboard
_MANY = 500  # keys that one statement names
CLAIM = "claim"
ORGANIZATION = "org"


_INSERT_KEY = Prepared(insert(contact_match_key).values({name: bindparam(name) for name in ("project_id", "key", "contact_id", "weight")}))
_COUNT_HOLDERS = Prepared(
    select(contact_match_key.c.key, func.count().label("holders"))
    .where(contact_match_key.c.project_id == bindparam("of_project"), contact_match_key.c.key.in_(bindparam("of_keys", expanding=True)))
    .group_by(contact_match_key.c.key)
    .having(func.count() > 1)
)
_FORGET_HOLDERS = Prepared(
    delete(contact_match_shared).where(
        contact_match_shared.c.project_id == bindparam("of_project"), contact_match_shared.c.key.in_(bindparam("of_keys", expanding=True))
    )
)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two contacts, the lower id first, and the kinds of key they share."""

    low_id: int
    high_id: int
    score: int
    kinds: tuple[str, ...]
    proven: bool
    """An address of one of them is verified."""


def set_keys(connection: Connection, project_id: int, contact_id: int, keys: Mapping[str, int], *, is_new: bool = False) -> None:
    """Compare the contact by exactly these keys, with what each is worth. A key begins with its kind and a colon."""
    before: set[str] = set()
    if not is_new:
        gone = delete(contact_match_key).where(contact_match_key.c.contact_id == contact_id).returning(contact_match_key.c.key)
        before = set(connection.execute(gone).scalars())
    rows = [{"project_id": project_id, "key": key, "contact_id": contact_id, "weight": weight} for key, weight in keys.items()]
    _INSERT_KEY.run_all(connection, rows)
    count_holders(connection, project_id, before ^ set(keys), only_gained=not before)


def count_holders(connection: Connection, project_id: int, keys: Iterable[str], *, only_gained: bool = False) -> None:
    """Note anew how many have each of these keys, after some contact got or lost it; `only_gained`: none was lost.

    Of a key that one contact has nothing is noted, and then there is nothing to take back either.
    """
    changed = sorted(keys)
    for start in range(0, len(changed), _MANY):
        some = changed[start : start + _MANY]
        now = _COUNT_HOLDERS.rows(connection, of_project=project_id, of_keys=some)
        if stale := [row["key"] for row in now] if only_gained else some:
            _FORGET_HOLDERS.run(connection, {"of_project": project_id, "of_keys": stale})
        if now:
            connection.execute(insert(contact_match_shared), [{"project_id": project_id, **row} for row in now])


def claim(connection: Connection, point_id: int, contact_id: int, now: datetime) -> None:
    """Note that the contact says a point of others is theirs."""
    values = {"point_id": point_id, "contact_id": contact_id, "claimed_at": now}
    connection.execute(upsert(contact_claim).values(values).on_conflict_do_nothing())


def pairs(
    connection: Connection, viewer: Viewer, weights: Mapping[str, int], *, of: int | None = None, least: int, limit: int
) -> list[Pair]:
    """Visible pairs that nobody dismissed, the highest score first; with `of`, those of one contact.

    `weights` holds what a shared claim (`CLAIM`) and a shared organization (`ORGANIZATION`) are worth, and under
    `unverified` what is taken off when no address of either is proven.
    """
    shared = _shared(viewer.project_id, weights[CLAIM], of).subquery()
    low, high = contact.alias("low"), contact.alias("high")
    proven = or_(_is_proven(shared.c.low_id), _is_proven(shared.c.high_id))
    together = and_(low.c.organization_id.is_not(None), low.c.organization_id == high.c.organization_id)
    score = shared.c.score + case((together, weights[ORGANIZATION]), else_=0) - case((proven, 0), else_=weights["unverified"])
    dismissed = select(contact_distinct.c.low_id).where(
        contact_distinct.c.low_id == shared.c.low_id, contact_distinct.c.high_id == shared.c.high_id
    )
    statement = (
        select(shared.c.low_id, shared.c.high_id, score.label("total"), together.label("together"), proven.label("proven"))
        .join(low, low.c.id == shared.c.low_id)
        .join(high, high.c.id == shared.c.high_id)
        .where(low.c.merged_into_id.is_(None), high.c.merged_into_id.is_(None), ~dismissed.exists(), score >= least)
        .where(sees_contact(viewer, low), sees_contact(viewer, high))
        .order_by(score.desc(), shared.c.low_id, shared.c.high_id)
        .limit(limit)
    )
    return [_pair(connection, row) for row in connection.execute(statement)]


def dismiss(connection: Connection, one_id: int, other_id: int, user_id: int | None, now: datetime) -> None:
    """Remember that these two are different people."""
    low, high = sorted((one_id, other_id))
    values = {"low_id": low, "high_id": high, "decided_by": user_id, "decided_at": now}
    connection.execute(upsert(contact_distinct).values(values).on_conflict_do_nothing())


def distinct_from(connection: Connection, contact_id: int) -> set[int]:
    """Contacts that somebody found to be other people than this one."""
    rows = connection.execute(
        select(contact_distinct.c.low_id, contact_distinct.c.high_id).where(
            or_(contact_distinct.c.low_id == contact_id, contact_distinct.c.high_id == contact_id)
        )
    )
    return {int(row.high_id if row.low_id == contact_id else row.low_id) for row in rows}


def forget_distinct(connection: Connection, contact_id: int, others: list[int]) -> None:
    """Take back that this contact and these are different people."""
    for other in others:
        low, high = sorted((contact_id, other))
        connection.execute(delete(contact_distinct).where(contact_distinct.c.low_id == low, contact_distinct.c.high_id == high))


def _shared(project_id: int, claim_weight: int, of: int | None) -> Select[Any]:
    """Pairs by what their shared keys and claims are worth together."""
    every = union_all(_by_key(project_id, of), _by_claim(project_id, claim_weight, of)).subquery()
    return select(every.c.low_id, every.c.high_id, func.sum(every.c.weight).label("score")).group_by(every.c.low_id, every.c.high_id)


def _by_key(project_id: int, of: int | None) -> Select[Any]:
    """Pairs by key: from the keys that a few share to whoever has them."""
    shared, one, other = contact_match_shared, contact_match_key.alias("one"), contact_match_key.alias("other")
    statement = (
        select(one.c.contact_id.label("low_id"), other.c.contact_id.label("high_id"), one.c.weight)
        .select_from(shared)
        .join(one, and_(one.c.project_id == shared.c.project_id, one.c.key == shared.c.key))
        .join(other, and_(other.c.project_id == shared.c.project_id, other.c.key == shared.c.key, other.c.contact_id > one.c.contact_id))
        .where(shared.c.project_id == project_id, shared.c.holders.between(2, BLOCK))
    )
    if of is None:
        return statement
    mine = select(contact_match_key.c.key).where(contact_match_key.c.contact_id == of)
    return statement.where(shared.c.key.in_(mine), or_(one.c.contact_id == of, other.c.contact_id == of))


def _by_claim(project_id: int, weight: int, of: int | None) -> Select[Any]:
    held = contact_point_link.alias()
    low = case((contact_claim.c.contact_id < held.c.contact_id, contact_claim.c.contact_id), else_=held.c.contact_id)
    high = case((contact_claim.c.contact_id < held.c.contact_id, held.c.contact_id), else_=contact_claim.c.contact_id)
    statement = (
        select(low.label("low_id"), high.label("high_id"), literal(weight).label("weight"))
        # The sum keeps a database without statistics from beginning with the links, of which there are as many as people.
        .join(held, and_(held.c.point_id == contact_claim.c.point_id + 0, held.c.contact_id != contact_claim.c.contact_id))
        .join(contact, contact.c.id == held.c.contact_id)
        .where(held.c.valid_to.is_(None), contact.c.project_id == project_id)
        .distinct()
    )
    return statement if of is None else statement.where(or_(contact_claim.c.contact_id == of, held.c.contact_id == of))


def _is_proven(contact_id: Any) -> Any:
    link = contact_point_link.alias()
    return select(link.c.id).where(link.c.contact_id == contact_id, link.c.valid_to.is_(None), link.c.verified_at.is_not(None)).exists()


def _pair(connection: Connection, row: Any) -> Pair:
    one, other = contact_match_key.alias(), contact_match_key.alias()
    same = (
        select(one.c.key)
        .join(other, other.c.key == one.c.key)
        # Nothing is said of the project: a database without statistics would read all its keys instead of these few.
        .where(one.c.contact_id == row.low_id, other.c.contact_id == row.high_id)
    )
    kinds = {key.partition(":")[0] for key in connection.execute(same).scalars()}
    kinds |= {CLAIM} if _has_claimed(connection, row.low_id, row.high_id) else set()
    kinds |= {ORGANIZATION} if row.together else set()
    return Pair(row.low_id, row.high_id, int(row.total), tuple(sorted(kinds)), bool(row.proven))


def _has_claimed(connection: Connection, low_id: int, high_id: int) -> bool:
    """Whether one of them said that a point of the other is theirs."""
    both, held = (low_id, high_id), contact_point_link.alias()
    statement = (
        select(contact_claim.c.point_id)
        .join(held, held.c.point_id == contact_claim.c.point_id)
        .where(contact_claim.c.contact_id.in_(both), held.c.contact_id.in_(both), held.c.contact_id != contact_claim.c.contact_id)
        .where(held.c.valid_to.is_(None))
    )
    return connection.execute(statement.limit(1)).first() is not None
