"""Readiness of the schema: compares the applied migrations with those of this version."""

from psycopg import Connection

from store.base.migrate import made_for, scripts

SELECT_RECORDED = "SELECT to_regclass('schema_migration') IS NOT NULL"
SELECT_APPLIED = "SELECT name FROM schema_migration"


def unapplied(conn: Connection) -> list[str]:
    """Return the names of missing migrations; `flavour` stands for all files of a flavour that was never chosen."""
    applied = _applied(conn)
    chosen = made_for(applied)
    missing = [name for name in scripts(chosen) if name not in applied]
    return missing if chosen else [*missing, "flavour"]


def migrated_for(conn: Connection) -> str | None:
    """Return the flavour of the database; None: not chosen yet."""
    return made_for(_applied(conn))


def _applied(conn: Connection) -> set[str]:
    if conn.execute(SELECT_RECORDED).fetchone() != (True,):
        return set()
    return {name for (name,) in conn.execute(SELECT_APPLIED)}
