"""Routes for a home: its state, readings, ledger, flags and tickets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, timedelta, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Response
from psycopg import Connection

from api.answers import models
from api.answers.models import quality_name
from api.answers.seen import seen
from api.homes.buckets import Every, buckets
from api.http.paging import Page, Paged, Paging, Sort, Sorted
from api.http.problem import FieldFault, invalid, no_such
from api.http.session import Asking, Session
from api.http.values import Asked, AskedDay, AskedZone, rounded, rounded_all
from api.words import problems
from domain.quality import Quality
from store.base.access import Scope
from store.base.rows import Row
from store.judging import ledger_days
from store.readings.reading_history import Columns, HistoryPage
from store.registry import home_rows
from store.tickets import ticket_pages

DEFAULT_SPAN = timedelta(days=1)
DEFAULT_LEDGER_SPAN = timedelta(days=30)
DAY = timedelta(days=1)
QUALITIES = {quality.value: quality_name(quality) for quality in Quality}
LONGEST_BUCKETED_SPAN = timedelta(days=400)  # a heating season, or a whole year

Code = Annotated[str, Path(max_length=200, pattern=r"^[^\x00]+$")]


From = Annotated[Asked | None, Query(alias="from", description="RFC 3339; default: a day before `to`")]
To = Annotated[Asked | None, Query(alias="to", description="RFC 3339, not included; default: now")]
FromDay = Annotated[AskedDay | None, Query(alias="from", description="local day; default: 30 days before `to`")]
ToDay = Annotated[AskedDay | None, Query(alias="to", description="local day, not included; default: tomorrow")]
Width = Annotated[Every | None, Query(description="bucket width; default: single readings")]

Zone = Annotated[
    AskedZone | None, Query(description="IANA time zone of times and day boundaries; default: UTC, local days")
]

router = APIRouter(prefix="/v1", tags=["homes"])


@router.get("/homes/{code}")
def home(code: Code, asking: Asking) -> models.Home:
    """Get the current state of a home."""
    found = home_rows.find(asking.conn, asking.scope, code)
    if found is None:
        raise no_such("home")
    return home_answer(asking.conn, asking.scope, found)


def home_answer(conn: Connection, scope: Scope, found: Row) -> models.Home:
    """Build the answer for a home, with its open flag; few have one."""
    flag = ticket_pages.open_flag(conn, scope, found["home_id"]) if found["flag_id"] is not None else None
    return models.Home.model_validate({**found, "flag": flag})


@dataclass(frozen=True)
class ReadingsQuery:
    """The query keys that select readings and their form."""

    begin: From = None
    end: To = None
    every: Width = None
    tz: Zone = None


@router.get("/homes/{code}/readings", response_model=Page[models.Reading] | Page[models.Bucket])
def readings(code: Code, asking: Asking, paged: Paged, query: Annotated[ReadingsQuery, Depends()]) -> Response:
    """List readings, oldest first, of each sensor while it was installed in the home."""
    end = query.end or asking.now
    stretch = HistoryPage(
        home_id=home_id(asking, code),
        start=query.begin or end - DEFAULT_SPAN,
        end=end,
        after=paged.position(),
        limit=paged.fetched,
    )
    if query.every is None:
        return readings_answer(asking.history.page(asking.conn, stretch), paged, query.tz)
    rows, cursor = paged.cut(bucketed(asking, stretch, query.every, query.tz), "start", "point_id")
    return encoded([bucket_item(row, query.tz) for row in rows], cursor)


@router.get("/homes/{code}/compliance")
def compliance(
    code: Code, asking: Asking, paged: Paged, begin: FromDay = None, end: ToDay = None
) -> Page[models.LedgerDay]:
    """List the ledger of a home by day, oldest first; the last one is today so far."""
    end = end or today(asking) + DAY
    rows = ledger_days.days(
        asking.conn,
        home_id(asking, code),
        begin or end - DEFAULT_LEDGER_SPAN,
        end,
        after=paged.day(),
        limit=paged.fetched,
    )
    return paged.page(rows, models.LedgerDay, "day")


@router.get("/homes/{code}/flags")
def flags(code: Code, asking: Asking, paged: Paged, sort: Sorted = Sort.NEWEST) -> Page[models.Flag]:
    """List the flags of a home, newest first by default."""
    rows = ticket_pages.flags(
        asking.conn,
        asking.scope,
        ticket_pages.FlagFilter(home_id=home_id(asking, code)),
        oldest=sort is Sort.OLDEST,
        after=paged.id(),
        limit=paged.fetched,
    )
    return paged.page(rows, models.Flag, "id")


@router.get("/homes/{code}/tickets")
def tickets(code: Code, asking: Asking, paged: Paged, sort: Sorted = Sort.NEWEST) -> Page[models.Ticket]:
    """List the tickets of a home, newest first by default."""
    wanted = ticket_pages.TicketFilter(now=asking.now, home_id=home_id(asking, code))
    rows = ticket_pages.tickets(
        asking.conn, asking.scope, wanted, oldest=sort is Sort.OLDEST, after=paged.id(), limit=paged.fetched
    )
    return paged.page([seen(row, asking) for row in rows], models.Ticket, "ticket_id")


def today(asking: Session) -> date:
    """Return the current local day."""
    return asking.now.astimezone(asking.policy.zone).date()


def home_id(asking: Session, code: str) -> int:
    """Look up the key of a home within scope.

    Raises:
        Problem: 404.
    """
    found = home_rows.id_of(asking.conn, asking.scope, code)
    if found is None:
        raise no_such("home")
    return found


def bucketed(asking: Session, stretch: HistoryPage, every: Every, zone: ZoneInfo | None) -> list[Row]:
    """Read a page of buckets.

    Raises:
        Problem: 422, the span is too long to bound the work of a page.
    """
    if stretch.end - stretch.start > LONGEST_BUCKETED_SPAN:
        most = LONGEST_BUCKETED_SPAN.days
        raise invalid(FieldFault("from", problems.LONGER_THAN.fill(days=most)))
    # Sensor clocks run ahead by less than a day, so nothing is measured later.
    ending = replace(stretch, end=min(stretch.end, asking.now + DAY))
    return buckets(asking, ending, every, zone or asking.policy.zone)


Reading = msgspec.defstruct("Reading", list(models.Reading.model_fields), gc=False)


def readings_answer(columns: Sequence[Columns], paged: Paging, zone: ZoneInfo | None = None) -> Response:
    """Write a page of readings. This is the busiest answer, so it bypasses pydantic."""
    items = [item for point in columns for item in readings_of(point, zone)]
    if len(columns) == 1 and len(items) <= paged.limit:  # a day of one sensor: in order, and with nothing behind it
        return encoded(items, None)
    keys = [(at, point.point_id) for point in columns for at in point.measured_at]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return encoded([items[n] for n in order[: paged.limit]], paged.next([keys[n] for n in order[: paged.fetched]]))


def readings_of(point: Columns, zone: ZoneInfo | None) -> list[object]:
    """Convert the readings of one point to response items."""
    at = point.measured_at if zone is None else [instant.astimezone(zone) for instant in point.measured_at]
    offset = rounded(point.offset)
    columns = (rounded_all(column) for column in (point.temperature, point.humidity, point.battery))
    return [
        Reading(point.sensor, point.room, instant, warm, offset, wet, volt, QUALITIES[quality])
        for instant, warm, wet, volt, quality in zip(at, *columns, point.quality, strict=True)
    ]


def bucket_item(row: Row, zone: tzinfo | None) -> Row:
    """Convert a bucket to a response item."""
    return {
        "sensor": row["sensor"],
        "room": row["room"],
        "start": row["start"].astimezone(zone or UTC),
        "min": rounded(row["min"]),
        "mean": rounded(row["mean"]),
        "max": rounded(row["max"]),
        "count": row["count"],
        "coverage": round(row["coverage"], 4),
    }


def encoded(items: Sequence[object], cursor: str | None) -> Response:
    """Encode a page."""
    return Response(msgspec.json.encode({"items": items, "next": cursor}), media_type="application/json")
