"""What figures are counted from beside the stays themselves: calls, resolutions, rollups; and alerts on figures."""

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, LargeBinary, Table

from contact_center.store.schema.base import metadata
from contact_center.store.types import BigKey, CleanText, Json, Utc

# A call as a stay in a queue, kept in step with its entry: what was known of it is in the entry's facts.
call_fact = Table(
    "call_fact",
    metadata,
    Column("interaction_id", ForeignKey("interaction.id"), primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("queue_id", ForeignKey("queue.id"), nullable=False),
    Column("direction", CleanText, nullable=False),
    Column("started_at", Utc, nullable=False),
    Column("ended_at", Utc),
    # answered, abandoned, overflowed, callback; NULL: still waiting.
    Column("outcome", CleanText),
    Column("wait_seconds", Float),
    # Who answered first, where the telephone system calls them by the name or address of an employee.
    Column("agent_id", ForeignKey("employee.id")),
    # Of a call that got through: whether the caller had turned to us within the week before.
    Column("repeated", Boolean),
    # Until when it should be answered, as of when it was first heard of.
    Column("due_at", Utc),
    Column("short", Boolean, nullable=False),
    Column("after_hours", Boolean, nullable=False),
    Column("late", Boolean, nullable=False),
    Index("ix_call_fact_report", "project_id", "started_at"),
)

# A stretch of a call in which one colleague talked to the customer: several where it was handed on, one after the other.
call_talk = Table(
    "call_talk",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("interaction_id", ForeignKey("call_fact.interaction_id", ondelete="CASCADE"), nullable=False),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    # Where the telephone system calls them by the name or address of an employee.
    Column("agent_id", ForeignKey("employee.id")),
    Column("started_at", Utc, nullable=False),
    # NULL: they talk still.
    Column("ended_at", Utc),
    Column("seconds", Float),
    # Of them, where the telephone system says it.
    Column("hold_seconds", Float),
    # Of this call with this colleague: with it the call is handled by them, once.
    Column("first", Boolean, nullable=False),
    Index("ix_call_talk_interaction_id", "interaction_id"),
    Index("ix_call_talk_ended_at", "project_id", "ended_at"),
    # Who is in a call now.
    Index(
        "ix_call_talk_agent",
        "agent_id",
        "started_at",
        sqlite_where=Column("ended_at").is_(None),
        postgresql_where=Column("ended_at").is_(None),
    ),
)

# Each time that a ticket was resolved, as of then.
resolution = Table(
    "resolution",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("ticket_id", ForeignKey("ticket.id"), nullable=False),
    Column("queue_id", ForeignKey("queue.id"), nullable=False),
    Column("agent_id", ForeignKey("employee.id")),
    Column("channel", CleanText, nullable=False),
    Column("reason_id", BigKey),
    # Answers of people that the ticket had until then.
    Column("answers", Integer, nullable=False),
    Column("opened_at", Utc, nullable=False),
    Column("resolved_at", Utc, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("business_seconds", Float, nullable=False),
    Column("reopened_at", Utc),
    # When the customer first asked for the same again, if that was within a week.
    Column("again_at", Utc),
    Index("ix_resolution_ticket_id", "ticket_id"),
    Index("ix_resolution_report", "project_id", "resolved_at"),
)

# Tallies of what began in a quarter of an hour and has ended. Of grain "queue" the agents, of grain "agent" the reasons are one.
interval_fact = Table(
    "interval_fact",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("grain", CleanText, nullable=False),
    Column("interval_start", Utc, nullable=False),
    Column("queue_id", ForeignKey("queue.id"), nullable=False),
    Column("channel", CleanText, nullable=False),
    Column("agent_id", ForeignKey("employee.id")),
    Column("reason_id", BigKey),
    # By the names of the registry; those that are nought are left out.
    Column("tallies", Json, nullable=False),
    # What medians are made of, by name: each value, eight bytes, one after the other.
    Column("samples", LargeBinary, nullable=False),
    Index("ix_interval_fact_report", "project_id", "grain", "interval_start"),
)

# What of the rollups is not true any more: what began from `since` to `until`, both included, is counted from rows until it is
# folded anew. Triggers tell it, so that nobody who writes can forget to.
interval_stale = Table(
    "interval_stale",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("since", Utc, nullable=False),
    Column("until", Utc, nullable=False),
    Index("ix_interval_stale_project_id", "project_id", "since"),
)

alert = Table(
    "alert",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("figure", CleanText, nullable=False),
    # NULL: the whole centre.
    Column("queue_id", ForeignKey("queue.id")),
    # NULL: calls and everything else together.
    Column("medium", CleanText),
    Column("above", Boolean, nullable=False),
    Column("threshold", Float, nullable=False),
    Column("minutes", Integer, nullable=False),
    # Employees; empty: every supervisor who sees the queue.
    Column("told", Json, nullable=False),
    Column("sound", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", Utc, nullable=False),
    # Since when it is beyond, or within, the threshold without a break.
    Column("beyond_since", Utc),
    Column("within_since", Utc),
    Index("ix_alert_project_id", "project_id"),
)

alert_firing = Table(
    "alert_firing",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("alert_id", ForeignKey("alert.id", ondelete="CASCADE"), nullable=False),
    Column("began_at", Utc, nullable=False),
    Column("ended_at", Utc),
    Column("value", Float, nullable=False),
    Column("last_value", Float, nullable=False),
    # One episode at a time.
    Index(
        "uq_alert_firing_open",
        "alert_id",
        unique=True,
        sqlite_where=Column("ended_at").is_(None),
        postgresql_where=Column("ended_at").is_(None),
    ),
    Index("ix_alert_firing_alert_id", "alert_id", "began_at"),
)

# Open stays and calls stand in no rollup: what they do is no news to it.
SQLITE_DDL = [
    """CREATE TRIGGER stay_ended_at_once AFTER INSERT ON segment WHEN NEW.ended_at IS NOT NULL BEGIN
         INSERT INTO interval_stale (project_id, since, until) VALUES (NEW.project_id, NEW.entered_at, NEW.entered_at); END""",
    """CREATE TRIGGER stay_changed AFTER UPDATE ON segment WHEN NEW.ended_at IS NOT NULL OR OLD.ended_at IS NOT NULL BEGIN
         INSERT INTO interval_stale (project_id, since, until) VALUES (NEW.project_id, NEW.entered_at, NEW.entered_at); END""",
    """CREATE TRIGGER call_added AFTER INSERT ON call_fact WHEN NEW.outcome IS NOT NULL BEGIN
         INSERT INTO interval_stale (project_id, since, until) VALUES (NEW.project_id, NEW.started_at, NEW.started_at); END""",
    """CREATE TRIGGER call_changed AFTER UPDATE ON call_fact WHEN NEW.outcome IS NOT NULL OR OLD.outcome IS NOT NULL BEGIN
         INSERT INTO interval_stale (project_id, since, until)
         VALUES (NEW.project_id, min(NEW.started_at, OLD.started_at), max(NEW.started_at, OLD.started_at)); END""",
    """CREATE TRIGGER call_gone AFTER DELETE ON call_fact WHEN OLD.outcome IS NOT NULL BEGIN
         INSERT INTO interval_stale (project_id, since, until) VALUES (OLD.project_id, OLD.started_at, OLD.started_at); END""",
]
POSTGRES_DDL = [
    """CREATE FUNCTION stay_changed() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         INSERT INTO interval_stale (project_id, since, until) VALUES (NEW.project_id, NEW.entered_at, NEW.entered_at);
         RETURN NULL;
       END $$""",
    """CREATE FUNCTION call_changed() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         INSERT INTO interval_stale (project_id, since, until) VALUES (
           coalesce(NEW.project_id, OLD.project_id), least(NEW.started_at, OLD.started_at), greatest(NEW.started_at, OLD.started_at));
         RETURN NULL;
       END $$""",
    """CREATE TRIGGER stay_ended_at_once AFTER INSERT ON segment FOR EACH ROW WHEN (NEW.ended_at IS NOT NULL)
       EXECUTE FUNCTION stay_changed()""",
    """CREATE TRIGGER stay_changed AFTER UPDATE ON segment FOR EACH ROW
       WHEN (NEW.ended_at IS NOT NULL OR OLD.ended_at IS NOT NULL) EXECUTE FUNCTION stay_changed()""",
    """CREATE TRIGGER call_added AFTER INSERT ON call_fact FOR EACH ROW WHEN (NEW.outcome IS NOT NULL)
       EXECUTE FUNCTION call_changed()""",
    """CREATE TRIGGER call_changed AFTER UPDATE ON call_fact FOR EACH ROW
       WHEN (NEW.outcome IS NOT NULL OR OLD.outcome IS NOT NULL) EXECUTE FUNCTION call_changed()""",
    """CREATE TRIGGER call_gone AFTER DELETE ON call_fact FOR EACH ROW WHEN (OLD.outcome IS NOT NULL)
       EXECUTE FUNCTION call_changed()""",
]
TRIGGERS = {"segment": ("stay_ended_at_once", "stay_changed"), "call_fact": ("call_added", "call_changed", "call_gone")}
