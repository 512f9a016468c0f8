"""An archive in S3, on a real server: objects appear whole or not at all, and what is changed there is found."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from archives import manifest, verifying
from archives.place import ArchivePlace
from archives.reading import ReadingArchive
from local.s3 import S3, VERSITYGW
from tests.conftest import Database, unavailable
from tests.store.archivist import BEGIN, CITY, DAY, Archivist, drop


@pytest.fixture
def server(tmp_path: Path) -> Iterator[S3]:
    if reason := VERSITYGW.why_not():
        unavailable(reason)
    with S3(tmp_path / "s3") as server:
        yield server


def cut_off(place: ArchivePlace) -> None:
    """Begin an object, and let the process end in the middle of it."""
    with place.writing(f"{manifest.home(CITY)}/cut-off") as out:
        out.write(b"x" * 100)
        raise RuntimeError


@pytest.mark.plain_only
def test_an_archive_in_a_bucket(server: S3, plain_database: Database) -> None:
    place = ArchivePlace(server.uri("archive"))
    with plain_database.connect(autocommit=True) as conn:
        desk = Archivist(conn, place)
        desk.live()
        whole, now = desk.table(), BEGIN + 5 * DAY
        with pytest.raises(RuntimeError):
            cut_off(place)
        archive = desk.sealed(now)
        desk.say(("s1", BEGIN + timedelta(hours=4), 15.0), now=now)
        archive = desk.sealed(now)
        drop(conn, archive, BEGIN + 3 * DAY)
        found = archive.read(range(100), BEGIN, BEGIN + 3 * DAY)
        assert len(found) == 2 * 3 * 8 + 1
        assert set(whole["received_at"].tolist()) >= set(found["received_at"].tolist()) - {int(now.timestamp() * 1e6)}
        assert verifying.check_manifest(conn, ReadingArchive(place, CITY)) == (archive, [])
        assert [fault for file in verifying.every_file(archive) if (fault := verifying.fault_of(archive, file))] == []
        assert list(verifying.strays(archive)) == []
        file = archive.files()[0]
        path = server.place / "buckets/season/archive" / manifest.home(CITY) / file.path
        content = path.read_bytes()
        path.write_bytes(content[:50] + bytes([content[50] ^ 1]) + content[51:])
        fault = verifying.fault_of(archive, file)
        assert fault is not None
        assert fault.name.endswith(file.path)
    assert "tests-only-secret" not in repr(archive)
