"""Lines of Asterisk's logs to records: both layouts of CDR, and queue_log."""

import csv
from collections.abc import Mapping, Sequence
from typing import Any

from contact_center.channels.telephony.numbers import Plan, amount, is_local, seconds
from contact_center.channels.telephony.records import Record
from contact_center.errors import QuarantineItem

MASTER = (
    "accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata", "start", "answer", "end",
    "duration", "billsec", "disposition", "amaflags", "uniqueid", "userfield", "peeraccount", "linkedid", "sequence",
)  # fmt: skip
CUSTOM = (
    "start", "answer", "end", "linkedid", "uniqueid", "sequence", "src", "dst", "channel", "dstchannel", "lastapp", "disposition",
    "duration", "billsec",
)  # fmt: skip
DISPOSITIONS = {"ANSWERED": "answered", "NO ANSWER": "no_answer", "BUSY": "busy", "FAILED": "failed", "CONGESTION": "failed"}
QUEUE_EVENTS = {
    "ENTERQUEUE": "ringing",
    "RINGNOANSWER": "offered",
    "RINGCANCELED": "offered",
    "CONNECT": "answered",
    "COMPLETEAGENT": "ended",
    "COMPLETECALLER": "ended",
    "BLINDTRANSFER": "transferred",
    "ATTENDEDTRANSFER": "transferred",
    "TRANSFER": "transferred",
    "ABANDON": "abandoned",
    "EXITWITHTIMEOUT": "timeout",
    "EXITWITHKEY": "missed",
    "EXITEMPTY": "missed",
    "AGENTDUMP": "missed",
    "WITHDRAW": "missed",
    "QUEUESTART": "restart",
}
"""Lines of queue_log that tell of a call. All others are about agents and settings."""
# Which column of a line holds the seconds of waiting and of talking.
_WAIT = {"CONNECT": 0, "COMPLETEAGENT": 0, "COMPLETECALLER": 0, "ABANDON": 2, "EXITWITHTIMEOUT": 2, "EXITWITHKEY": 3, "EXITEMPTY": 2,
         "BLINDTRANSFER": 2, "ATTENDEDTRANSFER": 2, "WITHDRAW": 2}  # fmt: skip
_TALK = {"COMPLETEAGENT": 1, "COMPLETECALLER": 1, "BLINDTRANSFER": 3, "ATTENDEDTRANSFER": 3}


def cells(line: bytes, delimiter: str = ",") -> list[str]:
    """The columns of a CSV line. Raises QuarantineItem."""
    text = line.decode("utf-8", "replace").replace("\x00", "").strip("\r\n\ufeff")
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=False), [])
    except csv.Error as error:
        raise QuarantineItem(f"The line is no CSV: {error}") from error


def read_cdr(line: bytes, layout: str, plan: Plan) -> Record:
    """A row of a call record: one leg of a call. Raises QuarantineItem."""
    found = cells(line)
    columns = CUSTOM if layout == "custom" else MASTER
    # Master.csv has no id when `loguniqueid` is off, and neither linkedid nor sequence when `newcdrcolumns` is.
    if len(found) != len(CUSTOM) if layout == "custom" else not 16 <= len(found) <= len(MASTER):
        raise QuarantineItem(f"The line has {len(found)} columns, which is not the layout {layout} of call records.")
    row = dict(zip(columns, (cell.strip() for cell in found), strict=False))
    start, end = seconds(row["start"], plan.zone), seconds(row["end"], plan.zone)
    what = DISPOSITIONS.get(row["disposition"].upper())
    if not start or what is None:
        raise QuarantineItem("The line has no start or no disposition of a call record.")
    app = row["lastapp"].lower()
    return Record(
        source="cdr",
        what=what,
        at=start,
        keys=_cdr_keys(row, start, end),
        sequence=_count(row.get("sequence", "")),
        answer=seconds(row["answer"], plan.zone),
        end=end,
        channel=row["channel"],
        leg=row["dstchannel"],
        queue=row.get("lastdata", "").partition(",")[0] if app == "queue" else "",
        app=app,
        **_parties(row, plan),
    )


def _count(text: str) -> int:
    """A number as a PBX writes one, which databases can keep; 0 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


def _cdr_keys(row: Mapping[str, str], start: float, end: float) -> tuple[str, ...]:
    ids = [f"id:{row[name]}" for name in ("linkedid", "uniqueid") if row.get(name)]
    # The call in which a colleague was consulted has ids of its own; what ties it to the customer's call is a channel
    # whose next leg begins when the last one ends. Names of channels are used again after a restart, so that a name
    # counts only together with that moment.
    moments = sorted({int(at) + late for at in (start, end) if at for late in (0, 1)})
    ties = [f"channel:{row[name]}@{at}" for name in ("channel", "dstchannel") if "/" in row[name] for at in moments]
    return tuple(dict.fromkeys([*ids, *ties]))


def _parties(row: Mapping[str, str], plan: Plan) -> dict[str, Any]:
    """Who is on the two ends of a leg, and which of them is the customer."""
    channel, called = row["channel"], row["dstchannel"]
    src, dst = plan.number(row["src"]), plan.number(row["dst"])
    agent, named = plan.agent(called) if called else ("", False)
    inside = (plan.is_agent(channel) and not is_local(channel)) or (plan.is_extension(src) and (is_local(channel) or "/" not in channel))
    if not inside:
        # After a blind transfer `dst` is where the call went, not what the customer dialled.
        ours = dst if _is_line(dst, plan) and (not plan.ours or dst in plan.ours) else ""
        return {"direction": "in", "number": src, "ours": ours, "agent": agent, "named": named}
    caller, caller_named = plan.agent(src if is_local(channel) else channel)
    parties = {"caller": caller, "named": caller_named, "ours": src if _is_line(src, plan) else ""}
    outside = bool(called) and not plan.is_agent(called) and not is_local(called)
    if _is_line(dst, plan) and not (called and plan.is_agent(called)) and dst not in plan.ours:
        return parties | {"direction": "out", "number": dst}
    return parties | ({"direction": "out"} if outside else {"direction": "internal", "agent": agent})


def _is_line(number: str, plan: Plan) -> bool:
    """Whether it is a number of the telephone network, not an extension or a code of the dial plan."""
    digits = number.removeprefix("+")
    return digits.isascii() and digits.isdigit() and len(digits) > plan.digits


def queue_cells(line: bytes) -> list[str]:
    """The columns of a line of queue_log: time, call, queue, agent, event, data."""
    return line.decode("utf-8", "replace").replace("\x00", "").strip("\r\n").split("|")


def read_queue_log(line: bytes, plan: Plan) -> Record:
    """A line of queue_log that tells of a call. Raises QuarantineItem."""
    found = queue_cells(line)
    at = seconds(found[0], plan.zone) if len(found) >= 5 else 0.0
    what = QUEUE_EVENTS.get(found[4]) if at else None
    if what is None:
        raise QuarantineItem("The line is not of the form of queue_log: time|call|queue|agent|event|data.")
    _, call, queue, member, event, *data = found
    agent, named = _member(member, plan)
    number = plan.number(_at(data, 1)) if event == "ENTERQUEUE" else ""
    return Record(
        source="queue",
        what=what,
        at=at,
        keys=tuple(f"id:{key}" for key in (call, _at(data, 1) if event == "CONNECT" else "") if key and key != "NONE"),
        direction=("internal" if plan.is_extension(number) else "in") if event == "ENTERQUEUE" else "",
        number="" if plan.is_extension(number) else number,
        queue="" if queue == "NONE" else queue,
        agent=agent,
        named=named,
        wait=amount(_at(data, _WAIT[event])) if event in _WAIT else None,
        talk=amount(_at(data, _TALK[event])) if event in _TALK else None,
        target=plan.agent(_at(data, 0))[0] if event in ("BLINDTRANSFER", "TRANSFER") else "",
        how={"BLINDTRANSFER": "blind", "TRANSFER": "blind", "ATTENDEDTRANSFER": "attended"}.get(event, ""),
    )


def _member(member: str, plan: Plan) -> tuple[str, bool]:
    """A member of a queue stands in the log under a name of its own, or under its interface."""
    if member in ("", "NONE"):
        return "", False
    return plan.agent(member) if "/" in member or plan.is_agent(member) else (member, False)


def _at(data: Sequence[str], index: int) -> str:
    return data[index] if index < len(data) else ""
