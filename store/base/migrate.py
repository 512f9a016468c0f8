"""Migrations: numbered SQL files, the steps of the server's flavour between them, then roles and grants.

Each file runs in its own transaction and is recorded with its checksum. An applied file with a different checksum is
refused: migrations are frozen. Roles and grants (`store/grants.sql`) are applied every time.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable

from psycopg import Connection
from psycopg.errors import InsufficientPrivilege

from domain.errors import UsageError
from store.base import locks
from store.base.locks import LockKey

OLDEST_SERVER = 160_000  # GRANT … WITH SET needs PostgreSQL 16
FLAVOUR = "flavour/"
# Steps of each flavour: an Apache edition database can be upgraded to Community.
LINEAGE: Mapping[str, Sequence[str]] = {
    "plain": ("plain",),
    "timescale_apache": ("timescale_apache",),
    "timescale_community": ("timescale_apache", "timescale_community"),
}
# Migration names that only databases of releases before 1.0 have, one per flavour.
BEFORE_1_0 = frozenset(f"{FLAVOUR}{name}.sql" for name in LINEAGE)

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
# A setting that the extension's loader defines; reading shared_preload_libraries itself needs a privilege.
SELECT_LOADED = """
SELECT
  EXISTS (SELECT FROM pg_settings WHERE name = 'timescaledb.max_background_workers')
  OR EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')
"""
SELECT_LICENCE = "SELECT current_setting('timescaledb.license', true)"


def flavour(conn: Connection) -> str:
    """Return the flavour that the server offers: plain, timescale_apache or timescale_community."""
    available = conn.execute(SELECT_TIMESCALE).fetchone()
    loaded = conn.execute(SELECT_LOADED).fetchone()
    if not available or not available[0] or not loaded or not loaded[0]:
        return "plain"
    conn.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    licence = conn.execute(SELECT_LICENCE).fetchone()
    return "timescale_community" if licence and licence[0] == "timescale" else "timescale_apache"


def refuse_old_server(conn: Connection) -> None:
    """Refuse a server older than the oldest supported version, or a database in another encoding; writes nothing.

    Raises:
        UsageError: names the version or encoding that is there, and the one that is needed.
    """
    if conn.info.server_version < OLDEST_SERVER:
        found, needed = conn.info.server_version // 10_000, OLDEST_SERVER // 10_000
        raise UsageError(f"HEARTH_DATABASE_URL: this is PostgreSQL {found}, Hearth needs {needed} or later")
    # In SQL_ASCII, as initdb makes it without a locale, texts come back as bytes.
    if (encoding := conn.info.parameter_status("server_encoding")) != "UTF8":
        raise UsageError(f"HEARTH_DATABASE_URL: this database is in {encoding}: make it with ENCODING 'UTF8'")


def migrate(conn: Connection) -> list[str]:
    """Apply missing migrations in order; returns their names. Commits after each file.

    Raises:
        UsageError: the server is too old, an applied file has changed, the database was made for another flavour, or
            the account may not create roles.
    """
    refuse_old_server(conn)
    locks.lock_session(conn, LockKey.MIGRATION)
    try:
        applied = _apply_missing(conn)
        _grant(conn)
        return applied
    finally:
        conn.rollback()
        locks.unlock_session(conn, LockKey.MIGRATION)
        conn.commit()


def made_for(applied: Iterable[str]) -> str | None:
    """Return the flavour that a database was migrated for, from the names of its migrations."""
    seen = {name.removeprefix(FLAVOUR).partition("/")[0] for name in applied if _of_flavour(name)}
    return next((chosen for chosen in reversed(list(LINEAGE)) if chosen in seen), None)


def _apply_missing(conn: Connection) -> list[str]:
    conn.execute(CREATE_RECORD)
    conn.commit()
    chosen = flavour(conn)
    conn.commit()
    applied: dict[str, str] = dict(conn.execute(SELECT_APPLIED).fetchall())
    needed = scripts(chosen)
    _refuse_changes(needed, applied)
    missing = [name for name in needed if name not in applied]
    for name in missing:
        with conn.transaction():
            conn.execute(needed[name].encode())
            conn.execute(INSERT_APPLIED, (name, checksum(needed[name])))
        conn.commit()
    return missing


def _grant(conn: Connection) -> None:
    text = (files("store") / "grants.sql").read_text(encoding="utf-8")
    try:
        with conn.transaction():
            conn.execute(text.encode())
    except InsufficientPrivilege as error:
        raise UsageError(
            f"roles and rights: {error.diag.message_primary}. The account that migrates needs CREATEROLE and has to "
            "own the tables; or let an administrator create the roles at the top of store/grants.sql"
        ) from None
    conn.commit()


def _refuse_changes(needed: dict[str, str], applied: dict[str, str]) -> None:
    if not BEFORE_1_0.isdisjoint(applied):
        raise UsageError("the database was made by a release before 1.0, which has no way up: migrate an empty one")
    for name, recorded in applied.items():
        if _of_flavour(name) and name not in needed:
            raise UsageError(f"the database was migrated with {name}, and the server now offers another flavour")
        if name in needed and checksum(needed[name]) != recorded:
            raise UsageError(f"migration {name} has changed since it was applied: restore its text, add a new file")


def scripts(chosen: str | None) -> dict[str, str]:
    """Name → text of every numbered file and of every file of a flavour, in the order to apply.

    A flavour has a folder of steps, each of which comes after the file of its number.
    """
    root = files("store") / "migrations"
    found = [(file.name, file.name, file) for file in _sql(root)]
    for part in LINEAGE[chosen] if chosen else ():
        found += [(file.name, f"{FLAVOUR}{part}/{file.name}", file) for file in _sql(root / "flavour" / part)]
    found.sort(key=lambda one: one[:2])
    return {name: file.read_text(encoding="utf-8") for _, name, file in found}


def _sql(folder: Traversable) -> list[Traversable]:
    return [file for file in folder.iterdir() if file.name.endswith(".sql")]


def _of_flavour(name: str) -> bool:
    return name.startswith(FLAVOUR)


def checksum(text: str) -> str:
    """Return the checksum that identifies a file's text."""
    return hashlib.sha256(text.encode()).hexdigest()
