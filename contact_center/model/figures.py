"""The registry of figures: what each means, exactly, in two languages. Board, reports, API and export all take them from here.

A figure is a formula over *tallies*: sums that can be added up over queues, agents and stretches of time, so that a total is made by
adding tallies and never by averaging figures. Vendors disagree about the same words, so an id names its variant.
"""

from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cached_property
from types import CodeType


class Unit(StrEnum):
    """What a figure is measured in."""

    COUNT = "count"
    SECONDS = "seconds"
    SHARE = "share"
    """From 0 to 1; shown in percent."""


@dataclass(frozen=True, slots=True)
class Tallies:
    """Sums over stays in queues (segments). Each belongs to the interval in which the stay began, unless it says otherwise.

    Balance, always: entered = answered + settled + abandoned + transferred + overflowed + merged + open.
    """

    entered: int = 0
    """Stays that began: turns of customers, and turns that came from another queue."""
    transferred_in: int = 0
    """Of them those that came from another queue."""
    answered: int = 0
    """Ended with an answer of a person: a reply, a call that got through."""
    answered_in_target: int = 0
    settled: int = 0
    """Ended without an answer because none was needed."""
    abandoned: int = 0
    """The customer left before anybody accepted."""
    abandoned_in_target: int = 0
    transferred: int = 0
    overflowed: int = 0
    merged: int = 0
    """Joined another turn of the same customer."""
    open: int = 0
    open_over_target: int = 0
    """Still open, and the target has passed: a miss already."""
    wait_seconds: float = 0
    """From the beginning of the stay to the answer, of those answered, on the clock."""
    offers_accepted: int = 0
    """Offers made in the interval, by what became of them; withdrawn ones count nowhere."""
    offers_declined: int = 0
    offers_expired: int = 0

    def __add__(self, other: "Tallies") -> "Tallies":
        """The tallies of both together."""
        return Tallies(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    @property
    def ended(self) -> int:
        """Stays that are over."""
        return self.entered - self.open

    @property
    def by_name(self) -> dict[str, float]:
        """What formulas are made of."""
        return {each.name: getattr(self, each.name) for each in fields(self)} | {"ended": self.ended}

    @property
    def balanced(self) -> bool:
        """Whether everything that came in is accounted for."""
        out = self.answered + self.settled + self.abandoned + self.transferred + self.overflowed + self.merged
        return self.entered == out + self.open


COUNTED = (
    "entered", "transferred_in", "answered", "answered_in_target", "settled", "abandoned", "transferred", "overflowed", "merged", "open",
    "open_over_target",
)  # fmt: skip
"""Tallies that count stays, so that each opens into the stays behind it."""


@dataclass(frozen=True)
class Figure:
    """One figure. The formula that is printed under it is the one that counts."""

    id: str
    unit: Unit
    formula: str
    """In the names of the tallies."""
    en: str
    ru: str
    version: int = 1
    """Grows when the meaning changes; what was computed under another version is not compared."""

    def of(self, tallies: Tallies) -> float | None:
        """The figure; None where there is nothing to divide by: no figure is better than a wrong one."""
        try:
            result: float = eval(self._code, {"__builtins__": {}}, tallies.by_name)  # noqa: S307 - our own text, nobody's input
        except ZeroDivisionError:
            return None
        return result

    @cached_property
    def _code(self) -> CodeType:
        return compile(self.formula, self.id, "eval")


FIGURES: tuple[Figure, ...] = (
    Figure("volume.entered", Unit.COUNT, "entered", "Came in", "Поступило"),
    Figure("volume.transferred_in", Unit.COUNT, "transferred_in", "Came from another queue", "Пришло из других очередей"),
    Figure("volume.answered", Unit.COUNT, "answered", "Answered", "Отвечено"),
    Figure("volume.settled", Unit.COUNT, "settled", "No answer needed", "Ответ не нужен"),
    Figure("volume.abandoned", Unit.COUNT, "abandoned", "Abandoned", "Не дождались"),
    Figure("volume.transferred", Unit.COUNT, "transferred", "Passed on", "Передано"),
    Figure("volume.overflowed", Unit.COUNT, "overflowed", "Overflowed", "Ушло в другую очередь"),
    Figure("volume.merged", Unit.COUNT, "merged", "Joined another ticket", "Объединено"),
    Figure("volume.open", Unit.COUNT, "open", "Still open", "Ещё открыто"),
    Figure(
        "service_level.async",
        Unit.SHARE,
        "answered_in_target / (answered + abandoned + open_over_target)",
        "Answered in time",
        "Отвечено вовремя",
    ),
    Figure(
        "service_level.standard",
        Unit.SHARE,
        "answered_in_target / (answered + abandoned - abandoned_in_target)",
        "Service level",
        "Уровень сервиса",
    ),
    Figure(
        "service_level.offered",
        Unit.SHARE,
        "answered_in_target / (answered + abandoned)",
        "Service level, of all who came",
        "Уровень сервиса, от всех поступивших",
    ),
    Figure(
        "service_level.positive",
        Unit.SHARE,
        "(answered_in_target + abandoned_in_target) / (answered + abandoned)",
        "Service level, who left quickly counts as served",
        "Уровень сервиса, быстрые отказы засчитаны",
    ),
    Figure(
        "service_level.answered",
        Unit.SHARE,
        "answered_in_target / answered",
        "Service level, of those answered",
        "Уровень сервиса, от отвеченных",
    ),
    Figure("abandonment", Unit.SHARE, "abandoned / (answered + abandoned)", "Abandoned, share", "Доля не дождавшихся"),
    Figure("asa", Unit.SECONDS, "wait_seconds / answered", "Average wait for an answer", "Среднее ожидание ответа"),
    Figure("transfer_rate", Unit.SHARE, "transferred / ended", "Passed on, share", "Доля переданных"),
    Figure(
        "rona",
        Unit.SHARE,
        "offers_expired / (offers_accepted + offers_declined + offers_expired)",
        "Offers nobody answered, share",
        "Доля предложений без ответа",
    ),
)
BY_ID = {figure.id: figure for figure in FIGURES}


def values(tallies: Tallies) -> dict[str, float | None]:
    """Every figure of these tallies, by id."""
    return {figure.id: figure.of(tallies) for figure in FIGURES}
