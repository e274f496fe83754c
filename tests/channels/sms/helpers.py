"""What several tests of text messages need: an account, a request from outside, an answer to send."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from multidict import CIMultiDict

from contact_center.channels.base import Environment, HookRequest
from contact_center.channels.sms.connector import SmsConnector, connect
from contact_center.channels.sms.options import SmsOptions
from contact_center.model.channels import ChannelAccount
from contact_center.model.messages import OutboundMessage
from contact_center.model.tickets import Address

HOOK = "https://desk.example.com/hooks/7-abc"
SECRET = "a-word-that-nobody-guesses"
OURS, THEIRS = "+79160000000", "+79161234567"


def an_account(address: str = OURS) -> ChannelAccount:
    return ChannelAccount(id=7, project_id=1, kind="sms", name="SMS", address=address, queue_id=1)


def a_connector(tmp_path: Any, address: str = OURS, **options: Any) -> SmsConnector:
    environment = Environment(tmp_path, "desk", hook_url=lambda _account_id: HOOK)
    return connect(an_account(address), SmsOptions(**options), environment)


def a_request(path: str = "", query: str = "", body: bytes = b"", method: str = "POST", **headers: str) -> HookRequest:
    url = HOOK + (f"/{path}" if path else "") + (f"?{query}" if query else "")
    parsed = tuple(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return HookRequest(method, path, url, parsed, named, body, "192.0.2.1")


def an_answer(text: str = "On its way.", to: str = THEIRS, **more: Any) -> OutboundMessage:
    values: dict[str, Any] = {
        "interaction_id": 12,
        "message_key": f"12.abcdefgh@{OURS}",
        "to": (Address("", to),),
        "cc": (),
        "subject": "Re: order",
        "text": text,
        "in_reply_to": None,
        "references": (),
        "reply_token": "",
    }
    return OutboundMessage(**values | more)
