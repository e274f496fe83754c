"""A private Dovecot whose mailbox is filled before it is read."""

import contextlib
import os
import pwd
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.corpus import Corpus, fill_mailbox
from bench.places import Setting, say


@contextlib.contextmanager
def mailboxes(setting: Setting, corpus: Corpus | None = None) -> Iterator[Any]:
    """A running Dovecot, None when there is none; with a corpus, INBOX holds it in order and Shuffled in disorder."""
    from _pytest.outcomes import Failed

    folder = setting.folder("dovecot")
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(_dovecot(folder, corpus))
        except (Failed, OSError, TimeoutError) as error:
            say(f"no Dovecot: {error}")
            server = None
        yield server


@contextlib.contextmanager
def _dovecot(folder: Path, corpus: Corpus | None) -> Iterator[Any]:
    """Like the tests' server, but the mailbox belongs to an ordinary user: Dovecot opens none as root."""
    from tests import servers

    root = os.geteuid() == 0
    owner = pwd.getpwnam("nobody") if root else pwd.getpwuid(os.geteuid())
    login = pwd.getpwnam("dovenull") if root else owner
    server = servers.Dovecot(folder, servers.free_port(), servers.free_port(), servers.free_port())
    text = servers.DOVECOT_CONF.format(
        folder=folder,
        port=server.port,
        lmtp_port=server.lmtp_port,
        user=owner.pw_uid,
        group=owner.pw_gid,
        login=login.pw_name,
        login_group=login.pw_name,
    )
    (folder / "dovecot.conf").write_text(text)
    (folder / "oauth2.conf").write_text(servers.OAUTH2_CONF.format(port=server.provider_port))
    if corpus is not None:
        fill_mailbox(server.maildir, corpus, shuffled=False)
        fill_mailbox(server.maildir / ".Shuffled", corpus, shuffled=True)
    server.maildir.mkdir(parents=True, exist_ok=True)
    if root:
        for path in [folder / "mail", *(folder / "mail").rglob("*")]:
            shutil.chown(path, owner.pw_uid, owner.pw_gid)
    try:
        server.start()
        if corpus is not None:
            _warm(server.port)
        yield server
    finally:
        server.stop()


def _warm(port: int) -> None:
    """Let the server index the folders, as it would have while the mails were delivered one by one."""
    from imapclient import IMAPClient

    with IMAPClient("127.0.0.1", port, ssl=False) as client:
        client.login("ivan", "secret")
        for folder in ("INBOX", "Shuffled"):
            client.select_folder(folder, readonly=True)
            client.fetch(client.search("ALL"), ["RFC822.SIZE"])
