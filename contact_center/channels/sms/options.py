"""Options of a number that sends and receives text messages."""

from typing import Any, Literal

from pydantic import Field, field_validator

from contact_center.channels.acknowledging import AcknowledgingOptions
from contact_center.channels.base import Options

TWILIO_API = "https://api.twilio.com"
KANNEL_API = "http://127.0.0.1:13013/cgi-bin/sendsms"


class NumberOptions(Options):
    """Who carries the messages, and the rules of this number."""

    provider: Literal["twilio", "kannel"] = Field("twilio", title="Provider", description="Twilio, or a Kannel gateway of your own.")
    twilio_account_sid: str = Field("", title="Twilio account SID", description="Begins with AC. Requests of other accounts are refused.")
    twilio_auth_token: str = Field(
        "",
        title="Twilio auth token",
        description="Signs Twilio's requests and ours. Kept encrypted.",
        json_schema_extra={"secret": True, "goes_to": ["twilio_api_base"]},
    )
    twilio_api_base: str = Field(TWILIO_API, title="Twilio API", description="Another address only for clouds that speak the same API.")
    kannel_url: str = Field(KANNEL_API, title="Kannel sendsms address", description="Where the gateway's smsbox takes messages.")
    kannel_user: str = Field("", title="Kannel user", description="The username of a sendsms-user group.")
    kannel_password: str = Field(
        "", title="Kannel password", description="Kept encrypted.", json_schema_extra={"secret": True, "goes_to": ["kannel_url"]}
    )
    kannel_hook_secret: str = Field(
        "",
        pattern=r"^([A-Za-z0-9_.~-]{16,100})?$",
        title="Kannel hook secret",
        description="A word of 16 or more letters, digits and - _ . ~ that stands in the gateway's post-url and proves who asks. "
        "Kept encrypted.",
        json_schema_extra={"secret": True},
    )
    max_parts: int = Field(
        6,
        ge=1,
        le=50,
        title="Longest message, in parts",
        description="A longer one is refused: every part is paid. A part has 153 or 67 signs.",
    )
    confirm_opt_out: Literal["auto", "yes", "no"] = Field(
        "auto",
        title="Confirm opt-outs",
        description="Answer STOP and START with one text. Kannel needs it; Twilio answers by itself.",
    )
    opt_out_reply: str = Field("", max_length=300, title="Answer to STOP", description="Empty: a usual one, in the language of the word.")
    opt_in_reply: str = Field("", max_length=300, title="Answer to START", description="Empty: a usual one, in the language of the word.")
    opt_out_words: str = Field(
        "", max_length=1000, title="More opt-out words", description="Beside STOP and its like; separated by commas."
    )

    @field_validator("twilio_api_base", "kannel_url")
    @classmethod
    def _is_web_address(cls, value: str) -> str:
        """A file name or a forgotten scheme would be found out only with the first message."""
        if not value.startswith(("http://", "https://")):
            raise ValueError("must begin with https:// or http://")
        return value.rstrip("/")

    @property
    def wishes(self) -> dict[str, Any]:
        """What `parse` must know to understand a wish and to answer it."""
        known: dict[str, Any] = {"stop_words": self.more_stop_words}
        if self.confirm_opt_out == "yes" or (self.confirm_opt_out == "auto" and self.provider == "kannel"):
            known["confirm"] = {"stop": self.opt_out_reply, "start": self.opt_in_reply}
        return known

    @property
    def more_stop_words(self) -> list[str]:
        """The opt-out words that were added, as they were typed."""
        return [word.strip() for word in self.opt_out_words.split(",") if word.strip()]


class SmsOptions(AcknowledgingOptions, NumberOptions):
    """The options of a number, those of its acknowledgements last."""
