"""The product as a real process that may be killed, stopped, started with a fault in it, and measured."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from contact_center import failpoints
from tests.servers import free_port

START_SECONDS = 60.0


class Server:
    """One process of the product, with its parser process, on fixed ports over a folder."""

    def __init__(self, folder: Path, database_url: str = "", *, role: str = "all") -> None:
        self.folder = folder
        self.database_url = database_url
        self.role = role
        self.web, self.mail = free_port(), free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.starts = 0
        self.peak_kb = 0

    @property
    def url(self) -> str:
        """Address of its API."""
        return f"http://127.0.0.1:{self.web}"

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process is not None and self.process.poll() is None

    def start(
        self,
        orders: str = "",
        *,
        before: Sequence[str] = (),
        memory_mb: int = 0,
        file_mb: int = 0,
        log: Path | None = None,
        wait: bool = True,
        **extra: str,
    ) -> bool:
        """Start it; whether it came up. `orders` for failpoints, `before` a program that runs it (strace, faketime)."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("CONTACT_CENTER_")}
        environment |= {
            "CONTACT_CENTER_DATA_DIR": str(self.folder),
            "CONTACT_CENTER_HOST": "127.0.0.1",
            "CONTACT_CENTER_PORT": str(self.web),
            "CONTACT_CENTER_MAIL__LISTEN": f"127.0.0.1:{self.mail}",
            "CONTACT_CENTER_MAIL__UNDO_SEND_SECONDS": "0",
            "CONTACT_CENTER_SECURITY__LOGIN_ATTEMPTS_PER_MINUTE": "1000",
            "CONTACT_CENTER_LOG_LEVEL": "warning",
            failpoints.VARIABLE: orders,
        }
        if self.database_url:
            environment["CONTACT_CENTER_DATABASE_URL"] = self.database_url
        program = [*before, str(Path(sys.executable).with_name("contact-center")), "serve", "--role", self.role]

        def limit() -> None:
            if memory_mb:
                resource.setrlimit(resource.RLIMIT_AS, (memory_mb << 20, memory_mb << 20))
            if file_mb:
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_mb << 20, file_mb << 20))

        with (log or self.folder.parent / "server.log").open("ab") as out:
            self.process = subprocess.Popen(
                program, env=environment | extra, cwd=self.folder.parent, stdout=out, stderr=out, start_new_session=True, preexec_fn=limit
            )
        self.starts += 1
        return self.wait_until_up() if wait else True

    def wait_until_up(self) -> bool:
        """Wait until it answers; False when it died before."""
        deadline = time.monotonic() + START_SECONDS
        while self.alive and time.monotonic() < deadline:
            with contextlib.suppress(OSError, urllib.error.URLError), urllib.request.urlopen(f"{self.url}/healthz", timeout=2):
                return True
            time.sleep(0.03)  # a port has no news to wait for
        return False

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and its children."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """End it and its children without a warning."""
        self.measure()
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait(20)

    def bury(self) -> int | None:
        """After it died by itself: end the children that it left; its exit code, None when it lives."""
        if self.process is None or self.alive:
            return None
        self.signal(signal.SIGKILL)
        return self.process.returncode

    def measure(self) -> int:
        """The most memory it and its children had at once so far, in kB, as far as was looked."""
        total = 0
        for pid in self._group():
            with contextlib.suppress(OSError, ValueError):
                lines = Path(f"/proc/{pid}/status").read_text().splitlines()
                total += next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)
        self.peak_kb = max(self.peak_kb, total)
        return total

    def _group(self) -> list[int]:
        if self.process is None:
            return []
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                if entry.name.isdigit() and os.getpgid(int(entry.name)) == self.process.pid:
                    found.append(int(entry.name))
        return found
