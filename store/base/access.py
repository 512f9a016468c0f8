"""API tokens, sessions among them, their rights, and the homes each may reach. Only the SHA-256 of one is stored."""

import hashlib
import hmac
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, LiteralString, NamedTuple

from psycopg import Connection

from domain.errors import GrantRefused
from domain.words import tokens
from store.base.rows import fetch

PREFIX = "hearth_"
SETTINGS = ("everywhere", "station", "homes", "since", "days")
TOKEN_BYTES = 32

# Scope filter for the WHERE clause of every API query: `h` is the home, `u` its substation; values: Scope.parameters().
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
# Homes with a tenancy on record: whether one runs now, and whether the given resident has one now or later.
SELECT_RESIDENTS = """
SELECT
  h.code, bool_or(tstzrange(r.starts_at, r.ends_at) @> %(now)s::timestamptz) AS lived_in,
  coalesce(bool_or(r.resident = %(resident)s AND coalesce(r.ends_at > %(now)s, true)), false) AS named
FROM home AS h JOIN residence AS r USING (home_id)
WHERE h.code = ANY (%(homes)s)
GROUP BY h.code
ORDER BY h.code
"""
TOKEN_COLUMNS: LiteralString = """
  t.hash, t.role, t.station, y.homes, y.since, y.days, t.rights, t.token_id, t.label, s.staff_id, s.name, s.language,
  t.used_at
"""
VALID_TOKEN: LiteralString = """
FROM token AS t
LEFT JOIN staff AS s USING (staff_id)
LEFT JOIN LATERAL (
  SELECT
    array_agg(x.home_id ORDER BY x.home_id) AS homes,
    array_agg(nullif(greatest(y.since, x.from_at), '-infinity') ORDER BY x.home_id) AS since,
    array_agg(nullif(greatest(y.first_day, x.from_day), '-infinity') ORDER BY x.home_id) AS days,
    array_agg(greatest(y.since, x.from_at) ORDER BY x.home_id)::text AS bounds,
    array_agg(greatest(y.first_day, x.from_day) ORDER BY x.home_id)::text AS day_bounds
  FROM token_home AS x
  CROSS JOIN LATERAL tenancy(x.home_id, x.resident, t.created_at, %(now)s) AS y
  WHERE x.token_id = t.token_id AND y.since IS NOT NULL AND (x.from_at IS NULL OR x.from_at <= %(now)s)
) AS y ON t.role = 'customer'
WHERE t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > %(now)s)
  AND (t.role <> 'customer' OR y.homes IS NOT NULL)
  AND (t.staff_id IS NULL OR (
    NOT t.pending AND t.used_at + t.idle > %(now)s AND coalesce(t.vouched_until > %(now)s, true)
    AND s.active_from <= %(now)s AND coalesce(s.active_to > %(now)s, true)
    AND s.role = t.role AND s.station IS NOT DISTINCT FROM t.station
  ))
"""
SELECT_TOKEN: LiteralString = "SELECT" + TOKEN_COLUMNS + VALID_TOKEN + "AND t.hash = %(hash)s"
# Find a token and enter its reach by one statement, as SELECT_INTO_REACH does: what is revoked by then is not found. So
# nothing about who may do what is kept from one request to the next. What is set is one column, as the client looks at
# each column of an answer for how to read it.
SELECT_TOKEN_INTO_REACH: LiteralString = (
    "SELECT"
    + TOKEN_COLUMNS
    + """,
  ARRAY[
    set_config('role', 'hearth_api', true),
    set_config('hearth.everywhere', CASE WHEN t.role IN ('customer', 'crew') THEN '' ELSE 'on' END, true),
    set_config('hearth.station', CASE WHEN t.role = 'crew' THEN coalesce(t.station, '') ELSE '' END, true),
    set_config('hearth.homes', coalesce(y.homes::text, '{}'), true),
    set_config('hearth.since', coalesce(y.bounds, '{}'), true),
    set_config('hearth.days', coalesce(y.day_bounds, '{}'), true),
    set_config('hearth.role', t.role, true), set_config('hearth.rights', array_to_string(t.rights, ','), true),
    set_config(
      'hearth.until', coalesce((CASE WHEN t.staff_id IS NULL THEN t.expires_at ELSE s.active_to END)::text, ''), true
    )
  ]
"""
    + VALID_TOKEN
    + "AND t.hash = %(hash)s"
)

REVOKE_TOKEN = """
UPDATE token SET revoked_at = %(now)s WHERE token_id = %(token_id)s AND revoked_at IS NULL AND staff_id IS NULL
RETURNING token_id
"""
# Switch to the API's role, under row-level security, and set its scope until the end of the transaction.
SELECT_INTO_REACH = """
SELECT
  set_config('role', 'hearth_api', true), set_config('hearth.everywhere', %(everywhere)s, true),
  set_config('hearth.station', %(station)s, true), set_config('hearth.homes', %(homes)s, true),
  set_config('hearth.since', %(since)s, true), set_config('hearth.days', %(days)s, true),
  set_config('hearth.role', %(role)s, true), set_config('hearth.rights', %(rights)s, true),
  set_config('hearth.until', '', true)
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
    """Roles in the company that a token can have."""

    CUSTOMER = "customer"  # sees the homes named on the token
    CREW = "crew"  # sees the homes of its station
    DISPATCHER = "dispatcher"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"


class Right(StrEnum):
    """Rights of a token, within those of its role."""

    READ = "read"
    WRITE = "write"
    REVEAL = "reveal"  # see the resident's name and contact


ALL_RIGHTS = frozenset(Right)


class Since(NamedTuple):
    """Lower bound of access to a home: an instant, and the first local day that lies entirely after it."""

    at: datetime
    day: date


@dataclass(frozen=True)
class Scope:
    """Homes that a token may reach: all, those of a station, or those listed.

    `since`: lower bound of access per listed home; a home without an entry has none.
    """

    everywhere: bool
    own_station: str | None
    own_homes: list[int]
    since: Mapping[int, Since] = field(default_factory=dict)

    def parameters(self) -> dict[str, Any]:
        """Return the query parameters of IN_SCOPE."""
        return {"everywhere": self.everywhere, "own_station": self.own_station, "own_homes": self.own_homes}


EVERYWHERE = Scope(everywhere=True, own_station=None, own_homes=[])
NOWHERE = Scope(everywhere=False, own_station=None, own_homes=[])  # of a request by nobody who is known


@dataclass(frozen=True)
class Person:
    """A member of the staff who has signed in, and the session: the number of its token, and when it was last used."""

    staff_id: int
    name: str
    language: str
    session: int
    used_at: datetime = field(compare=False)

    @property
    def actor(self) -> str:
        """The name under which the audit log and the events of tickets have the person."""
        return actor_of(self.staff_id, self.name)


@dataclass(frozen=True)
class Asker:
    """An authenticated caller: the bearer of a token, or a person authenticated by the identity provider."""

    id: str  # without a name, which may change: what is kept by caller is kept under it
    actor: str  # recorded in the audit log and in ticket events
    role: Role
    scope: Scope
    rights: frozenset[Right] = ALL_RIGHTS
    person: Person | None = None  # None: the token is a machine's, a customer's, or the identity provider's


def actor_of(staff_id: int, name: str) -> str:
    """Return the name under which the audit log and the events of tickets have a member of the staff."""
    return f"staff {staff_id} ({name})"


@dataclass(frozen=True)
class TokenGrant:
    """Terms of a new token.

    Args:
        homes: codes of the homes, for a customer.
        station: the crew's station.
        resident: the resident by the registry; None: the current one of each home.
        since: lower bound of access.
        label: the bearer's name, for the audit log.
    """

    role: Role
    homes: Sequence[str] = ()
    station: str | None = None
    resident: str | None = None
    since: Since | None = None
    expires_at: datetime | None = None
    label: str | None = None
    rights: Collection[Right] = ALL_RIGHTS


def create(conn: Connection, grant: TokenGrant, now: datetime) -> str:
    """Create a token and return it; it cannot be read again.

    Raises:
        GrantRefused: homes, station or resident do not fit the role, or are unknown.
    """
    check(conn, grant, now)
    token = new_token()
    values = values_of(grant, token, now)
    row = conn.execute(INSERT_TOKEN, values).fetchone()
    assert row is not None
    conn.execute(INSERT_TOKEN_HOMES, {**values, "token_id": row[0]})
    return token


def values_of(grant: TokenGrant, token: str, now: datetime) -> dict[str, Any]:
    """Return the query parameters of a new token."""
    from_at, from_day = grant.since or (None, None)
    lists = {"rights": sorted(grant.rights), "homes": list(grant.homes)}
    return {**vars(grant), **lists, "hash": digest(token), "from_at": from_at, "from_day": from_day, "now": now}


def new_token() -> str:
    """Return a random token, which is on record only when its digest is."""
    return PREFIX + secrets.token_urlsafe(TOKEN_BYTES)


def find(conn: Connection, token: str, now: datetime) -> Asker | None:
    """Return the caller that a token authenticates; None if it is unknown, expired or revoked."""
    wanted = digest(token)
    row = conn.execute(SELECT_TOKEN, {"hash": wanted, "now": now}).fetchone()
    if row is None or not hmac.compare_digest(row[0], wanted):
        return None
    return asker_of(row)


def enter_by(conn: Connection, token: str, now: datetime) -> Asker | None:
    """Find the caller that a token authenticates, and limit the rest of the transaction to the caller's scope."""
    wanted = digest(token)
    row = conn.execute(SELECT_TOKEN_INTO_REACH, {"hash": wanted, "now": now}, binary=True).fetchone()
    if row is None or not hmac.compare_digest(row[0], wanted):
        return None
    return asker_of(row)


def asker_of(row: tuple[Any, ...]) -> Asker:
    """Return the caller of a row of TOKEN_COLUMNS."""
    _, role, station, homes, since, days, rights, token_id, label, staff_id, name, language, used_at = row[:13]
    person = Person(staff_id, name, language, token_id, used_at) if staff_id is not None else None
    ours = f"token {token_id}" if person is None else f"staff {staff_id}"
    actor = person.actor if person else f"{ours} ({label})" if label else ours
    found = _since(zip(homes or (), since or (), days or (), strict=True))
    return Asker(ours, actor, Role(role), reach(Role(role), station, found), frozenset(map(Right, rights)), person)


def _since(rows: Iterable[tuple[int, datetime | None, date | None]]) -> dict[int, Since | None]:
    return {home_id: Since(at, day) if at and day else None for home_id, at, day in rows}


def reach(role: Role, station: str | None, homes: Mapping[int, Since | None]) -> Scope:
    """Return the scope of a role: a crew has its station, a customer homes (with lower bound; None: unbounded)."""
    own = homes if role is Role.CUSTOMER else {}
    return Scope(
        everywhere=role not in (Role.CUSTOMER, Role.CREW),
        own_station=station if role is Role.CREW else None,
        own_homes=list(own),
        since={home_id: since for home_id, since in own.items() if since},
    )


def home_id(conn: Connection, code: str) -> int | None:
    """Return the key of a home, regardless of scope; None: unknown code."""
    row = conn.execute(SELECT_HOME_ID, {"code": code}).fetchone()
    return row[0] if row else None


def homes_now(conn: Connection, codes: Sequence[str], now: datetime) -> dict[int, Since | None]:
    """Return the homes and the start of their current tenancies; unknown and vacant homes are left out."""
    return _since(conn.execute(SELECT_HOMES_NOW, {"homes": list(codes), "now": now}))


def enter(conn: Connection, scope: Scope, role: Role | None = None, rights: Collection[Right] = ()) -> None:
    """Limit the rest of the transaction to a scope, by row-level security; None: of a caller without any rights.

    It is the second line of defence, behind IN_SCOPE.
    """
    conn.execute(SELECT_INTO_REACH, {**settings(scope), "role": role or "", "rights": ",".join(rights)})


def settings(scope: Scope) -> dict[str, str]:
    """Return the settings by which row-level security knows a scope: SETTINGS."""
    bounds = [scope.since.get(home_id) for home_id in scope.own_homes]
    return {
        "everywhere": "on" if scope.everywhere else "",
        "station": scope.own_station or "",
        "homes": "{" + ",".join(map(str, scope.own_homes)) + "}",
        "since": "{" + ",".join(_quoted(since and since.at) for since in bounds) + "}",
        "days": "{" + ",".join(_quoted(since and since.day) for since in bounds) + "}",
    }


def _quoted(bound: date | None) -> str:
    return f'"{bound.isoformat()}"' if bound else '"-infinity"'


def may_serve(conn: Connection) -> bool:
    """Check that the account of the connection may assume the API's role."""
    return conn.execute(SELECT_MAY_SERVE).fetchone() == (True,)


def revoke(conn: Connection, token_id: int, now: datetime) -> bool:
    """Revoke a token; False if there is no valid token with that number."""
    return conn.execute(REVOKE_TOKEN, {"token_id": token_id, "now": now}).fetchone() is not None


def check(conn: Connection, grant: TokenGrant, now: datetime) -> None:
    """Check the terms of a new token.

    Raises:
        GrantRefused: homes, station or resident do not fit the role, or are unknown.
    """
    _check_reach(grant)
    _check_known(conn, grant)
    _check_residents(conn, grant, now)


def _check_reach(grant: TokenGrant) -> None:
    is_customer = grant.role is Role.CUSTOMER
    if bool(grant.homes) != is_customer:
        raise GrantRefused("home", tokens.HOME_NEEDED)
    if (grant.station is not None) != (grant.role is Role.CREW):
        raise GrantRefused("station", tokens.STATION_NEEDED)
    if not is_customer and (grant.resident is not None or grant.since is not None):
        raise GrantRefused("from" if grant.resident is None else "resident", tokens.FOR_CUSTOMERS)


def _check_known(conn: Connection, grant: TokenGrant) -> None:
    unknown = conn.execute(SELECT_UNKNOWN_HOMES, (list(grant.homes),)).fetchall()
    if unknown:
        raise GrantRefused("home", tokens.NO_SUCH_HOMES.fill(homes=", ".join(code for (code,) in unknown)))
    if grant.station is not None and conn.execute(SELECT_STATION, (grant.station,)).fetchone() != (True,):
        raise GrantRefused("station", tokens.NO_SUCH_STATION.fill(station=grant.station))


def _check_residents(conn: Connection, grant: TokenGrant, now: datetime) -> None:
    values = {"homes": list(grant.homes), "resident": grant.resident, "now": now}
    found = fetch(conn, SELECT_RESIDENTS, values)
    if grant.resident is None:
        if empty := [row["code"] for row in found if not row["lived_in"]]:
            raise GrantRefused("resident", tokens.NOBODY_LIVES_THERE.fill(homes=", ".join(empty)))
        return
    known = {row["code"] for row in found if row["named"]}
    if foreign := [code for code in grant.homes if code not in known]:
        unknown = tokens.NO_SUCH_RESIDENT.fill(resident=grant.resident, homes=", ".join(foreign))
        raise GrantRefused("resident", unknown)


def digest(token: str) -> bytes:
    """Return the SHA-256 of a token, which is all that is stored of it."""
    return hashlib.sha256(token.encode()).digest()
