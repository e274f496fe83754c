"""Whether the audit log is whole: the chain, its head, and the heads of earlier days that were anchored in a file.

The anchors are for what the database cannot tell by itself: that somebody put back all of it, head included, as it was
before. Copy the file to where the database's administrator cannot write.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy.engine import Connection

from contact_center.keys import Seal
from contact_center.model.audit import Action
from contact_center.store import audit

ANCHORS = "audit-anchors.jsonl"
BATCH = 1000


@dataclass(frozen=True, slots=True)
class Fault:
    """The first entry that is not as it was written, and what is wrong with it."""

    number: int
    what: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """The head of one day."""

    day: str
    number: int
    hash: str
    seal: str


def check(connection: Connection, seal: Seal, anchors: list[Anchor]) -> tuple[int, Fault | None]:
    """How many entries there are, and the first fault."""
    by_number = {anchor.number: anchor for anchor in anchors}
    last, previous = 0, ""
    for row in entries(connection):
        fault = _fault_of(row, last, previous, seal) or _fault_of_anchor(row, by_number.get(row["number"]), seal)
        if fault is not None:
            return last, fault
        last, previous = row["number"], row["hash"]
    return last, _fault_of_end(audit.head(connection), last, previous, seal) or _fault_beyond(anchors, last)


def entries(connection: Connection) -> Iterator[Any]:
    """All rows in order, a batch at a time."""
    number = 0
    while rows := audit.rows_after(connection, number, BATCH):
        yield from rows
        number = rows[-1]["number"]


def anchor(folder: Path, head: Any, seal: Seal, now: datetime) -> Anchor | None:
    """Write the head of this day, once; None when that was done or there is nothing to anchor."""
    day = now.date().isoformat()
    known = load_anchors(folder)
    if head is None or not head["number"] or (known and known[-1].day >= day):
        return None
    made = Anchor(day, head["number"], head["hash"], seal.make(_text(day, head["number"], head["hash"])))
    handle = os.open(folder / ANCHORS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(handle, "ab") as file:
        file.write(orjson.dumps(made) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return made


def load_anchors(folder: Path) -> list[Anchor]:
    """The anchors in the data folder; a line that a crash left unfinished is none."""
    try:
        lines = (folder / ANCHORS).read_bytes().splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        try:
            found.append(Anchor(**orjson.loads(line)))
        except (orjson.JSONDecodeError, TypeError):
            continue
    return found


def _fault_of(row: Any, last: int, previous: str, seal: Seal) -> Fault | None:
    if row["number"] != last + 1:
        return Fault(last + 1, f"missing; the next one is {row['number']}")
    if not seal.knows(row["hash"]):
        return Fault(row["number"], "altered, or sealed with a key that is not here")
    if not seal.holds(audit.canonical(row, previous), row["hash"]):
        return Fault(row["number"], "altered, put here from elsewhere, or what was before it is gone")
    if row["action"] == Action.LOG_ALTERED:
        return Fault(row["number"], "tells that the log was cut off or its head altered before this entry was written")
    return None


def _fault_of_anchor(row: Any, known: Anchor | None, seal: Seal) -> Fault | None:
    if known is None:
        return None
    if not seal.holds(_text(known.day, known.number, known.hash), known.seal):
        return Fault(known.number, f"the anchor of {known.day} was altered")
    return None if known.hash == row["hash"] else Fault(known.number, f"another entry than the one anchored on {known.day}")


def _fault_of_end(head: Any, last: int, previous: str, seal: Seal) -> Fault | None:
    if head is None:
        return Fault(last, "the head of the log is missing") if last else None
    if head["number"] > last:
        return Fault(last + 1, f"missing, and all after it, up to {head['number']}")
    if (head["number"], head["hash"]) != (last, previous) or not seal.holds(audit.head_text(last, previous), head["seal"]):
        return Fault(last + 1, "the end was cut off, or the head of the log altered")
    return None


def _fault_beyond(anchors: list[Anchor], last: int) -> Fault | None:
    beyond = [each for each in anchors if each.number > last]
    return Fault(last + 1, f"missing, and all after it: on {beyond[0].day} there were {beyond[0].number}") if beyond else None


def _text(day: str, number: int, hashed: str) -> bytes:
    return orjson.dumps(["anchor", day, number, hashed])
