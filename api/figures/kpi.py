"""Routes for monthly figures, per station and for the company, and the package of a span of months."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from pydantic import AfterValidator, BaseModel
from starlette.responses import Response

from alerts.figures.proofs import cells_of
from api.homes.exports import place_for_export
from api.http.download import Download, file_for
from api.http.language import Language
from api.http.problem import FieldFault, Problem, invalid
from api.http.session import AskingLeaders, AskingStaff, Session, names_of, surroundings
from api.http.values import Instant
from api.words import problems
from domain.kpi import Month, MonthKpi
from insight.plan import to_measure
from insight.words.proof import proven_text
from papers.figures_gather import FiguresRequest, gather, months_of
from papers.figures_package import package
from store.base import access
from store.evidence import chain_rows
from store.figures import kpi_rows, proof_rows


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


class ProofFigures(BaseModel):
    """The proof of the rates: what they say of all homes, with 95 % certainty; shares from 0 to 1.

    `proven`: at least so many homes were warm, if those that were measured were drawn by chance. `by_homes` and
    `by_time` are of all homes, weighed by building, floor and exposure, each with its interval. `zh` and `en` say it.
    """

    homes: int
    measured: int
    warm: int
    proven: float
    by_homes: float
    by_homes_low: float
    by_homes_high: float
    by_time: float
    by_time_low: float
    by_time_high: float
    zh: str
    en: str


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
    proof: ProofFigures | None
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

ZIP: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The package; its root digest is the ETag",
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    },
    304: {"description": "Not changed since the ETag in If-None-Match"},
}

router = APIRouter(prefix="/v1", tags=["figures"])


def place(request: Request) -> Iterator[None]:
    """Take an export slot for writing a package."""
    with place_for_export(request):
        yield


Place = Annotated[None, Depends(place, scope="function")]


MOST_MONTHS = 12


@dataclass(frozen=True)
class PackageQuery:
    """The query keys of a package; without `until` it is of one month."""

    month: Annotated[MonthText, Query(description="such as 2026-01")]
    until: Annotated[MonthText | None, Query(description="the last month, such as 2026-03")] = None
    station: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")] = None
    language: Language = "zh"


@router.get("/kpi")
def figures(asking: AskingStaff, wanted: Asked = None) -> MonthFigures:
    """Get the figures of a month: the company first, then each station; a crew sees its own station only."""
    chosen = Month.parse(wanted) if wanted else Month.of(asking.now, asking.policy.zone)
    found = kpi_rows.figures(asking.conn, chosen.first, asking.scope.own_station)
    told = [StationFigures.model_validate(_told(each)) for each in found]
    counted_at = kpi_rows.counted_at(asking.conn, chosen.first)
    return MonthFigures(month=str(chosen), counted_at=counted_at, figures=told)


def _told(found: MonthKpi) -> dict[str, Any]:
    told = found.told()
    if found.proof is not None:
        told["proof"] |= proven_text(found.proof)._asdict()
    return told


class MeasureMore(BaseModel):
    """Homes of a kind in a building: how many there are, were measured, and should be measured besides.

    `floor`: the lowest of a group of floors, null if the registry does not know it.
    """

    building: str
    floor: int | None
    exposure: str | None
    homes: int
    measured: int
    more: int


class MeasuringNeed(BaseModel):
    """The homes to measure, and how many more of them where, so that the rate by homes is known within `precision`."""

    month: str
    precision: float
    more: int
    places: list[MeasureMore]


@dataclass(frozen=True)
class NeedQuery:
    """The query keys of where to measure."""

    precision: Annotated[float, Query(ge=0.001, le=0.5, description="half the width of the 95 % interval")] = 0.02
    station: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")] = None


@router.get("/kpi/sample")
def where_to_measure(
    asking: AskingLeaders, query: Annotated[NeedQuery, Depends()], wanted: Asked = None
) -> MeasuringNeed:
    """Get how many more homes to measure where, most first, so that a month's rate is known so precisely."""
    chosen = Month.parse(wanted) if wanted else Month.of(asking.now, asking.policy.zone)
    found = proof_rows.cells(asking.conn, chosen.first).of(query.station)
    more = to_measure(cells_of(found)[0], query.precision).tolist() if found.stations else []
    names = proof_rows.building_codes(asking.conn, found.buildings)
    places = [
        MeasureMore(
            building=names[building], floor=floor or None, exposure=exposure or None, homes=int(numbers[0]),
            measured=int(numbers[1]), more=int(n),
        )
        for building, floor, exposure, numbers, n in zip(
            found.buildings, found.floors, found.exposures, found.numbers, more, strict=True
        )
        if n and building in names
    ]  # fmt: skip
    places.sort(key=lambda place: -place.more)
    return MeasuringNeed(month=str(chosen), precision=query.precision, more=sum(p.more for p in places), places=places)


@router.get("/kpi/package", response_class=Download, status_code=200, responses=ZIP)
def regulator_package(
    request: Request,
    place: Place,
    asking: AskingLeaders,
    query: Annotated[PackageQuery, Depends()],
    if_none_match: Annotated[str | None, Header(max_length=1000)] = None,
) -> Response:
    """Get the figures of a month, or of up to twelve, as one ZIP: workbook, PDF, CSV, and a manifest of their digests.

    With the lists of cases behind them, and the seals that these lie under. The same figures give the same bytes.
    """
    return made_package(request, asking, query, if_none_match or "")


def made_package(request: Request, asking: Session, query: PackageQuery, known: str = "") -> Response:
    """Make the package of a span of months and answer with it.

    Raises:
        Problem: 409, a month has not been counted; 422, there are no figures of the station, or the span is none.
    """
    given, months = surroundings(request), _months(query)
    asking.conn.rollback()  # the caller is known; all is read as it is at one moment
    chain_rows.freeze(asking.conn)
    access.enter(asking.conn, asking.scope)
    counted = [kpi_rows.counted_at(asking.conn, month.first) for month in months]
    for month, at in zip(months, counted, strict=True):
        if at is None:
            raise Problem(409, problems.NOT_COUNTED.fill(month=month))
    wanted = FiguresRequest(
        months=months, station=query.station or None, language=query.language, counted_at=max(filter(None, counted))
    )
    found = gather(asking.conn, asking.scope, wanted, asking.policy.zone)
    if not any(several for _, several in found.months):
        raise invalid(FieldFault("station", problems.NO_SUCH_STATION))
    with file_for(given.downloads, names_of(request, asking)) as sheet:
        headers = {
            "ETag": f'"{package(sheet.file, found, asking.policy, wanted)}"',
            "Cache-Control": "private, no-cache",
        }
        if headers["ETag"] in known:
            sheet.close()
            return Response(status_code=304, headers=headers)
        name = f'attachment; filename="figures-{wanted.name}.zip"'
        return Download(sheet, {**headers, "Content-Disposition": name}, "application/zip")


def _months(query: PackageQuery) -> list[Month]:
    """Return the months asked for.

    Raises:
        Problem: 422, they are in no order, or too many.
    """
    first = Month.parse(query.month)
    last = Month.parse(query.until) if query.until else first
    if last < first:
        raise invalid(FieldFault("until", problems.BEFORE_MONTH))
    if (last.first.year - first.first.year) * 12 + last.first.month - first.first.month >= MOST_MONTHS:
        raise invalid(FieldFault("until", problems.TOO_MANY_MONTHS.fill(most=MOST_MONTHS)))
    return months_of(first, last)
