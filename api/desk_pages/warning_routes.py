"""The page of early warnings: the homes that are likely to be cold by a morning, and what became of them."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from markupsafe import Markup
from starlette.responses import Response

from api.desk_pages.measuring import home_address
from api.desk_pages.show import AskingDeskPerson, desk_page
from api.figures.insight import next_morning, warnings_of
from api.http.language import Language, said
from api.pages.render import Times, say
from api.staff.frame import language_of
from api.staff.session import StaffRoute
from api.words.insight import REASON_TEXTS
from domain.foresight import MORNING, ChillReason
from store.base.rows import Row

WARNINGS = "/desk/warnings"
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 1, 1)

router = APIRouter(prefix=WARNINGS, route_class=StaffRoute, include_in_schema=False)


@dataclass(frozen=True, kw_only=True)
class WarningLine:
    """A home that was warned of, in words."""

    home: str
    building: str
    unit: str
    station: str
    now: str
    lowest: str
    limit: str
    chance: str
    reason: str
    outcome: Markup | str
    not_helped: bool
    measure: str


@router.get("")
def early_warnings(
    request: Request, asking: AskingDeskPerson, day: Annotated[date | None, Query(ge=FIRST_DAY, le=LAST_DAY)] = None
) -> Response:
    """Show the warnings for a morning, the surest leading; those that nobody helped stand out."""
    language, wanted = language_of(request, asking), day or next_morning(asking)
    times = Times(language, asking.policy.zone, asking.now)
    until = datetime.combine(wanted, MORNING, asking.policy.zone)
    return desk_page(
        request,
        asking,
        "desk/warnings.html",
        until=times.at(until),
        lines=[_line(row, language, times) for row in warnings_of(asking, wanted, None)],
        before=f"{WARNINGS}?day={wanted - timedelta(days=1)}",
        after=f"{WARNINGS}?day={wanted + timedelta(days=1)}",
    )


def _line(row: Row, language: Language, times: Times) -> WarningLine:
    return WarningLine(
        home=row["home"],
        building=row["building"],
        unit=row["unit"],
        station=row["station"],
        now=_degrees(row["celsius"]),
        lowest=_degrees(row["lowest"]),
        limit=_degrees(row["limit"]),
        chance=f"{row['chance']:.0%}",
        reason=said(REASON_TEXTS[ChillReason(row["reason"])], language),
        outcome=_outcome(row, language, times),
        not_helped=row["not_helped"],
        measure=home_address(row["home"]),
    )


def _outcome(row: Row, language: Language, times: Times) -> Markup | str:
    if row["not_helped"]:
        return say(language, "insight_not_helped")
    if row["visited_at"]:
        return say(language, "insight_visited", at=times.at(row["visited_at"]))
    return say(language, "insight_open")


def _degrees(celsius: float) -> str:
    return f"{celsius:.1f}\N{NO-BREAK SPACE}°C"
