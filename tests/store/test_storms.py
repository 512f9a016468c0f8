"""Many flags at once are written as they would be one by one, and a flag of many costs no more than one of few."""

import functools
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from alerts.evidence.check import Findings, check_records, check_tickets
from alerts.network import incidents
from alerts.tickets import clocks
from domain.tickets import EventKind, TicketClass
from store.evidence import invariants
from store.judging import state_rows
from tests import registry_rows as town
from tests.conftest import Database, Servers, fresh_database
from tests.store.company import HOUR, SEED, Company
from tests.store.desk import MINUTE, NOON
from tests.store.incident_rules import RULE

HOMES = 30
OPENS = NOON.replace(hour=6)
YESTERDAY = OPENS - timedelta(hours=18)
RULES = replace(SEED, versions=(replace(SEED.versions[0], incident=RULE),))
# All that a flag leaves, without what counts rows in the order of writing.
RECORD = {
    "flag": "*",
    "ticket": "*",
    "clock": "*",
    "ticket_next": "*",
    "ticket_event": "ticket_id, seq, at, kind, actor, state, data, encode(hash, 'hex') AS hash",
    "outbox": "at, kind, audience, urgent, ticket_id, incident_id, home_id, station, data, fate",
    "live_event": "kind, what, subject_id, seq, class, home_id, station",
    "home_state": "*",
    "journal": "relation, key, form",
    "numbering": "kind, last",
    "incident": "*",
    "incident_ticket": "*",
    "call_out": "*",
}

pytestmark = pytest.mark.plain_only


class City(Company):
    """Homes of every kind of past, most of them too cold at six in the morning."""

    def __init__(self, conn: Connection) -> None:
        super().__init__(conn, RULES)
        buildings = [town.building(conn, station) for station in ("East", "East", "West")]
        conn.execute("UPDATE substation SET code = 'S' || substation_id, name = 'S' || substation_id")
        conn.execute("UPDATE building SET code = 'B' || building_id, name = 'B' || building_id")
        for n in range(1, HOMES + 1):
            contract = (22.0, time(6), time(22)) if n == 5 else None
            status = ((None, "stopped" if n == 6 else "on"),)
            home = town.home(
                conn, f"H{n}", building_id=buildings[n % 3], home_class="bungalow" if n == 5 else "multistorey",
                contract=contract, status=status,
            )  # fmt: skip
            town.sensor(conn, f"s{n}", home, interval_s=3600)
            if n % 4 == 0:
                town.sensor(conn, f"b{n}", home, room_kind="bedroom", interval_s=3600, offset_k=0.25)
        conn.execute("INSERT INTO rota (station, since) VALUES ('West', '2026-01-01')")
        self._past()
        said = random.Random(5)
        cold = [(f"s{n}", OPENS - 5 * MINUTE, 16.2 + said.randrange(0, 1700) / 1000) for n in range(1, HOMES - 2)]
        beds = [(f"b{n}", OPENS - 5 * MINUTE, 17.5) for n in range(4, HOMES, 4)]
        self.say(*cold, *beds, *((f"s{n}", OPENS - 5 * MINUTE, 20.0) for n in range(HOMES - 2, HOMES + 1)))

    def _past(self) -> None:
        """Leave tickets of users, tickets in work, done, closed, and flags that are suspended."""
        self.phoned(YESTERDAY, TicketClass.REPAIR, home=1, description="Dripping")
        for home in (2, 5):
            self.phoned(YESTERDAY, TicketClass.COLD, home=home, description="Cold", contact="0451")
        self.say(*((f"s{n}", YESTERDAY, 17.0) for n in range(7, 13)))
        for minute in range(5, 66, 5):
            self.say(*((f"s{n}", YESTERDAY + minute * MINUTE, 20.0) for n in range(7, 12)))
        end = YESTERDAY + 70 * MINUTE
        self.watch(end)
        for home in (8, 9, 10):
            ticket = self.rows(f"SELECT ticket_id FROM ticket WHERE home_id = {home}")[0]["ticket_id"]
            self.let(ticket, EventKind.DONE, end)
            if home == 9:
                self.let(ticket, EventKind.REPLIED, end, text="x", channel="phone")
        self.watch(end + MINUTE)

    def due(self, now: datetime) -> list[int]:
        return sorted(state_rows.due(self.conn, now, 10_000))

    def judge_some(self, homes: Sequence[int], now: datetime) -> None:
        with self.conn.transaction():
            self.judge.clock(self.conn, homes, now)

    def record(self) -> dict[str, list[dict[str, Any]]]:
        return {table: self.rows(f"SELECT {columns} FROM {table}") for table, columns in RECORD.items()}


Way = Callable[[City, datetime], None]


def at_once(city: City, now: datetime) -> None:
    city.judge_some(city.due(now), now)


def in_order(city: City, now: datetime) -> None:
    for home in city.due(now):
        city.judge_some([home], now)


def shuffled(seed: int) -> Way:
    def way(city: City, now: datetime) -> None:
        homes = city.due(now)
        random.Random(seed).shuffle(homes)
        for some in (homes[:7], *([home] for home in homes[7:])):
            city.judge_some(some, now)

    return way


def live(city: City, way: Way, clocks_at_once: int) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Let the window open, clocks run out, incidents open, homes get worse or warm; return the record at each point."""
    found = {}
    way(city, OPENS)
    found["six"] = city.record()
    late = OPENS + 65 * MINUTE
    clocks.MOST_CLOCKS, usual = clocks_at_once, clocks.MOST_CLOCKS
    try:
        while clocks.run_out(city.conn, city.rules, late):
            pass
    finally:
        clocks.MOST_CLOCKS = usual
    found["clocks"] = city.record()
    while incidents.look(city.conn, city.rules, late):
        pass
    found["incidents"] = city.record()
    worse = [(f"s{n}", late, 15.0) for n in (3, 8, 12, 20)]
    warm = [(f"s{n}", late, 21.0) for n in range(1, HOMES + 1) if n not in (3, 8, 12, 20)]
    city.say(*worse, *warm, *((f"b{n}", late, 21.0) for n in range(4, HOMES, 4)))
    way(city, late + 31 * MINUTE)
    found["warm"] = city.record()
    return found


@pytest.fixture(scope="module")
def bulk(servers: Servers) -> Iterator[dict[str, dict[str, list[dict[str, Any]]]]]:
    for database in fresh_database(servers.of("plain"), "plain"):
        with database.connect(autocommit=True) as conn:
            yield live(City(conn), at_once, 2_000)


def named(found: dict[str, list[dict[str, Any]]]) -> dict[str, list[str]]:
    """Return the record with flags and tickets named by their home, and hashes of what has numbers left out."""
    tickets: dict[int, str] = {}
    flags: dict[int, str] = {}
    for row in sorted(found["ticket"], key=lambda row: row["ticket_id"]):
        place = [row[column] for column in ("home_id", "building_id", "substation_id", "class", "opened_at", "follows")]
        tickets[row["ticket_id"]] = f"ticket {place}"
    for row in sorted(found["flag"], key=lambda row: row["flag_id"]):
        flags[row["flag_id"]] = f"flag {row['home_id']} {row['cold_since']}"
    assert (len(set(tickets.values())), len(set(flags.values()))) == (len(tickets), len(flags))

    def name(table: str, row: dict[str, Any]) -> str:
        row = dict(row)
        for column in ("number", "hash", "call_out_id"):
            row.pop(column, None)
        row["data"] = {**row["data"], "flag": flags.get(row["data"].get("flag"))} if "data" in row else None
        row["ticket_id"] = tickets.get(row.get("ticket_id") or 0)
        row["follows"] = tickets.get(row.get("follows") or 0)
        row["flag_id"] = flags.get(row.get("flag_id") or 0)
        if table == "live_event":
            row["subject_id"] = {"flag": flags, "ticket": tickets}.get(row["kind"], {}).get(row["subject_id"])
        if table == "journal":
            known = {"flag": flags, "ticket": tickets, "clock": tickets}.get(row["relation"], {})
            row["key"] = [known.get(row["key"][0]), *row["key"][1:]]
        return repr(sorted(row.items()))

    return {table: sorted(name(table, row) for row in rows) for table, rows in found.items()}


def to_the_row(found: dict[str, list[dict[str, Any]]]) -> dict[str, list[str]]:
    shown = {table: [repr({**row, "call_out_id": 0}) for row in rows] for table, rows in found.items()}
    return {table: sorted(rows) for table, rows in shown.items()}


def sound(conn: Connection) -> None:
    """Assert that chains, journal and invariants hold."""
    found = Findings(OPENS + 4 * HOUR)
    check_records(conn, found)
    check_tickets(conn, found)
    assert found.told == []
    assert {name: rows for name, rows in invariants.violations(conn).items() if rows} == {}


def test_a_storm_is_one_of_many_kinds(bulk: dict[str, dict[str, list[dict[str, Any]]]]) -> None:
    """Else nothing is tried."""
    kinds = [row["kind"] for row in bulk["six"]["ticket_event"]]
    assert kinds.count("opened") >= 20
    assert {"flag_joined", "relapsed", "priority"} <= set(kinds)
    assert {row["what"] for row in bulk["warm"]["live_event"]} >= {"raised", "cleared", "worsened", "resumed"}
    assert sum(row["kind"] == "clock_breached" for row in bulk["clocks"]["ticket_event"]) >= 20
    assert bulk["incidents"]["incident"]
    assert bulk["six"]["call_out"]


def test_one_by_one_in_their_order_is_the_same_to_the_row(
    bulk: dict[str, dict[str, list[dict[str, Any]]]], plain_database: Database
) -> None:
    with plain_database.connect(autocommit=True) as conn:
        single = live(City(conn), in_order, 1)
        for point, found in single.items():
            for table, rows in to_the_row(found).items():
                assert rows == to_the_row(bulk[point])[table], (point, table)
        sound(conn)


def test_in_any_order_it_is_the_same_but_for_numbers(
    bulk: dict[str, dict[str, list[dict[str, Any]]]], plain_database: Database
) -> None:
    with plain_database.connect(autocommit=True) as conn:
        single = live(City(conn), shuffled(7), 3)
        for point, found in single.items():
            for table, rows in named(found).items():
                assert rows == named(bulk[point])[table], (point, table)
        sound(conn)


TOWN = """
INSERT INTO home (code, building_id, unit, class)
SELECT 'h' || n, %(building)s, '1', 'multistorey' FROM generate_series(1, %(homes)s) AS n ORDER BY n;
INSERT INTO home_status (home_id, since, status) SELECT home_id, '-infinity', 'on' FROM home;
INSERT INTO home_state (home_id) SELECT home_id FROM home ORDER BY home_id;
INSERT INTO sensor (code) SELECT 'm' || n FROM generate_series(1, %(homes)s) AS n ORDER BY n;
INSERT INTO point (sensor_id, home_id, room, room_kind, interval_s)
SELECT s.sensor_id, h.home_id, 'living', 'living', 3600 FROM sensor AS s
JOIN home AS h ON h.code = 'h' || substr(s.code, 2);
INSERT INTO sensor_now (sensor_id) SELECT sensor_id FROM sensor ORDER BY sensor_id;
"""
FEW, MANY = 300, 1800


def worked_ns(conn: Connection) -> int:
    """Return how long the server's process of a connection has worked, whatever else the machine does."""
    return int(Path(f"/proc/{conn.info.backend_pid}/schedstat").read_text(encoding="utf-8").split()[0])


def test_a_row_of_many_costs_the_server_no_more_than_one_of_few(plain_database: Database) -> None:
    """In tables that were empty when the planner last looked, so that it may think of reading them from end to end."""
    with plain_database.connect(autocommit=True) as conn:
        with psycopg.ClientCursor(conn) as cur:
            cur.execute(TOWN.encode(), {"building": town.building(conn), "homes": MANY})
        conn.execute("INSERT INTO rota (station, since) VALUES ('East', '2026-01-01')")
        Company(conn).say(*((f"m{n}", OPENS - 5 * MINUTE, 17.0) for n in range(1, MANY + 1)))
        for table in RECORD:  # of what is rolled back here the planner is not to hear
            conn.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)".encode())
        conn.execute("VACUUM ANALYZE")
    few, many = (least(spent(plain_database, homes) for _ in range(3)) for homes in (FEW, MANY))
    assert [what for what, ns in many.items() if ns > 1.3 * few[what]] == [], (few, many)


def least(runs: Iterable[dict[str, float]]) -> dict[str, float]:
    """Return the smallest of each figure: what else shares a core only ever adds to it."""
    return functools.reduce(lambda a, b: {what: min(a[what], b[what]) for what in a}, runs)


def spent(database: Database, homes: int) -> dict[str, float]:
    """Return how long the server works for a home: on flags, clocks that run out, flags that change. Nothing stays."""
    found = {}
    with database.connect() as conn:
        city = Company(conn)
        some = state_rows.due(conn, OPENS, homes)
        late = OPENS + 31 * MINUTE
        steps: dict[str, Callable[[], object]] = {
            "flags": lambda: city.judge.clock(conn, some, OPENS),
            "clocks": lambda: clocks.run_out(conn, SEED, late),
            "worse": lambda: city.say(*((f"m{home}", late, 15.0) for home in some)),
        }
        for what, step in steps.items():
            before = worked_ns(conn)
            step()
            found[what] = (worked_ns(conn) - before) / homes
        assert conn.execute("SELECT count(*) FROM flag WHERE severity = 2").fetchone() == (homes,)
        told = "SELECT count(*) FROM ticket_event WHERE kind = 'clock_breached'"
        assert conn.execute(told).fetchone() == (homes,)
        conn.rollback()
    return found
