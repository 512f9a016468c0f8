"""The page of the plan of measurements on site: its points, and forms whose changes are compared first."""

import csv
import io
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from api.desk_pages.measuring import PLAN
from api.desk_pages.show import desk_page
from api.http.paging import Paging
from api.http.session import LEADERS, Session, surroundings
from api.office import uploads
from api.office.uploads import Admitted, UploadComparison
from api.office_pages import upload_page
from api.office_pages.forms import NOTHING_TRIED, AskingLeader, Fields, SentForm, Told, tried
from api.staff.frame import language_of
from api.staff.session import StaffRoute, signed_in
from domain.measurement import PlanLine
from registry.csv_file import render
from registry.measuring import FILE
from registry.reading import MOST_LINES, TableFile
from registry.sheets import plan_sheet
from store.base.access import Right
from store.base.rows import Row
from store.sensors import plan_rows
from store.tickets import queue_rows

FIELDS = ("home", "building", "room", "room_kind", "every_days", "from", "to")
PAGE_LINES = 100
UTC = ZoneInfo("UTC")
reading = contextmanager(signed_in(LEADERS))
writing = contextmanager(signed_in(LEADERS, Right.WRITE))

router = APIRouter(prefix=PLAN, route_class=StaffRoute, include_in_schema=False)


@dataclass(frozen=True)
class PlanQuery:
    """The query keys of the list; a form sends empty ones for what is not chosen. `point` fills the form in."""

    station: Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")] = ""
    home: Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")] = ""
    cursor: Annotated[str, Query(max_length=200)] = ""
    point: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None
    done: Annotated[bool, Query()] = False

    def address(self, **changes: str) -> str:
        """Return the address of the list with these filters, some keys changed."""
        told = {"station": self.station, "home": self.home, **changes}
        kept = {key: value for key, value in told.items() if value}
        return f"{PLAN}?{urlencode(kept)}" if kept else PLAN


Asked = Annotated[PlanQuery, Depends()]


@router.get("")
def points(request: Request, asking: AskingLeader, query: Asked) -> Response:
    """Show the points of the plan, with the forms that change it."""
    return _page(request, asking, query, _begun(asking, query))


@router.get("/plan.csv")
def table(asking: AskingLeader) -> Response:
    """Give the plan as a file; it can be changed and sent back, and sent as it is it changes nothing."""
    rows = plan_rows.shown(asking.conn, asking.scope, limit=MOST_LINES)
    text = render(plan_sheet(FILE, UTC), [_line(row) for row in rows])
    headers = {"Content-Disposition": f'attachment; filename="{FILE}"', "Cache-Control": "no-store"}
    return Response(text.encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=headers)


def _line(row: Row) -> PlanLine:
    place = (row["room"], row["room_kind"], row["home"], None)
    return PlanLine(*place, row["every_days"], row["starts_at"], row["ends_at"])


def admitted(request: Request) -> Admitted:
    """Check that the person may upload, as a change of the plan is compared and applied like a file."""
    with writing(request) as session:
        return uploads.admit(request, session)


@router.post("")
def change(request: Request, caller: Annotated[Admitted, Depends(admitted)], told: Fields) -> Response:
    """Compare a point of the form with the plan, as a table with one line would be."""
    zone = surroundings(request).policy.zone.key
    file = TableFile(FILE, _table(told), "plan", "utf-8", zone, caller.known)
    found: list[UploadComparison] = []

    def act(changing: Session) -> None:
        found.append(uploads.keep(changing, file, uploads.read(request, file)))

    failed = tried(request, LEADERS, "point", told, act)
    with reading(request) as asking:
        if failed is None:
            return upload_page.shown(request, asking, found=found[0])
        # A place such as `plan.csv:2: room`: of one line, the name of the column alone.
        faults = {place.rpartition(": ")[2]: text for place, text in failed.faults.items()}
        return _page(request, asking, PlanQuery(), replace(failed, faults=faults))


def _table(told: Told) -> bytes:
    """Write the fields of the form as a table with one line."""
    out = io.StringIO()
    csv.writer(out).writerows([FIELDS, [told.get(name, "") for name in FIELDS]])
    return out.getvalue().encode()


def _begun(asking: Session, query: PlanQuery) -> SentForm:
    """Return the form, filled in with the point that is to be changed."""
    if query.point is None:
        return NOTHING_TRIED
    row = next(iter(plan_rows.shown(asking.conn, asking.scope, before=query.point + 1, limit=1)), None)
    if row is None or row["id"] != query.point:
        return NOTHING_TRIED
    told = {name: str(row[name]) for name in ("home", "room", "room_kind", "every_days")}
    return SentForm("point", told | {"to": _day(row["ends_at"], asking.policy.zone)})


def _day(at: datetime | None, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d}" if at else ""


def _page(request: Request, asking: Session, query: PlanQuery, sent: SentForm) -> Response:
    language = language_of(request, asking)
    paged = Paging(query.cursor or None, PAGE_LINES)
    rows = plan_rows.shown(
        asking.conn,
        asking.scope,
        station=query.station or None,
        home=query.home or None,
        before=paged.id(),
        limit=paged.fetched,
    )
    kept, cursor = paged.cut(rows, "id")
    return desk_page(
        request,
        asking,
        "office/plan.html",
        sent.status,
        points=[_shown(row, asking) for row in kept],
        query=query,
        stations=queue_rows.stations(asking.conn),
        following=query.address(cursor=cursor) if cursor else None,
        sent=sent.shown(language),
        trouble=bool(sent.faults or sent.refused),
    )


def _shown(row: Row, asking: Session) -> Mapping[str, object]:
    zone, ends_at = asking.policy.zone, row["ends_at"]
    days = {"begins": _day(row["starts_at"], zone), "ends": _day(ends_at, zone)}
    return {**row, **days, "is_past": ends_at is not None and ends_at <= asking.now}
