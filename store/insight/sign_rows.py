"""Early signs of substations, and the hours of their past that these are told from."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from store.base.rows import Row, fetch

# Without a substation that measures nothing; who was looked at longest ago leads.
SELECT_NEXT = """
SELECT u.substation_id FROM substation AS u
LEFT JOIN substation_sign AS s ON s.substation_id = u.substation_id AND s.quantity = 'supply'
WHERE (s.looked_at IS NULL OR s.looked_at <= %(before)s)
  AND EXISTS (SELECT FROM point AS p WHERE p.substation_id = u.substation_id)
ORDER BY s.looked_at NULLS FIRST, u.substation_id
LIMIT 1
"""
# Means of hours, each with its begin and without its end; without what no instrument says.
SELECT_HOURS = """
SELECT
  floor(extract(epoch FROM t.measured_at - %(since)s) / 3600)::integer,
  avg(t.supply_temperature) FILTER (WHERE t.implausible & 1 = 0 AND t.supply_temperature <> 'NaN'),
  avg(t.return_temperature) FILTER (WHERE t.implausible & 2 = 0 AND t.return_temperature <> 'NaN'),
  avg(t.flow) FILTER (WHERE t.implausible & 16 = 0 AND t.flow <> 'NaN'),
  avg(t.outdoor_temperature) FILTER (WHERE t.implausible & 64 = 0 AND t.outdoor_temperature <> 'NaN')
FROM point AS p
JOIN substation_reading AS t ON t.sensor_id = p.sensor_id
  AND t.measured_at >= %(since)s AND t.measured_at < %(until)s
  AND t.measured_at >= coalesce(p.valid_from, '-infinity') AND t.measured_at < coalesce(p.valid_to, 'infinity')
WHERE p.substation_id = %(substation)s
GROUP BY 1
"""
UPSERT = """
INSERT INTO substation_sign AS s (substation_id, quantity, looked_at, hours, usual, value, deviations, since)
SELECT
  %(substation)s::integer, x.quantity, %(at)s::timestamptz, x.hours, x.usual, x.value, x.deviations,
  CASE WHEN x.deviations IS NOT NULL THEN %(at)s::timestamptz END
FROM unnest(
  %(quantities)s::text[], %(hours)s::smallint[], %(usual)s::float8[], %(value)s::float8[], %(deviations)s::float8[]
) AS x (quantity, hours, usual, value, deviations)
ON CONFLICT (substation_id, quantity) DO UPDATE SET
  looked_at = excluded.looked_at, hours = excluded.hours, usual = excluded.usual, value = excluded.value,
  deviations = excluded.deviations,
  since = CASE WHEN sign(s.deviations) = sign(excluded.deviations) THEN s.since ELSE excluded.since END
"""
SELECT_SIGNS = """
SELECT
  u.code AS substation, u.name, u.station, s.quantity, s.usual, s.value, s.deviations, s.since, s.looked_at
FROM substation_sign AS s
JOIN substation AS u USING (substation_id)
WHERE s.since IS NOT NULL AND (%(station)s::text IS NULL OR u.station = %(station)s)
ORDER BY abs(s.deviations) DESC, u.code, s.quantity
LIMIT %(most)s
"""
SELECT_LOOKED = """
SELECT count(*) FILTER (WHERE x.hours >= %(enough)s) AS learned, count(*) AS looked_at FROM (
  SELECT max(s.hours) AS hours FROM substation_sign AS s JOIN substation AS u USING (substation_id)
  WHERE %(station)s::text IS NULL OR u.station = %(station)s
  GROUP BY s.substation_id
) AS x
"""


class SubstationHours(NamedTuple):
    """Means of hours from the oldest on, NaN where nothing was measured: °C and m³/h."""

    supply: NDArray[np.float64]
    back: NDArray[np.float64]
    flow: NDArray[np.float64]
    outdoor: NDArray[np.float64]


def next_substation(conn: Connection, before: datetime) -> int | None:
    """Return the substation to look at: one that was not looked at since an instant."""
    row = conn.execute(SELECT_NEXT, {"before": before}).fetchone()
    return int(row[0]) if row else None


def hours(conn: Connection, substation: int, since: datetime, until: datetime) -> SubstationHours:
    """Return what a substation measured in each hour."""
    count = int((until - since).total_seconds() // 3600)
    columns = np.full((4, count), np.nan)
    for nth, *values in conn.execute(
        SELECT_HOURS, {"substation": substation, "since": since, "until": until}
    ).fetchall():
        columns[:, nth] = [np.nan if value is None else value for value in values]
    return SubstationHours(*columns)


def keep(conn: Connection, substation: int, at: datetime, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep what a look found of each quantity; a sign that stays one keeps the instant since when it is."""
    columns = {name: [row[name] for row in rows] for name in ("hours", "usual", "value", "deviations")}
    quantities = [row["quantity"] for row in rows]
    conn.execute(UPSERT, {"substation": substation, "at": at, "quantities": quantities, **columns})


def signs(conn: Connection, station: str | None, most: int) -> list[Row]:
    """Return the early signs, largest first."""
    return fetch(conn, SELECT_SIGNS, {"station": station, "most": most})


def looked(conn: Connection, station: str | None, enough: int) -> Row:
    """Count the substations that were looked at, and those with enough of a past to learn from."""
    (row,) = fetch(conn, SELECT_LOOKED, {"station": station, "enough": enough})
    return row
