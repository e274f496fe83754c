"""What one line of a log, or one event, says of a call: the same few words for every source. Kept beside the entry as JSON."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

LIMIT = 1000  # records kept of one call; a flood of events must not grow without end

ENDINGS = ("abandoned", "timeout", "missed", "busy", "failed", "no_answer", "voicemail", "callback")
"""Words of a source that says by itself how an unanswered call ended."""


@dataclass(frozen=True, slots=True)
class Record:
    """One statement on a call. Times are seconds since 1970 by the PBX's clock, 0.0 when not told."""

    source: str
    """cdr (a leg of a call), queue (a line of queue_log), event (a webhook) or row (a whole call, a line of another CSV)."""
    what: str
    """ringing, offered (an agent did not take it), answered, ended, transferred, restart, other, or one of ENDINGS."""
    at: float
    keys: tuple[str, ...] = ()
    """All that identifies the call."""
    sequence: int = 0
    """The PBX's own order of its records."""
    answer: float = 0.0
    end: float = 0.0
    direction: str = ""
    """in, out, internal; empty when this record cannot tell."""
    number: str = ""
    """The outside party, E.164 where possible."""
    ours: str = ""
    """The number of ours that was called, or that was shown."""
    agent: str = ""
    named: bool = False
    """The agent is named by the settings, not by an extension or by the PBX."""
    caller: str = ""
    """The agent who called, for outbound and internal legs."""
    channel: str = ""
    """The channel that dialled."""
    leg: str = ""
    """The channel that was dialled; empty when nobody was."""
    queue: str = ""
    app: str = ""
    """The last application of the dial plan, in lower case."""
    wait: float | None = None
    talk: float | None = None
    hold: float | None = None
    """Of the talk, how long the caller was put on hold."""
    target: str = ""
    """Where a transfer went."""
    how: str = ""
    """blind or attended, of a transfer."""
    old: bool = False
    """It had happened long before it was read, so that nobody is to be called because of it."""

    def pack(self) -> dict[str, Any]:
        """As JSON keeps it: what is empty is left out."""
        values = ((field.name, getattr(self, field.name), field.default) for field in fields(self))
        return {name: list(value) if isinstance(value, tuple) else value for name, value, default in values if value != default}

    @classmethod
    def unpack(cls, stored: Mapping[str, Any]) -> "Record":
        """From JSON; fields of another release are passed over."""
        known = {field.name: stored[field.name] for field in fields(cls) if field.name in stored}
        return cls(**(known | {"keys": tuple(known.get("keys", ()))}))


def merge(parts: Sequence[Mapping[str, Any]]) -> list[Record]:
    """Every record of several headers once, in an order that does not depend on that of the parts."""
    return arrange(Record.unpack(stored) for part in parts for stored in part.get("records", ()))


def arrange(records: Iterable[Record]) -> list[Record]:
    """Each statement once, by time."""
    found: dict[str, Record] = {}
    for record in records:
        key = json.dumps(replace(record, old=False).pack(), sort_keys=True)
        # The same line may have been read while it was news and again long after.
        found[key] = record if key not in found or not record.old else found[key]
    ordered = [found[key] for key in sorted(found, key=lambda key: (found[key].at, found[key].sequence, key))]
    return ordered if len(ordered) <= LIMIT else [*ordered[: LIMIT // 2], *ordered[-LIMIT // 2 :]]
