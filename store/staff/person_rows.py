"""Members of the staff: who works for the company, in which role, from when to when."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import LiteralString

from psycopg import Connection
from psycopg.errors import CheckViolation, UniqueViolation

from domain.errors import UsageError
from store.base.access import SELECT_STATION, Role
from store.base.rows import Row, fetch

INSERT_STAFF = """
INSERT INTO staff (name, role, station, telephone, language, sign_in_name, subject, active_from, active_to)
VALUES (
  %(name)s, %(role)s, %(station)s, %(telephone)s, %(language)s, %(sign_in_name)s, %(subject)s, %(active_from)s,
  %(active_to)s
)
RETURNING staff_id
"""
SELECT_STAFF = """
SELECT
  s.staff_id, s.name, s.role, s.station, s.telephone, s.language, s.sign_in_name, s.subject, s.active_from, s.active_to,
  p.password_set_at, p.totp_set_at, p.invited_until,
  (SELECT max(t.used_at) FROM token AS t WHERE t.staff_id = s.staff_id AND NOT t.pending) AS used_at
FROM staff AS s CROSS JOIN LATERAL credential.proofs(s.staff_id) AS p
WHERE (%(staff_id)s::integer IS NULL OR s.staff_id = %(staff_id)s)
  AND (%(sign_in_name)s::text IS NULL OR s.sign_in_name = %(sign_in_name)s)
ORDER BY s.active_to NULLS FIRST, s.role, s.station, s.name, s.staff_id
"""
_SOUGHT: LiteralString = """
  (position(%(sought)s::text IN lower(x.name)) > 0 OR position(%(sought)s IN x.sign_in_name) > 0
    OR position(%(sought)s IN lower(x.station)) > 0)
"""
# Nobody's time ended before 1970: those whose end is not known are first. A page begins behind a person, where that one
# stood when the page before was shown: a person who has left meanwhile takes nobody along.
SELECT_PAGE: LiteralString = (
    """
SELECT
  s.staff_id, s.name, s.role, s.station, s.sign_in_name, s.subject, s.active_to, s.leaves,
  p.password_set_at, p.invited_until,
  (SELECT max(t.used_at) FROM token AS t WHERE t.staff_id = s.staff_id AND NOT t.pending) AS used_at
FROM (
  SELECT
    x.staff_id, x.name, x.role, x.station, x.sign_in_name, x.subject, x.active_to,
    coalesce(x.active_to, '1970-01-01 00:00+00') AS leaves
  FROM staff AS x LEFT JOIN staff AS b ON b.staff_id = %(behind)s::integer
  WHERE """
    + _SOUGHT
    + """
    AND (%(behind)s::integer IS NULL
      OR (coalesce(x.active_to, '1970-01-01 00:00+00'), x.role, coalesce(x.station, ''), x.name, x.staff_id)
        > (%(leaves)s::timestamptz, b.role, coalesce(b.station, ''), b.name, b.staff_id))
  ORDER BY coalesce(x.active_to, '1970-01-01 00:00+00'), x.role, coalesce(x.station, ''), x.name, x.staff_id
  LIMIT %(limit)s
) AS s CROSS JOIN LATERAL credential.proofs(s.staff_id) AS p
ORDER BY s.leaves, s.role, coalesce(s.station, ''), s.name, s.staff_id
"""
)
SELECT_COUNT: LiteralString = "SELECT count(*) FROM staff AS x WHERE " + _SOUGHT
UPDATE_END = """
UPDATE staff SET active_to = %(at)s
WHERE staff_id = %(staff_id)s AND coalesce(active_to > %(at)s, true) AND active_from <= %(at)s
RETURNING staff_id
"""
UPDATE_STAFF = """
UPDATE staff SET
  name = %(name)s, role = %(role)s, station = %(station)s, telephone = %(telephone)s, language = %(language)s,
  sign_in_name = %(sign_in_name)s
WHERE staff_id = %(staff_id)s
"""
# A person that the identity provider knows becomes what its claims say; one whose time is over stays so.
UPSERT_SUBJECT = """
INSERT INTO staff (name, role, station, language, subject, active_from)
VALUES (%(name)s, %(role)s, %(station)s, %(language)s, %(subject)s, %(active_from)s)
ON CONFLICT (subject) DO UPDATE SET name = excluded.name, role = excluded.role, station = excluded.station
RETURNING staff_id
"""
# What each rule of the table asks for, in the words of the command line.
RULES = {
    "no_station": "--station: no substation belongs to that station",
    "staff_name": "--name: 1 to 100 characters, without spaces around it",
    "staff_station": "a crew needs --station, and no other role takes one",
    "staff_telephone": "--telephone: digits, with spaces, hyphens, brackets and a leading + at most",
    "staff_sign_in_name_form": "--sign-in: 2 to 64 of a-z, 0-9, dot, underscore, hyphen and @, the first a-z or 0-9",
    "staff_signs_in": "--sign-in is missing",
    "staff_active": "the end is before the beginning",
    "staff_sign_in_name": "--sign-in: somebody has this name already",
    "staff_subject": "this person of the identity provider is a member of the staff already",
    "staff_printable": "a name, station or number has a sign in it that cannot be printed",
    "staff_role_check": "--role: a member of the staff is no customer",
}


class StaffRefused(UsageError):
    """A person as given breaks a rule: one of RULES."""

    def __init__(self, rule: str) -> None:
        super().__init__(RULES[rule])
        self.rule = rule


@dataclass(frozen=True, kw_only=True)
class StaffEntry:
    """A member of the staff. `subject`: issuer and identifier of the identity provider; `sign_in_name`: lower case."""

    name: str
    role: Role
    sign_in_name: str | None
    active_from: datetime
    station: str | None = None
    telephone: str | None = None
    language: str = "zh"
    subject: str | None = None
    active_to: datetime | None = None


def add(conn: Connection, entry: StaffEntry) -> int:
    """Add a person and return its number.

    Raises:
        StaffRefused: a rule is broken.
    """
    return _write(conn, INSERT_STAFF, entry)


def by_provider(conn: Connection, entry: StaffEntry) -> int:
    """Add or change the person of a subject of the identity provider, and return its number.

    Raises:
        StaffRefused: a rule is broken.
    """
    return _write(conn, UPSERT_SUBJECT, entry)


def change(conn: Connection, staff_id: int, entry: StaffEntry) -> None:
    """Change a person's name, role, station, telephone, language and sign-in name.

    Another role or station ends the person's sessions.

    Raises:
        StaffRefused: a rule is broken.
    """
    with _ruled(conn, entry):
        conn.execute(UPDATE_STAFF, {**asdict(entry), "role": entry.role.value, "staff_id": staff_id})


def _write(conn: Connection, statement: LiteralString, entry: StaffEntry) -> int:
    with _ruled(conn, entry):
        row = conn.execute(statement, {**asdict(entry), "role": entry.role.value}).fetchone()
    assert row is not None
    found: int = row[0]
    return found


@contextmanager
def _ruled(conn: Connection, entry: StaffEntry) -> Iterator[None]:
    # NUL does not even reach the server.
    if not all(str(value).isprintable() for value in asdict(entry).values()):
        raise StaffRefused("staff_printable")
    if entry.station is not None and conn.execute(SELECT_STATION, (entry.station,)).fetchone() != (True,):
        raise StaffRefused("no_station")
    try:
        with conn.transaction():
            yield
    except (CheckViolation, UniqueViolation) as error:
        raise StaffRefused(str(error.diag.constraint_name)) from None


def everybody(conn: Connection) -> list[Row]:
    """Return all people, those who are active first, with how they prove themselves and when each was last seen."""
    return fetch(conn, SELECT_STAFF, {"staff_id": None, "sign_in_name": None})


def page(conn: Connection, sought: str, behind: tuple[datetime, int] | None, limit: int) -> list[Row]:
    """Return people in the order of `everybody` whose name, sign-in name or station has a text in it.

    Args:
        behind: `leaves` and number of the last person of the page before.
    """
    leaves, staff_id = behind or (None, None)
    values = {"sought": sought.lower(), "leaves": leaves, "behind": staff_id, "limit": limit}
    return fetch(conn, SELECT_PAGE, values)


def count(conn: Connection, sought: str) -> int:
    """Return the number of all people whose name, sign-in name or station has a text in it."""
    row = conn.execute(SELECT_COUNT, {"sought": sought.lower()}).fetchone()
    assert row is not None
    found: int = row[0]
    return found


def one(conn: Connection, staff_id: int) -> Row | None:
    """Return a person."""
    return next(iter(fetch(conn, SELECT_STAFF, {"staff_id": staff_id, "sign_in_name": None})), None)


def named(conn: Connection, key: str) -> Row:
    """Return the person of a sign-in name or a number.

    Raises:
        UsageError: there is none.
    """
    by_number = {"staff_id": int(key), "sign_in_name": None} if key.isdecimal() and len(key) < 10 else None
    found = fetch(conn, SELECT_STAFF, by_number or {"staff_id": None, "sign_in_name": key.lower()})
    if not found:
        raise UsageError(f"there is nobody {key} among the staff: hearth staff list shows all")
    return found[0]


def end(conn: Connection, staff_id: int, at: datetime) -> bool:
    """Let a person's time with the company end; False if it has ended already or not begun."""
    return conn.execute(UPDATE_END, {"staff_id": staff_id, "at": at}).fetchone() is not None
