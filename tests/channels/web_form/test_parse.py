"""What a submission means: who wrote, how to reach them, what an agent reads."""

import json
from typing import Any

import pytest

from contact_center.channels.web_form.parse import parse
from contact_center.errors import QuarantineItem
from contact_center.model.words import Demand, PointKind

ROWS = [("name", "Name", "text", "Anna"), ("email", "E-mail", "email", "anna@example.com"), ("phone", "Phone", "phone", "+7 916 123-45-67")]


def document(*rows: tuple[str, str, str, str], **values: Any) -> bytes:
    fields = [dict(zip(("name", "label", "type", "value"), row, strict=True)) for row in rows]
    said = {"v": 1, "kind": "request", "at": "2026-11-02T09:00:00+00:00", "key": "k" * 48, "reference": "r1", "form": "Write to us"}
    return json.dumps(
        said | {"files": [], "fields": fields, "call_words": "Please call me back", "code_words": "Visit code"} | values
    ).encode()


def test_the_mail_address_comes_first_and_the_number_is_claimed() -> None:
    message = parse(document(*ROWS), {})

    assert message.sender is not None
    assert (message.sender.kind, message.sender.value, message.sender.name) == (PointKind.EMAIL, "anna@example.com", "Anna")
    assert [(point.kind, point.value) for point in message.also] == [(PointKind.PHONE, "+7 916 123-45-67")]


def test_without_a_mail_address_the_number_is_the_sender() -> None:
    message = parse(document(ROWS[0], ROWS[2]), {})

    assert message.sender is not None
    assert message.sender.kind is PointKind.PHONE
    assert message.also == ()


def test_without_either_the_sender_is_a_point_of_their_own() -> None:
    """Nobody else has it, so what they add on the private page joins their ticket and no other."""
    one, two = (parse(document(ROWS[0], reference=reference), {}).sender for reference in ("r1", "r2"))

    assert one is not None
    assert two is not None
    assert one.kind is PointKind.ANONYMOUS
    assert one.value != two.value


def test_the_text_has_a_line_for_each_field_that_was_filled_in() -> None:
    message = parse(document(ROWS[0], ("m", "Message", "textarea", "One\nTwo"), ("x", "Empty", "text", "")), {})

    assert message.text == "Name: Anna\nMessage:\nOne\nTwo"
    assert message.visible_text == message.text


def test_a_visit_code_can_be_found_by_searching_the_text() -> None:
    message = parse(document(ROWS[0], attribution={"visit_code": "7KQ2M", "utm_source": "news"}), {})

    assert "Visit code: 7KQ2M" in message.text
    assert message.facts is not None
    assert message.facts["attribution"] == {"visit_code": "7KQ2M", "utm_source": "news"}


@pytest.mark.parametrize(
    ("rows", "subject"), [((ROWS[0],), "Write to us"), ((ROWS[0], ("subject", "About", "text", "Order 117")), "Order 117")]
)
def test_the_subject_is_a_field_of_that_name_or_the_forms_title(rows: tuple[tuple[str, str, str, str], ...], subject: str) -> None:
    assert parse(document(*rows), {}).subject == subject


def test_what_nobody_named_has_no_subject_of_ours() -> None:
    """Neither a form without a title nor a wish to be called: the console has words for both in its reader's language."""
    assert parse(document(ROWS[0], form=""), {}).subject == ""
    assert parse(document(ROWS[2], kind="callback"), {}).subject == ""


def test_facts_show_the_card_and_keep_no_key() -> None:
    """Who reads the history must not be able to open the customer's page by it."""
    message = parse(document(*ROWS, consent={"at": "2026-11-02T09:00:00+00:00", "text": "Yes", "sha256": "abc"}), {})

    assert message.facts is not None
    assert (message.facts["type"], message.facts["form"]) == ("form", "Write to us")
    assert message.facts["fields"][0] == {"label": "Name", "type": "text", "value": "Anna"}
    assert message.facts["consent"]["sha256"] == "abc"
    assert message.message_key == "k" * 48
    assert "k" * 48 not in json.dumps(message.facts)
    assert "k" * 48 not in json.dumps(message.headers)


def test_files_come_with_clean_names() -> None:
    file = {"field": "photos", "filename": "../../etc/pass\u202ewd", "content_type": "image/png", "size": 4}
    first, second = parse(document(ROWS[0], files=[file, file | {"size": 2}]) + b"\np\nngxy", {}).attachments

    assert (first.filename, first.content, first.size) == ("passwd", b"p\nng", 4)
    assert second.content == b"xy"


@pytest.mark.parametrize("attached", [b"", b"\n", b"\nabcde"])
def test_files_that_are_not_all_there_are_noticed(attached: bytes) -> None:
    file = {"field": "photos", "filename": "a", "content_type": "image/png", "size": 4}
    with pytest.raises(QuarantineItem):
        parse(document(ROWS[0], files=[file]) + attached, {})


@pytest.mark.parametrize(
    ("values", "demand"), [({}, Demand.ANSWER), ({"callback": True}, Demand.CALLBACK), ({"kind": "callback"}, Demand.CALLBACK)]
)
def test_a_wish_to_be_called_demands_a_call(values: dict[str, Any], demand: Demand) -> None:
    assert parse(document(*ROWS, **values), {}).demand is demand


def test_a_further_message_answers_the_first_and_is_only_its_text() -> None:
    who = {"kind": "email", "value": "anna@example.com", "name": "Anna", "phone": ""}
    message = parse(document(("text", "Your message", "textarea", "Thanks!"), kind="message", answers=["a" * 48], **{"from": who}), {})

    assert message.thread_hints == ("a" * 48,)
    assert message.sender is not None
    assert message.sender.value == "anna@example.com"
    assert message.text == "Thanks!"


@pytest.mark.parametrize("content", [b"[]", b"{}", b'{"v": 2}', b'"text"'], ids=str)
def test_a_document_of_another_make_is_quarantined(content: bytes) -> None:
    with pytest.raises(QuarantineItem):
        parse(content, {})


def test_nothing_that_cannot_be_stored_gets_through() -> None:
    content = document(("name", "Na\x00me", "text", "An\x00na \ud800"))
    message = parse(content, {})

    assert message.text.startswith("Name: Anna \ufffd")
    message.text.encode()


def test_a_message_whose_sender_is_not_known_is_not_lost() -> None:
    message = parse(document(("text", "Your message", "textarea", "Hello"), kind="message", answers=["a" * 48], **{"from": None}), {})

    assert message.sender is not None
    assert message.sender.kind is PointKind.ANONYMOUS
