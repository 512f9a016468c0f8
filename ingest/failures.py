"""Database errors that say something about the message that was to be stored."""

import psycopg

from store.base.away import TOO_LARGE

# Errors that lie in the database: another version of it, or rights that are not given. `hearth migrate` sets both.
NOT_MIGRATED = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.InsufficientPrivilege,
)
# Errors that lie in what was sent: trying again would not help.
OF_CONTENT = (psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError, *TOO_LARGE, ValueError)


class Superseded(Exception):
    """Another worker reads the partitions of a batch by now: nothing of it is stored."""
