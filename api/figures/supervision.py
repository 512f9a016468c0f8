"""Routes for supervisors: clocks that ran out in a month with the reasons given, and how much work each person has."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from api.figures.kpi import Asked
from api.http.paging import Page, Paged, Paging
from api.http.session import AskingLeaders, Session
from api.http.values import Instant, Shown
from domain.kpi import Month
from domain.tickets import DelayReason
from store.base.rows import Row
from store.figures import cause_rows, late_rows, rating_rows

SOON = timedelta(hours=24)
NO_NUL = r"^[^\x00]*$"

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


class LateTicket(BaseModel):
    """A ticket with clocks that ran out in a month: `clocks` names them, `due_at` is that of the first.

    `person` null: of nobody. `reason` is that of its last delay; null: none was given.
    """

    number: str
    ticket_class: str
    state: str
    station: str
    person: str | None
    clocks: list[str]
    unmet: int
    due_at: Instant
    longest_s: float
    reason: DelayReason | None


class Workload(BaseModel):
    """The open tickets of a station and a person; `due_soon` within a day."""

    station: str
    person: str | None
    open: int
    late: int
    due_soon: int
    still_cold: int


class StationRatings(BaseModel):
    """The ratings by users in a month of the work of a station, 1 to 5; `low`: those of 1 and 2."""

    station: str
    ratings: int
    mean: Shown
    low: int


class StationCause(BaseModel):
    """A cause that crews of a station found in a month, with its names, and the number of tickets."""

    station: str
    cause: str
    zh: str
    en: str
    tickets: int


class Supervision(BaseModel):
    """Late work, ratings and causes found of a month, and the work that is open now."""

    month: str
    late: list[LateWork]
    load: list[Workload]
    ratings: list[StationRatings]
    causes: list[StationCause]


def chosen_month(asking: Session, wanted: str | None) -> Month:
    """Return the month asked for, or else the present one."""
    return Month.parse(wanted) if wanted else Month.of(asking.now, asking.policy.zone)


def late_work(asking: Session, month: Month) -> list[Row]:
    """Read what was late in a month."""
    return late_rows.late(asking.conn, month.span(asking.policy.zone), asking.now)


@dataclass(frozen=True)
class LateQuery:
    """The query keys of late tickets; an empty one asks for tickets without a station, or without a person."""

    station: Annotated[str | None, Query(max_length=200, pattern=NO_NUL)] = None
    person: Annotated[str | None, Query(max_length=200, pattern=NO_NUL)] = None


def late_tickets(asking: Session, month: Month, query: LateQuery, paged: Paging) -> Page[LateTicket]:
    """Read a page of the late tickets of a month, what was due first leading."""
    span, wanted = month.span(asking.policy.zone), late_rows.LateFilter(query.station, query.person)
    rows = late_rows.late_tickets(asking.conn, span, asking.now, wanted, after=paged.position(), limit=paged.fetched)
    told = [{**row, "reason": row["reason"] or None} for row in rows]
    return paged.page(told, LateTicket, "due_at", "ticket_id")


def rated_work(asking: Session, month: Month) -> list[Row]:
    """Read how users rated the work in a month."""
    return rating_rows.ratings(asking.conn, month.span(asking.policy.zone))


def causes_found(asking: Session, month: Month) -> list[Row]:
    """Read the causes that crews found in a month."""
    return cause_rows.causes(asking.conn, month.span(asking.policy.zone))


def workload(asking: Session) -> list[Row]:
    """Read how much work everybody has."""
    return late_rows.load(asking.conn, asking.now, asking.now + SOON)


@router.get("/supervision")
def supervision(asking: AskingLeaders, wanted: Asked = None) -> Supervision:
    """Get what was late in a month with the reasons, ratings and causes found, and the work that is open now."""
    month = chosen_month(asking, wanted)
    return Supervision.model_validate(
        {
            "month": str(month),
            "late": late_work(asking, month),
            "load": workload(asking),
            "ratings": rated_work(asking, month),
            "causes": causes_found(asking, month),
        }
    )


@router.get("/supervision/late")
def late(
    asking: AskingLeaders, paged: Paged, query: Annotated[LateQuery, Depends()], wanted: Asked = None
) -> Page[LateTicket]:
    """List the tickets that were late in a month, those due first leading: all, or of a station or a person."""
    return late_tickets(asking, chosen_month(asking, wanted), query, paged)
