"""Seals over readings: each UTC day gets its digests once it is settled, some sensors at a time."""

from datetime import UTC, date, datetime, timedelta

from psycopg import Connection

from store import reading_seals as store
from store.reading_seals import KINDS, Kind, Piece

MOST_READINGS = 100_000  # in one transaction, more or less
MOST_SENSORS = 4_096
MOST_EMPTY = 50  # pieces without readings in one transaction
LONGEST_PAST = timedelta(days=1_000)  # of readings that were there before there were seals over them
DAY = timedelta(days=1)


def seal_days(conn: Connection, now: datetime) -> bool:
    """Seal the next piece of a day that is settled; True if there is more to do. In autocommit mode."""
    return any([_seal(conn, kind, now) for kind in KINDS])


def _seal(conn: Connection, kind: Kind, now: datetime) -> bool:
    with conn.transaction():
        reached = store.frontier(conn, kind)
        settled_to = (now - store.SETTLED_AFTER).astimezone(UTC).date()
        if reached.day and reached.upto and reached.day < reached.upto:
            if reached.stale:
                store.ask_settled(conn, kind)
            elif reached.settled:
                _pieces(conn, kind, reached.day, reached.after)
                return True
        elif reached.upto is None or reached.upto < settled_to:
            first = store.first_day(conn, (now - LONGEST_PAST).date()) or settled_to
            store.set_upto(conn, kind, min(first, settled_to), settled_to)
    return False


def _pieces(conn: Connection, kind: Kind, day: date, after: int) -> None:
    """Seal the next piece of a day in which there is anything."""
    low = after + 1
    for _ in range(MOST_EMPTY):
        wanted, high = _next(conn, after)
        rows = store.said(conn, kind, day, wanted)
        if len(rows):
            came = store.late(conn, kind, day, low, high)
            sensors, digest = store.digests(kind, store.as_settled(rows, came))
            piece = Piece(low, high, int(sensors["count"].sum()), sensors.tobytes(), digest)
            if piece.readings:
                store.insert_day(conn, kind, day, piece)
        if high == store.LAST_SENSOR:
            store.set_reached(conn, kind, day + DAY, -1)
            return
        after = high
        if len(rows):
            break
    store.set_reached(conn, kind, day, after)


def _next(conn: Connection, after: int) -> tuple[list[int], int]:
    """The sensors of the next piece, and where it ends."""
    found = store.sensors(conn, after, MOST_SENSORS)
    taken, readings = list[int](), 0
    for sensor, a_day in found:
        taken.append(sensor)
        readings += a_day
        if readings >= MOST_READINGS:
            break
    whole = len(taken) == len(found) < MOST_SENSORS
    return taken, store.LAST_SENSOR if whole else taken[-1]
