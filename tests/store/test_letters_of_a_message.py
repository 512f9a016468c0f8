"""A message is one dead letter, whatever is wrong with it: its payload once, and what could be stored is stored."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from psycopg import Connection
from psycopg.rows import dict_row

from alerts.judging.judge import Judge
from domain import policy_file
from ingest.batch import Fates, Intake, store_batch
from ingest.dead_letters import LetterReplay, replay
from ingest.decoders.work import MessageBounds
from ingest.message import Message
from ingest.places import SensorPlaces
from ingest.source_table import load
from ingest.validate import LISTED_FAULTS, Limits
from store.base.stage import open_stages
from store.readings import dead_letter_rows
from store.readings.dead_letter_rows import DeadLetter, LetterFault, LetterFilter
from tests import registry_rows as town
from tests.conftest import Database
from tests.unit.ingest.golden import GOLDEN

NOON = datetime(2026, 1, 15, 4, 1, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
LIMITS = Limits(65_536, 300_000_000, bounds=MessageBounds(readings=3_000, faults=1_000))
TABLE = """
[[source]]
name = "zigbee"
preset = "zigbee2mqtt"
[[source]]
name = "board"
preset = "thingsboard"
[[source]]
name = "plant"
preset = "sparkplug"
[[source]]
name = "pack"
preset = "senml"
filter = "senml/+"
[[source]]
name = "lorawan"
preset = "chirpstack_protobuf"
"""


class Post:
    """Ingest with several sources, and `hearth deadletters replay` beside it, which has seen no births."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self.judge = Judge(policy_file.builtin("seed")).readings
        self.ingest = self._intake("ingest")
        open_stages(conn)

    def _intake(self, worker: str) -> Intake:
        sources = load(TABLE, "test", ZoneInfo("Asia/Shanghai"))
        return Intake(worker, LIMITS, self.judge, SensorPlaces(), sources=sources)

    def send(self, *messages: tuple[str, bytes]) -> Fates:
        return store_batch(self.conn, self.ingest, [self.message(*said) for said in messages], NOON)

    def message(self, topic: str, payload: bytes) -> Message:
        return Message(topic, payload, int(NOON.timestamp() * 1e6), 1, 1, 1, False)

    def replay(self) -> LetterReplay:
        return replay(self.conn, self._intake("replay"), LetterFilter(), lambda: LATER)

    def register(self, code: str, gateway: str | None) -> None:
        town.sensor(self.conn, code, town.home(self.conn, f"home of {code}"), gateway=gateway)
        self.conn.execute("UPDATE registry_version SET version = version + 1")

    def rows(self, statement: str) -> list[dict[str, Any]]:
        with self.conn.cursor(row_factory=dict_row) as cur:
            return cur.execute(statement.encode()).fetchall()

    def letters(self) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM dead_letter ORDER BY dead_letter_id")


@pytest.fixture
def post(plain_database: Database) -> Iterator[Post]:
    with plain_database.connect(autocommit=True) as conn:
        yield Post(conn)


def test_a_gateway_of_unknown_sensors_makes_one_letter_and_each_reading_counts(post: Post) -> None:
    post.register("s0", "g")
    payload = json.dumps([{"id": f"s{n}", "temperature": 20} for n in range(1_000)]).encode()
    fates = post.send(("hearth/v1/g/telemetry", payload))
    assert (fates.messages, fates.stored, dict(fates.dead)) == (1, 1, {"unknown_sensor": 999})
    (letter,) = post.letters()
    assert (letter["payload"], letter["reasons"]) == (payload, {"unknown_sensor": 999})
    assert [(f["sensor"], f["at"]) for f in letter["faults"]] == [(f"s{n}", n) for n in range(1, LISTED_FAULTS + 1)]
    assert letter["bytes"] < 1.5 * len(payload)
    (health,) = post.rows("SELECT stored + duplicates + conflicts + dead AS fates FROM ingest_health")
    assert health["fates"] == 1_000


def test_a_message_beyond_a_bound_is_one_letter_that_can_be_replayed_with_a_higher_one(post: Post) -> None:
    post.register("s", None)
    said = [{"ts": int(NOON.timestamp() * 1000) - n, "temperature": 20} for n in range(3_001)]
    fates = post.send(
        ("hearth/v1/s/telemetry", json.dumps(said).replace(" ", "").encode()[:65_000].rsplit(b",{", 1)[0] + b"]"),
        ("hearth/v1/s/telemetry", b"[" + b"1," * 32_000 + b"1]"),
        ("hearth/v1/s/telemetry", b"[" + b"1," * 2_000 + b"1]"),
    )
    assert dict(fates.dead) == {"too_many_readings": 1, "too_many_faults": 1}
    assert fates.stored > 1_000
    assert [sum(letter["reasons"].values()) for letter in post.letters()] == [1, 1]


CASES = {
    "sparkplug with aliases": ("sparkplug/aliases", "plant:edge7:thermo3", "plant", 2),
    "zigbee2mqtt": ("zigbee2mqtt/reading", "living-4-1", "zigbee", 1),
    "protobuf of ChirpStack": ("chirpstack_protobuf/reading", "24e124136b502217", "lorawan", 1),
}


@pytest.mark.parametrize("case", CASES)
def test_a_foreign_message_is_replayed_as_what_it_was(post: Post, case: str) -> None:
    folder, sensor, source, readings = CASES[case]
    topics = (GOLDEN / folder / "topic").read_text().splitlines()
    payloads = [path.read_bytes() for path in sorted((GOLDEN / folder).glob("payload.*"))]
    fates = post.send(*zip(topics, payloads, strict=True))
    assert dict(fates.dead) == {"unknown_sensor": readings}
    assert {letter["topic"] for letter in post.letters()} <= set(topics)
    post.register(sensor, "another network")
    assert post.replay().refused == {"foreign_sensor": readings}
    post.conn.execute("UPDATE point SET gateway = %s", [source])
    post.conn.execute("UPDATE registry_version SET version = version + 1")
    done = post.replay()
    assert (done.stored, done.refused, done.replayed) == (readings, {}, done.taken)


def test_of_a_pack_the_rest_waits_and_is_stored_once(post: Post) -> None:
    pack = [{"n": f"{code}/temp", "v": 20, "t": 1_768_449_600} for code in ("a", "b", "c")]
    board = {"a": [{"ts": 1_768_449_000_000, "values": {"temperature": 20}}], "d": [3]}
    post.register("a", "pack")
    post.send(("senml/x", json.dumps(pack).encode()), ("v1/gateway/telemetry", json.dumps(board).encode()))
    assert {letter["topic"]: letter["reasons"] for letter in post.letters()} == {
        "senml/x": {"unknown_sensor": 2},
        "v1/gateway/telemetry": {"foreign_sensor": 1, "malformed": 1},
    }
    post.register("b", "pack")
    post.replay()
    post.register("c", "pack")
    done = post.replay()
    assert (done.taken, done.replayed, done.stored, done.duplicates) == (2, 1, 1, 2)
    assert post.rows("SELECT count(*) AS n FROM reading") == [{"n": 3}]


def test_a_letter_of_before_with_one_reading_is_still_replayed(post: Post) -> None:
    """Readings of gateways were kept one by one, in our own format, under the name of who spoke."""
    post.register("living-4-1", "zigbee")
    payload = b'{"id":"living-4-1","temperature":20.5}'
    faults = [LetterFault("unknown_sensor", "is not in the registry")]
    letter = DeadLetter(NOON, "hearth/v1/zigbee/telemetry", payload, len(payload), faults, {"unknown_sensor": 1})
    dead_letter_rows.insert(post.conn, [letter])
    assert post.replay().stored == 1


def test_a_letter_is_found_by_any_of_its_reasons(post: Post) -> None:
    post.send(("hearth/v1/s/telemetry", b'[{"temperature": 1}, 3]'))
    for reason in ("malformed", "unknown_sensor"):
        assert dead_letter_rows.waiting(post.conn, LetterFilter(reason=reason)) == 1
    assert dead_letter_rows.waiting(post.conn, LetterFilter(reason="future")) == 0
    assert post.rows("SELECT reason, faults FROM dead_letter_seen ORDER BY reason") == [
        {"reason": "malformed", "faults": 1},
        {"reason": "unknown_sensor", "faults": 1},
    ]


def test_text_that_the_database_has_no_place_for_is_kept_all_the_same(post: Post) -> None:
    fates = post.send(
        ("hearth/v1/s/telemetry", b'[{"id": "a\\u0000b", "temperature": 1}, {"id": "\\u0000", "ts": []}]')
    )
    assert dict(fates.dead) == {"unknown_sensor": 1, "wrong_type": 1}
    assert {fault["sensor"] for fault in post.letters()[0]["faults"]} == {"a␀b", "␀"}


def letters(post: Post, count: int, kilobytes: int = 10) -> None:
    payload = bytes(kilobytes * 1000 - 500)
    letter = DeadLetter(
        NOON, "hearth/v1/s/telemetry", payload, len(payload), [LetterFault("malformed", "")], {"malformed": 3}
    )
    dead_letter_rows.insert(post.conn, [letter] * count)


def test_beyond_their_bytes_the_oldest_letters_are_dropped_and_counted(post: Post) -> None:
    letters(post, 10)
    post.conn.execute("UPDATE dead_letter SET replayed_at = %s WHERE dead_letter_id = 9", [LATER])
    assert dead_letter_rows.trim(post.conn, 100_000, LATER, 100) == 0
    assert dead_letter_rows.trim(post.conn, 71_000, LATER, 2) == 2
    assert [letter["dead_letter_id"] for letter in post.letters()] == [2, 3, 4, 5, 6, 7, 8, 10]
    assert dead_letter_rows.trim(post.conn, 71_000, LATER, 100) == 1
    assert dead_letter_rows.trim(post.conn, 71_000, LATER, 100) == 0
    health = dead_letter_rows.health(post.conn)
    assert (health.waiting, health.dropped, health.dropped_faults, health.dropped_at) == (7, 2, 6, LATER)
    assert health.bytes <= 71_000
    assert health.dropped_bytes == pytest.approx(20_000, rel=0.05)


def test_a_letter_that_somebody_has_in_hand_is_not_dropped(plain_database: Database, post: Post) -> None:
    letters(post, 3)
    with plain_database.connect() as other:
        (held,) = dead_letter_rows.take(other, LetterFilter(), 0, 100, 1)
        assert dead_letter_rows.trim(post.conn, 5_000, LATER, 100) == 2
    assert [letter["dead_letter_id"] for letter in post.letters()] == [held.dead_letter_id]
