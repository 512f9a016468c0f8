"""Rows of what insight has to say: early warnings, and early signs of substations."""

from datetime import date, timedelta

from psycopg import Connection

from store.insight import warning_rows
from tests.api import town
from tests.api.town import NOW

MORNING = date(2026, 1, 16)
UNTIL = NOW + timedelta(hours=18)
HOUR = timedelta(hours=1)
# Of the substations S-North, S-South and S-West, as far as they are there.
INSERT_SIGNS = """
INSERT INTO substation_sign (substation_id, quantity, looked_at, hours, usual, value, deviations, since)
SELECT u.substation_id, x.quantity, %(now)s, x.hours, x.usual, x.value, x.deviations,
  CASE WHEN x.value IS NOT NULL THEN %(now)s::timestamptz END
FROM substation AS u
JOIN (VALUES
  ('S-North', 'supply', 600, NULL::float8, NULL::float8, NULL::float8), ('S-North', 'flow', 600, 30, 24, -3.4),
  ('S-South', 'return', 500, 43.1, 47.3, 5.1), ('S-West', 'supply', 40, NULL, NULL, NULL)
) AS x (code, quantity, hours, usual, value, deviations) ON x.code = u.code
"""


def network_of(conn: Connection, home: int) -> int:
    """Return the substation that feeds a home."""
    return town.one(
        conn, "SELECT substation_id FROM home JOIN building USING (building_id) WHERE home_id = %s", (home,)
    )


def warned(conn: Connection, *homes: int) -> None:
    """Warn of homes, the first one surest."""
    rows = [
        {"home_id": home, "celsius": 18.4, "lowest": 17.2, "limit_celsius": 18.0, "chance": 0.9 - nth / 10,
         "reason": "falling"}
        for nth, home in enumerate(homes)
    ]  # fmt: skip
    warning_rows.warn(conn, network_of(conn, homes[0]), MORNING, (NOW - HOUR, UNTIL), rows)
    conn.commit()
