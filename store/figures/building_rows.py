"""Summaries of buildings, updated in batches, so that the map of a city need not count homes."""

from datetime import datetime

from psycopg import Connection

PIECE = 5000  # buildings per call, so that other rounds do not wait long
# Unlike in a batch, hash joins pay off here.
PLAN_WHOLE = "SET LOCAL enable_hashjoin = on"
SELECT_LAST = """
SELECT max(building_id) FROM (
  SELECT building_id FROM building WHERE building_id > %(after)s ORDER BY building_id LIMIT %(piece)s
) AS x
"""
# The same figures as in the view building_now, which computes them when these are too old.
UPSERT = """
INSERT INTO building_summary AS s (
  building_id, homes, compliant, cold, severe, unknown, not_judged, coldest, mean, flags, day, compliant_us, cold_us,
  severe_us, unknown_us, not_judged_us
)
SELECT
  b.building_id, count(h.home_id),
  count(*) FILTER (WHERE h.state = 'compliant'), count(*) FILTER (WHERE h.state = 'cold'),
  count(*) FILTER (WHERE h.state = 'severe'), count(*) FILTER (WHERE h.state = 'unknown'),
  count(*) FILTER (WHERE h.state = 'not_judged'),
  min(h.celsius) FILTER (WHERE h.state <> 'not_judged'), avg(h.celsius) FILTER (WHERE h.state <> 'not_judged'),
  count(h.flag_id), (SELECT max(day) FROM ledger),
  sum(l.compliant_us), sum(l.cold_us), sum(l.severe_us), sum(l.unknown_us), sum(l.not_judged_us)
FROM building AS b
LEFT JOIN (
  SELECT x.building_id, x.home_id, state_name(st.state) AS state, st.flag_id, n.celsius
  FROM home AS x
  JOIN home_state AS st USING (home_id)
  LEFT JOIN (
    SELECT home_id, min(celsius) AS celsius FROM sensor_now
    WHERE expires_at > %(now)s AND home_id IS NOT NULL GROUP BY home_id
  ) AS n USING (home_id)
) AS h USING (building_id)
LEFT JOIN ledger AS l ON l.home_id = h.home_id AND l.day = (SELECT max(day) FROM ledger)
WHERE b.building_id > %(after)s AND b.building_id <= %(last)s
GROUP BY b.building_id
ON CONFLICT (building_id) DO UPDATE SET
  homes = excluded.homes, compliant = excluded.compliant, cold = excluded.cold, severe = excluded.severe,
  unknown = excluded.unknown, not_judged = excluded.not_judged, coldest = excluded.coldest, mean = excluded.mean,
  flags = excluded.flags, day = excluded.day, compliant_us = excluded.compliant_us, cold_us = excluded.cold_us,
  severe_us = excluded.severe_us, unknown_us = excluded.unknown_us, not_judged_us = excluded.not_judged_us
WHERE s.* IS DISTINCT FROM excluded.*
"""
SELECT_ROUND = "SELECT counted_at FROM building_round"
UPDATE_ROUND = "UPDATE building_round SET counted_at = %(since)s"


def count(conn: Connection, after: int, now: datetime) -> int | None:
    """Update the next PIECE buildings after an id; returns the last id, or None at the end.

    It runs in the caller's transaction.
    """
    row = conn.execute(SELECT_LAST, {"after": after, "piece": PIECE}).fetchone()
    last: int | None = row[0] if row else None
    if last is not None:
        conn.execute(PLAN_WHOLE)
        conn.execute(UPSERT, {"after": after, "last": last, "now": now})
    return last


def finish(conn: Connection, since: datetime) -> None:
    """Record the start of a completed round; no summary is older than that."""
    conn.execute(UPDATE_ROUND, {"since": since})


def counted_at(conn: Connection) -> datetime | None:
    """Return the start of the last completed round; None: never. It serves as a heartbeat of watch."""
    row = conn.execute(SELECT_ROUND).fetchone()
    return row[0] if row else None


def count_all(conn: Connection, now: datetime) -> None:
    """Update all summaries."""
    after: int | None = 0
    while after is not None:
        after = count(conn, after, now)
    finish(conn, now)
