"""Errors of a database that cannot be written to for now; trying again later helps."""

import psycopg

# Connections, a full disk and other resources (class 53), shutdowns (57), deadlocks (40) are all OperationalError to
# psycopg; a standby that is not promoted yet, or a server that was set to read only, is not.
AWAY = (psycopg.OperationalError, psycopg.errors.ReadOnlySqlTransaction)


def what_is_wrong(error: Exception) -> str:
    """Name it in a log: the server is not there, or only answers questions."""
    return "database read-only" if isinstance(error, psycopg.errors.ReadOnlySqlTransaction) else "database away"
