"""Each pair of write paths, one stopped before each of its statements while the other runs to its end, or to a lock.

So every interleaving with one switch in the first path is tried. What two switches would add is left to seeds.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from psycopg import Connection

from alerts.desk.moves import act
from alerts.evidence import chain
from alerts.judging.by_clock import catch_up, keep_ledger, tick
from alerts.judging.history import History
from alerts.judging.judge import Judge
from alerts.network import incidents
from alerts.notices import expand
from alerts.tickets import clocks
from domain import policy_file
from domain.tickets import EventKind, NewEvent
from ingest.batch import Intake, store_batch
from ingest.places import SensorPlaces
from ingest.validate import Limits
from store.base.away import AWAY
from store.base.stage import open_stages
from store.readings import dead_letter_rows
from tests.simulation import backends, timeline
from tests.simulation.invariants import house_in_order, live_is_batch, one_order_of_locks, seals_verify
from tests.simulation.stage import Stage
from tests.simulation.timeline import SECOND, Process, Timeline
from tests.simulation.town import HOUR, Day
from tests.simulation.world import World, plan_of
from tests.store.desk import message

Path = Callable[[Connection], object]
SEED = policy_file.builtin("seed")
NOON = datetime(2026, 1, 15, 4, tzinfo=UTC)
THEN, LATER = NOON + timedelta(minutes=30), NOON + timedelta(hours=3)
STOPPED_S = 60.0
EVENTUALLY_S = 7200.0
TRIES = 3
STAGES = 2  # statements before a path begins
CHECKS = (house_in_order, live_is_batch, seals_verify, one_order_of_locks)
COLD = ("t1-0", "t2-0", "t5-0")


def say(conn: Connection, now: datetime, *said: tuple[str, datetime, float]) -> None:
    """Store a batch of readings: sensor, instant, °C."""
    intake = Intake("isolation", Limits(65_536, 300_000_000), Judge(SEED).readings, SensorPlaces())
    given = [message(code, {"ts": at.isoformat(), "temperature": celsius}, now) for code, at, celsius in said]
    store_batch(conn, intake, given, now)


def move(conn: Connection, kind: EventKind) -> None:
    """Let the desk do something with the first ticket."""
    with conn.transaction():
        act(conn, SEED, NewEvent(1, kind, {"remark": "x"}), THEN, "desk")


PATHS: dict[str, Path] = {
    "ingest": lambda conn: say(conn, THEN, *((code, THEN, 19.0) for code in COLD), ("t3-0", THEN, 15.0)),
    "late": lambda conn: say(conn, THEN, ("t1-0", NOON - timedelta(minutes=20), 15.0), ("t5-0", NOON, 16.5)),
    "watch": lambda conn: tick(conn, Judge(SEED), LATER),
    "rejudge": lambda conn: catch_up(conn, History(SEED), LATER),
    "ledger": lambda conn: keep_ledger(conn, History(SEED), 0, LATER),
    "clocks": lambda conn: clocks.run_out(conn, SEED, LATER),
    "desk": lambda conn: move(conn, EventKind.ACCEPTED),
    "remark": lambda conn: move(conn, EventKind.REMARK),
    "incidents": lambda conn: incidents.look(conn, SEED, LATER),
    "notify": lambda conn: expand.expand(conn, SEED, LATER),
    "seal": lambda conn: [chain.seal(conn, LATER) for _ in range(2)],
    "purge": lambda conn: dead_letter_rows.purge(conn, LATER, 1000),
}


def together(stage: Stage, first: str, second: str, stop_at: int) -> tuple[int, list[str]]:
    """Let one path stop before a statement of its own while another runs.

    Returns:
        the statements of the first path, and what is wrong afterwards.
    """
    stage.reset()
    _prepare(stage)
    line = Timeline(Random(0), round(LATER.timestamp()) * SECOND, [])
    timeline.enter(line)
    one, two = Process(first), Process(second)
    line.start(one, lambda: _walk(stage, one, PATHS[first], stop_at))
    line.start(two, lambda: _walk(stage, two, PATHS[second], None), STOPPED_S / 2)
    line.finish(line.now_us + round(EVENTUALLY_S * SECOND))
    stage.clear()
    return one.statements - STAGES, line.crashes + _wrong(stage, line)


def _prepare(stage: Stage) -> None:
    """Make three homes cold, one of them with a past that has to be judged again."""
    open_stages(stage.admin)
    start = NOON - timedelta(hours=1)
    say(stage.admin, start, *((f"t{n}-0", start, 20.0) for n in range(8)))
    say(stage.admin, NOON, *((code, NOON - timedelta(minutes=n), 17.0) for n, code in enumerate(COLD)))
    say(stage.admin, NOON, ("t6-0", NOON - timedelta(minutes=50), 15.0), ("t2-0", NOON - timedelta(minutes=40), 15.0))


def _walk(stage: Stage, process: Process, path: Path, stop_at: int | None) -> None:
    def meet(_conn: backends.Connection, _text: str, before: bool) -> None:
        if before:
            timeline.now().sleep(STOPPED_S if process.statements - STAGES == stop_at else 0.001)

    for _ in range(TRIES):
        with backends.Connection(stage.pool, stage.pool.lend(stage.url), process, meet) as conn:
            try:
                open_stages(conn)
                path(conn)
                return
            except AWAY:  # a deadlock: every process tries again
                timeline.now().sleep(1)
    raise RuntimeError(f"{process.name} was tried {TRIES} times")


def _wrong(stage: Stage, line: Timeline) -> list[str]:
    now_us = round(LATER.timestamp()) * SECOND
    day = Day(SEED.zone, now_us - 8 * HOUR, now_us, [now_us], SEED, [])
    plan = replace(plan_of(1), day=day)
    world = World(stage, plan, line, None, line.chance)  # type: ignore[arg-type]
    while catch_up(stage.admin, History(SEED), LATER + timedelta(minutes=5)):
        pass
    tick(stage.admin, Judge(SEED), LATER)
    return [what for check in CHECKS for what in check.found(world)]
