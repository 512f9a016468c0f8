"""`hearth tickets`: the records of the repair desk."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from alerts.evidence.chain import ChainReport, verify
from domain.errors import UsageError
from hearth.settings import load
from hearth.wiring import open_database

app = typer.Typer(help="The records of the repair desk.", no_args_is_help=True)


@app.command("verify")
def verify_chain(
    seal: Annotated[
        str | None,
        typer.Option(metavar="NUMBER:HASH", help="A seal that an earlier check printed: it has to be there unchanged."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check that no event of a ticket was changed, put in or taken away; exit code 1 if one was."""
    if seal is not None and not seal.partition(":")[0].isdigit():
        raise UsageError(f"--seal: {seal!r} is not of the form NUMBER:HASH")
    with open_database(load(), "tickets") as conn:
        conn.autocommit = True
        report = verify(conn, seal)
    print(json.dumps(asdict(report)) if as_json else told(report))
    if report.faults:
        raise typer.Exit(1)


def told(report: ChainReport) -> str:
    """Format the report."""
    lines = list(report.told)
    if report.faults > len(report.told):
        lines.append(f"and {report.faults - len(report.told)} more")
    state = "in order" if not report.faults else f"{report.faults} fault(s)"
    sealed = f"{report.sealed} of them under {report.seals} seals"
    lines.append(f"{report.events} events of {report.tickets} tickets, {sealed}: {state}")
    if report.last_seal:
        lines.append(f"last seal, to note down elsewhere: {report.last_seal}")
    return "\n".join(lines)
