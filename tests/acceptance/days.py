"""Days that pass for a running Hearth."""

from datetime import UTC, datetime, time, timedelta

from tests import registry_rows as town
from tests.acceptance.processes import Process
from tests.acceptance.thermometers import Thermometers
from tests.acceptance.world import Reader, World
from tests.acceptance.zone import Zone, zone_where_it_is

MINUTE = timedelta(minutes=1)


def furnished(world: World, *homes: str) -> World:
    """Return homes of a multi-storey building, each with one thermometer of the same name."""
    with world.database.connect() as connection:
        building = town.building(connection)
        for home in homes:
            town.sensor(connection, home, town.home(connection, home, building_id=building))
    return world


def start(world: World, clock: time) -> tuple[Zone, list[Process]]:
    """Start everything but the API in a zone where the clock shows this time now."""
    zone = zone_where_it_is(clock, world.folder / "zones")
    world.settings(zone.settings)
    world.policy()
    return zone, [world.start("ingest"), world.start("watch")]


def running(world: World, clock: time) -> tuple[Reader, Thermometers]:
    """Start everything; return who reads and who speaks, when all is up."""
    _, (ingest, watch) = start(world, clock)
    reader, thermometers = world.api(), world.thermometers()
    world.wait_until_heard(thermometers, ingest)
    watch.wait_for("event=leading")
    return reader, thermometers


def now() -> datetime:
    return datetime.now(UTC)


def milliseconds(at: datetime) -> datetime:
    """Return as it was sent."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
