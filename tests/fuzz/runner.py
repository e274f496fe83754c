"""Inputs in processes of their own, bounded in time and memory as the product's parsers are; what breaks something is kept."""

import faulthandler
import hashlib
import random
import resource
import signal
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from tests.fuzz.targets import READ, targets

SECONDS = 30  # that one input may take, as in the product
MEMORY = 3 * 1024**3  # bytes of address space, as a parser process has
PORTION = 250


class Hangs(BaseException):
    """The input took too long."""


@dataclass
class Result:
    """What became of a portion of inputs."""

    read: int = 0
    refused: int = 0
    slowest: float = 0.0
    failures: list[tuple[bytes, str]] = field(default_factory=list)

    def add(self, other: "Result") -> None:
        """Join another one's counts."""
        self.read += other.read
        self.refused += other.refused
        self.slowest = max(self.slowest, other.slowest)
        self.failures += other.failures


def portion(name: str, seed: int, start: int, count: int) -> Result:
    """Inputs `start` to `start + count` of a target; each follows from seed, target and number alone."""
    target = next(each for each in targets() if each.name == name)
    result = Result()
    for number in range(start, start + count):
        content = target.input(random.Random(f"{seed} {name} {number}"))
        began = time.perf_counter()
        signal.alarm(SECONDS)
        try:
            word = target.run(content)
            result.read += word == READ
            result.refused += word != READ
        except (Exception, Hangs) as error:
            signal.alarm(0)
            result.failures.append((content, _told(error, number)))
        finally:
            signal.alarm(0)
        result.slowest = max(result.slowest, time.perf_counter() - began)
    return result


def _told(error: BaseException, number: int) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"{type(error).__name__}: {str(error)[:300]}\n{Path(frame.filename).name}:{frame.lineno}\nnumber {number}\n"
        + "".join(traceback.format_exception(error)[-12:])[-4000:]
    )


def limit() -> None:
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    def late(_signal: int, _frame: FrameType | None) -> None:
        raise Hangs(f"more than {SECONDS} seconds")

    signal.signal(signal.SIGALRM, late)


def _portions(name: str, seed: int, count: int) -> Iterator[tuple[str, int, int, int]]:
    for start in range(0, count, PORTION):
        yield name, seed, start, min(PORTION, count - start)


def fuzz(name: str, seed: int, count: int, pool: Any) -> Result:
    """All inputs of a target."""
    whole = Result()
    for part in pool.starmap(portion, _portions(name, seed, count)):
        whole.add(part)
    return whole


def keep(folder: Path, name: str, result: Result) -> None:
    """Write each failing input, and beside it what it broke."""
    place = folder / name.replace(" ", "-")
    place.mkdir(parents=True, exist_ok=True)
    for content, told in result.failures:
        stem = hashlib.sha256(content).hexdigest()[:16]
        (place / f"{stem}.bin").write_bytes(content)
        (place / f"{stem}.txt").write_text(told, errors="replace")
