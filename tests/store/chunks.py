"""The chunks that a statement opens."""

from psycopg import Connection

# What a transaction has a lock on is what a plan has in it, used or not, also inside functions and views.
OPENED = r"""
SELECT count(DISTINCT c.oid)::integer FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
WHERE l.pid = pg_backend_pid() AND c.relkind = 'r' AND c.relname ~ '^_hyper_\d+_\d+_chunk$'
"""


def opened(conn: Connection) -> int:
    """Return how many chunks this transaction has opened so far."""
    ((count,),) = conn.execute(OPENED.encode()).fetchall()
    return int(count)
