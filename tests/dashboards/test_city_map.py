"""The colour and the size of a building's dot: its judged homes alone."""

from datetime import UTC, datetime
from typing import Any

import pytest
from psycopg import Connection
from psycopg.rows import dict_row

from bench.panels import expand
from dashboards.city_map import AREAS, BUILDINGS, LEGEND
from tests.api import town

pytestmark = pytest.mark.plain_only

STOPPED, UNKNOWN, WARM, COLD, SEVERE = 0, 1, 2, 5, 6
NOW = datetime.now(UTC)


def asked(conn: Connection, statement: str) -> list[dict[str, Any]]:
    stations = [name for (name,) in conn.execute("SELECT DISTINCT station FROM substation")]
    with conn.cursor(row_factory=dict_row) as cur:
        return cur.execute(expand(statement, {"station": stations}, NOW, NOW).encode()).fetchall()


def settle(conn: Connection, **buildings: list[int]) -> None:
    """Store buildings with homes in some states; the heat of those that are not judged is off, so they are cold."""
    for building, states in buildings.items():
        for number, state in enumerate(states):
            home = town.home(conn, f"{building}-{number}", building=building, state=state)
            celsius = {STOPPED: 6.0, WARM: 20.0, COLD: 17.0, SEVERE: 14.0}.get(state)
            if celsius is not None:
                town.sensor_now(conn, town.sensor(conn, home, f"s-{building}-{number}"), home, celsius)
    conn.execute("UPDATE building SET lat = 41.8, lon = 123.4, name = code")


def test_the_colour_is_that_of_the_coldest_judged_home(connection: Connection) -> None:
    settle(
        connection,
        severe=[WARM, COLD, SEVERE],
        cold=[WARM, COLD, UNKNOWN, UNKNOWN],
        compliant=[WARM, STOPPED],
        unknown=[WARM, UNKNOWN, UNKNOWN],
        not_judged=[STOPPED, STOPPED],
    )
    found = {row["building"]: row for row in asked(connection, BUILDINGS)}
    assert {name: row["map_state"] for name, row in found.items()} == {name: name for name in found}
    assert found["compliant"]["coldest"] == 20.0, "a home without heat is cold on purpose"
    assert found["not_judged"]["coldest"] is None
    assert {name: row["cold_homes"] for name, row in found.items() if row["cold_homes"]} == {"severe": 2, "cold": 1}
    assert asked(connection, LEGEND) == [dict.fromkeys(asked(connection, LEGEND)[0], 1)]


def test_a_dot_tells_the_ticket_of_its_cold_homes(connection: Connection) -> None:
    settle(connection, b1=[COLD, COLD], b2=[WARM])
    homes = connection.execute("SELECT home_id FROM home WHERE code LIKE 'b1%' ORDER BY home_id").fetchall()
    for (home,) in homes:
        ticket, _ = town.ticket(connection, home)
        town.flag(connection, home, ticket)
    found = {row["building"]: row["ticket"] for row in asked(connection, BUILDINGS)}
    assert found["b1"].endswith(" +1")
    assert found["b2"] is None
    assert asked(connection, AREAS) == []
