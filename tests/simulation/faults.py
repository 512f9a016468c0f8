"""Faults, drawn by the seed: at a statement of a process, at an acknowledgement, or at an instant."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random

from tests.simulation.timeline import SECOND
from tests.simulation.town import HOUR, MINUTE, Day


class Fault(StrEnum):
    """Kinds of faults."""

    CUT_BEFORE = "cut_before"  # the connection is lost before the server hears the statement
    CUT_AFTER = "cut_after"  # the statement is done, a commit too, and the answer is lost
    KILL_BEFORE = "kill_before"
    KILL_AFTER = "kill_after"
    DISK_FULL = "disk_full"
    DEADLOCK = "deadlock"
    REFUSED = "refused"  # for its content, so that a savepoint or a transaction goes back
    STALL = "stall"  # the process stands still, in the middle of its transaction
    CLOCK = "clock"  # its clock is set
    KILL = "kill"  # at an instant
    BROKER = "broker"  # restarts
    NETWORK = "network"  # the connection to the broker is lost before or after an acknowledgement


AT_STATEMENT = (
    Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.KILL_BEFORE, Fault.KILL_AFTER, Fault.DISK_FULL, Fault.DEADLOCK,
    Fault.REFUSED, Fault.STALL,
)  # fmt: skip
SQLSTATES = {Fault.DISK_FULL: "53100", Fault.DEADLOCK: "40P01", Fault.REFUSED: "22003"}
AFTER = frozenset({Fault.CUT_AFTER, Fault.KILL_AFTER})
AT_COMMIT = (Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.KILL_BEFORE, Fault.KILL_AFTER)
MOST_STATEMENTS = 200
FOLLOWED, SOON = 0.4, 30  # share of the faults that another one follows, and within how many statements of a process
AT_WORK_US = (-200_000, 1_500_000)  # around a beat
STALLS_US = (2 * SECOND, 20 * SECOND, 90 * SECOND)
LONGEST_STALL_US = max(STALLS_US)
FROM_OUTSIDE, INGEST = 0.5, "ingest-1"  # share of what is refused for its content that has come with messages
# What was lost and is there again is often lost once more: a link flaps, and a broker that comes up falls over.
FLAPPING, AGAIN_US = 0.5, (20_000, 1_500_000)
LONGEST_SKEW_US = 4 * MINUTE  # a reading from more than five minutes ahead is refused: that is another rule


@dataclass(frozen=True)
class Planned:
    """A fault of a seed: at the n-th statement or acknowledgement of a process's name, or at an instant."""

    kind: Fault
    name: str
    nth: int = 0
    commits: bool = False  # the n-th commit is meant, not the n-th statement
    at_us: int = 0
    amount: int = 0  # µs: of a stall, or of a clock
    is_sent: bool = False  # the acknowledgement, before the connection is lost
    again_us: tuple[int, ...] = ()  # after it, when the connection to the broker is lost once more
    then: "Planned | None" = None  # what follows, its `nth` counted from here: few faults come alone

    def __str__(self) -> str:
        return f"{self.kind.value} {self.name} {self.nth or self.at_us}"


def draw(chance: Random, names: Sequence[str], day: Day) -> list[Planned]:
    """Draw the faults of a seed's processes: none in a few, many in some, of a few kinds each time."""
    kinds = chance.sample(list(Fault), chance.choice([2, 4, 8]))
    return [_one(chance, names, chance.choice(kinds), day) for _ in range(chance.choice([0, 3, 6, 12]))]


def _one(chance: Random, names: Sequence[str], kind: Fault, day: Day) -> Planned:
    name = chance.choice([one for one in names if _can_be(kind, one)])
    if kind is Fault.REFUSED and chance.random() < FROM_OUTSIDE:
        name = INGEST
    then = None
    if chance.random() < FOLLOWED:
        then = _at_statement(chance, name, chance.choice([one for one in AT_STATEMENT if _can_be(one, name)]), SOON)
    return replace(_alone(chance, name, kind, day), then=then)


def _can_be(kind: Fault, name: str) -> bool:
    """Return whether a process can meet a fault."""
    return kind is not Fault.NETWORK or "ingest" in name


def _alone(chance: Random, name: str, kind: Fault, day: Day) -> Planned:
    if kind in AT_STATEMENT:
        return _at_statement(chance, name, kind, MOST_STATEMENTS)
    if kind is Fault.NETWORK:
        is_sent = chance.random() < 0.5
        return Planned(kind, name, nth=chance.randrange(1, 10), is_sent=is_sent, again_us=_flapping(chance))
    at_us = chance.randrange(day.begin_us, day.end_us - HOUR)
    if chance.random() < 0.7:  # while all are at work, not while all wait
        at_us = chance.choice([beat for beat in day.beats_us if beat < day.end_us]) + chance.randrange(*AT_WORK_US)
    amount = chance.randint(-LONGEST_SKEW_US, LONGEST_SKEW_US)
    return Planned(kind, name, at_us=at_us, amount=amount, again_us=_flapping(chance) if kind is Fault.BROKER else ())


def _flapping(chance: Random) -> tuple[int, ...]:
    """Draw when a connection that was lost is lost again, mostly while what waited meanwhile is being worked off."""
    if chance.random() > FLAPPING:
        return ()
    return tuple(sorted(chance.randrange(*AGAIN_US) for _ in range(chance.choice([1, 2, 4]))))


def _at_statement(chance: Random, name: str, kind: Fault, most: int) -> Planned:
    if kind in AT_COMMIT and chance.random() < 0.5:
        return Planned(kind, name, nth=chance.randrange(1, max(most // 5, 4)), commits=True)
    return Planned(kind, name, nth=chance.randrange(1, most), amount=chance.choice(STALLS_US))
