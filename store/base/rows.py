"""Rows as dictionaries, for answers that people read: the columns are named as they see them."""

from collections.abc import Mapping
from typing import Any, LiteralString, TypeAlias

from psycopg import Connection
from psycopg.rows import dict_row

Row: TypeAlias = dict[str, Any]


def fetch(conn: Connection, query: LiteralString, parameters: Mapping[str, Any]) -> list[Row]:
    """All rows of a statement, one dictionary each."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, parameters).fetchall()
