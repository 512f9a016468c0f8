"""`python -m bench.chaos --minutes 10`: kills, halts and cuts off everything at random, and judges what is left.

Prints JSON; exit code 1 if something was lost, doubled, wrong, or did not settle. Ctrl-C ends everything.
"""

import argparse
import json
import random
import tempfile
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path

from rich.console import Console

from bench.chaos.race import Course, as_json, run
from local import trixie
from local.server import ServerError

console = Console(stderr=True)


def main() -> None:
    """Race, and print what came of it."""
    asked = _parser().parse_args()
    course = Course(**{one.name: getattr(asked, one.name) for one in fields(Course)})
    console.print(f"seed {course.seed}: {course.minutes:g} minutes")
    try:
        with ExitStack() as stack:
            if asked.standby:
                trixie.ensure(console.print)
            temporary = tempfile.TemporaryDirectory(prefix="hearth-chaos-") if asked.folder is None else None
            folder = Path(stack.enter_context(temporary)) if temporary else Path(asked.folder)
            folder.mkdir(parents=True, exist_ok=temporary is not None)
            report = run(course, folder, console.print)
    except ServerError as error:
        raise SystemExit(f"bench: {error}") from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    print(json.dumps(as_json(report), indent=2))
    raise SystemExit(0 if report.is_well else 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=Course.minutes, help="for how long something breaks")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="what breaks when")
    parser.add_argument("--broker", choices=("artemis", "mosquitto"), default=Course.broker)
    parser.add_argument("--standby", action=argparse.BooleanOptionalAction, default=True, help="a pair of databases")
    parser.add_argument("--homes", type=int, default=Course.homes)
    parser.add_argument("--rate", type=float, default=Course.rate, help="readings a second")
    parser.add_argument("--mutant", help="plant a bug of tests/simulation/mutants.py, which has to be found")
    parser.add_argument("--only", default="", help="kinds of faults that have this in their name")
    parser.add_argument("--settle-s", type=float, default=Course.settle_s, help="for the end, when faults are over")
    parser.add_argument("--folder", help="keep what processes and servers say here")
    return parser


if __name__ == "__main__":
    main()
