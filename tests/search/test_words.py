"""Words: one spelling for all, forms of a word meet, and ids are known however they are written."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_center.search import query, words
from contact_center.search.excerpt import excerpt, find
from contact_center.store.repositories.search import Phrase


def holds(text: str, typed: str, *, unfinished: bool = False) -> bool:
    """Whether a text is found by what somebody typed, without a database."""
    found, keys = words.indexed([text])
    return all(any(stands(phrase, found, keys) for phrase in spellings) for spellings in query.parse(typed, unfinished=unfinished))


def stands(phrase: Phrase, found: list[str], keys: list[str]) -> bool:
    runs = [found[n : n + len(phrase.words)] for n in range(len(found))] + [[key] for key in keys]
    return any(len(run) == len(phrase.words) and matches(phrase, run) for run in runs)


def matches(phrase: Phrase, run: list[str]) -> bool:
    *head, last = phrase.words
    return run[:-1] == head and (run[-1].startswith(last) if phrase.prefix else run[-1] == last)


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    """What is normalised stays as it is."""
    once = words.normalise(text)
    assert words.normalise(once) == once


@given(st.text(max_size=200))
def test_a_text_is_found_by_itself(text: str) -> None:
    """Whatever was written is found by typing it, whole or with the last word unfinished."""
    assert holds(text, text)
    assert holds(text, text, unfinished=True)


@given(st.text(alphabet="абвгдежзиклмнопрстуеёйь", min_size=3, max_size=14), st.integers(2, 14))
def test_the_beginning_of_a_word_finds_it(word: str, length: int) -> None:
    """While a Russian word is typed it stays found as long as its stem is not passed, and at its end."""
    beginning = word[:length]
    if length <= len(words.word_of(word)) or length >= len(word):
        assert holds(f"a {word} b", beginning, unfinished=True)


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("доставка", "доставку"),
        ("Доставки", "ДОСТАВКЕ"),
        ("ещё ёлка", "еще елки"),
        ("orders delivered", "order delivering"),
        ("мои\u0306 заказ", "мой"),
        ("достав\u00adка", "доставка"),
        ("Café", "cafe"),
        ("заказ № 117-А", "117-А"),
        ("заказ № 117-А", "№117-а"),
        ("заказ № 117-А", "117а"),
        ("заказ № 117-А", "117A"),  # a Latin A
        ("заказ 117А", "№ 117-А"),
        ("заказ 117А", "117 А"),
        ("звоните +7 (916) 123-45-67", "89161234567"),
        ("звоните +7 (916) 123-45-67", "7 916 123 45 67"),
        ("звоните +7 (916) 123-45-67", "+7 916 123-45-67"),
        ("звоните +7 (916) 123-45-67", "9161234567"),
        ("звоните +7 (916) 123-45-67", "123-45-67"),
        ("8 916 123 45 67", "+79161234567"),
        ("89161234567", "+7 (916) 123-45-67"),
        ("тел. 8 916 123-45-67 12 штук", "89161234567"),
        ("+49 30 901820", "4930901820"),
        ("пишите на Ivan.Petrov@Mail.Example.com", "ivan.petrov@mail.example.com"),
        ("пишите на Ivan.Petrov@Mail.Example.com", "petrov"),
        ("пишите на Ivan.Petrov@Mail.Example.com", "@mail.example.com"),
        ("<abc.1-2@example.com>", "abc.1-2@example.com"),
        ("ticket #123", "#123"),
        ("сумма 12 500 руб.", "12500"),
        ("iPhone15", "iphone 15"),
        ("смета-2026_v3.xlsx", "смета 2026"),
    ],
)
def test_spellings_meet(text: str, typed: str) -> None:
    """Word forms, ё, case, numbers, phones, addresses: one finds the other."""
    assert holds(text, typed)


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("заказ 117-Б", "117-А"),
        ("117 и потом А", "117-А"),
        ("89161234568", "+7 916 123-45-67"),
        ("возврат денег", '"денег возврат"'),
        ("стол", "столик"),
    ],
)
def test_others_do_not(text: str, typed: str) -> None:
    """What is not the same is not found."""
    assert not holds(text, typed)


@pytest.mark.parametrize(
    "typed", ["до", "дос", "доста", "доставк", "доставка", "deliv", "deliveri", "deliverin", "delivering", "8916", "+7 916 12", "117-"]
)
def test_typing(typed: str) -> None:
    """A text stays found between two letters."""
    assert holds("доставка delivering 117-А +7 (916) 123-45-67", typed, unfinished=True)


@pytest.mark.parametrize("typed", ["", "   ", '"', '""', "***", "AND", "NEAR(", "(((", "-", "№", "🙂", "\x00"])
def test_nothing_is_an_operator(typed: str) -> None:
    """Signs alone ask for nothing; words of a query language are words."""
    assert query.parse(typed) == () or all(
        word.isalnum() for spellings in query.parse(typed) for phrase in spellings for word in phrase.words
    )


@pytest.mark.parametrize(
    "text",
    ["1" * 1_000_000, "1 " * 100_000, "a" * 1_000_000, "\u0301" * 500_000, "a-" * 300_000, "1-" * 300_000, "((((" * 200_000, "é" * 300_000],
)
def test_hostile_texts_take_no_time(text: str) -> None:
    """A megabyte of anything is read in a time that grows with its length only."""
    began = time.process_time()
    found, keys = words.indexed([text])
    excerpt([text], query.parse("слово 117"))
    assert time.process_time() - began < 8
    assert len(found) <= words.MOST_WORDS
    assert len(keys) <= 1000


def test_marks_are_ranges_of_the_text() -> None:
    """The excerpt stands around the first mark, and the ranges cut out exactly the words as written."""
    text = "слово " * 100 + "Заказы доставлены 🙂 по тел. 8 916 123-45-67, спасибо. " + "слово " * 100
    shown = excerpt([text], query.parse("заказ 89161234567"))
    assert [shown.text[a:b] for a, b in shown.ranges] == ["Заказы", "8 916 123-45-67"]
    assert shown.text.startswith("…")
    assert shown.text.endswith("…")


def test_the_text_that_holds_the_word_is_shown() -> None:
    """Of several texts the one with a mark, else the first."""
    assert excerpt(["hello", "invoice.pdf"], query.parse("invoice")).text == "invoice.pdf"
    assert excerpt(["", "hello"], query.parse("nothing")).text == "hello"


@given(st.text(max_size=300), st.text(max_size=30))
def test_ranges_are_in_order_and_inside(text: str, typed: str) -> None:
    """Marks never overlap and never leave the text."""
    shown = excerpt([text], query.parse(typed))
    flat = [edge for pair in shown.ranges for edge in pair]
    assert flat == sorted(flat)
    assert all(0 <= edge <= len(shown.text) for edge in flat)
    assert all(a < b for a, b in find(text, query.parse(typed)))
