"""The figures of a month as one ZIP for the regulator: workbook, PDF and CSV, with a manifest of their digests.

The same figures give the same bytes: nothing in it comes from the clock. Its time is that of the count.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import IO, Any

import pyarrow as pa

from domain.kpi import Month, MonthKpi
from domain.policy import Policy
from insight.words.proof import proven_text
from papers import pdf, xlsx
from papers.dossier.bundle import DossierWriter
from papers.exports.formats import Format, write
from papers.kpi import paper

FORMAT = "hearth-figures/1"
COUNT, SHARE, TEXT = pa.int64(), pa.float64(), pa.string()
# By table of MonthKpi.told; a test holds the names to those of the API.
COLUMNS: Mapping[str, Sequence[tuple[str, pa.DataType]]] = {
    "heat": [
        *((name, COUNT) for name in ("homes", "judged_homes", "qualified_homes")),
        *((name, SHARE) for name in (
            "compliant_s", "cold_s", "severe_s", "unknown_s", "not_judged_s", "shortfall_s", "kelvin_hours",
            "known_s", "rate_by_time", "rate_by_homes", "coverage",
        )),
    ],
    "proof": [
        *((name, COUNT) for name in ("homes", "measured", "warm")),
        *((name, SHARE) for name in (
            "proven", "by_homes", "by_homes_low", "by_homes_high", "by_time", "by_time_low", "by_time_high",
        )),
        *((name, TEXT) for name in ("zh", "en")),
    ],
    "desk": [
        *((name, COUNT) for name in (
            "tickets", "retrospective", "closed", "called_back", "asked", "satisfied", "flags", "recovered", "merged",
            "void",
        )),
        *((name, SHARE) for name in ("warm_mean_s", "warm_median_s", "satisfaction", "recovery")),
    ],
    "clocks": [
        *((name, TEXT) for name in ("ticket_class", "name")),
        *((name, COUNT) for name in ("due", "in_time", "late", "unmet")),
        *((name, SHARE) for name in ("mean_s", "median_s", "rate")),
    ],
    "cases": [
        ("ticket_class", TEXT),
        *((name, COUNT) for name in (
            "received", "closed", "closed_in_time", "answered_in_time", "answered_late", "overdue", "waiting",
        )),
        *((name, SHARE) for name in ("closure", "closure_in_time", "answered")),
    ],
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class FiguresRequest:
    """The figures asked for, as they were counted."""

    month: Month
    station: str | None  # None: of the company and each station
    language: str  # zh | en
    counted_at: datetime


def package(out: IO[bytes], found: Sequence[MonthKpi], policy: Policy, wanted: FiguresRequest) -> str:
    """Write a package file by file; returns the root digest of its manifest."""
    made = paper(found, wanted.month, wanted.counted_at, policy.zone, wanted.language)
    name = f"figures-{wanted.month}"
    with DossierWriter(out) as bundle:
        book = io.BytesIO()
        xlsx.write(made, book, wanted.counted_at)
        bundle.add(f"{name}.xlsx", [book.getvalue()], packed=False)
        bundle.add(f"{name}.pdf", [pdf.render(made)], packed=False)
        for table in COLUMNS:
            bundle.add(f"{table}.csv", _csv(table, found))
        return bundle.finish(_head(policy, wanted))


def _head(policy: Policy, wanted: FiguresRequest) -> Mapping[str, Any]:
    versions = [label for label, version in zip(policy.labels, policy.versions, strict=True)
                if version.valid_from < wanted.month.end]  # fmt: skip
    begun = [nth for nth, version in enumerate(policy.versions) if version.valid_from <= wanted.month.first]
    return {
        "format": FORMAT,
        "query": {"month": str(wanted.month), "station": wanted.station, "language": wanted.language},
        "counted_at": wanted.counted_at.isoformat(),
        "zone": policy.zone.key,
        "policy": {
            "versions": versions[begun[-1] if begun else 0 :],
            "sha256": sha256(policy.text.encode()).hexdigest(),
        },
    }


def _csv(table: str, found: Sequence[MonthKpi]) -> Iterator[bytes]:
    """Write a table with the names and the unrounded numbers of the API; a station is a text, never a formula."""
    rows = [{"scope": "company" if one.station is None else "station", "station": one.station or "", **figures}
            for one in found for figures in _figures(table, one)]  # fmt: skip
    return write(Format.CSV, _schema(table), [pa.RecordBatch.from_pylist(rows, schema=_schema(table))])


def _figures(table: str, one: MonthKpi) -> list[dict[str, Any]]:
    if table == "proof":
        return [] if one.proof is None else [{**asdict(one.proof), **proven_text(one.proof)._asdict()}]
    told = one.told()[table]
    return told if isinstance(told, list) else [told]


def _schema(table: str) -> pa.Schema:
    return pa.schema([("scope", pa.string()), ("station", pa.string()), *COLUMNS[table]])
