"""Outages on real databases: who is told when, what history keeps, and which flags had one."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from alerts.network import outages
from alerts.network.outages import Draft, NoSuchOutage, OutageRefused
from alerts.notices import expand
from domain import policy_file
from domain.outages import OutageKind
from store.network import outage_rows
from store.network.outage_rows import PlaceCodes
from store.notices import notice_rows
from tests.api import town
from tests.conftest import Database

pytestmark = pytest.mark.plain_only

NOW = datetime(2026, 1, 15, 4, 0, tzinfo=UTC)  # noon in Shanghai
NIGHT = datetime(2026, 1, 15, 16, 0, tzinfo=UTC)  # midnight there
HOUR = timedelta(hours=1)
SEED = policy_file.builtin("seed")
INSERT_CONTACT = """
WITH made AS (
  INSERT INTO addressee (audience, home_id, channel, language) SELECT 'user', home_id, 'email', 'en' FROM home
  WHERE code = ANY(%s)
  RETURNING addressee_id
)
INSERT INTO person.contact (addressee_id, address, consent_at)
SELECT addressee_id, 'x@y.example', '2020-01-01' FROM made
"""


@pytest.fixture
def conn(database: Database) -> Iterator[Connection]:
    """A town of two stations with two buildings each; everybody in it has a mail address, but for one."""
    with database.connect(autocommit=True) as opened:
        for station in ("North", "South"):
            for block in ("1", "2"):
                for unit in ("101", "102"):
                    name = f"{station[0]}{block}"
                    town.home(opened, f"{name}-{unit}", building=name, station=station)
        codes = [code for (code,) in opened.execute("SELECT code FROM home WHERE code <> 'N2-102'")]
        opened.execute(INSERT_CONTACT, (codes,))
        yield opened


def record(
    conn: Connection,
    area: PlaceCodes,
    length: timedelta | None = 8 * HOUR,
    *,
    kind: OutageKind = OutageKind.PLANNED,
    begins_at: datetime = NOW + 24 * HOUR,
    now: datetime = NOW,
    stops: bool = True,
) -> str:
    end = None if length is None else begins_at + length
    with conn.transaction():
        return outages.record(conn, SEED, Draft(kind, stops, "a new valve", begins_at, end, area), "token 1", now)


def rows(conn: Connection, statement: str) -> list[Any]:
    return conn.execute(statement.encode()).fetchall()


def told(conn: Connection, now: datetime = NOW) -> list[tuple[str, str]]:
    """Kind and home of all notices to users so far."""
    expand.expand(conn, SEED, now)
    return rows(conn, "SELECT kind, home FROM notice_told WHERE audience = 'user' ORDER BY notice_id, home")


def history(conn: Connection) -> list[str]:
    return [kind for (kind,) in rows(conn, "SELECT kind FROM outage_event ORDER BY outage_id, seq")]


NORTH_ONE = PlaceCodes(buildings=["N1"])


def test_users_of_the_area_are_told_when_eight_hours_are_expected(conn: Connection) -> None:
    record(conn, NORTH_ONE)
    assert told(conn) == [("outage_announced", "N1-101"), ("outage_announced", "N1-102")]
    assert history(conn) == ["recorded", "announced"]
    (data,) = rows(conn, "SELECT data FROM outage_event WHERE kind = 'announced'")[0]
    assert data == {"why": "expected_long", "clause": "九(三) / 9(3)", "announce_s": 28800}


def test_the_staff_hears_of_it_by_station(conn: Connection) -> None:
    record(conn, PlaceCodes(substations=["S-North"], homes=["S1-101"]))
    entries = rows(conn, "SELECT audience, station FROM outbox ORDER BY outbox_id")
    assert entries == [("dispatch", None), ("crew", "North"), ("crew", "South"), ("user", None)]
    (data,) = rows(conn, "SELECT data FROM outbox WHERE audience = 'dispatch'")[0]
    assert data["area"] == "S-North、S1"


def test_a_short_one_is_told_when_its_expected_end_moves_to_eight_hours(conn: Connection) -> None:
    number = record(conn, NORTH_ONE, 7 * HOUR)
    assert told(conn) == []
    with conn.transaction():
        outages.change(conn, SEED, number, {"expected_end": NOW + 32 * HOUR - timedelta(seconds=1)}, "token 1", NOW)
    assert told(conn) == []
    with conn.transaction():
        outages.change(conn, SEED, number, {"expected_end": NOW + 32 * HOUR}, "token 1", NOW)
    assert [kind for kind, _ in told(conn)] == ["outage_announced"] * 2
    with conn.transaction():
        outages.change(conn, SEED, number, {"expected_end": NOW + 30 * HOUR}, "token 1", NOW)
        outages.change(conn, SEED, number, {"reason": "two new valves"}, "token 1", NOW)
    assert [kind for kind, _ in told(conn)][2:] == ["outage_changed"] * 2
    assert history(conn) == ["recorded", "changed", "changed", "announced", "changed", "changed"]
    (data,) = rows(conn, "SELECT data FROM outage_event WHERE seq = 5")[0]
    assert data == {
        "expected_end": "2026-01-16T10:00:00+00:00",
        "was": {"expected_end": "2026-01-16T12:00:00+00:00"},
    }


def test_what_goes_on_is_told_by_the_clock(conn: Connection) -> None:
    record(conn, NORTH_ONE, 2 * HOUR, begins_at=NOW)
    outages.look(conn, SEED, NOW + 2 * HOUR - timedelta(seconds=1))
    assert history(conn) == ["recorded"]
    outages.look(conn, SEED, NOW + 2 * HOUR)
    outages.look(conn, SEED, NOW + 3 * HOUR)
    assert history(conn) == ["recorded", "late"]
    outages.look(conn, SEED, NOW + 8 * HOUR)
    outages.look(conn, SEED, NOW + 9 * HOUR)
    assert history(conn) == ["recorded", "late", "announced"]
    assert [kind for kind, _ in told(conn)] == ["outage_announced"] * 2


def test_a_new_expected_end_can_pass_again(conn: Connection) -> None:
    number = record(conn, NORTH_ONE, HOUR, begins_at=NOW)
    outages.look(conn, SEED, NOW + HOUR)
    with conn.transaction():
        outages.change(conn, SEED, number, {"expected_end": NOW + 3 * HOUR}, "token 1", NOW + HOUR)
    outages.look(conn, SEED, NOW + 2 * HOUR)
    outages.look(conn, SEED, NOW + 3 * HOUR)
    assert history(conn) == ["recorded", "late", "changed", "late"]


def test_users_hear_of_the_end_if_they_heard_of_the_beginning(conn: Connection) -> None:
    for length in (HOUR, 8 * HOUR):
        number = record(conn, NORTH_ONE, length, begins_at=NOW)
        with conn.transaction():
            outages.restore(conn, SEED, number, NOW + HOUR, "token 1", NOW + HOUR)
    kinds = [kind for kind, _ in told(conn)]
    assert kinds == ["outage_announced"] * 2 + ["outage_restored"] * 2


def test_a_planned_one_may_be_cancelled_and_users_hear_so(conn: Connection) -> None:
    number = record(conn, NORTH_ONE)
    with conn.transaction():
        outages.cancel(conn, SEED, number, "token 1", NOW)
    assert [kind for kind, _ in told(conn)] == ["outage_announced"] * 2 + ["outage_cancelled"] * 2
    with pytest.raises(OutageRefused, match="cancelled"), conn.transaction():
        outages.explain(conn, SEED, number, "why", "token 1", NOW)


def test_who_is_added_is_told_and_the_others_not_again(conn: Connection) -> None:
    number = record(conn, NORTH_ONE)
    told(conn)
    with conn.transaction():
        outages.widen(conn, SEED, number, PlaceCodes(substations=["S-North"], buildings=["N1"]), "token 2", NOW)
    assert told(conn)[2:] == [("outage_announced", "N2-101")]
    reached = outage_rows.reached(conn, 1)
    assert reached == {"homes": 4, "told": 0, "waiting": 3, "failed": 0, "unreachable": 1}


def test_overlapping_outages_stand_side_by_side(conn: Connection) -> None:
    first = record(conn, PlaceCodes(substations=["S-North"]), begins_at=NOW)
    second = record(conn, NORTH_ONE, None, kind=OutageKind.FAULT, begins_at=NOW)
    home = town.one(conn, "SELECT home_id FROM home WHERE code = 'N1-101'", None)
    ticket, _ = town.ticket(conn, home)
    town.flag(conn, home, ticket, since=NOW + HOUR)
    assert rows(conn, "SELECT outage FROM flag_outage ORDER BY 1") == [(first,), (second,)]
    with conn.transaction():
        outages.restore(conn, SEED, second, NOW + HOUR, "token 1", NOW + 2 * HOUR)
    assert rows(conn, "SELECT outage FROM flag_outage") == [(first,)]


def test_a_flag_has_the_outages_during_which_it_was_cold(conn: Connection) -> None:
    number = record(conn, NORTH_ONE, begins_at=NOW)
    home = town.one(conn, "SELECT home_id FROM home WHERE code = 'N1-101'", None)
    other = town.one(conn, "SELECT home_id FROM home WHERE code = 'S1-101'", None)
    spans = [(home, -3, -2), (home, -2, 0), (home, -1, 1), (home, 2, 3), (other, 2, 3)]
    for of, begins, ends in spans:
        ticket, _ = town.ticket(conn, of, state="closed")
        town.flag(conn, of, ticket, since=NOW + begins * HOUR, cleared_at=NOW + ends * HOUR)
    assert rows(conn, "SELECT flag_id, outage FROM flag_outage ORDER BY 1") == [(3, number), (4, number)]


def test_at_night_users_wake_only_for_what_is_there_in_the_morning(conn: Connection) -> None:
    record(conn, PlaceCodes(homes=["N1-101"]), begins_at=NIGHT + 24 * HOUR, now=NIGHT)
    record(conn, PlaceCodes(homes=["N1-102"]), None, kind=OutageKind.FAULT, begins_at=NIGHT, now=NIGHT)
    record(conn, PlaceCodes(homes=["S1-101"]), begins_at=NIGHT + 6 * HOUR, now=NIGHT)
    told(conn, NIGHT)
    expand.write(conn, SEED, NIGHT)
    written = rows(conn, "SELECT home FROM notice_told WHERE key IS NOT NULL AND audience = 'user' ORDER BY home")
    assert written == [("N1-102",), ("S1-101",)]


def test_what_is_written_names_the_home_of_each(conn: Connection) -> None:
    record(conn, NORTH_ONE)
    expand.expand(conn, SEED, NOW)
    expand.write(conn, SEED, NOW)
    bodies = sorted(body for (body,) in rows(conn, "SELECT body FROM message"))
    assert bodies == [
        f"Your home (N1-{unit}): no heat from 2026-01-16 12:00, expected back at 2026-01-16 20:00. "
        "Reason: a new valve. We apologise for the inconvenience."
        for unit in (101, 102)
    ]


def test_the_proof_says_of_how_many_homes_somebody_was_told(conn: Connection) -> None:
    record(conn, PlaceCodes(substations=["S-North"]))
    expand.expand(conn, SEED, NOW)
    expand.write(conn, SEED, NOW)
    first, second, _ = notice_rows.claim(conn, NOW, HOUR, 10)
    notice_rows.mark_sent(conn, first.message_id, NOW)
    notice_rows.mark_failed(conn, second, {"reason": "refused", "detail": "SMTP 550", "unsure": False}, NOW)
    assert outage_rows.reached(conn, 1) == {"homes": 4, "told": 1, "waiting": 1, "failed": 1, "unreachable": 1}
    listed = notice_rows.told(conn, notice_rows.NoticeFilter(outage=1), limit=10)
    assert sorted(row["state"] for row in listed) == ["failed", "sending", "sent"]


def test_what_cannot_be_said_is_refused_and_nothing_is_written(conn: Connection) -> None:
    with pytest.raises(OutageRefused), conn.transaction():
        outages.record(conn, SEED, Draft(OutageKind.PLANNED, True, "x", NOW, NOW, NORTH_ONE), "token 1", NOW)
    number = record(conn, NORTH_ONE, begins_at=NOW)
    for at in (NOW - HOUR, NOW + 2 * HOUR):
        with pytest.raises(OutageRefused, match="restored_outside"), conn.transaction():
            outages.restore(conn, SEED, number, at, "token 1", NOW + HOUR)
    with pytest.raises(OutageRefused, match="begun"), conn.transaction():
        outages.cancel(conn, SEED, number, "token 1", NOW)
    with pytest.raises(NoSuchOutage), conn.transaction():
        outages.cancel(conn, SEED, "O99999999", "token 1", NOW)
    assert history(conn) == ["recorded", "announced"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE outage_event SET actor = 'me'",
        "DELETE FROM outage_event",
        "TRUNCATE outage_event",
        "DELETE FROM outage_area",
        "UPDATE outage_area SET home_id = NULL",
        "DELETE FROM outage",
    ],
)
def test_nobody_rewrites_history(conn: Connection, statement: str) -> None:
    record(conn, NORTH_ONE)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(statement.encode())


def test_views_for_dashboards_and_for_everybody(conn: Connection) -> None:
    record(
        conn,
        PlaceCodes(substations=["S-North"], buildings=["S1"], homes=["S2-101"]),
        begins_at=datetime.now(UTC) + HOUR,
    )
    columns = "state, stations, substations, buildings, homes"
    assert rows(conn, f"SELECT {columns} FROM outage_open") == [("planned", ["North", "South"], 2, 4, 7)]
    public = rows(conn, "SELECT place_kind, place FROM outage_public ORDER BY 1, 2")
    assert public == [("building", "S1"), ("substation", "S-North")]


def test_without_rules_for_notices_it_is_only_recorded(conn: Connection) -> None:
    text = policy_file.builtin_text("seed")
    off = policy_file.load(text[: text.index("[version.notices]")], "seed without notices")
    with conn.transaction():
        draft = Draft(OutageKind.FAULT, True, "x", NOW, None, NORTH_ONE)
        outages.record(conn, off, draft, "token 1", NOW)
    outages.look(conn, off, NOW + 9 * HOUR)
    assert history(conn) == ["recorded"]
