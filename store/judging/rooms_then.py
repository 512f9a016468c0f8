"""Past state of judged rooms, as evidence for flags: many instants in one query."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import LiteralString, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

from domain.instants import to_datetime
from store.base import wire

# A reading counts for the room, offset and home at the time it was measured. The lower bounds only limit the search;
# judging decides how long a reading is held. `first` and `last` bound all instants at once: constants at planning time
# exclude the chunks outside. What was said before the table has all comes with the question (archives/history.py).
_BEGINS: LiteralString = """
SELECT
  a.nth::integer, s.code AS sensor, q.room, q.room_kind, r.measured_at, r.temperature, r.offset_k, r.interval_s
FROM (
  SELECT
    x.home_id, timestamptz 'epoch' + x.us * interval '1 microsecond' AS at, x.nth, x.old_after + 1 AS old_from,
    x.old_upto
  FROM unnest(%(homes)s::integer[], %(instants)s::bigint[], %(old_after)s::integer[], %(old_upto)s::integer[])
    WITH ORDINALITY AS x (home_id, us, old_after, old_upto, nth)
) AS a
-- OFFSET 0: home by home, as a join would go through the places of all homes for each of these.
CROSS JOIN LATERAL (SELECT j.* FROM point_judged AS j WHERE j.home_id = a.home_id OFFSET 0) AS q
JOIN sensor AS s ON s.sensor_id = q.sensor_id AND q.room_kind <> 'out'
  AND (q.valid_from IS NULL OR q.valid_from <= a.at) AND (q.valid_to IS NULL OR q.valid_to > a.at)
LEFT JOIN LATERAL (
  SELECT x.measured_at, x.temperature, p.offset_k, p.interval_s
  FROM (
    SELECT t.sensor_id, t.measured_at, t.temperature FROM reading AS t
    WHERE is_good(t.quality) AND t.measured_at > %(first)s AND t.measured_at <= %(last)s
"""
# Each instant has its own: looked for among those of all, they would be gone through once for each.
_OLD: LiteralString = """
    UNION ALL
    SELECT o.sensor_id, timestamptz 'epoch' + o.us * interval '1 microsecond', o.temperature
    FROM unnest(
      (%(old)s::integer[])[a.old_from:a.old_upto], (%(old_at)s::bigint[])[a.old_from:a.old_upto],
      (%(old_celsius)s::real[])[a.old_from:a.old_upto]
    ) AS o (sensor_id, us, temperature)
"""
_ENDS: LiteralString = """
  ) AS x
  JOIN point AS p ON p.sensor_id = x.sensor_id AND p.home_id = q.home_id AND p.room = q.room
    AND (p.valid_from IS NULL OR p.valid_from <= x.measured_at) AND (p.valid_to IS NULL OR p.valid_to > x.measured_at)
  WHERE x.sensor_id = q.sensor_id AND x.measured_at <= a.at
    AND x.measured_at > a.at - make_interval(secs => %(hold_intervals)s::double precision * (
      SELECT max(i.interval_s) FROM point AS i WHERE i.sensor_id = q.sensor_id
    ))
    AND NOT EXISTS (
      SELECT FROM unnest(%(left_out)s::integer[], %(left_out_at)s::timestamptz[]) AS o (sensor_id, measured_at)
      WHERE o.sensor_id = x.sensor_id AND o.measured_at = x.measured_at
    )
  ORDER BY x.measured_at DESC
  LIMIT 1
) AS r ON true
ORDER BY a.nth, s.code
"""
SELECT_HEARD = _BEGINS + _ENDS
SELECT_HEARD_OLD = _BEGINS + _OLD + _ENDS
MICROSECOND = timedelta(microseconds=1)
# The longest reporting interval of any sensor that was ever in the homes.
SELECT_LONGEST = """
SELECT coalesce(max(i.interval_s), 0)
FROM point AS q
JOIN point AS i USING (sensor_id)
WHERE q.home_id = ANY (%(homes)s::integer[])
"""


class OldReadings(NamedTuple):
    """Good readings on record from before the table has all: as columns, raw °C, of one instant after the other."""

    sensor_id: Sequence[int] = ()
    measured_at: Sequence[int] = ()  # µs
    temperature: Sequence[float] = ()
    upto: Sequence[int] = ()  # of each instant, how many are its own or those of the ones before
    since: datetime | None = None  # the table is asked for what was measured from here on; None: for all


NOTHING_OLD = OldReadings()


class PointThen(NamedTuple):
    """A measuring point of a home at an instant, and its last good reading (None: outside the hold).

    `nth` numbers the requests from 1; temperature is raw, in °C, the offset in K.
    """

    nth: int
    sensor: str
    room: str
    room_kind: str
    measured_at: datetime | None
    temperature: float | None
    offset_k: float | None
    interval_s: int | None


class RoomQuestion(NamedTuple):
    """Homes, and instants at which something is asked of them.

    Attributes:
        homes: home_id; may repeat.
        instants: µs, one for each.
        hold_intervals: upper bound of the hold, in intervals of the sensor.
        longest_s: of these intervals.
        left_out: readings (sensor_id, measured_at) that are not judged.
        old: those that the table may have lost.
    """

    homes: Sequence[int]
    instants: Sequence[int]
    hold_intervals: float
    longest_s: float
    left_out: Sequence[tuple[int, datetime]]
    old: OldReadings


RoomAnswer = Callable[[], list[PointThen]]


def longest_interval_s(conn: Connection, homes: Sequence[int]) -> float:
    """Return the longest reporting interval of any sensor that was ever in the homes; 0: there was none."""
    (longest,) = conn.execute(SELECT_LONGEST, {"homes": wire.ids(homes)}).fetchall()[0]
    return float(longest)


def ask(conn: Connection, question: RoomQuestion) -> RoomAnswer:
    """Ask for the points of each home at the instant with the same position.

    In a pipeline the server looks them up while the caller goes on. The answer, when it is called, waits for them, and
    gives them in that order.
    """
    if not question.homes:
        return list
    homes, instants, hold_intervals, longest_s, left_out, old = question
    first = to_datetime(min(instants)) - hold_intervals * timedelta(seconds=longest_s)
    params = {
        "first": max(first, old.since - MICROSECOND) if old.since else first,
        "last": to_datetime(max(instants)),
        "homes": wire.ids(homes),
        "instants": wire.ids(instants),
        "hold_intervals": hold_intervals,
        "left_out": [sensor for sensor, _ in left_out],
        "left_out_at": [at for _, at in left_out],
        "old": wire.ids(old.sensor_id),
        "old_at": wire.ids(old.measured_at),
        "old_celsius": wire.array(old.temperature),
        "old_after": wire.ids([0, *old.upto[:-1]]),
        "old_upto": wire.ids(old.upto),
    }
    statement = SELECT_HEARD_OLD if old.sensor_id else SELECT_HEARD
    # A custom plan each time: a generic plan would contain all chunks.
    return conn.cursor(row_factory=class_row(PointThen)).execute(statement, params, prepare=False).fetchall
