"""Readings of a home over time, from every sensor during its stay in that home.

Pages follow each other by (time, point_id). The API's role comes to readings through `point_readings` alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.rows import class_row

from domain.instants import to_datetime
from store.base import many_callers, wire
from store.base.access import Scope

Position: TypeAlias = tuple[datetime, int]

# A customer of a home without residents on record reaches it since -infinity, which is no instant to Python.
SELECT_POINTS = """
SELECT
  p.point_id, h.code AS home, s.code AS sensor, p.room, p.interval_s, p.offset_k, p.valid_from, p.valid_to,
  q.sensor_id, nullif(q.since, '-infinity') AS since, nullif(q.until, 'infinity') AS until
FROM home AS h
JOIN point AS p USING (home_id)
JOIN sensor AS s USING (sensor_id)
CROSS JOIN LATERAL reached_point(p.point_id) AS q
WHERE h.home_id = ANY(%(homes)s)
  AND (p.valid_from IS NULL OR p.valid_from < %(end)s) AND (p.valid_to IS NULL OR p.valid_to > %(start)s)
ORDER BY h.code, p.point_id
"""
SELECT_REACHED = """
SELECT
  %(point_id)s AS point_id, q.sensor_id, nullif(q.since, '-infinity') AS since, nullif(q.until, 'infinity') AS until
FROM reached_point(%(point_id)s) AS q
"""
SELECT_REACHED_OF = """
SELECT p.point_id, q.sensor_id, nullif(q.since, '-infinity') AS since, nullif(q.until, 'infinity') AS until
FROM point AS p
CROSS JOIN LATERAL reached_point(p.point_id) AS q
WHERE p.sensor_id = ANY(%(sensors)s) AND p.home_id IS NOT NULL
ORDER BY q.sensor_id, q.since NULLS FIRST
"""
# Only good readings count, as in reading_hour. An array per point: a row per reading would take five times as long.
GOOD: wire.Layout = {"point_id": "int4", "measured_at": "timestamptz", "milli": "int4"}
SELECT_GOOD = """
SELECT p.point_id, array_agg(r.measured_at), array_agg(judged_milli(r.temperature, p.offset_k))
FROM point AS p
CROSS JOIN LATERAL point_readings(p.point_id, %(start)s, %(end)s, NULL) AS r
WHERE p.home_id = %(home_id)s AND is_good(r.quality) AND r.temperature <> 'NaN'
GROUP BY p.point_id
"""
# All readings of a point by time, raw, in batches.
SAID: wire.Layout = {
    "measured_at": "timestamptz",
    "received_at": "timestamptz",
    "temperature": "float4",
    "humidity": "float4",
    "battery": "float4",
    "quality": "int2",
}
COPY_SAID = """
COPY (
  SELECT
    array_agg(r.measured_at), array_agg(r.received_at), array_agg(coalesce(r.temperature, 'NaN')),
    array_agg(coalesce(r.humidity, 'NaN')), array_agg(coalesce(r.battery, 'NaN')), array_agg(r.quality)
  FROM point_readings(%(point_id)s, %(start)s, %(end)s, %(limit)s) AS r
  HAVING count(*) > 0
) TO STDOUT (FORMAT BINARY)
"""
# The same of several points.
SAID_BY: wire.Layout = {"point_id": "int4", **SAID}
COPY_SAID_BY = """
COPY (
  SELECT x.point_id, a.*
  FROM unnest(%(points)s::integer[]) AS x (point_id)
  CROSS JOIN LATERAL (
    SELECT
      array_agg(r.measured_at) AS measured_at, array_agg(r.received_at), array_agg(coalesce(r.temperature, 'NaN')),
      array_agg(coalesce(r.humidity, 'NaN')), array_agg(coalesce(r.battery, 'NaN')), array_agg(r.quality)
    FROM point_readings(x.point_id, %(start)s, %(end)s, NULL) AS r
  ) AS a
  WHERE a.measured_at IS NOT NULL
) TO STDOUT (FORMAT BINARY)
"""
# A page of readings, a row for each point: a row for each reading takes several times as long. Each point gives at most
# one page from its index, however long the span: behind the position of the page before, of whose instant the points up
# to `shown` have been shown.
SELECT_PAGE = """
SELECT
  p.point_id, s.code AS sensor, p.room, p.offset_k AS offset, array_agg(r.measured_at) AS measured_at,
  array_agg(judged_celsius(r.temperature, p.offset_k)) AS temperature, array_agg(r.humidity) AS humidity,
  array_agg(r.battery) AS battery, array_agg(r.quality) AS quality
FROM point AS p
JOIN sensor AS s USING (sensor_id)
CROSS JOIN LATERAL point_readings(
  p.point_id,
  %(start)s::timestamptz + CASE WHEN p.point_id <= %(shown)s THEN interval '1 microsecond' ELSE interval '0' END,
  %(end)s, %(limit)s
) AS r
WHERE p.home_id = %(home_id)s
GROUP BY p.point_id, s.code
"""

# The same for each question, by its place in the arrays, within the reach of its own caller.
SELECT_EACH = """
SELECT t.nth, t.point_id, t.sensor, t.room, t.offset_k, t.measured_at, t.temperature, t.humidity, t.battery, t.quality
FROM tell_readings(
  %(asked)s::text[],
  %(everywhere)s::text[], %(station)s::text[], %(homes)s::text[], %(since)s::text[], %(days)s::text[],
  %(start)s::timestamptz[], %(end)s::timestamptz[], %(shown)s::bigint[], %(limit)s::bigint[]
) AS t
"""


class ReachedPoint(NamedTuple):
    """A stay of a sensor as far as the caller may look into it; None: unbounded."""

    point_id: int
    sensor_id: int
    since: datetime | None
    until: datetime | None

    def within(self, start: datetime, end: datetime) -> tuple[datetime, datetime]:
        """Return the part of a span that the caller may look into; the end may be before the start."""
        return max(filter(None, (start, self.since))), min(filter(None, (end, self.until)))


class HomePoint(NamedTuple):
    """A sensor's stay in a room of the home, and how far the caller may look into it; None: unbounded."""

    point_id: int
    home: str
    sensor: str
    room: str
    interval_s: int
    offset_k: float
    valid_from: datetime | None
    valid_to: datetime | None
    sensor_id: int
    since: datetime | None
    until: datetime | None

    @property
    def reached(self) -> ReachedPoint:
        """The stay as far as the caller may look into it."""
        return ReachedPoint(self.point_id, self.sensor_id, self.since, self.until)


@dataclass(frozen=True, kw_only=True)
class HistorySpan:
    """A page of a history: half-open span, last position of the previous page, row count."""

    start: datetime
    end: datetime
    after: Position | None
    limit: int

    def parameters(self) -> dict[str, Any]:
        """Return the query parameters of a span."""
        after, after_point = self.after or (None, None)
        return {
            # The lower bound moves up to the position, so that earlier chunks are not opened.
            "start": max(self.start, after) if after else self.start,
            "end": self.end,
            "shown": after_point if after and after >= self.start else None,
            "limit": self.limit,
        }


@dataclass(frozen=True, kw_only=True)
class HistoryPage(HistorySpan):
    """A page of the history of a home."""

    home_id: int

    def parameters(self) -> dict[str, Any]:
        """Return the query parameters that all statements here share."""
        return {**super().parameters(), "home_id": self.home_id}


class HomeAsked(NamedTuple):
    """A question for a page of the readings of a home, by its code and within the scope of the caller."""

    scope: Scope
    code: str
    span: HistorySpan


class Columns(NamedTuple):
    """Readings of one point on a page, by time: °C calibrated, the offset in K, %, domain.quality."""

    point_id: int
    sensor: str
    room: str
    offset: float
    measured_at: list[datetime]
    temperature: list[float | None]
    humidity: list[float | None]
    battery: list[float | None]
    quality: list[int]


def readings(conn: Connection, stretch: HistoryPage) -> list[Columns]:
    """Return the readings of a page, possibly more: each point contributes up to a full page."""
    with conn.cursor(row_factory=class_row(Columns), binary=True) as cur:
        return cur.execute(SELECT_PAGE, stretch.parameters()).fetchall()


def readings_each(conn: Connection, asked: Sequence[HomeAsked]) -> list[list[Columns] | None]:
    """Return what `readings` does for each question, with one statement; None: its caller does not reach the home.

    The transaction is in the API's role already; afterwards the last scope is entered.
    """
    if not asked:
        return []
    spans = [one.span.parameters() for one in asked]
    told = {
        **many_callers.columns([one.scope for one in asked]),
        **{name: wire.array(span[name] for span in spans) for name in spans[0]},
        "asked": wire.array(one.code for one in asked),
    }
    found: list[list[Columns] | None] = [None] * len(asked)
    with conn.cursor(binary=True) as cur:
        for nth, *columns in cur.execute(SELECT_EACH, told):
            of_home = found[nth - 1] = found[nth - 1] or []
            if columns[0] is not None:
                of_home.append(Columns(*columns))
    return found


def reached(conn: Connection, point_id: int) -> ReachedPoint | None:
    """Return the stay behind a point; None: the caller does not reach it."""
    with conn.cursor(row_factory=class_row(ReachedPoint)) as cur:
        return cur.execute(SELECT_REACHED, {"point_id": point_id}).fetchone()


def reached_of(conn: Connection, sensors: list[int]) -> list[ReachedPoint]:
    """Return all stays of sensors in homes that the caller reaches."""
    with conn.cursor(row_factory=class_row(ReachedPoint)) as cur:
        return cur.execute(SELECT_REACHED_OF, {"sensors": sensors}).fetchall()


def points(conn: Connection, homes: Sequence[int], start: datetime, end: datetime) -> list[HomePoint]:
    """Return the points of homes in [start, end) that the caller reaches, home by home."""
    with conn.cursor(row_factory=class_row(HomePoint)) as cur:
        return cur.execute(SELECT_POINTS, {"homes": list(homes), "start": start, "end": end}).fetchall()


def good(conn: Connection, home_id: int, start: datetime, end: datetime) -> NDArray[np.void]:
    """Return good readings in [start, end) as GOOD rows, calibrated, sorted by point and time."""
    with conn.cursor() as cur:
        return wire.select_arrays(cur, SELECT_GOOD, GOOD, {"home_id": home_id, "start": start, "end": end})


def said_by(conn: Connection, points: Sequence[int], start: datetime, end: datetime) -> NDArray[np.void]:
    """Return all readings of points in [start, end) as SAID_BY rows, raw, by point and time."""
    with conn.cursor() as cur:
        params = {"points": wire.ids(points), "start": start, "end": end}
        return wire.read_arrays(cur, COPY_SAID_BY, SAID_BY, params)


def said(conn: Connection, point_id: int, start: datetime, end: datetime, most: int) -> Iterator[NDArray[np.void]]:
    """Yield all readings of a point in [start, end) as SAID rows, raw, by time, in batches of at most `most`."""
    with conn.cursor() as cur:
        while start < end:
            params = {"point_id": point_id, "start": start, "end": end, "limit": most}
            rows = wire.read_arrays(cur, COPY_SAID, SAID, params)
            if len(rows):
                yield rows
            if len(rows) < most:
                return
            start = to_datetime(int(rows["measured_at"][-1]) + 1)
