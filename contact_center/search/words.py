"""From a text to the words by which it is found, with the places where they stand.

A *piece* is a run of letters or a run of digits; `117-А` and `117А` are both the pieces 117 and а. A *key* is what an id
or a number is under whatever punctuation: pieces joined, letters that look the same in Latin and Cyrillic made one, a
Russian phone number without its 7 or 8. Word forms are reduced by the stemmer of the alphabet.
"""

import functools
import re
import threading
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

import snowballstemmer

LONGEST = 60  # characters of a word that count; longer ones are encoded data
MOST_WORDS = 15_000  # of one text: PostgreSQL keeps positions up to 16383

# Soft hyphens, joiners and combining marks stand inside words.
_INSIDE = "\u00ad\u200b-\u200d\u2060\ufeff\u0300-\u036f\u0483-\u0489"
PIECE = re.compile(rf"\d+|[^\W\d_](?:[^\W\d_]|[{_INSIDE}])*")
_CHUNK = re.compile(rf"[\w{_INSIDE}]+(?:[-./_@+:#№'’&=~]+[\w{_INSIDE}]+)*")
# Possessive, and only from the beginning of a run: a million digits in a row are looked at once.
_NUMBER = re.compile(r"(?<!\d)\d++(?:[ \u00a0\u2009\u202f().+/\-\u2010-\u2014]{1,3}\d++)++")
_GROUP = re.compile(r"\d+")
_LOOKALIKES = str.maketrans("авекмнорстухі", "abekmhopctyxi")
_local = threading.local()


class Piece(NamedTuple):
    """A word or key of a text and where it stands."""

    start: int
    end: int
    word: str


def normalise(text: str) -> str:
    """One spelling for all: case, ё, width, accents of Latin letters and invisible characters do not matter."""
    if text.isascii():
        return text.lower()
    for _ in range(4):  # one round is nearly always enough; a few rare letters need two
        folded = _fold(text)
        if folded == text:
            break
        text = folded
    return text


def _fold(text: str) -> str:
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    text = text.replace("ё", "е")
    letters = []
    for letter in text:
        if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
            continue
        plain = unicodedata.normalize("NFD", letter)
        letters.append(plain[0] if len(plain) > 1 and plain[0].isascii() else letter)
    return "".join(letters)


@functools.lru_cache(maxsize=200_000)
def word_of(piece: str) -> str:
    """What the index holds for a piece: normalised, cut, and reduced to its stem; may be empty."""
    return stem(_plain(piece))


def word_at(match: re.Match[str]) -> str:
    """What the index holds for a piece of a text; of an endless one only the beginning counts."""
    return word_of(match.group()[: 2 * LONGEST])


def stem(word: str) -> str:
    """The stem of a normalised word, Russian or English by its letters; others and numbers stay."""
    if len(word) < 3 or not word.isalpha():
        return word
    if "а" <= word[0] <= "я":
        return _stemmers()[0].stemWord(word) or word
    return (_stemmers()[1].stemWord(word) or word) if word.isascii() else word


def _stemmers() -> tuple[snowballstemmer.RussianStemmer, snowballstemmer.EnglishStemmer]:
    """A pair for each thread: a stemmer holds the word it works on."""
    if not hasattr(_local, "stemmers"):
        _local.stemmers = (snowballstemmer.stemmer("russian"), snowballstemmer.stemmer("english"))
    return _local.stemmers


def pieces(text: str) -> list[Piece]:
    """The words of a text in order."""
    found = []
    for match in PIECE.finditer(text):
        if word := word_at(match):
            found.append(Piece(match.start(), match.end(), word))
    return found


def plain_pieces(text: str) -> list[str]:
    """The pieces of a text normalised but not reduced, as they were typed."""
    return [word for match in PIECE.finditer(text) if (word := _plain(match.group()[: 2 * LONGEST]))]


def keys(text: str) -> Iterator[Piece]:
    """Ids and numbers of a text, each under every key by which it may be asked for."""
    for match in _CHUNK.finditer(text):
        chunk = match.group()
        if len(chunk) <= 200 and _has_digit(chunk):
            for key in keys_of(chunk):
                yield Piece(match.start(), match.end(), key)
    for match in _NUMBER.finditer(text):
        for key in _run_keys(_GROUP.findall(match.group())[:2000]):
            yield Piece(match.start(), match.end(), key)


def key_of(chunk: str) -> str:
    """The key that an id or a number is asked for by; empty when there is no digit in it."""
    return _key_of(_joined(chunk))


def _joined(chunk: str) -> str:
    return "".join([_plain(piece) for piece in PIECE.findall(chunk)])[:LONGEST]


def _key_of(joined: str) -> str:
    if not _has_digit(joined):
        return ""
    if joined.isdigit():
        return number_key(joined)
    return joined.translate(_LOOKALIKES)


def _has_digit(text: str) -> bool:
    return not text.isalpha() and any(map(str.isdigit, text))


def number_key(digits: str) -> str:
    """The key of a number: its digits, of a Russian phone number without the 7 or 8 before the area code."""
    return digits[1:] if len(digits) == 11 and digits[0] in "78" else digits[:LONGEST]


def keys_of(chunk: str) -> list[str]:
    """Every key of an id: of a phone number also its last seven digits, and all that were written."""
    joined = _joined(chunk)
    key = _key_of(joined)
    if not key.isdigit():
        return [key] if key else []
    return _number_keys(joined)


def _number_keys(digits: str) -> list[str]:
    found = [number_key(digits), digits]
    if 10 <= len(digits) <= 15:
        found.append(digits[-7:])
    return list(dict.fromkeys(found))


def _run_keys(groups: list[str]) -> Iterator[str]:
    """Keys of numbers written in groups. Which groups belong together nobody knows, so every phone number in them counts."""
    total = sum(map(len, groups))
    if 5 <= total <= 20:
        yield from _number_keys("".join(groups))
    for first in range(len(groups)):
        digits = groups[first]
        for group in groups[first + 1 : first + 8]:
            digits += group
            if 10 <= len(digits) <= 13:
                yield from _number_keys(digits)


def indexed(texts: list[str]) -> tuple[list[str], list[str]]:
    """Words in order and keys, without repetition, of several texts of one thing."""
    words: list[str] = []
    found: dict[str, None] = {}
    for text in texts:
        words += [word for match in PIECE.finditer(text) if (word := word_at(match))]
        found |= dict.fromkeys(piece.word for piece in keys(text))
        if len(words) >= MOST_WORDS:
            break
    present = set(words)
    return words[:MOST_WORDS], [key for key in found if key not in present][:1000]


def _plain(piece: str) -> str:
    normal = normalise(piece)
    return (normal if normal.isalnum() else "".join(c for c in normal if c.isalnum()))[:LONGEST]
