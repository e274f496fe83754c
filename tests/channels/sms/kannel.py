"""A real Kannel of one's own on free ports: its core, its smsbox, and handsets played by its `fakesmsc`."""

import contextlib
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from tests.servers import free_port, need, wait_for_port

USER, PASSWORD, NUMBER = "desk", "kannel-password", "7000"
TESTS = "/usr/lib/kannel/test"

CONF = """
group = core
admin-port = {admin}
admin-password = x
smsbox-port = {boxes}
admin-interface = "127.0.0.1"
smsbox-interface = "127.0.0.1"
box-allow-ip = "127.0.0.1"
log-file = "{folder}/bearerbox.log"
log-level = 1
dlr-storage = internal
store-type = file
store-location = "{folder}/store"
sms-combine-concatenated-mo = {plain}

group = smsc
smsc = fake
smsc-id = FAKE
port = {smsc}
host = 127.0.0.1
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {sendsms}
sendsms-interface = "127.0.0.1"
log-file = "{folder}/smsbox.log"
log-level = 1
mo-recode = {plain}
http-request-retry = 20
http-queue-delay = 1

group = sendsms-user
username = {user}
password = {password}
user-allow-ip = "127.0.0.1"
concatenation = true
max-messages = 10

group = sms-service
keyword = default
catch-all = true
max-messages = 0
post-url = "{hook}/mo?from=%p&to=%P&charset=%C&coding=%c&udh=%u&id=%I&ts=%T&secret={secret}"
"""


@dataclass
class Gateway:
    """A running Kannel. Its hook is written into its configuration, so it starts after the product."""

    folder: Path
    admin: int = field(default_factory=free_port)
    boxes: int = field(default_factory=free_port)
    smsc: int = field(default_factory=free_port)
    sendsms: int = field(default_factory=free_port)
    processes: "list[subprocess.Popen[bytes]]" = field(default_factory=list)
    handset: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """Where it takes messages."""
        return f"http://127.0.0.1:{self.sendsms}/cgi-bin/sendsms"

    def start(self, hook: str, secret: str, *, plain: bool = True) -> None:
        """Start core and smsbox, and wait until messages are taken. `plain`: parts are joined, and texts recoded to UTF-8."""
        values = {"folder": self.folder, "admin": self.admin, "boxes": self.boxes, "smsc": self.smsc, "sendsms": self.sendsms}
        conf = self.folder / "kannel.conf"
        conf.write_text(CONF.format(**values, user=USER, password=PASSWORD, hook=hook, secret=secret, plain=str(plain).lower()))
        for program, port in (("bearerbox", self.smsc), ("smsbox", self.sendsms)):
            path = need(program, "kannel")
            self.processes.append(subprocess.Popen([path, str(conf)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            wait_for_port(port)

    def write(self, sender: str, kind: str, content: str) -> None:
        """A handset that writes one message, and stays to take what is sent to it. There is one at a time."""
        self._put_away()
        program = need("fakesmsc", "kannel-extras", TESTS)
        message = f"{sender} {NUMBER} {kind} {content}"
        log = (self.folder / "handsets.log").open("ab")
        self.handset = subprocess.Popen([program, "-H", "127.0.0.1", "-r", str(self.smsc), "-m", "1", message], stdout=log, stderr=log)
        log.close()
        time.sleep(0.4)  # the gateway forgets what it has not read when the line is closed, and nothing says that it has read

    def write_text(self, sender: str, text: str) -> None:
        """The same in the alphabet that the text needs."""
        if text.isascii():
            self.write(sender, "text", text)
        else:
            self.write(sender, "ucs2", quote(text.encode("utf-16-be"), safe=""))

    def received(self) -> list[tuple[str, str, str]]:
        """What the handsets got: sender, receiver, text."""
        log = self.folder / "handsets.log"
        lines = re.findall(rb"Got message \d+: <(\S+) (\S+) (.*)>\n", log.read_bytes()) if log.exists() else []
        return [(sender.decode(), receiver.decode(), _text(rest)) for sender, receiver, rest in lines]

    def stop(self) -> None:
        """Stop everything that was started."""
        self._put_away()
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()

    def _put_away(self) -> None:
        if self.handset is not None:
            self.handset.terminate()
            self.handset.wait(20)
            self.handset = None


def _text(rest: bytes) -> str:
    """The text of a line of fakesmsc's log: `text Hello`, `ucs-2 %04%1F`, `udh %05… data Hello`."""
    kind, _, content = rest.partition(b" ")
    if kind == b"udh":
        kind, _, content = content.partition(b" ")[2].partition(b" ")
    if kind == b"text":
        return content.decode()
    octets = unquote_to_bytes(content.replace(b"+", b" "))
    return octets.decode("utf-16-be") if kind == b"ucs-2" else octets.decode()


@contextlib.contextmanager
def gateway(folder: Path) -> Iterator[Gateway]:
    """A Kannel that is stopped at the end; it is started by the test, which knows the hook."""
    need("bearerbox", "kannel")
    need("fakesmsc", "kannel-extras", TESTS)
    folder.mkdir(parents=True, exist_ok=True)
    made = Gateway(folder)
    try:
        yield made
    finally:
        made.stop()
