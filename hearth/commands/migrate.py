"""`hearth migrate`: bring the database up to date."""

import psycopg
import typer

import store.base.migrate
from domain.errors import UsageError
from hearth.settings import load
from registry.place_index import bring_up
from store.base.migrate import flavour
from store.registry import registry_rows


def migrate() -> None:
    """Apply the migrations that the database lacks. Safe to repeat, and to start twice at once."""
    try:
        with psycopg.connect(load().database_url.get_secret_value()) as conn:
            applied = store.base.migrate.migrate(conn)
            registry_rows.lock(conn)
            bring_up(conn)
            conn.commit()
            server = flavour(conn)
    except psycopg.OperationalError as error:
        raise UsageError(f"HEARTH_DATABASE_URL: {str(error).strip().splitlines()[0]}") from None
    typer.echo("\n".join([*(f"applied {name}" for name in applied), f"up to date ({server})"]))
