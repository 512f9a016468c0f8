"""Evidence is forged by the owner of the database, with triggers off, and `hearth verify` finds it."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from psycopg import Connection

from alerts.evidence import chain, reading_seals
from alerts.evidence.check import CHECKS, Findings
from alerts.evidence.reading_seals import seal_days
from alerts.judging.by_clock import catch_up, keep_ledger
from alerts.judging.history import History
from domain.tickets import EventKind, TicketClass
from store.base import audit
from store.evidence.signing import SigningKey
from tests import registry_rows as town
from tests.conftest import TEMPLATE, Database, Servers, administer, fresh_database
from tests.store.company import SEED, Company
from tests.store.desk import MINUTE, NOON

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
LATER = NOON + 3 * DAY


class Sealed(Company):
    """A company with three days of everything on record, all of it under seals."""

    def live(self) -> None:
        """Let three days pass."""
        for day in range(3):
            for hour in range(0, 24, 3):
                at = NOON.replace(hour=0) + day * DAY + timedelta(hours=hour)
                self.say(("s1", at, 17.5 if day == 1 else 19.0), ("s2", at, 20.0), now=at)
                self.clock(at)
        ticket = self.phoned(NOON, TicketClass.LEAK, 2)
        self.let(ticket, EventKind.ACCEPTED, NOON + 5 * MINUTE)
        self.watch(NOON + 40 * MINUTE)
        self.conn.execute(
            "INSERT INTO measurement (home_id, room, room_kind, measured_at, celsius, instrument, measurer, signature, "
            "recorded_at, recorded_by, filed_late, state, policy) "
            "SELECT h.home_id, 'living', 'living', %(at)s, 18.6, 'T', 'Z', 'paper 7', %(at)s, 'Z', false, 2, 'p' "
            "FROM home AS h WHERE h.code = 'H1'",
            {"at": NOON},
        )
        for home in ("H1", "H2"):
            self.asked(NOON, home)
        self.count(LATER)
        self.seal(LATER)

    def asked(self, now: datetime, home: str) -> None:
        """Store an audit entry as the API writes it."""
        entry = audit.AuditEntry(
            at=now, actor="token 1", role="admin", address=None, action="POST /v1/homes/{code}", target={"code": home}
        )
        audit.record(self.conn, entry)

    def count(self, now: datetime) -> None:
        history = History(SEED)
        while not keep_ledger(self.conn, history, 0, now):
            pass

    def seal(self, now: datetime, key: SigningKey | None = None) -> None:
        """Run the rounds of watch that seal, until there is nothing to do."""
        for _ in range(20):
            seal_days(self.conn, now)
        for _ in range(3):
            chain.seal(self.conn, now, key)

    def forge(self, *statements: str) -> None:
        """Run statements as the owner of the database, with all triggers off."""
        tables = self.rows(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables "
            "WHERE schemaname IN ('public', 'identity') AND tablename NOT IN ('reading', 'substation_reading')"
        )
        self.conn.execute("; ".join(f"ALTER TABLE {one['name']} DISABLE TRIGGER USER" for one in tables).encode())
        for statement in statements:
            self.conn.execute(statement.encode())

    def found(self, noted: str | None = None, now: datetime = LATER) -> Findings:
        findings = Findings(now, noted)
        for check in CHECKS.values():
            check(self.conn, findings)
        return findings

    def faults(self, noted: str | None = None) -> list[str]:
        return [fault["what"] for fault in self.found(noted).told]


@pytest.fixture(scope="module")
def lived(servers: Servers) -> Iterator[dict[str, Database]]:
    """The databases that have been lived in, by flavour: made once, as templates of those that are forged.

    They are dropped, since a worker that comes back to this module for what others have left makes them once more.
    """
    made: dict[str, Database] = {}
    yield made
    for flavour in made:
        administer(servers.of(flavour), "DROP DATABASE lived WITH (FORCE)")


@pytest.fixture
def forged(servers: Servers, flavour: str, lived: dict[str, Database]) -> Iterator[Database]:
    """A copy of a database in which a company lived."""
    server = servers.of(flavour)
    if flavour not in lived:
        administer(server, f"CREATE DATABASE lived TEMPLATE {TEMPLATE}")
        lived[flavour] = Database(server.url("lived"), flavour)
        with lived[flavour].connect(autocommit=True) as conn:
            for home, sensor in (("H1", "s1"), ("H2", "s2")):
                town.sensor(conn, sensor, town.home(conn, home))
            Sealed(conn).live()
    yield from fresh_database(server, flavour, "lived")


@pytest.fixture
def desk(forged: Database) -> Iterator[Sealed]:
    with forged.connect(autocommit=True) as conn:
        yield Sealed(conn)


def test_what_nobody_touched_is_in_order(desk: Sealed) -> None:
    found = desk.found()
    assert found.told == []
    assert found.counts["readings"] == 2 * (3 + 8 + 8)  # the last day (UTC) is not settled
    assert found.counts["unsealed"] == 0
    assert found.amended == 0
    assert found.counts["records"] > 20


READING = "UPDATE reading SET temperature = 21 WHERE temperature = 17.5 AND sensor_id = {s1} AND measured_at = {cold}"
FORGERIES = {
    "a warmer reading": (READING, "reading s1 2026-01-16 (UTC): is not as it was sealed (8 readings then, 8 now)"),
    "a reading that is gone": (
        "DELETE FROM reading WHERE sensor_id = {s1} AND measured_at = {cold}", "(8 readings then, 7 now)"
    ),
    "a reading that never was": (
        "INSERT INTO reading SELECT sensor_id, measured_at + interval '1 minute', received_at, 21, humidity, battery, "
        "quality, self_timed FROM reading WHERE sensor_id = {s1} AND measured_at = {cold}",
        "reading s1 2026-01-16 (UTC): is not as it was sealed (8 readings then, 9 now)",
    ),
    "all readings of a day": (
        "DELETE FROM reading WHERE measured_at >= '2026-01-16' AND measured_at < '2026-01-17'",
        "reading s2 2026-01-16 (UTC): is not as it was sealed (8 readings then, 0 now)",
    ),
    "a vanished ledger day": ("DELETE FROM ledger WHERE day = '2026-01-16' AND home_id = {h1}",
                              "ledger H1 2026-01-16: has vanished"),
    "a better ledger day": ("UPDATE ledger SET compliant_us = compliant_us + cold_us, cold_us = 0 WHERE cold_us > 0",
                            "ledger H1 2026-01-16: is not as it was last written at"),
    "a ledger day that is opened": ("UPDATE ledger SET closed = false, cold_us = 0 WHERE day = '2026-01-16'",
                                    "ledger H1 2026-01-16: is not evidence now, which no entry tells"),
    "a ledger day that was put in": (
        "INSERT INTO ledger SELECT home_id, day - 30, compliant_us, cold_us, severe_us, unknown_us, not_judged_us, "
        "shortfall_us, heat, deficit, lowest, policy, closed, NULL FROM ledger WHERE day = '2026-01-16'",
        "ledger H2 2025-12-17: was put in past the journal",
    ),
    "a deleted measurement": ("DELETE FROM measurement", "measurement 1: has vanished; it was last written at"),
    "a better measurement": ("UPDATE measurement SET celsius = 18.7", "measurement 1: is not as it was"),
    "a rewritten audit entry": ("UPDATE audit SET actor = 'token 2' WHERE audit_id = 2", "audit 2: is not as it was"),
    "a deleted audit entry": ("DELETE FROM audit WHERE audit_id = 1", "audit 1: has vanished"),
    "a met clock": ("UPDATE clock SET breached_at = NULL, met_at = due_at WHERE breached_at IS NOT NULL",
                    "on_site: is not as it was last written at"),
    "a flag that ended sooner": ("UPDATE flag SET cold_since = raised_at + interval '1 h'", "flag 1: is not as it was"),
    "a flag that is gone": ("UPDATE home_state SET flag_id = NULL; DELETE FROM flag", "flag 1: has vanished"),
    "a ticket that was accepted sooner": ("UPDATE ticket SET station = 'West'", "is not as it was last written"),
    "digests made to fit": (
        READING + "; UPDATE reading_day SET digest = sha256('x'), sensors = '' WHERE day = '2026-01-16'",
        "reading_day 3: is not as it was",
    ),
    "digests that are gone": ("DELETE FROM reading_day WHERE day = '2026-01-16'", "reading_day 3: has vanished"),
    "a day that is said not to be sealed": (
        "UPDATE reading_frontier SET day = '2026-01-16', upto = '2026-01-16'; " + READING,
        "reading 2026-01-16: has digests and should have none",
    ),
    "a journal made to fit": (
        "UPDATE ledger SET cold_us = 0 WHERE cold_us > 0; UPDATE journal AS j SET (hashes, hash) = "
        "(SELECT h, sha256(h) FROM (SELECT string_agg(journal_hash('', 'ledger', jsonb_build_array(l.home_id, l.day), "
        "j.form, j.at, j.writer, jsonb_build_array(compliant_us, cold_us, severe_us, unknown_us, not_judged_us, "
        "shortfall_us, heat, deficit, lowest, policy)), '' ORDER BY array_position(j.days, l.day)) AS h "
        "FROM ledger AS l WHERE l.home_id = (j.key -> 0)::integer AND l.day = ANY (j.days)) AS x) "
        "WHERE j.relation = 'ledger_days'",
        "entries of the journal under it, and now there are others",
    ),
    "all of it gone with its entries": (
        "DELETE FROM measurement; DELETE FROM journal WHERE relation = 'measurement'",
        "entries of the journal under it, and now there are others",
    ),
    "a cut tail": (
        "DELETE FROM chain_seal; DELETE FROM journal WHERE journal_id > 5; DELETE FROM ticket_event WHERE seq > 1",
        "the end was cut off: the last entry of the journal was",
    ),
    "deleted after its time, it is said": (
        "DELETE FROM reading; UPDATE readings_kept SET since = '2026-01-18'", "which no setting does"
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", FORGERIES)
def test_a_forgery_is_found_and_named(desk: Sealed, kind: str) -> None:
    statement, told = FORGERIES[kind]
    ids = {row["code"]: row["sensor_id"] for row in desk.rows("SELECT code, sensor_id FROM sensor")}
    homes = {row["code"].lower(): row["home_id"] for row in desk.rows("SELECT code, home_id FROM home")}
    cold = "'2026-01-16 04:00:00+00'"
    desk.forge(*(part.format(**ids, **homes, cold=cold) for part in statement.split("; ")))
    found = desk.faults()
    assert any(told in what for what in found), found


def test_a_tail_that_was_cut_without_a_trace_is_found_by_a_published_seal(desk: Sealed) -> None:
    noted = desk.found().last_seal
    (last,) = desk.rows("SELECT max(chain_seal_id) AS id FROM chain_seal")
    desk.forge(
        f"DELETE FROM chain_seal WHERE chain_seal_id = {last['id']}",
        "DELETE FROM journal WHERE journal_id > (SELECT coalesce(max(entries_upto), 0) FROM chain_seal)",
        "UPDATE chain_next SET (upto, entries_upto) = (SELECT coalesce(max(upto), 0), coalesce(max(entries_upto), 0) "
        "FROM chain_seal)",
    )
    assert any("is not the one that was noted" in what for what in desk.faults(noted))


def test_what_comes_late_is_no_forgery_and_what_is_changed_with_it_is(desk: Sealed) -> None:
    """A reading of the second day arrives on the fourth: days are counted again, and all is in order."""
    late = NOON + DAY + 30 * MINUTE
    desk.say(("s1", late, 15.0), now=LATER)
    catch_up(desk.conn, History(SEED), LATER + MINUTE)
    desk.seal(LATER + MINUTE)
    found = desk.found()
    assert found.told == []
    assert found.amended == 1
    assert found.amendments[0]["what"] == "ledger H1 2026-01-16"
    desk.forge(f"UPDATE reading SET temperature = 18 WHERE measured_at = '{late.isoformat()}'")
    assert desk.faults() == ["reading s1 2026-01-16 (UTC): what came late is not as it was noted"]
    desk.forge(f"DELETE FROM reading WHERE measured_at = '{late.isoformat()}'")
    assert desk.faults() == ["reading s1 2026-01-16 (UTC): what came late is not as it was noted"]


def test_what_is_completed_late_is_no_forgery(desk: Sealed) -> None:
    """The humidity of an instant comes days after its temperature, and of another the temperature, twice over."""
    first, second = NOON.replace(hour=3) + DAY, NOON + DAY + 7 * MINUTE
    for now, at, said in (
        (LATER, first, {"humidity": 40}),
        (LATER + MINUTE, second, {"humidity": 41}),
        (LATER + 2 * MINUTE, second, {"temperature": 16.5}),
        (LATER + 3 * MINUTE, second, {"battery": 80}),
        (LATER + 4 * MINUTE, second, {"battery": 80, "humidity": 41}),
    ):
        desk.send(("s1", {"ts": at.isoformat(), **said}), now=now)
    desk.seal(LATER + HOUR)
    assert desk.rows("SELECT count(*) AS n FROM reading_late")[0]["n"] == 4
    assert desk.faults() == []
    desk.forge("UPDATE reading SET humidity = 60 WHERE humidity = 40")
    assert desk.faults() == ["reading s1 2026-01-15 (UTC): what came late is not as it was noted"]


def test_a_day_is_not_settled_while_something_old_is_stored(forged: Database, desk: Sealed) -> None:
    with forged.connect() as slow:
        Sealed(slow).say(("s1", NOON + 2 * DAY + MINUTE, 19.0), now=LATER + DAY)
        for _ in range(4):
            seal_days(desk.conn, LATER + DAY)
        assert desk.rows("SELECT DISTINCT upto FROM reading_frontier") == [{"upto": date(2026, 1, 17)}]
        slow.commit()
    desk.seal(LATER + DAY)
    assert desk.rows("SELECT DISTINCT upto FROM reading_frontier") == [{"upto": date(2026, 1, 18)}]
    assert desk.rows("SELECT FROM reading_late") == []
    assert desk.faults() == []


def test_a_change_past_the_rules_but_not_past_the_journal_is_found(desk: Sealed) -> None:
    desk.conn.execute("ALTER TABLE audit DISABLE TRIGGER audit_append_only")
    desk.conn.execute("UPDATE audit SET actor = 'token 2' WHERE audit_id = 1")
    assert any("audit 1: is never changed, and was last written at" in what for what in desk.faults())


def test_old_readings_may_go_after_their_time(desk: Sealed) -> None:
    desk.conn.execute("SELECT drop_readings('2026-01-17', 1000000)")
    later = NOON + timedelta(days=400)
    assert [fault["what"] for fault in desk.found(now=later).told] == []


def test_a_session_with_other_habits_writes_the_same(desk: Sealed) -> None:
    desk.conn.execute("SET timezone = 'Asia/Shanghai'")
    desk.conn.execute("SET extra_float_digits = 0")
    desk.conn.execute("SET bytea_output = escape")
    desk.say(("s1", LATER, 17.3), now=LATER)
    desk.seal(LATER + DAY)
    assert desk.faults() == []


def test_readings_wait_for_batches_that_do_not_know_yet_that_the_day_is_settled(forged: Database, desk: Sealed) -> None:
    with forged.connect() as slow:
        slow.execute("SELECT pg_current_xact_id()")
        for _ in range(5):
            seal_days(desk.conn, LATER + DAY)
        assert desk.rows("SELECT max(day) AS day FROM reading_day")[0]["day"] == date(2026, 1, 16)
        slow.rollback()
    for _ in range(5):
        seal_days(desk.conn, LATER + DAY)
    assert desk.rows("SELECT max(day) AS day FROM reading_day")[0]["day"] == date(2026, 1, 17)


def test_a_seal_waits_for_a_transaction_that_is_the_newest(forged: Database, desk: Sealed) -> None:
    """Its number is given and not over: a snapshot ends before it."""
    with forged.connect() as slow:
        slow.execute("UPDATE flag SET severity = severity")
        slow.execute("UPDATE flag SET policy = policy || 'x'")  # takes a number in the journal
        desk.asked(LATER, "H1")
        for _ in range(4):
            chain.seal(desk.conn, LATER)
        slow.commit()
    desk.seal(LATER)
    assert desk.faults() == []
    assert desk.found().counts["unsealed"] == 0


def test_a_seal_is_signed_and_a_broken_or_unknown_signature_is_found(desk: Sealed) -> None:
    first, second = SigningKey.made(), SigningKey.made()
    for nth, key in enumerate((first, second)):
        at = LATER + (nth + 1) * MINUTE
        desk.asked(at, "H1")
        desk.seal(at, key)
    found = desk.found()
    assert found.told == []
    assert found.counts["signed"] >= 2
    keys = [row["key_id"] for row in desk.rows("SELECT key_id FROM seal_key ORDER BY seal_key_id")]
    assert keys == [first.key_id, second.key_id]
    desk.forge("UPDATE chain_seal SET signature = sha256('x') || sha256('y') WHERE signature IS NOT NULL")
    assert sum("its signature is broken" in what for what in desk.faults()) == found.counts["signed"]
    desk.forge(f"DELETE FROM seal_key WHERE key_id = '{first.key_id}'")
    assert any(f"its key {first.key_id} is not listed" in what for what in desk.faults())


def test_the_newest_seal_is_published_once_a_day_and_has_to_stay(desk: Sealed) -> None:
    key, zone = SigningKey.made(), SEED.zone
    desk.asked(LATER, "H1")
    desk.seal(LATER, key)
    midnight = LATER.astimezone(zone).replace(hour=0, minute=0) + DAY
    instants = (LATER, LATER + MINUTE, midnight - MINUTE, midnight, midnight + MINUTE)
    assert [chain.publish(desk.conn, zone, at) for at in instants] == [True, False, False, True, False]
    told = desk.rows("SELECT audience, data FROM outbox WHERE kind = 'seal_published' ORDER BY outbox_id")
    assert [row["audience"] for row in told] == ["supervisor", "witness"] * 2
    data = told[0]["data"]
    assert (data["seal"], data["key"]) == (desk.found().last_seal, key.key_id)
    assert desk.faults() == []
    desk.forge(
        "DELETE FROM chain_seal WHERE signature IS NOT NULL",
        "DELETE FROM journal WHERE journal_id > (SELECT max(entries_upto) FROM chain_seal)",
        "UPDATE chain_next SET entries_upto = (SELECT max(entries_upto) FROM chain_seal)",
    )
    assert any("was published, and is not there" in what for what in desk.faults())


def test_the_digests_fit_whatever_the_pieces_are(desk: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_seals, "MOST_READINGS", 1)
    desk.say(("s1", LATER + DAY, 19.0), ("s2", LATER + DAY, 19.0), now=LATER + DAY)
    desk.seal(LATER + 3 * DAY)
    assert desk.faults() == []
    assert len(desk.rows("SELECT FROM reading_day WHERE day = '2026-01-19'")) == 2


def one(conn: Connection, statement: str) -> Any:
    row = conn.execute(statement.encode()).fetchone()
    return row[0] if row else None


def test_the_command_tells_where_and_ends_with_1(desk: Sealed, forged: Database, monkeypatch: Any) -> None:
    from typer.testing import CliRunner

    from hearth.cli import app

    monkeypatch.setenv("HEARTH_DATABASE_URL", forged.url)
    run = CliRunner()
    answer = run.invoke(app(["verify"]), ["verify", "--json"])
    told = json.loads(answer.output)
    assert (answer.exit_code, told["faults"], told["complete"]) == (0, 0, True)
    assert run.invoke(app(["verify"]), ["verify", "--seal", told["last_seal"]]).exit_code == 0
    assert run.invoke(app(["verify"]), ["verify", "--seal", "1:00"]).exit_code == 1
    desk.forge("DELETE FROM measurement")
    answer = run.invoke(app(["verify"]), ["verify", "records"])
    assert answer.exit_code == 1
    assert "records: measurement 1: has vanished" in answer.output
    assert "number_gone" in run.invoke(app(["verify"]), ["verify", "tickets"]).output  # numbers have no gaps
    assert run.invoke(app(["verify"]), ["verify", "readings"]).exit_code == 0
