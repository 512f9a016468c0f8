"""Query results as dictionaries, for API answers; the columns carry their public names."""

from collections.abc import Mapping
from typing import Any, LiteralString, TypeAlias

from psycopg import Connection
from psycopg.rows import dict_row

Row: TypeAlias = dict[str, Any]


def fetch(
    conn: Connection, query: LiteralString, parameters: Mapping[str, Any], *, prepare: bool | None = None
) -> list[Row]:
    """Return all rows of a statement as dictionaries.

    Args:
        prepare: False: planned for these parameters each time; None: prepared once it is used often.
    """
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, parameters, prepare=prepare).fetchall()
