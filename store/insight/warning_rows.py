"""Warnings of homes that are likely to be cold until a morning, what became of them, and scores of forecasts."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from store.base.rows import Row, fetch

# A home with an open flag has its ticket already.
INSERT = """
INSERT INTO foresight_warning (day, home_id, at, until, celsius, lowest, limit_celsius, chance, reason)
SELECT
  %(day)s::date, x.home_id, %(at)s::timestamptz, %(until)s::timestamptz, x.celsius, x.lowest, x.limit_celsius, x.chance,
  x.reason
FROM jsonb_to_recordset(%(homes)s) AS x (
  home_id integer, celsius real, lowest real, limit_celsius real, chance real, reason text
)
WHERE NOT EXISTS (SELECT FROM flag AS f WHERE f.home_id = x.home_id AND f.cleared_at IS NULL)
ON CONFLICT DO NOTHING
"""
MARK_WARNED = "UPDATE foresight_network SET warned_for = %(day)s WHERE substation_id = %(substation)s"
MARK_TOLD = """
WITH told AS (
  UPDATE foresight_warning SET told_at = %(now)s WHERE day = %(day)s AND told_at IS NULL RETURNING home_id, until
)
SELECT b.station, count(*), max(t.until) FROM told AS t
JOIN home AS h USING (home_id)
JOIN building_place AS b USING (building_id)
GROUP BY b.station ORDER BY b.station
"""
# Helped: measured on site between the warning and the day after the morning. The same as in the view foresight_warned,
# within what the request reaches.
SELECT_DAY = """
SELECT
  h.code AS home, h.unit, b.building_name AS building, b.substation, b.station, w.at, w.until, w.celsius, w.lowest,
  w.limit_celsius AS "limit", w.chance, w.reason, w.told_at, m.visited_at, f.cold_since,
  f.cold_since IS NOT NULL AND m.visited_at IS NULL AS not_helped
FROM foresight_warning AS w
JOIN home AS h USING (home_id)
JOIN building_place AS b USING (building_id)
LEFT JOIN LATERAL (
  SELECT min(x.measured_at) AS visited_at FROM measurement_valid AS x
  WHERE x.home_id = w.home_id AND x.measured_at >= w.at AND x.measured_at < w.until + interval '1 day'
) AS m ON true
LEFT JOIN LATERAL (
  SELECT min(x.cold_since) AS cold_since FROM flag AS x
  WHERE x.home_id = w.home_id AND x.cold_since >= w.at AND x.cold_since < w.until + interval '1 day'
) AS f ON true
WHERE w.day = %(day)s AND (%(station)s::text IS NULL OR b.station = %(station)s)
ORDER BY w.chance DESC, h.code
LIMIT %(limit)s
"""
SELECT_SCORES = """
SELECT
  s.substation, s.station, bool_or(s.shown) AS shown, s.horizon_h, sum(s.pairs)::bigint AS pairs,
  sum(s.events)::bigint AS events, sum(s.brier) AS brier, sum(s.brier_persistence) AS brier_persistence,
  sum(s.hits)::bigint AS hits, sum(s.false_warnings)::bigint AS false_warnings,
  ARRAY(
    SELECT sum(x.value) FROM foresight_score_day AS d, unnest(d.bins) WITH ORDINALITY AS x (value, nth)
    WHERE d.substation = s.substation AND d.horizon_h = s.horizon_h AND d.day >= %(since)s AND d.day < %(until)s
    GROUP BY x.nth ORDER BY x.nth
  ) AS bins
FROM foresight_score_day AS s
WHERE s.day >= %(since)s AND s.day < %(until)s
GROUP BY s.substation, s.station, s.horizon_h
ORDER BY s.substation, s.horizon_h
"""
SELECT_ERRORS = """
SELECT
  e.lead_h, sum(e.pairs)::bigint AS pairs, sum(e.error) AS error, sum(e.error_persistence) AS error_persistence,
  sum(e.covered)::bigint AS covered
FROM foresight_error_day AS e
WHERE e.day >= %(since)s AND e.day < %(until)s
GROUP BY e.lead_h ORDER BY e.lead_h
"""


def warn(
    conn: Connection, substation: int, day: date, times: tuple[datetime, datetime], homes: Sequence[Mapping[str, Any]]
) -> None:
    """Keep the warnings of a network for a morning; `times` are those of the forecast and of the morning."""
    at, until = times
    conn.execute(INSERT, {"day": day, "at": at, "until": until, "homes": Jsonb(list(homes))})
    conn.execute(MARK_WARNED, {"substation": substation, "day": day})


def take_untold(conn: Connection, day: date, now: datetime) -> list[tuple[str, int, datetime]]:
    """Mark warnings as told; returns each station with the number of its homes, and until when."""
    return conn.execute(MARK_TOLD, {"day": day, "now": now}).fetchall()


def of_day(conn: Connection, day: date, station: str | None, limit: int) -> list[Row]:
    """Return the warnings for a morning, the surest leading, of a station or of all."""
    return fetch(conn, SELECT_DAY, {"day": day, "station": station, "limit": limit})


def scores(conn: Connection, since: date, until: date) -> list[Row]:
    """Return the sums of each network and horizon over some days."""
    return fetch(conn, SELECT_SCORES, {"since": since, "until": until})


def errors(conn: Connection, since: date, until: date) -> list[Row]:
    """Return the sums of each lead over some days."""
    return fetch(conn, SELECT_ERRORS, {"since": since, "until": until})
