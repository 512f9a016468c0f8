"""Forecasts as they are kept: what was seen of a network at a quarter of an hour, and what was told of it then."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.rows import class_row

# The homes of a network that say something, and its channels, are those of now.
SELECT_NEXT = """
SELECT u.substation_id FROM substation AS u
WHERE u.substation_id > %(after)s
  AND NOT EXISTS (SELECT FROM foresight_seen AS s WHERE s.substation_id = u.substation_id AND s.at = %(at)s)
ORDER BY u.substation_id LIMIT 1
"""
SELECT_NOW = """
SELECT n.home_id, h.building_id, min(n.celsius) AS celsius
FROM building AS b
JOIN home AS h USING (building_id)
JOIN sensor_now AS n USING (home_id)
WHERE b.substation_id = %(substation)s AND n.expires_at > %(now)s AND n.celsius IS NOT NULL
GROUP BY n.home_id, h.building_id
ORDER BY n.home_id
"""
SELECT_BUILDINGS = "SELECT home_id, building_id FROM home WHERE home_id = ANY(%(homes)s::integer[])"
SELECT_OUTSIDE = """
SELECT DISTINCT ON (c.channel) c.channel, c.value FROM substation_channel AS c
WHERE c.substation_id = %(substation)s AND c.measured_at > %(since)s AND c.measured_at <= %(now)s
  AND c.channel IN ('outdoor_temperature', 'supply_temperature', 'flow')
ORDER BY c.channel, c.measured_at DESC
"""
SELECT_SEEN = """
SELECT at, homes, celsius, outdoor, supply, flow FROM foresight_seen
WHERE substation_id = %(substation)s AND at >= %(since)s AND at <= %(until)s ORDER BY at
"""
SELECT_SEEN_OF_CODE = """
SELECT s.at, s.homes, s.celsius, s.outdoor, s.supply, s.flow FROM foresight_seen AS s
WHERE s.substation_id = (SELECT u.substation_id FROM substation AS u WHERE u.code = %(substation)s)
  AND s.at >= %(since)s AND s.at <= %(until)s
"""
INSERT_SEEN = """
INSERT INTO foresight_seen (substation_id, at, homes, celsius, outdoor, supply, flow)
VALUES (%(substation)s, %(at)s, %(homes)s, %(celsius)s, %(outdoor)s, %(supply)s, %(flow)s)
ON CONFLICT DO NOTHING
"""
INSERT_TOLD = """
INSERT INTO foresight_told (substation_id, at, change, scale, ends, chance, ahead)
VALUES (%(substation)s, %(at)s, %(change)s, %(scale)s, %(ends)s, %(chance)s, %(ahead)s)
"""
SELECT_TOLD = """
SELECT at, change, scale, ends, chance, ahead FROM foresight_told
WHERE substation_id = %(substation)s AND at = %(at)s AND NOT scored
"""
SCORED = """
UPDATE foresight_told SET scored = true WHERE substation_id = %(substation)s AND at = %(at)s AND NOT scored
"""
FORGET_TOLD = "DELETE FROM foresight_told WHERE at < %(before)s AND substation_id = %(substation)s"
FORGET_SEEN = "DELETE FROM foresight_seen WHERE at < %(before)s AND substation_id = %(substation)s"
ADD_CHANCE = """
INSERT INTO foresight_chance AS c (
  substation_id, day, horizon_h, pairs, events, brier, brier_persistence, hits, false_warnings, bins
)
VALUES (
  %(substation)s, %(day)s, %(horizon)s, %(pairs)s, %(events)s, %(brier)s, %(brier_persistence)s, %(hits)s,
  %(false_warnings)s, %(bins)s
)
ON CONFLICT (substation_id, day, horizon_h) DO UPDATE SET
  pairs = c.pairs + excluded.pairs, events = c.events + excluded.events, brier = c.brier + excluded.brier,
  brier_persistence = c.brier_persistence + excluded.brier_persistence, hits = c.hits + excluded.hits,
  false_warnings = c.false_warnings + excluded.false_warnings,
  bins = ARRAY(SELECT a + b FROM unnest(c.bins, excluded.bins) WITH ORDINALITY AS x (a, b, nth) ORDER BY nth)
"""
ADD_ERROR = """
INSERT INTO foresight_error AS e (substation_id, day, lead_h, pairs, error, error_persistence, covered)
VALUES (%(substation)s, %(day)s, %(lead)s, %(pairs)s, %(error)s, %(error_persistence)s, %(covered)s)
ON CONFLICT (substation_id, day, lead_h) DO UPDATE SET
  pairs = e.pairs + excluded.pairs, error = e.error + excluded.error,
  error_persistence = e.error_persistence + excluded.error_persistence, covered = e.covered + excluded.covered
"""
# A network is shown when it was better than persistence, in both, over so many pairs of the last days.
JUDGE_NETWORK = """
INSERT INTO foresight_network AS n (substation_id, shown, since)
SELECT %(substation)s::integer, x.better, %(now)s::timestamptz FROM (
  SELECT coalesce(
    (SELECT sum(c.pairs) >= %(least)s AND sum(c.brier) <= sum(c.brier_persistence) FROM foresight_chance AS c
     WHERE c.substation_id = %(substation)s AND c.day >= %(since)s AND c.horizon_h = 6)
    AND (SELECT sum(e.error) < sum(e.error_persistence) FROM foresight_error AS e
     WHERE e.substation_id = %(substation)s AND e.day >= %(since)s AND e.lead_h = 6), false
  ) AS better
) AS x
ON CONFLICT (substation_id) DO UPDATE SET shown = excluded.shown, since = excluded.since
WHERE n.shown <> excluded.shown
RETURNING shown
"""
SELECT_NETWORK = "SELECT shown, warned_for FROM foresight_network WHERE substation_id = %(substation)s"
SELECT_MODEL = "SELECT at, learned FROM foresight_model"
UPSERT_MODEL = """
INSERT INTO foresight_model (at, learned) VALUES (%(at)s, %(learned)s)
ON CONFLICT (only_row) DO UPDATE SET at = excluded.at, learned = excluded.learned
"""


class SeenNow(NamedTuple):
    """The coldest judged room of a home now, °C."""

    home_id: int
    building_id: int
    celsius: float


class Seen(NamedTuple):
    """The homes of a network as they were seen at a quarter of an hour, packed."""

    at: datetime
    homes: bytes
    celsius: bytes
    outdoor: float | None
    supply: float | None
    flow: float | None


class Told(NamedTuple):
    """The forecast of the same homes, packed; `ends` are in scales."""

    at: datetime
    change: bytes
    scale: bytes
    ends: list[float]
    chance: bytes
    ahead: list[float | None]  # what a weather forecast said, °C at each lead


class NetworkStanding(NamedTuple):
    """The standing of a network: whether its forecasts are shown, and the last morning that was warned for."""

    shown: bool
    warned_for: date | None


def next_network(conn: Connection, at: datetime, after: int) -> int | None:
    """Return the first network behind another that has not been looked at in this quarter of an hour."""
    row = conn.execute(SELECT_NEXT, {"at": at, "after": after}).fetchone()
    return int(row[0]) if row else None


def seen_now(conn: Connection, substation: int, now: datetime) -> list[SeenNow]:
    """Return the homes of a network that say something, by home."""
    with conn.cursor(row_factory=class_row(SeenNow)) as cursor:
        return cursor.execute(SELECT_NOW, {"substation": substation, "now": now}).fetchall()


def buildings(conn: Connection, homes: list[int]) -> NDArray[np.int64]:
    """Return the building of each home; a home that is gone has one of its own."""
    found: dict[int, int] = dict(conn.execute(SELECT_BUILDINGS, {"homes": homes}).fetchall())
    return np.array([found.get(home, -home) for home in homes], np.int64)


def outside(conn: Connection, substation: int, since: datetime, now: datetime) -> dict[str, float]:
    """Return what the channels of a substation said last, if not before an instant."""
    return dict(conn.execute(SELECT_OUTSIDE, {"substation": substation, "since": since, "now": now}).fetchall())


def seen(conn: Connection, substation: int, since: datetime, until: datetime) -> list[Seen]:
    """Return what was seen from one instant to another, both included, in time."""
    with conn.cursor(row_factory=class_row(Seen)) as cursor:
        return cursor.execute(SELECT_SEEN, {"substation": substation, "since": since, "until": until}).fetchall()


def seen_of(conn: Connection, substation: str, since: datetime, until: datetime) -> list[Seen]:
    """Return what was seen of a substation, by its code, as far as it can be reached, both instants included."""
    with conn.cursor(row_factory=class_row(Seen), binary=True) as cursor:
        wanted = {"substation": substation, "since": since, "until": until}
        return cursor.execute(SELECT_SEEN_OF_CODE, wanted).fetchall()


def add_seen(conn: Connection, substation: int, row: Seen) -> bool:
    """Keep what is seen now; False: somebody has done so."""
    return conn.execute(INSERT_SEEN, {"substation": substation, **row._asdict()}).rowcount > 0


def add_told(conn: Connection, substation: int, row: Told) -> None:
    """Keep what is told of it."""
    conn.execute(INSERT_TOLD, {"substation": substation, **row._asdict()})


def told(conn: Connection, substation: int, at: datetime) -> Told | None:
    """Return what was told at an instant and is not scored yet."""
    with conn.cursor(row_factory=class_row(Told)) as cursor:
        return cursor.execute(SELECT_TOLD, {"substation": substation, "at": at}).fetchone()


def add_scores(
    conn: Connection,
    substation: int,
    at: datetime,
    chances: Sequence[Mapping[str, Any]],
    errors: Sequence[Mapping[str, Any]],
) -> None:
    """Add how what was told at an instant came out to the sums of its day, once."""
    if conn.execute(SCORED, {"substation": substation, "at": at}).rowcount == 0:
        return
    with conn.cursor() as cursor:
        cursor.executemany(ADD_CHANCE, [{"substation": substation, **row} for row in chances])
        cursor.executemany(ADD_ERROR, [{"substation": substation, **row} for row in errors])


def judge(conn: Connection, substation: int, since: date, least: int, now: datetime) -> bool | None:
    """Show the forecasts of a network or not, by how they came out since a day; None: that stays as it is."""
    row = conn.execute(JUDGE_NETWORK, {"substation": substation, "since": since, "least": least, "now": now}).fetchone()
    return bool(row[0]) if row else None


def standing(conn: Connection, substation: int) -> NetworkStanding:
    """Return whether forecasts of a network are shown."""
    with conn.cursor(row_factory=class_row(NetworkStanding)) as cursor:
        return cursor.execute(SELECT_NETWORK, {"substation": substation}).fetchone() or NetworkStanding(False, None)


def forget(conn: Connection, substation: int, told_before: datetime, seen_before: datetime) -> None:
    """Forget what is too old."""
    conn.execute(FORGET_TOLD, {"substation": substation, "before": told_before})
    conn.execute(FORGET_SEEN, {"substation": substation, "before": seen_before})


def model(conn: Connection) -> bytes | None:
    """Return what was learned; None: nothing yet."""
    row = conn.execute(SELECT_MODEL).fetchone()
    return bytes(row[1]) if row else None


def keep_model(conn: Connection, at: datetime, learned: bytes) -> None:
    """Keep what was learned."""
    conn.execute(UPSERT_MODEL, {"at": at, "learned": learned})
