"""Writing mails: nothing smuggles a header field, and what is written is read back as it was meant."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contact_center.channels.email.compose import compose
from contact_center.channels.email.mime import ParsedMail, read_mail
from contact_center.model.messages import OutboundFile, OutboundMessage
from contact_center.model.tickets import Address

SENDER = Address("Support", "support@example.com")
NAMES = [
    "Ivan Petrov",
    "Иван Петров",
    'Ivan "the Great" Petrov',
    "Petrov, Ivan",
    "Ivan (Moscow)",
    "Ivan (open",
    "a@b.c",
    "Ivan <x@y.z>",
    "O'Neil",
    "back\\slash",
    "=?utf-8?q?no?=",
    "🙂",
    "x" * 300,
    "Ёж " * 60,
    "a;b:c",
    "",
    " ",
]


def a_message(**changes: Any) -> OutboundMessage:
    values: dict[str, Any] = {
        "interaction_id": 1,
        "message_key": "k1@example.com",
        "to": (Address("Ivan", "ivan@example.org"),),
        "cc": (),
        "subject": "Re: Order",
        "text": "It is on its way.",
        "in_reply_to": None,
        "references": (),
        "reply_token": "t1-abcdefabcdef",
    }
    return OutboundMessage(**(values | changes))


def written(sender: Address = SENDER, *, reply_tokens: bool = False, **changes: Any) -> tuple[bytes, ParsedMail]:
    data = compose(a_message(**changes), sender, reply_tokens=reply_tokens).as_bytes()
    return data, read_mail(data)


def field_names(data: bytes) -> list[str]:
    head = data.partition(b"\r\n\r\n")[0].decode("ascii")
    return [line.partition(":")[0] for line in head.split("\r\n") if line[:1] not in " \t"]


@pytest.mark.parametrize(
    "bad",
    ["\r\nBcc: evil@x.y", "\nBcc: evil@x.y", "\rBcc: e@x.y", "\u2028Bcc: e@x.y", "\x00", "\x0bBcc: e@x.y", "\x85Bcc: e@x.y"],
    ids=repr,
)
def test_line_ends_smuggle_nothing(bad: str) -> None:
    """Line ends in names, subjects, ids and file names add no header field."""
    data, mail = written(
        subject="s" + bad,
        to=(Address("n" + bad, "ivan@example.org"),),
        in_reply_to="q" + bad,
        references=("r" + bad,),
        attachments=(OutboundFile("f" + bad, "text/plain", b"x"),),
    )
    assert set(field_names(data)) <= {"From", "To", "Subject", "Message-ID", "In-Reply-To", "References", "MIME-Version", "Content-Type"}
    assert [address.email for address in mail.to] == ["ivan@example.org"]


@pytest.mark.parametrize(
    "bad", ["ivan@example.org\r\nBcc: evil@x.y", "a@b.c>, <evil@x.y", "a@b.c, evil@x.y", "a b@c.d", "nobody", "@x.y", "a@", ""], ids=repr
)
def test_no_address_smuggles_a_recipient(bad: str) -> None:
    """Something that is not one plain address is refused with ValueError."""
    with pytest.raises(ValueError, match=r"address|recipient|Invalid|parse"):
        compose(a_message(to=(Address("", bad),)), SENDER, reply_tokens=False).as_bytes()


@pytest.mark.parametrize("key", ["k\r\nBcc: evil@x.y", "k\nX: y"], ids=repr)
def test_our_own_id_smuggles_nothing(key: str) -> None:
    """Even our own message key cannot end its line."""
    data, _ = written(message_key=key)
    assert not {"Bcc", "X"} & set(field_names(data))


@pytest.mark.parametrize("name", NAMES)
def test_names_are_read_back(name: str) -> None:
    """Any name of a sender or recipient is read back as it was, and the address beside it is untouched."""
    _, mail = written(Address(name, SENDER.email), to=(Address(name, "ivan@example.org"),), cc=(Address(name, "anna@example.org"),))
    for found in (mail.sender, mail.to, mail.cc):
        assert [address.name for address in found] == [name.strip() if name != "a@b.c" else found[0].name]
    assert [a.email for a in (*mail.sender, *mail.to, *mail.cc)] == ["support@example.com", "ivan@example.org", "anna@example.org"]


@pytest.mark.parametrize("subject", ["Заказ № 117", "Re: " + "очень длинная тема " * 20, '(brackets) and "quotes"', "🙂 smile", "a\tb", ""])
def test_subjects_are_read_back(subject: str) -> None:
    """Any subject is read back as it was."""
    data, mail = written(subject=subject)
    assert mail.subject.split() == subject.split()
    assert max(len(line) for line in data.split(b"\r\n")) <= 998


def test_threading() -> None:
    """The answer names what it answers and the whole chain, oldest first."""
    _, mail = written(in_reply_to="q2@x", references=("q1@x", "k0@example.com", "q2@x"))
    assert (mail.message_id, mail.in_reply_to) == ("k1@example.com", "q2@x")
    assert mail.references == ("q1@x", "k0@example.com", "q2@x")


def test_long_chains() -> None:
    """A chain of two hundred long ids is written and read whole."""
    chain = tuple(f"{number}.{'x' * 60}@mail.example.org" for number in range(200))
    assert written(in_reply_to=chain[-1], references=chain)[1].references == chain


def test_the_reply_address_carries_the_token() -> None:
    """With reply tokens on, answers are asked for at name+token; otherwise there is no Reply-To."""
    assert [a.email for a in written(reply_tokens=True)[1].reply_to] == ["support+t1-abcdefabcdef@example.com"]
    assert written()[1].reply_to == ()


def test_text_and_markup() -> None:
    """Both bodies hold the answer, characters of markup are escaped, and the quote is folded by the reader."""
    text = "Здравствуйте!\n\nif a < b && c > d:\n    <script>alert(1)</script>"
    data, mail = written(text=text, quoted="On 1 Nov 2026 Ivan <ivan@example.org> wrote:\n> Where is it?")
    assert mail.text.startswith(text)
    assert mail.visible_text == text
    assert "<script" not in (mail.html or "")
    assert "Where is it?" in (mail.html or "")
    assert data.isascii()


def test_attachments_are_read_back() -> None:
    """Files arrive byte for byte under their names."""
    files = (
        OutboundFile("счёт № 1.pdf", "application/pdf", bytes(range(256))),
        OutboundFile('a "b" c.txt', "text/plain", "привет\r\n".encode()),
        OutboundFile("mail.eml", "message/rfc822", b"Subject: x\r\n\r\ny"),
        OutboundFile("nothing", "", b""),
    )
    _, mail = written(attachments=files)
    assert [file.content for file in mail.attachments] == [file.content for file in files]
    assert [file.filename for file in mail.attachments] == ["счёт № 1.pdf", "a _b_ c.txt", "mail.eml", "nothing"]


@pytest.mark.parametrize(
    "kind", ["text", "/", "text/plain; x=y", "multipart/mixed", "message/partial", "тип/файл", "a/b\r\nX: y"], ids=repr
)
def test_odd_types_of_files(kind: str) -> None:
    """A file with a type that makes no sense is sent all the same."""
    data, mail = written(attachments=(OutboundFile("f.bin", kind, b"bytes"),))
    assert [file.content for file in mail.attachments] == [b"bytes"]
    assert b"\nX: y" not in data


def test_the_date_is_that_of_the_message() -> None:
    """The Date field is when the agent wrote, in UTC."""
    at = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
    assert written(created_at=at)[1].date == at


def test_a_domain_beyond_ascii() -> None:
    """A Russian domain is written in its ASCII form."""
    data, _ = written(to=(Address("", "ivan@пример.рф"),))
    assert b"ivan@xn--e1afmkfd.xn--p1ai" in data


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80), st.text(max_size=60), st.text(max_size=200))
def test_any_words_can_be_sent(name: str, subject: str, text: str) -> None:
    """Whatever people type, a mail comes out whose recipient is the one meant."""
    data, mail = written(to=(Address(name, "ivan@example.org"),), subject=subject, text=text)
    assert [address.email for address in mail.to] == ["ivan@example.org"]
    assert len(re.findall(rb"^Subject:", data.partition(b"\r\n\r\n")[0], re.M)) == 1


def test_what_nobody_wrote_says_so() -> None:
    """An automatic mail carries every mark that machines look for, threads, and is seen as automatic by ourselves; a person's does not."""
    mail = compose(a_message(automatic=True, in_reply_to="q@x", references=("q@x",)), SENDER, reply_tokens=False)
    assert (mail["Auto-Submitted"], mail["X-Auto-Response-Suppress"], mail["Precedence"]) == ("auto-replied", "All", "auto_reply")
    assert (mail["In-Reply-To"], mail["References"]) == ("<q@x>", "<q@x>")
    assert read_mail(mail.as_bytes()).is_automatic
    assert compose(a_message(), SENDER, reply_tokens=False)["Auto-Submitted"] is None
