"""Rows that come as one array for each sensor are the rows in the table."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from store.base import wire
from store.readings import stays
from tests.conftest import Database

START = datetime(2026, 1, 15, tzinfo=UTC)
LAYOUT: wire.Layout = {"sensor": "int4", "celsius": "float4"}
INSERT = """
INSERT INTO reading (sensor_id, measured_at, received_at, temperature, quality, self_timed)
SELECT s, %(start)s + n * interval '5 min', %(start)s, s + n, CASE WHEN n = 3 THEN 1 ELSE 0 END, true
FROM generate_series(1, 3) AS s, generate_series(0, 9) AS n
"""
# Stored after the others, and on another day: in another chunk.
LATE = """
INSERT INTO reading (sensor_id, measured_at, received_at, temperature, quality, self_timed)
SELECT s, %(start)s - interval '1 day', %(start)s, s - 288, 0, true FROM generate_series(1, 3) AS s
"""


def test_good_readings_of_the_sensors_asked_for_come_sorted_by_sensor_and_time(database: Database) -> None:
    with database.connect() as conn:
        conn.execute(INSERT, {"start": START})
        conn.execute(LATE, {"start": START})
        found = stays.said(conn, [3, 1, 9], START - timedelta(days=1), START + timedelta(minutes=40))
    assert found["sensor_id"].tolist() == [1] * 8 + [3] * 8
    for sensor in (1, 3):
        mine = found[found["sensor_id"] == sensor]
        nth = np.array([-288, 0, 1, 2, 4, 5, 6, 7])
        assert mine["temperature"].tolist() == (nth + sensor).tolist()
        assert mine["measured_at"].tolist() == (int(START.timestamp() * 1e6) + nth * 300_000_000).tolist()


def test_nothing_said_is_no_rows(database: Database) -> None:
    with database.connect() as conn:
        assert len(stays.said(conn, [1], START, START + timedelta(days=1))) == 0


@pytest.mark.parametrize("values", ["ARRAY[1, NULL]::real[]", "ARRAY[1, 2]::float8[]", "NULL::real[]"])
def test_nulls_and_other_types_are_refused(database: Database, values: str) -> None:
    statement = f"COPY (SELECT 7, {values}) TO STDOUT (FORMAT BINARY)"
    with database.connect() as conn, conn.cursor() as cur, pytest.raises(ValueError, match=r"NULLs|another type"):
        wire.read_arrays(cur, statement, LAYOUT, {})


def test_any_value_comes_through_the_text_of_an_array(database: Database) -> None:
    said = ["", "NULL", "{}", 'a"b', "a\\b", "\\", ",", " 五 5% ", "\n", "\\x5c", None, START, 7]
    with database.connect() as conn:
        row = conn.execute("SELECT %s::text[]", (wire.array(said),)).fetchone()
        times = conn.execute("SELECT %s::timestamptz[]", (wire.array([START, None]),)).fetchone()
        digests = conn.execute("SELECT %s::bytea[]", (wire.array(["\\x00ff5c"]),)).fetchone()
    assert row == ([None if value is None else str(value) for value in said],)
    assert times == ([START, None],)
    assert digests == ([b"\x00\xff\\"],)
