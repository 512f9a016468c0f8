"""Places, outages and people for answers about the state of a home."""

from datetime import timedelta
from typing import Any

from psycopg import Connection

from domain.states import HomeState
from tests.api import town

INSERT_OUTAGE = """
INSERT INTO outage (kind, stops_heating, reason, begins_at, expected_end, announced_at)
VALUES (%s, true, 'a burst pipe', %s, %s, %s) RETURNING outage_id
"""
INSERT_PLACE = """
INSERT INTO outage_area (outage_id, substation_id)
SELECT %s, substation_id FROM substation WHERE station = %s
"""
INSERT_ADDRESSEE = """
INSERT INTO addressee (audience, home_id, channel, language, ended_at) VALUES ('user', %s, %s, 'zh', %s)
RETURNING addressee_id
"""
INSERT_CONTACT = """
INSERT INTO person.contact (addressee_id, address, consent_at, resident, name) VALUES (%s, 'x', %s, %s, %s)
"""


def people(conn: Connection, station: str, warm: int = 0, cold: int = 0, unknown: int = 0) -> None:
    """Store homes behind the substation of a station."""
    states = [HomeState.WARM] * warm + [HomeState.COLD] * cold + [HomeState.UNKNOWN] * unknown
    for number, state in enumerate(states):
        town.home(conn, f"home-{station}-{number}", building=f"B-{station}", station=station, state=state)


def contact(conn: Connection, home: int, channel: str = "phone", **of: Any) -> None:
    """Store a way to tell somebody of a home: by default one who has agreed."""
    row = conn.execute(INSERT_ADDRESSEE, (home, channel, of.get("ended_at"))).fetchone()
    assert row is not None
    agreed = of.get("consent_at", town.NOW - timedelta(hours=1))
    conn.execute(INSERT_CONTACT, (row[0], agreed, of.get("resident"), of.get("name")))
