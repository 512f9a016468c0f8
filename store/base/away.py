"""Errors of a database that is temporarily not writable; a retry helps."""

import psycopg

# psycopg raises OperationalError for connection failures, exhausted resources such as a full disk (class 53), shutdowns
# (57) and deadlocks (40), but not for a standby that is not promoted yet or a server set to read-only.
AWAY = (psycopg.OperationalError, psycopg.errors.ReadOnlySqlTransaction)


def what_is_wrong(error: Exception) -> str:
    """Describe the failure for a log: database unreachable, or read-only."""
    return "database read-only" if isinstance(error, psycopg.errors.ReadOnlySqlTransaction) else "database away"
