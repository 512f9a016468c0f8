"""Places, outages and people for answers about the state of a home."""

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


def people(conn: Connection, station: str, warm: int = 0, cold: int = 0, unknown: int = 0) -> None:
    """Store homes behind the substation of a station."""
    states = [HomeState.WARM] * warm + [HomeState.COLD] * cold + [HomeState.UNKNOWN] * unknown
    for number, state in enumerate(states):
        town.home(conn, f"home-{station}-{number}", building=f"B-{station}", station=station, state=state)
