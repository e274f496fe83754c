"""Row scope: what a viewer may see, as SQL conditions. Every list, search and lookup uses these and nothing else."""

from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, or_, select, true

from contact_center.model.people import Viewer
from contact_center.store.schema.channels import channel_account
from contact_center.store.schema.contacts import contact, organization
from contact_center.store.schema.tickets import interaction, ticket


def sees_ticket(viewer: Viewer, table: Any = ticket) -> ColumnElement[bool]:
    """Tickets of granted queues, and those assigned to the viewer; an admin sees the project."""
    in_project = table.c.project_id == viewer.project_id
    if viewer.sees_all:
        return in_project
    granted = table.c.queue_id.in_(viewer.queue_ids) if viewer.queue_ids else false()
    return and_(in_project, or_(granted, table.c.assignee_id == viewer.user_id))


def sees_contact(viewer: Viewer, table: Any = contact) -> ColumnElement[bool]:
    """Contacts with a visible ticket, with an entry that has no ticket in a granted queue, or owned by the viewer."""
    in_project = table.c.project_id == viewer.project_id
    if viewer.sees_all:
        return in_project
    # Tables of their own: a statement around this may name tickets and interactions too, and would capture them.
    theirs, entry = ticket.alias(), interaction.alias()
    own_ticket = select(theirs.c.id).where(theirs.c.contact_id == table.c.id, sees_ticket(viewer, theirs)).exists()
    loose = (
        select(entry.c.id)
        .where(entry.c.contact_id == table.c.id, entry.c.ticket_id.is_(None), entry.c.queue_id.in_(viewer.queue_ids))
        .exists()
        if viewer.queue_ids
        else false()
    )
    return and_(in_project, or_(table.c.owner_id == viewer.user_id, own_ticket, loose))


def sees_organization(viewer: Viewer) -> ColumnElement[bool]:
    """Organizations to which somebody visible belongs, and those the viewer made."""
    in_project = organization.c.project_id == viewer.project_id
    if viewer.sees_all:
        return in_project
    person = contact.alias()
    theirs = select(person.c.id).where(person.c.organization_id == organization.c.id, sees_contact(viewer, person)).exists()
    return and_(in_project, or_(organization.c.created_by == viewer.user_id, theirs))


def sees_account(viewer: Viewer) -> ColumnElement[bool]:
    """Channel accounts of the project, but for those of confidential queues that are not granted: their names tell enough."""
    in_project = channel_account.c.project_id == viewer.project_id
    if viewer.sees_all or not viewer.hidden_queue_ids:
        return in_project
    return and_(in_project, channel_account.c.queue_id.not_in(viewer.hidden_queue_ids))


def entry_queue() -> ColumnElement[Any]:
    """The queue an entry belongs to: its ticket's, or that of the channel account it came by."""
    return func.coalesce(ticket.c.queue_id, interaction.c.queue_id)


def reads_entry(viewer: Viewer) -> ColumnElement[bool]:
    """Entries whose content the viewer may read, given that the contact is visible.

    Entries of confidential queues that are not granted are stubs, unless the ticket is the viewer's own.
    """
    if viewer.sees_all or not viewer.hidden_queue_ids:
        return true()
    return or_(entry_queue().not_in(viewer.hidden_queue_ids), ticket.c.assignee_id == viewer.user_id)
