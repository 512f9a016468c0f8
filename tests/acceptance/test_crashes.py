"""Processes die in the middle of their work: what the broker acknowledged is stored once, every flag has its ticket."""

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import httpx
import pytest

from local.port import LOOPBACK, free_port
from local.postgres import Postgres
from tests.acceptance.cold_town import assert_nothing_lost_or_doubled, furnished, spoken
from tests.acceptance.conftest import Breakable
from tests.acceptance.thermometers import Said, Thermometers
from tests.acceptance.waiting import until
from tests.acceptance.world import Making, World
from tests.conftest import ANSWER_S, PLAIN_HTTP

HELD_UP = "database away"
IN_HAND = "hearth_ingest_in_flight_messages 400.0"  # two batches


@pytest.fixture
def server_and_world(breakable: Breakable, flavour: str, new_world: Making) -> Iterator[tuple[Postgres, World]]:
    """A server that may be killed, and a world on it, once per flavour."""
    with breakable.database(flavour) as (server, database):
        yield server, furnished(new_world(database))


@pytest.fixture
def plain_server_and_world(breakable: Breakable, new_world: Making) -> Iterator[tuple[Postgres, World]]:
    """The same on plain PostgreSQL."""
    with breakable.database("plain") as (server, database):
        yield server, furnished(new_world(database))


@pytest.mark.slow
def test_worker_and_database_are_killed_in_the_middle(server_and_world: tuple[Postgres, World]) -> None:
    server, world = server_and_world
    watch, said = world.start("watch"), world.thermometers()
    workers = [world.start("ingest")]
    world.wait_until_heard(said, workers[0])

    def halt_worker() -> None:
        until(lambda: world.one("SELECT count(*) FROM reading"), "something is stored")
        workers[-1].send(signal.SIGSTOP)

    def kill_worker() -> None:
        workers[-1].kill()
        in_the_middle(world, said)
        workers.append(world.start("ingest").wait_for("event=connected"))

    def start_database() -> None:
        workers[-1].wait_for(HELD_UP)
        server.start()
        in_the_middle(world, said)

    # A worker that is halted first has surely something left to do when it is killed.
    acts = {
        2_000: halt_worker,
        3_000: kill_worker,
        5_000: server.kill,
        6_000: start_database,
        8_000: halt_worker,
        9_000: kill_worker,
    }
    readings = spoken(50)
    assert len(readings) == 10_000
    said.say_all(interrupted(readings, acts))
    assert sorted(said.acknowledged) == sorted(readings)
    assert_nothing_lost_or_doubled(world, said.acknowledged)
    assert (workers[-1].stop(), watch.stop()) == (0, 0)


def interrupted(readings: Sequence[Said], acts: Mapping[int, Callable[[], None]]) -> Iterator[Said]:
    """Yield readings to send, with something done while those before are still on their way."""
    for n, said in enumerate(readings):
        if n in acts:
            acts[n]()
        yield said


def in_the_middle(world: World, said: Thermometers) -> None:
    """Assert that some is stored, and some that the broker has acknowledged is not: that must not get lost."""
    assert 0 < world.one("SELECT count(*) FROM reading") < len(said.acknowledged)


def test_a_worker_that_is_asked_to_stop_finishes_and_loses_nothing(
    plain_server_and_world: tuple[Postgres, World],
) -> None:
    _, world = plain_server_and_world
    ingest, said = world.start("ingest"), world.thermometers()
    world.wait_until_heard(said, ingest)
    readings = spoken(20)
    said.say(*readings[:2_000])
    assert ingest.stop() == 0
    assert "Traceback" not in ingest.said()
    said.say(*readings[2_000:])
    assert world.one("SELECT count(*) FROM reading") <= 2_000
    world.start("ingest")
    assert_nothing_lost_or_doubled(world, said.acknowledged)


def test_a_worker_is_killed_between_a_batch_that_waits_for_the_database_and_the_next_one_that_is_sorted(
    plain_server_and_world: tuple[Postgres, World],
) -> None:
    _, world = plain_server_and_world
    port = free_port()
    ingest, said = world.start("ingest", HEARTH_METRICS_PORT=str(port)), world.thermometers()
    world.wait_until_heard(said, ingest)
    with world.database.connect() as blocker:
        blocker.execute("LOCK TABLE reading IN EXCLUSIVE MODE")
        ingest.send(signal.SIGSTOP)  # so that whole batches wait when it goes on
        said.say(*spoken(5))
        ingest.send(signal.SIGCONT)
        until(
            lambda: (
                IN_HAND
                in httpx.get(
                    f"http://{LOOPBACK}:{port}/metrics", trust_env=False, verify=PLAIN_HTTP, timeout=ANSWER_S
                ).text
            ),
            "two in hand",
        )
        ingest.kill()
    assert world.one("SELECT count(*) FROM reading") == 0
    assert world.start("ingest").wait_for("event=connected")
    assert_nothing_lost_or_doubled(world, said.acknowledged)


def test_the_broker_is_killed_while_it_keeps_messages(plain_server_and_world: tuple[Postgres, World]) -> None:
    server, world = plain_server_and_world
    ingest = world.start("ingest")
    with Thermometers(world.broker.port) as said:
        world.wait_until_heard(said, ingest)
        server.stop()
        said.say(*spoken(5, until_minute=5))
        ingest.wait_for(HELD_UP)
        before = said.acknowledged
    wait_for_save(world)
    world.broker.kill()
    world.broker.start()
    server.start()
    ingest.wait_for("event=connected", times=2)
    with Thermometers(world.broker.port) as said:
        said.say(*spoken(5))
        assert_nothing_lost_or_doubled(world, before + said.acknowledged)
    assert ingest.stop() == 0


def wait_for_save(world: World) -> None:
    """Wait until the broker has written its store twice: the second was begun after everything until now."""
    file = world.broker.place / "mosquitto.db"
    for _ in range(2):
        until(partial(differs, file, modified(file)), "Mosquitto saves its store")


def differs(file: Path, before: int | None) -> bool:
    return modified(file) != before


def modified(file: Path) -> int | None:
    return file.stat().st_mtime_ns if file.exists() else None


def test_a_database_that_is_away_at_the_start_is_waited_for(plain_server_and_world: tuple[Postgres, World]) -> None:
    server, world = plain_server_and_world
    server.stop()
    ingest, watch = world.start("ingest"), world.start("watch")
    port, api = world.start_api()
    for process in (ingest, watch):
        process.wait_for(HELD_UP, times=2)
    api.wait_for("database_away")
    for process in (ingest, watch, api):
        assert process.running
        assert "Traceback" not in process.said()
    server.start()
    watch.wait_for("event=leading")
    said = world.thermometers()
    world.wait_until_heard(said, ingest)
    said.say(*spoken(1))
    assert_nothing_lost_or_doubled(world, said.acknowledged)
    reader = world.reader(port, "dispatcher")
    assert reader.get("homes/H0")["flag"]["severity"] == "cold"
