"""The race: processes between servers, a fault now and then, and at the end a time in which all has to settle."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from bench.chaos import judge
from bench.chaos.judge import Verdict
from bench.chaos.parts import Fault, HearthPart, Part, faults_of, killed
from bench.chaos.people import REMARK_S, Desk, Repeating, Thermometers
from bench.chaos.servers import ArtemisSide, BrokerSide, DatabaseSide, MosquittoSide, OneDatabase, PairOfDatabases
from bench.town import found, noon_zone, policy_around
from domain import policy
from local.port import free_port
from store.readings import broker_shares
from tests.acceptance import processes

COMMANDS = ("ingest", "ingest", "ingest", "watch", "watch", "notify", "api")
TURN_S = 0.1
LOOK_S = 0.25
SETTLE_LOOK_S = 2.0
PAUSE_S = (1.0, 5.0)  # from one fault to the next
LASTS_S = (0.2, 6.0)
AT_ONCE = (1, 1, 1, 2, 3)
PATIENCE_S = 180.0  # without service: then the race goes on
MEASURED = "SELECT extract(epoch FROM max(measured_at))::bigint FROM reading"


@dataclass(frozen=True)
class Course:
    """The course of a race: for how long, on which servers, how many readings a second, which bug is planted."""

    minutes: float = 3
    broker: str = "artemis"
    standby: bool = True
    homes: int = 40
    rate: float = 4
    seed: int = 0
    mutant: str | None = None
    only: str = ""  # kinds of faults that have this in their name
    settle_s: float = 180  # within which, after the last fault, everything has to be stored, judged and told


@dataclass(frozen=True)
class Report:
    """The result: what is wrong, what was done, and how long nothing that was sent after it was stored, by fault."""

    course: Course
    verdict: Verdict
    acknowledged: int
    flags: int
    remarks: int
    settled_after_s: float | None
    waiting: dict[str, int]
    ended_by_themselves: dict[str, int]
    faults: dict[str, int]
    longest_without_service_s: dict[str, float]
    log: list[str] = field(repr=False)

    @property
    def is_well(self) -> bool:
        """True if nothing is wrong, and no process of Hearth has ended by an error of its own."""
        died = self.ended_by_themselves.keys() & set(COMMANDS)
        return self.settled_after_s is not None and not died and not any(asdict(self.verdict).values())


class Race:
    """Servers, processes, who speaks to them, and what breaks."""

    def __init__(self, course: Course, folder: Path, stack: ExitStack, tell: Callable[[str], object]) -> None:
        self.course, self.folder, self.tell = course, folder, tell
        self.chance = random.Random(course.seed)
        broker_side = ArtemisSide if course.broker == "artemis" else MosquittoSide
        self.broker: BrokerSide = broker_side(folder, stack)
        database_side = PairOfDatabases if course.standby else OneDatabase
        self.database: DatabaseSide = database_side(folder, stack)
        self.began = datetime.now(UTC)
        self._settle_town()
        self.api_port = free_port()
        self.hearth = [self._process(command, n) for n, command in enumerate(COMMANDS)]
        for part in self.hearth:
            stack.callback(part.kill)
        client = self.broker.client()
        stack.callback(client.loop_stop)
        stack.callback(client.disconnect)
        self.said = Thermometers(client, course.homes, random.Random(course.seed))
        self.desk = Desk(self.api_port, self._token(), course.seed)
        stack.callback(self.desk.close)
        self.met: Counter[str] = Counter()
        self.longest_s: dict[str, float] = {}
        self.ended: Counter[str] = Counter()
        self.log: list[str] = []
        self._newest = 0
        self._looking: psycopg.Connection | None = None
        self._judged: dict[int, list[judge.Flag]] | None = None
        self._left: dict[str, int] = {}

    def run(self) -> Report:
        """Let it all break for as long as asked, and judge."""
        look = Repeating(self._look, LOOK_S)
        self._wait(self._is_awake, PATIENCE_S, "everything works")
        speaking = [Repeating(self.said.say, 1 / self.course.rate), Repeating(self.desk.remark, REMARK_S)]
        end = time.monotonic() + self.course.minutes * 60
        while time.monotonic() < end:
            self._rest(self.chance.uniform(*PAUSE_S))
            self._blow()
        speaking[0].stop()
        settled_s = self._settle()
        speaking[1].stop()
        look.stop()
        if self._looking is not None:
            self._looking.close()
        return self._report(settled_s)

    def _settle_town(self) -> None:
        self._zone = noon_zone(self.began)
        seed = Path(policy.__file__).with_name("policies") / "seed.toml"
        text = judge.policy_of(policy_around(seed, self.began.date()))
        (self.folder / "policy.toml").write_text(text, encoding="utf-8")
        found(self.database.direct, self.course.homes + 1)
        with psycopg.connect(self.database.direct) as conn:
            conn.execute("UPDATE point SET interval_s = %s", (judge.INTERVAL_S,))
            if self.broker.shares:
                name = self.broker.settings["HEARTH_MQTT_URL"].rpartition("/")[2]
                broker_shares.record(conn, broker_shares.Probe(name, 1, 1, ""), self.began)

    def _environment(self, command: str) -> dict[str, str]:
        return {
            **self.broker.settings,
            "HEARTH_DATABASE_URL": self.database.url(command),
            "HEARTH_POLICY": str(self.folder / "policy.toml"),
            "HEARTH_TIMEZONE": self._zone,
        }

    def _process(self, command: str, nth: int) -> HearthPart:
        environment = self._environment(command)
        if command == "api":
            environment["HEARTH_API_PORT"] = str(self.api_port)
        mutant = None if command == "api" else self.course.mutant
        return HearthPart(command, environment, self.folder / f"{nth}-{command}.log", mutant)

    def _token(self) -> str:
        environment = self._environment("api") | {"HEARTH_DATABASE_URL": self.database.direct}
        done = processes.run(environment, "token", "create", "--role", "dispatcher")
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout.strip()

    def _look(self) -> None:
        """Note how far what is stored has come; while the database does not answer, this waits with everybody."""
        try:
            if self._looking is None:
                self._looking = psycopg.connect(self.database.direct, autocommit=True, connect_timeout=5)
            row = self._looking.execute(MEASURED).fetchone()
            self._newest = int(row[0] or 0) if row else 0
        except psycopg.OperationalError:
            self._looking = None

    def _is_awake(self) -> bool:
        """Say a first reading until a worker hears it: what is sent before a session is there, nobody keeps."""
        self.said.wake()
        return bool(self._newest) and self.desk.open()

    def _faults(self) -> list[Fault]:
        mine = [fault for n, part in enumerate(self.hearth) for fault in faults_of(part, f"process {n}")]
        every: list[Part] = [*self.hearth, *self.broker.parts, *self.database.parts]
        names = frozenset(name for fault in self.database.faults() for name in fault.touches)
        names |= {name for fault in (*mine, *self.broker.faults()) for name in fault.touches}
        power = Fault("power cut", names, lambda: killed(*every), lambda: self.broker.loses_nothing)
        every_fault = [*mine, *self.broker.faults(), *self.database.faults(), power]
        return [fault for fault in every_fault if self.course.only in fault.kind]

    def _rest(self, seconds: float) -> None:
        """Let nothing go wrong for a while, in which an operator does what a fail-over has left to do."""

        def tended() -> bool:
            self.database.tend()
            return False

        self._wait(tended, seconds)

    def _blow(self) -> None:
        """Let one thing go wrong or several at once, and wait until what is sent is stored again."""
        chosen = self._chosen()
        what = "several at once" if len(chosen) > 1 else chosen[0].kind
        began, second = time.monotonic(), int(time.time())
        lasts_s = self.chance.uniform(*LASTS_S)
        with ExitStack() as stack:
            for fault in chosen:
                self.met[fault.kind] += 1
                stack.enter_context(fault.begin())
            served = self._wait(lambda: self._newest > second, lasts_s)
            while time.monotonic() < began + lasts_s:
                time.sleep(TURN_S)
        took_s = served - began if served else None
        if took_s is None:
            served = self._wait(lambda: self._newest > second, PATIENCE_S)
            took_s = (served or time.monotonic()) - began
        self.longest_s[what] = max(self.longest_s.get(what, 0.0), round(took_s, 1))
        self._note(f"{took_s:5.1f} s  {' + '.join(fault.kind for fault in chosen)}")

    def _chosen(self) -> list[Fault]:
        """Draw what goes wrong: what has come least, so that all come, and nothing twice at the same place."""
        possible, chosen = self._faults(), list[Fault]()
        wanted = self.chance.choice(AT_ONCE)
        while len(chosen) < wanted and possible:
            kinds = sorted({fault.kind for fault in possible})
            kind = min(kinds, key=lambda one: (self.met[one], self.chance.random()))
            fault = self.chance.choice([fault for fault in possible if fault.kind == kind])
            if fault.is_possible():
                chosen.append(fault)
            taken = frozenset(name for one in chosen for name in one.touches)
            possible = [one for one in possible if one is not fault and not one.touches & taken]
        return chosen

    def _wait(self, seen: Callable[[], bool], seconds: float, what: str = "", every_s: float = TURN_S) -> float | None:
        """Wait until something is seen, and start what has ended meanwhile; returns when it was seen."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if seen():
                return time.monotonic()
            self._tend()
            time.sleep(every_s)
        if what:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        return None

    def _tend(self) -> None:
        for part in (*self.hearth, *self.broker.parts, *self.database.parts):
            if part.is_wanted and not part.running:
                self.ended[part.kind] += 1
                self._note(f"{part.kind} has ended by itself")
                part.start()

    def _settle(self) -> float | None:
        """Wait until everything is stored, judged and told; returns how long that took, None: too long."""
        began = time.monotonic()
        done = self._wait(self._is_settled, self.course.settle_s, every_s=SETTLE_LOOK_S)
        return round(done - began, 1) if done else None

    def _is_settled(self) -> bool:
        self.database.tend()
        if not self.said.settle() or time.time() < max(told[1] for told in self.said.sent) + judge.SETTLED_S:
            return False
        with suppress(psycopg.OperationalError), self._connected() as conn:
            wrong = asdict(judge.verdict(conn, self.said, self.desk, self._by_hand())) | judge.waiting(conn)
            left = {name: count for name, count in wrong.items() if count}
            if left and left != self._left:
                self.tell(f"not settled yet: {left}")
            self._left = left
            return not left
        return False

    def _by_hand(self) -> dict[int, list[judge.Flag]]:
        if self._judged is None:
            end = max(told[1] for told in self.said.sent) + judge.SETTLED_S
            self._judged = judge.flags_by_hand(self.said.sent, ZoneInfo(self._zone), self.began.date(), end)
        return self._judged

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection]:
        with psycopg.connect(self.database.direct, connect_timeout=5) as conn:
            yield conn

    def _report(self, settled_s: float | None) -> Report:
        with self._connected() as conn:
            return Report(
                course=self.course,
                verdict=judge.verdict(conn, self.said, self.desk, self._by_hand()),
                acknowledged=len(self.said.acknowledged),
                flags=sum(map(len, judge.flags(conn).values())),
                remarks=self.desk.answered,
                settled_after_s=settled_s,
                waiting=judge.waiting(conn),
                ended_by_themselves=dict(self.ended),
                faults=dict(sorted(self.met.items())),
                longest_without_service_s=dict(sorted(self.longest_s.items())),
                log=self.log,
            )

    def _note(self, what: str) -> None:
        self.log.append(what)
        self.tell(what)


def run(course: Course, folder: Path, tell: Callable[[str], object] = lambda _: None) -> Report:
    """Race in a folder that is empty, and keeps what the processes say."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)
    with ExitStack() as stack:
        return Race(course, folder, stack, tell).run()


def as_json(report: Report) -> dict[str, Any]:
    """Return a report to print."""
    told = asdict(report)
    course, verdict, _ = told.pop("course"), told.pop("verdict"), told.pop("log")
    return {**course, **verdict, **told}
