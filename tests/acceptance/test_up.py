"""`hearth up`, `hearth check` and the supervisor under them, with real processes."""

import json
import os
import signal
import threading
from pathlib import Path

import pytest

from hearth.supervise import Program, Supervisor
from local.port import LOOPBACK, free_port
from local.server import alive, children_of
from tests.acceptance.processes import run
from tests.acceptance.waiting import until
from tests.acceptance.world import Making
from tests.conftest import Database


class Heard:
    """Collects the lines of programs."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self._lock = threading.Lock()

    def say(self, name: str, line: str) -> None:
        with self._lock:
            self.lines.append((name, line))


def test_who_ends_is_started_again_and_said_to_be() -> None:
    heard = Heard()
    supervisor = Supervisor([Program("rules", ["policy", "show"])], heard.say)

    def shown_twice() -> bool:
        assert supervisor.tend() is None
        return sum(line.startswith("name = ") for _, line in heard.lines) == 2

    until(shown_twice, "the program runs twice")
    supervisor.stop()
    assert ("rules", "ended with code 0, starts again in 1 s") in heard.lines


def test_who_needs_the_operator_is_not_started_again() -> None:
    heard = Heard()
    supervisor = Supervisor([Program("rules", ["policy", "show", "nobody's"])], heard.say)
    assert until(supervisor.tend, "it gives up") == "rules"
    supervisor.stop()
    (line,) = heard.lines
    assert line[1].startswith("hearth: no built-in policy")


@pytest.mark.slow
def test_up_heals_and_stops_in_order(new_world: Making, plain_database: Database) -> None:
    world = new_world(plain_database)
    port = free_port()
    up = world.start("up", HEARTH_API_PORT=str(port))
    up.wait_for("event=connected").wait_for("event=leading").wait_for("event=sending").wait_for("startup complete")
    world.reader(port, "admin")
    ingest = next(pid for pid in everybody_under(os.getpid()) if command(pid).endswith("-m hearth ingest"))
    os.kill(ingest, signal.SIGKILL)
    up.wait_for("ingest   ended with code -9, starts again in 1 s").wait_for("event=connected", times=2)
    children = [pid for pid in everybody_under(os.getpid()) if "-m hearth" in command(pid)]
    assert len(children) == 4
    assert up.stop() == 0
    assert not any(alive(pid) for pid in children)


def everybody_under(pid: int) -> list[int]:
    """Return all descendants of a process."""
    return [p for child in children_of(pid) for p in (child, *everybody_under(child))]


def command(pid: int) -> str:
    """Return the command line of a process; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
    except OSError:
        return ""


def test_up_does_not_start_with_wrong_settings() -> None:
    done = run({"HEARTH_API_PORT": "none"}, "up")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "HEARTH_API_PORT" in done.stderr


def test_check_says_what_is_there(new_world: Making, plain_database: Database) -> None:
    world = new_world(plain_database)
    done = run(world.environment, "check", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["ok"]) == (0, True)
    said = {found["name"]: found["detail"] for found in told["checks"]}
    assert list(said) == [
        *("settings", "policy", "sources", "push", "recipients", "peers", "files", "database", "jobs", "disk"),
        *("archive", "api", "broker", "ingest", "watch", "seals", "grafana"),
    ]
    assert said["database"].startswith("PostgreSQL 18")
    assert "kept for ever" in said["disk"]
    assert said["watch"] == "no hearth watch has worked yet"


def test_a_process_is_missing_only_to_who_asks_for_it(new_world: Making, plain_database: Database) -> None:
    world = new_world(plain_database)
    assert run(world.environment, "check").returncode == 0
    assert run(world.environment, "check", "watch").returncode == 2
    world.start("watch").wait_for("event=leading")
    until(lambda: run(world.environment, "check", "watch").returncode == 0, "it has worked")
    done = run(world.environment, "check", "policy", "wotch")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no such part: wotch" in done.stderr


def test_check_says_what_to_do(tmp_path: Path) -> None:
    nobody = free_port()
    wrong = {
        "HEARTH_DATABASE_URL": f"postgresql://{LOOPBACK}:{nobody}/d",
        "HEARTH_MQTT_URL": f"mqtt://{LOOPBACK}:{nobody}",
        "HEARTH_POLICY": str(tmp_path / "none.toml"),
    }
    done = run(wrong, "check")
    assert done.returncode == 2
    assert done.stderr == ""
    settings, *others = done.stdout.splitlines()
    assert settings.startswith("settings   ok")
    wrong_lines = [line for line in others if line.split()[1] == "WRONG"]
    assert [line.split()[0] for line in wrong_lines] == ["policy", "database", "broker"]
    assert all(variable in line for variable, line in zip(("POLICY", "DATABASE", "MQTT"), wrong_lines, strict=True))


def test_check_fails_when_something_cannot_serve(new_world: Making, plain_database: Database) -> None:
    world = new_world(plain_database)
    narrow = {**world.environment, "HEARTH_DATABASE_URL": plain_database.url_as("ingest")}
    done = run(narrow, "check", "database", "api")
    assert done.returncode == 2
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["ok", "WRONG"]
    assert "no member of hearth_api" in done.stdout


def test_check_notices_that_the_licence_was_set_back(plain_database: Database) -> None:
    with plain_database.connect(autocommit=True) as conn:
        step = "flavour/timescale_community/0002_readings_by_column.sql"
        conn.execute("INSERT INTO schema_migration VALUES (%s, '')", (step,))
    done = run({"HEARTH_DATABASE_URL": plain_database.url}, "check", "database")
    assert done.returncode == 2
    assert "migrated for TimescaleDB's Community edition, and the server offers the plain one now" in done.stdout


def test_watch_and_notify_wait_for_a_server_that_is_read_only(new_world: Making, plain_database: Database) -> None:
    world = new_world(plain_database)
    with plain_database.connect(autocommit=True) as conn:
        name = conn.info.dbname
        conn.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    done = run(world.environment, "check", "database")
    assert (done.returncode, "read-only" in done.stdout) == (2, True)
    waiting = [world.start(command).wait_for("database read-only", times=2) for command in ("watch", "notify")]
    with plain_database.connect(autocommit=True) as conn:
        conn.execute("SET default_transaction_read_only = off")
        conn.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    for process, works in zip(waiting, ("event=leading", "event=sending"), strict=True):
        process.wait_for(works)
        assert process.stop() == 0


def test_a_module_of_our_names_in_the_working_folder_harms_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "store.py").write_text("raise SystemExit('taken in')")
    (tmp_path / "json.py").write_text("raise SystemExit('taken in')")
    monkeypatch.chdir(tmp_path)
    heard = Heard()
    supervisor = Supervisor([Program("rules", ["policy", "show"])], heard.say)
    until(lambda: supervisor.tend() or any(line.startswith("name = ") for _, line in heard.lines), "it has run")
    supervisor.stop()
    assert not any("taken in" in line for _, line in heard.lines)
