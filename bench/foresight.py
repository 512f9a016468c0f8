"""`python -m bench.foresight`: the quality and the speed of forecasts and estimates, as one JSON object.

Each section is a function that returns figures; the object has those of all. Models learn from the first 60 % of a
recording and are judged on the rest.
"""

import argparse
import json
import resource
from collections.abc import Callable, Sequence

from bench import causes, foretold, seasons, without_sensors

Figures = dict[str, float | int | None]
SECTIONS: dict[str, Callable[[], Figures]] = {
    "forecast": foretold.figures,
    "rates": seasons.figures,
    "unmeasured": without_sensors.figures,
    "causes": causes.figures,
}


def measure(sections: Sequence[str] = tuple(SECTIONS)) -> Figures:
    """Return the figures of these sections, and the most memory that they took together."""
    figures: Figures = {}
    for section in sections:
        figures |= SECTIONS[section]()
    figures["peak_rss_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return figures


def main(arguments: Sequence[str] | None = ()) -> None:
    """Print the figures of all sections, or of those named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("section", nargs="*", help=f"of {', '.join(SECTIONS)}; all without")
    args = parser.parse_args(arguments)
    if unknown := set(args.section) - set(SECTIONS):
        parser.error(f"no section {min(unknown)}: there are {', '.join(SECTIONS)}")
    print(json.dumps(measure(args.section or tuple(SECTIONS))))


if __name__ == "__main__":
    main(None)
