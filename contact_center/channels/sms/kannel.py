"""A Kannel gateway: its smsbox posts messages to `<hook>/mo` and reports to `<hook>/dlr`, and takes ours by HTTP.

Whatever it asks is answered with 200, for it takes 204 for a failure.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from urllib.parse import urlsplit

from contact_center.channels.base import Environment, HookReply, HookRequest
from contact_center.channels.sms import parse, reports, segments, web
from contact_center.channels.sms.options import SmsOptions
from contact_center.channels.sms.provider import Refused, envelope, read_key, require, written_key
from contact_center.errors import ChannelAuthFailed, ChannelMisconfigured, ChannelUnavailable, SourceCannotBeAsked, Undeliverable
from contact_center.model.channels import ChannelAccount
from contact_center.model.messages import OutboundMessage, RawItem, Receipt

EVERY_REPORT = "31"  # delivered 1, undeliverable 2, buffered 4, accepted 8, rejected 16
SECRET = "secret"  # noqa: S105 - the name of a field


class Kannel:
    """One number behind a gateway."""

    thanks = HookReply(200)

    def __init__(self, account: ChannelAccount, options: SmsOptions, environment: Environment) -> None:
        self._account = account
        self._options = options
        self._environment = environment

    def require(self) -> None:
        """See `provider.Provider`."""
        require(
            kannel_url=self._options.kannel_url,
            kannel_user=self._options.kannel_user,
            kannel_password=self._options.kannel_password,
            kannel_hook_secret=self._options.kannel_hook_secret,
        )

    def receive(self, request: HookRequest) -> RawItem:
        """See `provider.Provider`."""
        make = {"mo": self._message, "dlr": self._report}.get(request.path.strip("/"))
        if make is None:
            raise Refused(404, "Nothing is here.")
        query = urlsplit(request.url).query
        given = parse.kannel_fields(query).get(SECRET, b"")
        known = self._options.kannel_hook_secret.encode()
        if not known or not hmac.compare_digest(known, given):
            raise Refused(403, "The secret is wrong.")
        return make(_without_secret(query), request.body)

    async def send(self, message: OutboundMessage, to: str) -> Receipt:
        """See `provider.Provider`."""
        self.require()
        fields = self._credentials() | {
            "from": self._account.address,
            "to": to,
            "charset": "UTF-8",
            "coding": "0" if segments.encoding_of(message.text) == "gsm7" else "2",
            "text": message.text,
            "dlr-mask": EVERY_REPORT,
            "dlr-url": self._report_url(message.message_key),
        }
        answer = await web.tell("GET", self._options.kannel_url, fields=fields)
        if not 200 <= answer.status < 300:
            raise _refusal(answer)
        return Receipt(provider_id=answer.words[:100])

    async def holdings(self) -> AsyncIterator[Sequence[str]]:
        """See `provider.Provider`: a gateway forgets what it handed over."""
        raise SourceCannotBeAsked
        yield []  # makes this a generator, as the contract wants it

    async def check(self) -> None:
        """See `provider.Provider`. A request without a recipient is refused, but only after the password was looked at."""
        self.require()
        answer = await web.ask(self._options.kannel_url, fields=self._credentials())
        if answer.status == 400:
            return
        if answer.status < 300:
            raise ChannelMisconfigured("Whatever answers at this address is no sendsms of Kannel's.")
        raise _refusal(answer)

    def _message(self, query: str, body: bytes) -> RawItem:
        fields = parse.kannel_fields(query)
        stamp = fields.get("ts", b"").decode("ascii", "replace")
        key = fields.get("id", b"").decode("utf-8", "replace").strip()
        if not key and not stamp:
            # Nothing would tell a second "yes" from a repetition of the first; those come within a minute.
            query += f"&ts={int(time.time()) // 60 * 60}"
        content = f"{query}{parse.BODY}".encode() + body
        key = key or hashlib.sha256(content).hexdigest()
        more = {"key": key} | self._options.wishes
        about = envelope(self._account, "kannel", "message", **more)
        return RawItem(f"message:{key}"[:200], content, source_time=parse.moment(stamp), envelope=about)

    def _report(self, query: str, _body: bytes) -> RawItem:
        fields = {name: value.decode("utf-8", "replace") for name, value in parse.kannel_fields(query).items()}
        key = read_key(fields.get("key", ""))
        kind = fields.get("type", "")
        state = f"{fields.get('try', '')}:{reports.KANNEL.get(kind, kind)}"
        return RawItem(f"report:{key}:{state}"[:500], query.encode(), envelope=envelope(self._account, "kannel", "report", key=key))

    def _report_url(self, message_key: str) -> str:
        """Where reports go; Kannel replaces %d and %A. A message may be sent again by a person's decision, and then fails
        anew: the reports of each attempt bear its number."""
        hook = self._environment.hook_url(self._account.id)
        key, attempt = written_key(message_key), secrets.token_hex(4)
        return f"{hook}/dlr?key={key}&try={attempt}&type=%d&status=%A&{SECRET}={self._options.kannel_hook_secret}"

    def _credentials(self) -> dict[str, str]:
        return {"username": self._options.kannel_user, "password": self._options.kannel_password}


def _without_secret(query: str) -> str:
    """What is stored: the query as it came, but for the word that only we and the gateway may know."""
    pairs = [pair for pair in query.split("&") if pair.partition("=")[0] != SECRET]
    return "&".join(pairs).encode("ascii", "replace").decode()


def _refusal(answer: web.Answer) -> Exception:
    words = f"Kannel says: {answer.status} {answer.words[:250]}"
    # It answers 403 to a wrong password, and also to a number that it does not route.
    if answer.status == 401 or (answer.status == 403 and "authori" in answer.words.lower()):
        return ChannelAuthFailed(words)
    if answer.status == 429 or answer.status >= 500:
        return ChannelUnavailable(words)
    if answer.status in (404, 405) or answer.status < 400:
        return ChannelMisconfigured(words)
    return Undeliverable(words)
