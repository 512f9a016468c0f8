"""Routes for exports of whole tables: the readings of a home over a season, and its ledger."""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
from fastapi import APIRouter, Depends, Request
from numpy.typing import NDArray

from api.homes.home_routes import Code, From, FromDay, To, ToDay, home_id, today
from api.http.download import AnswerFile, Download, file_for
from api.http.problem import FieldFault, invalid, unavailable
from api.http.session import EVERYONE, Bearer, Session, asked_by, names_of, surroundings
from api.words import problems
from papers.exports.formats import MEDIA, Format, write
from papers.exports.schemas import (
    BATCH_ROWS,
    LEDGER,
    QUALITIES,
    READINGS,
    celsius_column,
    instant_column,
    judged_celsius,
    word,
    word_column,
)
from store.base.access import Role
from store.judging import ledger_days
from store.readings import reading_history
from store.readings.reading_history import HomePoint

DEFAULT_SPAN = timedelta(days=30)
LONGEST_SPAN = timedelta(days=800)  # two heating seasons and the summer between

router = APIRouter(prefix="/v1", tags=["exports"])
TABLE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The table",
        "content": {kind.partition(";")[0]: {"schema": {"type": "string"}} for kind in MEDIA.values()},
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
    with (
        place_for_export(request),
        contextmanager(asked_by(roles))(request, bearer) as asking,
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


@router.get("/homes/{code}/readings.{form}", response_class=Download, status_code=200, responses=TABLE)
def readings(code: Code, form: Format, export: Exporting, begin: From = None, end: To = None) -> Download:
    """Export all readings, raw and calibrated, by sensor, oldest first; without `from`, the last 30 days."""
    asking = export.asking
    end = min(end or asking.now, asking.now + timedelta(days=1))
    start = begin or end - DEFAULT_SPAN
    check_span(start, end)
    points = reading_history.points(asking.conn, home_id(asking, code), start, end)
    batches = (batch for point in points for batch in reading_batches(asking, point, start, end))
    return answer(export.sheet, form, READINGS, batches, f"{code}-readings")


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


def reading_batches(asking: Session, point: HomePoint, start: datetime, end: datetime) -> Iterator[pa.RecordBatch]:
    """Read the readings of a point in batches; small ones are joined, as each costs its writer something."""
    waiting, size = list[NDArray[np.void]](), 0
    for rows in asking.history.of_point(asking.conn, point.point_id, start, end, BATCH_ROWS):
        waiting.append(rows)
        size += len(rows)
        if size >= BATCH_ROWS:
            yield _batch(point, np.concatenate(waiting))
            waiting, size = [], 0
    if size:
        yield _batch(point, np.concatenate(waiting))


def _batch(point: HomePoint, rows: NDArray[np.void]) -> pa.RecordBatch:
    raw, offset = rows["temperature"], np.full(len(rows), point.offset_k, np.float32)
    columns = [
        *(word_column(0, word(text), len(rows)) for text in (point.sensor, point.room)),
        *(instant_column(rows[name]) for name in ("measured_at", "received_at")),
        *(celsius_column(values) for values in (judged_celsius(raw, point.offset_k), raw, offset)),
        *(celsius_column(rows[name]) for name in ("humidity", "battery")),
        word_column(rows["quality"], QUALITIES, len(rows)),
    ]
    return pa.RecordBatch.from_arrays(columns, READINGS.names)


def answer(
    sheet: AnswerFile, form: Format, schema: pa.Schema, batches: Iterator[pa.RecordBatch], name: str
) -> Download:
    """Write a table to the file and return its download."""
    sheet.fill(write(form, schema, batches))
    file = re.sub(r"[^A-Za-z0-9._-]+", "_", name)
    headers = {"Content-Disposition": f'attachment; filename="{file}.{form}"'}
    return Download(sheet, headers, MEDIA[form])


def check_span(start: datetime, end: datetime) -> None:
    """Refuse a span that is too long.

    Raises:
        Problem: 422.
    """
    if end - start > LONGEST_SPAN:
        raise too_long()


def too_long() -> Exception:
    """Make a 422: the span is too long for one export."""
    most = LONGEST_SPAN.days
    return invalid(FieldFault("from", problems.LONGER_THAN.fill(days=most)))
