"""Whether a dossier is what was put together: nothing changed, missing or added, chains unbroken, days that add up.

It is read where it lies, never unpacked, and no more of it than its own limits allow: it may come from anybody.
"""

import csv
import hashlib
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from domain.errors import UsageError
from domain.instants import to_us
from papers.bundle import FORMAT, MANIFEST, SUMS, root, sums

LARGEST = {"readings.csv": 1 << 30, "events.jsonl": 64 << 20}  # bytes, unpacked
LARGEST_OTHER = 16 << 20
LARGEST_ZIP = 1 << 30
LONGEST_LINE = 1 << 20
END = struct.Struct("<4s4H2LH")  # the record at the end of a ZIP
END_MARK, LONG_MARK = b"PK\5\6", b"PK\6\7"
MOST_ENTRIES, LARGEST_DIRECTORY = 64, 1 << 16
NAMES = frozenset(
    {
        MANIFEST, SUMS, "README.md", "readings.csv", "gaps.csv", "ledger.csv", "home.json", "policy.toml",
        "policy.json", "flags.json", "tickets.json", "events.jsonl", "seals.json", "measurements.json",
        "outages.json", "summary.zh.pdf", "summary.en.pdf",
    }
)  # fmt: skip
BLOCK = 1 << 20
MOST_TOLD = 100  # faults that are listed; all are counted
STATES = ("compliant_s", "cold_s", "severe_s", "unknown_s", "not_judged_s")
DAY = timedelta(days=1)
UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)
MISSHAPEN = (
    ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError, csv.Error, *UNREADABLE
)  # fmt: skip


@dataclass
class Verdict:
    """What the check found."""

    root: str | None = None  # of what the manifest says now
    told: dict[str, Any] = field(default_factory=dict)  # home, from, to, zone, view, policy, state
    files: int = 0
    days: int = 0
    readings: int = 0
    events: int = 0
    withheld: int = 0  # events that cannot be computed anew from this dossier
    faults: int = 0
    listed: list[str] = field(default_factory=list)

    def fault(self, what: str) -> None:
        """Count a fault, and list it if there are not too many."""
        self.faults += 1
        if len(self.listed) < MOST_TOLD:
            self.listed.append(what)


def verify(file: Path, noted: str | None = None) -> Verdict:
    """Check a dossier.

    Args:
        noted: the root as it was noted when the dossier was made.
    Raises:
        UsageError: it cannot be read, or is no dossier at all.
    """
    try:
        _check_end(file)
        with zipfile.ZipFile(file) as archive:
            return _Check(archive, Verdict()).all(noted)
    except zipfile.BadZipFile as error:
        raise UsageError(f"{file}: is not a whole ZIP: {error}") from None
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror or error}") from None
    except NoDossier as error:
        raise UsageError(f"{file}: is not an evidence dossier: {error}") from None


def _check_end(file: Path) -> None:
    """Refuse a ZIP whose directory alone would take too much to read."""
    size = file.stat().st_size
    with file.open("rb") as raw:
        raw.seek(max(0, size - END.size - 20))
        tail = raw.read()
    if len(tail) < END.size or tail[-END.size :][:4] != END_MARK:
        raise zipfile.BadZipFile("its end is missing")
    *_, entries, directory, _, _ = END.unpack(tail[-END.size :])
    if size > LARGEST_ZIP or entries > MOST_ENTRIES or directory > LARGEST_DIRECTORY or tail.startswith(LONG_MARK):
        raise NoDossier("it is larger than one can be")


class NoDossier(Exception):
    """There is no manifest that could be gone by."""


@dataclass
class _Check:
    archive: zipfile.ZipFile
    verdict: Verdict

    def all(self, noted: str | None) -> Verdict:
        manifest = self._manifest()
        self.verdict.told = {name: value for name, value in manifest.items() if name not in ("format", "files", "root")}
        self.verdict.root = root(manifest)
        if self.verdict.root != manifest.get("root"):
            self.verdict.fault(f"{MANIFEST}: was changed: its root is not that of what it says")
        if noted is not None and noted.strip().lower() != self.verdict.root:
            self.verdict.fault(f"{MANIFEST}: its root is not the one that was noted")
        if self._names() and self._files(manifest):
            for name, look in (
                ("ledger.csv", self._days),
                ("readings.csv", self._readings),
                ("events.jsonl", self._chains),
                ("seals.json", self._seals),
                ("policy.json", self._policy),
            ):
                try:
                    look()
                except MISSHAPEN as error:
                    self.verdict.fault(f"{name}: is not of its form: {type(error).__name__}: {error}")
        return self.verdict

    def _manifest(self) -> dict[str, Any]:
        infos = [info for info in self.archive.infolist() if info.filename == MANIFEST]
        if len(infos) != 1:
            raise NoDossier(f"it has {len(infos) or 'no'} {MANIFEST}")
        try:
            told = json.loads(self._whole(MANIFEST))
        except (*UNREADABLE, ValueError, RecursionError) as error:
            raise NoDossier(f"{MANIFEST} cannot be read: {error}") from None
        if not isinstance(told, dict) or told.get("format") != FORMAT or not isinstance(told.get("files"), list):
            raise NoDossier(f"{MANIFEST} is not of the format {FORMAT}")
        return told

    def _names(self) -> bool:
        """Whether the names in the archive are those of a dossier, each once; nothing else is looked at before."""
        infos, before = self.archive.infolist(), self.verdict.faults
        names = [info.filename for info in infos]
        for name in sorted(set(names) - NAMES):
            self.verdict.fault(f"{name!r}: does not belong into a dossier")
        for name in sorted({name for name in names if names.count(name) > 1}):
            self.verdict.fault(f"{name}: is in it {names.count(name)} times")
        for info in infos:
            if info.file_size > LARGEST.get(info.filename, LARGEST_OTHER):
                self.verdict.fault(f"{info.filename!r}: would be {info.file_size} bytes: too much to be looked at")
        return self.verdict.faults == before

    def _files(self, manifest: Mapping[str, Any]) -> bool:
        """Whether each file is there as the manifest says."""
        before = self.verdict.faults
        try:
            listed = {str(file["name"]): (int(file["size"]), str(file["sha256"])) for file in manifest["files"]}
            order = [file["name"] for file in manifest["files"]]
        except MISSHAPEN:
            raise NoDossier(f"{MANIFEST} does not list files") from None
        if order != sorted(listed):
            self.verdict.fault(f"{MANIFEST}: the files are not listed in order, each once")
        there = {info.filename for info in self.archive.infolist()} - {MANIFEST}
        for name in sorted((NAMES - {MANIFEST}) - there):
            self.verdict.fault(f"{name}: is missing")
        for name in sorted(there - listed.keys()):
            self.verdict.fault(f"{name}: is not in the manifest")
        for name in sorted(listed.keys() - there - NAMES):
            self.verdict.fault(f"{name}: is in the manifest and not there")
        for name in sorted(there & listed.keys()):
            self._file(name, *listed[name])
        if not self.verdict.faults - before and self._whole(SUMS) != self._sums(listed):
            self.verdict.fault(f"{SUMS}: does not say what the manifest says")
        return self.verdict.faults == before

    def _sums(self, listed: Mapping[str, tuple[int, str]]) -> bytes:
        return sums({"name": name, "sha256": digest} for name, (_, digest) in listed.items() if name != SUMS)

    def _file(self, name: str, size: int, digest: str) -> None:
        self.verdict.files += 1
        hashed, length = hashlib.sha256(), 0
        try:
            for block in self._blocks(name):
                hashed.update(block)
                length += len(block)
        except UNREADABLE as error:
            self.verdict.fault(f"{name}: cannot be read: {error}")
            return
        if hashed.hexdigest() != digest:
            self.verdict.fault(f"{name}: was changed: its SHA-256 is not the one of the manifest")
        elif length != size:
            self.verdict.fault(f"{name}: has {length} bytes and not {size}")

    def _blocks(self, name: str) -> Iterator[bytes]:
        most, taken = LARGEST.get(name, LARGEST_OTHER), 0
        with self.archive.open(name) as file:
            while block := file.read(BLOCK):
                taken += len(block)
                if taken > most:
                    raise zipfile.BadZipFile("it is larger than it says")
                yield block

    def _whole(self, name: str) -> bytes:
        return b"".join(self._blocks(name))

    def _json(self, name: str) -> Any:
        return json.loads(self._whole(name))

    def _rows(self, name: str) -> Iterator[dict[str, str]]:
        yield from csv.DictReader(line.decode() for line in self._lines(name))

    def _days(self) -> None:
        """The states of each day add up to its length, and the gaps to what is unknown."""
        zone = ZoneInfo(self.verdict.told["zone"])
        gaps = [(_us(row["from"]), _us(row["to"])) for row in self._rows("gaps.csv")]
        edges = [edge for gap in gaps for edge in gap]
        if any(later <= edge for edge, later in pairwise(edges)):
            self.verdict.fault("gaps.csv: gaps do not follow each other")
        last = None
        for row in self._rows("ledger.csv"):
            self.verdict.days += 1
            day = date.fromisoformat(row["day"])
            if last is not None and day <= last:
                self.verdict.fault(f"ledger.csv: {day} stands behind {last}")
            last = day
            low, high = (to_us(datetime.combine(d, time(0), zone)) for d in (day, day + DAY))
            self._day(row, low, high, gaps)
        if self.verdict.days != self.verdict.told["state"]["ledger_days"]:
            self.verdict.fault("ledger.csv: has not as many days as the manifest says")

    def _day(self, row: Mapping[str, str], low: int, high: int, gaps: list[tuple[int, int]]) -> None:
        micro = {name: round(float(row[name]) * 1e6) for name in (*STATES, "shortfall_s")}
        covered, closed = sum(micro[name] for name in STATES), row["closed"] == "true"
        if min(micro.values()) < 0 or micro["shortfall_s"] > micro["compliant_s"]:
            self.verdict.fault(f"ledger.csv: {row['day']}: has times that cannot be")
        if covered > high - low or (closed and covered < high - low):
            hours = f"{covered / 3.6e9:.2f} h of {(high - low) / 3.6e9:.2f} h"
            self.verdict.fault(f"ledger.csv: {row['day']}: its states add up to {hours}")
        silent = sum(max(0, min(end, high) - max(start, low)) for start, end in gaps)
        if row["recount"] == "same" and silent != micro["unknown_s"]:
            self.verdict.fault(f"gaps.csv: {row['day']}: the gaps do not add up to what is unknown")

    def _readings(self) -> None:
        """Each temperature is the raw one and the offset, and the readings of a sensor are in order."""
        last: dict[str, str] = {}
        newest = ""
        for row in self._rows("readings.csv"):
            self.verdict.readings += 1
            if row["raw"]:
                with np.errstate(all="ignore"):
                    judged = np.float32(row["raw"]) + np.float32(row["offset"])
                if judged != np.float32(row["temperature"]):
                    self.verdict.fault(f"readings.csv: {row['sensor']} {row['measured_at']}: raw + offset is another")
            if last.get(row["sensor"], "") >= row["measured_at"]:
                self.verdict.fault(f"readings.csv: {row['sensor']} {row['measured_at']}: is not in order")
            last[row["sensor"]] = row["measured_at"]
            newest = max(newest, row["received_at"])
        state = self.verdict.told["state"]
        if (self.verdict.readings, newest or None) != (state["readings"], state["last_received_at"]):
            self.verdict.fault("readings.csv: is not what the manifest says of it")

    def _chains(self) -> None:
        """Each event follows the one before it on its ticket, and the last one is the head of the ticket."""
        tickets = {ticket["number"]: ticket for ticket in self._json("tickets.json")}
        heads: dict[str, dict[str, Any]] = {}
        for line in self._lines("events.jsonl"):
            event = json.loads(line)
            self.verdict.events += 1
            before = heads.get(event["ticket"])
            seq, previous = (before["seq"] + 1, before["hash"]) if before else (1, None)
            where = f"events.jsonl: {event['ticket']} event {event['seq']}"
            if (event["seq"], event["previous"]) != (seq, previous):
                self.verdict.fault(f"{where}: the chain is broken: it does not follow event {seq - 1}")
            if event["shown"] != "whole":
                self.verdict.withheld += 1
            elif not _is_hash(event):
                self.verdict.fault(f"{where}: the chain is broken: its hash is not that of what it says")
            elif not _is_told(event):
                self.verdict.fault(f"{where}: says something else than what was hashed")
            heads[event["ticket"]] = event
        if self.verdict.events != self.verdict.told["state"]["events"]:
            self.verdict.fault("events.jsonl: has not as many events as the manifest says")
        for number in sorted(heads.keys() - tickets.keys()):
            self.verdict.fault(f"events.jsonl: {number} is not in tickets.json")
        for number, ticket in tickets.items():
            head = heads.get(number, {"seq": 0, "hash": None})
            if (head["seq"], head["hash"]) != (ticket["events"], ticket["head"]):
                self.verdict.fault(f"tickets.json: {number}: its last event is another")
            if head.get("state", ticket["state"]) != ticket["state"]:
                self.verdict.fault(f"tickets.json: {number}: its last event left it {head['state']}")

    def _seals(self) -> None:
        """Each seal is what it hashes, and each sealed event lies under its seal."""
        seals = {seal["number"]: seal for seal in self._json("seals.json")}
        for seal in seals.values():
            told = f"{_us(seal['at'])}|{seal['upto']}|{seal['events']}|".encode()
            hashed = hashlib.sha256(bytes.fromhex(seal["previous"] or "") + told + bytes.fromhex(seal["digest"]))
            if hashed.hexdigest() != seal["hash"]:
                self.verdict.fault(f"seals.json: seal {seal['number']} is not what was written")
        for line in self._lines("events.jsonl"):
            event = json.loads(line)
            if event["seal"] is not None:
                seal = seals.get(event["seal"], {"after": 0, "upto": 0})
                if not seal["after"] < event["event_id"] <= seal["upto"]:
                    self.verdict.fault(f"events.jsonl: {event['ticket']} event {event['seq']} is not under its seal")

    def _policy(self) -> None:
        """The rules are those that the manifest names."""
        digest = hashlib.sha256(self._whole("policy.toml")).hexdigest()
        if not digest == self._json("policy.json")["sha256"] == self.verdict.told["policy"]["sha256"]:
            self.verdict.fault("policy.toml: is not the text that the manifest names")

    def _lines(self, name: str) -> Iterator[bytes]:
        with self.archive.open(name) as file:
            while line := file.readline(LONGEST_LINE):
                if len(line) == LONGEST_LINE:
                    raise ValueError("a line is too long")
                yield line


def _is_hash(event: Mapping[str, Any]) -> bool:
    before = bytes.fromhex(event["previous"] or "")
    hashed = hashlib.sha256(before + str(event["canonical"]).encode()).hexdigest()
    return hashed == str(event["hash"])


def _is_told(event: Mapping[str, Any]) -> bool:
    """Whether what is shown of an event is what was hashed."""
    key, *rest = json.loads(event["canonical"])
    shown = [event["seq"], _us(event["at"]), event["kind"], event["actor"], event["state"], event["data"]]
    return f"T{key:08}" == str(event["ticket"]) and rest == shown


def _us(text: str) -> int:
    instant = datetime.fromisoformat(text)
    return to_us(instant if instant.tzinfo else instant.replace(tzinfo=UTC))
