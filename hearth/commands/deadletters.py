"""`hearth deadletters`: messages that could not be stored: looked at, tried again, forgotten."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import psycopg
import typer
from psycopg import Connection

from alerts.judging.judge import Judge
from domain.errors import UsageError
from domain.printable import printable
from domain.reasons import RejectReason
from domain.redaction import redacted
from hearth.days import FORMATS, checked
from hearth.ingesting import chosen_sources, limits_of
from hearth.listing import WORDS, listing
from hearth.settings import Settings, load
from hearth.wiring import chosen_policy, now, open_database
from ingest.batch import Intake
from ingest.dead_letters import LetterReplay, replay
from ingest.places import SensorPlaces
from store.base.away import is_away
from store.base.stage import open_stages
from store.readings import dead_letter_rows
from store.readings.dead_letter_rows import LetterFilter, WaitingLetter

WORKER = "hearth-replay"
SHOWN_CHARACTERS = 120
PURGED_AT_ONCE = 1000
app = typer.Typer(help="Messages that could not be stored.", no_args_is_help=True)

Reason = Annotated[RejectReason | None, typer.Option(help="Only those refused for this.")]
Since = Annotated[
    datetime | None,
    typer.Option(formats=FORMATS, callback=checked, metavar="DAY", help="Only those received from this local day on."),
]
Sensor = Annotated[str | None, typer.Option(help="Only those whose topic or payload names this sensor or device.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("list")
def list_(
    reason: Reason = None,
    since: Since = None,
    sensor: Sensor = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most, the newest first.")] = 50,
    as_json: Json = False,
) -> None:
    """Show the letters that wait. Payloads are shortened, and values that look like secrets left out."""
    settings = load()
    zone = chosen_policy(settings).zone
    wanted = LetterFilter(reason, _midnight(since, zone), sensor)
    with _database(settings) as conn:
        letters, waiting = dead_letter_rows.newest(conn, wanted, limit), dead_letter_rows.waiting(conn, wanted)
    if as_json:
        typer.echo(json.dumps({"waiting": waiting, "letters": [_shown(letter, zone) for letter in letters]}))
    else:
        _show(letters, waiting, zone)


# Seven parameters: typer makes an option of each.
@app.command("replay")
def replay_waiting(
    reason: Reason = None,
    since: Since = None,
    sensor: Sensor = None,
    letter: Annotated[list[int] | None, typer.Option("--id", help="This letter; may be repeated.")] = None,
    any_age: Annotated[
        bool, typer.Option("--any-age", help="Take also what came too long after it was measured.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would become of them.")] = False,
    as_json: Json = False,
) -> None:
    """Try waiting letters again, as of the time they were received. What can be stored is; the rest goes on waiting."""
    settings = load()
    policy = chosen_policy(settings)
    limits = limits_of(settings, policy, now())
    if any_age:
        limits = replace(limits, past_us=None)
    intake = Intake(WORKER, limits, Judge(policy).readings, SensorPlaces(), sources=chosen_sources(settings))
    wanted = LetterFilter(reason, _midnight(since, policy.zone), sensor, letter or None)
    with _database(settings) as conn:
        open_stages(conn)
        done = replay(conn, intake, wanted, now, dry_run)
    if as_json:
        typer.echo(json.dumps({**vars(done), "dry_run": dry_run}))
    else:
        _tell(done, dry_run)


@app.command()
def purge(
    older_than: Annotated[int, typer.Option("--older-than", min=1, max=36_500, metavar="DAYS", help="Days to keep.")],
    as_json: Json = False,
) -> None:
    """Delete letters received longer ago than that, replayed or not."""
    before, purged = now() - timedelta(days=older_than), 0
    with _database(load()) as conn:
        while more := dead_letter_rows.purge(conn, before, PURGED_AT_ONCE):
            purged += more
    typer.echo(json.dumps({"purged": purged}) if as_json else f"{purged:,} letters deleted")


@contextmanager
def _database(settings: Settings) -> Iterator[Connection]:
    try:
        with open_database(settings, "deadletters") as conn:
            yield conn
    except psycopg.errors.UndefinedTable:
        raise UsageError("the database is not migrated: run hearth migrate") from None
    except psycopg.OperationalError as error:
        if not is_away(error):
            raise
        raise UsageError(f"the database went away, run it again to go on: {str(error).strip()}") from None


def _midnight(day: datetime | None, zone: ZoneInfo) -> datetime | None:
    return day.replace(tzinfo=zone) if day else None


def _shown(letter: WaitingLetter, zone: ZoneInfo) -> dict[str, object]:
    return {
        "id": letter.dead_letter_id,
        "received_at": letter.received_at.astimezone(zone).isoformat(),
        "reason": letter.faults[0]["reason"],
        "topic": letter.topic,
        "detail": letter.faults[0]["detail"],
        "faults": letter.faults,
        "reasons": letter.reasons,
        "payload": excerpt(letter.payload),
        "payload_bytes": letter.payload_bytes,
        "cut": letter.is_cut,
    }


def excerpt(payload: bytes, most: int = SHOWN_CHARACTERS) -> str:
    """Return the beginning of a payload as one line, without secrets and terminal control characters."""
    return printable(redacted(payload[: 8 * most].decode(errors="replace")), most)


def _show(letters: list[WaitingLetter], waiting: int, zone: ZoneInfo) -> None:
    rows = []
    for letter in letters:
        row = _shown(letter, zone)
        if (more := sum(letter.reasons.values()) - 1) > 0:
            row["detail"] = f"{excerpt(str(row['detail']).encode(), SHOWN_CHARACTERS - 20)} and {more:,} more"
        received = letter.received_at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
        cells = (row["id"], received, *(row[name] for name in ("reason", "topic", "detail", "payload")))
        rows.append([excerpt(str(cell).encode()) for cell in cells])
    if letters:
        listing([(name, WORDS) for name in ("id", "received", "reason", "topic", "detail", "payload")], rows)
    typer.echo(f"{len(letters):,} of {waiting:,} waiting letters")


def _tell(done: LetterReplay, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    typer.echo(f"{done.replayed:,} of {done.taken:,} letters {would}replayed")
    typer.echo(
        f"  readings: {done.stored:,} stored ({done.late:,} of them late), {done.duplicates:,} there already, "
        f"{done.conflicts:,} in conflict"
    )
    for reason, count in sorted(done.refused.items()):
        typer.echo(f"  {count:,} go on waiting: {reason}")
    if done.cut:
        typer.echo(f"  {done.cut:,} cannot be replayed: too long, only their beginning was kept")
