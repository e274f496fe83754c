"""The search index: for every entry, ticket and contact the words by which it is found, and how far the journal was read.

`place` is the order of the answer and the key of a page at once: entries by time, tickets and contacts above them by id
(see `repositories/search.py`). `words` is what the application made of the texts: on PostgreSQL a tsvector, on SQLite the
words themselves, which are the content of an FTS5 table. FTS5 must be told the exact old words when a row goes, so nothing
but the repository writes here.
"""

from sqlalchemy import DDL, BigInteger, Column, Table, Text, UniqueConstraint, event
from sqlalchemy.dialects.postgresql import TSVECTOR

from contact_center.store.schema.base import metadata
from contact_center.store.types import BigKey, CleanText, Json

search_doc = Table(
    "search_doc",
    metadata,
    Column("place", BigKey, primary_key=True, autoincrement=False),
    Column("project_id", BigInteger, nullable=False),
    Column("kind", CleanText, nullable=False),
    Column("thing_id", BigInteger, nullable=False),
    # Last, so that SQLite reads the columns before it without the pages of a long text.
    Column("words", Text().with_variant(TSVECTOR(), "postgresql"), nullable=False),
    UniqueConstraint("kind", "thing_id"),
)

# One row. Written together with the index, so that a crash neither loses nor repeats anything.
search_state = Table(
    "search_state",
    metadata,
    Column("id", BigKey, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    # Where a walk over the tables stands ({"kind", "after"}), NULL when none is under way.
    Column("walk", Json),
)

FTS = "search_words"
"""The FTS5 table, which alembic does not know."""
GIN = ("ix_search_doc_entries", "ix_search_doc_things")
"""The indexes of PostgreSQL, which SQLite could not make and alembic does not know."""
SQLITE_DDL = [
    # The ascii tokenizer splits at spaces and leaves everything else to the application.
    f"""CREATE VIRTUAL TABLE {FTS} USING fts5(words, content='search_doc', content_rowid='place', tokenize='ascii', columnsize=0)""",
]
# One for the many entries and one for the few people and tickets, which a common word of entries must not slow down. The
# pending lists are short: searches read them from end to end.
POSTGRES_DDL = [
    f"CREATE INDEX {GIN[0]} ON search_doc USING gin (words) WITH (gin_pending_list_limit = 256) WHERE place < 2305843009213693952",
    f"CREATE INDEX {GIN[1]} ON search_doc USING gin (words) WITH (gin_pending_list_limit = 256) WHERE place >= 2305843009213693952",
]


def is_declared(_thing: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
    """Whether alembic compares this: not the tables that FTS5 keeps for itself, nor the index of PostgreSQL alone."""
    return not (kind == "table" and (name or "").startswith(FTS)) and name not in GIN


for statement in SQLITE_DDL:
    event.listen(search_doc, "after_create", DDL(statement.replace("%", "%%")).execute_if(dialect="sqlite"))
for statement in POSTGRES_DDL:
    event.listen(search_doc, "after_create", DDL(statement.replace("%", "%%")).execute_if(dialect="postgresql"))
