"""Verify an archive of readings, or read some out of it, without the product that wrote it.

    python check_archive.py FOLDER [--root SHA256]    verify every byte, and that this root is one of its entries
    python check_archive.py FOLDER --read 17 --from 2026-01-01 --to 2026-02-01    readings of a sensor as CSV

FOLDER is a path or a URI (file://, s3://, hdfs://). Exit code 1: something is wrong. Needed: Python 3.11, pyarrow.

What lies there: `utility=NAME/manifest/NNNNNNNN.json` is a chain. Each entry is JSON with sorted keys, no spaces and a
line feed; its `sha256` is that of the same text without `sha256`, and `previous` is that of the entry before. An entry
names files, with size, rows, bounds and SHA-256. The files are Parquet, sorted by sensor_id and time. The instant of a
reading is measured_at (whole milliseconds) plus measured_us microseconds, its receipt that plus received_after_us.
NaN: no value. A reading that stands in several files is one: of each value the first stays, in the order of the
manifest, files of `base` before those of `amendment`; what is said of a reading as a whole goes with its temperature.
"""

import argparse
import csv
import hashlib
import json
import math
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow.fs import FileSelector, FileSystem, FileType

FORMAT = "hearth-archive/1"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
KEYS = ("sensor_id", "measured_at", "measured_us", "received_after_us")


class Folder:
    """A folder with archives, and how many faults were found in it."""

    def __init__(self, where):
        self.files, self.root = FileSystem.from_uri(where if "://" in where else Path(where).resolve().as_uri())
        self.faults = 0

    def fault(self, name, what):
        """Tell what is wrong with a file."""
        self.faults += 1
        print(f"{name}: {what}")

    def open(self, name):
        """Open a file. FileNotFoundError: it is not there."""
        return self.files.open_input_file(os.path.join(self.root, name))

    def below(self, name):
        """Return all that lies below a folder, by its name."""
        selector = FileSelector(os.path.join(self.root, name), recursive=True, allow_not_found=True)
        return {os.path.relpath(info.path, self.root): info.type for info in self.files.get_file_info(selector)}


def text(said):
    """Return the one text of an entry."""
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def entries(place, utility):
    """Return the entries of a manifest in order; behind one that is broken none is looked at."""
    found, previous = [], ""
    while True:
        name = f"utility={utility}/manifest/{len(found) + 1:08}.json"
        try:
            with place.open(name) as file:
                content = file.read()
        except FileNotFoundError:
            return found, previous
        try:
            said = json.loads(content)
            own = said.pop("sha256")
            whole = said["format"] == FORMAT and hashlib.sha256(text(said)).hexdigest() == own
            whole = whole and text({**said, "sha256": own}) == content
        except (ValueError, KeyError, TypeError, AttributeError):
            whole = False
        if not whole:
            place.fault(name, "is not as it was written")
            return found, previous
        if (said["number"], said["previous"]) != (len(found) + 1, previous):
            place.fault(name, "does not follow the entry before")
            return found, previous
        found.append(said)
        previous = own


def current(chain):
    """Return the files of all entries that no later one has replaced by others with the same readings."""
    replaced = {path for entry in chain for path in entry["replaces"]}
    return [file for entry in chain for file in entry["files"] if file["path"] not in replaced]


def verify(place, utility, noted):
    """Verify all of a utility: the chain, each file, and that nothing else lies there."""
    chain, root = entries(place, utility)
    if noted is not None and noted not in [*(entry["previous"] for entry in chain), root]:
        place.fault(f"utility={utility}/manifest", f"has no entry with the root {noted}")
    named = {f"utility={utility}/manifest/{entry['number']:08}.json" for entry in chain}
    rows, files = 0, current(chain)
    for file in files:
        name = f"utility={utility}/{file['path']}"
        named.add(name)
        what = wrong(place, name, file)
        if what:
            place.fault(name, what)
        rows += file["rows"]
    found = place.below(f"utility={utility}").items()
    for name in sorted(name for name, kind in found if kind is FileType.File and name not in named):
        print(f"{name}: no entry needs it (replaced, left by a crash, or put there)")
    print(f"{utility}: {len(chain)} entries, {len(files)} files, {rows} rows, root {root or 'none'}")


def wrong(place, name, file):
    """Return what is wrong with a file; None: nothing is."""
    hashed = hashlib.sha256()
    try:
        with place.open(name) as source:
            while block := source.read(1 << 20):
                hashed.update(block)
            if (source.size(), hashed.hexdigest()) != (file["size"], file["sha256"]):
                return "is not as it was written"
            table = pq.read_table(source, columns=list(KEYS[:3]))
    except FileNotFoundError:
        return "is missing"
    sensor, at = columns(table)
    if not rises(sensor, at):
        return "is not sorted by sensor and time"
    told = {"rows": len(sensor), "sensors": [sensor[0].as_py(), sensor[-1].as_py()]}
    told["measured"] = [pc.min(at).as_py(), pc.max(at).as_py()]
    return None if told.items() <= file.items() else "holds other rows than the manifest says"


def columns(table):
    """Return the sensors and the instants (µs) of rows."""
    at = pc.add(pc.multiply(table.column("measured_at").cast("int64"), 1000), table.column("measured_us").cast("int64"))
    return table.column("sensor_id").cast("int64").combine_chunks(), at.combine_chunks()


def rises(sensor, at):
    """Return whether rows are sorted by sensor and time, none twice."""
    step, later = (pc.subtract(some[1:], some[:-1]) for some in (sensor, at))
    return pc.all(pc.or_(pc.greater(step, 0), pc.and_(pc.equal(step, 0), pc.greater(later, 0)))).as_py() is not False


def read(place, utility, sensor, span):
    """Write the readings of a sensor in a span of time as CSV."""
    chain, _ = entries(place, utility)
    merged = {}
    for file in sorted(current(chain), key=lambda one: one["part"] == "amendment"):
        inside = file["sensors"][0] <= sensor <= file["sensors"][1] and file["kind"] == "reading"
        if inside and file["measured"][0] < span[1] and file["measured"][1] >= span[0]:
            with place.open(f"utility={utility}/{file['path']}") as source:
                table = pq.read_table(source, filters=[("sensor_id", "=", sensor)])
            for at, row in zip(columns(table)[1].to_pylist(), table.to_pylist(), strict=True):
                if span[0] <= at < span[1]:
                    merge(merged, at, row)
    out = csv.writer(sys.stdout)
    names = [name for name in next(iter(merged.values()), {}) if name not in {*KEYS, "received_at"}]
    out.writerow(["measured_at", "received_at", *names])
    for at, row in sorted(merged.items()):
        values = ["" if row[name] != row[name] else row[name] for name in names]
        instants = [(EPOCH + timedelta(microseconds=us)).isoformat() for us in (at, row["received_at"])]
        out.writerow([*instants, *values])


def merge(merged, at, row):
    """Add what a file says of a reading to what was said before: the first value stays."""
    row["received_at"] = at + row["received_after_us"]
    known = merged.setdefault(at, row)
    if math.isnan(known["temperature"]) and not math.isnan(row["temperature"]):
        known.update({name: row[name] for name in ("temperature", "quality", "received_at", "self_timed")})
    for name in ("humidity", "battery"):
        known[name] = row[name] if math.isnan(known[name]) else known[name]


def main():
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--utility", help="all by default")
    parser.add_argument("--root", help="the digest of an entry that was noted elsewhere")
    parser.add_argument("--read", type=int, metavar="SENSOR")
    parser.add_argument("--from", dest="begin", default="1970-01-01")
    parser.add_argument("--to", dest="end", default="2200-01-01")
    asked = parser.parse_args()
    place = Folder(asked.folder)
    found = [name.partition("=")[2] for name in place.below("") if name.startswith("utility=") and "/" not in name]
    for utility in [asked.utility] if asked.utility else sorted(found):
        if asked.read is None:
            verify(place, utility, asked.root)
        else:
            days = [datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (asked.begin, asked.end)]
            read(place, utility, asked.read, [(day - EPOCH) // timedelta(microseconds=1) for day in days])
    return 1 if place.faults else 0


if __name__ == "__main__":
    sys.exit(main())
