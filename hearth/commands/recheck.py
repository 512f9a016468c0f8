"""`hearth recheck`: judge the past again, by the rules in force or by others."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
import typer
from psycopg import Connection
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from alerts.judging import batches
from alerts.judging.flagging import FlagCorrection
from alerts.judging.history import History
from alerts.judging.pool import Task, in_chunks, map_tasks
from alerts.judging.rejudge import RejudgeOutcome, Rejudging
from alerts.judging.sealed_days import SealedDays
from alerts.judging.what_if import WhatIfFigures, figures, judged_by, recorded
from alerts.judging.what_if_terms import terms_of
from archives.manifest import ArchiveBroken
from domain.errors import UsageError
from hearth.cluster import SparkEngine
from hearth.days import FORMATS, checked
from hearth.far_recheck import FarSpan, imagine_on_spark, recheck_on_spark
from hearth.judging_process import connection, history_by
from hearth.listing import local
from hearth.on_record import chosen_archive, chosen_history
from hearth.options import with_options
from hearth.settings import Settings, load
from hearth.what_if_told import plain, show
from hearth.wiring import chosen_policy, chosen_refunds, now, open_database
from store.base.collisions import at_last
from store.judging import ledger_rows

MOST_SHOWN = 20
INTERRUPTED = "hearth: interrupted: what was judged so far is written; run it again to finish"
console = Console(stderr=True)
T = TypeVar("T")
Day = TypeVar("Day", date, datetime)


class Engine(StrEnum):
    """Place of judging."""

    HERE = "here"
    SPARK = "spark"


@dataclass(frozen=True, kw_only=True)
class RecheckOptions:
    """Options of the command."""

    from_day: Annotated[
        datetime, typer.Option("--from", formats=FORMATS, callback=checked, help="First local day.", show_default=False)
    ]
    to_day: Annotated[
        datetime | None,
        typer.Option("--to", formats=FORMATS, callback=checked, help="Day to stop before; default: up to now."),
    ] = None
    home: Annotated[list[str] | None, typer.Option(help="Code of a home; may be repeated. Default: all.")] = None
    policy: Annotated[Path | None, typer.Option(help="Another policy to try; needs --dry-run.")] = None
    refunds: Annotated[
        str | None,
        typer.Option(help="What-if: refund rules to count by, a file or a pack. Default: HEARTH_REFUNDS."),
    ] = None
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False
    engine: Annotated[Engine, typer.Option(help="Where homes are judged: on this machine, or by Spark.")] = Engine.HERE
    master: Annotated[str, typer.Option(help="Address of Spark's master.")] = "local[*]"
    conf: Annotated[list[str] | None, typer.Option(help="A setting of Spark as KEY=VALUE; may be repeated.")] = None
    utility: Annotated[
        list[str] | None,
        typer.Option(help="What-if on Spark: a utility whose archive is judged; may be repeated. Default: one's own."),
    ] = None


@with_options(RecheckOptions)
def recheck(options: RecheckOptions) -> None:
    """Judge homes again from what is stored; writes only what differs. May be interrupted and repeated."""
    settings, first = load(), options.from_day.date()
    end = options.to_day.date() if options.to_day else None
    _check(options)
    if options.engine is Engine.SPARK and options.policy:
        _imagine_far(settings, options, FarSpan(first, _whole(end), now()))
        return
    with open_database(settings, "recheck") as conn:
        homes, at = _homes(conn, options.home), now()
        _refuse_deleted(chosen_history(settings).judged_from(conn), options.from_day, chosen_policy(settings).zone)
        far = options.engine is Engine.SPARK
        chunks = options.policy or far
        tasks = in_chunks([*homes]) if chunks else _tasks(conn, settings, [*homes], (end or at.date()) - first)
    if options.policy:
        tried = _tried(settings, options)
        on_record, imagined = WhatIfFigures(), WhatIfFigures()
        for one, other in _spread(tasks, WhatIfChunk(settings, tried, first, end, at)):
            on_record.add(one)
            imagined.add(other)
        _tell({"": (on_record, imagined)}, ("recorded", "on record"), tried, options.as_json)
        return

    def judge() -> RejudgeOutcome:
        if far:
            span = FarSpan(first, _whole(end), at)
            return recheck_on_spark(settings, _spark(options), [*homes], span, options.dry_run)
        return _again(tasks, RejudgeChunk(settings, first, end, at, options.dry_run))

    outcome = _interruptible(judge, options.dry_run)
    _show_outcome(outcome, homes, chosen_policy(settings).zone, options.dry_run, options.as_json)


def _check(options: RecheckOptions) -> None:
    """Refuse options that do not go together."""
    if options.policy and not options.dry_run:
        raise UsageError("--policy tries other rules and needs --dry-run; to adopt them, set HEARTH_POLICY")
    if options.to_day and options.to_day <= options.from_day:
        raise UsageError("--to must be later than --from")
    if options.engine is Engine.SPARK:
        _whole(options.to_day)
        _spark(options)
    if options.utility and not (options.policy and options.engine is Engine.SPARK):
        raise UsageError("--utility is for what-if on Spark: --engine spark --policy FILE --dry-run")
    if options.refunds and not options.policy:
        raise UsageError("--refunds is for what-if: --policy FILE --dry-run")
    if options.home and options.policy and options.engine is Engine.SPARK:
        raise UsageError("--home: what-if on Spark counts all homes of a utility")


def _whole(end: Day | None) -> Day:
    if end is None:
        raise UsageError("--engine spark judges whole days that are sealed: say --to")
    return end


def _tried(settings: Settings, options: RecheckOptions) -> Settings:
    """Return the settings that are tried: those in force but for a policy, and perhaps refund rules."""
    refunds = {"refunds": options.refunds} if options.refunds else {}
    tried = settings.model_copy(update={"policy": options.policy, **refunds})
    chosen_policy(tried)
    chosen_refunds(tried)
    return tried


def _spark(options: RecheckOptions) -> SparkEngine:
    told = dict[str, str]()
    for setting in options.conf or ():
        name, equals, value = setting.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--conf {setting}: is not KEY=VALUE")
        told[name.strip()] = value
    return SparkEngine(options.master, told)


def _imagine_far(settings: Settings, options: RecheckOptions, span: FarSpan) -> None:
    tried = _tried(settings, options)
    utilities = options.utility or [settings.archive_utility]
    found = _interruptible(lambda: imagine_on_spark(settings, _spark(options), tried, utilities, span), True)
    _tell(found, ("in_force", "by the policy in force"), tried, options.as_json)


def _interruptible(work: Callable[[], T], dry_run: bool) -> T:
    """Work until Ctrl-C; what is written then stays."""
    try:
        return work()
    except KeyboardInterrupt:
        if not dry_run:
            print(INTERRUPTED, file=sys.stderr)
        raise typer.Abort from None


def _homes(conn: Connection, codes: list[str] | None) -> dict[int, str]:
    """Find homes, by their codes or all of them; id → code."""
    try:
        homes = ledger_rows.homes(conn, codes)
    except psycopg.errors.UndefinedTable:
        raise UsageError("the database is not migrated: run hearth migrate") from None
    if codes and len(homes) != len(set(codes)):
        raise UsageError(f"--home: not all of {', '.join(codes)} are in the registry")
    return homes


def _refuse_deleted(since: datetime | None, first: datetime, zone: ZoneInfo) -> None:
    """Refuse days whose readings were deleted: they would be judged unknown, and their evidence lost."""
    if since and first.replace(tzinfo=zone) < since:
        day = since.astimezone(zone).date() + timedelta(days=1)
        raise UsageError(f"--from: readings of then were deleted (HEARTH_READING_DAYS); the first day is {day}")


def _tasks(conn: Connection, settings: Settings, homes: list[int], span: timedelta) -> list[Task]:
    """Return homes in the order of the archive, where there is one.

    Raises:
        UsageError: there is one, and it cannot be read.
    """
    archive = chosen_archive(settings)
    if archive is None:
        return in_chunks(homes)
    try:
        return batches.in_archive(conn, homes, archive.refreshed(), span.days)
    except (ArchiveBroken, OSError) as error:
        raise UsageError(f"HEARTH_ARCHIVE: {error}") from None


class RejudgeChunk:
    """Judges batches of homes again in a worker process; each batch is a transaction."""

    def __init__(self, settings: Settings, first: date, end: date | None, at: datetime, dry_run: bool) -> None:
        self.settings, self.first, self.end, self.at, self.dry_run = settings, first, end, at, dry_run

    def __call__(self, task: Task) -> RejudgeOutcome:
        outcome = RejudgeOutcome()
        for homes in task:
            outcome.add(self._batch(homes))
        return outcome

    def _batch(self, homes: Sequence[int]) -> RejudgeOutcome:
        history, conn, sealed = history_by(self.settings), connection(self.settings), _sealed(self.settings)
        end = min(self.end or date.max, history.day_of(self.at) + timedelta(days=1))

        def transaction() -> RejudgeOutcome:
            with conn.transaction(force_rollback=self.dry_run):
                again = Rejudging(conn, history, self.at, self.dry_run)
                return again.days(homes, self.first, end, sealed.source if sealed else None)

        return at_last(transaction)


def _again(tasks: list[Task], work: RejudgeChunk) -> RejudgeOutcome:
    """Judge all homes again."""
    outcome = RejudgeOutcome()
    for part in _spread(tasks, work):
        outcome.add(part)
    return outcome


class WhatIfChunk:
    """Compares another policy with the record, for a chunk of homes in a worker process."""

    def __init__(self, settings: Settings, tried: Settings, first: date, end: date | None, at: datetime) -> None:
        self.settings, self.tried, self.first, self.end, self.at = settings, tried, first, end, at

    def __call__(self, task: Task) -> tuple[WhatIfFigures, WhatIfFigures]:
        history, other = history_by(self.settings), history_by(self.tried)
        ids = np.concatenate([np.array(homes, np.int32) for homes in task])
        conn = connection(self.settings)
        with conn.transaction():
            end = _midnight(history, self.end, self.at)
            span, rules = (self.first, history.day_of(end)), chosen_refunds(self.tried)
            terms = terms_of(conn, history, ids.tolist(), span)
            known = recorded(conn, history, ids, self.first, end)
            known.add_money(rules, terms, span, ledger_rows.spent(conn, ids.tolist(), span))
            verdict = judged_by(conn, other, ids, self.first, end)
            imagined = figures(verdict, other.policy)
            imagined.add_money(rules, terms, span, verdict.days)
            return known, imagined


def _midnight(history: History, end: date | None, at: datetime) -> datetime:
    """Return the end of the span: whole days only, so that both sides cover the same time."""
    day = min(end, history.day_of(at)) if end else history.day_of(at)
    return datetime.combine(day, datetime.min.time(), history.policy.zone)


@cache
def _sealed(settings: Settings) -> SealedDays | None:
    """Open the archive once per worker process, if there is one."""
    archive = chosen_archive(settings)
    return SealedDays(archive) if archive else None


def _spread(tasks: list[Task], work: Callable[[Task], T]) -> Iterator[T]:
    """Judge homes on all cores with a progress bar on a terminal; tasks that have started are finished."""
    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f}/{task.total:,.0f} homes"), TimeElapsedColumn())
    quiet = not console.is_terminal
    with (
        Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=quiet) as progress,
        closing(map_tasks(tasks, work)) as parts,
    ):
        task = progress.add_task("homes", total=sum(len(homes) for task in tasks for homes in task))
        for count, part in parts:
            progress.advance(task, count)
            yield part


def _show_outcome(
    outcome: RejudgeOutcome, codes: Mapping[int, str], zone: ZoneInfo, dry_run: bool, as_json: bool
) -> None:
    if as_json:
        changes = [_change(change, codes) for change in outcome.changes]
        print(json.dumps({**asdict(outcome), "changes": changes, "dry_run": dry_run}))
        return
    out = Console()
    verb = "would change" if dry_run else "changed"
    out.print(f"{outcome.homes:,} homes, {outcome.readings:,} readings judged again; {verb}:")
    out.print(f"  {outcome.days:,} ledger days")
    out.print(f"  flags: {outcome.raised:,} raised, {outcome.withdrawn:,} withdrawn, {outcome.corrected:,} corrected")
    for change in outcome.changes[:MOST_SHOWN]:
        until = local(change.cleared_at, zone) or "now"
        out.print(f"  {change.kind.value}  {codes[change.home_id]}  {local(change.cold_since, zone)} to {until}")
    if len(outcome.changes) > MOST_SHOWN:
        out.print(f"  … and {len(outcome.changes) - MOST_SHOWN:,} more (--json lists all)")


def _change(change: FlagCorrection, codes: Mapping[int, str]) -> dict[str, object]:
    return {
        "kind": change.kind.value,
        "home": codes[change.home_id],
        "cold_since": change.cold_since.isoformat(),
        "cleared_at": change.cleared_at.isoformat() if change.cleared_at else None,
    }


def _tell(
    found: Mapping[str, tuple[WhatIfFigures, WhatIfFigures]], known: tuple[str, str], tried: Settings, as_json: bool
) -> None:
    """Print what two policies come to, by utility; '' is one's own.

    Args:
        known: what the first of each pair is, in JSON and in words.
    """
    rules = chosen_refunds(tried)
    if as_json:
        said = {name: {known[0]: plain(a, rules), "imagined": plain(b, rules)} for name, (a, b) in found.items()}
        print(json.dumps(said.get("", said)))
        return
    for name, (one, other) in found.items():
        if name:
            print(name)
        show(one, other, known[1], rules)
