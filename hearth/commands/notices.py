"""`hearth notices`: messages that could not be sent: looked at, tried again."""

import json
from typing import Annotated
from uuid import UUID

import typer

from domain.errors import UsageError
from hearth.listing import WORDS, listing, local
from hearth.settings import load
from hearth.wiring import chosen_policy, now, open_database
from store.notices import notice_rows

app = typer.Typer(help="Messages that could not be sent.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most, the newest first.")] = 50,
    as_json: Json = False,
) -> None:
    """Show the messages that failed and have not been tried again, and how many there are of each channel."""
    settings = load()
    zone = chosen_policy(settings).zone
    with open_database(settings, "notices") as conn:
        health, failed = notice_rows.health(conn), notice_rows.failed(conn, limit)
    if as_json:
        typer.echo(json.dumps({"health": health, "failed": failed}, default=str))
        return
    columns = ("key", "failed at", "recipient", "channel", "reason", "detail", "attempts", "subject")
    rows = [
        (row["key"], local(row["failed_at"], zone), row["recipient"] or f"home {row['home']}", row["channel"],
         row["reason"], row["detail"], row["attempts"], row["subject"])
        for row in failed
    ]  # fmt: skip
    if rows:
        listing([(name, WORDS) for name in columns], rows)
    for row in health:
        typer.echo(f"{row['audience']} by {row['channel']}: {row['failed']} failed, {row['waiting']} wait")


@app.command("retry")
def retry(
    key: Annotated[UUID | None, typer.Argument(help="Of the message; without it all that failed.")] = None,
    as_json: Json = False,
) -> None:
    """Try failed messages again, once the cause is gone. They keep their keys."""
    settings = load()
    rules = chosen_policy(settings).rules_at(now()).notices
    if rules is None:
        raise UsageError("HEARTH_POLICY: there are no [version.notices] in force: nobody is told of anything")
    with open_database(settings, "notices") as conn:
        count = notice_rows.try_again(conn, key, now(), rules.give_up_s)
    typer.echo(json.dumps({"tried_again": count}) if as_json else f"{count} to be tried again")
