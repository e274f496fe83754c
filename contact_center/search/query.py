"""From what somebody typed to what is looked for.

Every word must be there, in whatever form; words in quotes must stand together. The last word may be unfinished. An id or
a number is looked for as its pieces side by side or as its key. Nothing that is typed is an operator.
"""

import re

from contact_center.search import words
from contact_center.store.repositories.search import Phrase, Wanted

MOST_TERMS = 24  # more words than that narrow nothing down any more
LONGEST_QUERY = 1000
_QUOTED = re.compile(r'["“”„«»]([^"“”„«»]*)["“”„«»]')
# A number with spaces inside, as phones are written: groups of at most four digits, at least seven in all.
_SPACED = re.compile(r"(?<!\w)\+?\(?\d{1,4}(?:[ \u00a0\u2009\u202f().\-\u2010-\u2014]{1,3}\d{1,4}){1,7}(?!\w)")
# Endings that are cut from an unfinished word, or begun: so that it does not vanish between two letters.
_ENDINGS = (
    "ами", "ями", "ого", "его", "ому", "ему", "ыми", "ими", "ая", "ые", "ый", "ой", "ом", "ем", "ов", "ев", "ах", "ях", "ать", "ить",
    "али", "или", "ing", "ed", "es", "ies", "ly",
)  # fmt: skip


def parse(text: str, *, unfinished: bool = True) -> Wanted:
    """What to look for; empty when nothing of it is a word. `unfinished`: the last word may be the beginning of one."""
    text = text[:LONGEST_QUERY]
    wanted: list[tuple[Phrase, ...]] = []
    position = 0
    for match in _QUOTED.finditer(text):
        wanted += _loose(text[position : match.start()], unfinished=False)
        wanted += _together(match.group(1))
        position = match.end()
    wanted += _loose(text[position:], unfinished=unfinished)
    return tuple(dict.fromkeys(wanted))[:MOST_TERMS]


def ticket_number(text: str) -> int | None:
    """The ticket number somebody typed, with or without its sign."""
    match = re.fullmatch(r"\s*[#№]?\s*(\d{1,9})\s*", text)
    return int(match.group(1)) if match else None


def _together(text: str) -> list[tuple[Phrase, ...]]:
    found = tuple(piece.word for piece in words.pieces(text))
    return [(Phrase(found),)] if found else []


def _loose(text: str, *, unfinished: bool) -> list[tuple[Phrase, ...]]:
    """Each word or id of a text without quotes on its own; a spaced number is one."""
    found: list[tuple[Phrase, ...]] = []
    position = 0
    for match in _SPACED.finditer(text):
        digits = "".join(c for c in match.group() if c.isdigit())
        if not 7 <= len(digits) <= 15:
            continue
        found += _chunks(text[position : match.start()], unfinished=False)
        last = unfinished and match.end() == len(text)
        written = Phrase(tuple(words.plain_pieces(match.group())), last)
        found.append((Phrase((words.number_key(digits),)), written, *_phone_beginning(digits, last)))
        position = match.end()
    return found + _chunks(text[position:], unfinished=unfinished)


def _chunks(text: str, *, unfinished: bool) -> list[tuple[Phrase, ...]]:
    chunks = text.split()
    found = [_chunk(chunk, unfinished and place == len(chunks) - 1) for place, chunk in enumerate(chunks)]
    return [alternatives for alternatives in found if alternatives]


def _chunk(chunk: str, unfinished: bool) -> tuple[Phrase, ...]:
    """What stands between two spaces: its pieces side by side, or its key."""
    pieces = tuple(piece.word for piece in words.pieces(chunk))
    if not pieces:
        return ()
    found = [Phrase(pieces)]
    if key := words.key_of(chunk):
        found += [Phrase((key,)), *_phone_beginning(key, unfinished)]
    if unfinished:
        typed = words.plain_pieces(chunk)
        found += [Phrase((*pieces[:-1], ending), prefix) for ending, prefix in _beginnings(typed[-1], alone=len(pieces) == 1)]
    return tuple(dict.fromkeys(found))


def _beginnings(typed: str, *, alone: bool) -> list[tuple[str, bool]]:
    """Words that an unfinished one may become: (word, whether it is only a beginning)."""
    if len(typed) < 2:
        return [] if alone else [(typed, True)]
    found = [(typed, True)]
    for cut in (1, 2, 3):
        rest, removed = typed[:-cut], typed[-cut:]
        if len(rest) >= 4 and typed.isalpha() and any(ending.startswith(removed) for ending in _ENDINGS):
            found.append((words.stem(rest), False))
    return found


def _phone_beginning(key: str, unfinished: bool) -> list[Phrase]:
    """A phone number being typed: the index has it without the 7 or 8 that begins it."""
    if not (unfinished and key.isdigit() and 4 <= len(key) <= 11):
        return []
    return [Phrase((key,), True)] + ([Phrase((key[1:],), True)] if key[0] in "78" else [])
