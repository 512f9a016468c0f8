"""The areas of incidents and outages as lines around their buildings, compared with a slow hull."""

import itertools
import math
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import Connection
from psycopg.rows import dict_row

from store.figures import building_rows
from tests.api import town

pytestmark = pytest.mark.plain_only

METRES = 111_320
INSERT_OUTAGE = """
INSERT INTO outage (kind, stops_heating, reason, begins_at, expected_end)
VALUES ('planned', true, 'valves', now() - interval '1 h', now() + interval '1 h') RETURNING outage_id
"""
INSERT_AREA = "INSERT INTO outage_area (outage_id, building_id) SELECT %s, building_id FROM building WHERE code = %s"
INSERT_SUBSTATION = "INSERT INTO outage_area (outage_id, substation_id) SELECT %s, substation_id FROM substation"
Corner = tuple[float, float]


def text(places: list[Corner]) -> list[str]:
    return [f"({x},{y})" for x, y in places]


def corners(conn: Connection, function: str, places: list[Corner]) -> list[Corner]:
    """Return the points that a function makes of some places."""
    rows = conn.execute(
        f"SELECT p[0], p[1] FROM unnest({function}(%s::text[]::point[])) AS p".encode(), (text(places),)
    ).fetchall()
    return [(x, y) for x, y in rows]


def slow_hull(places: list[Corner]) -> set[Corner]:
    """Return the points that lie in no triangle, and between no two, of the others."""

    def turn(a: Corner, b: Corner, c: Corner) -> float:
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

    def within(p: Corner, three: tuple[Corner, ...]) -> bool:
        a, b, c = three
        turns = [turn(a, b, p), turn(b, c, p), turn(c, a, p)]
        flat = turn(a, b, c) == 0
        boxed = all(min(x[k] for x in three) <= p[k] <= max(x[k] for x in three) for k in (0, 1))
        return (all(t >= 0 for t in turns) or all(t <= 0 for t in turns)) and (boxed if flat else True)

    distinct = sorted(set(places))
    return {
        p
        for p in distinct
        if not any(within(p, three) for three in itertools.combinations([q for q in distinct if q != p], 3))
    }


def test_a_hull_is_that_of_the_slow_way(connection: Connection) -> None:
    draw = random.Random(11)
    for count in (4, 5, 8, 12):
        for _ in range(12):
            places = [(float(draw.randrange(6)), float(draw.randrange(6))) for _ in range(count)]
            if len(set(places)) < 4:
                continue
            assert set(corners(connection, "convex_hull", places)) == slow_hull(places), places


@pytest.mark.parametrize(
    "places", [[(123.4, 41.8)], [(123.4, 41.8), (123.41, 41.8)], [(n / 100, 41.8) for n in range(5)]]
)
def test_a_line_runs_around_its_places_at_one_distance(connection: Connection, places: list[Corner]) -> None:
    line = corners(connection, "area_outline", places)
    east = METRES * math.cos(math.radians(places[0][1]))

    def metres(a: Corner, b: Corner) -> float:
        return math.hypot((a[0] - b[0]) * east, (a[1] - b[1]) * METRES)

    assert 20 <= len(line) <= 280
    assert all(metres(a, b) > 80 for a in line for b in places)
    assert min(metres(a, places[0]) for a in line) < 91
    gaps = [metres(a, b) for a, b in itertools.pairwise([*line, line[0]])]
    assert max(gaps) <= max(25.0, sum(gaps) / 200) * 1.05


def test_no_place_has_no_line(connection: Connection) -> None:
    assert corners(connection, "area_outline", []) == []
    assert corners(connection, "area_outline", [(999.0, 41.8), (123.4, float("nan"))]) == []


def areas(conn: Connection) -> list[dict[str, Any]]:
    with conn.cursor(row_factory=dict_row) as cur:
        return cur.execute(
            "SELECT area, state, name, stations, homes, cardinality(outline) AS dots FROM area_open ORDER BY number"
        ).fetchall()


def test_an_outage_has_the_buildings_of_its_places(connection: Connection) -> None:
    for n in range(3):
        town.home(connection, f"H{n}", building=f"B{n}")
    connection.execute("UPDATE building SET lat = 41.8, lon = 123.4 + building_id * 0.01, name = code")
    ((outage,),) = connection.execute(INSERT_OUTAGE).fetchall()
    connection.execute(INSERT_AREA, (outage, "B0"))
    connection.execute(INSERT_AREA, (outage, "B1"))
    (found,) = areas(connection)
    assert (found["area"], found["state"], found["name"], found["homes"]) == ("outage", "running", "B0, B1", 2)
    assert found["dots"] > 60
    connection.execute("UPDATE building SET lat = NULL")
    assert areas(connection)[0]["dots"] is None, "without coordinates there is no line, and no error"


def test_an_outage_of_a_substation_is_named_after_it(connection: Connection) -> None:
    town.home(connection, "H1")
    ((outage,),) = connection.execute(INSERT_OUTAGE).fetchall()
    connection.execute(INSERT_SUBSTATION, (outage,))
    ((name,),) = connection.execute("SELECT name FROM substation").fetchall()
    assert [found["name"] for found in areas(connection)] == [name]


def test_the_coldest_home_of_a_building_is_a_judged_one(connection: Connection) -> None:
    """Heat that was stopped on purpose is not what a map should show as cold."""
    for code, state, celsius in (("judged", 5, 17.0), ("stopped", 0, 5.0)):
        home = town.home(connection, code, state=state)
        town.sensor_now(connection, town.sensor(connection, home, f"s-{code}"), home, celsius)
    question = "SELECT coldest, mean, not_judged FROM building_now"
    assert connection.execute(question).fetchall() == [(17.0, 17.0, 1)]
    building_rows.count_all(connection, datetime.now(UTC) + timedelta(seconds=1))
    assert connection.execute(question).fetchall() == [(17.0, 17.0, 1)]
