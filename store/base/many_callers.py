"""Many callers at one moment: their tokens found by one statement, and their scopes as arrays."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import LiteralString

from psycopg import Connection

from store.base import wire
from store.base.access import SETTINGS, TOKEN_COLUMNS, VALID_TOKEN, Asker, Scope, asker_of, digest, settings

_OF_THESE: LiteralString = "AND t.hash = ANY (%(hashes)s::bytea[])"
SELECT_TOKENS: LiteralString = "SELECT" + TOKEN_COLUMNS + VALID_TOKEN + _OF_THESE
# The same, and the rest of the transaction is in the API's role, which reaches nothing yet.
SELECT_TOKENS_INTO_NOWHERE: LiteralString = (
    "SELECT"
    + TOKEN_COLUMNS
    + """,
  ARRAY[
    set_config('role', 'hearth_api', true), set_config('hearth.everywhere', '', true),
    set_config('hearth.station', '', true), set_config('hearth.homes', '{}', true),
    set_config('hearth.since', '{}', true), set_config('hearth.days', '{}', true), set_config('hearth.role', '', true),
    set_config('hearth.rights', '', true), set_config('hearth.until', '', true)
  ]
"""
    + VALID_TOKEN
    + _OF_THESE
)


def find_all(conn: Connection, tokens: Collection[str], now: datetime) -> dict[str, Asker]:
    """Return the callers by token; invalid tokens are left out."""
    return _found(conn, SELECT_TOKENS, tokens, now)


def enter_nowhere_by(conn: Connection, tokens: Collection[str], now: datetime) -> dict[str, Asker]:
    """Find callers as `find_all` does, and limit the rest of the transaction to nothing, for who enters each scope.

    Without a valid token nothing is entered.
    """
    return _found(conn, SELECT_TOKENS_INTO_NOWHERE, tokens, now)


def columns(scopes: Sequence[Scope]) -> dict[str, str]:
    """Return the settings of scopes as the text of arrays, for a function that enters one after the other."""
    found = [settings(scope) for scope in scopes]
    return {name: wire.array(one[name] for one in found) for name in SETTINGS}


def _found(conn: Connection, statement: LiteralString, tokens: Collection[str], now: datetime) -> dict[str, Asker]:
    hashes = {digest(token): token for token in tokens}
    told = wire.array(f"\\x{found.hex()}" for found in hashes)
    rows = conn.execute(statement, {"hashes": told, "now": now}, binary=True).fetchall()
    return {hashes[bytes(row[0])]: asker_of(row) for row in rows}
