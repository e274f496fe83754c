"""Reading mails: odd charsets, names and shapes, and a promise that no bytes whatsoever make the reader fail."""

import random
import subprocess
import sys
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contact_center.channels.email.mime import ParsedMail, read_mail

RUSSIAN = "Здравствуйте! Где мой заказ номер 117? С уважением, Иван Петров."


def plain(body: bytes, content_type: str = "text/plain", **fields: str) -> ParsedMail:
    extra = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in fields.items())
    return read_mail(f"From: ivan@example.org\nSubject: s\nContent-Type: {content_type}\n{extra}\n".encode() + body)


def parts(*bodies: bytes, kind: str = "mixed") -> ParsedMail:
    joined = b"".join(b"--b\n" + body + b"\n" for body in bodies)
    return read_mail(b"From: ivan@example.org\nContent-Type: multipart/" + kind.encode() + b"; boundary=b\n\n" + joined + b"--b--\n")


@pytest.mark.parametrize("charset", ["windows-1251", "koi8-r", "utf-8", "iso-8859-5", "cp866"])
@pytest.mark.parametrize("label", ["{}", '"{}"', "'{}'", "{}; x=y"], ids=["bare", "quoted", "apostrophes", "more"])
def test_labelled_russian(charset: str, label: str) -> None:
    """Russian text under a right label is read exactly, however the label is written."""
    mail = plain(RUSSIAN.encode(charset), f"text/plain; charset={label.format(charset)}")
    assert mail.text == RUSSIAN
    assert not mail.defects


@pytest.mark.parametrize("label", ["cp-1251", "win-1251", "windows1251", "CP1251", "x-cp1251", "windows-1251 "])
def test_labels_by_other_names(label: str) -> None:
    """Labels that mail programs invented for windows-1251 are understood."""
    assert plain(RUSSIAN.encode("cp1251"), f"text/plain; charset={label}").text == RUSSIAN


@pytest.mark.parametrize("charset", ["cp1251", "koi8-r", "utf-8"])
@pytest.mark.parametrize("label", ["", "; charset=us-ascii", "; charset=unknown-8bit", "; charset=", "; charset=nonsense"])
def test_unlabelled_russian(charset: str, label: str) -> None:
    """Russian without a usable label is recognised, and the mail says that it was guessed."""
    mail = plain(RUSSIAN.encode(charset), f"text/plain{label}")
    assert mail.text == RUSSIAN
    assert mail.defects


def test_mislabelled_utf8() -> None:
    """UTF-8 under a label that it does not fit is read as UTF-8."""
    assert plain(RUSSIAN.encode(), "text/plain; charset=us-ascii").text == RUSSIAN
    assert plain(RUSSIAN.encode("cp1251"), "text/plain; charset=utf-8").text == RUSSIAN


@pytest.mark.parametrize("charset", ["cp1251", "koi8-r", "utf-8"])
def test_raw_russian_in_header_fields(charset: str) -> None:
    """Subjects and names in raw 8-bit characters are read."""
    data = f"From: Иван Петров <ivan@example.org>\nSubject: {RUSSIAN}\n\nтекст\n".encode(charset)
    mail = read_mail(data)
    assert (mail.sender[0].name, mail.subject) == ("Иван Петров", RUSSIAN)


def test_a_disposition_on_the_mail_itself() -> None:
    """A text-only mail that calls itself an attachment is still shown."""
    assert plain(b"words", "text/plain", Content_Disposition="attachment; filename=a.txt").text == "words"


def test_nul_and_lone_surrogates() -> None:
    """NUL disappears and lone surrogates become U+FFFD, in text, subject and names."""
    mail = read_mail(b"From: a\x00b <a@b.c>\nSubject: x\x00=?utf-8?q?=ED=A0=80?=y\n\ntext\x00 \xed\xa0\x80 end\n")
    for value in (mail.text, mail.subject, mail.sender[0].name):
        assert "\x00" not in value
        value.encode()
    assert mail.text.startswith("text")


def test_no_header_at_all() -> None:
    """A file without header fields is shown as text."""
    assert "just words" in read_mail(b"just words\nand more\n").text


@pytest.mark.parametrize("data", [b"", b"\n", b"\r\n\r\n", b" ", b"\x00", b"From ", b"From: ", b":\n", b"\xff\xfe"], ids=repr)
def test_almost_nothing(data: bytes) -> None:
    """Empty and nearly empty files are mails without content."""
    mail = read_mail(data)
    assert mail.sender == ()
    assert mail.html is None


HOSTILE = {
    "nested": b"From: a@b.c\n"
    + b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(10_000))
    + b"hi",
    "embedded": b"From: a@b.c\n" + b"Content-Type: message/rfc822\n\n" * 10_000 + b"hi",
    "parts": b"From: a@b.c\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 200_000 + b"--b--\n",
    "parameters": b"From: a@b.c\nContent-Type: multipart/mixed; boundary=b\n\n"
    + (b'--b\nContent-Disposition: attachment; filename="' + b";" * 2000 + b'"\n\nx\n') * 1500
    + b"--b--\n",
    "flowed": b"From: a@b.c\nContent-Type: text/plain; format=flowed\n\n" + b"a \n" * 600_000,
    "headers": b"X-A: b\n" * 200_000 + b"From: a@b.c\n\nhi",
    "folds": b"Subject: a\n" + b" b\n" * 500_000 + b"From: a@b.c\n\nhi",
    "spaces": b"Subject: a" + b" \t" * 500_000 + b"b\nFrom: a@b.c\n\nhi",
    "colons": b"To: a@" + b":" * 500_000 + b"\nFrom: a@b.c\n\nhi",
    "padding": b"From: a@b.c\nContent-Transfer-Encoding: base64\n\n" + b"A=" * 500_000,
    "tags": b"From: a@b.c\nContent-Type: text/html\n\n" + b"<div>" * 100_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_shapes_end(name: str, tmp_path: Path) -> None:
    """Shapes made to overflow or to take for ever end in bounded time, with the sender known."""
    path = tmp_path / "hostile.eml"
    path.write_bytes(HOSTILE[name])
    code = "import pathlib, sys; from contact_center.channels.email.mime import read_mail; "
    code += "print(read_mail(pathlib.Path(sys.argv[1]).read_bytes()).sender[0].email)"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, timeout=60, text=True, check=False)
    assert done.stdout.strip() == "a@b.c", done.stderr[-500:]


FILE = b"Content-Type: application/octet-stream\nContent-Disposition: attachment; "


@pytest.mark.parametrize(
    ("parameter", "name"),
    [
        ('filename="=?utf-8?B?0YHRh9GR0YIucGRm?="', "счёт.pdf"),
        ('filename="=?windows-1251?Q?=F1=F7=E5=F2.pdf?="', "счет.pdf"),
        ("filename*=utf-8''%D1%81%D1%87%D0%B5%D1%82.pdf", "счет.pdf"),
        ("filename*0*=utf-8''%D1%81%D1%87; filename*1*=%D0%B5%D1%82; filename*2=.pdf", "счет.pdf"),
        ("filename*=windows-1251''%F1%F7%E5%F2.pdf", "счет.pdf"),
        ('filename="../../etc/passwd"', "passwd"),
        ('filename="..\\\\..\\\\boot.ini"', "boot.ini"),
        ('filename="/etc/shadow"', "shadow"),
        ('filename="C:\\\\temp\\\\a.txt"', "a.txt"),
        ('filename="report\u202egnp.exe"', "reportgnp.exe"),
        ('filename="..."', "file"),
        ('filename="a\x01b.txt"', "ab.txt"),
        ("filename=two words.pdf", "two words.pdf"),
    ],
    ids=lambda value: None,
)
def test_file_names(parameter: str, name: str) -> None:
    """File names in every encoding are read, and are names only: no folders, no direction tricks."""
    (file,) = parts(b"Content-Type: text/plain\n\nhi\n", FILE + parameter.encode() + b"\n\nx").attachments
    assert file.filename == name


def test_long_file_names_keep_their_ending() -> None:
    """A name of thousands of letters is cut and keeps its ending."""
    (file,) = parts(b"\nhi", FILE + b'filename="' + b"x" * 5000 + b'.pdf"\n\nx').attachments
    assert len(file.filename) <= 150


def test_flowed_text() -> None:
    """Lines that the sender's program broke are joined; quotes and the signature mark stay."""
    body = b"one \ntwo\n> quoted \n> more\n-- \nIvan\n"
    assert plain(body, "text/plain; format=flowed").text == "one two\n> quoted \n> more\n-- \nIvan"
    assert plain(b"sec \nret\n", "text/plain; format=flowed; delsp=yes").text == "secret"


def test_winmail_is_kept_as_a_file() -> None:
    """Outlook's winmail.dat is a file like any other, byte for byte."""
    mail = parts(b"\nhi", b'Content-Type: application/ms-tnef; name="winmail.dat"\nContent-Transfer-Encoding: base64\n\neJ8+Ig==')
    (file,) = mail.attachments
    assert (file.filename, file.content) == ("winmail.dat", b"x\x9f>\x22")


def test_inline_images() -> None:
    """An image that the markup names is inline and keeps its id; one that is attached is not inline."""
    mail = parts(
        b'Content-Type: text/html\n\n<img src="cid:p1@x">',
        b"Content-Type: image/png\nContent-ID: <p1@x>\n\nPNG",
        b"Content-Type: image/png\nContent-Disposition: attachment; filename=a.png\n\nPNG",
        kind="related",
    )
    assert [(file.content_id, file.inline) for file in mail.attachments] == [("p1@x", True), (None, False)]
    assert 'src="cid:p1@x"' in (mail.html or "")


def test_a_mail_inside() -> None:
    """A forwarded mail is a file with its own subject as its name, and its text is not that of the outer mail."""
    mail = parts(b"\nsee below", b"Content-Type: message/rfc822\n\nSubject: inner\nFrom: a@b.c\n\ninner words")
    (file,) = mail.attachments
    assert (mail.text, file.filename, file.content_type) == ("see below", "inner.eml", "message/rfc822")
    assert b"inner words" in (file.content or b"")


def test_alternatives_are_one_body() -> None:
    """Of text and markup of one content the text is read and both are kept."""
    mail = parts(b"Content-Type: text/plain\n\nplain words", b"Content-Type: text/html\n\n<p>marked words</p>", kind="alternative")
    assert (mail.text, mail.html) == ("plain words", "<p>marked words</p>\n") or mail.text == "plain words"
    assert "marked words" in (mail.html or "")


def test_joined_base64() -> None:
    """Base64 texts that were padded each and then joined give all their content."""
    mail = plain(b"b25l\ndHc=\nbw==\n", "text/plain", Content_Transfer_Encoding="base64")
    assert mail.text == "onetwo"


def test_a_lost_boundary() -> None:
    """A multipart whose parts are divided by another boundary than announced is read by the one that is there."""
    mail = plain(b"--other\nContent-Type: text/plain\n\nwords\n--other--\n", "multipart/mixed; boundary=announced")
    assert mail.text == "words"


def check(data: bytes) -> None:
    mail = read_mail(data)
    for value in (mail.subject, mail.text, mail.visible_text, mail.html or "", *(file.filename for file in mail.attachments)):
        value.encode()
        assert "\x00" not in value
    for address in (*mail.sender, *mail.to, *mail.cc, *mail.reply_to):
        assert "\n" not in address.email + address.name


PIECES = [
    b"From: ",
    b"Subject: ",
    b"Content-Type: multipart/mixed; boundary=b",
    b"Content-Type: message/rfc822",
    b"--b",
    b"--b--",
    b"\n",
    b"\r\n",
    b"\n\n",
    b"=?utf-8?q?",
    b"?=",
    b"charset=",
    b"Content-Transfer-Encoding: base64",
    b"Content-Transfer-Encoding: x-uuencode",
    b"begin 644 a",
    b"\xff",
    b"\xed\xa0\x80",
    b"\x00",
    b"<",
    b">",
    b"@",
    b"filename*0*=",
    b"Content-Disposition: attachment; ",
    b"text/html",
    b"a@b.c",
    b";",
    b"Content-Type: text/plain; format=flowed",
    b"Auto-Submitted: ",
    b"Date: ",
    b"In-Reply-To: <",
    b"Content-Type: message/delivery-status",
]


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=400), st.lists(st.sampled_from(PIECES) | st.binary(max_size=6), max_size=40).map(b"".join)))
def test_any_bytes_are_read(data: bytes) -> None:
    """Whatever the bytes, the reader returns, and what it returns can be stored."""
    check(data)


def mutated(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data[:60_000])
    for _ in range(dice.randint(1, 12)):
        if not changed:
            break
        at, action = dice.randrange(len(changed)), dice.randrange(4)
        if action == 0:
            changed[at] = dice.randrange(256)
        elif action == 1:
            del changed[at : at + dice.randint(1, 200)]
        elif action == 2:
            changed[at:at] = changed[dice.randrange(len(changed)) :][: dice.randint(1, 200)]
        else:
            changed[at:at] = dice.choice(PIECES)
    return bytes(changed)


def test_mutated_mails_are_read(fixtures_dir: Path) -> None:
    """Hundreds of mails in the wild, damaged at random places, are all read."""
    dice = random.Random(20261122)
    paths = sorted(path for path in fixtures_dir.glob("mail/*/*") if path.suffix in (".eml", ".msg", "") and path.stat().st_size < 200_000)
    for _ in range(300):
        path = dice.choice(paths)
        data = mutated(path.read_bytes(), dice)
        try:
            check(data)
        except Exception as error:
            raise AssertionError(f"{path.name}: {data[:3000]!r}") from error


def test_a_mail_of_the_library_is_read_back() -> None:
    """What the standard library writes is read as it was meant."""
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["Subject"] = "Иван <ivan@example.org>", RUSSIAN
    mail.set_content(RUSSIAN)
    mail.add_attachment(b"\x00\x01", maintype="application", subtype="pdf", filename="счёт.pdf")
    found = read_mail(mail.as_bytes())
    assert (found.subject, found.text, found.attachments[0].filename) == (RUSSIAN, RUSSIAN, "счёт.pdf")


def a_report(action: str, diagnostic: str = "smtp; 550 5.1.1 No such user") -> bytes:
    return (
        "From: MAILER-DAEMON@mx.example.com\r\nTo: support@example.com\r\nSubject: Delivery report\r\nReturn-Path: <>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nWords.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\nFinal-Recipient: rfc822; ivan@example.org\r\n"
        f"Action: {action}\r\nStatus: 5.1.1\r\nDiagnostic-Code: {diagnostic}\r\n\r\n"
        "--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <k1@example.com>\r\nSubject: Re\r\n\r\nx\r\n--b--\r\n"
    ).encode()


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "Expanded"])
def test_a_report_of_no_failure_is_no_bounce(action: str) -> None:
    """A mail that is late, or has arrived, has not come back; the report is a machine's all the same."""
    mail = read_mail(a_report(action))
    assert (mail.is_bounce, mail.is_automatic, mail.bounced_ids) == (False, True, ())


def test_a_bounce_says_why() -> None:
    """The words of the server that refused the mail, without the name of the protocol, on one line."""
    assert read_mail(a_report("failed")).bounce_reason == "550 5.1.1 No such user"
    assert read_mail(a_report("failed", "smtp; 550\r\n  mailbox full")).bounce_reason == "550 mailbox full"


def test_a_bounce_says_whom_it_did_not_reach() -> None:
    """As the last server knows them and as we wrote to them, encoded or not; and to whom the mail inside was addressed."""
    report = a_report("failed").replace(
        b"Action:", b"Original-Recipient: rfc822;ivan+2Bshop@example.com\r\nX-Other: 1\r\nAction:"
    ).replace(b"Subject: Re\r\n", b"To: Ivan <Ivan@example.com>\r\nCc: o@example.com\r\n")  # fmt: skip
    mail = read_mail(report)
    assert mail.bounced_people == ("ivan@example.org", "ivan+2Bshop@example.com", "ivan+shop@example.com")
    assert mail.bounced_to == ("Ivan@example.com", "o@example.com")
    late = read_mail(a_report("delayed"))
    assert (late.bounced_people, late.bounced_to) == ((), ())
    old = b"From: MAILER-DAEMON@mx\r\nX-Failed-Recipients: a@x.com,\r\n b@x.com\r\nSubject: Mail delivery failed\r\n\r\nx"
    assert read_mail(old).bounced_people == ("a@x.com", "b@x.com")


def test_a_bounce_that_brings_the_fields_alone() -> None:
    """Of a large mail many systems give back the header only: it names the mail as well as the whole would."""
    mail = read_mail(a_report("failed").replace(b"Content-Type: message/rfc822", b"Content-Type: text/rfc822-headers"))
    assert mail.bounced_ids == ("k1@example.com",)
