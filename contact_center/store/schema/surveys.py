"""What customers are asked when their ticket is resolved, and what they say."""

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, UniqueConstraint

from contact_center.store.schema.base import metadata
from contact_center.store.types import BigKey, CleanText, Utc

# A queue without a row asks nothing.
queue_survey = Table(
    "queue_survey",
    metadata,
    Column("queue_id", ForeignKey("queue.id", ondelete="CASCADE"), primary_key=True),
    # csat, nps or ces.
    Column("kind", CleanText, nullable=False),
    Column("language", CleanText, nullable=False),
    # What is asked, in the words of the centre; empty: in ours.
    Column("question", CleanText, nullable=False),
    Column("delay_seconds", Integer, nullable=False),
    # A contact is asked once in so many days at most.
    Column("cap_days", Integer, nullable=False),
    Column("expire_days", Integer, nullable=False),
    # A score up to this one is bad; NULL: none is. And what follows: notify or reopen.
    Column("low_score", Integer),
    Column("on_low", CleanText, nullable=False),
    Column("since", Utc, nullable=False),
)

# One for each time that a ticket was resolved, also where nobody was asked: then `skipped` says why.
survey = Table(
    "survey",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("queue_id", ForeignKey("queue.id"), nullable=False),
    Column("ticket_id", ForeignKey("ticket.id"), nullable=False),
    Column("contact_id", ForeignKey("contact.id"), nullable=False),
    # Who resolved the ticket; NULL: nobody did it by hand.
    Column("agent_id", ForeignKey("employee.id")),
    Column("kind", CleanText, nullable=False),
    # Kind of the channel by which it was asked.
    Column("channel", CleanText, nullable=False),
    Column("account_id", ForeignKey("channel_account.id")),
    # The message that asks, and the card of the answer.
    Column("interaction_id", ForeignKey("interaction.id")),
    Column("answer_id", ForeignKey("interaction.id")),
    Column("language", CleanText, nullable=False),
    Column("question", CleanText, nullable=False),
    Column("resolved_at", Utc, nullable=False),
    Column("skipped", CleanText),
    Column("sent_at", Utc),
    Column("answered_at", Utc),
    Column("score", Integer),
    Column("comment", CleanText, nullable=False),
    Column("expires_at", Utc),
    UniqueConstraint("ticket_id", "resolved_at"),
    Index("ix_survey_report", "project_id", "sent_at"),
    Index("ix_survey_contact_id", "contact_id", "sent_at"),
)
