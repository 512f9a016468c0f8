"""Every invariant of docs/invariants.md is held where the page says, and `hearth verify` finds what breaks one."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from alerts.evidence.check import CHECKS, Findings, check_invariants
from store.evidence import invariants
from tests import registry_rows as town
from tests.conftest import Database
from tests.store.company import Company
from tests.store.desk import NOON

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/invariants.md").read_text(encoding="utf-8")
ROWS = [
    [re.findall(r"`(\w+(?:\.py)?)`", cell) for cell in cells]
    for cells in re.findall(r"^\| [^|]+ \|([^|]*)\|([^|]*)\|([^|]*)\|$", PAGE, re.MULTILINE)
]
HELD, CHECKED, TRIED = ([name for row in ROWS for name in row[column]] for column in range(3))
NAMES = """
SELECT conname FROM pg_constraint
UNION SELECT tgname FROM pg_trigger
UNION SELECT relname FROM pg_class WHERE relkind = 'i'
"""
# H1 (home 1) has an open flag (1) with its ticket (1); H2 (home 2) has nothing. Nothing stands in the forger's way.
FORGERIES = {
    "two_open_flags": ["DROP INDEX flag_one_open, flag_one_per_spell", "{flag} 9, home_id, {of_flag}"],
    "two_open_cold_tickets": ["DROP INDEX ticket_one_open_cold", "{ticket} 9, class, state, 1, {of_ticket}"],
    "flag_unknown_to_judging": ["UPDATE home_state SET flag_id = NULL"],
    "flag_out_of_order": ["UPDATE flag SET confirmed_at = cold_since - interval '1 s'"],
    "day_does_not_add_up": ["{day} (1, '2026-01-03', 80000000000, 0, 0, 0, 0, 0, 0, 0, 'p', true)"],
    "day_of_no_home": ["{day} (9, '2026-01-03', 86400000000, 0, 0, 0, 0, 0, 0, 0, 'p', true)"],
    "clock_late_and_not_broken": [
        "ALTER TABLE clock DROP CONSTRAINT clock_late",
        "UPDATE clock SET met_at = due_at + interval '1 s' WHERE name = 'contact'",
    ],
    "next_clock_differs": ["UPDATE ticket_next SET due_at = due_at + interval '1 s'"],
    "clock_of_no_round": ["UPDATE ticket SET round = 0"],
    "events_out_of_order": ["UPDATE ticket_event SET kind = 'remark' WHERE seq = 1"],
    "row_of_no_ticket": ["INSERT INTO clock (ticket_id, name) VALUES (99, 'done')"],
    "ticket_without_events": ["{ticket} 9, 'repair', state, 2, {of_ticket}"],
    "file_and_event_part": [
        "INSERT INTO ticket_file (ticket_id, kind, for_user, by_user, media_type, digest, size, original, "
        "original_size, at, actor) "
        "VALUES (1, 'scan', true, false, 'application/pdf', sha256('a'), 1, sha256('b'), 1, now(), 's')"
    ],
    "merged_elsewhere": [
        "ALTER TABLE ticket DROP CONSTRAINT ticket_ending",
        "{ticket} 9, 'repair', state, 2, {of_ticket}",
        "UPDATE ticket SET merged_into = 1 WHERE ticket_id = 9",
    ],
    "job_and_ticket_part": [
        "INSERT INTO device_job (sensor_id, reason, ticket_id, opened_at) VALUES (1, 'silent', 1, now())"
    ],
    "incident_and_ticket_part": ["{incident} (9, {place})", "UPDATE ticket SET state = 'closed', closed_at = now()"],
    "home_in_two_incidents": [
        "DROP INDEX incident_ticket_one, incident_dispatch",
        "ALTER TABLE incident DROP CONSTRAINT incident_one_open",
        "{incident} (8, {place}), (9, {place})",
        "INSERT INTO incident_ticket (incident_id, ticket_id, joined_at) VALUES (8, 1, now()), (9, 1, now())",
    ],
    "sensor_in_two_places": [
        "ALTER TABLE point DROP CONSTRAINT point_one_place",
        "INSERT INTO point (sensor_id, home_id, room, room_kind, interval_s) VALUES (1, 2, 'a', 'living', 300)",
    ],
    "two_tenancies": [
        "ALTER TABLE residence DROP CONSTRAINT residence_one_at_a_time",
        "{tenancy} (1, 'A', now(), now()), (1, 'B', now(), now())",
    ],
    "heat_without_notice": [
        "ALTER TABLE home_status DROP CONSTRAINT home_status_has_notice",
        "UPDATE home_status SET taken_over = false",
    ],
    "application_and_ticket_part": ["{ticket} 9, 'application', state, 2, {of_ticket}"],
    "notice_and_event_part": [
        "INSERT INTO heat_notice (ticket_id, kind, home_id, issued_at, issued_by) VALUES (1, 'heat', 1, now(), 'x')",
    ],
    "corrected_twice": [
        "DROP INDEX measurement_corrected_once",
        "{measured} (7, NULL, NULL, {told}), (8, 7, 'a slip', {told}), (9, 7, 'a slip', {told})",
    ],
    "outage_ends_twice": [
        "ALTER TABLE outage DROP CONSTRAINT outage_span",
        "INSERT INTO outage (kind, stops_heating, reason, begins_at, restored_at) "
        "VALUES ('fault', true, 'a pump', now(), now() - interval '1 s')",
    ],
    "message_half_over": [
        "ALTER TABLE message DROP CONSTRAINT message_finished",
        "{message} 'sent', now(), now())",
    ],
    "told_twice": [
        "ALTER TABLE notice DROP CONSTRAINT notice_once",
        "{notice} (1, 1, now(), false), (1, 1, now(), false)",
    ],
    "letters_uncounted": ["{letter}"],
}  # fmt: skip


@pytest.fixture
def desk(plain_database: Database) -> Iterator[Company]:
    """A company with one cold home and one of which nothing is known; the database refuses its owner nothing."""
    with plain_database.connect(autocommit=True) as conn:
        town.sensor(conn, "s1", town.home(conn, "H1"))
        town.home(conn, "H2")
        company = Company(conn)
        company.say(("s1", NOON, 13.3))
        yield company


def found(desk: Company) -> list[str]:
    """Return what the check finds."""
    findings = Findings(NOON)
    check_invariants(desk.conn, findings)
    return [fault["what"] for fault in findings.told]


def test_an_honest_database_violates_nothing(desk: Company) -> None:
    assert found(desk) == []


@pytest.mark.parametrize("name", list(invariants.HOUSE))
def test_each_invariant_is_looked_for(desk: Company, name: str) -> None:
    desk.conn.execute("SET session_replication_role = replica")
    for (table,) in desk.conn.execute("SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgenabled = 'A'"):
        desk.conn.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL".encode())
    for step in FORGERIES[name]:
        desk.conn.execute(forged(step).encode())
    assert any(what.startswith(f"{name}: ") for what in found(desk))


def forged(step: str) -> str:
    """Return a step of a forgery with its parts written out."""
    times = "cold_since, confirmed_at, raised_at, severe_at"
    flag = f"source, severity, {times}, lowest, limit_celsius, policy, why, ticket_id"
    ticket = "priority, source, opened_at"
    told = "1, 'a', 'living', now(), 17, 'i', 'm', 's', now(), 'c', false, 2, 'p'"
    parts = {
        "{flag}": f"INSERT INTO flag (flag_id, home_id, {flag}) SELECT",
        "{of_flag}": f"{flag} FROM flag",
        "{ticket}": f"INSERT INTO ticket (ticket_id, class, state, home_id, {ticket}) SELECT",
        "{of_ticket}": f"{ticket} FROM ticket WHERE ticket_id = 1",
        "{day}": "INSERT INTO ledger (home_id, day, compliant_us, cold_us, severe_us, unknown_us, not_judged_us, "
        "shortfall_us, heat, deficit, policy, closed) VALUES",
        "{incident}": "INSERT INTO incident (incident_id, kind, substation_id, building_id, station, ticket_id, why, "
        "opened_at) VALUES",
        "{place}": "'cold_homes', 1, 1, 'East', 1, '{}', now()",
        "{measured}": "INSERT INTO measurement (measurement_id, corrects, reason, home_id, room, room_kind, "
        "measured_at, celsius, instrument, measurer, signature, recorded_at, recorded_by, "
        "filed_late, state, policy) VALUES",
        "{told}": told,
        "{message}": "INSERT INTO message (addressee_id, notices, subject, body, state, created_at, give_up_at) "
        "VALUES (1, 1, 'a', 'b',",
        "{notice}": "INSERT INTO notice (outbox_id, addressee_id, ready_at, urgent) VALUES",
        "{letter}": "INSERT INTO dead_letter (received_at, topic, payload, payload_bytes, reason, detail, faults, "
        "reasons) "
        "VALUES (now(), 't', '', 0, 'bad_json', '', '[]', '{\"bad_json\": 1}')",
        "{tenancy}": "INSERT INTO residence (home_id, resident, starts_at, first_day) VALUES",
    }
    for short, whole in parts.items():
        step = step.replace(short, whole)
    return step


def test_the_page_names_what_is_there(plain_database: Database) -> None:
    with plain_database.connect() as conn:
        there = {name for (name,) in conn.execute(NAMES)}
    assert set(HELD) - there == set()
    assert set(TRIED) - {path.name for path in (ROOT / "tests").rglob("test_*.py")} == set()
    assert len(ROWS) >= 40


def test_the_page_has_every_check_and_no_other() -> None:
    known = invariants.DESK.keys() | invariants.HOUSE.keys()
    assert known - set(CHECKED) == set()
    assert set(CHECKED) - known - CHECKS.keys() == set()
