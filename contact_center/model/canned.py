"""Canned replies: text with variables, filled in for a ticket. What is not known is an error and never a gap in a letter."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

VARIABLES = ("contact.name", "ticket.number", "ticket.subject", "agent.name", "queue.name")
"""What a text may name, in double braces: {{contact.name}}."""
# Blanks are cut off afterwards: a pattern that looks for them around a name tries every way to share a long run of them out.
_BRACES = re.compile(r"\{\{([^{}]*)\}\}")


@dataclass(frozen=True, slots=True)
class CannedReply:
    """A text that is written often."""

    id: int
    title: str
    text: str
    queue_id: int | None = None
    """Only for tickets of this queue; None: for all."""


def unknown(text: str) -> str | None:
    """The first variable in a text that there is not, None when all are known."""
    return next((name for name in _names(text) if name not in VARIABLES), None)


def missing(text: str, values: Mapping[str, str]) -> str | None:
    """The first variable of a text that has no value here, None when all have one."""
    return next((name for name in _names(text) if not values.get(name, "").strip()), None)


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its variables replaced. Raises KeyError for one that has no value: ask `missing` first."""
    return _BRACES.sub(lambda found: values[found[1].strip()], text)


def _names(text: str) -> list[str]:
    return [name.strip() for name in _BRACES.findall(text)]
