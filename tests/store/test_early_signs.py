"""Early signs of substations on a real database: told from their own past, kept while they last, gone with them."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from psycopg import Connection

from alerts.insight import early_signs
from domain import policy_file
from tests import registry_rows as town
from tests.conftest import Database

pytestmark = pytest.mark.plain_only

SEED = policy_file.builtin("seed")
NOW = datetime(2026, 1, 15, 4, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
INSERT = """
INSERT INTO substation_reading (
  sensor_id, measured_at, received_at, supply_temperature, return_temperature, flow, outdoor_temperature, implausible,
  self_timed
) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, true)
"""
SIGNS = "SELECT quantity, round(value - usual) AS off, since FROM substation_sign WHERE since IS NOT NULL ORDER BY 1"


def past(conn: Connection, substation: int, *, until: datetime, hours: int, back: float = 0.0) -> None:
    """Store hours of a substation up to an instant, with so many kelvin more in its return."""
    known = conn.execute("SELECT sensor_id FROM point WHERE substation_id = %s", (substation,)).fetchone()
    sensor = known[0] if known else town.sensor(conn, f"u{substation}", None, substation_id=substation)
    dice = np.random.default_rng(substation)
    rows = []
    for nth in range(hours):
        at = until - nth * HOUR
        outdoor = -7 + 4 * np.cos(at.hour / 24 * 2 * np.pi) + dice.normal(0, 1)
        supply, returned = 50 - 0.9 * outdoor + dice.normal(0, 0.3), 40 - 0.6 * outdoor + back + dice.normal(0, 0.3)
        # The instrument is known to be wrong now and then: such values count for nothing.
        broken = nth % 7 == 0
        rows.append((sensor, at, at, 900.0 if broken else supply, returned, 30.0, outdoor, 1 if broken else 0))
    with conn.cursor() as cursor:
        cursor.executemany(INSERT, rows)


def looked(conn: Connection, at: datetime) -> list[tuple[str, float, datetime]]:
    while early_signs.look(conn, SEED, at):
        pass
    return conn.execute(SIGNS).fetchall()


def test_a_return_that_rises_is_a_sign_for_as_long_as_it_lasts(plain_database: Database) -> None:
    with plain_database.connect(autocommit=True) as conn:
        for _ in range(3):
            town.building(conn)
        usual, rises, young = (row[0] for row in conn.execute("SELECT substation_id FROM substation ORDER BY 1"))
        past(conn, usual, until=NOW, hours=240)
        past(conn, rises, until=NOW - 12 * HOUR, hours=240)
        past(conn, rises, until=NOW, hours=12, back=4.0)
        past(conn, young, until=NOW, hours=60, back=9.0)
        assert looked(conn, NOW) == [("return", 4.0, NOW), ("spread", -4.0, NOW)]
        at = conn.execute("SELECT substation_id, max(hours) FROM substation_sign GROUP BY 1 ORDER BY 1").fetchall()
        assert [(one, hours > 96) for one, hours in at] == [(usual, True), (rises, True), (young, False)]
        assert early_signs.look(conn, SEED, NOW + 5 * HOUR) is False, "each has been looked at"
        past(conn, rises, until=NOW + 6 * HOUR, hours=6, back=4.0)
        assert looked(conn, NOW + 6 * HOUR) == [("return", 4.0, NOW), ("spread", -4.0, NOW)]
        past(conn, rises, until=NOW + 18 * HOUR, hours=12)
        assert looked(conn, NOW + 18 * HOUR) == []
        assert early_signs.look(conn, SEED, datetime(2026, 7, 1, tzinfo=UTC)) is False, "nobody is heated"
