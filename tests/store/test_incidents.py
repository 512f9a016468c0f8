"""Incidents on real databases: opened by what judging flagged, filled, emptied, closed; no home is ever swallowed."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from alerts.desk.moves import act
from alerts.network.incidents import look
from domain import policy_file
from domain.incidents import IncidentRule
from domain.policy import Policy
from domain.tickets import EventKind, NewEvent
from tests import registry_rows as town
from tests.conftest import Database
from tests.store.at_once import at_once, until_one_waits
from tests.store.desk import MINUTE, NOON, Desk
from tests.store.incident_rules import RULE, SWALLOWED

pytestmark = pytest.mark.plain_only


def rules(rule: IncidentRule | None = RULE) -> Policy:
    seed = policy_file.builtin("seed")
    return replace(seed, versions=(replace(seed.versions[0], incident=rule),))


class Town(Desk):
    """Two substations: S1 with the buildings A and B, S2 with C; ten homes in each, A0 to C9."""

    def __init__(self, conn: Connection) -> None:
        super().__init__(conn)
        self.now = NOON
        first, second = town.building(conn, "East"), town.building(conn, "West")
        conn.execute(
            "INSERT INTO building (code, substation_id, name, address) "
            "SELECT 'B', substation_id, 'Building B', '' FROM building WHERE building_id = %s",
            (first,),
        )
        (third,) = conn.execute("SELECT building_id FROM building WHERE code = 'B'").fetchone() or (0,)
        for letter, building in zip("ABC", (first, third, second), strict=True):
            for n in range(10):
                town.sensor(conn, f"{letter}{n}".lower(), town.home(conn, f"{letter}{n}", building_id=building))
        self.celsius = {f"{letter}{n}": 20.0 for letter in "abc" for n in range(10)}

    def after(self, minutes: int, rule: IncidentRule | None = RULE, **celsius: float) -> None:
        """Let time pass with readings, and a look, every five minutes. `a=17` sets all of building A, `a3=17` one."""
        for who, value in celsius.items():
            self.celsius.update({home: value for home in self.celsius if home == who or home[0] == who})
        for _ in range(0, minutes, 5):
            self.now += 5 * MINUTE
            self.say(*((sensor, self.now, value) for sensor, value in self.celsius.items()), now=self.now)
            self.look(rule)

    def look(self, rule: IncidentRule | None = RULE) -> None:
        while look(self.conn, rules(rule), self.now):
            pass
        assert self.rows(SWALLOWED) == []

    def crew(self, kind: str, **data: Any) -> None:
        """Let the crew of the last incident that opened do something."""
        (row,) = self.rows("SELECT ticket_id FROM incident ORDER BY incident_id DESC LIMIT 1")
        self._act(row["ticket_id"], kind, data)

    def act(self, home: str, kind: str, **data: Any) -> None:
        """Record a move on the ticket of one home."""
        (row,) = self.rows(f"SELECT ticket_id FROM ticket JOIN home AS h USING (home_id) WHERE h.code = '{home}'")
        self._act(row["ticket_id"], kind, data)

    def _act(self, ticket: int, kind: str, data: dict[str, Any]) -> None:
        self.now += MINUTE
        with self.conn.transaction():
            act(self.conn, rules(), NewEvent(ticket, EventKind(kind), data), self.now, "crew")

    def risers(self) -> None:
        """Put the first five homes of each building on riser R1, the others on R2."""
        self.conn.execute("UPDATE home SET riser = CASE WHEN right(code, 1) < '5' THEN 'R1' ELSE 'R2' END")

    def incidents(self) -> list[tuple[str, str | None, int, int]]:
        """Open ones: kind, building, children, still cold."""
        found = self.rows("SELECT kind, building, children, still_cold FROM incident_open ORDER BY incident_id")
        return [(row["kind"], row["building"], row["children"], row["still_cold"]) for row in found]

    def notices(self, *kinds: str) -> list[str]:
        """Return what dispatch hears of, in order."""
        found = self.rows("SELECT kind FROM outbox WHERE audience = 'dispatch' AND fate IS NULL ORDER BY outbox_id")
        return [row["kind"] for row in found if row["kind"] in (kinds or ("incident_opened", "home_stayed_cold"))]

    def events(self, home: str) -> list[str]:
        """Return what happened to the ticket of a home."""
        found = self.rows(
            "SELECT e.kind FROM ticket_event AS e JOIN ticket USING (ticket_id) JOIN home AS h USING (home_id) "
            f"WHERE h.code = '{home}' ORDER BY e.ticket_id, e.seq"
        )
        return [row["kind"] for row in found]

    def alarm(self, *, ended: bool = False) -> None:
        """Raise an alarm of S1, or end it."""
        if ended:
            self.conn.execute("UPDATE substation_alarm SET ended_at = %s", (self.now,))
            return
        self.conn.execute(
            "INSERT INTO substation_alarm (substation_id, kind, since, raised_at, lowest, highest) "
            "SELECT substation_id, 'supply_low', %(at)s, %(at)s, 30, 30 FROM building WHERE code = 'B'",
            {"at": self.now},
        )


@pytest.fixture
def desk(database: Database) -> Iterator[Town]:
    with database.connect(autocommit=True) as conn:
        yield Town(conn)


def test_a_cold_building_is_one_incident_and_each_home_keeps_its_ticket(desk: Town) -> None:
    desk.after(5, a=17.0)
    building = desk.rows("SELECT b.code FROM building AS b JOIN home AS h USING (building_id) WHERE h.code = 'A0'")
    assert desk.incidents() == [("cold_homes", building[0]["code"], 10, 10)]
    assert desk.notices() == ["incident_opened"]
    assert len(desk.rows("SELECT FROM ticket WHERE class = 'cold' AND state = 'open'")) == 10
    assert len({row["ticket_id"] for row in desk.rows("SELECT ticket_id FROM flag")}) == 10
    assert len(desk.rows("SELECT FROM clock WHERE due_at IS NOT NULL")) == 10 * 4 + 3
    assert desk.events("A0") == ["opened", "incident_joined"]
    (incident,) = desk.rows("SELECT station, why, ticket_id FROM incident")
    assert incident["station"] == "East"
    why = incident["why"]
    assert (why["judged"], why["cold"], why["share"], why["policy"]) == (10, 10, 1.0, "seed@2020-01-01")
    assert why["needed"] == {"share": 0.3, "homes": 3}
    assert "10 of 10 judged homes" in why["en"]
    assert "10户" in why["zh"]
    (crew,) = desk.rows("SELECT * FROM ticket WHERE class = 'repair'")
    assert (crew["ticket_id"], crew["home_id"], crew["state"]) == (incident["ticket_id"], None, "open")


def test_unrelated_cold_homes_stay_outside(desk: Town) -> None:
    desk.after(5, a=17.0, b=17.0, c1=17.0, c5=17.0)
    assert desk.incidents() == [("cold_homes", None, 20, 20)]
    assert desk.events("C1") == ["opened"]
    desk.after(5, c7=17.5)
    desk.after(5)
    assert [one[2] for one in desk.incidents()] == [20, 3]


def test_a_place_whose_incident_is_refused_stops_no_other(desk: Town) -> None:
    desk.conn.execute("ALTER TABLE incident ADD CONSTRAINT no_luck CHECK (station <> 'East')")
    desk.after(5, a=17.0, c=17.0)
    assert [row["station"] for row in desk.rows("SELECT station FROM incident")] == ["West"]
    desk.conn.execute("ALTER TABLE incident DROP CONSTRAINT no_luck")
    desk.look()
    assert len(desk.incidents()) == 2


def test_a_home_that_cannot_be_sent_for_stops_no_other(desk: Town) -> None:
    desk.after(5, a=17.0)
    desk.conn.execute("ALTER TABLE outbox ADD CONSTRAINT no_luck CHECK (kind <> 'home_stayed_cold' OR ticket_id > 1)")
    look(desk.conn, rules(None), desk.now)
    assert desk.notices("home_stayed_cold") == ["home_stayed_cold"] * 9
    desk.conn.execute("ALTER TABLE outbox DROP CONSTRAINT no_luck")
    desk.look(None)
    assert desk.notices("home_stayed_cold") == ["home_stayed_cold"] * 10


def test_looking_again_changes_nothing(desk: Town) -> None:
    desk.after(5, a=17.0)
    counts = "SELECT (SELECT count(*) FROM ticket_event), (SELECT count(*) FROM outbox), (SELECT count(*) FROM ticket)"
    before = desk.rows(counts)
    for _ in range(3):
        desk.look()
    assert desk.rows(counts) == before


def test_an_incident_of_a_building_grows_to_one_of_the_substation(desk: Town) -> None:
    desk.after(5, a=17.0)
    desk.after(5, b=17.0)
    assert desk.incidents() == [("cold_homes", None, 20, 20)]
    assert desk.notices() == ["incident_opened"]  # that of the building had not been told yet
    assert desk.events("A0") == ["opened", "incident_joined", "incident_moved"]
    assert desk.events("B0") == ["opened", "incident_joined"]
    old, new = desk.rows("SELECT incident_id, close_reason, merged_into, ticket_id FROM incident ORDER BY incident_id")
    assert (old["close_reason"], old["merged_into"]) == ("merged", new["incident_id"])
    states = desk.rows("SELECT state FROM ticket WHERE class = 'repair' ORDER BY ticket_id")
    assert [row["state"] for row in states] == ["closed", "open"]


def test_tickets_that_move_are_told_in_their_order_wherever_their_rows_lie(desk: Town) -> None:
    desk.after(5, a=17.0)
    first = "(SELECT min(ticket_id) FROM incident_ticket)"
    desk.conn.execute(f"UPDATE incident_ticket SET joined_at = joined_at WHERE ticket_id = {first}".encode())
    desk.conn.execute("SET enable_indexscan = off")
    desk.conn.execute("SET enable_bitmapscan = off")
    desk.after(5, b=17.0)
    told = desk.rows("SELECT ticket_id FROM ticket_event WHERE kind = 'incident_moved' ORDER BY event_id")
    assert len(told) == 10
    assert told == sorted(told, key=lambda row: row["ticket_id"])


def test_homes_that_get_cold_later_join_until_most_are_warm_again(desk: Town) -> None:
    desk.after(5, a=17.0, b=17.0)
    desk.after(35, a=19.0, b=19.0, a0=17.0, b0=17.0)
    assert desk.incidents() == [("cold_homes", None, 20, 2)]
    desk.after(5, a1=17.0)  # of the same ticket, and still part of it
    assert desk.incidents() == [("cold_homes", None, 20, 3)]
    assert desk.rows("SELECT recovering_since FROM incident_open")[0]["recovering_since"] is not None
    assert desk.events("A1") == ["opened", "incident_joined", "recovered", "flag_joined"]


def test_it_closes_when_its_homes_have_been_warm_for_a_while(desk: Town) -> None:
    desk.after(5, a=17.0)
    desk.after(35, a=19.0)
    assert desk.incidents()[0][3] == 0
    desk.after(15)
    assert len(desk.incidents()) == 1
    desk.after(5)
    assert desk.incidents() == []
    assert desk.rows("SELECT close_reason FROM incident") == [{"close_reason": "recovered"}]
    assert desk.rows("SELECT state FROM ticket WHERE class = 'repair'") == [{"state": "closed"}]
    assert desk.events("A0") == ["opened", "incident_joined", "recovered", "incident_left"]
    assert desk.notices("incident_opened", "incident_closed") == ["incident_opened", "incident_closed"]
    # The homes' own tickets wait for the answer and the call back, as all do.
    assert len(desk.rows("SELECT FROM ticket WHERE class = 'cold' AND state <> 'closed'")) == 10


def test_who_stays_cold_comes_out_and_is_dispatched_itself_once(desk: Town) -> None:
    desk.after(5, a=17.0, b=17.0)
    desk.after(35, a=19.0, b=19.0, a0=17.0, b0=17.0)
    desk.after(55)
    assert desk.incidents() == [("cold_homes", None, 20, 2)]
    desk.after(5)
    assert desk.incidents() == []
    assert desk.notices("home_stayed_cold") == ["home_stayed_cold"] * 2
    assert desk.events("A0") == ["opened", "incident_joined", "incident_left"]
    desk.after(60)
    assert desk.incidents() == []
    assert desk.notices("home_stayed_cold") == ["home_stayed_cold"] * 2


def test_a_building_that_stays_cold_is_an_incident_of_its_own(desk: Town) -> None:
    rule = replace(RULE, recovered_share=0.75)
    desk.after(5, rule=rule, a=17.0, b=17.0)
    desk.after(35, rule=rule, a=19.0, b=19.0, a0=17.0, a1=17.0, a2=17.0)
    desk.after(60, rule=rule)
    ((kind, building, *homes),) = desk.incidents()
    assert (kind, building is not None, homes) == ("cold_homes", True, [3, 3])
    assert desk.notices() == ["incident_opened", "incident_opened"]
    assert desk.events("A0") == ["opened", "incident_joined", "incident_left", "incident_joined"]


WITH_RISERS = replace(RULE, riser_homes=3)
OPEN_AT = "SELECT name, riser, children, still_cold FROM incident_open ORDER BY incident_id"


def at_risers(desk: Town) -> list[tuple[str | None, int, int]]:
    return [(row["riser"], row["children"], row["still_cold"]) for row in desk.rows(OPEN_AT)]


def test_a_cold_riser_is_one_incident_and_grows_to_its_building_and_its_substation(desk: Town) -> None:
    desk.risers()
    desk.after(5, WITH_RISERS, a0=17.0, a1=17.0, a2=17.0, a7=17.0)  # enough for the building, but of one riser
    assert at_risers(desk) == [("R1", 3, 3)]
    (opened,) = desk.rows("SELECT number, why FROM incident")
    assert (opened["why"]["riser"], opened["why"]["judged"]) == ("R1", 5)
    assert "riser R1: 3 of 5" in opened["why"]["en"]
    assert "立管R1" in opened["why"]["zh"]
    assert desk.events("A7") == ["opened"]
    (told,) = desk.rows("SELECT data FROM outbox WHERE kind = 'incident_opened'")
    assert (told["data"]["place"]["en"][-10:], told["data"]["place"]["zh"][-4:]) == (", riser R1", "立管R1")
    desk.after(5, WITH_RISERS, a3=17.0)
    assert at_risers(desk) == [("R1", 4, 4)]
    desk.after(5, WITH_RISERS, a8=17.0)
    assert at_risers(desk) == [(None, 6, 6)]
    assert desk.events("A0") == ["opened", "incident_joined", "incident_moved"]
    desk.after(5, WITH_RISERS, b=17.0)
    assert desk.incidents() == [("cold_homes", None, 16, 16)]
    merged = desk.rows("SELECT close_reason FROM incident ORDER BY incident_id")
    assert [row["close_reason"] for row in merged] == ["merged", "merged", None]
    states = desk.rows("SELECT state FROM ticket WHERE class = 'repair' ORDER BY ticket_id")
    assert [row["state"] for row in states] == ["closed", "closed", "open"]


def test_two_risers_of_a_large_building_are_two_and_one_becomes_warm_by_itself(desk: Town) -> None:
    rule = replace(WITH_RISERS, building_homes=20, substation_homes=40)
    desk.risers()
    desk.after(5, rule, a=17.0)
    assert at_risers(desk) == [("R1", 5, 5), ("R2", 5, 5)]
    desk.after(35, rule, a0=19.0, a1=19.0, a2=19.0, a3=19.0, a4=19.0)
    desk.after(20, rule)
    assert at_risers(desk) == [("R2", 5, 5)]
    assert desk.events("A0")[-1] == "incident_left"


def test_a_riser_that_stays_cold_is_an_incident_of_its_own(desk: Town) -> None:
    rule = replace(WITH_RISERS, recovered_share=0.71)
    desk.risers()
    desk.after(5, rule, a=17.0)
    assert at_risers(desk) == [(None, 10, 10)]
    desk.after(35, rule, a=19.0, a0=17.0, a1=17.0)
    desk.after(60, rule)
    assert at_risers(desk) == []
    assert desk.notices("home_stayed_cold") == ["home_stayed_cold"] * 2
    desk.after(5, rule, a2=17.0)  # and one more: with those that stayed, the riser has its share
    assert at_risers(desk) == [("R1", 3, 3)]
    assert desk.events("A0") == ["opened", "incident_joined", "incident_left", "incident_joined"]


def test_a_riser_has_one_open_incident_and_none_within_its_buildings(desk: Town) -> None:
    desk.risers()
    desk.after(5, WITH_RISERS, a0=17.0, a1=17.0, a2=17.0)
    again = (
        "INSERT INTO incident (kind, substation_id, building_id, riser, station, ticket_id, why, opened_at) "
        "SELECT 'cold_homes', i.substation_id, {building}, {riser}, 'East', "
        "(SELECT min(ticket_id) FROM ticket WHERE class = 'cold'), {why}, now() FROM incident AS i"
    )
    for building, riser in (("NULL", None), ("i.building_id", None), ("i.building_id", "R1")):
        said, why = (f"'{riser}'", f"""'{{"riser": "{riser}"}}'""") if riser else ("NULL", "'{}'")
        with pytest.raises(psycopg.errors.ExclusionViolation):
            desk.conn.execute(again.format(building=building, riser=said, why=why).encode())
    for building, riser, why in (("NULL", "'R2'", """'{"riser": "R2"}'"""), ("i.building_id", "'R2'", "'{}'")):
        with pytest.raises(psycopg.errors.CheckViolation):  # a riser of no building; one that the evidence does not say
            desk.conn.execute(again.format(building=building, riser=riser, why=why).encode())
    desk.conn.execute(
        again.format(building="i.building_id", riser="'R2'", why="""'{"riser": "R2"}'""").encode()
    )  # beside it there may be one


def test_an_alarm_opens_one_before_any_home_is_cold_and_holds_it_open(desk: Town) -> None:
    desk.alarm()
    desk.after(5)
    assert desk.incidents() == [("substation_alarm", None, 0, 0)]
    desk.after(5, a=17.0)
    assert desk.incidents() == [("substation_alarm", None, 10, 10)]
    assert desk.notices() == ["incident_opened"]
    desk.after(90, a=19.0)
    assert desk.incidents() == [("substation_alarm", None, 10, 0)]
    desk.alarm(ended=True)
    desk.after(5)
    desk.after(20)
    assert desk.incidents() == []
    why = desk.rows("SELECT why FROM incident")[0]["why"]
    assert (why["judged"], why["cold"], why["buildings"]) == (20, 0, 2)
    assert why["alarms"][0]["kind"] == "supply_low"
    assert "supply_low" in why["en"]


def test_what_the_crew_does_is_done_for_each_home_but_not_its_proof_or_its_call(desk: Town) -> None:
    desk.after(5, a=17.0)
    desk.crew("accepted", responsible="Li", opinion="the valve", remark="for us alone")
    desk.after(5)
    states = "SELECT state, responsible FROM ticket WHERE class = 'cold' GROUP BY 1, 2"
    assert desk.rows(states) == [{"state": "accepted", "responsible": "Li"}]
    (event,) = desk.rows(
        "SELECT e.actor, e.data FROM ticket_event AS e JOIN ticket USING (ticket_id) JOIN home AS h USING (home_id) "
        "WHERE h.code = 'A0' AND e.kind = 'accepted'"
    )
    number = desk.rows("SELECT number FROM incident")[0]["number"]
    assert event == {"actor": "crew", "data": {"responsible": "Li", "opinion": "the valve", "incident": number}}
    desk.crew("arrived")
    desk.crew("done", result="opened")
    desk.after(10)
    assert desk.events("A0")[2:] == ["accepted", "arrived", "done"]
    assert {row["state"] for row in desk.rows(states)} == {"verifying"}
    met = desk.rows(
        "SELECT c.name, bool_and(c.met_at IS NOT NULL) AS met FROM clock AS c JOIN ticket AS t USING (ticket_id) "
        "WHERE t.class = 'cold' GROUP BY 1 ORDER BY 1"
    )
    assert {row["name"]: row["met"] for row in met} == {
        "call_back": False,
        "contact": False,  # nobody has spoken with the users
        "done": True,
        "on_site": True,
        "station_reply": True,
    }
    told = "SELECT audience, count(*) AS n FROM outbox WHERE kind = 'ticket_done' GROUP BY 1 ORDER BY 1"
    assert desk.rows(told) == [{"audience": "dispatch", "n": 1}, {"audience": "user", "n": 11}]


def test_a_home_that_joins_after_the_crew_was_there_only_has_the_answer_of_the_station(desk: Town) -> None:
    desk.after(5, a1=17.0, a2=17.0, a3=17.0)
    desk.crew("accepted")
    desk.crew("arrived")
    desk.after(5)
    desk.crew("done")
    desk.after(5, a4=17.0)
    assert desk.events("A1")[2:] == ["accepted", "arrived", "done"]
    assert desk.events("A4") == ["opened", "incident_joined", "accepted"]


def test_what_was_not_done_after_all_is_not_done_in_any_home_that_is_not_proven_warm(desk: Town) -> None:
    desk.after(5, a=17.0)
    desk.act("A5", "accepted")
    desk.crew("done")
    desk.after(5)
    desk.crew("rework", reason="it leaks")
    desk.after(5)
    assert desk.events("A4")[2:] == ["done", "rework"]
    assert desk.events("A5")[2:] == ["accepted", "done", "rework"]
    assert {row["state"] for row in desk.rows("SELECT state FROM ticket WHERE class = 'cold'")} == {"working"}


def test_the_crews_work_is_passed_on_in_parts(desk: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alerts.network.incidents.MOST_TOLD", 3)
    desk.after(5, a=17.0)
    desk.crew("accepted")
    desk.crew("delayed", reason="parts", explanation="from the city")
    desk.after(5)
    assert [desk.events(f"A{n}")[2:] for n in range(10)] == [["accepted", "delayed"]] * 10


def test_when_an_alarm_is_over_a_few_cold_homes_come_out(desk: Town) -> None:
    desk.alarm()
    desk.after(5, a1=17.0)
    assert desk.incidents() == [("substation_alarm", None, 1, 1)]
    desk.alarm(ended=True)
    desk.after(60)
    assert desk.notices() == ["incident_opened"]
    desk.after(5)
    assert desk.incidents() == []
    assert desk.notices() == ["incident_opened", "home_stayed_cold"]


def test_a_home_that_is_cold_again_after_the_incident_is_dispatched_itself(desk: Town) -> None:
    desk.after(5, a=17.0)
    desk.after(35, a=19.0)
    desk.after(20)
    assert desk.incidents() == []
    desk.after(5, a4=17.0)
    assert desk.incidents() == []
    assert desk.notices() == ["incident_opened", "home_stayed_cold"]


def test_without_the_rule_there_are_none_and_those_open_end(desk: Town) -> None:
    desk.after(5, a=17.0, rule=None)
    assert desk.incidents() == []
    desk.look()
    assert len(desk.incidents()) == 1
    desk.look(None)
    assert desk.incidents() == []
    assert desk.notices("home_stayed_cold") == ["home_stayed_cold"] * 10
    assert desk.rows("SELECT close_reason FROM incident") == [{"close_reason": "no_policy"}]


def test_a_place_has_one_open_incident_whatever_is_tried(desk: Town) -> None:
    desk.after(5, a=17.0, b=17.0)
    again = (
        "INSERT INTO incident (kind, substation_id, building_id, station, ticket_id, why, opened_at) "
        "SELECT 'cold_homes', i.substation_id, {building}, 'East', (SELECT min(ticket_id) FROM ticket), '{{}}', now() "
        "FROM incident AS i"
    )
    inside = "(SELECT building_id FROM building WHERE code = 'B')"
    for building in ("NULL", inside):
        with pytest.raises(psycopg.errors.ExclusionViolation):
            desk.conn.execute(again.format(building=building).encode())
    with pytest.raises(psycopg.errors.UniqueViolation):
        desk.conn.execute(
            "WITH made AS (UPDATE incident SET closed_at = now(), close_reason = 'recovered' RETURNING incident_id) "
            "INSERT INTO incident_ticket (incident_id, ticket_id, joined_at) "
            "SELECT (SELECT max(incident_id) + 1 FROM incident), min(ticket_id), now() FROM incident_ticket"
        )


def test_two_watches_and_ingest_at_once_open_one_incident(desk: Town, database: Database) -> None:
    desk.after(5, a=17.0)
    desk.conn.execute("UPDATE incident SET closed_at = now(), close_reason = 'recovered'")
    desk.conn.execute("UPDATE incident_ticket SET left_at = now(), left_reason = 'recovered', dispatched_at = now()")
    go = threading.Barrier(3)

    def watching() -> None:
        with database.connect(autocommit=True) as conn:
            go.wait()
            for _ in range(5):
                look(conn, rules(), desk.now)

    def ingesting() -> None:
        go.wait()
        for step in range(10):
            at = desk.now + step * MINUTE
            desk.say(*((f"b{n}", at, 17.0 - step / 10) for n in range(10)), now=at)

    assert at_once(watching, watching, ingesting) == []
    desk.now += 10 * MINUTE
    desk.look()
    assert desk.incidents() == [("cold_homes", None, 20, 20)]
    assert len(desk.rows("SELECT FROM incident WHERE closed_at IS NULL")) == 1
    joined = desk.rows("SELECT ticket_id FROM ticket_event WHERE kind = 'incident_joined' AND data ->> 'incident' = "
                       "(SELECT max(number) FROM incident)")  # fmt: skip
    assert len(joined) == len({row["ticket_id"] for row in joined})


def test_homes_that_join_are_locked_before_their_tickets(desk: Town, database: Database) -> None:
    desk.after(5, a=17.0, rule=None)

    def watching() -> None:
        with database.connect(autocommit=True) as conn:
            look(conn, rules(), desk.now)

    with database.connect() as judging:
        judging.execute("SELECT FROM home_state FOR NO KEY UPDATE")
        watch = threading.Thread(target=watching)
        watch.start()
        until_one_waits(desk.conn)
        judging.execute("SELECT FROM ticket WHERE class = 'cold' FOR UPDATE NOWAIT")
    watch.join()
    assert [one[2:] for one in desk.incidents()] == [(10, 10)]


def test_a_look_that_dies_leaves_nothing_half_done(desk: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    desk.after(5, a=17.0, rule=None)
    with monkeypatch.context() as patched:
        patched.setattr("store.notices.outbox.put", dies)
        with pytest.raises(KeyboardInterrupt):
            desk.look()
    assert desk.rows("SELECT FROM incident") == []
    assert desk.rows("SELECT FROM ticket WHERE class = 'repair'") == []
    desk.look()
    assert desk.incidents()[0][2:] == (10, 10)


def test_the_station_at_night_a_suspended_flag_is_still_cold(desk: Town) -> None:
    desk.after(5, a=17.0)
    night: datetime = NOON.replace(hour=21)
    desk.clock(night)
    desk.now = night
    desk.look()
    assert desk.incidents()[0][2:] == (10, 10)
