"""`hearth measurements`: the plan of measurements on site, and what is due."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from hearth.listing import local
from hearth.settings import load
from hearth.wiring import chosen_policy, now, open_database
from registry.measuring import import_plan
from store.base.access import EVERYWHERE
from store.sensors import measurement_rows

app = typer.Typer(help="Measurements on site: plan, and what is due.", no_args_is_help=True)
MOST_SHOWN = 100_000

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def plan(file: Annotated[Path, typer.Argument(help="CSV: room,room_kind,home,building,every_days,from,to")]) -> None:
    """Put a plan in force: rooms of homes, or of all homes of a building, every so many days."""
    settings = load()
    with open_database(settings, "measurements") as conn, conn.transaction():
        points = import_plan(conn, file, chosen_policy(settings).zone, now())
    typer.echo(f"{points} measuring points")


@app.command()
def due(
    within: Annotated[int, typer.Option(min=0, max=366, help="Days from now; 0: what is late.")] = 7,
    as_json: Json = False,
) -> None:
    """List measurements to be taken, longest overdue first."""
    settings, at = load(), now()
    zone = chosen_policy(settings).zone
    with open_database(settings, "measurements") as conn:
        tasks = measurement_rows.tasks(conn, EVERYWHERE, at + timedelta(days=within), limit=MOST_SHOWN)
    if as_json:
        typer.echo(json.dumps({"tasks": tasks}, default=str))
        return
    for task in tasks:
        late = " LATE" if task["due_at"] < at else ""
        typer.echo(f"{local(task['due_at'], zone)}  {task['home']}  {task['room'] or '-'}  {task['reason']}{late}")
    typer.echo(f"{len(tasks)} to be measured")
