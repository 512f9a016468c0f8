"""Figures of the database server, for Prometheus. They need no table of Hearth's and no right to one."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

# A standby replays a log of its own: there, positions of the primary do not exist.
SELECT_SERVER = """
SELECT
  pg_database_size(current_database()) AS bytes,
  (SELECT sum(numbackends) FROM pg_stat_database)::integer AS connections,
  current_setting('max_connections')::integer AS most_connections,
  (SELECT age(datfrozenxid) FROM pg_database WHERE datname = current_database()) AS oldest_transaction,
  (SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()) AS deadlocks,
  pg_is_in_recovery() AS is_standby,
  EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') AS has_timescale,
  pg_postmaster_start_time() AS started_at,
  clock_timestamp() AS clock
"""
SELECT_REPLICAS = """
SELECT
  application_name AS name, coalesce(client_addr::text, 'local') AS address, state = 'streaming' AS is_streaming,
  coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn), 0)::bigint AS behind_bytes,
  coalesce(extract(epoch FROM replay_lag), 0)::double precision AS behind_s
FROM pg_stat_replication
WHERE application_name <> 'pg_basebackup' AND state <> 'backup'
ORDER BY name, address
"""
# A slot that nobody reads keeps the log until the disk is full.
SELECT_SLOTS = """
SELECT
  slot_name AS name, active AS is_active, coalesce(wal_status = 'lost', false) AS is_lost,
  coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint AS kept_bytes
FROM pg_replication_slots WHERE NOT temporary ORDER BY name
"""
# Overdue: the next start is past, or the job has never been given one, as where no scheduler runs.
TIMESCALE_JOBS = """
SELECT
  j.job_id, j.proc_name AS procedure, coalesce(j.hypertable_name, '') AS relation,
  coalesce(s.last_run_status = 'Failed', false) AS is_failed,
  coalesce(s.total_failures, 0) AS failures,
  CASE WHEN s.last_run_status IS DISTINCT FROM 'Running'
    THEN greatest(extract(epoch FROM
      %(now)s::timestamptz - coalesce(nullif(j.next_start, '-infinity'), pg_postmaster_start_time())
    ), 0)
    ELSE 0
  END::double precision AS overdue_s
FROM timescaledb_information.jobs AS j
LEFT JOIN timescaledb_information.job_stats AS s USING (job_id)
WHERE j.scheduled AND j.hypertable_name IS NOT NULL
ORDER BY j.job_id
"""
# How long ago the policy should have converted the oldest chunk that it has not.
TIMESCALE_CONVERSION = """
SELECT
  j.hypertable_name AS relation,
  greatest(coalesce(max(extract(epoch FROM
    %(now)s::timestamptz - c.range_end - (j.config ->> 'compress_after')::interval
  )), 0), 0)::double precision AS behind_s
FROM timescaledb_information.jobs AS j
LEFT JOIN timescaledb_information.chunks AS c
  ON c.hypertable_schema = j.hypertable_schema AND c.hypertable_name = j.hypertable_name AND NOT c.is_compressed
WHERE j.config ? 'compress_after' AND j.scheduled
GROUP BY j.hypertable_name
ORDER BY relation
"""


@dataclass(frozen=True)
class DatabaseServer:
    """Size and load of the server."""

    bytes: int
    connections: int
    most_connections: int
    oldest_transaction: int  # in transactions; at two thousand million the server stops
    deadlocks: int
    is_standby: bool
    has_timescale: bool
    started_at: datetime
    clock: datetime


class Replica(NamedTuple):
    """A standby server that follows this one."""

    name: str
    address: str
    is_streaming: bool
    behind_bytes: int
    behind_s: float


class ReplicationSlot(NamedTuple):
    """A place in the log that is kept for a standby."""

    name: str
    is_active: bool
    is_lost: bool
    kept_bytes: int


class BackgroundJob(NamedTuple):
    """A background job of TimescaleDB on a table of Hearth's."""

    job_id: int
    procedure: str
    relation: str
    is_failed: bool
    failures: int
    overdue_s: float


class Conversion(NamedTuple):
    """The delay of the conversion of old chunks into columns, against its policy."""

    relation: str
    behind_s: float


def server(conn: Connection) -> DatabaseServer:
    """Return size and load of the server."""
    with conn.cursor(row_factory=class_row(DatabaseServer)) as cur:
        (found,) = cur.execute(SELECT_SERVER)
        return found


def replicas(conn: Connection) -> list[Replica]:
    """Return the standbys of a primary. Without the right pg_read_all_stats their positions are unknown: 0."""
    return [Replica(*row) for row in conn.execute(SELECT_REPLICAS)]


def slots(conn: Connection) -> list[ReplicationSlot]:
    """Return the replication slots of a primary."""
    return [ReplicationSlot(*row) for row in conn.execute(SELECT_SLOTS)]


def jobs(conn: Connection, now: datetime) -> list[BackgroundJob]:
    """Return the background jobs; the server must have TimescaleDB."""
    return [BackgroundJob(*row) for row in conn.execute(TIMESCALE_JOBS, {"now": now})]


def conversions(conn: Connection, now: datetime) -> list[Conversion]:
    """Return how far each conversion is behind; the server must have TimescaleDB."""
    return [Conversion(*row) for row in conn.execute(TIMESCALE_CONVERSION, {"now": now})]
