"""Dead letters: found again, tried again as of the time they were received, stored once, and in the end deleted."""

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from psycopg import Connection
from psycopg.rows import dict_row

from alerts.judging.judge import Judge
from domain import policy_file
from hearth.commands.deadletters import excerpt
from ingest.batch import Fates, Intake, store_batch
from ingest.dead_letters import LetterReplay, replay
from ingest.message import Message
from ingest.places import SensorPlaces
from ingest.validate import Limits
from store.base.stage import open_stages
from store.readings import dead_letter_rows
from store.readings.dead_letter_rows import DeadLetter, LetterFault, LetterFilter
from tests import registry_rows as town
from tests.conftest import Database

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 1, 15, 12, 0, tzinfo=ZONE)
LATER = NOON + timedelta(days=1)
SECOND = timedelta(seconds=1)
LIMITS = Limits(payload_bytes=1000, future_tolerance_us=300_000_000)


class Post:
    """Sends messages, replays letters, and reads what is left of them."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self.judge = Judge(policy_file.builtin("seed")).readings
        open_stages(conn)

    def send(self, device: str, payload: Any, at: datetime = NOON) -> Fates:
        """Store one message as ingest does."""
        return store_batch(self.conn, self._intake("ingest"), [message(device, payload, at)], at)

    def replay(
        self, wanted: LetterFilter | None = None, *, at: datetime = LATER, dry_run: bool = False
    ) -> LetterReplay:
        """Replay letters, all if none are named."""
        return replay(self.conn, self._intake("replay"), wanted or LetterFilter(), lambda: at, dry_run)

    def _intake(self, worker: str) -> Intake:
        return Intake(worker, LIMITS, self.judge, SensorPlaces())

    def letters(self) -> list[dict[str, Any]]:
        """Return all letters in order."""
        return self.rows("SELECT * FROM dead_letter ORDER BY dead_letter_id")

    def readings(self) -> list[tuple[datetime, float]]:
        """Time and temperature of every reading, in order."""
        found = self.rows("SELECT measured_at, temperature FROM reading ORDER BY sensor_id, measured_at")
        return [(row["measured_at"], row["temperature"]) for row in found]

    def rows(self, statement: str) -> list[dict[str, Any]]:
        """Return rows of a query."""
        with self.conn.cursor(row_factory=dict_row) as cur:
            return cur.execute(statement.encode()).fetchall()


def message(device: str, payload: Any, at: datetime) -> Message:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Message(f"hearth/v1/{device}/telemetry", raw, int(at.timestamp() * 1e6), 1, 1, 1, False)


def letter_of(payload: bytes, reason: str) -> DeadLetter:
    """Return a letter of sensor s1 from noon."""
    faults = [LetterFault(reason, "once")]
    return DeadLetter(NOON, "hearth/v1/s1/telemetry", payload, len(payload), faults, {reason: 1})


@pytest.fixture
def post(database: Database) -> Iterator[Post]:
    with database.connect(autocommit=True) as conn:
        yield Post(conn)


@pytest.fixture
def plain_post(plain_database: Database) -> Iterator[Post]:
    with plain_database.connect(autocommit=True) as conn:
        yield Post(conn)


def register(post: Post, code: str = "s1", **where: Any) -> None:
    """Add a sensor in a home of its own, as an import does."""
    town.sensor(post.conn, code, town.home(post.conn, f"home of {code}"), **where)
    post.conn.execute("UPDATE registry_version SET version = version + 1")


def test_a_sensor_registered_later_gets_its_readings(post: Post) -> None:
    post.send("s1", {"ts": (NOON - SECOND).isoformat(), "temperature": 20.5})
    assert [(x["reason"], x["replayed_at"]) for x in post.letters()] == [("unknown_sensor", None)]
    register(post)
    done = post.replay()
    assert (done.taken, done.replayed, done.stored, done.refused) == (1, 1, 1, {})
    assert post.readings() == [(NOON - SECOND, 20.5)]
    assert [x["replayed_at"] for x in post.letters()] == [LATER]


def test_a_second_replay_finds_nothing(post: Post) -> None:
    post.send("s1", {"temperature": 20.5})
    register(post)
    post.replay()
    assert post.replay() == LetterReplay()
    assert len(post.readings()) == 1


def test_a_reading_without_a_time_keeps_that_of_its_receipt(post: Post) -> None:
    post.send("s1", {"temperature": 20.5})
    register(post)
    post.replay()
    assert post.readings() == [(NOON, 20.5)]
    assert post.rows("SELECT received_at, self_timed FROM reading") == [{"received_at": NOON, "self_timed": False}]


def test_what_was_the_future_then_is_so_for_good(post: Post) -> None:
    register(post)
    post.send("s1", {"ts": (NOON + timedelta(hours=1)).isoformat(), "temperature": 20.5})
    done = post.replay(at=LATER)
    assert (done.replayed, done.refused) == (0, {"future": 1})
    assert post.readings() == []


def test_a_letter_that_fails_again_waits_on_and_says_why_now(post: Post) -> None:
    post.send("s1", {"temperature": 20.5})
    register(post, valid=(LATER, None))
    done = post.replay()
    (letter,) = post.letters()
    assert done.refused == {"not_placed": 1}
    assert (letter["reason"], letter["replayed_at"]) == ("not_placed", None)
    assert "no place" in letter["detail"]


def test_an_element_of_an_array_is_replayed_for_the_gateway_that_spoke(post: Post) -> None:
    register(post, "s1", gateway="g")
    post.send("g", [{"id": "s1", "temperature": 20.0}, {"id": "s2", "temperature": 21.0}, {"id": "s3", "battery": 9}])
    (letter,) = post.letters()
    assert [(f["sensor"], f["at"]) for f in letter["faults"]] == [("s2", 1), ("s3", 2)]
    register(post, "s2", gateway="g")
    register(post, "s3", gateway="another")
    done = post.replay()
    assert (done.taken, done.replayed, done.stored, done.duplicates) == (1, 0, 1, 1)
    assert done.refused == {"foreign_sensor": 1}
    assert [celsius for _, celsius in post.readings()] == [20.0, 21.0]
    (letter,) = post.letters()
    assert (letter["reasons"], letter["replayed_at"]) == ({"foreign_sensor": 1}, None)
    post.conn.execute("UPDATE point SET gateway = 'g'")
    post.conn.execute("UPDATE registry_version SET version = version + 1")
    done = post.replay()
    assert (done.replayed, done.stored, done.duplicates, done.refused) == (1, 1, 2, {})
    assert [x["replayed_at"] for x in post.letters()] == [LATER]
    assert post.rows("SELECT count(*) AS n FROM reading WHERE battery = 9") == [{"n": 1}]


def test_a_cold_home_is_judged_by_what_was_replayed(post: Post) -> None:
    post.send("s1", {"temperature": 15.0})
    register(post)
    post.replay(at=NOON + SECOND)
    flags = post.rows("SELECT cold_since, raised_at FROM flag")
    assert flags == [{"cold_since": NOON, "raised_at": NOON + SECOND}]


def test_a_dry_run_changes_nothing_and_says_what_a_run_will(post: Post) -> None:
    post.send("s1", {"temperature": 20.5})
    post.send("s2", {"temperature": 20.5})
    register(post)
    before = post.letters()
    dry = post.replay(dry_run=True)
    assert (post.letters(), post.readings()) == (before, [])
    assert post.replay() == dry
    assert (dry.replayed, dry.refused) == (1, {"unknown_sensor": 1})


def test_an_oversize_letter_is_left_alone(plain_post: Post) -> None:
    register(plain_post)
    plain_post.send("s1", {"temperature": 20.5, "padding": "x" * 1000})
    done = plain_post.replay()
    assert (done.taken, done.replayed, done.cut) == (1, 0, 1)
    assert plain_post.letters()[0]["replayed_at"] is None


def test_of_a_message_that_is_partly_good_now_the_rest_goes_on_waiting(plain_post: Post) -> None:
    register(plain_post)
    whole = b'[{"temperature": 20.5}, {"temperature": "warm"}]'
    letter = letter_of(whole, "refused")
    dead_letter_rows.insert(plain_post.conn, [letter])
    done = plain_post.replay()
    assert (done.taken, done.replayed, done.stored, done.refused) == (1, 0, 1, {"wrong_type": 1})
    (left,) = plain_post.letters()
    assert (left["reason"], left["reasons"], left["replayed_at"]) == ("wrong_type", {"wrong_type": 1}, None)
    assert left["faults"][0]["at"] == 1
    assert plain_post.replay().duplicates == 1


def test_what_the_database_refuses_holds_up_nothing_else(plain_post: Post) -> None:
    for n in range(20):
        plain_post.send(f"s{n}", {"temperature": 20.0 + n})
        register(plain_post, f"s{n}")
    plain_post.conn.execute("ALTER TABLE reading ADD CONSTRAINT no_thirty CHECK (temperature <> 30)")
    done = plain_post.replay()
    assert (done.taken, done.replayed, done.refused) == (20, 19, {"refused": 1})
    (left,) = (x for x in plain_post.letters() if x["replayed_at"] is None)
    assert "no_thirty" in left["detail"]
    assert len(plain_post.readings()) == 19


def test_more_letters_than_one_batch_holds(plain_post: Post) -> None:
    count = 1203
    plain_post.send("g", [{"id": "s1", "ts": i * 1000 + 1_768_000_000_000, "battery": 1} for i in range(10)])
    said = (json.dumps({"ts": NOON.timestamp() * 1000 - i, "temperature": 20}).replace(".0", "") for i in range(count))
    dead_letter_rows.insert(plain_post.conn, [letter_of(text.encode(), "malformed") for text in said])
    register(plain_post)
    done = plain_post.replay()
    assert (done.replayed, done.refused) == (count, {"foreign_sensor": 10})
    assert len(plain_post.readings()) == count


def test_two_replays_at_once_store_nothing_twice(database: Database) -> None:
    with database.connect(autocommit=True) as conn, database.connect(autocommit=True) as other:
        first, second = Post(conn), Post(other)
        for n in range(60):
            first.send("s1", {"ts": (NOON - n * SECOND).isoformat(), "temperature": 15.0 + n})
        register(first)
        done: list[LetterReplay] = []
        threads = [threading.Thread(target=lambda p=p: done.append(p.replay())) for p in (first, second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(d.replayed for d in done) == sum(d.stored for d in done) == len(first.readings()) == 60
        assert sum(d.duplicates + d.conflicts for d in done) == 0


def test_letters_that_another_has_in_hand_are_skipped(plain_database: Database) -> None:
    with plain_database.connect(autocommit=True) as conn, plain_database.connect() as other:
        post = Post(conn)
        post.send("s1", {"temperature": 20.5})
        post.send("s1", {"ts": (NOON - SECOND).isoformat(), "temperature": 20.5})
        register(post)
        (held,) = dead_letter_rows.take(other, LetterFilter(), 0, dead_letter_rows.last(other), 1)
        assert post.replay().taken == 1
        other.rollback()
        assert post.replay().taken == 1
        assert [x["replayed_at"] for x in post.letters()] == [LATER, LATER]
        assert held.dead_letter_id == post.letters()[0]["dead_letter_id"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (LetterFilter(), [4, 3, 2, 1]),
        (LetterFilter(reason="malformed"), [3]),
        (LetterFilter(since=NOON), [4, 3, 2]),
        (LetterFilter(sensor="s1"), [1]),
        (LetterFilter(sensor="s2"), [2]),
        (LetterFilter(sensor="g"), [4, 2]),
        (LetterFilter(sensor="s"), []),
        (LetterFilter(ids=[2, 4, 99]), [4, 2]),
        (LetterFilter(reason="unknown_sensor", since=NOON, sensor="g"), [4, 2]),
    ],
)
def test_letters_are_found_by(plain_post: Post, wanted: LetterFilter, found: list[int]) -> None:
    plain_post.send("s1", {"temperature": 1}, NOON - SECOND)
    plain_post.send("g", [{"id": "s2", "temperature": 2}])
    plain_post.send("s3", b"{")
    plain_post.send("g", {"id": "室3", "temperature": 4})
    assert [letter.dead_letter_id for letter in dead_letter_rows.newest(plain_post.conn, wanted, 10)] == found
    assert dead_letter_rows.waiting(plain_post.conn, wanted) == len(found)
    taken = dead_letter_rows.take(plain_post.conn, wanted, 0, 10, 10)
    assert [letter.dead_letter_id for letter in taken] == found[::-1]


def test_the_oldest_letters_are_deleted_some_at_a_time(post: Post) -> None:
    for days in (1, 2, 3):
        post.send("s1", {"temperature": 20.5}, NOON - timedelta(days=days))
    register(post)
    post.replay(LetterFilter(ids=[1]))
    assert dead_letter_rows.purge(post.conn, NOON - timedelta(days=1), 1) == 1
    assert [x["received_at"] for x in post.letters()] == [NOON - timedelta(days=1), NOON - timedelta(days=2)]
    assert dead_letter_rows.purge(post.conn, NOON - timedelta(days=1), 10) == 1
    assert dead_letter_rows.purge(post.conn, NOON - timedelta(days=1), 10) == 0
    assert len(post.readings()) == 1


def test_a_payload_is_shown_short_in_one_line_and_without_secrets() -> None:
    assert excerpt(b'{"temperature": 20.5}') == '{"temperature": 20.5}'
    assert excerpt(b'{"id": "s1", "api_key": "h\\"unter", "Password":1234, "t": 1}') == (
        '{"id": "s1", "api_key": "…", "Password":"…", "t": 1}'
    )
    assert excerpt(b'{"token": "' + b"x" * 5000) == '{"token": "…"'
    assert excerpt(b"\x1b[2J\xff\n") == "·[2J\ufffd·"
    assert len(excerpt(b"x" * 5000)) == 120
