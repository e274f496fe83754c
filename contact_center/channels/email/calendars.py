"""Invitations and answers to them (RFC 5545, 5546), as facts for a card. Bounded, and never raises."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from contact_center.channels.email import charsets

CONTENT_LIMIT = 512 * 1024  # bytes of a calendar that are looked at: a larger one is a diary, not an invitation
MAX_EVENTS = 5
MAX_PEOPLE = 30
TEXT = 500  # characters of a field
MAX_ZONES = 10
MAX_ZONE_LINES = 200
_ZONE_RULES = {"FREQ", "BYMONTH", "BYDAY", "INTERVAL", "UNTIL", "WKST"}
_METHODS = ("PUBLISH", "REQUEST", "REPLY", "ADD", "CANCEL", "REFRESH", "COUNTER", "DECLINECOUNTER")
_ANSWERS = ("NEEDS-ACTION", "ACCEPTED", "DECLINED", "TENTATIVE", "DELEGATED")


def _unfolded(text: str) -> list[str]:
    """The lines of a calendar with their continuations, in one pass; empty lines are none, as the library reads them."""
    lines: list[str] = []
    for line in text.splitlines():
        if line[:1] in (" ", "\t") and lines:
            lines[-1] += line[1:]
        elif line:
            lines.append(line)
    return lines


def read(content: bytes, charset: str = "utf-8") -> dict[str, Any] | None:
    """What a `text/calendar` part says; None when it says nothing that can be understood.

    `type` is "calendar", `method` is REQUEST, REPLY, CANCEL and so on. Each of `events` has `summary`, `starts` and `ends`
    (instants in UTC; dates when `all_day`; local times when `floating`), `zone` as the mail names it, `place`, `organizer`,
    `people` with their answers, `status` and whether it `repeats`.
    """
    if len(content) > CONTENT_LIMIT or b"BEGIN:" not in content[:5000].upper():
        return None
    text, _ = charsets.decode(content, charset)
    from icalendar import Calendar  # loads slowly, and few mails have a calendar

    try:
        calendar = Calendar.from_ical(_with_plain_zones(text))
        method = str(calendar.get("METHOD", "PUBLISH")).upper()
        events = [_event(component) for component in _first(calendar.walk("VEVENT"), MAX_EVENTS)]
    except Exception:  # noqa: BLE001 - whatever a calendar breaks, the file is there to be opened
        return None
    found = [event for event in events if event is not None]
    return {"type": "calendar", "method": method if method in _METHODS else "PUBLISH", "events": found} if found else None


def words(facts: dict[str, Any] | None) -> str:
    """What a mail says that has nothing but a calendar: for lists and for searching."""
    events = (facts or {}).get("events", [])
    return "\n".join(line for event in events for line in (event["summary"], event["place"]) if line)


def _with_plain_zones(text: str) -> str:
    """The calendar without time zones whose changes are not plain yearly ones, for those take minutes to work out.

    Names that are known mean what they mean anywhere; times in another zone are local times.
    """
    out: list[str] = []
    zone: list[str] | None = None
    zones = 0
    for line in _unfolded(text):
        said = "".join(line.split()).upper()
        if said == "BEGIN:VTIMEZONE":
            zone = []
        elif said == "END:VTIMEZONE":
            if zone is not None and zones < MAX_ZONES and _is_plain_zone(zone):
                out += ["BEGIN:VTIMEZONE", *zone, "END:VTIMEZONE"]
                zones += 1
            zone = None
        else:
            (out if zone is None else zone).append(line.lstrip())
    return "\r\n".join(out)


def _is_plain_zone(lines: list[str]) -> bool:
    if len(lines) > MAX_ZONE_LINES:
        return False
    for line in lines:
        name, _, value = line.upper().partition(":")
        name = name.split(";")[0].strip()
        if name in ("EXRULE", "BEGIN") and value.strip() not in ("STANDARD", "DAYLIGHT"):
            return False
        if name == "RRULE":
            rules = [part.partition("=") for part in "".join(value.split()).split(";") if part]
            names = [rule[0] for rule in rules]
            if ("FREQ", "=", "YEARLY") not in rules or set(names) - _ZONE_RULES or len(names) > len(set(names)):
                return False
        elif "RRULE" in name:
            return False
    return True


def _event(component: Any) -> dict[str, Any] | None:
    start = _moment(component.get("DTSTART"))
    if start is None:
        return None
    end = _moment(component.get("DTEND"))
    if end is None and component.get("DURATION") is not None:
        end = _later(start, component.get("DURATION").dt)
    return {
        "summary": _text(component.get("SUMMARY")),
        "starts": _written(start),
        "ends": _written(end) if end is not None else None,
        "all_day": not isinstance(start, datetime),
        "floating": isinstance(start, datetime) and start.tzinfo is None,
        "zone": _zone(component.get("DTSTART")),
        "place": _text(component.get("LOCATION")),
        "organizer": _person(component.get("ORGANIZER")),
        "people": [_person(each) for each in _first(_many(component.get("ATTENDEE")), MAX_PEOPLE)],
        "status": _text(component.get("STATUS")).upper(),
        "repeats": component.get("RRULE") is not None,
    }


def _moment(value: Any) -> datetime | date | None:
    moment = getattr(value, "dt", None)
    return moment if isinstance(moment, date) else None


def _later(start: datetime | date, delta: Any) -> datetime | date | None:
    try:
        return start + delta if isinstance(delta, timedelta) else None
    except OverflowError:
        return None


def _written(moment: datetime | date) -> str:
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return moment.isoformat()


def _zone(value: Any) -> str:
    named = str(getattr(value, "params", {}).get("TZID", ""))
    return named[:100] or ("UTC" if isinstance(_moment(value), datetime) and _moment(value).tzinfo else "")  # type: ignore[union-attr]


def _person(value: Any) -> dict[str, str] | None:
    if value is None:
        return None
    params = getattr(value, "params", {})
    address = str(value)
    email = address[7:] if address[:7].lower() == "mailto:" else address
    state = str(params.get("PARTSTAT", "")).upper()
    return {"name": _text(params.get("CN")), "email": email[:320], "state": state if state in _ANSWERS else ""}


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _first(values: Iterable[Any], count: int) -> list[Any]:
    return list(values)[:count]


def _text(value: Any) -> str:
    return " ".join(str(value).split())[:TEXT] if value is not None else ""
