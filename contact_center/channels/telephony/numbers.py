"""Numbers, interfaces and times as a PBX writes them, made comparable."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers

NOBODY = {"", "anonymous", "unknown", "<unknown>", "restricted", "private", "unavailable", "withheld", "none", "null", "s", "h", "i", "t"}
EARLIEST, LATEST = 631152000.0, 4102444800.0  # 1990 and 2100: outside a clock is broken


@dataclass(frozen=True, slots=True)
class Plan:
    """How a PBX numbers its people and lines."""

    digits: int
    """Numbers of up to so many digits are colleagues."""
    agents: Mapping[str, str]
    """Interface or extension to a person's name."""
    ours: frozenset[str]
    """The numbers that customers call, normalised."""
    region: str
    zone: ZoneInfo

    @classmethod
    def of(cls, envelope: Mapping[str, Any]) -> "Plan":
        """The plan that a raw item carries with it."""
        region = str(envelope.get("region", "RU"))
        named = {interface(key): str(name) for key, name in dict(envelope.get("agents", {})).items()}
        return cls(
            digits=int(envelope.get("digits", 4)),
            agents={extension(key): name for key, name in named.items()} | named,
            ours=frozenset(number_of(number, region) for number in envelope.get("ours", ())),
            region=region,
            zone=ZoneInfo(str(envelope.get("zone", "UTC"))),
        )

    def number(self, raw: object) -> str:
        """E.164, or as it was written when it is no number of the public network; empty when withheld."""
        return number_of(raw, self.region)

    def is_extension(self, raw: str) -> bool:
        """Whether a number is a colleague's."""
        return raw.isascii() and raw.isdigit() and 0 < len(raw) <= self.digits

    def is_agent(self, channel: str) -> bool:
        """Whether a channel is the phone of a colleague."""
        name = interface(channel)
        return bool(name) and (name in self.agents or extension(name) in self.agents or self.is_extension(extension(name)))

    def agent(self, channel: str) -> tuple[str, bool]:
        """Who sits at an interface, and whether that is somebody's name by the settings; else its extension."""
        name = interface(channel)
        known = self.agents.get(name) or self.agents.get(extension(name))
        return (known, True) if known else (extension(name), False)


def interface(channel: str) -> str:
    """`PJSIP/101-00000008` and `Local/102@agents-00000001;2` to the interface that stands in the PBX's settings."""
    name = channel.strip().partition(";")[0]
    if "/" not in name:
        return name
    name = name.removesuffix("/n")
    head, dash, tail = name.rpartition("-")
    return head if dash and len(tail) >= 6 and all(c in "0123456789abcdef" for c in tail.lower()) else name


def extension(name: str) -> str:
    """The bare extension of an interface."""
    return name.partition("/")[2].partition("@")[0] if "/" in name else name


def is_local(channel: str) -> bool:
    """Whether a channel is a mere link between two parts of the dial plan, behind which a phone stands."""
    return channel.startswith("Local/")


@lru_cache(4096)
def number_of(raw: object, region: str) -> str:
    """E.164 where that is possible, else what was written, without a SIP address around it."""
    text = str(raw if raw is not None else "").strip().strip("<>").removeprefix("sip:").removeprefix("tel:")
    text = text.partition("@")[0].strip()
    if text.lower() in NOBODY:
        return ""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return text[:60]
    if not phonenumbers.is_possible_number(number):
        return text[:60]
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def seconds(raw: object, zone: ZoneInfo, pattern: str = "") -> float:
    """A time as seconds since 1970; 0.0 when there is none or it is absurd."""
    text = str(raw if raw is not None else "").strip()
    if not text:
        return 0.0
    try:
        found = float(text) if not pattern else _read(text, pattern, zone)
    except ValueError:
        try:
            found = _read(text, "", zone)
        except (ValueError, OverflowError):
            return 0.0
    if found > LATEST:  # milliseconds
        found /= 1000.0
    return found if EARLIEST < found < LATEST else 0.0


def _read(text: str, pattern: str, zone: ZoneInfo) -> float:
    found = datetime.strptime(text, pattern) if pattern else datetime.fromisoformat(text)
    return (found if found.tzinfo is not None else found.replace(tzinfo=zone)).timestamp()


def iso(at: float) -> str | None:
    """Seconds since 1970 as a time in UTC; None for 0."""
    return moment(at).isoformat() if at else None


def moment(at: float) -> datetime:
    """Seconds since 1970 as a time in UTC."""
    return datetime.fromtimestamp(at, UTC)


def amount(raw: object) -> float | None:
    """A number of seconds, also as h:mm:ss; None when there is none."""
    text = str(raw if raw is not None else "").strip()
    try:
        parts = [float(part) for part in text.split(":")]
    except ValueError:
        return None
    total = 0.0
    for part in parts:
        total = total * 60 + part
    return total if 0.0 <= total < 1e7 else None
