"""What a channel understood of one raw item: neutral words, the same for every channel."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from contact_center.model.tickets import Address, Proof
from contact_center.model.words import Consent, Delivery, Demand, Direction, PointKind, ProofState, Status


@dataclass(frozen=True, slots=True)
class RawItem:
    """Something received, before anybody has looked inside."""

    provider_key: str
    """The provider's own key, unique within the channel account."""
    content: bytes | None = None
    """The original; None when it was streamed into the blob store and `sha256` names it."""
    sha256: str | None = None
    size: int = 0
    source_time: datetime | None = None
    """When the source says it got the item (IMAP's INTERNALDATE); None when the source keeps no time."""
    envelope: dict[str, Any] = field(default_factory=dict)
    """What the transport said beside the content (SMTP sender and recipients)."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a connector has read, committed together with the items it covers."""

    name: str
    value: dict[str, Any]


@dataclass(frozen=True, slots=True)
class InboundFile:
    """A decoded attachment: its bytes, or the path of a file when it was too large to hold."""

    filename: str
    content_type: str
    size: int
    sha256: str
    content: bytes | None = None
    path: str | None = None
    content_id: str | None = None
    inline: bool = False


@dataclass(frozen=True, slots=True)
class InboundPerson:
    """Somebody named in a message, by a contact point."""

    kind: PointKind
    value: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """News about a message that we sent. Reports may come twice and in any order; a final state stays."""

    message_key: str
    """Our own key of the message, as it was given to the provider."""
    state: Delivery
    """SENT (taken over), DELIVERED or BOUNCED (will not arrive)."""
    detail: str = ""
    opted_out: bool = False
    """The provider refuses the message because its recipient wants no more of them."""


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """The meaning of a raw item."""

    kind: str
    """The timeline entry's kind, as the channel's manifest names it."""
    sender: InboundPerson | None
    participants: tuple[InboundPerson, ...]
    """Everybody else the message names: recipients and copies."""
    subject: str
    text: str
    visible_text: str
    html: str | None
    sent_at: datetime | None
    """The sender's own date, which may be wrong or forged."""
    message_key: str | None
    """The message's own id in its channel, used for threading."""
    thread_hints: tuple[str, ...] = ()
    """Keys of earlier messages that this one answers, nearest last."""
    ticket_tokens: tuple[str, ...] = ()
    """Signed ticket tokens found in the recipients."""
    automatic: bool = False
    """A machine sent it: never answered automatically, demands nothing of an agent."""
    unanswerable: str = ""
    """Why nobody but a person may answer it, although a person may have written it: a list, a sender who reads nothing."""
    bounce_of: tuple[str, ...] = ()
    """Message keys whose delivery this message reports as failed."""
    is_bounce: bool = False
    bounced_people: tuple[str, ...] = ()
    """Addresses that did not take it, as the report names them; empty when it names none."""
    bounced_to: tuple[str, ...] = ()
    """To whom the message that came back was addressed, by its own fields inside the report."""
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    attachments: tuple[InboundFile, ...] = ()
    remote_files: tuple[str, ...] = ()
    """Addresses of files that the provider keeps; the connector's `fetch` brings them, after the entry stands."""
    headers: dict[str, Any] = field(default_factory=dict)
    defects: tuple[str, ...] = ()
    direction: Direction = Direction.IN
    """A log of calls also names those that we made."""
    demand: Demand = Demand.ANSWER
    conversation: str | None = None
    """For channels whose messages name no earlier one: the same key continues the latest ticket that has it."""
    keys: tuple[str, ...] = ()
    """Every key of the happening (a call and its legs). An item that shares one says more about the same entry, and the
    channel's `combine` makes one meaning of both."""
    facts: dict[str, Any] | None = None
    """What the entry's card shows; `type` names the card (call, form)."""
    also: tuple[InboundPerson, ...] = ()
    """Further contact points that the sender claims."""
    unproven: bool = False
    """The sender only claims the address, as in a form: what they ask is never put beside what its owner asked."""
    consent: Consent | None = None
    """The sender asks for no more messages, or for messages again."""
    confirmation: str = ""
    """What to tell the sender by itself when `consent` changes anything; empty: nothing."""
    proof: Proof | None = None
    """What is known of the sender; None when the channel knows nothing of it."""
    behind: InboundPerson | None = None
    """Who really wrote, where `sender` is somebody on whose behalf they did (a form that mails what visitors write)."""
    ours: bool = False
    """One of us wrote it by other means, and it was found among the sent: `sender` is our mailbox."""
    ignore: str = ""
    """Why the item is no message at all; nothing else here counts then."""
    report: DeliveryReport | None = None
    """The item is no message but news about one of ours; nothing else here counts then."""

    @property
    def is_forged(self) -> bool:
        """Whether the sender is somebody else, as far as can be told."""
        return self.proof is not None and self.proof.state is ProofState.FAILED


@dataclass(frozen=True, slots=True)
class OutboundFile:
    """A file that goes out with a message."""

    filename: str
    content_type: str
    content: bytes


async def _gone() -> None:
    """Nothing speaks against it."""


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """One message for a channel to deliver. Its key was fixed and stored before the first attempt."""

    interaction_id: int
    message_key: str
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    subject: str
    text: str
    in_reply_to: str | None
    references: tuple[str, ...]
    reply_token: str
    attachments: tuple[OutboundFile, ...] = ()
    quoted: str = ""
    """The message being answered, quoted below the answer as mail programs do."""
    created_at: datetime | None = None
    automatic: bool = False
    """Nobody wrote it: it must say so, that no machine answers."""
    go: Callable[[], Awaitable[None]] = field(default=_gone, compare=False, repr=False)
    """To be asked once more at the very last moment, by connectors with whom sending takes long: raises FenceLost when this
    process has lost the message to another one in between."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that the other side took a message over."""

    provider_id: str = ""
    spooled: bool = False


@dataclass(frozen=True, slots=True)
class PublicFile:
    """A file of such a message."""

    id: int
    filename: str


@dataclass(frozen=True, slots=True)
class PublicEntry:
    """One message of a ticket, as its customer may see it."""

    at: datetime
    ours: bool
    author: str
    """The name of the colleague or customer who wrote it."""
    text: str
    files: tuple[PublicFile, ...] = ()
    facts: dict[str, Any] | None = None
    """What the channel itself noted about the entry; for the connector to judge by, never shown as it is."""


@dataclass(frozen=True, slots=True)
class PublicTicket:
    """A ticket as its customer may see it: no notes, no changes, no other ticket."""

    number: int
    subject: str
    status: Status
    created_at: datetime
    entries: tuple[PublicEntry, ...]
    """The oldest first."""


def spool_name(message_key: str) -> str:
    """The file name of a spooled mail."""
    return re.sub(r"[^A-Za-z0-9@._-]", "_", message_key) + ".eml"
