"""API tokens as a list; made and ended for a caller, who gives nothing that is not the caller's own."""

from datetime import datetime
from typing import LiteralString

from psycopg import Connection
from psycopg.errors import InsufficientPrivilege

from store.base import access
from store.base.access import TokenGrant
from store.base.office_role import in_office
from store.base.rows import Row, fetch

_LISTED: LiteralString = """
SELECT
  t.token_id, t.label, t.role, t.station, t.rights, t.created_at, t.expires_at, t.revoked_at,
  ARRAY(SELECT h.code FROM token_home AS x JOIN home AS h USING (home_id) WHERE x.token_id = t.token_id ORDER BY h.code)
    AS homes,
  ARRAY(SELECT DISTINCT x.resident FROM token_home AS x WHERE x.token_id = t.token_id AND x.resident IS NOT NULL)
    AS residents,
  (SELECT min(x.from_at) FROM token_home AS x WHERE x.token_id = t.token_id) AS from_at
FROM token AS t
WHERE t.staff_id IS NULL
"""
SELECT_TOKENS: LiteralString = _LISTED + "ORDER BY t.token_id"
# What the caller is says the database, by the token that it found: beside the check of the route.
SELECT_LATEST: LiteralString = (
    _LISTED
    + "AND current_setting('hearth.role', true) = 'admin' AND coalesce(t.token_id < %(before)s::integer, true) "
    + "ORDER BY t.token_id DESC LIMIT %(limit)s"
)
SELECT_MAKE_TOKEN = """
SELECT make_token(
  %(hash)s, %(role)s, %(rights)s::text[], %(station)s, %(label)s, %(expires_at)s, %(homes)s::text[], %(resident)s,
  %(from_at)s, %(from_day)s, %(now)s
)
"""
SELECT_END_TOKEN = "SELECT end_token(%(token_id)s, %(now)s)"
WITHIN = "token_within_"  # constraints of make_token


class BeyondMaker(Exception):
    """A token would have more than its maker: `what` is one of 'role', 'reach', 'rights', 'expiry'."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def tokens(conn: Connection) -> list[Row]:
    """Return all tokens, oldest first, without their hashes."""
    return fetch(conn, SELECT_TOKENS, {})


def latest(conn: Connection, before: int | None, limit: int) -> list[Row]:
    """Return tokens without their hashes, newest first, of those that were made before one."""
    return fetch(conn, SELECT_LATEST, {"before": before, "limit": limit})


def make(conn: Connection, grant: TokenGrant, now: datetime) -> tuple[int, str]:
    """Make a token for the caller of the transaction; returns its number, and the token, which cannot be read again.

    Raises:
        UsageError: homes, station or resident do not fit the role, or are unknown.
        BeyondMaker: nothing was written.
    """
    token = access.new_token()
    with in_office(conn):
        access.check(conn, grant, now)
        try:
            with conn.transaction():
                row = conn.execute(SELECT_MAKE_TOKEN, access.values_of(grant, token, now)).fetchone()
        except InsufficientPrivilege as error:
            if not (error.diag.constraint_name or "").startswith(WITHIN):
                raise
            raise BeyondMaker(str(error.diag.constraint_name).removeprefix(WITHIN)) from None
    assert row is not None
    return row[0], token


def end(conn: Connection, token_id: int, now: datetime) -> bool:
    """End a token for the caller of the transaction; False if none with that number is valid and within its reach."""
    with in_office(conn):
        return conn.execute(SELECT_END_TOKEN, {"token_id": token_id, "now": now}).fetchone() == (True,)
