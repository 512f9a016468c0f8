"""The journal is written once for a statement: many rows of one statement are chained one by one, and none goes by."""

import re
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import Connection, errors

from alerts.evidence.check import Findings, check_records
from store.evidence import journal
from tests import registry_rows as town
from tests.conftest import Database
from tests.store.company import Company
from tests.store.desk import NOON

HOMES = 40
MIDDLE = HOMES // 2
NEVER_CHANGED = {"archive_entry", "refund_sheet"}  # a trigger refuses it
NEW_ROWS = {"ledger": "journal_new_days"} | {name: f"journal_new_{name}s" for name in ("clock", "flag", "ticket")}
ENTRIES = "SELECT count(*) AS n FROM journal WHERE relation = '{}'"


class Storm(Company):
    """A company whose homes are all flagged by one transaction."""

    def faults(self) -> list[str]:
        found = Findings(NOON)
        check_records(self.conn, found)
        return [fault["what"] for fault in found.told]

    def entries(self, relation: str) -> int:
        return int(self.rows(ENTRIES.format(relation))[0]["n"])

    def forge(self, table: str, statement: str) -> None:
        """Run a statement as the owner, with all triggers of a table off."""
        self.conn.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
        self.conn.execute(statement.encode())


@pytest.fixture
def storm(database: Database) -> Iterator[Storm]:
    with database.connect(autocommit=True) as conn:
        building = town.building(conn)
        for n in range(HOMES):
            town.sensor(conn, f"s{n}", town.home(conn, f"H{n}", building_id=building))
        desk = Storm(conn)
        desk.say(*((f"s{n}", NOON, 17.0) for n in range(HOMES)))
        yield desk


def test_rows_of_one_statement_have_an_entry_each_and_the_clocks_of_a_ticket_one(storm: Storm) -> None:
    assert [storm.entries(name) for name in ("flag", "ticket", "clocks", "clock")] == [HOMES, HOMES, HOMES, 0]
    (clocks,) = storm.rows("SELECT count(*) AS n, count(DISTINCT name) AS names FROM clock")
    assert clocks["n"] == HOMES * clocks["names"] > HOMES
    assert storm.faults() == []


def test_listeners_are_told_of_each_row_of_a_statement(storm: Storm) -> None:
    told = storm.rows("SELECT kind, what, subject_id, seq, home_id, station FROM live_event ORDER BY live_event_id")
    tickets = [row for row in told if row["kind"] == "ticket"]
    assert [row["subject_id"] for row in tickets] == list(range(1, HOMES + 1))
    assert {(row["what"], row["seq"], row["station"]) for row in tickets} == {("opened", 1, "East")}
    flags = [row for row in told if row["kind"] == "flag"]
    assert [row["subject_id"] for row in flags] == list(range(1, HOMES + 1))
    assert {(row["what"], row["station"]) for row in flags} == {("raised", "East")}
    assert len({row["home_id"] for row in flags}) == HOMES
    assert len(told) == 2 * HOMES


def test_what_is_looked_up_for_each_row_of_a_storm_is_looked_up_by_index(plain_database: Database) -> None:
    """A plan of a session is as old as its first flag: when the table was empty, it was to be read from end to end."""
    functions = [
        "chain_event", "check_closed_ticket", "check_flag_ticket", "check_new_flags", "check_tickets",
        "keep_next_clock", "tell_flag_changes", "tell_flags",
    ]  # fmt: skip
    with plain_database.connect() as conn:
        rows = conn.execute(
            "SELECT proname FROM pg_proc WHERE proname = ANY(%s) AND 'enable_seqscan=off' = ANY(proconfig) ORDER BY 1",
            (functions,),
        ).fetchall()
    assert [row[0] for row in rows] == functions


@pytest.mark.parametrize(
    ("table", "change", "key"),
    [
        ("flag", "policy = 'x'", "flag_id"),
        ("ticket", "priority = priority + 1", "ticket_id"),
        ("clock", "warned_at = due_at", "ticket_id"),
    ],
)
def test_a_change_in_the_middle_of_a_statement_s_rows_is_found(storm: Storm, table: str, change: str, key: str) -> None:
    storm.forge(table, f"UPDATE {table} SET {change} WHERE {key} = {MIDDLE}")
    found = storm.faults()
    assert found
    assert all("is not as it was last written" in what for what in found)
    assert len({what.split()[1] for what in found}) == 1


def test_an_entry_taken_or_changed_in_the_middle_of_a_row_s_is_found(storm: Storm) -> None:
    for rules in ("x", "y"):
        storm.conn.execute("UPDATE flag SET policy = %s", (rules,))
    assert storm.entries("flag") == 3 * HOMES
    assert storm.faults() == []
    second = (
        "SELECT journal_id FROM journal WHERE relation = 'flag' AND key = '[{}]' ORDER BY journal_id OFFSET 1 LIMIT 1"
    )
    storm.forge("journal", f"DELETE FROM journal WHERE journal_id = ({second.format(MIDDLE)})")
    storm.forge("journal", f"UPDATE journal SET hash = sha256('x') WHERE journal_id = ({second.format(MIDDLE + 1)})")
    assert [what.partition(":")[0] for what in storm.faults()] == [f"flag {MIDDLE}", f"flag {MIDDLE + 1}"]


def test_only_what_a_statement_changed_has_a_new_entry(storm: Storm) -> None:
    storm.conn.execute("UPDATE flag SET lowest = lowest - 1")  # of an open flag that is no evidence
    storm.conn.execute("UPDATE flag SET policy = policy")
    storm.conn.execute("UPDATE flag SET policy = 'x' WHERE flag_id > 99999")
    assert storm.entries("flag") == HOMES
    storm.conn.execute("UPDATE flag SET policy = CASE WHEN flag_id % 2 = 0 THEN 'x' ELSE policy END, lowest = 10")
    assert storm.entries("flag") == HOMES + HOMES // 2
    # Once it is over, the lowest temperature is evidence, too; and it may be open again.
    storm.conn.execute("UPDATE flag SET cleared_at = now(), clear_reason = 'recovered'")
    storm.conn.execute("UPDATE flag SET lowest = 9")
    storm.conn.execute("UPDATE flag SET cleared_at = NULL, clear_reason = NULL")
    assert storm.entries("flag") == HOMES + HOMES // 2 + 3 * HOMES
    assert storm.faults() == []


def test_every_way_of_writing_is_in_the_journal(storm: Storm) -> None:
    """Of a statement with several parts, and of rows that are there already."""
    copied = "'2026-01-02', 0, 0, 0, 0, 0, 0, 0, 0, true, 'p'"
    columns = (
        "home_id, day, compliant_us, cold_us, severe_us, unknown_us, not_judged_us, shortfall_us, heat, deficit, "
        "closed, policy"
    )
    insert = f"INSERT INTO ledger ({columns}) SELECT home_id, {copied} FROM home"
    storm.conn.execute(f"{insert} WHERE home_id <= 10".encode())
    storm.conn.execute(
        f"WITH more AS (INSERT INTO ledger ({columns}) VALUES (30, {copied})), "
        f"less AS (UPDATE ledger SET cold_us = 5 WHERE home_id = 1) "
        f"{insert} WHERE home_id <= 20 ON CONFLICT (home_id, day) DO UPDATE SET cold_us = 7 WHERE excluded.home_id > 5"
        .encode()
    )  # fmt: skip
    assert storm.entries("ledger") == 10 + 1 + 1 + 10 + 5
    with storm.conn.cursor() as cur, cur.copy(f"COPY ledger ({columns}) FROM STDIN".encode()) as copy:
        for home in (21, 22):
            copy.write_row((home, "2026-01-02", 0, 0, 0, 0, 0, 0, 0, 0, True, "p"))
    storm.conn.execute(
        "MERGE INTO ledger AS l USING home AS h ON h.home_id = l.home_id "
        "WHEN MATCHED AND h.home_id > 20 THEN UPDATE SET cold_us = 9 WHEN MATCHED THEN DO NOTHING"
    )
    assert storm.entries("ledger") == 27 + 2 + 3
    storm.conn.execute("UPDATE ledger SET closed = false WHERE home_id < 3")
    storm.conn.execute("UPDATE ledger SET cold_us = 1 WHERE home_id < 3")  # is counted again, and no evidence for now
    assert storm.entries("ledger") == 32 + 2
    assert storm.faults() == []


def several_days(storm: Storm, homes: str = "home_id <= 3") -> None:
    """Give homes four closed days and an open one by one statement."""
    storm.conn.execute(
        "INSERT INTO ledger (home_id, day, compliant_us, cold_us, severe_us, unknown_us, not_judged_us, shortfall_us, "
        f"heat, deficit, lowest, closed, policy) SELECT home_id, date '2026-01-02' + n, n, 0, 0, 0, 0, 0, 0, 0, "
        f"nullif(n, 2) + 17.1, n < 4, 'p' FROM home CROSS JOIN generate_series(0, 4) AS n WHERE {homes}".encode()
    )


def test_new_days_of_a_home_have_an_entry_together(storm: Storm) -> None:
    several_days(storm)
    assert (storm.entries("ledger"), storm.entries("ledger_days")) == (0, 3)
    storm.conn.execute("UPDATE ledger SET cold_us = 1 WHERE day IN ('2026-01-03', '2026-01-05')")
    storm.conn.execute("UPDATE ledger SET closed = false WHERE day = '2026-01-03'")
    storm.conn.execute("UPDATE ledger SET closed = true WHERE closed = false")
    storm.conn.execute("UPDATE ledger SET cold_us = 2 WHERE home_id = 1")
    assert (storm.entries("ledger"), storm.entries("ledger_days")) == (3 * 5 + 5, 3)
    assert storm.faults() == []
    previous = storm.rows(
        "SELECT j.hash = sha256(substring(e.hashes FROM 1 + 32 * (array_position(e.days, '2026-01-05') - 1) FOR 32) || "
        "convert_to(jsonb_build_array('ledger', j.key, 1, (extract(epoch FROM j.at) * 1000000)::bigint, j.writer, "
        "jsonb_build_array(3, 1, 0, 0, 0, 0, 0, 0, 20.1, 'p'))::text, 'UTF8')) AS chained "
        "FROM journal AS j JOIN journal AS e ON e.relation = 'ledger_days' AND e.key -> 0 = j.key -> 0 "
        "WHERE j.key = '[3, \"2026-01-05\"]'"
    )
    assert [row["chained"] for row in previous] == [True]


def test_a_forged_day_of_an_entry_of_several_is_found(storm: Storm) -> None:
    """An entry that is changed proves none of its days, and none that it does not name."""
    several_days(storm, "home_id BETWEEN 1 AND 7")
    for table, statement in (
        ("ledger", "UPDATE ledger SET heat = 7 WHERE home_id = 1 AND day = '2026-01-04'"),
        ("ledger", "DELETE FROM ledger WHERE home_id = 2 AND day = '2026-01-04'"),
        ("ledger", "UPDATE ledger SET closed = true WHERE home_id = 3 AND NOT closed"),
        ("journal", "UPDATE journal SET hashes = set_byte(hashes, 98, get_byte(hashes, 98) # 1) WHERE {} = '[4]'"),
        ("journal", "UPDATE journal SET days[1] = '2026-02-02' WHERE {} = '[5]'"),
        ("journal", "DELETE FROM journal WHERE {} = '[6]'"),
    ):
        storm.forge(table, statement.format("relation = 'ledger_days' AND key"))
    changed, put_in = "is not as it was last written", "was put in past the journal"
    days = [f"2026-01-0{n}" for n in range(2, 6)]
    assert [re.split(" at |;", what)[0] for what in storm.faults() if what.startswith("ledger")] == [
        f"ledger H0 2026-01-04: {changed}",
        "ledger H1 2026-01-04: has vanished",
        f"ledger H2 2026-01-06: {put_in}",
        *(f"ledger H3 {day}: {changed}" for day in days),
        f"ledger H4 2026-01-02: {put_in}",
        "ledger H4 2026-02-02: has vanished",
        *(f"ledger H5 {day}: {put_in}" for day in days),
    ]


def test_the_first_change_of_a_clock_follows_its_hash_in_the_entry_of_its_ticket(storm: Storm) -> None:
    storm.conn.execute("UPDATE clock SET warned_at = due_at WHERE name = 'on_site'")
    storm.conn.execute("UPDATE clock SET warned_at = warned_at")
    storm.conn.execute("UPDATE clock SET warned_at = due_at - interval '1 s' WHERE name = 'on_site' AND ticket_id < 3")
    storm.conn.execute("INSERT INTO clock (ticket_id, round, name) SELECT ticket_id, 2, 'on_site' FROM ticket")
    odd = ["a", '"b"\\ 时限\t']
    storm.conn.execute("INSERT INTO clock (ticket_id, round, name) SELECT 1, 3, x FROM unnest(%s::text[]) AS x", (odd,))
    assert (storm.entries("clocks"), storm.entries("clock")) == (HOMES + 1, HOMES + 2 + HOMES)
    assert storm.faults() == []
    followed = storm.rows(
        "SELECT j.hash = sha256(substring(e.hashes FROM 1 + 32 * (array_position(e.names, 'on_site') - 1) FOR 32) || "
        "convert_to(jsonb_build_array('clock', j.key, 1, (extract(epoch FROM j.at) * 1000000)::bigint, j.writer, "
        "jsonb_build_array(c.started_at, c.due_at, c.warn_at, c.due_at, NULL, NULL, NULL))::text, 'UTF8')) AS chained "
        "FROM journal AS j JOIN journal AS e ON e.relation = 'clocks' AND e.key = jsonb_build_array(j.key -> 0, 1) "
        "JOIN clock AS c ON c.ticket_id = 3 AND c.round = 1 AND c.name = 'on_site' "
        "WHERE j.relation = 'clock' AND j.key = '[3, 1, \"on_site\"]'"
    )
    assert [row["chained"] for row in followed] == [True]


def test_a_forged_clock_of_an_entry_of_several_is_found(storm: Storm) -> None:
    """An entry that is changed proves none of its clocks, and none that it does not name."""
    names = [
        row["name"] for row in storm.rows("SELECT name FROM clock WHERE ticket_id = 4 ORDER BY to_json(name)::text")
    ]
    for table, statement in (
        ("clock", "UPDATE clock SET due_at = due_at + interval '1 h' WHERE ticket_id = 1 AND name = 'on_site'"),
        ("clock", "DELETE FROM clock WHERE ticket_id = 2 AND name = 'on_site'"),
        ("clock", "INSERT INTO clock (ticket_id, name) VALUES (3, 'more')"),
        ("journal", "UPDATE journal SET hashes = set_byte(hashes, 34, get_byte(hashes, 34) # 1) WHERE {} = '[4, 1]'"),
        ("journal", "UPDATE journal SET names = array_replace(names, 'on_site', 'else') WHERE {} = '[5, 1]'"),
        ("journal", "DELETE FROM journal WHERE {} = '[6, 1]'"),
    ):
        storm.forge(table, statement.format("relation = 'clocks' AND key"))
    changed, put_in = "is not as it was last written", "was put in past the journal"
    numbers = [row["number"] for row in storm.rows("SELECT number FROM ticket ORDER BY ticket_id LIMIT 6")]
    assert [re.split(" at |;", what)[0] for what in storm.faults() if what.startswith("clock")] == sorted(
        [
            f"clock {numbers[0]} 1 on_site: {changed}",
            f"clock {numbers[1]} 1 on_site: has vanished",
            f"clock {numbers[2]} 1 more: {put_in}",
            *(f"clock {numbers[3]} 1 {name}: {changed}" for name in names),
            f"clock {numbers[4]} 1 else: has vanished",
            f"clock {numbers[4]} 1 on_site: {put_in}",
            *(f"clock {numbers[5]} 1 {name}: {put_in}" for name in names),
        ]
    )


def test_a_replica_s_session_writes_it_too(storm: Storm) -> None:
    storm.conn.execute("SET session_replication_role = replica")
    storm.conn.execute("UPDATE flag SET policy = 'x'")
    assert storm.entries("flag") == 2 * HOMES


def test_a_key_that_is_changed_is_found(storm: Storm) -> None:
    storm.conn.execute("UPDATE home_state SET flag_id = NULL")
    storm.conn.execute("UPDATE flag SET flag_id = flag_id + 1000, policy = 'x' WHERE flag_id = %s", (MIDDLE,))
    assert [what.partition("; ")[0] for what in storm.faults()] == [
        f"flag {MIDDLE + 1000}: was put in past the journal", f"flag {MIDDLE}: has vanished",
    ]  # fmt: skip


def test_a_notice_stays_evidence(storm: Storm) -> None:
    """A message that is tried again is none for now, and its entry says so; of a notice that would be a forgery."""
    storm.conn.execute(
        "INSERT INTO addressee (audience, name, channel, language) VALUES ('dispatch', 'a', 'email', 'en')"
    )
    storm.conn.execute(
        "INSERT INTO message (addressee_id, notices, subject, body, created_at, give_up_at, state, finished_at) "
        "SELECT addressee_id, 1, '', '', now(), now(), 'sent', now() FROM addressee"
    )
    storm.conn.execute(
        "INSERT INTO notice (outbox_id, addressee_id, ready_at, urgent, message_id) "
        "SELECT o.outbox_id, a.addressee_id, now(), false, m.message_id FROM outbox AS o, addressee AS a, message AS m"
    )
    storm.conn.execute("UPDATE message SET state = 'waiting', finished_at = NULL, due_at = now()")
    assert storm.faults() == []
    storm.conn.execute("UPDATE notice SET message_id = NULL WHERE outbox_id % 2 = 0")
    found = storm.faults()
    assert len(found) == storm.rows("SELECT count(*) AS n FROM notice WHERE message_id IS NULL")[0]["n"] > 0
    assert all("is not evidence now, which no entry tells" in what for what in found)


def test_who_writes_cannot_write_the_journal(storm: Storm, database: Database) -> None:
    with psycopg.connect(database.url_as("watch")) as conn:
        conn.execute("UPDATE clock SET warned_at = due_at")
        with pytest.raises(errors.InsufficientPrivilege):
            conn.execute(
                "INSERT INTO journal (relation, key, form, at, writer, hash) VALUES ('', '1', 1, now(), '', '')"
            )
        conn.rollback()


def check_new_rows(conn: Connection, relation: journal.Relation, function: str) -> None:
    """Check the function that journals rows of a relation that are never there before."""
    found = conn.execute(
        "SELECT t.tgname, p.prosrc FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid "
        "WHERE t.tgrelid = %s::regclass AND p.proname = %s AND t.tgenabled = 'A'",
        (relation.identifier.as_string(conn), function),
    ).fetchall()
    ((trigger, source),) = found
    assert trigger == "journal_added"
    if relation.together:
        assert f"'{relation.together.relation}'" in source
    source = re.sub(r"to_jsonb\((n\.\w+)\)", r"\1", re.sub(r"\s+", " ", source)).replace("( ", "(").replace(" )", ")")
    for form, columns in relation.forms.items():
        key, said = (", ".join(f"n.{name}" for name in names) for names in (relation.key, columns))
        if not relation.together:
            assert f"'{relation.name}', jsonb_build_array({key}), " in source
        made = f"('{relation.name}', json_build_array({key}), {form}, us, account, json_build_array({said}))"
        assert re.findall(r"\bn\.(\w+)", made) == _told(source) if relation.together else made in source


def _told(source: str) -> list[str]:
    """Return the columns that a text is put together of by `concat`, each at its first use."""
    text = source[source.index("concat('[") : source.index("'UTF8'")]
    return list(dict.fromkeys(re.findall(r"\bn\.(\w+)", text)))


def check_unchanging(relation: journal.Relation, source: str) -> None:
    """Check the function that journals rows of a relation that never changes; it has one form."""
    source = re.sub(r"\s+", " ", source).replace("( ", "(").replace(" )", ")")
    ((form, columns),) = relation.forms.items()
    key, said = (", ".join(f"n.{name}" for name in names) for names in (relation.key, columns))
    assert f"'{relation.name}', x.key, {form}, moment" in source
    assert f"jsonb_build_array({key}) AS key, jsonb_build_array({said}) AS said" in source


def test_the_text_of_a_new_day_is_that_of_the_check_whatever_it_tells(storm: Storm) -> None:
    values = [
        "NULL",
        "0",
        "'-0'",
        "18.3",
        "-40.001",
        "0.001",
        "9e-4",
        "-1e-20",
        "99999",
        "1e5",
        "-3e38",
        "'NaN'",
        "'Infinity'",
    ]
    storm.conn.execute("SET datestyle = 'German'")
    storm.conn.execute("SET extra_float_digits = 0")
    for home, policy in ((1, "seed@2020-01-01"), (2, 'a "quoted" \\ 政策\t')):
        days = [
            f"({home}, DATE '2026-01-01' + {n}, 1, 2, 3, 4, 5, 6, -7, {2**62}, {value}, %(policy)s, true)"
            for n, value in enumerate(values)
        ]
        columns = (
            "home_id, day, compliant_us, cold_us, severe_us, unknown_us, not_judged_us, shortfall_us, heat, deficit"
        )
        for some in (days[:1], days[1:]):  # with an entry of its own, and together
            storm.conn.execute(
                f"INSERT INTO ledger ({columns}, lowest, policy, closed) VALUES {', '.join(some)}".encode(),
                {"policy": policy},
            )
    storm.conn.execute("RESET datestyle")
    assert (storm.entries("ledger"), storm.entries("ledger_days")) == (2, 2)
    assert storm.faults() == []
    storm.forge("ledger", "UPDATE ledger SET lowest = 18.4 WHERE home_id = 2 AND lowest = 18.3::real")
    assert len(storm.faults()) == 1


def test_each_relation_is_journalled_as_the_check_reads_it(database: Database) -> None:
    """A column that the one leaves out and the other has, or a trigger that is off, would be found by nobody."""
    with database.connect() as conn:
        for relation in journal.RELATIONS:
            row = conn.execute(
                "SELECT array_agg(t.tgname ORDER BY t.tgname), min(p.prosrc), min(p.proconfig::text) "
                "FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid "
                "WHERE t.tgrelid = %s::regclass AND p.proname = %s AND t.tgenabled = 'A'",
                (relation.identifier.as_string(conn), f"journal_{relation.name}"),
            ).fetchone()
            assert row is not None
            triggers, source, config = row
            new_rows = NEW_ROWS.get(relation.name)
            if relation.name in NEVER_CHANGED:
                assert triggers == ["journal_added"]
                check_unchanging(relation, source)
                continue
            assert triggers == (["journal_changed"] if new_rows else ["journal_added", "journal_changed"])
            if new_rows:
                check_new_rows(conn, relation, new_rows)
            for form, columns in relation.forms.items():
                new, old = (", ".join(f"{alias}.{name}" for name in columns) for alias in "no")
                assert f"WHEN {form} THEN jsonb_build_array({new})" in source
                assert f"WHEN {form} THEN ROW({old}) IS DISTINCT FROM ROW({new})" in source
            assert f"jsonb_build_array({', '.join(f'n.{name}' for name in relation.key)}) AS key" in source
            # A statement that was planned for one row has to be good for ten thousand.
            assert {"enable_nestloop=off", "enable_seqscan=off"} <= set(config.strip("{}").split(","))
