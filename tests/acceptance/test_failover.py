"""The database's machine dies: its standby is promoted, and what was acknowledged is there, once."""

import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import psycopg
import pytest

from local.port import LOOPBACK, free_port
from tests.acceptance.cold_town import assert_nothing_lost_or_doubled, furnished, spoken
from tests.acceptance.pair import Pair
from tests.acceptance.waiting import until
from tests.acceptance.world import Making, World
from tests.conftest import ANSWER_S, Database

LONG = 60.0
HELD_UP = "database away"


@pytest.fixture
def pair(first_start: Path, tmp_path: Path) -> Iterator[Pair]:
    """A primary and its standby, for which commits wait."""
    made = Pair(tmp_path, first_start)
    try:
        made.start()
        yield made
    finally:
        made.remove()


@pytest.fixture
def world(pair: Pair, new_world: Making) -> World:
    """A town on the pair."""
    world = furnished(new_world(Database(pair.superuser(), "timescale")))
    world.settings({"HEARTH_DATABASE_URL": pair.superuser()})
    return world


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_while_both_servers_die_in_turn(pair: Pair, world: World) -> None:
    accounts = {name: {"HEARTH_DATABASE_URL": pair.url(name)} for name in ("ingest", "watch")}
    watch, ingest = (world.start(name, **accounts[name]) for name in ("watch", "ingest"))
    port = free_port()
    world.start("api", HEARTH_DATABASE_URL=pair.url("api"), HEARTH_API_PORT=str(port))
    said = world.thermometers()
    world.wait_until_heard(said, ingest)
    said.say(*spoken(10, until_minute=20))

    pair.first.server.kill()
    said.say(*spoken(10, until_minute=10))
    ingest.wait_for(HELD_UP)
    pair.second.run("promote")
    until(lambda: world.one("SELECT count(*) FROM reading") > 2_000, "the promoted server is written to", LONG)

    # The old primary comes back as the standby of the new one, and takes its place when that dies.
    pair.first.server.start()
    assert pair.first.is_standby()
    assert [path for path in pair.first.place.iterdir() if path.name.startswith("cluster.before-")]
    pair.wait_for_both(pair.second)
    pair.second.server.kill()
    said.say(*spoken(10))
    pair.first.run("promote")
    assert_nothing_lost_or_doubled(world, said.acknowledged)
    ready = partial(httpx.get, f"http://{LOOPBACK}:{port}/readyz", trust_env=False, timeout=ANSWER_S)
    until(lambda: ready().status_code == 200, "the API has found its way to the first")
    assert (ingest.stop(), watch.stop()) == (0, 0)


@pytest.mark.slow
def test_a_server_that_was_away_does_not_become_a_second_primary(pair: Pair) -> None:
    refused = pair.second.script("promote")
    assert (refused.returncode, "the primary is alive" in refused.stderr) == (2, True)
    with psycopg.connect(pair.second.url("grafana")) as conn:
        assert conn.execute("SELECT count(*) FROM building_now").fetchone() == (0,), "maps may read from the standby"

    # Without the standby nothing is acknowledged, so nothing can be lost when that is promoted.
    pair.second.server.kill()
    with pair.first.connect() as conn:
        told: list[BaseException | None] = []
        waits = threading.Thread(target=lambda: told.append(outcome(conn)))
        waits.start()
        waits.join(1)
        assert told == []
        pair.first.server.kill()
        waits.join(LONG)
        assert isinstance(told[0], psycopg.OperationalError)

    # It was the primary, but does not start as one before it has heard of the other.
    pair.first.server.begin()
    until(lambda: "does not answer" in pair.first.server.said(), "it waits")
    pair.first.server.kill()
    pair.second.server.start()
    pair.second.run("promote")
    pair.first.server.start()
    assert pair.first.is_standby()
    with pair.second.connect() as conn:
        assert conn.execute("SELECT count(*) FROM sensor WHERE code = 'unheard'").fetchone() == (0,)
    pair.wait_for_both(pair.second)
    pair.first.server.kill()
    pair.second.run("synchronous", "off")
    with pair.second.connect() as conn:
        conn.execute("INSERT INTO sensor (code) VALUES ('alone')")


def outcome(conn: psycopg.Connection) -> BaseException | None:
    """Write one row; return what went wrong."""
    try:
        conn.execute("INSERT INTO sensor (code) VALUES ('unheard')")
    except psycopg.Error as error:
        return error
    return None
