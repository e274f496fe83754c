"""What people are writing: one draft a ticket, author and kind, and the files uploaded for it."""

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Connection

from contact_center.model.desk import DraftFile, DraftKind, DraftMark, SavedDraft
from contact_center.store.prepared import Prepared, Row
from contact_center.store.schema.tickets import attachment
from contact_center.store.schema.working import draft

_NEW = Prepared(
    upsert(draft).values({column.name: bindparam(column.name) for column in draft.c if column.name != "id"}).on_conflict_do_nothing()
)
_ONE = Prepared(
    select(draft)
    .where(draft.c.ticket_id == bindparam("ticket_id"), draft.c.author_id == bindparam("author_id"), draft.c.kind == bindparam("kind"))
    .with_for_update()
)
_BY_ID = Prepared(select(draft).where(draft.c.id == bindparam("draft_id")).with_for_update())
_OPEN = Prepared(select(draft).where(draft.c.ticket_id == bindparam("ticket_id"), draft.c.ended_at.is_(None)).order_by(draft.c.id))


def hold(connection: Connection, project_id: int, ticket_id: int, author_id: int, kind: DraftKind, now: datetime) -> Row:
    """The row of somebody's draft, made if there was none (ended then, version 0), and held until the commit."""
    values = {"project_id": project_id, "ticket_id": ticket_id, "author_id": author_id, "kind": kind, "version": 0, "text": ""}
    values |= {"recipients": {}, "attachment_ids": [], "seen_entry_id": None, "begun_at": now, "updated_at": now, "ended_at": now}
    _NEW.run(connection, values)
    row = _ONE.row(connection, ticket_id=ticket_id, author_id=author_id, kind=kind)
    assert row is not None
    return row


def find(connection: Connection, ticket_id: int, author_id: int, kind: DraftKind) -> Row | None:
    """The row of somebody's draft, held until the commit."""
    return _ONE.row(connection, ticket_id=ticket_id, author_id=author_id, kind=kind)


def by_id(connection: Connection, draft_id: int) -> Row | None:
    """A draft's row, held until the commit."""
    return _BY_ID.row(connection, draft_id=draft_id)


def change(connection: Connection, draft_id: int, **values: Any) -> None:
    """Set columns."""
    connection.execute(update(draft).where(draft.c.id == draft_id).values(values))


def open_of(connection: Connection, ticket_id: int) -> list[Row]:
    """What is being written in a ticket."""
    return _OPEN.rows(connection, ticket_id=ticket_id)


def count_open(connection: Connection, author_id: int, limit: int) -> int:
    """How many drafts somebody has open, counted up to a limit."""
    statement = select(draft.c.id).where(draft.c.author_id == author_id, draft.c.ended_at.is_(None)).limit(limit)
    return len(list(connection.execute(statement).scalars()))


def move(connection: Connection, from_ticket: int, to_ticket: int, now: datetime) -> None:
    """Let open drafts of a ticket that became part of another go on there, behind what their author writes there already: nothing that
    was saved is out of reach."""
    there = {
        (row["author_id"], row["kind"]): row for row in connection.execute(select(draft).where(draft.c.ticket_id == to_ticket)).mappings()
    }
    for row in open_of(connection, from_ticket):
        known = there.get((row["author_id"], row["kind"]))
        if known is None:
            change(connection, row["id"], ticket_id=to_ticket)
            continue
        # The row of a draft outlives it, so that there is one as soon as somebody has written there before.
        taken = {name: row[name] for name in ("text", "recipients", "attachment_ids", "seen_entry_id", "begun_at")}
        if known["ended_at"] is None:
            taken["text"] = "\n\n".join(filter(None, (known["text"], row["text"])))
            taken["attachment_ids"] = list(dict.fromkeys((*known["attachment_ids"], *row["attachment_ids"])))
            taken |= {name: known[name] for name in ("recipients", "seen_entry_id", "begun_at")}
        change(connection, known["id"], **taken, version=known["version"] + 1, updated_at=now, ended_at=None)
        empty: dict[str, Any] = {"text": "", "recipients": {}, "attachment_ids": []}
        change(connection, row["id"], **empty, version=row["version"] + 1, updated_at=now, ended_at=now)


def files_of(connection: Connection, author_id: int, ids: list[int]) -> list[DraftFile]:
    """Those of these uploads that are the author's and not sent yet."""
    if not ids:
        return []
    statement = select(attachment.c.id, attachment.c.filename, attachment.c.size).where(
        attachment.c.id.in_(ids), attachment.c.uploader_id == author_id, attachment.c.interaction_id.is_(None)
    )
    return [DraftFile(row.id, row.filename, row.size) for row in connection.execute(statement.order_by(attachment.c.id))]


def give_files(connection: Connection, from_id: int, to_id: int, ids: list[int]) -> None:
    """Let uploads that were not sent yet be another employee's."""
    if ids:
        theirs = (attachment.c.id.in_(ids), attachment.c.uploader_id == from_id, attachment.c.interaction_id.is_(None))
        connection.execute(update(attachment).where(*theirs).values(uploader_id=to_id))


def forget_old(connection: Connection, before: datetime) -> None:
    """Drop what nobody has touched since then, ended or not."""
    connection.execute(delete(draft).where(draft.c.updated_at < before))


def mark(row: Row) -> DraftMark:
    """That the draft is there."""
    return DraftMark(row["id"], row["author_id"], DraftKind(row["kind"]), row["updated_at"])


def saved(connection: Connection, row: Row) -> SavedDraft:
    """The draft with its words and files."""
    recipients = row["recipients"]
    return SavedDraft(
        id=row["id"],
        ticket_id=row["ticket_id"],
        author_id=row["author_id"],
        kind=DraftKind(row["kind"]),
        version=row["version"],
        text=row["text"],
        to=recipients.get("to"),
        cc=recipients.get("cc", ""),
        channel_id=recipients.get("channel_id"),
        files=tuple(files_of(connection, row["author_id"], row["attachment_ids"])),
        seen_entry_id=row["seen_entry_id"],
        updated_at=row["updated_at"],
        open=row["ended_at"] is None,
    )
