"""Figures of applications for heat received in a month: answered in time, late, overdue; warm in time."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from api.figures.kpi import Asked
from api.http.language import Language, said
from api.http.session import AskingDesk
from domain.applications import ApplicationKind
from domain.kpi import Month
from domain.words.applications import KIND_TEXTS
from store.tickets import application_rows

Station = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]+$")]

router = APIRouter(prefix="/v1", tags=["figures"])


class ApplicationFigures(BaseModel):
    """Applications of a kind received in a month, and how they were answered and got their heat."""

    kind: ApplicationKind
    received: int
    answered_in_time: int
    answered_late: int
    overdue: int
    waiting: int
    late_explained: int
    warm_in_time: int
    warm_late: int


class MonthOfApplications(BaseModel):
    """The applications received in a month, by kind."""

    month: str
    figures: list[ApplicationFigures]


def named_figures(month: MonthOfApplications, language: Language) -> list[tuple[str, ApplicationFigures]]:
    """Return the figures of a month, each with the name of its kind."""
    return [(said(KIND_TEXTS[one.kind], language), one) for one in month.figures]


@router.get("/applications/figures")
def figures(asking: AskingDesk, wanted: Asked = None, station: Station = None) -> MonthOfApplications:
    """Count the applications received in a month by kind: answered in time, late, overdue; warm in time."""
    month = Month.parse(wanted) if wanted else Month.of(asking.now, asking.policy.zone)
    span = month.span(asking.policy.zone)
    rows = application_rows.figures(asking.conn, asking.scope, span, asking.now, station)
    return MonthOfApplications(month=str(month), figures=[ApplicationFigures.model_validate(row) for row in rows])
