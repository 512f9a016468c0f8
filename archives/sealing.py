"""Settled days out of the table into the archive, and what came late for days that are there already.

An entry is made in this order: how far what came late is complete, then the files, then the note of the entry in the
database, then the entry. So whatever ends the process, the manifest is the old one or the new one, and what a late
message changes while the files are written belongs to the next amendment.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from secrets import token_hex

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from archives import joining, manifest
from archives.joining import Join
from archives.layout import KINDS, ArchiveKind
from archives.manifest import ArchiveBroken, ArchiveFile, ManifestEntry, Reached
from archives.merging import merge
from archives.reading import ReadingArchive, Shard
from archives.writing import Target, write
from domain.instants import to_datetime, to_us
from store.base import locks
from store.base.locks import LockKey
from store.evidence import archive_rows, reading_digests
from store.evidence.archive_rows import ArchiveEntryRow
from store.evidence.reading_digests import ReadingTable
from store.readings import retention, stays

SENSORS_OF_SHARD = 4_096  # whole buildings, so some more
BLOCK_READINGS = 200_000  # read from the table at a time, more or less
READINGS_OF_DAY = 288  # of a sensor, to guess how many that are
DAY = timedelta(days=1)
TABLES = {table.name: table for table in reading_digests.KINDS}

Tell = Callable[[str, int, int], None]  # what, so much of it, of so much


@dataclass(frozen=True)
class Plan:
    """Content of the next entry."""

    kind: ArchiveKind
    begins: date
    day: date  # the first one of base
    upto: date  # not included; as `day`: no base
    late: tuple[int, int]  # reading_late_id: behind the first, up to the second
    whole: bool  # as in Reached

    @property
    def days(self) -> int:
        """The number of days of base."""
        return (self.upto - self.day).days

    @property
    def table(self) -> ReadingTable:
        """The table that the readings come from."""
        return TABLES[self.kind.name]


def known(conn: Connection, archive: ReadingArchive, adopt: bool = False) -> Sequence[ArchiveEntryRow]:
    """Return the entries that the database knows, after noting those that it lost by a crash or a restored backup.

    Args:
        adopt: note all of an archive of which the database knows nothing; otherwise it is another database's.

    Raises:
        ArchiveBroken: the archive is another one than the database has sealed.
    """
    noted = archive_rows.entries(conn)
    if not noted and archive.number > 1 and not adopt:  # one may be of an attempt that a crash cut off
        raise ArchiveBroken(f"{manifest.home(archive.utility)}: has entries, and this database knows none of them")
    for row in noted:
        if row.number > archive.number or archive.entries[row.number - 1].root != bytes(row.root).hex():
            name = manifest.entry_name(archive.utility, row.number)
            raise ArchiveBroken(f"{name}: is not the one that the database knows")
    for entry in archive.entries[len(noted) :]:
        ((kind, reached),) = entry.reached.items()
        # What was noted as late since then may have numbers that the entry knew with another meaning.
        late = min(reached.late, max((row.late for row in noted if row.kind == kind), default=0))
        row = _row(entry, late)
        archive_rows.insert_entry(conn, row)
        noted.append(row)
    return noted


def _row(entry: ManifestEntry, late: int) -> ArchiveEntryRow:
    ((kind, reached),) = entry.reached.items()
    made_at = datetime.fromisoformat(entry.made_at)
    return ArchiveEntryRow(
        entry.number, kind, bytes.fromhex(entry.root), date.fromisoformat(reached.upto), late, made_at
    )


def seal(conn: Connection, archive: ReadingArchive, now: datetime, settled: timedelta, tell: Tell) -> ReadingArchive:
    """Add the next entry to an archive; return it as it was if there is nothing to add. In autocommit mode.

    Args:
        settled: how long after its end a day is sealed.
    """
    archive = archive.refreshed()
    for plan in plans(conn, archive, now, settled):
        return _add(conn, archive, plan, now, tell)
    todo = joining.to_join(archive)
    return _join(conn, archive, todo, now) if todo else archive


def _join(conn: Connection, archive: ReadingArchive, todo: Join, now: datetime) -> ReadingArchive:
    """Add an entry whose files replace those of single days."""
    kind, reached = todo.kind, archive.reached(todo.kind)
    assert reached is not None  # it has files
    entry = ManifestEntry(
        number=archive.number + 1,
        previous=archive.root,
        made_at=now.astimezone(UTC).isoformat(),
        reached={kind.name: reached},
        files=tuple(joining.join(todo, archive.number + 1)),
        replaces=tuple(file.path for shard in todo.shards for file in shard.files),
    )
    late = max((row.late for row in archive_rows.entries(conn) if row.kind == kind.name), default=0)
    return _noted(conn, archive, entry, late)


def _noted(conn: Connection, archive: ReadingArchive, entry: ManifestEntry, late: int) -> ReadingArchive:
    """Note an entry in the database and write it: both or, after a crash, neither or the entry alone."""
    with conn.transaction():
        archive_rows.insert_entry(conn, _row(entry, late))
        manifest.add(archive.place, archive.utility, entry)
    return archive.refreshed()


def plans(conn: Connection, archive: ReadingArchive, now: datetime, settled: timedelta) -> list[Plan]:
    """Return what the next entry of each kind is to hold, if there is anything to add."""
    noted, settled_to = known(conn, archive), (now - settled).astimezone(UTC).date()
    found = [_plan(conn, archive, noted, kind, settled_to) for kind in KINDS.values()]
    return [plan for plan in found if plan is not None]


def _plan(
    conn: Connection, archive: ReadingArchive, noted: Sequence[ArchiveEntryRow], kind: ArchiveKind, settled_to: date
) -> Plan | None:
    """Return what of a kind is to be added: days of one month that are settled, or else what came late."""
    frontier = reading_digests.frontier(conn, TABLES[kind.name])
    reached = archive.reached(kind)
    if frontier.begins is None or frontier.day is None:
        return None
    begins = date.fromisoformat(reached.begins) if reached else _first_day(conn, frontier.begins)
    day = date.fromisoformat(reached.upto) if reached else begins
    upto = min(settled_to, frontier.day, _next_month(day))
    after = max((row.late for row in noted if row.kind == kind.name), default=0)
    if upto <= day and not archive_rows.is_late(conn, TABLES[kind.name], after, day):
        return None
    last = archive_rows.last_late(conn)
    whole = reached.whole if reached else retention.kept_since(conn) is None
    return Plan(kind, begins, day, max(day, upto), (after, last), whole) if last is not None else None


def _first_day(conn: Connection, begins: date) -> date:
    """Return the first day of which the table has anything, and has lost nothing."""
    kept = retention.kept_since(conn)
    if kept is not None:
        return kept.astimezone(UTC).date() + DAY
    first = stays.first_said(conn, [sensor for sensor, _ in archive_rows.sensors(conn)], to_datetime(0))
    return min(begins, first.astimezone(UTC).date()) if first else begins


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _add(conn: Connection, archive: ReadingArchive, plan: Plan, now: datetime, tell: Tell) -> ReadingArchive:
    new, number = _placed(conn, archive), archive.number + 1
    shards = _with(archive.shards(plan.kind), new, archive, plan.kind)
    files = (*_amendments(conn, shards, plan, number), *_base(conn, shards, plan, number, tell))
    reached = Reached(begins=plan.begins.isoformat(), upto=plan.upto.isoformat(), late=plan.late[1], whole=plan.whole)
    entry = ManifestEntry(
        number=number,
        previous=archive.root,
        made_at=now.astimezone(UTC).isoformat(),
        reached={plan.kind.name: reached},
        shards=new,
        files=files,
    )
    return _noted(conn, archive, entry, plan.late[1])


def _placed(conn: Connection, archive: ReadingArchive) -> Mapping[str, Sequence[tuple[int, int]]]:
    """Return the shards of sensors that are in none yet: that of their building, or the one with room."""
    shards = archive.shards()
    of_sensor = {int(sensor): shard.number for shard in shards for sensor in shard.sensor_ids}
    sizes = {shard.number: len(shard.sensor_ids) for shard in shards}
    everyone = archive_rows.sensors(conn)
    of_building = {place: of_sensor[sensor] for sensor, place in everyone if place and sensor in of_sensor}
    new, last = dict[int, list[int]](), max(sizes, default=0)
    for sensor, place in everyone:
        if sensor in of_sensor:
            continue
        if place not in of_building:
            last += sizes.get(last, 0) >= SENSORS_OF_SHARD
        number = of_building.get(place, last) if place else last
        if place:
            of_building[place] = number
        sizes[number] = sizes.get(number, 0) + 1
        new.setdefault(number, []).append(sensor)
    return {str(number): _ranges(some) for number, some in sorted(new.items())}


def _ranges(sensors: Sequence[int]) -> list[tuple[int, int]]:
    """Return numbers as ranges, both ends included."""
    ids = np.sort(np.array(sensors))
    cuts = np.flatnonzero(np.diff(ids) > 1) + 1
    return [(int(some[0]), int(some[-1])) for some in np.split(ids, cuts)]


def _with(
    shards: Sequence[Shard], new: Mapping[str, Sequence[tuple[int, int]]], archive: ReadingArchive, kind: ArchiveKind
) -> list[Shard]:
    """Return shards with the sensors that came to them."""
    found = {shard.number: shard for shard in shards}
    for number, ranges in new.items():
        before = found.get(int(number), Shard(archive.place, archive.utility, kind.name, int(number), (), ()))
        found[int(number)] = before._replace(sensors=tuple(sorted((*before.sensors, *ranges))))
    return [found[number] for number in sorted(found)]


def _target(shard: Shard, plan: Plan, month: str, part: str, number: int) -> Target:
    # A name that no other process takes: one that was cut off from the database may still be writing.
    name = f"{part}-{number:08}-{token_hex(4)}"
    return Target(shard.place, shard.utility, plan.kind, month, shard.number, part, name)


def _base(conn: Connection, shards: Sequence[Shard], plan: Plan, number: int, tell: Tell) -> Iterator[ArchiveFile]:
    """Write the days of a plan, a file for each shard that has any."""
    if not plan.days:
        return
    for nth, shard in enumerate(shards):
        tell(f"{plan.kind.name} {plan.day} to {plan.upto - DAY}", nth, len(shards))
        target = _target(shard, plan, f"{plan.day:%Y-%m}", manifest.BASE, number)
        file = write(target, _blocks(conn, plan, shard.sensor_ids))
        if file is not None:
            yield file
    tell(f"{plan.kind.name} {plan.day} to {plan.upto - DAY}", len(shards), len(shards))


def _blocks(conn: Connection, plan: Plan, sensors: NDArray[np.int32]) -> Iterator[NDArray[np.void]]:
    at_once = max(1, BLOCK_READINGS // (READINGS_OF_DAY * plan.days))
    for low in range(0, len(sensors), at_once):
        mine = sensors[low : low + at_once].tolist()
        yield reading_digests.said(conn, plan.table, plan.day, mine, plan.upto)


def _amendments(conn: Connection, shards: Sequence[Shard], plan: Plan, number: int) -> Iterator[ArchiveFile]:
    """Write what came late for days that are in the archive, a file for each month and shard."""
    told = archive_rows.late(conn, plan.table, plan.late, plan.day)
    rows = merge(plan.kind, [some.astype(plan.kind.dtype) for some in told])
    months = rows["measured_at"].astype("M8[us]").astype("M8[M]").astype(str)
    for shard in shards:
        mine = np.isin(rows["sensor_id"], shard.sensor_ids)
        for month in np.unique(months[mine]).tolist():
            some = rows[mine & (months == month)]
            file = write(_target(shard, plan, month, manifest.AMENDMENT, number), [some])
            if file is not None:
                yield file


def drop(conn: Connection, archive: ReadingArchive, before: datetime, most: int) -> int:
    """Delete readings measured before an instant from the table, as far as they are in the archive.

    Nothing that comes late meanwhile is lost: the lock keeps it out, and what came is in the archive first.

    Raises:
        ArchiveBroken: a file is not there with all its bytes, or the archive is another one.
    """
    noted = known(conn, archive)
    upto = [max((row.upto for row in noted if row.kind == kind), default=None) for kind in KINDS]
    if None in upto:
        return 0
    days = (before.astimezone(UTC).date(), *(day for day in upto if day is not None))
    limit = to_datetime(reading_digests.midnight_us(min(days)))
    if (retention.kept_since(conn) or to_datetime(0)) < limit:
        for name in absent(archive, limit):
            raise ArchiveBroken(f"{name}: is missing, or is not as it was written")
    with conn.transaction():
        if not locks.try_lock(conn, LockKey.SETTLED_DAYS):
            return 0
        for kind, table in TABLES.items():
            after = max(row.late for row in noted if row.kind == kind)
            if archive_rows.is_late(conn, table, after, limit.astimezone(UTC).date() + DAY):
                return 0
        return retention.drop(conn, limit, most)


def absent(archive: ReadingArchive, before: datetime | None = None) -> Iterator[str]:
    """Yield the names of files, or of those of a time, that are not there with all their bytes."""
    sizes = dict(archive.place.names(manifest.home(archive.utility)))
    for kind in KINDS.values():
        for file in archive.files(kind):
            name = manifest.file_name(archive.utility, file.path)
            if (before is None or file.measured[0] < to_us(before)) and sizes.get(name) != file.size:
                yield name


def due(conn: Connection, settled: timedelta) -> dict[str, datetime]:
    """Return by kind of readings when the first day that is not in the archive is to be sealed."""
    noted, found = archive_rows.entries(conn), {}
    for kind, table in TABLES.items():
        begins = reading_digests.frontier(conn, table).begins
        upto = max((row.upto for row in noted if row.kind == kind), default=begins)
        if upto is not None:
            found[kind] = to_datetime(reading_digests.midnight_us(upto + DAY)) + settled
    return found
