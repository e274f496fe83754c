"""A submission's bytes to the neutral words that every channel speaks. Pure; runs in a parser process."""

import hashlib
import json
from datetime import datetime
from typing import Any

from contact_center.errors import QuarantineItem
from contact_center.model.messages import InboundFile, InboundMessage, InboundPerson
from contact_center.model.text import clean_filename, clean_text, preview
from contact_center.model.words import Demand, PointKind

KIND = "web_form"
LONGEST_NAME = 330  # characters of an address, a name or a key


def parse(content: bytes, envelope: dict[str, Any]) -> InboundMessage:
    """Understand a submission. Raises QuarantineItem for a document that this channel did not write."""
    head, _, attached = content.partition(b"\n")
    try:
        document = _clean(json.loads(head))
        if not isinstance(document, dict) or document.get("v") != 1:
            raise QuarantineItem("This is no submission of a web form.")
        return _message(document, attached)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        # Whatever has another shape, this channel has not written.
        raise QuarantineItem(f"This is no submission of a web form: {clean_text(repr(error)[:200])}") from error


def _message(document: dict[str, Any], attached: bytes) -> InboundMessage:
    who = _who(document)
    names = (
        document["key"],
        document["reference"],
        document.get("page") or "",
        *document.get("answers", ()),
        who["value"],
        who["name"],
        who["phone"],
    )
    if any(len(name) > LONGEST_NAME for name in names):
        raise ValueError("a name is too long")
    rows = [row for row in document["fields"] if row["value"]]
    files = _files(document["files"], attached)
    text = _text(document, rows, files)
    return InboundMessage(
        kind=KIND,
        sender=InboundPerson(PointKind(who["kind"]), who["value"], who["name"]),
        participants=(),
        subject=_subject(document, rows),
        text=text,
        visible_text=text,
        html=None,
        sent_at=datetime.fromisoformat(document["at"]),
        message_key=document["key"],
        thread_hints=tuple(document.get("answers", ())),
        attachments=files,
        headers={"form": document["form"], "date": document["at"]},
        demand=Demand.CALLBACK if _asks_for_call(document) else Demand.ANSWER,
        facts=_facts(document, rows, who),
        unproven=True,
        conversation=f"web form call {document['page']}" if document["kind"] == "callback" and document.get("page") else None,
        also=(InboundPerson(PointKind.PHONE, who["phone"], who["name"]),) if who["phone"] and who["kind"] != PointKind.PHONE else (),
    )


def _clean(value: Any) -> Any:
    """The document with every text in it fit to be stored."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [_clean(inner) for inner in value]
    if isinstance(value, dict):
        return {clean_text(key): _clean(inner) for key, inner in value.items()}
    return value


def _who(document: dict[str, Any]) -> dict[str, str]:
    """Who writes: by mail address, else by number, else somebody nobody can reach but by the private page."""
    if document.get("from"):
        return dict(document["from"]) | ({"phone": document["phone"]} if document.get("phone") else {})
    rows = document["fields"]
    email, phone = _first(rows, type="email"), _first(rows, type="phone")
    name = _first(rows, type="text", name="name")[:200]
    if email:
        return {"kind": PointKind.EMAIL, "value": email, "name": name, "phone": phone}
    if phone:
        return {"kind": PointKind.PHONE, "value": phone, "name": name, "phone": phone}
    # A point of their own, so that what they add on their private page joins the same ticket.
    return {"kind": PointKind.ANONYMOUS, "value": f"web form {document['reference']}", "name": name, "phone": ""}


def _first(rows: list[dict[str, str]], **wanted: str) -> str:
    return next((row["value"] for row in rows if row["value"] and all(row[key] == value for key, value in wanted.items())), "")


def _subject(document: dict[str, Any], rows: list[dict[str, str]]) -> str:
    if document["kind"] == "callback":
        return ""  # the facts say it, in the language of whoever reads them
    return preview(document.get("subject") or _first(rows, type="text", name="subject") or document["form"], 200)


def _text(document: dict[str, Any], rows: list[dict[str, str]], files: tuple[InboundFile, ...]) -> str:
    """What an agent reads. A further message is only what was written; a form is a line for each field."""
    if document["kind"] == "message":
        return "\n\n".join(row["value"] for row in rows) or ", ".join(file.filename for file in files)
    lines = [f"{row['label']}:\n{row['value']}" if "\n" in row["value"] else f"{row['label']}: {row['value']}" for row in rows]
    if _asks_for_call(document):
        lines.append(document["call_words"])
    if code := document.get("attribution", {}).get("visit_code"):
        # In the text too, so that whoever searches for the code a caller tells finds this entry.
        lines.append(f"{document['code_words']}: {code}")
    return "\n".join(lines) or ", ".join(file.filename for file in files)


def _asks_for_call(document: dict[str, Any]) -> bool:
    return document["kind"] == "callback" or bool(document.get("callback"))


def _facts(document: dict[str, Any], rows: list[dict[str, str]], who: dict[str, str]) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "type": "form",
        "form": document["form"],
        "fields": [{"label": row["label"], "type": row["type"], "value": row["value"]} for row in rows],
        "attribution": document.get("attribution", {}),
        "callback": _asks_for_call(document),
        "reference": document["reference"],
        "from": who,
    }
    if document.get("answers_to"):
        facts["answers"] = list(document["answers_to"])
    if "consent" in document:
        facts["consent"] = document["consent"]
    return facts


def _files(named: list[dict[str, Any]], attached: bytes) -> tuple[InboundFile, ...]:
    """The files that follow the document, one behind the other."""
    if sum(file["size"] for file in named) != len(attached) or any(file["size"] < 0 for file in named):
        raise QuarantineItem("The files are not all there.")
    found, at = [], 0
    for file in named:
        found.append(_file(file, attached[at : at + file["size"]]))
        at += file["size"]
    return tuple(found)


def _file(file: dict[str, Any], content: bytes) -> InboundFile:
    return InboundFile(
        filename=clean_filename(file["filename"]),
        content_type=file["content_type"][:170],
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
    )
