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
UPDATE_HELD = """
UPDATE readings_kept SET
  held_from = least(%(first)s, CASE WHEN held_until > %(now)s THEN held_from END),
  held_until = greatest(%(until)s, held_until)
"""
SELECT_HELD = "SELECT held_from FROM readings_kept WHERE held_until > %(now)s"
SELECT_KEPT_AND_ARCHIVED = """
SELECT k.since, (SELECT coalesce(max(a.number), 0) FROM archive_entry AS a) FROM readings_kept AS k
"""


def drop(conn: Connection, before: datetime, most: int) -> int:
    """Delete readings measured before an instant, and record the bound; returns the count of rows or chunks deleted.

    On TimescaleDB a chunk (a day; a week for substations) stays until all of its readings are older.
    """
    row = conn.execute(DROP_READINGS, {"before": before, "most": most}).fetchone()
    return int(row[0]) if row else 0


def keep_from(conn: Connection, first: datetime) -> None:
    """Note that the table has all that was measured from an instant on, after it was put back."""
    conn.execute(UPDATE_KEPT, {"first": first})


def hold(conn: Connection, first: datetime, until: datetime, now: datetime) -> None:
    """Keep what was put back, measured from an instant on, until another one, however old it is."""
    conn.execute(UPDATE_HELD, {"first": first, "until": until, "now": now})


def held_from(conn: Connection, now: datetime) -> datetime | None:
    """Return the instant from which nothing may be deleted, as it was put back; None: nothing was of late."""
    row = conn.execute(SELECT_HELD, {"now": now}).fetchone()
    return row[0] if row else None


def kept_and_archived(conn: Connection) -> tuple[datetime | None, int]:
    """Return what `kept_since` does, and how many entries of the archive the database knows."""
    row = conn.execute(SELECT_KEPT_AND_ARCHIVED).fetchone()
    return (row[0], row[1]) if row else (None, 0)


def kept_since(conn: Connection) -> datetime | None:
    """Return the instant before which the table may have lost readings; None: nothing was ever deleted."""
    row = conn.execute(SELECT_KEPT).fetchone()
    return row[0] if row else None
