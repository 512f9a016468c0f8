"""Proofs of the rates of a month: sums by building, floor and exposure, and what was told from them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any, NamedTuple

import numpy as np
from psycopg import Connection

from domain.kpi import RateProof, Sampling
from store.base.rows import Row, fetch

DELETE_CELLS = "DELETE FROM kpi_cell WHERE shard = %(shard)s AND month = %(month)s"
# Floors in groups: homes on one floor of a building are few, and floors beside each other are alike.
INSERT_CELLS = """
INSERT INTO kpi_cell (
  shard, month, station, building_id, floor, exposure, homes, measured, warm, share, squares
)
SELECT
  %(shard)s::integer, %(month)s::date, u.station, h.building_id,
  (SELECT max(low) FROM unnest(ARRAY[-5, 1, 2, 4, 7, 13, 21]) AS low WHERE low <= h.floor), h.exposure, count(*),
  count(l.share), count(*) FILTER (WHERE l.warm), coalesce(sum(l.share), 0), coalesce(sum(l.share * l.share), 0)
FROM (
  SELECT
    x.home_id, sum(x.cold_us + x.severe_us) = 0 AND sum(x.compliant_us) > 0 AS warm,
    (sum(x.compliant_us) / nullif(sum(x.compliant_us + x.cold_us + x.severe_us), 0))::float8 AS share
  FROM ledger AS x
  WHERE x.home_id >= %(shard)s::integer * %(size)s::integer
    AND x.home_id < (%(shard)s::integer + 1) * %(size)s::integer
    AND x.day >= %(month)s::date AND x.day < %(end)s::date
  GROUP BY x.home_id
  HAVING sum(x.compliant_us + x.cold_us + x.severe_us + x.unknown_us) > 0
) AS l
JOIN home AS h USING (home_id)
JOIN building_place AS u USING (building_id)
GROUP BY 3, 4, 5, 6
"""
MARK_STALE = "UPDATE kpi_month SET proof_stale = true WHERE month = %(month)s AND NOT proof_stale"
SELECT_STALE = """
SELECT k.proof_stale OR EXISTS (
  SELECT FROM kpi_proof AS p WHERE p.month = k.month AND p.sampling IS DISTINCT FROM %(sampling)s
)
FROM kpi_month AS k WHERE k.month = %(month)s
"""
UNMARK_STALE = "UPDATE kpi_month SET proof_stale = false WHERE month = %(month)s"
SELECT_CELLS = """
SELECT
  k.station, k.building_id, coalesce(k.floor, 0), coalesce(k.exposure, ''), sum(k.homes), sum(k.measured),
  sum(k.warm), sum(k.share), sum(k.squares)
FROM kpi_cell AS k
WHERE k.month = %(month)s
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4
"""
SELECT_BUILDINGS = "SELECT building_id, code FROM building WHERE building_id = ANY (%(buildings)s)"
DELETE_PROOFS = "DELETE FROM kpi_proof WHERE month = %(month)s"
INSERT_PROOF = """
INSERT INTO kpi_proof (
  month, station, homes, measured, warm, proven, by_homes, by_homes_low, by_homes_high, by_time, by_time_low,
  by_time_high, sampling
) VALUES (
  %(month)s, %(station)s, %(homes)s, %(measured)s, %(warm)s, %(proven)s, %(by_homes)s, %(by_homes_low)s,
  %(by_homes_high)s, %(by_time)s, %(by_time_low)s, %(by_time_high)s, %(sampling)s
)
"""
SELECT_PROOFS = """
SELECT
  p.station, p.homes, p.measured, p.warm, p.proven, p.by_homes, p.by_homes_low, p.by_homes_high, p.by_time,
  p.by_time_low, p.by_time_high, p.sampling
FROM kpi_proof AS p
WHERE p.month = %(month)s AND (%(own)s::text IS NULL OR p.station = %(own)s)
"""


class MonthCells(NamedTuple):
    """The cells of a month as columns; `numbers`: homes, measured, warm, share, squares."""

    stations: list[str]
    buildings: list[int]
    floors: list[int]
    exposures: list[str]
    numbers: np.ndarray[Any, np.dtype[np.float64]]

    def of(self, station: str | None) -> "MonthCells":
        """Return those of a station, or all."""
        if station is None:
            return self
        chosen = [nth for nth, one in enumerate(self.stations) if one == station]
        return MonthCells(
            [station] * len(chosen),
            [self.buildings[nth] for nth in chosen],
            [self.floors[nth] for nth in chosen],
            [self.exposures[nth] for nth in chosen],
            self.numbers[chosen],
        )


def sum_cells(conn: Connection, values: Mapping[str, Any]) -> None:
    """Sum the homes of a shard over a month by cell; the values are those of sum_heat."""
    conn.execute(DELETE_CELLS, values)
    conn.execute(INSERT_CELLS, values)
    conn.execute(MARK_STALE, values)


def is_stale(conn: Connection, month: date, sampling: str | None) -> bool:
    """Return whether the heat of a month was summed up since its proofs were made, or they say another sampling."""
    row = conn.execute(SELECT_STALE, {"month": month, "sampling": sampling}).fetchone()
    return bool(row and row[0])


def cells(conn: Connection, month: date) -> MonthCells:
    """Return the cells of a month, in a fixed order."""
    rows = conn.execute(SELECT_CELLS, {"month": month}).fetchall()
    numbers = np.array([[float(value) for value in row[4:]] for row in rows], np.float64).reshape(len(rows), 5)
    return MonthCells(
        [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows], [row[3] for row in rows], numbers
    )


def building_codes(conn: Connection, buildings: Sequence[int]) -> dict[int, str]:
    """Return the codes of buildings that can be reached."""
    return dict(conn.execute(SELECT_BUILDINGS, {"buildings": sorted(set(buildings))}).fetchall())


def replace(conn: Connection, month: date, proofs: Mapping[str | None, RateProof]) -> None:
    """Put what is proven of the company (None) and of stations in the place of what was."""
    conn.execute(DELETE_PROOFS, {"month": month})
    with conn.cursor() as cur:
        cur.executemany(
            INSERT_PROOF, [{"month": month, "station": station, **asdict(proof)} for station, proof in proofs.items()]
        )
    conn.execute(UNMARK_STALE, {"month": month})


def proofs(conn: Connection, month: date, own: str | None = None) -> dict[str | None, RateProof]:
    """Return what is proven of the company (None) and each station, or of one."""
    return {row.pop("station"): _proof(row) for row in fetch(conn, SELECT_PROOFS, {"month": month, "own": own})}


def _proof(row: Row) -> RateProof:
    return RateProof(**{**row, "sampling": None if row["sampling"] is None else Sampling(row["sampling"])})
