"""Health of the database server, for the operator."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

SELECT_SERVER = """
SELECT
  current_setting('server_version') AS version,
  (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb') AS timescale,
  current_setting('timescaledb.license', true) AS licence,
  clock_timestamp() AS clock,
  pg_database_size(current_database()) AS bytes,
  pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS is_read_only
"""
# A job is dead if its last run failed, if it is long overdue, or if it never ran since its policy was created.
TIMESCALE_DEAD_JOBS = """
SELECT j.job_id, j.proc_name, j.hypertable_name, s.last_run_status = 'Failed' AS failed
FROM timescaledb_information.jobs AS j
LEFT JOIN timescaledb_information.job_stats AS s USING (job_id)
WHERE j.scheduled AND j.hypertable_name IS NOT NULL AND (
  s.last_run_status = 'Failed'
  OR s.last_run_status IS DISTINCT FROM 'Running' AND coalesce(
    nullif(j.next_start, '-infinity'),
    (SELECT max(m.applied_at) FROM schema_migration AS m WHERE m.name LIKE 'flavour/timescale_community/%%')
  ) < %(before)s
)
ORDER BY j.job_id
"""
# Role settings are not inherited from hearth_grafana: accounts created since the last migration lack them.
SELECT_TIRELESS = """
SELECT m.rolname FROM pg_roles AS m
WHERE m.rolcanlogin AND NOT m.rolsuper AND pg_has_role(m.oid, 'hearth_grafana', 'USAGE') AND NOT EXISTS (
  SELECT FROM pg_db_role_setting AS s
  WHERE s.setrole = m.oid AND s.setconfig::text LIKE '%statement_timeout=%'
    AND s.setdatabase IN (0, (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()))
)
ORDER BY m.rolname
"""
SELECT_ARCHIVE = """
SELECT
  current_setting('archive_mode') <> 'off' AS is_on,
  last_archived_time AS archived_at,
  last_failed_time AS failed_at,
  last_failed_wal AS failed
FROM pg_stat_archiver
"""


@dataclass(frozen=True)
class ServerCondition:
    """Version, clock and size of the database server."""

    version: str
    timescale: str | None  # version of the TimescaleDB extension
    licence: str | None  # its licence: apache or timescale (Community)
    clock: datetime
    bytes: int
    is_read_only: bool  # a standby, or set to read-only


@dataclass(frozen=True)
class WalArchive:
    """State of WAL archiving; without it, point-in-time recovery is impossible."""

    is_on: bool
    archived_at: datetime | None
    failed_at: datetime | None
    failed: str | None  # the segment that failed

    @property
    def fails(self) -> bool:
        """True if the last attempt failed. The server then keeps all WAL segments, and the disk fills up."""
        return self.failed_at is not None and (self.archived_at is None or self.failed_at > self.archived_at)


def server(conn: Connection) -> ServerCondition:
    """Return version, clock and size of the server."""
    with conn.cursor(row_factory=class_row(ServerCondition)) as cur:
        (found,) = cur.execute(SELECT_SERVER)
        return found


class DeadJob(NamedTuple):
    """A background job of TimescaleDB that fails or does not run."""

    job_id: int
    procedure: str
    relation: str
    failed: bool


def dead_jobs(conn: Connection, before: datetime) -> list[DeadJob]:
    """Find the jobs on Hearth's tables that failed, or were due before an instant and have not run."""
    return [DeadJob(*row) for row in conn.execute(TIMESCALE_DEAD_JOBS, {"before": before})]


def tireless(conn: Connection) -> list[str]:
    """Return the Grafana accounts without a statement timeout."""
    return [name for (name,) in conn.execute(SELECT_TIRELESS)]


def archive(conn: Connection) -> WalArchive:
    """Return the state of WAL archiving."""
    with conn.cursor(row_factory=class_row(WalArchive)) as cur:
        (found,) = cur.execute(SELECT_ARCHIVE)
        return found
