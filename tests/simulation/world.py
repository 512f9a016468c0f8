"""A seed played from beginning to end: the town's day, the processes, the faults, and the record that is left."""

import zlib
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from random import Random

import psycopg

from domain import policy_file
from tests.simulation import faults, processes, timeline, town
from tests.simulation.backends import COMMITS, Connection
from tests.simulation.broker import Broker, BrokerFaults, Published, Source
from tests.simulation.desk import Desk
from tests.simulation.faults import AFTER, LONGEST_SKEW_US, SQLSTATES, Fault, Planned
from tests.simulation.processes import Door
from tests.simulation.stage import Stage
from tests.simulation.timeline import SECOND, Process, Timeline
from tests.simulation.town import MINUTE, Day

DURATIONS_US = (500, 1_000, 1_000, 2_000, 4_000, 30_000)  # of a statement
RESTART_S = (1, 5, 30, 300)
POLICY = policy_file.builtin_text("seed")
ROUNDS = ("sensors", "outages", "substations", "buildings", "samples", "incidents", "measurements", "measurements due",
          "recovery", "undated clocks", "days of readings", "seals", "seal of the day", "ledger", "figures of heat",
          "figures of the desk", "dead letters", "dead letters' bytes", "uploads", "told", "files", "folders of peers",
          "received of peers")  # fmt: skip
WRITING = ("incidents", "incidents", "recovery", "ledger", "seals")  # what others write, too
RARE_S, NEVER_S = 12 * 3600.0, float("inf")
# Share of seeds in which each of them runs: what is not there costs nothing, and nothing hides behind it.
PROCESSES = {"ingest-1": 1.0, "ingest-2": 0.3, "watch-1": 1.0, "watch-2": 0.2, "notify-1": 0.3, "desk": 0.4}
SKEWED, SKEWED_AT_CLOSING = 0.3, 0.8  # share of the processes whose clocks are wrong
BATCHES = (12, 48, 48)  # messages: of few, a burst is several batches, and the next one is sorted ahead
AHEAD_US = 150_000  # messages come a little before the beat at which watch looks: they meet in the middle


@dataclass(frozen=True)
class Plan:
    """Everything that a seed has drawn before it begins; what is taken out of it leaves the rest as it is."""

    seed: int
    day: Day
    faults: list[Planned]
    broker: BrokerFaults
    paces: dict[str, float]
    sharing: bool
    processes: tuple[str, ...]
    skews: dict[str, int]  # µs, of the clocks of machines, by process
    batch: int  # messages


@dataclass
class World:
    """A seed as it is played; afterwards the checks look at it."""

    stage: Stage
    plan: Plan
    timeline: Timeline
    broker: Broker
    chance: Random
    door: Door = field(init=False)
    desk: Desk = field(init=False)
    running: dict[str, Process] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)  # of the workers, by name
    counted: Counter[str] = field(default_factory=Counter)  # statements and acknowledgements, by name of a process
    due: list[Planned] = field(default_factory=list)  # faults at statements and acknowledgements that are to come
    met: Counter[str] = field(default_factory=Counter)  # faults that came to be
    trace: list[str] | None = None
    digest: int = 0
    statements: int = 0

    @property
    def checked_at(self) -> datetime:
        """The instant to which the record goes: the last beat."""
        return datetime.fromtimestamp(self.plan.day.beats_us[-1] / SECOND, UTC)

    @property
    def is_over(self) -> bool:
        """True when faults have ended."""
        return self.timeline.now_us >= self.plan.day.end_us


def plan_of(seed: int) -> Plan:
    """Draw a seed."""
    chance = Random(f"{seed} plan")
    day = town.draw(chance, POLICY)
    broker = BrokerFaults(chance.choice([0, 0.02, 0.2]), chance.choice([0, 0.2]), chance.random() < 0.5)
    usual, rare = [chance.choice(WRITING), chance.choice(ROUNDS)], chance.sample(ROUNDS, 4)
    if day.is_closing:  # what a day is about is looked at, too
        usual[0] = "ledger"
    elif day.has_incident and chance.random() < 0.7:
        usual[0] = "incidents"
    paces = {name: RARE_S if name in rare else NEVER_S for name in ROUNDS if name not in usual}
    running = tuple(name for name, share in PROCESSES.items() if chance.random() < share)
    share = SKEWED_AT_CLOSING if day.is_closing else SKEWED
    skews = {name: chance.randint(-LONGEST_SKEW_US, LONGEST_SKEW_US) for name in running if chance.random() < share}
    planned, batch = faults.draw(chance, running, day), chance.choice(BATCHES)
    return Plan(seed, day, planned, broker, paces, chance.random() < 0.3, running, skews, batch)


def play(stage: Stage, plan: Plan, trace: list[str] | None = None) -> World:
    """Play a seed on a stage."""
    stage.reset()
    day, chance = plan.day, Random(f"{plan.seed} schedule")
    line = Timeline(chance, day.begin_us, day.beats_us)
    timeline.enter(line)
    world = World(stage, plan, line, Broker(chance, plan.broker), chance, trace=trace)
    world.door = Door(lambda: None)
    world.desk = Desk(stage.tokens, day.policy, chance)
    _begin(world)
    line.run(day.end_us)
    _end_faults(world)
    line.finish(day.beats_us[-1] + MINUTE)
    for process in world.running.values():  # a thread that is left would wake when it is collected, in another's seed
        line.kill(process)
    stage.clear()
    return world


def _begin(world: World) -> None:
    if world.plan.sharing:
        world.stage.admin.execute(
            "INSERT INTO broker_share (broker, kept, published, received, probed_at, told, mark) "
            "VALUES ('127.0.0.1:1883', true, 1, 1, '2025-11-01', 'simulated', repeat('0', 32))"
        )
    for name in world.plan.processes:
        _start(world, name)
    nature = Process("nature")
    world.running["nature"] = nature
    world.timeline.start(nature, lambda: _publish(world))
    for fault in world.plan.faults:
        if fault.nth:
            world.due.append(fault)
        else:
            after_s = (fault.at_us - world.timeline.now_us) / SECOND
            world.timeline.start(nature, partial(_at_an_instant, world, fault), after_s)


def _publish(world: World) -> None:
    """Send the day's messages, together at each beat: what was said since the one before."""
    waiting = [*enumerate(world.plan.day.sendings)]
    world.timeline.sleep(1)
    for beat in world.plan.day.beats_us:
        world.timeline.sleep_until(max(beat - AHEAD_US, world.timeline.now_us + 1))
        while waiting and waiting[0][1].at_us <= beat:
            number, sending = waiting.pop(0)
            world.broker.publish(Published(number, sending.topic, sending.payload))


def _start(world: World, name: str) -> None:
    """Start a process, as its supervisor does."""
    process = Process(name, 0 if world.is_over else world.plan.skews.get(name, 0))
    world.running[name] = process
    kind = name.partition("-")[0]
    connect = _connector(world, process, "api" if kind == "desk" else kind)
    policy = world.plan.day.policy

    def begin() -> None:
        if kind == "ingest":
            source = processes.worker(process, connect, world.broker, policy, world.plan.batch)
            world.sources[name] = source
            source.meet = lambda source, before: _meet_acknowledgement(world, source, before)
        elif kind == "watch":
            processes.watch(process, connect, policy, world.plan.paces)
        elif kind == "notify":
            processes.notify(process, connect, policy, world.door)
        else:
            world.desk.run(connect)

    world.timeline.start(process, begin)


def _connector(world: World, process: Process, account: str) -> processes.Connect:
    def connect() -> Connection:
        world.timeline.sleep(0.01)
        backend = world.stage.pool.lend(world.stage.url_as(account))
        return Connection(world.stage.pool, backend, process, partial(_meet, world))

    return connect


def _kill(world: World, process: Process) -> None:
    """Kill a process; its supervisor starts it again after a while."""
    if not process.alive or world.running.get(process.name) is not process:
        return
    after_s = world.chance.choice(RESTART_S)
    supervisor = world.running["nature"]
    world.timeline.start(supervisor, lambda: _start(world, process.name), after_s)
    world.timeline.kill(process)


def _meet(world: World, conn: Connection, text: str, before: bool) -> None:
    """Let a statement take its time, and meet the fault that waits for it."""
    process, clock = conn.process, world.timeline
    if before:
        name = process.name
        world.counted[name] += 1
        if text in COMMITS:
            world.counted[f"{name} commits"] += 1
        world.statements += 1
        line = f"{clock.now_us} {name} {text}"
        world.digest = zlib.crc32(line.encode(), world.digest)
        if world.trace is not None:
            world.trace.append(line)
        clock.sleep_until(clock.now_us + DURATIONS_US[int(world.chance.random() * len(DURATIONS_US))])
    if not world.due or world.is_over:
        return
    while process.alive and (fault := _due(world, conn, text, before)):
        _befall(world, conn, process, fault)


def _due(world: World, conn: Connection, text: str, before: bool) -> Planned | None:
    """Return a fault whose time has come, and that can be at this statement; those that cannot wait for the next."""
    name = conn.process.name
    mine = [fault for fault in world.due if fault.name == name]
    if not mine:
        return None
    commits, statements = world.counted[f"{name} commits"], world.counted[name]
    for fault in mine:
        if fault.kind is Fault.NETWORK or before == (fault.kind in AFTER):
            continue
        is_due = (text in COMMITS and fault.nth <= commits) if fault.commits else fault.nth <= statements
        if is_due and (fault.kind not in SQLSTATES or conn.can_fail(text, of_content=fault.kind is Fault.REFUSED)):
            return fault
    return None


def _befall(world: World, conn: Connection, process: Process, fault: Planned) -> None:
    world.due.remove(fault)
    _note(world, fault)
    if fault.kind in SQLSTATES:
        conn.refused = SQLSTATES[fault.kind]
    elif fault.kind is Fault.STALL:
        world.timeline.sleep(fault.amount / SECOND)
    elif fault.kind in (Fault.KILL_BEFORE, Fault.KILL_AFTER):
        _kill(world, process)
    else:
        conn.cut()
        raise psycopg.OperationalError("the network has cut the connection")


def _note(world: World, fault: Planned) -> None:
    """Count a fault that has come to be, and have the one come that follows it."""
    world.met[fault.kind.value] += 1
    if then := fault.then:
        since = world.counted[f"{then.name} commits" if then.commits else then.name]
        world.due.append(replace(then, nth=since + then.nth))


def _meet_acknowledgement(world: World, source: Source, before: bool) -> None:
    name = source.process.name
    if before:
        world.counted[f"{name} acknowledges"] += 1
        world.timeline.sleep(0.002)
    for fault in [one for one in world.due if one.name == name and one.kind is Fault.NETWORK]:
        is_due = fault.nth <= world.counted[f"{name} acknowledges"] and before != fault.is_sent
        if is_due and not world.is_over:
            world.due.remove(fault)
            _note(world, fault)
            source.cut()
            _lose_again(world, fault)


def _at_an_instant(world: World, fault: Planned) -> None:
    if world.is_over:
        return
    _note(world, fault)
    if fault.kind is Fault.BROKER:
        world.broker.restart()
        _lose_again(world, fault)
    elif fault.name not in world.running:
        return
    elif fault.kind is Fault.CLOCK:
        world.running[fault.name].skew_us = fault.amount
    else:
        _kill(world, world.running[fault.name])


def _lose_again(world: World, fault: Planned) -> None:
    """Have a connection that comes back be lost again, as often as the fault has it."""

    def lose() -> None:
        if world.is_over:
            return
        world.met[fault.kind.value] += 1
        if fault.kind is Fault.BROKER:
            world.broker.restart()
        else:
            world.sources[fault.name].cut()

    for after_us in fault.again_us:
        world.timeline.start(world.running["nature"], lose, after_us / SECOND)


def _end_faults(world: World) -> None:
    """Set all clocks right; who is dead is started by its supervisor."""
    for process in world.running.values():
        process.skew_us = 0
