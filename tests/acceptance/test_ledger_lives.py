"""The ledger of today follows within a minute, and a cold spell that comes late is found, with real processes."""

from datetime import time
from typing import Any

import pytest

from tests.acceptance.days import MINUTE, furnished, instant, milliseconds, now, running
from tests.acceptance.thermometers import reading
from tests.acceptance.waiting import until
from tests.acceptance.world import Making, Reader
from tests.conftest import Database

STATES = ("compliant_s", "cold_s", "severe_s", "unknown_s", "not_judged_s")


@pytest.mark.slow
def test_today_is_counted_and_what_comes_late_is_counted_in(new_world: Making, plain_database: Database) -> None:
    world = furnished(new_world(plain_database), "home")
    reader, said = running(world, time(12))
    begun = milliseconds(now() - 40 * MINUTE)
    said.say(*(reading("home", begun + 5 * n * MINUTE, 20.0) for n in range(9)))

    day = until(lambda: counted(reader, 2400.0), "today is in the ledger", seconds=60)
    assert day is not None
    assert day["cold_s"] == 0
    # The day began at midnight, twelve hours before now on the clock of this world.
    assert abs(sum(day[name] for name in STATES) - 43_200) < 120

    said.say(reading("home", begun + 12 * MINUTE, 17.0))
    flag = until(lambda: next(iter(reader.flags("home")), None), "the spell that came late is flagged", seconds=60)
    assert flag is not None
    assert (instant(flag["cold_since"]), flag["state"]) == (begun + 12 * MINUTE, "open")
    day = until(lambda: coldest(reader, 17.0), "its time is taken into the ledger", seconds=60)
    assert day is not None
    assert day["cold_s"] == 180.0  # until the next reading
    assert world.one("SELECT count(*) FROM rejudge") == 0


def counted(reader: Reader, compliant_s: float) -> Any:
    """Return the ledger day of today once it has so much compliant time."""
    items = reader.get("homes/home/compliance")["items"]
    return items[-1] if items and items[-1]["compliant_s"] >= compliant_s else None


def coldest(reader: Reader, celsius: float) -> Any:
    """Return the ledger day of today once it knows so low a temperature."""
    items = reader.get("homes/home/compliance")["items"]
    return items[-1] if items[-1]["min"] == celsius else None
