"""Hostile senders, clients and clocks, and what they do to the others, as figures, on real servers.

`docs/performance.md` says how each figure is taken.
"""

import argparse
import importlib
import json
from collections.abc import Callable, Mapping, Sequence

from rich.console import Console

from local.server import ServerError

# Each measures in its own module: measure(quick) returns figures by name.
PARTS = {
    "broker": "bench.hostile_broker",
    "flood": "bench.hostile_flood",
    "clock": "bench.hostile_clock",
    "export": "bench.hostile_export",
}
Measure = Callable[[bool], Mapping[str, object]]
console = Console(stderr=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Take all figures and print them as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run that only shows that it runs")
    parser.add_argument("--only", choices=PARTS, help="one part of it")
    args = parser.parse_args(arguments)
    figures: dict[str, object] = {}
    try:
        for name in PARTS if args.only is None else (args.only,):
            console.print(f"hostile: {name}")
            found = part(name)(args.quick)
            console.print(found)
            figures.update(found)
    except ServerError as error:
        raise SystemExit(f"bench: {error}") from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    print(json.dumps(figures))


def part(name: str) -> Measure:
    """Return what takes the figures of a part; each part brings its own servers, so it is loaded when it is wanted."""
    measure: Measure = importlib.import_module(PARTS[name]).measure
    return measure


if __name__ == "__main__":
    main()
