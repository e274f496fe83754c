"""Options of a mailbox. Empty hosts mean: mail comes by the embedded receiver, answers go to the outgoing spool."""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field, field_validator

from contact_center.channels.acknowledging import AcknowledgingOptions
from contact_center.channels.base import Options
from contact_center.oauth import Provider

LARGE = 8 * 1024 * 1024  # bytes from which a mail is kept in a file and never held in memory whole
MAX_FOLDERS = 50
URL = r"^(https?://\S+)?$"
Security = Literal["tls", "starttls", "none"]


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that is read."""

    name: str
    sent: bool = False
    """Whether it holds what our people sent from other programs."""


SERVER = ("host", "port", "security")


class MailboxOptions(Options):
    """How a mailbox is read and how its answers are sent."""

    sender_name: str = Field("", title="Sender name", description="Name that customers see beside the address.")
    catch_all: bool = Field(False, title="Catch-all", description="Takes mail from the embedded receiver for addresses nobody owns.")
    imap_host: str = Field("", title="IMAP server", description="Host that mail is fetched from; empty: only the embedded receiver.")
    imap_port: int = Field(993, ge=1, le=65535, title="IMAP port", description="Usually 993 with TLS, 143 with STARTTLS.")
    imap_security: Security = Field("tls", title="IMAP security", description="How the connection is protected.")
    imap_user: str = Field("", title="IMAP user", description="Often the whole mail address.")
    imap_password: str = Field(
        "",
        title="IMAP password",
        description="Kept encrypted.",
        json_schema_extra={"secret": True, "goes_to": ["imap_host", "imap_port", "imap_security"]},
    )
    sign_in: Literal["password", "oauth2"] = Field(
        "password",
        title="How we sign in",
        description="With the passwords that stand here; or the provider gives access, for IMAP and SMTP: save, then connect.",
    )
    oauth_provider: Literal["google", "microsoft", "other"] = Field("google", title="Provider", description="Who keeps the mailbox.")
    oauth_tenant: str = Field(
        "common", title="Microsoft tenant", description="Id or domain of the organisation.", max_length=200, pattern=r"^[A-Za-z0-9.-]*$"
    )
    oauth_client_id: str = Field("", title="Client id", description="Of the application registered with the provider.", max_length=500)
    oauth_client_secret: str = Field(
        "",
        title="Client secret",
        description="Kept encrypted.",
        max_length=2000,
        json_schema_extra={"secret": True, "goes_to": ["oauth_provider", "oauth_token_url"]},
    )
    oauth_refresh_token: str = Field(
        "",
        title="Refresh token",
        description="Comes by connecting; may be entered by hand. Kept encrypted.",
        max_length=10_000,
        # What it is changed into is shown to the mail servers.
        json_schema_extra={
            "secret": True,
            "goes_to": ["oauth_provider", "oauth_token_url", *(f"{line}_{what}" for line in ("imap", "smtp") for what in SERVER)],
        },
    )
    oauth_authorize_url: str = Field("", title="Page of consent", description="Only for another provider.", pattern=URL, max_length=1000)
    oauth_token_url: str = Field("", title="Token address", description="Only for another provider.", pattern=URL, max_length=1000)
    oauth_scope: str = Field("", title="Scope", description="Only for another provider: what is asked for.", max_length=1000)
    imap_folder: str = Field("INBOX", title="IMAP folder", description="Folder that is read; its news come at once.")
    imap_folders: str = Field(
        "",
        title="Further IMAP folders",
        description="Read as well, every minute; one a line. A mail that lies in two folders is one entry.",
        max_length=10_000,
        json_schema_extra={"widget": "long"},
    )
    imap_sent_folder: str = Field(
        "",
        title="Folder of sent mails",
        description="What colleagues send from other programs becomes outgoing entries of the history; empty: it is not read.",
    )
    authserv_id: str = Field(
        "",
        title="Name in Authentication-Results",
        description="The name under which your own mail server writes what it found out about senders, for example mx.example.com. "
        "Only for servers that remove such fields from mails that come in. Empty: senders are neither proven nor forged.",
        max_length=255,
    )
    sender_rule: Literal["from", "listed", "reply_to"] = Field(
        "from",
        title="Who the customer is",
        description="The address in From or the one in Reply-To. Of those listed: of the senders below, such as a form that sends mails.",
    )
    sender_rule_for: str = Field(
        "",
        title="Senders whose Reply-To counts",
        description="Addresses or domains, one a line.",
        max_length=20_000,
        json_schema_extra={"widget": "long"},
    )
    smtp_host: str = Field("", title="SMTP server", description="Host that answers are sent through; empty: they go to the outgoing spool.")
    smtp_port: int = Field(587, ge=1, le=65535, title="SMTP port", description="Usually 587 with STARTTLS, 465 with TLS.")
    smtp_security: Security = Field(
        "starttls", title="SMTP security", description="How the connection is protected. Never falls back to plain text."
    )
    smtp_user: str = Field("", title="SMTP user", description="Empty when the server asks for none.")
    smtp_password: str = Field(
        "",
        title="SMTP password",
        description="Kept encrypted.",
        json_schema_extra={"secret": True, "goes_to": ["smtp_host", "smtp_port", "smtp_security"]},
    )
    send_per_minute: int = Field(
        0, ge=0, le=6000, title="Mails per minute", description="As many as the server bears; more wait. 0: as fast as it goes."
    )
    reply_tokens: bool = Field(
        False,
        title="Signed reply address",
        description="Answers ask to be sent to name+token@domain, so that threading survives mail programs that drop "
        "references. Only for servers that deliver plus-addresses.",
    )

    @field_validator("imap_folders", mode="before")
    @classmethod
    def _as_lines(cls, value: Any) -> Any:
        """A list of names is taken as well."""
        return "\n".join(map(str, value)) if isinstance(value, (list, tuple)) else value

    @property
    def folders(self) -> tuple[Folder, ...]:
        """Every folder to read, the main one first, each once; the sent mails are read only as such."""
        sent = self.imap_sent_folder.strip()
        names = dict.fromkeys(name for line in (self.imap_folder, *self.imap_folders.splitlines()) if (name := line.strip()))
        read = [Folder(name) for name in names if name != sent] or [Folder("INBOX")]
        return (*read[:MAX_FOLDERS], Folder(sent, sent=True)) if sent else tuple(read[:MAX_FOLDERS])

    @property
    def provider(self) -> Provider | None:
        """Who allows us the mailbox; None when passwords do."""
        if self.sign_in == "password":
            return None
        if self.oauth_provider == "google":
            authorize, token = "https://accounts.google.com/o/oauth2/v2/auth", "https://oauth2.googleapis.com/token"
            scope, extra = "https://mail.google.com/", {"access_type": "offline", "prompt": "consent"}
        elif self.oauth_provider == "microsoft":
            base = f"https://login.microsoftonline.com/{self.oauth_tenant or 'common'}/oauth2/v2.0"
            authorize, token, extra = f"{base}/authorize", f"{base}/token", {"prompt": "select_account"}
            scope = "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send offline_access"
        else:
            authorize, token, scope, extra = self.oauth_authorize_url, self.oauth_token_url, self.oauth_scope, {}
        public = self.oauth_provider != "other"
        return Provider(
            authorize, token, self.oauth_client_id, self.oauth_client_secret, scope, "oauth_refresh_token", extra=extra, public=public
        )


class EmailOptions(AcknowledgingOptions, MailboxOptions):
    """The options of a mailbox, those of its acknowledgements last."""

    acknowledge_per_domain: int = Field(
        20,
        ge=0,
        le=100,
        title="Acknowledgements per domain",
        description="At most so many an hour to addresses of one company's domain, unless your mail server vouches for the "
        "sender. Providers of mailboxes for everybody are not counted. 0: as many as the mailbox sends at all.",
    )
