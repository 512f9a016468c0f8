"""Errors of a database that is temporarily not writable; a retry helps."""

import psycopg

# psycopg raises OperationalError for connection failures, exhausted resources such as a full disk (class 53), shutdowns
# (57) and deadlocks (40), but not for a standby that is not promoted yet or a server set to read-only.
AWAY = (psycopg.OperationalError, psycopg.errors.ReadOnlySqlTransaction)
# Class 54, which psycopg has among its OperationalErrors, too: a name that no index takes, a text nested too deep. The
# fault lies in what was given, and waiting does not help.
TOO_LARGE = (
    psycopg.errors.ProgramLimitExceeded,
    psycopg.errors.StatementTooComplex,
    psycopg.errors.TooManyColumns,
    psycopg.errors.TooManyArguments,
)


def is_away(error: Exception) -> bool:
    """Return whether an error is that of a database which a retry may find back, and not of what it was given."""
    return isinstance(error, AWAY) and not isinstance(error, TOO_LARGE)


def what_is_wrong(error: Exception) -> str:
    """Describe the failure for a log: database unreachable, read-only, or given more than it takes."""
    if isinstance(error, TOO_LARGE):
        return "too large for the database"
    return "database read-only" if isinstance(error, psycopg.errors.ReadOnlySqlTransaction) else "database away"
