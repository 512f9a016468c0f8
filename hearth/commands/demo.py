"""`hearth demo`: a whole town on this machine, with nothing to install or set up before."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from domain.errors import UsageError
from hearth.demo.show import show
from hearth.demo.stand import HOMES, SEED, stand, wishes_for
from hearth.wiring import stop_on_signal


def demo(
    homes: Annotated[int | None, typer.Option(min=1, max=100_000, help=f"Size of the town; usually {HOMES}.")] = None,
    for_: Annotated[float | None, typer.Option("--for", min=1, help="End after so many seconds.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Of the API; usually 8080.")] = None,
    folder: Annotated[Path, typer.Option(help="Everything is kept there; the next start goes on.")] = Path("demo-data"),
    seed: Annotated[int | None, typer.Option(min=0, help=f"Another town; usually {SEED}.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary alone, as JSON.")] = False,
) -> None:
    """Show a whole town at work: database, broker, Hearth, simulated homes. Ctrl-C stops everything."""
    stop = stop_on_signal()
    console = Console(stderr=as_json)
    wishes = wishes_for(folder.resolve(), homes, seed, port)
    console.print("starting a database and a broker …")
    try:
        with stand(wishes) as ground:
            told = show(ground, stop, for_, console)
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
