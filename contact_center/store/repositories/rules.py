"""Rules, how far the journal was read for them, and what came of them."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Connection

from contact_center.model.conditions import Unreadable
from contact_center.model.people import Viewer
from contact_center.model.rules import Armed, Rule, RuleRun, armed, when_of
from contact_center.model.words import RuleOutcome, Since
from contact_center.store import journal
from contact_center.store.conditions import compiled
from contact_center.store.prepared import Row
from contact_center.store.schema.contacts import contact
from contact_center.store.schema.rules import rule, rule_cursor, rule_episode, rule_run
from contact_center.store.schema.tickets import ticket
from contact_center.store.scope import sees_ticket

_SINCE = {
    Since.WAITING: ticket.c.waiting_since,
    Since.CREATED: ticket.c.created_at,
    Since.LAST_ENTRY: ticket.c.last_at,
    Since.RESOLVED: ticket.c.resolved_at,
}


# Keeping.


def rules(connection: Connection, viewer: Viewer) -> list[Rule]:
    """Rules in the order in which they look at tickets: all of the project, or those of queues that the viewer sees."""
    rows = connection.execute(select(rule).where(rule.c.project_id == viewer.project_id).order_by(rule.c.position, rule.c.id)).mappings()
    return [as_rule(row) for row in rows if _sees(viewer, row["queue_ids"])]


def find(connection: Connection, viewer: Viewer, rule_id: int) -> Rule | None:
    """One of them."""
    return next((each for each in rules(connection, viewer) if each.id == rule_id), None)


def add(connection: Connection, **values: Any) -> int:
    """Keep a rule behind all others; returns its id."""
    last = connection.execute(select(func.max(rule.c.position)).where(rule.c.project_id == values["project_id"])).scalar() or 0
    fresh = {"position": last + 1, "paused_because": "", "version": 1, "fired": 0, "since_seq": journal.horizon(connection)}
    return int(connection.execute(insert(rule).values(fresh | values).returning(rule.c.id)).scalar_one())


def change(connection: Connection, rule_id: int, **values: Any) -> None:
    """Change a rule: it is another one from now on, and looks at nothing that was before."""
    fresh = {"version": rule.c.version + 1, "since_seq": journal.horizon(connection), "paused_because": ""}
    connection.execute(update(rule).where(rule.c.id == rule_id).values(fresh | values))


def place(connection: Connection, rule_id: int, position: int) -> None:
    """Where in the order a rule stands."""
    connection.execute(update(rule).where(rule.c.id == rule_id).values(position=position))


def remove(connection: Connection, rule_id: int) -> None:
    """Drop a rule and what it did from the log."""
    for table in (rule_run, rule_episode):
        connection.execute(delete(table).where(table.c.rule_id == rule_id))
    connection.execute(delete(rule).where(rule.c.id == rule_id))


def as_rule(row: Row) -> Rule:
    """A row as supervisors see it. What another release kept and this one does not understand has no trigger of time."""
    when = when_of(row["trigger"])
    return Rule(
        id=row["id"],
        name=row["name"],
        position=row["position"],
        active=row["active"],
        paused_because=row["paused_because"],
        trigger=when.trigger,
        since=when.since,
        minutes=when.minutes,
        business=when.business,
        conditions=row["conditions"],
        actions=row["actions"],
        queue_ids=row["queue_ids"],
        version=row["version"],
        fired=row["fired"],
        last_fired_at=row["last_fired_at"],
        changed_at=row["changed_at"],
        changed_by_id=row["changed_by_id"],
    )


def _sees(viewer: Viewer, queue_ids: list[int] | None) -> bool:
    return viewer.sees_all or (queue_ids is not None and all(viewer.sees_queue(each) for each in queue_ids))


# Running.


def active(connection: Connection) -> list[Armed]:
    """Every rule that may fire, in its order; those that this release does not understand are left out."""
    running = select(rule).where(rule.c.active, rule.c.paused_because == "").order_by(rule.c.position, rule.c.id)
    return [each for row in connection.execute(running).mappings() if (each := as_armed(row)) is not None]


def ready(connection: Connection, rule_ids: Collection[int]) -> list[Armed]:
    """These rules, whether they may fire or not."""
    some = select(rule).where(rule.c.id.in_(rule_ids)).order_by(rule.c.position, rule.c.id)
    return [each for row in connection.execute(some).mappings() if (each := as_armed(row)) is not None]


def as_armed(row: Row) -> Armed | None:
    """A row ready to look at tickets; None when this release does not understand it."""
    try:
        return armed(
            row["id"], row["project_id"], row["name"], row["version"], row["trigger"], row["conditions"], row["actions"],
            row["queue_ids"], row["since_seq"],
        )  # fmt: skip
    except Unreadable:
        return None


def still(connection: Connection, wanted: Armed) -> bool:
    """Whether a rule is as it was read; until the commit nobody changes it."""
    same = and_(rule.c.id == wanted.id, rule.c.version == wanted.version, rule.c.active, rule.c.paused_because == "")
    return connection.execute(select(rule.c.id).where(same).with_for_update()).scalar() is not None


def cursor(connection: Connection) -> int | None:
    """How far the journal was read for rules; None before it ever was."""
    return connection.execute(select(rule_cursor.c.seq)).scalar()


def begin(connection: Connection) -> None:
    """Read the journal from here on: what was before there were rules is not theirs."""
    values = {"id": 1, "seq": journal.horizon(connection)}
    connection.execute(upsert(rule_cursor).values(values).on_conflict_do_nothing())


def advance(connection: Connection, before: int, after: int) -> bool:
    """Move on; False when another process did already."""
    statement = update(rule_cursor).where(rule_cursor.c.seq == before).values(seq=after)
    return bool(connection.execute(statement).rowcount == 1)


def claim(connection: Connection, wanted: Armed, ticket_id: int, seq: int, now: datetime) -> int | None:
    """Let this unit be the one in which a rule looks at an event; None when another one was."""
    values = {
        "project_id": wanted.project_id, "rule_id": wanted.id, "rule_version": wanted.version, "ticket_id": ticket_id, "seq": seq,
        "at": now, "outcome": RuleOutcome.FIRED, "detail": {},
    }  # fmt: skip
    return connection.execute(upsert(rule_run).values(values).on_conflict_do_nothing().returning(rule_run.c.id)).scalar()


def add_run(
    connection: Connection,
    wanted: Armed,
    ticket_id: int,
    now: datetime,
    outcome: RuleOutcome,
    detail: dict[str, Any],
    seq: int | None = None,
) -> None:
    """Note what came of a rule."""
    values = {
        "project_id": wanted.project_id, "rule_id": wanted.id, "rule_version": wanted.version, "ticket_id": ticket_id, "seq": seq,
        "at": now, "outcome": outcome, "detail": detail,
    }  # fmt: skip
    connection.execute(upsert(rule_run).values(values).on_conflict_do_nothing())


def settle_run(connection: Connection, run_id: int, outcome: RuleOutcome, detail: dict[str, Any]) -> None:
    """What came of a rule that had claimed an event."""
    connection.execute(update(rule_run).where(rule_run.c.id == run_id).values(outcome=outcome, detail=detail))


def note_fired(connection: Connection, rule_id: int, now: datetime) -> None:
    """Count it."""
    connection.execute(update(rule).where(rule.c.id == rule_id).values(fired=rule.c.fired + 1, last_fired_at=now))


def pause(connection: Connection, rule_id: int, because: str) -> None:
    """Stop a rule until somebody has looked at it."""
    connection.execute(update(rule).where(rule.c.id == rule_id).values(paused_because=because))


def fired_since(connection: Connection, rule_id: int, ticket_id: int, since: datetime) -> int:
    """How often a rule has fired on a ticket since then."""
    where = (
        rule_run.c.ticket_id == ticket_id, rule_run.c.rule_id == rule_id, rule_run.c.outcome == RuleOutcome.FIRED, rule_run.c.at > since,
    )  # fmt: skip
    return int(connection.execute(select(func.count()).where(*where)).scalar_one())


def companies(connection: Connection, contact_ids: Collection[int]) -> dict[int, int | None]:
    """The organizations of contacts."""
    found = connection.execute(select(contact.c.id, contact.c.organization_id).where(contact.c.id.in_(contact_ids)))
    return {row.id: row.organization_id for row in found}


def covered(connection: Connection, wanted: Armed, ticket_ids: Collection[int]) -> set[int]:
    """Those of these tickets that stand in queues of a rule now."""
    if wanted.queue_ids is None:
        return set(ticket_ids)
    here = select(ticket.c.id).where(ticket.c.id.in_(ticket_ids), ticket.c.queue_id.in_(sorted(wanted.queue_ids)))
    return set(connection.execute(here).scalars())


def due(connection: Connection, wanted: Armed, now: datetime, after: int, limit: int) -> list[tuple[int, int, datetime]]:
    """Tickets for which something has been so for long enough, by the clock on the wall, and for which the rule has not fired yet:
    (ticket, queue, since when), by number."""
    when = wanted.when
    assert when.since is not None
    assert when.minutes is not None
    began = _SINCE[when.since]
    done = select(rule_episode.c.rule_id).where(
        rule_episode.c.rule_id == wanted.id, rule_episode.c.ticket_id == ticket.c.id, rule_episode.c.began_at == began
    )
    where = [
        ticket.c.project_id == wanted.project_id,
        ticket.c.merged_into_id.is_(None),
        ticket.c.id > after,
        began.is_not(None),
        began <= now - timedelta(minutes=when.minutes),
        compiled(wanted.tree, now),
        ~done.correlate(ticket).exists(),
    ]
    if wanted.queue_ids is not None:
        where.append(ticket.c.queue_id.in_(sorted(wanted.queue_ids)))
    statement = select(ticket.c.id, ticket.c.queue_id, began.label("began")).where(*where).order_by(ticket.c.id).limit(limit)
    return [(row.id, row.queue_id, row.began) for row in connection.execute(statement)]


def began(connection: Connection, since: Since, ticket_id: int) -> datetime | None:
    """Since when something has been so."""
    return connection.execute(select(_SINCE[since]).where(ticket.c.id == ticket_id)).scalar()


def claim_episode(connection: Connection, rule_id: int, ticket_id: int, at: datetime) -> bool:
    """Let this unit be the one in which a rule fires for an episode; False when another one was."""
    values = {"rule_id": rule_id, "ticket_id": ticket_id, "began_at": at}
    statement = upsert(rule_episode).values(values)
    statement = statement.on_conflict_do_update(
        index_elements=["rule_id", "ticket_id"], set_={"began_at": at}, where=rule_episode.c.began_at != at
    )
    return bool(connection.execute(statement).rowcount == 1)


# The log.


def runs(
    connection: Connection,
    viewer: Viewer,
    *,
    rule_id: int | None = None,
    ticket_id: int | None = None,
    outcome: RuleOutcome | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[RuleRun]:
    """What came of rules on tickets that the viewer sees, the newest first."""
    statement = select(rule_run, ticket.c.number).join(ticket, ticket.c.id == rule_run.c.ticket_id)
    where = [rule_run.c.project_id == viewer.project_id, sees_ticket(viewer)]
    if rule_id is not None:
        where.append(rule_run.c.rule_id == rule_id)
    if ticket_id is not None:
        where.append(rule_run.c.ticket_id == ticket_id)
    if outcome is not None:
        where.append(rule_run.c.outcome == outcome)
    if before is not None:
        where.append(rule_run.c.id < before)
    rows = connection.execute(statement.where(*where).order_by(rule_run.c.id.desc()).limit(limit)).mappings()
    return [
        RuleRun(
            row["id"], row["rule_id"], row["rule_version"], row["ticket_id"], row["number"], row["seq"], row["at"],
            RuleOutcome(row["outcome"]), row["detail"],
        )
        for row in rows
    ]  # fmt: skip


def forget(connection: Connection, before: datetime, limit: int = 1000) -> int:
    """Drop runs of before that, some at a time; returns how many went."""
    some = select(rule_run.c.id).where(rule_run.c.at < before).order_by(rule_run.c.at).limit(limit)
    return int(connection.execute(delete(rule_run).where(rule_run.c.id.in_(some.scalar_subquery()))).rowcount)
