"""Options of a mailbox. Empty hosts mean: mail comes by the embedded receiver, answers go to the outgoing spool."""

from typing import Literal

from pydantic import Field

from contact_center.channels.base import Options

LARGE = 8 * 1024 * 1024  # bytes from which a mail is kept in a file and never held in memory whole
Security = Literal["tls", "starttls", "none"]


class EmailOptions(Options):
    """How a mailbox is read and how its answers are sent."""

    sender_name: str = Field("", title="Sender name", description="Name that customers see beside the address.")
    catch_all: bool = Field(False, title="Catch-all", description="Takes mail from the embedded receiver for addresses nobody owns.")
    imap_host: str = Field("", title="IMAP server", description="Host that mail is fetched from; empty: only the embedded receiver.")
    imap_port: int = Field(993, ge=1, le=65535, title="IMAP port", description="Usually 993 with TLS, 143 with STARTTLS.")
    imap_security: Security = Field("tls", title="IMAP security", description="How the connection is protected.")
    imap_user: str = Field("", title="IMAP user", description="Often the whole mail address.")
    imap_password: str = Field("", title="IMAP password", description="Kept encrypted.", json_schema_extra={"secret": True})
    imap_folder: str = Field("INBOX", title="IMAP folder", description="Folder that is read.")
    smtp_host: str = Field("", title="SMTP server", description="Host that answers are sent through; empty: they go to the outgoing spool.")
    smtp_port: int = Field(587, ge=1, le=65535, title="SMTP port", description="Usually 587 with STARTTLS, 465 with TLS.")
    smtp_security: Security = Field(
        "starttls", title="SMTP security", description="How the connection is protected. Never falls back to plain text."
    )
    smtp_user: str = Field("", title="SMTP user", description="Empty when the server asks for none.")
    smtp_password: str = Field("", title="SMTP password", description="Kept encrypted.", json_schema_extra={"secret": True})
    reply_tokens: bool = Field(
        False,
        title="Signed reply address",
        description="Answers ask to be sent to name+token@domain, so that threading survives mail programs that drop "
        "references. Only for servers that deliver plus-addresses.",
    )
