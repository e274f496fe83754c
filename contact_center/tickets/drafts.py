"""Saving what somebody writes, so that it survives a crash, another browser, and another assignee.

A draft is saved against the version that its writer began from: two windows of one person do not write over each other
unseen. Its row outlives it, so that a late window cannot bring back what was sent.
"""

from dataclasses import dataclass
from typing import Any

from contact_center.errors import Conflict, DraftChanged, Invalid, NotFound
from contact_center.model.acts import Act
from contact_center.model.desk import DraftKind, SavedDraft
from contact_center.model.tickets import Change, Ticket
from contact_center.store import Connection, Row
from contact_center.store.repositories import drafts
from contact_center.tickets import entries, telling

MOST_OPEN = 500  # drafts of one employee


@dataclass(frozen=True, slots=True)
class Writing:
    """What somebody has before them."""

    text: str
    to: str | None = None
    cc: str = ""
    channel_id: int | None = None
    attachment_ids: tuple[int, ...] = ()
    seen_entry_id: int | None = None

    @property
    def is_empty(self) -> bool:
        """Nothing worth keeping."""
        return not self.text.strip() and not self.attachment_ids

    def columns(self) -> dict[str, Any]:
        """As the row keeps it."""
        recipients = {"to": self.to, "cc": self.cc, "channel_id": self.channel_id}
        return {
            "text": self.text,
            "recipients": recipients,
            "attachment_ids": list(self.attachment_ids),
            "seen_entry_id": self.seen_entry_id,
        }


def save(
    connection: Connection, act: Act, project_id: int, ticket: Ticket, author_id: int, kind: DraftKind, writing: Writing, version: int
) -> SavedDraft:
    """Keep what somebody writes; `version` is the one they began from, 0 for none. An empty one ends the draft.

    Raises DraftChanged when it was changed elsewhere since, unless what is there is the same.
    """
    if ticket.merged_into is not None:
        raise NotFound
    row = drafts.hold(connection, project_id, ticket.id, author_id, kind, act.now)
    was_open = row["ended_at"] is None
    if len(drafts.files_of(connection, author_id, list(writing.attachment_ids))) != len(set(writing.attachment_ids)):
        raise Invalid("Some attachments are not there any more; upload them again.", field="attachment_ids")
    if row["version"] != version:
        if _is_same(row, writing):
            return drafts.saved(connection, row)  # the answer to an earlier save was lost
        raise DraftChanged(version=row["version"])
    if writing.is_empty and not was_open:
        return drafts.saved(connection, row)
    if not was_open and not writing.is_empty and drafts.count_open(connection, author_id, MOST_OPEN) >= MOST_OPEN:
        raise Conflict(f"You have {MOST_OPEN} drafts. Send or discard some.")
    values = Writing("").columns() if writing.is_empty else writing.columns()
    values |= {"version": row["version"] + 1, "updated_at": act.now, "ended_at": act.now if writing.is_empty else None}
    if not was_open:
        values["begun_at"] = act.now
    drafts.change(connection, row["id"], **values)
    if was_open == writing.is_empty:
        telling.publish_desk(connection, act, project_id, ticket)
    return drafts.saved(connection, dict(row) | values)


def discard(connection: Connection, act: Act, project_id: int, ticket: Ticket, author_id: int, kind: DraftKind) -> None:
    """End a draft, whatever it says by now."""
    row = drafts.find(connection, ticket.id, author_id, kind)
    if row is not None and row["ended_at"] is None:
        _end(connection, act, row)
        telling.publish_desk(connection, act, project_id, ticket)


def take(connection: Connection, act: Act, project_id: int, ticket: Ticket, draft_id: int, taker_id: int) -> SavedDraft:
    """Make somebody's draft one's own, with its files; the history says so.

    Raises NotFound when it is not there any more, Conflict when the taker writes something there already.
    """
    row = drafts.by_id(connection, draft_id)
    if row is None or row["ticket_id"] != ticket.id or row["ended_at"] is not None or row["author_id"] == taker_id:
        raise NotFound
    kind = DraftKind(row["kind"])
    own = drafts.hold(connection, project_id, ticket.id, taker_id, kind, act.now)
    if own["ended_at"] is None:
        raise Conflict("You have a draft of your own here: send or discard it first.")
    values = {name: row[name] for name in ("text", "recipients", "attachment_ids", "seen_entry_id")}
    values |= {"version": own["version"] + 1, "begun_at": row["begun_at"], "updated_at": act.now, "ended_at": None}
    drafts.give_files(connection, row["author_id"], taker_id, row["attachment_ids"])
    _end(connection, act, row)
    drafts.change(connection, own["id"], **values)
    entries.note_change(connection, act, project_id, ticket, Change("draft", row["author_id"], taker_id))
    telling.publish_desk(connection, act, project_id, ticket)
    return drafts.saved(connection, dict(own) | values)


def _end(connection: Connection, act: Act, row: Row) -> None:
    values = Writing("").columns() | {"version": row["version"] + 1, "updated_at": act.now, "ended_at": act.now}
    drafts.change(connection, row["id"], **values)


def _is_same(row: Row, writing: Writing) -> bool:
    if row["ended_at"] is not None:
        return writing.is_empty
    return all(row[name] == value for name, value in writing.columns().items() if name != "seen_entry_id")
