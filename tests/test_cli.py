"""The command line, called as people call it."""

import asyncio
import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contact_center import __version__
from contact_center.app import open_database
from contact_center.cli import app
from contact_center.config import load_settings
from contact_center.errors import ConfigError
from contact_center.model.words import Role
from contact_center.store.repositories import access


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONTACT_CENTER_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def run(*arguments: str) -> tuple[int, str]:
    """Exit code and output of one call."""
    result = CliRunner().invoke(app, list(arguments))
    if isinstance(result.exception, ConfigError):
        raise result.exception
    return result.exit_code, result.output


def test_version() -> None:
    """--version prints the version."""
    assert run("--version") == (0, f"{__version__}\n")


def test_openapi() -> None:
    """openapi prints the document."""
    code, output = run("openapi")
    assert code == 0
    assert json.loads(output)["openapi"].startswith("3.1")


def test_config_show_masks_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """No secret of the settings is printed, not even the database's password."""
    monkeypatch.setenv("CONTACT_CENTER_SECRET_KEY", "topsecret-topsecret")
    monkeypatch.setenv("CONTACT_CENTER_SECURITY__METRICS_TOKEN", "topsecret-token")
    monkeypatch.setenv("CONTACT_CENTER_DATABASE_URL", "postgresql://cc:topsecret@db/cc")
    code, output = run("config", "show")
    assert code == 0
    assert "topsecret" not in output
    assert "@db/cc" in output


def test_unknown_setting_names_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistyped setting is refused and the nearest known one named."""
    monkeypatch.setenv("CONTACT_CENTER_SECURITY__SESSION_IDLE_HOUR", "1")
    with pytest.raises(ConfigError, match=r"security\.session_idle_hours"):
        run("config", "show")


def test_migrate_check() -> None:
    """migrate --check says no before and yes after migrating."""
    assert run("migrate", "--check")[0] == 1
    assert run("migrate")[0] == 0
    assert run("migrate", "--check") == (0, "current\n")


def test_doctor() -> None:
    """doctor finds fault with an empty database and none with a migrated one."""
    assert run("doctor", "--json")[0] == 1
    run("migrate")
    code, output = run("doctor", "--json")
    assert code == 0
    assert json.loads(output)["migrated"] == "ok"


def test_users() -> None:
    """user list is empty at first, and inviting a stranger fails."""
    run("migrate")
    code, output = run("user", "list", "--json")
    assert (code, json.loads(output)) == (0, [])
    assert run("user", "invite", "nobody@example.com")[0] == 1


def test_backup_and_restore(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backup is written, verified and restored by the command line; a passphrase too short or missing is refused."""
    run("migrate")
    code, output = run("backup", "--json", str(tmp_path / "b"))
    assert code == 0
    assert json.loads(output)["has_key"] is False
    assert run("backup", "--verify", str(tmp_path / "b"))[0] == 0
    with pytest.raises(ConfigError, match="passphrase is needed"):
        run("backup", "--encrypt", str(tmp_path / "sealed"))
    monkeypatch.setenv("CC_BACKUP_PASSPHRASE", "short")
    with pytest.raises(ConfigError, match="too short"):
        run("backup", "--encrypt", str(tmp_path / "sealed"))
    (tmp_path / "phrase").write_text("long enough for this\n")
    assert run("backup", "--encrypt", "--passphrase-file", str(tmp_path / "phrase"), str(tmp_path / "sealed"))[0] == 0
    code, output = run("restore", "--passphrase-file", str(tmp_path / "phrase"), str(tmp_path / "sealed"))
    assert code == 0, output
    assert "set aside" in output or "before is in" in output


def _audited() -> None:
    """A database with two entries in its audit log: an invitation and a rotated key."""
    run("migrate")

    async def prepare() -> None:
        store = await open_database(load_settings())
        await store.write(access.add_user, 1, "anna@example.com", "Anna", Role.AGENT, None, datetime.now(UTC))
        await store.close()

    asyncio.run(prepare())
    assert run("user", "invite", "anna@example.com")[0] == 0
    assert run("rotate-key", "--forget")[0] == 0


def test_audit_verify_and_export(data: Path) -> None:
    """What the command line does stands in the log too, holds over a rotated and forgotten key, and can be printed."""
    _audited()
    assert run("audit", "verify") == (0, "2 entries, all as they were written.\n")
    code, output = run("audit", "export")
    lines = [json.loads(line) for line in output.splitlines()]
    assert code == 0
    assert [line["action"] for line in lines] == ["invitation.made", "key.rotated", "data.exported"]
    assert {line["actor"] for line in lines} == {"command line"}
    assert len({line["hash"].partition(".")[0] for line in lines}) == 2


def test_audit_verify_names_the_altered_entry(data: Path) -> None:
    """Somebody with the database in hand changed an entry."""
    _audited()
    database = sqlite3.connect(data / "contact-center.sqlite3")
    database.execute("UPDATE audit_entry SET actor = 'nobody' WHERE number = 2")
    database.commit()
    database.close()
    code, output = run("audit", "verify")
    assert code == 1
    assert output.startswith("Entry 2: altered")
