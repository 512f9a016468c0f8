"""Readings that the table has lost are answered from the archive, to those who reach them and to nobody else."""

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest

from archives import points
from archives.history import OneHistory
from archives.place import ArchivePlace
from store.base import access
from store.readings import retention
from tests.api import town
from tests.api.conftest import Api
from tests.api.town import NOW
from tests.conftest import Database
from tests.store.archivist import drop, sealed, settle

DAY = timedelta(days=1)
BEGIN = (NOW - 20 * DAY).replace(hour=0, minute=0, second=0, microsecond=0)
TENANT = access.TokenGrant(
    access.Role.CUSTOMER, homes=("B1-101",), since=access.Since(BEGIN + 3 * DAY, (BEGIN + 3 * DAY).date())
)
MOVED = BEGIN + 6 * DAY  # when a sensor goes to another home, and the customer moves in


@pytest.fixture
def archived(api: Api, database: Database, tmp_path: Path) -> Iterator[Api]:
    """Two weeks of two homes; what is older than four days is in the archive as well."""
    first, second = town.home(api.conn), town.home(api.conn, "B1-102")
    town.home(api.conn, "B9-101", building="B9", station="South")
    with psycopg.connect(api.conn.info.dsn, password=api.conn.info.password, autocommit=True) as conn:
        settle(conn, BEGIN)
        steady = town.sensor(api.conn, first, "a", offset_k=0.25)
        moved = town.sensor(api.conn, first, "b", room="bed", valid_to=MOVED)
        town.sensor(api.conn, second, "b", valid_from=MOVED)
        for hour in range(0, 16 * 24, 3):
            for sensor in {steady, moved}:
                at = BEGIN + timedelta(hours=hour, microseconds=hour)
                town.reading(api.conn, sensor, at, 17.0 + hour % 13 / 7, quality=int(hour % 5 == 0))
        api.conn.execute("UPDATE reading SET temperature = NULL, humidity = 41.5, quality = 3 WHERE quality = 1")
        api.conn.commit()
        settle(conn, NOW)
        archive = sealed(conn, ArchivePlace(tmp_path.as_uri()), NOW)
        object.__setattr__(api.app.state.surroundings, "history", OneHistory(archive))
        api.archive = (conn, archive)  # type: ignore[attr-defined]
        yield api


SPAN = {"from": BEGIN.isoformat().replace("+00:00", "Z"), "to": NOW.isoformat().replace("+00:00", "Z")}


def tables(api: Api, token: str) -> list[list[dict[str, Any]]]:
    """Return the rows of the Parquet exports of both homes, and of their building."""
    paths = ("homes/B1-101", "homes/B1-102", "buildings/B1")
    found = [api.get(f"/v1/{path}/readings.parquet", token, **SPAN).content for path in paths]
    return [pq.read_table(io.BytesIO(content)).to_pylist() for content in found]


def answers(api: Api, token: str) -> list[Any]:
    """Return all that is answered of readings."""
    span = SPAN
    found: list[Any] = []
    for home in ("B1-101", "B1-102"):
        for more in ({"limit": 7}, {"limit": 1000, "every": "PT1H"}, {"limit": 500}):
            cursor: dict[str, str] = {}
            for _ in range(12):
                answer = api.get(f"/v1/homes/{home}/readings", token, **span, **more, **cursor)
                found.append((answer.status_code, answer.json()))
                if answer.status_code != 200 or not answer.json()["next"]:
                    break
                cursor = {"cursor": answer.json()["next"]}
        found.append(api.get(f"/v1/homes/{home}/readings.csv", token, **span).text)
        days = {"from": f"{BEGIN:%Y-%m-%d}", "to": f"{BEGIN + 10 * DAY:%Y-%m-%d}"}
        evidence = api.get(f"/v1/homes/{home}/evidence", token, **days)
        found.append((evidence.status_code, evidence.content if evidence.status_code == 200 else None))
    return found


def test_nobody_notices_where_a_day_lies_and_reach_is_the_same(archived: Api) -> None:
    tokens = [
        archived.token(),
        archived.token("customer", "B1-101"),
        archived.token("customer", "B1-102"),
        access.create(archived.conn, TENANT, NOW),
        archived.token("crew", station="North"),
        archived.token("crew", station="South"),
    ]
    before = [answers(archived, token) for token in tokens]
    assert [len({str(some) for some in told}) > 4 for told in before] == [True, True, True, True, True, False]
    conn, archive = archived.archive  # type: ignore[attr-defined]
    drop(conn, archive, NOW - 4 * DAY)
    assert retention.kept_since(conn) is not None
    row = conn.execute("SELECT count(*) FROM reading WHERE measured_at < %s", (NOW - 5 * DAY,)).fetchone()
    assert row == (0,)
    assert [answers(archived, token) for token in tokens] == before


@pytest.mark.plain_only
def test_an_export_is_the_same_wherever_readings_lie(archived: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    token = archived.token()
    of_table = tables(archived, token)
    assert [len(rows) for rows in of_table] == [16 * 8 + 6 * 8, 10 * 8, 16 * 8 + 16 * 8]
    assert of_table[2] == [{"home": "B1-101", **row} for row in of_table[0]] + [
        {"home": "B1-102", **row} for row in of_table[1]
    ]
    conn, archive = archived.archive  # type: ignore[attr-defined]
    conn.execute("CREATE TABLE again AS SELECT * FROM reading WHERE extract(hour FROM measured_at) < 9")
    drop(conn, archive, NOW - 4 * DAY)
    assert tables(archived, token) == of_table
    # What the table has once more says nothing new, and what it says otherwise comes too late.
    conn.execute("UPDATE again SET temperature = temperature + 1 WHERE extract(hour FROM measured_at) < 6")
    conn.execute("INSERT INTO reading SELECT * FROM again ON CONFLICT DO NOTHING")
    for at_once in (points.READINGS_AT_ONCE, 100, 1):  # all sensors, one, one by months
        monkeypatch.setattr(points, "READINGS_AT_ONCE", at_once)
        assert tables(archived, token) == of_table


@pytest.mark.plain_only
def test_a_whole_building_is_for_those_who_lead_and_stays_on_record(archived: Api) -> None:
    for role, status in (("dispatcher", 403), ("supervisor", 200)):
        answer = archived.get("/v1/buildings/B1/readings.parquet", archived.token(role), **SPAN)
        assert answer.status_code == status
    assert archived.get("/v1/buildings/B0/readings.parquet", archived.token("supervisor"), **SPAN).status_code == 404
    noted = archived.conn.execute(
        "SELECT role, target FROM audit WHERE action = 'GET /v1/buildings/{code}/readings.parquet'"
    ).fetchall()
    assert ("supervisor", {"code": "B1"}) in noted
