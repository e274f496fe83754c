"""What an agent says of a stay that they write up."""

from dataclasses import dataclass, replace
from typing import Any

from contact_center.errors import Conflict, Invalid, NotFound
from contact_center.model.acts import Act
from contact_center.model.shift import WrapUp
from contact_center.store import Connection
from contact_center.store.repositories import handling, reasons
from contact_center.tickets import lifecycle, wrapping
from contact_center.tickets.lifecycle import UNSET, TicketPatch


@dataclass(frozen=True, slots=True)
class WriteUp:
    """What is said of a stay; fields left UNSET stay as they are."""

    reason_id: int | None = UNSET
    disposition_id: int | None = UNSET
    done: bool = False
    """End the wrap-up."""


def write_up(connection: Connection, act: Act, project_id: int, user_id: int, segment_id: int, said: WriteUp) -> WrapUp:
    """Note the reason, which becomes the ticket's, and the disposition; end the wrap-up when it is done.

    Raises NotFound, Conflict when it has ended, and Invalid for what there is not and for what the queue wants and is missing.
    """
    wrap = _own(connection, user_id, segment_id)
    if said.reason_id not in (UNSET, wrap.reason_id):
        if said.reason_id is not None and not reasons.is_reason(connection, project_id, said.reason_id):
            raise Invalid("There is no such contact reason.", field="reason_id")
        lifecycle.change(connection, act, project_id, wrap.ticket_id, TicketPatch(reason_id=said.reason_id))
        wrap = _own(connection, user_id, segment_id)
    noted: dict[str, Any] = {"reason_id": said.reason_id} if said.reason_id is not UNSET else {}
    if said.disposition_id is not UNSET:
        if said.disposition_id is not None and not reasons.is_disposition(connection, project_id, said.disposition_id):
            raise Invalid("There is no such disposition.", field="disposition_id")
        noted["disposition_id"] = said.disposition_id
    if noted:
        handling.note(connection, wrap.id, **noted)
        wrap = replace(wrap, **noted)
    if not said.done:
        wrapping.publish(connection, act, wrap)
        return wrap
    if missing := wrapping.missing(connection, wrap):
        words = {"reason_id": "This queue wants a contact reason.", "disposition_id": "This queue wants a disposition."}
        raise Invalid(words[missing], field=missing)
    if not wrapping.end(connection, act, wrap):
        raise Conflict("This wrap-up has ended.")
    return handling.find_wrap(connection, segment_id) or wrap


def _own(connection: Connection, user_id: int, segment_id: int) -> WrapUp:
    wrap = handling.find_wrap(connection, segment_id)
    if wrap is None or wrap.agent_id != user_id:
        raise NotFound
    if wrap.end is not None:
        raise Conflict("This wrap-up has ended.")
    return wrap
