"""From a stored request to its meaning: who wrote, what, in which alphabet, and what it asks of us."""

from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_center.channels.sms import octets, wishes
from contact_center.channels.sms.options import SmsOptions
from contact_center.channels.sms.parse import TEXT_LIMIT, parse
from contact_center.channels.sms.wishes import Wish
from contact_center.errors import QuarantineItem
from contact_center.model.messages import InboundMessage
from contact_center.model.phones import e164
from contact_center.model.words import Consent, Delivery, Demand, PointKind
from tests.channels.sms.helpers import OURS, THEIRS

ABOUT = {"account": 7, "address": OURS}


def by_twilio(**fields: str) -> InboundMessage:
    form = {"MessageSid": "SM1", "AccountSid": "AC1", "From": THEIRS, "To": OURS, "Body": "Hello", "NumMedia": "0"} | fields
    return parse(urlencode(form).encode(), ABOUT | {"provider": "twilio", "what": "message", "key": "SM1"})


def by_kannel(body: bytes, *, about: dict[str, Any] | None = None, **fields: str) -> InboundMessage:
    named = {"from": "79161234567", "to": "7000", "charset": "UTF-8", "coding": "0", "udh": "", "id": "u-1", "ts": "1795295151"} | fields
    content = urlencode(named, quote_via=quote).encode() + b"\r\n\r\n" + body
    return parse(content, ABOUT | {"provider": "kannel", "what": "message", "key": "u-1"} | (about or {}))


def test_a_message_by_twilio() -> None:
    """Sender, conversation, key and text; one line of the text is the subject of a new ticket."""
    message = by_twilio(Body="Где мой заказ?\r\nНомер 117")

    assert (message.kind, message.text, message.subject) == ("sms", "Где мой заказ?\nНомер 117", "Где мой заказ? Номер 117")
    assert message.sender is not None
    assert (message.sender.kind, message.sender.value) == (PointKind.PHONE, THEIRS)
    assert (message.conversation, message.message_key) == (f"sms:{OURS}|{THEIRS}", "sms:7:SM1")
    assert (message.demand, message.consent, message.defects) == (Demand.ANSWER, None, ())


def test_a_message_by_kannel() -> None:
    """The same, from a gateway that leaves out the plus; its time is the message's."""
    message = by_kannel(b"hello")

    assert message.sender is not None
    assert (message.sender.value, message.text, message.message_key) == (THEIRS, "hello", "sms:7:u-1")
    assert message.conversation == f"sms:7000|{THEIRS}"
    assert message.sent_at is not None
    assert message.sent_at.timestamp() == 1795295151


@pytest.mark.parametrize(
    ("raw", "ours", "number"),
    [
        ("79161234567", "7000", "+79161234567"),
        ("+79161234567", "", "+79161234567"),
        ("+7 (916) 123-45-67", "", "+79161234567"),
        ("89161234567", "+79160000000", "+79161234567"),
        ("9161234567", "7000", "+79161234567"),
        ("4915112345678", "7000", "+4915112345678"),
        ("01511 2345678", "+4915112345678", "+4915112345678"),
        ("4155552671", "+14155550100", "+14155552671"),
        ("7000", "", ""),
        ("Sberbank", "", ""),
        ("", "", ""),
        ("+1-800-FLOWERS", "", ""),
    ],
)
def test_numbers_get_one_form(raw: str, ours: str, number: str) -> None:
    """E.164, whatever the gateway wrote; a short code or a name is no number."""
    assert e164(raw, ours) == number


def test_a_name_is_kept_together_but_cannot_be_reached() -> None:
    """What a bank sends under its name stands under one contact, which has no number."""
    message = by_kannel(b"code 1234", **{"from": "Sberbank"})

    assert message.sender is not None
    assert (message.sender.kind, message.sender.value, message.sender.name) == (PointKind.ANONYMOUS, "Sberbank", "Sberbank")


@pytest.mark.parametrize(
    ("body", "charset", "coding"),
    [
        ("Привет".encode(), "UTF-8", "2"),
        ("Привет".encode("utf-16-be"), "UTF-16BE", "2"),
        ("Привет".encode("utf-16-be"), "UCS-2", "2"),
        ("Привет".encode("utf-16-be"), "ISO-10646-UCS-2", "2"),
        ("Привет".encode("utf-16-be"), "UTF-8", "2"),
        ("Привет".encode("utf-16-be"), "", "2"),
        ("Привет".encode("utf-16"), "UTF-16", "2"),
        ("Привет".encode("cp1251"), "windows-1251", "0"),
        ("Привет".encode("koi8-r"), "KOI8-R", "0"),
        ("Привет".encode(), "WINDOWS-1251-misspelt", "0"),
    ],
)
def test_bytes_are_read_in_their_alphabet(body: bytes, charset: str, coding: str) -> None:
    """The one that is named; if that cannot be, what the coding of the message tells."""
    assert by_kannel(body, charset=charset, coding=coding).text == "Привет"


def test_latin_bytes_under_a_wrong_name_are_kept() -> None:
    """Not UTF-8, although it says so: readable, with a remark."""
    message = by_kannel("café".encode("latin-1"))

    assert (message.text, message.defects) == ("café", ("not in the character set 'UTF-8'",))


def test_a_binary_message_is_shown_as_such() -> None:
    """Ring tones and settings are no text."""
    message = by_kannel(b"\x06\x05\x04", coding="1")

    assert (message.text, message.defects) == ("06 05 04", ("a binary message, shown as hexadecimal",))


@pytest.mark.parametrize("charset", ["hex", "zlib", "rot13", "unicode_escape", "idna", "\x00", "x" * 5000])
def test_codecs_that_are_no_alphabets_are_not_used(charset: str) -> None:
    """A name from outside never reaches anything but an alphabet."""
    assert by_kannel(b"hello", charset=charset).text == "hello"


@given(st.binary(max_size=400), st.text(max_size=20), st.sampled_from(["", "0", "1", "2", "x"]), st.binary(max_size=20))
def test_any_bytes_have_a_meaning(body: bytes, charset: str, coding: str, header: bytes) -> None:
    """Whatever comes is kept, and the text can be stored anywhere."""
    content = f"from=79161234567&charset={quote(charset)}&coding={coding}&udh={quote(header)}".encode() + b"\r\n\r\n" + body
    message = parse(content, ABOUT | {"provider": "kannel", "what": "message", "key": "k"})

    assert "\x00" not in message.text
    message.text.encode()  # no lone surrogate


@pytest.mark.parametrize(
    ("header", "part"),
    [
        (b"\x05\x00\x03\x11\x03\x02", octets.Part(17, 3, 2)),
        (b"\x06\x08\x04\x01\x11\x03\x02", octets.Part(273, 3, 2)),
        (b"050003110302", octets.Part(17, 3, 2)),
        (b"\x0b\x05\x04\x0b\x84\x23\xf0\x00\x03\x11\x02\x01", octets.Part(17, 2, 1)),
        (b"\x06\x05\x04\x0b\x84\x23\xf0", None),
        (b"\x05\x00\x03\x11", None),
        (b"", None),
    ],
)
def test_a_part_is_known_by_its_header(header: bytes, part: octets.Part | None) -> None:
    """With a reference of 8 or of 16 bits, among other elements, in bytes or in digits."""
    assert octets.part_of(header) == part


def test_a_part_that_came_alone_says_so() -> None:
    """Shown incomplete rather than lost, in the conversation of its neighbours."""
    message = by_kannel(b"and the second half", udh="\x05\x00\x03\x11\x03\x02")

    assert message.defects == ("part 2 of 3 of a longer message, whose number is 17",)
    assert message.conversation == by_kannel(b"the first half").conversation


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("STOP", Wish.STOP),
        (" stop \r\n", Wish.STOP),
        ("Stop!", Wish.STOP),
        ("«СТОП»", Wish.STOP),
        ("стоп  рассылка", Wish.STOP),
        ("Отписка", Wish.STOP),
        ("ОТКАЗ", Wish.STOP),
        ("UNSUBSCRIBE", Wish.STOP),
        ("STOP?", Wish.STOP),
        ("*STOP*", Wish.STOP),
        ("- stop -", Wish.STOP),
        ("[Stop] \N{THUMBS DOWN SIGN}", Wish.STOP),
        ("\uff33\uff34\uff2f\uff30", Wish.STOP),  # full width
        ("\u200bST\u200bOP\ufeff", Wish.STOP),
        ("\u202aСТОП\u202c", Wish.STOP),
        ("\u200b", None),
        ("QUIT", Wish.STOP),
        ("Basta", Wish.STOP),
        ("START", Wish.START),
        ("UNSTOP", Wish.START),
        ("старт", Wish.START),
        ("Yes", Wish.AGREE),
        ("HELP", Wish.HELP),
        ("info", Wish.HELP),
        ("Please stop calling me", None),
        ("Stop by the shop", None),
        ("nonstop", None),
        ("", None),
        ("...", None),
        ("stop " * 50, None),
    ],
)
def test_a_wish_is_the_whole_message(text: str, wish: Wish | None) -> None:
    """Any case and width, with signs around it and what nobody sees inside; a word inside a sentence is no wish."""
    assert wishes.wish_of(text, ["basta", ""]) is wish


@pytest.mark.parametrize(
    ("text", "consent", "demand"),
    [
        ("стоп", Consent.STOP, Demand.NOTHING),
        ("START", Consent.START, Demand.NOTHING),
        ("HELP", None, Demand.NOTHING),
        ("YES", Consent.START, Demand.ANSWER),
        ("Help me, it burns", None, Demand.ANSWER),
    ],
)
def test_a_wish_is_heeded_and_kept(text: str, consent: Consent | None, demand: Demand) -> None:
    """It stands in the history and asks nobody to answer; but a yes may answer a question of ours."""
    message = by_kannel(text.encode())

    assert (message.text, message.consent, message.demand) == (text, consent, demand)


def test_the_administrators_own_words_count() -> None:
    """They come with the item, so that a replay understands it as it was understood."""
    assert by_kannel(b"basta", about={"stop_words": ["Basta"]}).consent is Consent.STOP


def test_what_twilio_took_for_an_opt_out_is_one() -> None:
    """Twilio knows the words of many languages."""
    assert by_twilio(Body="ARRET", OptOutType="STOP").consent is Consent.STOP


def test_files_are_named() -> None:
    """They are fetched later; until then nobody overlooks that there are some."""
    message = by_twilio(Body="", NumMedia="2", MediaUrl0="https://api.example/1", MediaUrl1="https://api.example/2")

    assert message.text == "[file] [file]"
    assert message.remote_files == ("https://api.example/1", "https://api.example/2")


def test_a_text_is_bounded_and_can_be_stored() -> None:
    """No NUL, no lone surrogate, no book."""
    message = by_twilio(Body="a\x00b" + "я" * TEXT_LIMIT)

    assert message.text.startswith("abя")
    assert len(message.text) == TEXT_LIMIT
    assert message.defects == ("cut, for it was too long",)


@pytest.mark.parametrize(
    ("what", "content", "state"),
    [
        ("twilio", "MessageSid=SM1&MessageStatus=sent", Delivery.SENT),
        ("twilio", "MessageSid=SM1&MessageStatus=delivered", Delivery.DELIVERED),
        ("twilio", "MessageSid=SM1&MessageStatus=undelivered&ErrorCode=30005", Delivery.BOUNCED),
        ("kannel", "type=8&status=ACK%2F", Delivery.SENT),
        ("kannel", "type=4&status=", Delivery.SENT),
        ("kannel", "type=1&status=id:1+stat:DELIVRD", Delivery.DELIVERED),
        ("kannel", "type=2&status=id:1+stat:UNDELIV", Delivery.BOUNCED),
        ("kannel", "type=16&status=", Delivery.BOUNCED),
    ],
)
def test_a_report_names_our_message_and_its_state(what: str, content: str, state: Delivery) -> None:
    """Whatever words the provider has for it."""
    report = parse(content.encode(), {"provider": what, "what": "report", "key": "12.abc@+7000"}).report

    assert report is not None
    assert (report.message_key, report.state) == ("12.abc@+7000", state)


def test_a_report_says_why() -> None:
    """The provider's code, and what it means."""
    report = parse(b"MessageStatus=failed&ErrorCode=30005", {"provider": "twilio", "what": "report", "key": "k"}).report

    assert report is not None
    assert report.detail == "failed 30005 The number does not exist."


@pytest.mark.parametrize(
    ("content", "envelope"),
    [
        (b"Body=x", {"provider": "twilio", "what": "message"}),
        (b"{broken", {"provider": "twilio", "what": "message"}),
        (b"from=&charset=UTF-8\r\n\r\nhello", {"provider": "kannel", "what": "message"}),
        (b"type=99", {"provider": "kannel", "what": "report", "key": "k"}),
        (b"MessageStatus=dreaming", {"provider": "twilio", "what": "report", "key": "k"}),
        (b"hello", {"provider": "pigeon"}),
        (b"", {}),
    ],
)
def test_what_has_no_meaning_is_put_aside(content: bytes, envelope: dict[str, str]) -> None:
    """Kept with its original for a person to look at."""
    with pytest.raises(QuarantineItem):
        parse(content, envelope)


def test_a_gateway_confirms_nothing_so_that_we_do() -> None:
    """By default opt-outs are confirmed behind Kannel and not behind Twilio, which does it by itself."""
    asked = {provider: SmsOptions(provider=provider).wishes for provider in ("kannel", "twilio")}

    assert "confirm" in asked["kannel"]
    assert "confirm" not in asked["twilio"]
    assert "confirm" not in SmsOptions(provider="kannel", confirm_opt_out="no").wishes
    assert by_kannel(b"STOP").confirmation == ""


def test_no_confirmation_is_a_wish() -> None:
    """Two of our numbers that write to each other come to an end, and a confirmed YES still reaches a person."""
    for wish in Wish:
        for said in ("STOP", "СТОП"):
            assert wishes.wish_of(wishes.confirmation(wish, said, {})) is None
    silent: list[tuple[Wish | None, dict[str, str] | None]] = [(Wish.AGREE, {}), (None, {}), (Wish.STOP, None)]
    for wish_, texts in silent:
        assert wishes.confirmation(wish_, "stop", texts) == ""
