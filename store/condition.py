"""The database server as its operator sees it."""

from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection
from psycopg.rows import class_row

SELECT_SERVER = """
SELECT
  current_setting('server_version') AS version,
  (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb') AS timescale,
  current_setting('timescaledb.license', true) AS licence,
  clock_timestamp() AS clock,
  pg_database_size(current_database()) AS bytes
"""
# Role settings are not inherited from hearth_grafana, so accounts made since the last migration lack them.
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
class Server:
    """What the server is, its clock, and how large our database is."""

    version: str
    timescale: str | None  # version of the extension
    licence: str | None  # its licence: apache or timescale (Community)
    clock: datetime
    bytes: int


@dataclass(frozen=True)
class Archive:
    """What becomes of the write-ahead log, without which no instant can be recovered."""

    is_on: bool
    archived_at: datetime | None
    failed_at: datetime | None
    failed: str | None  # the file that could not be archived

    @property
    def fails(self) -> bool:
        """Whether the last attempt failed. Then the log is kept where it is, and fills the disk."""
        return self.failed_at is not None and (self.archived_at is None or self.failed_at > self.archived_at)


def server(conn: Connection) -> Server:
    """The server behind a connection."""
    with conn.cursor(row_factory=class_row(Server)) as cur:
        (found,) = cur.execute(SELECT_SERVER)
        return found


def tireless(conn: Connection) -> list[str]:
    """Return the accounts of dashboards whose statements may run without end."""
    return [name for (name,) in conn.execute(SELECT_TIRELESS)]


def archive(conn: Connection) -> Archive:
    """How its log is archived."""
    with conn.cursor(row_factory=class_row(Archive)) as cur:
        (found,) = cur.execute(SELECT_ARCHIVE)
        return found
