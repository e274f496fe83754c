"""Opening hours: exact over changed clocks, holidays and years, and never looking for ever."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from contact_center.model.hours import Calendar, Why, as_spans, regions

OFFICE = ((("09:00", "13:00"), ("14:00", "18:00")),) * 5 + ((), ())
ALWAYS = ((("00:00", "24:00"),),) * 7
NEVER = ((),) * 7
ZONES = [
    "Europe/Moscow", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia",
    "Africa/Casablanca", "America/St_Johns", "Pacific/Chatham", "UTC", "America/Santiago", "Asia/Tehran",
]  # fmt: skip


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def hours(seconds: float) -> timedelta:
    return timedelta(hours=seconds)


@st.composite
def spans(draw: st.DrawFn) -> tuple[tuple[str, str], ...]:
    """Up to three shifts a day; "24:00" may end the last, and one may begin where another ends."""
    edges = sorted(draw(st.lists(st.integers(0, 1440), max_size=6, unique=True)))
    return tuple((clock(a), clock(b)) for a, b in zip(edges[::2], edges[1::2], strict=False))


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """Any calendar, with exceptions in the weeks where its clocks change."""
    days = draw(st.lists(st.dates(date(2025, 1, 1), date(2027, 12, 31)), max_size=4))
    return Calendar(
        draw(st.sampled_from(ZONES)),
        tuple(draw(spans()) for _ in range(7)),
        draw(st.sampled_from(["", "RU", "DE-BY", "US"])),
        {day.isoformat(): draw(spans()) for day in days},
    )


INSTANTS = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
NEAR = st.timedeltas(timedelta(0), timedelta(days=20))


@given(calendars(), INSTANTS)
@settings(max_examples=150, deadline=None)
def test_open_is_what_the_clock_on_the_wall_says(calendar: Calendar, start: datetime) -> None:
    """Business time counted by looking at the clock every minute is what is reckoned, whatever the clocks did."""
    start = start.replace(minute=0, second=0, microsecond=0)
    step, looked = timedelta(minutes=1), timedelta(0)
    for n in range(26 * 60):
        at = start + n * step
        wall = at.astimezone(ZoneInfo(calendar.timezone))
        told = any(a <= wall.strftime("%H:%M") < b for a, b in calendar.spans(wall.date()))
        looked += step if told else timedelta(0)
    assert calendar.business_time(start, start + 26 * 60 * step) == looked


@given(calendars(), INSTANTS, NEAR, NEAR)
@settings(max_examples=150, deadline=None)
def test_business_time_adds_up(calendar: Calendar, start: datetime, first: timedelta, second: timedelta) -> None:
    """From a to b and from b to c is from a to c, and the other way round it is less than nothing."""
    middle, end = start + first, start + first + second
    assert calendar.business_time(start, middle) + calendar.business_time(middle, end) == calendar.business_time(start, end)
    assert calendar.business_time(end, start) == -calendar.business_time(start, end)
    assert timedelta(0) <= calendar.business_time(start, end) <= end - start


@given(calendars(), INSTANTS, st.timedeltas(timedelta(microseconds=1), timedelta(days=10)))
@settings(max_examples=150, deadline=None)
def test_adding_is_the_inverse_of_counting(calendar: Calendar, start: datetime, duration: timedelta) -> None:
    """Adding business time gives the first instant until which so much of it has passed."""
    end = calendar.add_business(start, duration)
    if end is None:
        assert not any(calendar.weekly)
        return
    assert calendar.business_time(start, end) == duration
    assert calendar.business_time(start, end - timedelta(microseconds=1)) < duration


@given(calendars(), INSTANTS)
@settings(max_examples=150, deadline=None)
def test_the_next_opening_is_open_and_nothing_before_it_is(calendar: Calendar, at: datetime) -> None:
    """Until the next opening there is no business time, and at it there is."""
    opens = calendar.next_opening(at)
    if opens is None:
        assert calendar.business_time(at, at + timedelta(days=1000)) == timedelta(0)
        return
    assert calendar.is_open(opens)
    assert calendar.business_time(at, opens) == timedelta(0)
    assert (opens == at) is calendar.is_open(at)


@given(calendars(), INSTANTS)
@settings(max_examples=150, deadline=None)
def test_since_the_last_closing_it_is_closed(calendar: Calendar, at: datetime) -> None:
    """While it is closed there is no business time since the last closing, and some before it."""
    assume(not calendar.is_open(at))
    since = calendar.closed_since(at)
    if since is None:
        assert calendar.business_time(at - timedelta(days=1000), at) == timedelta(0)
        return
    assert calendar.business_time(since, at) == timedelta(0)
    assert calendar.business_time(since - timedelta(seconds=1), since) > timedelta(0)


@pytest.mark.parametrize(
    ("zone", "day", "hours_long"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("America/Santiago", date(2026, 9, 6), 23),  # the clocks change at midnight: the day has no 00:30
        ("Pacific/Apia", date(2011, 12, 30), 0),  # this day was left out
        ("Europe/Moscow", date(2014, 10, 26), 25),
        ("Europe/Moscow", date(2026, 7, 1), 24),
    ],
)
def test_a_whole_day_is_as_long_as_it_is(zone: str, day: date, hours_long: float) -> None:
    """Open around the clock on one day only: as many hours as the wall clock shows of that date."""
    calendar = Calendar(zone, NEVER, overrides={day.isoformat(): (("00:00", "24:00"),)})
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    assert calendar.business_time(noon - timedelta(days=3), noon + timedelta(days=3)) == hours(hours_long)


def test_hours_in_a_gap_and_in_a_fold() -> None:
    """What the wall clock leaves out is never open; what it shows twice is open twice."""
    night = Calendar("Europe/Berlin", ((("02:00", "03:00"),),) * 7)
    assert night.business_time(utc(2026, 3, 28, 12), utc(2026, 3, 29, 12)) == timedelta(0)
    assert night.next_opening(utc(2026, 3, 28, 12)) == utc(2026, 3, 30, 0)
    assert night.business_time(utc(2026, 10, 24, 12), utc(2026, 10, 25, 12)) == hours(2)
    half = Calendar("Europe/Berlin", ((("02:00", "02:30"),),) * 7)
    assert half.next_opening(utc(2026, 10, 25, 0, 45)) == utc(2026, 10, 25, 1)  # the second two o'clock
    assert half.add_business(utc(2026, 10, 25, 0), hours(0.75)) == utc(2026, 10, 25, 1, 15)


def test_split_shifts_and_the_weekend() -> None:
    """Lunch, nights and weekends are no business time; the end of a day is its very end, not the next morning."""
    office = Calendar("Europe/Moscow", OFFICE)
    friday = utc(2026, 11, 20, 14)  # 17:00 in Moscow
    assert office.add_business(friday, hours(1)) == utc(2026, 11, 20, 15)
    assert office.add_business(friday, hours(2)) == utc(2026, 11, 23, 7)
    assert office.add_business(friday, hours(0)) == friday
    assert office.next_opening(utc(2026, 11, 20, 15)) == utc(2026, 11, 23, 6)
    assert office.next_opening(utc(2026, 11, 23, 10, 30)) == utc(2026, 11, 23, 11)
    assert not office.is_open(utc(2026, 11, 20, 15))


def test_midnight_is_no_border() -> None:
    """A shift that is cut at 24:00 goes on without a gap; over New Year too."""
    bar = Calendar("Europe/Moscow", ((("00:00", "02:00"), ("20:00", "24:00")),) * 7)
    assert bar.business_time(utc(2026, 12, 31, 12), utc(2027, 1, 1, 12)) == hours(6)
    assert bar.add_business(utc(2026, 12, 31, 20), hours(2)) == utc(2026, 12, 31, 22)
    assert Calendar("UTC", ALWAYS).business_time(utc(2020, 1, 1), utc(2030, 1, 1)) == utc(2030, 1, 1) - utc(2020, 1, 1)


def test_holidays_and_exceptions() -> None:
    """A holiday is closed, an exception says what it says, also on a holiday."""
    calendar = Calendar("Europe/Moscow", OFFICE, "RU", {"2027-01-04": (("10:00", "12:00"),), "2026-12-30": ()})
    assert calendar.next_opening(utc(2026, 12, 29, 16)) == utc(2027, 1, 4, 7)
    assert calendar.next_opening(utc(2027, 1, 4, 9)) == utc(2027, 1, 11, 6)
    day = calendar.day(date(2027, 1, 1), "ru")
    assert (day.spans, day.why) == ((), Why.HOLIDAY)
    assert "каникулы" in day.holiday.lower()
    assert calendar.day(date(2027, 1, 4)).why is Why.EXCEPTION
    assert calendar.day(date(2026, 11, 23)).why is Why.WEEKLY
    bavaria = Calendar("Europe/Berlin", OFFICE, "DE-BY")
    assert bavaria.day(date(2026, 1, 6)).why is Why.HOLIDAY
    assert Calendar("Europe/Berlin", OFFICE, "DE-HH").day(date(2026, 1, 6)).why is Why.WEEKLY


def test_what_never_opens_is_said_to_never_open() -> None:
    """The search ends: without hours, beyond years of exceptions, and at the end of time."""
    never = Calendar("Europe/Moscow", NEVER)
    assert never.next_opening(utc(2026, 1, 1)) is None
    assert never.add_business(utc(2026, 1, 1), hours(1)) is None
    assert never.business_time(utc(2026, 1, 1), utc(2027, 1, 1)) == timedelta(0)
    once = Calendar("UTC", NEVER, overrides={"2027-05-05": (("10:00", "11:00"),)})
    assert once.next_opening(utc(2026, 1, 1)) == utc(2027, 5, 5, 10)
    assert once.add_business(utc(2026, 1, 1), hours(1)) == utc(2027, 5, 5, 11)
    assert once.add_business(utc(2026, 1, 1), hours(1.1)) is None
    assert Calendar("UTC", OFFICE).next_opening(datetime.max.replace(tzinfo=UTC)) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"timezone": "Mars/Base"},
        {"timezone": "../etc/passwd"},
        {"timezone": ""},
        {"weekly": NEVER[:6]},
        {"weekly": ((("09:00", "09:00"),), *NEVER[:6])},
        {"weekly": ((("22:00", "06:00"),), *NEVER[:6])},
        {"weekly": ((("09:00", "12:00"), ("11:00", "13:00")), *NEVER[:6])},
        {"weekly": ((("14:00", "15:00"), ("11:00", "13:00")), *NEVER[:6])},
        {"weekly": ((("9:00", "12:00"),), *NEVER[:6])},
        {"weekly": ((("00:00", "24:01"),), *NEVER[:6])},
        {"holidays": "XX"},
        {"holidays": "DE-QQ"},
        {"overrides": {"tomorrow": ()}},
        {"overrides": {"20261231": ()}},
        {"overrides": {"2026-02-30": ()}},
    ],
)
def test_nonsense_is_refused_with_words(wrong: dict[str, object]) -> None:
    """What is no calendar cannot be made."""
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        Calendar(**({"timezone": "UTC", "weekly": NEVER} | wrong))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="pairs"):
        as_spans([["09:00"]])


def test_countries_and_regions_are_known() -> None:
    """What may be chosen."""
    assert {"RU", "DE", "DE-BY", "KZ", "US-CA"} <= regions()
