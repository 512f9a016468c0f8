"""Faults, drawn by the seed: at a statement of a process, at an acknowledgement, or at an instant."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random

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
    NETWORK = "network"  # the connection to the broker is lost around an acknowledgement


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
    then: "Planned | None" = None  # what follows, its `nth` counted from here: few faults come alone

    def __str__(self) -> str:
        return f"{self.kind.value} {self.name} {self.nth or self.at_us}"


def draw(chance: Random, names: Sequence[str], day: Day) -> list[Planned]:
    """Draw the faults of a seed's processes: none in a few, many in some, of a few kinds each time."""
    kinds = chance.sample(list(Fault), chance.choice([2, 4, 8]))
    return [_one(chance, names, chance.choice(kinds), day) for _ in range(chance.choice([0, 3, 6, 12]))]


def _one(chance: Random, names: Sequence[str], kind: Fault, day: Day) -> Planned:
    name = chance.choice([one for one in names if _can_be(kind, one)])
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
        return Planned(kind, name, nth=chance.randrange(1, 10))
    at_us = chance.randrange(day.begin_us, day.end_us - HOUR)
    if chance.random() < 0.7:  # while all are at work, not while all wait
        at_us = chance.choice([beat for beat in day.beats_us if beat < day.end_us]) + chance.randrange(*AT_WORK_US)
    return Planned(kind, name, at_us=at_us, amount=chance.randint(-LONGEST_SKEW_US, LONGEST_SKEW_US))


def _at_statement(chance: Random, name: str, kind: Fault, most: int) -> Planned:
    if kind in AT_COMMIT and chance.random() < 0.5:
        return Planned(kind, name, nth=chance.randrange(1, max(most // 5, 4)), commits=True)
    return Planned(kind, name, nth=chance.randrange(1, most), amount=chance.choice([2, 20, 90]) * 1_000_000)
