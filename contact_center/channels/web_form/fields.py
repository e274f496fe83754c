"""What a form asks: the list of fields as an administrator wrote it, checked once and typed from then on."""

import json
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

FieldType = Literal["text", "textarea", "email", "phone", "choice", "checkbox", "file"]
LONGEST = {"text": 200, "textarea": 5000, "email": 254, "phone": 40}  # characters; 254 is RFC 5321's limit of an address
MAX_FIELDS = 40
MAX_JSON = 50_000
DEFAULT = """[
  {"name": "name", "label": "Name", "type": "text", "required": true},
  {"name": "email", "label": "E-mail", "type": "email", "required": true},
  {"name": "message", "label": "Message", "type": "textarea", "required": true}
]"""


class FormField(BaseModel):
    """One question of a form."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    """Key of its value; "name" and "subject" have a meaning of their own."""
    label: str = Field(min_length=1, max_length=200)
    type: FieldType = "text"
    required: bool = False
    choices: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field((), max_length=100)
    max_length: int = Field(0, ge=0, le=20_000)
    """Characters an answer may have; 0: what its type usually has."""

    @model_validator(mode="after")
    def _agrees_with_its_type(self) -> "FormField":
        if self.type == "choice" and len(set(self.choices)) < 2:
            raise ValueError("a choice needs at least two different choices")
        if self.type != "choice" and self.choices:
            raise ValueError("only a field of the type choice has choices")
        if self.max_length and self.type not in LONGEST:
            raise ValueError(f"max_length means nothing for the type {self.type}")
        return self

    @property
    def limit(self) -> int:
        """Characters an answer may have."""
        return self.max_length or LONGEST.get(self.type, 200)


_LIST = TypeAdapter(tuple[FormField, ...])


def load(text: str) -> tuple[FormField, ...]:
    """The fields that `text` lists as JSON. Raises ValueError, whose message names the field at fault."""
    if len(text) > MAX_JSON:
        raise ValueError(f"The list of fields is longer than {MAX_JSON} characters.")
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"The list of fields is not JSON: {error}") from None
    if not isinstance(given, list) or not given:
        raise ValueError("The fields must be a list with at least one field.")
    if len(given) > MAX_FIELDS:
        raise ValueError(f"A form has at most {MAX_FIELDS} fields.")
    try:
        fields = _LIST.validate_python(given)
    except ValidationError as error:
        raise ValueError("; ".join(_in_words(item["loc"], item["msg"]) for item in error.errors()[:5])) from None
    _refuse_doubles(field.name for field in fields)
    return fields


def _in_words(place: tuple[int | str, ...], what: str) -> str:
    number = f"Field {int(place[0]) + 1}" if place else "Fields"
    part = ".".join(str(step) for step in place[1:])
    return f"{number}{f', {part}' if part else ''}: {what.removeprefix('Value error, ')}"


def _refuse_doubles(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"Two fields are named {name}.")
        seen.add(name)
