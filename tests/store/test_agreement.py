"""A measurement on site against a living sensor: it proves nothing without a second person, or while that is judged."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from psycopg import Connection

from alerts.judging.history import History
from alerts.judging.rejudge import judge_again
from alerts.sensors import care, measurements
from domain.care import CareEnd
from domain.measurement import NewMeasurement
from domain.tickets import EventKind, MoveRefused
from ingest.places import SensorPlaces
from store.evidence import invariants
from store.sensors import care_rows
from tests import registry_rows as town
from tests.conftest import Database
from tests.store.company import HOUR, SEED, Company
from tests.store.desk import MINUTE, NOON


class Site(Company):
    """H1, whose thermometer s1 is broken: it says 13.3 °C for ever."""

    def __init__(self, conn: Connection) -> None:
        super().__init__(conn)
        self.now = NOON
        self.broken(0)

    def broken(self, minutes: int, celsius: float = 13.3) -> None:
        """Time passes, and s1 goes on."""
        for _ in range(0, minutes + 1, 5):
            self.say(("s1", self.now, celsius))
            self.now += 5 * MINUTE

    def measure(
        self, celsius: float = 18.6, who: str = "Zhao", actor: str = "token 1", home: int = 1, **other: Any
    ) -> str:
        """Measure now and file it at once; return the number of the record."""
        filled = {"room": "living", "room_kind": "living", "signature": "x", "measured_at": self.now, **other}
        new = NewMeasurement(celsius=celsius, instrument="T7", measurer=who, **filled)
        with self.conn.transaction():
            taken = measurements.record(self.conn, SEED, home, new, measurements.Filing(actor, self.now))
        self.catch_up()
        return taken.number

    def catch_up(self) -> None:
        """Let watch work on what people filed."""
        measurements.look(self.conn, SEED, self.now)
        for home, since in self.conn.execute("SELECT home_id, from_at FROM rejudge").fetchall():
            with self.conn.transaction():
                judge_again(self.conn, History(SEED), [home], since.astimezone(NOON.tzinfo).date(), self.now)
        self.watch(self.now)
        assert not any(invariants.violations(self.conn).values())

    def reasons(self) -> list[tuple[str, bool]]:
        """Device jobs, and whether they are open."""
        return [
            (row["reason"], row["closed_at"] is None)
            for row in self.rows("SELECT reason, closed_at FROM device_job ORDER BY device_job_id")
        ]

    def end(self) -> str | None:
        """Return why the only flag ended."""
        (flag,) = self.flags()
        reason: str | None = flag["clear_reason"]
        return reason

    def refuses(self) -> None:
        """Assert that the ticket cannot be closed."""
        for kind, data in ((EventKind.REPLIED, {"text": "x", "channel": "phone"}), (EventKind.CLOSED, {})):
            try:
                self.let(1, kind, self.now, **data)
            except MoveRefused:
                continue
        assert self.ticket()["state"] == "verifying"


@pytest.fixture
def site(plain_database: Database) -> Iterator[Site]:
    with plain_database.connect(autocommit=True) as conn:
        town.sensor(conn, "s1", town.home(conn, "H1"))
        yield Site(conn)


def test_one_typed_value_closes_no_ticket_over_a_living_sensor(site: Site) -> None:
    """13.3 °C and severe; 18.6 with the signature "x"."""
    site.let(1, EventKind.DONE, site.now)
    site.measure()
    assert (site.end(), site.flags()[0]["severity"]) == (None, 2)
    site.refuses()
    assert site.reasons() == [("disagrees", True)]
    (job,) = site.rows("SELECT t.class, t.state, t.home_id FROM ticket AS t JOIN device_job USING (ticket_id)")
    assert job == {"class": "device", "state": "open", "home_id": 1}
    (record,) = site.rows("SELECT beside_celsius, disagrees FROM measurement")
    assert (round(record["beside_celsius"], 2), record["disagrees"]) == (13.3, True)
    assert site.rows("SELECT reason FROM measurement_request") == [{"reason": "suspect_sensor"}]


@pytest.mark.parametrize(
    ("who", "actor"), [("Zhao", "token 1"), (" ZHAO ", "token 2"), ("Z h a o", "token 2"), ("Qian", "token 1")]
)
def test_the_same_person_is_no_second_one_whatever_is_typed(site: Site, who: str, actor: str) -> None:
    site.let(1, EventKind.DONE, site.now)
    site.measure()
    site.broken(10)
    site.measure(18.5, who, actor)
    site.refuses()
    assert site.end() is None


@pytest.mark.parametrize("celsius", [18.0, 20.1])
def test_two_persons_who_measure_the_same_end_the_flag_and_the_sensor_opens_none(site: Site, celsius: float) -> None:
    site.let(1, EventKind.DONE, site.now)
    site.measure()
    site.broken(10)
    at = site.now
    site.measure(celsius, "Qian", "token 2")
    (flag,) = site.flags()
    assert (flag["clear_reason"], flag["cleared_at"]) == ("measured", at)
    assert (site.ticket()["state"], site.ticket()["proof"]) == ("done", "measurement")
    site.broken(120)
    site.catch_up()
    assert (len(site.flags()), site.reasons()) == (1, [("disagrees", True)])
    with site.conn.transaction():
        judge_again(site.conn, History(SEED), [1], NOON.date(), site.now)
    assert (len(site.flags()), site.end()) == (1, "measured")


def test_who_measures_something_else_is_no_second_one(site: Site) -> None:
    site.let(1, EventKind.DONE, site.now)
    site.measure(18.6)
    site.measure(20.2, "Qian", "token 2", measured_at=site.now + MINUTE)
    site.refuses()


def test_who_measures_cold_takes_back_what_was_measured_before(site: Site) -> None:
    site.measure(18.6)
    site.broken(10)
    site.measure(13.5, "Sun", "token 3")
    assert site.reasons() == [("disagrees", False)]  # it agrees with the sensor
    site.broken(10)
    site.measure(18.5, "Qian", "token 2")
    assert site.end() is None


def test_a_sensor_whose_job_is_over_is_judged_again(site: Site) -> None:
    site.measure()
    site.broken(10)
    site.measure(18.5, "Qian", "token 2")
    site.broken(10, 18.9)
    site.measure(19.0, "Sun", "token 3")
    assert site.reasons() == [("disagrees", True)]  # overruled, it says nothing that could be held against
    with site.conn.transaction():
        care.end(site.conn, SEED, care_rows.jobs(site.conn), CareEnd.HEALED, site.now)
    site.now += MINUTE
    site.broken(5)
    assert [flag["clear_reason"] for flag in site.flags()] == ["measured", None]
    assert site.ticket()["state"] == "open"


def test_a_correction_takes_back_what_came_of_a_record(site: Site) -> None:
    site.measure()
    site.broken(10)
    at = site.now
    wrong = site.measure(18.5, "Qian", "token 2")
    assert site.end() == "measured"
    site.broken(10)
    site.measure(13.5, "Qian", "token 2", corrects=wrong, reason="misread", measured_at=at)
    assert [flag["clear_reason"] for flag in site.flags() if flag["source"] == "sensor"][-1] is None
    assert site.ticket()["state"] != "closed"


def test_without_the_sensor_one_measurement_is_enough(site: Site) -> None:
    site.let(1, EventKind.DONE, site.now)
    site.measure()
    site.broken(10)
    gone = site.now
    site.conn.execute("UPDATE point SET valid_to = %s", (gone,))
    site.conn.execute("UPDATE registry_version SET version = version + 1")
    site.now += HOUR
    site.catch_up()
    (flag,) = site.flags()
    assert (flag["clear_reason"], flag["cleared_at"]) == ("sensor_out", gone)
    site.catch_up()
    assert (site.ticket()["state"], site.ticket()["proof"]) == ("done", "measurement")


def test_a_sensor_that_has_left_and_cannot_be_settled_stops_no_other(site: Site) -> None:
    """Two homes with a sensor that contradicted a record and is gone: the first is refused."""
    other = town.home(site.conn, "H7")
    town.sensor(site.conn, "s7", other)
    for _ in range(3):
        site.say(("s1", site.now, 13.3), ("s7", site.now, 13.3))
        site.now += 5 * MINUTE
    site.measure()
    site.measure(home=other)
    gone = site.now
    site.conn.execute("UPDATE point SET valid_to = %s", (gone,))
    site.conn.execute("UPDATE registry_version SET version = version + 1")
    site.now += HOUR
    site.conn.execute("ALTER TABLE cold_ended ADD CONSTRAINT no_luck CHECK (home_id <> 1)")
    site.catch_up()
    ended = "SELECT home_id FROM cold_ended ORDER BY 1"
    assert [row["home_id"] for row in site.rows(ended)] == [other]
    site.conn.execute("ALTER TABLE cold_ended DROP CONSTRAINT no_luck")
    site.catch_up()
    assert [row["home_id"] for row in site.rows(ended)] == [1, other]


def test_where_the_sensor_is_silent_one_measurement_is_enough(site: Site) -> None:
    site.let(1, EventKind.DONE, site.now)
    site.now += HOUR
    site.measure()
    assert (site.end(), site.ticket()["proof"], site.reasons()) == ("measured", "measurement", [])


def test_what_a_sensor_tells_late_of_the_time_after_the_measurement_is_another_flag(site: Site) -> None:
    until = site.now + 2 * HOUR
    site.now += HOUR
    site.measure()
    measured_at, silent_from = site.now, site.now - HOUR
    site.now = silent_from
    while site.now < until:
        site.say(("s1", site.now, 13.1 if site.now < measured_at else 12.9))
        site.now += 5 * MINUTE
    site.catch_up()
    before, after = sorted(site.flags(), key=lambda flag: flag["cold_since"])
    assert (before["clear_reason"], before["cleared_at"], before["lowest"]) == ("measured", measured_at, 13.1)
    assert (after["cold_since"], after["cleared_at"], after["lowest"]) == (measured_at, None, 12.9)


def test_another_living_room_that_is_cold_contradicts_too(site: Site, plain_database: Database) -> None:
    town.sensor(site.conn, "s2", 1, room_kind="bedroom")
    site.intake = replace(site.intake, places=SensorPlaces())
    site.say(("s2", site.now, 15.0))
    site.measure()
    site.now += 5 * MINUTE
    site.say(("s1", site.now, 13.3), ("s2", site.now, 15.0))
    site.measure(18.5, "Qian", "token 2")
    assert site.end() is None
    assert site.rows("SELECT until_at FROM sensor_overruled") == [{"until_at": None}]


@pytest.mark.parametrize(("celsius", "opens"), [(19.5, False), (19.6, True), (16.5, False), (16.4, True)])
def test_exactly_the_policy_s_value_agrees(site: Site, celsius: float, opens: bool) -> None:
    site.say(("s1", site.now, 18.0))
    site.measure(celsius)
    assert site.reasons() == [("disagrees", True)] * opens


def test_a_measurement_of_another_room_is_held_against_no_sensor(site: Site) -> None:
    site.measure(20.0, room="bedroom 2", room_kind="bedroom")
    assert site.reasons() == []
    assert site.end() is None
