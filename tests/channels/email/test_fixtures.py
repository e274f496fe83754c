"""Agreement with mails, headers, quotes and markup of other projects. Every disagreement is named, with its reason."""

import html.parser
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from contact_center import markup, plain_text
from contact_center.channels.email import headers, quoting
from contact_center.channels.email.mime import ParsedMail, read_mail

COMMENT = "a comment in brackets is no part of the name where a name is given"
NOT_A_PERSON = "a word without an address is no mailbox"
EMPTY_GROUP = "the comment of an empty group is nobody"
TRAILING_SPACES = "RFC 2046 forbids spaces at the end of a boundary, and the parser cuts them: the near-boundary inside splits the text"
WAIVERS = {
    "address 'Pete(A nice \\\\) chap) <pete(his account)@silly.test(his ": COMMENT,
    "address 'Pete(A nice \\n \\\\\\n ) chap) <pete(his\\n account)@silly\\n": COMMENT,
    'address "A Group(Some people)\\n        :Chris Jones <c@(Chris\'s h': COMMENT,
    "address '(Empty list)(start)Hidden recipients  :(nobody(that I kn": EMPTY_GROUP,
    "address 'John Doe <jdoe@machine(comment).  example>\\n'": COMMENT,
    "address 'Nathaniel Borenstein <nsb@thumper.bellcore.com>\\n    (=?": COMMENT,
    "address 'NO (posting not allowed on this list)\\n'": NOT_A_PERSON,
    "address 'Name (comment) =?utf-8?q?Doe?= <a@b.com>\\n'": COMMENT,
    "date '20 11 (some \\n 44 comments(more comments\\n )) 79 05:34:2": "a date with a number for the month may be read two ways",
    "date ' 4 8 15 16 23 42, 4 8 15 16 23 42, 4 8 15 16 23 42, '": "a row of numbers is no date",
    "date 'Tue, 1 Jul 2003 ((invalid)\\ncomment) 10:52:37 +0200'": "the date is plain although the comment is not closed",
    "body 002.eml": "the third part is garbage under a wrong label; what its bytes might mean is a guess either way",
    "body 005.eml": "a boundary that does not begin a line is text (RFC 2046 5.1.1), so it stays in view",
    "leaf malformedHeaderStartsBody-nocrlfcrlf.msg": "the second broken header line looks like a field, yet stays in the text",
    "leaf very-long-boundary.msg": TRAILING_SPACES,
    "leaf weird-boundary.msg": TRAILING_SPACES,
}  # fmt: skip


class Tally:
    """Counts agreement, and holds the table of waivers to what is really waived."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.total = 0
        self.agreed = 0
        self.wrong: set[str] = set()
        self.shown: list[str] = []

    def note(self, name: str, agrees: bool, shown: Any = "") -> None:
        self.total += 1
        self.agreed += agrees
        key = f"{self.kind} {name}"
        if not agrees:
            self.wrong.add(key)
            if key not in WAIVERS:
                self.shown.append(f"{key}: {shown!r}"[:600])

    def settle(self, share: float) -> None:
        waived = {key for key in WAIVERS if key.startswith(self.kind + " ")}
        assert not self.shown, "\n".join(self.shown)
        assert not waived - self.wrong, f"waivers that are no longer needed: {sorted(waived - self.wrong)}"
        assert self.agreed >= share * self.total, f"{self.agreed} of {self.total}"


def words(text: str) -> list[str]:
    return text.replace("\x00", "").split()


def flat(expected: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The mailboxes of an expected address field, groups opened."""
    if not expected:
        return []
    if "List" in expected:
        return list(expected["List"])
    if "Group" in expected:
        return [address for group in expected["Group"] for address in group["addresses"]]
    return [expected]


def as_mailboxes(expected: dict[str, Any] | None) -> list[tuple[str, str]]:
    """(name, address) as this product means them: no URLs, no routes, no obsolete spaces, no name that repeats the address."""
    result = []
    for entry in flat(expected):
        email = re.sub(r"\s", "", entry.get("address") or "")
        email = email.removeprefix("mailto:").partition("?")[0]
        email = email.rpartition(":")[2] if email.startswith("@") else email
        name = " ".join((entry.get("name") or "").split())
        if email.startswith(("http:", "ftp:", "//")) or "://" in email:
            email = ""
        if email or name:
            result.append((name if name != email else "", email))
    return result


def first_field(raw: str) -> str:
    return re.split(r"\n(?![ \t])", raw.lstrip("\n"))[0]


def cases(folder: Path, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "headers" / name).read_text())
    return found


def test_address_fields(fixtures_dir: Path) -> None:
    """Names and addresses of single fields are those that another parser expects, and no address differs."""
    tally = Tally("address")
    for case in cases(fixtures_dir, "address.json"):
        wanted = as_mailboxes(case["expected"])
        found = [(address.name, address.email) for address in headers.addresses(first_field(case["header"]))]
        tally.note(repr(case["header"])[:57], found == wanted, (wanted, found))
        real = [email for _, email in wanted if "@" in email]
        assert [email for _, email in found if "@" in email] == real, case["header"]
    tally.settle(0.85)


def test_message_ids(fixtures_dir: Path) -> None:
    """Ids of single fields are those that another parser expects; white space inside one is closed."""
    tally = Tally("id")
    for case in cases(fixtures_dir, "id.json"):
        wanted = case["expected"] if isinstance(case["expected"], list) else [case["expected"]] if case["expected"] else []
        wanted = [re.sub(r"\s", "", one) for one in wanted]
        found = list(headers.ids(first_field(case["header"])))
        tally.note(repr(case["header"])[:57], found == wanted, (wanted, found))
    tally.settle(1.0)


def as_utc(expected: dict[str, Any] | None) -> datetime | None:
    if not expected:
        return None
    offset = timedelta(hours=expected["tz_hour"], minutes=expected["tz_minute"]) * (-1 if expected["tz_before_gmt"] else 1)
    try:
        return datetime(*(expected[key] for key in ("year", "month", "day", "hour", "minute", "second")), tzinfo=UTC) - offset
    except ValueError:
        return None


def test_dates(fixtures_dir: Path) -> None:
    """Dates of single fields are those that another parser expects."""
    tally = Tally("date")
    for case in cases(fixtures_dir, "date.json"):
        wanted, found = as_utc(case["expected"]), headers.date(case["header"])
        tally.note(repr(case["header"])[:57], found == wanted, (wanted, found))
    tally.settle(0.92)


def expected_mails(folder: Path) -> list[tuple[Path, dict[str, Any], ParsedMail]]:
    paths = sorted(folder.glob("mail/stalwart-*/*.eml"))
    assert len(paths) == 30
    return [(path, json.loads(path.with_suffix(".json").read_text()), read_mail(path.read_bytes())) for path in paths]


def root_field(expected: dict[str, Any], name: str) -> dict[str, Any]:
    value = next((field["value"] for field in expected["parts"][0]["headers"] if field["name"] == name), None)
    return value if isinstance(value, dict) else {}


def test_senders_and_subjects_of_whole_mails(fixtures_dir: Path) -> None:
    """Every sender and subject of RFC examples and mails of many programs is the expected one."""
    tally = Tally("sender")
    for path, expected, mail in expected_mails(fixtures_dir):
        wanted = as_mailboxes(root_field(expected, "from").get("Address"))
        found = [(address.name, address.email) for address in mail.sender]
        tally.note(path.name, found == wanted, (wanted, found))
        subject = str(root_field(expected, "subject").get("Text") or "")
        tally.note(path.name, words(mail.subject) == words(subject), (subject, mail.subject))
    tally.settle(0.98)


def test_texts_of_whole_mails(fixtures_dir: Path) -> None:
    """The text is that of the expected text parts."""
    tally = Tally("body")
    for path, expected, mail in expected_mails(fixtures_dir):
        bodies = [expected["parts"][index]["body"] for index in expected["text_body"]]
        if any("Text" not in body for body in bodies):
            continue  # markup made to text is a matter of taste
        wanted = words(" ".join(body["Text"] for body in bodies))
        tally.note(path.name, words(mail.text) == wanted, (wanted, mail.text))
    tally.settle(0.92)


def everything(mail: ParsedMail) -> list[bytes]:
    """Texts and files of a mail and of the mails inside it."""
    found = [mail.text.encode(), plain_text.to_text(mail.html or "").encode()]
    for file in mail.attachments:
        content = file.content or b""
        found += [content, *(everything(read_mail(content)) if file.content_type == "message/rfc822" else [])]
    return found


def holds(contents: list[bytes], leaf: bytes) -> bool:
    if leaf in contents:
        return True
    shown = [words(content.decode("utf-8", "replace")) for content in contents]
    for charset in ("utf-8", "iso-8859-15"):
        wanted = words(leaf.decode(charset, "replace"))
        if any(" ".join(wanted) in " ".join(one) for one in shown):
            return True
    return any(words(plain_text.to_text(leaf.decode("utf-8", "replace"))) == one for one in shown)


def test_leaves_of_broken_mails(fixtures_dir: Path) -> None:
    """Every decoded leaf of nested, broken and truncated mails is in the text or among the files."""
    tally = Tally("leaf")
    for path in sorted(fixtures_dir.glob("mail/mime4j/*.msg")):
        contents = everything(read_mail(path.read_bytes()))
        leaves = [leaf for leaf in path.parent.glob(f"{path.stem}_decoded_*") if leaf.suffix != ".xml"]
        lost = [leaf.name for leaf in leaves if not holds(contents, leaf.read_bytes())]
        tally.note(path.name, not lost, lost)
    tally.settle(0.85)


def test_header_fields_of_broken_mails(fixtures_dir: Path) -> None:
    """Subject and sender of nested, broken and truncated mails are those of the expected header."""
    for path in sorted(fixtures_dir.glob("mail/mime4j/*.msg")):
        mail = read_mail(path.read_bytes())
        tree = ElementTree.fromstring(path.with_suffix(".xml").read_bytes())
        fields = [(field.text or "").strip().partition(":") for field in tree.findall("header/field")]
        wanted = {name.lower(): value for name, _, value in reversed(fields)}
        assert words(mail.subject) == words(headers.text(wanted.get("subject", ""))), path.name
        assert mail.sender == headers.addresses(wanted.get("from", "")), path.name


def test_quotes(fixtures_dir: Path) -> None:
    """What is visible of a reply is what people would expect, and nothing is lost between visible and folded."""
    tally = Tally("quote")
    for line in (fixtures_dir / "quotes" / "discourse.jsonl").read_text().split("\n")[:-1]:
        case = json.loads(line)
        found = quoting.fold(case["text"])
        tally.note(case["id"], words(found.visible) == words(case["visible"]), (case["visible"], found.visible))
        assert sorted(words(found.visible + "\n" + found.folded)) == sorted(words(case["text"])), case["id"]
    tally.settle(0.9)


class Danger(html.parser.HTMLParser):
    """Collects what a browser would run or load."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "iframe", "object", "embed", "svg", "math", "style", "link", "meta", "base", "form", "input", "template"):
            self.found.append(tag)
        for name, value in attrs:
            address = re.sub(r"[\x00-\x20]", "", value or "").lower()
            if name.startswith("on") or (name in ("href", "src", "action", "data") and address.startswith(("javascript:", "vbscript:"))):
                self.found.append(f"{tag} {name}={value}")


def test_hostile_markup(fixtures_dir: Path) -> None:
    """Nothing that could run survives, and sanitising twice equals once."""
    for line in (fixtures_dir / "html" / "dompurify.jsonl").read_text().split("\n")[:-1]:
        case = json.loads(line)
        once = markup.sanitise(case["payload"])
        danger = Danger()
        danger.feed(once)
        assert danger.found == [], case["payload"]
        assert markup.sanitise(once) == once, case["payload"]


WITHOUT_SENDER = {
    "mail-gem/raw_email_multiple_from.eml": "",
    "spamscope/mail_outlook_1": "a document of Outlook, no mail",
    "chatwoot/bounced_with_no_from.eml": "as its name says",
}
WITHOUT_SUBJECT = {"mail-gem/raw_email10.eml", "mail-gem/raw_email5.eml", "mail-gem/raw_email6.eml", "spamscope/mail_outlook_1"}


def wild(folder: Path, *names: str) -> dict[str, ParsedMail]:
    paths = sorted(path for name in names for path in (folder / "mail" / name).iterdir())
    return {f"{path.parent.name}/{path.name}": read_mail(path.read_bytes()) for path in paths}


def test_mails_of_many_programs(fixtures_dir: Path) -> None:
    """Ordinary, odd and hostile mails all have a sender with one @ and a subject without line ends or encoded words."""
    for name, mail in wild(fixtures_dir, "mail-gem", "spamscope", "chatwoot").items():
        assert name in WITHOUT_SENDER or re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", mail.sender[0].email), (name, mail.sender)
        assert "=?" not in mail.subject, name
        assert "\n" not in mail.subject, name
        (mail.text + mail.subject + (mail.html or "")).encode()


def field_of(path: Path, name: bytes) -> str:
    """The unfolded raw value of a header field, found without the reader."""
    head = re.split(rb"\r?\n\r?\n", path.read_bytes().lstrip(), maxsplit=1)[0]
    found = re.search(rb"^" + name + rb":[ \t]*((?:[^\n]|\n[ \t])*)", head, re.I | re.M)
    return found[1].decode("latin-1").strip() if found else ""


def test_senders_and_subjects_stand_in_the_originals(fixtures_dir: Path) -> None:
    """Plain senders and subjects are those that a bare search finds in the original."""
    for name, mail in wild(fixtures_dir, "mail-gem", "spamscope", "chatwoot").items():
        sender, subject = (field_of(fixtures_dir / "mail" / name, field) for field in (b"From", b"Subject"))
        assert mail.sender == () or not sender or mail.sender[0].email in re.sub(r"\s", "", sender), name
        if "=?" not in subject and subject.isascii():
            assert words(mail.subject) == words(subject), name


def chatwoot(folder: Path, name: str) -> ParsedMail:
    return read_mail((folder / "mail" / "chatwoot" / f"{name}.eml").read_bytes())


def test_machines_are_recognised(fixtures_dir: Path) -> None:
    """Auto-replies and bounces are what their names say, and people's mails are not."""
    machines = {"auto_reply", "auto_reply_with_auto_submitted", "bounced_gmail", "bounced_with_no_from", "non_utf_encoded_mail"}
    found = {name.partition("/")[2].removesuffix(".eml") for name, mail in wild(fixtures_dir, "chatwoot").items() if mail.is_automatic}
    assert found == machines


def test_bounces_name_the_mail_that_came_back(fixtures_dir: Path) -> None:
    """A bounce gives the id of the mail that could not be delivered."""
    assert {name for name, mail in wild(fixtures_dir, "chatwoot").items() if mail.is_bounce} == {
        "chatwoot/bounced_gmail.eml",
        "chatwoot/bounced_with_no_from.eml",
    }
    for name in ("bounced_gmail", "bounced_with_no_from"):
        mail = chatwoot(fixtures_dir, name)
        original = (fixtures_dir / "mail" / "chatwoot" / f"{name}.eml").read_text()
        ids = re.findall(r"^message-id: <([^>]+)>", original, re.I | re.M)
        assert not ids[1:] or set(mail.bounced_ids) & set(ids[1:]), name


def test_replies_name_what_they_answer(fixtures_dir: Path) -> None:
    """In-Reply-To and References are found; of several ids the first is the answered one and all are hints."""
    assert chatwoot(fixtures_dir, "in_reply_to").in_reply_to == "0CB459E0-0336-41DA-BC88-E6E28C697DDB@chatwoot.com"
    assert len(chatwoot(fixtures_dir, "multiple_in_reply_to").references) >= 2
    assert len(chatwoot(fixtures_dir, "references").references) >= 2
    assert chatwoot(fixtures_dir, "reply_to").reply_to[0].email == "reply+someidmfdvkjdnkjciwyreowuero83@chatwoot.com"


def test_inline_images_have_an_id(fixtures_dir: Path) -> None:
    """Inline images keep the content id that the markup names."""
    for name in ("mail_with_inline_images", "mail_with_plain_text_and_inline_image", "mail_with_html_part_no_html_content"):
        files = chatwoot(fixtures_dir, name).attachments
        assert files, name
        assert all(file.inline and file.content_id for file in files), name


def test_missing_fields_are_empty(fixtures_dir: Path) -> None:
    """A mail without date, subject or From has none; none is made up."""
    assert chatwoot(fixtures_dir, "mail_with_no_date").date is None
    assert chatwoot(fixtures_dir, "mail_with_no_subject").subject == ""
    assert chatwoot(fixtures_dir, "bounced_with_no_from").sender == ()
