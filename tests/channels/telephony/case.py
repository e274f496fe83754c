"""Call logs under the contract suite: a missed call by the webhook's event, an answered one by a line of a CDR file."""

import json

from contact_center.errors import ChannelMisconfigured
from contact_center.model.messages import RawItem
from tests.channels.contract import Case
from tests.channels.telephony.recordings import envelope

MISSED = {
    "id": "c-1",
    "event": "missed",
    "direction": "in",
    "from": "+79161234567",
    "to": "+74950000118",
    "at": "2026-11-02T08:00:00+00:00",
}
ANSWERED = {
    "id": "c-2", "event": "answered", "direction": "in", "from": "+79167654321", "to": "+74950000118", "agent": "101",
    "at": "2026-11-02T08:10:00+00:00", "wait_seconds": 4, "talk_seconds": 60,
}  # fmt: skip

CASE = Case(
    kind="telephony",
    items=tuple(RawItem(f"event:{call['id']}", json.dumps(call).encode(), envelope=envelope("event")) for call in (MISSED, ANSWERED)),
    refused=({"cdr_file": "/nowhere/Master.csv"}, ChannelMisconfigured),
)
