"""Words by which people ask for no more messages, or for messages again. A wish is the whole message, never a word inside one."""

from collections.abc import Iterable
from enum import StrEnum

from contact_center.model.words import Consent


class Wish(StrEnum):
    """What a message of one word wants."""

    STOP = "stop"
    START = "start"
    AGREE = "agree"
    """"Yes" lifts an opt-out, but it is also the answer to any question, which nobody may miss."""
    HELP = "help"


_WORDS = {
    # The set that carriers in North America prescribe, and its Russian counterparts.
    Wish.STOP: (
        *("stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "opt out", "opt-out"),
        *("стоп", "стоп рассылка", "отписка", "отписаться", "отказ"),
    ),
    Wish.START: ("start", "unstop", "старт", "подписка", "подписаться"),
    Wish.AGREE: ("yes",),
    Wish.HELP: ("help", "info"),
}
_MEANINGS = {word: wish for wish, words in _WORDS.items() for word in words}
_EDGES = " \t\r\n.!,;:\"'«»“”()"

CONSENTS = {Wish.STOP: Consent.STOP, Wish.START: Consent.START, Wish.AGREE: Consent.START}
"""What each wish says about being written to."""

QUIET = frozenset({Wish.STOP, Wish.START, Wish.HELP})
"""Wishes that no person needs to answer."""


def wish_of(text: str, more_stop_words: Iterable[str] = ()) -> Wish | None:
    """What a message wants, whatever its case and the blanks and stops around it; None when it says something else."""
    said = _plain(text)
    if said and said in {_plain(word) for word in more_stop_words}:
        return Wish.STOP
    return _MEANINGS.get(said)


def _plain(text: str) -> str:
    return " ".join(text[:200].split()).strip(_EDGES).casefold() if len(text) <= 200 else ""
