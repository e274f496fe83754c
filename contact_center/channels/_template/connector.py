"""One account at work. Foreign errors are translated here, once, into what happens next."""

import hashlib
import hmac
import json
from typing import Any

import aiohttp

from contact_center.channels._template.options import TemplateOptions
from contact_center.channels.base import ChannelKind, Environment, HookReply, HookRequest, Inbox
from contact_center.errors import ChannelAuthFailed, ChannelMisconfigured, ChannelUnavailable, DeliveryUnknown, Undeliverable
from contact_center.model.channels import ChannelAccount
from contact_center.model.messages import OutboundMessage, RawItem, Receipt
from contact_center.model.words import PointKind

SECONDS = aiohttp.ClientTimeout(total=20, connect=5)


class TemplateConnector:
    """Receives by signed web requests, sends by them."""

    # The service knows our key of a message, so that repeating a send whose outcome is unknown has one effect.
    repeatable = True

    def __init__(self, account: ChannelAccount, options: TemplateOptions, environment: Environment) -> None:
        self.account = account
        self.options = options
        self.environment = environment

    async def run(self, inbox: Inbox) -> None:
        """Nothing is fetched: requests come to `answer`. A channel that polls or listens does it here until cancelled."""

    async def answer(self, request: HookRequest, inbox: Inbox) -> HookReply:
        """Take one message in. It is acknowledged only after it is stored, so the service repeats what a crash lost."""
        given = request.headers.get("X-Signature", "")
        if not hmac.compare_digest(self._sign(request.body).encode(), given.encode("utf-8", "replace")):
            return HookReply(403, b"The signature is wrong.")
        key = hashlib.sha256(request.body).hexdigest()  # the service's own id, where it has one
        await inbox.accept([RawItem(key, request.body, envelope={"kind": self.account.kind})])
        return HookReply(204)

    async def send(self, message: OutboundMessage) -> Receipt:
        """Deliver one message."""
        if not self.options.service_url:
            raise ChannelMisconfigured("No service to send to is set.")
        body = json.dumps({"key": message.message_key, "to": [to.email for to in message.to], "text": message.text}).encode()
        status = await self._post(body)
        if status >= 400:
            raise Undeliverable(f"The service refused the message ({status}).")
        return Receipt(provider_id=message.message_key)

    async def check(self) -> None:
        """Try the real connection before settings are saved."""
        if self.options.service_url and await self._post(b"{}") in (401, 403):
            raise ChannelAuthFailed("The service refuses the token.")

    async def _post(self, body: bytes) -> int:
        headers = {"X-Signature": self._sign(body), "Content-Type": "application/json"}
        try:
            async with aiohttp.ClientSession(timeout=SECONDS) as client:
                async with client.post(self.options.service_url, data=body, headers=headers, allow_redirects=False) as response:
                    status = response.status
        except TimeoutError as error:
            raise DeliveryUnknown("The service did not answer in time.") from error
        except aiohttp.InvalidURL as error:
            raise ChannelMisconfigured(f"{self.options.service_url} is no address.") from error
        except aiohttp.ClientError as error:
            raise ChannelUnavailable(f"The service cannot be reached: {error}") from error
        if status == 429 or status >= 500:
            raise ChannelUnavailable(f"The service cannot take this now ({status}).")
        return status

    def _sign(self, body: bytes) -> str:
        return hmac.new(self.options.token.encode(), body, hashlib.sha256).hexdigest()


def connect(account: ChannelAccount, options: Any, environment: Environment) -> TemplateConnector:
    """The connector of an account."""
    return TemplateConnector(account, options, environment)


KIND = ChannelKind(
    name="_template",  # the name of the folder
    label="Template",
    options=TemplateOptions,
    connect=connect,
    reaches=PointKind.EMAIL,
    address_label="Address",
    hook_limit=256 * 1024,
)
