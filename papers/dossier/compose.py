"""Composing an evidence dossier: everything on record of a home for a span of local days, in one ZIP.

It does not depend on the clock: the same data and the same request give the same bytes.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from importlib.resources import files
from typing import IO, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from psycopg import Connection

from alerts.engine.track import Milli
from alerts.evidence.recount import HomeDays, Recount, agree, recount
from alerts.judging.history import History
from archives.history import TABLE_ALONE, OneHistory
from domain.instants import NONE_US, to_datetime, to_us
from domain.milli import LEAST_MILLI, NONE_MILLI, celsius
from domain.policy import Policy, Version
from domain.states import NotJudged
from papers.dossier import attachments, chart, paper, refunds
from papers.dossier.bundle import LIST, REFUNDS, DossierWriter
from papers.dossier.lines import DossierAudience, dumps, event, flag, measured, seen, thermometer, version
from papers.dossier.readings import READINGS, DossierReadings
from papers.exports.formats import Format, write
from papers.exports.schemas import INSTANT, LEDGER, SECONDS
from store.base.access import Scope, enter
from store.base.rows import Row
from store.evidence import chain_rows, dossier_rows
from store.evidence.dossier_rows import DossierPoint, HomeSpan
from store.evidence.signing import SigningKey
from store.judging import ledger_days
from store.tickets import file_rows, ticket_pages
from store.tickets.file_contents import DATABASE, FileStore

AT_ONCE = 200_000  # readings judged at a time
DAY = timedelta(days=1)
LEDGER_RECOUNTED = LEDGER.append(pa.field("recount", pa.string()))
GAPS = pa.schema({"from": INSTANT, "to": INSTANT, "seconds": pa.float64()})


@dataclass(frozen=True)
class DossierRequest:
    """A requested dossier: a home by key and code, and local days, half-open."""

    home: int
    code: str
    first: date
    end: date
    view: DossierAudience


class DossierMeans(NamedTuple):
    """The key that signs a dossier (None: unsigned), where the bytes of files are, and where readings are."""

    key: SigningKey | None = None
    files: FileStore = DATABASE
    history: OneHistory = TABLE_ALONE


def compose(
    conn: Connection,
    scope: Scope,
    policy: Policy,
    wanted: DossierRequest,
    out: IO[bytes],
    means: DossierMeans = DossierMeans(),  # noqa: B008
) -> str:
    """Write the dossier of a home and return its root digest.

    Args:
        conn: not in a transaction; afterwards in a read-only one limited to the scope.
    Raises:
        TooMuch: there are too many readings.
        FileMissing: the bytes of a file cannot be read.
    """
    chain_rows.freeze(conn)
    enter(conn, scope)
    with DossierWriter(out) as bundle:
        return _Dossier(conn, scope, policy, wanted, bundle, means).written()


class Records(NamedTuple):
    """Records of people and the desk in the span, as in the dossier."""

    flags: list[Row]
    tickets: list[Row]
    events: list[Row]
    measurements: list[Row]
    outages: list[Row]
    refunds: list[Row]


@dataclass
class _Dossier:
    conn: Connection
    scope: Scope
    policy: Policy
    wanted: DossierRequest
    bundle: DossierWriter
    means: DossierMeans

    def written(self) -> str:
        """Write all files in order and return the root."""
        span, home = self._span(), dossier_rows.home(self.conn, self.wanted.home)
        home["readings_kept_since"] = self.means.history.kept_since(self.conn)
        places = dossier_rows.places(self.conn, span)
        readings = self._readings(places, span)
        days = self._days()
        upto = counted_to(days, readings["last_measured_at"], self._midnight(self.wanted.end), self._midnight)
        start, end, upto_us = to_us(span.start), to_us(span.end), to_us(upto or span.start)
        found = self._recount(upto_us, np.array(chart.edges(start, end), np.int64))
        since = self._counted_from(days, found, home["readings_kept_since"]) if upto else None
        differing = self._ledger(days, found, home["readings_kept_since"])
        gaps = self._gaps(found, upto_us, home["readings_kept_since"])
        heat = dossier_rows.heat_status(self.conn, self.wanted.home)
        self._json("home.json", {**home, "heat_status": heat, "thermometers": [thermometer(place) for place in places]})
        rules = self._policy(days)
        records = self._records(span)
        contents = paper.DossierContents(
            home=home,
            heat=heat,
            first=self.wanted.first,
            end=self.wanted.end,
            view=self.wanted.view,
            counted=(since, upto) if since and upto else None,
            readings=readings,
            places=[(p.sensor, p.room, self._judges(p)) for p in places],
            rules=rules,
            ledger=days,
            differing=differing,
            flags=records.flags,
            tickets=records.tickets,
            measurements=records.measurements,
            outages=records.outages,
            refunds=records.refunds,
            chart=self._chart(places, found, gaps, (start, end), (to_us(since or span.start), upto_us)),
        )
        for language in ("zh", "en"):
            self.bundle.add(f"summary.{language}.pdf", [paper.render(contents, language)])
        self.bundle.add("README.md", [(files("papers") / "evidence_readme.md").read_bytes()])
        return self.bundle.finish(self._head((since, upto), readings, days, records.events), self.means.key)

    def _records(self, span: HomeSpan) -> Records:
        """Write the records of people and the desk."""
        flags = self._flags(span)
        tickets, events = self._tickets(span, flags)
        measurements = [seen(measured(row), self.wanted.view) for row in dossier_rows.measurements(self.conn, span)]
        self._json("measurements.json", measurements)
        outages = dossier_rows.outages(self.conn, span)
        self._json("outages.json", outages)
        sheets = refunds.sheets(self.conn, self.wanted.home, self.wanted.first, self.wanted.end)
        self._json(REFUNDS, sheets)
        return Records(flags, tickets, events, measurements, outages, sheets)

    def _gaps(self, counted: Recount, upto_us: int, kept_since: datetime | None) -> list[tuple[int, int]]:
        """Write gaps.csv, without times whose readings may have been deleted."""
        since = to_us(kept_since) if kept_since else NONE_US
        gaps = [(max(start, since), end) for start, end in counted.gaps if max(start, since) < min(end, upto_us)]
        rows = [{"from": to_datetime(a), "to": to_datetime(b), "seconds": (b - a) / 1e6} for a, b in gaps]
        self._table("gaps.csv", GAPS, rows)
        return gaps

    def _span(self) -> HomeSpan:
        return HomeSpan(self.wanted.home, self._midnight(self.wanted.first), self._midnight(self.wanted.end))

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(0), self.policy.zone)

    def _head(
        self,
        counted: tuple[datetime | None, datetime | None],
        readings: Row,
        days: Sequence[Row],
        events: Sequence[Row],
    ) -> Row:
        """Return the manifest's entries besides the files."""
        state = {
            "readings": readings["count"],
            "last_measured_at": readings["last_measured_at"],
            "last_received_at": readings["last_received_at"],
            "ledger_days": len(days),
            "open_days": sum(1 for row in days if not row["closed"]),
            "counted_from": counted[0],
            "counted_to": counted[1],
            "events": len(events),
            "last_event_at": max((row["at"] for row in events), default=None),
        }
        head = {
            "home": self.wanted.code,
            "from": self.wanted.first,
            "to": self.wanted.end,
            "zone": self.policy.zone.key,
            "view": self.wanted.view,
            "policy": {"name": self.policy.name, "sha256": _digest(self.policy)},
            "state": state,
        }
        told: Row = json.loads(dumps(head))
        return told

    def _readings(self, places: Sequence[DossierPoint], span: HomeSpan) -> Row:
        """Write readings.csv; return the number of readings and their last instants."""
        readings = DossierReadings(self.conn, self.policy, self.means.history)
        self.bundle.add("readings.csv", write(Format.CSV, READINGS, readings.batches(places, span)))
        return readings.told

    def _judges(self, place: DossierPoint) -> bool:
        return any(place.room_kind in version.judged_rooms for _, version in self._in_force())

    def _days(self) -> list[Row]:
        first, end = self.wanted.first, self.wanted.end
        return ledger_days.days(self.conn, self.wanted.home, first, end, after=None, limit=(end - first).days)

    def _recount(self, upto_us: int, edges: NDArray[np.int64]) -> Recount:
        judging = History(self.policy, self.means.history, AT_ONCE, self.means.history.said_in_reach)
        days = HomeDays(self.wanted.home, self.wanted.first, self.wanted.end)
        return recount(self.conn, judging, days, upto_us, edges)

    def _ledger(self, days: Sequence[Row], counted: Recount, kept_since: datetime | None) -> list[date]:
        """Write ledger.csv; return the closed days that differ when recounted."""
        rows = [{**row, "recount": self._recounted(row, counted, kept_since)} for row in days]
        self._table("ledger.csv", LEDGER_RECOUNTED, rows)
        return [row["day"] for row in rows if row["recount"] == "differs"]

    def _recounted(self, row: Row, counted: Recount, kept_since: datetime | None) -> str:
        if not row["closed"]:
            return "open"
        if kept_since and self._midnight(row["day"]) < kept_since:
            return "unkept"
        since = self.scope.since.get(self.wanted.home)
        if since and row["day"] <= since.day:
            return "unkept"  # the reading in force when a tenancy begins was measured before it
        on_record = [round(row[name] * 1e6) for name in SECONDS]
        return "same" if agree(counted.days, row["day"].toordinal(), on_record) else "differs"

    def _counted_from(self, days: Sequence[Row], found: Recount, kept_since: datetime | None) -> datetime | None:
        """Return the start of counted time: a home begins on the day of its first reading."""
        first = [row["day"] for row in days[:1]] + [date.fromordinal(int(day)) for day in found.days["day"][:1]]
        begins = self._midnight(min(first)) if first else None
        return max(begins, kept_since) if begins and kept_since else begins

    def _in_force(self) -> list[tuple[str, Version]]:
        """Return the versions in force on some day of the span."""
        versions, labels = self.policy.versions, self.policy.labels
        ends = [*(version.valid_from for version in versions[1:]), date.max]
        named = zip(labels, versions, ends, strict=True)
        return [(label, v) for label, v, end in named if v.valid_from < self.wanted.end and end > self.wanted.first]

    def _policy(self, days: Sequence[Row]) -> list[tuple[str, Version]]:
        """Write the policy files; return the versions in force."""
        rules = self._in_force()
        self.bundle.add("policy.toml", [self.policy.text.encode()])
        told = {
            "name": self.policy.name,
            "zone": self.policy.zone.key,
            "sha256": _digest(self.policy),
            "seasons": [{"from": season.first, "to": season.end} for season in self.policy.seasons],
            "in_force": [version(label, rule) for label, rule in rules],
            # Days judged by a version that this policy no longer has.
            "not_in_this_policy": sorted({row["policy"] for row in days} - set(self.policy.labels)),
        }
        self._json("policy.json", told)
        return rules

    def _flags(self, span: HomeSpan) -> list[Row]:
        flags = dossier_rows.flags(self.conn, span)
        self._json("flags.json", [flag(row) for row in flags])
        return flags

    def _tickets(self, span: HomeSpan, flags: Sequence[Row]) -> tuple[list[Row], list[Row]]:
        """Write tickets, events, seals and files; return the tickets with their clocks, and the events."""
        rows = dossier_rows.tickets(self.conn, self.scope, span, [flag["ticket_id"] for flag in flags])
        keys = [row["ticket_id"] for row in rows]
        clocks, events = ticket_pages.clocks(self.conn, keys), dossier_rows.events(self.conn, keys)
        heads = {row["ticket_id"]: row for row in events}  # the last one stays
        tickets = [self._ticket(row, clocks[row["ticket_id"]], heads.get(row["ticket_id"])) for row in rows]
        numbers = {row["ticket_id"]: row["number"] for row in rows}
        self._json("tickets.json", tickets)
        self.bundle.add("events.jsonl", self._event_lines(events, numbers))
        self._json("seals.json", dossier_rows.seals(self.conn, sorted({e["seal"] for e in events if e["seal"]})))
        self._files(numbers)
        return tickets, events

    def _files(self, numbers: Mapping[int, str]) -> None:
        """Write the files of tickets."""
        for_user = self.wanted.view is DossierAudience.USER
        rows = file_rows.files(self.conn, list(numbers), for_user=for_user)
        found = attachments.listed(rows, numbers, self.wanted.view)
        self._json(LIST, [told for _, told in found])
        for row, told in found:
            if told["name"]:
                attachments.add(self.bundle, self.conn, self.means.files, told["name"], row.digest)

    def _ticket(self, row: Row, clocks: Sequence[Row], head: Row | None) -> Row:
        told = {name: value for name, value in row.items() if name != "ticket_id"}
        plain = [{name: value for name, value in clock.items() if name != "ticket_id"} for clock in clocks]
        end = {"events": head["seq"] if head else 0, "head": head["hash"] if head else None}
        return seen({**told, "clocks": plain, **end}, self.wanted.view)

    def _event_lines(self, events: Sequence[Row], numbers: Mapping[int, str]) -> Iterator[bytes]:
        previous: dict[int, bytes] = {}
        for row in events:
            told = event(row, self.wanted.view)
            before = previous.get(row["ticket_id"])
            previous[row["ticket_id"]] = row["hash"]
            line = {"ticket": numbers[row["ticket_id"]], "seq": row["seq"], **told}
            chained = {"event_id": row["event_id"], "seal": row["seal"], "previous": before, "hash": row["hash"]}
            yield (dumps({**line, **chained}, indent=None) + "\n").encode()

    def _chart(
        self,
        places: Sequence[DossierPoint],
        found: Recount,
        gaps: list[tuple[int, int]],
        span: tuple[int, int],
        counted: tuple[int, int],
    ) -> chart.TemperatureChart:
        start, end = span
        sensors = dict.fromkeys(place.sensor_id for place in places if self._judges(place))
        return chart.TemperatureChart(
            start=start,
            end=end,
            counted=counted,
            zone=self.policy.zone,
            traces=[_trace(*found.ranges[sensor]) if sensor in found.ranges else [] for sensor in sensors],
            gaps=gaps,
            rules=_rules(found.pieces, end),
        )

    def _table(self, name: str, schema: pa.Schema, rows: Sequence[Row]) -> None:
        batches = [pa.RecordBatch.from_pylist(list(rows), schema=schema)] if rows else []
        self.bundle.add(name, write(Format.CSV, schema, batches))

    def _json(self, name: str, told: object) -> None:
        self.bundle.add(name, [(dumps(told) + "\n").encode()])


def counted_to(
    days: Sequence[Row], newest: datetime | None, end: datetime, midnight: Callable[[date], datetime]
) -> datetime | None:
    """Return the end of counted time as far as the data shows; None: nothing has been counted.

    Args:
        days: of the ledger, in order.
        newest: time of the last reading.
        end: of the span.
        midnight: the instant at which a local day begins.
    """
    reached = [newest] if newest else []
    if days:
        last = days[-1]
        covered = timedelta(microseconds=sum(round(last[name] * 1e6) for name in SECONDS[:5]))
        reached.append(midnight(last["day"]).astimezone(UTC) + covered)  # days may be shorter or longer than 24 hours
    if not reached:
        return None
    return min(max(reached), end)


def _digest(policy: Policy) -> str:
    return sha256(policy.text.encode()).hexdigest()


def _trace(lowest: Milli, highest: Milli) -> list[tuple[float, float] | None]:
    pairs = zip(lowest.tolist(), highest.tolist(), strict=True)
    return [None if low == NONE_MILLI else (celsius(low), celsius(high)) for low, high in pairs]


def _rules(pieces: NDArray[np.void], end: int) -> list[chart.LimitSpan]:
    ends = [*pieces["start"][1:].tolist(), end]
    return [
        chart.LimitSpan(
            start=int(piece["start"]),
            end=until,
            cold=None if piece["cold"] == LEAST_MILLI else celsius(int(piece["cold"])),
            severe=None if piece["severe"] == LEAST_MILLI else celsius(int(piece["severe"])),
            judged=bool(piece["reason"] == NotJudged.JUDGED),
        )
        for piece, until in zip(pieces, ends, strict=True)
    ]
