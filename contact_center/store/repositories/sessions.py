"""Sessions of customers: a turn that a person answered, and a call that got through. Whether a customer had to come back is told by
them: the messages of one turn are one session, and thanks that nobody had to answer are none.

Two sessions are about the same when they have the same contact reason; one whose reason is not known may be about anything. Logs are
read late and reasons are given after the answer, so whatever changes is noted on all that it touches: a week before, and a week after.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter

from sqlalchemy import bindparam, case, cast, null, select, update
from sqlalchemy.engine import Connection

from contact_center.model.calls import Outcome
from contact_center.model.words import Demand, Direction, EndReason
from contact_center.store.prepared import Prepared, Row
from contact_center.store.schema.contacts import contact
from contact_center.store.schema.figures import call_fact, resolution
from contact_center.store.schema.tickets import interaction, ticket
from contact_center.store.schema.work import segment, work_item
from contact_center.store.types import BigKey, Utc

AGAIN = timedelta(days=7)
"""A customer who asks for the same within so long came again."""

_BEGAN = attrgetter("at")
_SINCE, _UNTIL = bindparam("since", type_=Utc()), bindparam("until", type_=Utc())
_TURNS = Prepared(
    select(segment.c.id, work_item.c.opened_at.label("at"), segment.c.reason_id, segment.c.repeated, work_item.c.ticket_id)
    .select_from(ticket.join(work_item, work_item.c.ticket_id == ticket.c.id).join(segment, segment.c.work_item_id == work_item.c.id))
    .join(interaction, interaction.c.id == work_item.c.interaction_id)
    .where(
        ticket.c.contact_id == bindparam("contact_id"),
        work_item.c.opened_at > _SINCE,
        work_item.c.opened_at < _UNTIL,
        # A missed call that was returned is no session of theirs: only calls that got through are.
        work_item.c.kind != Demand.CALLBACK,
        segment.c.end_reason == EndReason.COMPLETED,
        interaction.c.direction == Direction.IN,
    )
)
_CALLS = Prepared(
    select(call_fact.c.interaction_id.label("id"), call_fact.c.started_at.label("at"), cast(null(), BigKey).label("reason_id"))
    .add_columns(call_fact.c.repeated, interaction.c.ticket_id)
    .join(interaction, interaction.c.id == call_fact.c.interaction_id)
    .where(
        interaction.c.contact_id == bindparam("contact_id"),
        call_fact.c.started_at > _SINCE,
        call_fact.c.started_at < _UNTIL,
        call_fact.c.direction == Direction.IN,
        call_fact.c.outcome == Outcome.ANSWERED,
    )
)
_OF_STAY = Prepared(
    select(work_item.c.opened_at, ticket.c.contact_id)
    .join(segment, segment.c.work_item_id == work_item.c.id)
    .join(ticket, ticket.c.id == work_item.c.ticket_id)
    .where(segment.c.id == bindparam("segment_id"))
)
_HOLD = Prepared(select(contact.c.id).where(contact.c.id == bindparam("contact_id")).with_for_update(key_share=True))
_NOTE_TURN = Prepared(update(segment).where(segment.c.id == bindparam("which")).values(repeated=bindparam("repeated")))
_NOTE_CALL = Prepared(update(call_fact).where(call_fact.c.interaction_id == bindparam("which")).values(repeated=bindparam("repeated")))
# Whoever was to be called, and got through themselves meanwhile, did not come for more.
_TO_CALL = select(work_item.c.id).where(work_item.c.ticket_id == resolution.c.ticket_id, work_item.c.kind == Demand.CALLBACK).exists()
_RESOLVED = Prepared(
    select(resolution.c.id, resolution.c.ticket_id, resolution.c.resolved_at, resolution.c.reason_id, resolution.c.again_at)
    .add_columns(case((_TO_CALL, resolution.c.resolved_at), else_=resolution.c.opened_at).label("since"))
    .join(ticket, ticket.c.id == resolution.c.ticket_id)
    .where(ticket.c.contact_id == bindparam("contact_id"), resolution.c.resolved_at > _SINCE, resolution.c.opened_at < _UNTIL)
)
_NOTE_AGAIN = Prepared(update(resolution).where(resolution.c.id == bindparam("which")).values(again_at=bindparam("again_at", type_=Utc())))


@dataclass(frozen=True, slots=True)
class Session:
    """One time that a customer turned to us and was answered."""

    id: int
    """Of the stay or of the call's entry, see `note`."""
    at: datetime
    """When it began."""
    reason_id: int | None
    repeated: bool | None
    """As it is noted: whether it follows another about the same; None: not noted yet."""
    ticket_id: int | None
    note: Prepared

    def adds_to(self, resolved: Row) -> bool:
        """Whether it came, perhaps for the same reason, beside a ticket while that was open, or within a week after it was resolved."""
        is_about_it = self.reason_id is None or resolved["reason_id"] is None or self.reason_id == resolved["reason_id"]
        since = resolved["resolved_at"] if self.ticket_id == resolved["ticket_id"] else resolved["since"]
        return bool(is_about_it and since < self.at < resolved["resolved_at"] + AGAIN)


def turn_ended(connection: Connection, segment_id: int) -> None:
    """A stay ended, or what it was about became known since."""
    row = _OF_STAY.row(connection, segment_id=segment_id)
    assert row is not None
    changed(connection, row["contact_id"], row["opened_at"])


def changed(connection: Connection, contact_id: int, at: datetime) -> None:
    """A session that began then, or a resolution, came about or became another: note what that says of those around it."""
    _HOLD.row(connection, contact_id=contact_id)  # two that are answered at the same moment must see each other
    resolved = _RESOLVED.rows(connection, contact_id=contact_id, since=at - AGAIN, until=at)
    since = min(at - AGAIN, *(row["since"] for row in resolved)) if resolved else at - AGAIN
    until = max(at, *(row["resolved_at"] for row in resolved)) + AGAIN if resolved else at + AGAIN
    around = {"contact_id": contact_id, "since": since, "until": until}
    found = ((_TURNS, _NOTE_TURN), (_CALLS, _NOTE_CALL))
    sessions = [Session(note=note, **row) for statement, note in found for row in statement.rows(connection, **around)]
    for each, repeated in _repeated(sessions):
        if each.at >= at and repeated is not each.repeated:
            each.note.run(connection, {"which": each.id, "repeated": repeated})
    for row in resolved:
        again = min((each.at for each in sessions if each.adds_to(row)), default=None)
        if again != row["again_at"]:
            _NOTE_AGAIN.run(connection, {"which": row["id"], "again_at": again})


def _repeated(sessions: Iterable[Session]) -> Iterator[tuple[Session, bool]]:
    """Each session, and whether it follows another within a week. Each is looked at once: a switchboard calls a thousand times a week."""
    last: dict[int | None, datetime] = {}
    for at, together in groupby(sorted(sessions, key=_BEGAN), key=_BEGAN):
        found = list(together)
        for each in found:
            reasons = last if each.reason_id is None else (each.reason_id, None)
            yield each, any(reason in last and at < last[reason] + AGAIN for reason in reasons)
        last |= {each.reason_id: at for each in found}
