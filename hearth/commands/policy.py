"""`hearth policy`: read and check the policy."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from alerts.tickets.calendar import missing_years
from domain import policy_file
from domain.errors import UsageError
from domain.policy_review import summary, warnings

app = typer.Typer(help="The rules by which homes are judged.", no_args_is_help=True)


@app.command()
def show(name: Annotated[str, typer.Argument(help="A built-in policy; `policy list` names them.")] = "seed") -> None:
    """Print a built-in policy as TOML, to read or to start one's own from."""
    typer.echo(policy_file.builtin_text(name), nl=False)


@app.command("list")
def list_builtin() -> None:
    """Name the built-in policies and say what each is."""
    for name in policy_file.builtin_names():
        first = policy_file.builtin_text(name).splitlines()[0]
        typer.echo(f"{name:20} {first.removeprefix('#').strip()}")


@app.command()
def check(file: Annotated[Path, typer.Argument(help="A policy file.")]) -> None:
    """Sum up a policy file and warn of what may not be meant, or name what is wrong in it."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file}: is not text in UTF-8") from None
    chosen = policy_file.load(text, str(file))
    today = datetime.now(UTC).astimezone(chosen.zone).date()
    found = [*warnings(chosen, today), *missing_years(chosen, today)]
    for line in (*summary(chosen), *(f"warning: {warning}" for warning in found)):
        typer.echo(line)
