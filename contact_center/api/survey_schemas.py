"""What the API takes and gives about surveys."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from contact_center.api.framework import Input
from contact_center.model.surveys import OnLow, SurveyKind, SurveySettings

Language = Literal["ru", "en"]


class SurveyBody(Input):
    """What a queue asks. Without a kind it asks nothing."""

    kind: SurveyKind | None = None
    language: Language = "en"
    question: str = Field("", max_length=300)
    """In the centre's own words; empty: in ours."""
    delay_seconds: int = Field(3600, ge=0, le=30 * 86400)
    cap_days: int = Field(30, ge=0, le=365)
    """A contact is asked once in so many days at most; 0: as often as tickets are resolved."""
    expire_days: int = Field(14, ge=1, le=90)
    low_score: int | None = Field(None, ge=0, le=10)
    """A score up to this one is bad; `null`: none is."""
    on_low: OnLow = OnLow.NOTHING


class PageQuery(Input):
    """What the sample of a page shows."""

    kind: SurveyKind = SurveyKind.CSAT
    language: Language = "en"
    question: str = Field("", max_length=300)


@dataclass(frozen=True, slots=True)
class SurveyAsked:
    """What a queue asks."""

    settings: SurveySettings | None


@dataclass(frozen=True, slots=True)
class SurveyPreview:
    """What customers would get: a mail, or a text message."""

    subject: str
    letter: str
    text_message: str
