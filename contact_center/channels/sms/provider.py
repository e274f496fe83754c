"""What a provider of text messages is to the connector: it reads requests, sends one message, and can be tried."""

import base64
import binascii
from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol

from contact_center.channels.base import HookReply, HookRequest
from contact_center.channels.sms import segments
from contact_center.errors import ChannelMisconfigured, Undeliverable
from contact_center.model.channels import ChannelAccount
from contact_center.model.messages import OutboundMessage, RawItem, Receipt
from contact_center.model.phones import e164


class Refused(Exception):
    """A request from outside that is not taken, and what is answered to it."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.reply = HookReply(status, words.encode())


class Provider(Protocol):
    """Twilio or Kannel."""

    thanks: HookReply
    """What is answered to a request that was taken in."""

    def require(self) -> None:
        """Raise ChannelMisconfigured when something is not filled in."""
        ...

    def receive(self, request: HookRequest) -> RawItem:
        """Check a request and make an item of it. Raises Refused."""
        ...

    async def send(self, message: OutboundMessage, to: str) -> Receipt:
        """Send one message to a number in E.164. Raises Undeliverable, DeliveryUnknown or a ChannelError."""
        ...

    def holdings(self) -> AsyncIterator[Sequence[str]]:
        """See `channels.base.Inventoried`. Raises ChannelMisconfigured where the provider keeps no list."""
        ...

    async def check(self) -> None:
        """Try the credentials without sending anything. Raises a ChannelError."""
        ...


def require(**named: str) -> None:
    """Raise ChannelMisconfigured for the first of these options that is empty."""
    for name, value in named.items():
        if not value:
            raise ChannelMisconfigured(f"A setting is empty: {name}.", option=name)


def recipient(message: OutboundMessage, account: ChannelAccount, max_parts: int) -> str:
    """The one number that a message goes to. Raises Undeliverable for what no text message can be."""
    people = (*message.to, *message.cc)
    if len(people) != 1:
        raise Undeliverable("A text message goes to one number.")
    if message.attachments:
        raise Undeliverable("A text message carries no files.")
    to = e164(people[0].email, account.address)
    if not to:
        raise Undeliverable(f"{people[0].email[:80]} is not a telephone number.")
    count = len(segments.split(message.text).parts)
    if count > max_parts:
        raise Undeliverable(f"The message would need {count} parts, and at most {max_parts} are allowed. Shorten it.")
    return to


def envelope(account: ChannelAccount, provider: str, what: str, **more: Any) -> dict[str, Any]:
    """What `parse` must know beside the request."""
    return {"provider": provider, "what": what, "account": account.id, "address": account.address} | more


def written_key(message_key: str) -> str:
    """A message key for an address that a provider calls: letters and digits only. Kannel replaces what follows a percent
    sign, and Twilio signs the address sign by sign, while proxies like to write `%40` as `@`."""
    return base64.urlsafe_b64encode(message_key.encode()).decode().rstrip("=")


def read_key(written: str) -> str:
    """The message key again. Raises Refused."""
    try:
        key = base64.urlsafe_b64decode(written + "=" * (-len(written) % 4)).decode()
    except (binascii.Error, ValueError):
        key = ""
    if not key:
        raise Refused(400, "Which message?")
    return key
