"""One number at work, and what the product must know of text messages as a kind of channel."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from contact_center.channels.base import ChannelKind, Environment, FetchedFile, HookReply, HookRequest, Inbox
from contact_center.channels.sms.kannel import Kannel
from contact_center.channels.sms.options import SmsOptions
from contact_center.channels.sms.parse import KIND as NAME
from contact_center.channels.sms.parse import conversation_of
from contact_center.channels.sms.provider import Provider, Refused, recipient
from contact_center.channels.sms.twilio import Twilio
from contact_center.errors import Undeliverable
from contact_center.model import phones
from contact_center.model.channels import ChannelAccount
from contact_center.model.messages import OutboundMessage, Receipt
from contact_center.model.words import PointKind


class SmsConnector:
    """Hears the provider's requests and sends through it."""

    # A provider takes the same message twice and sends it twice.
    repeatable = False

    def __init__(self, account: ChannelAccount, options: SmsOptions, environment: Environment) -> None:
        self.account = account
        self.options = options
        self.provider: Provider = (Twilio if options.provider == "twilio" else Kannel)(account, options, environment)

    async def run(self, inbox: Inbox) -> None:
        """Nothing to fetch: providers bring what there is, to an account that is filled in."""
        self.provider.require()

    async def send(self, message: OutboundMessage) -> Receipt:
        """Send one message to one number."""
        return await self.provider.send(message, recipient(message, self.account, self.options.max_parts))

    async def fetch(self, url: str) -> FetchedFile:
        """Bring a file of a message that the provider keeps."""
        if not isinstance(self.provider, Twilio):
            raise Undeliverable("This provider keeps no files.")
        return await self.provider.fetch(url)

    async def holdings(self, _inbox: Inbox) -> AsyncIterator[Sequence[str]]:
        """See `channels.base.Inventoried`: what the provider has received for us of late."""
        async for keys in self.provider.holdings():
            yield keys

    async def check(self) -> None:
        """Try the provider with our credentials."""
        await self.provider.check()

    async def answer(self, request: HookRequest, inbox: Inbox) -> HookReply:
        """Take in a message or a report that the provider brings."""
        try:
            item = self.provider.receive(request)
        except Refused as refused:
            return refused.reply
        await inbox.accept([item])
        return self.provider.thanks


def connect(account: ChannelAccount, options: Any, environment: Environment) -> SmsConnector:
    """The connector of an account."""
    return SmsConnector(account, options, environment)


KIND = ChannelKind(
    name=NAME,
    label="SMS",
    options=SmsOptions,
    connect=connect,
    reaches=PointKind.PHONE,
    address_label="Phone number or sender id",
    conversation=conversation_of,
    recipient=lambda ours, theirs: phones.dialled(theirs, ours),
    hook_limit=256 * 1024,
)
