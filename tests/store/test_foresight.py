"""Forecasts on a real database: seen and told once a quarter, scored a day later, shown only while they are better."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
import pytest
from psycopg import Connection

from alerts.insight import packing
from alerts.insight.foresee import Foresight
from alerts.insight.past import STEP
from domain import policy_file
from insight.forecast import LEADS
from insight.model import Lesson, Model
from insight.window import DAY, STEPS, Floats, Window
from store.insight import foresight_rows
from store.insight.foresight_rows import Seen
from tests import registry_rows as town
from tests.conftest import Database

pytestmark = pytest.mark.plain_only

SEED = policy_file.builtin("seed")
EVENING = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)  # 18:00 in Shanghai
HOMES = 6
LIVED = 12  # quarters of an hour of which forecasts are told, a day later scored


def rhythm(steps: int, start: int = 0) -> Floats:
    """Return [home, step]: homes around 18.6 °C that swing with the day, the last ones deeper."""
    angle = (start + np.arange(steps)) / DAY * 2 * np.pi
    return np.asarray(18.6 - 0.4 * np.arange(1, HOMES + 1)[:, None] * np.sin(angle))


@cache
def taught() -> bytes:
    """Return what a model learns from that rhythm."""
    model, unknown = Model.new(), np.full(STEPS, np.nan)
    limits = np.full((HOMES, DAY), 18.0)
    for start in range(0, 2 * DAY, 4):
        share = float((18 / 24 + (start + 1) / DAY) % 1)
        window = Window(
            rhythm(STEPS, start - STEPS), np.zeros(HOMES, np.int64), unknown, unknown, unknown,
            np.ones(HOMES, np.bool_), np.full(len(LEADS), np.nan), share,
        )  # fmt: skip
        told = model.foresee(window, limits)
        model = model.taught([Lesson(window, told, rhythm(DAY, start), unknown[:DAY], limits)], 1.0)
    return model.packed()


class Watched:
    """Homes of a network whose sensors say what the rhythm says."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        building = town.building(conn)
        self.homes = [town.home(conn, f"H{nth}", building_id=building) for nth in range(HOMES)]
        for nth, home in enumerate(self.homes):
            town.sensor(conn, f"s{nth}", home)
        conn.execute("UPDATE sensor_now AS n SET home_id = p.home_id FROM point AS p WHERE p.sensor_id = n.sensor_id")
        row = conn.execute("SELECT substation_id FROM building LIMIT 1").fetchone()
        assert row is not None
        self.network = int(row[0])

    def say(self, at: datetime) -> None:
        """Have all sensors say what is so at an instant."""
        celsius = rhythm(1, (at - EVENING) // STEP)[:, 0]
        for home, value in zip(self.homes, celsius.tolist(), strict=True):
            self.conn.execute(
                "UPDATE sensor_now SET celsius = %s, judged_at = %s, expires_at = %s WHERE home_id = %s",
                (value, at, at + STEP, home),
            )

    def has_seen(self, first: datetime, steps: int) -> None:
        """Fill in the past, as the rounds of these days would have left it."""
        celsius = rhythm(steps, (first - EVENING) // STEP)
        for step in range(steps):
            seen = packing.homes(np.array(self.homes, np.int32)), packing.hundredths(celsius[:, step])
            foresight_rows.add_seen(self.conn, self.network, Seen(first + step * STEP, *seen, None, None, None))

    def live(self, foresight: Foresight, at: datetime) -> None:
        """Have the rounds of a quarter of an hour."""
        self.say(at)
        while foresight.look(self.conn, at):
            pass

    def count(self, query: str) -> int:
        row = self.conn.execute(query.encode()).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
def watched(database: Database) -> Iterator[Watched]:
    with database.connect(autocommit=True) as conn:
        yield Watched(conn)


def lived(watched: Watched, learned: bytes | None) -> None:
    """Live through some quarters, and through them again a day later."""
    if learned:
        foresight_rows.keep_model(watched.conn, EVENING, learned)
    then = EVENING - timedelta(days=1)
    watched.has_seen(then - STEPS * STEP, STEPS)
    foresight = Foresight(SEED)
    for step in range(LIVED):
        watched.live(foresight, then + step * STEP)
    watched.has_seen(then + LIVED * STEP, DAY - LIVED)
    foresight = Foresight(SEED)
    for step in range(LIVED):
        watched.live(foresight, EVENING + step * STEP)


def test_better_than_persistence_is_shown_and_warns_once(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alerts.insight.foresee.LEAST_PAIRS", HOMES * 2)
    lived(watched, taught())
    assert watched.count("SELECT count(*) FROM foresight_told WHERE scored") == LIVED
    sums = "SELECT sum(pairs) FROM foresight_chance WHERE horizon_h = 6"
    assert watched.count(sums) == LIVED * HOMES
    assert watched.count("SELECT count(*) FROM foresight_error WHERE lead_h = 6 AND error < error_persistence / 2") == 1
    assert foresight_rows.standing(watched.conn, watched.network).shown
    warned = watched.conn.execute("SELECT home_id, reason, told_at FROM foresight_warning ORDER BY home_id").fetchall()
    assert [row[0] for row in warned] == watched.homes[-len(warned) :] != []
    assert all(row[2] is not None for row in warned)
    data = watched.conn.execute("SELECT station, data->>'homes' FROM outbox WHERE kind = 'likely_cold'").fetchall()
    assert [row[1] for row in data] == [str(len(warned))]


def test_what_has_learned_nothing_is_not_shown(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alerts.insight.foresee.LEAST_PAIRS", HOMES)
    lived(watched, None)
    assert not foresight_rows.standing(watched.conn, watched.network).shown
    assert watched.count("SELECT count(*) FROM foresight_warning") == 0


def test_a_quarter_is_foreseen_once_and_a_missed_one_stays_missing(watched: Watched) -> None:
    watched.live(Foresight(SEED), EVENING)
    watched.live(Foresight(SEED), EVENING + STEP / 3)
    watched.live(Foresight(SEED), EVENING + 3 * STEP)
    seen = foresight_rows.seen(watched.conn, watched.network, EVENING, EVENING + 4 * STEP)
    assert [row.at for row in seen] == [EVENING, EVENING + 3 * STEP]
    assert watched.count("SELECT count(*) FROM foresight_told") == 2


def test_later_readings_change_no_forecast(watched: Watched) -> None:
    watched.has_seen(EVENING - STEPS * STEP, STEPS)
    foresight_rows.keep_model(watched.conn, EVENING, taught())
    with watched.conn.transaction(force_rollback=True):
        watched.live(Foresight(SEED), EVENING)
        first = foresight_rows.told(watched.conn, watched.network, EVENING)
    watched.has_seen(EVENING + STEP, DAY)
    watched.live(Foresight(SEED), EVENING)
    assert first == foresight_rows.told(watched.conn, watched.network, EVENING) is not None
