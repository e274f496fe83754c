"""Settings: who wins, what is refused, and that the message names the setting."""

import os
from pathlib import Path

import pytest

from contact_center.config import Settings, load_settings
from contact_center.errors import ConfigError


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("CONTACT_CENTER_") or name in ("DATABASE_URL", "HOST", "PORT"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def write(text: str) -> None:
    Path("contact-center.toml").write_text(text)


def test_arguments_beat_the_environment_beats_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each layer overrides only what it names."""
    write('port = 1\nhost = "h"\n[mail]\nlisten = "127.0.0.1:1"\nmax_message_mib = 7\n')
    monkeypatch.setenv("CONTACT_CENTER_PORT", "2")
    monkeypatch.setenv("CONTACT_CENTER_MAIL__LISTEN", "127.0.0.1:2")
    monkeypatch.setenv("PORT", "9")
    found = load_settings(port=3, host=None)
    assert (found.port, found.host, found.mail.listen, found.mail.max_message_mib) == (3, "h", "127.0.0.1:2", 7)
    assert load_settings().port == 2


def test_habits_of_hosting_platforms(monkeypatch: pytest.MonkeyPatch) -> None:
    """DATABASE_URL, HOST and PORT work without the prefix."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://x/y")
    monkeypatch.setenv("PORT", "81")
    assert (load_settings().effective_database_url, load_settings().port) == ("postgresql://x/y", 81)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prot = 1", "prot.*Did you mean port"),
        ("[mail]\nlisten_on = 1", "mail.listen_on.*Did you mean mail.listen"),
        ("port = 'x'", "port"),
        ("port = 99999", "port"),
        ("port = ", "contact-center.toml"),
        ("[mail]\nparse_workers = 0", "mail.parse_workers"),
    ],
)
def test_a_wrong_setting_is_named(text: str, words: str) -> None:
    """Unknown keys, wrong values and broken files stop the start with the name of what is wrong."""
    write(text)
    with pytest.raises(ConfigError, match=words):
        load_settings()


@pytest.mark.parametrize("names", [["MAIL", "MAIL__LISTEN"], ["MAIL__LISTEN", "MAIL"], ["MAIL"], ["MAIL__LISTEN__PORT"], ["NO_SUCH"]])
def test_a_wrong_variable_is_named(names: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment is held to the same names as the file."""
    for name in names:
        monkeypatch.setenv(f"CONTACT_CENTER_{name}", "x")
    with pytest.raises(ConfigError):
        load_settings()


def test_a_named_file_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that was asked for and is missing is an error, not a default."""
    monkeypatch.setenv("CONTACT_CENTER_CONFIG", "nowhere.toml")
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        load_settings()


def test_lists_come_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blanks and empty parts do not become addresses."""
    monkeypatch.setenv("CONTACT_CENTER_SECURITY__TRUSTED_PROXIES", "10.0.0.1, 10.0.0.2,")
    assert load_settings().security.trusted_proxies == ("10.0.0.1", "10.0.0.2")
    monkeypatch.setenv("CONTACT_CENTER_SECURITY__TRUSTED_PROXIES", "")
    assert load_settings().security.trusted_proxies == ()


@pytest.mark.parametrize(
    ("values", "fine"),
    [
        ({}, True),
        ({"host": "0.0.0.0"}, False),
        ({"host": "0.0.0.0", "public_url": "https://help.example.org"}, True),
        ({"host": "0.0.0.0", "public_url": "http://localhost"}, False),
        ({"host": "0.0.0.0", "security": {"allow_insecure_http": True}}, True),
        ({"public_url": "http://help.example.org"}, False),
    ],
)
def test_plain_http_is_for_loopback(values: dict[str, object], fine: bool) -> None:
    """Where a cookie could be read on the way the start is refused, unless it was asked for."""
    settings = Settings.model_validate(values)
    if fine:
        settings.check_transport()
    else:
        with pytest.raises(ConfigError):
            settings.check_transport()


def test_secrets_do_not_show() -> None:
    """Printing the settings does not print the key."""
    assert "sixteen" not in repr(Settings(secret_key="a secret of sixteen"))
