"""`python -m tests.simulation`: plays seeds and mutants, and prints what was found as JSON."""

import argparse
import gc
import json
import logging
import multiprocessing
import os
import statistics
import sys
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import structlog

from tests.simulation import night, playing, processes, stage
from tests.simulation.mutants import MUTANTS, planted
from tests.simulation.playing import Cut, Outcome
from tests.simulation.stage import Doorway, Stage

MOST_SEEDS = 2_000  # within which a mutant is to be found
MUTANT_SHARE = 0.5  # of the time


def main() -> int:
    """Do what is asked; the exit code is 1 where anything was violated, or a mutant was not found."""
    asked = _parser().parse_args()
    quiet(asked.verbose)
    if asked.seed is not None:
        with stage.server() as server:
            return _replay(stage.make(server, "simulation"), asked)
    with stage.apart(asked.workers) as stages:
        if asked.seeds:
            return _long(stages, asked)
        report = measured(stages, asked)
    print(json.dumps(report, indent=2))
    return int(bool(report["violations"]) or report["mutants_found"] < report["mutants"])


def _long(stages: list[Doorway], asked: argparse.Namespace) -> int:
    first, last = asked.seeds
    with multiprocessing.get_context("fork").Pool(len(stages)) as pool:
        total = night.run(first, last, asked.log, pool, stages)
    print(json.dumps(asdict(total), indent=2))
    return int(bool(total.failed))


def _range(text: str) -> tuple[int, int]:
    first, _, last = text.partition(":")
    return int(first), int(last)


def quiet(verbose: bool = False) -> None:
    """Have the product log nothing but what is asked for, as faults fill pages; look for garbage less often."""
    gc.freeze()  # modules stay
    gc.set_threshold(20_000, 20, 50)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(20 if verbose else 50))
    logging.getLogger("psycopg").setLevel(logging.CRITICAL)


def measured(stages: list[Doorway], asked: argparse.Namespace) -> dict[str, Any]:
    """Play for the time asked, on all stages at once."""
    begin = time.monotonic()
    for_seeds = asked.seconds * (MUTANT_SHARE if asked.mutants else 1)
    with multiprocessing.get_context("fork").Pool(len(stages)) as pool:
        parts = [(one, asked.first + n, len(stages), begin + for_seeds) for n, one in enumerate(stages)]
        outcomes = [outcome for part in pool.starmap(_many, parts) for outcome in part]
        took_s = time.monotonic() - begin
        mutants: dict[str, int | None] = {}
        if asked.mutants:
            until = begin + asked.seconds
            names = [(list(MUTANTS)[n :: len(stages)], one, until) for n, one in enumerate(stages)]
            mutants = {name: seeds for part in pool.starmap(_hunt, names) for name, seeds in part.items()}
    return _report(outcomes, mutants, took_s)


def _report(outcomes: list[Outcome], mutants: dict[str, int | None], took_s: float) -> dict[str, Any]:
    found = [seeds for seeds in mutants.values() if seeds]
    met = sum((Counter(outcome.faults) for outcome in outcomes), Counter[str]())
    failed = [outcome for outcome in outcomes if outcome.violations]
    return {
        "seeds": len(outcomes),
        "seeds_per_s": round(len(outcomes) / took_s, 2),
        "steps_per_s": round(sum(one.steps for one in outcomes) / took_s),
        "statements_per_s": round(sum(one.statements for one in outcomes) / took_s),
        "faults": dict(sorted(met.items())),
        "mutants": len(mutants),
        "mutants_found": len(found),
        "median_seeds_to_find": statistics.median(found) if found else None,
        "seeds_to_find": mutants,
        "violations": len(failed),
        "failed": [{"replay": playing.command(one.seed, Cut()), "what": one.violations[:3]} for one in failed[:20]],
    }


def _many(on: Doorway, first: int, step: int, until: float) -> list[Outcome]:
    """Play seeds until an instant; at least one."""
    outcomes: list[Outcome] = []
    with processes.virtual_modules():
        mine, seed = on.enter(), first
        while not outcomes or time.monotonic() < until:
            outcomes.append(playing.play(mine, seed))
            seed += step
        mine.close()
    return outcomes


def _hunt(names: list[str], on: Doorway, until: float) -> dict[str, int | None]:
    """Look for mutants; return after how many seeds each was found, None: not in the time."""
    found: dict[str, int | None] = {}
    with processes.virtual_modules():
        mine = on.enter()
        for nth, name in enumerate(names):
            left = (until - time.monotonic()) / (len(names) - nth)
            found[name] = seeds_to_find(mine, name, MOST_SEEDS, time.monotonic() + left)
        mine.close()
    return found


def seeds_to_find(on: Stage, name: str, most: int, until: float) -> int | None:
    """Play seeds with a bug planted until a check finds it; return how many that took."""
    with planted(name, on):
        for seed in range(1, most + 1):
            if playing.play(on, seed).violations:
                return seed
            if time.monotonic() > until:
                return None
    return None


def _replay(on: Stage, asked: argparse.Namespace) -> int:
    cut = Cut(*(frozenset(map(int, filter(None, one.split(",")))) for one in
                (asked.without_faults, asked.without_homes, asked.without_messages)))  # fmt: skip
    trace: list[str] | None = [] if asked.trace else None
    with processes.virtual_modules(), planted(asked.mutant, on) if asked.mutant else processes.as_is():
        outcome = playing.play(on, asked.seed, cut, trace)
        if asked.shrink and outcome.violations:
            print(playing.command(asked.seed, playing.shrink(on, asked.seed)))
    print("\n".join(trace or []), file=sys.stderr)
    print(json.dumps(asdict(outcome), indent=2))
    return int(bool(outcome.violations))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--workers", type=int, default=min(os.cpu_count() or 1, 2))
    parser.add_argument(
        "--seeds", type=_range, metavar="FROM:TO", help="play these, both included, and note them in --log"
    )
    parser.add_argument("--log", type=Path, default=Path("simulation.log"), help="what it has is not played again")
    parser.add_argument("--mutants", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--seed", type=int, help="play this one alone")
    parser.add_argument("--mutant", choices=sorted(MUTANTS), help="with this bug planted")
    parser.add_argument("--shrink", action="store_true", help="find the smallest part of it that fails")
    parser.add_argument("--trace", action="store_true", help="every statement, on stderr")
    parser.add_argument("--verbose", action="store_true", help="what the product logs, too")
    for name in ("faults", "homes", "messages"):
        parser.add_argument(f"--without-{name}", default="", metavar="N,N")
    return parser


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # sets of words have one order in all processes, so a seed replays
        os.execve(sys.executable, sys.orig_argv, {**os.environ, "PYTHONHASHSEED": "0"})
    sys.exit(main())
