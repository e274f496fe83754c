"""What list rows say of calls and forms. Facts are stored and no sentences: the console words them for its reader."""

from collections.abc import Mapping
from typing import Any

_ROW = {"call": ("result", "direction", "number", "wait_seconds", "talk_seconds"), "form": ("callback",)}
_NO_MESSAGE = ("email", "phone", "checkbox", "file")


def summary(facts: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Those facts of a card that a row or a subject is made of; None for what is no card."""
    kind = str((facts or {}).get("type", ""))
    if facts is None or kind not in _ROW:
        return None
    return {"type": kind} | {name: facts[name] for name in _ROW[kind] if facts.get(name) is not None}


def gist(facts: Mapping[str, Any] | None, text: str) -> str:
    """The text of a row. Of a form it is what the customer wrote in it, without their name and address."""
    fields = (facts or {}).get("fields")
    if facts is None or facts.get("type") != "form" or not fields:
        return text
    long = [field["value"] for field in fields if field.get("type") == "textarea"]
    name = (facts.get("from") or {}).get("name")
    short = [field["value"] for field in fields if field.get("type") not in _NO_MESSAGE and field["value"] != name]
    return "\n".join(long or short)
