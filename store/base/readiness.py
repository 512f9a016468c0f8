"""Whether the database has everything this version needs."""

from psycopg import Connection

from store.base.migrate import made_for, scripts

SELECT_RECORDED = "SELECT to_regclass('schema_migration') IS NOT NULL"
SELECT_APPLIED = "SELECT name FROM schema_migration"


def unapplied(conn: Connection) -> list[str]:
    """What this version needs and the database lacks; `flavour` for all files of one, if it has none yet."""
    applied = _applied(conn)
    chosen = made_for(applied)
    missing = [name for name in scripts(chosen) if name not in applied]
    return missing if chosen else [*missing, "flavour"]


def migrated_for(conn: Connection) -> str | None:
    """The flavour that the database has; None: none yet."""
    return made_for(_applied(conn))


def _applied(conn: Connection) -> set[str]:
    if conn.execute(SELECT_RECORDED).fetchone() != (True,):
        return set()
    return {name for (name,) in conn.execute(SELECT_APPLIED)}
