"""What the API takes, and how lists are paged."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

import orjson
from pydantic import AfterValidator, AwareDatetime, Field

from contact_center.api.framework import Input
from contact_center.contacts.importing.mapping import Column
from contact_center.errors import BadRequest
from contact_center.model.events import CATALOGUE
from contact_center.model.tickets import Address
from contact_center.model.webhooks import TYPES
from contact_center.model.words import PointKind, PointRole, Priority, Role, Status, View

T = TypeVar("T")


def among(names: tuple[str, ...]) -> Callable[[str], str]:
    """Refuses what is none of these."""

    def check(value: str) -> str:
        if value not in names:
            raise ValueError(f"{value} is none of: {', '.join(names)}")
        return value

    return check


Name = Annotated[str, Field(min_length=1, max_length=200)]
Mail = Annotated[str, Field(min_length=3, max_length=320, pattern=r"^[^\s@<>\"']+@[^\s@<>\"']+$")]
Recipient = Annotated[str, Field(min_length=3, max_length=320, pattern=r"^([^\s@<>\"']+@[^\s@<>\"']+|\+?[\d\s().-]{3,30})$")]
Password = Annotated[str, Field(min_length=1, max_length=1000)]
Text = Annotated[str, Field(min_length=1, max_length=500_000)]
EventType = Annotated[str, Field(json_schema_extra={"enum": sorted(CATALOGUE)}), AfterValidator(among(tuple(CATALOGUE)))]
WebhookType = Annotated[str, Field(json_schema_extra={"enum": sorted(TYPES)}), AfterValidator(among(TYPES))]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list. `next_cursor` is None on the last; `as_of` is the journal number the page was read at."""

    items: list[T]
    next_cursor: str | None
    as_of: int


def encode_cursor(*values: Any) -> str:
    """An opaque place in a list."""
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")


def decode_cursor(cursor: str | None, *kinds: type) -> list[Any] | None:
    """The values of a cursor, instants parsed. Raises BadRequest for one that is not ours."""
    if not cursor:
        return None
    try:
        values = orjson.loads(base64.urlsafe_b64decode(cursor[:2000] + "=" * (-len(cursor) % 4)))
        if len(values) != len(kinds):
            raise ValueError
        parsed = []
        for value, kind in zip(values, kinds, strict=True):
            value = datetime.fromisoformat(value) if kind is datetime else kind(value)
            if isinstance(value, datetime):
                if value.tzinfo is None:
                    raise ValueError
                value = value.astimezone(UTC)  # OverflowError at the ends of time
            if isinstance(value, int) and abs(value) >= 2**53:
                raise ValueError
            parsed.append(value)
        return parsed
    except (ValueError, TypeError, binascii.Error, orjson.JSONDecodeError, OverflowError):
        raise BadRequest("The cursor is not one of ours.") from None


class PageQuery(Input):
    """Paging."""

    cursor: str | None = Field(None, max_length=2000)
    limit: int = Field(50, ge=1, le=200)


class TicketQuery(PageQuery):
    """Which tickets to list."""

    view: View = View.OPEN
    saved_view_id: int | None = Field(None, ge=1, lt=2**53)
    """Those that meet the conditions of this view, in its order; together with `view`, which is `all` then."""
    queue_id: int | None = Field(None, ge=1, lt=2**53)
    q: str = Field("", max_length=200)


class ContactQuery(PageQuery):
    """Which contacts to list."""

    q: str = Field("", max_length=200)
    since: AwareDatetime | None = None
    """Only those who became known at that time or later."""


class TicketPatchBody(Input):
    """What to change; fields left out stay as they are. `assignee_id: null` unassigns."""

    status: Status | None = None
    assignee_id: int | None = Field(None, ge=1, lt=2**53)
    queue_id: int | None = Field(None, ge=1, lt=2**53)
    priority: Priority | None = None
    subject: str | None = Field(None, min_length=1, max_length=998)
    tags: list[Annotated[str, Field(min_length=1, max_length=60)]] | None = Field(None, max_length=50)
    snoozed_until: AwareDatetime | None = None
    """Put off until then: the ticket waits, and opens again by itself or when the customer writes. `null` ends it."""
    next_step: str | None = Field(None, max_length=300)
    """What is to be done next."""
    reason_id: int | None = Field(None, ge=1, lt=2**53)
    """Why the customer turned to us; `null` takes it back."""
    handover: str | None = Field(None, max_length=4000)
    """What whoever gets the ticket should know, where it goes to another queue or colleague or just went there;
    it stands at its top until somebody answers."""


class AddressBody(Input):
    """A recipient: a mail address, or a telephone number for a channel of text messages."""

    name: str = Field("", max_length=200)
    email: Recipient

    def to_model(self) -> Address:
        """The model's value."""
        return Address(self.name, self.email)


class ReplyBody(Input):
    """An answer. Without `to` it goes to whoever wrote last."""

    text: Text
    to: list[AddressBody] = Field(default_factory=list, max_length=50)
    cc: list[AddressBody] = Field(default_factory=list, max_length=50)
    status: Status = Status.WAITING
    attachment_ids: list[Annotated[int, Field(ge=1, lt=2**53)]] = Field(default_factory=list, max_length=50)
    channel_id: Annotated[int, Field(ge=1, lt=2**53)] | None = None
    """The channel account to answer by; without it the one the customer wrote by last."""
    reply_all: bool = False
    """Whether everybody whom the answered message names gets a copy, but for our own mailboxes."""
    seen_entry_id: Annotated[int, Field(ge=0, lt=2**53)] | None = None
    """The newest entry of the ticket that the writer had read when they began. A colleague's answer after it refuses this one (409,
    `overtaken`), so that nobody is answered twice by chance; without it the reply goes out in any case."""


class NoteBody(Input):
    """A private note."""

    text: Text
    mentioned_ids: list[Annotated[int, Field(ge=1, lt=2**53)]] = Field(default_factory=list, max_length=20)
    """Colleagues whom it mentions: they are told, and watch the ticket from then on."""


class ContactPatchBody(Input):
    """What to change about a contact."""

    name: Name | None = None
    note: str | None = Field(None, max_length=20_000)
    owner_id: int | None = Field(None, ge=1, lt=2**53)
    """`null` leaves the contact without an owner."""
    organization_id: int | None = Field(None, ge=1, lt=2**53)
    """`null` takes the contact out of its organization."""


class PointBody(Input):
    """A contact point as typed; it is normalised here."""

    kind: PointKind
    value: str = Field(min_length=1, max_length=320)
    shared: bool = False
    """It reaches a group: it is added although others have it, if one may see them all."""


class PointPatchBody(Input):
    """Whether a point reaches one person or a group."""

    role: PointRole


class MoveBody(Input):
    """The contact that it really was."""

    contact_id: int = Field(ge=1, lt=2**53)


class DistinctBody(Input):
    """The contact that is another person."""

    other_id: int = Field(ge=1, lt=2**53)


class CandidateQuery(Input):
    """How many pairs to list; there is no second page, because each decision makes the list shorter."""

    limit: int = Field(20, ge=1, le=50)


class OrganizationBody(Input):
    """A new organization."""

    name: Name
    domains: list[Annotated[str, Field(min_length=1, max_length=255)]] = Field(default_factory=list, max_length=50)
    note: str = Field("", max_length=20_000)


class OrganizationPatchBody(Input):
    """What to change about an organization."""

    name: Name | None = None
    domains: list[Annotated[str, Field(min_length=1, max_length=255)]] | None = Field(None, max_length=50)
    note: str | None = Field(None, max_length=20_000)
    sla_policy_id: int | None = Field(None, ge=1, lt=2**53)
    """What a contract promises its people; only an administrator sets it."""


class MergeBody(Input):
    """The contact that is the same person and will be joined into this one."""

    other_id: int = Field(ge=1, lt=2**53)


class ImportPatchBody(Input):
    """How a file is read: whether its first row names the columns, and what each column holds ("" for nothing)."""

    header: bool | None = None
    columns: list[Column] | None = Field(None, max_length=200)


class ImportRowsQuery(Input):
    """Which rows of an import."""

    after: int = Field(0, ge=0, lt=2**31)
    limit: int = Field(100, ge=1, le=500)


class LoginBody(Input):
    """Credentials."""

    email: str = Field(min_length=1, max_length=320)
    password: Password


class FirstLoginBody(Input):
    """The first administrator."""

    token: str = Field(min_length=1, max_length=200)
    name: Name
    email: Mail
    password: Password


class AcceptBody(Input):
    """Setting a password by invitation."""

    token: str = Field(min_length=1, max_length=200)
    password: Password


class PasswordBody(Input):
    """A change of one's own password."""

    current: Password
    new: Password


class MeBody(Input):
    """What employees may change about themselves."""

    name: Name


class TokenBody(Input):
    """A new API token."""

    name: Name
    scopes: list[str] = Field(min_length=1, max_length=20)
    days: int | None = Field(90, ge=1, le=3650)


class UserBody(Input):
    """A new employee."""

    name: Name
    email: Mail
    role: Role = Role.AGENT
    queue_ids: list[Annotated[int, Field(ge=1, lt=2**53)]] = Field(default_factory=list, max_length=1000)


class UserPatchBody(Input):
    """What an admin changes about an employee."""

    name: Name | None = None
    role: Role | None = None
    disabled: bool | None = None
    queue_ids: list[Annotated[int, Field(ge=1, lt=2**53)]] | None = Field(None, max_length=1000)


class QueueBody(Input):
    """A queue."""

    name: Name
    confidential: bool = False
    calendar_id: int | None = Field(None, ge=1, lt=2**53)
    """When it is open; without one: always."""


class QueuePatchBody(Input):
    """What to change about a queue. `calendar_id: null` opens it around the clock."""

    offers: bool | None = None
    """Whether its work is offered to whoever is free."""
    offer_seconds: int | None = Field(None, ge=5, le=3600)
    """How long an offer stands."""
    target_seconds: int | None = Field(None, ge=1, le=30 * 86400)
    """Service level: within this much business time a turn should be answered."""
    wrap_seconds: int | None = Field(None, ge=0, le=3600)
    """How long whoever answered may write it up; 0: no wrap-up."""
    wants_reason: bool | None = None
    """Whether a wrap-up is done only with a contact reason."""
    wants_disposition: bool | None = None
    wants_handover: bool | None = None
    """Whether whoever passes one of its tickets on must leave a note."""
    follow_up_days: int | None = Field(None, ge=-1, le=3650)
    """For how many days an answer reopens a resolved ticket; `null`: as the settings say, 0: never, -1: always."""

    name: Name | None = None
    confidential: bool | None = None
    calendar_id: int | None = Field(None, ge=1, lt=2**53)
    after_hours_queue_id: int | None = Field(None, ge=1, lt=2**53)
    """Where goes what comes while it is closed; `null`: it waits until it opens."""
    sla_policy_id: int | None = Field(None, ge=1, lt=2**53)
    """What is promised to customers whose tickets open here from now on; null: nothing."""


Clock = Annotated[str, Field(min_length=5, max_length=5)]
Spans = Annotated[list[tuple[Clock, Clock]], Field(max_length=24)]


class HoursBody(Input):
    """Opening hours: pairs of a beginning and an end ("09:00", "24:00") for each day from Monday on."""

    timezone: str = Field(max_length=60)
    weekly: list[Spans] = Field(min_length=7, max_length=7)
    holidays: str = Field("", max_length=40)
    """Country, or country and region, whose holidays are closed; empty: none."""
    overrides: dict[Annotated[str, Field(max_length=10)], Spans] = Field(default_factory=dict, max_length=400)
    """Days that differ, by date."""


class CalendarBody(Input):
    """A calendar."""

    name: Name
    hours: HoursBody


class PreviewBody(Input):
    """Hours to look at before they are saved."""

    hours: HoursBody
    language: Literal["ru", "en"] = "en"


class ByHandBody(Input):
    """What somebody read in an original that no parser understands."""

    address: str = Field(min_length=3, max_length=320)
    """Mail address or phone number of whoever sent it."""
    name: str = Field("", max_length=200)
    subject: str = Field(min_length=1, max_length=300)
    text: Text


class ChannelBody(Input):
    """A channel account. Secret options left out or empty keep what is stored."""

    kind: str = Field(max_length=40)
    name: Name
    address: str = Field(min_length=1, max_length=320)
    queue_id: int = Field(ge=1, lt=2**53)
    expect_hours: int = Field(0, ge=0, le=24 * 365)
    """After how many hours without anything people are told; 0: silence is ordinary here."""
    options: dict[str, Any] = Field(default_factory=dict)
    check: bool = True
    """Try the real connection before saving."""


class ChannelPatchBody(Input):
    """What to change about a channel account."""

    name: Name | None = None
    queue_id: int | None = Field(None, ge=1, lt=2**53)
    enabled: bool | None = None
    expect_hours: int | None = Field(None, ge=0, le=24 * 365)
    """After how many hours without anything people are told; 0: silence is ordinary here."""
    options: dict[str, Any] | None = None
    check: bool = True


class BoardQuery(Input):
    """What the board counts from."""

    since: AwareDatetime
    """The beginning of the reader's day, with its zone."""


class EventsQuery(Input):
    """Where to read the change feed from, and how long to wait for something to tell."""

    after: int = Field(0, ge=0, lt=2**53)
    limit: int = Field(200, ge=1, le=1000)
    types: list[EventType] = Field(default_factory=list, max_length=50)
    wait: float = Field(0, ge=0, le=30)


class WebhookBody(Input):
    """A new endpoint."""

    name: Name
    url: str = Field(min_length=1, max_length=2000)
    types: list[WebhookType] = Field(min_length=1, max_length=50)
    confidential: bool = False
    """Whether it hears of confidential queues too."""


class WebhookPatchBody(Input):
    """What to change about an endpoint. Switched on again it goes on where it stopped, unless `skip_missed`."""

    name: Name | None = None
    url: str | None = Field(None, min_length=1, max_length=2000)
    types: list[WebhookType] | None = Field(None, min_length=1, max_length=50)
    confidential: bool | None = None
    enabled: bool | None = None
    skip_missed: bool = False
    """Go on with what happens from now on; what was missed or still waits is left out."""


class WebhookSecretBody(Input):
    """How long the earlier secret stays valid beside the new one; 0 when it has become known."""

    overlap_hours: int = Field(24, ge=0, le=168)


class DeliveryQuery(PageQuery):
    """Which messages to list."""

    state: Literal["pending", "leased", "delivered", "failed", "withheld"] | None = None


class WebhookReplayBody(Input):
    """What to send again: all that failed since a time, or everything in the journal after a number."""

    failed_since: AwareDatetime | None = None
    after: int | None = Field(None, ge=0, lt=2**53)


class UploadQuery(Input):
    """The name of an uploaded file."""

    filename: str = Field(min_length=1, max_length=300)


class HtmlQuery(Input):
    """How the markup of a mail is shown."""

    images: bool = False


class MediaQuery(Input):
    """A signed address, so that a sandboxed frame without cookies can load a picture."""

    expires: int = Field(ge=0, lt=2**53)
    signature: str = Field(max_length=64)


class RemoteImageQuery(MediaQuery):
    """A remote picture through our own proxy."""

    url: str = Field(max_length=4000)


class DownloadQuery(Input):
    """How a file is handed over."""

    download: bool = True


class Empty(Input):
    """No parameters."""
