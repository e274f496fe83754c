"""`make fuzz`: inputs by the ten thousand for every reader, in processes of their own, and the whole API by its document.

One line for each target; every input that breaks something is kept in a folder, as it was, with what it broke.
"""

import argparse
import multiprocessing
import sys
from pathlib import Path

from tests.fuzz import product
from tests.fuzz.runner import fuzz, keep, limit
from tests.fuzz.targets import targets


def main() -> int:
    """Run it. Exit code 1 when anything broke."""
    asked = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--count", type=int, default=10_000, help="inputs for each reader")
    asked.add_argument("--target", action="append", help="only these readers; `api` is the API by its document")
    asked.add_argument(
        "--api-examples", type=int, default=5, help="right and wrong requests for each route, each sent as everybody there is"
    )
    asked.add_argument("--folder", type=Path, default=Path("fuzz-failures"))
    given = asked.parse_args()
    failed = 0
    print(f"{'target':16}{'inputs':>8}{'refused':>9}{'broken':>8}{'slowest':>10}", flush=True)
    with multiprocessing.get_context("spawn").Pool(max(1, multiprocessing.cpu_count()), limit, maxtasksperchild=20) as pool:
        for target in targets():
            if given.target and target.name not in given.target:
                continue
            result = fuzz(target.name, given.seed, given.count, pool)
            print(f"{target.name:16}{given.count:>8}{result.refused:>9}{len(result.failures):>8}{result.slowest:>9.2f}s", flush=True)
            if result.failures:
                keep(given.folder, target.name, result)
                failed += len(result.failures)
    if not given.target or "api" in given.target:
        failed += product.run(given.api_examples, given.seed, given.folder)
    if failed:
        print(f"{failed} inputs broke something; they are in {given.folder}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
