"""The recorded rooms as homes, a whole winter through broker, ingest and watch, against a judge of another making.

The judge here walks minute by minute with a few plain variables. It shares nothing with Hearth's: everything that
can happen in the recording happens on whole minutes.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from sim import replay, telemetry
from tests import registry_rows as town
from tests.acceptance.waiting import until
from tests.acceptance.world import Making, World
from tests.conftest import Database

SHANGHAI = ZoneInfo("Asia/Shanghai")
SEASON_ENDS = datetime(2026, 3, 16, tzinfo=SHANGHAI)
MINUTE = timedelta(minutes=1)
MINUTES_HELD = 30  # three intervals of ten minutes
MINUTES_WARM = 30
DAY_LIMIT, FLOOR_LIMIT = np.float32(18), np.float32(16)
RECOVERED = np.float32(18) + np.float32(0.2)

Series = Mapping[datetime, np.float32]
Flag = tuple[datetime, datetime | None, float, bool]  # cold since, cleared at, lowest, severe


def judged(readings: Series) -> list[Flag]:
    """Return the flags of one home by walking through its winter minute by minute."""
    flags: list[Flag] = []
    celsius, age, warm_minutes = None, 0, 0
    since, lowest, severe = None, np.float32(np.inf), False
    for minute in minutes(min(readings), SEASON_ENDS):
        if since and (warm_minutes == MINUTES_WARM or minute == SEASON_ENDS):
            flags.append((since, minute, float(lowest), severe))
            since = None
        celsius, age = (readings[minute], 0) if minute in readings else (celsius, age + 1)
        known = celsius if celsius is not None and age < MINUTES_HELD else None
        warm_minutes = warm_minutes + 1 if since and known is not None and known >= RECOVERED else 0
        if known is None or minute == SEASON_ENDS:
            continue
        by_day = 6 <= minute.astimezone(SHANGHAI).hour < 21
        if since is None and (known < FLOOR_LIMIT or (by_day and known < DAY_LIMIT)):
            since, lowest, severe = minute, known, False
        if since:
            lowest, severe = min(lowest, known), severe or bool(known < FLOOR_LIMIT)
    return flags


def minutes(first: datetime, last: datetime) -> Iterator[datetime]:
    """Yield every minute from first to last, both included."""
    for n in range((last - first) // MINUTE + 1):
        yield first + n * MINUTE


def recorded(weeks: int) -> dict[str, Series]:
    """Return the rooms as they were recorded, by the code of their home."""
    rooms = replay.rooms(weeks, SHANGHAI)
    at = [datetime.fromtimestamp(us // 1_000_000, UTC) for us in rooms.at_us.tolist()]
    return {
        replay.home_code(room): {when: np.float32(celsius) for when, celsius in zip(at, values, strict=True)}
        for room, values in rooms.values.items()
    }


def harder(series: Series, seed: int) -> Series:
    """Return a room two degrees colder, with hours of silence: what the recording itself lacks."""
    chance = np.random.default_rng(seed)
    kept: dict[datetime, np.float32] = {}
    silent_until = min(series)
    for at, celsius in series.items():
        if at >= silent_until:
            kept[at] = np.float32(round(float(celsius) - 2, 3))
        if chance.random() < 0.02:
            silent_until = at + timedelta(minutes=int(chance.integers(5, 200)))
    return kept


def weeks_into_the_season() -> int:
    """Return as late as the whole recording still lies within the season."""
    last = datetime.fromtimestamp(int(replay.recorded_rooms().at_us[-1]) // 1_000_000, UTC)
    return replay.weeks_before(last, SEASON_ENDS, SHANGHAI)


def furnished(world: World, homes: Mapping[str, Series]) -> World:
    """Return a home with one sensor for each series."""
    with world.database.connect() as connection:
        building = town.building(connection)
        for home in homes:
            town.sensor(connection, home, town.home(connection, home, building_id=building), interval_s=600)
    return world


def packed(homes: Mapping[str, Series]) -> list[telemetry.TimedPayload]:
    """Return all readings in order of time, in large messages."""
    single = (
        telemetry.TimedPayload(us := int(at.timestamp()) * 1_000_000, home, telemetry.temperature(us, float(celsius)))
        for home, series in homes.items()
        for at, celsius in series.items()
    )
    return telemetry.packed(sorted(single))


@pytest.mark.slow
def test_the_flags_of_a_winter_are_those_of_a_judge_that_walks_minute_by_minute(
    new_world: Making, plain_database: Database
) -> None:
    rooms = recorded(weeks_into_the_season())
    homes = {**rooms, **{f"{home}-2K": harder(series, n) for n, (home, series) in enumerate(rooms.items())}}
    world = furnished(new_world(plain_database), homes)
    world.settings({"HEARTH_TIMEZONE": "Asia/Shanghai"})
    world.take_any_age()
    ingest, thermometers = world.start("ingest"), world.thermometers()
    world.wait_until_heard(thermometers, ingest)
    for message in packed(homes):
        thermometers.send(message.topic, json.loads(message.payload))
    count = sum(len(series) for series in homes.values())
    until(lambda: world.one("SELECT count(*) FROM reading") == count, "all readings are stored")
    assert ingest.stop() == 0

    world.start("watch")
    overdue = "SELECT count(*) FROM home_state WHERE check_at <= now()"
    until(lambda: world.one(overdue) == 0, "watch has nothing to do")
    stored = world.rows(
        "SELECT h.code, f.cold_since, f.cleared_at, f.lowest, f.severity = 2 AS severe FROM flag AS f JOIN home AS h "
        "USING (home_id) ORDER BY f.cold_since"
    )
    for home, series in homes.items():
        found = [(f["cold_since"], f["cleared_at"], f["lowest"], f["severe"]) for f in stored if f["code"] == home]
        assert found == [(*span, shortest(lowest), severe) for *span, lowest, severe in judged(series)], home
    assert len(stored) > 100
    assert any(f["severe"] for f in stored)


def shortest(celsius: float) -> float:
    """Return the value of a `real` as PostgreSQL writes it: the shortest text that stands for the same 32 bits."""
    return float(str(np.float32(celsius)))
