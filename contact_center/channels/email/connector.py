"""One mailbox at work, and what the product must know of e-mail as a kind of channel."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from contact_center.channels.base import ChannelKind, Environment, Inbox
from contact_center.channels.email.imap import ImapReader
from contact_center.channels.email.options import LARGE, EmailOptions
from contact_center.channels.email.receiver import MailReceiver
from contact_center.channels.email.sending import check_smtp, send_by_smtp, spool
from contact_center.errors import ChannelAuthFailed, SourceCannotBeAsked
from contact_center.model.channels import ChannelAccount
from contact_center.model.messages import OutboundMessage, Receipt
from contact_center.model.words import EntryKind, PointKind
from contact_center.oauth import TokenSource

PAUSE = 600.0  # seconds in which a refused sign-in is not tried again for the next mail
MIB = 1024 * 1024


class EmailConnector:
    """Fetches by IMAP where a server is named, sends by SMTP or into the spool."""

    def __init__(self, account: ChannelAccount, options: EmailOptions, environment: Environment) -> None:
        self.account = account
        self.options = options
        self.environment = environment
        # A spooled mail has a fixed name, so writing it again changes nothing; an SMTP server may take a mail twice.
        self.repeatable = not options.smtp_host
        provider = options.provider
        self.tokens = TokenSource(provider, options.oauth_refresh_token, self._keep_token) if provider is not None else None
        self._refused: tuple[float, ChannelAuthFailed] | None = None

    async def _keep_token(self, token: str) -> None:
        await self.environment.keep_secret(self.account.id, "oauth_refresh_token", token)

    async def run(self, inbox: Inbox) -> None:
        """Read the mailbox; an account without one lives from the receiver alone."""
        if self.options.imap_host:
            await ImapReader(self.options, self.tokens).run(inbox)

    async def holdings(self, inbox: Inbox) -> AsyncIterator[Sequence[str]]:
        """See `channels.base.Inventoried`: what the folders hold; without a mailbox there is nothing to ask."""
        if not self.options.imap_host:
            raise SourceCannotBeAsked
        async for keys in ImapReader(self.options, self.tokens).holdings(inbox):
            yield keys

    async def send(self, message: OutboundMessage) -> Receipt:
        """Send one mail."""
        if not self.options.smtp_host:
            return await spool(message, self.account.address, self.options, self.environment.spool_dir)
        if self._refused is not None and time.monotonic() < self._refused[0]:
            raise self._refused[1]  # asking again with every mail would get the account locked
        try:
            return await send_by_smtp(message, self.account.address, self.options, self.environment.hostname, self.tokens)
        except ChannelAuthFailed as error:
            self._refused = (time.monotonic() + PAUSE, error)
            raise

    async def check(self) -> None:
        """Try both servers; an account that nobody has connected yet cannot be tried."""
        if self.tokens is not None and not self.options.oauth_refresh_token:
            return
        if self.options.imap_host:
            await ImapReader(self.options, self.tokens).check()
        if self.options.smtp_host:
            await check_smtp(self.options, self.environment.hostname, self.tokens)


def connect(account: ChannelAccount, options: Any, environment: Environment) -> EmailConnector:
    """The connector of an account."""
    return EmailConnector(account, options, environment)


def reading(options: Mapping[str, Any]) -> dict[str, Any]:
    """What the parser must know: whose word about senders counts, and who the sender is."""
    return {name: options[name] for name in ("authserv_id", "sender_rule", "sender_rule_for") if options.get(name)}


def listener(environment: Environment) -> MailReceiver | None:
    """The embedded receiver, None when it is switched off."""
    listen = str(environment.settings.get("listen", ""))
    return MailReceiver(listen, int(environment.settings.get("max_message_mib", 512)) * MIB, environment) if listen else None


KIND = ChannelKind(
    name=EntryKind.EMAIL,
    label="E-mail",
    options=EmailOptions,
    connect=connect,
    consent=lambda options: options.provider,
    reading=reading,
    large_from=LARGE,
    listener=listener,
    spools=lambda options: not options.get("smtp_host"),
    reaches=PointKind.EMAIL,
    address_label="Mail address",
)
