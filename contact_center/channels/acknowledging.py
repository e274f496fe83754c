"""Options of channels that acknowledge what they receive. What they mean is decided in `intake/acknowledging.py`."""

from typing import Any

from pydantic import Field, field_validator

from contact_center.channels.base import Options
from contact_center.model.acknowledgement import CLOSED, OPEN, check_text

LONG: dict[str, Any] = {"widget": "long"}


class AcknowledgingOptions(Options):
    """Whether and with which words the first message of a ticket is acknowledged."""

    acknowledge: bool = Field(
        False,
        title="Acknowledge",
        description="Tell whoever opens a ticket that their message has arrived, and when somebody will be there. Never more "
        "than three times a day to one address, and never to machines or lists.",
    )
    acknowledge_ru: str = Field(
        "", max_length=4000, title="Acknowledgement in Russian", description="{number} is the ticket's number. Empty: a usual text.",
        json_schema_extra=LONG,
    )  # fmt: skip
    acknowledge_en: str = Field(
        "", max_length=4000, title="Acknowledgement in English", description="{number} is the ticket's number. Empty: a usual text.",
        json_schema_extra=LONG,
    )  # fmt: skip
    acknowledge_closed_ru: str = Field(
        "", max_length=4000, title="In Russian, while the queue is closed",
        description="{opens} is when it opens again, {number} the ticket's number. Empty: a usual text.", json_schema_extra=LONG,
    )  # fmt: skip
    acknowledge_closed_en: str = Field(
        "", max_length=4000, title="In English, while the queue is closed",
        description="{opens} is when it opens again, {number} the ticket's number. Empty: a usual text.", json_schema_extra=LONG,
    )  # fmt: skip

    @field_validator("acknowledge_ru", "acknowledge_en")
    @classmethod
    def _names_what_there_is(cls, value: str) -> str:
        """A text that names what cannot be filled in would reach customers with a hole in it."""
        check_text(value, OPEN)
        return value

    @field_validator("acknowledge_closed_ru", "acknowledge_closed_en")
    @classmethod
    def _names_what_there_is_when_closed(cls, value: str) -> str:
        """While nobody is there, the next opening is known."""
        check_text(value, CLOSED)
        return value
