"""Factories for registry rows in a test database: defaults for everything, arguments for what a test is about."""

from datetime import datetime, time
from itertools import count

from psycopg import Connection

NUMBER = count(1)


def building(conn: Connection, station: str = "East") -> int:
    """Return a building under a substation of its own; returns its id."""
    n = next(NUMBER)
    substation = _one(
        conn,
        "INSERT INTO substation (code, name, station) VALUES (%s, %s, %s) RETURNING substation_id",
        (f"S{n}", f"Substation {n}", station),
    )
    return _one(
        conn,
        "INSERT INTO building (code, substation_id, name, address) VALUES (%s, %s, %s, '') RETURNING building_id",
        (f"B{n}", substation, f"Building {n}"),
    )


def home(
    conn: Connection,
    code: str,
    *,
    building_id: int | None = None,
    home_class: str = "multistorey",
    contract: tuple[float, time | None, time | None] | None = None,
    status: tuple[tuple[datetime | None, str], ...] = ((None, "on"),),
) -> int:
    """Return a home with its state row; returns its id."""
    limit, opens, closes = contract or (None, None, None)
    home_id = _one(
        conn,
        "INSERT INTO home (code, building_id, unit, class, contract_limit, contract_from, contract_to) "
        "VALUES (%s, %s, '1', %s, %s, %s, %s) RETURNING home_id",
        (code, building_id or building(conn), home_class, limit, opens, closes),
    )
    with conn.transaction():  # the past of a home comes together: what was stopped has heat again
        for since, what in status:
            conn.execute(
                "INSERT INTO home_status (home_id, since, status) "
                "VALUES (%s, coalesce(%s, '-infinity'::timestamptz), %s)",
                (home_id, since, what),
            )
    conn.execute("INSERT INTO home_state (home_id) VALUES (%s)", (home_id,))
    return home_id


def sensor(
    conn: Connection,
    code: str,
    home_id: int | None,
    *,
    substation_id: int | None = None,
    room_kind: str = "living",
    interval_s: int = 300,
    offset_k: float = 0.0,
    gateway: str | None = None,
    valid: tuple[datetime | None, datetime | None] = (None, None),
) -> int:
    """Return a sensor at a place; a second call with the same code adds a place. Returns the sensor's id."""
    conn.execute("INSERT INTO sensor (code) VALUES (%s) ON CONFLICT DO NOTHING", (code,))
    sensor_id = _one(conn, "SELECT sensor_id FROM sensor WHERE code = %s", (code,))
    room = room_kind if home_id else None
    conn.execute(
        "INSERT INTO point (sensor_id, home_id, substation_id, gateway, room, room_kind, interval_s, offset_k, "
        "valid_from, valid_to) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (sensor_id, home_id, substation_id, gateway, room, room, interval_s, offset_k, *valid),
    )
    conn.execute(
        "INSERT INTO sensor_now (sensor_id, substation_id) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        (sensor_id, substation_id),
    )
    return sensor_id


def _one(conn: Connection, statement: str, params: tuple[object, ...]) -> int:
    row = conn.execute(statement.encode(), params).fetchone()
    assert row is not None
    return int(row[0])
