"""A long run over a range of seeds, which can be stopped and taken up again: one line for each thousand in a log.

A line says what was played and what was found, so that the lines of several nights add up. What a line has is not
played again.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from multiprocessing.pool import Pool
from pathlib import Path
from typing import Any

from tests.simulation import playing, processes
from tests.simulation.playing import Cut
from tests.simulation.stage import Doorway

BLOCK = 1_000  # seeds of a line
PART = 250  # that one process plays at a time: new sessions are dear


@dataclass
class Summary:
    """The outcome of a range of seeds."""

    first: int
    last: int
    seeds: int = 0
    statements: int = 0
    cpu_s: float = 0.0  # of the simulation's own processes, without the server
    faults: dict[str, int] = field(default_factory=dict)
    failed: list[dict[str, Any]] = field(default_factory=list)

    def add(self, other: "Summary") -> None:
        """Add another range."""
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)
        self.seeds += other.seeds
        self.statements += other.statements
        self.cpu_s = round(self.cpu_s + other.cpu_s, 1)
        self.faults = dict(sorted((Counter(self.faults) + Counter(other.faults)).items()))
        self.failed = [*self.failed, *other.failed]


def play(first: int, last: int, on: Doorway) -> Summary:
    """Play seeds, both ends included; one whose play breaks off is a failure, and a new stage follows."""
    done, begin = Summary(first, last), time.process_time()
    with processes.virtual_modules():
        mine = on.enter()
        for seed in range(first, last + 1):
            faults: dict[str, int] = {}
            try:
                outcome = playing.play(mine, seed)
                what, faults = outcome.violations, outcome.faults
                done.statements += outcome.statements
            except Exception as error:
                what = [f"broke off: {type(error).__name__}: {error}"]
                with suppress(Exception):
                    mine.close()
                mine = on.enter()
            done.seeds += 1
            done.faults = dict(Counter(done.faults) + Counter(faults))
            if what:
                done.failed.append({"replay": playing.command(seed, Cut()), "what": what[:3]})
        mine.close()
    done.cpu_s = time.process_time() - begin
    return done


def run(first: int, last: int, log: Path, pool: Pool, stages: Sequence[Doorway]) -> Summary:
    """Play what a log lacks of a range, both ends included; return the sum of the log.

    Which process plays which part makes no difference: a seed is the same on each stage.
    """
    known = {(one.first, one.last) for one in summaries(log)}
    for low in range(first, last + 1, BLOCK):
        high = min(low + BLOCK - 1, last)
        if (low, high) in known:
            continue
        line = Summary(low, high)
        for some in _shared_out(low, high, pool, stages):
            line.add(some)
        with log.open("a") as out:
            out.write(json.dumps(asdict(line)) + "\n")
    total = Summary(first, first)
    for one in summaries(log):
        total.add(one)
    return total


def _shared_out(low: int, high: int, pool: Pool, stages: Sequence[Doorway]) -> Iterator[Summary]:
    """Play a block, as many parts at once as there are stages, each of which has one."""
    parts = [(begin, min(begin + PART - 1, high)) for begin in range(low, high + 1, PART)]
    for nth in range(0, len(parts), len(stages)):
        at_once = zip(parts[nth : nth + len(stages)], stages, strict=False)
        yield from pool.starmap(play, [(*part, stage) for part, stage in at_once], chunksize=1)


def summaries(log: Path) -> list[Summary]:
    """Read the lines of a log."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [Summary(**json.loads(line)) for line in lines]
