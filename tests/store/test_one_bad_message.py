"""An error nobody has thought of: the message that brings it is set aside alone; one that all bring is waited out."""

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from psycopg import Connection

from ingest import claims, validate
from ingest.address import Address
from ingest.ahead import BatchBounds
from ingest.batch import PendingBatch
from ingest.dead_letters import replay
from ingest.decoders import native
from ingest.doubt import MOST, Doubt
from ingest.inbox import Inbox
from ingest.lead import Lead
from ingest.message import Message
from ingest.worker import Worker
from store.readings.dead_letter_rows import LetterFilter
from tests.conftest import Database
from tests.store.written import NOON, Repeating, Work, said

SECRET = "13800000000"
ERRORS = [KeyError, IndexError, RecursionError, OverflowError, MemoryError, ValueError, AssertionError, TypeError]
WHERE = {"decoder": 31, "sorting": 32, "judging": 33}  # °C at which each of them has a bug
GOOD = 20
RUNS = itertools.count()


class Bugs:
    """Bugs that come up at some temperatures, in the decoder, in sorting, and in judging."""

    def __init__(self, work: Work, patch: pytest.MonkeyPatch) -> None:
        self.error: Callable[[str], BaseException] = KeyError
        self.at = dict(WHERE)
        decode, claimed, judge = native.decode, claims.claimed, work.writer.intake.judge

        def decoding(payload: bytes, *bounds: Any) -> Any:
            self._meet("decoder", {json.loads(payload).get("temperature")})
            return decode(payload, *bounds)

        def claiming(readings: Any, received_us: Any) -> Any:
            self._meet("sorting", {one.temperature for one in readings})
            return claimed(readings, received_us)

        def judging(conn: Connection, rows: NDArray[np.void]) -> PendingBatch:
            self._meet("judging", set(rows["temperature"].tolist()))
            return judge(conn, rows)

        patch.setattr(native, "decode", decoding)
        patch.setattr(validate, "claimed", claiming)
        object.__setattr__(work.writer.intake, "judge", judging)

    def _meet(self, where: str, celsius: set[Any]) -> None:
        if self.at.get(where) in celsius:
            raise self.error(SECRET)

    def fix(self) -> None:
        self.at = {}


@pytest.fixture
def work(plain_database: Database) -> Iterator[Work]:
    with plain_database.connect(autocommit=True) as conn:
        yield Work(conn)


@pytest.fixture
def bugs(work: Work, monkeypatch: pytest.MonkeyPatch) -> Bugs:
    return Bugs(work, monkeypatch)


def spoken(*celsius: int) -> list[Message]:
    """Return a message of a sensor each."""
    return [said(f"s{n}", {"temperature": each}, n) for n, each in enumerate(celsius)]


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("error", ERRORS)
def test_the_message_that_brings_an_error_is_set_aside_alone(
    work: Work, bugs: Bugs, where: str, error: type[Exception]
) -> None:
    bugs.error = error
    work.register(*(f"s{n}" for n in range(21)))
    messages = spoken(*[GOOD] * 10, WHERE[where], *[GOOD] * 10)
    with structlog.testing.capture_logs() as lines:
        assert work.store(messages) == len(messages)
    assert work.one("SELECT count(*) FROM reading") == 20
    (letter,) = work.rows("SELECT topic, payload, reason, faults FROM dead_letter")
    assert (letter["topic"], letter["payload"]) == (messages[10].topic, messages[10].payload)
    refused = where == "judging" and error is ValueError
    assert letter["reason"] == ("refused" if refused else "failed")
    assert refused or letter["faults"][0]["detail"].startswith(f"{error.__name__} at test_one_bad_message.py:")
    assert work.rows("SELECT reason, count FROM ingest_dead") == [{"reason": letter["reason"], "count": 1}]
    assert work.fates_in_all() == len(messages)
    assert [line["log_level"] for line in lines] == ["error"]
    assert error.__name__ in lines[0]["error"]
    assert SECRET not in str(lines)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    celsius=st.lists(st.sampled_from([GOOD, GOOD, GOOD, *WHERE.values()]), min_size=1, max_size=40),
    senders=st.integers(1, MOST),
    errors=st.sampled_from(ERRORS),
)
def test_each_message_is_stored_or_set_aside_once(
    work: Work, monkeypatch: pytest.MonkeyPatch, celsius: list[int], senders: int, errors: type[Exception]
) -> None:
    run = next(RUNS)
    work.conn.execute("TRUNCATE reading, dead_letter, ingest_worker, ingest_dead")
    work.made()
    work.register(*(f"r{run}-{n}" for n in range(senders)))
    with monkeypatch.context() as patch:
        Bugs(work, patch).error = errors
        messages = [said(f"r{run}-{n % senders}", {"temperature": each}, n) for n, each in enumerate(celsius)]
        assert work.store(messages) == len(messages)
    assert work.one("SELECT count(*) FROM reading") == celsius.count(GOOD)
    kept = [(row["topic"], row["payload"]) for row in work.rows("SELECT * FROM dead_letter ORDER BY received_at")]
    bad = [message for message, each in zip(messages, celsius, strict=True) if each != GOOD]
    assert kept == [(message.topic, message.payload) for message in bad]
    assert work.fates_in_all() == len(messages)


@pytest.mark.parametrize("where", WHERE)
def test_an_error_that_every_message_brings_makes_no_letters(work: Work, bugs: Bugs, where: str) -> None:
    work.register(*(f"s{n}" for n in range(MOST + 1)))
    messages = spoken(*[WHERE[where]] * (MOST + 1))
    for _ in range(3):
        with pytest.raises(Doubt, match=r"KeyError at test_one_bad_message\.py"):
            work.store(messages)
    assert work.one("SELECT count(*) FROM dead_letter") == 0
    bugs.fix()
    assert work.store(messages) == len(messages)
    assert work.one("SELECT count(*) FROM reading") == len(messages)


@pytest.mark.parametrize("where", WHERE)
def test_errors_message_by_message_make_no_more_letters_than_are_believed(work: Work, bugs: Bugs, where: str) -> None:
    """A broken installation in a quiet hour: each batch is one message."""
    work.register(*(f"s{n}" for n in range(3 * MOST)))
    messages = spoken(*[WHERE[where]] * (3 * MOST))
    for message in messages[:MOST]:
        work.store([message])
    for message in messages[MOST:]:
        with pytest.raises(Doubt):
            work.store([message])
    assert work.one("SELECT count(*) FROM dead_letter") == MOST


@pytest.mark.parametrize("where", WHERE)
def test_one_that_fails_for_ever_keeps_nobody_from_being_stored(work: Work, bugs: Bugs, where: str) -> None:
    work.register("s0", "s1")
    for nth in range(3 * MOST):
        bad, good = said("s0", {"temperature": WHERE[where]}, 2 * nth), said("s1", {"temperature": GOOD}, 2 * nth + 1)
        work.store([bad])
        work.store([good])
    assert work.one("SELECT count(*) FROM reading") == 3 * MOST
    assert work.one("SELECT count(*) FROM dead_letter") == 3 * MOST


@pytest.mark.parametrize("where", WHERE)
def test_what_was_put_by_is_stored_without_the_message_that_brings_an_error(work: Work, bugs: Bugs, where: str) -> None:
    work.writer._whole = work.writer.intake
    work.register(*(f"s{n}" for n in range(5)))
    messages = spoken(GOOD, GOOD, WHERE[where], GOOD, GOOD)
    work.writer.put_by(work.conn, messages)
    while work.writer.store_later(work.conn):
        pass
    assert work.one("SELECT count(*) FROM reading") == 4
    assert work.rows("SELECT reason FROM dead_letter") == [{"reason": "failed"}]
    assert work.one("SELECT count(*) FROM ingest_deferred") == 0


@pytest.mark.parametrize("where", WHERE)
def test_a_letter_is_replayed_once_the_bug_is_fixed(work: Work, bugs: Bugs, where: str) -> None:
    work.register(*(f"s{n}" for n in range(5)))
    work.store(spoken(GOOD, GOOD, WHERE[where], GOOD, GOOD))

    def again() -> tuple[int, int, dict[str, int]]:
        done = replay(work.conn, work.writer.intake, LetterFilter(), lambda: NOON)
        return done.taken, done.replayed, dict(done.refused)

    assert again() == (1, 0, {"failed": 1})
    bugs.fix()
    assert again() == (1, 1, {})
    assert work.one("SELECT count(*) FROM reading") == 5


def worker(work: Work, database: Database, inbox: Inbox, source: Repeating, on_retry: Callable[[], None]) -> Worker:
    lead = Lead(lambda: database.connect(autocommit=True), Address("mqtt://broker", "w"), lambda: NOON)
    return Worker(lead, source, inbox, work.writer, BatchBounds(100, 0.05), on_retry)


@pytest.mark.parametrize("where", WHERE)
def test_a_worker_goes_on_after_a_message_that_brings_an_error(
    work: Work, bugs: Bugs, plain_database: Database, where: str
) -> None:
    """It ended, and once started again it met the same message: nothing was stored any more."""
    work.register("s0", "s1")
    inbox, retries = Inbox(100), list[int]()
    source = Repeating(inbox, spoken(WHERE[where], GOOD))
    worker(work, plain_database, inbox, source, lambda: retries.append(1)).run(threading.Event())
    assert (source.left, retries) == ([], [])
    assert work.one("SELECT count(*) FROM reading") == 1
    assert work.one("SELECT count(*) FROM dead_letter") == 1


@pytest.mark.parametrize("where", WHERE)
def test_a_worker_waits_where_every_message_brings_an_error(
    work: Work, bugs: Bugs, plain_database: Database, where: str
) -> None:
    work.register(*(f"s{n}" for n in range(MOST + 1)))
    inbox, unacknowledged = Inbox(100), list[int]()
    source = Repeating(inbox, spoken(*[WHERE[where]] * (MOST + 1)))

    def hear() -> None:
        unacknowledged.append(len(source.left))
        if len(unacknowledged) == 2:
            bugs.fix()

    worker(work, plain_database, inbox, source, hear).run(threading.Event())
    assert unacknowledged == [MOST + 1] * 2
    assert work.one("SELECT count(*) FROM reading") == MOST + 1
    assert work.one("SELECT count(*) FROM dead_letter") == 0


def test_a_worker_goes_on_where_an_error_lies_in_no_message(
    work: Work, plain_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.register("s0")
    inbox, retries = Inbox(100), list[int]()
    source = Repeating(inbox, spoken(GOOD))
    take, failures = inbox.take, [KeyError(SECRET), RecursionError(SECRET)]

    def taken(*args: Any) -> list[Message]:
        if failures:
            raise failures.pop()
        return take(*args)

    monkeypatch.setattr(inbox, "take", taken)
    with structlog.testing.capture_logs() as lines:
        worker(work, plain_database, inbox, source, lambda: retries.append(1)).run(threading.Event())
    assert retries == [1, 1]
    assert work.one("SELECT count(*) FROM reading") == 1
    assert SECRET not in str(lines)


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
def test_an_interruption_is_no_error_of_a_message(work: Work, bugs: Bugs, where: str, end: type[BaseException]) -> None:
    bugs.error = end
    work.register("s0")
    with pytest.raises(end):
        work.store(spoken(WHERE[where]))
    assert work.one("SELECT count(*) FROM dead_letter") == 0
