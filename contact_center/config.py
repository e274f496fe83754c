"""One frozen tree of settings.

Precedence: arguments, then environment (`CONTACT_CENTER_*`, `__` for nesting), then the TOML file, then defaults.
The file is `$CONTACT_CENTER_CONFIG`, else `./contact-center.toml`, else `/etc/contact-center/config.toml`.
Unknown keys are refused and the nearest known one is named.
"""

import difflib
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from contact_center.errors import ConfigError

PREFIX = "CONTACT_CENTER_"
# Habits of hosting platforms and of `make run`: these plain names work too, below the prefixed ones.
PLAIN_NAMES = {"DATABASE_URL": "database_url", "HOST": "host", "PORT": "port"}
LOOPBACK_HOSTS = {"127.0.0.1", "localhost", "::1"}
MIB = 1024 * 1024


class Section(BaseModel):
    """A part of the settings tree: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class MailSettings(Section):
    """The embedded mail receiver and the limits of mail."""

    listen: str = Field("127.0.0.1:8025", description="Address and port of the SMTP and LMTP receiver; empty switches it off.")
    max_message_mib: int = Field(512, description="Largest mail the receiver takes, in MiB. Beyond it the sending server is told at once.")
    inline_attachment_mib: int = Field(25, description="Attachments above this size, in MiB, are kept as files and never shown inline.")
    parse_seconds: int = Field(30, description="Longest time one mail may take to be understood before it is quarantined, in seconds.")
    parse_workers: int = Field(1, ge=1, le=16, description="Processes that parse mail.")
    undo_send_seconds: float = Field(10.0, ge=0, le=60, description="How long a reply can be called back before it is sent, in seconds.")


class SecuritySettings(Section):
    """Sessions, log-in limits and transport."""

    allow_insecure_http: bool = Field(False, description="Allow sessions over plain http on addresses other than loopback.")
    session_idle_hours: int = Field(12, description="A session unused for this long ends, in hours.")
    session_max_days: int = Field(30, description="A session ends after this long whatever happens, in days.")
    login_attempts_per_minute: int = Field(10, description="Log-in attempts allowed per account and per address in a minute.")
    trusted_proxies: tuple[str, ...] = Field((), description="Addresses of reverse proxies whose X-Forwarded-For is believed.")
    metrics_token: SecretStr | None = Field(None, description="Bearer token that opens /metrics; without it only loopback may read it.")


class WebhookSettings(Section):
    """Webhooks that we send."""

    allow_private_networks: bool = Field(
        False, description="Send to addresses of private networks too, and over plain http: for closed networks only."
    )
    keep_days: int = Field(30, ge=1, le=3650, description="How long messages that came to their end are listed, in days.")


class RoutingSettings(Section):
    """What work takes of an agent."""

    weight: int = Field(
        25, ge=1, le=100, description="What one piece of work takes of an agent's capacity of 100, unless its channel says otherwise."
    )
    weights: dict[str, Annotated[int, Field(ge=1, le=100)]] = Field(
        {"telephony": 100, "sms": 50}, description="The same by kind of channel: a call leaves room for nothing else."
    )


class Settings(Section):
    """Everything that can be configured."""

    host: str = Field("127.0.0.1", description="Address the web server listens on.")
    port: int = Field(8080, ge=0, le=65535, description="Port the web server listens on; 0 takes a free one.")
    public_url: str = Field("", description="How people reach this server, e.g. https://help.example.org. Needed when it is not loopback.")
    data_dir: Path = Field(Path("data"), description="Folder of the embedded database, attachments, outgoing spool and secret key.")
    database_url: str = Field("", description="sqlite:///path or postgresql://user@host/name; empty means SQLite inside data_dir.")
    secret_key: SecretStr | None = Field(
        None, description="Key that signs and encrypts; generated into data_dir on first start when absent."
    )
    earlier_secret_keys: tuple[SecretStr, ...] = Field(
        (), description="Keys that were in force before: what they signed and encrypted stays readable."
    )
    follow_up_days: int = Field(
        14, description="A customer's answer reopens a resolved ticket within this many days; later it opens a new one."
    )
    replay_limit: int = Field(5000, description="A console that is more than this many events behind is told to fetch a snapshot.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severity that is logged.")
    mail: MailSettings = Field(default_factory=MailSettings, description="Mail settings.")
    security: SecuritySettings = Field(default_factory=SecuritySettings, description="Security settings.")
    routing: RoutingSettings = Field(default_factory=RoutingSettings, description="What work takes of an agent.")
    webhooks: WebhookSettings = Field(default_factory=WebhookSettings, description="Webhooks that we send.")

    @property
    def sqlite_path(self) -> Path:
        """The database file of the embedded default."""
        return self.data_dir / "contact-center.sqlite3"

    @property
    def effective_database_url(self) -> str:
        """`database_url`, or the embedded SQLite file."""
        return self.database_url or f"sqlite:///{self.sqlite_path}"

    @property
    def base_url(self) -> str:
        """The address people open, without a slash at the end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def https(self) -> bool:
        """Whether people reach the server over https."""
        return self.base_url.startswith("https://")

    def check_transport(self) -> None:
        """Refuse plain http where a cookie could be read on the way.

        Raises ConfigError unless the address is loopback, `public_url` is https, or insecurity was asked for.
        """
        host = urlsplit(self.base_url).hostname or ""
        if self.https or self.security.allow_insecure_http:
            return
        if host not in LOOPBACK_HOSTS or self.host not in LOOPBACK_HOSTS:
            raise ConfigError(
                f"The console would be reached over plain http at {self.base_url}. Set public_url to an https address, "
                "or security.allow_insecure_http = true if the network is trusted."
            )


def load_settings(**overrides: Any) -> Settings:
    """Read file and environment, apply `overrides` (flags; None means not given), and validate.

    Raises ConfigError that names the wrong setting and, for an unknown one, the nearest known name.
    """
    tree = _read_file()
    _merge(tree, _read_environment(os.environ))
    _merge(tree, {key: value for key, value in overrides.items() if value is not None})
    _refuse_unknown(tree, Settings, "")
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _read_file() -> dict[str, Any]:
    named = os.environ.get(PREFIX + "CONFIG")
    candidates = [Path(named)] if named else [Path("contact-center.toml"), Path("/etc/contact-center/config.toml")]
    for path in candidates:
        if path.is_file():
            try:
                return tomllib.loads(path.read_text("utf-8"))
            except tomllib.TOMLDecodeError as error:
                raise ConfigError(f"{path}: {error}") from error
    if named:
        raise ConfigError(f"{named}: no such file (named by {PREFIX}CONFIG)")
    return {}


def _read_environment(environment: Any) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for plain, key in PLAIN_NAMES.items():
        if environment.get(plain):
            tree[key] = environment[plain]
    # Names of one part first and the longer ones after, so that a wrong one is named, whatever the order they come in.
    for name, value in sorted(environment.items()):
        if name.startswith(PREFIX) and name != PREFIX + "CONFIG":
            _set(tree, name[len(PREFIX) :].lower().split("__"), value)
    return tree


def _set(tree: dict[str, Any], path: list[str], value: str) -> None:
    for key in path[:-1]:
        tree = tree.setdefault(key, {})
        if not isinstance(tree, dict):
            raise ConfigError(f"{PREFIX}{key.upper()}: this is a section and has no value of its own")
    if path[-1] == "trusted_proxies":
        tree[path[-1]] = [part.strip() for part in value.split(",") if part.strip()]
    else:
        tree[path[-1]] = value


def _merge(tree: dict[str, Any], other: dict[str, Any]) -> None:
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(tree.get(key), dict):
            _merge(tree[key], value)
        else:
            tree[key] = value


def _refuse_unknown(tree: dict[str, Any], section: type[BaseModel], path: str) -> None:
    for key, value in tree.items():
        field = section.model_fields.get(key)
        if field is None:
            near = difflib.get_close_matches(key, section.model_fields, n=1)
            hint = f" Did you mean {path}{near[0]}?" if near else ""
            raise ConfigError(f"Unknown setting {path}{key}.{hint}")
        if isinstance(value, dict) and isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            _refuse_unknown(value, field.annotation, f"{path}{key}.")
