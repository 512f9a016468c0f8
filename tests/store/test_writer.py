"""The writer of a worker: bounded work, culprits found cheaply, floods put by and not lost."""

import json
import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from domain.instants import to_us
from ingest import varint
from ingest import writer as writer_module
from ingest.address import Address
from ingest.ahead import BatchBounds
from ingest.batch import Fates, store_batch
from ingest.decoders import native
from ingest.failures import refusal
from ingest.inbox import Inbox
from ingest.lead import Lead
from ingest.log_source import address_of
from ingest.message import Message, Stamps
from ingest.senders import Allowance
from ingest.stream import PacketStream
from ingest.worker import Worker
from ingest.writer import _Culprit
from store.readings import ingest_counts
from store.readings.ingest_counts import SENDER_LETTERS, Excess
from tests import registry_rows as town
from tests.conftest import Database
from tests.store.written import LIMITS, NOON, US, Repeating, Work, said


@pytest.fixture
def work(plain_database: Database) -> Iterator[Work]:
    with plain_database.connect(autocommit=True) as conn:
        yield Work(conn)


def test_a_batch_ends_when_it_is_work_enough(work: Work) -> None:
    work.register("s")
    ms = int(NOON.timestamp() * 1000)
    messages = [said("s", [{"ts": ms - 10 * m - n, "temperature": 20} for n in range(10)], m) for m in range(6)]
    work.made(replace(LIMITS, batch_readings=25))
    assert work.store(messages) == 3
    assert work.store(messages[3:]) == 3
    assert (work.one("SELECT count(*) FROM reading"), work.one("SELECT messages FROM ingest_worker")) == (60, 6)
    work.made(replace(LIMITS, batch_bytes=1_000))
    assert work.store([said("s", b" " * 600 + b"1")] * 4) == 2


def test_one_sender_whose_messages_are_all_refused_costs_a_bounded_number_of_transactions(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.register("bad", *(f"s{n}" for n in range(30)))
    work.conn.execute("ALTER TABLE reading ADD CONSTRAINT no_thirty CHECK (temperature <> 30)")
    tries = []

    def counted(*args: Any) -> Fates:
        tries.append(1)
        return store_batch(*args)

    monkeypatch.setattr(writer_module, "store_batch", counted)
    messages = [said("bad", {"temperature": 30}, n) for n in range(1_500)]
    messages += [said(f"s{n}", {"temperature": 20}, 2_000 + n) for n in range(30)]
    assert work.store(messages) == len(messages)
    assert len(tries) < 100
    assert work.one("SELECT count(*) FROM reading") == 30
    assert work.one("SELECT count(*) FROM dead_letter WHERE reason = 'refused'") == 1_500
    assert work.fates_in_all() == len(messages)


def test_a_single_culprit_is_found_and_its_sender_keeps_the_rest(work: Work) -> None:
    work.register("s")
    work.conn.execute("ALTER TABLE reading ADD CONSTRAINT no_thirty CHECK (temperature <> 30)")
    work.store([said("s", {"temperature": n}, n) for n in range(200)])
    assert (work.one("SELECT count(*) FROM reading"), work.one("SELECT count(*) FROM dead_letter")) == (199, 1)


def test_what_is_put_by_is_stored_when_there_is_time(work: Work) -> None:
    work.register("s")
    messages = [said("s", {"temperature": 20}, n) for n in range(1_200)]
    messages += [said("s", [1, {"temperature": 21}], 2_000), said("s", b" " * 70_000, 2_001)]
    retained = said("s", {"temperature": 22}, 2_002)._replace(retain=True)
    work.writer.put_by(work.conn, [*messages, retained])
    assert work.fates_in_all() == 0
    assert work.one("SELECT retained FROM ingest_worker") == 1
    while work.writer.store_later(work.conn):
        pass
    assert work.one("SELECT count(*) FROM reading") == 1_201
    letters = work.rows("SELECT reasons FROM dead_letter ORDER BY dead_letter_id")
    assert letters == [{"reasons": {"malformed": 1}}, {"reasons": {"oversize": 1}}]
    assert work.fates_in_all() == 1_203
    assert work.one("SELECT count(*) FROM ingest_deferred") == 0
    assert ingest_counts.excess(work.conn, NOON, 10) == {"hearth/v1/s/telemetry": Excess(0, 1_202, 0)}
    received = work.rows("SELECT received_at FROM reading ORDER BY received_at LIMIT 2")
    assert [row["received_at"] for row in received] == [NOON, NOON + US]


def test_what_another_worker_put_by_is_found_after_a_start(work: Work) -> None:
    work.register("s")
    work.writer.put_by(work.conn, [said("s", {"temperature": 20})])
    assert work.made().store_later(work.conn)
    assert not work.writer.store_later(work.conn)
    assert work.one("SELECT count(*) FROM reading") == 1


def test_what_is_refused_of_what_was_put_by_becomes_a_letter(work: Work) -> None:
    work.register("s")
    work.conn.execute("ALTER TABLE reading ADD CONSTRAINT no_thirty CHECK (temperature <> 30)")
    work.writer.put_by(work.conn, [said("s", {"temperature": 20 + n}, n) for n in range(20)])
    assert work.writer.store_later(work.conn)
    assert not work.writer.store_later(work.conn)
    assert work.one("SELECT count(*) FROM reading") == 19
    assert work.rows("SELECT reason FROM dead_letter WHERE replayed_at IS NULL") == [{"reason": "refused"}]


def test_beyond_its_room_what_would_be_put_by_is_counted_but_not_kept(work: Work) -> None:
    writer = work.made(most_by_bytes=80_000)
    writer.put_by(work.conn, [said("s", b"x" * 30_000, n) for n in range(10)])
    assert work.one("SELECT sum(messages) FROM ingest_deferred") == 2
    assert work.one("SELECT count FROM ingest_dead WHERE reason = 'flood'") == 8
    (excess,) = ingest_counts.excess(work.conn, NOON, 10).values()
    assert excess == Excess(0, 2, 8)
    assert [fates.unkept for fates in work.fates] == [8]


def test_of_a_sender_of_garbage_nothing_is_put_by(work: Work) -> None:
    writer = work.made(allowance=Allowance(letter_bytes=50_000))
    work.store([said("g", b"x" * 20_000, n) for n in range(4)])
    assert (work.one("SELECT count(*) FROM dead_letter"), writer.intake.senders.faulty) == (
        2,
        {"hearth/v1/g/telemetry"},
    )
    writer.put_by(work.conn, [said("g", b"x" * 20_000, 9), said("h", b"x", 10)])
    assert work.rows("SELECT topic FROM ingest_deferred") == [{"topic": "hearth/v1/h/telemetry"}]
    assert work.fates_in_all() == 5


def test_a_sender_may_put_by_so_much_in_a_minute(work: Work) -> None:
    writer = work.made(allowance=Allowance(put_by_bytes=50_000))
    for nth in range(3):
        writer.put_by(work.conn, [said("g", b"x" * 20_000, nth), said("h", b"x", nth)])
    assert work.one("SELECT sum(messages) FROM ingest_deferred WHERE topic LIKE '%/g/%'") == 2
    assert work.one("SELECT sum(messages) FROM ingest_deferred WHERE topic LIKE '%/h/%'") == 3


def test_letters_beyond_what_a_sender_may_have_are_counted_but_not_kept(work: Work) -> None:
    work.register("s")
    writer = work.made(allowance=Allowance(faults=10))
    for nth in range(3):
        messages = [said("g", [1, 2, 3], 10 * nth), said("g", [1, 2, 3], 10 * nth + 1), said("h", [1], nth)]
        work.store(messages)
    topics = work.rows("SELECT topic, count(*) AS n FROM dead_letter GROUP BY topic ORDER BY topic")
    assert topics == [{"topic": "hearth/v1/g/telemetry", "n": 3}, {"topic": "hearth/v1/h/telemetry", "n": 3}]
    assert work.one("SELECT count FROM ingest_dead WHERE reason = 'malformed'") == 21
    assert ingest_counts.excess(work.conn, NOON, 10) == {"hearth/v1/g/telemetry": Excess(unkept=3)}
    assert writer.intake.senders.over == {"hearth/v1/g/telemetry"}


def test_a_gateway_of_a_thousand_sensors_may_speak_every_minute(work: Work) -> None:
    writer = work.made()
    for nth in range(10):
        readings = [{"id": f"s{n}", "temperature": 20} for n in range(100 * nth, 100 * nth + 100)]
        work.store([said("g", readings, nth)])
    assert writer.intake.senders.over == set()
    assert work.one("SELECT count(*) FROM dead_letter") == 10


def test_who_waits_for_its_turn_is_named(work: Work) -> None:
    work.writer.note_deferred(work.conn, {"hearth/v1/g/telemetry": 5, "$net": 2})
    work.writer.note_deferred(work.conn, {"hearth/v1/g/telemetry": 1})
    assert ingest_counts.excess(work.conn, NOON, 10) == {
        "hearth/v1/g/telemetry": Excess(deferred=6),
        "$net": Excess(deferred=2),
    }
    with work.conn.transaction():
        ingest_counts.sample(work.conn, NOON + timedelta(days=15))
    assert ingest_counts.excess(work.conn, NOON, 10) == {}


def test_messages_full_of_conflicts_are_read_again_once_each(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    sensors = [f"s{n}" for n in range(20)]
    for code in sensors:
        town.sensor(work.conn, code, town.home(work.conn, f"home of {code}"), gateway="g")
    reads: list[bytes] = []

    def counted(payload: bytes, *bounds: Any) -> Any:
        reads.append(payload)
        return decode(payload, *bounds)

    decode = native.decode
    monkeypatch.setattr(native, "decode", counted)
    ms = int(NOON.timestamp() * 1000)

    def messages(celsius: int) -> list[Message]:
        return [said("g", [{"id": s, "ts": ms - n, "temperature": celsius} for s in sensors], n) for n in range(10)]

    work.store(messages(20))
    assert len(reads) == 10
    work.store(messages(21))
    assert len(reads) == 30
    assert work.rows("SELECT stored, conflicts FROM ingest_worker") == [{"stored": 200, "conflicts": 200}]
    letters = work.rows("SELECT payload, reasons FROM dead_letter ORDER BY dead_letter_id")
    assert [letter["payload"] for letter in letters] == reads[10:20]
    assert all(letter["reasons"] == {"conflict": 20} for letter in letters)


def test_a_worker_whose_letter_is_refused_acknowledges_nothing_and_tries_again(
    work: Work, plain_database: Database
) -> None:
    """It ended with the error, and nobody stored anything until it was started again."""
    work.register("s")
    work.conn.execute("ALTER TABLE reading ADD CONSTRAINT no_thirty CHECK (temperature <> 30)")
    work.conn.execute("ALTER TABLE dead_letter ADD CONSTRAINT no_letter CHECK (reason <> 'refused')")
    messages = [said("s", {"temperature": celsius}, celsius) for celsius in (20, 30)]
    inbox = Inbox(100)
    source, unacknowledged = Repeating(inbox, messages), list[int]()

    def repair() -> None:
        unacknowledged.append(len(source.left))
        work.conn.execute("ALTER TABLE dead_letter DROP CONSTRAINT no_letter")

    lead = Lead(lambda: plain_database.connect(autocommit=True), Address("mqtt://broker", "w"), lambda: NOON)
    Worker(lead, source, inbox, work.writer, BatchBounds(10, 0.05), repair).run(threading.Event())
    assert unacknowledged == [2]
    assert work.one("SELECT count(*) FROM reading") == 1
    assert work.rows("SELECT topic, reason FROM dead_letter") == [{"topic": messages[1].topic, "reason": "refused"}]


def delivered(topic: bytes, payload: bytes) -> list[Message]:
    """Return a message as a broker sends it, and as a log has it."""
    body = len(topic).to_bytes(2) + topic + b"\0\1" + payload
    found = PacketStream(False, 1).feed(b"\x32" + varint.encode(len(body)) + body, Stamps(lambda: to_us(NOON)))
    return [*found, found[0]._replace(topic=address_of("log", topic))]


@given(
    topic=st.binary(max_size=99).map(lambda device: b"hearth/v1/%b/telemetry" % device) | st.binary(max_size=99),
    payload=st.binary(max_size=99) | st.text(max_size=20).map(lambda text: json.dumps({"id": text, "ts": 1}).encode()),
    error=st.text(),
)
@example(b"hearth/v1/\0/telemetry", b"\0", "\0")
@example(b"\xff\xed\xa0\x80", b'{"id": "\\ud800", "temperature": 1}', "\ud800")
@example(b"a" * 65_535, b'{"id": "\\u0000", "ts": 1e400}', "x" * 10_000)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_broker_delivers_can_be_set_aside(work: Work, topic: bytes, payload: bytes, error: str) -> None:
    """A letter that is refused, too, would hold up its worker for ever."""
    messages = delivered(topic, payload)
    work.conn.execute("TRUNCATE dead_letter, ingest_worker, ingest_dead, ingest_deferred")
    work.writer._bury(work.conn, _Culprit(messages, refusal(ValueError(error)), "ValueError"))
    assert work.one("SELECT count(*) FROM dead_letter WHERE reason = 'refused'") == len(messages)
    assert work.store(messages) == len(messages)
    work.writer.put_by(work.conn, messages)
    while work.writer.store_later(work.conn):
        pass
    assert work.one("SELECT sum(messages) FROM ingest_worker") == 3 * len(messages)
    assert work.one("SELECT count(*) FROM ingest_deferred") == 0


def test_a_sender_with_a_name_of_any_length_is_counted_among_those_beyond_their_bounds(work: Work) -> None:
    """An index takes so much of a name: one that was longer kept its worker from storing anything."""
    names = [f"hearth/v1/{'0' * 300}{random.Random(n).randbytes(5_000).hex()}/telemetry" for n in range(2)]
    work.writer.note_deferred(work.conn, {"hearth/v1/s/telemetry": 5, names[0]: 1, names[1]: 2})
    found = ingest_counts.excess(work.conn, NOON, 10)
    assert found == {"hearth/v1/s/telemetry": Excess(deferred=5), names[0][:SENDER_LETTERS]: Excess(deferred=3)}


TOO_LARGE = """
CREATE FUNCTION refuse_thirty() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE 'index row size exceeds maximum' USING ERRCODE = 'program_limit_exceeded';
END $$;
CREATE TRIGGER no_thirty BEFORE INSERT ON reading
  FOR EACH ROW WHEN (new.temperature = 30) EXECUTE FUNCTION refuse_thirty();
"""


def test_what_is_too_large_for_the_server_is_set_aside(work: Work) -> None:
    """psycopg counts it among the errors of a server that is away, for which a worker waits."""
    work.register("s")
    work.conn.execute(TOO_LARGE)
    work.store([said("s", {"temperature": celsius}, celsius) for celsius in (20, 30)])
    assert work.one("SELECT count(*) FROM reading") == 1
    assert work.rows("SELECT reason FROM dead_letter") == [{"reason": "refused"}]
