"""Flags and closed days of the ledger are those of the slow judge, which shares nothing with the engine."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from domain.policy import Policy, Version
from tests.simulation.timeline import SECOND
from tests.simulation.town import GRID_S, INTERVAL_S, THERMOMETERS
from tests.simulation.world import World
from tests.unit.engine.slow_judge import SlowHome, SlowJudge, SlowRules

LOOKED_AT = 6  # homes of a seed
READINGS = """
SELECT s.code, extract(epoch FROM r.measured_at)::bigint, round(r.temperature::numeric, 3)
FROM reading AS r JOIN sensor AS s USING (sensor_id) WHERE s.code = ANY (%s) ORDER BY r.measured_at
"""
FLAGS = """
SELECT home_id, extract(epoch FROM cold_since)::bigint, extract(epoch FROM confirmed_at)::bigint,
  extract(epoch FROM severe_at)::bigint, extract(epoch FROM suspended_at)::bigint,
  extract(epoch FROM cleared_at)::bigint, clear_reason, round(lowest::numeric, 3)
FROM flag WHERE home_id = ANY (%s) AND clear_reason IS DISTINCT FROM 'withdrawn' ORDER BY cold_since
"""
LEDGER = """
SELECT home_id, day, compliant_us, cold_us, severe_us FROM ledger WHERE home_id = ANY (%s) AND closed ORDER BY day
"""


@dataclass
class Record:
    """Rows on record of the homes that are looked at, in the order of time."""

    readings: dict[str, list[tuple[int, Decimal]]]  # by sensor: the second, °C
    flags: dict[int, list[tuple[Any, ...]]]  # by home
    days: dict[int, list[tuple[Any, ...]]]


def found(world: World) -> list[str]:
    """Return where the record of a home is another than by hand."""
    positions = chosen(world)
    record = recorded(world, positions)
    return [what for position in positions for what in _of_home(world, record, position)]


def recorded(world: World, positions: Sequence[int]) -> Record:
    """Read what is on record of homes."""
    codes = [one.code for one in THERMOMETERS if one.home in positions]
    homes = [world.stage.homes[position] for position in positions]
    conn = world.stage.admin
    by_key = (_by_key(conn.execute(*asked)) for asked in ((READINGS, [codes]), (FLAGS, [homes]), (LEDGER, [homes])))
    return Record(*by_key)


def _by_key(rows: Iterable[tuple[Any, ...]]) -> dict[Any, list[tuple[Any, ...]]]:
    of: dict[Any, list[tuple[Any, ...]]] = defaultdict(list)
    for key, *rest in rows:
        of[key].append(tuple(rest))
    return of


def chosen(world: World) -> list[int]:
    """Return the positions of the homes that are looked at; other ones for each seed."""
    first = world.plan.seed % len(world.stage.homes)
    return [(first + 3 * n) % len(world.stage.homes) for n in range(LOOKED_AT)]


def _of_home(world: World, record: Record, position: int) -> list[str]:
    home_id = world.stage.homes[position]
    home = slow_home(world, record, position)
    if not any(home.readings):
        return []
    judge = walk(home, world.plan.day.beats_us[-1] // SECOND)
    by_hand: list[tuple[Any, ...]] = [
        (f.cold_since, f.confirmed_at, f.severe_at, f.suspended_at, f.cleared_at, f.reason, f.lowest)
        for f in judge.flags
    ]
    flags = record.flags.get(home_id, [])
    wrong = [] if flags == by_hand else [f"H{position}: flags {flags}, by hand {by_hand}"]
    for day, *counted in record.days.get(home_id, []):
        seen = judge.seconds.get(day, {})
        expected = [seen.get(name, 0) * SECOND for name in ("compliant", "cold", "severe")]
        if counted != expected:
            wrong.append(f"H{position}: ledger {day} {counted}, by hand {expected}")
    return wrong


def slow_home(world: World, record: Record, position: int) -> SlowHome:
    """Return a home as the slow judge wants it, from what is stored."""
    policy, sensors = world.plan.day.policy, [one for one in THERMOMETERS if one.home == position]
    offsets = {one.code: Decimal(one.offset_milli) / 1000 for one in sensors}
    held = int(policy.versions[0].hold_intervals * INTERVAL_S)
    said = [
        [(at, at + held, celsius + offset) for at, celsius in record.readings[code]]
        for code, offset in offsets.items()
        if code in record.readings
    ]
    season = next(one for one in policy.seasons if one.end > _day(policy, world.plan.day.begin_us))
    versions = [(one.valid_from, slow_rules(one)) for one in policy.versions]
    return SlowHome(policy.zone, said, versions, (season.first, season.end))


def slow_rules(version: Version) -> SlowRules:
    """Return a version of the rules as the slow judge wants it."""
    limits = [
        (one.severity, Decimal(str(one.below_celsius)), one.opens, one.closes)
        for one in version.limits
        if one.home_class == "multistorey"
    ]
    return SlowRules(limits, Decimal(str(version.deadband_k)), version.confirm_for_s, version.clear_for_s)


def walk(home: SlowHome, end: int) -> SlowJudge:
    """Judge a home to the end, at the instants at which anything can change; between them nothing does."""
    judge, moments = SlowJudge(home), _moments(home, end)
    for second, following in zip(moments, [*moments[1:], end + GRID_S], strict=True):
        judge.step = following - second
        judge.walk(second, second + 1 if second < end else second)
    return judge


def _moments(home: SlowHome, end: int) -> list[int]:
    said = [instant for sensor in home.readings for at, until, _ in sensor for instant in (at, until)]
    begin = min(said)
    instants = set(said)
    local = datetime.fromtimestamp(begin, home.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    edges = {edge for _, rules in home.versions for _, _, o, c in rules.limits for edge in (o, c) if edge}
    for n in range(4):
        day = (local + timedelta(days=n)).date()
        walls = [datetime.combine(day, datetime.min.time(), home.zone)]
        walls += [datetime.combine(day, edge, home.zone) for edge in edges]
        instants |= {int(wall.timestamp()) for wall in walls}
    timers = {t for _, rules in home.versions for t in (rules.confirm_s, rules.clear_s)}
    instants |= {instant + timer for instant in instants for timer in timers}
    return sorted({*(one for one in instants if begin <= one < end), end})


def _day(policy: Policy, us: int) -> Any:
    return datetime.fromtimestamp(us / SECOND, policy.zone).date()
