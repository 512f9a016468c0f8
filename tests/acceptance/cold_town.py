"""A building of which some homes are cold, what its thermometers say, and what the database has to hold of it."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

from tests import registry_rows as town
from tests.acceptance.thermometers import Said, reading
from tests.acceptance.waiting import until
from tests.acceptance.world import World
from tests.acceptance.zone import zone_where_it_is

HOMES = 200
COLD_HOMES = 40
MINUTE = timedelta(minutes=1)
STORED = "SELECT s.code, r.measured_at, r.temperature FROM reading AS r JOIN sensor AS s USING (sensor_id)"
COLD, WARM = 17.0, 20.0


def furnished(world: World) -> World:
    """Return a building whose first homes will be cold. Batches are small, so that there are many to be interrupted."""
    world.policy()
    world.settings({"HEARTH_BATCH_MESSAGES": "200", **zone_where_it_is(time(12), world.folder / "zones").settings})
    with world.database.connect() as connection:
        building = town.building(connection)
        for n in range(HOMES):
            town.sensor(connection, f"s{n}", town.home(connection, f"H{n}", building_id=building))
    return world


def spoken(minutes: int, until_minute: int = 0) -> list[Said]:
    """Make a reading of every home for each of so many minutes, in order; the last is `until_minute` minutes ago."""
    now = datetime.now(UTC)
    return [
        reading(f"s{n}", now - (until_minute + minute) * MINUTE, COLD if n < COLD_HOMES else WARM)
        for minute in reversed(range(minutes))
        for n in range(HOMES)
    ]


def stored(world: World) -> list[Said]:
    """Return what is in the table."""
    return [reading(row["code"], row["measured_at"], row["temperature"]) for row in world.rows(STORED)]


def assert_nothing_lost_or_doubled(world: World, acknowledged: Sequence[Said]) -> None:
    """Assert that each acknowledged reading is stored once, and that each cold home has one flag with its ticket."""
    count = "SELECT count(*) FROM reading"
    until(lambda: world.one(count) >= len(acknowledged), f"{len(acknowledged)} readings are stored")
    assert sorted(stored(world)) == sorted(acknowledged)
    flags = world.rows(
        "SELECT h.code, f.cold_since, t.state, t.home_id = f.home_id AS own, "
        "array(SELECT kind FROM ticket_event AS e WHERE e.ticket_id = f.ticket_id "
        "AND kind <> 'incident_joined') AS told "
        "FROM flag AS f JOIN home AS h USING (home_id) LEFT JOIN ticket AS t USING (ticket_id)"
    )
    assert sorted(flag["code"] for flag in flags) == sorted(f"H{n}" for n in range(COLD_HOMES))
    assert all((flag["state"], flag["own"], flag["told"]) == ("open", True, ["opened"]) for flag in flags)
    # On a slow machine watch has time to find the sensors silent, whose hour is over: these are device tickets.
    assert world.one("SELECT count(*) FROM ticket WHERE class = 'cold'") == COLD_HOMES
    assert world.one("SELECT count(DISTINCT home_id) FROM home_state WHERE flag_id IS NOT NULL") == COLD_HOMES
