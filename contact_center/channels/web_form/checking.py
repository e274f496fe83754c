"""Whether what was sent is what the form asks: answers by field, errors by field, in the form's language."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import phonenumbers

from contact_center.channels.web_form import words
from contact_center.channels.web_form.fields import FormField
from contact_center.channels.web_form.options import WebFormOptions
from contact_center.channels.web_form.reading import Sent, Unreadable

REGION = "RU"  # how a number without a country code is read, as the contact book does
MESSAGE_LIMIT = 5000  # characters of a further message on the private page
ATTRIBUTION = (
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "utm_content",
    "yclid",
    "gclid",
    "referrer",
    "page",
    "client_id",
    "client_id_source",
    "visit_code",
)
ATTRIBUTION_LIMIT = 1000  # characters; addresses of pages grow long, and a customer must not be refused for that
_EMAIL = re.compile(r"^[^\s@<>()\[\],;:\\\"]{1,64}@[^\s@<>()\[\],;:\\\"/]+\.[^\s@<>()\[\],;:\\\"/.]{2,}$")
_CODE = re.compile(r"^[A-Z0-9]{4,8}$")


@dataclass(frozen=True, slots=True)
class Answer:
    """One field with what the customer wrote."""

    name: str
    label: str
    type: str
    value: str


@dataclass(slots=True)
class Checked:
    """A form that was looked at."""

    answers: list[Answer] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    """What is wrong, by the name of the field; `consent` and `phone` are ours."""

    def of_type(self, kind: str) -> str:
        """The first answer to a field of this type."""
        return next((answer.value for answer in self.answers if answer.type == kind and answer.value), "")


def check(options: WebFormOptions, sent: Sent) -> Checked:
    """Hold a submission against its form. Raises Unreadable for fields that the form does not have."""
    own, known = words.of(options.language), {question.name: question for question in options.questions}
    for name in [*sent.values, *(file.field for file in sent.files)]:
        if name not in known:
            raise Unreadable(f"unknown field {name[:40]!r}")
    result = Checked()
    for question in options.questions:
        if question.type == "file":
            _check_files(question, sent, own, result)
        else:
            _check_value(question, sent.values.get(question.name, "").strip(), own, result)
    if any(known[file.field].type != "file" for file in sent.files):
        raise Unreadable("a file where none is asked for")
    if options.consent_text and not sent.own.get("consent"):
        result.errors["consent"] = own["consent_needed"]
    if wants_call(options, sent) and not result.of_type("phone"):
        phone = next(question.name for question in options.questions if question.type == "phone")
        result.errors.setdefault(phone, own["phone_needed"])
    if not result.errors and not sent.files and not any(answer.value for answer in result.answers):
        result.errors[options.questions[0].name] = own["nothing_said"]
    return result


def wants_call(options: WebFormOptions, sent: Sent) -> bool:
    """Whether the customer asks to be called, on a form that offers it."""
    return options.callback and bool(sent.own.get("callback"))


def check_message(options: WebFormOptions, sent: Sent) -> Checked:
    """A further message on the private page: text, files or both."""
    own, result = words.of(options.language), Checked()
    if sent.values or any(file.field != "files" for file in sent.files):
        raise Unreadable("unknown field")
    text = sent.own.get("text", "").strip()
    if len(text) > MESSAGE_LIMIT:
        result.errors["text"] = own["too_long"].format(limit=MESSAGE_LIMIT)
    elif not text and not sent.files:
        result.errors["text"] = own["nothing_said"]
    result.answers.append(Answer("text", own["write"], "textarea", text))
    return result


def check_call(options: WebFormOptions, sent: Sent) -> Checked:
    """A wish to be called, on the private page."""
    own, result = words.of(options.language), Checked()
    if sent.values or sent.files:
        raise Unreadable("unknown field")
    _check_value(FormField(name="phone", label=own["call_phone"], type="phone", required=True), sent.own.get("phone", ""), own, result)
    return result


def clean_attribution(given: Mapping[str, object]) -> dict[str, str]:
    """The known facts about where the customer came from, cut to size. Raises Unreadable for others."""
    for name in given:
        if name not in ATTRIBUTION:
            raise Unreadable(f"unknown attribution {name[:40]!r}")
    kept = {name: " ".join(str(value).split())[:ATTRIBUTION_LIMIT] for name, value in given.items()}
    if not _CODE.match(kept.get("visit_code", "").upper()):
        kept.pop("visit_code", None)
    return {name: value.upper() if name == "visit_code" else value for name, value in kept.items() if value}


def is_phone(value: str) -> bool:
    """Whether this can be dialled, as the contact book will judge."""
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(value, REGION))
    except phonenumbers.NumberParseException:
        return False


def _check_files(question: FormField, sent: Sent, own: Mapping[str, str], result: Checked) -> None:
    if question.required and not any(file.field == question.name for file in sent.files):
        result.errors[question.name] = own["required_field"]


def _check_value(question: FormField, value: str, own: Mapping[str, str], result: Checked) -> None:
    if question.type == "checkbox":
        value = "✓" if value else ""
    elif question.type != "textarea":
        value = " ".join(value.split())
    result.answers.append(Answer(question.name, question.label, question.type, value))
    if error := _error(question, value, own):
        result.errors[question.name] = error


def _error(question: FormField, value: str, own: Mapping[str, str]) -> str:
    if not value:
        return own["required_field"] if question.required else ""
    if question.type != "choice" and len(value) > question.limit:
        return own["too_long"].format(limit=question.limit)
    if question.type == "email" and not _EMAIL.match(value):
        return own["bad_email"]
    if question.type == "phone" and not is_phone(value):
        return own["bad_phone"]
    if question.type == "choice" and value not in {" ".join(choice.split()) for choice in question.choices}:
        return own["bad_choice"]
    return ""
