"""The ledger of raw items: each ends as stored, duplicate, quarantined or ignored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import FromClause, Label, and_, bindparam, func, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Connection

from contact_center.model.channels import RawItemRow
from contact_center.model.messages import RawItem
from contact_center.model.words import Fate
from contact_center.store.prepared import Prepared, Row
from contact_center.store.schema.channels import channel_account, raw_item

_INSERT = (
    upsert(raw_item)
    .values(
        {name: bindparam(name) for name in
         ("account_id", "provider_key", "sha256", "size", "envelope", "source_time", "received_at", "state")}
        | {"attempts": 0, "reason": ""}
    )
    .on_conflict_do_nothing()
    .returning(raw_item.c.id, raw_item.c.provider_key, sort_by_parameter_order=False)
)  # fmt: skip


def _twin(other: FromClause) -> Label[int]:
    same = and_(other.c.account_id == raw_item.c.account_id, other.c.sha256 == raw_item.c.sha256)
    # The state is hidden in a function, or SQLite goes through everything that the account has stored instead of these bytes.
    stored = and_(other.c.id != raw_item.c.id, func.coalesce(other.c.state, "") == Fate.STORED)
    return select(func.min(other.c.id)).where(same, stored).scalar_subquery().label("twin")


# SQLite takes the index of what is not settled only when the query says so in the index's own words: with bind parameters, or
# without this, it goes through everything that was ever received.
_UNSETTLED = raw_item.c.state.in_([literal_column(f"'{fate}'") for fate in (Fate.RECEIVED, Fate.QUARANTINED)])
_IN_FLIGHT = Prepared(
    select(raw_item, *(channel_account.c[name] for name in ("project_id", "queue_id", "kind", "options")))
    .join(channel_account)
    .where(_UNSETTLED, raw_item.c.state == Fate.RECEIVED, raw_item.c.id > bindparam("after"))
    .order_by(raw_item.c.id)
    .limit(bindparam("count"))
)
_CLAIM = Prepared(
    select(raw_item.c.id, raw_item.c.state, _twin(raw_item.alias()))
    .where(raw_item.c.id.in_(bindparam("item_ids", expanding=True)))
    .order_by(raw_item.c.id)
    .with_for_update(of=raw_item)
)
_SETTLE = Prepared(
    update(raw_item)
    .where(raw_item.c.id == bindparam("item_id"))
    .values(
        state=bindparam("new_state"),
        reason=bindparam("new_reason"),
        interaction_id=bindparam("new_interaction_id"),
        duplicate_of_id=bindparam("new_duplicate_of_id"),
        attempts=raw_item.c.attempts + 1,
    )
)


@dataclass(frozen=True, slots=True)
class Ending:
    """How an item ends: its fate, why, and what became of it."""

    fate: Fate
    reason: str = ""
    interaction_id: int | None = None
    duplicate_of: int | None = None


def add_all(connection: Connection, account_id: int, items: Sequence[RawItem], now: datetime) -> dict[str, int]:
    """Enter items whose blobs are stored; returns the new ones' ids by provider key, without those known already."""
    values = [
        {
            "account_id": account_id,
            "provider_key": item.provider_key,
            "sha256": item.sha256,
            "size": item.size,
            "envelope": item.envelope,
            "source_time": item.source_time,
            "received_at": now,
            "state": Fate.RECEIVED,
        }
        for item in items
    ]
    return {row.provider_key: row.id for row in connection.execute(_INSERT, values)} if values else {}


def known_keys(connection: Connection, account_id: int, keys: list[str]) -> set[str]:
    """Which of these provider keys are in the ledger."""
    statement = select(raw_item.c.provider_key).where(raw_item.c.account_id == account_id, raw_item.c.provider_key.in_(keys))
    return set(connection.execute(statement).scalars())


def in_flight(connection: Connection, after: int, limit: int) -> list[Row]:
    """Items received and not yet settled, oldest first, with the project, queue and kind of their account."""
    return _IN_FLIGHT.rows(connection, after=after, count=limit)


def claim(connection: Connection, item_ids: Sequence[int]) -> dict[int, tuple[Fate, int | None]]:
    """Each item's fate so far, and an item of the same account with the very same bytes that is stored already.

    Locks the items until the commit, in the order of their ids.
    """
    rows = _CLAIM.rows(connection, item_ids=list(item_ids))
    return {row["id"]: (Fate(row["state"]), row["twin"]) for row in rows}


def settle(connection: Connection, endings: dict[int, Ending]) -> None:
    """Give items their fates, by id."""
    values = [
        {
            "item_id": item_id,
            "new_state": ending.fate,
            "new_reason": ending.reason,
            "new_interaction_id": ending.interaction_id,
            "new_duplicate_of_id": ending.duplicate_of,
        }
        for item_id, ending in endings.items()
    ]
    if values:
        _SETTLE.run_all(connection, values)


def release(connection: Connection, item_id: int) -> bool:
    """Put a quarantined item back in flight; False when it is not quarantined."""
    statement = update(raw_item).where(raw_item.c.id == item_id, raw_item.c.state == Fate.QUARANTINED)
    return connection.execute(statement.values(state=Fate.RECEIVED, attempts=0)).rowcount == 1


def find(connection: Connection, item_id: int) -> Row | None:
    """An item with the project, queue and kind of its account."""
    statement = (
        select(raw_item, channel_account.c.project_id, channel_account.c.queue_id, channel_account.c.kind, channel_account.c.options)
        .join(channel_account)
        .where(raw_item.c.id == item_id)
    )
    return connection.execute(statement).mappings().one_or_none()


def of_interaction(connection: Connection, interaction_id: int) -> Row | None:
    """The item an entry was made from."""
    statement = select(raw_item).where(raw_item.c.interaction_id == interaction_id).order_by(raw_item.c.id).limit(1)
    return connection.execute(statement).mappings().one_or_none()


def all_of_interaction(connection: Connection, interaction_id: int) -> list[Row]:
    """Every item that told of an entry, the first first, with the project, queue and kind of their account."""
    statement = (
        select(raw_item, channel_account.c.project_id, channel_account.c.queue_id, channel_account.c.kind, channel_account.c.options)
        .join(channel_account)
        .where(raw_item.c.interaction_id == interaction_id, raw_item.c.state == Fate.STORED)
        .order_by(raw_item.c.id)
    )
    return list(connection.execute(statement).mappings())


def entries_of(connection: Connection, account_id: int, since: datetime | None, after: int, limit: int) -> list[int]:
    """Ids of entries made from items of an account, in the order of the ids, received since then."""
    where = [raw_item.c.account_id == account_id, raw_item.c.interaction_id > after]
    if since is not None:
        where.append(raw_item.c.received_at >= since)
    statement = select(raw_item.c.interaction_id).where(*where).distinct().order_by(raw_item.c.interaction_id).limit(limit)
    return list(connection.execute(statement).scalars())


def release_all(connection: Connection, project_id: int, queue_ids: tuple[int, ...] | None = None, account_id: int | None = None) -> int:
    """Put what is in quarantine back in flight, of these queues (None: of all) and this account; returns how many."""
    accounts = select(channel_account.c.id).where(channel_account.c.project_id == project_id)
    if queue_ids is not None:
        accounts = accounts.where(channel_account.c.queue_id.in_(queue_ids))
    if account_id is not None:
        accounts = accounts.where(channel_account.c.id == account_id)
    statement = update(raw_item).where(_UNSETTLED, raw_item.c.state == Fate.QUARANTINED, raw_item.c.account_id.in_(accounts))
    return int(connection.execute(statement.values(state=Fate.RECEIVED, attempts=0)).rowcount)


def newest(connection: Connection, account_id: int) -> datetime | None:
    """When the account last received anything; None if never."""
    last = [
        select(func.max(raw_item.c.id)).where(raw_item.c.account_id == account_id, raw_item.c.state == fate).scalar_subquery()
        for fate in Fate
    ]
    found = [row_id for row_id in connection.execute(select(*last)).one() if row_id is not None]
    return connection.execute(select(raw_item.c.received_at).where(raw_item.c.id == max(found))).scalar() if found else None


def books(connection: Connection, project_id: int | None = None) -> dict[int, dict[str, int]]:
    """Per channel account, of one project or of all, how many items have which fate. The sum of a row is what was received."""
    statement = select(raw_item.c.account_id, raw_item.c.state, func.count().label("items"))
    if project_id is not None:
        statement = statement.join(channel_account).where(channel_account.c.project_id == project_id)
    statement = statement.group_by(raw_item.c.account_id, raw_item.c.state)
    result: dict[int, dict[str, int]] = {}
    for row in connection.execute(statement):
        result.setdefault(row.account_id, {fate.value: 0 for fate in Fate})[row.state] = row.items
    return result


def stuck(connection: Connection, project_id: int) -> dict[int, int]:
    """How many items each channel account has in quarantine; accounts without any are left out."""
    statement = (
        select(raw_item.c.account_id, func.count().label("items"))
        .join(channel_account)
        .where(channel_account.c.project_id == project_id, raw_item.c.state == Fate.QUARANTINED)
        .group_by(raw_item.c.account_id)
    )
    return {row.account_id: row.items for row in connection.execute(statement)}


def quarantined(connection: Connection, project_id: int, queue_ids: tuple[int, ...] | None, before: int, limit: int) -> list[RawItemRow]:
    """Quarantined items, newest first, below id `before` (0: from the newest), of these queues (None: of all)."""
    where = [_UNSETTLED, channel_account.c.project_id == project_id, raw_item.c.state == Fate.QUARANTINED]
    if before:
        where.append(raw_item.c.id < before)
    if queue_ids is not None:
        where.append(channel_account.c.queue_id.in_(queue_ids))
    statement = select(raw_item).join(channel_account).where(and_(*where)).order_by(raw_item.c.id.desc()).limit(limit)
    return [as_row(row) for row in connection.execute(statement).mappings()]


def as_row(row: Row) -> RawItemRow:
    """The ledger row as people see it."""
    return RawItemRow(
        id=row["id"],
        account_id=row["account_id"],
        provider_key=row["provider_key"],
        size=row["size"],
        received_at=row["received_at"],
        state=Fate(row["state"]),
        attempts=row["attempts"],
        reason=row["reason"],
        interaction_id=row["interaction_id"],
    )
