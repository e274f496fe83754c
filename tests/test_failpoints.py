"""Failpoints: orders are read strictly, and every place that is named is passed somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from contact_center import failpoints

ROOT = Path(failpoints.__file__).parent


def test_every_place_is_named_and_passed() -> None:
    """The catalogue and the code name the same places."""
    code = "".join(path.read_text() for path in ROOT.rglob("*.py") if "node_modules" not in path.parts)
    assert set(re.findall(r'failpoints\.reach\("([a-z.]+)"\)', code)) == set(failpoints.POINTS)


@pytest.mark.parametrize("order", ["intake.accepted", "nowhere=kill", "intake.accepted=explode", "intake.accepted=kill@x"])
def test_a_wrong_order_is_refused(order: str) -> None:
    """An order that nobody can follow is an error at once, not a fault that never happens."""
    with pytest.raises(ValueError, match=r"FAILPOINTS|invalid literal"):
        failpoints._read(order)


def test_an_order_is_followed_on_its_pass() -> None:
    """`kill@2` ends the process on the second pass, `fail@*` raises on every one."""
    code = "from contact_center import failpoints as f\nfor n in range(3): print(n, flush=True); f.reach('intake.parsed')"
    done = subprocess.run(
        [sys.executable, "-c", code], env={failpoints.VARIABLE: "intake.parsed=kill@2"}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.split()) == (-9, ["0", "1"])
