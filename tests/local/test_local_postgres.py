"""PostgreSQL starts on both flavours, keeps what was committed through a kill, says why it cannot start."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from local.postgres import Postgres
from local.server import ServerError, children_of
from local.trixie import TimescalePostgres
from tests.conftest import no_trixie, unavailable


@pytest.fixture
def server(flavour: str, tmp_path: Path) -> Iterator[Postgres]:
    if flavour == "timescale" and (reason := no_trixie()):
        unavailable(reason)
    made = (TimescalePostgres if flavour == "timescale" else Postgres)(tmp_path / "server")
    with made:
        yield made
    made.remove()


def test_it_has_the_extension_of_its_flavour(server: Postgres, flavour: str) -> None:
    with psycopg.connect(server.url()) as connection:
        found = connection.execute("SELECT name FROM pg_available_extensions WHERE name = 'timescaledb'").fetchall()
    assert found == ([("timescaledb",)] if flavour == "timescale" else [])


def test_what_was_committed_survives_a_kill(server: Postgres) -> None:
    with psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 21.5 AS celsius")
    url = server.url()
    server.kill()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    server.start()
    assert server.url() == url
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT celsius::float FROM kept").fetchall() == [(21.5,)]


def test_a_kill_leaves_no_process_of_the_server(server: Postgres) -> None:
    assert server._process is not None
    pids = [server._process.pid, *children_of(server._process.pid)]
    assert len(pids) > 3
    server.kill()
    assert not any(Path(f"/proc/{pid}/cmdline").exists() and b"postgres" in cmdline(pid) for pid in pids)


def cmdline(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def test_another_object_finds_the_same_data_and_port(tmp_path: Path) -> None:
    with Postgres(tmp_path / "server") as first, psycopg.connect(first.url()) as connection:
        connection.execute("CREATE TABLE kept ()")
    with Postgres(tmp_path / "server") as second, psycopg.connect(second.url()) as connection:
        connection.execute("SELECT FROM kept")
    assert second.url() == first.url()
    second.remove()


def test_remove_leaves_nothing(tmp_path: Path) -> None:
    server = Postgres(tmp_path / "server").start()
    server.remove()
    assert list(tmp_path.iterdir()) == []
    assert not server.place.exists()


def test_a_server_that_cannot_start_shows_its_log(tmp_path: Path) -> None:
    server = Postgres(tmp_path / "server", settings={"shared_buffers": "a bucket"})
    with pytest.raises(ServerError, match="a bucket"):
        server.start()
    server.remove()


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with Postgres(tmp_path / "first") as first:
        second = Postgres(tmp_path / "second", first.port)
        with pytest.raises(ServerError, match=f"port {first.port} is taken"):
            second.start()
    first.remove()
    second.remove()
