"""The figures of a month, held to a count by hand over made-up years of a town."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import fmean, median
from typing import Any, NamedTuple

import pytest
from psycopg import Connection
from psycopg.types.json import Jsonb

from alerts.figures import kpi
from domain import policy_file
from domain.kpi import NOTHING_HEAT, CaseKpi, ClockKpi, DeskKpi, Heat, Month, MonthKpi, Sampling
from store.figures.kpi_rows import figures, stale
from tests import registry_rows

SEED = policy_file.builtin("seed")
ZONE = SEED.zone
MONTH = Month.parse("2026-01")
NOW = datetime(2026, 1, 28, 3, 0, tzinfo=UTC)  # before the end of the month: what is not due yet does not count
STATIONS = ("East", "West")
DAY_US = 86_400_000_000
INSERT_DAY = """
INSERT INTO ledger (
  home_id, day, compliant_us, cold_us, severe_us, unknown_us, not_judged_us, shortfall_us, heat, deficit, policy, closed
) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 0, %s, 'p', true)
"""
INSERT_TICKET = """
INSERT INTO ticket (
  class, source, state, priority, home_id, station, opened_at, closed_at, retrospective, done_at, replied_at
) VALUES (%s, 'phone', %s, 2, %s, %s, %s, %s, %s, %s, %s) RETURNING ticket_id
"""
INSERT_CLOCK = """
INSERT INTO clock (ticket_id, name, started_at, due_at, met_at, breached_at, void_at)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
INSERT_EVENT = """
INSERT INTO ticket_event (ticket_id, seq, at, kind, actor, state, data) VALUES (%s, 1, %s, %s, 'test', 'done', %s)
"""
INSERT_FLAG = """
INSERT INTO flag (
  home_id, severity, cold_since, confirmed_at, raised_at, cleared_at, clear_reason, lowest, limit_celsius, policy, why,
  ticket_id
) VALUES (%s, 1, %s, %s, %s, %s, %s, 17, 18, 'p', '{}', %s)
"""


class Day(NamedTuple):
    station: str
    home: int
    day: date
    states: tuple[int, int, int, int, int]  # compliant, cold, severe, unknown, not judged; µs
    shortfall: int
    deficit: int


class Ran(NamedTuple):
    station: str
    ticket_class: str
    name: str
    started: datetime
    due: datetime | None
    met: datetime | None
    breached: datetime | None
    void: datetime | None


class Case(NamedTuple):
    station: str
    ticket_class: str
    opened: datetime
    closed: datetime | None
    retrospective: bool
    answer: Ran | None


class Flag(NamedTuple):
    station: str
    raised: datetime
    cleared: datetime | None
    reason: str | None


class Town(NamedTuple):
    days: list[Day]
    clocks: list[Ran]
    cases: list[Case]
    calls: list[tuple[str, datetime, bool | None]]
    flags: list[Flag]


def some_instant(rng: random.Random) -> datetime:
    """Around January, often exactly at its ends."""
    edges = [*MONTH.span(ZONE), NOW]
    if rng.random() < 0.2:
        return rng.choice(edges) + timedelta(microseconds=rng.choice([-1, 0, 1]))
    return datetime(2025, 12, 1, tzinfo=UTC) + timedelta(seconds=rng.randrange(90 * 86_400))


def make_days(conn: Connection, rng: random.Random, homes: list[tuple[int, str]]) -> Iterator[Day]:
    for home, station in homes:
        for nth in range(70):
            day = date(2025, 12, 10) + timedelta(days=nth)
            cuts = sorted(rng.randrange(DAY_US) for _ in range(4)) if rng.random() < 0.1 else [DAY_US] * 4
            edges = [0, *cuts, DAY_US]
            states = [b - a for a, b in pairwise(edges)]
            if rng.random() < 0.3:
                rng.shuffle(states)
            if home % 5 == 0:
                states = [0, 0, 0, DAY_US, 0]
            compliant, cold, severe, unknown, not_judged = states
            made = Day(station, home, day, (compliant, cold, severe, unknown, not_judged), compliant // 3, cold // 2)
            conn.execute(INSERT_DAY, (home, day, *made.states, made.shortfall, made.deficit))
            yield made


def make_clock(conn: Connection, rng: random.Random, ticket: int, station: str, kind: str, name: str) -> Ran:
    due = some_instant(rng)
    started = due - timedelta(hours=rng.randrange(1, 100))
    late = rng.random() < 0.4
    met = None if rng.random() < 0.3 else due + timedelta(hours=rng.randrange(1, 50)) * (1 if late else -1)
    if rng.random() < 0.1:
        met = due
    if met is not None:
        started = min(started, met)
    breached = due if (met is not None and met > due) or (met is None and due < NOW) else None
    void = due - timedelta(minutes=5) if met is None and rng.random() < 0.2 else None
    if void is not None and rng.random() < 0.5:
        breached = None
    undated = name == "answer" and rng.random() < 0.1
    made = Ran(
        station, kind, name, started, None if undated else due, met, None if undated else breached,
        None if undated else void,
    )  # fmt: skip
    conn.execute(INSERT_CLOCK, (ticket, name, started, made.due, made.met, made.breached, made.void))
    return made


def make_town(conn: Connection, seed: int) -> Town:
    rng = random.Random(seed)
    conn.execute("ALTER TABLE flag DISABLE TRIGGER flag_has_ticket")  # here flags are counted, whatever their tickets
    homes = []
    for station in STATIONS:
        for nth in range(6):
            building = registry_rows.building(conn, station)
            homes.append((registry_rows.home(conn, f"{station}-{nth}", building_id=building), station))
    town = Town(list(make_days(conn, rng, homes)), [], [], [], [])
    for nth in range(150):
        home, station = rng.choice(homes)
        kind = rng.choice(["leak", "repair", "complaint", "report"])
        opened = some_instant(rng)
        retrospective = rng.random() < 0.1
        closed = opened + timedelta(days=rng.randrange(12)) if retrospective or rng.random() < 0.5 else None
        values = (kind, "closed" if closed else "open", home, station, opened, closed, retrospective, closed, closed)
        row = conn.execute(INSERT_TICKET, values).fetchone()
        assert row
        names = ("answer",) if kind in ("complaint", "report") else ("on_site", "done", "call_back")
        clocks = [make_clock(conn, rng, row[0], station, kind, name) for name in names]
        town.clocks.extend(clocks)
        answer = clocks[0] if names == ("answer",) else None
        town.cases.append(Case(station, kind, opened, closed, retrospective, answer))
        if rng.random() < 0.3:
            at, said = some_instant(rng), rng.choice([True, False, None])
            conn.execute(INSERT_EVENT, (row[0], at, "called_back", Jsonb({"satisfied": said})))
            town.calls.append((station, at, said))
        elif rng.random() < 0.3:
            conn.execute(INSERT_EVENT, (row[0], some_instant(rng), "remark", Jsonb({"satisfied": True})))
        raised = some_instant(rng) + timedelta(seconds=nth)
        cleared = None if nth % 50 == 0 else raised + timedelta(minutes=rng.randrange(-60, 5000))
        reason = None if cleared is None else rng.choice(["recovered", "recovered", "withdrawn", "heat_stopped"])
        since = datetime(2025, 11, 1, tzinfo=UTC) + timedelta(seconds=nth)
        if cleared is not None or not any(f.cleared is None for f in town.flags):
            conn.execute(INSERT_FLAG, (home, since, since, raised, cleared, reason, row[0]))
            town.flags.append(Flag(station, raised, cleared, reason))
    return town


def within(at: datetime | None) -> bool:
    return at is not None and at.astimezone(ZONE).strftime("%Y-%m") == "2026-01"


def heat_by_hand(town: Town, mine: Callable[[Any], bool]) -> Heat:
    days = [day for day in town.days if mine(day) and day.day.strftime("%Y-%m") == "2026-01"]
    sums = [sum(day.states[i] for day in days) / 1e6 for i in range(5)]
    homes = {day.home for day in days}
    known = {day.home for day in days if sum(day.states[:3])}
    hurt = {day.home for day in days if sum(day.states[1:3])}
    return Heat(
        homes=len(homes), judged_homes=len(known), qualified_homes=len(known - hurt), compliant_s=sums[0],
        cold_s=sums[1], severe_s=sums[2], unknown_s=sums[3], not_judged_s=sums[4],
        shortfall_s=sum(day.shortfall for day in days) / 1e6, kelvin_hours=sum(day.deficit for day in days) / 3.6e12,
    )  # fmt: skip


def clocks_by_hand(town: Town, mine: Callable[[Any], bool]) -> tuple[ClockKpi, ...]:
    out = []
    for kind, name in sorted({(c.ticket_class, c.name) for c in town.clocks}):
        ran = [
            c
            for c in town.clocks
            if mine(c) and (c.ticket_class, c.name) == (kind, name) and c.due is not None and within(c.due)
            and c.due < NOW and (c.void is None or c.breached is not None)
        ]  # fmt: skip
        took = [(c.met - c.started).total_seconds() for c in ran if c.met]
        if ran:
            in_time = sum(c.met is not None and c.due is not None and c.met <= c.due for c in ran)
            met = sum(c.met is not None for c in ran)
            out.append(
                ClockKpi(
                    ticket_class=kind, name=name, due=len(ran), in_time=in_time, late=met - in_time,
                    unmet=len(ran) - met, mean_s=fmean(took) if took else None,
                    median_s=median(took) if took else None,
                )
            )  # fmt: skip
    return tuple(out)


def cases_by_hand(town: Town, mine: Callable[[Any], bool]) -> tuple[CaseKpi, ...]:
    out = []
    for kind in ("complaint", "report"):
        some = [c for c in town.cases if mine(c) and c.ticket_class == kind and within(c.opened)]
        answers = [c.answer for c in some if c.answer]
        dated = [(c.due, c.met) for c in answers if c.due]
        in_time = sum(met is not None and met <= due for due, met in dated)
        met_at_all = sum(met is not None for _, met in dated)
        overdue = sum(met is None and due <= NOW for due, met in dated)
        out.append(
            CaseKpi(
                ticket_class=kind, received=len(some), closed=sum(c.closed is not None for c in some),
                closed_in_time=sum(
                    bool(c.closed and c.answer and c.answer.due and c.closed <= c.answer.due) for c in some
                ),
                answered_in_time=in_time, answered_late=met_at_all - in_time, overdue=overdue,
                waiting=sum(a.met is None for a in answers) - overdue,
            )
        )  # fmt: skip
    return tuple(case for case in out if case.received)


def desk_by_hand(town: Town, mine: Callable[[Any], bool]) -> DeskKpi:
    cases = [c for c in town.cases if mine(c)]
    calls = [said for station, at, said in town.calls if within(at) and mine(Flag(station, at, None, None))]
    flags = [
        f for f in town.flags
        if mine(f) and within(f.raised) and f.reason != "withdrawn" and (f.cleared is None or f.cleared > f.raised)
    ]  # fmt: skip
    took = [(f.cleared - f.raised).total_seconds() for f in flags if f.cleared and f.reason == "recovered"]
    return DeskKpi(
        tickets=sum(within(c.opened) and not c.retrospective for c in cases),
        retrospective=sum(within(c.opened) and c.retrospective for c in cases),
        closed=sum(within(c.closed) and not c.retrospective for c in cases),
        called_back=len(calls), asked=sum(said is not None for said in calls),
        satisfied=sum(said is True for said in calls),
        flags=len(flags), recovered=len(took), merged=0, void=0, warm_mean_s=fmean(took) if took else None,
        warm_median_s=median(took) if took else None,
    )  # fmt: skip


def told(found: list[MonthKpi]) -> Any:
    """Return figures with their rates, to the sixth decimal, without what they prove."""

    def tidy(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: tidy(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [tidy(inner) for inner in value]
        return round(value, 6) if isinstance(value, float) else value

    return [tidy({**each.told(), "proof": None}) for each in found]


def counted_by_hand(town: Town, station: str | None) -> tuple[int, int, int]:
    """Count the homes with time to be judged in the month, those measured, and those never seen cold."""
    sums: dict[int, list[int]] = {}
    for day in town.days:
        if station in (None, day.station) and Month.of(datetime.combine(day.day, NOW.time(), ZONE), ZONE) == MONTH:
            of_home = sums.setdefault(day.home, [0, 0, 0, 0, 0])
            sums[day.home] = [a + b for a, b in zip(of_home, day.states, strict=True)]
    judged = [states for states in sums.values() if sum(states[:4]) > 0]
    measured = [states for states in judged if sum(states[:3]) > 0]
    return len(judged), len(measured), sum(cold + severe == 0 for _, cold, severe, _, _ in measured)


def by_hand(town: Town, station: str | None) -> MonthKpi:
    def mine(row: Any) -> bool:
        return station is None or row.station == station

    return MonthKpi(
        station=station, heat=heat_by_hand(town, mine), desk=desk_by_hand(town, mine),
        clocks=clocks_by_hand(town, mine), cases=cases_by_hand(town, mine),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_figures_are_what_a_count_by_hand_gives(connection: Connection, seed: int) -> None:
    town = make_town(connection, seed)
    connection.execute("INSERT INTO kpi_stale SELECT DISTINCT home_id / 4096, date_trunc('month', day) FROM ledger")
    kpi.count(connection, MONTH, SEED, NOW)
    assert told(figures(connection, MONTH.first)) == told([by_hand(town, station) for station in (None, *STATIONS)])
    assert told(figures(connection, MONTH.first, "West")) == told([by_hand(town, "West")])
    for each in figures(connection, MONTH.first):
        assert each.proof is not None
        assert (each.proof.homes, each.proof.measured, each.proof.warm) == counted_by_hand(town, each.station)
        assert 0 <= each.proof.by_homes_low <= each.proof.by_homes <= each.proof.by_homes_high <= 1
        assert 0 <= each.proof.by_time_low <= each.proof.by_time <= each.proof.by_time_high <= 1
    assert stale(connection, 10, MONTH.first) == []
    assert stale(connection, 10) != []  # the other months wait for watch


def test_counting_again_changes_nothing(connection: Connection) -> None:
    make_town(connection, 7)
    kpi.count(connection, MONTH, SEED, NOW)
    first = figures(connection, MONTH.first)
    kpi.count(connection, MONTH, SEED, NOW)
    assert figures(connection, MONTH.first) == first


def test_how_homes_were_chosen_is_said_of_a_month_that_was_counted_before(connection: Connection) -> None:
    make_town(connection, 7)
    connection.execute("INSERT INTO kpi_stale SELECT DISTINCT home_id / 4096, date_trunc('month', day) FROM ledger")
    kpi.count(connection, MONTH, SEED, NOW)
    said = replace(SEED, versions=(replace(SEED.versions[0], sampling="worst_first"),))
    kpi.count(connection, MONTH, said, NOW)
    assert {each.proof.sampling for each in figures(connection, MONTH.first) if each.proof} == {Sampling.WORST_FIRST}


def test_a_month_of_which_nothing_is_known_is_empty(connection: Connection) -> None:
    assert figures(connection, MONTH.first) == [by_hand(Town([], [], [], [], []), None)]
    assert figures(connection, MONTH.first)[0].heat == NOTHING_HEAT


def test_watch_sums_up_what_changed_and_no_more(connection: Connection) -> None:
    town = make_town(connection, 3)
    connection.execute("INSERT INTO kpi_stale VALUES (0, '2026-01-01'), (0, '2026-01-01'), (0, '2025-12-01')")
    assert kpi.sum_some(connection)
    assert kpi.sum_some(connection)
    assert not kpi.sum_some(connection)
    kpi.count_recent(connection, SEED, NOW)
    assert told(figures(connection, MONTH.first)[:1]) == told([by_hand(town, None)])
    assert figures(connection, date(2026, 2, 1))[0].heat == NOTHING_HEAT
