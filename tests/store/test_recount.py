"""Counting a home's past again comes to what the ledger has, and its gaps to what brute force finds."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from alerts.evidence.recount import HomeDays, agree, recount
from alerts.judging.history import History
from alerts.judging.rejudge import judge_again
from domain import policy_file
from domain.instants import to_us
from store.base import access
from store.base.stage import open_stages
from store.evidence import dossier_rows
from tests import registry_rows as town
from tests.conftest import Database

SEED = policy_file.builtin("seed")
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
MIDNIGHT = datetime(2026, 1, 13, tzinfo=SEED.zone)
END = MIDNIGHT + 3 * DAY
HOLD = 15 * MINUTE
EVERYWHERE = access.Scope(everywhere=True, own_station=None, own_homes=[])
NUMBER = count(1)
INSERT = """
INSERT INTO reading (sensor_id, measured_at, received_at, temperature, quality, self_timed)
VALUES (%s, %s, %s, %s, %s, true)
"""
SELECT_DAYS = """
SELECT day, compliant_us, cold_us, severe_us, unknown_us, not_judged_us, shortfall_us FROM ledger
WHERE home_id = %s AND closed ORDER BY day
"""


@pytest.fixture
def conn(database: Database) -> Iterator[Connection]:
    with database.connect(autocommit=True) as opened:
        open_stages(opened)
        yield opened


Said = tuple[int, int, float, int]  # sensor, minute, °C, quality
bursts = st.tuples(st.integers(0, 2), st.integers(0, 3 * 1440 - 1), st.integers(1, 40), st.floats(14, 22, width=32))


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(bursts, min_size=1, max_size=12), st.integers(1, 3))
def test_the_gaps_are_those_of_brute_force(conn: Connection, said: list[tuple[int, int, int, float]], nth: int) -> None:
    """Bursts of readings of two judged rooms and one that is not, in a home of its own."""
    home = town.home(conn, f"R{next(NUMBER)}")
    rooms = [(f"{home}-{n}", kind) for n, kind in enumerate(("living", "bedroom", "other"))]
    sensors = [town.sensor(conn, code, home, room_kind=kind) for code, kind in rooms]
    readings: dict[tuple[int, datetime], tuple[float, int]] = {}
    for sensor, minute, length, celsius in said:
        for n in range(length):
            at = MIDNIGHT + (minute + 7 * n) * MINUTE
            readings.setdefault((sensor, at), (celsius, int(n % 11 == 10)))
    with conn.cursor() as cur:
        cur.executemany(INSERT, [(sensors[s], at, at, celsius, q) for (s, at), (celsius, q) in readings.items()])
    history = History(SEED)
    with conn.transaction():
        judge_again(conn, history, [home], MIDNIGHT.date(), END + MINUTE * 2)

    edges = np.linspace(to_us(MIDNIGHT), to_us(END), 10).astype(np.int64)
    with conn.transaction():
        access.enter(conn, EVERYWHERE)
        again = History(SEED, at_once=nth * 300, said=dossier_rows.said)
        found = recount(conn, again, HomeDays(home, MIDNIGHT.date(), END.date()), to_us(END), edges)
    days = conn.execute(SELECT_DAYS, (home,)).fetchall()
    inside = [row for row in days if row[0] < END.date()]
    for day, *on_record in inside:
        assert agree(found.days, day.toordinal(), on_record)
    assert found.gaps == silence(readings, inside[0][0] if inside else None)
    assert sum(end - start for start, end in found.gaps) == sum(row[4] for row in inside)


def silence(readings: dict[tuple[int, datetime], tuple[float, int]], first: Any) -> list[tuple[int, int]]:
    """Return the joined minutes in which no judged room has a good reading that still holds, from the first day on."""
    if first is None:
        return []
    good = sorted((s, at) for (s, at), (_, quality) in readings.items() if quality == 0 and s < 2)
    out: list[tuple[int, int]] = []
    minute = datetime.combine(first, MIDNIGHT.timetz())
    known = {int((at + n * MINUTE - MIDNIGHT) / MINUTE) for _, at in good for n in range(int(HOLD / MINUTE))}
    while minute < END:
        if int((minute - MIDNIGHT) / MINUTE) not in known:
            start = to_us(minute.astimezone(UTC))
            if out and out[-1][1] == start:
                out[-1] = (out[-1][0], start + 60_000_000)
            else:
                out.append((start, start + 60_000_000))
        minute += MINUTE
    return out
