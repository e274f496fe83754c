"""A line of a log, or an event, to the neutral words that every channel speaks. Pure; runs in a parser process."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from contact_center.channels.telephony.calls import describe
from contact_center.channels.telephony.events import read_event, read_row
from contact_center.channels.telephony.lines import read_cdr, read_queue_log
from contact_center.channels.telephony.numbers import Plan
from contact_center.channels.telephony.records import Record, merge
from contact_center.errors import QuarantineItem
from contact_center.model.messages import InboundMessage

LONGEST_LINE = 100_000  # bytes
LONGEST_KEY = 2000  # bytes: no index of a database holds more


def parse(content: bytes, envelope: dict[str, Any]) -> InboundMessage:
    """What one line or event says of a call. The envelope holds where it came from and how the PBX numbers its people."""
    record = read(content, envelope)
    if any(len(key.encode()) > LONGEST_KEY for key in record.keys):
        raise QuarantineItem("The id of the call is too long to be one.")
    return describe([replace(record, old=record.at < float(envelope.get("old_before", 0.0)))])


def combine(parts: Sequence[dict[str, Any]]) -> InboundMessage:
    """One call of what several lines said: the headers of each, in any order, some of them twice."""
    return describe(merge(parts))


def read(content: bytes, envelope: dict[str, Any]) -> Record:
    """One line or event in the words that all sources share. Raises QuarantineItem."""
    if len(content) > LONGEST_LINE:
        raise QuarantineItem("The line is too long to be one of a call.")
    plan = Plan.of(envelope)
    match envelope.get("source"):
        case "master" | "custom" as layout:
            return read_cdr(content, layout, plan)
        case "columns":
            return read_row(content, envelope, plan)
        case "queue_log":
            return read_queue_log(content, plan)
        case "event":
            return read_event(content, envelope, plan)
    raise QuarantineItem("The item does not say of which log it is.")
