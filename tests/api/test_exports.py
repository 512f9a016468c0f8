"""Tables to take away: the same rows in every format, sent while they are read."""

import csv
import io
import json
import tracemalloc
from datetime import timedelta
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from api.homes import exports
from papers.exports import schemas
from papers.exports.formats import Format, write
from tests.api import town
from tests.api.answers import check
from tests.api.conftest import Api
from tests.api.days import DAY, TODAY, ledger_day
from tests.api.town import NOW

SINCE = {"from": (NOW - timedelta(days=3)).isoformat().replace("+00:00", "Z")}
ODD = [17.996, 18.0, -3.14, 85.0, 16.1, 1 / 3]


def taken(answer: httpx.Response) -> list[dict[str, Any]]:
    """Return the rows of an export of any format, as its readers read them."""
    assert answer.status_code == 200
    kind = answer.headers["content-type"].partition(";")[0]
    if kind == "text/csv":
        return list(csv.DictReader(io.StringIO(answer.text)))
    if kind == "application/x-ndjson":
        return [json.loads(line) for line in answer.text.splitlines()]
    assert kind == "application/vnd.apache.parquet"
    rows: list[dict[str, Any]] = pq.read_table(io.BytesIO(answer.content)).to_pylist()
    return rows


@pytest.fixture
def home(api: Api) -> int:
    """A home with two sensors, one of which moved away; odd values, and some that are missing."""
    home = town.home(api.conn)
    other = town.home(api.conn, "B1-102")
    steady = town.sensor(api.conn, home, "a", room='living, "big"', offset_k=0.25)
    moved = town.sensor(api.conn, home, "b", room="bed", valid_to=NOW - timedelta(hours=30))
    town.sensor(api.conn, other, "b", valid_from=NOW - timedelta(hours=30))
    for n, celsius in enumerate(ODD):
        for sensor in (steady, moved):
            town.reading(api.conn, sensor, NOW - timedelta(hours=10 * n + 1, microseconds=n), celsius, quality=n % 2)
    api.conn.execute("UPDATE reading SET temperature = NULL, humidity = 41.5 WHERE temperature = 85")
    return home


def expected(api: Api) -> list[tuple[Any, ...]]:
    """Sensor, instant, raw value and quality by SQL, in the order of an export."""
    return api.conn.execute(
        "SELECT s.code, r.measured_at, r.temperature, r.humidity, r.quality FROM point AS p "
        "JOIN sensor AS s USING (sensor_id) JOIN reading AS r USING (sensor_id) JOIN home AS h USING (home_id) "
        "WHERE h.code = 'B1-101' AND (p.valid_to IS NULL OR r.measured_at < p.valid_to) "
        "AND r.measured_at >= %s ORDER BY p.point_id, r.measured_at",
        (NOW - timedelta(days=3),),
    ).fetchall()


@pytest.mark.parametrize("batch", [1, 2, 50_000])
def test_every_format_has_the_same_readings(api: Api, home: int, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "BATCH_ROWS", batch)
    rows = expected(api)
    assert len(rows) == 9
    token = api.token()
    table, lines, text = (
        taken(api.get(f"/v1/homes/B1-101/readings.{form}", token, **SINCE)) for form in ("parquet", "jsonl", "csv")
    )
    told = [(r["sensor"], r["measured_at"], r["raw"] and np.float32(r["raw"]), r["humidity"]) for r in table]
    assert told == [(code, at, raw and np.float32(raw), humidity) for code, at, raw, humidity, _ in rows]
    for parquet, line, cells in zip(table, lines, text, strict=True):
        at = parquet["measured_at"].isoformat(timespec="microseconds").replace("+00:00", "Z")
        assert cells["measured_at"] == line["measured_at"] == at
        for name in ("temperature", "raw", "offset", "humidity", "battery"):
            value = parquet[name]
            assert (line[name] is None, cells[name]) == (value is None, cells[name] if value is not None else "")
            if value is not None:
                assert np.float32(line[name]) == np.float32(cells[name]) == np.float32(value)
        assert line["quality"] == cells["quality"] == parquet["quality"]
        assert line["room"] == cells["room"] == parquet["room"]
    assert {r["quality"] for r in table} == {"good", "sentinel"}


def test_numbers_are_as_short_as_they_can_be(api: Api) -> None:
    sensor = town.sensor(api.conn, town.home(api.conn))
    town.reading(api.conn, sensor, NOW - timedelta(hours=1), 17.996)
    assert b'"raw":17.996,' in api.get("/v1/homes/B1-101/readings.jsonl", api.token()).content
    assert b",17.996," in api.get("/v1/homes/B1-101/readings.csv", api.token()).content


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("what", ["readings", "compliance"])
def test_a_table_of_no_rows_has_its_columns(plain_api: Api, what: str, form: str) -> None:
    town.home(plain_api.conn)
    answer = plain_api.get(f"/v1/homes/B1-101/{what}.{form}", plain_api.token())
    assert taken(answer) == []
    assert answer.headers["content-disposition"] == f'attachment; filename="B1-101-{what}.{form}"'
    names = {"readings": schemas.READINGS, "compliance": schemas.LEDGER}[what].names
    if form == "csv":
        assert answer.text == ",".join(names) + "\n"
    if form == "parquet":
        assert pq.read_schema(io.BytesIO(answer.content)).names == names


def test_the_ledger_is_that_of_the_api(api: Api) -> None:
    home = town.home(api.conn)
    for back in range(40):
        ledger_day(api, home, TODAY - back * DAY, cold=back * 1_000_001, compliant=86_400_000_000 - back * 1_000_001)
    token = api.token()
    span = {"from": "2025-12-01"}
    items = api.get("/v1/homes/B1-101/compliance", token, **span, limit=1000).json()["items"]
    lines = taken(api.get("/v1/homes/B1-101/compliance.jsonl", token, **span))
    assert len(items) == 40
    for item, line in zip(items, lines, strict=True):
        assert (item["day"], item["cold_s"], item["policy"]) == (line["day"], line["cold_s"], line["policy"])


def test_a_span_and_a_format_that_make_no_sense_are_refused(plain_api: Api) -> None:
    town.home(plain_api.conn)
    token = plain_api.token()
    for what, since in (("readings", "2020-01-01T00:00:00Z"), ("compliance", "2020-01-01")):
        check(plain_api.get(f"/v1/homes/B1-101/{what}.csv", token, **{"from": since}), 422)
        check(plain_api.get(f"/v1/homes/B1-101/{what}.xlsx", token), 422)


def test_memory_is_flat_however_long_a_table_is() -> None:
    """Ten times the batches take hardly more memory than one tenth of them: 18 batches held whole are 2 MB."""

    def peak(form: Format, batches: int) -> int:
        rows = 5_000
        schema = pa.schema({"at": schemas.INSTANT, "celsius": pa.float32(), "room": pa.string()})
        made = (
            pa.RecordBatch.from_arrays(
                [
                    pa.array((np.arange(rows) + n).astype("M8[us]"), schemas.INSTANT),
                    pa.array(np.arange(rows, dtype=np.float32)),
                    pa.repeat("living", rows),
                ],
                schema=schema,
            )
            for n in range(batches)
        )
        tracemalloc.start()
        arrow = pa.total_allocated_bytes()
        highest = 0
        for _ in write(form, schema, made):
            highest = max(highest, pa.total_allocated_bytes() - arrow)
        _, python = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return python + highest

    for form in Format:
        few, many = peak(form, 2), peak(form, 20)
        assert many - few < 1_000_000, form


def test_no_more_exports_than_places(plain_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    town.home(plain_api.conn)
    token = plain_api.token()
    for _ in range(5):  # each gives its place back
        assert plain_api.get("/v1/homes/B1-101/readings.csv", token).status_code == 200
        check(plain_api.get("/v1/homes/nobody/readings.csv", token), 404)
    app = plain_api.app
    taken_places = [app.state.surroundings.exports.acquire(timeout=5) for _ in range(3)]
    assert all(taken_places)
    check(plain_api.get("/v1/homes/B1-101/readings.csv", token), 503)
    for _ in taken_places:
        app.state.surroundings.exports.release()


def test_a_name_is_no_formula_in_a_table(plain_api: Api) -> None:
    home = town.home(plain_api.conn)
    rooms = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\t=1", " =1", "living - room"]
    for n, room in enumerate(rooms):
        town.reading(plain_api.conn, town.sensor(plain_api.conn, home, f"s{n}", room=room), NOW, -3.5)
    token = plain_api.token("customer", "B1-101")
    span = {"from": "2026-01-14T00:00:00Z", "to": "2026-01-16T00:00:00Z"}
    table = plain_api.get("/v1/homes/B1-101/readings.csv", token, **span)
    told = list(csv.DictReader(io.StringIO(table.text)))
    assert [row["room"] for row in told] == [*(f"'{room}" for room in rooms[:-1]), rooms[-1]]
    assert {row["temperature"] for row in told} == {"-3.5"}  # numbers stay numbers
    lines = plain_api.get("/v1/homes/B1-101/readings.jsonl", token, **span)
    assert [json.loads(line)["room"] for line in lines.text.splitlines()] == rooms  # where nothing makes formulas
