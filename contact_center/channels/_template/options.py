"""What an administrator sets. Each field has a title and a description; the console shows them as they stand here."""

from pydantic import Field

from contact_center.channels.base import Options


class TemplateOptions(Options):
    """How messages of the service come and go."""

    service_url: str = Field("", title="Service", description="Address that messages are sent to; empty: this account only receives.")
    token: str = Field(
        "",
        title="Token",
        description="Signs requests both ways. Kept encrypted.",
        json_schema_extra={"secret": True, "goes_to": ["service_url"]},
    )
