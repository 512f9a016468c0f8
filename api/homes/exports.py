"""Routes for exports of whole tables: the readings of a home or a building over a season, and the ledger of a home."""

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
from fastapi import APIRouter, Depends, Request

from api.homes.home_routes import Code, From, FromDay, To, ToDay, home_id, today
from api.http.download import AnswerFile, Download, file_for
from api.http.problem import FieldFault, invalid, no_such, unavailable
from api.http.session import (
    EVERYONE,
    LEADERS,
    Bearer,
    Opening,
    Session,
    asked_by,
    looked_by,
    names_of,
    surroundings,
)
from api.words import problems
from archives.layout import Arrays
from domain.milli import milli
from papers.exports.formats import MEDIA, Format, write
from papers.exports.schemas import (
    BATCH_ROWS,
    LEDGER,
    QUALITIES,
    READINGS,
    READINGS_OF_BUILDING,
    celsius_column,
    instant_column,
    judged_celsius,
    repeated,
    word_column,
)
from store.base.access import Role
from store.judging import ledger_days
from store.readings import reading_history
from store.readings.reading_history import HomePoint
from store.registry import home_rows

DEFAULT_SPAN = timedelta(days=30)
LONGEST_SPAN = timedelta(days=800)  # two heating seasons and the summer between
LONGEST_BUILDING_SPAN = timedelta(days=400)

router = APIRouter(prefix="/v1", tags=["exports"])
TABLE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The table",
        "content": {kind.partition(";")[0]: {"schema": {"type": "string"}} for kind in MEDIA.values()},
    }
}


PARQUET: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The table",
        "content": {MEDIA[Format.PARQUET]: {"schema": {"type": "string", "format": "binary"}}},
    }
}


@dataclass(frozen=True)
class Export:
    """A read-only session, and the file to write to."""

    asking: Session
    sheet: AnswerFile


def open_export(request: Request, bearer: Bearer) -> Iterator[Export]:
    """Open an export for any role, within the number of export slots."""
    yield from exporting(request, bearer, EVERYONE)


def exporting(request: Request, bearer: Bearer, roles: Collection[Role]) -> Iterator[Export]:
    """Open an export for some roles."""
    yield from _exporting(request, bearer, asked_by(roles))


def open_building_export(request: Request, bearer: Bearer) -> Iterator[Export]:
    """Open an export for those who lead, with an entry in the audit log: it tells of many homes at once."""
    yield from _exporting(request, bearer, looked_by(LEADERS))


def _exporting(request: Request, bearer: Bearer, opening: Opening) -> Iterator[Export]:
    with (
        place_for_export(request),
        contextmanager(opening)(request, bearer) as asking,
        file_for(surroundings(request).downloads, names_of(request, asking)) as sheet,
    ):
        yield Export(asking, sheet)


@contextmanager
def place_for_export(request: Request) -> Iterator[None]:
    """Take an export slot.

    Raises:
        Problem: 503, no slot is free.
    """
    places = surroundings(request).exports
    if not places.acquire(blocking=False):
        raise unavailable(problems.TOO_MANY_EXPORTS)
    try:
        yield
    finally:
        places.release()


# scope="function": connection and slot are released before the response goes out to a slow client.
Exporting = Annotated[Export, Depends(open_export, scope="function")]
ExportingBuilding = Annotated[Export, Depends(open_building_export, scope="function")]


@router.get("/homes/{code}/readings.{form}", response_class=Download, status_code=200, responses=TABLE)
def readings(code: Code, form: Format, export: Exporting, begin: From = None, end: To = None) -> Download:
    """Export all readings, raw and calibrated, by sensor, oldest first; without `from`, the last 30 days."""
    asking = export.asking
    end = min(end or asking.now, asking.now + timedelta(days=1))
    start = begin or end - DEFAULT_SPAN
    check_span(start, end)
    points = reading_history.points(asking.conn, [home_id(asking, code)], start, end)
    batches = reading_batches(asking, points, READINGS, start, end)
    return answer(export.sheet, form, READINGS, batches, f"{code}-readings")


@router.get("/buildings/{code}/readings.parquet", response_class=Download, status_code=200, responses=PARQUET)
def building_readings(code: Code, export: ExportingBuilding, begin: From = None, end: To = None) -> Download:
    """Export all readings of the homes of a building, by home and sensor, oldest first; without `from`, of 30 days."""
    asking = export.asking
    end = min(end or asking.now, asking.now + timedelta(days=1))
    start = begin or end - DEFAULT_SPAN
    check_span(start, end, LONGEST_BUILDING_SPAN)
    homes = home_rows.of_building(asking.conn, asking.scope, code)
    if not homes:
        raise no_such("building")
    points = reading_history.points(asking.conn, homes, start, end)
    batches = reading_batches(asking, points, READINGS_OF_BUILDING, start, end)
    return answer(export.sheet, Format.PARQUET, READINGS_OF_BUILDING, batches, f"{code}-readings")


@router.get("/homes/{code}/compliance.{form}", response_class=Download, status_code=200, responses=TABLE)
def ledger(code: Code, form: Format, export: Exporting, begin: FromDay = None, end: ToDay = None) -> Download:
    """Export the ledger by day; without `from`, the last 30 days."""
    asking = export.asking
    end = end or today(asking) + timedelta(days=1)
    begin = begin or end - DEFAULT_SPAN
    if end - begin > LONGEST_SPAN:
        raise too_long()
    days = ledger_days.days(asking.conn, home_id(asking, code), begin, end, after=None, limit=LONGEST_SPAN.days)
    batch = pa.RecordBatch.from_pylist(days, schema=LEDGER)
    return answer(export.sheet, form, LEDGER, iter([batch] if days else []), f"{code}-compliance")


def reading_batches(
    asking: Session, points: Sequence[HomePoint], schema: pa.Schema, start: datetime, end: datetime
) -> Iterator[pa.RecordBatch]:
    """Read the readings of points in batches; small ones are joined, as each costs its writer something."""
    by_id = {point.point_id: point for point in points}
    waiting, size = list[tuple[HomePoint, Arrays]](), 0
    places = [point.reached for point in points]
    for place, columns in asking.history.of_points(asking.conn, places, start, end, BATCH_ROWS):
        waiting.append((by_id[place.point_id], columns))
        size += len(columns["measured_at"])
        if size >= BATCH_ROWS:
            yield _batch(waiting, schema)
            waiting, size = [], 0
    if size:
        yield _batch(waiting, schema)


def _batch(pieces: Sequence[tuple[HomePoint, Arrays]], schema: pa.Schema) -> pa.RecordBatch:
    points = [point for point, _ in pieces]
    rows = [len(columns["measured_at"]) for _, columns in pieces]
    told = {name: np.concatenate([columns[name] for _, columns in pieces]) for name in reading_history.SAID}
    offset = np.repeat(np.array([point.offset_k for point in points], np.float32), rows)
    thousandths = np.repeat(np.array([milli(point.offset_k) for point in points], np.int32), rows)
    columns = {
        "home": repeated([point.home for point in points], rows),
        "sensor": repeated([point.sensor for point in points], rows),
        "room": repeated([point.room for point in points], rows),
        "measured_at": instant_column(told["measured_at"]),
        "received_at": instant_column(told["received_at"]),
        "temperature": celsius_column(judged_celsius(told["temperature"], offset, thousandths)),
        "raw": celsius_column(told["temperature"]),
        "offset": celsius_column(offset),
        "humidity": celsius_column(told["humidity"]),
        "battery": celsius_column(told["battery"]),
        "quality": word_column(told["quality"], QUALITIES),
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema.names)


def answer(
    sheet: AnswerFile, form: Format, schema: pa.Schema, batches: Iterator[pa.RecordBatch], name: str
) -> Download:
    """Write a table to the file and return its download."""
    sheet.fill(write(form, schema, batches))
    file = re.sub(r"[^A-Za-z0-9._-]+", "_", name)
    headers = {"Content-Disposition": f'attachment; filename="{file}.{form}"'}
    return Download(sheet, headers, MEDIA[form])


def check_span(start: datetime, end: datetime, most: timedelta = LONGEST_SPAN) -> None:
    """Refuse a span that is too long.

    Raises:
        Problem: 422.
    """
    if end - start > most:
        raise too_long(most)


def too_long(most: timedelta = LONGEST_SPAN) -> Exception:
    """Make a 422: the span is too long for one export."""
    return invalid(FieldFault("from", problems.LONGER_THAN.fill(days=most.days)))
