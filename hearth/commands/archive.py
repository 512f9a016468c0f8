"""`hearth archive`: settled days of readings as open files."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from psycopg import Connection
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from archives import restoring, sealing, verifying
from archives.layout import KINDS
from archives.manifest import ArchiveBroken
from archives.reading import ReadingArchive
from domain.errors import UsageError
from domain.printable import printable
from hearth.archiving import alone
from hearth.far_recheck import publish
from hearth.on_record import chosen_archive
from hearth.settings import Settings, load
from hearth.wiring import now, open_database
from store.evidence import archive_rows
from store.judging import ledger_rows
from store.readings import retention, stays

INTERRUPTED = 130
PATIENCE_S = 20  # a process that was killed lets go of its lock at once, one that seals in a while
LONGEST_TOLD = 400  # characters of a fault

app = typer.Typer(help="Settled days of readings as open files (HEARTH_ARCHIVE).", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what there is to do, and do nothing.")]


@app.command()
def status(as_json: AsJson = False) -> None:
    """Say what is in the archive, and what of it the table still has."""
    settings = load()
    with _opened(settings) as (conn, archive):
        figures = _figures(conn, archive, settings)
    typer.echo(json.dumps(figures) if as_json else _told(figures))


def _figures(conn: Connection, archive: ReadingArchive, settings: Settings) -> dict[str, Any]:
    kept = retention.kept_since(conn)
    kinds = {}
    for kind in KINDS.values():
        files, reached = archive.files(kind), archive.reached(kind)
        kinds[kind.name] = {
            "begins": reached.begins if reached else None,
            "upto": reached.upto if reached else None,
            "files": len(files),
            "amendments": sum(file.part == "amendment" for file in files),
            "rows": sum(file.rows for file in files),
            "bytes": sum(file.size for file in files),
        }
    return {
        "utility": archive.utility,
        "entries": archive.number,
        "root": archive.root or None,
        "noted": len(archive_rows.entries(conn)),
        "shards": len(archive.shards()),
        "after_days": settings.archive_after_days,
        "table_since": kept.isoformat() if kept else None,
        **kinds,
    }


def _told(figures: dict[str, Any]) -> str:
    lines = [f"utility {figures['utility']}: {figures['entries']} entries, {figures['shards']} shards"]
    for name in KINDS:
        of = figures[name]
        each = f", {of['bytes'] / of['rows']:.2f} bytes each" if of["rows"] else ""
        span = f"{of['begins']} up to, without, {of['upto']}" if of["upto"] else "nothing yet"
        lines.append(f"{name}: {span}; {of['files']} files ({of['amendments']} amendments), {of['rows']:,} rows{each}")
    since = figures["table_since"]
    lines.append(f"the table has all since {since}" if since else "the table has all")
    lines.append(f"root, to note down elsewhere: {figures['root'] or 'none'}")
    return "\n".join(lines)


@app.command()
def seal(
    dry_run: DryRun = False,
    adopt: Annotated[
        bool,
        typer.Option("--adopt", help="Go on with an archive of which this database knows nothing."),
    ] = False,
) -> None:
    """Seal now what `hearth watch` would seal in time; Ctrl-C leaves the archive as it was after the last entry."""
    settings = load()
    settled = timedelta(days=settings.archive_after_days)
    with _opened(settings) as (conn, archive), _locked(conn), _progress() as show:
        sealing.known(conn, archive, adopt)
        if dry_run:
            for plan in sealing.plans(conn, archive, now(), settled):
                typer.echo(f"{plan.kind.name}: {plan.days} days from {plan.day}, late up to {plan.late[1]}")
            return
        before = archive.number
        try:
            while (more := sealing.seal(conn, archive, now(), settled, show)) is not archive:
                archive = more
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
    typer.echo(f"{archive.number - before} entries added, root {archive.root or 'none'}")


@app.command()
def verify(
    month: Annotated[str | None, typer.Option(metavar="YYYY-MM", help="Only the files of a month.")] = None,
    root: Annotated[
        str | None, typer.Option(metavar="SHA256", help="A root that was noted: it has to be there.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check that each byte of the archive is as it was written; exit code 1 if one is not."""
    with _opened(load(), read=False) as (conn, archive):
        archive, faults = verifying.check_manifest(conn, archive)
        if root is not None and root not in {entry.root for entry in archive.entries}:
            faults.append(verifying.ArchiveFault("manifest", f"has no entry with the root {root}"))
        files = [file for file in verifying.every_file(archive) if month in (None, file.month)]
        done = 0
        try:
            with _progress() as show:
                for done, file in enumerate(files, 1):
                    if fault := verifying.fault_of(archive, file):
                        faults.append(fault)
                    show("files", done, len(files))
            strays = list(verifying.strays(archive))
            complete = True
        except KeyboardInterrupt:
            strays, complete = [], False
    found = {
        "complete": complete,
        "entries": archive.number,
        "files": done,
        "rows": sum(file.rows for file in files[:done]),
        "root": archive.root or None,
        "strays": strays,
        "faults": [fault._asdict() for fault in faults],
    }
    typer.echo(json.dumps(found) if as_json else _verdict(found))
    if not complete:
        raise typer.Exit(INTERRUPTED)
    if faults:
        raise typer.Exit(1)


def _verdict(found: dict[str, Any]) -> str:
    lines = [printable(f"{fault['name']}: {fault['what']}", LONGEST_TOLD) for fault in found["faults"]]
    lines += [printable(f"{name}: no entry needs it", LONGEST_TOLD) for name in found["strays"]]
    lines.append(f"{found['entries']} entries, {found['files']} files, {found['rows']:,} rows, root {found['root']}")
    state = f"{len(found['faults'])} fault(s)" if found["faults"] else "in order"
    lines.append(state if found["complete"] else f"interrupted; up to there: {state}")
    return "\n".join(lines)


@app.command()
def restore(
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], metavar="DAY", help="First day (UTC).")],
    end: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], metavar="DAY", help="The day after the last.")],
    home: Annotated[list[str] | None, typer.Option(help="Only this home; may be given again.")] = None,
    keep_days: Annotated[
        int, typer.Option(min=1, max=3_660, help="For so long they stay, whatever HEARTH_READING_DAYS says.")
    ] = 7,
    dry_run: DryRun = False,
) -> None:
    """Put archived days back into the table. Ctrl-C stops between pieces; run again, it goes on."""
    if end <= first:
        raise UsageError("--to must be later than --from")
    settings = load()
    with _opened(settings) as (conn, archive), _locked(conn):
        until = None if dry_run else restoring.hold(conn, first.date(), keep_days, now())
        todo = restoring.pieces(archive, first.date(), end.date(), _sensors(conn, home))
        archived = restored = 0
        try:
            with _progress() as show:
                for nth, piece in enumerate(todo, 1):
                    found = restoring.restore(conn, archive, piece, dry_run)
                    archived, restored = archived + found.archived, restored + found.restored
                    show("pieces", nth, len(todo))
        except KeyboardInterrupt:
            typer.echo(f"interrupted: {restored:,} readings put back", err=True)
            raise typer.Exit(INTERRUPTED) from None
        whole = home is None and not dry_run and restoring.is_contiguous(conn, archive, end.date())
        if whole:
            restoring.keep_from(conn, first.date())
    typer.echo(f"{archived:,} readings in the archive, {restored:,} {'would be ' if dry_run else ''}put back")
    if until:
        typer.echo(f"they stay until {until:%Y-%m-%d %H:%M} UTC, then HEARTH_READING_DAYS holds again", err=True)


@app.command()
def brief() -> None:
    """Lay what judging needs beside readings (homes as numbers, their terms, their sensors) into the archive.

    With it `hearth recheck --engine spark --policy FILE --dry-run --utility NAME` answers without this database.
    """
    settings = load()
    with _opened(settings) as (conn, _), _locked(conn):
        homes = publish(conn, settings, now())
    typer.echo(f"{homes:,} homes")


def _sensors(conn: Connection, codes: list[str] | None) -> list[int] | None:
    """Return the sensors that ever stood in homes; None: all."""
    if not codes:
        return None
    homes = ledger_rows.homes(conn, codes)
    if len(homes) != len(set(codes)):
        raise UsageError(f"--home: not all of {', '.join(codes)} are in the registry")
    return sorted({int(sensor) for sensor in stays.stays(conn, [*homes])["sensor_id"]})


@contextmanager
def _opened(settings: Settings, read: bool = True) -> Iterator[tuple[Connection, ReadingArchive]]:
    """Open database and archive.

    Raises:
        UsageError: there is no archive, it cannot be reached, or it is broken.
    """
    archive = chosen_archive(settings)
    if archive is None:
        raise UsageError("HEARTH_ARCHIVE is not set: there is no archive")
    with open_database(settings, "archive") as conn:
        conn.autocommit = True
        try:
            yield conn, archive.refreshed() if read else archive
        except ArchiveBroken as broken:
            raise UsageError(f"HEARTH_ARCHIVE: {broken}") from None
        except OSError as error:
            raise UsageError(f"HEARTH_ARCHIVE: cannot be reached: {type(error).__name__}: {error.strerror}") from None


@contextmanager
def _locked(conn: Connection) -> Iterator[None]:
    for _ in range(PATIENCE_S):
        with alone(conn) as free:
            if free:
                yield
                return
        time.sleep(1)
    raise UsageError("the archive is being worked on, by hearth watch or another command: try again later")


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show progress on a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=of)
            progress.update(tasks[what], completed=done, total=of)

        yield show
