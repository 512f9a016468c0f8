"""Re-judging on many machines: orders go to a place that all of them reach, verdicts come back to it as files.

The database is asked before, for what judging needs beside readings, and after, for what differs. What happens to homes
meanwhile is not lost: their verdicts are set aside, and they are judged here.
"""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from secrets import token_hex
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from alerts.judging import verdict_files
from alerts.judging.from_archive import NO_ROWS
from alerts.judging.history import DAY, History
from alerts.judging.pool import map_each
from alerts.judging.rejudge import RejudgeOutcome, Rejudging
from alerts.judging.sealed_days import late_rows
from alerts.judging.shard_task import ImagineShards, JudgeShards, PolicyText, ShardOrder, figures_of, files_of
from alerts.judging.verdict import SpanVerdict
from alerts.judging.what_if import WhatIfFigures
from alerts.judging.what_if_terms import terms_of
from archives import manifest
from archives.manifest import ArchiveFile
from archives.place import ArchivePlace
from archives.reading import ReadingArchive, Shard
from domain.errors import UsageError
from domain.instants import to_datetime
from hearth.cluster import SparkEngine, each
from hearth.judging_process import connection, history_by
from hearth.on_record import chosen_archive, history_of
from hearth.settings import Settings
from hearth.wiring import chosen_policy, chosen_refunds, connector
from store.base.collisions import at_last
from store.evidence import archive_rows, reading_digests
from store.judging import ledger_rows, state_rows
from store.readings import stays
from store.registry import place_rows

VERDICTS, BRIEFS = "verdicts", "briefs"  # folders beside those of utilities
HOMES_OF_TASK = 1_024  # a shard is several tasks, so that all cores have their share of the last ones
SETTLED_AT_ONCE = 256  # homes of a transaction
WAIT_S, WAITS = 0.05, 200  # for readings that are just being stored


class FarSpan(NamedTuple):
    """Whole local days that are judged, and when."""

    first: date
    end: date
    at: datetime


class Mark(NamedTuple):
    """State of the database when orders were written."""

    late: int
    registry: int


class FarRun(NamedTuple):
    """A run: what all who work at it have to know."""

    settings: Settings
    span: FarSpan
    mark: Mark
    results: ArchivePlace
    dry_run: bool


class SettleVerdicts:
    """Settles the verdicts of tasks in a worker process, some homes in a transaction."""

    def __init__(self, run: FarRun) -> None:
        self.run = run

    def __call__(self, files: Sequence[ArchiveFile]) -> RejudgeOutcome:
        out = RejudgeOutcome()
        for verdict in verdict_files.read(self.run.results, self.run.settings.archive_utility, files, SETTLED_AT_ONCE):
            out.add(self._settle(verdict))
        return out

    def _settle(self, verdict: SpanVerdict) -> RejudgeOutcome:
        run, conn = self.run, connection(self.run.settings)

        def transaction() -> RejudgeOutcome:
            with conn.transaction(force_rollback=run.dry_run):
                there = verdict.of(np.isin(verdict.homes, state_rows.lock(conn, verdict.homes)["home_id"]))
                changed = _changed(conn, there, run)
                rejudging = Rejudging(conn, history_by(run.settings), run.span.at, run.dry_run)
                out = rejudging.settle([there.of(~np.isin(there.homes, changed))], run.span.end)
                if len(changed):
                    out.add(rejudging.days(changed.tolist(), run.span.first, run.span.end))
                return out

        return at_last(transaction)


def recheck_on_spark(
    settings: Settings, engine: SparkEngine, homes: Sequence[int], span: FarSpan, dry_run: bool
) -> RejudgeOutcome:
    """Judge homes again on a cluster, and settle here what differs."""
    archive, policy = _archive(settings), chosen_policy(settings)
    history = history_of(settings, policy)
    _refuse_unsealed(archive, history, span.end)
    results = archive.place.below(f"{VERDICTS}/{span.at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{token_hex(4)}")
    with connector(settings, "recheck")() as conn:
        mark = Mark(_last_late(conn), place_rows.version(conn))
        run = FarRun(settings, span, mark, results, dry_run)
        orders = _write_orders(Rejudging(conn, history, span.at), archive, homes, run)
    task = JudgeShards(archive.place, results, PolicyText.of(policy), span.end, span.at)
    with engine.session() as session:
        judged = [files_of(said) for said in each(session, task, orders)]
    manifest.append(results, archive.utility, [file for files in judged for file in files], span.at)
    out = RejudgeOutcome()
    for part in map_each(judged, SettleVerdicts(run)):
        out.add(part)
    return out


def imagine_on_spark(
    settings: Settings, engine: SparkEngine, tried: Settings, utilities: Sequence[str], span: FarSpan
) -> dict[str, tuple[WhatIfFigures, WhatIfFigures]]:
    """Judge the homes of several utilities by the policy in force and by another; nothing is written.

    Returns:
        Of each utility the figures by the one policy and by the other.
    """
    place = _archive(settings).place
    orders = place.below(BRIEFS)
    policies = (PolicyText.of(chosen_policy(settings)), PolicyText.of(chosen_policy(tried)))
    rules = chosen_refunds(tried)
    task = ImagineShards(place, orders, policies, rules.text if rules else None, (span.first, span.end), span.at)
    names = {name: utility for utility in utilities for name in _published(orders, utility)}
    with engine.session() as session:
        said = each(session, task, list(names))
    out = {utility: (WhatIfFigures(), WhatIfFigures()) for utility in utilities}
    for utility, some in zip(names.values(), said, strict=True):
        for sum_of, figures in zip(out[utility], figures_of(some), strict=True):
            sum_of.add(figures)
    return out


def publish(conn: Connection, settings: Settings, at: datetime) -> int:
    """Lay what judging needs beside readings into the archive, for what-if without this database; returns homes."""
    archive, policy = _archive(settings), chosen_policy(settings)
    homes = np.array(list(ledger_rows.homes(conn, None)), np.int32)
    place = archive.place.below(BRIEFS)
    history = history_of(settings, policy)
    rejudging, begun = Rejudging(conn, history, at), (date.min, history.day_of(at) + DAY)
    files = []
    for number, some, shards in _tasks(conn, archive, homes):
        terms = terms_of(conn, history, some.tolist(), begun).to_bytes()
        brief = rejudging.unheard(some, at.date())
        files.append(ShardOrder(archive.utility, number, brief, shards, what_if=terms).write(place))
    manifest.append(place, archive.utility, files, at)
    return len(homes)


def _published(place: ArchivePlace, utility: str) -> list[str]:
    """Return the names of the orders that a utility published last."""
    published = list(manifest.entries(place, utility))
    if not published:
        raise UsageError(f"--utility {utility}: has published no briefs: there, run hearth archive brief")
    return [manifest.file_name(utility, file.path) for file in published[-1].files]


def _write_orders(rejudging: Rejudging, archive: ReadingArchive, homes: Sequence[int], run: FarRun) -> list[str]:
    """Write an order for each task; returns their names."""
    conn, files = rejudging.conn, list[ArchiveFile]()
    reached = archive.reached()
    more = late_rows(conn, reached.late, date.fromisoformat(reached.upto)) if reached else NO_ROWS
    for number, some, shards in _tasks(conn, archive, np.array(homes, np.int32)):
        brief = rejudging.brief(some, run.span.first)
        begun = [group.homes for group in brief.groups if group.first_day < run.span.end]
        brief = brief.of(np.sort(np.concatenate([some[:0], *begun])))
        mine = more[np.isin(more["sensor_id"], brief.stays["sensor_id"])]
        files.append(ShardOrder(archive.utility, number, brief, shards, mine).write(run.results))
    manifest.append(run.results, archive.utility, files, run.span.at)
    return [manifest.file_name(archive.utility, file.path) for file in files]


def _tasks(
    conn: Connection, archive: ReadingArchive, homes: NDArray[np.int32]
) -> Iterator[tuple[int, NDArray[np.int32], list[Shard]]]:
    """Yield homes (rising) that lie together by their first sensors, their shard, and all that have any of theirs."""
    shards = archive.shards()
    sensors = np.concatenate([np.empty(0, np.int32), *(shard.sensor_ids for shard in shards)])
    number = np.repeat(np.arange(len(shards)), [len(shard.sensor_ids) for shard in shards])
    order = np.argsort(sensors)
    told = stays.stays(conn, homes.tolist())
    at = np.minimum(np.searchsorted(sensors[order], told["sensor_id"]), max(len(sensors) - 1, 0))
    known = sensors[order][at] == told["sensor_id"] if len(sensors) else np.zeros(len(told), bool)
    told, nth = told[known], number[order][at[known]]
    first = np.zeros((2, len(homes)), np.int64)  # what has no sensor in the archive goes with the first shard
    position = np.searchsorted(homes, told["home_id"])
    first[:, position[::-1]] = nth[::-1], told["sensor_id"][::-1]
    for which in np.unique(first[0]).tolist():
        together = np.flatnonzero(first[0] == which)
        together = together[np.argsort(first[1, together], kind="stable")]
        for low in range(0, len(together), HOMES_OF_TASK):
            mine = np.sort(together[low : low + HOMES_OF_TASK])
            theirs = np.unique(nth[np.isin(position, mine)]).tolist()
            yield shards[which].number if shards else 0, homes[mine], [shards[one] for one in theirs]


def _changed(conn: Connection, verdict: SpanVerdict, run: FarRun) -> NDArray[np.int32]:
    """Return the homes of a verdict of which more is known than when orders were written."""
    if place_rows.version(conn) != run.mark.registry:
        return verdict.homes
    late = archive_rows.late(conn, reading_digests.HOMES, (run.mark.late, archive_rows.LAST), run.span.end + DAY)
    if not late:
        return verdict.homes[:0]
    told = stays.stays(conn, verdict.homes.tolist())
    sensors = np.concatenate([some["sensor_id"] for some in late])
    return np.unique(told["home_id"][np.isin(told["sensor_id"], sensors)])


def _archive(settings: Settings) -> ReadingArchive:
    archive = chosen_archive(settings)
    if archive is None:
        raise UsageError("--engine spark judges from the archive: set HEARTH_ARCHIVE to where all machines reach it")
    return archive.refreshed()


def _refuse_unsealed(archive: ReadingArchive, history: History, end: date) -> None:
    """Refuse days that are not in the archive yet: their readings are in the table alone."""
    reached = archive.reached()
    sealed = reading_digests.midnight_us(date.fromisoformat(reached.upto)) if reached else None
    if sealed is None or history.midnight_us(end) > sealed:
        day = history.day_of(to_datetime(sealed)) if sealed else "none"
        raise UsageError(f"--to: the archive is sealed for days before {day}; --engine spark judges no others")


def _last_late(conn: Connection) -> int:
    """Return the number of the last late reading; what is just being stored is waited for."""
    for _ in range(WAITS):
        last = archive_rows.last_late(conn)
        if last is not None:
            return last
        time.sleep(WAIT_S)
    raise UsageError("readings of settled days are being stored without an end: try again later")
