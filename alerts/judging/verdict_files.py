"""Verdicts as open Parquet files: what many machines have judged, for the one that has the database.

What the homes of a shard come to is four files: homes, days, flags and machines, each sorted by home. They are named by
a manifest as those of an archive are (`archives.manifest`); the bounds that it tells of `sensors` are of homes here.
Columns are those of the engine: instants in µs (`NONE_US`: none), temperatures in m°C, days as ordinals (1: year 1).
"""

from collections.abc import Iterator, Sequence
from datetime import date
from hashlib import sha256
from io import BytesIO
from secrets import token_hex
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from alerts.engine.machine import ENDED, MACHINE
from alerts.judging.verdict import KEPT, SpanVerdict
from archives import manifest
from archives.manifest import ArchiveBroken, ArchiveFile
from archives.place import ArchivePlace, HashedStream
from store.base import wire
from store.judging import ledger_rows

MACHINE_FIELDS = [(name, MACHINE[name]) for name in MACHINE.names or ()]
HOME_FIELDS = [("entered", np.bool_), ("state", np.int64), ("since", np.int64), ("readings", np.int64)]
HOME = np.dtype([("home_id", np.int32), ("first_day", np.int32), *HOME_FIELDS, *MACHINE_FIELDS])
DAY = wire.native(ledger_rows.DAY_ROW)
FLAG = np.dtype([("home_id", np.int32), *MACHINE_FIELDS])
AT_DAYS_END = np.dtype([("home_id", np.int32), ("day", np.int32), *MACHINE_FIELDS])
KINDS = {"verdict_home": HOME, "verdict_day": DAY, "verdict_flag": FLAG, "verdict_machine": AT_DAYS_END}


class VerdictTarget(NamedTuple):
    """Destination of the verdicts of a shard."""

    place: ArchivePlace
    utility: str
    shard: int


def write(target: VerdictTarget, verdicts: Sequence[SpanVerdict]) -> list[ArchiveFile]:
    """Write the verdicts of disjoint homes. No manifest names the files yet, and no other attempt takes their names."""
    attempt, files = token_hex(8), []
    for kind, rows in _rows(verdicts).items():
        rows = rows[np.argsort(rows["home_id"], kind="stable")]
        path = f"kind={kind}/shard={target.shard:06}/{attempt}.parquet"
        with target.place.writing(manifest.file_name(target.utility, path)) as out:
            pq.write_table(_table(rows), out, compression="zstd", store_schema=False)
        files.append(named(path, kind, target.shard, rows["home_id"], out))
    return files


def named(path: str, kind: str, shard: int, homes: NDArray[np.int32], out: HashedStream) -> ArchiveFile:
    """Return what a manifest tells of a file that was written; `homes` (rising) are those that it tells of."""
    return ArchiveFile(
        path=path,
        kind=kind,
        month="",
        shard=shard,
        part=manifest.BASE,
        rows=len(homes),
        size=out.size,
        sha256=out.sha256,
        sensors=(int(homes[0]), int(homes[-1])) if len(homes) else (0, -1),
        measured=(0, -1),
    )


def read(place: ArchivePlace, utility: str, files: Sequence[ArchiveFile], at_once: int) -> Iterator[SpanVerdict]:
    """Yield the verdicts of a shard, of at most `at_once` homes each.

    Raises:
        ArchiveBroken: a file is not as it was written.
    """
    rows = {file.kind: _read(place, utility, file) for file in files}
    homes = rows["verdict_home"]
    for day in np.unique(homes["first_day"]).tolist():
        mine = homes[homes["first_day"] == day]
        for low in range(0, len(mine), at_once):
            yield _verdict(date.fromordinal(day), mine[low : low + at_once], rows)


def _rows(verdicts: Sequence[SpanVerdict]) -> dict[str, NDArray[np.void]]:
    found: dict[str, list[NDArray[np.void]]] = {kind: [np.empty(0, dtype)] for kind, dtype in KINDS.items()}
    for verdict in verdicts:
        homes = np.empty(len(verdict.homes), HOME)
        homes["home_id"], homes["entered"] = verdict.homes, verdict.entered
        homes["first_day"], homes["readings"] = verdict.first_day.toordinal(), 0
        homes["state"], homes["since"] = verdict.state, verdict.since
        homes["readings"][:1] = verdict.readings  # of all of them together
        found["verdict_home"].append(_with_machines(homes, verdict.machines))
        found["verdict_day"].append(verdict.days)
        flags = np.empty(len(verdict.ended), FLAG)
        flags["home_id"] = verdict.homes[verdict.ended["home"]]
        found["verdict_flag"].append(_with_machines(flags, verdict.ended["flag"]))
        ends = np.empty(len(verdict.kept), AT_DAYS_END)
        ends["home_id"], ends["day"] = verdict.kept["home_id"], verdict.kept["day"]
        found["verdict_machine"].append(_with_machines(ends, verdict.kept["machine"]))
    return {kind: np.concatenate(parts) for kind, parts in found.items()}


def _with_machines(rows: NDArray[np.void], machines: NDArray[np.void]) -> NDArray[np.void]:
    for name in MACHINE.names or ():
        rows[name] = machines[name]
    return rows


def _machines(rows: NDArray[np.void]) -> NDArray[np.void]:
    found = np.zeros(len(rows), MACHINE)
    for name in MACHINE.names or ():
        found[name] = rows[name]
    return found


def _verdict(first_day: date, homes: NDArray[np.void], rows: dict[str, NDArray[np.void]]) -> SpanVerdict:
    ids = np.ascontiguousarray(homes["home_id"])
    flags, ends = _of(rows["verdict_flag"], ids), _of(rows["verdict_machine"], ids)
    ended, kept = np.empty(len(flags), ENDED), np.empty(len(ends), KEPT)
    ended["home"], ended["flag"] = np.searchsorted(ids, flags["home_id"]), _machines(flags)
    kept["home_id"], kept["day"], kept["machine"] = ends["home_id"], ends["day"], _machines(ends)
    return SpanVerdict(
        first_day,
        ids,
        np.ascontiguousarray(homes["entered"]),
        _machines(homes),
        np.ascontiguousarray(homes["state"]),
        np.ascontiguousarray(homes["since"]),
        _of(rows["verdict_day"], ids),
        ended,
        kept,
        int(homes["readings"].sum()),
    )


def _of(rows: NDArray[np.void], homes: NDArray[np.int32]) -> NDArray[np.void]:
    """Return the rows of homes, both by home."""
    low, high = np.searchsorted(rows["home_id"], [homes[0], homes[-1] + 1])
    near = rows[low:high]
    return near[np.isin(near["home_id"], homes)]


def _table(rows: NDArray[np.void]) -> pa.Table:
    return pa.table({name: pa.array(np.ascontiguousarray(rows[name])) for name in rows.dtype.names or ()})


def _read(place: ArchivePlace, utility: str, file: ArchiveFile) -> NDArray[np.void]:
    name = manifest.file_name(utility, file.path)
    content = place.read(name) or b""
    if sha256(content).hexdigest() != file.sha256:
        raise ArchiveBroken(f"{name}: is not as it was written")
    table = pq.read_table(BytesIO(content))
    rows = np.empty(table.num_rows, KINDS[file.kind])
    for column in table.column_names:
        rows[column] = table.column(column).to_numpy()
    return rows
