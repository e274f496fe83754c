"""How many parts a text is sent in: the vectors of the standard, and laws that hold for any text."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contact_center.channels.sms import segments

GSM = "".join(sorted(segments.BASIC | segments.EXTENSION))
ANY = st.one_of(st.text(max_size=600), st.text(GSM, max_size=600), st.text("aЯ😀€", min_size=60, max_size=300))


@pytest.mark.parametrize(
    ("text", "encoding", "count"),
    [
        ("", "gsm7", 1),
        ("A" * 160, "gsm7", 1),
        ("A" * 161, "gsm7", 2),
        ("A" * 306, "gsm7", 2),
        ("A" * 307, "gsm7", 3),
        ("€" * 80, "gsm7", 1),
        ("€" * 81, "gsm7", 2),
        ("Я" * 70, "ucs2", 1),
        ("Я" * 71, "ucs2", 2),
        ("Я" * 134, "ucs2", 2),
        ("Я" * 135, "ucs2", 3),
        ("😀" * 35, "ucs2", 1),
        ("😀" * 36, "ucs2", 2),
        ("ё", "ucs2", 1),
        ("ç", "ucs2", 1),
        ("Ç", "gsm7", 1),
        ("`", "ucs2", 1),
        ("^{}\\[~]|€\f", "gsm7", 1),
    ],
)
def test_a_text_takes_as_many_parts_as_the_standard_says(text: str, encoding: str, count: int) -> None:
    """160 and 153 septets, 70 and 67 units of 16 bits; the extension table costs two."""
    split = segments.split(text)

    assert (split.encoding, len(split.parts)) == (encoding, count)


def test_the_alphabet_has_the_size_of_the_standard() -> None:
    """127 signs and the escape; ten more behind the escape."""
    assert (len(segments.BASIC), len(segments.EXTENSION)) == (127, 10)


def test_what_costs_two_is_not_split() -> None:
    """A part ends early rather than in the middle of an extension sign or of an emoji."""
    assert [len(part) for part in segments.split("A" * 152 + "€" * 10).parts] == [152, 10]
    assert [len(part) for part in segments.split("😀" * 36).parts] == [33, 3]


@given(ANY)
@example("A" * 152 + "€" * 76)
@example("😀" * 34 + "Я")
def test_the_parts_are_the_text(text: str) -> None:
    """Nothing is lost, added or moved, no part is larger than it may be, and none is empty for nothing."""
    split = segments.split(text)
    alone, one_of_many = segments.LIMITS[split.encoding]
    room = alone if len(split.parts) == 1 else one_of_many

    assert "".join(split.parts) == text
    assert all(segments.units(part, split.encoding) <= room for part in split.parts)
    assert all(split.parts) or text == ""


@given(ANY)
def test_no_part_could_be_spared(text: str) -> None:
    """The first sign of a part had no room in the part before."""
    split = segments.split(text)
    for before, after in zip(split.parts, split.parts[1:], strict=False):
        assert segments.units(before + after[0], split.encoding) > segments.LIMITS[split.encoding][1]


@given(st.text(max_size=200))
def test_units_are_those_of_utf_16(text: str) -> None:
    """What is counted is what goes over the air."""
    assert segments.units(text, "ucs2") == len(text.encode("utf-16-be")) // 2
