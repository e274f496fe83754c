"""What things are called that are known by their number only: whatever kinds they are of, in one statement."""

from collections.abc import Iterable

from sqlalchemy import literal, select, union_all
from sqlalchemy.engine import Connection

from contact_center.model.audit import Subject
from contact_center.store.schema.access import api_token, employee, queue
from contact_center.store.schema.canned import canned_reply
from contact_center.store.schema.channels import channel_account
from contact_center.store.schema.contacts import contact, contact_import
from contact_center.store.schema.hours import calendar
from contact_center.store.schema.rules import macro, rule, saved_view
from contact_center.store.schema.tickets import attachment, interaction, ticket
from contact_center.store.schema.webhooks import webhook_endpoint

Thing = tuple[Subject, int]
_NAMED = {
    Subject.EMPLOYEE: employee.c.name,
    Subject.TOKEN: api_token.c.name,
    Subject.QUEUE: queue.c.name,
    Subject.CHANNEL: channel_account.c.name,
    Subject.CALENDAR: calendar.c.name,
    Subject.WEBHOOK: webhook_endpoint.c.name,
    Subject.CONTACT: contact.c.name,
    Subject.IMPORT: contact_import.c.filename,
    Subject.CANNED_REPLY: canned_reply.c.title,
    Subject.VIEW: saved_view.c.name,
    Subject.MACRO: macro.c.name,
    Subject.RULE: rule.c.name,
    Subject.ATTACHMENT: attachment.c.filename,
}


def names(connection: Connection, things: Iterable[Thing]) -> dict[Thing, str]:
    """The names of these things; what is gone or has no name is left out. An entry is called after its ticket."""
    wanted: dict[Subject, set[int]] = {}
    for kind, number in things:
        wanted.setdefault(kind, set()).add(number)
    parts = [
        select(literal(kind.value).label("kind"), column.table.c.id, column.label("name")).where(column.table.c.id.in_(sorted(numbers)))
        for kind, numbers in wanted.items()
        if (column := _NAMED.get(kind)) is not None
    ]
    if entries := wanted.get(Subject.ENTRY):
        subject = select(literal(Subject.ENTRY.value).label("kind"), interaction.c.id, ticket.c.subject.label("name"))
        parts.append(subject.join(ticket, ticket.c.id == interaction.c.ticket_id).where(interaction.c.id.in_(sorted(entries))))
    if not parts:
        return {}
    return {(Subject(row.kind), row.id): row.name for row in connection.execute(union_all(*parts)) if row.name}
