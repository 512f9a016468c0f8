"""More than one process for the same work: one watch leads, ingest workers share."""

from datetime import UTC, datetime, time, timedelta

from tests import registry_rows as town
from tests.acceptance.thermometers import reading
from tests.acceptance.waiting import until
from tests.acceptance.world import Making, World
from tests.acceptance.zone import zone_where_it_is
from tests.conftest import Database

HOMES = 100
COLD_HOMES = 30
SECOND = timedelta(seconds=1)


def furnished(world: World) -> World:
    """Return a building at noon."""
    world.policy(("clear_for_s = 1800", "clear_for_s = 0"), ("confirm_for_s = 0", "confirm_for_s = 2"))
    world.settings(zone_where_it_is(time(12), world.folder / "zones").settings)
    with world.database.connect() as connection:
        building = town.building(connection)
        for n in range(HOMES):
            town.sensor(connection, f"s{n}", town.home(connection, f"H{n}", building_id=building))
    return world


def now() -> datetime:
    return datetime.now(UTC)


def test_a_second_watch_takes_over_when_the_first_is_killed(new_world: Making, plain_database: Database) -> None:
    world = furnished(new_world(plain_database))
    ingest, said = world.start("ingest"), world.thermometers()
    first = world.start("watch").wait_for("event=leading")
    second = world.start("watch").wait_for("standing by")
    world.wait_until_heard(said, ingest)
    said.say(reading("s0", now(), 17.0))
    until(lambda: flagged(world) == ["H0"], "the first confirms by the clock what has lasted long enough")
    assert "event=leading" not in second.said()
    first.kill()
    second.wait_for("event=leading")
    said.say(reading("s1", now(), 17.0))
    until(lambda: flagged(world) == ["H0", "H1"], "the second does so after it")
    assert second.stop() == 0


def test_two_workers_share_and_neither_lose_nor_double_anything(new_world: Making, plain_database: Database) -> None:
    world = furnished(new_world(plain_database))
    said = world.thermometers()
    world.believe_shares()
    names = ["hearth-ingest-1", "hearth-ingest-2"]
    workers = [world.start("ingest", HEARTH_BATCH_MESSAGES="50") for _ in names]
    for worker, name in zip(workers, names, strict=True):
        world.wait_until_heard(said, worker, name)
    begin = now() - 50 * SECOND
    said.say(
        *(
            reading(f"s{n}", begin + second * SECOND, 17.0 if n < COLD_HOMES else 20.0)
            for second in range(50)
            for n in range(HOMES)
        )
    )
    until(lambda: world.one("SELECT count(*) FROM reading") == len(said.acknowledged), "all is stored")
    shares = world.rows("SELECT worker, stored, duplicates, conflicts FROM ingest_health ORDER BY worker")
    assert [share["worker"] for share in shares] == names
    assert sum(share["stored"] for share in shares) == len(said.acknowledged) == 50 * HOMES
    assert all(share["stored"] > 500 for share in shares)
    assert sum(share["duplicates"] + share["conflicts"] for share in shares) == 0
    assert sorted(flagged(world)) == sorted(f"H{n}" for n in range(COLD_HOMES))
    assert world.one("SELECT count(*) FROM ticket") == COLD_HOMES
    assert [worker.stop() for worker in workers] == [0, 0]


def flagged(world: World) -> list[str]:
    """Return the home of every flag there is, doubles and all."""
    rows = world.rows("SELECT h.code FROM flag AS f JOIN home AS h USING (home_id) ORDER BY f.cold_since, h.home_id")
    return [row["code"] for row in rows]
