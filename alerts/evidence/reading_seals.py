"""Seals over readings: each UTC day gets its digests once it is settled, some sensors at a time."""

from datetime import UTC, date, datetime, timedelta

from psycopg import Connection

from store.evidence import reading_digests
from store.evidence.reading_digests import KINDS, Piece, ReadingTable

MOST_READINGS = 100_000  # in one transaction, more or less
MOST_SENSORS = 4_096
MOST_EMPTY = 50  # pieces without readings in one transaction
LONGEST_PAST = timedelta(days=1_000)  # of readings that were there before there were seals over them
DAY = timedelta(days=1)


def seal_days(conn: Connection, now: datetime) -> bool:
    """Seal the next piece of a day that is settled; True if there is more to do. In autocommit mode."""
    return any([_seal(conn, kind, now) for kind in KINDS])


def _seal(conn: Connection, kind: ReadingTable, now: datetime) -> bool:
    with conn.transaction():
        reached = reading_digests.frontier(conn, kind)
        settled_to = (now - reading_digests.SETTLED_AFTER).astimezone(UTC).date()
        if reached.day and reached.upto and reached.day < reached.upto:
            if reached.stale:
                reading_digests.ask_settled(conn, kind)
            elif reached.settled:
                _pieces(conn, kind, reached.day, reached.after)
                return True
        elif reached.upto is None or reached.upto < settled_to:
            first = reading_digests.first_day(conn, (now - LONGEST_PAST).date()) or settled_to
            reading_digests.set_upto(conn, kind, min(first, settled_to), settled_to)
    return False


def _pieces(conn: Connection, kind: ReadingTable, day: date, after: int) -> None:
    """Seal the next piece of a day in which there is anything."""
    low = after + 1
    for _ in range(MOST_EMPTY):
        wanted, high = _next(conn, after)
        rows = reading_digests.said(conn, kind, day, wanted)
        if len(rows):
            came = reading_digests.late(conn, kind, day, low, high)
            sensors, digest = reading_digests.digests(kind, reading_digests.as_settled(rows, came))
            piece = Piece(low, high, int(sensors["count"].sum()), sensors.tobytes(), digest)
            if piece.readings:
                reading_digests.insert_day(conn, kind, day, piece)
        if high == reading_digests.LAST_SENSOR:
            reading_digests.set_reached(conn, kind, day + DAY, -1)
            return
        after = high
        if len(rows):
            break
    reading_digests.set_reached(conn, kind, day, after)


def _next(conn: Connection, after: int) -> tuple[list[int], int]:
    """Return the sensors of the next piece, and where it ends."""
    found = reading_digests.sensors(conn, after, MOST_SENSORS)
    taken, readings = list[int](), 0
    for sensor, a_day in found:
        taken.append(sensor)
        readings += a_day
        if readings >= MOST_READINGS:
            break
    whole = len(taken) == len(found) < MOST_SENSORS
    return taken, reading_digests.LAST_SENSOR if whole else taken[-1]
