"""Canned replies: what is not known is named, and never a gap in a letter."""

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
