"""The first start, backup, restore and recovery: the scripts that docker-compose.yml mounts, on a real TimescaleDB."""

import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from store.base import condition, server_figures
from tests import registry_rows as town
from tests.acceptance import processes
from tests.acceptance.operated import DEPLOY, Operated
from tests.acceptance.waiting import until
from tests.acceptance.world import Making
from tests.conftest import Database

PROCESSES = ("ingest", "watch", "notify", "api")


@pytest.fixture
def operated(first_start: Path, tmp_path: Path) -> Iterator[Operated]:
    operated = Operated(tmp_path, first_start)
    try:
        operated.server.start()
        yield operated
    finally:
        operated.server.remove()


def counts(conn: psycopg.Connection) -> Mapping[str, int]:
    """Return the number of rows in every table."""
    names = conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename").fetchall()
    found = {}
    for (name,) in names:
        row = conn.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))).fetchone()
        assert row is not None
        found[name] = row[0]
    return found


def fill(conn: psycopg.Connection, readings: int = 3000) -> None:
    """Store some homes, and readings of weeks."""
    for n in range(3):
        town.sensor(conn, f"s{n}", town.home(conn, f"H{n}"))
    conn.execute(
        "INSERT INTO reading SELECT s.sensor_id, '2026-01-01Z'::timestamptz + n * interval '20 minutes', now(), 20, "
        "NULL, NULL, 0, true FROM generate_series(1, %s) AS n, sensor AS s",
        (readings // 3,),
    )


def test_the_accounts_that_are_made_are_those_that_the_processes_need(operated: Operated, new_world: Making) -> None:
    world = new_world(Database(operated.server.url("hearth"), "timescale"))
    with operated.connect() as conn:
        town.sensor(conn, "s1", town.home(conn, "H1"))
    world.policy()
    started = {}
    for name in PROCESSES:
        # The address stands in a file, as in a container.
        file = operated.place / f"url-of-{name}"
        file.write_text(operated.url(name), encoding="utf-8")
        world.environment.pop("HEARTH_DATABASE_URL", None)
        world.settings({"HEARTH_DATABASE_URL_FILE": str(file)})
        if name == "api":
            port, started[name] = world.start_api()
        else:
            started[name] = world.start(name, HEARTH_READING_DAYS="365")
    started["watch"].wait_for("event=leading")
    thermometers = world.thermometers()
    world.wait_until_heard(thermometers, started["ingest"])
    thermometers.send("s1", {"temperature": 15})
    world.settings({"HEARTH_DATABASE_URL_FILE": ""})
    world.settings({"HEARTH_DATABASE_URL": operated.url("owner")})
    assert world.reader(port, "dispatcher").flag("H1", 20)["severity"] == "severe"
    assert "permission denied" not in "".join(process.said() for process in started.values())
    assert (started["ingest"].stop(), started["watch"].stop()) == (0, 0)
    with psycopg.connect(operated.url("grafana")) as conn:
        assert conn.execute("SHOW statement_timeout").fetchone() == ("30s",)


def test_a_right_that_is_missing_loses_no_reading(operated: Operated, new_world: Making) -> None:
    world = new_world(Database(operated.server.url("hearth"), "timescale"))
    with operated.connect() as conn:
        town.sensor(conn, "s1", town.home(conn, "H1"))
        conn.execute("REVOKE INSERT ON reading FROM hearth_ingest")
    ingest = world.start("ingest", HEARTH_DATABASE_URL=operated.url("ingest"))
    thermometers = world.thermometers()
    world.wait_until_heard(thermometers, ingest)
    thermometers.send("s1", {"temperature": 20})
    ingest.wait_for("run hearth migrate")
    world.settings({"HEARTH_DATABASE_URL": operated.url("owner")})
    world.command("migrate")
    until(lambda: world.one("SELECT count(*) FROM reading") == 1, "it is stored after all")
    assert world.one("SELECT count(*) FROM dead_letter WHERE topic LIKE '%s1%'") == 0
    assert ingest.stop() == 0


def test_nobody_gets_more_than_the_process_needs(operated: Operated) -> None:
    for account in PROCESSES:
        with psycopg.connect(operated.url(account)) as conn:
            for forbidden in (
                "DELETE FROM reading",
                "CREATE TABLE mine ()",
                "SELECT hash FROM token",
                "DELETE FROM flag",
            ):
                if (account, forbidden) == ("api", "SELECT hash FROM token"):
                    continue
                with pytest.raises(psycopg.errors.InsufficientPrivilege), conn.transaction():
                    conn.execute(forbidden.encode())


def test_new_passwords_hold_and_old_ones_do_not(operated: Operated) -> None:
    old = {account: operated.url(account) for account in PROCESSES}
    folder = operated.place / "secrets"
    for account in PROCESSES:
        (folder / f"database_{account}_password").unlink()
    time.sleep(1)  # files are told apart by their time
    subprocess.run([DEPLOY / "make-secrets", folder, "localhost"], check=True, capture_output=True)
    operated.give()
    operated.run("passwords")
    for account in PROCESSES:
        assert operated.url(account) != old[account]
        psycopg.connect(operated.url(account)).close()
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(old[account])
    psycopg.connect(operated.url("owner")).close()


@pytest.mark.slow
def test_a_dump_restored_is_the_same_database(operated: Operated) -> None:
    with operated.connect() as conn:
        fill(conn)
        before = counts(conn)
        chunks = conn.execute("SELECT count(*) FROM show_chunks('reading')").fetchone()
    file = operated.run("dump", "hearth")
    operated.run("restore", file, "restored")
    with operated.connect("restored") as conn:
        assert counts(conn) == before
        assert before["reading"] == 3000
        assert conn.execute("SELECT count(*) FROM show_chunks('reading')").fetchone() == chunks
    owner = operated.url("owner", "restored")
    done = processes.run({"HEARTH_DATABASE_URL": owner}, "migrate")
    assert done.stdout == "up to date (timescale_apache)\n", done.stderr
    with psycopg.connect(operated.url("ingest", "restored")) as conn:
        conn.execute("INSERT INTO reading VALUES (1, now(), now(), 20, NULL, NULL, 0, true)")


@pytest.mark.slow
def test_a_restore_does_not_touch_a_database_that_is_there(operated: Operated) -> None:
    file = operated.run("dump", "hearth")
    done = operated.script("restore", file, "hearth")
    assert done.returncode != 0
    assert "already exists" in done.stderr
    done = operated.script("restore", "/nowhere.dump", "another")
    assert (done.returncode, done.stderr) == (2, "restore: cannot read /nowhere.dump\n")


@pytest.mark.slow
def test_any_instant_since_a_base_backup_can_be_recovered(operated: Operated) -> None:
    with operated.connect() as conn:
        fill(conn, 300)
        base = operated.run("base-backup")
        fill_again(conn, 30)
        time.sleep(0.1)
        instant = datetime.now(UTC)
        at_that_time = counts(conn)
        time.sleep(0.1)
        fill_again(conn, 3)
        conn.execute("SELECT pg_switch_wal()")
        until(lambda: archived(conn), "the log is in the archive")
    refused = operated.script("recover", base, instant.isoformat())
    assert (refused.returncode, "is running" in refused.stderr) == (2, True)
    operated.server.stop()
    operated.run("recover", base, instant.isoformat())
    operated.server.start()
    with operated.connect() as conn:
        until(lambda: conn.execute("SELECT NOT pg_is_in_recovery()").fetchone() == (True,), "the recovery ends")
        assert counts(conn) == at_that_time
        assert at_that_time["reading"] == 330
        fill_again(conn, 1)  # it takes writes, on a new timeline
    assert [path for path in operated.place.iterdir() if path.name.startswith("cluster.before-")]


def fill_again(conn: psycopg.Connection, readings: int) -> None:
    conn.execute(
        "INSERT INTO reading SELECT 1, clock_timestamp() + n * interval '1 ms', now(), 20, NULL, NULL, 0, true "
        "FROM generate_series(1, %s) AS n",
        (readings,),
    )


def archived(conn: psycopg.Connection) -> bool:
    """Return whether everything up to the last switch is archived."""
    row = conn.execute(
        "SELECT last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 1) FROM pg_stat_archiver"
    ).fetchone()
    return row is not None and bool(row[0])


@pytest.mark.slow
def test_old_base_backups_go_with_the_log_that_only_they_need(operated: Operated) -> None:
    made = []
    with operated.connect() as conn:
        for _ in range(3):
            fill_again(conn, 5)
            conn.execute("SELECT pg_switch_wal()")
            made.append(Path(operated.run("base-backup", "2")).name)
            time.sleep(1)  # they are named by the second
    kept = sorted(path.name for path in (operated.place / "backups").iterdir())
    assert kept == made[1:]
    label = subprocess.run(
        ["tar", "-xzOf", operated.place / "backups" / made[1] / "base.tar.gz", "backup_label"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    first = label.partition("(file ")[2].partition(")")[0]
    logs = sorted(path.name for path in (operated.place / "archive").iterdir() if len(path.name) == 24)
    assert logs[0] == first


def test_the_archive_takes_a_file_whole_and_never_another_one_of_its_name(operated: Operated) -> None:
    one, other = operated.place / "one", operated.place / "other"
    one.write_bytes(b"a" * 1000)
    other.write_bytes(b"b" * 1000)
    operated.give()
    name = "0000000100000000000000FF"
    operated.run("archive", operated.seen("one"), name)
    operated.run("archive", operated.seen("one"), name)
    assert operated.script("archive", operated.seen("other"), name).returncode != 0
    assert (operated.place / "archive" / name).read_bytes() == b"a" * 1000


@pytest.mark.slow
def test_check_tells_the_edition_and_a_log_that_piles_up(operated: Operated) -> None:
    def check() -> subprocess.CompletedProcess[str]:
        return processes.run({"HEARTH_DATABASE_URL": operated.url("owner")}, "check", "database", "disk")

    with operated.connect() as conn:
        fill_again(conn, 1)
        conn.execute("SELECT pg_switch_wal()")
        until(lambda: archived(conn), "the log is in the archive")
        done = check()
        assert done.returncode == 0, done.stdout
        assert "(Apache edition), all migrations applied" in done.stdout
        assert "log archived" in done.stdout
        (operated.place / "archive").rename(operated.place / "gone")
        fill_again(conn, 1)
        conn.execute("SELECT pg_switch_wal()")
        until(lambda: check().returncode == 2, "it is noticed", 90)
    assert "will fill the disk" in check().stdout


@contextmanager
def scheduled(operated: Operated, keep: int, hour: int) -> Iterator[Path]:
    """Run the schedule of backups as the service `backup` does: with the account for that, and looking often."""
    environment = {**operated.environment(), "PGUSER": "hearth_login_backup", "HEARTH_BACKUP_PACE": "1"}
    del environment["PGPASSWORD"]
    log = operated.place / "backups.log"
    with log.open("w") as output:
        command = operated.command("backups", str(keep), str(hour))
        process = subprocess.Popen(command, env=environment, cwd=operated.place, stdout=output, stderr=output)
    try:
        yield log
    finally:
        process.terminate()
        process.wait(60)


def bases(operated: Operated) -> list[str]:
    return sorted(path.name for path in (operated.place / "backups").glob("base-*Z"))


def test_backups_are_made_by_themselves_and_can_be_restored(operated: Operated) -> None:
    backups = operated.place / "backups"
    hour_begun = datetime.now(UTC).hour
    for name in ("base-20250101T000000Z", "base-20250102T000000Z", "base-20250103T000000Z.part"):
        (backups / name).mkdir()
        (backups / name / "base.tar.gz").touch()
    operated.give()
    with operated.connect() as conn:
        fill(conn, 300)
        with scheduled(operated, 1, hour_begun) as log:
            until(lambda: bases(operated)[0] > "base-2026" and bases(operated)[0] in log.read_text(), "one is made")
            made = bases(operated)
            time.sleep(3)
            assert bases(operated) == made, "one a day"
        assert len(made) == 1, "the newest is kept"
        assert sorted(path.name for path in backups.iterdir()) == made, "nothing unfinished is left"
        fill_again(conn, 30)
        before = counts(conn)
        conn.execute("SELECT pg_switch_wal()")
        until(lambda: archived(conn), "the log is in the archive")
    operated.server.stop()
    operated.run("recover", operated.seen(f"backups/{made[-1]}"))
    operated.server.start()
    with operated.connect() as conn:
        until(lambda: conn.execute("SELECT NOT pg_is_in_recovery()").fetchone() == (True,), "the recovery ends")
        assert counts(conn) == before


def test_a_backup_that_fails_is_tried_again_and_takes_none_away(operated: Operated) -> None:
    old = operated.place / "backups/base-20250101T000000Z"
    old.mkdir()
    operated.give()
    secret = operated.place / "secrets/database_backup_password"
    right = secret.read_text(encoding="utf-8")
    secret.chmod(0o644)
    secret.write_text("wrong", encoding="utf-8")
    with scheduled(operated, 1, 0) as log:
        until(lambda: log.read_text().count("next try in") >= 2, "it is tried again")
        assert "password authentication failed" in log.read_text()
        assert bases(operated) == [old.name]
        secret.write_text(right, encoding="utf-8")
        until(lambda: bases(operated) != [old.name] and not old.exists(), "it is made")


def test_the_accounts_of_exporter_and_backup_read_nothing(operated: Operated) -> None:
    with psycopg.connect(operated.url("exporter")) as conn:
        for refused in ("SELECT FROM home", "SELECT FROM ticket", "CREATE TABLE mine ()", "SELECT pg_ls_waldir()"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), conn.transaction():
                conn.execute(refused.encode())
        assert server_figures.server(conn).bytes > 0
        assert condition.archive(conn).is_on
        assert conn.execute("SHOW statement_timeout").fetchone() == ("5s",)
    with operated.connect() as conn:
        conn.execute("DROP ROLE hearth_login_exporter")
        conn.execute("DROP ROLE hearth_login_backup")
    operated.run("passwords")  # as after an upgrade from a version that had them not
    psycopg.connect(operated.url("exporter")).close()
