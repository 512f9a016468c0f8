"""A handful of seeds and of planted bugs; all of them by `python -m tests.simulation`."""

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from types import SimpleNamespace
from typing import cast

import psycopg
import pytest

from tests import conftest
from tests.simulation import playing, stage, timeline
from tests.simulation.__main__ import seeds_to_find
from tests.simulation.backends import IDLE, Connection
from tests.simulation.broker import Published, Session
from tests.simulation.invariants import sent_is_dealt_with
from tests.simulation.invariants.clocks_by_hand import Clock
from tests.simulation.mutants import MUTANTS
from tests.simulation.stage import Stage
from tests.simulation.timeline import Process, Timeline
from tests.simulation.town import MINUTE
from tests.simulation.world import World

SEED, TWICE = 1, 3
FIRST, BETWEEN = 5, (9, 2)  # the first has seals and ends in another state than the others
QUICK = ("offset forgotten", "late readings not judged again")
FOREVER = float("inf")


def test_nothing_is_violated(on: Stage) -> None:
    assert playing.play(on, SEED).violations == []


def test_a_seed_is_the_same_to_the_statement(on: Stage) -> None:
    first, second = list[str](), list[str]()
    outcomes = [playing.play(on, TWICE, trace=trace) for trace in (first, second)]
    assert first == second
    assert outcomes[0] == outcomes[1]
    assert outcomes[0].violations == []


@pytest.mark.parametrize("name", QUICK)
def test_a_planted_bug_is_found(on: Stage, name: str) -> None:
    assert seeds_to_find(on, name, 20, FOREVER) is not None
    assert name in MUTANTS


@pytest.mark.parametrize(
    ("met", "is_broken", "wrong", "wrong_where_clocks_differ"),
    [(None, True, False, False), (-1, False, False, False), (-1, True, True, True), (0, False, False, False),
     (0, True, True, False), (1, True, False, False), (1, False, True, True)],
)  # fmt: skip
def test_a_broken_clock_is_met_when_it_broke_by_who_is_behind(
    met: int | None, is_broken: bool, wrong: bool, wrong_where_clocks_differ: bool
) -> None:
    due = datetime(2026, 1, 15, tzinfo=UTC)
    met_at = None if met is None else due + timedelta(minutes=met)
    clock = Clock("T1", "contact", due - timedelta(minutes=30), due, met_at, due if is_broken else None)
    assert (clock.runs_wrong(apart=False), clock.runs_wrong(apart=True)) == (wrong, wrong_where_clocks_differ)


def test_what_a_session_has_prepared_outlives_a_rollback(on: Stage) -> None:
    for _ in range(4):
        with on.admin.transaction(force_rollback=True):
            on.admin.execute("SELECT %(outlives)s::integer", {"outlives": 1})
    prepared = on.admin.execute("SELECT statement FROM pg_prepared_statements").fetchall()
    assert prepared.count(("SELECT $1::integer",)) == 1


@pytest.mark.parametrize(
    "begun", ["SELECT pg_sleep(60)", "COPY home TO STDOUT", "CREATE TEMP TABLE t (n integer); COPY t FROM STDIN", ""]
)
def test_a_session_whose_client_is_gone_is_free_again(on: Stage, begun: str) -> None:
    backend = on.pool.lend(on.url_as("watch"))
    pid = backend.pid
    backend.command("BEGIN; SELECT pg_advisory_lock(1)")
    backend.raw.pgconn.send_query(begun.encode()) if begun else backend.raw.pgconn.enter_pipeline_mode()
    backend.reset()
    assert on.admin.execute("SELECT count(*) FROM pg_locks WHERE pid = %s", (pid,)).fetchone() == (0,)
    assert (backend.pid, backend.status, backend.is_piping) == (pid, IDLE, False)
    backend.raw.close()


def test_a_session_that_is_not_played_lets_no_time_pass(on: Stage) -> None:
    """A wait for another database's session became one until the next beat, at which others released something."""
    line, process, finished = Timeline(Random(0), 0, []), Process("watch-1"), list[int]()
    timeline.enter(line)
    outside = psycopg.connect(on.url, autocommit=True)
    outside.execute("SELECT pg_advisory_lock(1)")
    conn, other = (Connection(on.pool, on.pool.lend(on.url_as("watch")), process, lambda *_: None) for _ in range(2))
    other.backend.command("BEGIN")

    def lock() -> None:
        conn.execute("SELECT pg_advisory_lock(1)")
        finished.append(line.now_us)

    line.start(process, lock)
    release = threading.Timer(0.1, outside.close)
    release.start()
    line.finish(MINUTE)
    line.kill(process)
    release.join()
    assert finished == [0]


def test_what_is_open_on_a_stage_is_not_seen_on_the_one_beside_it() -> None:
    """Seals wait for transactions, and a server has one snapshot for all of its databases."""
    with (
        stage.apart(2, lambda server: conftest.start_with_template(server, "plain")) as (one, other),
        psycopg.connect(one.url) as busy,
        psycopg.connect(other.url, autocommit=True) as free,
    ):
        for conn in (busy, free):
            conn.execute("SELECT pg_current_xact_id()")
        assert free.execute(
            "SELECT pg_snapshot_xmin(s) = pg_snapshot_xmax(s) FROM pg_current_snapshot() AS s"
        ).fetchone() == (True,)


def test_a_seed_is_the_same_whatever_was_played_before(on: Stage) -> None:
    first, second = list[str](), list[str]()
    expected = playing.play(on, FIRST, trace=first)
    for seed in BETWEEN:
        playing.play(on, seed)
    assert playing.play(on, FIRST, trace=second) == expected
    assert second == first


def test_all_ends_with_a_process_that_is_killed() -> None:
    """Each act at its death takes itself off the list, and none is passed over for that."""
    line, process, ended = Timeline(Random(0), 0, []), Process("desk"), list[int]()

    def end(n: int) -> None:
        process.at_death.remove(acts[n])
        ended.append(n)

    acts = [partial(end, n) for n in range(3)]
    process.at_death += acts
    line.kill(process)
    assert ended == [0, 1, 2]


@pytest.mark.parametrize(("minutes", "stalls", "is_found"), [(9, 0, False), (11, 0, True), (11, 1, False)])
def test_a_message_that_is_left_lying_is_found(minutes: int, stalls: int, is_found: bool) -> None:
    line = Timeline(Random(0), 0, [])
    timeline.enter(line)
    session = Session("worker", None)
    number = session.send(Published(1, "topic", b""), reuses=True)
    line.now_us = minutes * MINUTE
    session.part()
    assert (number, list(session.waiting)) == (1, [Published(1, "topic", b"")])
    played = SimpleNamespace(broker=SimpleNamespace(sessions={"worker": session}), met=Counter(stall=stalls))
    assert bool(sent_is_dealt_with.found(cast(World, played))) == is_found
