"""Several workers at a broker that forgets shared subscriptions: one has the session, the others stand by."""

import json
import shlex
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from ingest.client import staying
from local.port import LOOPBACK
from tests import registry_rows as town
from tests.acceptance import processes
from tests.acceptance.processes import Process
from tests.acceptance.thermometers import Said, Thermometers, reading
from tests.acceptance.waiting import until
from tests.acceptance.world import Making, World
from tests.conftest import Database

HOMES = 20
SECOND = timedelta(seconds=1)
SOON_S = 10.0
STORED = "SELECT s.code, r.measured_at, r.temperature FROM reading AS r JOIN sensor AS s USING (sensor_id)"
COUNT = "SELECT count(*) FROM reading"
FATES = "SELECT sum(stored)::integer AS stored, sum(conflicts)::integer AS conflicts FROM ingest_health"


class Town:
    """Thermometers that speak in a thread, but for pauses."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._speak = threading.Event()
        self._silent = threading.Event()
        self._silent.set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._said = Thermometers(world.broker.port)

    @property
    def acknowledged(self) -> list[Said]:
        """The messages that the broker has taken so far."""
        return list(self._said.acknowledged)

    def go_on(self) -> None:
        """Speak, from now on."""
        self._speak.set()

    def pause(self) -> None:
        """Say no more, and wait until the broker has taken all."""
        self._speak.clear()
        self._silent.wait()

    def say_more(self) -> None:
        """Wait until some more is said."""
        enough = len(self._said.acknowledged) + 5 * HOMES
        until(lambda: len(self._said.acknowledged) >= enough, "more is said")

    @contextmanager
    def running(self) -> Iterator["Town"]:
        """Speak until the end; then everything that was acknowledged is stored, once."""
        with self._said:
            self._thread.start()
            try:
                yield self
            finally:
                self._over.set()
                self._thread.join()

    def assert_nothing_lost_or_doubled(self) -> None:
        """Assert that everything acknowledged is stored once, and nothing else is."""
        said = sorted(self.acknowledged)
        until(lambda: self._world.one(COUNT) >= len(said), f"{len(said)} readings are stored")
        found = [reading(row["code"], row["measured_at"], row["temperature"]) for row in self._world.rows(STORED)]
        assert sorted(found) == said
        assert self._world.rows(FATES) == [{"stored": len(said), "conflicts": 0}]

    def _run(self) -> None:
        at = datetime.now(UTC) - timedelta(hours=1)
        while not self._over.is_set():
            if not self._speak.wait(0.05):
                self._silent.set()
                continue
            self._silent.clear()
            self._said.say(*(reading(f"s{n}", at, 20.0) for n in range(HOMES)))
            at += SECOND
            time.sleep(0.02)
            self._silent.set()


@pytest.fixture
def world(new_world: Making, plain_database: Database) -> World:
    """A building; batches are small, so that there are many to be interrupted."""
    world = new_world(plain_database)
    world.policy()
    world.settings({"HEARTH_BATCH_MESSAGES": "50"})
    with world.database.connect() as connection:
        building = town.building(connection)
        for n in range(HOMES):
            town.sensor(connection, f"s{n}", town.home(connection, f"H{n}", building_id=building))
    return world


def more_is_stored(world: World, seconds: float) -> None:
    enough = world.one(COUNT) + 3 * HOMES
    until(lambda: world.one(COUNT) >= enough, "more is stored", seconds)


def standing_by(world: World, *arguments: str) -> Process:
    return world.start("ingest", *arguments).wait_for("standing by")


@pytest.mark.slow
def test_workers_and_broker_die_while_all_is_said(world: World) -> None:
    first = world.start("ingest").wait_for("event=connected")
    second, third = standing_by(world), standing_by(world)
    with Town(world).running() as homes:
        homes.go_on()
        more_is_stored(world, SOON_S)
        first.kill()
        more_is_stored(world, SOON_S)  # the second or the third has the session
        leader, other = (second, third) if "event=leading" in second.said() else (third, second)
        world.broker.stop()
        leader.kill()
        world.broker.start()
        homes.say_more()
        more_is_stored(world, SOON_S)
        again = standing_by(world)
        homes.pause()
        wait_for_save(world)
        world.broker.kill()
        world.broker.start()
        homes.go_on()
        homes.say_more()
        other.kill()
        homes.say_more()  # nobody is there
        more_is_stored(world, SOON_S)
        assert again.stop() == 0
    world.start("ingest")
    homes.assert_nothing_lost_or_doubled()


def test_nothing_is_lost_while_every_worker_is_away_and_the_broker_restarts(world: World) -> None:
    with Town(world).running() as homes:
        workers = [world.start("ingest").wait_for("event=connected"), standing_by(world)]
        homes.go_on()
        more_is_stored(world, SOON_S)
        for worker in workers:
            worker.kill()
        homes.say_more()
        world.broker.stop()
        world.broker.start()
        homes.say_more()
    assert world.one(COUNT) < len(homes.acknowledged)
    assert world.start("ingest").wait_for("event=connected").running
    homes.assert_nothing_lost_or_doubled()


def test_a_worker_that_loses_its_database_leaves_the_session_to_another(world: World) -> None:
    first = world.start("ingest").wait_for("event=connected")
    second = standing_by(world)
    with Town(world).running() as homes:
        homes.go_on()
        more_is_stored(world, SOON_S)
        world.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hearth hearth-ingest'"
        )
        until(lambda: connections(first) + connections(second) == 2, "one of them has it", SOON_S)
        more_is_stored(world, SOON_S)
        leader, other = (second, first) if connections(second) else (first, second)
        before = connections(other)
        assert leader.stop() == 0
        other.wait_for("event=connected", times=before + 1)
        more_is_stored(world, SOON_S)
    homes.assert_nothing_lost_or_doubled()
    assert "taken over" not in first.said() + second.said(), "it had parted before"


def connections(worker: Process) -> int:
    return worker.said().count("event=connected")


def test_a_broker_that_forgets_shares_is_found_out(world: World) -> None:
    world.believe_shares()
    workers = [world.start("ingest").wait_for("event=connected") for n in ("1", "2")]
    assert all("filters=$share/" in worker.said().replace('"', "") for worker in workers)
    world.broker.stop()
    world.broker.start()
    for worker in workers:
        worker.wait_for("the broker lost a shared subscription")
        worker.wait_for("client_id=hearth-ingest-", times=2)
    until(lambda: sum("standing by" in worker.said() for worker in workers) == 1, "one of them stands by")
    assert world.one("SELECT withdrawn_why IS NOT NULL FROM broker_share") is True
    with Town(world).running() as homes:
        homes.go_on()
        more_is_stored(world, SOON_S)
        world.broker.stop()
        world.broker.start()
        homes.say_more()
    # What was said before one of them had the session of all waits in the shares, which are subscribed again.
    for number in ("1", "2"):
        assert "event=left" in world.command("ingest", "--leave", "--share", number).stderr
    homes.assert_nothing_lost_or_doubled()


def test_who_takes_the_session_over_is_told_and_loses_it_again(world: World) -> None:
    """At a broker that lets anybody take any client id."""
    ingest = world.start("ingest").wait_for("event=connected")
    with Town(world).running() as homes:
        homes.go_on()
        more_is_stored(world, SOON_S)
        stranger = Client(
            CallbackAPIVersion.VERSION2, "hearth-ingest", protocol=MQTTProtocolVersion.MQTTv5, manual_ack=True
        )
        stranger.connect(LOOPBACK, world.broker.port, clean_start=False, properties=staying())
        stranger.loop_start()
        ingest.wait_for("session taken over by another client")
        stranger.loop_stop()
        ingest.wait_for("event=connected", times=2)
        more_is_stored(world, SOON_S)
    homes.assert_nothing_lost_or_doubled()
    assert "level=error" in next(line for line in ingest.said().splitlines() if "taken over" in line)
    assert ingest.stop() == 0


def test_a_session_that_the_broker_ended_is_told(world: World) -> None:
    ingest = world.start("ingest").wait_for("event=connected")
    stranger = Client(CallbackAPIVersion.VERSION2, "hearth-ingest", protocol=MQTTProtocolVersion.MQTTv5)
    stranger.connect(LOOPBACK, world.broker.port, clean_start=True)
    stranger.loop_start()
    ingest.wait_for("the broker ended our session: what waited in it is lost")
    stranger.loop_stop()
    assert ingest.stop() == 0


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_probe_finds_out_that_mosquitto_forgets(world: World, how: str) -> None:
    probing = partial(processes.run, world.environment, "broker", "probe", "--json", "--wait", "30")
    done: list[object] = []
    thread = threading.Thread(target=lambda: done.append(probing()))
    thread.start()
    until(lambda: "hearth-probe" in world.broker.log.read_text() and said(world, "-watches"), "it waits")
    (world.broker.kill if how == "kill" else world.broker.stop)()
    world.broker.start()
    thread.join()
    (result,) = done
    assert result.returncode == 1, result.stderr  # type: ignore[attr-defined]
    found = json.loads(result.stdout)  # type: ignore[attr-defined]
    assert (found["kept"], found["published"], found["received"]) == (False, 100, 50)
    assert world.rows("SELECT kept, published, received FROM broker_share") == [
        {"kept": False, "published": 100, "received": 50}
    ]
    assert world.start("ingest").wait_for("event=connected").said().count("$share") == 0


def test_a_probe_wants_a_restart(world: World) -> None:
    nothing = shlex.join([sys.executable, "-c", "pass"])
    done = processes.run(world.environment, "broker", "probe", "--wait", "5", "--restart-command", nothing)
    assert (done.returncode, "not restarted within 5 s" in done.stderr) == (2, True)
    assert world.one("SELECT count(*) FROM broker_share") == 0


def said(world: World, words: str) -> bool:
    return words in world.broker.log.read_text()


def wait_for_save(world: World) -> None:
    """Wait until the broker has written its store twice: the second was begun after everything until now."""
    file = world.broker.place / "mosquitto.db"
    for _ in range(2):
        before = file.stat().st_mtime_ns if file.exists() else 0
        until(lambda: file.exists() and file.stat().st_mtime_ns != before, "Mosquitto saves its store")  # noqa: B023
