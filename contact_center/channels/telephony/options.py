"""Options of a PBX: where its calls are told of, and how it numbers its people and lines."""

import re
from typing import Literal
from zoneinfo import ZoneInfo

import phonenumbers
from pydantic import Field, field_validator

from contact_center.channels.base import Options

CdrFormat = Literal["master", "custom", "columns"]
COLUMNS = (
    "id", "linked", "start", "answer", "end", "from", "to", "direction", "result", "wait", "talk", "hold", "agent", "queue", "our_number",
)  # fmt: skip


class TelephonyOptions(Options):
    """How the calls of one PBX come in. Everything may stay empty: then only the webhook's address is waiting."""

    webhook_secret: str = Field(
        "",
        title="Webhook secret",
        description="Signs the events that the PBX posts; empty: none are taken. Kept encrypted.",
        json_schema_extra={"secret": True},
    )
    cdr_file: str = Field("", title="CDR file", description="Path of the CSV file of call records on this machine; empty: none is read.")
    cdr_format: CdrFormat = Field(
        "master",
        title="CDR layout",
        description="How the PBX writes its calls into the file.",
    )
    columns: str = Field(
        "",
        title="Column map",
        description="For a layout by the column map: field=column, by number from 0 or by name in the header line. "
        f"Fields: {', '.join(COLUMNS)}. Example: id=0,start=1,from=2,to=3,result=5.",
    )
    csv_delimiter: str = Field(",", title="Delimiter", description="Sign between two columns; \\t is a tab.")
    csv_header: bool = Field(False, title="Header line", description="The first line of the CSV file names the columns.")
    time_format: str = Field(
        "",
        title="Time format",
        description="For a layout by the column map, as in %d.%m.%Y %H:%M:%S; empty: ISO 8601 or seconds since 1970.",
    )
    queue_log_file: str = Field("", title="queue_log", description="Path of Asterisk's queue_log on this machine; empty: none is read.")
    timezone: str = Field("UTC", title="Time zone of the PBX", description="For times without an offset, as in Europe/Moscow.")
    agents: str = Field(
        "",
        title="Agents",
        description="Who sits where, as in PJSIP/101=Anna Petrova; one a line, or separated by semicolons. Also by extension: 101=Anna.",
        json_schema_extra={"widget": "long"},
    )
    internal_digits: int = Field(
        4, ge=0, le=8, title="Digits of an extension", description="Numbers of up to so many digits are colleagues, not customers."
    )
    our_numbers: str = Field(
        "", title="Our numbers", description="Numbers that customers call, separated by commas. Tells in from out where the PBX does not."
    )
    default_region: str = Field(
        "RU", min_length=2, max_length=2, title="Region", description="Country by whose rules numbers without a country code are read."
    )
    callback_hours: int = Field(
        72, ge=1, le=8760, title="Callbacks within", description="Hours after which a missed call that is read asks for no call any more."
    )

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (OSError, ValueError, KeyError):
            raise ValueError(f"There is no time zone {value!r}.") from None
        return value

    @field_validator("default_region")
    @classmethod
    def _region_exists(cls, value: str) -> str:
        if value.upper() not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError("Two letters of a country, such as RU or DE.")
        return value.upper()

    @field_validator("agents")
    @classmethod
    def _readable_agents(cls, value: str) -> str:
        _pairs(value, separators=r"[;\r\n]+")
        return value

    @field_validator("csv_delimiter")
    @classmethod
    def _one_sign(cls, value: str) -> str:
        sign = "\t" if value == "\\t" else value
        if len(sign) != 1 or sign in '\r\n"':
            raise ValueError("One sign, such as , or ; or \\t.")
        return sign

    @field_validator("columns")
    @classmethod
    def _known_columns(cls, value: str) -> str:
        if unknown := set(_pairs(value)) - set(COLUMNS):
            raise ValueError(f"Unknown fields: {', '.join(sorted(unknown))}. There are: {', '.join(COLUMNS)}.")
        return value

    def column_map(self) -> dict[str, str]:
        """Field to column, as it was written: a number from 0, or a name in the header line."""
        return _pairs(self.columns)

    def agent_names(self) -> dict[str, str]:
        """Interface or extension to the name of who sits there."""
        return _pairs(self.agents, separators=r"[;\r\n]+")

    def own_numbers(self) -> list[str]:
        """The numbers that customers call."""
        return [number for number in re.split(r"[,;\s]+", self.our_numbers) if number]


def _pairs(text: str, separators: str = r"[,;\r\n]+") -> dict[str, str]:
    """`a=b` pairs. Raises ValueError for anything else."""
    found = {}
    for part in filter(None, (part.strip() for part in re.split(separators, text))):
        key, sign, value = (piece.strip() for piece in part.partition("="))
        if not (key and sign and value):
            raise ValueError(f"{part[:60]!r} is not of the form name=value.")
        found[key] = value
    return found
