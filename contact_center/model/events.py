"""The event catalogue: everything the journal can say. One class an event; its `TYPE` is the name on the wire.

Every event carries the whole new state of what it names, so that a console or an integrator applies it by
replacing, without asking back. `docs/events.md` lists them; a test compares the two.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from contact_center.model.alerts import Alert
from contact_center.model.channels import ChannelNews, RawItemRow
from contact_center.model.desk import Notice
from contact_center.model.people import Contact, Organization, Queue, User
from contact_center.model.routing import AgentNow, AuxCode, Offer
from contact_center.model.shift import ContactReason, Disposition, WrapUp
from contact_center.model.sla import Due
from contact_center.model.surveys import Survey
from contact_center.model.tickets import Bucket, Entry, Ticket


@dataclass(frozen=True, slots=True)
class TicketCreated:
    """A ticket was opened."""

    TYPE: ClassVar[str] = "ticket.created"
    ticket: Ticket


@dataclass(frozen=True, slots=True)
class TicketChanged:
    """A ticket's row changed: status, assignee, queue, tags, subject, priority or its last entry."""

    TYPE: ClassVar[str] = "ticket.changed"
    ticket: Ticket
    before: Bucket


@dataclass(frozen=True, slots=True)
class TicketGone:
    """A ticket went out of the viewer's sight: moved to a queue, or away from a person. Made for each viewer at
    emit, never stored."""

    TYPE: ClassVar[str] = "ticket.gone"
    ticket_id: int
    before: Bucket


@dataclass(frozen=True, slots=True)
class InteractionAdded:
    """Something was added to a contact's history."""

    TYPE: ClassVar[str] = "interaction.added"
    entry: Entry


@dataclass(frozen=True, slots=True)
class InteractionChanged:
    """What is appended to an entry changed: its delivery state, its ticket."""

    TYPE: ClassVar[str] = "interaction.changed"
    entry: Entry


@dataclass(frozen=True, slots=True)
class ContactChanged:
    """A contact was made, or its name, points, note, owner or organization changed."""

    TYPE: ClassVar[str] = "contact.changed"
    contact: Contact


@dataclass(frozen=True, slots=True)
class ContactsMerged:
    """Two contacts became one. Timelines of both must be read again."""

    TYPE: ClassVar[str] = "contact.merged"
    contact: Contact
    loser_id: int


@dataclass(frozen=True, slots=True)
class ContactsUnmerged:
    """A merge was undone. Timelines of both must be read again."""

    TYPE: ClassVar[str] = "contact.unmerged"
    contact: Contact
    restored: Contact


@dataclass(frozen=True, slots=True)
class HistoryChanged:
    """Entries went elsewhere: with their ticket to another queue, so that others may read them, or to another contact.
    The history must be read again."""

    TYPE: ClassVar[str] = "contact.history_changed"
    contact_id: int
    ticket_id: int


@dataclass(frozen=True, slots=True)
class OrganizationChanged:
    """An organization was made, or its name, domains or note changed."""

    TYPE: ClassVar[str] = "organization.changed"
    organization: Organization


@dataclass(frozen=True, slots=True)
class QueueChanged:
    """A queue was made or changed."""

    TYPE: ClassVar[str] = "queue.changed"
    queue: Queue


@dataclass(frozen=True, slots=True)
class UserChanged:
    """An employee was added or changed."""

    TYPE: ClassVar[str] = "user.changed"
    user: User


@dataclass(frozen=True, slots=True)
class AccessChanged:
    """What an employee may see changed; their consoles start afresh, or close if `revoked`."""

    TYPE: ClassVar[str] = "access.changed"
    user_id: int
    session_id: int | None = None
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class ChannelChanged:
    """A channel account was made or changed, or its health did."""

    TYPE: ClassVar[str] = "channel.changed"
    channel: ChannelNews


@dataclass(frozen=True, slots=True)
class ChannelGone:
    """A channel account went out of the viewer's sight, into a confidential queue. Made for each viewer at emit, never stored."""

    TYPE: ClassVar[str] = "channel.gone"
    channel_id: int


@dataclass(frozen=True, slots=True)
class RawItemQuarantined:
    """An item could not be taken in; it is kept with its original."""

    TYPE: ClassVar[str] = "raw_item.quarantined"
    item: RawItemRow


@dataclass(frozen=True, slots=True)
class RawItemReleased:
    """A quarantined item reached another fate."""

    TYPE: ClassVar[str] = "raw_item.released"
    item: RawItemRow


@dataclass(frozen=True, slots=True)
class AgentChanged:
    """An agent is in another state, or asked for one."""

    TYPE: ClassVar[str] = "agent.changed"
    agent: AgentNow


@dataclass(frozen=True, slots=True)
class AuxCodesChanged:
    """The codes of aux states were changed; all of them, by name."""

    TYPE: ClassVar[str] = "aux_codes.changed"
    codes: list[AuxCode]


@dataclass(frozen=True, slots=True)
class OfferChanged:
    """A turn was offered to an agent, or an offer ended."""

    TYPE: ClassVar[str] = "offer.changed"
    offer: Offer


@dataclass(frozen=True, slots=True)
class TicketAtRisk:
    """A promise to a customer will be broken soon, unless somebody acts."""

    TYPE: ClassVar[str] = "ticket.at_risk"
    ticket: Ticket
    due: Due


@dataclass(frozen=True, slots=True)
class TicketOverdue:
    """A promise to a customer is broken."""

    TYPE: ClassVar[str] = "ticket.overdue"
    ticket: Ticket
    due: Due


@dataclass(frozen=True, slots=True)
class WrapUpChanged:
    """Whoever answered writes it up, said something of it, or the wrap-up ended."""

    TYPE: ClassVar[str] = "wrap_up.changed"
    wrap_up: WrapUp


@dataclass(frozen=True, slots=True)
class ContactReasonsChanged:
    """The contact reasons were changed; all of them, by name."""

    TYPE: ClassVar[str] = "contact_reasons.changed"
    reasons: list[ContactReason]


@dataclass(frozen=True, slots=True)
class DispositionsChanged:
    """The dispositions were changed; all of them, by name."""

    TYPE: ClassVar[str] = "dispositions.changed"
    dispositions: list[Disposition]


@dataclass(frozen=True, slots=True)
class DeskChanged:
    """What stands beside a ticket changed: a draft was begun or ended, a note of hand-over, who watches, which tickets belong
    together. It is read again by whoever has the ticket open; nothing of a draft stands here."""

    TYPE: ClassVar[str] = "desk.changed"
    ticket_id: int


@dataclass(frozen=True, slots=True)
class NoticeChanged:
    """Somebody is told of a ticket, or has read of it. Only they hear this."""

    TYPE: ClassVar[str] = "notice.changed"
    notice: Notice


@dataclass(frozen=True, slots=True)
class SurveyAnswered:
    """A customer said how it was, or changed what they said."""

    TYPE: ClassVar[str] = "survey.answered"
    survey: Survey


@dataclass(frozen=True, slots=True)
class AlertBegan:
    """A figure stands beyond the threshold that somebody set. Heard by those who are to be told."""

    TYPE: ClassVar[str] = "alert.began"
    alert: Alert


@dataclass(frozen=True, slots=True)
class AlertEnded:
    """The figure is well again. Heard by those who were told that it was not."""

    TYPE: ClassVar[str] = "alert.ended"
    alert: Alert


EventData = (
    TicketCreated
    | TicketChanged
    | TicketGone
    | InteractionAdded
    | InteractionChanged
    | ContactChanged
    | ContactsMerged
    | ContactsUnmerged
    | HistoryChanged
    | OrganizationChanged
    | QueueChanged
    | UserChanged
    | AccessChanged
    | ChannelChanged
    | ChannelGone
    | RawItemQuarantined
    | RawItemReleased
    | AgentChanged
    | AuxCodesChanged
    | OfferChanged
    | WrapUpChanged
    | ContactReasonsChanged
    | DispositionsChanged
    | TicketAtRisk
    | TicketOverdue
    | DeskChanged
    | NoticeChanged
    | SurveyAnswered
    | AlertBegan
    | AlertEnded
)

CATALOGUE: dict[str, type[EventData]] = {cls.TYPE: cls for cls in EventData.__args__}


@dataclass(frozen=True, slots=True)
class Event:
    """A change about to be recorded, with what decides who may hear of it."""

    data: EventData
    project_id: int
    queue_id: int | None = None
    """The queue whose viewers may see it; None with `contact_id` None means everybody in the project."""
    contact_id: int | None = None
    assignee_id: int | None = None
    """Besides the queue's viewers, this employee may see it."""
    previous_queue_id: int | None = None
    """On a transfer, the viewers of the queue it left must hear that it went."""
    admins_only: bool = False


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as it stands in the journal."""

    seq: int
    type: str
    at: datetime
    actor_id: int | None
    project_id: int
    queue_id: int | None
    contact_id: int | None
    assignee_id: int | None
    previous_queue_id: int | None
    admins_only: bool
    data: dict[str, Any]
    chain: tuple[int, ...] = ()
    """Rules that led to it, the last one last."""
