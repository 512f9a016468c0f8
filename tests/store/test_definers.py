"""Functions with their owner's rights, triggers and views: nobody leads them to tables of one's own making."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import Connection, sql

from store.base.migrate import migrate
from store.evidence import journal
from tests.api import town
from tests.api.town import NOW
from tests.conftest import ACCOUNTS, Database, Servers, fresh_database

SCHEMAS = "('public'::regnamespace, 'identity'::regnamespace, 'person'::regnamespace, 'credential'::regnamespace)"
GUARDED = f"""
SELECT p.oid::regprocedure::text, p.proconfig FROM pg_proc AS p
WHERE p.pronamespace IN {SCHEMAS} AND (p.prosecdef OR p.prorettype = 'trigger'::regtype)
  AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e')
"""
OPEN_TO_ALL = f"""
SELECT p.oid::regprocedure::text FROM pg_proc AS p
WHERE p.pronamespace IN {SCHEMAS} AND p.prosecdef AND has_function_privilege('nobody_at_all', p.oid, 'EXECUTE')
"""
SHADOWED = f"""
SELECT c.relname, array_agg(
  format('CASE WHEN t THEN NULL::%s END AS %I', format_type(a.atttypid, a.atttypmod), a.attname) ORDER BY a.attnum
)
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace IN {SCHEMAS} AND c.relkind IN ('r', 'v', 'm')
GROUP BY c.relname
"""
# What says whose rights it is read with. No column is a constant, or the planner would not read it at all.
TRAP = """
CREATE FUNCTION pg_temp.trap() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'trapped as %', current_user;
END
$$
"""
EVENT = "INSERT INTO public.ticket_event (ticket_id, at, kind, actor, state) VALUES (1, now(), 'remark', 'x', 'open')"
MADE = (
    "INSERT INTO public.ticket_event (ticket_id, at, kind, actor, state, data) "
    "VALUES (1, now(), 'remark', 'x', 'open', jsonb_build_object('made_at', now()))"
)
RAISE = "UPDATE public.flag SET severity = 2, severe_at = now() WHERE flag_id = 1"
RAISED = (
    "INSERT INTO public.flag (home_id, severity, cold_since, confirmed_at, raised_at, lowest, limit_celsius, policy, "
    "why, ticket_id, cleared_at, clear_reason) "
    "VALUES (1, 1, now(), now(), now(), 17, 18, 'p', '{}', 1, now(), 'recovered')"
)
CLOCK = "INSERT INTO public.clock (ticket_id, round, name) VALUES (1, 9, 'done')"
DAY = (
    "INSERT INTO public.ledger (home_id, day, compliant_us, cold_us, severe_us, unknown_us, not_judged_us, "
    "shortfall_us, heat, deficit, policy, closed) VALUES (1, '2020-01-01', 0, 0, 0, 0, 0, 0, 0, 0, 'p', true)"
)
HEAT = "INSERT INTO public.home_status (home_id, since, status) VALUES (1, now(), 'on')"
NOTICE = (
    "INSERT INTO public.heat_notice (ticket_id, home_id, kind, number, issued_at, issued_by) "
    "VALUES (1, 1, 'heat', 'n', now(), 'x')"
)
SPREAD = "UPDATE public.incident SET recovering_since = now() WHERE incident_id = 1"
REFUSED = "UPDATE public.ticket_event SET actor = 'x'"
# How each is come by from outside; a function that is not here fails the test below.
WAYS_IN = {
    "building_live(integer)": ("SELECT * FROM public.building_live(1)", "SELECT * FROM public.building_now"),
    "make_token(bytea,text,text[],text,text,timestamp with time zone,text[],text,timestamp with time zone,date,"
    "timestamp with time zone)": (
        "SELECT public.make_token('n', 'customer', '{read}', NULL, NULL, NULL, '{B1-101}', NULL, NULL, NULL, now())",
    ),
    "end_token(integer,timestamp with time zone)": ("SELECT public.end_token(2, now())",),
    "lock_home(integer)": ("SELECT public.lock_home(1)",),
    "lock_building_homes(integer)": ("SELECT public.lock_building_homes(1)",),
    "put_heat(bigint,timestamp with time zone,timestamp with time zone)": ("SELECT public.put_heat(1, now(), now())",),
    "check_heat_status()": (HEAT,),
    "check_heat_notice()": (NOTICE,),
    "point_readings(integer,timestamp with time zone,timestamp with time zone,bigint)": (
        "SELECT * FROM public.point_readings(1, '-infinity', 'infinity', 5)",
    ),
    "reached_point(integer)": ("SELECT * FROM public.reached_point(1)",),
    "home_steps(integer[],timestamp with time zone,timestamp with time zone,interval)": (
        "SELECT * FROM public.home_steps('{1}', now() - interval '1 day', now(), '10 min')",
    ),
    "substation_steps(integer,timestamp with time zone,timestamp with time zone,interval)": (
        "SELECT * FROM public.substation_steps(1, now() - interval '1 day', now(), '10 min')",
    ),
    "reach_flagged()": ("SELECT public.reach_flagged()",),
    "reach_outages()": ("SELECT public.reach_outages()", "SELECT * FROM public.outage_area"),
    "tenancy(integer,text,timestamp with time zone,timestamp with time zone)": (
        "SELECT * FROM public.tenancy(1, 'A', now(), now())",
    ),
    "reach_cases()": ("SELECT public.reach_cases()", "SELECT * FROM public.ticket"),
    "measurement_tasks()": ("SELECT * FROM public.measurement_due",),
    "drop_readings(timestamp with time zone,integer)": ("SELECT public.drop_readings('2020-01-01', 10)",),
    "identity.keep(bigint,text,text,integer,timestamp with time zone)": (
        "SELECT identity.keep(2, 'name', 'phone', 1, now())",
    ),
    "identity.reveal(bigint,text,text,text,text,timestamp with time zone)": (
        "SELECT * FROM identity.reveal(2, 'a', 'admin', NULL, 'a long enough reason', now())",
    ),
    "tell_flag_changes()": (RAISE,),
    "tell_flags()": (RAISED,),
    "tell_ticket_events()": (EVENT,),
    "tell_peers()": (EVENT,),
    "person.link_wechat(integer,bytea,timestamp with time zone,timestamp with time zone)": (
        "SELECT person.link_wechat(1, 'h', now(), now() + interval '1 hour')",
    ),
    "person.wechat_link_holds(bytea,timestamp with time zone)": ("SELECT person.wechat_link_holds('h', now())",),
    "person.bind_wechat(bytea,text,text,integer,timestamp with time zone)": (
        "SELECT person.bind_wechat('h', 'o', 't', 1, now())",
    ),
    "person.unbind_wechat(integer,timestamp with time zone)": ("SELECT person.unbind_wechat(1, now())",),
    "person.wechat_of(integer)": ("SELECT * FROM person.wechat_of(1)",),
    "last_entries(text,jsonb)": ("SELECT * FROM public.last_entries('clock', '[[1, 1, \"done\"]]')",),
    "sealed_entries(bigint)": ("SELECT public.sealed_entries(1)",),
    "peer_message_again(uuid,timestamp with time zone,integer)": (
        "SELECT public.peer_message_again(gen_random_uuid(), now(), 1)",
    ),
    "peer_message_passed_over(uuid,timestamp with time zone)": (
        "SELECT public.peer_message_passed_over(gen_random_uuid(), now())",
    ),
    "chain_event()": (EVENT,),
    "check_made_at()": (MADE,),
    "keep_next_clock()": ("UPDATE public.clock SET due_at = due_at + interval '1 s'",),
    "add_next_clock()": (CLOCK,),
    "check_tickets()": (CLOCK,),
    "check_new_flags()": (RAISED,),
    "check_homes()": (DAY,),
    "check_days_of_home()": ("DELETE FROM public.home WHERE home_id = 1",),
    "journal_new_days()": (DAY,),
    "journal_new_clocks()": (CLOCK,),
    "journal_new_flags()": (RAISED,),
    "journal_new_tickets()": (
        "INSERT INTO public.ticket (class, state, priority, source, opened_at) "
        "VALUES ('repair', 'open', 3, 'phone', now())",
    ),
    "tell_incident()": (SPREAD,),
    "refuse_change()": (REFUSED,),
    "check_ending()": (
        "UPDATE public.ticket SET ending = 'void', state = 'closed', closed_at = now() WHERE ticket_id = 2",
    ),
    "refuse_losing_outages()": ("UPDATE public.outage_event SET actor = 'x'",),
    "refuse_rewriting_audit()": ("UPDATE public.audit SET actor = 'x'",),
    "refuse_rewriting_measurement()": ("UPDATE public.measurement SET room = 'x'",),
    "heard_beside(integer,timestamp with time zone,double precision)": (
        "SELECT * FROM public.heard_beside(1, now(), 1.0)",
    ),
    "take_numbers(text,bigint)": ("SELECT * FROM public.take_numbers('ticket', 1)",),
    "raise_registry_version()": ("UPDATE public.building SET name = 'x'", "UPDATE public.home SET unit = 'x'"),
    "check_flag_ticket()": (RAISE,),
    "check_refund_total()": (
        "INSERT INTO public.refund_sheet (home_id, season, upto, season_days, rules, rules_digest, currency, fee, "
        "total, inputs, digest, made_at, made_by) "
        "VALUES (1, '2024-11-15', '2024-11-16', 1, '', '', '', 0, 0, '', '', now(), '');"
        "SET CONSTRAINTS ALL IMMEDIATE",
    ),
    "check_refund_days()": (
        "INSERT INTO public.refund_day VALUES (1, 1, '2024-11-15', '2024-11-15', 0, -1, 0, 0, 0, 0, 0, 0, "
        "NULL, NULL, 0)",
    ),
    "check_refund_paid()": ("INSERT INTO public.refund_paid VALUES (1, '2026-01-01', 1, 1, 1)",),
    "check_refund_paid_within()": ("INSERT INTO public.refund_paid VALUES (1, '2026-01-02', 1, 1, 1)",),
    "check_closed_ticket()": ("UPDATE public.ticket SET priority = 1",),
    **{
        f"journal_{relation.name}()": (
            f"UPDATE {'.'.join(relation.table) or f'public.{relation.name}'} SET {relation.forms[1][0]} = DEFAULT",
        )
        for relation in journal.RELATIONS
    },
    "journal_clock()": ("UPDATE public.clock SET warned_at = now()", "UPDATE public.ticket SET priority = 1"),
    "person.homes_of(text[],text,text[],text,timestamp with time zone)": (
        "SELECT * FROM person.homes_of('{8765432}', '8765432', '{x}', 'x', now())",
    ),
    "person.people_of(integer,timestamp with time zone)": ("SELECT * FROM person.people_of(1, now())",),
    "person.reach_of_places(text[],text[],text[],timestamp with time zone)": (
        "SELECT * FROM person.reach_of_places('{}', '{}', '{}', now())",
    ),
    "sealed_hashes(bigint)": ("SELECT * FROM public.sealed_hashes(1)",),
    "identity.refuse_rewriting()": ("UPDATE identity.complainant SET name = 'x'",),
    "credential.known(text,timestamp with time zone)": ("SELECT * FROM credential.known('li', now())",),
    "credential.hold_password(integer)": ("SELECT credential.hold_password(1)",),
    "credential.open_session(integer,bytea,text,timestamp with time zone,interval,timestamp with time zone,boolean)": (
        "SELECT credential.open_session(1, 'h', 'd', now(), interval '1 hour', now() + interval '1 day', false)",
    ),
    "credential.use_session(integer,timestamp with time zone)": ("SELECT credential.use_session(1, now())",),
    "credential.end_sessions(integer,integer,integer,timestamp with time zone)": (
        "SELECT credential.end_sessions(1, NULL, NULL, now())",
    ),
    "credential.owing(bytea,timestamp with time zone)": ("SELECT * FROM credential.owing('h', now())",),
    "credential.take_code(integer,bigint)": ("SELECT credential.take_code(1, 99)",),
    "credential.set_password(integer,text,timestamp with time zone)": (
        "SELECT credential.set_password(1, '$argon2id$other', now())",
    ),
    "credential.set_totp(integer,bytea,bigint,timestamp with time zone)": (
        "SELECT credential.set_totp(1, NULL, NULL, now())",
    ),
    "credential.proofs(integer)": ("SELECT * FROM credential.proofs(1)",),
    "credential.invite(integer,bytea,timestamp with time zone,timestamp with time zone)": (
        "SELECT credential.invite(1, 'i', now(), now() + interval '1 day')",
    ),
    "credential.invited(bytea,timestamp with time zone)": ("SELECT credential.invited('i', now())",),
    "credential.accept(bytea,text,timestamp with time zone)": (
        "SELECT credential.accept('i', '$argon2id$other', now())",
    ),
    "credential.set_calendar(integer,bytea,timestamp with time zone)": (
        "SELECT credential.set_calendar(1, 'c', now())",
    ),
    "credential.calendar_since(integer)": ("SELECT credential.calendar_since(1)",),
    "credential.calendar_of(bytea,timestamp with time zone)": ("SELECT * FROM credential.calendar_of('c', now())",),
    "credential.calendar_shifts(integer,timestamp with time zone)": (
        "SELECT * FROM credential.calendar_shifts(1, '2020-01-01')",
    ),
    "credential.vouch(bytea,bytea,timestamp with time zone)": ("SELECT credential.vouch('h', 's', now())",),
    "credential.unvouched(bytea,timestamp with time zone)": ("SELECT * FROM credential.unvouched('h', now())",),
    "credential.provider_tokens_of(integer)": ("SELECT credential.provider_tokens_of(1)",),
    "forget_provider_tokens()": ("SELECT credential.end_sessions(1, NULL, NULL, now())",),
    "credential.forget(integer,timestamp with time zone)": ("SELECT credential.forget(1, now())",),
}
# A person with everything that the functions of `credential` look for.
MEMBER = """
INSERT INTO staff (name, role, sign_in_name, active_from) VALUES ('Li', 'admin', 'li', '2020-01-01+00');
INSERT INTO credential.password VALUES (1, '$argon2id$one', now());
INSERT INTO credential.totp VALUES (1, '0123456789abcdef', 0, now());
INSERT INTO credential.invitation VALUES ('i', 1, now(), now() + interval '1 day');
INSERT INTO credential.calendar VALUES (1, 'c', now());
INSERT INTO token (hash, role, created_at, expires_at, staff_id, device, used_at, idle, pending)
VALUES ('h', 'admin', now(), now() + interval '1 day', 1, 'd', now(), interval '1 hour', true);
INSERT INTO token (hash, role, created_at) VALUES ('m', 'crew', now())
"""
REACH = """
SELECT
  set_config('hearth.everywhere', 'on', false), set_config('hearth.homes', '{1}', false),
  set_config('hearth.since', '{-infinity}', false), set_config('hearth.role', 'admin', false),
  set_config('hearth.rights', 'read,write,reveal', false)
"""


@pytest.fixture(scope="module", params=["plain", "timescale"])
def lived_in(servers: Servers, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database with a row behind each of WAYS_IN, where temporary tables are for everybody: the next wall only."""
    databases = fresh_database(servers.of(request.param), request.param)
    database: Database = next(databases)
    with database.connect() as conn:
        home = town.home(conn)
        town.sensor(conn, home)
        ticket, _ = town.ticket(conn, home)
        town.flag(conn, home, ticket)
        town.ticket(conn, None, kind="complaint")
        conn.execute(
            "INSERT INTO case_file (ticket_id, subject, channel, text, anonymous, opened_at, opened_by) "
            "VALUES (2, 'conduct', 'phone', 'Nobody came.', false, %s, 'desk')",
            (NOW,),
        )
        conn.execute(
            "INSERT INTO incident (kind, substation_id, station, ticket_id, why, opened_at) "
            "VALUES ('cold_homes', 1, 'North', 1, '{}', %s)",
            (NOW,),
        )
        conn.execute(MEMBER)
        conn.execute(sql.SQL("GRANT TEMPORARY ON DATABASE {} TO PUBLIC").format(sql.Identifier(conn.info.dbname)))
    yield database
    next(databases, None)


def shadow(conn: Connection) -> None:
    """Put a trap of the same name and columns in the way of every relation."""
    relations = conn.execute(SHADOWED).fetchall()
    conn.execute(TRAP)
    for name, columns in relations:
        conn.execute(f'CREATE TEMP VIEW "{name}" AS SELECT {", ".join(columns)} FROM pg_temp.trap() AS f (t)'.encode())
    conn.execute("SET search_path = pg_temp, public, pg_catalog")


def trapped(conn: Connection, statement: str) -> str | None:
    """Return with whose rights a statement read a trap; None: it did not, may not, or found nothing to do."""
    try:
        with conn.transaction(force_rollback=True):
            conn.execute(statement.encode())
    except psycopg.Error as error:
        return str(error) if "trapped as" in str(error) else None
    return None


def test_each_is_set_to_look_past_temporary_tables(database: Database) -> None:
    with database.connect() as conn:
        found: dict[str, list[str] | None] = dict(conn.execute(GUARDED).fetchall())
    wrong = {name for name, config in found.items() if "search_path=public, pg_temp" not in (config or [])}
    assert wrong == set()
    assert found.keys() == WAYS_IN.keys()


def test_none_with_its_owner_s_rights_is_for_everybody(plain_database: Database) -> None:
    with plain_database.connect() as conn:
        conn.execute("CREATE ROLE nobody_at_all")
        found = conn.execute(OPEN_TO_ALL).fetchall()
        conn.rollback()
    assert found == []


@pytest.mark.parametrize("process", [*ACCOUNTS, "office"])
def test_no_process_leads_one_to_tables_of_its_own(lived_in: Database, process: str) -> None:
    with psycopg.connect(lived_in.url_as("api" if process == "office" else process)) as conn:
        if process == "office":  # a role that the API takes, without an account
            conn.execute("SET ROLE hearth_office")
        conn.execute(REACH)
        shadow(conn)
        statements = {statement for way in WAYS_IN.values() for statement in way}
        assert {found for statement in statements if (found := trapped(conn, statement))} == set()


@pytest.mark.parametrize("process", ACCOUNTS)
def test_no_view_reads_tables_of_the_one_who_asks(lived_in: Database, process: str) -> None:
    with psycopg.connect(lived_in.url_as(process)) as conn:
        views = [name for (name,) in conn.execute("SELECT viewname FROM pg_views WHERE schemaname = 'public'")]
        conn.execute(REACH)
        shadow(conn)
        found = {view: said for view in views if (said := trapped(conn, f'SELECT * FROM public."{view}"'))}
    assert found == {}


def test_the_trap_is_one(lived_in: Database) -> None:
    """A function that looks where its caller looks is caught, with the rights of the owner."""
    with lived_in.connect() as conn:
        conn.execute("ALTER FUNCTION building_live(integer) RESET search_path")
        conn.commit()
    try:
        with psycopg.connect(lived_in.url_as("grafana")) as conn:
            shadow(conn)
            assert trapped(conn, "SELECT * FROM public.building_live(1)") is not None
    finally:
        with lived_in.connect() as conn:
            migrate(conn)
            conn.execute(sql.SQL("GRANT TEMPORARY ON DATABASE {} TO PUBLIC").format(sql.Identifier(conn.info.dbname)))


def test_a_later_function_is_guarded_without_asking_for_it(database: Database) -> None:
    with database.connect() as conn:
        conn.execute(
            "CREATE FUNCTION later() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM home'"
        )
        conn.commit()
        migrate(conn)
        config = conn.execute("SELECT proconfig FROM pg_proc WHERE proname = 'later'").fetchone()
    assert config == (["search_path=public, pg_temp"],)
    for process in ACCOUNTS:
        with psycopg.connect(database.url_as(process)) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("SELECT later()")


def test_temporary_tables_are_for_processes_whose_batches_need_them(database: Database) -> None:
    with database.connect() as conn:
        migrate(conn)
    for process in ACCOUNTS:
        with psycopg.connect(database.url_as(process)) as conn:
            try:
                conn.execute("CREATE TEMP TABLE mine ()")
                assert process in ("ingest", "watch")
            except psycopg.errors.InsufficientPrivilege:
                assert process not in ("ingest", "watch")


def test_an_account_of_dashboards_gives_up(database: Database) -> None:
    """Settings of a role are not inherited: each account has them, and an operator's own stay."""
    with database.connect() as conn:
        migrate(conn)
        database_name = sql.Identifier(conn.info.dbname)
    with psycopg.connect(database.url_as("grafana")) as conn:
        shown = [conn.execute(f"SHOW {name}".encode()).fetchone() for name in ("statement_timeout", "lock_timeout")]
    assert shown == [("30s",), ("5s",)]
    with database.connect() as conn:
        conn.execute(
            sql.SQL("ALTER ROLE the_grafana IN DATABASE {} SET statement_timeout = '50ms'").format(database_name)
        )
        conn.commit()
        migrate(conn)
    with psycopg.connect(database.url_as("grafana")) as conn, pytest.raises(psycopg.errors.QueryCanceled):
        conn.execute("SELECT pg_sleep(5)")
    for process in ("ingest", "watch", "notify", "api"):
        with psycopg.connect(database.url_as(process)) as conn:
            assert conn.execute("SHOW statement_timeout").fetchone() == ("0",)
