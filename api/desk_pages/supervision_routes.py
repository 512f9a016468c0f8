"""Routes of the page of supervisors: cases, what is late and why, work in hand, rates and the regulator's package."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from api.desk.cases import CaseQuery, CaseSort, listed
from api.desk_pages.case_list import case_line
from api.desk_pages.queue import QUEUE
from api.desk_pages.show import desk_page, reader_of
from api.figures.kpi import Asked, PackageQuery, Place, made_package
from api.figures.supervision import chosen_month, late_work, workload
from api.http.language import Language, said
from api.http.paging import Paging
from api.http.session import LEADERS, Session
from api.pages.render import Times, say
from api.staff.session import StaffRoute, signed_in
from domain.kpi import Heat, Month
from domain.tickets import DelayReason
from domain.words.desk import DELAY_TEXTS
from papers.chart import Frame, Tick, runs, through_time
from papers.tables import ValueKind, written
from store.figures import kpi_rows
from store.tickets.case_rows import CaseView

FIGURES = f"{QUEUE}/figures"
MONTHS = 12
RATES = ("rate_by_time", "rate_by_homes", "coverage")
LATEST = 3
AskingLeader = Annotated[Session, Depends(signed_in(LEADERS), scope="function")]

router = APIRouter(prefix=FIGURES, route_class=StaffRoute, include_in_schema=False)


@router.get("")
def figures_page(request: Request, asking: AskingLeader, wanted: Asked = None) -> Response:
    """Show the page of a month."""
    language, month = reader_of(request, asking).language, chosen_month(asking, wanted)
    load = workload(asking)
    shown = {
        "month": str(month),
        "before": str(month.before()),
        "overdue": _cases(asking, language, CaseView.UNANSWERED, CaseSort.DUE),
        "newest": _cases(asking, language, CaseView.ALL, CaseSort.NEWEST),
        "late": [{**row, "reasons": _reasons(row["reasons"], language)} for row in late_work(asking, month)],
        "load": load,
        "still_cold": sum(row["still_cold"] for row in load),
        "is_counted": kpi_rows.counted_at(asking.conn, month.first) is not None,
        **_rates(asking, month),
    }
    return desk_page(request, asking, "desk/supervision.html", **shown)


@router.get("/package.zip")
def package_file(
    request: Request, place: Place, asking: AskingLeader, query: Annotated[PackageQuery, Depends()]
) -> Response:
    """Give the package of a month, as the API gives it."""
    return made_package(request, asking, query)


def _cases(asking: Session, language: Language, view: CaseView, sort: CaseSort) -> list[Any]:
    wanted = CaseQuery(view=view).filter(asking.now)
    rows, _ = listed(asking, wanted, sort, Paging(None, LATEST))
    times = Times(language, asking.policy.zone, asking.now)
    return [case_line(row, asking, language, times) for row in rows]


def _reasons(reasons: dict[str, int], language: Language) -> list[tuple[str, int]]:
    """Name the reasons, those without one first."""
    return [
        (said(DELAY_TEXTS[DelayReason(reason)], language) if reason else say(language, "sup_no_reason"), count)
        for reason, count in sorted(reasons.items())
    ]


def _rates(asking: Session, month: Month) -> dict[str, Any]:
    """Return the company's rates of the month, and those of a year as a chart and a table."""
    months = [month]
    while len(months) < MONTHS:
        months.append(months[-1].before())
    heat: list[tuple[Month, Heat]] = [
        (one, kpi_rows.figures(asking.conn, one.first)[0].heat) for one in reversed(months)
    ]
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
    }


def _written(heat: Heat, name: str) -> str:
    return written(getattr(heat, name), ValueKind.SHARE)
