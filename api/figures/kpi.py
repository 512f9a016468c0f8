"""Routes for monthly figures, per station and for the company."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AfterValidator, BaseModel

from api.http.session import AskingStaff
from api.http.values import Instant
from domain.kpi import Month
from store.figures import kpi_rows


def month(text: str) -> str:
    """Check the text of a month.

    Raises:
        ValueError: the text is no month.
    """
    return str(Month.parse(text))


class HeatFigures(BaseModel):
    """Heating quality: home-time in seconds, rates from 0 to 1, null if the denominator is zero."""

    homes: int
    judged_homes: int
    qualified_homes: int
    compliant_s: float
    cold_s: float
    severe_s: float
    unknown_s: float
    not_judged_s: float
    shortfall_s: float
    kelvin_hours: float
    rate_by_time: float | None
    rate_by_homes: float | None
    coverage: float | None


class ClockFigures(BaseModel):
    """The clocks of a class of tickets that fell due in the month; times in seconds from start to met."""

    ticket_class: str
    name: str
    due: int
    in_time: int
    late: int
    unmet: int
    rate: float | None
    mean_s: float | None
    median_s: float | None


class CaseFigures(BaseModel):
    """Complaints, or reports of wrongdoing, received in the month."""

    ticket_class: str
    received: int
    closed: int
    closed_in_time: int
    answered_in_time: int
    answered_late: int
    overdue: int
    waiting: int
    closure: float | None
    closure_in_time: float | None
    answered: float | None


class DeskFigures(BaseModel):
    """Tickets, call-backs and recoveries of the month."""

    tickets: int
    retrospective: int
    merged: int
    void: int
    closed: int
    called_back: int
    asked: int
    satisfied: int
    satisfaction: float | None
    flags: int
    recovered: int
    recovery: float | None
    warm_mean_s: float | None
    warm_median_s: float | None


class StationFigures(BaseModel):
    """All figures of a station; `station` null: of the company."""

    station: str | None
    heat: HeatFigures
    desk: DeskFigures
    clocks: list[ClockFigures]
    cases: list[CaseFigures]


class MonthFigures(BaseModel):
    """The figures of a month; `counted_at` is null until the desk figures have been counted."""

    month: str
    counted_at: Instant | None
    figures: list[StationFigures]


MonthText = Annotated[str, AfterValidator(month)]
Asked = Annotated[MonthText | None, Query(alias="month", description="such as 2026-01; default: the current month")]

router = APIRouter(prefix="/v1", tags=["figures"])


@router.get("/kpi")
def figures(asking: AskingStaff, wanted: Asked = None) -> MonthFigures:
    """Get the figures of a month: the company first, then each station; a crew sees its own station only."""
    chosen = Month.parse(wanted) if wanted else Month.of(asking.now, asking.policy.zone)
    found = kpi_rows.figures(asking.conn, chosen.first, asking.scope.own_station)
    told = [StationFigures.model_validate(each.told()) for each in found]
    counted_at = kpi_rows.counted_at(asking.conn, chosen.first)
    return MonthFigures(month=str(chosen), counted_at=counted_at, figures=told)
