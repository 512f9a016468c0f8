"""A company that has an archive: its days are settled, sealed and dropped."""

from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from alerts.evidence.reading_seals import seal_days
from archives import sealing
from archives.place import ArchivePlace
from archives.reading import ReadingArchive
from store.evidence import archive_rows, reading_digests
from tests import registry_rows as town
from tests.store.desk import NOON, Desk

DAY = timedelta(days=1)
BEGIN = NOON.replace(month=1, day=29, hour=8)  # midnight in UTC
CITY = "Harbin"
SETTLED = 2 * DAY


def settle(conn: Connection, now: datetime) -> None:
    """Give settled days their digests."""
    for _ in range(4):
        while seal_days(conn, now):
            pass


def sealed(conn: Connection, place: ArchivePlace, now: datetime) -> ReadingArchive:
    """Add all to the archive that there is to add."""
    archive = ReadingArchive.open(place, CITY)
    while (more := sealing.seal(conn, archive, now, SETTLED, lambda *_: None)) is not archive:
        archive = more
    return archive


def drop(conn: Connection, archive: ReadingArchive, before: datetime) -> None:
    """Delete what is in the archive from the table."""
    while sealing.drop(conn, archive, before, 1000):
        pass


class Archivist(Desk):
    """Tells readings of two homes, and runs the rounds of watch that have to do with the archive."""

    def __init__(self, conn: Connection, place: ArchivePlace) -> None:
        super().__init__(conn)
        self.place = place

    def settle_in(self) -> None:
        """Have two homes, before anything is told."""
        for home, sensor in (("H1", "s1"), ("H2", "s2")):
            town.sensor(self.conn, sensor, town.home(self.conn, home), interval_s=3600)
        settle(self.conn, BEGIN)

    def live(self, days: int = 5) -> None:
        """Let some days pass, over the end of a month."""
        self.settle_in()
        for noon in range(0, 24 * days, 12):  # a sensor tells of half a day at once
            hours = range(noon, noon + 12, 3)
            said = [(BEGIN + timedelta(hours=hour), 19.0 + hour % 7 / 10) for hour in hours]
            told = [("s1", at, celsius) for at, celsius in said] + [("s2", at, 20.0) for at, _ in said]
            self.say(*told, now=said[-1][0] + timedelta(seconds=2))
        settle(self.conn, BEGIN + days * DAY)

    def sealed(self, now: datetime) -> ReadingArchive:
        """Add all that there is to add."""
        return sealed(self.conn, self.place, now)

    def table(self) -> NDArray[np.void]:
        """Return all readings of homes."""
        sensors = [sensor for sensor, _ in archive_rows.sensors(self.conn)]
        days = ((BEGIN - DAY).date(), (BEGIN + 30 * DAY).date())
        return reading_digests.said(self.conn, reading_digests.HOMES, days[0], sensors, days[1])
