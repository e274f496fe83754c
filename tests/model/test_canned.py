"""Canned replies: what is not known is named, and never a gap in a letter."""

import time

import pytest

from contact_center.model.canned import VARIABLES, filled, missing, unknown

VALUES = {"contact.name": "Ivan", "ticket.number": "117", "ticket.subject": "{{agent.name}}", "agent.name": "Anna", "queue.name": " "}


def test_variables_are_filled_in() -> None:
    """With blanks inside the braces or without, any number of times; a value with braces of its own is left as it is."""
    text = "Dear {{contact.name}}, {{ ticket.number }}: {{ticket.subject}}. {{contact.name}}! {not} {{}"
    assert filled(text, VALUES) == "Dear Ivan, 117: {{agent.name}}. Ivan! {not} {{}"


@pytest.mark.parametrize(("text", "name"), [("{{contact.phone}}", "contact.phone"), ("{{}}", ""), ("{{contact.name}} {{x y}}", "x y")])
def test_a_variable_that_there_is_not_is_named(text: str, name: str) -> None:
    """So that it is refused when the text is kept, and not when a customer reads it."""
    assert unknown(text) == name


def test_a_variable_without_a_value_is_named() -> None:
    """An empty name, or one of blanks, is no name."""
    assert missing("{{agent.name}} of {{queue.name}}", VALUES) == "queue.name"
    assert missing("{{agent.name}}", VALUES) is None
    assert unknown(" ".join(f"{{{{{name}}}}}" for name in VARIABLES)) is None


def test_a_long_run_of_blanks_costs_nothing() -> None:
    """A text of the longest size is read in no time, whatever is in it: it is looked at while others wait to write."""
    began = time.perf_counter()
    for text in ("{{" + " " * 20_000, "{{" * 10_000, "{{ a " * 4000):
        assert unknown(text) is None
        assert missing(text, VALUES) is None
    assert time.perf_counter() - began < 0.5


def test_a_long_name_is_no_way_around() -> None:
    """A variable that there is not is named however long it is."""
    assert unknown("Dear {{contact.name" + "x" * 100 + "}}") == "contact.name" + "x" * 100
