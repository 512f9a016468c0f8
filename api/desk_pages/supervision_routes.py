"""Routes of the page of supervisors: cases, what is late and why, work in hand, rates and the regulator's package."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from api.desk.cases import CaseQuery, CaseSort, listed
from api.desk_pages.case_list import case_line
from api.desk_pages.queue import QUEUE
from api.desk_pages.show import desk_page, reader_of
from api.figures import application_figures
from api.figures.application_figures import named_figures
from api.figures.cold_causes import found_beside
from api.figures.kpi import Asked, PackageQuery, Place, made_package
from api.figures.supervision import (
    LateQuery,
    causes_found,
    chosen_month,
    late_tickets,
    late_work,
    rated_work,
    workload,
)
from api.http.language import Language, said
from api.http.paging import Paging
from api.http.session import LEADERS, Session
from api.pages.render import Times, say
from api.staff.session import StaffRoute, signed_in
from domain.kpi import Heat, Month
from domain.tickets import DelayReason, TicketClass
from domain.words.desk import CLASS_TEXTS, CLOCK_TEXTS, DELAY_TEXTS
from insight.words.proof import proven_text
from papers.chart import Frame, Tick, runs, through_time
from papers.tables import ValueKind, written
from store.base.rows import Row
from store.figures import kpi_rows
from store.tickets import queue_rows
from store.tickets.case_rows import CaseView

FIGURES = f"{QUEUE}/figures"
MONTHS = 12
RATES = ("rate_by_time", "rate_by_homes", "coverage")
LATEST = 3
QUARTERS = 4
PAGE_TICKETS = 50
Cursor = Annotated[str | None, Query(max_length=200)]
AskingLeader = Annotated[Session, Depends(signed_in(LEADERS), scope="function")]

router = APIRouter(prefix=FIGURES, route_class=StaffRoute, include_in_schema=False)


@router.get("")
def figures_page(
    request: Request,
    asking: AskingLeader,
    query: Annotated[LateQuery, Depends()],
    cursor: Cursor = None,
    wanted: Asked = None,
) -> Response:
    """Show the page of a month."""
    language, month = reader_of(request, asking).language, chosen_month(asking, wanted)
    load = workload(asking)
    shown = {
        "month": str(month),
        "before": str(month.before()),
        "overdue": _cases(asking, language, CaseView.UNANSWERED, CaseSort.DUE),
        "newest": _cases(asking, language, CaseView.ALL, CaseSort.NEWEST),
        "late": [_late_line(row, month, language) for row in late_work(asking, month)],
        **_late_tickets(asking, language, month, query, cursor),
        "load": load,
        "ratings": rated_work(asking, month),
        "causes": causes_found(asking, month),
        "beside": [one.model_dump() for one in found_beside(asking, month)],
        "applications": named_figures(application_figures.figures(asking, str(month)), language),
        "quarters": _quarters(asking),
        "stations": queue_rows.stations(asking.conn),
        "still_cold": sum(row["still_cold"] for row in load),
        "is_counted": kpi_rows.counted_at(asking.conn, month.first) is not None,
        **_rates(asking, month, language),
    }
    return desk_page(request, asking, "desk/supervision.html", **shown)


@router.get("/package.zip")
def package_file(
    request: Request, place: Place, asking: AskingLeader, query: Annotated[PackageQuery, Depends()]
) -> Response:
    """Give the package of a span of months, as the API gives it."""
    return made_package(request, asking, query)


def _quarters(asking: Session) -> list[tuple[str, Month, Month]]:
    """Return the latest quarters of which all months up to now were counted: year and number, first and last month."""
    now = Month.of(asking.now, asking.policy.zone)
    found: dict[str, list[Month]] = {}
    for month in _back_from(now, QUARTERS * 3):
        if kpi_rows.counted_at(asking.conn, month.first) is not None:
            found.setdefault(f"{month.first.year}-Q{(month.first.month + 2) // 3}", []).append(month)
    return [
        (name, months[-1], months[0])
        for name, months in found.items()
        if len(months) == 3 or (months[0] == now and months[-1].first.month % 3 == 1)
    ]


def _back_from(month: Month, count: int) -> list[Month]:
    """Return a month and those before it, latest first."""
    months = [month]
    while len(months) < count:
        months.append(months[-1].before())
    return months


def _cases(asking: Session, language: Language, view: CaseView, sort: CaseSort) -> list[Any]:
    wanted = CaseQuery(view=view).filter(asking.now)
    rows, _ = listed(asking, wanted, sort, Paging(None, LATEST))
    times = Times(language, asking.policy.zone, asking.now)
    return [case_line(row, asking, language, times) for row in rows]


def _late_line(row: Row, month: Month, language: Language) -> Row:
    """Show what was late of a station and a person; the link leads to the single tickets."""
    link = _address(month, row["station"], row["person"] or "")
    return {**row, "reasons": _reasons(row["reasons"], language), "link": link}


def _late_tickets(
    asking: Session, language: Language, month: Month, query: LateQuery, cursor: str | None
) -> dict[str, Any]:
    """Return a page of single tickets, all or those of a station and person, and the address of the next one."""
    found = late_tickets(asking, month, query, Paging(cursor or None, PAGE_TICKETS))
    times = Times(language, asking.policy.zone, asking.now)
    lines = [
        {
            **one.model_dump(),
            "at": times.at(one.due_at),
            "class": said(CLASS_TEXTS[TicketClass(one.ticket_class)], language),
            "clocks": [said(CLOCK_TEXTS[name], language) for name in one.clocks],
            "reason": said(DELAY_TEXTS[one.reason], language) if one.reason else say(language, "sup_no_reason"),
        }
        for one in found.items
    ]
    following = _address(month, query.station, query.person, found.next) if found.next else None
    return {"tickets": lines, "query": query, "following": following, "all_late": f"{FIGURES}?month={month}#single"}


def _address(month: Month, station: str | None, person: str | None, cursor: str | None = None) -> str:
    """Return the address of single late tickets; a row of nobody asks for an empty person."""
    keys = {"month": str(month), "station": station, "person": person, "cursor": cursor}
    return f"{FIGURES}?{urlencode({key: value for key, value in keys.items() if value is not None})}#single"


def _reasons(reasons: dict[str, int], language: Language) -> list[tuple[str, int]]:
    """Name the reasons, those without one first."""
    return [
        (said(DELAY_TEXTS[DelayReason(reason)], language) if reason else say(language, "sup_no_reason"), count)
        for reason, count in sorted(reasons.items())
    ]


def _rates(asking: Session, month: Month, language: Language) -> dict[str, Any]:
    """Return the company's rates of the month, and those of a year as a chart and a table."""
    found = [(one, kpi_rows.figures(asking.conn, one.first)[0]) for one in reversed(_back_from(month, MONTHS))]
    now, heat = found[-1][1], [(one, of.heat) for one, of in found]
    series = []
    for name in RATES:
        known = [(nth, getattr(of, name) * 100) for nth, (_, of) in enumerate(heat) if getattr(of, name) is not None]
        series.append(runs([at for at, _ in known], [value for _, value in known], 1.0))
    frame = Frame(-0.3, MONTHS - 0.7, 0.0, 100.0)
    ticks = [Tick(nth, f"{one.first:%m}") for nth, (one, _) in enumerate(heat) if nth % 2 == 0]
    table = [(str(one), [_written(of, name) for name in RATES]) for one, of in heat]
    return {
        "chart": through_time(frame, series, [], [], ticks) if any(series) else None,
        "trend": table,
        "rates": RATES,
        "now_rates": table[-1][1],
        "heat": heat[-1][1],
        "proof": None if now.proof is None else said(proven_text(now.proof), language),
    }


def _written(heat: Heat, name: str) -> str:
    return written(getattr(heat, name), ValueKind.SHARE)
