"""Database roles: what each process may do, and that the API's role sees only what its request reaches."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from psycopg import Connection

from domain.errors import UsageError
from store.base import access
from store.base.access import ALL_RIGHTS, Right, Role, Scope
from store.base.migrate import migrate
from store.base.office_role import in_office
from tests.api import town
from tests.api.town import NOW
from tests.conftest import ACCOUNTS, Database, Servers
from tests.store.granted import LINES, OFFICE, RELATIONS

EVERYWHERE = Scope(True, None, [])
ASKED_BY_POLICIES = """
SELECT DISTINCT p.polrelid::regclass::text, c.relname
FROM pg_policy AS p
JOIN pg_depend AS d ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_class'::regclass
JOIN pg_class AS c ON c.oid = d.refobjid
WHERE c.relrowsecurity AND c.oid <> p.polrelid
"""


@contextmanager
def reaching(database: Database, scope: Scope | None) -> Iterator[Connection]:
    """Yield the account of the API in a transaction that reaches this; None: that never said so."""
    with psycopg.connect(database.url_as("api")) as conn:
        if scope:
            access.enter(conn, scope)
        else:
            conn.execute("SET LOCAL ROLE hearth_api")
        yield conn
        conn.rollback()


def count(conn: Connection, relation: str) -> int:
    return town.one(conn, f"SELECT count(*) FROM {relation}", None)


def may_read(conn: Connection, relation: str) -> bool:
    return bool(town.one(conn, "SELECT has_table_privilege(%s, 'SELECT')", (relation,)))


# By two records of the home, of which the second put an end to its cold.
OVERRULED = """
WITH again AS (
  INSERT INTO measurement (
    home_id, room, room_kind, measured_at, celsius, instrument, measurer, recorded_at, recorded_by, filed_late, state,
    policy
  )
  SELECT
    home_id, room, room_kind, measured_at, celsius, instrument, measurer, recorded_at, recorded_by, filed_late, state,
    policy
  FROM measurement WHERE home_id = %(home)s
  RETURNING measurement_id
), ended AS (
  INSERT INTO cold_ended (measurement_id, home_id, at, reason)
  SELECT measurement_id, %(home)s, %(at)s, 'measured' FROM again
)
INSERT INTO sensor_overruled (device_job_id, sensor_id, home_id, from_at, first_id, second_id)
SELECT j.device_job_id, j.sensor_id, %(home)s, %(at)s, m.measurement_id, a.measurement_id
FROM device_job AS j, measurement AS m, again AS a WHERE j.sensor_id = %(sensor)s AND m.home_id = %(home)s
"""


@pytest.fixture
def homes(database: Database) -> dict[str, int]:
    """Three homes, two of one station, each with a row in every table that is bound to a home."""
    found = {}
    with database.connect() as conn:
        for code, station in (("mine", "North"), ("near", "North"), ("far", "South")):
            home = found[code] = town.home(conn, code, building=f"B-{station}", station=station)
            sensor = town.sensor(conn, home, f"s-{code}")
            town.reading(conn, sensor, NOW - timedelta(hours=1), 19)
            town.sensor_now(conn, sensor, home, 19)
            ticket, _ = town.ticket(conn, home)
            town.clock(conn, ticket, "done", NOW)
            town.flag(conn, home, ticket)
            conn.execute(
                "INSERT INTO device_job (sensor_id, reason, ticket_id, opened_at) VALUES (%s, 'silent', %s, %s)",
                (sensor, ticket, NOW),
            )
            town.refund(conn, home)
            conn.execute(
                "INSERT INTO ledger VALUES (%s, '2026-01-14', 86400000000, 0, 0, 0, 0, 0, 0, 0, 19, 'p', true, NULL)",
                (home,),
            )
            conn.execute(
                "INSERT INTO measurement (home_id, room, room_kind, measured_at, celsius, instrument, measurer, "
                "recorded_at, recorded_by, filed_late, state, policy) "
                "VALUES (%(home)s, 'a', 'living', %(at)s, 19, 'T', 'Z', %(at)s, 'Z', false, 2, 'p')",
                {"home": home, "at": NOW},
            )
            conn.execute(
                "INSERT INTO foresight_warning "
                "(day, home_id, at, until, celsius, lowest, limit_celsius, chance, reason) "
                "VALUES ('2026-01-16', %(home)s, %(at)s, %(at)s, 18, 17, 18, 1, 'near')",
                {"home": home, "at": NOW},
            )
            conn.execute("INSERT INTO rejudge (home_id, from_at, queued_at) VALUES (%s, %s, %s)", (home, NOW, NOW))
            conn.execute(OVERRULED.encode(), {"home": home, "sensor": sensor, "at": NOW})
            conn.execute(
                "INSERT INTO measuring_point (home_id, room, room_kind, every_days, starts_at) "
                "VALUES (%s, 'a', 'living', 7, %s)",
                (home, NOW),
            )
            conn.execute(
                "INSERT INTO measurement_request (home_id, reason, asked_at, asked_by, due_at) "
                "VALUES (%(home)s, 'asked', %(at)s, 'Z', %(at)s)",
                {"home": home, "at": NOW},
            )
            conn.execute(
                "INSERT INTO substation_alarm (substation_id, kind, since, lowest, highest) "
                "SELECT substation_id, %s, %s, 1, 1 FROM substation WHERE station = %s",
                (code, NOW, station),
            )
            conn.execute(
                "INSERT INTO foresight_seen (substation_id, at, homes, celsius) "
                "SELECT substation_id, %s::timestamptz + %s * interval '1 hour', '', '' "
                "FROM building JOIN home USING (building_id) WHERE home_id = %s",
                (NOW, home, home),
            )
    return found


def test_every_table_and_view_has_its_line(database: Database) -> None:
    with database.connect() as conn:
        there = {name for (name,) in conn.execute(RELATIONS)}
    assert there == set(LINES)


def test_policies_of_homes_ask_no_table_that_has_policies_itself(plain_database: Database) -> None:
    """They would be expanded inside each other: a look at a home had a plan with two hundred parts."""
    with plain_database.connect() as conn:
        asked = conn.execute(ASKED_BY_POLICIES).fetchall()
    assert ("ticket_event", "ticket") in asked
    assert [pair for pair in asked if LINES[pair[0]] in ("home", "self")] == []


def test_a_table_with_a_home_or_a_ticket_is_behind_the_wall(database: Database) -> None:
    """A new table that tells of homes says whose rows it has, or gives the API no right to it."""
    with database.connect() as conn:
        bound = conn.execute(
            "SELECT DISTINCT c.relname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid "
            "WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' "
            "AND a.attname IN ('home_id', 'ticket_id', 'point_id') "
            "AND has_table_privilege('hearth_api', c.oid, 'SELECT') AND NOT c.relrowsecurity"
        ).fetchall()
    assert bound == [("token_home",)]  # read before it is known who asks


def test_without_a_scope_nothing_is_seen(database: Database, homes: dict[str, int]) -> None:
    behind = {relation for relation, reach in LINES.items() if reach}
    with reaching(database, None) as conn:
        told = {name for name in behind if may_read(conn, name)}
        assert {relation: count(conn, relation) for relation in told} == dict.fromkeys(told, 0)
        with in_office(conn):
            kept = behind & OFFICE.keys()
            assert {relation: count(conn, relation) for relation in kept} == dict.fromkeys(kept, 0)
    assert behind - told <= OFFICE.keys()


@pytest.mark.parametrize(
    ("station", "own", "seen"),
    [(None, ["mine"], {"mine"}), (None, ["mine", "far"], {"mine", "far"}), ("North", [], {"mine", "near"})],
)
def test_rows_of_reached_homes_alone(
    database: Database, homes: dict[str, int], station: str | None, own: list[str], seen: set[str]
) -> None:
    keys = {homes[code] for code in seen}
    with reaching(database, Scope(False, station, [homes[code] for code in own])) as conn:
        for relation in (name for name, reach in LINES.items() if reach == "home" and may_read(conn, name)):
            assert {home for (home,) in conn.execute(f"SELECT home_id FROM {relation}".encode())} == keys, relation
        for relation in ("home", "ticket"):
            assert {home for (home,) in conn.execute(f"SELECT home_id FROM {relation}".encode())} == keys, relation
        for relation in ("ticket_event", "clock", "device_job", "sensor"):
            assert count(conn, relation) == len(seen), relation
        alarms = {kind for (kind,) in conn.execute("SELECT kind FROM substation_alarm")}
        assert alarms == (seen if station else set())
        assert count(conn, "foresight_seen") == (len(seen) if station else 0)


CONTACT = """
WITH told AS (
  INSERT INTO addressee (audience, home_id, channel, language) VALUES ('user', %(home)s, 'phone', 'zh')
  RETURNING addressee_id
), lives AS (
  INSERT INTO residence (home_id, resident, starts_at, first_day) VALUES (%(home)s, 'R', '-infinity', '-infinity')
)
INSERT INTO person.contact (addressee_id, address) SELECT addressee_id, '13800000001' FROM told
"""
FOREIGN = (
    "UPDATE home SET unit = 'x' WHERE home_id = %(far)s RETURNING 1",
    "UPDATE home_status SET status = 'stopped' WHERE home_id = %(far)s RETURNING 1",
    "DELETE FROM point WHERE home_id = %(far)s RETURNING 1",
    "DELETE FROM residence WHERE home_id = %(far)s RETURNING 1",
    "UPDATE addressee SET language = 'en' WHERE home_id = %(far)s RETURNING 1",
    "DELETE FROM person.contact AS c USING addressee AS a "
    "WHERE a.addressee_id = c.addressee_id AND a.home_id = %(far)s RETURNING 1",
)


def test_the_office_keeps_what_the_request_reaches_and_no_more(database: Database, homes: dict[str, int]) -> None:
    """The role for changes stands behind the same wall; that a ticket was given to a station lets it keep nothing."""
    with database.connect() as conn:
        for home in homes.values():
            conn.execute(CONTACT, {"home": home})
        conn.execute("UPDATE ticket SET station = 'North' WHERE home_id = %s", (homes["far"],))
    north = {homes["mine"], homes["near"]}
    with psycopg.connect(database.url_as("api")) as conn:
        access.enter(conn, Scope(False, "North", []), Role.CREW, ALL_RIGHTS)
        with in_office(conn):
            for relation in (name for name in OFFICE if LINES[name] in ("home", "self")):
                found = {home for (home,) in conn.execute(f"SELECT home_id FROM {relation}".encode())}
                assert found == north, relation
            assert count(conn, "person.contact") == len(north)
            for statement in FOREIGN:
                assert conn.execute(statement.encode(), homes).fetchall() == [], statement
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
                conn.execute("INSERT INTO home_status VALUES (%(far)s, now(), 'stopped')", homes)


def test_contacts_are_for_those_who_may_reveal_whatever_they_reach(database: Database, homes: dict[str, int]) -> None:
    with database.connect() as conn:
        conn.execute(CONTACT, {"home": homes["mine"]})
    for rights, seen in ((ALL_RIGHTS, 1), ({Right.READ, Right.WRITE}, 0)):
        with psycopg.connect(database.url_as("api")) as conn:
            access.enter(conn, EVERYWHERE, Role.ADMIN, rights)
            with in_office(conn):
                assert count(conn, "person.contact") == seen
                assert len(conn.execute("DELETE FROM person.contact RETURNING 1").fetchall()) == seen
            conn.rollback()


def test_the_office_reads_and_writes_no_token(plain_database: Database) -> None:
    with plain_database.connect() as conn:
        for verb in ("SELECT", "INSERT", "UPDATE"):
            for relation in ("token", "token_home"):
                asked = "SELECT has_any_column_privilege('hearth_office', %s, %s)"
                assert conn.execute(asked, (relation, verb)).fetchone() == (False,)


def test_of_a_home_whose_ticket_was_given_to_another_station_that_sees_which_home_it_is_and_no_more(
    database: Database, homes: dict[str, int]
) -> None:
    with database.connect() as conn:
        conn.execute("UPDATE ticket SET station = 'South' WHERE home_id = %s", (homes["mine"],))
    with reaching(database, Scope(False, "South", [])) as conn:
        for relation in ("home", "ticket"):
            reached = {home for (home,) in conn.execute(f"SELECT home_id FROM {relation}".encode())}
            assert reached == {homes["mine"], homes["far"]}, relation
        for relation in (name for name, reach in LINES.items() if reach == "home" and may_read(conn, name)):
            reached = {home for (home,) in conn.execute(f"SELECT home_id FROM {relation}".encode())}
            assert reached == {homes["far"]}, relation
        assert count(conn, "sensor") == 1


def test_readings_come_through_the_door_of_their_point_alone(database: Database, homes: dict[str, int]) -> None:
    door = "SELECT r.temperature FROM generate_series(1, 9) AS n, point_readings(n, '-infinity', 'infinity', NULL) AS r"
    for scope, expected in (
        (None, 0),
        (Scope(False, None, [homes["mine"]]), 1),
        (Scope(False, "North", []), 2),
        (EVERYWHERE, 3),
    ):
        with reaching(database, scope) as conn:
            assert len(conn.execute(door).fetchall()) == expected
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute("SELECT FROM reading")


def test_steps_of_homes_are_of_those_that_a_station_or_everybody_reaches(
    database: Database, homes: dict[str, int]
) -> None:
    steps = "SELECT home FROM home_steps(%s, %s, %s, '10 min')"
    everywhere = list(homes.values())
    for scope, expected in (
        (None, set()),
        (Scope(False, None, [homes["mine"]]), set()),
        (Scope(False, "North", []), {homes["mine"], homes["near"]}),
    ):
        with reaching(database, scope) as conn:
            found = conn.execute(steps, (everywhere, NOW - timedelta(days=2), NOW)).fetchall()
            assert {home for (home,) in found} == expected
    with reaching(database, EVERYWHERE) as conn, pytest.raises(psycopg.errors.InvalidParameterValue):
        conn.execute(steps, (everywhere, NOW - timedelta(days=4), NOW))


def test_a_reading_of_the_home_before_is_not_told(database: Database, homes: dict[str, int]) -> None:
    """A sensor that has moved: what it measured where it was belongs to those who lived there."""
    with database.connect() as conn:
        moved = town.sensor(conn, homes["far"], "moved", valid_to=NOW - timedelta(hours=2))
        town.sensor(conn, homes["mine"], "moved", valid_from=NOW - timedelta(hours=2))
        for hours in (3, 1):
            town.reading(conn, moved, NOW - timedelta(hours=hours), 20 + hours)
    with reaching(database, Scope(False, None, [homes["mine"]])) as conn:
        rows = conn.execute(
            "SELECT r.temperature FROM generate_series(1, 9) AS n, "
            "point_readings(n, '-infinity', 'infinity', NULL) AS r ORDER BY 1"
        ).fetchall()
    assert rows == [(19.0,), (21.0,)]


def test_a_transaction_s_reach_ends_with_it(database: Database, homes: dict[str, int]) -> None:
    with psycopg.connect(database.url_as("api"), autocommit=True) as conn:
        with conn.transaction():
            access.enter(conn, EVERYWHERE)
            assert count(conn, "home") == 3
        with conn.transaction():
            assert count(conn, "home") == 0  # its own rights, as a member, are no wider


def test_a_foreign_row_cannot_be_written(database: Database, homes: dict[str, int]) -> None:
    mine = Scope(False, None, [homes["mine"]])
    for code, allowed in (("mine", True), ("near", False)):
        with reaching(database, mine) as conn:
            statement = (
                "INSERT INTO ticket (class, state, priority, source, home_id, opened_at) "
                "VALUES ('leak', 'open', 1, 'phone', %s, %s)"
            )
            if allowed:
                conn.execute(statement, (homes[code], NOW))
                continue
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
                conn.execute(statement, (homes[code], NOW))


def test_the_audit_log_is_only_added_to(database: Database) -> None:
    with database.connect() as conn:
        conn.execute(
            "INSERT INTO audit (at, actor, role, action, target) VALUES (%s, 'a', 'admin', 'GET /', '{}')", (NOW,)
        )
        for statement in ("UPDATE audit SET actor = 'b'", "DELETE FROM audit", "TRUNCATE audit"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="only ever added to"), conn.transaction():
                conn.execute(statement.encode())
        assert count(conn, "audit") == 1


def test_grafana_reads_views_and_nothing_else(database: Database, homes: dict[str, int]) -> None:
    with psycopg.connect(database.url_as("grafana")) as conn:
        readable = {
            name
            for (name,) in conn.execute(
                f"{RELATIONS} AND has_any_column_privilege(c.oid, 'SELECT') AND c.relkind <> 'v'".encode()
            )
        }
        assert readable == set()
        assert count(conn, "home_now") == 3
        assert count(conn, "building_now") == 2


@pytest.mark.parametrize("process", ACCOUNTS)
def test_what_a_process_may_read_it_can_read(database: Database, process: str) -> None:
    """A right to a view is none where the view asks its reader for rights to what is behind it."""
    granted = f"{RELATIONS} AND has_table_privilege(c.oid, 'SELECT')"
    denied = {}
    with psycopg.connect(database.url_as(process), autocommit=True) as conn:
        for (name,) in conn.execute(granted.encode()).fetchall():
            try:
                conn.execute(f"SELECT * FROM {name} LIMIT 0".encode())
            except psycopg.errors.InsufficientPrivilege as error:
                denied[name] = str(error)
    assert denied == {}


def test_migrating_again_changes_nothing(database: Database) -> None:
    policies = "SELECT oid, polname FROM pg_policy ORDER BY oid"
    rights = "SELECT oid, relacl FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY oid"
    with database.connect() as conn:
        before = [conn.execute(query).fetchall() for query in (policies, rights)]
        conn.commit()
        assert migrate(conn) == []
        assert [conn.execute(query).fetchall() for query in (policies, rights)] == before


def test_what_was_granted_by_hand_is_taken_back(database: Database) -> None:
    with database.connect() as conn:
        conn.execute("GRANT SELECT ON token TO hearth_grafana")
        conn.execute("DROP POLICY reached ON home")
        conn.commit()
        migrate(conn)
        assert conn.execute("SELECT has_table_privilege('hearth_grafana', 'token', 'SELECT')").fetchone() == (False,)
        assert conn.execute("SELECT count(*) FROM pg_policy WHERE polrelid = 'home'::regclass").fetchone() == (3,)


def test_databases_of_one_server_are_migrated_at_once(servers: Servers, flavour: str) -> None:
    """Roles belong to the server: a second database finds them."""
    server = servers.of(flavour)
    names = [f"at_once_{flavour}_{n}" for n in range(3)]
    failed: list[BaseException] = []

    def bring_up(name: str) -> None:
        try:
            server.create_database(name)
            with psycopg.connect(server.url(name)) as conn:
                migrate(conn)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=bring_up, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with psycopg.connect(server.url(), autocommit=True) as conn:
        for name in names:
            conn.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
    assert failed == []


def test_who_may_not_grant_is_told(database: Database) -> None:
    with database.connect(autocommit=True) as conn:
        conn.execute("GRANT ALL ON schema_migration TO the_watch; GRANT CREATE ON SCHEMA public TO the_watch")
    with (
        psycopg.connect(database.url_as("watch")) as conn,
        pytest.raises(UsageError, match=r"roles and rights: .*CREATEROLE"),
    ):
        migrate(conn)
