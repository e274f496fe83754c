"""Webhook endpoints and the messages to them: planned once, leased one at a time for each endpoint, settled after."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Connection, RowMapping

from contact_center.model.webhooks import DeliveryState, WebhookDelivery, WebhookEndpoint
from contact_center.store.prepared import Row
from contact_center.store.repositories.outbox import sender_lease
from contact_center.store.schema.channels import lease
from contact_center.store.schema.journal import journal
from contact_center.store.schema.webhooks import webhook_delivery, webhook_endpoint

_ENDPOINT, _MESSAGE = webhook_endpoint.c, webhook_delivery.c
# Written into the statement, so that SQLite knows the partial index fits.
_PENDING = _MESSAGE.state == literal(DeliveryState.PENDING.value, literal_execute=True)
_ENDED = (DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.WITHHELD)


LOOK_AHEAD = 50  # messages at the head of a line that are looked at one by one


# Endpoints.


def endpoints(connection: Connection, project_id: int) -> list[WebhookEndpoint]:
    """The endpoints of a project."""
    statement = select(webhook_endpoint).where(_ENDPOINT.project_id == project_id).order_by(_ENDPOINT.id)
    return [as_endpoint(row) for row in connection.execute(statement).mappings()]


def find(connection: Connection, endpoint_id: int, project_id: int | None = None) -> RowMapping | None:
    """One endpoint, with its encrypted secrets."""
    statement = select(webhook_endpoint).where(_ENDPOINT.id == endpoint_id)
    if project_id is not None:
        statement = statement.where(_ENDPOINT.project_id == project_id)
    return connection.execute(statement).mappings().one_or_none()


def add(connection: Connection, **values: Any) -> int:
    """Make an endpoint; returns its id."""
    values = {"stopped_because": "", "enabled": True} | values
    return int(connection.execute(insert(webhook_endpoint).values(values).returning(_ENDPOINT.id)).scalar_one())


def change(connection: Connection, endpoint_id: int, **values: Any) -> None:
    """Set columns of an endpoint."""
    connection.execute(update(webhook_endpoint).where(_ENDPOINT.id == endpoint_id).values(values))


def remove(connection: Connection, endpoint_id: int) -> None:
    """Delete an endpoint and everything that was or is to be sent to it."""
    connection.execute(delete(webhook_delivery).where(_MESSAGE.endpoint_id == endpoint_id))
    connection.execute(delete(webhook_endpoint).where(_ENDPOINT.id == endpoint_id))


def all_secrets(connection: Connection) -> list[RowMapping]:
    """Ids and encrypted secrets of all endpoints."""
    return list(connection.execute(select(_ENDPOINT.id, _ENDPOINT.secret, _ENDPOINT.earlier_secret)).mappings())


def behind(connection: Connection) -> list[int]:
    """Enabled endpoints for which the journal holds something new."""
    horizon = select(func.max(journal.c.seq)).scalar_subquery()
    return list(connection.execute(select(_ENDPOINT.id).where(_ENDPOINT.enabled, _ENDPOINT.cursor < horizon)).scalars())


def advance(connection: Connection, endpoint: Row, upto: int, rows: list[dict[str, Any]]) -> bool:
    """Store the messages of the events up to a number, if the endpoint still stands, and may hear, as when they were read."""
    endpoint_id = endpoint["id"]
    unchanged = (_ENDPOINT.cursor == endpoint["cursor"], _ENDPOINT.confidential == endpoint["confidential"])
    statement = update(webhook_endpoint).where(_ENDPOINT.id == endpoint_id, _ENDPOINT.enabled, *unchanged)
    if connection.execute(statement.values(cursor=upto)).rowcount != 1:
        return False
    if rows:
        values = [row | {"endpoint_id": endpoint_id} | _FRESH for row in rows]
        connection.execute(upsert(webhook_delivery).on_conflict_do_nothing(), values)
    return True


# Messages.

_FRESH: dict[str, Any] = {"state": DeliveryState.PENDING, "attempts": 0, "last_error": "", "ended_at": None}


def add_test(connection: Connection, endpoint_id: int, message_id: str, message_type: str, payload: str, now: datetime) -> int:
    """Store a test message; returns its id."""
    values = {"message_id": message_id, "type": message_type, "payload": payload, "created_at": now, "next_attempt_at": now}
    statement = insert(webhook_delivery).values(values | {"endpoint_id": endpoint_id} | _FRESH)
    return int(connection.execute(statement.returning(_MESSAGE.id)).scalar_one())


def due(connection: Connection) -> dict[int, datetime]:
    """Endpoints that something waits for, and when the next of it may be sent."""
    first = select(func.min(_MESSAGE.next_attempt_at)).where(_MESSAGE.endpoint_id == _ENDPOINT.id, _PENDING)
    tests = first.where(_MESSAGE.seq.is_(None)).scalar_subquery()
    statement = select(_ENDPOINT.id, _ENDPOINT.enabled, _ENDPOINT.hold_until, first.scalar_subquery().label("first"), tests.label("test"))
    found: dict[int, datetime] = {}
    for row in connection.execute(statement):
        times = [row.test] if row.test is not None else []
        if row.enabled and row.first is not None:
            times.append(max(row.first, row.hold_until) if row.hold_until else row.first)
        if times:
            found[row.id] = min(times)
    return found


def lease_next(connection: Connection, endpoint_id: int, holder: str, now: datetime) -> RowMapping | None:
    """Lease the endpoint's next message: one at a time, the smallest number first, tests before all.

    None when nothing is due, when the head of the line is waiting, or when another process is just sending to it.
    """
    # The endpoint's lock makes one line of all processes that send to it.
    endpoint = connection.execute(select(webhook_endpoint).where(_ENDPOINT.id == endpoint_id).with_for_update()).mappings().one_or_none()
    if endpoint is None:
        return None
    found = _first_due(connection, endpoint_id, now, _MESSAGE.seq.is_(None))
    if found is None:
        held = endpoint["hold_until"] is not None and endpoint["hold_until"] > now
        if held or not endpoint["enabled"] or _is_busy(connection, endpoint_id):
            return None
        found = _first_due(connection, endpoint_id, now, _MESSAGE.seq.is_not(None))
    if found is None:
        return None
    values = {"state": DeliveryState.LEASED, "lease_holder": holder, "attempts": _MESSAGE.attempts + 1}
    taken = update(webhook_delivery).where(_MESSAGE.id == found).values(values).returning(webhook_delivery)
    return connection.execute(taken).mappings().one()


def _first_due(connection: Connection, endpoint_id: int, now: datetime, kind: ColumnElement[bool]) -> int | None:
    """The id of the first message of the line that may be sent. Looked for in the line's own order, which an index holds:
    to sort all that is due would cost more with every message that waits."""
    line = select(_MESSAGE.id, _MESSAGE.next_attempt_at).where(_MESSAGE.endpoint_id == endpoint_id, _PENDING, kind)
    line = line.order_by(_MESSAGE.endpoint_id, _MESSAGE.seq)
    first = connection.execute(line.limit(LOOK_AHEAD)).all()
    for row in first:
        if row.next_attempt_at <= now:
            return int(row.id)
    if len(first) < LOOK_AHEAD:
        return None
    found = connection.execute(line.where(_MESSAGE.next_attempt_at <= now).limit(1)).first()
    return None if found is None else int(found.id)


def _is_busy(connection: Connection, endpoint_id: int) -> bool:
    """Whether some process is just sending to the endpoint. Few rows are leased at any moment: all are looked at."""
    leased = select(_MESSAGE.endpoint_id, _MESSAGE.seq).where(_MESSAGE.lease_holder.is_not(None))
    return any(row.endpoint_id == endpoint_id and row.seq is not None for row in connection.execute(leased))


def holds(connection: Connection, row: Row) -> bool:
    """Whether the lease is still the very one that was taken; locks the message until the commit."""
    statement = select(_MESSAGE.id).where(
        _MESSAGE.id == row["id"],
        _MESSAGE.state == DeliveryState.LEASED,
        _MESSAGE.lease_holder == row["lease_holder"],
        _MESSAGE.attempts == row["attempts"],
    )
    return connection.execute(statement.with_for_update()).scalar() is not None


def change_delivery(connection: Connection, delivery_id: int, **values: Any) -> None:
    """Set columns of a message."""
    connection.execute(update(webhook_delivery).where(_MESSAGE.id == delivery_id).values(values))


def release_orphans(connection: Connection, now: datetime) -> int:
    """Put back what a dead process was sending: it may have arrived, and goes out again under the same id."""
    alive = select(lease.c.name).where(lease.c.name == sender_lease(_MESSAGE.lease_holder), lease.c.expires_at > now).exists()
    statement = update(webhook_delivery).where(_MESSAGE.lease_holder.is_not(None), _MESSAGE.state == DeliveryState.LEASED, ~alive)
    return connection.execute(statement.values(state=DeliveryState.PENDING, lease_holder=None, next_attempt_at=now)).rowcount


def has_orphans(connection: Connection, now: datetime) -> bool:
    """Whether a dead process left something behind, asked before anything is written."""
    alive = select(lease.c.name).where(lease.c.name == sender_lease(_MESSAGE.lease_holder), lease.c.expires_at > now).exists()
    statement = select(_MESSAGE.id).where(_MESSAGE.lease_holder.is_not(None), _MESSAGE.state == DeliveryState.LEASED, ~alive)
    return connection.execute(statement.limit(1)).scalar() is not None


def find_delivery(connection: Connection, endpoint_id: int, delivery_id: int) -> RowMapping | None:
    """One message of an endpoint."""
    statement = select(webhook_delivery).where(_MESSAGE.endpoint_id == endpoint_id, _MESSAGE.id == delivery_id)
    return connection.execute(statement).mappings().one_or_none()


def deliveries(connection: Connection, endpoint_id: int, state: DeliveryState | None, before: int, limit: int) -> list[RowMapping]:
    """Messages of an endpoint, newest first."""
    statement = select(webhook_delivery).where(_MESSAGE.endpoint_id == endpoint_id)
    if state is not None:
        statement = statement.where(_MESSAGE.state == state)
    if before:
        statement = statement.where(_MESSAGE.id < before)
    return list(connection.execute(statement.order_by(_MESSAGE.id.desc()).limit(limit)).mappings())


def again_failed(connection: Connection, endpoint_id: int, since: datetime, now: datetime) -> int:
    """Let everything that failed since then be sent once more; returns how much."""
    failed = (_MESSAGE.endpoint_id == endpoint_id, _MESSAGE.state == DeliveryState.FAILED, _MESSAGE.ended_at >= since)
    statement = update(webhook_delivery).where(*failed, _MESSAGE.seq.is_not(None))
    return connection.execute(statement.values(_FRESH | {"next_attempt_at": now})).rowcount


def again(connection: Connection, delivery_id: int, now: datetime, payload: str | None = None) -> None:
    """Let a message be sent once more from the beginning, under the same id."""
    values = _FRESH | {"next_attempt_at": now} | ({"payload": payload} if payload is not None else {})
    connection.execute(update(webhook_delivery).where(_MESSAGE.id == delivery_id).values(values))


def rewind(connection: Connection, endpoint_id: int, after: int) -> int:
    """Forget what became of the messages after a number, and read the journal from there again; returns how many those were."""
    ended = and_(_MESSAGE.endpoint_id == endpoint_id, _MESSAGE.seq > after, _MESSAGE.state.in_(_ENDED))
    count = connection.execute(delete(webhook_delivery).where(ended)).rowcount
    _move_back(connection, endpoint_id, after)
    return count


def plan_anew(connection: Connection, endpoint_id: int) -> None:
    """Drop what waits, and make it again from the journal by the rights of now."""
    waiting = and_(_MESSAGE.endpoint_id == endpoint_id, _PENDING, _MESSAGE.seq.is_not(None))
    first = connection.execute(select(func.min(_MESSAGE.seq)).where(waiting)).scalar()
    if first is not None:
        connection.execute(delete(webhook_delivery).where(waiting))
        _move_back(connection, endpoint_id, first - 1)


def skip(connection: Connection, endpoint_id: int, horizon: int) -> None:
    """Drop what waits and what was missed: only what happens from now on is heard."""
    connection.execute(delete(webhook_delivery).where(_MESSAGE.endpoint_id == endpoint_id, _PENDING))
    connection.execute(update(webhook_endpoint).where(_ENDPOINT.id == endpoint_id).values(cursor=horizon))


def hurry(connection: Connection, endpoint_id: int, now: datetime) -> None:
    """Try what waits at once."""
    connection.execute(update(webhook_delivery).where(_MESSAGE.endpoint_id == endpoint_id, _PENDING).values(next_attempt_at=now))
    connection.execute(update(webhook_endpoint).where(_ENDPOINT.id == endpoint_id).values(hold_until=None))


def _move_back(connection: Connection, endpoint_id: int, after: int) -> None:
    statement = update(webhook_endpoint).where(_ENDPOINT.id == endpoint_id, _ENDPOINT.cursor > after)
    connection.execute(statement.values(cursor=after))


def counts(connection: Connection) -> dict[str, int]:
    """How much waits, and how many endpoints were stopped by the product itself."""
    waiting = connection.execute(select(func.count()).select_from(webhook_delivery).where(_PENDING)).scalar_one()
    stopped = select(func.count()).select_from(webhook_endpoint).where(~_ENDPOINT.enabled, _ENDPOINT.stopped_because != "")
    return {"waiting": int(waiting), "stopped": int(connection.execute(stopped).scalar_one())}


def forget_ended(connection: Connection, before: datetime, limit: int = 5000) -> int:
    """Delete messages that came to their end before then, at most `limit` at once; returns how many."""
    old = select(_MESSAGE.id).where(_MESSAGE.ended_at < before).order_by(_MESSAGE.ended_at).limit(limit)
    return connection.execute(delete(webhook_delivery).where(_MESSAGE.id.in_(old))).rowcount


def as_endpoint(row: Row) -> WebhookEndpoint:
    """The endpoint without its secrets."""
    return WebhookEndpoint(
        id=row["id"],
        name=row["name"],
        url=row["url"],
        types=row["types"],
        confidential=row["confidential"],
        enabled=row["enabled"],
        stopped_because=row["stopped_because"],
        failing_since=row["failing_since"],
        earlier_secret_until=row["earlier_until"] if row["earlier_secret"] else None,
        cursor=row["cursor"],
        created_at=row["created_at"],
    )


def as_delivery(row: RowMapping) -> WebhookDelivery:
    """The message without its content."""
    return WebhookDelivery(
        id=row["id"],
        message_id=row["message_id"],
        seq=row["seq"],
        type=row["type"],
        state=DeliveryState(row["state"]),
        attempts=row["attempts"],
        next_attempt_at=row["next_attempt_at"] if row["state"] == DeliveryState.PENDING else None,
        last_status=row["last_status"],
        last_error=row["last_error"],
        last_milliseconds=row["last_milliseconds"],
        created_at=row["created_at"],
        ended_at=row["ended_at"],
    )
