"""Who asks the API, what they may do, and which homes they reach. A token is shown once; its SHA-256 is kept."""

import hashlib
import hmac
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, LiteralString, NamedTuple

from psycopg import Connection

from domain.errors import UsageError
from store.base.rows import Row, fetch

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
INSERT INTO token (hash, role, station, created_at, expires_at, label, rights)
VALUES (%(hash)s, %(role)s, %(station)s, %(now)s, %(expires_at)s, %(label)s, %(rights)s) RETURNING token_id
"""
INSERT_TOKEN_HOMES = """
INSERT INTO token_home (token_id, home_id, resident, from_at, from_day)
SELECT %(token_id)s, h.home_id, coalesce(%(resident)s::text, r.resident), %(from_at)s, %(from_day)s
FROM home AS h
LEFT JOIN residence AS r ON r.home_id = h.home_id AND tstzrange(r.starts_at, r.ends_at) @> %(now)s
WHERE h.code = ANY (%(homes)s)
"""
# Homes of which somebody is on record: whether anybody lives there now, and whether that of a reference ever does.
SELECT_RESIDENTS = """
SELECT
  h.code, bool_or(tstzrange(r.starts_at, r.ends_at) @> %(now)s::timestamptz) AS lived_in,
  coalesce(bool_or(r.resident = %(resident)s AND coalesce(r.ends_at > %(now)s, true)), false) AS named
FROM home AS h JOIN residence AS r USING (home_id)
WHERE h.code = ANY (%(homes)s)
GROUP BY h.code
ORDER BY h.code
"""
_TOKENS: LiteralString = """
SELECT t.hash, t.role, t.station, y.homes, y.since, y.days, t.rights, t.token_id, t.label
FROM token AS t
LEFT JOIN LATERAL (
  SELECT
    array_agg(x.home_id ORDER BY x.home_id) AS homes,
    array_agg(nullif(greatest(y.since, x.from_at), '-infinity') ORDER BY x.home_id) AS since,
    array_agg(nullif(greatest(y.first_day, x.from_day), '-infinity') ORDER BY x.home_id) AS days
  FROM token_home AS x
  CROSS JOIN LATERAL tenancy(x.home_id, x.resident, t.created_at, %(now)s) AS y
  WHERE x.token_id = t.token_id AND y.since IS NOT NULL AND (x.from_at IS NULL OR x.from_at <= %(now)s)
) AS y ON t.role = 'customer'
WHERE t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > %(now)s)
  AND (t.role <> 'customer' OR y.homes IS NOT NULL)
"""
SELECT_TOKEN: LiteralString = _TOKENS + "AND t.hash = %(hash)s"
SELECT_TOKENS_OF: LiteralString = _TOKENS + "AND t.hash = ANY (%(hashes)s::bytea[])"

SELECT_TOKENS = """
SELECT
  t.token_id, t.label, t.role, t.station, t.rights, t.created_at, t.expires_at, t.revoked_at,
  ARRAY(SELECT h.code FROM token_home AS x JOIN home AS h USING (home_id) WHERE x.token_id = t.token_id ORDER BY h.code)
    AS homes,
  ARRAY(SELECT DISTINCT x.resident FROM token_home AS x WHERE x.token_id = t.token_id AND x.resident IS NOT NULL)
    AS residents,
  (SELECT min(x.from_at) FROM token_home AS x WHERE x.token_id = t.token_id) AS from_at
FROM token AS t
ORDER BY t.token_id
"""
REVOKE_TOKEN = """
UPDATE token SET revoked_at = %(now)s WHERE token_id = %(token_id)s AND revoked_at IS NULL RETURNING token_id
"""
# For the rest of the transaction: the API's role, under row-level security, and what it is to reach.
SELECT_INTO_REACH = """
SELECT
  set_config('role', 'hearth_api', true), set_config('hearth.everywhere', %(everywhere)s, true),
  set_config('hearth.station', %(station)s, true), set_config('hearth.homes', %(homes)s, true),
  set_config('hearth.since', %(since)s, true), set_config('hearth.days', %(days)s, true)
"""
SELECT_HOME_ID = "SELECT h.home_id FROM home AS h WHERE h.code = %(code)s"
SELECT_HOMES_NOW = """
SELECT h.home_id, nullif(y.since, '-infinity') AS since, nullif(y.first_day, '-infinity') AS day
FROM home AS h CROSS JOIN LATERAL tenancy(h.home_id, NULL, %(now)s, %(now)s) AS y
WHERE h.code = ANY (%(homes)s) AND y.since IS NOT NULL
ORDER BY h.home_id
"""
SELECT_MAY_SERVE = """
SELECT coalesce((SELECT pg_has_role(r.oid, 'SET') FROM pg_roles AS r WHERE r.rolname = 'hearth_api'), false)
"""


class Role(StrEnum):
    """What a token's bearer is to the company."""

    CUSTOMER = "customer"  # sees the homes named on the token
    CREW = "crew"  # sees the homes of its station
    DISPATCHER = "dispatcher"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"


class Right(StrEnum):
    """What a token is good for, within what its role may do."""

    READ = "read"
    WRITE = "write"
    REVEAL = "reveal"  # see whose home it is


ALL_RIGHTS = frozenset(Right)


class Since(NamedTuple):
    """From when on a home is reached: an instant, and the first local day that lies behind it as a whole."""

    at: datetime
    day: date


@dataclass(frozen=True)
class Scope:
    """The homes a token reaches: all of them, those of a station, or those listed.

    `since`: of those listed, what is older is not reached; without an entry all is.
    """

    everywhere: bool
    own_station: str | None
    own_homes: list[int]
    since: Mapping[int, Since] = field(default_factory=dict)

    def parameters(self) -> dict[str, Any]:
        """The values of IN_SCOPE."""
        return {"everywhere": self.everywhere, "own_station": self.own_station, "own_homes": self.own_homes}


EVERYWHERE = Scope(everywhere=True, own_station=None, own_homes=[])


@dataclass(frozen=True)
class Asker:
    """Who asks: a token of ours, or a person whom the identity provider vouches for."""

    actor: str  # stands in the audit log and in the events of tickets
    role: Role
    scope: Scope
    rights: frozenset[Right] = ALL_RIGHTS


def create(
    conn: Connection,
    role: Role,
    *,
    now: datetime,
    homes: Sequence[str] = (),
    station: str | None = None,
    resident: str | None = None,
    since: Since | None = None,
    expires_at: datetime | None = None,
    label: str | None = None,
    rights: Collection[Right] = ALL_RIGHTS,
) -> str:
    """Make a token and return it; nobody can read it again.

    Args:
        homes: codes; the homes of a customer.
        station: the station of a crew.
        resident: whose token it is, where the registry knows residents of the homes; None: of who lives there now.
        since: nothing older is reached.
        label: whose it is, for people.
        rights: what it is good for.
    Raises:
        UsageError: homes, station or resident do not fit the role, or nobody knows them.
    """
    _check_reach(role, homes, station)
    _check_known(conn, homes, station)
    if role is not Role.CUSTOMER and (resident is not None or since is not None):
        raise UsageError("--resident and --from are for a customer's token")
    _check_residents(conn, homes, resident, now)
    token = PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    values = {"hash": _hash(token), "role": role.value, "station": station, "now": now, "expires_at": expires_at}
    row = conn.execute(INSERT_TOKEN, {**values, "label": label, "rights": sorted(rights)}).fetchone()
    assert row is not None
    from_at, from_day = since or (None, None)
    named = {"token_id": row[0], "homes": list(homes), "resident": resident, "now": now}
    conn.execute(INSERT_TOKEN_HOMES, {**named, "from_at": from_at, "from_day": from_day})
    return token


def find(conn: Connection, token: str, now: datetime) -> Asker | None:
    """Who bears a token; None when nobody made it, it has expired or was revoked."""
    wanted = _hash(token)
    row = conn.execute(SELECT_TOKEN, {"hash": wanted, "now": now}).fetchone()
    if row is None or not hmac.compare_digest(row[0], wanted):
        return None
    return _asker(row)


def find_all(conn: Connection, tokens: Collection[str], now: datetime) -> dict[str, Asker]:
    """Who bears these tokens; those that do not hold are left out."""
    hashes = {_hash(token): token for token in tokens}
    rows = conn.execute(SELECT_TOKENS_OF, {"hashes": list(hashes), "now": now}).fetchall()
    return {hashes[bytes(row[0])]: _asker(row) for row in rows}


def _asker(row: tuple[Any, ...]) -> Asker:
    _, role, station, homes, since, days, rights, token_id, label = row
    actor = f"token {token_id}" + (f" ({label})" if label else "")
    found = _since(zip(homes or (), since or (), days or (), strict=True))
    return Asker(actor, Role(role), reach(Role(role), station, found), frozenset(map(Right, rights)))


def _since(rows: Iterable[tuple[int, datetime | None, date | None]]) -> dict[int, Since | None]:
    return {home_id: Since(at, day) if at and day else None for home_id, at, day in rows}


def reach(role: Role, station: str | None, homes: Mapping[int, Since | None]) -> Scope:
    """What a role reaches; a station is for crews, homes (since when; None: from ever) are for customers."""
    own = homes if role is Role.CUSTOMER else {}
    return Scope(
        everywhere=role not in (Role.CUSTOMER, Role.CREW),
        own_station=station if role is Role.CREW else None,
        own_homes=list(own),
        since={home_id: since for home_id, since in own.items() if since},
    )


def home_id(conn: Connection, code: str) -> int | None:
    """The key of a home, whoever may reach it; None if there is none of that code."""
    row = conn.execute(SELECT_HOME_ID, {"code": code}).fetchone()
    return row[0] if row else None


def homes_now(conn: Connection, codes: Sequence[str], now: datetime) -> dict[int, Since | None]:
    """Homes with since when those who live there now do; codes that nobody knows, and empty homes, are left out."""
    return _since(conn.execute(SELECT_HOMES_NOW, {"homes": list(codes), "now": now}))


def enter(conn: Connection, scope: Scope) -> None:
    """Until the end of the transaction, see only what is in scope: the second wall, behind IN_SCOPE."""
    bounds = [scope.since.get(home_id) for home_id in scope.own_homes]
    values = {
        "everywhere": "on" if scope.everywhere else "",
        "station": scope.own_station or "",
        "homes": "{" + ",".join(map(str, scope.own_homes)) + "}",
        "since": "{" + ",".join(_quoted(since and since.at) for since in bounds) + "}",
        "days": "{" + ",".join(_quoted(since and since.day) for since in bounds) + "}",
    }
    conn.execute(SELECT_INTO_REACH, values)


def _quoted(bound: date | None) -> str:
    return f'"{bound.isoformat()}"' if bound else '"-infinity"'


def may_serve(conn: Connection) -> bool:
    """Whether the account of the connection may take the role of the API."""
    return conn.execute(SELECT_MAY_SERVE).fetchone() == (True,)


def tokens(conn: Connection) -> list[Row]:
    """All tokens ever made, oldest first, without their hashes."""
    return fetch(conn, SELECT_TOKENS, {})


def revoke(conn: Connection, token_id: int, now: datetime) -> bool:
    """Make a token worthless from now on; False if there is none of that number that still holds."""
    return conn.execute(REVOKE_TOKEN, {"token_id": token_id, "now": now}).fetchone() is not None


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


def _check_residents(conn: Connection, homes: Sequence[str], resident: str | None, now: datetime) -> None:
    found = fetch(conn, SELECT_RESIDENTS, {"homes": list(homes), "resident": resident, "now": now})
    if resident is None:
        if empty := [row["code"] for row in found if not row["lived_in"]]:
            raise UsageError(f"nobody lives in {', '.join(empty)} now: name --resident, who will")
        return
    known = {row["code"] for row in found if row["named"]}
    if foreign := [code for code in homes if code not in known]:
        raise UsageError(f"--resident: the registry knows no resident {resident} of {', '.join(foreign)} now or later")


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
