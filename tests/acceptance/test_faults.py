"""Faults from outside, with real processes: readings acknowledged minus readings stored = 0, whatever breaks.

`test_crashes.py` has the deaths of processes; here are cut networks, full disks, long absences and halted workers.
"""

import re
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from urllib.parse import urlsplit

import pytest

from local.port import LOOPBACK
from tests import registry_rows as town
from tests.acceptance.conftest import Breakable
from tests.acceptance.processes import Process
from tests.acceptance.proxy import Proxy
from tests.acceptance.thermometers import Said, Thermometers, reading
from tests.acceptance.waiting import until
from tests.acceptance.world import Making, World
from tests.acceptance.zone import zone_where_it_is
from tests.conftest import Database

HOMES = 50
COLD_HOMES = 10
SECOND = timedelta(seconds=1)
COLD, WARM = 17.0, 20.0
HELD_UP = "database away"
SOON = "keepalives_idle=1&keepalives_interval=1&keepalives_count=3&tcp_user_timeout=3000"  # in place of a minute
KEEP_ALIVE = {"HEARTH_MQTT_KEEPALIVE_S": "2"}
STORED = "SELECT s.code, r.measured_at, r.temperature FROM reading AS r JOIN sensor AS s USING (sensor_id)"
CONFLICTS = "SELECT sum(conflicts)::integer FROM ingest_health"
WITHOUT_TICKET = "SELECT count(*) FROM flag AS f LEFT JOIN ticket AS t USING (ticket_id) WHERE t.ticket_id IS NULL"
FLAGS = "SELECT h.code FROM flag JOIN home AS h USING (home_id)"
# Every table is on the full disk while the switch is on; the error is the server's own, as the client sees it.
DISK = """
CREATE TABLE disk (is_full boolean);
INSERT INTO disk VALUES (false);
CREATE FUNCTION need_room() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  IF (SELECT is_full FROM disk) THEN
    RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER room AFTER INSERT ON reading FOR EACH STATEMENT EXECUTE FUNCTION need_room();
"""


class Speech:
    """Thermometers of all homes that speak in a thread, so that a fault finds them speaking."""

    def __init__(self, world: World, workers: Sequence[Process]) -> None:
        self._world = world
        self._workers = workers
        self._said = Thermometers(world.broker.port)
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._speak)

    @property
    def acknowledged(self) -> list[Said]:
        """The messages that the broker has taken so far."""
        return list(self._said.acknowledged)

    def start(self) -> None:
        """Begin to speak, once every worker hears it."""
        self._said.__enter__()
        for worker in self._workers:
            self._world.wait_until_heard(self._said, worker, name_of(worker))
        self._thread.start()

    def stop(self) -> None:
        """Say no more, and wait until the broker has taken all."""
        self._enough.set()
        self._thread.join()
        self._said.__exit__(None, None, None)

    def _speak(self) -> None:
        self._said.say_all(self._readings())

    def _readings(self) -> Iterator[Said]:
        begin = datetime.now(UTC) - timedelta(hours=1)
        second = 0
        while not self._enough.is_set():
            for n in range(HOMES):
                yield reading(f"s{n}", begin + second * SECOND, COLD if n < COLD_HOMES else WARM)
            second += 1
            time.sleep(0.05)


@contextmanager
def speaking(world: World, *workers: Process) -> Iterator[Speech]:
    """Send readings meanwhile; afterwards nothing is lost, doubled, or without a ticket."""
    speech = Speech(world, workers)
    speech.start()
    try:
        more_is_stored(world)
        yield speech
    finally:
        speech.stop()
    assert_nothing_lost(world, speech.acknowledged)


def name_of(worker: Process) -> str:
    """Return its name in the counts: that of its share, if it has one."""
    said = worker.wait_for("event=leading").said()
    number = str(re.findall(r"event=leading client_id=hearth-ingest(?:-[0-9a-f]{32}(-\d+))?", said)[-1])
    return f"hearth-ingest{number}"


def assert_nothing_lost(world: World, acknowledged: list[Said]) -> None:
    """Acknowledged minus distinct stored readings = 0, conflicts = 0, one flag for each cold home with its ticket."""
    assert len(acknowledged) > HOMES
    until(lambda: stored(world) >= len(acknowledged), f"{len(acknowledged)} readings are stored")
    found = [reading(row["code"], row["measured_at"], row["temperature"]) for row in world.rows(STORED)]
    assert sorted(found) == sorted(acknowledged)
    assert world.one(CONFLICTS) == 0
    assert world.one(WITHOUT_TICKET) == 0
    assert sorted(row["code"] for row in world.rows(FLAGS)) == sorted(f"H{n}" for n in range(COLD_HOMES))


def stored(world: World) -> int:
    return int(world.one("SELECT count(*) FROM reading"))


def furnished(world: World) -> World:
    """Return a building at noon; batches are small, so that there are many to be interrupted."""
    world.policy()
    world.settings({"HEARTH_BATCH_MESSAGES": "200", **zone_where_it_is(clock(12), world.folder / "zones").settings})
    with world.database.connect() as connection:
        building = town.building(connection)
        for n in range(HOMES):
            town.sensor(connection, f"s{n}", town.home(connection, f"H{n}", building_id=building))
    return world


@pytest.fixture
def world(new_world: Making, plain_database: Database) -> World:
    """A furnished world whose servers stay whole."""
    return furnished(new_world(plain_database))


def more_is_said(speech: Speech) -> None:
    """Wait until some more has been said."""
    enough = len(speech.acknowledged) + 5 * HOMES
    until(lambda: len(speech.acknowledged) >= enough, "more is said")


def more_is_stored(world: World) -> None:
    """Wait until some more is stored than now."""
    enough = stored(world) + HOMES
    until(lambda: stored(world) >= enough, "more is stored")


def nothing_is_stored(world: World, seconds: float) -> None:
    """Look for a while: the count stays where it is, once what was on its way has arrived."""

    def stays() -> bool:
        before = stored(world)
        time.sleep(seconds)
        return stored(world) == before

    until(stays, "nothing is stored any more")


def test_the_network_to_the_broker_stalls_and_breaks(world: World) -> None:
    with Proxy(world.broker.port) as network:
        ingest = world.start("ingest", HEARTH_MQTT_URL=f"mqtt://{LOOPBACK}:{network.port}", **KEEP_ALIVE)
        with speaking(world, ingest) as speech:
            network.stall()
            more_is_said(speech)
            nothing_is_stored(world, 1.0)
            ingest.wait_for("the broker is silent")
            network.flow()
            ingest.wait_for("event=connected", times=2)
            more_is_stored(world)
            for times in (3, 4):
                network.reset()
                ingest.wait_for("event=connected", times=times)
                more_is_stored(world)
        assert ingest.stop() == 0


def test_the_network_to_the_database_stalls_and_breaks(world: World) -> None:
    url = world.database.url
    with Proxy(urlsplit(url).port or 0) as network:
        through = url.replace(f":{urlsplit(url).port}/", f":{network.port}/")
        ingest = world.start("ingest", HEARTH_DATABASE_URL=through)
        with speaking(world, ingest) as speech:
            network.stall()
            more_is_said(speech)
            nothing_is_stored(world, 2.0)
            network.flow()
            more_is_stored(world)
            for times in (1, 2):
                network.reset()
                ingest.wait_for(HELD_UP, times=times)
                more_is_stored(world)
        assert ingest.stop() == 0


@pytest.mark.slow
def test_the_line_to_the_database_is_cut_for_good(world: World) -> None:
    """Neither end is told. Both have to find out: else the worker waits for ever, or its ghost keeps homes locked."""
    url = world.database.url
    alive = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'hearth hearth-ingest'"
    with Proxy(urlsplit(url).port or 0) as network:
        through = url.replace(f":{urlsplit(url).port}/", f":{network.port}/")
        ingest = world.start("ingest", HEARTH_DATABASE_URL=f"{through}?{SOON}&application_name=ours")
        with speaking(world, ingest) as speech:
            for times in (1, 2, 3):
                network.swallow()
                more_is_said(speech)
                ingest.wait_for(HELD_UP, times=times)
                more_is_stored(world)
                until(lambda: world.one(alive) == 1, "the server has given up the connection that was cut")
        assert ingest.stop() == 0


def test_a_full_disk_is_waited_out(world: World) -> None:
    with world.database.connect(autocommit=True) as connection:
        connection.execute(DISK)
        ingest = world.start("ingest")
        with speaking(world, ingest) as speech:
            connection.execute("UPDATE disk SET is_full = true")
            ingest.wait_for("No space left on device", times=3)
            nothing_is_stored(world, 1.0)
            more_is_said(speech)
            connection.execute("UPDATE disk SET is_full = false")
            more_is_stored(world)
        assert world.one("SELECT count(*) FROM dead_letter WHERE reason = 'refused'") == 0
    assert ingest.stop() == 0


@pytest.mark.slow
def test_the_database_is_away_for_long(breakable: Breakable, new_world: Making) -> None:
    # Twelve seconds stand for a minute: the pauses between tries have reached their full length's order by then.
    with breakable.database("plain") as (server, database):
        world = furnished(new_world(database))
        ingest = world.start("ingest", HEARTH_QUEUE_MESSAGES="1000")
        with speaking(world, ingest) as speech:
            server.stop()
            before = len(speech.acknowledged)
            time.sleep(12)
            until(lambda: len(speech.acknowledged) > before + 2_000, "the broker takes more than memory holds")
            assert ingest.said().count(HELD_UP) < 8, "it asks ever more slowly"
            server.start()
            more_is_stored(world)
        assert ingest.stop() == 0


def test_the_broker_restarts(world: World) -> None:
    ingest = world.start("ingest")
    with speaking(world, ingest):
        pass
    readings = stored(world)
    world.broker.stop()
    ingest.wait_for('event="broker away"')
    world.broker.start()
    ingest.wait_for("event=connected", times=2)
    with Thermometers(world.broker.port) as said:
        said.say(*(reading(f"s{n}", datetime.now(UTC), WARM) for n in range(HOMES)))
        until(lambda: stored(world) == readings + HOMES, "what is said afterwards is stored, and nothing twice")
    assert world.one(CONFLICTS) == 0
    assert ingest.stop() == 0


def test_a_worker_is_halted_for_longer_than_its_session_keeps_alive(world: World) -> None:
    ingest = world.start("ingest", **KEEP_ALIVE)
    with speaking(world, ingest) as speech:
        ingest.send(signal.SIGSTOP)
        more_is_said(speech)
        nothing_is_stored(world, 5.0)
        ingest.send(signal.SIGCONT)
        ingest.wait_for("event=connected", times=2)
        more_is_stored(world)
    assert ingest.stop() == 0


def test_one_of_two_workers_is_killed(world: World) -> None:
    first, second = workers(world)
    with speaking(world, first, second) as speech:
        first.kill()
        more_is_said(speech)
        more_is_stored(world)
        again = world.start("ingest")
        again.wait_for("event=connected")
        more_is_said(speech)
    assert (again.stop(), second.stop()) == (0, 0)


def test_one_of_two_workers_leaves(world: World) -> None:
    first, second = workers(world)
    name = name_of(first)  # both have begun at once: whose share is 1, nobody knows
    share = name.rpartition("-")[2]
    with speaking(world, first, second) as speech:
        assert first.stop() == 0
        more_is_said(speech)  # half of it waits for the one that is gone
        done = world.command("ingest", "--leave", "--share", share)
        assert "event=left" in done.stderr
        more_is_said(speech)
    # The next of this name finds nothing: the session is over, and nothing was sent into it since.
    messages = f"SELECT messages FROM ingest_health WHERE worker = '{name}'"
    before = world.one(messages)
    again = world.command("ingest", "--leave", "--share", share)
    assert "event=left" in again.stderr
    assert world.one(messages) == before
    assert second.stop() == 0


def workers(world: World) -> list[Process]:
    """Return two that share the messages."""
    world.believe_shares()
    both = [world.start("ingest") for number in ("1", "2")]
    for worker in both:
        worker.wait_for("event=connected")
    return both
