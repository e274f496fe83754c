"""Calling back whoever did not get through: one open demand a person, met by any call that reaches them."""

from contact_center.model.acts import Act
from contact_center.model.words import EndReason, Status
from contact_center.store import Connection
from contact_center.store.repositories import work
from contact_center.tickets import lifecycle, turns
from contact_center.tickets.lifecycle import TicketPatch


def served(connection: Connection, act: Act, project_id: int, contact_id: int) -> None:
    """The person got through: nobody needs to call them any more."""
    for ticket_id in work.open_callbacks(connection, contact_id):
        turns.end(connection, act, ticket_id, EndReason.COMPLETED)
        lifecycle.change(connection, act, project_id, ticket_id, TicketPatch(status=Status.RESOLVED))


def withdraw(connection: Connection, act: Act, project_id: int, ticket_id: int, entry_id: int) -> None:
    """The call was answered after all, as a later record of it shows: the demand it made is taken back."""
    if work.opener(connection, ticket_id) == entry_id:
        lifecycle.change(connection, act, project_id, ticket_id, TicketPatch(status=Status.RESOLVED))
