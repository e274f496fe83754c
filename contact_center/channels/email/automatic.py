"""Was it a machine? Auto-replies and bounces by RFC 3834 and RFC 3464, and what mail systems do instead.

`X-Auto-Response-Suppress` and `Precedence: bulk` or `list` are no proof: ordinary Outlook mails and lists carry them.
"""

import re
from dataclasses import dataclass
from email.message import Message

from contact_center.channels.email import headers

_BOUNCE_SENDER = re.compile(r"(?:mailer-daemon|mail-daemon|mailerdaemon|maildelivery|microsoftexchange[0-9a-f]+)@", re.I)
_BOUNCE_SUBJECT = re.compile(
    r"undeliver|delivery (?:status notification \(failure\)|failure|has failed|incomplete)|returned mail"
    r"|mail delivery (?:failed|failure|system)"
    r"|failure notice|недостав|не доставлено|ошибка доставки|сообщение не может быть доставлено",
    re.I,
)
_AUTO_SUBJECT = re.compile(r"^\s*(?:auto(?:matic)?[ -]?(?:reply|response)|автоответ|автоматический ответ|out of (?:the )?office)\b", re.I)


_NO_READER = re.compile(
    r"(?:.*[._+-])?(?:no|not|dont|do[._-]not|donot)[._-]?reply(?:[._+-].*)?|(?:bounces?|mailer-daemon|postmaster|nobody|null|daemon)(?:[+=-].*)?",
    re.I,
)
_XTEXT = re.compile(r"\+([2-7][0-9A-F])")
MOST_PEOPLE = 100
LONGEST_LIST = 20_000  # characters of a field
_LIST_FIELDS = ("List-Id", "List-Post", "List-Unsubscribe", "Mailing-List", "X-Mailing-List", "Feedback-ID")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the headers say about the sender's nature."""

    auto_submitted: str
    is_automatic: bool
    is_bounce: bool
    bounced_ids: tuple[str, ...]
    unanswerable: str = ""
    """Why no machine may answer; empty when nothing speaks against it."""
    bounce_reason: str = ""
    """What the mail system says of the mail that came back."""
    bounced_people: tuple[str, ...] = ()
    """Addresses that did not take it, as the report names them; empty when it names none."""
    bounced_to: tuple[str, ...] = ()
    """To whom it was addressed, by its own fields inside the report."""


def judge(message: Message, embedded: tuple[Message, ...]) -> Verdict:
    """Decide from the headers of a mail and of the mails inside it."""
    keyword = headers.text(str(message.get("Auto-Submitted", "")))[:200].split(";")[0].split("(")[0].strip().lower()
    bounce = _is_bounce(message) and not _is_only_delayed(embedded)
    machine = (
        bounce
        or _is_bounce(message)
        or keyword not in ("", "no")
        or message.get("X-Autoreply") is not None
        or message.get("X-Autorespond") is not None
        or str(message.get("Precedence", "")).strip().lower() == "auto_reply"
        or str(message.get("Return-Path", "x")).strip() == "<>"
        or bool(_AUTO_SUBJECT.match(headers.text(str(message.get("Subject", "")))))
    )
    return Verdict(
        auto_submitted=keyword or "no",
        is_automatic=machine,
        is_bounce=bounce,
        bounced_ids=_bounced_ids(message, embedded) if bounce else (),
        unanswerable=_unanswerable(message),
        bounce_reason=_reason(embedded) if bounce else "",
        bounced_people=_bounced_people(message, embedded) if bounce else (),
        bounced_to=_bounced_to(embedded) if bounce else (),
    )


def _unanswerable(message: Message) -> str:
    """Marks that prove no machine and yet ask machines for silence. Better a customer without an acknowledgement than a loop."""
    if any(message.get(name) is not None for name in _LIST_FIELDS):
        return "a mailing list"
    if str(message.get("Precedence", "")).strip().lower() in ("bulk", "list", "junk", "auto_reply"):
        return "sent in bulk"
    wishes = {word.strip() for word in str(message.get("X-Auto-Response-Suppress", "")).lower().split(",")}
    if wishes & {"all", "autoreply"}:
        return "the sender wants no automatic answer"
    if message.get("X-Loop") is not None or message.get("X-Auto-Reply-From") is not None:
        return "it went through a machine"
    if str(message.get("X-Spam-Flag", "")).strip().lower().startswith("yes"):
        return "spam"
    if _NO_READER.fullmatch(_sender(message).rpartition("@")[0]):
        return "a sender who reads nothing"
    return ""


def _is_bounce(message: Message) -> bool:
    if message.get_content_type() == "multipart/report":
        report = str(message.get_param("report-type", "") or "").lower()
        return report in ("", "delivery-status") or bool(_BOUNCE_SENDER.search(_sender(message)))
    if message.get("X-Failed-Recipients"):
        return True
    if str(message.get("Return-Path", "x")).strip() == "<>" and _BOUNCE_SUBJECT.search(headers.text(str(message.get("Subject", "")))):
        return True
    sender = _sender(message)
    named = bool(_BOUNCE_SENDER.search(sender)) or sender.lower().startswith("postmaster@")
    return named and bool(_BOUNCE_SUBJECT.search(headers.text(str(message.get("Subject", "")))))


def _is_only_delayed(embedded: tuple[Message, ...]) -> bool:
    """Whether a report says of no recipient that the mail failed (RFC 3464 2.3.3): it is still being tried, or has arrived."""
    actions = {str(part.get("Action", "")).strip().lower() for part in embedded if part.get("Action")}
    return bool(actions) and "failed" not in actions


def _reason(embedded: tuple[Message, ...]) -> str:
    """The words of the mail system that refused, on one line: "550 5.1.1 User unknown"."""
    for part in embedded:
        if str(part.get("Action", "failed")).strip().lower() == "failed":
            words = str(part.get("Diagnostic-Code") or part.get("Status") or "")
            if words:
                return " ".join(headers.text(words.partition(";")[2] or words).split())[:300]
    return ""


def _bounced_people(message: Message, embedded: tuple[Message, ...]) -> tuple[str, ...]:
    """Whom the mail did not reach: as the last server knows them (RFC 3464 2.3.2), and as we wrote to them (2.3.1)."""
    found: list[str] = []
    for part in embedded:
        if str(part.get("Action", "failed")).strip().lower() != "failed":
            continue
        for name in ("Final-Recipient", "Original-Recipient"):
            address = str(part.get(name, "")).partition(";")[2].strip()
            found += {address: None, _XTEXT.sub(lambda code: chr(int(code[1], 16)), address): None}
    found += str(message.get("X-Failed-Recipients", ""))[:LONGEST_LIST].split(",")
    clean = (headers.clean_address(each.strip().removeprefix("<").removesuffix(">")) for each in found[:MOST_PEOPLE])
    return tuple(dict.fromkeys(each[:320] for each in clean if "@" in each))


def _bounced_to(embedded: tuple[Message, ...]) -> tuple[str, ...]:
    """Whoever forwarded our mail did so under an address that we never wrote to: the mail inside still names ours."""
    fields = (str(part.get(name, ""))[:LONGEST_LIST] for part in embedded[:10] if part.get("Message-ID") for name in ("To", "Cc"))
    return tuple(dict.fromkeys(each.email[:320] for field in fields for each in headers.addresses(field)[:MOST_PEOPLE]))


def _sender(message: Message) -> str:
    found = headers.addresses(str(message.get("From", "")))
    return found[0].email if found else ""


def _bounced_ids(message: Message, embedded: tuple[Message, ...]) -> tuple[str, ...]:
    """Ids of the mails that came back: those inside the report, then those the report answers."""
    inside = [i for child in embedded for i in headers.ids(str(child.get("Message-ID", "")))]
    answered = headers.ids(str(message.get("In-Reply-To", ""))) + headers.ids(str(message.get("References", "")))
    return tuple(dict.fromkeys((*inside, *answered)))
