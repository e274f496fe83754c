"""Options of a web form. The list of fields is JSON, which the console edits with a form of its own."""

import re
from functools import cached_property
from typing import Any, Literal

from pydantic import Field, field_validator

from contact_center.channels.base import Options
from contact_center.channels.web_form import fields as form_fields
from contact_center.channels.web_form.fields import FormField

Language = Literal["en", "ru"]
LONG: dict[str, Any] = {"widget": "long"}
_SITE = re.compile(r"^https?://(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$")
_COLOUR = re.compile(r"^#[0-9a-f]{6}$")


class WebFormOptions(Options):
    """What a form shows and asks, and where it may stand."""

    title: str = Field(
        "", max_length=200, title="Title", description="Heading of the form, and subject of what is sent; empty: a usual one."
    )
    intro: str = Field("", max_length=2000, title="Introduction", description="Text below the heading.", json_schema_extra=LONG)
    language: Language = Field("en", title="Language", description="Language of the form's own words.")
    fields: str = Field(form_fields.DEFAULT, title="Fields", description="What the form asks.", json_schema_extra={"widget": "form_fields"})
    consent_text: str = Field(
        "",
        max_length=4000,
        title="Consent",
        description="Text that the customer must agree to; empty: none is asked for.",
        json_schema_extra=LONG,
    )
    thank_you: str = Field(
        "", max_length=2000, title="Thank-you", description="Text after sending; empty: a usual one.", json_schema_extra=LONG
    )
    allowed_origins: str = Field(
        "",
        max_length=4000,
        title="Sites that may embed it",
        description="Addresses such as https://shop.example, separated by spaces; * means any; empty: none.",
    )
    callback: bool = Field(
        False, title="Offers a call back", description="Customers may ask to be called. Needs a field of the type phone."
    )
    difficulty: int = Field(
        16, ge=8, le=24, title="Work against spam", description="Bits of work that a browser does before sending; each doubles it."
    )
    posts_per_minute: int = Field(
        30, ge=0, le=10_000, title="Messages a minute", description="At most so many from one address; 0: any number."
    )
    code_shown: bool = Field(False, title="Shows a visit code", description="Five signs that a caller can tell, to find their visit again.")
    colour: str = Field("", title="Colour", description="Colour of the buttons, such as #2f55d4; empty: the usual blue.")

    @field_validator("fields")
    @classmethod
    def _fields_are_sound(cls, value: str) -> str:
        form_fields.load(value)
        return value

    @field_validator("allowed_origins")
    @classmethod
    def _origins_are_sites(cls, value: str) -> str:
        sites = re.split(r"[\s,]+", value.strip().lower())
        for site in filter(None, sites):
            # These words go into a header: nothing but a scheme, a host and a port may.
            if site != "*" and not _SITE.match(site.rstrip("/")):
                raise ValueError(f"{site[:80]} is not the address of a site, such as https://shop.example")
        return " ".join(site.rstrip("/") for site in sites if site)

    @field_validator("colour")
    @classmethod
    def _colour_is_hex(cls, value: str) -> str:
        value = value.strip().lower()
        if value and not _COLOUR.match(value):
            raise ValueError("A colour is written as # and six digits, such as #2f55d4")
        return value

    @cached_property
    def questions(self) -> tuple[FormField, ...]:
        """The fields, typed."""
        return form_fields.load(self.fields)

    @property
    def frame_ancestors(self) -> str:
        """Who may put the form into a frame, in the words of a content security policy."""
        return f"'self' {self.allowed_origins}".strip()
