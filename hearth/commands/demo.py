"""`hearth demo`: a whole town on this machine, with nothing to install or set up before."""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from domain.errors import UsageError
from hearth.demo.note import DAYS, HOMES, PACE_S, SEED


# Ten parameters: typer makes an option of each.
def demo(
    homes: Annotated[int | None, typer.Option(min=1, max=100_000, help=f"Size of the town; usually {HOMES}.")] = None,
    for_: Annotated[float | None, typer.Option("--for", min=1, help="End after so many seconds.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Of the pages; usually 8080.")] = None,
    folder: Annotated[Path, typer.Option(help="Everything is kept there; the next start goes on.")] = Path("demo-data"),
    seed: Annotated[int | None, typer.Option(min=0, help=f"Another town; usually {SEED}.")] = None,
    pace: Annotated[
        int | None, typer.Option(min=5, max=3600, help=f"Seconds between two readings of a sensor; usually {PACE_S}.")
    ] = None,
    days: Annotated[int | None, typer.Option(min=0, max=80, help=f"Days behind it at first; usually {DAYS}.")] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    here: Annotated[bool, typer.Option("--here", help="For this machine alone: no telephone gets in.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary alone, as JSON.")] = False,
) -> None:
    """Show a whole town at work: database, broker, Hearth, simulated homes. Ctrl-C stops everything."""
    began_s = time.monotonic()
    console = Console(stderr=as_json)
    console.print("A town on this machine: database, broker, Hearth and homes.", highlight=False)
    # Imported late: it takes a second, and somebody waits for a sign of life.
    from hearth.demo.screen import Screen
    from hearth.demo.show import Wanted, show
    from hearth.demo.stand import DemoOptions, note_for, stand
    from hearth.wiring import stop_on_signal

    stop = stop_on_signal()
    options = DemoOptions(folder.resolve(), port, here)
    note = note_for(options.folder, {"homes": homes, "seed": seed, "pace_s": pace, "days": days})
    try:
        with Screen(console, began_s) as screen, stand(options, note, screen.step) as ground:
            told = show(ground, screen, Wanted(stop, for_, open_))
    except UsageError:
        if stop.is_set():  # Ctrl-C before everything stood
            return
        raise
    if as_json:
        print(json.dumps(told))
    else:
        _print(told, console)


def _print(told: dict[str, Any], console: Console) -> None:
    for name, value in told.items():
        console.print(f"{name.replace('_', ' '):<28}{_shown(value)}", highlight=False)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{count} {name}" for name, count in value.items())
    return ("yes" if value else "no") if isinstance(value, bool) else f"{value:,}"
