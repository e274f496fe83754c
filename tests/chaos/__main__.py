"""`make chaos`: every fault with every engine it applies to, one line a run; exit code 1 when something did not hold.

`python -m tests.chaos --seed 3 --rounds 2 "the last word is lost"` runs one fault twice, from seed 3 on.
"""

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests import servers
from tests.chaos import consoles, kill_points, machines, mailboxes, races, sending
from tests.chaos.house import House, Report, house
from tests.conftest import make_database

Run = Callable[[House], Awaitable[None]]


@dataclass(frozen=True)
class Fault:
    """One fault of the catalogue in docs/faults.md."""

    numbers: str
    name: str
    run: Run
    engines: tuple[str, ...] = ("sqlite",)
    copies: int = 1
    """How often a reply may arrive."""
    long: bool = False


BOTH = ("sqlite", "postgresql")


def _die_at(point: str) -> Run:
    async def run(tried: House) -> None:
        await asyncio.to_thread(tried.server.start)
        await tried.connect_mailbox()
        spared = await kill_points.die_at(tried, [point])
        assert not spared, f"{point} was not passed"
        tried.fault_ended = time.monotonic()
        await tried.quiet()

    return run


FAULTS: list[Fault] = [
    *(Fault("1-6", f"killed at {point}", _die_at(point), BOTH) for point in kill_points.POINTS),
    Fault("7", "killed at a system call", machines.killed_at_a_system_call),
    Fault("8", "cut in a literal", mailboxes.cut_in_a_literal),
    Fault("10", "numbered anew", mailboxes.numbered_anew, BOTH),
    Fault("12", "somebody else cleans up", mailboxes.somebody_else_cleans_up),
    Fault("13", "dead line", mailboxes.dead_line, long=True),
    Fault("15-16", "the same again", mailboxes.the_same_again, BOTH),
    Fault("17", "two read one mailbox", mailboxes.two_read_one_mailbox, BOTH),
    Fault("21", "database locked", machines.locked),
    Fault("22", "full disk", machines.full_disk),
    Fault("22", "full log and /tmp", machines.full_log_and_tmp),
    Fault("23", "a sync fails", machines.a_sync_fails),
    Fault("24", "cut at COMMIT", machines.cut_at_commit, ("postgresql",)),
    Fault("28", "a herd of consoles", consoles.a_herd_comes_back, long=True),
    Fault("30", "a hundred take one ticket", races.a_hundred_take_one_ticket, BOTH),
    Fault("31", "mail refused", sending.refused),
    Fault("32", "the last word is lost", sending.the_last_word_is_lost, copies=2),
    Fault("33", "the mail server goes and comes", sending.it_dies_and_comes_back),
    Fault("42", "wrong clock", machines.wrong_clock),
    Fault("43", "killed while migrating", machines.killed_while_migrating),
    Fault("47", "told to stop", machines.told_to_stop),
    Fault("48", "short of memory", machines.short_of_memory),
]


def main() -> int:
    """Run what is asked for and print a line for each."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("name", nargs="*", help="faults to run, by a part of their names (default: all but the long ones)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1, help="how many seeds, one after the other")
    parser.add_argument("--long", action="store_true", help="also those that take a quarter of an hour")
    wanted = parser.parse_args()
    chosen = [
        fault for fault in FAULTS if (any(name in fault.name for name in wanted.name) if wanted.name else wanted.long or not fault.long)
    ]
    unknown = [name for name in wanted.name if not any(name in fault.name for fault in FAULTS)]
    if unknown:
        parser.error(f"no such fault: {', '.join(unknown)}; there are: {', '.join(fault.name for fault in FAULTS)}")
    broken = 0
    with tempfile.TemporaryDirectory(prefix="cc-chaos-", ignore_cleanup_errors=True) as folder, _postgres(Path(folder)) as server:
        for seed in range(wanted.seed, wanted.seed + wanted.rounds):
            for fault in chosen:
                for engine in fault.engines:
                    report = asyncio.run(_try(fault, engine, seed, Path(folder), server))
                    print(report.line(), flush=True)
                    broken += bool(report.broken)
    print(f"{broken} runs did not hold" if broken else "every run holds")
    return 1 if broken else 0


@contextlib.contextmanager
def _postgres(folder: Path) -> Iterator[str]:
    (folder / "postgres").mkdir()
    with servers.postgres(folder / "postgres") as url:
        yield url


async def _try(fault: Fault, engine: str, seed: int, folder: Path, server: str) -> Report:
    report = Report(fault.name, engine, seed)
    place = Path(tempfile.mkdtemp(prefix="run-", dir=folder))
    place.chmod(0o755)
    (place / "dovecot").mkdir()
    url = await make_database(server) if engine == "postgresql" else ""
    with servers.dovecot(place / "dovecot") as mailbox:
        async with house(place / "house", mailbox, database_url=url, seed=seed) as tried:
            try:
                await fault.run(tried)
                await tried.check(report, copies=fault.copies)
            except Exception as error:
                traceback.print_exc(file=sys.stderr)
                with contextlib.suppress(FileNotFoundError):
                    print((place / "house" / "server.log").read_text()[-3000:], file=sys.stderr)
                report.broken.append(f"{type(error).__name__}: {str(error)[:200]}")
    return report


if __name__ == "__main__":
    sys.exit(main())
