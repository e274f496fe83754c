"""What the API takes about figures: reports, what stands behind a number, agents' time."""

from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field

from contact_center.api.framework import Input
from contact_center.api.schemas import among
from contact_center.model.agent_time import KINDS
from contact_center.model.figures import About
from contact_center.model.reports import By, Medium, Step
from contact_center.store.repositories.tallies import COUNTED


class ReportQuery(Input):
    """Which rows a report is about, and what makes a row of it."""

    since: AwareDatetime
    until: AwareDatetime
    about: About = About.WORK
    by: By = By.QUEUE
    step: Step = Step.DAY
    """Length of the intervals, with `by=interval`."""
    timezone: str = Field("UTC", max_length=60)
    """Whose clock on the wall the intervals follow."""
    queue_id: int | None = Field(None, ge=1, lt=2**53)
    agent_id: int | None = Field(None, ge=0, lt=2**53)
    """0: nobody."""
    channel: str | None = Field(None, max_length=60)
    reason_id: int | None = Field(None, ge=0, lt=2**53)
    """0: none."""
    policy_id: int | None = Field(None, ge=1, lt=2**53)
    """Of promises."""
    medium: Literal[Medium.TEXT, Medium.VOICE] | None = None
    language: Literal["en", "ru"] = "en"
    """Of the headings of an export."""


class BehindQuery(ReportQuery):
    """Which number of a report to open."""

    tally: Annotated[str, Field(json_schema_extra={"enum": list(COUNTED)}), AfterValidator(among(tuple(COUNTED)))]
    hour: str | None = Field(None, pattern="^[0-6]-(1?[0-9]|2[0-3])$")
    """Only what began in this hour of the week, on the wall of `timezone`: `0-9` is Monday from nine to ten."""
    cursor: str | None = Field(None, max_length=2000)
    limit: int = Field(50, ge=1, le=200)


class ExportQuery(ReportQuery):
    """A report, and what kind of file it is to be."""

    format: Literal["csv", "xlsx"] = "csv"


class StretchQuery(Input):
    """A stretch of time."""

    since: AwareDatetime
    until: AwareDatetime


def _kinds(said: str) -> str:
    if unknown := [each for each in said.split(",") if each and each not in KINDS]:
        raise ValueError(f"there is no kind {unknown[0]}")
    return said


class StretchesQuery(StretchQuery):
    """What the time of an agent is made of."""

    agent_id: int | None = Field(None, ge=1, lt=2**53)
    """None: of all."""
    kinds: Annotated[str, AfterValidator(_kinds)] = ""
    """Only these kinds, comma-separated; empty: all."""
    skip: int = Field(0, ge=0, le=100_000)
    limit: int = Field(500, ge=1, le=5000)


class MissedQuery(StretchQuery):
    """Which calls that nobody answered."""

    queue_id: int | None = Field(None, ge=1, lt=2**53)
    cursor: str | None = Field(None, max_length=2000)
    limit: int = Field(50, ge=1, le=200)
