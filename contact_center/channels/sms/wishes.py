"""Words by which people ask for no more messages, or for messages again. A wish is the whole message, never a word inside one."""

import unicodedata
from collections.abc import Iterable, Mapping
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
# None of them is a wish itself: two machines that answer each other come to an end.
_ANSWERS = {
    ("en", Wish.STOP): "You will get no more messages from this number. To get them again, reply START.",
    ("en", Wish.START): "You will get messages from this number again. To get no more, reply STOP.",
    ("ru", Wish.STOP): "Больше не будем вам писать. Если передумаете, ответьте СТАРТ.",
    ("ru", Wish.START): "Снова будем вам писать. Чтобы отказаться, ответьте СТОП.",
}

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


def confirmation(wish: Wish | None, said: str, texts: Mapping[str, str] | None) -> str:
    """What to answer to a wish; empty when nothing is answered. `texts` are the account's own words, empty for the usual."""
    if texts is None or wish not in (Wish.STOP, Wish.START):
        return ""
    language = "ru" if any("а" <= letter <= "я" for letter in said.casefold()) else "en"
    return texts.get(wish) or _ANSWERS[language, wish]


def _plain(text: str) -> str:
    """The bare words: full width as usual, without what nobody sees, and without the signs around them."""
    if len(text) > 200:
        return ""
    seen = "".join(letter for letter in unicodedata.normalize("NFKC", text) if unicodedata.category(letter) != "Cf")
    said = " ".join(seen.split())
    words = [place for place, letter in enumerate(said) if letter.isalnum()]
    return said[words[0] : words[-1] + 1].casefold() if words else ""
