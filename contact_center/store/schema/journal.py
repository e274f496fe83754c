"""The journal: every change, numbered in the order of commits.

`seq` is NULL while the unit of work is open. On SQLite a trigger numbers the row at once, since there is one writer.
On PostgreSQL a deferred constraint trigger takes a transaction-wide advisory lock and numbers the rows at COMMIT, so
that a reader who has seen number N can never be surprised by a smaller one later. Numbers may have gaps.
"""

from sqlalchemy import DDL, BigInteger, Boolean, Column, Index, Table, event

from contact_center.store.schema.base import metadata
from contact_center.store.types import BigKey, CleanText, Json, Utc

journal = Table(
    "event",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("seq", BigInteger, unique=True),
    Column("at", Utc, nullable=False),
    Column("type", CleanText, nullable=False),
    Column("project_id", BigInteger, nullable=False),
    Column("queue_id", BigInteger),
    Column("contact_id", BigInteger),
    Column("assignee_id", BigInteger),
    Column("previous_queue_id", BigInteger),
    Column("admins_only", Boolean, nullable=False, default=False),
    Column("actor_id", BigInteger),
    Column("data", Json, nullable=False),
    # Rules that led to it, the last one last; NULL: none did.
    Column("chain", Json),
    Index("ix_event_contact_id", "contact_id", "seq"),
    sqlite_autoincrement=True,
)

SQLITE_DDL = [
    """CREATE TRIGGER event_number AFTER INSERT ON event WHEN NEW.seq IS NULL
       BEGIN UPDATE event SET seq = NEW.id WHERE id = NEW.id; END""",
]
POSTGRES_DDL = [
    "CREATE SEQUENCE event_seq",
    """CREATE FUNCTION event_number() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         PERFORM pg_advisory_xact_lock(4101);
         UPDATE event SET seq = nextval('event_seq') WHERE id = NEW.id;
         RETURN NULL;
       END $$""",
    """CREATE CONSTRAINT TRIGGER event_number AFTER INSERT ON event
       DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION event_number()""",
]
for statement in SQLITE_DDL:
    event.listen(journal, "after_create", DDL(statement.replace("%", "%%")).execute_if(dialect="sqlite"))
for statement in POSTGRES_DDL:
    event.listen(journal, "after_create", DDL(statement.replace("%", "%%")).execute_if(dialect="postgresql"))
