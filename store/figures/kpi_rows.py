"""Monthly figures: sums of the ledger per shard, and counts from clocks, cases and flags."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, LiteralString, TypeVar

from psycopg import Connection

from domain.kpi import NOTHING_DONE, NOTHING_HEAT, CaseKpi, ClockKpi, DeskKpi, Heat, MonthKpi
from store.base.rows import Row, fetch
from store.figures import proof_rows
from store.judging.ledger_rows import SHARD_HOMES

# Oldest month of a shard first; days written meanwhile leave the month stale.
SELECT_STALE = """
SELECT shard, month FROM kpi_stale
WHERE %(month)s::date IS NULL OR month = %(month)s
GROUP BY shard, month ORDER BY month, shard LIMIT %(most)s
"""
DELETE_STALE = "DELETE FROM kpi_stale WHERE shard = %(shard)s AND month = %(month)s"
DELETE_HEAT = "DELETE FROM kpi_heat WHERE shard = %(shard)s AND month = %(month)s"
INSERT_HEAT = """
INSERT INTO kpi_heat (
  shard, month, station, homes, judged_homes, qualified_homes, compliant_us, cold_us, severe_us, unknown_us,
  not_judged_us, shortfall_us, deficit
)
SELECT
  %(shard)s::integer, %(month)s::date, u.station, count(*), count(*) FILTER (WHERE l.compliant + l.cold + l.severe > 0),
  count(*) FILTER (WHERE l.compliant > 0 AND l.cold + l.severe = 0), sum(l.compliant), sum(l.cold), sum(l.severe),
  sum(l.unknown), sum(l.not_judged), sum(l.shortfall), sum(l.deficit)
FROM (
  SELECT
    x.home_id, sum(x.compliant_us) AS compliant, sum(x.cold_us) AS cold, sum(x.severe_us) AS severe,
    sum(x.unknown_us) AS unknown, sum(x.not_judged_us) AS not_judged, sum(x.shortfall_us) AS shortfall,
    sum(x.deficit) AS deficit
  FROM ledger AS x
  WHERE x.home_id >= %(shard)s::integer * %(size)s::integer
    AND x.home_id < (%(shard)s::integer + 1) * %(size)s::integer
    AND x.day >= %(month)s::date AND x.day < %(end)s::date
  GROUP BY x.home_id
) AS l
JOIN home AS h USING (home_id)
JOIN building_place AS u USING (building_id)
GROUP BY u.station
"""
UPSERT_MONTH = """
INSERT INTO kpi_month (month, counted_at) VALUES (%(month)s, %(now)s)
ON CONFLICT (month) DO UPDATE SET counted_at = excluded.counted_at
"""
DELETE_CLOCKS = "DELETE FROM kpi_clock WHERE month = %(month)s"
DELETE_CASES = "DELETE FROM kpi_case WHERE month = %(month)s"
DELETE_DESK = "DELETE FROM kpi_desk WHERE month = %(month)s"
# A clock that a relapse voided before its due time does not count; one that was already breached does.
COUNT_CLOCKS: LiteralString = """
SELECT
  CASE GROUPING(k.station) WHEN 0 THEN k.station END AS station, k.class AS ticket_class, k.name, count(*) AS due,
  count(*) FILTER (WHERE k.met_at <= k.due_at) AS in_time, count(*) FILTER (WHERE k.met_at > k.due_at) AS late,
  count(*) FILTER (WHERE k.met_at IS NULL) AS unmet, avg(k.took_s) AS mean_s,
  percentile_cont(0.5) WITHIN GROUP (ORDER BY k.took_s) AS median_s
FROM (
  SELECT
    coalesce(t.station, '') AS station, t.class, c.name, c.due_at, c.met_at,
    extract(epoch FROM c.met_at - c.started_at)::float8 AS took_s
  FROM clock AS c
  JOIN ticket AS t USING (ticket_id)
  WHERE c.due_at >= %(start)s AND c.due_at < least(%(stop)s::timestamptz, %(now)s::timestamptz)
    AND (c.void_at IS NULL OR c.breached_at IS NOT NULL) AND t.ending IS NULL
) AS k
GROUP BY GROUPING SETS ((k.station, k.class, k.name), (k.class, k.name))
ORDER BY 1, 2, 3
"""
COUNT_CASES: LiteralString = """
SELECT
  CASE GROUPING(k.station) WHEN 0 THEN k.station END AS station, k.class AS ticket_class, count(*) AS received,
  count(k.closed_at) AS closed, count(*) FILTER (WHERE k.closed_at <= k.due_at) AS closed_in_time,
  count(*) FILTER (WHERE k.met_at <= k.due_at) AS answered_in_time,
  count(*) FILTER (WHERE k.met_at > k.due_at) AS answered_late,
  count(*) FILTER (WHERE k.met_at IS NULL AND k.due_at <= %(now)s::timestamptz) AS overdue,
  count(*) FILTER (WHERE k.met_at IS NULL AND (k.due_at IS NULL OR k.due_at > %(now)s::timestamptz)) AS waiting
FROM (
  SELECT coalesce(t.station, '') AS station, t.class, t.closed_at, c.due_at, c.met_at
  FROM ticket AS t
  LEFT JOIN LATERAL (
    SELECT x.due_at, x.met_at FROM clock AS x
    WHERE x.ticket_id = t.ticket_id AND x.name = 'answer' ORDER BY x.round LIMIT 1
  ) AS c ON true
  WHERE t.class IN ('complaint', 'report') AND t.opened_at >= %(start)s AND t.opened_at < %(stop)s
) AS k
GROUP BY GROUPING SETS ((k.station, k.class), (k.class))
ORDER BY 1, 2
"""
COUNT_DESK: LiteralString = """
SELECT
  CASE GROUPING(k.station) WHEN 0 THEN k.station END AS station, count(*) FILTER (WHERE k.what = 'opened') AS tickets,
  count(*) FILTER (WHERE k.what = 'retrospective') AS retrospective,
  count(*) FILTER (WHERE k.what = 'closed') AS closed, count(*) FILTER (WHERE k.what = 'called_back') AS called_back,
  count(k.satisfied) AS asked, count(*) FILTER (WHERE k.satisfied) AS satisfied,
  count(*) FILTER (WHERE k.what = 'flag') AS flags, count(k.warm_s) AS recovered,
  count(*) FILTER (WHERE k.what = 'merged') AS merged, count(*) FILTER (WHERE k.what = 'void') AS void,
  avg(k.warm_s) AS warm_mean_s, percentile_cont(0.5) WITHIN GROUP (ORDER BY k.warm_s) AS warm_median_s
FROM (
  SELECT
    coalesce(t.station, '') AS station, CASE WHEN t.retrospective THEN 'retrospective' ELSE 'opened' END AS what,
    NULL::boolean AS satisfied, NULL::float8 AS warm_s
  FROM ticket AS t
  WHERE t.opened_at >= %(start)s AND t.opened_at < %(stop)s AND t.ending IS NULL
  UNION ALL
  SELECT coalesce(t.station, ''), coalesce(t.ending, 'closed'), NULL, NULL
  FROM ticket AS t
  WHERE t.closed_at >= %(start)s AND t.closed_at < %(stop)s AND NOT t.retrospective
  UNION ALL
  SELECT coalesce(t.station, ''), 'called_back', (e.data ->> 'satisfied')::boolean, NULL
  FROM ticket_event AS e
  JOIN ticket AS t USING (ticket_id)
  WHERE e.kind = 'called_back' AND e.at >= %(start)s AND e.at < %(stop)s AND t.ending IS NULL
  UNION ALL
  SELECT
    coalesce(t.station, ''), 'flag', NULL,
    CASE WHEN f.clear_reason = 'recovered' THEN extract(epoch FROM f.cleared_at - f.raised_at)::float8 END
  FROM flag AS f
  JOIN ticket AS t USING (ticket_id)
  WHERE f.raised_at >= %(start)s AND f.raised_at < %(stop)s AND f.clear_reason IS DISTINCT FROM 'withdrawn'
    AND (f.cleared_at IS NULL OR f.cleared_at > f.raised_at)
) AS k
GROUP BY GROUPING SETS ((k.station), ())
"""
INSERT_CLOCKS: LiteralString = (
    """
INSERT INTO kpi_clock (month, station, class, name, due, in_time, late, unmet, mean_s, median_s)
SELECT %(month)s::date, k.* FROM ("""
    + COUNT_CLOCKS
    + ") AS k"
)
INSERT_CASES: LiteralString = (
    """
INSERT INTO kpi_case (
  month, station, class, received, closed, closed_in_time, answered_in_time, answered_late, overdue, waiting
)
SELECT %(month)s::date, k.* FROM ("""
    + COUNT_CASES
    + ") AS k"
)
INSERT_DESK: LiteralString = (
    """
INSERT INTO kpi_desk (
  month, station, tickets, retrospective, closed, called_back, asked, satisfied, flags, recovered, merged, void,
  warm_mean_s, warm_median_s
)
SELECT %(month)s::date, k.* FROM ("""
    + COUNT_DESK
    + ") AS k"
)
SELECT_COUNTED = "SELECT counted_at FROM kpi_month WHERE month = %(month)s"
# From the tables, not the view, so that row-level security applies to the API.
SELECT_HEAT = """
SELECT
  CASE GROUPING(k.station) WHEN 0 THEN k.station END AS station, sum(k.homes)::bigint AS homes,
  sum(k.judged_homes)::bigint AS judged_homes, sum(k.qualified_homes)::bigint AS qualified_homes,
  (sum(k.compliant_us) / 1e6)::float8 AS compliant_s, (sum(k.cold_us) / 1e6)::float8 AS cold_s,
  (sum(k.severe_us) / 1e6)::float8 AS severe_s, (sum(k.unknown_us) / 1e6)::float8 AS unknown_s,
  (sum(k.not_judged_us) / 1e6)::float8 AS not_judged_s, (sum(k.shortfall_us) / 1e6)::float8 AS shortfall_s,
  (sum(k.deficit) / 3.6e12)::float8 AS kelvin_hours
FROM kpi_heat AS k
WHERE k.month = %(month)s AND (%(own)s::text IS NULL OR k.station = %(own)s)
GROUP BY GROUPING SETS ((k.station), ())
HAVING GROUPING(k.station) = 0 OR count(*) > 0
"""
SELECT_CLOCKS = """
SELECT k.station, k.class AS ticket_class, k.name, k.due, k.in_time, k.late, k.unmet, k.mean_s, k.median_s
FROM kpi_clock AS k
WHERE k.month = %(month)s AND (%(own)s::text IS NULL OR k.station = %(own)s)
ORDER BY k.station, k.class, k.name
"""
SELECT_CASES = """
SELECT
  k.station, k.class AS ticket_class, k.received, k.closed, k.closed_in_time, k.answered_in_time, k.answered_late,
  k.overdue, k.waiting
FROM kpi_case AS k
WHERE k.month = %(month)s AND (%(own)s::text IS NULL OR k.station = %(own)s)
ORDER BY k.station, k.class
"""
SELECT_DESK = """
SELECT
  k.station, k.tickets, k.retrospective, k.closed, k.called_back, k.asked, k.satisfied, k.flags, k.recovered,
  k.merged, k.void, k.warm_mean_s, k.warm_median_s
FROM kpi_desk AS k
WHERE k.month = %(month)s AND (%(own)s::text IS NULL OR k.station = %(own)s)
"""
Some = TypeVar("Some")


def stale(conn: Connection, most: int, month: date | None = None) -> list[tuple[int, date]]:
    """Return (shard, month) pairs, of one month if given, whose ledger changed since it was summed."""
    return conn.execute(SELECT_STALE, {"most": most, "month": month}).fetchall()


def sum_heat(conn: Connection, shard: int, month: date, end: date) -> None:
    """Sum the ledger of a shard's homes over [month, end)."""
    values = {"shard": shard, "month": month, "end": end, "size": SHARD_HOMES}
    # First, so that later writes make the month stale again.
    conn.execute(DELETE_STALE, values)
    conn.execute(DELETE_HEAT, values)
    conn.execute(INSERT_HEAT, values)
    proof_rows.sum_cells(conn, values)


def count_desk(conn: Connection, month: date, start: datetime, stop: datetime, now: datetime) -> None:
    """Count the desk's work in [start, stop), the bounds of the month."""
    values = {"month": month, "start": start, "stop": stop, "now": now}
    statements: Sequence[LiteralString] = (
        UPSERT_MONTH,
        DELETE_CLOCKS,
        DELETE_CASES,
        DELETE_DESK,
        INSERT_CLOCKS,
        INSERT_CASES,
        INSERT_DESK,
    )
    for statement in statements:
        conn.execute(statement, values)


def counted_at(conn: Connection, month: date) -> datetime | None:
    """Return when the desk's figures of a month were counted; None: never."""
    row = conn.execute(SELECT_COUNTED, {"month": month}).fetchone()
    return row[0] if row else None


def figures(conn: Connection, month: date, own: str | None = None) -> list[MonthKpi]:
    """Return all figures of a month: the company's first, then each station's; or of one station."""
    values = {"month": month, "own": own}
    found = [fetch(conn, query, values) for query in (SELECT_DESK, SELECT_CLOCKS, SELECT_CASES)]
    return _figures(conn, values, *found)


def figures_as_of(
    conn: Connection, month: date, span: tuple[datetime, datetime], now: datetime, own: str | None = None
) -> list[MonthKpi]:
    """Return the same with the desk's work counted from what is on record, as of an instant; nothing is stored.

    Args:
        span: the bounds of the month.
    """
    values = {"month": month, "own": own, "start": span[0], "stop": span[1], "now": now}
    found = [fetch(conn, query, values) for query in (COUNT_DESK, COUNT_CLOCKS, COUNT_CASES)]
    if own is not None:
        found = [[row for row in rows if row["station"] == own] for rows in found]
    return _figures(conn, values, *found)


def _figures(
    conn: Connection, values: Mapping[str, Any], worked: list[Row], due: list[Row], received: list[Row]
) -> list[MonthKpi]:
    own = values["own"]
    heat = {row.pop("station"): Heat(**row) for row in fetch(conn, SELECT_HEAT, values)}
    desk = {row.pop("station"): DeskKpi(**row) for row in worked}
    clocks, cases = _by_station(due, ClockKpi), _by_station(received, CaseKpi)
    proofs = proof_rows.proofs(conn, values["month"], own)
    stations = sorted({s for some in (heat, desk, clocks, cases) for s in some if s is not None})
    wanted: list[str | None] = [*stations] if own is not None else [None, *stations]
    return [
        MonthKpi(
            station=station,
            heat=heat.get(station, NOTHING_HEAT),
            desk=desk.get(station, NOTHING_DONE),
            clocks=tuple(clocks.get(station, ())),
            cases=tuple(cases.get(station, ())),
            proof=proofs.get(station),
        )
        for station in wanted
    ]


def _by_station(rows: list[Row], kind: type[Some]) -> dict[Any, list[Some]]:
    found: dict[Any, list[Some]] = {}
    for row in rows:
        found.setdefault(row.pop("station"), []).append(kind(**row))
    return found
