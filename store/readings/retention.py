"""Retention of readings. Ledger days and flags derived from them are kept forever."""

from datetime import datetime, timedelta

from psycopg import Connection

# Re-judging a day needs the values held at its beginning. With an interval of at most a day and a hold of three
# intervals that is three days; the rest allows for slow deletion and for messages in transit.
MARGIN = timedelta(days=7)

# Defined per flavour: plain PostgreSQL deletes up to `most` rows, TimescaleDB drops whole chunks.
DROP_READINGS = "SELECT drop_readings(%(before)s, %(most)s)"
UPDATE_KEPT = "UPDATE readings_kept SET since = %(first)s WHERE since > %(first)s"
SELECT_KEPT = "SELECT since FROM readings_kept"


def drop(conn: Connection, before: datetime, most: int) -> int:
    """Delete readings measured before an instant, and record the bound; returns the count of rows or chunks deleted.

    On TimescaleDB a chunk (a day; a week for substations) stays until all of its readings are older.
    """
    row = conn.execute(DROP_READINGS, {"before": before, "most": most}).fetchone()
    return int(row[0]) if row else 0


def keep_from(conn: Connection, first: datetime) -> None:
    """Note that the table has all that was measured from an instant on, after it was put back."""
    conn.execute(UPDATE_KEPT, {"first": first})


def kept_since(conn: Connection) -> datetime | None:
    """Return the instant before which the table may have lost readings; None: nothing was ever deleted."""
    row = conn.execute(SELECT_KEPT).fetchone()
    return row[0] if row else None
