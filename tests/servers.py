"""Real peers for tests, started privately on free loopback ports: PostgreSQL, Dovecot. Missing ones fail with the reason."""

import contextlib
import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def need(program: str, package: str, *folders: str) -> str:
    """The path of a program, or a failure that names the Debian package."""
    found = shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", *folders]))
    if found is None:
        pytest.fail(f"{program} is missing: install Debian's {package} (make test does it when run as root)", pytrace=False)
    return found


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A PostgreSQL of its own; yields its URL without a database name."""
    folders = sorted((str(path) for path in Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
    initdb, server = need("initdb", "postgresql", *folders), need("postgres", "postgresql", *folders)
    port, data = free_port(), folder / "pg"
    as_user: dict[str, object] = {}
    if os.geteuid() == 0:  # initdb refuses root
        account = pwd.getpwnam("postgres")
        as_user = {"user": account.pw_uid, "group": account.pw_gid}
        data.mkdir()
        os.chown(data, account.pw_uid, account.pw_gid)
        for parent in [folder, *folder.parents]:
            if parent == Path("/tmp"):
                break
            parent.chmod(parent.stat().st_mode | 0o011)
    run = {"check": True, "stdout": subprocess.DEVNULL, "cwd": "/", **as_user}
    subprocess.run([initdb, "-D", str(data), "-U", "cc", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"], **run)  # type: ignore[call-overload]
    options = ["-c", "fsync=off", "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={data}", "-c", "max_connections=200"]
    process = subprocess.Popen([server, "-D", str(data), "-p", str(port), *options], stderr=subprocess.DEVNULL, cwd="/", **as_user)  # type: ignore[call-overload]
    try:
        wait_for_port(port)
        _wait_until_ready(need("pg_isready", "postgresql-client-common", *folders), port)
        yield f"postgresql://cc@127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)  # a fast shutdown: does not wait for clients
        process.wait(20)


def _wait_until_ready(pg_isready: str, port: int) -> None:
    """A PostgreSQL that listens may still be starting."""
    for _ in range(200):
        if subprocess.run([pg_isready, "-q", "-h", "127.0.0.1", "-p", str(port)], check=False).returncode == 0:
            return
        time.sleep(0.05)
    raise TimeoutError("PostgreSQL did not become ready")


@dataclass
class Dovecot:
    """A private IMAP server with one mailbox: user `ivan`, any folder, password `secret`."""

    folder: Path
    port: int
    lmtp_port: int
    provider_port: int
    """Where it asks whether an access token holds: `testing.FakeProvider` answers."""
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def maildir(self) -> Path:
        """The mailbox on disk."""
        return self.folder / "mail" / "ivan" / "Maildir"

    def start(self) -> None:
        """Start it and wait until it answers."""
        program = need("dovecot", "dovecot-imapd")
        self.process = subprocess.Popen([program, "-F", "-c", str(self.folder / "dovecot.conf")], stderr=subprocess.DEVNULL)
        wait_for_port(self.port)

    def stop(self) -> None:
        """Stop it."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None


DOVECOT_CONF = """
protocols = imap lmtp
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail/%u/Maildir
mail_uid = {user}
mail_gid = {group}
first_valid_uid = 0
first_valid_gid = 0
default_login_user = {login}
default_internal_user = {login}
default_internal_group = {login_group}
auth_mechanisms = plain login xoauth2 oauthbearer
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2.conf
}}
passdb {{
  driver = static
  mechanisms = plain login
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/mail/%u allow_all_users=yes
}}
auth_failure_delay = 0
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp_port}
  }}
}}
"""


OAUTH2_CONF = """
introspection_mode = post
introspection_url = http://127.0.0.1:{port}/introspect
username_attribute = email
active_attribute = active
active_value = true
"""


@contextlib.contextmanager
def dovecot(folder: Path) -> Iterator[Dovecot]:
    """A running private Dovecot."""
    need("dovecot", "dovecot-imapd")
    server = Dovecot(folder, free_port(), free_port(), free_port())
    (folder / "mail" / "ivan").mkdir(parents=True)
    # Dovecot refuses mailboxes of root, and has system users of its own for its unprivileged parts; without root
    # everything runs as who started it.
    owner = pwd.getpwnam("mail") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    login, login_group = ("dovenull", "dovenull") if os.geteuid() == 0 else (owner.pw_name, grp.getgrgid(owner.pw_gid).gr_name)
    _let_in(folder, owner)
    text = DOVECOT_CONF.format(
        folder=folder,
        port=server.port,
        lmtp_port=server.lmtp_port,
        user=owner.pw_uid,
        group=owner.pw_gid,
        login=login,
        login_group=login_group,
    )
    (folder / "dovecot.conf").write_text(text)
    (folder / "oauth2.conf").write_text(OAUTH2_CONF.format(port=server.provider_port))
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _let_in(folder: Path, owner: pwd.struct_passwd) -> None:
    """Let an ordinary user reach a test folder, and own the mailboxes in it."""
    for parent in [folder, *folder.parents]:
        if parent == Path(tempfile.gettempdir()):
            break
        parent.chmod(parent.stat().st_mode | 0o011)
    for path in [folder / "mail", *(folder / "mail").rglob("*")]:
        os.chown(path, owner.pw_uid, owner.pw_gid)


def wait_for_port(port: int, seconds: float = 20.0) -> None:
    """Wait until something listens on a loopback port."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")
