"""The contract between the product and its channels. A connector sees these types and nothing else of the product.

Errors say what happens next (`ChannelUnavailable`, `ChannelAuthFailed`, `ChannelMisconfigured`); the supervisor owns all
retrying, and the connector translates foreign errors once, at its border.
"""

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from contact_center.keys import Keys
from contact_center.model.channels import ChannelAccount
from contact_center.model.messages import Cursor, OutboundMessage, PublicTicket, RawItem, Receipt
from contact_center.model.words import PointKind
from contact_center.oauth import Provider


class Inbox(Protocol):
    """Where a connector puts what it receives."""

    async def accept(self, items: Sequence[RawItem], cursor: Cursor | None = None) -> Set[str]:
        """Store raw items, and how far the source was read, in one commit; returns only then, with the provider keys that were new.

        Only now may the source be told that we have them. An item whose provider key is known already is passed over.
        """
        ...

    async def cursor(self, name: str) -> dict[str, Any] | None:
        """How far this connector had read under `name`, None before the first time."""
        ...

    async def unknown(self, keys: Sequence[str]) -> set[str]:
        """Those of `keys` that are not in the ledger yet."""
        ...

    def new_file(self) -> Path:
        """An empty file for an item too large to hold in memory."""
        ...

    async def adopt(self, path: Path) -> tuple[str, int]:
        """Keep a filled file; returns (sha256, size in bytes) for a `RawItem` without content."""
        ...

    async def report(self, ok: bool, detail: str = "") -> None:
        """Say how the connection is doing."""
        ...

    async def ticket(self, message_key: str) -> PublicTicket | None:
        """The ticket that holds the message of this key, as its customer may see it. None before it is settled."""
        ...


class Options(BaseModel):
    """Options of a channel account: typed, closed, each field with a description. `json_schema_extra={"secret": True}`
    marks what is encrypted at rest and never shown again; with `"goes_to": ["host", "port"]` it is kept only while those options
    stay, the first of which names the server. `"widget": "long"` asks for several lines."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class HookRequest:
    """A request from outside to the address of an account. Hostile until the connector has checked it."""

    method: str
    path: str
    """Below the account's own address, without a leading slash."""
    url: str
    """The whole address as the other side wrote it: what providers sign."""
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    """Case does not matter."""
    body: bytes
    """At most `ChannelKind.hook_limit` bytes."""
    address: str
    """Who asks, as far as proxies are trusted."""
    too_often: bool = False
    """They asked more often than `ChannelKind.posts_per_minute` allows; the body was not read. To be answered with 429, in words."""


@dataclass(frozen=True, slots=True)
class HookReply:
    """What is answered to a request from outside."""

    status: int = 204
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    attachment_id: int | None = None
    """A stored file to be downloaded, instead of `body`; the connector has made sure that whoever asks may have it."""


async def _keep_nothing(_account_id: int, _option: str, _value: str) -> None:
    """Where nothing is stored."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What a connector may know of the machine it runs on."""

    spool_dir: Path
    """Where messages go that no server was configured for."""
    hostname: str
    """Our name in greetings and generated ids."""
    public_url: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    """The product's settings for this kind of channel, from the configuration file."""
    hook_url: Callable[[int], str] = lambda _account_id: ""
    """The public address at which an account hears requests, without a slash at its end."""
    keys: Keys | None = None
    """For codes that only this instance can make."""
    keep_secret: Callable[[int, str, str], Awaitable[None]] = _keep_nothing
    """Account id, name of a secret option, its new value: what a provider gave in place of what we had is stored."""


class Connector(Protocol):
    """One account of one channel, at work."""

    repeatable: bool
    """Whether sending the same message twice has one effect only, so that a send of unknown outcome may be repeated."""

    async def run(self, inbox: Inbox) -> None:
        """Receive until cancelled. Returning normally means: nothing to receive on this account."""
        ...

    async def send(self, message: OutboundMessage) -> Receipt:
        """Deliver one message. Raises Undeliverable, DeliveryUnknown or a ChannelError."""
        ...

    async def check(self) -> None:
        """Try the real connection, both ways, before settings are saved. Raises a ChannelError."""
        ...


class Hooked(Protocol):
    """A connector that also hears requests from outside (webhooks, pages)."""

    async def answer(self, request: HookRequest, inbox: Inbox) -> HookReply:
        """Answer one request. A 2xx may be given only after `inbox.accept` returned.

        Runs in any process, also where `run` does not, so it keeps no state between requests.
        """
        ...


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """A file that a provider kept for us."""

    content: bytes
    content_type: str
    filename: str = ""


class Fetching(Protocol):
    """A connector whose messages name files that stay with the provider."""

    async def fetch(self, url: str) -> FetchedFile:
        """Bring one of `InboundMessage.remote_files`, bounded in size and time.

        Raises Undeliverable when it will never come, another ChannelError when it may come later.
        """
        ...


@runtime_checkable
class Inventoried(Protocol):
    """A connector whose source can be asked what it holds, so that the ledger can be compared with it."""

    def holdings(self, inbox: Inbox) -> AsyncIterator[Sequence[str]]:
        """The provider keys of everything the source has at this moment, in portions, each key once.

        Uses a connection of its own. Raises a ChannelError, or SourceCannotBeAsked as the account is set up.
        """
        ...


class Listener(Protocol):
    """A door shared by all accounts of a kind (a mail receiver on one port)."""

    async def run(self, inboxes: Callable[[], "Sequence[tuple[ChannelAccount, Inbox]]"]) -> None:
        """Serve until cancelled; `inboxes` names the accounts that are enabled at this moment."""
        ...


@dataclass(frozen=True, slots=True)
class ChannelKind:
    """One kind of channel: everything the product knows about it, but for how its items are parsed (`parsers.py`)."""

    name: str
    """The kind of timeline entry it makes, and the name of its folder."""
    label: str
    options: type[Options]
    connect: Callable[[ChannelAccount, Any, Environment], Connector]
    listener: Callable[[Environment], Listener | None] = lambda _environment: None
    consent: Callable[[Any], Provider | None] = lambda _options: None
    """Who must allow us the use of an account of these options; None when a password does."""
    reading: Callable[[Mapping[str, Any]], dict[str, Any]] = lambda _options: {}
    """What of an account's stored options its parser must know; it stands in the envelope then. No secrets."""
    large_from: float = math.inf
    """Bytes from which an original is kept in a file and `parse_large` is used."""
    can_send: bool = True
    spools: Callable[[Mapping[str, Any]], bool] = lambda _options: False
    """Whether an account of these stored options only puts into the outgoing spool what it should send."""
    reaches: PointKind | None = None
    """Kind of contact point that its messages go to; None: they need no address."""
    address_label: str = "Address"
    conversation: Callable[[str, str], str | None] = lambda _ours, _theirs: None
    """For channels whose messages name no earlier one: the key of a conversation between our address and theirs, as `parse`
    gives it, so that the answer to a message of ours finds its ticket."""
    recipient: Callable[[str, str], str] = lambda _ours, theirs: theirs
    """The one form of what somebody typed as a recipient, from our address and theirs; empty when nothing can go there. It is
    what opt-outs are looked up for, what is stored, and what `send` gets."""
    hook_limit: int = 0
    """Bytes that a request from outside may have; 0: the kind hears none."""
    posts_per_minute: Callable[[Any], int] = lambda _options: 0
    """How many POSTs from one address an account of these options takes in a minute; 0: any number, as providers need it."""


def secret_fields(options: type[Options]) -> set[str]:
    """Names of the options that are encrypted at rest."""
    return {
        name
        for name, option in options.model_fields.items()
        if isinstance(option.json_schema_extra, dict) and option.json_schema_extra.get("secret")
    }


def goes_to(options: type[Options], secret: str) -> tuple[str, ...]:
    """Names of the options that say which server a secret is shown to, the first the server's own; empty when it stays here."""
    extra = options.model_fields[secret].json_schema_extra
    named: Any = extra.get("goes_to", ()) if isinstance(extra, dict) else ()
    return tuple(named)
