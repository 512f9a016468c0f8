"""The whole in figures; above all spells, counted from flags, so that the count of tickets can be held to them."""

from datetime import UTC, datetime, timedelta

from psycopg import Connection
from psycopg.types.json import Jsonb

from store.figures import overview
from store.readings import ingest_counts
from tests import registry_rows

AT = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)


def ticket(conn: Connection, home: int, *, retrospective: bool = False) -> int:
    """Return a cold ticket, open unless it is retrospective."""
    row = conn.execute(
        "INSERT INTO ticket (class, state, priority, home_id, source, opened_at, closed_at, retrospective) "
        "VALUES ('cold', %s, 2, %s, 'flag', %s, %s, %s) RETURNING ticket_id",
        ("closed" if retrospective else "open", home, AT, AT if retrospective else None, retrospective),
    ).fetchone()
    assert row
    return int(row[0])


def flag(
    conn: Connection, home: int, ticket_id: int, hour: int, *, found_over: bool = False, ended: bool = True
) -> None:
    """Store a flag; `found_over`: it had ended before it was raised, as the ticket's journal then says."""
    since = AT + timedelta(hours=hour)
    row = conn.execute(
        "INSERT INTO flag (home_id, severity, cold_since, confirmed_at, raised_at, cleared_at, clear_reason, lowest, "
        "limit_celsius, policy, why, ticket_id) VALUES (%s, 1, %s, %s, %s, %s, %s, 17, 18, 'p', '{}', %s) "
        "RETURNING flag_id",
        (home, since, since, AT, since if ended else None, "recovered" if ended else None, ticket_id),
    ).fetchone()
    if found_over and row:
        conn.execute(
            "INSERT INTO ticket_event (ticket_id, seq, at, kind, actor, state, data) "
            "SELECT %s, 1 + count(*), %s, 'retrospective', 'hearth', 'open', %s FROM ticket_event WHERE ticket_id = %s",
            (ticket_id, AT, Jsonb({"flag": row[0]}), ticket_id),
        )


def test_a_relapse_under_an_open_ticket_is_the_same_spell(connection: Connection) -> None:
    home = registry_rows.home(connection, "A")
    work = ticket(connection, home)
    flag(connection, home, work, 1)
    flag(connection, home, work, 2, found_over=True)
    flag(connection, home, work, 3, ended=False)
    assert overview.judged(connection) == overview.FlagTotals(3, 1, 1, 1, 1)


def test_what_was_found_over_is_a_spell_of_its_own(connection: Connection) -> None:
    home = registry_rows.home(connection, "A")
    for hour in (1, 2):
        flag(connection, home, ticket(connection, home, retrospective=True), hour, found_over=True)
    flag(connection, home, ticket(connection, home), 3, ended=False)
    assert overview.judged(connection) == overview.FlagTotals(3, 1, 3, 3, 1)


def test_what_was_over_before_the_open_spell_began_is_no_part_of_it(connection: Connection) -> None:
    home = registry_rows.home(connection, "A")
    flag(connection, home, ticket(connection, home), 3, ended=False)
    flag(connection, home, ticket(connection, home, retrospective=True), 1, found_over=True)
    assert overview.judged(connection) == overview.FlagTotals(2, 1, 2, 2, 1)


def test_homes_do_not_share_spells(connection: Connection) -> None:
    for code in ("A", "B"):
        home = registry_rows.home(connection, code)
        flag(connection, home, ticket(connection, home), 1)
    assert overview.judged(connection) == overview.FlagTotals(2, 0, 2, 2, 2)


def test_a_ticket_too_many_shows(connection: Connection) -> None:
    home = registry_rows.home(connection, "A")
    ticket_id = ticket(connection, home)
    flag(connection, home, ticket_id, 1)
    flag(connection, home, ticket(connection, home, retrospective=True), 2)  # the journal knows of no such thing
    told = overview.judged(connection)
    assert (told.tickets, told.cold_spells) == (2, 1)


def test_homes_are_counted_by_the_state_that_is_shown(connection: Connection) -> None:
    for code, state in (("A", 2), ("B", 3), ("C", 5), ("D", 1)):
        home = registry_rows.home(connection, code)
        connection.execute("UPDATE home_state SET state = %s WHERE home_id = %s", (state, home))
    assert overview.states(connection) == {"compliant": 2, "cold": 1, "unknown": 1}


def test_workers_are_added_up(connection: Connection) -> None:
    assert overview.intake(connection) == overview.IntakeCounts(0, 0, 0, 0, 0, None)
    for worker in ("one", "two"):
        fates = {
            "messages": 7,
            "stored": 5,
            "duplicates": 1,
            "conflicts": 0,
            "late": 2,
            "retained": 0,
            "not_a_reading": 0,
        }
        batch = ingest_counts.BatchCounts(fates, {"future": 1}, ingest_counts.Ages(AT, AT, AT, AT), 0)
        ingest_counts.add(connection, worker, batch, AT)
    assert overview.intake(connection) == overview.IntakeCounts(14, 10, 2, 4, 2, AT)
