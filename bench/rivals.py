"""The ledger by other means: one SQL statement, and polars; for homes with one sensor, by the seed policy."""

from datetime import date
from typing import Any

import numpy as np
from psycopg import Connection

from bench.winter import Winter

# A reading is held for three intervals or until the next one. Every reading meets the pieces of its local day and the
# first one of the next: an equality of days, so that the planner can hash.
SQL = """
CREATE TABLE ledger_by_sql AS
WITH piece AS (
  SELECT d::date AS day, w.limit_celsius, (d + w.opens) AT TIME ZONE 'Asia/Shanghai' AS start,
    (d + w.closes) AT TIME ZONE 'Asia/Shanghai' AS until
  FROM generate_series(%(first)s::timestamp, %(end)s::timestamp - interval '1 day', '1 day') AS d
  CROSS JOIN (VALUES
    (16, interval '0', interval '6 h'), (18, interval '6 h', interval '21 h'), (16, interval '21 h', interval '24 h')
  ) AS w (limit_celsius, opens, closes)
),
meets AS (
  SELECT day AS said_on, * FROM piece
  UNION ALL
  SELECT day - 1, * FROM piece WHERE (start AT TIME ZONE 'Asia/Shanghai')::time = '00:00'
),
held AS (
  SELECT
    p.home_id, r.measured_at AS start, r.temperature + p.offset_k AS celsius,
    least(
      r.measured_at + 3 * p.interval_s * interval '1 s',
      lead(r.measured_at) OVER (PARTITION BY r.sensor_id ORDER BY r.measured_at)
    ) AS until,
    (r.measured_at AT TIME ZONE 'Asia/Shanghai')::date AS said_on
  FROM reading AS r JOIN point AS p USING (sensor_id)
  WHERE r.quality = 0 AND r.sensor_id <= %(homes)s
    AND r.measured_at >= %(first)s::timestamp AT TIME ZONE 'Asia/Shanghai'
    AND r.measured_at < %(end)s::timestamp AT TIME ZONE 'Asia/Shanghai'
),
part AS (
  SELECT
    h.home_id, m.day, h.celsius, m.limit_celsius,
    (extract(epoch FROM least(h.until, m.until) - greatest(h.start, m.start)) * 1000000)::bigint AS length
  FROM held AS h JOIN meets AS m USING (said_on)
  WHERE h.start < m.until AND h.until > m.start
)
SELECT
  home_id, day,
  coalesce(sum(length) FILTER (WHERE celsius >= limit_celsius), 0)::bigint AS compliant_us,
  coalesce(sum(length) FILTER (WHERE celsius < limit_celsius AND celsius >= 16), 0)::bigint AS cold_us,
  coalesce(sum(length) FILTER (WHERE celsius < 16), 0)::bigint AS severe_us,
  (86400000000 - sum(length))::bigint AS unknown_us,
  coalesce(sum(length) FILTER (WHERE celsius >= limit_celsius AND celsius < 18), 0)::bigint AS shortfall_us,
  sum(round(celsius::float8 * 1000)::bigint * length)::bigint AS heat,
  min(celsius) AS lowest
FROM part
GROUP BY home_id, day
"""
DIFFERENCES = """
SELECT count(*) FROM (
  SELECT home_id, day, compliant_us, cold_us, severe_us, unknown_us, shortfall_us, heat, lowest FROM ledger
  WHERE home_id <= %(homes)s AND lowest IS NOT NULL
) AS ours
FULL JOIN ledger_by_sql AS theirs USING (home_id, day)
WHERE (ours.compliant_us, ours.cold_us, ours.severe_us, ours.unknown_us, ours.shortfall_us, ours.heat, ours.lowest)
  IS DISTINCT FROM (theirs.compliant_us, theirs.cold_us, theirs.severe_us, theirs.unknown_us, theirs.shortfall_us,
    theirs.heat, theirs.lowest)
"""


def by_sql(conn: Connection, homes: int, first: date, end: date) -> None:
    """Write the ledger of the first homes into `ledger_by_sql`."""
    conn.execute("DROP TABLE IF EXISTS ledger_by_sql")
    conn.execute(SQL, {"homes": homes, "first": first, "end": end})


def sql_differences(conn: Connection, homes: int) -> int:
    """Return how many days the statement and Hearth count differently."""
    row = conn.execute(DIFFERENCES, {"homes": homes}).fetchone()
    assert row is not None
    return int(row[0])


DAY_US, HOUR_US = 86_400_000_000, 3_600_000_000


def by_polars(said: Winter, low_us: int, high_us: int) -> Any:
    """Return the ledger with polars, on all cores: a frame sorted by home and day; shown values in µs.

    Edges of days and windows are rows among the readings; they say what was said last.
    """
    import polars as pl

    homes = int(said.home[-1]) + 1
    day = np.arange(low_us, high_us, DAY_US)
    edge = np.sort(np.concatenate((day, day + 6 * HOUR_US, day + 21 * HOUR_US)))
    edges = pl.LazyFrame({"start": edge}).join(pl.LazyFrame({"home": np.arange(homes)}), how="cross")
    none = {"until": pl.lit(None, pl.Int64), "celsius": pl.lit(None, pl.Float32), "edge": pl.lit(True)}
    readings = pl.LazyFrame({"home": said.home, "start": said.start, "celsius": said.celsius}).with_columns(
        until=pl.col("start") + 3 * 300_000_000, edge=pl.lit(False)
    )
    columns = ["home", "start", "until", "celsius", "edge"]
    steps = (
        pl.concat([edges.with_columns(**none).select(columns), readings.select(columns)])
        .sort("home", "start", "edge", descending=[False, False, True])
        .with_columns(
            pl.col("until").forward_fill().over("home"),
            pl.col("celsius").forward_fill().over("home"),
            end=pl.col("start").shift(-1).over("home").fill_null(high_us),
        )
        .with_columns(
            day=(pl.col("start") - low_us) // DAY_US,
            hour=(pl.col("start") - low_us) % DAY_US // HOUR_US,
            length=pl.when(pl.col("until").is_null())
            .then(0)
            .otherwise((pl.min_horizontal("until", "end") - pl.col("start")).clip(0)),
        )
        .with_columns(limit=pl.when(pl.col("hour").is_between(6, 20)).then(18.0).otherwise(16.0))
    )
    celsius, length, limit = pl.col("celsius"), pl.col("length"), pl.col("limit")
    return (
        steps.group_by("home", "day")
        .agg(
            compliant=length.filter(celsius >= limit).sum(),
            cold=length.filter((celsius < limit) & (celsius >= 16)).sum(),
            severe=length.filter(celsius < 16).sum(),
            unknown=DAY_US - length.sum(),
            shortfall=length.filter((celsius >= limit) & (celsius < 18)).sum(),
            heat=((celsius.cast(pl.Float64) * 1000).round(mode="half_to_even").cast(pl.Int64) * length).sum(),
            lowest=celsius.filter(length > 0).min(),
        )
        .sort("home", "day")
        .collect()
    )
