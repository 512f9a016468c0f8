"""The role that may be told of persons. The API takes it for single statements, whose caller writes down each look."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Connection

# For the rest of the transaction, or until SELECT_BACK: the only role that may be told.
SELECT_INTO_IDENTITY = """
SELECT set_config('role', 'hearth_identity', true) WHERE current_setting('role') = 'hearth_api'
"""
SELECT_BACK = "SELECT set_config('role', 'hearth_api', true)"


@contextmanager
def told_of_persons(conn: Connection) -> Iterator[None]:
    """Let the API's role be told of persons for a statement; another account keeps the role that it has."""
    as_api = conn.execute(SELECT_INTO_IDENTITY).fetchone() is not None
    yield  # after an error the transaction is over, and the role with it
    if as_api:
        conn.execute(SELECT_BACK)
