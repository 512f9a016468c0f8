"""Judging the past again on a real cluster of Spark: the same record as by one machine, whatever is killed."""

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

import alerts
from alerts.judging.history import History
from alerts.judging.rejudge import Rejudging
from archives import manifest, sealing
from archives.place import ArchivePlace
from bench.records import digest
from domain import policy_file
from domain.errors import UsageError
from domain.registry import HomeFee
from hearth import cluster, far_recheck
from hearth.cli import app
from hearth.far_recheck import FarSpan, recheck_on_spark
from hearth.settings import Settings
from local import spark
from local.spark import JAVA, SparkCluster
from store.registry import fee_rows
from tests import registry_rows as town
from tests.acceptance.waiting import until
from tests.conftest import Database, Servers, fresh_database
from tests.refund_rules import BEGINS
from tests.store.archivist import BEGIN, CITY, DAY, Archivist, settle
from tests.store.desk import ZONE
from tests.store.histories import finish

pytestmark = pytest.mark.plain_only
HOMES = 24
DAYS = 5
INSERT_FACT = """
INSERT INTO refund_fact (home_id, kind, at, reference, recorded_at, recorded_by)
VALUES (%(home)s, %(kind)s, %(at)s, 'paper', %(at)s, 'desk')
"""
REFUNDS = (
    BEGINS
    + """unpaid_excluded = true
deemed = {within_s = 3600, celsius = 13.0}
rows = [{below = 25.0, percent = 100}]
"""
)
HOURS_AT_ONCE = 6  # that sensors tell of
NOW = BEGIN + DAYS * DAY + timedelta(hours=4)
FIRST, END = (at.astimezone(ZONE).date() for at in (BEGIN, BEGIN + 3 * DAY))
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "512m",
    "spark.driver.extraJavaOptions": JAVA,
    "spark.executor.extraJavaOptions": JAVA,
    "spark.executor.memory": "512m",
    "spark.locality.wait": "0s",
}


@pytest.fixture(scope="module")
def cluster_of_two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkCluster]:
    """A master and two workers, started once; PySpark is found, and what it has started ends, too."""
    if reason := spark.why_not():
        pytest.skip(f"NOT TESTED WITH SPARK: {reason}")
    with pytest.MonkeyPatch.context() as patched, SparkCluster(tmp_path_factory.mktemp("spark")) as servers:
        patched.syspath_prepend(str(servers.program))
        for name, value in servers.environment().items():
            patched.setenv(name, value)
        yield servers
        from pyspark import SparkContext

        if gateway := SparkContext._gateway:
            gateway.shutdown()
            gateway.proc.kill()
            gateway.proc.wait()


class Town(Archivist):
    """Homes, some cold, whose readings are in an archive of several shards."""

    def __init__(self, conn: Any, place: ArchivePlace, database: Database) -> None:
        super().__init__(conn, place)
        self.settings = Settings(
            database_url=SecretStr(database.url), archive=SecretStr(place.uri), archive_utility=CITY
        )
        self.rejudging = Rejudging(conn, History(policy_file.builtin("seed")), NOW)

    def live_and_seal(self) -> None:
        """Let days pass, and seal all that are settled."""
        for n in range(HOMES):
            town.sensor(self.conn, f"s{n}", town.home(self.conn, f"H{n}"), interval_s=3600)
        settle(self.conn, BEGIN)
        for begin in range(0, 24 * DAYS, HOURS_AT_ONCE):
            hours = range(begin, begin + HOURS_AT_ONCE)
            said = (
                (f"s{n}", BEGIN + timedelta(hours=hour), 16.6 if n % 5 == 0 and 20 < hour + n < 60 else 20.0 + n / 8)
                for hour in hours
                for n in range(HOMES)
            )
            self.say(*said, now=BEGIN + timedelta(hours=hours[-1], seconds=2))
        settle(self.conn, NOW)
        self.sealed(NOW)
        finish(self, NOW)

    def spoil(self) -> None:
        """Make the record tell what was not."""
        self.conn.execute("UPDATE ledger SET cold_us = cold_us + 1 WHERE home_id %% 3 = 0 AND day < %s", (END,))
        self.conn.execute("UPDATE flag SET lowest = 3 WHERE flag_id = (SELECT min(flag_id) FROM flag)")


@pytest.fixture(scope="module")
def lived(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, Path]]:
    """A town that has lived, once for all tests: its database, to which nobody is connected, and its archive."""
    folder = tmp_path_factory.mktemp("lived") / "archive"
    for database in fresh_database(servers.of("plain"), "plain"):
        with database.connect(autocommit=True) as conn, pytest.MonkeyPatch.context() as patched:
            patched.setattr(sealing, "SENSORS_OF_SHARD", 6)
            Town(conn, ArchivePlace(folder.as_uri()), database).live_and_seal()
        yield database, folder


@pytest.fixture
def city(lived: tuple[Database, Path], servers: Servers, tmp_path: Path) -> Iterator[Town]:
    """A copy of that town."""
    (template, archive), folder = lived, tmp_path / "archive"
    shutil.copytree(archive, folder)
    for database in fresh_database(servers.of("plain"), "plain", template.url.rpartition("/")[2]):
        with database.connect(autocommit=True) as conn:
            yield Town(conn, ArchivePlace(folder.as_uri()), database)


def held(task: Callable[[str], bytes], folder: Path) -> Callable[[str], bytes]:
    """Return a task that tells of each attempt, and waits until it may go on."""

    def wait(name: str) -> bytes:
        mine = folder / f"{name.replace('/', ' ')} {os.getpid()} {time.monotonic_ns()}"
        mine.write_text(alerts.__path__[0])
        for _ in range(600):
            if (folder / "go").exists():
                break
            time.sleep(0.1)
        return task(name)

    return wait


def kill_one(servers: SparkCluster, folder: Path) -> None:
    """Kill an executor in the middle of a task, while another one runs."""
    until(lambda: len(list(folder.iterdir())) == 2, "both executors are at work", seconds=240)
    os.kill(servers.executors()[0], signal.SIGKILL)
    (folder / "go").touch()


def test_a_killed_executor_costs_its_shard_and_the_record_is_that_of_one_machine(
    city: Town, cluster_of_two: SparkCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = digest(city.conn, END)
    city.spoil()
    spoilt = digest(city.conn, END)
    with city.conn.transaction(force_rollback=True):
        alone = city.rejudging.days(range(1, HOMES + 1), FIRST, END)
        assert digest(city.conn, END) == right != spoilt
    attempts = tmp_path / "attempts"
    attempts.mkdir()
    monkeypatch.setattr(far_recheck, "each", lambda run, task, names: cluster.each(run, held(task, attempts), names))
    killer = threading.Thread(target=kill_one, args=(cluster_of_two, attempts))
    killer.start()
    engine = cluster.SparkEngine(cluster_of_two.url, SETTINGS)
    out = recheck_on_spark(city.settings, engine, range(1, HOMES + 1), FarSpan(FIRST, END, NOW), False)
    killer.join()
    assert (out.homes, out.days, out.corrected) == (alone.homes, alone.days, alone.corrected)
    assert out.readings == alone.readings
    assert digest(city.conn, END) == right
    (attempts / "go").unlink()
    tries = [file.name.rpartition(".msgpack")[0] for file in attempts.iterdir()]
    assert sorted(tries.count(name) for name in set(tries)) == [1, 1, 1, 2]
    assert all("hearth-rooms.zip" in file.read_text() for file in attempts.iterdir())
    (results,) = (tmp_path / "archive/verdicts").iterdir()
    entries = list(manifest.entries(ArchivePlace(results.as_uri()), CITY))
    assert [len(entry.files) for entry in entries] == [4, 16]


def test_what_other_rules_would_do_in_several_cities_without_their_databases(
    city: Town, cluster_of_two: SparkCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = [f"H{n}" for n in range(0, HOMES, 2)]
    fee_rows.bring(city.conn, [HomeFee(code, date(2025, 11, 15), Decimal(80), Decimal(25)) for code in codes])
    for home, kind, hours in ((1, "unpaid", 30), (7, "request", 40), (11, "at_fault", 1)):
        city.conn.execute(INSERT_FACT, {"home": home, "kind": kind, "at": BEGIN + timedelta(hours=hours)})
    far_recheck.publish(city.conn, city.settings, NOW)
    for folder in ("", "briefs/"):  # a second city with the same days
        top = tmp_path / "archive" / folder
        shutil.copytree(top / f"utility={CITY}", top / "utility=Changchun")
    other = tmp_path / "other.toml"
    other.write_text(policy_file.builtin_text("seed").replace("18.0", "21.0"))
    (tmp_path / "refunds.toml").write_text(REFUNDS, encoding="utf-8")
    monkeypatch.setenv("HEARTH_REFUNDS", str(tmp_path / "refunds.toml"))
    monkeypatch.setenv("HEARTH_ARCHIVE", city.place.uri)
    asked = ["recheck", f"--from={FIRST}", f"--to={END}", f"--policy={other}", "--dry-run", "--json"]
    monkeypatch.setenv("HEARTH_DATABASE_URL", city.settings.database_url.get_secret_value())
    here = json.loads(CliRunner().invoke(app(["recheck"]), asked, catch_exceptions=False).stdout)
    monkeypatch.setenv("HEARTH_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    told = [*asked, "--engine", "spark", "--master", "local[2]", f"--utility={CITY}", "--utility=Changchun"]
    for name, value in SETTINGS.items():
        told += ["--conf", f"{name}={value}"]
    done = CliRunner().invoke(app(["recheck"]), told, catch_exceptions=False)
    found = json.loads(done.stdout)
    assert found[CITY] == found["Changchun"]
    figures = found[CITY]
    assert figures["in_force"]["homes"] == figures["imagined"]["homes"] == HOMES
    assert 0 < figures["in_force"]["tickets"] < figures["imagined"]["tickets"]
    assert 0 < figures["in_force"]["cold_hours"] < figures["imagined"]["cold_hours"]
    # To the cent what one machine finds, by what is on record and by the other policy.
    assert figures["imagined"] == here["imagined"]
    assert figures["in_force"] == here["recorded"]
    assert 0 < figures["in_force"]["refund_units"] < figures["imagined"]["refund_units"]
    assert figures["imagined"]["refund_units"] % 1653 == 0  # 2,000 a season of 121 days


class NoCluster(cluster.SparkEngine):
    """Runs tasks in this process."""

    @contextmanager
    def session(self) -> Iterator[None]:
        yield


def test_what_becomes_known_while_others_judge_is_judged_here(city: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    at = BEGIN + timedelta(hours=30, minutes=30)

    def each(_: None, task: Callable[[str], bytes], names: Sequence[str]) -> list[bytes]:
        said = [task(name) for name in names]
        city.say(("s1", at, 11.0), now=NOW)
        return said

    monkeypatch.setattr(far_recheck, "each", each)
    city.spoil()
    before = digest(city.conn, END)
    span, engine = FarSpan(FIRST, END, NOW), NoCluster("", {})
    shown = recheck_on_spark(city.settings, engine, range(1, HOMES + 1), span, True)
    assert digest(city.conn, END) == before
    with city.conn.transaction(force_rollback=True):
        alone = city.rejudging.days(range(1, HOMES + 1), FIRST, END)
        right = digest(city.conn, END)
    assert (shown.days, shown.corrected) == (alone.days, alone.corrected)
    recheck_on_spark(city.settings, engine, range(1, HOMES + 1), span, False)
    assert digest(city.conn, END) == right


def test_days_that_are_not_sealed_are_refused(city: Town) -> None:
    with pytest.raises(UsageError, match="sealed for days before"):
        recheck_on_spark(city.settings, NoCluster("", {}), [1], FarSpan(FIRST, END + 9 * DAY, NOW), True)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (["--engine", "spark"], "say --to"),
        (["--engine", "spark", "--to", "2026-02-01", "--conf", "nothing"], "KEY=VALUE"),
        (["--utility", "Harbin"], "--engine spark"),
    ],
)
def test_what_does_not_go_together_is_refused(told: Sequence[str], said: str) -> None:
    found = CliRunner().invoke(app(["recheck"]), ["recheck", "--from", "2026-01-29", *told])
    assert said in str(found.exception)
