"""What rows say of calls and forms."""

from typing import Any

import pytest

from contact_center.model import cards

NAME = {"label": "Name", "type": "text", "value": "Anna"}
MAIL = {"label": "E-mail", "type": "email", "value": "anna@example.com"}
TOPIC = {"label": "Topic", "type": "choice", "value": "Return"}
MESSAGE = {"label": "Message", "type": "textarea", "value": "Where is it?"}


def form(*fields: dict[str, str]) -> dict[str, Any]:
    return {"type": "form", "form": "Write to us", "fields": list(fields), "from": {"name": "Anna"}, "callback": False}


@pytest.mark.parametrize(
    ("fields", "shown"),
    [((NAME, MAIL, TOPIC, MESSAGE), "Where is it?"), ((NAME, MAIL, TOPIC), "Return"), ((NAME, MAIL), ""), ((), "Name: Anna")],
)
def test_a_forms_row_shows_the_customers_message(fields: tuple[dict[str, str], ...], shown: str) -> None:
    assert cards.gist(form(*fields), "Name: Anna") == shown


def test_what_is_no_form_shows_its_text() -> None:
    assert cards.gist(None, "Hello") == "Hello"
    assert cards.gist({"type": "call"}, "") == ""


def test_a_row_has_the_facts_of_a_call_and_no_more() -> None:
    call = {
        "type": "call",
        "result": "missed",
        "direction": "in",
        "number": "+79161112233",
        "wait_seconds": 7,
        "talk_seconds": None,
        "legs": 2,
    }
    assert cards.summary(call) == {"type": "call", "result": "missed", "direction": "in", "number": "+79161112233", "wait_seconds": 7}
    assert cards.summary(form(NAME)) == {"type": "form", "callback": False}
    assert cards.summary(None) is cards.summary({"type": "unheard of"}) is None
