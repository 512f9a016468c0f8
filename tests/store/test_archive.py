"""Settled days go into the archive whatever ends the process, what comes late too, and nothing is there twice."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import SecretStr

from alerts.evidence.check import Findings, check_readings
from alerts.judging.history import History
from alerts.judging.rejudge import Rejudging
from archives import joining, manifest, restoring, sealing, verifying
from archives.history import OneHistory
from archives.layout import KINDS, READINGS
from archives.manifest import ArchiveBroken
from archives.place import ArchivePlace
from archives.reading import ReadingArchive
from domain.errors import UsageError
from hearth import archiving
from hearth.archive_check import archive_in_order
from hearth.settings import Settings
from store.evidence import archive_rows
from store.readings import retention
from tests import registry_rows as town
from tests.conftest import Database
from tests.store.archivist import BEGIN, CITY, DAY, SETTLED, Archivist, drop, settle
from tests.store.company import SEED
from tests.store.desk import MINUTE
from tests.store.histories import batches, finish, record, start_over


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Iterator[Archivist]:
    with database.connect(autocommit=True) as conn:
        yield Archivist(conn, ArchivePlace(tmp_path.as_uri()))


def same(archive: ReadingArchive, wanted: NDArray[np.void]) -> bool:
    """Return whether the archive has these readings, to the bit."""
    found = archive.read(range(100), BEGIN - DAY, BEGIN + 30 * DAY)
    return found.tobytes() == wanted.astype(READINGS.dtype).tobytes()


def test_settled_days_are_sealed_once_a_month_at_a_time(desk: Archivist) -> None:
    desk.live()
    now = BEGIN + 5 * DAY
    archive = desk.sealed(now)
    whole = desk.table()
    assert same(archive, whole[whole["measured_at"] < int((BEGIN + 3 * DAY).timestamp() * 1e6)])
    assert [(file.month, file.part, file.rows) for file in archive.files()] == [
        ("2026-01", "base", 2 * 3 * 8),
    ]
    assert desk.sealed(now).number == archive.number
    later = desk.sealed(now + DAY / 2)
    assert later.number == archive.number
    noted = archive_rows.entries(desk.conn)
    assert [bytes(row.root).hex() for row in noted] == [entry.root for entry in archive.entries]


def test_what_comes_late_becomes_an_amendment(desk: Archivist) -> None:
    desk.live()
    now = BEGIN + 5 * DAY
    desk.sealed(now)
    late = BEGIN + timedelta(hours=4)
    desk.say(("s1", late, 15.0), ("s2", late + DAY, 16.0), now=now)
    archive = desk.sealed(now)
    whole = desk.table()
    assert same(archive, whole[whole["measured_at"] < int((BEGIN + 3 * DAY).timestamp() * 1e6)])
    assert [(file.part, file.rows) for file in archive.files()][-1] == ("amendment", 2)
    assert desk.sealed(now).number == archive.number


class Killed(BaseException):
    """The end of the process."""


@pytest.mark.plain_only
@pytest.mark.parametrize("step", ["write", "insert_entry", "add", "refreshed"])
def test_a_crash_leaves_the_old_manifest_or_the_new_one(
    desk: Archivist, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    desk.live()
    now = BEGIN + 5 * DAY
    owners = {"write": sealing, "insert_entry": archive_rows, "add": manifest, "refreshed": ReadingArchive}
    for after in (False, True):
        with monkeypatch.context() as patch:
            real = getattr(owners[step], step)

            def killed(*args: object, real: object = real, after: bool = after) -> None:
                if after:
                    real(*args)  # type: ignore[operator]
                raise Killed

            archive = ReadingArchive.open(desk.place, CITY)
            patch.setattr(owners[step], step, killed)
            with pytest.raises(Killed):
                sealing.seal(desk.conn, archive, now, SETTLED, lambda *_: None)
    archive = desk.sealed(now)
    whole = desk.table()
    assert same(archive, whole[whole["measured_at"] < int((BEGIN + 3 * DAY).timestamp() * 1e6)])
    assert sum(file.rows for file in archive.files()) == 2 * 3 * 8
    assert [row.number for row in archive_rows.entries(desk.conn)] == list(range(1, archive.number + 1))


@pytest.mark.plain_only
def test_another_archive_is_refused(desk: Archivist, tmp_path: Path) -> None:
    desk.live()
    desk.sealed(BEGIN + 5 * DAY)
    desk.place = ArchivePlace((tmp_path / "other").as_uri())
    with pytest.raises(ArchiveBroken, match="is not the one that the database knows"):
        desk.sealed(BEGIN + 5 * DAY)


@pytest.mark.plain_only
def test_an_archive_of_another_database_is_adopted_by_order_alone(desk: Archivist) -> None:
    desk.live()
    archive = desk.sealed(BEGIN + 5 * DAY)
    desk.conn.execute("ALTER TABLE archive_entry DISABLE TRIGGER USER")
    desk.conn.execute("DELETE FROM archive_entry")
    desk.conn.execute("ALTER TABLE archive_entry ENABLE ALWAYS TRIGGER archive_entry_stays")
    with pytest.raises(ArchiveBroken, match="this database knows none of them"):
        desk.sealed(BEGIN + 5 * DAY)
    assert len(sealing.known(desk.conn, archive, adopt=True)) == archive.number
    assert desk.sealed(BEGIN + 5 * DAY).number == archive.number


def test_every_kind_has_a_table() -> None:
    assert set(KINDS) == set(sealing.TABLES)
    for kind in KINDS.values():
        assert kind.layout == sealing.TABLES[kind.name].layout


def test_the_table_loses_only_what_the_archive_has(desk: Archivist) -> None:
    desk.live()
    whole = desk.table()
    now = BEGIN + 5 * DAY
    archive = desk.sealed(now)
    late = BEGIN + timedelta(hours=4)
    desk.say(("s1", late, 15.0), now=now)
    drop(desk.conn, archive, BEGIN + 9 * DAY)
    assert len(desk.table()) == len(whole) + 1  # what came late is not in the archive yet
    archive = desk.sealed(now)
    path = Path(archive.place.uri.removeprefix("file://")) / manifest.home(CITY) / archive.files()[0].path
    path.rename(path.with_suffix(".gone"))
    with pytest.raises(ArchiveBroken, match="is missing"):
        drop(desk.conn, archive, BEGIN + 9 * DAY)
    path.with_suffix(".gone").rename(path)
    drop(desk.conn, archive, BEGIN + 9 * DAY)
    assert desk.table()["measured_at"].min() == int((BEGIN + 3 * DAY).timestamp() * 1e6)
    assert OneHistory(archive).kept_since(desk.conn) is None


def test_evidence_is_checked_in_the_archive_where_the_table_has_lost_it(desk: Archivist) -> None:
    desk.live()
    now = BEGIN + 5 * DAY
    desk.say(("s1", BEGIN + timedelta(hours=4), 15.0), now=now)
    archive = desk.sealed(now)
    drop(desk.conn, archive, BEGIN + 2 * DAY)
    desk.say(("s2", BEGIN + timedelta(hours=5), 16.0), now=now)  # stays in the table until it is sealed
    found = Findings(now, history=OneHistory(archive))
    check_readings(desk.conn, found)
    assert (found.told, found.counts["readings"]) == ([], 2 * 4 * 8 + 2)
    archive = desk.sealed(now)
    drop(desk.conn, archive, BEGIN + 2 * DAY)
    desk.conn.execute("UPDATE readings_kept SET since = since")
    found = Findings(now, history=OneHistory(archive))
    check_readings(desk.conn, found)
    assert (found.told, found.counts["readings"]) == ([], 2 * 4 * 8 + 2)


@pytest.mark.parametrize("seed", [1, 2])
def test_any_order_and_any_split_between_table_and_archive_is_the_same_ledger(desk: Archivist, seed: int) -> None:
    chance = random.Random(seed)
    desk.settle_in()
    hours = [BEGIN + timedelta(hours=hour) for hour in range(3 * 24)]
    said = [(s, at, chance.choice([15.5, 17.0, 18.5, 20.0])) for at in hours for s in ("s1", "s2")]
    now = BEGIN + 6 * DAY
    for some in batches(said, False, chance):
        desk.say(*some, now=now)
    finish(desk, now)
    wanted = record(desk)
    start_over(desk.conn)
    archive = ReadingArchive.open(desk.place, CITY)
    for some in batches(said, True, chance):
        desk.say(*some, now=now)
        if chance.random() < 0.5:
            settle(desk.conn, now)
            archive = desk.sealed(now)
            drop(desk.conn, archive, BEGIN + chance.randrange(3 * 24) * timedelta(hours=1))
    settle(desk.conn, now)
    archive = desk.sealed(now)
    drop(desk.conn, archive, BEGIN + chance.randrange(2, 3) * DAY)
    assert len(desk.table()) < len(said)
    history = History(SEED, OneHistory(archive))
    homes = [row["home_id"] for row in desk.rows("SELECT home_id FROM home")]
    with desk.conn.transaction():
        Rejudging(desk.conn, history, now).from_day(homes, history.day_of(BEGIN))
    flags, ledger = record(desk)
    assert [_plain(row) for row in ledger if row["closed"]] == [_plain(row) for row in wanted[1] if row["closed"]]
    assert flags == wanted[0]


@pytest.mark.plain_only
def test_a_flag_of_days_that_were_dropped_is_explained_like_any_other(desk: Archivist) -> None:
    desk.settle_in()
    beside = town.sensor(desk.conn, "s3", 1, room_kind="bedroom", interval_s=3600)
    for hour in range(3 * 24):
        at = BEGIN + timedelta(hours=hour)
        cold = 14.0 if 30 <= hour < 40 else 19.0
        desk.say(("s1", at, cold), ("s2", at, 20.0), ("s3", at + 20 * MINUTE, 20.5), now=at + 21 * MINUTE)
    wanted, now = [(row["home_id"], row["why"]) for row in desk.flags()], BEGIN + 6 * DAY
    assert [home for home, _ in wanted] == [1]
    settle(desk.conn, now)
    archive = desk.sealed(now)
    drop(desk.conn, archive, BEGIN + 3 * DAY)
    start_over(desk.conn)
    desk.say(("s3", BEGIN + 1_790 * MINUTE, 21.0), now=now)  # the table has this one, and no other
    for readings, same in ((OneHistory(), False), (OneHistory(archive), True)):
        with desk.conn.transaction(force_rollback=not same):
            Rejudging(desk.conn, History(SEED, readings), now).days([1], BEGIN.date(), (BEGIN + 3 * DAY).date())
            flags = [row["why"]["points"] for row in desk.flags()]
        told = [{**point, "judged": 21.0} if point["sensor"] == "s3" else point for point in wanted[0][1]["points"]]
        assert (flags == [told]) is same
    then = BEGIN + 1_890 * MINUTE
    held = {one.sensor_id: one.celsius for one in OneHistory(archive).beside(desk.conn, 1, then, 3)}
    assert held == {1: 14.0, beside: 20.5}


def _plain(row: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in row.items() if name not in ("machine",)}


def test_days_are_restored_as_history_says_them(desk: Archivist) -> None:
    desk.live()
    now = BEGIN + 5 * DAY
    archive = desk.sealed(now)
    whole = desk.table()
    drop(desk.conn, archive, BEGIN + 3 * DAY)
    again = BEGIN + timedelta(hours=3)
    desk.say(("s1", again, 12.0), now=now)  # the archive said otherwise before
    todo = restoring.pieces(archive, BEGIN.date(), (BEGIN + 9 * DAY).date(), None)
    assert sum(restoring.restore(desk.conn, archive, piece, dry_run=True).restored for piece in todo) == 2 * 3 * 8
    for piece in todo[:1]:
        restoring.restore(desk.conn, archive, piece)  # cut off, and begun again
    done = [restoring.restore(desk.conn, archive, piece) for piece in todo]
    assert sum(piece.archived for piece in done) == 2 * 3 * 8
    assert desk.table().tobytes() == whole.tobytes()
    assert restoring.is_contiguous(desk.conn, archive, (BEGIN + 9 * DAY).date())
    restoring.keep_from(desk.conn, BEGIN.date())
    assert retention.kept_since(desk.conn) == BEGIN
    # What was put back stays for its time, whatever is old by the settings.
    later, archive = BEGIN + 60 * DAY, desk.sealed(now)
    until = restoring.hold(desk.conn, (BEGIN + DAY).date(), 7, later)
    kept = settings(archive.place.uri)
    while archiving._drop(desk.conn, kept, archive, later):
        pass
    assert desk.table()["measured_at"].min() == int((BEGIN + DAY).timestamp() * 1e6)
    while archiving._drop(desk.conn, kept, archive, until):
        pass
    assert desk.table()["measured_at"].min() == int((BEGIN + 3 * DAY).timestamp() * 1e6)


def settings(uri: str | None) -> Settings:
    return Settings(
        database_url=SecretStr("postgresql://x"),
        archive=None if uri is None else SecretStr(uri),
        archive_utility=CITY,
        archive_after_days=SETTLED.days,
        reading_days=30 if uri else None,
    )


@pytest.mark.plain_only
def test_check_says_what_is_wrong_with_the_archive(desk: Archivist, tmp_path: Path) -> None:
    desk.live()
    now, mine = BEGIN + 5 * DAY, settings(desk.place.uri)

    def says(wrong: str, at: datetime = now, given: Settings = mine) -> None:
        with pytest.raises(UsageError, match=wrong):
            archive_in_order(desk.conn, given, at)

    assert "is not set" in archive_in_order(desk.conn, settings(None), now)
    assert "nothing sealed yet" in archive_in_order(desk.conn, mine, BEGIN + 4 * DAY)
    says("reading: sealing is 3 days behind")
    archive = desk.sealed(now)
    before = sorted(desk.place.names(CITY))
    assert "as sealed, readings up to 2026-02-01, 1 files" in archive_in_order(desk.conn, mine, now)
    assert sorted(desk.place.names(CITY)) == before
    says("is not set, and this database has sealed", given=settings(None))
    says("is missing: the database knows it", given=settings((tmp_path / "other").as_uri()))
    says("reading: sealing is 3 days behind", at=now + 4 * DAY)
    with desk.conn.transaction(force_rollback=True):
        desk.conn.execute("UPDATE readings_kept SET since = %s", (BEGIN + 4 * DAY,))
        says("the table has lost days from 2026-02-01 on")
    path = tmp_path / manifest.home(CITY) / archive.files()[0].path
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    says("is missing or cut off; all faults: hearth archive verify")
    path.write_bytes(whole)
    (tmp_path / "file").write_bytes(b"")
    says("cannot be read and written: Not a directory", given=settings((tmp_path / "file").as_uri()))


@pytest.mark.plain_only
def test_each_flipped_byte_is_named(desk: Archivist) -> None:
    desk.live()
    archive = desk.sealed(BEGIN + 5 * DAY)
    root = Path(archive.place.uri.removeprefix("file://"))
    assert verifying.check_manifest(desk.conn, ReadingArchive(desk.place, CITY)) == (archive, [])
    assert [verifying.fault_of(archive, file) for file in verifying.every_file(archive)] == [None]
    assert list(verifying.strays(archive)) == []
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        whole = path.read_bytes()
        for at in range(0, len(whole), max(1, len(whole) // 12)):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            checked, faults = verifying.check_manifest(desk.conn, ReadingArchive(desk.place, CITY))
            faults += filter(None, (verifying.fault_of(checked, file) for file in verifying.every_file(checked)))
            assert {fault.name for fault in faults} == {str(path.relative_to(root))}
        path.unlink()
        checked, faults = verifying.check_manifest(desk.conn, ReadingArchive(desk.place, CITY))
        faults += filter(None, (verifying.fault_of(checked, file) for file in verifying.every_file(checked)))
        assert str(path.relative_to(root)) in {fault.name for fault in faults}
        path.write_bytes(whole)


@pytest.mark.plain_only
def test_files_of_days_become_one_for_the_month(desk: Archivist) -> None:
    desk.live(7)
    archives = [desk.sealed(BEGIN + days * DAY) for days in range(3, 8)]
    archive = archives[-1]
    assert [file.month for file in archive.files()] == ["2026-01", "2026-02", "2026-02"]
    whole = desk.table()
    assert same(archive, whole[whole["measured_at"] < int((BEGIN + 5 * DAY).timestamp() * 1e6)])
    assert same(archives[1], whole[whole["measured_at"] < int((BEGIN + 2 * DAY).timestamp() * 1e6)])
    assert verifying.check_manifest(desk.conn, ReadingArchive(desk.place, CITY)) == (archive, [])
    now = datetime.now(UTC)
    assert joining.sweep(archive, now) == 0
    assert joining.sweep(archive, now + 2 * DAY) == 3
    assert same(archive, whole[whole["measured_at"] < int((BEGIN + 5 * DAY).timestamp() * 1e6)])
    assert list(verifying.strays(archive)) == []
