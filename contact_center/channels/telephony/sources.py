"""The log files of a PBX: which lines of them are handed over, and in what words."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from contact_center.channels.telephony import lines as formats
from contact_center.channels.telephony.numbers import extension, interface, seconds
from contact_center.channels.telephony.options import TelephonyOptions
from contact_center.channels.telephony.parse import read
from contact_center.errors import ChannelMisconfigured, QuarantineItem
from contact_center.model.messages import RawItem

MOST_OPEN = 1000  # calls remembered as open; more at once no PBX of this size has
UTC = ZoneInfo("UTC")
LONGEST_CALL = 12 * 3600  # seconds after its last line within which a call may still be open
_CLOSING = {event for event, what in formats.QUEUE_EVENTS.items() if what not in ("ringing", "offered", "answered")}


@dataclass(slots=True)
class Source:
    """One file: its name for the cursor, and what its lines need to be understood."""

    name: str
    path: Path
    envelope: dict[str, Any]
    agents: dict[str, str] = field(default_factory=dict)

    def items(self, lines: Sequence[bytes], old_before: float) -> list[RawItem]:
        """A raw item for each line that tells of a call."""
        return [self.item(line, old_before) for line in lines if line.strip()]

    def item(self, line: bytes, old_before: float) -> RawItem:
        """A raw item whose key is its content, so that a line read again is known."""
        known = named_in(line, self.agents)
        envelope = self.envelope | ({"agents": known} if known else {}) | {"old_before": old_before}
        return RawItem(f"{self.name}:{hashlib.sha256(line).hexdigest()}", line, envelope=envelope)

    def state(self) -> dict[str, Any]:
        """What is to be remembered with the cursor."""
        return {}

    def recall(self, stored: dict[str, Any]) -> None:
        """Take up what was remembered with the cursor."""

    def check(self, first: Sequence[bytes]) -> None:
        """Look whether the first lines can be read. Raises ChannelMisconfigured."""
        for line in first:
            try:
                read(line, self.envelope)
            except (QuarantineItem, ValueError) as error:
                words = line[:80].decode("utf-8", "replace")
                raise ChannelMisconfigured(f"{self.path} does not look as the settings say. {error} The line begins: {words}") from error


def named_in(content: bytes, agents: dict[str, str]) -> dict[str, str]:
    """Those of the agents whose interface or extension stands in the content as a word of its own."""
    words = set(re.findall(rb"\w+", content))
    return {key: name for key, name in agents.items() if words.issuperset(re.findall(rb"\w+", _extension(key)))}


def _extension(key: str) -> bytes:
    return extension(interface(key)).encode()


class CdrSource(Source):
    """Call records. Of a call's rows that were read at once the answered go first: nobody is to be called for a moment only."""

    __slots__ = ()

    def items(self, lines: Sequence[bytes], old_before: float) -> list[RawItem]:
        """A raw item for each line but for a header; calls stay in the order in which they ended."""
        calls: dict[str, list[bytes]] = {}
        for line in lines:
            if line.strip() and not self._is_header(line):
                calls.setdefault(self._call(line), []).append(line)
        told = [line for rows in calls.values() for line in sorted(rows, key=lambda row: b'"ANSWERED"' not in row)]
        return [self.item(line, old_before) for line in told]

    def _call(self, line: bytes) -> str:
        """What the rows of a call have in common; a line of its own where there is no such thing."""
        place = {"custom": formats.CUSTOM.index("linkedid"), "master": formats.MASTER.index("linkedid")}.get(self.envelope["source"])
        try:
            cells = formats.cells(line) if place is not None else []
        except QuarantineItem:
            cells = []
        own = hashlib.sha256(line).hexdigest()
        return (cells[place] or own) if place is not None and place < len(cells) else own

    def check(self, first: Sequence[bytes]) -> None:
        """Look whether the first lines can be read. Raises ChannelMisconfigured."""
        if self.envelope.get("missing"):
            raise ChannelMisconfigured(f"The column map names columns that are not in {self.path}: {self.envelope['missing']}")
        Source.check(self, [line for line in first if not self._is_header(line)])

    def _is_header(self, line: bytes) -> bool:
        return hashlib.sha256(line).hexdigest() == self.envelope.get("header")


class QueueSource(Source):
    """queue_log: only lines of calls, and of a start of the PBX one line for each call that it broke off."""

    __slots__ = ("open",)

    open: dict[str, int]
    """Calls that have not ended, each with the time of its last line."""

    def recall(self, stored: dict[str, Any]) -> None:
        """The calls that were open at the last line read."""
        self.open = {str(call): int(at) for call, at in dict(stored.get("open", {})).items()}

    def state(self) -> dict[str, Any]:
        """The calls that are open, the latest of them if there are absurdly many."""
        return {"open": dict(list(self.open.items())[-MOST_OPEN:])}

    def items(self, lines: Sequence[bytes], old_before: float) -> list[RawItem]:
        """Lines of calls; follows which of them are open."""
        found: list[RawItem] = []
        for line in lines:
            found += [self.item(said, old_before) for said in self._of_calls(line)]
        return found

    def check(self, first: Sequence[bytes]) -> None:
        """Look whether the first lines can be read. Raises ChannelMisconfigured."""
        for line in first:
            cells = formats.queue_cells(line)
            if len(cells) < 5 or not cells[0].replace(".", "").isdigit():
                Source.check(self, [line])

    def _of_calls(self, line: bytes) -> list[bytes]:
        cells = formats.queue_cells(line)
        event, call = (cells[4], cells[1]) if len(cells) >= 5 else ("", "")
        if event == "QUEUESTART":
            # The PBX writes one such line for all; every call that it broke off gets one of its own, told apart by its id.
            # What was last heard of long before had ended without a word.
            broken = [call for call, last in self.open.items() if _second(cells) - last <= LONGEST_CALL]
            self.open = {}
            return [f"{cells[0]}|{call}|NONE|NONE|QUEUESTART|".encode() for call in broken]
        if event not in formats.QUEUE_EVENTS:
            return [line] if line.strip() and len(cells) < 5 else []
        if event in _CLOSING:
            self.open.pop(call, None)
        else:
            self.open[call] = _second(cells)
        return [line]


def _second(cells: list[str]) -> int:
    return int(seconds(cells[0], UTC))


def sources(options: TelephonyOptions) -> list[Source]:
    """The files that the settings name."""
    found: list[Source] = []
    names, common = options.agent_names(), envelope_of(options)
    if options.cdr_file:
        path = Path(options.cdr_file)
        found.append(CdrSource("cdr", path, common | {"source": options.cdr_format} | _layout(options, path), names))
    if options.queue_log_file:
        queue = QueueSource("queue_log", Path(options.queue_log_file), common | {"source": "queue_log"}, names)
        queue.recall({})
        found.append(queue)
    return found


def envelope_of(options: TelephonyOptions) -> dict[str, Any]:
    """What every item carries with it, so that it can be understood without the settings of today."""
    return {
        "trust_date": True,  # a log tells when its calls were
        "zone": options.timezone,
        "digits": options.internal_digits,
        "region": options.default_region.upper(),
        "ours": options.own_numbers(),
    }


def _layout(options: TelephonyOptions, path: Path) -> dict[str, Any]:
    """Where the columns of a CSV file are: names are looked up in its header line."""
    if options.cdr_format != "columns":
        return {}
    wanted = options.column_map()
    header = _header(path) if options.csv_header else b""
    names = [name.strip() for name in formats.cells(header, options.csv_delimiter)] if header else []
    places = {
        key: int(column) if (column.isascii() and column.isdigit()) else names.index(column)
        for key, column in wanted.items()
        if (column.isascii() and column.isdigit()) or column in names
    }
    layout = {"columns": places, "delimiter": options.csv_delimiter, "time_format": options.time_format}
    if header:
        layout["header"] = hashlib.sha256(header).hexdigest()
    if missing := sorted(set(wanted) - set(places)):
        layout["missing"] = ", ".join(wanted[key] for key in missing)
    return layout


def _header(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.readline(64 * 1024).rstrip(b"\r\n")
    except OSError:
        return b""
