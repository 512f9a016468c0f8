"""Verification of a dossier: nothing changed, missing or added, chains unbroken, days that add up.

The file is untrusted: `papers/dossier/untrusted_zip.py` limits how much is read, and every check here is linear in its
size. Texts quoted from it are shown as one line without terminal control characters.
"""

import base64
import csv
import hashlib
import json
import zipfile
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from domain.errors import UsageError
from domain.instants import to_us
from domain.printable import printable
from papers.dossier import untrusted_zip
from papers.dossier.bundle import FORMAT, LIST, MANIFEST, NAME, REFUNDS, SIGNATURE, SUMS, root, sums
from papers.dossier.untrusted_zip import UNREADABLE, Archive, TooLarge
from papers.dossier.verify_files import FilesCheck

NAMES = frozenset(
    {
        MANIFEST, SUMS, "README.md", "readings.csv", "gaps.csv", "ledger.csv", "home.json", "policy.toml",
        "policy.json", "flags.json", "tickets.json", "events.jsonl", "seals.json", "measurements.json",
        "outages.json", "summary.zh.pdf", "summary.en.pdf",
    }
)  # fmt: skip
OPTIONAL = frozenset({SIGNATURE, LIST, REFUNDS})  # dossiers of earlier versions have no files and no refunds
MOST_TOLD = 100  # faults, after which the check stops
LONGEST_TOLD = 300  # characters of a fault
MOST_DAYS = 1_000
STATES = ("compliant_s", "cold_s", "severe_s", "unknown_s", "not_judged_s")
NO_HEAD = (0, None, None)
DAY = timedelta(days=1)
MISSHAPEN = (KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError, csv.Error, *UNREADABLE)


UNSIGNED = "none: the dossier is not signed"


class NoDossier(Exception):
    """The file has no usable manifest."""


class _Enough(Exception):
    """Too many faults were found; the check stops."""


@dataclass
class DossierVerdict:
    """Result of the check."""

    root: str | None = None  # computed from the manifest
    told: dict[str, Any] = field(default_factory=dict)  # home, from, to, zone, view, policy, state
    files: int = 0
    days: int = 0
    readings: int = 0
    events: int = 0
    attachments: int = 0  # files of tickets inside
    withheld: int = 0  # events whose hash cannot be recomputed from this dossier
    faults: int = 0
    listed: list[str] = field(default_factory=list)
    signature: str = UNSIGNED
    given_up: bool = False  # stopped after too many faults; there may be more

    def fault(self, what: str) -> None:
        """Note a fault.

        Raises:
            _Enough: there are too many.
        """
        self.faults += 1
        self.listed.append(printable(what, LONGEST_TOLD))
        if self.faults >= MOST_TOLD:
            self.given_up = True
            raise _Enough


def verify(file: Path, noted: str | None = None, keys: Sequence[bytes] = ()) -> DossierVerdict:
    """Check a dossier.

    Args:
        noted: the root noted when the dossier was made.
        keys: the company's public keys; if given, one of them must have signed the dossier.
    Raises:
        UsageError: it cannot be read, or is not a dossier.
    """
    verdict = DossierVerdict()
    try:
        with Archive(file) as archive:
            return _Check(archive, verdict, keys).all(noted)
    except _Enough:
        return verdict
    except zipfile.BadZipFile as error:
        raise UsageError(f"{file}: is not a whole ZIP: {printable(str(error), LONGEST_TOLD)}") from None
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror or error}") from None
    except (NoDossier, TooLarge) as error:
        raise UsageError(f"{file}: is not an evidence dossier: {printable(str(error), LONGEST_TOLD)}") from None


@dataclass
class _Check:
    archive: Archive
    verdict: DossierVerdict
    keys: Sequence[bytes]
    hashes: dict[str, tuple[int, str]] = field(default_factory=dict)  # size and SHA-256 by the manifest

    def all(self, noted: str | None) -> DossierVerdict:
        manifest = self._manifest()
        self.verdict.told = {name: value for name, value in manifest.items() if name not in ("format", "files", "root")}
        if self.verdict.root != manifest.get("root"):
            self.verdict.fault(f"{MANIFEST}: was changed: its root does not match its content")
        if noted is not None and noted.strip().lower() != self.verdict.root:
            self.verdict.fault(f"{MANIFEST}: its root is not the noted one")
        if self._names() and self._files(manifest):
            for name, look in (
                (SIGNATURE, self._signature),
                ("ledger.csv", self._days),
                ("readings.csv", self._readings),
                ("events.jsonl", self._chains),
                ("seals.json", self._seals),
                ("policy.json", self._policy),
                (LIST, self._attachments),
                (REFUNDS, self._refunds),
            ):
                try:
                    look()
                except MISSHAPEN as error:
                    self.verdict.fault(f"{name}: is malformed: {type(error).__name__}: {error}")
        return self.verdict

    def _manifest(self) -> dict[str, Any]:
        infos = [info for info in self.archive.infos if info.filename == MANIFEST]
        if len(infos) != 1:
            raise NoDossier(f"it has {len(infos) or 'no'} {MANIFEST}")
        if infos[0].file_size > untrusted_zip.LARGEST[MANIFEST]:
            raise NoDossier(f"{MANIFEST} is too large")
        try:
            told = self.archive.json(MANIFEST)
            if not isinstance(told, dict) or told.get("format") != FORMAT or not isinstance(told.get("files"), list):
                raise NoDossier(f"{MANIFEST} does not have the format {FORMAT}")
            self.verdict.root = root(told)
        except MISSHAPEN as error:
            raise NoDossier(f"{MANIFEST} cannot be read: {error}") from None
        return told

    def _names(self) -> bool:
        """Check that the archive has exactly the names of a dossier, each once; this comes before all other checks."""
        before = self.verdict.faults
        names = [info.filename for info in self.archive.infos]
        for name in sorted(name for name in set(names) - NAMES - OPTIONAL if not NAME.fullmatch(name)):
            self.verdict.fault(f"{name!r}: does not belong in a dossier")
        for name in sorted({name for name in names if names.count(name) > 1}):
            self.verdict.fault(f"{name}: occurs {names.count(name)} times")
        for fault in self.archive.faults():
            self.verdict.fault(fault)
        return self.verdict.faults == before

    def _files(self, manifest: Mapping[str, Any]) -> bool:
        """Check that each file matches the manifest."""
        before = self.verdict.faults
        try:
            self.hashes = {str(file["name"]): (int(file["size"]), str(file["sha256"])) for file in manifest["files"]}
            order = [file["name"] for file in manifest["files"]]
        except MISSHAPEN:
            raise NoDossier(f"{MANIFEST} does not list files") from None
        if order != sorted(self.hashes):
            self.verdict.fault(f"{MANIFEST}: the files are not listed in order, each once")
        there = {info.filename for info in self.archive.infos} - {MANIFEST, SIGNATURE}
        for name in sorted((NAMES - {MANIFEST}) - there):
            self.verdict.fault(f"{name}: is missing")
        for name in sorted(there - self.hashes.keys()):
            self.verdict.fault(f"{name}: is not in the manifest")
        for name in sorted(self.hashes.keys() - there - NAMES):
            self.verdict.fault(f"{name}: is in the manifest but missing")
        for name in sorted(there & self.hashes.keys()):
            self._file(name, *self.hashes[name])
        if not self.verdict.faults - before and self.archive.whole(SUMS) != self._sums(self.hashes):
            self.verdict.fault(f"{SUMS}: does not match the manifest")
        return self.verdict.faults == before

    def _sums(self, listed: Mapping[str, tuple[int, str]]) -> bytes:
        return sums({"name": name, "sha256": digest} for name, (_, digest) in listed.items() if name != SUMS)

    def _file(self, name: str, size: int, digest: str) -> None:
        self.verdict.files += 1
        hashed, length = hashlib.sha256(), 0
        try:
            for block in self.archive.blocks(name):
                hashed.update(block)
                length += len(block)
        except UNREADABLE as error:
            self.verdict.fault(f"{name}: cannot be read: {error}")
            return
        if hashed.hexdigest() != digest:
            self.verdict.fault(f"{name}: was changed: its SHA-256 is not the one in the manifest")
        elif length != size:
            self.verdict.fault(f"{name}: has {length} bytes instead of {size}")

    def _rows(self, name: str) -> Iterator[dict[str, str]]:
        yield from csv.DictReader(line.decode() for line in self.archive.lines(name))

    def _days(self) -> None:
        """Check that each day's states add up to its length, and the gaps to its unknown time."""
        zone = ZoneInfo(self.verdict.told["zone"])
        gaps = [(_us(row["from"]), _us(row["to"])) for row in self._rows("gaps.csv")]
        in_order = all(start < end for start, end in gaps) and all(a[1] < b[0] for a, b in pairwise(gaps))
        if not in_order:
            self.verdict.fault("gaps.csv: gaps are not in order")
        days = list(islice(self._rows("ledger.csv"), MOST_DAYS + 1))
        if len(days) > MOST_DAYS:
            raise ValueError("there are more days than a dossier may have")
        self.verdict.days = len(days)
        for before, row in zip([None, *days], days, strict=False):
            if before is not None and row["day"] <= before["day"]:
                self.verdict.fault(f"ledger.csv: {row['day']} comes after {before['day']}")
            day = date.fromisoformat(row["day"])
            low, high = (to_us(datetime.combine(d, time(0), zone)) for d in (day, day + DAY))
            self._day(row, low, high, _silent(gaps, low, high) if in_order else None)
        if self.verdict.days != self.verdict.told["state"]["ledger_days"]:
            self.verdict.fault("ledger.csv: does not have the number of days in the manifest")

    def _day(self, row: Mapping[str, str], low: int, high: int, silent: int | None) -> None:
        micro = {name: round(float(row[name]) * 1e6) for name in (*STATES, "shortfall_s")}
        covered, closed = sum(micro[name] for name in STATES), row["closed"] == "true"
        if min(micro.values()) < 0 or micro["shortfall_s"] > micro["compliant_s"]:
            self.verdict.fault(f"ledger.csv: {row['day']}: has impossible times")
        if covered > high - low or (closed and covered < high - low):
            hours = f"{covered / 3.6e9:.2f} h of {(high - low) / 3.6e9:.2f} h"
            self.verdict.fault(f"ledger.csv: {row['day']}: its states add up to {hours}")
        if silent is not None and row["recount"] == "same" and silent != micro["unknown_s"]:
            self.verdict.fault(f"gaps.csv: {row['day']}: the gaps do not add up to the unknown time")

    def _readings(self) -> None:
        """Check the readings' offsets and order, and their number against the manifest."""
        # Slow to import, and not needed to recognise a ZIP that is not a dossier.
        from papers.dossier.verify_readings import ReadingsCheck

        found = ReadingsCheck(self.verdict.fault)
        try:
            found.look(self.archive.stream("readings.csv"))
        finally:
            self.verdict.readings = found.count
        state = self.verdict.told["state"]
        if (found.count, found.newest or None) != (state["readings"], state["last_received_at"]):
            self.verdict.fault("readings.csv: does not match the manifest")

    def _chains(self) -> None:
        """Check that each event follows the previous one of its ticket, and that the last one is the ticket's head."""
        tickets = {ticket["number"]: ticket for ticket in self.archive.json("tickets.json")}
        heads: dict[str, tuple[int, str | None, str | None]] = {}  # number, hash, and state if shown
        for line in self.archive.lines("events.jsonl"):
            event = json.loads(line)
            self.verdict.events += 1
            if event["ticket"] not in tickets:
                self.verdict.fault(f"events.jsonl: {event['ticket']} is not in tickets.json")
            before, previous, _ = heads.get(event["ticket"], NO_HEAD)
            self._event(event, before + 1, previous)
            heads[event["ticket"]] = (event["seq"], event["hash"], event.get("state"))
        if self.verdict.events != self.verdict.told["state"]["events"]:
            self.verdict.fault("events.jsonl: does not have the number of events in the manifest")
        for number, ticket in tickets.items():
            seq, hashed, state = heads.get(number, NO_HEAD)
            if (seq, hashed) != (ticket["events"], ticket["head"]):
                self.verdict.fault(f"tickets.json: {number}: does not match its last event")
            if state not in (None, ticket["state"]):
                self.verdict.fault(f"tickets.json: {number}: its last event left it {state}")

    def _event(self, event: Mapping[str, Any], seq: int, previous: str | None) -> None:
        where = f"events.jsonl: {event['ticket']} event {event['seq']}"
        if (event["seq"], event["previous"]) != (seq, previous):
            self.verdict.fault(f"{where}: the chain is broken: it does not follow event {seq - 1}")
        if event["shown"] != "whole":
            self.verdict.withheld += 1
        elif not _is_hash(event):
            self.verdict.fault(f"{where}: the chain is broken: its hash does not match its content")
        elif not _is_told(event):
            self.verdict.fault(f"{where}: differs from the hashed text")

    def _signature(self) -> None:
        """Check the signature of the manifest, against the given keys if there are any."""
        if SIGNATURE not in {info.filename for info in self.archive.infos}:
            if self.keys:
                self.verdict.fault(f"{SIGNATURE}: is missing: the dossier is not signed")
            return
        from store.evidence import signing  # slow to import

        told = self.archive.json(SIGNATURE)
        public, signature = (base64.b64decode(told[name], validate=True) for name in ("public_key", "signature"))
        name = signing.key_id(public)
        if not signing.is_signed(public, signature, signing.of_dossier(str(self.verdict.root))):
            self.verdict.signature = f"BROKEN: not a signature of this dossier, by the key {name}"
            self.verdict.fault(f"{SIGNATURE}: is broken")
        elif public in self.keys:
            self.verdict.signature = f"good, by the key {name}"
        else:
            self.verdict.signature = (
                f"by an UNKNOWN key, {name}: pass the published key with --key to identify the signer"
            )
            if self.keys:
                self.verdict.fault(f"{SIGNATURE}: is by another key than those given: {name}")

    def _seals(self) -> None:
        """Check that each seal matches its hash, and that each sealed event is covered by its seal."""
        seals = {seal["number"]: seal for seal in self.archive.json("seals.json")}
        under = {number: self._seal(seal) for number, seal in seals.items()}
        for line in self.archive.lines("events.jsonl"):
            event = json.loads(line)
            if event["seal"] is not None:
                seal = seals.get(event["seal"], {"after": 0, "upto": 0})
                hashes = under.get(event["seal"])
                in_it = seal["after"] < event["event_id"] <= seal["upto"]
                if not in_it or (hashes is not None and event["hash"] not in hashes):
                    self.verdict.fault(
                        f"events.jsonl: {event['ticket']} event {event['seq']} is not covered by its seal"
                    )

    def _seal(self, seal: Mapping[str, Any]) -> frozenset[str] | None:
        """Check a seal; return the hashes of the events it covers, if the dossier has them."""
        told = f"{_us(seal['at'])}|{seal['upto']}|{seal['events']}|".encode() + bytes.fromhex(seal["digest"])
        if seal.get("entries_digest") is not None:
            told += f"|{seal['entries_upto']}|{seal['entries']}|".encode() + bytes.fromhex(seal["entries_digest"])
        hashed = hashlib.sha256(bytes.fromhex(seal["previous"] or "") + told)
        if hashed.hexdigest() != seal["hash"]:
            self.verdict.fault(f"seals.json: seal {seal['number']} does not match its hash")
        self._seal_signature(seal)
        hashes = seal.get("hashes")
        if hashes is None:
            return None
        digest = hashlib.sha256(b"".join(bytes.fromhex(one) for one in hashes)).hexdigest()
        if (digest, len(hashes)) != (seal["digest"], seal["events"]):
            self.verdict.fault(f"seals.json: seal {seal['number']}: does not cover these events")
        return frozenset(hashes)

    def _seal_signature(self, seal: Mapping[str, Any]) -> None:
        """Check the signature of a seal that names one of the given keys."""
        if seal.get("key") is None or not self.keys:
            return
        from store.evidence import signing

        public = {signing.key_id(key): key for key in self.keys}.get(seal["key"])
        told = signing.of_seal(seal["number"], bytes.fromhex(seal["hash"]))
        if public is not None and not signing.is_signed(public, bytes.fromhex(seal["signature"]), told):
            self.verdict.fault(f"seals.json: seal {seal['number']}: its signature is broken")

    def _attachments(self) -> None:
        """Check that the files of tickets are those that their events tell of."""
        self.verdict.attachments = FilesCheck(self.archive, self.hashes, self.verdict.fault).look()

    def _refunds(self) -> None:
        """Check that the days of refund sheets are those that their digests bind."""
        from papers.dossier.verify_refunds import look  # slow to import

        if REFUNDS in self.hashes:
            look(self.archive.json(REFUNDS), self.verdict.fault)

    def _policy(self) -> None:
        """Check that the policy is the one named in the manifest."""
        digest = hashlib.sha256(self.archive.whole("policy.toml")).hexdigest()
        if not digest == self.archive.json("policy.json")["sha256"] == self.verdict.told["policy"]["sha256"]:
            self.verdict.fault("policy.toml: is not the text named in the manifest")


def _silent(gaps: list[tuple[int, int]], low: int, high: int) -> int:
    """Return how much of [low, high) is within gaps, which are in order."""
    first, last = bisect_right(gaps, low, key=itemgetter(1)), bisect_left(gaps, high, key=itemgetter(0))
    return sum(min(end, high) - max(start, low) for start, end in gaps[first:last])


def _is_hash(event: Mapping[str, Any]) -> bool:
    before = bytes.fromhex(event["previous"] or "")
    hashed = hashlib.sha256(before + str(event["canonical"]).encode()).hexdigest()
    return hashed == str(event["hash"])


def _is_told(event: Mapping[str, Any]) -> bool:
    """Return whether an event as shown is the one that was hashed."""
    key, *rest = json.loads(event["canonical"])
    shown = [event["seq"], _us(event["at"]), event["kind"], event["actor"], event["state"], event["data"]]
    return f"T{key:08}" == str(event["ticket"]) and rest == shown


def _us(text: str) -> int:
    instant = datetime.fromisoformat(text)
    return to_us(instant if instant.tzinfo else instant.replace(tzinfo=UTC))
