"""Inputs that once broke a reader, each cut down to what mattered."""

import pytest

from contact_center import markup
from contact_center.channels.email import parse as email
from contact_center.channels.telephony import parse as telephony
from contact_center.channels.telephony.options import TelephonyOptions
from contact_center.channels.telephony.sources import sources
from contact_center.channels.web_form import parse as web_form
from contact_center.errors import QuarantineItem
from tests.fuzz import promises, seeds, targets

FOUND: list[tuple[str, bytes]] = [
    ("mail", b"From: a@b.example\nSubject: s\nContent-Type: text/plain; charset=undefined\n\ncaf\xe9\n"),
    ("mail", b"From: =?undefined?Q?a?= <a@b.example>\n\nx\n"),
    ("mail", b"From: =?utf-7?Q?+2AA-?= <a@b.example>\nCc: =?utf-7?Q?+2AA-?= <c@b.example>\n\nx\n"),
    ("mail", b"From: a@b.example\nDate: Mon, 2 Nov 2026 99999999999999999999:00:00 +0300\n\nx\n"),
    ("mail", b"From: a@b.example\nMessage-ID: <\x00>\nAuto-Submitted: \xd0\xb8\xff\n\nx\n"),
    ("mail", b"From: a@b.example\nContent-Type: text/plain; charset=\xd0\xba\xd0\xbe\xd0\xb8\n\n\xd0\xff\n"),
    ("mail", b"From: a@b.example\nReply-To: " + b"n" * 190_000 + b" <c@d.example>\n\nx\n"),
    ("mail", b"From: a@b.example\nMessage-ID: <" + "\U0001f4a9".encode() * 800 + b"@x>\n\nx\n"),
    ("mail", b"From: a@b.example\nContent-Type: image/png\nContent-ID: inline; \xe2\x80\xae\x00\n\nx\n"),
    ("mail", b"From: a@b.example\nContent-Type: message/rfc822\n\nSubject: s\nContent-Type: multipart/mixed; boundary=\n\n--\n\nx\n----\n"),
    ("mail", b"From: a@b.example\nContent-Type: application/x; name*=utf-8''%8A\xd0\xb8.txt\n\nx\n"),
    ("mail", b"From: a@b.example\nContent-Type: message/rfc822\n\nFrom\xd0: x\nContent-Type: text/plain; charset=\xd0\xd0\n\n\xff\n"),
    ("queue_log", b"1795295155|1795.1|support|" + b"A" * 200_000 + b"|CONNECT|4|1795.2|3"),
    ("form items", seeds.ITEMS[2].replace(b"text/plain", b"t" * 70_000)),
    ("markup", b"<h1><a><h6><a>"),
    ("markup", b"<h1><i)><h1>"),
    ("markup", b"<p ><button><p >"),
    ("markup", b"<a f==><table><a >"),
    ("markup", b"<a href=http://x/><table><tr><a href=http://y/><td><a href=http://z/>"),
    ("kannel", b"key=abc&type=9&status=ACK%00F"),
    ("call events", b'{"id":"\\u0000","event":"answered","queue":"\\u0000"}'),
    ("cdr", b'"","7","6","c","c","PJSIP/1","","Dial","","2026-11-02 09:00:00","","2026-11-02 09:00:09",9,0,"BUSY","D","1.1","","","1.1","\xc2\xb2"'),
    ("cdr", b'"","7","6","c","c","PJSIP/1","","Dial","","2026-11-02 09:00:00","","2026-11-02 09:00:09",9,0,"BUSY","D","1.1","","","1.1","' + b"9" * 40 + b'"'),
    ("queue_log", b"1795295151|" + b"1" * 5000 + b"|support|NONE|ENTERQUEUE||+79161112233|1"),
    ("form items", b"{"),
    ("form items", seeds.ITEMS[0].replace(b"form-k", b"9" * 5000)),
    ("form items", seeds.ITEMS[1].replace(b'"p"', b'"' + b"9" * 5000 + b'"')),
    ("form items", seeds.ITEMS[1].replace(b'"name": "A"', b'"name": "' + b"A" * 5000 + b'"')),
    ("form items", b'{"v":1,"kind":"request","fields":[{}],"files":[]}'),
    ("form items", b"[" * 100_000),
    ("contact files", b"PK\x03\x04" + b"\x00" * 40 + b"PK\x05\x06" + b"\x00" * 8 + b"\xff\xff\x00\x00\xff\xff\x00\x00\x00\x00"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content"), FOUND, ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes")
def test_it_is_read_or_refused(name: str, content: bytes) -> None:
    """Whatever it was that broke, it ends in a meaning that can be kept or in a refusal."""
    target = next(each for each in targets.targets() if each.name == name)
    assert target.run(content) in (targets.READ, targets.REFUSED)


def test_a_mail_of_an_undefined_charset_is_read() -> None:
    """Python has a codec of that name, which only ever raises: the mail must not end in quarantine for it."""
    assert "caf" in email.parse(FOUND[0][1], {}).text


def test_a_mail_in_a_mail_without_a_boundary_is_the_same_file_each_time() -> None:
    """The library draws lots for the boundary, and a file that is read again would be another file."""
    content = next(content for _, content in FOUND if b"message/rfc822" in content)
    one, other = email.parse(content, {}), email.parse(content, {})
    assert [file.sha256 for file in one.attachments] == [file.sha256 for file in other.attachments] != []


def test_a_sequence_that_no_number_is_does_not_lose_the_call() -> None:
    """A superscript two is a digit to Python and no number: the line is read without it."""
    content = next(content for name, content in FOUND if name == "cdr")
    assert telephony.parse(content, targets.PBX | {"source": "master"}).headers["records"][0].get("sequence", 0) == 0


def test_a_document_of_another_shape_is_refused_in_words() -> None:
    with pytest.raises(QuarantineItem, match="no submission of a web form"):
        web_form.parse(b'{"v":1,"kind":"request","fields":7,"files":[]}', {})


def test_links_in_links_keep_their_pictures() -> None:
    """Cleaning again must not lose what the first pass wrote in an image's place."""
    clean = markup.sanitise("<a><table><a href='http://y/'><img src='http://x/a.png'>", image=lambda _url: "/media/remote?url=x")
    assert 'src="/media/remote?url=x"' in clean
    promises.harmless(clean.replace("/media/", "https://x/"))


def test_a_column_of_an_odd_digit_is_a_name() -> None:
    """A column map may say anything: what is no number is looked for among the names."""
    options = TelephonyOptions(cdr_file="/nowhere", cdr_format="columns", columns="id=\u00b2,start=1,from=2")
    assert sources(options)[0].envelope["missing"] == "\u00b2"
