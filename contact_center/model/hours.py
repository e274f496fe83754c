"""When somebody is there. A calendar is open whenever the clock on the wall in its timezone says so, on days that are no holiday.

From this one rule all follows, also when the clocks change: an hour that the wall clock leaves out is nobody's business time,
and one that it shows twice counts twice. Nothing here asks for the time or touches a database.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

import holidays as tables

Span = tuple[str, str]
"""From and until, as the clock on the wall says it: ("09:00", "18:00"). "24:00" ends a day."""

IDLE_DAYS = 1500  # an opening that is further away is none
MOST_DAYS = 36_600  # a century: as far as business time is ever added up
DAY_MINUTES = 24 * 60
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")
_STEP = 4 * 3600  # seconds; no zone ever changed its clocks twice within four hours


class Why(StrEnum):
    """What decided the hours of a day."""

    WEEKLY = "weekly"
    HOLIDAY = "holiday"
    EXCEPTION = "exception"


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a calendar, for people."""

    date: date
    spans: tuple[Span, ...]
    why: Why
    holiday: str = ""
    """Its name, also when an exception opens the day all the same."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Opening hours. Raises ValueError, with words for people, when they make no sense."""

    timezone: str
    weekly: tuple[tuple[Span, ...], ...]
    """Seven days from Monday on."""
    holidays: str = ""
    """Country, or country and region ("RU", "DE-BY"), whose holidays are closed; empty: none."""
    overrides: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)
    """Days that differ, by ISO date; no spans: closed."""

    def __post_init__(self) -> None:
        if self.timezone not in available_timezones():
            raise ValueError(f"{self.timezone[:60] or 'Nothing'} is no timezone.")
        if len(self.weekly) != 7:
            raise ValueError("A week has seven days.")
        if self.holidays and self.holidays not in regions():
            raise ValueError(f"The holidays of {self.holidays[:20]} are not known.")
        for spans in (*self.weekly, *self.overrides.values()):
            _minutes_of(spans)
        for day in self.overrides:
            _date(day)

    def is_open(self, at: datetime) -> bool:
        """Whether somebody is there at this instant."""
        wall = at.astimezone(ZoneInfo(self.timezone))
        minute = wall.hour * 60 + wall.minute
        return any(start <= minute < end for start, end in _minutes_of(self.spans(wall.date())))

    def next_opening(self, at: datetime) -> datetime | None:
        """The first instant from `at` on at which it is open, `at` itself when it is. None when it does not open for years."""
        found = next(self._open_from(at), None)
        return None if found is None else max(at.astimezone(UTC), found[0])

    def closing(self, at: datetime) -> datetime | None:
        """When it closes for today, after its last hours; None when it does not open any more today."""
        found = [closes for _, closes in self._instants(at.astimezone(ZoneInfo(self.timezone)).date()) if closes > at]
        return max(found, default=None)

    def closed_since(self, at: datetime) -> datetime | None:
        """The last closing until `at`, at which it is closed. None when it has not been open for years."""
        day = at.astimezone(ZoneInfo(self.timezone)).date() + timedelta(days=1)  # a clock may have gone back past midnight
        for back in range(IDLE_DAYS):
            found = [closes for _, closes in self._instants(day - timedelta(days=back)) if closes <= at]
            if found:
                return found[-1]
        return None

    def business_time(self, start: datetime, end: datetime) -> timedelta:
        """How long it is open from `start` until `end`; negative when they stand the other way round."""
        if end < start:
            return -self.business_time(end, start)
        total = timedelta(0)
        for opens, closes in self._open_from(start, end):
            total += min(closes, end) - max(opens, start)
        return total

    def add_business(self, at: datetime, duration: timedelta) -> datetime | None:
        """The instant at which `duration` of business time has passed since `at`. None when there is not so much.

        It is the earliest such instant: the very end of a day, not the next morning. Nothing added leaves `at`.
        """
        if duration <= timedelta(0):
            return at.astimezone(UTC)
        left = duration
        for opens, closes in self._open_from(at):
            begin = max(opens, at.astimezone(UTC))
            if closes - begin >= left:
                return begin + left
            left -= closes - begin
        return None

    def spans(self, day: date) -> tuple[Span, ...]:
        """The hours of a day: what an exception says, else closed on a holiday, else as every week."""
        exception = self.overrides.get(day.isoformat())
        if exception is not None:
            return exception
        return () if self.holidays and day in _holidays(self.holidays, day.year) else self.weekly[day.weekday()]

    def day(self, day: date, language: str = "") -> Day:
        """A day with the reason for its hours; the name of a holiday in this language (`ru`, `en_US`) if there is one."""
        name = _holidays(self.holidays, day.year, language).get(day, "") if self.holidays else ""
        why = Why.EXCEPTION if day.isoformat() in self.overrides else Why.HOLIDAY if name else Why.WEEKLY
        return Day(day, self.spans(day), why, name)

    def _open_from(self, at: datetime, until: datetime | None = None) -> Iterator[tuple[datetime, datetime]]:
        """Intervals of instants that end after `at`, in order, as far as it makes sense to look."""
        try:
            day = at.astimezone(ZoneInfo(self.timezone)).date() - timedelta(days=1)  # a clock may have gone back past midnight
            idle = 0
            for _ in range(MOST_DAYS):
                found = [span for span in self._instants(day) if span[1] > at]
                if until is not None and found and found[0][0] >= until:
                    return
                yield from (span for span in found if until is None or span[0] < until)
                idle = 0 if found else idle + 1
                if until is None and idle > IDLE_DAYS:
                    return
                if until is not None and day > until.astimezone(UTC).date() + timedelta(days=1):
                    return
                day += timedelta(days=1)
        except OverflowError:
            return  # the end of time

    def _instants(self, day: date) -> list[tuple[datetime, datetime]]:
        """The intervals of instants at which the wall clock shows the hours of `day`."""
        spans = _minutes_of(self.spans(day))
        if not spans:
            return []
        midnight = datetime.combine(day, time(0), UTC)
        found = []
        for begin, end, offset in _offsets(self.timezone, day):
            for start, stop in spans:
                opens = max(begin, midnight + timedelta(minutes=start) - offset)
                closes = min(end, midnight + timedelta(minutes=stop) - offset)
                if opens < closes:
                    found.append((opens, closes))
        return _joined(found)


@dataclass(frozen=True, slots=True)
class NamedCalendar:
    """A calendar that queues can follow."""

    id: int
    name: str
    hours: Calendar


def regions() -> frozenset[str]:
    """Every country, and country and region, whose holidays are known."""
    return _regions()


def as_spans(pairs: Sequence[Sequence[str]]) -> tuple[Span, ...]:
    """Spans as they come out of JSON. Raises ValueError for what are none."""
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError("Hours are pairs of a beginning and an end.")
    return tuple((pair[0], pair[1]) for pair in pairs)


@lru_cache(maxsize=1)
def _regions() -> frozenset[str]:
    known = tables.list_supported_countries(include_aliases=False)
    return frozenset(known) | {f"{country}-{part}" for country, parts in known.items() for part in parts}


@lru_cache(maxsize=512)
def _holidays(region: str, year: int, language: str = "") -> Mapping[date, str]:
    """The holidays of one year. A table of its own for each year: the library's grow while they are read."""
    country, _, part = region.partition("-")
    return dict(tables.country_holidays(country, subdiv=part or None, years=year, expand=False, language=language or None))


@lru_cache(maxsize=4096)
def _minutes_of(spans: tuple[Span, ...]) -> tuple[tuple[int, int], ...]:
    """Minutes since midnight. Raises ValueError for spans that are empty, out of order or overlap."""
    minutes = tuple((_minute(start), _minute(end)) for start, end in spans)
    for start, end in minutes:
        if start >= end:
            raise ValueError("Hours end after they begin; what goes past midnight is cut at 24:00 and continues on the next day.")
    if any(after[0] < before[1] for before, after in itertools.pairwise(minutes)):
        raise ValueError("The hours of a day stand in order and do not overlap.")
    return minutes


def _minute(clock: str) -> int:
    match = _CLOCK.fullmatch(clock)
    if match is None:
        raise ValueError(f"{clock[:20] or 'Nothing'} is no time of day: write 09:00, or 24:00 for the end of a day.")
    return DAY_MINUTES if match[1] is None else int(match[1]) * 60 + int(match[2])


def _date(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:20]} is no date.") from None
    if day.isoformat() != text:
        raise ValueError(f"{text[:20]} is no date: write 2026-12-31.")
    return day


@lru_cache(maxsize=8192)
def _offsets(timezone: str, day: date) -> tuple[tuple[datetime, datetime, timedelta], ...]:
    """The instants around a local day in stretches of one distance from UTC: (begin, end, distance)."""
    zone = ZoneInfo(timezone)
    noon = datetime.combine(day, time(12), UTC)
    # A local day lies within 26 hours of noon UTC, wherever on earth.
    begin, end = noon - timedelta(hours=28), noon + timedelta(hours=28)
    found, stretch = [], begin
    at, offset = begin, _offset(zone, begin)
    while at < end:
        following = at + timedelta(seconds=_STEP)
        later = _offset(zone, following)
        if later != offset:
            change = _change_between(zone, at, following)
            found.append((stretch, change, offset))
            stretch, offset = change, later
        at = following
    return (*found, (stretch, end, offset))


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta(0)


def _change_between(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The second at which the distance from UTC changes; it is one thing at `low` and another at `high`."""
    before = _offset(zone, low)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    return high


def _joined(spans: list[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Intervals in order, those that touch made one."""
    found: list[tuple[datetime, datetime]] = []
    for opens, closes in sorted(spans):
        if found and opens <= found[-1][1]:
            found[-1] = (found[-1][0], max(closes, found[-1][1]))
        else:
            found.append((opens, closes))
    return found
