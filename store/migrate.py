"""Bring a database up to date: numbered SQL files, then the file of the server's flavour.

Each file runs in a transaction of its own and is recorded with its checksum. A file whose text differs from what was
applied is refused: migrations are frozen text.
"""

import hashlib
from importlib.resources import files
from importlib.resources.abc import Traversable

from psycopg import Connection

from domain.errors import UsageError

LOCK_KEY = 7_238_151_001  # advisory lock: one migration at a time

CREATE_RECORD = """
CREATE TABLE IF NOT EXISTS schema_migration (
  name text PRIMARY KEY,
  checksum text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
)
"""
SELECT_APPLIED = "SELECT name, checksum FROM schema_migration"
INSERT_APPLIED = "INSERT INTO schema_migration (name, checksum) VALUES (%s, %s)"
SELECT_TIMESCALE = "SELECT count(*) FROM pg_available_extensions WHERE name = 'timescaledb'"
SELECT_PRELOADED = "SELECT current_setting('shared_preload_libraries') LIKE '%timescaledb%'"
SELECT_LICENCE = "SELECT current_setting('timescaledb.license', true)"


def flavour(conn: Connection) -> str:
    """The flavour the server offers: plain, timescale_apache or timescale_community."""
    available = conn.execute(SELECT_TIMESCALE).fetchone()
    preloaded = conn.execute(SELECT_PRELOADED).fetchone()
    if not available or not available[0] or not preloaded or not preloaded[0]:
        return "plain"
    conn.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    licence = conn.execute(SELECT_LICENCE).fetchone()
    return "timescale_community" if licence and licence[0] == "timescale" else "timescale_apache"


def migrate(conn: Connection) -> list[str]:
    """Apply what is missing, in order; returns the names applied now. Commits after each file.

    Raises:
        UsageError: an applied file has changed, or the database was made for another flavour.
    """
    conn.execute("SELECT pg_advisory_lock(%s)", (LOCK_KEY,))
    try:
        return _apply_missing(conn)
    finally:
        conn.rollback()
        conn.execute("SELECT pg_advisory_unlock(%s)", (LOCK_KEY,))
        conn.commit()


def _apply_missing(conn: Connection) -> list[str]:
    conn.execute(CREATE_RECORD)
    conn.commit()
    scripts = _scripts(flavour(conn))
    conn.commit()
    applied: dict[str, str] = dict(conn.execute(SELECT_APPLIED).fetchall())
    _refuse_changes(scripts, applied)
    missing = [name for name in scripts if name not in applied]
    for name in missing:
        with conn.transaction():
            conn.execute(scripts[name].encode())
            conn.execute(INSERT_APPLIED, (name, _checksum(scripts[name])))
        conn.commit()
    return missing


def _refuse_changes(scripts: dict[str, str], applied: dict[str, str]) -> None:
    for name, checksum in applied.items():
        if name.startswith("flavour/") and name not in scripts:
            raise UsageError(f"the database was migrated with {name}, and the server now offers another flavour")
        if name in scripts and _checksum(scripts[name]) != checksum:
            raise UsageError(f"migration {name} has changed since it was applied: restore its text, add a new file")


def _scripts(chosen: str) -> dict[str, str]:
    """Name → text of every file this flavour needs, in the order to apply."""
    root = files("store") / "migrations"
    numbered = sorted((f for f in root.iterdir() if f.name.endswith(".sql")), key=_name)
    ordered = [*numbered, root / "flavour" / f"{chosen}.sql"]
    return {("flavour/" if f not in numbered else "") + f.name: f.read_text(encoding="utf-8") for f in ordered}


def _name(file: Traversable) -> str:
    return file.name


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
