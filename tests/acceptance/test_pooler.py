"""The API behind a real PgBouncer with the shipped configuration, which shares connections by transaction."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from local.pooler import PgBouncer
from local.trixie import POOLER
from tests import registry_rows as town
from tests.acceptance.world import Making
from tests.conftest import Database, no_trixie, unavailable

SHIPPED = Path(__file__).parents[2] / "deploy/pgbouncer/pgbouncer.ini"
POOL = 3


def configuration(account: str, place: str, port: int) -> dict[str, str]:
    """Return the shipped configuration with its addresses here, and fewer connections than clients."""
    known = conninfo_to_dict(account)
    here = {
        "hearth = host=timescaledb port=5432 dbname=hearth": (
            f"{known['dbname']} = host={known['host']} port={known['port']} dbname={known['dbname']}"
        ),
        "listen_addr = 0.0.0.0": "listen_addr = 127.0.0.1",
        "listen_port = 6432": f"listen_port = {port}",
        "/run/secrets/": f"{place}/",
        "default_pool_size = 20": f"default_pool_size = {POOL}",
    }
    text = SHIPPED.read_text(encoding="utf-8")
    for shipped, ours in here.items():
        assert shipped in text
        text = text.replace(shipped, ours)
    # Its default is a socket in a folder that is not there.
    return {
        "pgbouncer.ini": f"{text}\nunix_socket_dir =\n",
        "pooler_users": f'"{known["user"]}" "{known["password"]}"\n',
    }


@pytest.fixture
def pooler(tmp_path: Path, plain_database: Database) -> Iterator[PgBouncer]:
    if reason := no_trixie(POOLER):
        unavailable(f"NOT TESTED WITH A POOLER: {reason}")
    account = plain_database.url_as("api")
    with PgBouncer(tmp_path / "pooler", lambda place, port: configuration(account, place, port), account) as pooler:
        yield pooler
    pooler.remove()


def test_the_api_serves_through_it_each_its_own(pooler: PgBouncer, new_world: Making, plain_database: Database) -> None:
    world = new_world(plain_database)
    with plain_database.connect() as conn:
        for code in ("H1", "H2"):
            town.sensor(conn, f"s-{code}", town.home(conn, code))
    world.settings({"HEARTH_DATABASE_URL": pooler.url()})
    port, api = world.start_api()
    world.settings({"HEARTH_DATABASE_URL": plain_database.url})
    one, other = (world.reader(port, "customer", code) for code in ("H1", "H2"))
    everything = world.reader(port, "dispatcher")

    def ask(turn: int) -> tuple[int, int, int]:
        reader, own, foreign = (one, "H1", "H2") if turn % 2 else (other, "H2", "H1")
        codes = reader.ask(f"homes/{own}").status_code, reader.ask(f"homes/{foreign}").status_code
        return (*codes, everything.ask("tickets?limit=5").status_code)

    # More often than a statement needs to be asked before it is prepared, and more at once than there are connections.
    with ThreadPoolExecutor(3 * POOL) as clients:
        answers = set(clients.map(ask, range(120)))
    assert answers == {(200, 404, 200)}
    assert not [line for line in api.said().splitlines() if "rror" in line or "Traceback" in line]


def test_what_needs_a_session_is_told_apart_there(pooler: PgBouncer) -> None:
    """Ingest and watch do not come this way: what they make for their session is another client's next moment."""
    with psycopg.connect(pooler.url(), autocommit=True) as one, psycopg.connect(pooler.url(), autocommit=True) as other:
        one.execute("SET test.mine = 'yes'")
        assert other.execute("SELECT current_setting('test.mine', true)").fetchone() == ("yes",)
        assert one.execute("SELECT pg_try_advisory_lock(1)").fetchone() == (True,)
        assert other.execute("SELECT pg_try_advisory_lock(1)").fetchone() == (True,)
