"""How long readings are kept. What was judged from them is kept for ever."""

from datetime import datetime, timedelta

from psycopg import Connection

# Judging a day anew needs what was held when it began. With no sensor that speaks less than once a day and three
# intervals of holding that is three days; the rest is for the pace of deleting and for what is on its way.
MARGIN = timedelta(days=7)

# Defined for each flavour: plain PostgreSQL deletes so many rows, TimescaleDB whole chunks.
DROP_READINGS = "SELECT drop_readings(%(before)s, %(most)s)"
SELECT_KEPT = "SELECT since FROM readings_kept"


def drop(conn: Connection, before: datetime, most: int) -> int:
    """Delete readings measured before an instant, and note that; the number of rows or chunks, 0 when none is left.

    On TimescaleDB what shares a chunk (a day; of substations a week) with something younger stays until that is old.
    """
    row = conn.execute(DROP_READINGS, {"before": before, "most": most}).fetchone()
    return int(row[0]) if row else 0


def judged_from(conn: Connection) -> datetime | None:
    """Since when days can be judged anew: all that they need is still there. None: all ever stored is."""
    row = conn.execute(SELECT_KEPT).fetchone()
    return row[0] + MARGIN if row and row[0] else None
