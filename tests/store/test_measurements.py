"""Measurements on real databases: what is valid, what is flagged, and how that lives beside what the sensors say."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from alerts.judging.history import History
from alerts.judging.rejudge import judge_again
from alerts.sensors.measurements import FiledRecord, Filing, NotTaken, look, record, remind
from alerts.tickets.docket import Docket
from domain import policy_file
from domain.measurement import NewMeasurement, RecordRefusal, RecordWorth
from domain.states import HomeState
from domain.tickets import EventKind
from tests import registry_rows as town
from tests.conftest import Database
from tests.store.at_once import at_once
from tests.store.desk import MINUTE, NOON, Desk

pytestmark = pytest.mark.plain_only

HOUR = timedelta(hours=1)
SEED = policy_file.builtin("seed")
# A valid cold record always has a flag that tells of it.
UNTOLD = """
SELECT v.number FROM measurement_valid AS v
WHERE v.state >= 5 AND NOT EXISTS (
  SELECT FROM flag AS f
  WHERE f.home_id = v.home_id AND f.clear_reason IS DISTINCT FROM 'withdrawn'
    AND f.cold_since <= v.measured_at AND coalesce(f.cleared_at > v.measured_at, true)
)
"""


class Crew(Desk):
    """H1 with the thermometer s1, H2 without any."""

    def __init__(self, conn: Connection) -> None:
        super().__init__(conn)
        self.homes = {code: town.home(conn, code) for code in ("H1", "H2")}
        town.sensor(conn, "s1", self.homes["H1"])

    def measure(
        self, celsius: float, at: datetime = NOON, home: str = "H2", *, now: datetime | None = None, **other: Any
    ) -> FiledRecord:
        """File a record; signed unless told otherwise."""
        filled = {"room": "living", "room_kind": "living", "signature": "sheet 1", **other}
        new = NewMeasurement(measured_at=at, celsius=celsius, instrument="T7", measurer="Zhao", **filled)
        with self.conn.transaction():
            return record(self.conn, SEED, self.homes[home], new, Filing("crew", now or at + 10 * MINUTE))

    def told(self) -> list[tuple[str, Any, Any]]:
        """Source, begin and end of all flags."""
        found = self.rows("SELECT source, cold_since, clear_reason FROM flag ORDER BY flag_id")
        return [(row["source"], row["cold_since"], row["clear_reason"]) for row in found]

    def events(self) -> list[str]:
        return [row["kind"] for row in self.rows("SELECT kind FROM ticket_event ORDER BY ticket_id, seq")]

    def recheck(self, now: datetime) -> None:
        with self.conn.transaction():
            judge_again(self.conn, History(SEED), list(self.homes.values()), NOON.date(), now)

    def count(self, table: str) -> int:
        return int(self.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"])


@pytest.fixture
def crew(database: Database) -> Iterator[Crew]:
    with database.connect(autocommit=True) as conn:
        yield Crew(conn)
        with conn.cursor() as cur:
            assert cur.execute(UNTOLD).fetchall() == []
        assert (
            conn.execute("SELECT home_id FROM flag WHERE cleared_at IS NULL GROUP BY 1 HAVING count(*) > 1").fetchall()
            == []
        )


def test_a_cold_record_of_a_home_without_sensors_opens_flag_and_ticket(crew: Crew) -> None:
    taken = crew.measure(17.99)
    assert (taken.worth, taken.judged.state, taken.judged.limit) == (RecordWorth.VALID, HomeState.COLD, 18.0)
    (flag,) = crew.flags()
    assert (flag["source"], flag["severity"], flag["cold_since"], flag["cleared_at"]) == ("measurement", 1, NOON, None)
    assert flag["ticket_id"] == taken.ticket_id
    (ticket,) = crew.rows("SELECT class, state, source FROM ticket")
    assert ticket == {"class": "cold", "state": "open", "source": "measurement"}
    assert crew.events() == ["opened", "measured"]
    why = flag["why"]
    assert (why["measurement"], why["reason"], why["limit"]) == (taken.number, "below_day_limit", 18.0)
    assert "17.99 °C, under 18 °C (06:00 to 21:00)" in why["en"]
    assert "17.99℃" in why["zh"]
    assert crew.rows("SELECT source FROM ticket_event AS e, ticket AS t WHERE e.ticket_id = t.ticket_id AND e.seq = 1")


@pytest.mark.parametrize(
    ("hour", "celsius", "state"),
    [
        (12, 18.0, HomeState.FAIR),  # exactly the limit complies
        (12, 18.2, HomeState.WARM),
        (12, 15.99, HomeState.SEVERE),
        (3, 17.0, HomeState.SHORT),  # at night nothing is broken
        (3, 15.9, HomeState.SEVERE),
        (21, 17.9, HomeState.SHORT),
    ],
)
def test_the_rules_of_that_instant_decide(crew: Crew, hour: int, celsius: float, state: HomeState) -> None:
    assert crew.measure(celsius, NOON.replace(hour=hour)).judged.state is state
    assert len(crew.flags()) == (state >= HomeState.COLD)


def test_contract_class_season_and_room_decide_too(crew: Crew) -> None:
    crew.homes["bungalow"] = town.home(crew.conn, "H3", home_class="bungalow", contract=(16.0, None, None))
    crew.homes["free"] = town.home(crew.conn, "H4", home_class="bungalow")
    crew.homes["stopped"] = town.home(crew.conn, "H5", status=((None, "stopped"),))
    assert crew.measure(16.0, home="bungalow").judged.state is HomeState.FAIR
    assert crew.measure(15.9, NOON + HOUR, "bungalow").judged.limit == 16.0
    assert crew.flags()[0]["why"]["reason"] == "below_contract"
    assert crew.measure(10, home="free").judged.state is HomeState.NOT_JUDGED
    assert crew.measure(10, home="stopped").judged.state is HomeState.NOT_JUDGED
    assert crew.measure(10, NOON.replace(year=2025, month=8)).judged.state is HomeState.NOT_JUDGED
    assert crew.measure(10, room="kitchen", room_kind="other").judged.state is HomeState.NOT_JUDGED
    assert len(crew.flags()) == 1


def test_without_a_signature_a_record_is_kept_and_proves_nothing(crew: Crew) -> None:
    assert crew.measure(15.0, signature=None).worth is RecordWorth.UNSIGNED
    assert crew.flags() == []
    assert crew.count("ticket") == 0
    assert crew.count("measurement") == 1
    # The same sheet, signed later, is a new record.
    assert crew.measure(15.0).worth is RecordWorth.VALID
    assert len(crew.flags()) == 1


def test_a_warm_record_of_the_room_ends_the_flag(crew: Crew) -> None:
    crew.measure(17.0)
    crew.measure(19.0, NOON + HOUR, room="kitchen", room_kind="other")
    assert crew.told() == [("measurement", NOON, None)]
    crew.measure(18.0, NOON + 2 * HOUR)
    assert crew.told() == [("measurement", NOON, "recovered")]
    assert crew.events() == ["opened", "measured", "recovered", "measured"]


def test_a_signed_warm_record_proves_a_ticket_marked_done(crew: Crew) -> None:
    ticket = crew.measure(17.0).ticket_id
    assert ticket is not None
    with crew.conn.transaction():
        docket = Docket(crew.conn, SEED, NOON + HOUR, "crew")
        docket.add(ticket, EventKind.DONE, result="bled")
        docket.write()
    assert crew.rows("SELECT state FROM ticket") == [{"state": "verifying"}]
    crew.measure(19.0, NOON + 2 * HOUR, signature=None)
    assert crew.rows("SELECT state FROM ticket") == [{"state": "verifying"}]
    crew.measure(19.0, NOON + 2 * HOUR)
    assert crew.rows("SELECT state, proof FROM ticket") == [{"state": "done", "proof": "measurement"}]


def test_what_was_over_when_it_was_filed_is_evidence_only(crew: Crew) -> None:
    crew.measure(19.0, NOON + 3 * HOUR)
    crew.measure(17.0, NOON + HOUR, now=NOON + 4 * HOUR)
    (flag,) = crew.flags()
    assert (flag["cleared_at"], flag["clear_reason"]) == (NOON + 3 * HOUR, "recovered")
    assert crew.rows("SELECT state, retrospective FROM ticket") == [{"state": "closed", "retrospective": True}]


def test_whatever_order_records_are_filed_in_the_flags_are_the_same(crew: Crew) -> None:
    said = [(0, 17.0), (1, 15.5), (2, 19.0), (3, 17.5)]
    for hour, celsius in reversed(said):
        crew.measure(celsius, NOON + hour * HOUR, now=NOON + 5 * HOUR)
    stand = [f for f in crew.flags() if f["clear_reason"] != "withdrawn"]
    assert [(f["cold_since"], f["severity"], f["cleared_at"]) for f in stand] == [
        (NOON, 2, NOON + 2 * HOUR),
        (NOON + 3 * HOUR, 1, None),
    ]
    assert crew.rows("SELECT count(*) AS n FROM ticket WHERE state <> 'closed'") == [{"n": 1}]


def test_a_correction_is_a_new_record_and_takes_the_cause_away(crew: Crew) -> None:
    wrong = crew.measure(7.0).number
    right = crew.measure(19.0, corrects=wrong, reason="read 19 as 7")
    assert crew.told() == [("measurement", NOON, "withdrawn")]
    (stored,) = crew.rows(f"SELECT celsius, number FROM measurement WHERE number = '{wrong}'")
    assert stored["celsius"] == 7.0
    with pytest.raises(NotTaken) as refused:
        crew.measure(18.0, corrects=wrong, reason="again")
    assert refused.value.reason is RecordRefusal.CORRECTED_ALREADY
    crew.measure(16.5, corrects=right.number, reason="it was 16.5 after all")
    assert crew.told()[-1] == ("measurement", NOON, None)


def test_an_unsigned_correction_corrects_nothing(crew: Crew) -> None:
    wrong = crew.measure(7.0).number
    crew.measure(19.0, corrects=wrong, reason="read 19 as 7", signature=None)
    assert crew.told() == [("measurement", NOON, None)]
    crew.measure(19.0, corrects=wrong, reason="now signed")
    assert crew.told() == [("measurement", NOON, "withdrawn")]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"at": NOON, "now": NOON - HOUR}, RecordRefusal.FUTURE),
        ({"celsius": 85.0}, RecordRefusal.IMPLAUSIBLE),
        ({"celsius": 16.0}, RecordRefusal.TWICE),
        ({"corrects": "M00000099", "reason": "r"}, RecordRefusal.NO_SUCH_RECORD),
        ({"corrects": "M00000001", "reason": "r", "home": "H1"}, RecordRefusal.OTHER_HOME),
    ],
)
def test_what_cannot_be_is_not_taken(crew: Crew, wrong: dict[str, Any], reason: RecordRefusal) -> None:
    crew.measure(17.0)
    with pytest.raises(NotTaken) as refused:
        crew.measure(**{"celsius": 17.0, **wrong})
    assert refused.value.reason is reason
    assert crew.count("measurement") == 1


def test_nobody_rewrites_a_record(crew: Crew) -> None:
    crew.measure(17.0)
    for statement in ("UPDATE measurement SET celsius = 19", "DELETE FROM measurement", "TRUNCATE measurement CASCADE"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="never rewritten"):
            crew.conn.execute(statement.encode())


def test_a_record_beside_a_flag_of_the_sensors_joins_its_ticket(crew: Crew) -> None:
    crew.say(("s1", NOON, 17.0))
    taken = crew.measure(16.9, NOON + 5 * MINUTE, "H1")
    assert crew.told() == [("sensor", NOON, None)]
    assert taken.ticket_id == crew.flags()[0]["ticket_id"]
    assert crew.events() == ["opened", "measured"]


def test_the_sensors_take_over_from_a_record(crew: Crew) -> None:
    crew.say(("s1", NOON - 5 * MINUTE, 18.4))  # not far from it, so that both are believed
    first = crew.measure(17.0, NOON, "H1")
    assert crew.told() == [("measurement", NOON, None)]
    crew.say(("s1", NOON + 15 * MINUTE, 17.5))
    assert crew.told() == [("measurement", NOON, "taken_over"), ("sensor", NOON + 15 * MINUTE, None)]
    assert {flag["ticket_id"] for flag in crew.flags()} == {first.ticket_id}
    assert crew.count("ticket") == 1
    # From here on the sensors' proof counts, and the next cold record is a matter of its own again.
    for minute in range(20, 65, 5):
        crew.say(("s1", NOON + minute * MINUTE, 19.0))
    assert crew.told()[1] == ("sensor", NOON + 15 * MINUTE, "recovered")
    crew.measure(17.0, NOON + 2 * HOUR, "H1")
    assert crew.told()[2] == ("measurement", NOON + 2 * HOUR, None)


def test_judging_again_does_not_withdraw_what_was_measured(crew: Crew) -> None:
    for minute in range(-60, 300, 5):
        crew.say(("s1", NOON + minute * MINUTE, 19.0))
    crew.measure(17.0, NOON + 2 * HOUR, "H1", now=NOON + 5 * HOUR)
    before = crew.told()
    assert before == [("measurement", NOON + 2 * HOUR, None)]
    crew.recheck(NOON + 5 * HOUR)
    assert crew.told() == before
    assert "flag_ended" not in crew.events()


def test_a_flag_of_the_sensors_that_is_found_late_takes_over_too(crew: Crew) -> None:
    crew.measure(17.0, NOON, "H1")
    now = NOON + 2 * HOUR
    crew.say(*(("s1", NOON + minute * MINUTE, 17.0) for minute in range(-30, 120, 5)), now=now)
    crew.recheck(now)
    assert ("measurement", NOON, "taken_over") in crew.told()
    assert [one for one in crew.told() if one[2] is None] == [("sensor", NOON - 30 * MINUTE, None)]


def test_when_the_sensors_flag_is_withdrawn_the_record_stands_for_itself(crew: Crew) -> None:
    morning = NOON.replace(hour=6)
    crew.say(("s1", morning - 2 * MINUTE, 17.0))
    crew.clock(morning)
    crew.measure(17.0, morning + MINUTE, "H1")
    assert crew.told() == [("sensor", morning, None)]
    crew.say(("s1", morning - MINUTE, 19.0), now=morning + 2 * MINUTE)
    crew.recheck(morning + 3 * MINUTE)
    assert crew.told() == [("sensor", morning, "withdrawn")]
    look(crew.conn, SEED, morning + 4 * MINUTE)
    assert crew.told()[1] == ("measurement", morning + MINUTE, None)
    look(crew.conn, SEED, morning + 5 * MINUTE)
    assert len(crew.told()) == 2


def test_out_of_season_a_flag_ends_whoever_raised_it(crew: Crew) -> None:
    crew.measure(17.0)
    look(crew.conn, SEED, NOON + HOUR)
    assert crew.told() == [("measurement", NOON, None)]
    look(crew.conn, SEED, NOON.replace(month=3, day=16))
    assert crew.told() == [("measurement", NOON, "out_of_season")]


def test_a_home_whose_flag_cannot_be_ended_stops_no_other(crew: Crew) -> None:
    for home in ("H1", "H2"):
        crew.measure(17.0, home=home)
    crew.conn.execute(
        f"ALTER TABLE flag ADD CONSTRAINT no_luck CHECK (home_id <> {crew.homes['H1']} OR cleared_at IS NULL)"
    )
    spring = NOON.replace(month=3, day=16)
    look(crew.conn, SEED, spring)
    assert [reason for *_, reason in crew.told()] == [None, "out_of_season"]
    crew.conn.execute("ALTER TABLE flag DROP CONSTRAINT no_luck")
    look(crew.conn, SEED, spring)
    assert [reason for *_, reason in crew.told()] == ["out_of_season", "out_of_season"]


def test_a_suspect_sensor_asks_for_a_measurement_until_there_is_one(crew: Crew) -> None:
    crew.conn.execute(
        "INSERT INTO ticket (class, state, priority, home_id, opened_at, source) VALUES "
        "('device', 'open', 4, %(home)s, %(at)s, 'device')",
        {"home": crew.homes["H1"], "at": NOON},
    )
    crew.conn.execute(
        "INSERT INTO device_job (sensor_id, reason, ticket_id, opened_at) "
        "SELECT s.sensor_id, 'out_of_line', t.ticket_id, %s FROM sensor AS s, ticket AS t",
        (NOON,),
    )
    for _ in range(2):
        look(crew.conn, SEED, NOON + MINUTE)
    (task,) = crew.rows("SELECT home, room, reason, due_at FROM measurement_due")
    assert task == {"home": "H1", "room": None, "reason": "suspect_sensor", "due_at": NOON + 48 * HOUR}
    assert len(crew.rows("SELECT FROM measurement_late")) == 1  # by the clock of today
    crew.measure(19.0, NOON + HOUR, "H1", signature=None)
    assert len(crew.rows("SELECT FROM measurement_due")) == 1
    crew.measure(19.0, NOON + HOUR, "H1")
    assert crew.rows("SELECT FROM measurement_due") == []


def test_a_point_is_due_so_many_days_after_its_last_valid_record(crew: Crew) -> None:
    crew.conn.execute(
        "INSERT INTO measuring_point (home_id, room, room_kind, every_days, starts_at) "
        "VALUES (%s, 'living', 'living', 7, %s)",
        (crew.homes["H2"], NOON),
    )
    due = "SELECT due_at, last_measured_at FROM measurement_due"
    assert crew.rows(due) == [{"due_at": NOON, "last_measured_at": None}]
    crew.measure(19.0, NOON + HOUR, signature=None)
    assert crew.rows(due)[0]["due_at"] == NOON
    crew.measure(19.0, NOON + HOUR)
    assert crew.rows(due) == [{"due_at": NOON + 7 * 24 * HOUR + HOUR, "last_measured_at": NOON + HOUR}]
    crew.conn.execute("UPDATE measuring_point SET ends_at = %s", (NOON,))
    assert crew.rows(due) == []


def test_the_crew_hears_once_of_what_is_due_and_dispatch_of_what_is_late(crew: Crew) -> None:
    crew.conn.execute(
        "INSERT INTO measuring_point (home_id, room, room_kind, every_days, starts_at) "
        "VALUES (%s, 'living', 'living', 7, %s)",
        (crew.homes["H2"], NOON),
    )
    heard = "SELECT kind, audience, station, data FROM outbox WHERE kind LIKE 'measurement%%' ORDER BY outbox_id"
    remind(crew.conn, NOON - 25 * HOUR)
    assert crew.rows(heard) == []
    for early in (24, 1, 0):
        remind(crew.conn, NOON - early * HOUR)
    (due,) = crew.rows(heard)
    assert (due["kind"], due["audience"], due["station"]) == ("measurement_due", "crew", "East")
    assert due["data"] == {"place": "H2 living", "due_at": NOON.astimezone(UTC).isoformat()}
    for late in (1, 2):
        remind(crew.conn, NOON + late * MINUTE)
    told = [(row["kind"], row["audience"]) for row in crew.rows(heard)]
    assert told[1:] == [("measurement_late", "crew"), ("measurement_late", "dispatch")]
    crew.measure(19.0, NOON + HOUR)
    remind(crew.conn, NOON + 7 * 24 * HOUR)
    assert [row["kind"] for row in crew.rows(heard)][3:] == ["measurement_due"]


def test_a_reminder_that_is_refused_stops_no_other_and_comes_later(crew: Crew) -> None:
    crew.conn.execute(
        "INSERT INTO measuring_point (home_id, room, room_kind, every_days, starts_at) "
        "SELECT home_id, 'living', 'living', 7, %s FROM home",
        (NOON,),
    )
    crew.conn.execute(f"ALTER TABLE outbox ADD CONSTRAINT no_luck CHECK (home_id <> {crew.homes['H2']})")
    heard = "SELECT home_id FROM outbox ORDER BY outbox_id"
    for _ in range(2):
        assert not remind(crew.conn, NOON - HOUR)
        assert [row["home_id"] for row in crew.rows(heard)] == [crew.homes["H1"]]
    crew.conn.execute("ALTER TABLE outbox DROP CONSTRAINT no_luck")
    remind(crew.conn, NOON - HOUR)
    assert [row["home_id"] for row in crew.rows(heard)] == [crew.homes["H1"], crew.homes["H2"]]


def test_two_watches_at_once_tell_of_a_measurement_once(crew: Crew, database: Database) -> None:
    crew.conn.execute(
        "INSERT INTO measuring_point (home_id, room, room_kind, every_days, starts_at) "
        "SELECT home_id, 'living', 'living', 7, %s FROM home",
        (NOON,),
    )

    def watch() -> None:
        with database.connect(autocommit=True) as conn:
            remind(conn, NOON + HOUR)

    assert at_once(*[watch] * 3) == []
    (told,) = crew.rows(
        "SELECT count(*) AS n, count(DISTINCT home_id) AS homes FROM outbox WHERE audience = 'dispatch'"
    )
    assert told == {"n": 2, "homes": 2}


def test_filed_late_is_marked(crew: Crew) -> None:
    assert not crew.measure(19.0, now=NOON + 24 * HOUR).judged.filed_late
    assert crew.measure(19.0, NOON + MINUTE, now=NOON + 24 * HOUR + 2 * MINUTE).judged.filed_late
    seed = replace(SEED, versions=(replace(SEED.versions[0], measurement=None),))
    new = NewMeasurement(
        room="living",
        room_kind="living",
        measured_at=NOON + HOUR,
        celsius=19,
        instrument="T",
        measurer="Z",
        signature="s",
    )
    with crew.conn.transaction():
        assert not record(crew.conn, seed, crew.homes["H2"], new, Filing("crew", NOON + 99 * HOUR)).judged.filed_late


def test_records_and_readings_at_once_never_give_two_open_flags(crew: Crew, database: Database) -> None:
    go = threading.Barrier(2)

    def measuring() -> None:
        with database.connect(autocommit=True) as conn:
            go.wait()
            for step in range(12):
                at = NOON + step * MINUTE + timedelta(seconds=30)
                new = NewMeasurement(room="living", room_kind="living", measured_at=at, celsius=17.0 + 2 * (step % 2),
                                     instrument="T", measurer="Z", signature="s")  # fmt: skip
                with conn.transaction():
                    record(conn, SEED, crew.homes["H1"], new, Filing("crew", at + HOUR))

    def ingesting() -> None:
        go.wait()
        for step in range(12):
            crew.say(("s1", NOON + step * MINUTE, 17.0 if step % 3 else 19.0))

    assert at_once(measuring, ingesting) == []
    assert crew.rows("SELECT count(*) AS n FROM ticket WHERE class = 'cold' AND state <> 'closed'")[0]["n"] <= 1
