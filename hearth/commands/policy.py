"""`hearth policy`: read and check the rules."""

from pathlib import Path
from typing import Annotated

import typer

from domain import policy as rules
from domain.errors import UsageError

app = typer.Typer(help="The rules by which homes are judged.", no_args_is_help=True)


@app.command()
def show(name: Annotated[str, typer.Argument(help="A built-in policy.")] = "seed") -> None:
    """Print a built-in policy as TOML, to read or to start one's own from."""
    typer.echo(rules.builtin_text(name), nl=False)


@app.command()
def check(file: Annotated[Path, typer.Argument(help="A policy file.")]) -> None:
    """Say whether a policy file is complete, or name what is wrong in it."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None
    policy = rules.load(text, str(file))
    typer.echo(f"{policy.name}: {len(policy.versions)} version(s), zone {policy.zone.key}: in order")
