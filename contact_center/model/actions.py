"""What a macro, a bulk action or a rule does to a ticket: one short list of actions, the same for all of them.

An action is `{"do": ..., "value": ...}`. The list is bounded and says each thing once, so that it needs no order: notes and the reply come
first, and how the ticket stands afterwards is settled last.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from contact_center.model import canned
from contact_center.model.conditions import ME, NOBODY, Unreadable
from contact_center.model.text import clean_text
from contact_center.model.words import Priority, Status

MAX_ACTIONS = 12
MAX_NOTE = 5000
MAX_TAGS = 20
MAX_TAG = 60
MAX_SNOOZE = 366 * 24 * 60
MAX_STEP = 300
MAX_MENTIONED = 20
ASSIGNEE = "assignee"


class Do(StrEnum):
    """What can be done."""

    SET_STATUS = "set_status"
    SET_PRIORITY = "set_priority"
    SET_QUEUE = "set_queue"
    SET_ASSIGNEE = "set_assignee"
    SET_REASON = "set_reason"
    """Why the customer turned to us: a contact reason."""
    ADD_TAGS = "add_tags"
    REMOVE_TAGS = "remove_tags"
    SNOOZE = "snooze"
    """For so many minutes; the ticket waits and opens again by itself."""
    SET_NEXT_STEP = "set_next_step"
    ADD_NOTE = "add_note"
    MENTION = "mention"
    """Whom the note tells: colleagues, or whoever the ticket is assigned to."""
    SEND_REPLY = "send_reply"
    """A canned reply, with its variables filled in."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do."""

    do: Do
    value: Any


def parse(document: Any, *, reader: bool = True) -> tuple[Action, ...]:
    """The actions that a JSON document says; without a `reader` nobody is "me". Raises Unreadable."""
    if not isinstance(document, list) or not 1 <= len(document) <= MAX_ACTIONS:
        raise Unreadable(f"A list of 1 to {MAX_ACTIONS} actions is needed.")
    actions: list[Action] = []
    for number, each in enumerate(document):
        if not isinstance(each, dict) or set(each) != {"do", "value"}:
            raise Unreadable("An action has a do and a value.", (number,))
        if not isinstance(each["do"], str) or each["do"] not in tuple(Do):
            raise Unreadable(f"There is no such action: there are {', '.join(Do)}.", (number, "do"))
        do = Do(each["do"])
        if any(earlier.do is do for earlier in actions):
            raise Unreadable(f"{do} is there twice.", (number, "do"))
        try:
            actions.append(Action(do, _READERS[do](each["value"], reader)))
        except Unreadable as error:
            raise Unreadable(error.message, (number, "value")) from None
    if any(each.do is Do.MENTION for each in actions) and not any(each.do is Do.ADD_NOTE for each in actions):
        raise Unreadable("Who is told is told by a note: add one.")
    return tuple(actions)


def as_json(actions: tuple[Action, ...]) -> list[dict[str, Any]]:
    """The document that says these actions."""
    return [{"do": each.do.value, "value": list(each.value) if isinstance(each.value, tuple) else each.value} for each in actions]


def _one_of(*choices: str) -> Callable[[Any, bool], str]:
    def read(value: Any, _reader: bool) -> str:
        if not isinstance(value, str) or value not in choices:
            raise Unreadable(f"One of {', '.join(choices)} is needed.")
        return str(value)

    return read


def _number(value: Any, _reader: bool) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**53:
        raise Unreadable("A number of something there is is needed.")
    return value


def _employee(value: Any, reader: bool) -> Any:
    if value == NOBODY:
        return NOBODY
    if value == ME:
        if not reader:
            raise Unreadable("Nobody acts here: there is no me.")
        return ME
    return _number(value, reader)


def _text(most: int) -> Callable[[Any, bool], str]:
    def read(value: Any, _reader: bool = True) -> str:
        text = clean_text(value).strip() if isinstance(value, str) else ""
        if not 1 <= len(text) <= most:
            raise Unreadable(f"A text of 1 to {most} characters is needed.")
        return text

    return read


def _people(value: Any, reader: bool) -> tuple[Any, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_MENTIONED:
        raise Unreadable(f"A list of 1 to {MAX_MENTIONED} colleagues is needed.")
    return tuple(dict.fromkeys(each if each == ASSIGNEE else _number(each, reader) for each in value))


def _tags(value: Any, _reader: bool) -> tuple[str, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_TAGS:
        raise Unreadable(f"A list of 1 to {MAX_TAGS} tags is needed.")
    return tuple(dict.fromkeys(_text(MAX_TAG)(each, True) for each in value))


def _minutes(value: Any, _reader: bool) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_SNOOZE:
        raise Unreadable(f"A number of minutes from 1 to {MAX_SNOOZE} is needed.")
    return value


def _note(value: Any, reader: bool) -> str:
    text = _text(MAX_NOTE)(value, reader)
    if (name := canned.unknown(text)) is not None:
        raise Unreadable(f"There is no variable {name[:60]}: there are {', '.join(canned.VARIABLES)}.")
    return text


_READERS: dict[Do, Callable[[Any, bool], Any]] = {
    Do.SET_STATUS: _one_of(*Status),
    Do.SET_PRIORITY: _one_of(*Priority),
    Do.SET_QUEUE: _number,
    Do.SET_ASSIGNEE: _employee,
    Do.SET_REASON: _number,
    Do.ADD_TAGS: _tags,
    Do.REMOVE_TAGS: _tags,
    Do.SNOOZE: _minutes,
    Do.SET_NEXT_STEP: _text(MAX_STEP),
    Do.ADD_NOTE: _note,
    Do.MENTION: _people,
    Do.SEND_REPLY: _number,
}
