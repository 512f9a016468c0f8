"""`hearth token`: keys to the API."""

from datetime import timedelta
from typing import Annotated

import psycopg
import typer

from domain.errors import UsageError
from hearth.settings import load
from hearth.wiring import now, open_database
from store import access

app = typer.Typer(help="Keys to the API.", no_args_is_help=True)


@app.callback()
def token() -> None:
    """Keys to the API."""


@app.command()
def create(
    role: Annotated[access.Role, typer.Option(help="What the bearer is.")],
    home: Annotated[list[str] | None, typer.Option(help="A home of a customer; may be repeated.")] = None,
    station: Annotated[str | None, typer.Option(help="The station of a crew.")] = None,
    days: Annotated[int | None, typer.Option(min=1, max=36_500, help="Valid for so long.")] = None,
) -> None:
    """Make a token and print it, this once and alone; only its hash is kept."""
    made_at = now()
    expires_at = made_at + timedelta(days=days) if days else None
    with open_database(load(), "token") as conn, conn.transaction():
        try:
            made = access.create(conn, role, now=made_at, homes=home or (), station=station, expires_at=expires_at)
        except psycopg.errors.UndefinedTable:
            raise UsageError("the database is not migrated: run hearth migrate") from None
    typer.echo(made)
