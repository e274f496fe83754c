"""Events that a PBX posts, and rows of any CSV by a column map, to records: both are fields with names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from contact_center.channels.telephony.lines import cells
from contact_center.channels.telephony.numbers import Plan, amount, seconds
from contact_center.channels.telephony.records import ENDINGS, Record
from contact_center.errors import QuarantineItem
from contact_center.model.text import clean_text

WORDS = {
    "ringing": ("ringing", "ring", "started", "start", "queued", "incoming call", "initiated", "звонок"),
    "offered": ("offered", "agent_no_answer", "agent no answer", "rejected by agent"),
    "answered": ("answered", "answer", "connected", "accepted", "success", "ok", "отвечен", "отвеченный", "принят", "успешный"),
    "ended": ("ended", "end", "hangup", "completed", "complete", "finished", "завершен", "завершён"),
    "transferred": ("transferred", "transfer", "переведен", "переведён"),
    "abandoned": ("abandoned", "abandon", "брошен", "потерян", "потерянный"),
    "timeout": ("timeout", "timed out", "time-out"),
    "missed": ("missed", "cancelled", "canceled", "cancel", "unanswered", "not answered", "noanswer", "пропущен", "пропущенный"),
    "no_answer": ("no answer", "no_answer", "no-answer", "нет ответа", "не отвечен", "неотвеченный"),
    "busy": ("busy", "rejected", "занят", "занято"),
    "failed": ("failed", "failure", "error", "congestion", "ошибка"),
    "voicemail": ("voicemail", "voice mail"),
    "callback": ("callback", "callback requested", "заказан обратный звонок"),
}


def _plain(word: str) -> str:
    return " ".join(word.lower().replace("ё", "е").replace("_", " ").replace("-", " ").split())


_MEANINGS = {_plain(word): what for what, words in WORDS.items() for word in words}
DIRECTIONS = {
    word: direction
    for direction, words in {
        "in": ("in", "inbound", "incoming", "i", "входящий", "входящая"),
        "out": ("out", "outbound", "outgoing", "o", "исходящий", "исходящая"),
        "internal": ("internal", "local", "внутренний", "внутренняя"),
    }.items()
    for word in words
}


def read_event(content: bytes, envelope: Mapping[str, Any], plan: Plan) -> Record:
    """A posted event. Raises QuarantineItem."""
    try:
        event = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise QuarantineItem(f"The event is no JSON: {error}") from error
    if not isinstance(event, dict) or not _text(event, "id"):
        raise QuarantineItem("The event has no id of the call.")
    row = {name: _text(event, name) for name in event if isinstance(event[name], str | int | float)}
    names = {
        "event": "result",
        "at": "start",
        "wait_seconds": "wait",
        "talk_seconds": "talk",
        "hold_seconds": "hold",
        "linked_id": "linked",
    }
    row = {names.get(name, name): value for name, value in row.items()}
    at = seconds(row.get("start", ""), plan.zone) or float(envelope.get("received", 0.0))
    return _record(row, plan, _times_of_event(row, at), "event")


def read_row(line: bytes, envelope: Mapping[str, Any], plan: Plan) -> Record:
    """A row of any CSV, by the map of its columns. Raises QuarantineItem."""
    found = cells(line, str(envelope.get("delimiter", ",")))
    columns = {str(name): int(index) for name, index in dict(envelope.get("columns", {})).items()}
    row = {name: found[index].strip() for name, index in columns.items() if index < len(found)}
    pattern = str(envelope.get("time_format", ""))
    at, end = seconds(row.get("start", ""), plan.zone, pattern), seconds(row.get("end", ""), plan.zone, pattern)
    if not at or not (row.get("id") or row.get("from") or row.get("to")):
        raise QuarantineItem("The line has no time, or neither an id nor a number, in the columns that the map names.")
    if not row.get("id"):
        # Such a log has one line a call.
        row["id"] = f"{at:.0f}/{row.get('from', '')}/{row.get('to', '')}"
    row["result"] = row.get("result") or "ended"
    return _record(row, plan, _times_of_row(row, at, seconds(row.get("answer", ""), plan.zone, pattern), end), "row")


def _record(row: Mapping[str, str], plan: Plan, times: "Times", source: str) -> Record:
    what = meaning(row.get("result", ""))
    agent, named = plan.agent(row["agent"]) if row.get("agent") else ("", False)
    parties = _parties(row, plan)
    return Record(
        source=source,
        what=what,
        at=times.start,
        keys=tuple(dict.fromkeys(f"id:{row[name]}" for name in ("id", "linked") if row.get(name))),
        answer=times.answer,
        end=times.end,
        agent=agent,
        named=named,
        caller=agent if parties.get("direction") == "out" else "",
        queue=row.get("queue", ""),
        wait=amount(row.get("wait")),
        talk=amount(row.get("talk")),
        hold=amount(row.get("hold")),
        target=plan.agent(row["transfer_to"])[0] if row.get("transfer_to") else "",
        how=("attended" if row.get("transfer_kind", "").lower() == "attended" else "blind") if what == "transferred" else "",
        **parties,
    )


@dataclass(frozen=True, slots=True)
class Times:
    """When a call began, was answered and ended, as far as one statement tells; 0.0 when it does not."""

    start: float
    answer: float
    end: float


def _times_of_event(row: Mapping[str, str], at: float) -> Times:
    """An event bears the time at which it happened; what it says of waiting and talking leads back to the beginning."""
    what, wait, talk = meaning(row.get("result", "")), amount(row.get("wait")) or 0.0, amount(row.get("talk")) or 0.0
    if what == "answered":
        return Times(at - wait, at, at + talk if talk else 0.0)
    if what == "ended":
        return Times(at - talk - wait, at - talk if talk else 0.0, at)
    if what == "transferred":
        return Times(at, at if row.get("agent") else 0.0, 0.0)
    return Times(at - wait, 0.0, at) if what in ENDINGS else Times(at, 0.0, 0.0)


def _times_of_row(row: Mapping[str, str], start: float, answer: float, end: float) -> Times:
    """A row bears the time at which the call began, and tells all of it."""
    wait, talk = amount(row.get("wait")) or 0.0, amount(row.get("talk")) or 0.0
    if meaning(row.get("result", "")) == "answered" or talk:
        answer = answer or start + wait
        return Times(start, answer, end or answer + talk)
    return Times(start, 0.0, end or start + wait)


def meaning(word: str) -> str:
    """What a word for an event or a result means; `other` for one that is not known."""
    return _MEANINGS.get(_plain(word), "other")


def _parties(row: Mapping[str, str], plan: Plan) -> dict[str, Any]:
    """Which of the two numbers is the customer's: by what the PBX says, else by whose numbers they are."""
    caller, called = plan.number(row.get("from")), plan.number(row.get("to"))
    direction = DIRECTIONS.get(row.get("direction", "").strip().lower(), "")
    if not direction and (caller or called):
        if plan.is_extension(caller):
            direction = "internal" if plan.is_extension(called) or called in plan.ours else "out"
        else:
            direction = "out" if caller in plan.ours and called not in plan.ours else "in"
    if direction == "out":
        return {"direction": direction, "number": called, "ours": "" if plan.is_extension(caller) else caller}
    if direction == "internal":
        return {"direction": direction}
    ours = row.get("our_number") and plan.number(row["our_number"])
    return {"direction": direction, "number": caller, "ours": ours or ("" if plan.is_extension(called) else called)}


def _text(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    return clean_text(str(value)[:500]) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
