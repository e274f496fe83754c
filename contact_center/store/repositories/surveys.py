"""What queues ask, and what customers were asked and said."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Connection

from contact_center.model.surveys import OnLow, Survey, SurveyKind, SurveySettings
from contact_center.model.words import Delivery, Direction, Status
from contact_center.store.prepared import Row
from contact_center.store.schema.outbound import outbox
from contact_center.store.schema.surveys import queue_survey, survey
from contact_center.store.schema.tickets import interaction, ticket

LOOK_BACK = timedelta(days=7)
"""What was resolved before that is asked about no more, however long the server was away."""


def settings(connection: Connection, queue_id: int) -> SurveySettings | None:
    """What a queue asks; None: nothing."""
    row = connection.execute(select(queue_survey).where(queue_survey.c.queue_id == queue_id)).mappings().one_or_none()
    return _settings(row) if row else None


def keep_settings(connection: Connection, queue_id: int, wanted: SurveySettings | None, now: datetime) -> None:
    """Set what a queue asks; None ends it. Only what is resolved from now on is asked about, where nothing was asked before."""
    if wanted is None:
        connection.execute(delete(queue_survey).where(queue_survey.c.queue_id == queue_id))
        return
    values = {name: getattr(wanted, name) for name in _FIELDS}
    new = upsert(queue_survey).values(queue_id=queue_id, since=now, **values)
    connection.execute(new.on_conflict_do_update(index_elements=["queue_id"], set_=values))


def due(connection: Connection, now: datetime, limit: int, besides: Collection[int] = ()) -> list[tuple[int, int]]:
    """Tickets that were resolved long enough ago to be asked about, and were not: (project, ticket), the earliest first. Nobody is asked
    how it was before the answer has left."""
    asking = list(connection.execute(select(queue_survey)).mappings())
    if not asking:
        return []
    waiting = or_(
        *(
            and_(
                ticket.c.queue_id == row["queue_id"],
                ticket.c.resolved_at <= now - timedelta(seconds=row["delay_seconds"]),
                ticket.c.resolved_at >= max(row["since"], now - LOOK_BACK - timedelta(seconds=row["delay_seconds"])),
            )
            for row in asking
        )
    )
    known = select(survey.c.id).where(survey.c.ticket_id == ticket.c.id, survey.c.resolved_at == ticket.c.resolved_at).exists()
    said = interaction.c.id == outbox.c.interaction_id
    leaving = (
        select(outbox.c.id).join(interaction, said).where(interaction.c.ticket_id == ticket.c.id, outbox.c.state.in_(_LEAVING)).exists()
    )
    statement = (
        select(ticket.c.project_id, ticket.c.id)
        .where(waiting, ~known, ~leaving, ticket.c.status.in_((Status.RESOLVED, Status.CLOSED)), ticket.c.merged_into_id.is_(None))
        .where(ticket.c.id.not_in(besides))
        .order_by(ticket.c.resolved_at, ticket.c.id)
        .limit(limit)
    )
    return [(int(row[0]), int(row[1])) for row in connection.execute(statement)]


def add(connection: Connection, **values: Any) -> int | None:
    """Note that a ticket was looked at after it was resolved; None when another process has done so."""
    new = upsert(survey).values(comment="", **values).on_conflict_do_nothing(index_elements=["ticket_id", "resolved_at"])
    return connection.execute(new.returning(survey.c.id)).scalar()


def change(connection: Connection, survey_id: int, **values: Any) -> None:
    """Set columns."""
    connection.execute(update(survey).where(survey.c.id == survey_id).values(values))


def find(connection: Connection, survey_id: int) -> Row | None:
    """A survey with the number of its ticket and where that stands now."""
    statement = select(survey, ticket.c.number).join(ticket, ticket.c.id == survey.c.ticket_id).where(survey.c.id == survey_id)
    return connection.execute(statement).mappings().one_or_none()


def hold(connection: Connection, survey_id: int) -> Row | None:
    """A survey that nobody else can answer until the commit."""
    return connection.execute(select(survey).where(survey.c.id == survey_id).with_for_update()).mappings().one_or_none()


def asked_since(connection: Connection, contact_id: int, since: datetime) -> bool:
    """Whether a contact was asked since then, about whichever of their tickets."""
    statement = (
        select(survey.c.id)
        .join(ticket, ticket.c.id == survey.c.ticket_id)
        .where(ticket.c.contact_id == contact_id, survey.c.sent_at > since)
        .limit(1)
    )
    return connection.execute(statement).scalar() is not None


def asked_in_ticket_since(connection: Connection, ticket_id: int, since: datetime) -> bool:
    """Whether somebody was asked about a ticket after this instant."""
    statement = select(survey.c.id).where(survey.c.ticket_id == ticket_id, survey.c.sent_at >= since).limit(1)
    return connection.execute(statement).scalar() is not None


def open_of_contact(connection: Connection, contact_id: int, account_id: int, now: datetime) -> Row | None:
    """The latest survey that a contact was asked by an account and can still answer."""
    statement = (
        select(survey)
        .join(ticket, ticket.c.id == survey.c.ticket_id)
        .where(ticket.c.contact_id == contact_id, survey.c.account_id == account_id)
        .where(survey.c.sent_at.is_not(None), survey.c.expires_at > now, survey.c.answered_at.is_(None))
        .order_by(survey.c.sent_at.desc(), survey.c.id.desc())
        .limit(1)
    )
    return connection.execute(statement).mappings().one_or_none()


def resolver(connection: Connection, ticket_id: int, resolved_at: datetime) -> int | None:
    """Who resolved a ticket: whoever wrote what stands in its history at that very instant."""
    statement = (
        select(interaction.c.author_id)
        .where(interaction.c.ticket_id == ticket_id, interaction.c.occurred_at == resolved_at, interaction.c.author_id.is_not(None))
        .limit(1)
    )
    return connection.execute(statement).scalar()


def was_answered(connection: Connection, ticket_id: int) -> bool:
    """Whether a colleague has written to the customer in a ticket."""
    statement = select(interaction.c.id).where(
        interaction.c.ticket_id == ticket_id,
        interaction.c.direction == Direction.OUT,
        interaction.c.author_id.is_not(None),
        interaction.c.cancelled.is_(False),
    )
    return connection.execute(statement.limit(1)).scalar() is not None


def model(row: Row) -> Survey:
    """A survey as it is told."""
    return Survey(
        id=row["id"],
        ticket_id=row["ticket_id"],
        queue_id=row["queue_id"],
        contact_id=row["contact_id"],
        agent_id=row["agent_id"],
        kind=SurveyKind(row["kind"]),
        channel=row["channel"],
        sent_at=row["sent_at"],
        answered_at=row["answered_at"],
        score=row["score"],
        comment=row["comment"],
        expires_at=row["expires_at"],
    )


_LEAVING = (Delivery.QUEUED, Delivery.LEASED)
_FIELDS = ("kind", "language", "question", "delay_seconds", "cap_days", "expire_days", "low_score", "on_low")


def _settings(row: Row) -> SurveySettings:
    values = {name: row[name] for name in _FIELDS}
    return SurveySettings(**values | {"kind": SurveyKind(row["kind"]), "on_low": OnLow(row["on_low"])})
