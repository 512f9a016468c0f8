"""The page of sensors that are heard and not registered, and the file in which they are placed."""

import csv
import io
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Query, Request
from markupsafe import Markup
from pydantic import StringConstraints
from starlette.responses import RedirectResponse, Response

from api.desk.unknown_sensors import Sought
from api.desk_pages.show import AskingDeskPerson, desk_page
from api.homes.home_routes import home_id
from api.http.language import Language, said
from api.http.paging import Paging
from api.http.problem import Problem
from api.pages.render import HEADERS, Times
from api.staff.frame import language_of
from api.staff.session import StaffRoute
from domain.words.quantities import QUANTITY_TEXTS
from registry.csv_file import harmless
from store.base.rows import Row
from store.sensors import unknown_rows

UNKNOWN = "/desk/unknown-sensors"
PAGE_SENSORS = 100
# The columns of sensors.csv to be filled in for what is new: a column that is absent gives it its usual value.
PLACING = ("id", "home", "substation", "gateway", "room", "room_kind", "interval_s")
Name = Annotated[str, StringConstraints(strip_whitespace=True), Query(max_length=100, pattern=r"^[^\x00]*$")]
BYTE_ORDER_MARK = "\ufeff"  # tells spreadsheets that it is UTF-8

router = APIRouter(prefix=UNKNOWN, route_class=StaffRoute, include_in_schema=False)


@dataclass(frozen=True, kw_only=True)
class UnknownLine:
    """A sensor that waits for its place, in words."""

    sensor: str
    said: list[tuple[str, str]]
    heard: Markup
    since: Markup
    device: str | None  # the gateway, where it does not speak itself
    topic: str
    alike: str | None


@dataclass(frozen=True)
class UnknownQuery:
    """The query keys of the page."""

    sought: Sought = ""
    cursor: Annotated[str | None, Query(max_length=200)] = None

    def address(self, path: str = UNKNOWN, cursor: str | None = None) -> str:
        """Return the address of what is sought, from a cursor on."""
        told = {key: value for key, value in (("q", self.sought.strip()), ("cursor", cursor)) if value}
        return f"{path}?{urlencode(told)}" if told else path


@dataclass(frozen=True)
class WantedPlace:
    """A sensor, the device that speaks for it, and the code of the home at which it is to be placed."""

    sensor: Name = ""
    home: Name = ""
    gateway: Name = ""


@router.get("")
def unknown_sensors(request: Request, asking: AskingDeskPerson, query: Annotated[UnknownQuery, Depends()]) -> Response:
    """Show the sensors heard in the last two weeks that are not in the registry, latest first."""
    return _page(request, asking, query)


@router.get("/place")
def place(request: Request, asking: AskingDeskPerson, wanted: Annotated[WantedPlace, Depends()]) -> Response:
    """Lead to the home at which a sensor is to be placed, where the form has what is known of it."""
    try:
        home_id(asking, wanted.home)
    except Problem:
        return _page(request, asking, UnknownQuery(sought=wanted.sensor), wanted)
    told = {"sensor": wanted.sensor, **({"gateway": wanted.gateway} if wanted.gateway else {})}
    return RedirectResponse(f"/desk/homes/{quote(wanted.home, safe='')}?{urlencode(told)}#sensors-sensor", 303)


def _page(
    request: Request, asking: AskingDeskPerson, query: UnknownQuery, nowhere: WantedPlace | None = None
) -> Response:
    paged = Paging(query.cursor or None, PAGE_SENSORS)
    found = unknown_rows.latest(asking.conn, paged.position(), paged.fetched, query.sought.strip())
    rows, following = paged.cut(found, "last_heard_at", "id")
    language = language_of(request, asking)
    times = Times(language, asking.policy.zone, asking.now)
    return desk_page(
        request,
        asking,
        "desk/unknown_sensors.html",
        404 if nowhere else 200,
        query=query,
        nowhere=nowhere,
        lines=[_line(row, language, times) for row in rows],
        following=query.address(cursor=following) if following else None,
        file=query.address(f"{UNKNOWN}/sensors.csv"),
    )


def _line(row: Row, language: Language, times: Times) -> UnknownLine:
    return UnknownLine(
        sensor=row["sensor"],
        said=[_value(language, name, row["said"][name]) for name in QUANTITY_TEXTS if name in row["said"]],
        heard=times.ago(row["last_heard_at"]),
        since=times.at(row["first_heard_at"]),
        device=_gateway(row),
        topic=row["topic"],
        alike=row["alike"],
    )


def _value(language: Language, quantity: str, value: float) -> tuple[str, str]:
    text = QUANTITY_TEXTS[quantity]
    return said(text.name, language), f"{value:.6g}\N{NO-BREAK SPACE}{said(text.unit, language)}"


def _gateway(row: Row) -> str | None:
    return row["device"] if row["device"] != row["sensor"] else None


@router.get("/sensors.csv")
def placing_file(asking: AskingDeskPerson, sought: Sought = "") -> Response:
    """Return the sensors as a sensors.csv whose places are to be filled in, for the import of the registry."""
    rows = unknown_rows.latest(asking.conn, None, unknown_rows.MOST, sought.strip())
    return Response(
        BYTE_ORDER_MARK + _placing(rows),
        media_type="text/csv; charset=utf-8",
        headers={**HEADERS, "Content-Disposition": 'attachment; filename="sensors.csv"', "Cache-Control": "no-store"},
    )


def _placing(rows: list[Row]) -> str:
    """Render the lines to be filled in."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, PLACING, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({"id": harmless(row["sensor"]), "gateway": harmless(_gateway(row))} for row in rows)
    return out.getvalue()
