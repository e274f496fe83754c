"""What the API gives beyond the model's own values."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from contact_center.automation.trying import Verdict
from contact_center.model.agent_time import AgentTime, Stretch
from contact_center.model.channels import ChannelNews, Reconciliation
from contact_center.model.desk import Notice
from contact_center.model.figures import About, Unit, values
from contact_center.model.people import Queue, User
from contact_center.model.routing import AgentNow, AuxCode, Offer
from contact_center.model.rules import RuleRun
from contact_center.model.shift import ContactReason, Disposition, WrapUp
from contact_center.model.sla import Clock
from contact_center.model.tickets import Ticket
from contact_center.model.webhooks import WebhookEndpoint
from contact_center.model.words import Fate, Goal, Status
from contact_center.tickets.acting import Effect


@dataclass(frozen=True, slots=True)
class Me:
    """The signed-in employee."""

    user: User
    permissions: list[str]
    undo_send_seconds: float


@dataclass(frozen=True, slots=True)
class Count:
    """How many visible active tickets stand in one bucket."""

    queue_id: int
    status: Status
    assignee_id: int | None
    tickets: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a console needs to start, read at one journal number."""

    as_of: int
    me: Me
    users: list[User]
    queues: list[Queue]
    channels: list[ChannelNews]
    counts: list[Count]
    agents: list[AgentNow]
    """Colleagues who were ever signed in to work."""
    aux_codes: list[AuxCode]
    offers: list[Offer]
    """What is on offer now, to the viewer and in the queues they see."""
    wrap_ups: list[WrapUp]
    """What is being written up now, by the viewer and in the queues they see."""
    contact_reasons: list[ContactReason]
    dispositions: list[Disposition]
    notices: list[Notice]
    """What the viewer was told and has not read."""
    first_run: bool
    """Nothing has arrived yet: the console shows how to begin."""
    answered: bool
    """Somebody has answered a customer already; told to administrators, whose first steps it ends."""
    mail_port: int | None
    """Port of the embedded mail receiver, for the hint of an empty console."""


@dataclass(frozen=True, slots=True)
class ViewCount:
    """How many tickets a saved view holds."""

    view_id: int
    tickets: int
    more: bool
    """Counting stopped there: a view that reaches what is done may be long."""


@dataclass(frozen=True, slots=True)
class TicketIds:
    """Tickets by number, in the order of their view."""

    ids: list[int]
    more: bool
    """There are others, beyond what one bulk action may reach."""


@dataclass(frozen=True, slots=True)
class Performed:
    """What actions did to a ticket."""

    ticket: Ticket
    effects: list[Effect]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something was not done."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class BulkLine:
    """What became of one ticket of many."""

    ticket_id: int
    refusal: Refusal | None
    """None: it is done."""


@dataclass(frozen=True, slots=True)
class TicketRules:
    """What rules did with a ticket, and why others did nothing."""

    runs: list[RuleRun]
    verdicts: list[Verdict]


@dataclass(frozen=True, slots=True)
class FilledText:
    """A canned reply for one ticket."""

    text: str


@dataclass(frozen=True, slots=True)
class FigurePart:
    """A tally that opens into as many rows as it says."""

    tally: str
    en: str
    ru: str


@dataclass(frozen=True, slots=True)
class FigureInfo:
    """A figure of the registry."""

    id: str
    unit: Unit
    about: About
    formula: str
    """In the names of the tallies of a report's row."""
    en: str
    ru: str
    words_en: str
    """The formula as people read it."""
    words_ru: str
    parts: list[FigurePart]
    """What it is made of and opens into: of a count the rows it counts, else what its formula counts."""
    window_seconds: int | None
    """Over how long alerts look; None: of this moment."""
    version: int
    """Grows when the meaning changes."""


@dataclass(frozen=True, slots=True)
class TimeOf:
    """The time of an agent, in seconds, and what it comes to."""

    time: AgentTime
    figures: dict[str, float | None]
    """By id, as the registry has them."""

    @classmethod
    def of(cls, time: AgentTime) -> "TimeOf":
        """With what it comes to."""
        return cls(time, values(time.tallies, about=About.TIME))


@dataclass(frozen=True, slots=True)
class AgentTimes:
    """How colleagues spent a stretch of time."""

    at: datetime
    """Until when it was counted: what lasts is counted until then."""
    rows: list[TimeOf]
    total: TimeOf


@dataclass(frozen=True, slots=True)
class Stretches:
    """What the time of an agent is made of."""

    stretches: list[Stretch]
    more: bool
    """There are more than were asked for: a shorter time shows them all."""


@dataclass(frozen=True, slots=True)
class Device:
    """One session of the employee."""

    id: int
    created_at: datetime
    last_seen_at: datetime
    address: str
    user_agent: str
    current: bool


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """An API token, without the token."""

    id: int
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewToken:
    """A new API token, shown this once."""

    id: int
    token: str


@dataclass(frozen=True, slots=True)
class Invitation:
    """A one-time link for an employee to set a password, shown this once."""

    user: User
    url: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A log-in that worked."""

    user_id: int


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file ready to be attached to a reply."""

    id: int
    filename: str
    size: int


@dataclass(frozen=True, slots=True)
class ChannelDetail:
    """A channel account for its administrators; secrets are never shown, only whether there is one."""

    channel: ChannelNews
    options: dict[str, Any]
    secrets_set: list[str]
    books: dict[str, int]
    hook_url: str | None
    """Where the account hears requests from outside; None when its kind hears none."""
    consent: Literal["none", "needed", "given"] = "none"
    """Whether a provider must allow us the account, and whether it does."""


@dataclass(frozen=True, slots=True)
class Participant:
    """An address that takes part in a ticket: what it sends joins, when it names the ticket's messages."""

    kind: str
    address: str
    role: Literal["wrote", "to", "cc", "other"]
    """Why: it wrote, was written to, got a copy; `other`: from before this was noted."""


@dataclass(frozen=True, slots=True)
class ConsentPage:
    """Where an administrator goes to allow us an account."""

    url: str


@dataclass(frozen=True, slots=True)
class OptionField:
    """One field of a channel's settings form."""

    name: str
    title: str
    help: str
    kind: Literal["text", "number", "switch", "choice", "long", "form_fields"]
    secret: bool
    default: Any
    choices: list[str]


@dataclass(frozen=True, slots=True)
class KindInfo:
    """A kind of channel and the form of its settings."""

    name: str
    label: str
    address_label: str
    fields: list[OptionField]


@dataclass(frozen=True, slots=True)
class Books:
    """The ledger of one channel account: received is the sum of the rest."""

    account_id: int
    received: int
    fates: dict[Fate, int]
    compared: Reconciliation | None = None
    """The last comparison with the source itself; None before the first."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A channel account with something that a person should look at."""

    account_id: int
    quarantined: int
    """Items that no parser understood and nobody has dealt with."""
    missing: int
    """Items that the source holds and we do not, as of the last comparison."""


@dataclass(frozen=True, slots=True)
class Released:
    """How many items went from quarantine back to be tried again."""

    items: int


@dataclass(frozen=True, slots=True)
class OriginalPreview:
    """The beginning of an original as text, and who seems to have sent it. All of it is what a stranger wrote."""

    text: str
    said: str
    """What a mail says, decoded as far as it can be made out; empty for anything else."""
    name: str
    address: str
    subject: str


@dataclass(frozen=True, slots=True)
class MadeByHand:
    """What was made of a quarantined item."""

    entry_id: int
    ticket_id: int | None


@dataclass(frozen=True, slots=True)
class SpooledMail:
    """A mail in the outgoing spool."""

    id: int
    entry_id: int
    ticket_id: int | None
    subject: str
    to: list[str]
    filename: str
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """One entry of the change feed."""

    seq: int
    type: str
    at: datetime
    actor_id: int | None
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Feed:
    """Events in order. Ask again with `after` set to `horizon`; nothing at or below it can still appear."""

    events: list[FeedEvent]
    horizon: int
    more: bool


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """An endpoint with its secret, shown this once."""

    endpoint: WebhookEndpoint
    secret: str


@dataclass(frozen=True, slots=True)
class WebhooksInfo:
    """All endpoints, and what new ones can choose."""

    endpoints: list[WebhookEndpoint]
    types: list[str]
    private_networks: bool
    """Whether addresses of private networks and plain http are allowed here."""


@dataclass(frozen=True, slots=True)
class Replaying:
    """How many messages will be sent again, as far as that is known already."""

    messages: int


@dataclass(frozen=True, slots=True)
class Ready:
    """Whether the server can work, check by check."""

    ready: bool
    checks: dict[str, str]


@dataclass(frozen=True, slots=True)
class TicketClock:
    """What was promised in a ticket, and how it stands."""

    id: int
    goal: Goal
    target_seconds: int
    """Of business time."""
    started_at: datetime
    running: bool
    """Whether time passes for it: the ticket is open, and the clock has not come to its end."""
    due_at: datetime | None
    warn_at: datetime | None
    stopped_at: datetime | None
    breached_at: datetime | None
    """When the promise was broken: the instant at which it was due."""
    cancelled: bool
    """Neither kept nor broken."""
    met: bool | None
    """Whether it was kept; None while that is open, and for what was cancelled."""

    @classmethod
    def of(cls, clock: Clock) -> "TicketClock":
        """As the API tells it."""
        running = not clock.is_over and clock.running_since is not None
        times = (clock.due_at, clock.warn_at, clock.stopped_at, clock.breached_at)
        return cls(clock.id, clock.goal, int(clock.target.total_seconds()), clock.started_at, running, *times, clock.cancelled, clock.met)
