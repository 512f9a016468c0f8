"""`hearth token`: keys to the API."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import psycopg
import typer

from domain.errors import UsageError
from hearth.settings import load
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
    now = datetime.now(UTC)
    expires_at = now + timedelta(days=days) if days else None
    try:
        with psycopg.connect(load().database_url.get_secret_value()) as conn:
            made = access.create(
                conn, role, now=now, homes=home or (), station=station, expires_at=expires_at
            )
    except psycopg.OperationalError as error:
        raise UsageError(f"HEARTH_DATABASE_URL: {str(error).splitlines()[0]}") from None
    except psycopg.errors.UndefinedTable:
        raise UsageError("the database is not migrated: run hearth migrate") from None
    typer.echo(made)
