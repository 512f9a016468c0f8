"""Tokens: who asks the API, and which homes they may see. A token is shown once; its SHA-256 is kept."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, LiteralString

from psycopg import Connection

from domain.errors import UsageError

PREFIX = "hearth_"
TOKEN_BYTES = 32

# For the WHERE of what the API reads: `h` is the home, `u` its substation, Scope.parameters() the values.
IN_SCOPE: LiteralString = (
    "(%(everywhere)s OR u.station = %(own_station)s OR h.home_id = ANY (%(own_homes)s::integer[]))"
)

SELECT_UNKNOWN_HOMES = """
SELECT wanted.code FROM unnest(%s::text[]) AS wanted (code)
WHERE NOT EXISTS (SELECT FROM home AS h WHERE h.code = wanted.code)
ORDER BY wanted.code
"""
SELECT_STATION = "SELECT EXISTS (SELECT FROM substation WHERE station = %s)"
INSERT_TOKEN = """
INSERT INTO token (hash, role, station, created_at, expires_at) VALUES (%s, %s, %s, %s, %s) RETURNING token_id
"""
INSERT_TOKEN_HOMES = """
INSERT INTO token_home (token_id, home_id) SELECT %s, h.home_id FROM home AS h WHERE h.code = ANY (%s)
"""
SELECT_TOKEN = """
SELECT t.hash, t.role, t.station, ARRAY(SELECT x.home_id FROM token_home AS x WHERE x.token_id = t.token_id)
FROM token AS t
WHERE t.hash = %(hash)s AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > %(now)s)
"""


class Role(StrEnum):
    """What a token's bearer is to the company."""

    CUSTOMER = "customer"  # sees the homes named on the token
    CREW = "crew"  # sees the homes of its station
    DISPATCHER = "dispatcher"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"


@dataclass(frozen=True)
class Scope:
    """The homes a token reaches: all of them, those of a station, or those listed."""

    everywhere: bool
    own_station: str | None
    own_homes: list[int]

    def parameters(self) -> dict[str, Any]:
        """The values of IN_SCOPE."""
        return asdict(self)


def create(
    conn: Connection,
    role: Role,
    *,
    now: datetime,
    homes: Sequence[str] = (),
    station: str | None = None,
    expires_at: datetime | None = None,
) -> str:
    """Make a token and return it; nobody can read it again.

    Args:
        homes: codes; the homes of a customer.
        station: the station of a crew.
    Raises:
        UsageError: homes or station do not fit the role, or nobody knows them.
    """
    _check_reach(role, homes, station)
    _check_known(conn, homes, station)
    token = PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    row = conn.execute(INSERT_TOKEN, (_hash(token), role.value, station, now, expires_at)).fetchone()
    assert row is not None
    conn.execute(INSERT_TOKEN_HOMES, (row[0], list(homes)))
    return token


def find(conn: Connection, token: str, now: datetime) -> Scope | None:
    """What a token reaches; None when nobody made it, it has expired or was revoked."""
    wanted = _hash(token)
    row = conn.execute(SELECT_TOKEN, {"hash": wanted, "now": now}).fetchone()
    if row is None or not hmac.compare_digest(row[0], wanted):
        return None
    role = Role(row[1])
    return Scope(
        everywhere=role not in (Role.CUSTOMER, Role.CREW),
        own_station=row[2],
        own_homes=row[3] if role is Role.CUSTOMER else [],
    )


def _check_reach(role: Role, homes: Sequence[str], station: str | None) -> None:
    if bool(homes) != (role is Role.CUSTOMER):
        raise UsageError("a customer's token needs at least one --home, and no other role takes any")
    if (station is not None) != (role is Role.CREW):
        raise UsageError("a crew's token needs --station, and no other role takes one")


def _check_known(conn: Connection, homes: Sequence[str], station: str | None) -> None:
    unknown = conn.execute(SELECT_UNKNOWN_HOMES, (list(homes),)).fetchall()
    if unknown:
        raise UsageError(f"--home: there is no home {', '.join(code for (code,) in unknown)}")
    if station is not None and conn.execute(SELECT_STATION, (station,)).fetchone() != (True,):
        raise UsageError(f"--station: no substation belongs to a station {station}")


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
