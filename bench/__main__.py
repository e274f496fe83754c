"""The command line of the benchmark."""

import argparse
import importlib
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

SUBJECTS = (
    "ingest", "bulk", "recovery", "delivered", "history", "fanout", "store", "search", "contacts", "calls", "screen", "lists", "memory",
    "routing", "figures", "rules", "board",
)  # fmt: skip


def main() -> int:
    """Run the subjects that were named, or all of them; 1 if one of them broke."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the product beside its references.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"any of: {', '.join(SUBJECTS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="fewer mails, fewer rounds")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything started here is ended
    unknown = [name for name in arguments.names if name not in SUBJECTS]
    if unknown:
        parser.error(f"no such subject: {', '.join(unknown)}; there are {', '.join(SUBJECTS)}")
    return max([_run(name, arguments.quick) for name in arguments.names or SUBJECTS])


def _run(name: str, quick: bool) -> int:
    """Run one subject in a scratch folder of its own, which is gone afterwards."""
    from bench.places import Setting, quiet, say

    scratch = Path(tempfile.mkdtemp(prefix="contact-center-bench-"))
    scratch.chmod(0o755)  # PostgreSQL runs as a user of its own
    quiet()
    began = time.monotonic()
    print(f"\n=== {name} {'(quick)' if quick else ''}".rstrip(), flush=True)
    try:
        importlib.import_module(f"bench.{name}").run(Setting(scratch, quick))
    except Exception:
        traceback.print_exc()
        say(f"{name} broke; see above")
        return 1
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    say(f"{name}: {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
