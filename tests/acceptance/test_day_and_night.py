"""The rules of the heating regulation by the real clock: readings in over MQTT, flags and tickets out over HTTP."""

import time as stopwatch
from collections.abc import Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta

from tests.acceptance.days import MINUTE, furnished, instant, milliseconds, now, running, start
from tests.acceptance.thermometers import Thermometers, reading
from tests.acceptance.waiting import until
from tests.acceptance.world import Making, Reader, Row, World
from tests.conftest import Database, Servers, fresh_database

ANSWER_SECONDS = 2.0
EARLY_SECONDS = 2.0  # so much is needed between everything running and the edge that is waited for
SIX, NINE = time(6), time(21)


def test_at_noon(new_world: Making, database: Database) -> None:
    world = furnished(new_world(database), "under", "at", "recovers")
    reader, said = running(world, time(12))
    warm_since = now() - 35 * MINUTE
    said.say(
        reading("at", now(), 18.0), reading("under", now(), 17.99), reading("recovers", warm_since - 5 * MINUTE, 17.0)
    )
    flag = reader.flag("under", ANSWER_SECONDS)
    assert (flag["severity"], flag["lowest"], flag["limit"]) == ("cold", 17.99, 18.0)
    ticket_of(reader, flag, priority=2)
    assert reader.get("homes/under")["state"] == "cold"
    assert reader.get("homes/at")["state"] == "compliant"
    assert reader.flags("at") == []

    recovering = reader.flag("recovers", ANSWER_SECONDS)
    said.say(*(reading("recovers", warm_since + 5 * n * MINUTE, 18.2) for n in range(7)))
    cleared = reader.flag("recovers", ANSWER_SECONDS, "cleared")
    assert cleared["id"] == recovering["id"]
    assert instant(cleared["cleared_at"]) == milliseconds(warm_since + 30 * MINUTE)
    assert [home["home"] for home in reader.get("flags?state=open")["items"]] == ["under"]


def test_at_three_in_the_morning(new_world: Making, database: Database) -> None:
    world = furnished(new_world(database), "under", "at", "cool")
    reader, said = running(world, time(3))
    said.say(reading("at", now(), 16.0), reading("cool", now(), 17.0), reading("under", now(), 15.99))
    flag = reader.flag("under", ANSWER_SECONDS)
    assert (flag["severity"], flag["limit"]) == ("severe", 16.0)
    ticket_of(reader, flag, priority=1)
    for home in ("at", "cool"):
        assert reader.get(f"homes/{home}")["state"] == "compliant"
        assert reader.flags(home) == []


def test_windows_open_and_close_by_the_clock_alone(
    new_world: Making, database: Database, servers: Servers, flavour: str
) -> None:
    with contextmanager(fresh_database)(servers.of(flavour), flavour) as another:
        morning, evening = furnished(new_world(database), "home"), furnished(new_world(another), "home")
        (at_dawn, dawn, six), (at_dusk, dusk, nine) = shortly_before([(morning, SIX), (evening, NINE)])
        for thermometers in (dawn, dusk):
            thermometers.say(reading("home", now(), 17.0))
        at_dusk.flag("home", ANSWER_SECONDS)
        until(lambda: at_dawn.get("homes/home")["state"] == "compliant", "the reading before six is judged")
        assert at_dawn.flags("home") == []
        assert now() < min(six, nine)

        flag = at_dawn.flag("home", seconds_until(six) + ANSWER_SECONDS)
        assert instant(flag["cold_since"]) == six
        assert six <= instant(flag["raised_at"]) < six + timedelta(seconds=ANSWER_SECONDS)
        ticket_of(at_dawn, flag, priority=2)

        at_dusk.flag("home", seconds_until(nine) + ANSWER_SECONDS, "suspended")
        assert evening.one("SELECT suspended_at FROM flag") == nine


def shortly_before(edges: Sequence[tuple[World, time]]) -> list[tuple[Reader, Thermometers, datetime]]:
    """Run worlds so that all are up shortly before a time of their day; a slow machine is given more time."""
    people = [(world.api(), world.thermometers()) for world, _ in edges]
    for margin_seconds in (12, 30, 90):
        begun = stopwatch.monotonic()
        started = [start(world, earlier(edge, margin_seconds)) for world, edge in edges]
        for (world, _), (_, thermometers), (_, (ingest, watch)) in zip(edges, people, started, strict=True):
            world.wait_until_heard(thermometers, ingest)
            watch.wait_for("event=leading")
        if stopwatch.monotonic() - begun < margin_seconds - EARLY_SECONDS:
            zones = [zone for zone, _ in started]
            return [(*who, zone.at(edge)) for who, zone, (_, edge) in zip(people, zones, edges, strict=True)]
        for _, processes in started:
            for process in processes:
                process.kill()
    raise AssertionError("the machine is too slow to start everything in time")


def earlier(clock: time, seconds: float) -> time:
    return (datetime.combine(datetime.now(UTC), clock) - timedelta(seconds=seconds)).time()


def ticket_of(reader: Reader, flag: Row, priority: int) -> None:
    """Assert that the flag has an open ticket of its own, with its clocks."""
    ticket = reader.get(f"tickets/{flag['ticket']}")
    assert (ticket["class"], ticket["state"], ticket["priority"]) == ("cold", "open", priority)
    assert (ticket["home"], ticket["flags"]) == (flag["home"], [flag["id"]])
    due = {clock["name"]: clock["due_at"] and instant(clock["due_at"]) for clock in ticket["clocks"]}
    assert due["contact"] == instant(flag["raised_at"]) + 30 * MINUTE


def seconds_until(at: datetime) -> float:
    return (at - now()).total_seconds()
