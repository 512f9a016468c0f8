"""`hearth verify`: whether all evidence is as it was written."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from alerts.evidence.check import CHECKS, Findings
from domain.errors import UsageError
from domain.printable import printable
from hearth.on_record import chosen_history
from hearth.settings import load
from hearth.wiring import chosen_files, now, open_database

LONGEST_TOLD = 400  # characters of a fault
INTERRUPTED = 130


def verify(
    checks: Annotated[
        list[str] | None, typer.Argument(metavar="[CHECK]...", help=f"Only these: {', '.join(CHECKS)}.")
    ] = None,
    seal: Annotated[
        str | None,
        typer.Option(metavar="NUMBER:HASH", help="A seal that was published or noted: it has to be there unchanged."),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], metavar="DAY", help="Leave out readings of days before (UTC)."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check that no evidence was changed, put in or taken away; exit code 1 if any was."""
    if seal is not None and not seal.partition(":")[0].isdigit():
        raise UsageError(f"--seal: {seal!r} is not of the form NUMBER:HASH")
    if unknown := set(checks or ()) - CHECKS.keys():
        raise UsageError(f"no such check: {', '.join(sorted(unknown))}; there are {', '.join(CHECKS)}")
    if seal is not None and checks and "tickets" not in checks:
        raise UsageError("--seal: is looked at by the check `tickets`, which is left out")
    found = Findings(now(), seal, since.replace(tzinfo=UTC).date() if since else None)
    complete = _run(found, [name for name in CHECKS if not checks or name in checks])
    typer.echo(json.dumps(_plain(found, complete)) if as_json else told(found, complete))
    if not complete:
        raise typer.Exit(INTERRUPTED)
    if found.faults:
        raise typer.Exit(1)


def _run(found: Findings, names: list[str]) -> bool:
    """Make the checks, with progress on a terminal; False if they were interrupted."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    settings = load()
    found.files, found.history = chosen_files(settings), chosen_history(settings)
    with open_database(settings, "verify") as conn, Progress(*columns, console=console, transient=True) as progress:
        conn.autocommit = True
        progress.disable = not console.is_terminal
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=of)
            progress.update(tasks[what], completed=done, total=of)

        found.progress = show
        try:
            for name in names:
                CHECKS[name](conn, found)
        except KeyboardInterrupt:
            return False
    return True


def _plain(found: Findings, complete: bool) -> dict[str, Any]:
    names = ("counts", "last_seal", "faults", "told", "amended", "amendments")
    return {"complete": complete, **{name: getattr(found, name) for name in names}}


def told(found: Findings, complete: bool) -> str:
    """Format the findings."""
    lines = [printable(f"{fault['check']}: {fault['what']}", LONGEST_TOLD) for fault in found.told]
    if found.faults > len(lines):
        lines.append(f"and {found.faults - len(lines)} more")
    lines.append(", ".join(f"{count:,} {what}" for what, count in found.counts.items()))
    if found.amended:
        lines.append(
            f"{found.amended} closed days of the ledger were counted again later; --json lists times and writers"
        )
    if found.last_seal:
        lines.append(f"last seal, to note down elsewhere: {found.last_seal}")
    state = "in order" if not found.faults else f"{found.faults} fault(s)"
    lines.append(state if complete else f"interrupted; up to there: {state}")
    return "\n".join(lines)
