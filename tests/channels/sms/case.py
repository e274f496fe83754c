"""Text messages under the suite of the channel contract."""

from urllib.parse import urlencode

from contact_center.errors import ChannelMisconfigured
from contact_center.model.messages import RawItem
from tests.channels.contract import Case
from tests.channels.sms.helpers import OURS, THEIRS

ABOUT = {"account": 1, "address": OURS, "stop_words": []}


def _by_twilio(sid: str, text: str) -> RawItem:
    form = {"MessageSid": sid, "AccountSid": "AC1", "From": THEIRS, "To": OURS, "Body": text, "NumMedia": "0"}
    return RawItem(f"message:{sid}", urlencode(form).encode(), envelope=ABOUT | {"provider": "twilio", "what": "message", "key": sid})


def _by_kannel(number: str, body: bytes) -> RawItem:
    query = f"from={THEIRS[1:]}&to=7000&charset=UTF-16BE&coding=2&udh=&id={number}&ts=1793600000\r\n\r\n"
    about = ABOUT | {"provider": "kannel", "what": "message", "key": number}
    return RawItem(f"message:{number}", query.encode() + body, envelope=about)


CASE = Case(
    kind="sms",
    items=(
        _by_twilio("SM1", "Where is my order?"),
        _by_twilio("SM2", "STOP"),
        _by_kannel("u-1", "Где мой заказ?".encode("utf-16-be")),
        _by_kannel("u-2", "Где мой заказ?".encode("utf-16-be")),
    ),
    options={"provider": "kannel"},
    refused=({"provider": "twilio", "twilio_account_sid": "AC1"}, ChannelMisconfigured),
)
