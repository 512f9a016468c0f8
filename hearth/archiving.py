"""The archive of readings, added to beside the rounds of `hearth watch`.

Sealing reads and packs for minutes where much is to be done, so it has a thread and a connection of its own: no
deadline waits for it. A crash at any point leaves what the next turn goes on from.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog
from psycopg import Connection

from archives import joining, sealing
from archives.reading import ReadingArchive
from hearth.metrics import WatchMetrics
from hearth.on_record import chosen_archive
from hearth.rounds import Round, in_thread, turn
from hearth.settings import Settings
from hearth.wiring import connector, now
from store.base import locks
from store.base.locks import LockKey
from store.readings import retention

SEAL_EVERY_S = 300.0
DROP_EVERY_S = 600.0
SWEEP_EVERY_S = 21_600.0
TELL_EVERY_S = 60.0
DROPPED_AT_ONCE = 20_000
SLEEP_S = 1.0
log = structlog.get_logger()


@contextmanager
def alone(conn: Connection) -> Iterator[bool]:
    """Hold the lock of what changes the archive or the days behind it; False: somebody else does."""
    if not locks.try_lock_session(conn, LockKey.ARCHIVE):
        yield False
        return
    try:
        yield True
    finally:
        if not conn.closed:
            locks.unlock_session(conn, LockKey.ARCHIVE)


def rounds(settings: Settings, clock: Callable[[], datetime] = now) -> list[Round]:
    """Return the rounds of the archive; without one, only that which drops old readings."""
    archive = chosen_archive(settings)
    if archive is None:
        return [Round("readings", DROP_EVERY_S, lambda conn: _drop(conn, settings, None, clock()))]

    def keep(conn: Connection) -> bool:
        """Seal, and drop when all is sealed."""
        return _seal(conn, settings, archive, clock()) or _drop(conn, settings, archive, clock())

    return [
        Round("archive", SEAL_EVERY_S, keep),
        Round("strays", SWEEP_EVERY_S, lambda conn: _sweep(conn, archive, clock())),
    ]


def _seal(conn: Connection, settings: Settings, archive: ReadingArchive, at: datetime) -> bool:
    """Add an entry to the archive; True if there may be more to add."""
    with alone(conn) as free:
        if not free:
            return False
        before = archive.refreshed()
        after = sealing.seal(conn, before, at, timedelta(days=settings.archive_after_days), lambda *_: None)
    for entry in after.entries[before.number :]:
        log.info("sealed", entry=entry.number, files=len(entry.files), rows=sum(file.rows for file in entry.files))
    return after is not before


def _sweep(conn: Connection, archive: ReadingArchive, at: datetime) -> None:
    """Delete files that no entry needs."""
    with alone(conn) as free:
        if not free:
            return
        archive = archive.refreshed()
        sealing.known(conn, archive)  # or a manifest that has lost its end would make strays of its files
        if deleted := joining.sweep(archive, at):
            log.info("swept", files=deleted)


def _drop(conn: Connection, settings: Settings, archive: ReadingArchive | None, at: datetime) -> bool:
    """Delete readings that are older than the table keeps, if they are in the archive where there is one."""
    if settings.reading_days is None:
        return False
    before = at - timedelta(days=settings.reading_days)
    with alone(conn) as free:
        if not free:
            return False
        before = min(before, retention.held_from(conn, at) or before)
        if archive is None:
            return retention.drop(conn, before, DROPPED_AT_ONCE) > 0
        return sealing.drop(conn, archive.refreshed(), before, DROPPED_AT_ONCE) > 0


def start(settings: Settings, stop: threading.Event, metrics: WatchMetrics) -> threading.Thread:
    """Start the thread of the rounds; it ends with the process, at any point. Of several processes one works."""

    def work(conn: Connection) -> None:
        mine = [each.told(metrics.done) for each in rounds(settings)]
        if settings.archive is not None:  # told first: an archive that is away ends the turn
            settled = timedelta(days=settings.archive_after_days)
            mine.insert(0, Round("archive due", TELL_EVERY_S, lambda conn: metrics.due(sealing.due(conn, settled))))
        while not stop.is_set():
            if not turn(mine, conn, time.monotonic):
                stop.wait(SLEEP_S)

    return in_thread(connector(settings, "archive"), work, stop)
