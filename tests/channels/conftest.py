"""The IMAP server as these tests need it: usable when root runs them, and without delays after a wrong password."""

import os
import pwd
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import servers

NO_DELAYS = """
auth_failure_delay = 0
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
"""


@pytest.fixture(scope="session")
def dovecot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Dovecot]:
    """A private Dovecot whose mailboxes belong to an ordinary user: it refuses those of root."""
    with servers.dovecot(tmp_path_factory.mktemp("dovecot")) as server:
        server.stop()
        config = server.folder / "dovecot.conf"
        text = config.read_text() + NO_DELAYS
        if os.geteuid() == 0:
            text = as_ordinary_user(server.folder, text)
        config.write_text(text)
        server.start()
        yield server


def as_ordinary_user(folder: Path, config: str) -> str:
    """The configuration with mailboxes of Debian's user `mail`, who is let into the folder."""
    account = pwd.getpwnam("mail")
    for parent in [folder, *folder.parents]:
        if parent == Path("/tmp"):
            break
        parent.chmod(parent.stat().st_mode | 0o011)
    for path in [folder / "mail", *(folder / "mail").rglob("*")]:
        os.chown(path, account.pw_uid, account.pw_gid)
    config = config.replace("uid=0 gid=0", f"uid={account.pw_uid} gid={account.pw_gid}")
    return config.replace("mail_uid = 0\nmail_gid = 0", f"mail_uid = {account.pw_uid}\nmail_gid = {account.pw_gid}")
