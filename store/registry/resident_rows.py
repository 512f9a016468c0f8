"""Tenancies of homes. Tokens and contacts reach a home for the time of a tenancy (SQL function `tenancy`)."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import NamedTuple

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from domain.registry import Resident

_STAGED = """
WITH staged AS (
  SELECT
    h.home_id, x.resident, coalesce(x.begins, '-infinity') AS starts_at,
    coalesce(x.first_day, '-infinity') AS first_day, x.ends AS ends_at
  FROM jsonb_to_recordset(%(tenancies)s)
    AS x (home text, resident text, begins timestamptz, ends timestamptz, first_day date)
  JOIN home AS h ON h.code = x.home
)
"""
DELETE_GONE = (
    _STAGED
    + """
DELETE FROM residence AS r
WHERE r.home_id IN (SELECT s.home_id FROM staged AS s) AND NOT EXISTS (
  SELECT FROM staged AS s
  WHERE s.home_id = r.home_id AND (s.resident, s.starts_at, s.first_day, s.ends_at)
    IS NOT DISTINCT FROM (r.resident, r.starts_at, r.first_day, r.ends_at)
)
"""
)
INSERT_NEW = (
    _STAGED
    + """
INSERT INTO residence (home_id, resident, starts_at, first_day, ends_at)
SELECT s.home_id, s.resident, s.starts_at, s.first_day, s.ends_at FROM staged AS s
WHERE s.resident IS NOT NULL AND NOT EXISTS (
  SELECT FROM residence AS r WHERE r.home_id = s.home_id AND r.starts_at = s.starts_at
)
ORDER BY s.home_id, s.starts_at
"""
)
SELECT_ALL = """
SELECT h.code AS home, r.resident, nullif(r.starts_at, '-infinity') AS begins, r.ends_at AS ends
FROM residence AS r JOIN home AS h USING (home_id)
WHERE %(homes)s::text[] IS NULL OR h.code = ANY(%(homes)s)
ORDER BY h.code, r.starts_at
"""


class Tenancy(NamedTuple):
    """A line of residents.csv, with its first full local day; None: unbounded."""

    home: str
    resident: str | None
    begins: datetime | None
    ends: datetime | None
    first_day: date | None


class TenancyChanges(NamedTuple):
    """Counts of an import of tenancies; a changed one counts as removed and added."""

    added: int
    removed: int


def replace(conn: Connection, tenancies: Sequence[Tenancy]) -> TenancyChanges:
    """Replace the tenancies of the named homes; a line without a resident leaves its home without any."""
    rows = [
        {k: v.isoformat() if isinstance(v, date) else v for k, v in tenancy._asdict().items()} for tenancy in tenancies
    ]
    values = {"tenancies": Jsonb(rows)}
    removed = conn.execute(DELETE_GONE, values).rowcount
    return TenancyChanges(conn.execute(INSERT_NEW, values).rowcount, removed)


def whole(conn: Connection, homes: Collection[str] | None = None) -> list[Resident]:
    """Return the tenancies of homes with given codes, by home and time; None: all."""
    with conn.cursor(row_factory=class_row(Resident)) as cur:
        return cur.execute(SELECT_ALL, {"homes": None if homes is None else list(homes)}).fetchall()
