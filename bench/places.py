"""Where things are: scratch folders, the cache of peers, the reference scripts, and fresh databases."""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PERF = ROOT.parent / "shared" / "perf"
CACHE = Path.home() / ".cache" / "contact-center-bench"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Setting:
    """What a subject is given."""

    scratch: Path
    quick: bool

    def folder(self, name: str) -> Path:
        """A new folder of its own."""
        path = self.scratch / f"{name}-{next(_numbers)}"
        path.mkdir(parents=True)
        return path


def say(text: str) -> None:
    """A line beside the tables."""
    print(f"  - {text}", flush=True)


def quiet() -> None:
    """Let the product log errors only."""
    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))


def has_references() -> bool:
    """Whether the reference scripts are there; says so when they are not."""
    if PERF.is_dir():
        return True
    say("the reference scripts are not at ../shared/perf: no raw reference")
    return False


Fresh = Callable[[], str]


@contextlib.contextmanager
def engines(setting: Setting) -> Iterator[dict[str, Fresh]]:
    """Each engine there is, as a maker of fresh database URLs."""
    with contextlib.ExitStack() as stack:
        found: dict[str, Fresh] = {"sqlite": lambda: _sqlite(setting.folder("sqlite") / "bench.sqlite3")}
        server = _postgres(setting, stack)
        if server is not None:
            found["postgresql"] = lambda: asyncio.run(_create_database(server))
        yield found


def _sqlite(path: Path) -> str:
    """An empty database in WAL mode already: two connections that switch a new file at once may find it locked."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    return f"sqlite:///{path}"


def _postgres(setting: Setting, stack: contextlib.ExitStack) -> str | None:
    from _pytest.outcomes import Failed

    from tests import servers

    try:
        server = stack.enter_context(servers.postgres(setting.folder("postgres")))
    except (Failed, OSError, subprocess.CalledProcessError, TimeoutError) as error:
        say(f"no PostgreSQL: {error}")
        return None
    say("PostgreSQL is a private server with fsync=off, for the product and the reference alike")
    return server


async def _create_database(server: str) -> str:
    import asyncpg

    name = f"bench_{next(_numbers)}"
    connection = await asyncpg.connect(f"{server}/postgres")
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    return f"{server}/{name}"


def reference(script: str, *arguments: object, scratch: Path) -> Any:
    """Run a reference in a process of its own (see `references.py`) and return what it printed as JSON."""
    from bench import peers

    python = peers.python_with_drivers()
    command = [str(python), str(ROOT / "bench" / "references.py"), str(PERF), str(scratch), script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=PERF, check=False)
    if done.returncode:
        raise RuntimeError(f"reference {script} failed: {done.stderr[-800:]}")
    return json.loads(done.stdout.splitlines()[-1])


@contextlib.contextmanager
def process(command: Sequence[str], **options: Any) -> Iterator["subprocess.Popen[str]"]:
    """A process that ends with the block."""
    started = subprocess.Popen(list(command), stdout=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True, **options)
    try:
        yield started
    finally:
        started.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            started.wait(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)  # and whatever it left behind
        started.wait(5)
        assert started.stdout is not None
        started.stdout.close()


@contextlib.contextmanager
def served(setting: Setting, database_url: str, *options: str) -> Iterator[dict[str, Any]]:
    """The product in a process of its own (see `serve.py`); yields its addresses and a session cookie."""
    command = [sys.executable, "-m", "bench.serve", str(setting.folder("data")), database_url, *options]
    with process(command) as server:
        yield first_line(server)


def first_line(server: "subprocess.Popen[str]") -> dict[str, Any]:
    """What a server said of itself when it was ready."""
    assert server.stdout is not None
    line = server.stdout.readline()
    if not line:
        raise RuntimeError(f"the server did not start (exit code {server.poll()})")
    found: dict[str, Any] = json.loads(line)
    return found


def node_environment() -> dict[str, str]:
    """The environment in which Node finds the packages of the cache."""
    return os.environ | {"NODE_PATH": str(CACHE / "node" / "node_modules")}
