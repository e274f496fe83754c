"""The table of faults: all forty-eight, and every proof that it names exists."""

import re
from pathlib import Path

from tests.chaos.__main__ import FAULTS

ROOT = Path(__file__).parents[2]
TABLE = (ROOT / "docs" / "faults.md").read_text()
ROWS = [line.split(" | ") for line in TABLE.splitlines() if re.match(r"\| \d+ \|", line)]


def test_every_fault_stands_in_the_table_once() -> None:
    """The table says of each of the forty-eight faults how it stands and why."""
    assert [int(row[0].strip("| ")) for row in ROWS] == list(range(1, 49))
    assert {row[2] for row in ROWS} <= {"holds", "holds in part", "fails", "not tried", "does not apply yet"}


def test_every_named_test_exists() -> None:
    """A proof that was renamed or removed is missed here."""
    missing = []
    for path, name in re.findall(r"(tests/[a-z_/]+\.py)(?:::(test_\w+))?", TABLE):
        file = ROOT / path
        if not file.is_file() or (name and f"def {name}(" not in file.read_text()):
            missing.append(f"{path}::{name}")
    assert missing == []


def test_every_named_run_exists() -> None:
    """What the table calls a run of `make chaos` is one, and no run is forgotten in it."""
    named = {name.strip() for part in re.findall(r"chaos: ([^;|(]+)", TABLE) for name in part.split(",")}
    assert named - {fault.name for fault in FAULTS} == set()
    in_suite_only = {"killed at journal.read", "killed at index.written"}
    assert {fault.name for fault in FAULTS} - named == in_suite_only
