"""Where the words of a search stand in a text: a part of it to show, and ranges to mark. Never markup."""

from dataclasses import dataclass

from contact_center.search import words
from contact_center.search.words import Piece
from contact_center.store.repositories.search import Phrase, Wanted

LENGTH = 220  # characters of an excerpt
BEFORE = 60  # of which stand before the first mark
LOOKED_AT = 20_000  # characters of a text in which marks are looked for
MOST_MARKS = 50


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A part of a text; `ranges` are [from, to) in Unicode characters of it, in order, not overlapping."""

    text: str
    ranges: list[list[int]]


def excerpt(texts: list[str], wanted: Wanted) -> Excerpt:
    """The place of the first text that holds something wanted, or the beginning of the first one that is not empty."""
    for text in texts:
        marks = find(text[:LOOKED_AT], wanted)
        if marks:
            return _cut(text, marks)
    return _cut(next((text for text in texts if text.strip()), ""), [])


def find(text: str, wanted: Wanted) -> list[tuple[int, int]]:
    """Where something wanted stands in the text, as far as one excerpt reaches from the first place."""
    phrases = [phrase for spellings in wanted for phrase in spellings]
    single = [phrase for phrase in phrases if len(phrase.words) == 1]
    marks = _single(text, single)
    if len(single) < len(phrases):
        pieces = words.pieces(text)
        marks += [mark for phrase in phrases if len(phrase.words) > 1 for mark in _runs(phrase, pieces)]
    return _merged(marks)


def _single(text: str, phrases: list[Phrase]) -> list[tuple[int, int]]:
    """Where one of these single words stands, as a word or as a key."""
    whole = {phrase.words[0] for phrase in phrases if not phrase.prefix}
    begun = tuple(phrase.words[0] for phrase in phrases if phrase.prefix)
    marks: list[tuple[int, int]] = []
    for match in words.PIECE.finditer(text):
        word = words.word_at(match)
        if word in whole or (begun and word.startswith(begun)):
            marks.append(match.span())
        elif marks and match.start() > marks[0][0] + LENGTH:
            break
    if any(c.isdigit() for word in (*whole, *begun) for c in word):
        marks += [(key.start, key.end) for key in words.keys(text) if key.word in whole or (begun and key.word.startswith(begun))]
    return marks


def _runs(phrase: Phrase, pieces: list[Piece]) -> list[tuple[int, int]]:
    *head, last = phrase.words
    found = []
    for start, piece in enumerate(pieces):
        if piece.word != head[0]:
            continue
        run = pieces[start : start + len(phrase.words)]
        if [each.word for each in run[:-1]] != head:
            continue
        if run[-1].word.startswith(last) if phrase.prefix else run[-1].word == last:
            found.append((run[0].start, run[-1].end))
    return found


def _merged(marks: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for start, end in sorted(marks):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _cut(text: str, marks: list[tuple[int, int]]) -> Excerpt:
    start = _start(text, marks[0][0]) if marks else 0
    end = min(len(text), start + LENGTH)
    head, tail = "…" if start else "", "…" if end < len(text) else ""
    inside = [(max(a, start), min(b, end)) for a, b in marks if a < end and b > start][:MOST_MARKS]
    shift = len(head) - start
    return Excerpt(head + text[start:end] + tail, [[a + shift, b + shift] for a, b in inside])


def _start(text: str, mark: int) -> int:
    """Where an excerpt begins: a little before the first mark, at the beginning of a word."""
    if mark <= BEFORE:
        return 0
    space = text.find(" ", mark - BEFORE, mark)
    return space + 1 if space >= 0 else mark - BEFORE // 2
