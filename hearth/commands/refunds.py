"""`hearth refunds`: the refund sheets of a season, for all homes of a utility at once."""

import json
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from functools import cache
from typing import Annotated

import typer
from psycopg import Connection
from psycopg.errors import UniqueViolation
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from alerts.judging.pool import map_each
from alerts.refunds.sheets import Making, chosen_season, compute_many, over, write_many
from domain.errors import Fault, UsageError
from domain.policy import Season
from domain.refunds.sheet import told
from hearth.days import FORMATS, checked
from hearth.options import with_options
from hearth.settings import Settings, load
from hearth.wiring import chosen_policy, chosen_refunds, connector, now, open_database
from store.refunds import refund_rows

BATCH_HOMES = 512  # computed together, and written in one transaction: bounds memory, and what an interruption loses
MADE_BY = "hearth refunds"
INTERRUPTED = "hearth: interrupted: the sheets made so far stay; run it again for the others"
console = Console(stderr=True)


@dataclass
class SheetSums:
    """Sheets of homes, and their sums in smallest units."""

    homes: int = 0  # that pay for the season and had no sheet
    owed: int = 0  # to which something is owed
    made: int = 0
    total: int = 0

    def add(self, other: "SheetSums") -> None:
        """Add those of other homes."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


@dataclass(frozen=True, kw_only=True)
class RefundsOptions:
    """Options of the command."""

    season: Annotated[
        datetime | None,
        typer.Option(
            formats=FORMATS, callback=checked, help="First day of the season; default: the last that is over."
        ),
    ] = None
    of_all: Annotated[bool, typer.Option("--all", help="Make sheets of homes, too, to which nothing is owed.")] = False
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be made.")] = False
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False


@with_options(RefundsOptions)
def refunds(options: RefundsOptions) -> None:
    """Make the refund sheets of a season for all homes that have none. May be interrupted and repeated."""
    settings, at = load(), now()
    rules = chosen_refunds(settings)
    if rules is None:
        raise UsageError("no refund rules are set: HEARTH_REFUNDS names a file or a pack (docs/refunds.md)")
    season = _season(settings, options.season.date() if options.season else None, at)
    with open_database(settings, "refunds") as conn:
        homes, before = refund_rows.without_sheet(conn, season.first), refund_rows.made(conn, season.first)
    batches = [homes[low : low + BATCH_HOMES] for low in range(0, len(homes), BATCH_HOMES)]
    work = MakeSheets(settings, season.first, at, options.of_all, options.dry_run)
    try:
        sums = _made(batches, work)
    except KeyboardInterrupt:
        if not options.dry_run:
            print(INTERRUPTED, file=sys.stderr)
        raise typer.Abort from None
    if options.as_json:
        plain = {"season": season.first.isoformat(), "rules": rules.name, "currency": rules.currency}
        print(json.dumps({**plain, "before": before, **asdict(sums), "dry_run": options.dry_run}))
        return
    verb = "would be made" if options.dry_run else "made"
    count = (sums.homes if options.of_all else sums.owed) if options.dry_run else sums.made
    print(f"season from {season.first}, rules {rules.name}: {before:,} homes have a sheet already")
    print(f"{sums.homes:,} homes computed; {told(sums.total)} {rules.currency} owed to {sums.owed:,}")
    print(f"{count:,} sheets {verb}")


def _season(settings: Settings, wanted: date | None, at: datetime) -> Season:
    policy = chosen_policy(settings)
    until = over(policy, at)
    if wanted is not None:
        found = chosen_season(policy, wanted, until)
        if found is None:
            raise UsageError(f"--season {wanted}: no season that has begun starts on that day")
        return found
    ended = [season for season in policy.seasons if season.end <= until]
    if not ended:
        raise UsageError("no season is over yet; --season DAY makes sheets of one that goes on")
    return ended[-1]


class MakeSheets:
    """Makes the sheets of batches of homes in a worker process; each batch is a transaction."""

    def __init__(self, settings: Settings, season: date, at: datetime, of_all: bool, dry_run: bool) -> None:
        self.settings, self.season, self.at = settings, season, at
        self.of_all, self.dry_run = of_all, dry_run

    def __call__(self, homes: Sequence[int]) -> tuple[int, SheetSums]:
        conn, policy, rules = _connection(self.settings), chosen_policy(self.settings), chosen_refunds(self.settings)
        assert rules is not None
        until = over(policy, self.at)
        season = chosen_season(policy, self.season, until)
        assert season is not None
        try:
            with conn.transaction():
                # Those that got a sheet since the list was read are left out.
                left = refund_rows.without_sheet(conn, season.first, homes)
                batch = compute_many(conn, policy, rules, left, (season, until))
                owed = batch.totals > 0
                sums = SheetSums(len(batch.homes), int(owed.sum()), 0, int(batch.totals.sum()))
                chosen = batch if self.of_all else batch.of(owed)
                if len(chosen.homes) and not self.dry_run:
                    sums.made = len(write_many(conn, rules, chosen, Making(MADE_BY, self.at)))
        except UniqueViolation as error:
            if error.diag.constraint_name != refund_rows.FIRST_SHEET:
                raise
            return self(homes)  # one got its sheet just now
        return len(homes), sums


@cache
def _connection(settings: Settings) -> Connection:
    """Open the connection of this process."""
    return connector(settings, "refunds")()


def _made(batches: Sequence[Sequence[int]], work: MakeSheets) -> SheetSums:
    """Make the sheets on all cores, with a progress bar on a terminal; batches that have started are finished."""
    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f}/{task.total:,.0f} homes"), TimeElapsedColumn())
    sums = SheetSums()
    with (
        Progress(
            *columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal
        ) as progress,
        closing(map_each(batches, work)) as parts,
    ):
        task = progress.add_task("homes", total=sum(map(len, batches)))
        try:
            for count, part in parts:
                progress.advance(task, count)
                sums.add(part)
        except Fault as fault:
            raise UsageError(str(fault)) from None
    return sums
