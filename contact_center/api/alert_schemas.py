"""What the API takes about alerts on figures."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from contact_center.api.framework import Input
from contact_center.api.schemas import among
from contact_center.model.figures import FIGURES
from contact_center.model.reports import Medium

WATCHED = tuple(figure.id for figure in FIGURES)
Figure = Annotated[str, Field(json_schema_extra={"enum": list(WATCHED)}), AfterValidator(among(WATCHED))]
Person = Annotated[int, Field(ge=1, lt=2**53)]


class AlertBody(Input):
    """Tell somebody when a figure stands beyond a threshold. Figures are of this moment (`now.`, `team.`), or
    of as long as `window_seconds` of the registry says."""

    figure: Figure
    queue_id: int | None = Field(None, ge=1, lt=2**53)
    """None: the whole centre; for administrators."""
    medium: Literal[Medium.TEXT, Medium.VOICE] | None = None
    """Of figures about work: calls only, or all but them."""
    above: bool = True
    """Whether above the threshold is bad; else below is."""
    threshold: float = Field(ge=-1e9, le=1e9, allow_inf_nan=False)
    """Seconds, shares from 0 to 1, or whatever else the figure is measured in."""
    minutes: int = Field(5, ge=0, le=1440)
    """For how long without a break; 0: at once."""
    told: list[Person] = Field(default_factory=list, max_length=50)
    """Who is told; empty: every supervisor who sees the queue."""
    sound: bool = False
    active: bool = True


class AlertPatchBody(Input):
    """What to change about an alert. What lasted is over, and it is looked at afresh."""

    above: bool | None = None
    threshold: float | None = Field(None, ge=-1e9, le=1e9, allow_inf_nan=False)
    minutes: int | None = Field(None, ge=0, le=1440)
    told: list[Person] | None = Field(None, max_length=50)
    sound: bool | None = None
    active: bool | None = None


class FiringsQuery(Input):
    """Which episodes."""

    cursor: str | None = Field(None, max_length=2000)
    limit: int = Field(50, ge=1, le=200)
