"""Access follows residence: what was before a tenancy is told to nobody of it, by any operation, at any wall."""

import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import httpx
import pytest
from psycopg import Connection
from psycopg.types.json import Jsonb

from api.http import session
from domain.errors import UsageError
from store.base import access
from store.base.access import Right, Role, Scope, Since
from store.registry import resident_rows
from store.registry.resident_rows import Tenancy
from tests.api import town
from tests.api.conftest import Api, served_database
from tests.api.operations import INSERT_APPLICATION, OPERATIONS
from tests.api.town import NOW
from tests.conftest import Servers, fresh_database

pytestmark = pytest.mark.plain_only

MOVED = datetime.fromisoformat("2026-01-14T16:00:00Z")  # midnight in Shanghai, twelve hours before NOW
MOVED_DAY = date(2026, 1, 15)
THEN = MOVED - timedelta(hours=3)
WORDS = "somebody is ill here"
INSERT_CASE = """
WITH made AS (
  INSERT INTO ticket (class, state, priority, source, opened_at) VALUES ('complaint', 'open', 3, 'phone', %(at)s)
  RETURNING ticket_id, number
), filed AS (
  INSERT INTO case_file (ticket_id, subject, channel, text, anonymous, opened_at, opened_by)
  SELECT ticket_id, 'conduct', 'online', %(text)s, false, %(at)s, 'user' FROM made
), known AS (
  INSERT INTO identity.complainant (ticket_id, home_id, kept_at) SELECT ticket_id, %(home)s, %(at)s FROM made
)
SELECT number FROM made
"""
INSERT_LEDGER = """
INSERT INTO ledger VALUES (%s, %s, 86400000000, 0, 0, 0, 0, 0, 0, 0, %s, 'p', true, NULL)
"""


def lives(conn: Connection, *lines: tuple[str | None, datetime | None, date | None, datetime | None]) -> None:
    """Say who lives in B1-101: reference, from, first day, to."""
    resident_rows.replace(conn, [Tenancy("B1-101", who, begins, ends, day) for who, begins, day, ends in lines])


def report(conn: Connection, home: int, at: datetime, words: str) -> str:
    """Return a repair that was reported, with a flag, a reading, a measurement and a complaint of the same time."""
    ticket, number = town.ticket(conn, home, kind="leak")
    conn.commit()  # what is checked at the end of a transaction has to be checked before triggers are switched off
    conn.execute("ALTER TABLE ticket DISABLE TRIGGER USER; ALTER TABLE ticket_event DISABLE TRIGGER USER")
    conn.execute("UPDATE ticket SET opened_at = %s, description = %s WHERE ticket_id = %s", (at, words, ticket))
    conn.execute("INSERT INTO ticket_contact (ticket_id, seq, contact) VALUES (%s, 1, %s)", (ticket, words))
    conn.execute(
        "UPDATE ticket_event SET at = %s, data = %s WHERE ticket_id = %s", (at, Jsonb({"text": words}), ticket)
    )
    conn.execute("ALTER TABLE ticket ENABLE TRIGGER USER; ALTER TABLE ticket_event ENABLE TRIGGER USER")
    conn.execute("UPDATE live_event SET at = %s WHERE subject_id = %s", (at, ticket))
    return number


class Let:
    """A running API over a home that was let again, with a token of each resident."""

    def __init__(self, api: Api) -> None:
        self.api = api
        conn = api.conn
        self.home = town.home(conn)
        sensor = town.sensor(conn, self.home)
        for at, celsius in ((THEN, 11.11), (MOVED + timedelta(hours=1), 19.5)):
            town.reading(conn, sensor, at, celsius)
        cold, self.cold = town.ticket(conn, self.home)  # opened in the present tenancy
        old, _ = town.ticket(conn, self.home, state="closed")
        town.flag(conn, self.home, old, since=THEN, cleared_at=THEN + timedelta(hours=1))
        town.flag(conn, self.home, cold, since=NOW - timedelta(hours=2))
        conn.execute("UPDATE flag SET policy = 'old-policy' WHERE ticket_id = %s", (old,))
        conn.execute(INSERT_LEDGER, (self.home, date(2026, 1, 14), 11.11))
        self.number = report(conn, self.home, THEN, WORDS)
        (self.case,) = conn.execute(INSERT_CASE, {"at": THEN, "home": self.home, "text": WORDS}).fetchone() or ("",)
        applied = {"home": self.home, "station": "North", "at": THEN}
        (self.applied,) = conn.execute(INSERT_APPLICATION, applied).fetchone() or ("",)
        self.sheet = town.refund(conn, self.home)  # of a season that began in the tenancy before
        lives(conn, ("A", None, None, MOVED), ("B", MOVED, MOVED_DAY, None))
        self.before = access.create(conn, access.TokenGrant(Role.CUSTOMER, homes=["B1-101"]), THEN)
        self.now = access.create(conn, access.TokenGrant(Role.CUSTOMER, homes=["B1-101"]), NOW)
        conn.commit()

    def call(self, name: str, token: str) -> httpx.Response:
        """Call an operation for what is of the tenancy before."""
        operation = OPERATIONS[name]
        method, _, path = name.partition(" ")
        names = {"code": "B1-101", "form": "csv", "kind": "invalid", "source": "aep", "id": "1"}
        numbers = {"case": self.case, "application": self.applied, "refund": self.sheet}
        number = numbers.get(operation.of or "", self.number)
        headers = {"Authorization": f"Bearer {token}", **(operation.headers or {})}
        query: dict[str, Any] = {"from": "2026-01-10T00:00:00Z"} if "readings" in path else {}
        body = operation.body("home-mine") if operation.body else None
        url = path.format(**names, number=number)
        return self.api.client.request(method, url, params=query, json=body, headers=headers)

    def numbers(self) -> tuple[str, str, str]:
        """Return the numbers of the tenancy before: a repair, a complaint, an application."""
        return self.number, self.case, self.applied

    def told(self, answer: httpx.Response) -> str:
        """Return all that an answer tells, a dossier unpacked."""
        if answer.headers.get("content-type") != "application/zip":
            return answer.text
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            return "\n".join(archive.read(name).decode(errors="replace") for name in archive.namelist())


@pytest.fixture(scope="module")
def let(servers: Servers) -> Iterator[Let]:
    databases = fresh_database(servers.of("timescale"), "timescale")
    with served_database(next(databases)) as api:
        yield Let(api)
    next(databases, None)


@pytest.fixture
def without_checks(let: Let, monkeypatch: pytest.MonkeyPatch) -> Let:
    """The same, where the application lets everybody do everything."""
    everywhere: dict[str, Any] = {"everywhere": True, "own_station": None, "own_homes": []}
    monkeypatch.setattr(Scope, "parameters", lambda scope: everywhere)
    monkeypatch.setattr(session, "_check", lambda *_: None)
    return let


# Without these the tests below would find nothing to keep back.
OLD = (WORDS, "11.11", "old-policy", "2026-01-14T13:00", '"2026-01-14"')
KEPT_BACK = ("ticket", "case", "application", "outage", "refund")  # what names a thing of the tenancy before
ASKED = [name for name in OPERATIONS if name.startswith("GET /v1/")]


@pytest.mark.parametrize("name", ASKED)
def test_row_level_security_alone_tells_nothing_older_than_the_tenancy(without_checks: Let, name: str) -> None:
    told = without_checks.told(without_checks.call(name, without_checks.now))
    assert [old for old in (*OLD, *without_checks.numbers()) if old in told] == []


@pytest.mark.parametrize("name", [name for name in OPERATIONS if Role.CUSTOMER in (OPERATIONS[name].roles or ())])
def test_no_operation_tells_the_next_resident_of_the_one_before(let: Let, name: str) -> None:
    answer = let.call(name, let.now)
    assert answer.status_code < 500
    assert (answer.status_code == 404) == (OPERATIONS[name].of in KEPT_BACK), answer.text
    assert [old for old in (*OLD, *let.numbers()) if old in let.told(answer)] == []


def test_a_token_ends_with_its_tenancy(let: Let) -> None:
    for name in ("GET /v1/tickets", "GET /v1/homes/{code}/readings", "POST /v1/cases"):
        assert let.call(name, let.before).status_code == 401


def test_what_is_of_the_tenancy_is_told(let: Let) -> None:
    token = let.now
    told = let.told(let.call("GET /v1/homes/{code}/readings", token))
    assert '"temperature":19.5' in told
    assert [t["number"] for t in let.api.get("/v1/homes/B1-101/tickets", token).json()["items"]][-1] == let.cold
    assert len(let.api.get("/v1/flags", token).json()["items"]) == 1


def test_the_desk_sees_all_of_it(let: Let) -> None:
    admin = let.api.token("admin")
    assert WORDS in let.api.get("/v1/homes/B1-101/tickets", admin).text
    assert len(let.api.get("/v1/flags", admin).json()["items"]) == 2
    assert '"2026-01-14"' in let.api.get("/v1/homes/B1-101/compliance", admin).text
    assert "11.11" in let.call("GET /v1/homes/{code}/readings", admin).text
    assert let.applied in let.call("GET /v1/applications/{number}", admin).text


def test_the_page_is_of_the_tenancy(let: Let) -> None:
    link = let.api.client.get("/home", params={"token": let.now}, follow_redirects=False)
    page = let.api.client.get("/home", headers={"Cookie": link.headers["set-cookie"].split(";")[0]})
    assert page.status_code == 200
    assert WORDS not in page.text
    assert let.number not in page.text
    assert let.cold in page.text
    assert let.api.client.get("/home", params={"token": let.before}).status_code == 401
    let.api.client.cookies.clear()


def scope(conn: Connection, token: str, at: datetime = NOW) -> Scope | None:
    found = access.find(conn, token, at)
    return found.scope if found else None


def test_without_residents_on_record_a_token_reaches_all(connection: Connection) -> None:
    home = town.home(connection)
    token = access.create(connection, access.TokenGrant(Role.CUSTOMER, homes=["B1-101"]), NOW)
    assert scope(connection, token) == Scope(False, None, [home], {})
    since = Since(MOVED, MOVED_DAY)
    bound = access.create(connection, access.TokenGrant(Role.CUSTOMER, homes=["B1-101"], since=since), NOW)
    assert scope(connection, bound) == Scope(False, None, [home], {home: since})


def test_a_token_is_of_who_lived_there_when_it_was_made(connection: Connection) -> None:
    """Residents that come on record later bind tokens that were made before."""
    home = town.home(connection)
    tokens = [access.create(connection, access.TokenGrant(Role.CUSTOMER, homes=["B1-101"]), at) for at in (THEN, NOW)]
    lives(connection, ("A", None, None, MOVED), ("B", MOVED, MOVED_DAY, None))
    assert [scope(connection, token, THEN) for token in tokens] == [Scope(False, None, [home], {}), None]
    assert [scope(connection, token) for token in tokens] == [
        None,
        Scope(False, None, [home], {home: Since(MOVED, MOVED_DAY)}),
    ]


def test_a_tenancy_that_is_renewed_goes_on(connection: Connection) -> None:
    home = town.home(connection)
    lives(connection, ("A", None, None, MOVED), ("A", MOVED, MOVED_DAY, None))
    token = access.create(connection, access.TokenGrant(Role.CUSTOMER, homes=["B1-101"]), NOW)
    assert scope(connection, token) == Scope(False, None, [home], {})


def test_who_comes_back_does_not_see_who_was_there_between(connection: Connection) -> None:
    home = town.home(connection)
    lives(connection, ("A", None, None, THEN), ("B", THEN, MOVED_DAY, MOVED), ("A", MOVED, MOVED_DAY, None))
    token = access.create(connection, access.TokenGrant(Role.CUSTOMER, homes=["B1-101"]), NOW)
    assert scope(connection, token) == Scope(False, None, [home], {home: Since(MOVED, MOVED_DAY)})


def test_a_token_for_who_will_live_there(connection: Connection) -> None:
    home = town.home(connection)
    lives(connection, ("B", NOW + timedelta(days=1), MOVED_DAY, None))
    with pytest.raises(UsageError, match="nobody lives in B1-101 now: name the future resident"):
        access.create(connection, access.TokenGrant(Role.CUSTOMER, homes=["B1-101"]), NOW)
    with pytest.raises(UsageError, match="no resident C of B1-101"):
        access.create(connection, access.TokenGrant(Role.CUSTOMER, homes=["B1-101"], resident="C"), NOW)
    token = access.create(connection, access.TokenGrant(Role.CUSTOMER, homes=["B1-101"], resident="B"), NOW)
    assert scope(connection, token) is None
    later = scope(connection, token, NOW + timedelta(days=2))
    assert later is not None
    assert later.own_homes == [home]


def test_a_person_of_the_provider_reaches_what_is_of_the_present_tenancy(connection: Connection) -> None:
    home = town.home(connection)
    lives(connection, ("A", None, None, MOVED), ("B", MOVED, MOVED_DAY, None))
    assert access.homes_now(connection, ["B1-101", "nobody"], NOW) == {home: Since(MOVED, MOVED_DAY)}
    lives(connection, ("A", None, None, MOVED))
    assert access.homes_now(connection, ["B1-101"], NOW) == {}


def test_a_ticket_that_spans_tenancies_is_told_without_what_was_before(let: Let) -> None:
    """A cold spell of the next resident may join the open ticket of the one before."""
    conn = let.api.conn
    ticket = town.one(conn, "SELECT ticket_id FROM ticket WHERE number = %s", (let.number,))
    # The ticket at hand is none for cold homes, which flags have by rule: what is shown of it is the same.
    conn.execute("ALTER TABLE flag DISABLE TRIGGER USER")
    flag = town.flag(conn, let.home, ticket, since=NOW - timedelta(minutes=10), cleared_at=NOW)
    conn.execute("ALTER TABLE flag ENABLE TRIGGER USER")
    conn.commit()
    try:
        found = let.api.get(f"/v1/tickets/{let.number}", let.now).json()
        assert (found["description"], found["events"], found["contact"]) == ("", [], None)
    finally:
        conn.execute("ALTER TABLE flag DISABLE TRIGGER USER")
        conn.execute("DELETE FROM flag WHERE flag_id = %s", (flag,))
        conn.execute("ALTER TABLE flag ENABLE TRIGGER USER")
        conn.commit()


def test_rights_are_still_those_of_the_token(connection: Connection) -> None:
    town.home(connection)
    token = access.create(connection, access.TokenGrant(Role.CUSTOMER, homes=["B1-101"], rights=[Right.READ]), NOW)
    found = access.find(connection, token, NOW)
    assert found is not None
    assert found.rights == {Right.READ}
