"""Runs one figure of a reference script: `references.py PERF SCRATCH NAME [arguments]`, result as JSON on stdout.

The scripts fix their own folders and measure everything when they are run, so their text is read, the folders are put
where the benchmark wants them, the measuring at the end is left out, and one of their functions is called. Standard
library only: it runs in whatever Python has the drivers.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

SCRATCH = "/var/tmp/cc-perf"


def load(perf: Path, scratch: Path, name: str, changes: dict[str, str], until: str | None = None) -> dict[str, Any]:
    """The names a script defines, with some of its text changed, and nothing run from `until` on."""
    text = (perf / f"{name}.py").read_text("utf-8")
    if until is not None:
        text = text[: text.index(until)]
    for old, new in ({SCRATCH: str(scratch)} | changes).items():
        text = text.replace(old, new)
    names: dict[str, Any] = {"__name__": name}
    module = type(sys)(name)
    module.__dict__.update(names)
    sys.modules[name] = module  # the scripts import one another
    exec(compile(text, name, "exec"), module.__dict__)
    return module.__dict__


def ingest(perf: Path, scratch: Path, corpus: str, count: str) -> dict[str, Any]:
    """Mails per second of the bare pipeline, compat32, one commit each."""
    os.makedirs(scratch / "db", exist_ok=True)
    names = load(perf, scratch, "g_pipeline", {f"{scratch}/mails2000": corpus, f"{SCRATCH}/mails2000": corpus}, "\nfor l,g,ps,s in")
    rate, (tickets, true, right, attachments) = names["run"](int(count), 1, names["parse_compat"], "normal")
    return {"rate": rate, "tickets": tickets, "true": true, "right": right, "attachments": attachments}


def store_sqlite(perf: Path, scratch: Path, count: str, sync: str) -> dict[str, Any]:
    """Messages per second of raw sqlite3, one commit each."""
    names = load(perf, scratch, "a_sqlite", {})
    return {"rate": names["raw"]("r", sync, int(count))}


def store_postgresql(perf: Path, scratch: Path, count: str, dsn: str) -> dict[str, Any]:
    """Messages per second of one statement a message on one connection."""
    load(perf, scratch, "a_sqlite", {})
    names = load(perf, scratch, "a_pg", {"postgresql://bench:bench@127.0.0.1:55432/bench": dsn})
    return {"rate": asyncio.run(names["cte"](int(count)))}


def main() -> None:
    """Run what the command line names."""
    sys.dont_write_bytecode = True
    perf, scratch, name, *arguments = sys.argv[1:]
    sys.path[0] = perf
    figures = {"ingest": ingest, "store_sqlite": store_sqlite, "store_postgresql": store_postgresql}
    print(json.dumps(figures[name](Path(perf), Path(scratch), *arguments)))


if __name__ == "__main__":
    main()
