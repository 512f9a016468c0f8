"""Whether the database has everything this version needs."""

from importlib.resources import files

from psycopg import Connection

SELECT_RECORDED = "SELECT to_regclass('schema_migration') IS NOT NULL"
SELECT_APPLIED = "SELECT name FROM schema_migration"


def unapplied(conn: Connection) -> list[str]:
    """The numbered migrations that are not applied yet, and `flavour` if the last step is missing."""
    if conn.execute(SELECT_RECORDED).fetchone() != (True,):
        return _numbered()
    applied = {name for (name,) in conn.execute(SELECT_APPLIED)}
    flavour = [] if any(name.startswith("flavour/") for name in applied) else ["flavour"]
    return [name for name in _numbered() if name not in applied] + flavour


def _numbered() -> list[str]:
    return sorted(f.name for f in (files("store") / "migrations").iterdir() if f.name.endswith(".sql"))
