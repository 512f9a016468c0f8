"""Routes for supervisors: clocks that ran out in a month with the reasons given, and how much work each person has."""

from datetime import timedelta

from fastapi import APIRouter
from pydantic import BaseModel

from api.figures.kpi import Asked
from api.http.session import AskingLeaders, Session
from domain.kpi import Month
from store.base.rows import Row
from store.figures import late_rows

SOON = timedelta(hours=24)

router = APIRouter(prefix="/v1", tags=["figures"])


class LateWork(BaseModel):
    """The clocks of a station and a person that ran out in a month; `person` null: of nobody.

    `reasons` counts the tickets by the reason of their last delay; an empty one: none was given.
    """

    station: str
    person: str | None
    tickets: int
    clocks: int
    unmet: int
    longest_s: float
    reasons: dict[str, int]


class Workload(BaseModel):
    """The open tickets of a station and a person; `due_soon` within a day."""

    station: str
    person: str | None
    open: int
    late: int
    due_soon: int
    still_cold: int


class Supervision(BaseModel):
    """Late work of a month, and the work that is open now."""

    month: str
    late: list[LateWork]
    load: list[Workload]


def chosen_month(asking: Session, wanted: str | None) -> Month:
    """Return the month asked for, or else the present one."""
    return Month.parse(wanted) if wanted else Month.of(asking.now, asking.policy.zone)


def late_work(asking: Session, month: Month) -> list[Row]:
    """Read what was late in a month."""
    return late_rows.late(asking.conn, *month.span(asking.policy.zone), asking.now)


def workload(asking: Session) -> list[Row]:
    """Read how much work everybody has."""
    return late_rows.load(asking.conn, asking.now, asking.now + SOON)


@router.get("/supervision")
def supervision(asking: AskingLeaders, wanted: Asked = None) -> Supervision:
    """Get what was late in a month, by station and person with the reasons, and the work that is open now."""
    month = chosen_month(asking, wanted)
    return Supervision.model_validate({"month": str(month), "late": late_work(asking, month), "load": workload(asking)})
