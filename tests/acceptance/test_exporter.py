"""`hearth exporter` beside a real database and a real Mosquitto tells every figure that a rule or a panel asks for."""

import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
import yaml

from dashboards import operations
from local.broker import Mosquitto
from local.port import free_port
from tests.acceptance import processes
from tests.acceptance.waiting import until
from tests.conftest import Database

RULES = Path(__file__).parents[2] / "deploy/prometheus/rules.yml"
# Standbys, the Community edition, ingest, watch and Artemis are not here; tests/store/test_server_figures.py has the
# first two, test_artemis.py the last.
ELSEWHERE = re.compile(
    r"hearth_(replica|replication|timescale|conversion|ingest|archive|broker_(disk|memory|replica))_"
)


def figures(port: int) -> dict[str, float]:
    """Return the figures of a process by name, without those that have labels."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    told = (line.split() for line in lines if not line.startswith("#") and "{" not in line)
    return {name: float(value) for name, value in told}


def asked() -> set[str]:
    """Return the names of Hearth's figures in rules and panels."""
    expressions = [rule["expr"] for rule in yaml.safe_load(RULES.read_text())["groups"][0]["rules"]]
    expressions += [one[0] for one in vars(operations).values() if isinstance(one, tuple) and isinstance(one[0], str)]
    return {name for text in expressions for name in re.findall(r"\bhearth_\w+", text)}


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    for name in ("base-20260115T020000Z", "base-20260116T020000Z", "base-20260117T020000Z.part", "base-nonsenseZ"):
        (tmp_path / name).mkdir()
    (tmp_path / "base-20260118T020000Z").write_text("no folder")
    return tmp_path


@pytest.fixture
def port(plain_database: Database, broker: Mosquitto, backups: Path, tmp_path: Path) -> Iterator[int]:
    port = free_port()
    environment = {
        "HEARTH_DATABASE_URL": plain_database.url,
        "HEARTH_MQTT_URL": broker.url(),
        "HEARTH_BACKUPS": str(backups),
        "HEARTH_EXPORTER_PORT": str(port),
    }
    process = processes.Process(environment, tmp_path / "log", "exporter")
    try:
        process.wait_for("event=serving")
        yield port
    finally:
        process.stop()


def test_every_figure_that_is_asked_for_is_told(port: int) -> None:
    until(lambda: "hearth_broker_dropped_total" in figures(port), "the broker tells its figures", 30)
    told = figures(port)
    wanted = {name for name in asked() if not ELSEWHERE.match(name)}
    assert len(wanted) > 10
    # The archive is off on servers of tests, so nothing was archived.
    assert wanted - set(told) == {"hearth_wal_archive_age_seconds"}
    assert told["hearth_database_up"] == 1
    assert told["hearth_broker_up"] == 1
    assert told["hearth_wal_archive_on"] == 0
    assert told["hearth_backups"] == 2
    assert time.strftime("%Y-%m-%dT%H", time.gmtime(told["hearth_backup_newest_seconds"])) == "2026-01-16T02"


def test_a_port_that_is_taken_is_one_line() -> None:
    nothing = free_port()
    environment = {
        "HEARTH_DATABASE_URL": f"postgresql://a:b@127.0.0.1:{nothing}/hearth",
        "HEARTH_MQTT_URL": f"mqtt://127.0.0.1:{nothing}",
    }
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = processes.run({**environment, "HEARTH_EXPORTER_PORT": str(port)}, "exporter")
    assert (done.returncode, done.stderr) == (
        2,
        f"hearth: cannot serve figures on port {port}: Address already in use\n",
    )


def test_what_is_away_is_told_too(tmp_path: Path) -> None:
    port, nothing = free_port(), free_port()
    environment = {
        "HEARTH_DATABASE_URL": f"postgresql://a:b@127.0.0.1:{nothing}/hearth",
        "HEARTH_MQTT_URL": f"mqtt://127.0.0.1:{nothing}",
        "HEARTH_BACKUPS": str(tmp_path),
        "HEARTH_EXPORTER_PORT": str(port),
    }
    process = processes.Process(environment, tmp_path / "log", "exporter")
    try:
        process.wait_for("event=serving")
        told = {name: value for name, value in figures(port).items() if name.startswith("hearth_")}
        assert told == {"hearth_database_up": 0, "hearth_broker_up": 0, "hearth_backups": 0}
    finally:
        process.stop()
