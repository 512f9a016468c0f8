"""The role that keeps the registry and contacts, and makes tokens. The API takes it for changes by those who may."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Connection
from psycopg.pq import TransactionStatus

from store.base.identity_role import SELECT_BACK

# For the rest of the transaction, or until SELECT_BACK.
SELECT_INTO_OFFICE = """
SELECT set_config('role', 'hearth_office', true) WHERE current_setting('role') = 'hearth_api'
"""


@contextmanager
def in_office(conn: Connection) -> Iterator[None]:
    """Let the API's role keep records; another account keeps the role that it has.

    Row-level security holds inside as outside; contacts are reached with the right to reveal alone.
    """
    as_api = conn.execute(SELECT_INTO_OFFICE).fetchone() is not None
    try:
        yield
    finally:
        # A refusal leaves the transaction as it is; after an error of the database the role goes with it.
        if as_api and conn.info.transaction_status is TransactionStatus.INTRANS:
            conn.execute(SELECT_BACK)
