"""What a customer says: a card in the ticket's history, news, and what a bad score asks for. A score opens no turn and ends none."""

from dataclasses import replace
from typing import Any

from contact_center.errors import Gone, Invalid
from contact_center.model import surveys as rules
from contact_center.model.acts import Act
from contact_center.model.desk import NoticeKind
from contact_center.model.events import Event, SurveyAnswered
from contact_center.model.messages import InboundMessage
from contact_center.model.surveys import COMMENT_LIMIT, SCALES, OnLow, SurveyKind
from contact_center.model.text import clean_text
from contact_center.model.tickets import Ticket
from contact_center.model.words import Demand, Direction, EntryKind, PointKind, Status
from contact_center.store import Connection, Row, journal
from contact_center.store.repositories import surveys, timeline
from contact_center.tickets import entries, lifecycle, telling
from contact_center.tickets.lifecycle import TicketPatch


def answer(connection: Connection, act: Act, survey_id: int, score: int, comment: str) -> None:
    """Take in an answer, or another one in its place. Raises Gone when it is too late, Invalid for a score beyond the scale."""
    row = surveys.hold(connection, survey_id)
    if row is None or row["sent_at"] is None or row["expires_at"] <= act.now:
        raise Gone
    kind = SurveyKind(row["kind"])
    low, high = SCALES[kind]
    if not low <= score <= high:
        raise Invalid("This score is not on the scale.", field="score")
    comment = clean_text(comment).strip()[:COMMENT_LIMIT]
    if (row["score"], row["comment"]) == (score, comment):
        return
    ticket = _survivor(connection, row["ticket_id"])
    surveys.change(connection, survey_id, score=score, comment=comment, answered_at=act.now)
    _show(connection, act, row, ticket, score, comment)
    told = surveys.find(connection, survey_id)
    assert told is not None
    event = Event(
        SurveyAnswered(surveys.model(told)),
        row["project_id"],
        queue_id=ticket.queue_id,
        contact_id=ticket.contact.id,
        assignee_id=ticket.assignee_id,
    )
    journal.append(connection, event, at=act.now)
    _heed(connection, act, row, ticket, score)


def by_text(connection: Connection, act: Act, item: Row, message: InboundMessage, contact_id: int) -> InboundMessage:
    """A text message that is a score alone is kept, and asks for nothing. One that says more is the score and a message as any other:
    "1 parcel is missing" is no answer that may be filed away unread."""
    sender = message.sender
    if sender is None or sender.kind is not PointKind.PHONE or message.demand is not Demand.ANSWER or message.automatic:
        return message
    row = surveys.open_of_contact(connection, contact_id, item["account_id"], act.now)
    found = rules.score_of(SurveyKind(row["kind"]), message.text) if row is not None else None
    if row is None or found is None:
        return message
    score, words = found
    answer(connection, act, row["id"], score, words)
    return message if words else replace(message, demand=Demand.NOTHING)


def _survivor(connection: Connection, ticket_id: int) -> Ticket:
    ticket = entries.lock(connection, ticket_id)
    while ticket.merged_into is not None:
        ticket = entries.lock(connection, ticket.merged_into)
    return ticket


def _show(connection: Connection, act: Act, row: Row, ticket: Ticket, score: int, comment: str) -> None:
    """Put the card of the answer into the history, or change the one that is there."""
    low, high = SCALES[SurveyKind(row["kind"])]
    facts: dict[str, Any] = {"type": "survey", "kind": row["kind"], "score": score, "low": low, "high": high}
    if row["answer_id"] is not None:
        timeline.change(connection, row["answer_id"], facts=facts, visible_text=comment)
        entries.publish_entry(connection, act, row["project_id"], row["answer_id"])
        return
    entry = entries.add_entry(
        connection,
        act,
        project_id=row["project_id"],
        contact_id=ticket.contact.id,
        ticket=ticket,
        kind=EntryKind.SURVEY,
        direction=Direction.INTERNAL,
        text=comment,
        automatic=True,
        facts=facts,
    )
    surveys.change(connection, row["id"], answer_id=entry.id)
    entries.publish_added(connection, act, row["project_id"], entry)


def _heed(connection: Connection, act: Act, row: Row, ticket: Ticket, score: int) -> None:
    """What the queue wants to follow a bad score; once, and not again when a bad one becomes another bad one."""
    wanted = surveys.settings(connection, row["queue_id"])
    if wanted is None or wanted.low_score is None or wanted.on_low is OnLow.NOTHING or score > wanted.low_score:
        return
    if row["score"] is not None and row["score"] <= wanted.low_score:
        return
    if wanted.on_low is OnLow.REOPEN and ticket.status is Status.RESOLVED:
        lifecycle.change(connection, act, row["project_id"], ticket.id, TicketPatch(status=Status.OPEN))
    card = surveys.find(connection, row["id"])
    entry = timeline.find(connection, card["answer_id"]) if card is not None and card["answer_id"] is not None else None
    if entry is not None:
        # Whoever watches was told of the card already.
        telling.tell(connection, act, row["project_id"], entry, {row["agent_id"], ticket.assignee_id} - {None}, NoticeKind.SURVEY)
