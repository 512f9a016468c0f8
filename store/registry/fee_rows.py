"""Fees of homes: area and price per square metre of a season."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.types.json import Jsonb

from domain.registry import HomeFee

UPSERT = """
INSERT INTO home_fee AS f (home_id, season, area_m2, per_m2)
SELECT h.home_id, x.season, x.area_m2, x.per_m2
FROM jsonb_to_recordset(%(fees)s) AS x (home text, season date, area_m2 numeric, per_m2 numeric)
JOIN home AS h ON h.code = x.home
ORDER BY h.home_id, x.season
ON CONFLICT (home_id, season) DO UPDATE SET area_m2 = excluded.area_m2, per_m2 = excluded.per_m2
WHERE (f.area_m2, f.per_m2) IS DISTINCT FROM (excluded.area_m2, excluded.per_m2)
"""
SELECT_ALL = """
SELECT h.code, f.season, f.area_m2, f.per_m2 FROM home_fee AS f JOIN home AS h USING (home_id) ORDER BY h.code, f.season
"""
SELECT_FEES = """
SELECT home_id, area_m2, per_m2 FROM home_fee WHERE home_id = ANY (%(homes)s) AND season = %(season)s
"""


class AreaPrice(NamedTuple):
    """Area of a home and price per square metre of a season."""

    area_m2: Decimal
    per_m2: Decimal


def bring(conn: Connection, fees: Sequence[HomeFee]) -> int:
    """Bring the fees up to what lines say; returns how many are new or changed. Others stay."""
    rows: list[dict[str, Any]] = [
        {"home": fee.home, "season": fee.season.isoformat(), "area_m2": str(fee.area_m2), "per_m2": str(fee.per_m2)}
        for fee in fees
    ]
    return conn.execute(UPSERT, {"fees": Jsonb(rows)}).rowcount


def whole(conn: Connection) -> list[HomeFee]:
    """Return all fees, by home and season."""
    return [HomeFee(*row) for row in conn.execute(SELECT_ALL).fetchall()]


def find(conn: Connection, homes: Sequence[int], season: date) -> dict[int, AreaPrice]:
    """Return what homes pay for a season; those of which it is not on record are not in it."""
    rows = conn.execute(SELECT_FEES, {"homes": list(homes), "season": season}).fetchall()
    return {home: AreaPrice(*price) for home, *price in rows}
