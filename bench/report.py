"""Tables: what was measured, its median and spread, and the ratio to its reference."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass
class Row:
    """One thing measured, several times."""

    label: str
    engine: str
    values: list[float] = field(default_factory=list)
    reference: "Row | None" = None
    note: str = ""

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.values)

    @property
    def ratio(self) -> float | None:
        """The median of the pairwise ratios to the reference, which share a round and its noise."""
        if self.reference is None or not self.values or not self.reference.values:
            return None
        if len(self.values) != len(self.reference.values):
            return self.median / self.reference.median
        return statistics.median(mine / other for mine, other in zip(self.values, self.reference.values, strict=True))


def show(title: str, unit: str, rows: Sequence[Row]) -> None:
    """Print a table."""
    lines = [("what", "engine", f"median (min..max) {unit}", "ratio", "")]
    for row in rows:
        if not row.values:
            lines.append((row.label, row.engine, "not measured", "", row.note))
            continue
        spread = f"{_short(row.median)} ({_short(min(row.values))}..{_short(max(row.values))})"
        ratio = f"{row.ratio:.2f} x {row.reference.label}" if row.ratio is not None and row.reference else ""
        lines.append((row.label, row.engine, spread, ratio, row.note))
    widths = [max(len(line[column]) for line in lines) for column in range(5)]
    print(f"\n{title}")
    for line in lines:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    print(flush=True)


def interleave(rounds: int, cases: Sequence[tuple[Row, Callable[[], float]]]) -> None:
    """Measure A B A B: every case once a round, so that a noisy minute falls on all of them."""
    for _ in range(rounds):
        for row, case in cases:
            row.values.append(case())


def percentile(values: Sequence[float], part: float) -> float:
    """The value below which `part` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
