"""People: employees, the customers they serve, and what a viewer may see."""

from dataclasses import dataclass
from datetime import datetime

from contact_center.model.words import PointKind, PointRole, Reason, Role


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is asking, with everything row scope needs. Built once per request or socket."""

    user_id: int
    project_id: int
    role: Role
    queue_ids: tuple[int, ...]
    """Queues granted. An admin sees every queue; `sees_all` says so."""
    hidden_queue_ids: tuple[int, ...] = ()
    """Confidential queues not granted: their entries appear as stubs."""
    session_id: int | None = None
    scopes: tuple[str, ...] | None = None
    """Scopes of an API token; None for a session, which has all rights of its role."""
    until: datetime | None = None
    """When the first of the queues that they stand in ends: what they may see must be asked anew."""

    @property
    def sees_all(self) -> bool:
        """An admin's scope is the whole project."""
        return self.role is Role.ADMIN

    def sees_queue(self, queue_id: int | None) -> bool:
        """Whether tickets of this queue are open to the viewer."""
        return self.sees_all or queue_id in self.queue_ids

    def is_hidden(self, queue_id: int | None) -> bool:
        """Whether entries of this queue must appear as stubs."""
        return queue_id in self.hidden_queue_ids


@dataclass(frozen=True, slots=True)
class StandIn:
    """A queue that somebody serves for a while."""

    queue_id: int
    until: datetime


@dataclass(frozen=True, slots=True)
class User:
    """An employee, as every colleague may see them."""

    id: int
    name: str
    email: str
    role: Role
    disabled: bool = False
    queue_ids: tuple[int, ...] = ()
    """Queues granted for good."""
    has_password: bool = True
    stand_ins: tuple[StandIn, ...] = ()
    """Queues served for a while: seen as the others are, and while there are any only their work is offered."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A waiting line."""

    id: int
    name: str
    confidential: bool = False
    calendar_id: int | None = None
    """When it is open; None: always."""
    offers: bool = False
    """Whether its work is offered to whoever is free; otherwise colleagues pick."""
    offer_seconds: int = 30
    """How long an offer stands."""
    target_seconds: int = 14_400
    """Service level: within this much business time a turn should be answered."""
    overflow_queue_id: int | None = None
    """Where a turn goes that waits too long."""
    overflow_seconds: int = 3600
    """How long is too long, on the clock."""
    overflow_until: datetime | None = None
    """When the overflow closes by itself; None: it stays."""
    after_hours_queue_id: int | None = None
    """Where goes what comes while it is closed; None: it waits until it opens."""
    sla_policy_id: int | None = None
    """What is promised to customers whose tickets open here."""
    wants_handover: bool = False
    """Whether whoever passes one of its tickets on must leave a note."""
    follow_up_days: int | None = None
    """For how many days an answer reopens a resolved ticket; None: as the settings say, 0: never, -1: always."""
    wrap_seconds: int = 0
    """How long whoever answered may write it up, and is offered nothing; 0: no wrap-up."""
    wants_reason: bool = False
    """Whether a wrap-up is done only with a contact reason."""
    wants_disposition: bool = False
    """Whether a wrap-up is done only with a disposition."""


@dataclass(frozen=True, slots=True)
class Point:
    """One reachable address of a contact."""

    id: int
    kind: PointKind
    value: str
    """Normalised: e-mail with lower-case domain and folded local part, phone as E.164."""
    display: str
    role: PointRole
    verified: bool
    """The person proved it, or our own reply to it was answered."""
    bounced: bool = False
    """Our last message to it came back."""
    opted_out: bool = False
    """The person asked, by one of our channels, for no more messages there."""


@dataclass(frozen=True, slots=True)
class OrganizationRef:
    """As much of an organization as a contact shows."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Organization:
    """A company: a name, the mail domains of its people, and what everybody should know of it."""

    id: int
    name: str
    domains: tuple[str, ...] = ()
    note: str = ""
    created_by: int | None = None
    """Who made it sees it, even before somebody belongs to it."""
    sla_policy_id: int | None = None
    """What a contract promises its people, whatever queue they write to."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A person: customer, partner, supplier."""

    id: int
    name: str
    provisional: bool
    """Made by the product from an unknown contact point; nobody has confirmed it yet."""
    points: tuple[Point, ...] = ()
    note: str = ""
    owner_id: int | None = None
    created_at: datetime | None = None
    merges: tuple["Merge", ...] = ()
    """Joins into this contact that can still be undone, newest first."""
    organization: OrganizationRef | None = None
    """The company the person belongs to; at most one."""


@dataclass(frozen=True, slots=True)
class Merge:
    """Two contacts joined; `undone_at` is set once taken back."""

    id: int
    survivor_id: int
    loser_id: int
    loser_name: str
    merged_at: datetime
    merged_by: int | None = None
    undone_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ContactRef:
    """As much of a contact as a list row shows."""

    id: int
    name: str
    provisional: bool


@dataclass(frozen=True, slots=True)
class Holder:
    """A contact that a point reaches."""

    contact: ContactRef
    verified: bool
    latest: bool
    """What comes by the point goes to whoever was linked last."""


@dataclass(frozen=True, slots=True)
class Holders:
    """Whom a point reaches."""

    point_id: int
    role: PointRole
    people: tuple[Holder, ...]
    hidden: int
    """How many more there are whom the viewer may not see."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Two contacts that may be one person. Never joined by itself: a person decides."""

    contacts: tuple[Contact, ...]
    """The two."""
    score: int
    """0 to 100."""
    reasons: tuple[Reason, ...]
