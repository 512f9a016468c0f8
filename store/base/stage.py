"""Temporary tables that stage batches; each connection that writes batches creates its own once."""

from psycopg import Connection

OPEN = """
CREATE TEMPORARY TABLE IF NOT EXISTS stage_reading (
  sensor_id integer, measured_at timestamptz, received_at timestamptz,
  temperature real, humidity real, battery real, quality smallint, self_timed boolean, nth integer
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS stage_substation_reading (
  sensor_id integer, measured_at timestamptz, received_at timestamptz,
  supply_temperature real, return_temperature real, supply_pressure real, return_pressure real,
  flow real, heat_power real, outdoor_temperature real, implausible smallint, self_timed boolean, nth integer
) ON COMMIT DELETE ROWS;
"""

# A batch is small compared with the city: force index lookups, as the planner has no statistics of temporary tables.
LOOK_UP = "SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off"


def open_stages(conn: Connection) -> None:
    """Create the temporary tables of a connection and set it up for batches. The caller commits."""
    conn.execute(OPEN)
    conn.execute(LOOK_UP)
