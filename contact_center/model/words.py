"""Closed vocabularies. The values are what stands in the database, in the API and in events."""

from enum import StrEnum


class Role(StrEnum):
    """What an employee may do. Rights grow from agent to admin; see `api/permissions.py`."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"


class Direction(StrEnum):
    """Who speaks: the customer (in), the centre (out), or the centre to itself (internal)."""

    IN = "in"
    OUT = "out"
    INTERNAL = "internal"


class EntryKind(StrEnum):
    """What a timeline entry is. Channels add their own kind by name; these are the centre's."""

    EMAIL = "email"
    NOTE = "note"
    CHANGE = "change"
    SURVEY = "survey"
    """What a customer answered when they were asked how it was."""


class Status(StrEnum):
    """A ticket's status; each is its own category: open, waiting (clock paused), resolved, closed."""

    OPEN = "open"
    WAITING = "waiting"
    RESOLVED = "resolved"
    CLOSED = "closed"


class Priority(StrEnum):
    """How much a ticket matters beside others."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class Fate(StrEnum):
    """Where a raw item stands. `received` is in flight; the other four are final."""

    RECEIVED = "received"
    STORED = "stored"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"
    IGNORED = "ignored"


class Delivery(StrEnum):
    """The state of something we send. `uncertain`: it may have gone out before a crash; a person decides."""

    QUEUED = "queued"
    LEASED = "leased"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    CANCELLED = "cancelled"


class Demand(StrEnum):
    """What something from outside asks of us."""

    ANSWER = "answer"
    """Somebody must answer: it opens a turn."""
    CALLBACK = "callback"
    """Somebody must call: it opens one turn a person, however often they tried."""
    SERVED = "served"
    """The person got through: whoever was to call them need not any more."""
    NOTHING = "nothing"
    """It is kept in the history and asks for nothing."""


class Consent(StrEnum):
    """What a customer says about being written to."""

    STOP = "stop"
    START = "start"


class ProofState(StrEnum):
    """Whether whoever stands as a message's sender really sent it."""

    VERIFIED = "verified"
    FAILED = "failed"
    """It is forged, as far as can be told: it joins nothing, and nobody's history stands beside it."""
    UNKNOWN = "unknown"


class PointKind(StrEnum):
    """Kinds of contact point."""

    EMAIL = "email"
    PHONE = "phone"
    ANONYMOUS = "anonymous"
    """Nobody can be reached by it: all that comes from withheld numbers stands under one contact."""


class PointRole(StrEnum):
    """Whether a contact point reaches one person or a group (a switchboard, info@)."""

    PERSONAL = "personal"
    SHARED = "shared"


class Reason(StrEnum):
    """Why two contacts may be one person."""

    SAME_NAME_AND_DOMAIN = "same_name_and_domain"
    SAME_NAME = "same_name"
    TRANSLITERATED_NAME = "transliterated_name"
    SAME_PHONE_DIGITS = "same_phone_digits"
    SAME_MAIL_NAME = "same_mail_name"
    """The part before the at sign is the same, and it is no word like info or sales."""
    SAME_ORGANIZATION = "same_organization"
    CLAIMED_POINT = "claimed_point"
    """One said in a form that an address of the other is theirs."""
    UNVERIFIED_ONLY = "unverified_only"
    """No address of either is proven: the score is lower."""


class WorkState(StrEnum):
    """Where a work item or its current segment stands."""

    WAITING = "waiting"
    ASSIGNED = "assigned"
    WRAPPING = "wrapping"
    """The customer has their answer, and whoever gave it writes it up. Of a segment."""
    DONE = "done"


class EndReason(StrEnum):
    """Why a segment ended."""

    COMPLETED = "completed"
    NO_REPLY_NEEDED = "no_reply_needed"
    TRANSFERRED = "transferred"
    OVERFLOWED = "overflowed"
    AFTER_HOURS = "after_hours"
    """It came while the queue was closed, and went where the queue sends what comes then."""
    MERGED = "merged"


class Goal(StrEnum):
    """What is promised to a customer."""

    FIRST_RESPONSE = "first_response"
    """From the customer's first message to the first answer of a person."""
    NEXT_RESPONSE = "next_response"
    """From the oldest unanswered message of a later turn to its answer."""
    RESOLUTION = "resolution"
    """From the opening of the ticket until it is resolved; what passes while it is resolved does not count."""


class WrapEnd(StrEnum):
    """How the wrap-up of a stay ended."""

    DONE = "done"
    """By hand, with all that the queue wants."""
    TIME_UP = "time_up"
    """By the clock, and nothing was missing."""
    NOT_GIVEN = "not_given"
    """By the clock, without the reason or disposition that the queue wants."""


class HandlingKind(StrEnum):
    """What an agent did in a stretch of handling."""

    FOCUS = "focus"
    """The ticket was before them, at a console in use."""
    WRAP = "wrap"
    TALK = "talk"
    HOLD = "hold"


class AgentState(StrEnum):
    """Whether an agent may be offered work, by their own word or by what became of them."""

    AVAILABLE = "available"
    AUX = "aux"
    """Signed in and not to be offered work; a code says why."""
    RONA = "rona"
    """An offer ran out unanswered: nobody may be sitting there. Ends when they say that they are back."""
    OFFLINE = "offline"


class StateReason(StrEnum):
    """What began a stretch of an agent's state."""

    CHOSEN = "chosen"
    SUPERVISOR = "supervisor"
    AFTER_WORK = "after_work"
    """Asked for during work, and begun when the work was done."""
    NO_ANSWER = "no_answer"
    LOST = "lost"
    """No console of theirs was open any more."""


class OfferState(StrEnum):
    """What became of an offer."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    """Taken back, through no fault of the agent: the ticket was taken, answered or moved, or they left."""


class Health(StrEnum):
    """How a channel account is doing."""

    STARTING = "starting"
    OK = "ok"
    UNAVAILABLE = "unavailable"
    AUTH_FAILED = "auth_failed"
    MISCONFIGURED = "misconfigured"
    STOPPED = "stopped"


class View(StrEnum):
    """The built-in lists of tickets."""

    OPEN = "open"
    MINE = "mine"
    UNASSIGNED = "unassigned"
    AWAITING = "awaiting"
    """A customer waits and nobody has taken the ticket: what the board counts as waiting."""
    IN_WORK = "in_work"
    """A customer waits and somebody has taken the ticket: what the board counts as in work."""
    WAITING = "waiting"
    """We have answered and wait for the customer."""
    RESOLVED = "resolved"
    ALL = "all"


class Sharing(StrEnum):
    """Who finds a saved view or a macro in their list."""

    OWN = "own"
    """Whoever made it."""
    QUEUE = "queue"
    """Everybody who sees one queue."""
    ALL = "all"


class ViewSort(StrEnum):
    """The order of a saved view."""

    WAITING = "waiting"
    """Whose customer waits longest first; then those whose customer does not wait."""
    NEWEST = "newest"
    DUE = "due"
    """Whose promise is due first; then those that nothing is promised of."""


class Trigger(StrEnum):
    """What lets a rule look at a ticket."""

    CREATED = "ticket_created"
    CUSTOMER_WROTE = "customer_wrote"
    AGENT_ANSWERED = "agent_answered"
    STATUS_CHANGED = "status_changed"
    ASSIGNEE_CHANGED = "assignee_changed"
    QUEUE_CHANGED = "queue_changed"
    PRIORITY_CHANGED = "priority_changed"
    AT_RISK = "promise_at_risk"
    """So much of what was promised is spent that the policy warns."""
    OVERDUE = "promise_broken"
    TIME = "time_passed"
    """Something has been so for a while."""


class Since(StrEnum):
    """What the time of a rule is counted from; a new beginning is a new episode."""

    WAITING = "waiting"
    """The customer's oldest unanswered message."""
    CREATED = "created"
    LAST_ENTRY = "last_entry"
    RESOLVED = "resolved"


class RuleOutcome(StrEnum):
    """What came of a rule that looked at a ticket."""

    FIRED = "fired"
    OVERTAKEN = "overtaken"
    """It held when it happened, and no longer when it was the rule's turn."""
    REFUSED = "refused"
    """An action could not be done; none was."""
    LOOP = "loop"
    """The rules that led to it are too many."""
    PAUSED = "paused"
    """It fired too often on one ticket, and was stopped."""
