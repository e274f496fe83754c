"""The registry of figures: what each means, exactly, in two languages. Board, reports, API and export all take them from here.

A figure is a formula over *tallies*: sums that can be added up over queues, agents and stretches of time, so that a total is made by
adding tallies and never by averaging figures. A median is made of *samples*, the values themselves, which are put together the same
way. Vendors disagree about the same words, so an id names its variant.
"""

import re
from array import array
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cached_property
from types import CodeType

from contact_center.model.figure_words import SAMPLE_WORDS, TALLY_WORDS


class Unit(StrEnum):
    """What a figure is measured in."""

    COUNT = "count"
    SECONDS = "seconds"
    SHARE = "share"
    """From 0 to 1; shown in percent."""
    SCORE = "score"
    """A mark, or a difference of shares in points."""


class About(StrEnum):
    """What a report tells of: each kind of row has its own figures."""

    WORK = "work"
    """Stays in queues and calls, and offers made for them, by when they began."""
    RESOLUTION = "resolution"
    """Times that a ticket was resolved, by when."""
    HANDLING = "handling"
    """Work that was done, by when it was."""
    SLA = "sla"
    """Promises of policies, by when their clocks began."""
    SURVEY = "survey"
    """Surveys that went out, by when."""
    DAY = "day"
    """What happened in queues, each by when it happened, whenever it began: how far a day has come."""
    TIME = "time"
    """How colleagues spent a stretch of time; by colleague only."""
    TEAM = "team"
    """Who is there at this moment, of those whom work of a queue is offered to; whoever serves two queues is in both, and once in all."""
    NOW = "now"
    """What stands in queues at this moment, whenever it began."""


@dataclass(frozen=True, slots=True)
class Tallies:
    """Sums over rows. Each belongs to the interval in which its row began, unless its report says otherwise.

    Balance, always: entered = answered + settled + abandoned + callback + transferred + overflowed + merged + open.
    """

    entered: int = 0
    """Stays that began: turns of customers, turns that came from another queue, and calls."""
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
    abandoned_short: int = 0
    """So quickly that nobody could have answered: no rate of abandonment counts them."""
    callback: int = 0
    """The caller asked to be called, and left."""
    transferred: int = 0
    overflowed: int = 0
    merged: int = 0
    """Joined another turn of the same customer."""
    open: int = 0
    open_over_target: int = 0
    """Still open, and the target has passed: a miss already."""
    left_over_target: int = 0
    """Settled or passed on after the target had passed: a miss of this queue, as if it were still open."""
    after_hours: int = 0
    """Calls that came when the queue was closed and that nobody answered, and turns that went elsewhere then; they did not enter."""
    late: int = 0
    """Became known to us long after they began: figures that were looked at before then were others."""
    sessions: int = 0
    """Times that a customer turned to us: turns that a person answered, and calls that got through. Thanks is none, nor a missed call."""
    repeated: int = 0
    """Of them those whose customer had turned to us about the same within seven days before."""
    wait_seconds: float = 0
    """From the beginning of the stay to the answer, of those answered, on the clock."""
    offers_accepted: int = 0
    """Offers made for these stays, by what became of them; withdrawn ones count nowhere."""
    offers_declined: int = 0
    offers_expired: int = 0
    first_responses: int = 0
    """Answers that were the first of their ticket. How long the turn lasted, wherever it stood, belongs to the stay that answered."""
    first_response_seconds: float = 0
    first_response_business_seconds: float = 0
    next_responses: int = 0
    next_response_seconds: float = 0
    next_response_business_seconds: float = 0
    resolved: int = 0
    reopened: int = 0
    """Of the resolved, those that were opened again since."""
    ripe: int = 0
    """Of the resolved that were not opened again, those that are seven days old: before, nobody knows whether the customer comes again."""
    first_contact: int = 0
    """Of the ripe: answered once, and the customer did not ask for the same again, in whatever ticket, within the seven days."""
    stood: int = 0
    """Of the resolved, those that were not opened again."""
    resolution_seconds: float = 0
    resolution_business_seconds: float = 0
    handled: int = 0
    """Stays on which work was done and that have ended."""
    not_given: int = 0
    """Of them those whose time to write up ran out without the reason or disposition that the queue wants."""
    talk_seconds: float = 0
    hold_seconds: float = 0
    focus_seconds: float = 0
    wrap_seconds: float = 0
    first_response_kept: int = 0
    """Clocks that have stopped, by whether the promise was kept."""
    first_response_broken: int = 0
    next_response_kept: int = 0
    next_response_broken: int = 0
    resolution_kept: int = 0
    resolution_broken: int = 0
    clocks_running: int = 0
    """Not yet due, or standing still."""
    surveys_sent: int = 0
    """Of those that went out the ones that did not come back undelivered."""
    surveys_answered: int = 0
    csat_answered: int = 0
    csat_satisfied: int = 0
    """A mark of 4 or 5 of 5."""
    nps_answered: int = 0
    nps_promoters: int = 0
    """9 or 10 of 10."""
    nps_detractors: int = 0
    """0 to 6 of 10."""
    ces_answered: int = 0
    ces_score: float = 0
    """Sum of the marks, 1 to 7."""
    signed_in_seconds: float = 0
    """In any state but offline."""
    available_seconds: float = 0
    rona_seconds: float = 0
    """Taken for absent, because an offer ran out."""
    aux_paid_seconds: float = 0
    aux_unpaid_seconds: float = 0
    busy_seconds: float = 0
    """With work in hand, whatever was done at once, while signed in or not."""
    idle_seconds: float = 0
    """Available, with nothing in hand."""
    ready_seconds: float = 0
    """Signed in, and available or with work in hand."""
    agents: int = 0
    """Colleagues whom work is offered to when they are available."""
    agents_here: int = 0
    """Of them those with a console open who have not said that they are offline."""
    agents_available: int = 0
    agents_busy: int = 0
    """Of the available: those who have something in hand, write it up, or are in a call."""
    came: int = 0
    """Turns that customers began, each once, where it stands or ended: what was passed on counts where it went."""
    done: int = 0
    """Stays that ended with an answer, whenever they began."""
    waiting: int = 0
    """At this moment: open stays that nobody has taken."""
    waiting_quarter: int = 0
    """Of them those whose customer has waited, wherever they stood before, for a quarter of an hour at most; then longer, up to one hour,
    up to four, and more."""
    waiting_hour: int = 0
    waiting_four: int = 0
    waiting_more: int = 0
    in_work: int = 0
    """Open stays that somebody has taken."""
    callbacks: int = 0
    """Open stays, taken or not, whose customer asked to be called."""

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
        out = self.answered + self.settled + self.abandoned + self.callback + self.transferred + self.overflowed + self.merged
        return self.entered == out + self.open


Samples = Mapping[str, "array[float]"]
"""Values by the name of what they measure."""
NO_SAMPLES: Samples = {}
SAMPLE_OF = {
    "wait": "answered",
    "first_response": "first_responses",
    "first_response_business": "first_responses",
    "next_response": "next_responses",
    "next_response_business": "next_responses",
    "resolution": "stood",
    "resolution_business": "stood",
    "age": "waiting",
}
"""The tally that counts the rows with a value of a sample."""


def percentile(values: "list[float] | array[float]", percent: int) -> float | None:
    """The smallest of the values that so many percent of them do not exceed; `values` stand in order."""
    return values[(len(values) * percent + 99) // 100 - 1] if values else None


@dataclass(frozen=True)
class Figure:
    """One figure. The formula that is printed under it is the one that counts."""

    id: str
    unit: Unit
    formula: str
    """In the names of the tallies; of a median or percentile, in the name of its samples."""
    en: str
    ru: str
    about: About = About.WORK
    sample: str = ""
    percent: int = 0
    """Of a percentile: which values, and which of them."""
    version: int = 1
    """Grows when the meaning changes; what was computed under another version is not compared."""

    def of(self, tallies: Mapping[str, float], ordered: Mapping[str, list[float]] | None = None) -> float | None:
        """The figure of tallies by name; None where there is nothing to divide by: no figure is better than a wrong one."""
        if self.sample:
            return percentile((ordered or {}).get(self.sample, []), self.percent)
        try:
            result: float = eval(self._code, {"__builtins__": {}}, tallies)  # noqa: S307 - our own text, nobody's input
        except ZeroDivisionError:
            return None
        return result

    def in_words(self, language: str) -> str:
        """The formula as people read it."""
        place = 1 if language == "ru" else 0
        if self.sample:
            return SAMPLE_WORDS[self.sample][place].format(percent=self.percent)
        quotes = "«{}»" if place else "“{}”"
        said = re.sub(r"[a-z_]+", lambda found: quotes.format(TALLY_WORDS[found[0]][place]), self.formula)
        return said.replace("*", "×").replace("/", "÷").replace(" - ", " − ")

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The tallies of its formula; of a percentile, the one whose rows have the values."""
        if self.sample:
            return tuple(each for each in (SAMPLE_OF.get(self.sample),) if each)
        return tuple(dict.fromkeys(re.findall(r"[a-z_]+", self.formula)))

    @cached_property
    def _code(self) -> CodeType:
        return compile(self.formula, self.id, "eval")


def _count(name: str, tally: str, en: str, ru: str, about: About = About.WORK) -> Figure:
    return Figure(name, Unit.COUNT, tally, en, ru, about)


def _percentiles(name: str, sample: str, en: tuple[str, str], ru: tuple[str, str], about: About = About.WORK) -> tuple[Figure, Figure]:
    """The median, and what nine of ten did not exceed."""
    return (
        Figure(f"{name}.median", Unit.SECONDS, f"median({sample})", en[0], ru[0], about, sample, 50),
        Figure(f"{name}.p90", Unit.SECONDS, f"p90({sample})", en[1], ru[1], about, sample, 90),
    )


_RESPONSE_RU = ("{}: медиана", "{}: 90 % не дольше")
_RESPONSE_EN = ("{}: median", "{}: 90 % within")


def _times(name: str, en: str, ru: str, divisor: str, about: About) -> tuple[Figure, ...]:
    """How long something took, on the clock and in business time: on average, for half of them, and for nine of ten."""
    sample = name.replace(".", "_")
    found: list[Figure] = []
    for suffix, kind, en_in, ru_in in (("", "", "", ""), (".business", "_business", ", business time", ", рабочее время")):
        words_en, words_ru = f"{en}{en_in}", f"{ru}{ru_in}"
        found.append(Figure(f"{name}{suffix}", Unit.SECONDS, f"{sample}{kind}_seconds / {divisor}", words_en, words_ru, about))
        medians = [each.format(words_en) for each in _RESPONSE_EN], [each.format(words_ru) for each in _RESPONSE_RU]
        found += _percentiles(f"{name}{suffix}", f"{sample}{kind}", (medians[0][0], medians[0][1]), (medians[1][0], medians[1][1]), about)
    return tuple(found)


def _kept(goal: str, en: str, ru: str) -> tuple[Figure, ...]:
    """How far the promises of one kind were kept."""
    kept, broken = f"{goal}_kept", f"{goal}_broken"
    return (
        _count(f"sla.{goal}.kept", kept, f"{en}: kept", f"{ru}: выполнено", About.SLA),
        _count(f"sla.{goal}.broken", broken, f"{en}: broken", f"{ru}: нарушено", About.SLA),
        Figure(f"sla.{goal}", Unit.SHARE, f"{kept} / ({kept} + {broken})", f"{en}: kept, share", f"{ru}: доля в срок", About.SLA),
    )


def _seconds(name: str, tally: str, en: str, ru: str) -> Figure:
    return Figure(name, Unit.SECONDS, tally, en, ru, About.TIME)


_STANDARD = "answered_in_target / (answered + abandoned - abandoned_in_target)"
_WORK = "(talk_seconds + hold_seconds + focus_seconds + wrap_seconds)"
_HANDLE = f"{_WORK} / handled"

FIGURES: tuple[Figure, ...] = (
    _count("volume.entered", "entered", "Came in", "Поступило"),
    _count("volume.transferred_in", "transferred_in", "Came from another queue", "Пришло из других очередей"),
    _count("volume.answered", "answered", "Answered", "Отвечено"),
    _count("volume.settled", "settled", "No answer needed", "Ответ не нужен"),
    _count("volume.abandoned", "abandoned", "Abandoned", "Не дождались"),
    _count("volume.abandoned_short", "abandoned_short", "Abandoned at once", "Сразу положили трубку"),
    _count("volume.callback", "callback", "Asked to be called", "Попросили перезвонить"),
    _count("volume.transferred", "transferred", "Passed on", "Передано"),
    _count("volume.overflowed", "overflowed", "Overflowed", "Ушло в другую очередь"),
    _count("volume.merged", "merged", "Joined another ticket", "Объединено"),
    _count("volume.open", "open", "Still open", "Ещё открыто"),
    _count("volume.open_over_target", "open_over_target", "Open and overdue", "Открыто, просрочено"),
    _count("volume.left_over_target", "left_over_target", "Left without an answer, overdue", "Закрыто без ответа, просрочено"),
    _count("volume.after_hours", "after_hours", "After hours", "В нерабочее время"),
    _count("volume.late", "late", "Known late", "Стало известно позже"),
    Figure(
        "service_level.async",
        Unit.SHARE,
        "answered_in_target / (answered + abandoned + open_over_target + left_over_target)",
        "Answered in time",
        "Отвечено вовремя",
        version=2,
    ),
    Figure("service_level.standard", Unit.SHARE, _STANDARD, "Service level", "Уровень сервиса"),
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
        "(answered_in_target + abandoned_in_target) / entered",
        "Service level, who left quickly counts as served",
        "Уровень сервиса, быстрые отказы засчитаны",
        version=2,
    ),
    Figure(
        "service_level.answered",
        Unit.SHARE,
        "answered_in_target / answered",
        "Service level, of those answered",
        "Уровень сервиса, от отвеченных",
    ),
    Figure(
        "abandonment",
        Unit.SHARE,
        "(abandoned - abandoned_short) / (answered + abandoned - abandoned_short)",
        "Abandoned, share",
        "Доля не дождавшихся",
        version=2,
    ),
    Figure("asa", Unit.SECONDS, "wait_seconds / answered", "Average wait for an answer", "Среднее ожидание ответа"),
    *_percentiles("asa", "wait", ("Median wait", "90 % waited no longer"), ("Медиана ожидания", "90 % ждали не дольше")),
    *_times("first_response", "First response", "Первый ответ", "first_responses", About.WORK),
    *_times("next_response", "Next response", "Следующий ответ", "next_responses", About.WORK),
    Figure(
        "transfer_rate",
        Unit.SHARE,
        "transferred / (answered + settled + transferred)",
        "Passed on, share",
        "Доля переданных",
        version=2,
    ),
    _count("volume.repeated", "repeated", "Came again within 7 days", "Обратились снова за 7 дней"),
    Figure("repeat_contact", Unit.SHARE, "repeated / sessions", "Came again, share", "Доля повторных обращений", version=2),
    _count("offers.accepted", "offers_accepted", "Offers accepted", "Предложений принято"),
    _count("offers.declined", "offers_declined", "Offers declined", "Предложений отклонено"),
    _count("offers.expired", "offers_expired", "Offers nobody answered", "Предложений без ответа"),
    Figure(
        "rona",
        Unit.SHARE,
        "offers_expired / (offers_accepted + offers_declined + offers_expired)",
        "Offers nobody answered, share",
        "Доля предложений без ответа",
    ),
    _count("resolution.resolved", "resolved", "Resolved", "Решено", About.RESOLUTION),
    _count("resolution.reopened", "reopened", "Opened again", "Открыто снова", About.RESOLUTION),
    Figure("resolution.reopen_rate", Unit.SHARE, "reopened / resolved", "Opened again, share", "Доля открытых снова", About.RESOLUTION),
    *_times("resolution", "Time to resolution", "Время до решения", "stood", About.RESOLUTION),
    Figure(
        "fcr", Unit.SHARE, "first_contact / ripe", "Resolved at first contact", "Решено с первого обращения", About.RESOLUTION, version=2
    ),
    _count("handling.handled", "handled", "Handled", "Обработано", About.HANDLING),
    Figure("aht", Unit.SECONDS, _HANDLE, "Average handling time", "Среднее время обработки", About.HANDLING),
    Figure("aht.talk", Unit.SECONDS, "talk_seconds / handled", "of it talk", "из него разговор", About.HANDLING),
    Figure("aht.hold", Unit.SECONDS, "hold_seconds / handled", "of it hold", "из него удержание", About.HANDLING),
    Figure("aht.focus", Unit.SECONDS, "focus_seconds / handled", "of it work in the ticket", "из него работа в обращении", About.HANDLING),
    Figure("aht.wrap", Unit.SECONDS, "wrap_seconds / handled", "of it wrap-up", "из него оформление", About.HANDLING),
    _count("handling.not_given", "not_given", "Not written up", "Не оформлено", About.HANDLING),
    *_kept("first_response", "First response", "Первый ответ"),
    *_kept("next_response", "Next response", "Следующий ответ"),
    *_kept("resolution", "Resolution", "Решение"),
    _count("sla.running", "clocks_running", "Not decided yet", "Ещё не решено", About.SLA),
    _count("survey.sent", "surveys_sent", "Surveys sent", "Опросов отправлено", About.SURVEY),
    _count("survey.answered", "surveys_answered", "Surveys answered", "Ответили на опрос", About.SURVEY),
    Figure("survey.response_rate", Unit.SHARE, "surveys_answered / surveys_sent", "Response rate", "Доля ответивших", About.SURVEY),
    Figure("csat", Unit.SHARE, "csat_satisfied / csat_answered", "CSAT", "CSAT", About.SURVEY),
    Figure("nps", Unit.SCORE, "100 * (nps_promoters - nps_detractors) / nps_answered", "NPS", "NPS", About.SURVEY),
    _seconds("time.signed_in", "signed_in_seconds", "Signed in", "На смене"),
    _seconds("time.available", "available_seconds", "Available", "Доступен"),
    _seconds("time.idle", "idle_seconds", "Idle", "Свободен"),
    _seconds("time.aux_paid", "aux_paid_seconds", "Away, paid", "Отошёл, оплачивается"),
    _seconds("time.aux_unpaid", "aux_unpaid_seconds", "Away, not paid", "Отошёл, не оплачивается"),
    _seconds("time.rona", "rona_seconds", "No answer", "Не отвечал"),
    _seconds("time.busy", "busy_seconds", "Busy", "В работе"),
    Figure("occupancy", Unit.SHARE, "busy_seconds / (busy_seconds + idle_seconds)", "Occupancy", "Занятость", About.TIME),
    Figure("utilisation", Unit.SHARE, "ready_seconds / signed_in_seconds", "Utilisation", "Загрузка", About.TIME),
    Figure("concurrency", Unit.SCORE, f"{_WORK} / busy_seconds", "At once", "Одновременно", About.TIME),
    _count("time.accepted", "offers_accepted", "Accepted", "Принял", About.TIME),
    _count("time.declined", "offers_declined", "Declined", "Отклонил", About.TIME),
    _count("time.expired", "offers_expired", "Not answered", "Не ответил", About.TIME),
    _count("team.agents", "agents", "Colleagues", "Сотрудников", About.TEAM),
    _count("team.here", "agents_here", "Colleagues here", "Сотрудников на месте", About.TEAM),
    _count("team.available", "agents_available", "Colleagues available", "Сотрудников доступно", About.TEAM),
    Figure("team.busy", Unit.SHARE, "agents_busy / agents_available", "Busy, of those available", "Заняты из доступных", About.TEAM),
    _count("day.came", "came", "Turns begun", "Новых обращений клиентов", About.DAY),
    _count("day.answered", "done", "Answers given", "Дано ответов", About.DAY),
    _count("now.waiting", "waiting", "Waiting now", "Ожидают сейчас", About.NOW),
    _count("now.waiting.quarter", "waiting_quarter", "Waiting up to 15 minutes", "Ожидают до 15 минут", About.NOW),
    _count("now.waiting.hour", "waiting_hour", "Waiting 15 to 60 minutes", "Ожидают от 15 до 60 минут", About.NOW),
    _count("now.waiting.four", "waiting_four", "Waiting 1 to 4 hours", "Ожидают от 1 до 4 часов", About.NOW),
    _count("now.waiting.more", "waiting_more", "Waiting longer than 4 hours", "Ожидают дольше 4 часов", About.NOW),
    _count("now.in_work", "in_work", "In work now", "В работе сейчас", About.NOW),
    _count("now.callbacks", "callbacks", "Calls to make now", "Ждут звонка сейчас", About.NOW),
    Figure("now.longest", Unit.SECONDS, "max(age)", "Longest wait now", "Дольше всех ждут", About.NOW, "age", 100),
    Figure("ces", Unit.SCORE, "ces_score / ces_answered", "CES", "CES", About.SURVEY),
)
BY_ID = {figure.id: figure for figure in FIGURES}


def values(
    tallies: Tallies, samples: Samples = NO_SAMPLES, about: About | None = None, only: Collection[str] | None = None
) -> dict[str, float | None]:
    """Every figure of these tallies and samples, by id; of one kind of report, or all; only some of them, or all."""
    ordered, by_name = {name: sorted(found) for name, found in samples.items()}, tallies.by_name
    wanted = (figure for figure in FIGURES if about in (None, figure.about) and (only is None or figure.id in only))
    return {figure.id: figure.of(by_name, ordered) for figure in wanted}


def made_of(only: Collection[str]) -> frozenset[str]:
    """The tallies and samples that some figures are made of."""
    figures = [BY_ID[each] for each in only]
    return frozenset(name for figure in figures for name in (*re.findall("[a-z_]+", figure.formula), *figure.parts, figure.sample) if name)
