"""A race of real processes: everything is killed, halted and cut off at random, and nothing is lost."""

import random
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from bench.chaos import judge
from bench.chaos.people import Desk, Thermometers
from bench.chaos.race import Course, as_json, run
from bench.town import HOMES
from tests.conftest import Database, mosquitto_build


@pytest.mark.waits
def test_nothing_is_lost_while_everything_breaks(tmp_path: Path) -> None:
    """One broker and one database, as the pairs of both take more of a core than there is: bench.chaos has them."""
    mosquitto_build()  # says so where there is none
    seed = random.randrange(1_000_000)
    course = Course(minutes=2, broker="mosquitto", standby=False, homes=20, rate=2, seed=seed)
    report = run(course, tmp_path / "race")
    assert report.is_well, (as_json(report), report.log)
    assert report.acknowledged > 100
    assert report.flags > 0
    assert sum(report.faults.values()) > 5


def test_the_judge_sees_what_is_lost_doubled_or_wrong(plain_database: Database) -> None:
    """A bug in a worker is looked for by `bench.chaos --mutant`, which starts an interpreter for each process."""
    said = Thermometers(Client(CallbackAPIVersion.VERSION2), 2, random.Random(1))
    desk = Desk(1, "none", 1)
    desk.close()
    with plain_database.connect() as conn:
        psycopg.ClientCursor(conn).execute(HOMES, {"homes": 3})
        conn.execute("INSERT INTO ingest_worker (worker, stored) VALUES ('w', 1)")
        conn.execute(
            "INSERT INTO reading (sensor_id, measured_at, received_at, temperature, quality, self_timed) "
            "SELECT sensor_id, to_timestamp(1800000000), now(), 20, 0, true FROM sensor WHERE code = 's0'"
        )
        said.sent = {(0, 1_800_000_000): 20.0}
        said.acknowledged = set(said.sent)
        today = datetime.fromtimestamp(1_800_000_000, UTC).date()

        def wrong() -> dict[str, int]:
            by_hand = judge.flags_by_hand(said.sent, ZoneInfo("Etc/GMT-4"), today, 1_800_000_100)
            return {name: n for name, n in asdict(judge.verdict(conn, said, desk, by_hand)).items() if n}

        assert wrong() == {}
        said.sent[1, 1_800_000_000] = 15.0  # that was cold for long enough to be a flag
        assert wrong() == {"unacknowledged": 1, "wrong_flags": 1}
        said.acknowledged = set(said.sent)
        desk.answered = 1
        conn.execute("UPDATE ingest_worker SET stored = 2")
        assert wrong() == {"lost": 1, "wrong_flags": 1, "doubled": 1, "remarks_lost": 1}
