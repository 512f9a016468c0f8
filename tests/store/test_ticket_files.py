"""Files of tickets in the database and in a folder: who reaches which rows and bytes, and what a crash leaves."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from alerts.desk.attaching import attach
from alerts.evidence.check import Findings, check_files
from domain.files import FileKind, MediaType, NewAttachment, PreparedFile, digest
from store.base import access
from store.base.access import Scope, Since
from store.tickets import file_rows
from store.tickets.file_contents import BLOCK, DATABASE, SHELVES, FileMissing, FileStore, FolderFiles
from tests.api import town
from tests.api.town import NOW
from tests.conftest import Database
from tests.store.company import SEED

pytestmark = pytest.mark.plain_only

DAY = timedelta(days=1)
LARGE = bytes(range(256)) * 10_000


def prepared(content: bytes) -> PreparedFile:
    return PreparedFile(MediaType.JPEG, content, digest(content), len(content), 1, 1, content + b" small")


def send(conn: Connection, ticket: int, content: bytes, store: FileStore = DATABASE, **changes: Any) -> int:
    given = {"kind": FileKind.PHOTO, "for_user": False, "by_user": False, **changes}
    made, _ = attach(conn, SEED, store, NewAttachment(ticket, prepared(content), **given), NOW, "somebody")
    return made.file_id


class Homes:
    """Two homes with a ticket each, and files of each kind."""

    def __init__(self, conn: Connection) -> None:
        self.tickets = dict[str, int]()
        self.homes = dict[str, int]()
        for code, station in (("mine", "North"), ("far", "South")):
            self.homes[code] = town.home(conn, code, building=f"B-{station}", station=station)
            self.tickets[code], _ = town.ticket(conn, self.homes[code])
            for for_user in (False, True):
                send(conn, self.tickets[code], f"{code} {for_user}".encode(), for_user=for_user)


@pytest.fixture
def homes(plain_database: Database) -> Homes:
    with plain_database.connect() as conn:
        return Homes(conn)


def seen(database: Database, scope: Scope) -> tuple[set[str], set[bytes]]:
    """Return the files that a scope reaches, and the bytes."""
    with psycopg.connect(database.url_as("api")) as conn:
        access.enter(conn, scope)
        rows = conn.execute("SELECT ticket_id, for_user FROM ticket_file").fetchall()
        contents = {bytes(content) for (content,) in conn.execute("SELECT content FROM file_content")}
        conn.rollback()
    return {f"{ticket} {for_user}" for ticket, for_user in rows}, contents


def test_row_level_security_of_files_and_their_bytes(plain_database: Database, homes: Homes) -> None:
    mine, far = homes.tickets["mine"], homes.tickets["far"]
    of_user = {b"mine True", b"mine True small"}
    of_crew = {b"mine False", b"mine False small"} | of_user
    assert seen(plain_database, Scope(False, None, [homes.homes["mine"]])) == ({f"{mine} True"}, of_user)
    assert seen(plain_database, Scope(False, "North", [])) == ({f"{mine} True", f"{mine} False"}, of_crew)
    assert seen(plain_database, Scope(False, "Nowhere", [])) == (set(), set())
    everything, contents = seen(plain_database, Scope(True, None, []))
    assert everything == {f"{ticket} {shown}" for ticket in (mine, far) for shown in (True, False)}
    assert len(contents) == 8


def test_a_later_tenancy_sees_no_earlier_file(plain_database: Database, homes: Homes) -> None:
    home = homes.homes["mine"]
    later = NOW + timedelta(seconds=1)
    scope = Scope(False, None, [home], {home: Since(later, later.date())})
    assert seen(plain_database, scope) == (set(), set())


def test_nobody_writes_files_out_of_reach(plain_database: Database, homes: Homes) -> None:
    scope = Scope(False, None, [homes.homes["mine"]])
    for ticket, for_user, allowed in (("mine", True, True), ("mine", False, False), ("far", True, False)):
        with psycopg.connect(plain_database.url_as("api")) as conn:
            access.enter(conn, scope)
            wanted = NewAttachment(homes.tickets[ticket], prepared(b"new"), FileKind.SCAN, for_user, False)
            if allowed:
                assert file_rows.insert(conn, wanted, NOW, "a")
                DATABASE.keep(conn, b"new")
            else:
                with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
                    file_rows.insert(conn, wanted, NOW, "a")
            conn.rollback()
    with psycopg.connect(plain_database.url_as("api")) as conn:
        access.enter(conn, scope)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            DATABASE.keep(conn, b"bytes of no file")


@pytest.fixture(params=["database", "folder"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    return DATABASE if request.param == "database" else FolderFiles(tmp_path.as_uri())


@pytest.mark.parametrize("length", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK])
def test_bytes_come_back_in_blocks(plain_database: Database, store: FileStore, length: int) -> None:
    content = LARGE[:length]
    with plain_database.connect() as conn:
        for _ in range(2):  # it may be repeated
            store.keep(conn, content)
        blocks = list(store.blocks(conn, digest(content)))
        assert b"".join(blocks) == content
        assert max(map(len, blocks), default=0) <= BLOCK
        with pytest.raises(FileMissing):
            list(store.blocks(conn, digest(b"never kept")))


@pytest.fixture
def ticket(plain_database: Database) -> Iterator[tuple[Connection, int]]:
    with plain_database.connect(autocommit=True) as conn:
        yield conn, town.ticket(conn, town.home(conn))[0]


def aged(folder: Path, days: float) -> None:
    """Have everything in a folder lie there for so long."""
    for path in folder.rglob("*"):
        at = (NOW - days * DAY).timestamp()
        os.utime(path, (at, at))


def sweep(store: FileStore, conn: Connection) -> None:
    """Sweep all shelves."""
    for minute in range(SHELVES):
        store.sweep(conn, NOW + timedelta(minutes=minute))


def test_a_crash_leaves_bytes_without_an_event_and_they_are_swept_after_a_day(
    ticket: tuple[Connection, int], tmp_path: Path
) -> None:
    conn, number = ticket
    store = FolderFiles(tmp_path.as_uri())
    with conn.transaction(force_rollback=True):
        send(conn, number, b"lost", store)
    with conn.transaction():
        send(conn, number, b"kept", store)
    place = tmp_path / digest(b"lost").hex()[:2] / digest(b"lost").hex()
    assert place.read_bytes() == b"lost"
    (place.parent / "notes.txt").write_text("of somebody else")
    (place.parent / f"{digest(b'half').hex()}.part").write_bytes(b"ha")
    for age, left in ((0.5, 6), (1.2, 3)):
        aged(tmp_path, age)
        sweep(store, conn)
        assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == left
    assert b"".join(store.blocks(conn, digest(b"kept"))) == b"kept"


def test_a_sweep_waits_for_who_attaches_what_was_left(
    plain_database: Database, ticket: tuple[Connection, int], tmp_path: Path
) -> None:
    conn, number = ticket
    store = FolderFiles(tmp_path.as_uri())
    store.keep(conn, b"left")
    aged(tmp_path, 2)
    with plain_database.connect() as writer, plain_database.connect(autocommit=True) as sweeper:
        send(writer, number, b"left", store)
        sweeper.execute("SET lock_timeout = '200ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            sweep(store, sweeper)
        writer.commit()
        sweep(store, sweeper)
    assert b"".join(store.blocks(conn, digest(b"left"))) == b"left"


def test_half_a_file_is_written_again(ticket: tuple[Connection, int], tmp_path: Path) -> None:
    conn, number = ticket
    place = tmp_path / digest(b"whole").hex()[:2] / digest(b"whole").hex()
    place.parent.mkdir()
    place.write_bytes(b"wh")
    with conn.transaction():
        send(conn, number, b"whole", FolderFiles(tmp_path.as_uri()))
    assert place.read_bytes() == b"whole"


def test_verify_reads_every_file(ticket: tuple[Connection, int], store: FileStore, tmp_path: Path) -> None:
    conn, number = ticket
    with conn.transaction():
        send(conn, number, b"good", store)
        send(conn, number, b"bad", store)

    def faults() -> list[str]:
        found = Findings(NOW, files=store)
        check_files(conn, found)
        assert found.counts == {"files": 2}
        return [fault["what"] for fault in found.told]

    assert faults() == []
    if store is DATABASE:
        conn.execute("SET session_replication_role = replica")
        conn.execute("ALTER TABLE file_content DISABLE TRIGGER ALL")
        conn.execute("DELETE FROM file_content WHERE digest = %s", (digest(b"bad"),))
    else:
        (tmp_path / digest(b"bad").hex()[:2] / digest(b"bad").hex()).write_bytes(b"worse")
    (what,) = faults()
    assert what.startswith("T00000001 file 2: ")


def test_no_uri_of_a_folder_is_told() -> None:
    for uri in ("nowhere", "ftp://host/files", ""):
        with pytest.raises((ValueError, OSError)):
            FolderFiles(uri)
