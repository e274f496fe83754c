"""Twilio, and clouds that speak its API: signed requests in, forms out.

`<hook>` takes messages, `<hook>/status?key=…` what became of ours.
"""

import base64
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from contact_center.channels.base import Environment, FetchedFile, HookReply, HookRequest
from contact_center.channels.sms import media, parse, reports, signature, web
from contact_center.channels.sms.options import SmsOptions
from contact_center.channels.sms.provider import Refused, envelope, read_key, require, written_key
from contact_center.errors import ChannelAuthFailed, ChannelMisconfigured, ChannelUnavailable, OptedOut, Undeliverable
from contact_center.model.channels import ChannelAccount
from contact_center.model.messages import OutboundMessage, RawItem, Receipt

Fields = list[tuple[str, str]]
COMPARED = timedelta(days=7)  # how far back Twilio is asked what it received
MOST_PAGES = 500
PAGE_LIMIT = 2 * 1024 * 1024  # bytes of a page of 200 messages


class Twilio:
    """One Twilio number, or one messaging service."""

    # An empty document of instructions: answer the sender nothing.
    thanks = HookReply(200, b"<Response/>", "text/xml; charset=utf-8")

    def __init__(self, account: ChannelAccount, options: SmsOptions, environment: Environment) -> None:
        self._account = account
        self._options = options
        self._environment = environment

    def require(self) -> None:
        """See `provider.Provider`."""
        require(twilio_account_sid=self._options.twilio_account_sid, twilio_auth_token=self._options.twilio_auth_token)

    def receive(self, request: HookRequest) -> RawItem:
        """See `provider.Provider`."""
        if request.path.strip("/") not in ("", "status"):
            raise Refused(404, "Nothing is here.")
        if request.method != "POST":
            raise Refused(405, "Use POST.")
        fields = dict(reversed(self._believed(request)))
        if fields.get("AccountSid") != self._options.twilio_account_sid:
            raise Refused(403, "Another account.")
        return self._report(request, fields) if request.path.strip("/") else self._message(request.body, fields)

    async def send(self, message: OutboundMessage, to: str) -> Receipt:
        """See `provider.Provider`."""
        self.require()
        form = {"To": to, self._sender_field(): self._account.address, "Body": message.text}
        if hook := self._environment.hook_url(self._account.id):
            form["StatusCallback"] = f"{hook}/status?key={written_key(message.message_key)}"
        answer = await web.tell("POST", self._url("Messages"), fields=form, authorization=self._authorization())
        if not 200 <= answer.status < 300:
            raise _refusal(answer)
        return Receipt(provider_id=str(answer.document().get("sid", ""))[:100])

    async def fetch(self, url: str) -> FetchedFile:
        """A file of an MMS. Our password goes to Twilio alone, not to where Twilio sends us on."""
        self.require()
        return await media.fetch(url, self._options.twilio_api_base, self._authorization())

    async def holdings(self) -> AsyncIterator[Sequence[str]]:
        """See `provider.Provider`: the messages of the last days, page by page as Twilio links them."""
        self.require()
        since = (datetime.now(UTC) - COMPARED).date().isoformat()
        fields: dict[str, str] | None = {"DateSent>": since, "PageSize": "200"}
        if self._sender_field() == "From":
            fields = {"To": self._account.address} | (fields or {})
        url = self._url("Messages")
        for _ in range(MOST_PAGES):
            answer = await web.ask(url, fields=fields, authorization=self._authorization(), limit=PAGE_LIMIT)
            if not 200 <= answer.status < 300:
                raise _refusal(answer)
            page = answer.document()
            found = [message for message in page.get("messages") or [] if isinstance(message, dict)]
            yield [f"message:{message.get('sid')}"[:200] for message in found if message.get("direction") == "inbound"]
            following = page.get("next_page_uri")
            if not isinstance(following, str) or not following.startswith("/"):
                return
            # A path only: credentials go nowhere but to the address that the settings name.
            url, fields = self._options.twilio_api_base.rstrip("/") + following, None

    async def check(self) -> None:
        """See `provider.Provider`."""
        self.require()
        answer = await web.ask(self._url(""), authorization=self._authorization())
        if answer.status == 404:
            raise ChannelAuthFailed("Twilio knows no account of this SID.")
        if not 200 <= answer.status < 300:
            raise _refusal(answer)
        if (status := answer.document().get("status", "active")) != "active":
            raise ChannelMisconfigured(f"Twilio says that the account is {str(status)[:40]}.")

    def _believed(self, request: HookRequest) -> Fields:
        """The fields of a request that Twilio signed. Raises Refused."""
        token, given = self._options.twilio_auth_token, request.headers.get("X-Twilio-Signature", "")
        by_hash = any(name == signature.BODY_HASH for name, _ in request.query)
        try:
            fields = parse.twilio_fields(request.body)
        except (ValueError, AttributeError):
            raise Refused(400, "The request cannot be read.") from None
        signed = (
            signature.is_signed_body(token, request.url, request.body, given)
            if by_hash
            else signature.is_signed(token, request.url, fields, given)
        )
        if not signed:
            raise Refused(403, "The signature is wrong: is public_url the address that Twilio was given?")
        return fields

    def _message(self, body: bytes, fields: dict[str, str]) -> RawItem:
        # Twilio's signature has no mark between a name and its value: a field that is missing may hide in another's name.
        key = fields.get("MessageSid") or fields.get("SmsSid")
        if not key:
            raise Refused(400, "The request names no message.")
        more = {"key": key} | self._options.wishes
        return RawItem(f"message:{key}"[:200], body, envelope=envelope(self._account, "twilio", "message", **more))

    def _report(self, request: HookRequest, fields: dict[str, str]) -> RawItem:
        key = read_key(dict(request.query).get("key", ""))
        status = fields.get("MessageStatus") or fields.get("SmsStatus") or ""
        # A message may be sent again by a person's decision, and then has another SID and fails anew.
        state = f"{fields.get('MessageSid', '')}:{reports.TWILIO.get(status.lower(), status)}"
        return RawItem(f"report:{key}:{state}"[:500], request.body, envelope=envelope(self._account, "twilio", "report", key=key))

    def _sender_field(self) -> str:
        return "MessagingServiceSid" if self._account.address.startswith("MG") else "From"

    def _url(self, thing: str) -> str:
        account = f"{self._options.twilio_api_base}/2010-04-01/Accounts/{quote(self._options.twilio_account_sid, safe='')}"
        return f"{account}/{thing}.json" if thing else f"{account}.json"

    def _authorization(self) -> str:
        return "Basic " + base64.b64encode(f"{self._options.twilio_account_sid}:{self._options.twilio_auth_token}".encode()).decode()


def _refusal(answer: web.Answer) -> Exception:
    told = answer.document()
    words = f"Twilio says: {told.get('code', answer.status)} {str(told.get('message') or answer.words)[:250]}"
    if str(told.get("code", "")) == reports.OPTED_OUT:
        return OptedOut(words)
    if answer.status in (401, 403):
        return ChannelAuthFailed(words)
    if answer.status == 429 or answer.status >= 500:
        return ChannelUnavailable(words)
    if answer.status == 404 or answer.status < 400:
        return ChannelMisconfigured(words)
    return Undeliverable(words)
