"""The figures of a month, a quarter or a year as one ZIP for the regulator: workbook, PDF, CSV, lists and seals.

The same figures give the same bytes: nothing in it comes from the clock. Its time is that of the count. What the tables
say can be counted from the lists, and what the lists say lies under seals; tools/check_figures.py does both.
"""

import base64
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from hashlib import sha256
from typing import IO, Any

import pyarrow as pa

from domain.kpi import MonthKpi
from domain.policy import Policy
from domain.span_kpi import span_rates
from insight.words.proof import proven_text
from papers import pdf, xlsx
from papers.dossier.bundle import DossierWriter
from papers.exports.formats import Format, write
from papers.figures_columns import LISTS, MONTHLY, TABLES, Columns
from papers.figures_gather import FiguresRequest, SpanFigures
from papers.kpi import paper
from papers.span_tables import span_tables

FORMAT = "hearth-figures/2"
LINES_AT_ONCE = 10_000


def package(out: IO[bytes], found: SpanFigures, policy: Policy, wanted: FiguresRequest) -> str:
    """Write a package file by file; returns the root digest of its manifest."""
    more = span_tables(found, wanted.language)
    made = paper(found.months, wanted.counted_at, policy.zone, wanted.language, more)
    name = f"figures-{wanted.name}"
    with DossierWriter(out) as bundle:
        book = io.BytesIO()
        xlsx.write(made, book, wanted.counted_at)
        bundle.add(f"{name}.xlsx", [book.getvalue()], packed=False)
        bundle.add(f"{name}.pdf", [pdf.render(made)], packed=False)
        for table, rows in _tables(found).items():
            bundle.add(f"{table}.csv", _csv(TABLES[table], rows))
        for name, lines in found.lists.items():
            bundle.add(f"lists/{name}.csv", _csv(LISTS[name], lines))
        bundle.add("seals.json", _seals(found.seals))
        return bundle.finish(_head(policy, wanted))


def _head(policy: Policy, wanted: FiguresRequest) -> Mapping[str, Any]:
    first, end = wanted.months[0].first, wanted.months[-1].end
    versions = [label for label, version in zip(policy.labels, policy.versions, strict=True)
                if version.valid_from < end]  # fmt: skip
    begun = [nth for nth, version in enumerate(policy.versions) if version.valid_from <= first]
    spans = [(str(month), *month.span(policy.zone)) for month in wanted.months]
    query = {"month": str(wanted.months[0]), "until": str(wanted.months[-1]), "station": wanted.station}
    return {
        "format": FORMAT,
        "query": {**query, "language": wanted.language},
        "counted_at": wanted.counted_at.isoformat(),
        "zone": policy.zone.key,
        "months": [{"month": month, "from": start.isoformat(), "to": stop.isoformat()} for month, start, stop in spans],
        "policy": {
            "versions": versions[begun[-1] if begun else 0 :],
            "sha256": sha256(policy.text.encode()).hexdigest(),
        },
    }


def _tables(found: SpanFigures) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each table; a station is a text, never a formula."""
    monthly = {
        table: [
            {"month": str(month), **_left(one.station), **figures}
            for month, several in found.months
            for one in several
            for figures in _figures(table, one)
        ]
        for table in MONTHLY
    }
    rates = span_rates(
        (one for _, several in found.months for one in several), found.applications, found.peers
    )  # fmt: skip
    return {
        **monthly,
        "applications": [{**row, **_left(row["station"])} for row in found.applications],
        "peers": list(found.peers),
        "refunds": list(found.refunds),
        "rates": [
            {**one.key._asdict(), **_left(one.key.station), "part": one.part, "whole": one.whole, "rate": one.rate}
            for one in rates
        ],
    }


def _left(station: str | None) -> dict[str, str]:
    return {"scope": "company" if station is None else "station", "station": station or ""}


def _figures(table: str, one: MonthKpi) -> list[dict[str, Any]]:
    if table == "proof":
        return [] if one.proof is None else [{**asdict(one.proof), **proven_text(one.proof)._asdict()}]
    told = one.told()[table]
    return told if isinstance(told, list) else [told]


def _csv(columns: Columns, rows: Sequence[Mapping[str, Any]]) -> Iterator[bytes]:
    """Write rows, unrounded; instants in UTC, hashes in hexadecimal digits."""
    schema = pa.schema(columns)

    def batches() -> Iterator[pa.RecordBatch]:
        for at in range(0, len(rows), LINES_AT_ONCE):
            some = [{name: _plain(row.get(name)) for name in schema.names} for row in rows[at : at + LINES_AT_ONCE]]
            yield pa.RecordBatch.from_pylist(some, schema=schema)

    return write(Format.CSV, schema, batches())


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if isinstance(value, date | datetime) else value


def _seals(seals: Sequence[Mapping[str, Any]]) -> Iterator[bytes]:
    """Write seals as a list, one a line."""
    for nth, seal in enumerate(seals):
        told = {name: _plain(value) for name, value in seal.items()}
        told["signature"] = None if seal["signature"] is None else base64.b64encode(seal["signature"]).decode()
        for name in ("event_hashes", "entry_hashes"):
            told[name] = None if seal[name] is None else [one.hex() for one in seal[name]]
        yield ("[" if nth == 0 else ",\n").encode() + json.dumps(told, ensure_ascii=False).encode()
    yield b"]\n" if seals else b"[]\n"
