"""The time that a transaction allows its own statements."""

from psycopg import Connection

SET_MOST = "SELECT set_config('statement_timeout', %(milliseconds)s::text, true)"


def statements_at_most(conn: Connection, seconds: int) -> None:
    """Give up a statement that takes longer, until the transaction ends: QueryCanceled."""
    conn.execute(SET_MOST, {"milliseconds": seconds * 1000})
