"""Asking customers how it was: the kinds of questions, their scales and words, and the formulas over the answers.

The formulas are over sums, as those of `figures`: a total adds them up and never averages shares.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SurveyKind(StrEnum):
    """What is asked."""

    CSAT = "csat"
    """How content they are, from 1 to 5."""
    NPS = "nps"
    """Whether they would recommend us, from 0 to 10."""
    CES = "ces"
    """How easy it was, from 1 to 7."""


class OnLow(StrEnum):
    """What follows a bad score."""

    NOTHING = "nothing"
    NOTIFY = "notify"
    """Whoever has the ticket, and whoever watches it, is told."""
    REOPEN = "reopen"
    """The ticket opens again; whoever has it is told."""


class Skipped(StrEnum):
    """Why nobody was asked."""

    CAP = "cap"
    """The contact was asked not long ago."""
    UNPROVEN = "unproven"
    """Their address is only claimed, forged, or shared."""
    REFUSED = "refused"
    """Nothing automatic may go there: a machine, an opt-out, a bounce, or enough of it for one day."""
    NO_CHANNEL = "no_channel"
    """They wrote by nothing that could ask them."""
    NOTHING_SAID = "nothing_said"
    """No colleague answered, so that there is nothing to ask about."""


SCALES = {SurveyKind.CSAT: (1, 5), SurveyKind.NPS: (0, 10), SurveyKind.CES: (1, 7)}
"""The lowest and the highest score."""
COMMENT_LIMIT = 2000


@dataclass(frozen=True, slots=True)
class SurveySettings:
    """What a queue asks after a ticket of it was resolved."""

    kind: SurveyKind
    language: str = "en"
    question: str = ""
    """In the centre's own words; empty: in ours."""
    delay_seconds: int = 3600
    """How long after the resolution; not when the ticket was reopened meanwhile."""
    cap_days: int = 30
    """A contact is asked once in so many days at most; 0: as often as tickets are resolved."""
    expire_days: int = 14
    low_score: int | None = None
    """A score up to this one is bad; None: none is."""
    on_low: OnLow = OnLow.NOTHING


@dataclass(frozen=True, slots=True)
class Survey:
    """One time that somebody was asked, and what they said."""

    id: int
    ticket_id: int
    queue_id: int
    contact_id: int
    agent_id: int | None
    """Who resolved the ticket."""
    kind: SurveyKind
    channel: str
    sent_at: datetime | None
    answered_at: datetime | None
    score: int | None
    comment: str
    expires_at: datetime | None


# Formulas.


@dataclass(frozen=True, slots=True)
class SurveyTallies:
    """Sums over surveys of one kind."""

    sent: int = 0
    answered: int = 0
    top: int = 0
    """Contented (CSAT 4 and 5), promoters (NPS 9 and 10), at ease (CES 5 to 7)."""
    bottom: int = 0
    """Discontented (CSAT 1 and 2), detractors (NPS 0 to 6), who had trouble (CES 1 to 3)."""
    points: int = 0
    """The sum of the scores."""

    def __add__(self, other: "SurveyTallies") -> "SurveyTallies":
        """The tallies of both together."""
        return SurveyTallies(
            self.sent + other.sent,
            self.answered + other.answered,
            self.top + other.top,
            self.bottom + other.bottom,
            self.points + other.points,
        )


TOP = {SurveyKind.CSAT: 4, SurveyKind.NPS: 9, SurveyKind.CES: 5}
"""From this score on somebody is contented, a promoter, at ease."""
BOTTOM = {SurveyKind.CSAT: 2, SurveyKind.NPS: 6, SurveyKind.CES: 3}
"""Up to this score they are the contrary."""


def tallies(kind: SurveyKind, scores: Iterable[int | None]) -> SurveyTallies:
    """The sums over surveys that were sent: a score each, None where there was no answer."""
    given = list(scores)
    said = [score for score in given if score is not None]
    return SurveyTallies(
        sent=len(given),
        answered=len(said),
        top=sum(score >= TOP[kind] for score in said),
        bottom=sum(score <= BOTTOM[kind] for score in said),
        points=sum(said),
    )


def response_rate(sums: SurveyTallies) -> float | None:
    """The share of those who were asked that answered; None when nobody was asked."""
    return sums.answered / sums.sent if sums.sent else None


def csat(sums: SurveyTallies) -> float | None:
    """The share of 4 and 5 among the answers; None without answers."""
    return sums.top / sums.answered if sums.answered else None


def nps(sums: SurveyTallies) -> float | None:
    """Promoters minus detractors, from -100 to 100; None without answers."""
    return 100 * (sums.top - sums.bottom) / sums.answered if sums.answered else None


def ces(sums: SurveyTallies) -> float | None:
    """The mean score, from 1 to 7; None without answers."""
    return sums.points / sums.answered if sums.answered else None


FORMULAS = {SurveyKind.CSAT: csat, SurveyKind.NPS: nps, SurveyKind.CES: ces}
"""What each kind comes to. A rate of response stands beside every one of them."""


# Words.


QUESTIONS = {
    ("en", SurveyKind.CSAT): "How content are you with the way we answered you?",
    ("en", SurveyKind.NPS): "How likely are you to recommend us to others?",
    ("en", SurveyKind.CES): "How easy was it to get your matter settled?",
    ("ru", SurveyKind.CSAT): "Насколько вы довольны тем, как мы вам ответили?",
    ("ru", SurveyKind.NPS): "Насколько вероятно, что вы порекомендуете нас другим?",
    ("ru", SurveyKind.CES): "Насколько легко было решить ваш вопрос?",
}
ENDS = {
    ("en", SurveyKind.CSAT): ("not at all", "very"),
    ("en", SurveyKind.NPS): ("not at all likely", "very likely"),
    ("en", SurveyKind.CES): ("very hard", "very easy"),
    ("ru", SurveyKind.CSAT): ("совсем нет", "полностью"),
    ("ru", SurveyKind.NPS): ("точно нет", "точно да"),
    ("ru", SurveyKind.CES): ("очень трудно", "очень легко"),
}
"""What the lowest and the highest score say."""
SUBJECTS = {"en": "How was it? Your request #{number}", "ru": "Как мы справились? Обращение №{number}"}
_LETTER = {
    "en": "Hello,\n\nyour request #{number} is settled. {question}\n\n{links}\n\nIt takes one click. If the matter is not settled, "
    "reply to this mail.",
    "ru": "Здравствуйте!\n\nВаше обращение №{number} решено. {question}\n\n{links}\n\nЭто один щелчок. Если вопрос не решён, "
    "ответьте на это письмо.",
}
_SHORT = {
    "en": "Request {number}: {question} Answer with a number from {low} ({worst}) to {high} ({best}).",
    "ru": "Обращение {number}: {question} Ответьте числом от {low} ({worst}) до {high} ({best}).",
}


def question(kind: SurveyKind, language: str, own: str = "") -> str:
    """What is asked: in the centre's words, or in ours."""
    return own.strip() or QUESTIONS[language, kind]


def letter(kind: SurveyKind, language: str, own: str, number: int, url: str) -> str:
    """The text of the mail that asks. Five scores are five links; more are one, to a page that has them all."""
    low, high = SCALES[kind]
    worst, best = ENDS[language, kind]
    words = {low: f" ({worst})", high: f" ({best})"}
    lines = [f"{score}{words.get(score, '')}: {url}?score={score}" for score in range(high, low - 1, -1)]
    links = "\n".join(lines) if kind is SurveyKind.CSAT else url
    return _filled(_LETTER[language], number=str(number), question=question(kind, language, own), links=links)


def text_message(kind: SurveyKind, language: str, own: str, number: int) -> str:
    """The text message that asks, to be answered with a number."""
    (low, high), (worst, best) = SCALES[kind], ENDS[language, kind]
    asked = question(kind, language, own)
    return _filled(_SHORT[language], number=str(number), question=asked, low=str(low), high=str(high), worst=worst, best=best)


_ANSWER = re.compile(r"\s*(\d{1,2})(?!\d)(?:\s*(?:/|из|of|out of)\s*\d{1,2})?[\s.,;:!)-]*(.*)", re.S | re.I)


def score_of(kind: SurveyKind, text: str) -> tuple[int, str] | None:
    """The score and the comment of a text message that begins with one; None for a message that is about something else.

    A long text that happens to begin with a number is a message to us, and not an answer.
    """
    found = _ANSWER.fullmatch(text.strip()[:500])
    low, high = SCALES[kind]
    if found is None or not low <= int(found[1]) <= high or len(found[2]) > 160 or "?" in found[2]:
        return None
    return int(found[1]), found[2].strip()


def _filled(template: str, **values: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], template)
