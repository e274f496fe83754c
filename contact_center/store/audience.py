"""Row scope for news: what of an event a viewer may hear. The same rules as `scope.py`, applied once more at emit.

`reach_of` asks the database who reaches the contacts of a batch, at the moment of sending; `for_viewer` is pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.engine import Connection

from contact_center.model.events import (
    AccessChanged,
    ChannelChanged,
    ChannelGone,
    ContactsUnmerged,
    DeskChanged,
    Recorded,
    SurveyAnswered,
    TicketGone,
)
from contact_center.model.people import Viewer
from contact_center.model.words import Role
from contact_center.store.schema.channels import channel_account
from contact_center.store.schema.contacts import contact
from contact_center.store.schema.tickets import interaction, ticket
from contact_center.store.types import dump_json

_STUB_FIELDS = ("id", "contact_id", "kind", "direction", "occurred_at")
_GONE_FIELDS = ("id", "number", "queue_id", "status", "assignee_id", "priority", "channel", "created_at", "updated_at", "version")
"""What counts are kept by. Words, tags and the customer's name are no longer the business of whoever lost sight of a ticket."""


@dataclass(frozen=True, slots=True)
class News:
    """What one viewer hears of an event."""

    type: str
    data: dict[str, Any]
    key: str = "full"
    """Viewers with the same key hear exactly the same, so that it is encoded once for all of them."""


@dataclass
class Reach:
    """Who reaches the contacts of a batch of events."""

    queues: dict[int, set[int]] = field(default_factory=dict)
    people: dict[int, set[int]] = field(default_factory=dict)
    assignees: dict[int, int | None] = field(default_factory=dict)
    """Ticket id to its assignee, for tickets of the batch and those that its entries belong to."""
    ticket_queues: dict[int, int] = field(default_factory=dict)
    """Ticket id to its queue of this moment, for the same tickets."""
    channel_queues: dict[int, int] = field(default_factory=dict)
    """Channel account id to its queue of this moment, for accounts of the batch."""
    owners: dict[int, int] = field(default_factory=dict)
    """Entry id to the contact whose history it stands in at this moment, for entries of the batch."""
    members: dict[int, set[int]] = field(default_factory=dict)
    """Organization id to the contacts that belong to it, for organizations of the batch."""

    def sees_contact(self, viewer: Viewer, contact_id: int | None) -> bool:
        """Whether the viewer has a way to this contact."""
        if viewer.sees_all:
            return True
        if contact_id is None:
            return False
        return viewer.user_id in self.people.get(contact_id, ()) or not self.queues.get(contact_id, set()).isdisjoint(viewer.queue_ids)


def reach_of(connection: Connection, events: Iterable[Recorded]) -> Reach:
    """Look up, in a few queries for the whole batch, who reaches its contacts now."""
    events = list(events)
    reach = Reach()
    _read_places(connection, events, reach)
    events = [event for event in events if event.type.startswith(("interaction.", "contact.", "organization."))]
    contacts = {event.contact_id for event in events if event.contact_id is not None}
    contacts |= {event.data["loser_id"] for event in events if "loser_id" in event.data}
    contacts |= {event.data["restored"]["id"] for event in events if "restored" in event.data}
    companies = {event.data["organization"]["id"] for event in events if "organization" in event.data}
    if companies:
        belongs = select(contact.c.organization_id, contact.c.id).where(contact.c.organization_id.in_(companies))
        for member in connection.execute(belongs):
            reach.members.setdefault(member.organization_id, set()).add(member.id)
            contacts.add(member.id)
    if not contacts:
        return reach
    ticketed = select(ticket.c.contact_id, ticket.c.queue_id, ticket.c.assignee_id).where(ticket.c.contact_id.in_(contacts)).distinct()
    for row in connection.execute(ticketed):
        reach.queues.setdefault(row.contact_id, set()).add(row.queue_id)
        if row.assignee_id is not None:
            reach.people.setdefault(row.contact_id, set()).add(row.assignee_id)
    loose = select(interaction.c.contact_id, interaction.c.queue_id).where(
        interaction.c.contact_id.in_(contacts), interaction.c.ticket_id.is_(None)
    )
    for entry in connection.execute(loose.distinct()):
        reach.queues.setdefault(entry.contact_id, set()).add(entry.queue_id)
    owned = select(contact.c.id, contact.c.owner_id).where(contact.c.id.in_(contacts), contact.c.owner_id.is_not(None))
    for person in connection.execute(owned):
        reach.people.setdefault(person.id, set()).add(person.owner_id)
    moved = {event.data["entry"]["id"] for event in events if "entry" in event.data}
    if moved:
        found = connection.execute(select(interaction.c.id, interaction.c.contact_id).where(interaction.c.id.in_(moved)))
        reach.owners = {int(each.id): int(each.contact_id) for each in found}
    return reach


def _read_places(connection: Connection, events: list[Recorded], reach: Reach) -> None:
    """Where the tickets and channel accounts of a batch are at this moment."""
    tickets = {event.data["entry"]["ticket_id"] for event in events if "entry" in event.data} - {None}
    tickets |= {event.data["ticket"]["id"] for event in events if "ticket" in event.data}
    tickets |= {event.data["ticket_id"] for event in events if event.type == DeskChanged.TYPE}
    tickets |= {event.data[name]["ticket_id"] for event in events for name in ("notice", "survey") if name in event.data}
    if tickets:
        for row in connection.execute(select(ticket.c.id, ticket.c.assignee_id, ticket.c.queue_id).where(ticket.c.id.in_(tickets))):
            reach.assignees[row.id] = row.assignee_id
            reach.ticket_queues[row.id] = row.queue_id
    accounts = {event.data["channel"]["id"] for event in events if "channel" in event.data}
    accounts |= {event.data["item"]["account_id"] for event in events if "item" in event.data}
    if accounts:
        places = select(channel_account.c.id, channel_account.c.queue_id).where(channel_account.c.id.in_(accounts))
        reach.channel_queues = {int(each.id): int(each.queue_id) for each in connection.execute(places)}


def for_viewer(event: Recorded, viewer: Viewer, reach: Reach, watching: set[int] | None) -> News | None:
    """What the viewer hears, None for nothing. `watching` limits entries to contacts on screen; None means all."""
    if event.project_id != viewer.project_id or (event.admins_only and not viewer.sees_all):
        return None
    family = event.type.partition(".")[0]
    if family == "ticket":
        return _ticket_news(event, viewer, reach)
    if family == "interaction":
        if watching is not None and event.contact_id not in watching:
            return None
        return _entry_news(event, viewer, reach)
    if family == "contact":
        return _contact_news(event, viewer, reach)
    if family == "organization":
        return News(event.type, event.data) if _sees_organization(event.data["organization"], viewer, reach) else None
    if family in ("offer", "wrap_up"):
        mine = event.assignee_id == viewer.user_id
        return News(event.type, event.data) if mine or viewer.sees_queue(event.queue_id) else None
    if family in ("desk", "notice", "survey"):
        return _desk_news(event, viewer, reach)
    if family == "alert":
        return News(event.type, event.data) if _is_told(event.data["alert"], viewer) else None
    if family == "raw_item":
        queue_id = reach.channel_queues.get(event.data["item"]["account_id"], event.queue_id)
        return News(event.type, event.data) if viewer.sees_queue(queue_id) else None
    if event.type == ChannelChanged.TYPE:
        return _channel_news(event, viewer, reach)
    if event.type == AccessChanged.TYPE:
        return News(event.type, event.data) if event.assignee_id == viewer.user_id else None
    return News(event.type, event.data)


def _is_told(alert: dict[str, Any], viewer: Viewer) -> bool:
    """Who is named; where nobody is, supervisors who see the queue. A figure of the whole centre is for those who see all of it."""
    sees = viewer.sees_all if alert["queue_id"] is None else viewer.sees_queue(alert["queue_id"])
    return sees and (viewer.user_id in alert["told"] if alert["told"] else viewer.role is not Role.AGENT)


def _ticket_news(event: Recorded, viewer: Viewer, reach: Reach) -> News | None:
    if viewer.sees_queue(event.queue_id) or event.assignee_id == viewer.user_id:
        if _sees_ticket(event.data["ticket"]["id"], viewer, reach):
            return News(event.type, event.data)
        # Told all the same, so that counts stay right until `ticket.gone` takes it away.
        return News(event.type, event.data | {"ticket": _lost(event.data["ticket"])}, key="lost")
    before = event.data.get("before")
    if before is None or not (viewer.sees_queue(before["queue_id"]) or before["assignee_id"] == viewer.user_id):
        return None
    gone = TicketGone(ticket_id=event.data["ticket"]["id"], before=before)
    return News(TicketGone.TYPE, orjson.loads(dump_json(gone)), key="gone")


def _desk_news(event: Recorded, viewer: Viewer, reach: Reach) -> News | None:
    if event.type in (DeskChanged.TYPE, SurveyAnswered.TYPE):
        ticket_id = event.data["ticket_id"] if event.type == DeskChanged.TYPE else event.data["survey"]["ticket_id"]
        return News(event.type, event.data) if _sees_ticket(ticket_id, viewer, reach) else None
    if event.assignee_id != viewer.user_id:
        return None
    # That it was read tells nothing, and counts must fall also for whoever lost sight of the ticket.
    notice = event.data["notice"]
    return News(event.type, event.data) if notice["read"] or _sees_ticket(notice["ticket_id"], viewer, reach) else None


def _sees_ticket(ticket_id: int, viewer: Viewer, reach: Reach) -> bool:
    """Whether the ticket is open to the viewer at this moment."""
    return viewer.sees_queue(reach.ticket_queues.get(ticket_id)) or reach.assignees.get(ticket_id) == viewer.user_id


def _lost(ticket: dict[str, Any]) -> dict[str, Any]:
    """A ticket that the viewer saw at the time and may not see any more, without its words."""
    contact = {"id": ticket["contact"]["id"], "name": "", "provisional": True}
    return {name: _blank(value) for name, value in ticket.items()} | {name: ticket[name] for name in _GONE_FIELDS} | {"contact": contact}


def _channel_news(event: Recorded, viewer: Viewer, reach: Reach) -> News | None:
    channel_id = event.data["channel"]["id"]
    if not viewer.is_hidden(reach.channel_queues.get(channel_id)):
        return News(event.type, event.data)
    if event.previous_queue_id is None or viewer.is_hidden(event.previous_queue_id):
        return None
    return News(ChannelGone.TYPE, {"channel_id": channel_id}, key="gone")


def _entry_news(event: Recorded, viewer: Viewer, reach: Reach) -> News | None:
    entry = event.data["entry"]
    # An entry that was moved since, or went back with an undone merge, is judged by whose it is now.
    if not reach.sees_contact(viewer, reach.owners.get(entry["id"], event.contact_id)):
        return None
    # A ticket that went into a confidential queue takes its old entries along, also for those who replay them.
    queue_id = reach.ticket_queues.get(entry["ticket_id"], event.queue_id)
    hidden = viewer.is_hidden(queue_id) and reach.assignees.get(entry["ticket_id"]) != viewer.user_id
    if not hidden:
        return News(event.type, event.data)
    blank = {name: _blank(value) for name, value in entry.items()}
    stub = blank | {name: entry[name] for name in _STUB_FIELDS} | {"stub": True, "ticket_id": None, "queue_id": None}
    return News(event.type, {"entry": stub}, key="stub")


def _blank(value: Any) -> Any:
    """The empty value of the same type, so that a stub has the shape of an entry."""
    if isinstance(value, str):
        return ""
    if isinstance(value, bool):
        return False
    return [] if isinstance(value, list) else None


def _sees_organization(organization: dict[str, Any], viewer: Viewer, reach: Reach) -> bool:
    if viewer.sees_all or organization["created_by"] == viewer.user_id:
        return True
    return any(reach.sees_contact(viewer, contact_id) for contact_id in reach.members.get(organization["id"], ()))


def _contact_news(event: Recorded, viewer: Viewer, reach: Reach) -> News | None:
    if not _reaches_any(event, viewer, reach):
        return None
    if event.type != ContactsUnmerged.TYPE:
        return News(event.type, event.data)
    # Each side only to those who reach it: two people who were taken apart may have different colleagues.
    sides = {name: reach.sees_contact(viewer, event.data[name]["id"]) or viewer.sees_all for name in ("contact", "restored")}
    if all(sides.values()):
        return News(event.type, event.data)
    data = {name: event.data[name] if seen else _nobody(event.data[name]) for name, seen in sides.items()}
    return News(event.type, data, key=f"sides {sides['contact']} {sides['restored']}")


def _nobody(contact: dict[str, Any]) -> dict[str, Any]:
    """A contact of which only the id is told."""
    return {name: _blank(value) for name, value in contact.items()} | {"id": contact["id"], "provisional": True}


def _reaches_any(event: Recorded, viewer: Viewer, reach: Reach) -> bool:
    ids = [event.contact_id, event.data.get("loser_id"), (event.data.get("restored") or {}).get("id")]
    return any(reach.sees_contact(viewer, contact_id) for contact_id in ids if contact_id is not None) or viewer.sees_all
