"""Bugs that are planted while the program runs, each of a kind that tests have missed before; no file is changed.

A check of the simulation that never finds one of these is no check.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import numpy as np

import alerts.engine.runs
import alerts.engine.schedule
import alerts.evidence.chain
import alerts.judging.judge
import alerts.judging.weigh
import alerts.notices.sending
import ingest.batch
import tests.simulation.desk
from alerts.engine.schedule import compile_schedule
from alerts.judging.weigh import ReadingRules
from alerts.notices.sending import SendOutcome
from domain.states import HomeState
from ingest.ahead import SortedAhead
from ingest.worker import Worker
from ingest.writer import Writer
from store.base import wire
from store.evidence import chain_rows
from store.judging import state_rows
from store.network import child_rows
from store.notices import outbox
from store.readings import reading_rows
from store.tickets import clock_rows, ticket_rows
from tests.simulation.broker import Source
from tests.simulation.stage import Stage
from tests.simulation.timeline import SECOND

Mutant = Callable[[Stage], AbstractContextManager[Any]]
DAY_US = 86_400 * SECOND
LATE_US = 60 * SECOND
IN_ORDER = "SELECT * FROM home_state WHERE home_id = ANY(%(homes)s) ORDER BY home_id FOR NO KEY UPDATE"
BACKWARDS = "CASE current_user WHEN 'the_watch' THEN -home_id END, home_id"
# Watch locks from the other end; what is read comes in order all the same.
IN_ANOTHER = f"SELECT * FROM ({IN_ORDER.replace('BY home_id', f'BY {BACKWARDS}')}) AS locked ORDER BY home_id"


def replaced(place: Any, name: str, make: Callable[[Any], Any]) -> Mutant:
    """Return what puts something in the place of a name that the product looks up; `make` is given what was there."""
    return lambda _stage: patch.object(place, name, make(vars(place)[name]))


def without(place: Any, name: str, answer: Any = None) -> Mutant:
    """Return what has a function do nothing."""
    return replaced(place, name, lambda _old: lambda *_args, **_names: answer)


def rewritten(place: Any, name: str, old: str, new: str) -> Mutant:
    """Return what changes a statement."""

    def make(text: str) -> str:
        assert old in text, f"{name} does not say {old}"
        return text.replace(old, new)

    return replaced(place, name, make)


def acknowledges_first(_store: Any) -> Any:
    """Acknowledge a batch before it is stored."""

    def store(self: Worker, batch: Any) -> None:
        self.source.acknowledge(batch.taken)
        _store(self, batch)

    return store


def closed_by_own_clock(closed_to: Any) -> Any:
    """Ask nobody which days are closed, and keep nobody from closing one."""

    def mutant(conn: Any, policy: Any, homes: Any, now: datetime) -> Any:
        noon = now.astimezone(policy.zone).replace(hour=12)  # far from midnight on the same day
        return closed_to(conn, policy, homes, noon)

    return mutant


def classified(limit: str, state: HomeState) -> Callable[[Any], Any]:
    """Take the edge of a limit for the other side."""

    def make(classify: Any) -> Any:
        def mutant(milli: Any, pieces: Any) -> Any:
            found = classify(milli, pieces)
            on_edge = (milli == pieces[limit]) & (found != HomeState.UNKNOWN) & (pieces["reason"] == 0)
            return np.where(on_edge, np.uint8(state), found)

        return mutant

    return make


def by_the_utc_day(reason: Any) -> Any:
    """Look for the season by the day that it is in UTC."""

    def mutant(policy: Any, terms: Any, limits: Any, day: Any, start: int) -> Any:
        return reason(policy, terms, limits, datetime.fromtimestamp(start / SECOND, UTC).date(), start)

    return mutant


def without_fold(utc: Any) -> Any:
    """Take local times for those of a zone without summer time."""
    return lambda day, clock, zone, fold: utc(day, clock, ZoneInfo("Etc/GMT-1") if "Berlin" in zone.key else zone, fold)


def held_longer(weigh: Any) -> Any:
    """Believe a reading a little longer than the rules have it."""

    def mutant(self: ReadingRules, rows: Any) -> Any:
        judged, milli, until = weigh(self, rows)
        return judged, milli, until + LATE_US

    return mutant


def from_the_next_day(queue: Any) -> Any:
    """Judge again from the day after the one that has changed."""
    return lambda conn, homes, from_us, now: queue(conn, homes, from_us + DAY_US, now)


def seal_without(name: str) -> Mutant:
    """Return what leaves the last row out of each seal, while it is made."""

    def make(seal: Any) -> Any:
        def mutant(*args: Any) -> Any:
            whole = getattr(chain_rows, name)
            with patch.object(chain_rows, name, lambda *given: list(whole(*given))[:-1]):
                return seal(*args)

        return mutant

    return replaced(alerts.evidence.chain, "seal", make)


def dropped(_give_back: Any) -> Any:
    """Forget the next batch instead of giving it back."""

    def give_back(self: SortedAhead) -> None:
        self.has_next()
        self._next = None

    return give_back


@contextmanager
def planted(name: str, stage: Stage) -> Iterator[None]:
    """Plant a bug; what was worked out with it is forgotten afterwards, and what was without it before."""
    compile_schedule.cache_clear()
    try:
        with MUTANTS[name](stage):
            yield
    finally:
        compile_schedule.cache_clear()


@contextmanager
def reach_everywhere(stage: Stage) -> Iterator[None]:
    """Forget row-level security of flags."""
    stage.admin.execute("ALTER TABLE flag DISABLE ROW LEVEL SECURITY")
    try:
        yield
    finally:
        stage.admin.execute("ALTER TABLE flag ENABLE ROW LEVEL SECURITY")


def all_new(_store: Any) -> Any:
    """Count readings as stored whether they were there or not; what is there stays."""

    def store(conn: Any, way: Any, rows: Any) -> bool:
        if len(rows):
            conn.execute(way.upsert, wire.arrays(way.layout, rows))
        return True

    return store


def only_sifted(_sift: Any) -> Any:
    """Give the rest of a refused batch up with its culprit."""
    return lambda self, conn, messages: None


def parts_halfway(_part: Any) -> Any:
    """Give the right to the session up without parting from the broker."""

    def part(self: Worker) -> None:
        self.ahead.forget()
        self.lead.let_go()

    return part


MUTANTS: dict[str, Mutant] = {
    "acknowledged before the commit": replaced(Worker, "_store", acknowledges_first),
    "epoch check dropped": without(Source, "is_current", True),
    "cold at the limit": replaced(alerts.engine.runs, "classify", classified("cold", HomeState.COLD)),
    "severe at the limit": replaced(alerts.engine.runs, "classify", classified("severe", HomeState.SEVERE)),
    "warm under the deadband": replaced(alerts.engine.runs, "classify", classified("warm", HomeState.FAIR)),
    "season by the UTC day": replaced(alerts.engine.schedule, "_reason", by_the_utc_day),
    "summer time forgotten": replaced(alerts.engine.schedule, "_utc", without_fold),
    "held too long": replaced(ReadingRules, "weigh", held_longer),
    "offset forgotten": replaced(alerts.judging.weigh, "judged_milli", lambda judged: lambda raw, _o: judged(raw, 0)),
    "the rest goes with the culprit": replaced(Writer, "sift", only_sifted),
    "next batch dropped": replaced(SortedAhead, "give_back", dropped),
    "outbox forgotten": without(outbox, "put"),
    "locks in another order": rewritten(state_rows, "LOCK", IN_ORDER, IN_ANOTHER),
    "homes of an incident not locked": without(child_rows, "lock_homes"),
    "state read without a lock": rewritten(state_rows, "LOCK", "FOR NO KEY UPDATE", ""),
    "seal skips an event": seal_without("hashes"),
    "seal skips an entry of the journal": seal_without("entries"),
    "everything is new": replaced(reading_rows, "_store", all_new),
    "late readings not judged again": without(state_rows, "queue_rejudge"),
    "judged again from the next day": replaced(state_rows, "queue_rejudge", from_the_next_day),
    "days closed by a clock": replaced(alerts.judging.judge, "closed_to", closed_by_own_clock),
    "counts forgotten": without(ingest.batch, "add_counts"),
    "deadlines ignored": without(state_rows, "due", []),
    "clocks never break": without(clock_rows, "breach", []),
    "clocks break too early": rewritten(clock_rows, "BREACH", "due_at < %(now)s", "due_at < %(now)s + '1 hour'"),
    "sent without sending": replaced(
        alerts.notices.sending, "attempt", lambda _old: lambda _recipients, message, _wait: SendOutcome(message, None)
    ),
    "key of a move forgotten": replaced(tests.simulation.desk, "do_once", lambda _o: lambda _s, _n, _k, do: do()),
    "a customer sees all flags": reach_everywhere,
    "events go back in time": rewritten(ticket_rows, "INSERT_EVENTS", "greatest(", "coalesce("),
    "parts from the broker halfway": replaced(Worker, "_part", parts_halfway),
}
