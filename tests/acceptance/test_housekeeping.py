"""The rounds of `hearth watch` besides judging, which stand in nobody's way meanwhile."""

from datetime import UTC, datetime, timedelta

from store.readings import dead_letter_rows
from store.readings.dead_letter_rows import DeadLetter, LetterFault
from tests import registry_rows as town
from tests.acceptance import processes
from tests.acceptance.waiting import until
from tests.acceptance.world import Making
from tests.conftest import Database

MANY = 2500  # more than are deleted at once


def test_old_letters_go_and_young_ones_stay(new_world: Making, plain_database: Database) -> None:
    world = new_world(plain_database)
    old, young = (datetime.now(UTC) - timedelta(days=days) for days in (8, 6))
    with plain_database.connect() as conn:
        for received, count in ((young, 3), (old, MANY)):
            letter = DeadLetter(
                received, "hearth/v1/s1/telemetry", b"{", 1, [LetterFault("malformed", "")], {"malformed": 1}
            )
            dead_letter_rows.insert(conn, [letter] * count)
    watch = world.start("watch", HEARTH_DEAD_LETTER_DAYS="7")
    until(lambda: world.one("SELECT count(*) FROM dead_letter") == 3, "old letters are gone")
    assert world.one("SELECT min(received_at) FROM dead_letter") == young
    assert watch.stop() == 0


def test_old_readings_go_if_that_is_wanted_and_their_days_stay_as_judged(
    new_world: Making, plain_database: Database
) -> None:
    world = new_world(plain_database)
    today = datetime.now(UTC)
    with plain_database.connect() as conn:
        for days in (201, 199):
            conn.execute(
                "INSERT INTO reading (sensor_id, measured_at, received_at, temperature, quality, self_timed) "
                "VALUES (1, %(at)s, %(at)s, 20, 0, true)",
                {"at": today - timedelta(days=days)},
            )
    watch = world.start("watch", HEARTH_READING_DAYS="200")
    until(lambda: world.one("SELECT count(*) FROM reading") == 1, "the old one is gone")
    assert world.one("SELECT measured_at FROM reading") == today - timedelta(days=199)
    assert watch.stop() == 0
    recheck = processes.run(world.environment, "recheck", "--from", f"{today - timedelta(days=196):%Y-%m-%d}")
    assert (recheck.returncode, recheck.stdout) == (2, "")
    assert "HEARTH_READING_DAYS" in recheck.stderr
    recheck = processes.run(world.environment, "recheck", "--from", f"{today - timedelta(days=190):%Y-%m-%d}")
    assert recheck.returncode == 0, recheck.stderr


def test_the_registry_can_be_read_and_written_while_a_watch_leads(new_world: Making, plain_database: Database) -> None:
    world = new_world(plain_database)
    with plain_database.connect() as conn:
        town.home(conn, "H1")
    watch = world.start("watch").wait_for("event=leading")
    folder = world.folder / "registry"
    world.command("registry", "export", str(folder))
    homes = (folder / "homes.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (row,) = (line for line in homes if line.startswith("H1,"))
    (folder / "homes.csv").write_text("".join([*homes, row.replace("H1,", "H2,", 1)]), encoding="utf-8")
    world.command("registry", "import", str(folder))
    assert [row["code"] for row in world.rows("SELECT code FROM home ORDER BY code")] == ["H1", "H2"]
    assert watch.running
    assert watch.stop() == 0
