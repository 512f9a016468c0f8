"""Advisory locks of the database: every fixed key in one place, so that no number means two things.

Beside them there are locks by text (a place, a form, a day to be closed, a session at a broker), which are hashes of
64 bits.
"""

from enum import IntEnum

from psycopg import Connection

SELECT_LOCK = "SELECT pg_advisory_xact_lock(%(key)s)"
SELECT_LOCK_SHARED = "SELECT pg_advisory_xact_lock_shared(%(key)s)"
SELECT_LOCK_OF_TEXT = "SELECT pg_advisory_xact_lock(hashtextextended(%(text)s, 0))"
SELECT_LOCK_OF_TEXT_SHARED = "SELECT pg_advisory_xact_lock_shared(hashtextextended(%(text)s, 0))"
TRY_LOCK = "SELECT pg_try_advisory_xact_lock(%(key)s)"
TRY_LOCK_SESSION = "SELECT pg_try_advisory_lock(%(key)s)"
SELECT_LOCK_SESSION = "SELECT pg_advisory_lock(%(key)s)"
SELECT_UNLOCK_SESSION = "SELECT pg_advisory_unlock(%(key)s)"

SET_PATIENCE = "SELECT set_config('lock_timeout', %(milliseconds)s::text, true)"


class LockKey(IntEnum):
    """Work that one process does at a time. The numbers are those of running databases: none is used again."""

    MIGRATION = 7_238_151_001
    REGISTRY = 7_238_151_002  # imports; exports share it and see none half done
    WATCH = 7_238_151_003  # leads the rounds, as long as its session lives
    SETTLED_DAYS = 7_238_151_007  # shared by all that store something old, so that no day becomes settled meanwhile
    INCIDENTS = 7_238_151_012
    PEERS = 7_238_151_017  # writes what peers are to hear, so that each case keeps its order
    FORESIGHT = 7_238_151_018  # foresees, as long as its session lives
    ARCHIVE = 7_238_151_013  # adds to the archive, as long as its session lives


def wait_at_most(conn: Connection, seconds: int) -> None:
    """Give up waiting for any lock after so long, until the transaction ends: LockNotAvailable."""
    conn.execute(SET_PATIENCE, {"milliseconds": seconds * 1000})


def lock(conn: Connection, key: LockKey) -> None:
    """Wait for the lock, and keep it until the transaction ends."""
    conn.execute(SELECT_LOCK, {"key": int(key)})


def lock_shared(conn: Connection, key: LockKey) -> None:
    """Wait until nobody has the lock alone, and keep others from it until the transaction ends."""
    conn.execute(SELECT_LOCK_SHARED, {"key": int(key)})


def lock_text(conn: Connection, text: str) -> None:
    """Wait for the lock of a text, and keep it until the transaction ends."""
    conn.execute(SELECT_LOCK_OF_TEXT, {"text": text})


def lock_text_shared(conn: Connection, text: str) -> None:
    """Wait until nobody has the lock of a text alone, and keep others from it until the transaction ends."""
    conn.execute(SELECT_LOCK_OF_TEXT_SHARED, {"text": text})


def try_lock(conn: Connection, key: LockKey) -> bool:
    """Take the lock until the transaction ends; False if somebody has it."""
    return conn.execute(TRY_LOCK, {"key": int(key)}).fetchone() == (True,)


def try_lock_session(conn: Connection, key: int) -> bool:
    """Take the lock until the connection ends; False if somebody has it."""
    return conn.execute(TRY_LOCK_SESSION, {"key": int(key)}).fetchone() == (True,)


def lock_session(conn: Connection, key: LockKey) -> None:
    """Wait for the lock, and keep it until it is given back or the connection ends."""
    conn.execute(SELECT_LOCK_SESSION, {"key": int(key)})


def unlock_session(conn: Connection, key: LockKey) -> None:
    """Give back the lock of the session."""
    conn.execute(SELECT_UNLOCK_SESSION, {"key": int(key)})
