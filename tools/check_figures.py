"""Check a package of figures without the product that wrote it: files, figures, and what lies under seals.

    python check_figures.py PACKAGE.zip [--root SHA256] [--seals FILE]

Exit code 1: something is wrong; each fault names its file. Needed: Python 3.11 and nothing else.

What it does: each file has the SHA-256 of manifest.json, whose own root is that of its text with sorted keys, without
spaces and without `root`, and a line feed. All counts of clocks, cases, the desk, applications, peers and refunds are
counted again from lists/, and rates.csv from the tables. A line of lists/clocks.csv is an entry of the journal:
`hash` is SHA-256 of `previous` (its 32 bytes) and the text `entry`, which ends with the times of the line; it is one
of the `entry_hashes` of its seal, as the `head` of a ticket's events is one of the `event_hashes`. The digest of a
seal is SHA-256 of these hashes, its `hash` that of the seal before and of all that it says. Seals are public:
`--seals` takes the answers of /v1/seals, or lines `number:hash` as witnesses have received them, and compares.
"""

import argparse
import csv
import hashlib
import io
import json
import math
import re
import sys
import zipfile
import zlib
from collections import Counter
from datetime import UTC, datetime, timedelta

FORMAT = "hearth-figures/2"
UNREADABLE = (
    OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, EOFError, NotImplementedError,
    RuntimeError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
LARGEST = 1 << 30  # bytes, of a file unpacked
ESCAPE = r"\A'(?=\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20])"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Package:
    """A package, what was read of it, and its faults."""

    def __init__(self, file):
        with zipfile.ZipFile(file) as archive:
            if max(info.file_size for info in archive.infolist()) > LARGEST:
                raise ValueError("a file is too large")
            self.files = {info.filename: archive.read(info) for info in archive.infolist()}
            self.twice = len(archive.infolist()) - len(self.files)
        self.manifest = json.loads(self.files.pop("manifest.json"))
        self.faults, self.notes, self.reading = [], [], "manifest.json"

    def fault(self, name, what):
        """Note what is wrong with a file."""
        self.faults.append(f"{name}: {what}")

    def rows(self, name):
        """Return the rows of a CSV file, without the apostrophes that keep spreadsheets from seeing formulas."""
        self.reading = name
        found = csv.DictReader(io.StringIO(self.files[name].decode(), newline=""))
        return [{column: re.sub(ESCAPE, "", cell) for column, cell in row.items()} for row in found]


def check_files(package):
    """Check that all files are those of the manifest, and the manifest its root."""
    told = {name: value for name, value in package.manifest.items() if name != "root"}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
    if hashlib.sha256(text.encode()).hexdigest() != package.manifest["root"]:
        package.fault("manifest.json", "was changed: its root is another")
    listed = {file["name"]: file["sha256"] for file in package.manifest["files"]}
    for name in sorted(listed.keys() | package.files.keys()):
        if name not in package.files or name not in listed:
            package.fault(name, "is missing" if name in listed else "is not in the manifest")
        elif hashlib.sha256(package.files[name]).hexdigest() != listed[name]:
            package.fault(name, "was changed: its SHA-256 is not the one in the manifest")
    if package.twice:
        package.fault("manifest.json", "a file is there twice")


def clocks(line, _):
    """Say what a line of lists/clocks.csv counts as: when, in which group, and as what."""
    due, met = at(line["due_at"]), at(line["met_at"])
    kept = "unmet" if met is None else "in_time" if met <= due else "late"
    return [(due, (line["ticket_class"], line["name"]), {"due": 1, kept: 1})]


def cases(line, now):
    """The same of lists/cases.csv."""
    due, closed = at(line["due_at"]), at(line["closed_at"])
    counts = {"received": 1, answer(due, at(line["answered_at"]), now): 1}
    if closed is not None:
        counts |= {"closed": 1, "closed_in_time": int(due is not None and closed <= due)}
    return [(at(line["opened_at"]), (line["ticket_class"],), counts)]


def answer(due, answered, now):
    """Say how something was answered."""
    if answered is not None:
        return "answered_in_time" if answered <= due else "answered_late"
    return "overdue" if due is not None and due <= now else "waiting"


def tickets(line, _):
    """The same of lists/tickets.csv: a ticket counts in the month of its opening and in that of its end."""
    after = line["retrospective"] == "true"
    if not line["ending"]:
        yield at(line["opened_at"]), (), {"retrospective" if after else "tickets": 1}
    if line["closed_at"] and not after:
        yield at(line["closed_at"]), (), {line["ending"] or "closed": 1}


def call_backs(line, _):
    """The same of lists/call_backs.csv."""
    asked, satisfied = int(line["satisfied"] != ""), int(line["satisfied"] == "true")
    return [(at(line["at"]), (), {"called_back": 1, "asked": asked, "satisfied": satisfied})]


def flags(line, _):
    """The same of lists/flags.csv."""
    return [(at(line["raised_at"]), (), {"flags": 1, "recovered": int(line["clear_reason"] == "recovered")})]


def applications(line, now):
    """The same of lists/applications.csv; an answer that is not owed any more is neither overdue nor waited for."""
    due, answered = at(line["due_at"]), at(line["answered_at"])
    warm_due, warm = at(line["warm_due_at"]), at(line["warm_at"])
    counts = {"received": 1}
    if answered is not None or not line["void_at"]:
        counts[answer(due, answered, now)] = 1
    late = due is not None and (answered > due if answered is not None else due <= now)
    counts["late_explained"] = int(late and line["explained"] == "true")
    if warm_due is not None:
        counts["warm_in_time"] = int(warm is not None and warm <= warm_due)
        counts["warm_late"] = int(warm > warm_due if warm is not None else warm_due <= now)
    return [(at(line["opened_at"]), (line["kind"],), counts)]


def peers(line, now):
    """The same of lists/peers.csv: each clock counts in the month in which it ran out."""
    for name, due, met in (("response", "respond_by", "responded_at"), ("solution", "resolve_by", "resolved_at")):
        if line[due] and at(line[due]) < now:
            in_time = int(line[met] != "" and at(line[met]) <= at(line[due]))
            yield at(line[due]), (line["peer"],), {f"{name}_due": 1, f"{name}_met": in_time}
    if line["rated_at"]:
        yield at(line["rated_at"]), (line["peer"],), {"rated": 1, "satisfied": int(line["satisfied"] == "true")}


def refunds(line, _):
    """The same of lists/refunds.csv."""
    return [(at(line["at"]), (line["currency"],), {"sheets": 1, **{name: int(line[name]) for name in PAID}})]


PAID = ("days", "amount")
# Table: the lists that it is counted from, what groups its rows, and whether it has a row for each station.
TABLES = {
    "clocks": ((clocks,), ("ticket_class", "name"), True),
    "cases": ((cases,), ("ticket_class",), True),
    "desk": ((tickets, call_backs, flags), (), True),
    "applications": ((applications,), ("kind",), False),
    "peers": ((peers,), ("peer",), False),
    "refunds": ((refunds,), ("currency",), False),
}
OF_ALL = ("peers", "refunds")  # without a column for the station
# Not counted again: means, medians, and how many files the refunds were paid by.
NOT_COUNTED = {"mean_s", "median_s", "warm_mean_s", "warm_median_s", "payments"}
# Table: what groups its rates; each rate with its part and its whole.
RATES = {
    "heat": ("", {
        "rate_by_time": (("compliant_s",), ("known_s",)), "coverage": (("known_s",), ("known_s", "unknown_s")),
    }),
    "clocks": ("ticket_class", {None: (("in_time",), ("due",))}),
    "cases": ("ticket_class", {
        "closure": (("closed",), ("received",)), "closure_in_time": (("closed_in_time",), ("received",)),
        "answered": (("answered_in_time",), ("answered_in_time", "answered_late", "overdue")),
    }),
    "desk": ("", {"satisfaction": (("satisfied",), ("asked",)), "recovery": (("recovered",), ("flags",))}),
    "applications": ("kind", {
        "answered": (("answered_in_time",), ("answered_in_time", "answered_late", "overdue")),
        "warm": (("warm_in_time",), ("warm_in_time", "warm_late")),
    }),
    "peers": ("peer", {
        "response": (("response_met",), ("response_due",)), "solution": (("solution_met",), ("solution_due",)),
        "satisfaction": (("satisfied",), ("rated",)),
    }),
}  # fmt: skip


# What is in a list once.
KEYS = {
    "tickets": ("ticket",), "clocks": ("ticket", "round", "name"), "cases": ("ticket",), "call_backs": ("hash",),
    "applications": ("ticket",), "refunds": ("payment", "sheet"),
}  # fmt: skip


def check_lists(package):
    """Check that no line is there twice: it would count twice, and lie under its seal both times."""
    for name, key in KEYS.items():
        lines = Counter(tuple(line[column] for column in key) for line in package.rows(f"lists/{name}.csv"))
        for line, count in lines.items():
            if count > 1:
                package.fault(f"lists/{name}.csv", f"{' '.join(line)}: is there {count} times")


def check_figures(package):
    """Count the figures again from the lists."""
    now, station = at(package.manifest["counted_at"]), package.manifest["query"]["station"]
    months = [(one["month"], at(one["from"]), at(one["to"])) for one in package.manifest["months"]]
    for table, (lists, group, by_station) in TABLES.items():
        counted = {}
        for of in lists:
            for line in package.rows(f"lists/{of.__name__}.csv"):
                scopes = {None} if station is None or table in OF_ALL else {station}
                scopes |= {line["station"]} if by_station and station is None else set()
                for instant, key, counts in of(line, now):
                    for month in (month for month, start, stop in months if start <= instant < stop):
                        for scope in scopes:
                            counted.setdefault((month, scope, *key), Counter()).update(counts)
        for row in package.rows(f"{table}.csv"):
            scope = row["station"] if row.get("scope") == "station" else None
            key = (row["month"], scope, *(row[name] for name in group))
            found, skipped = counted.pop(key, Counter()), {"month", "scope", "station", *group, *NOT_COUNTED}
            for name in (name for name in row if name not in skipped and not is_rate(table, name)):
                if int(row[name] or 0) != found[name]:
                    where = " ".join(part for part in key if part)
                    package.fault(f"{table}.csv", f"{where}: {name} is {row[name]}, of the lists it is {found[name]}")
        for key in counted:
            package.fault(
                f"{table}.csv", f"has no row of {' '.join(part for part in key if part)}, which the lists have"
            )


def is_rate(table, name):
    """Return whether a column is a share of others."""
    return name in RATES.get(table, ("", {}))[1] or name == "rate"


def check_rates(package):
    """Add the parts and wholes of all months up, and compare the shares of each row and of the span."""
    sums = {}
    for table, (subject, rates) in RATES.items():
        for row in package.rows(f"{table}.csv"):
            for name, columns in rates.items():
                part, whole = (sum(float(row[one]) for one in some) for some in columns)
                if table not in ("applications", "peers") and not is_share(row[name or "rate"], part, whole):
                    package.fault(f"{table}.csv", f"{row['month']} {row['station']}: {name or 'rate'} is not the share")
                key = (
                    row.get("station", ""),
                    row.get("scope", "company"),
                    table,
                    row.get(subject, ""),
                    name or row["name"],
                )
                before = sums.get(key, (0, 0))
                sums[key] = (before[0] + part, before[1] + whole)
    for row in package.rows("rates.csv"):
        key = tuple(row[name] for name in ("station", "scope", "table", "subject", "name"))
        part, whole = sums.pop(key, (None, None))
        same = part is not None and is_close(row["part"], part) and is_close(row["whole"], whole)
        if not same or not is_share(row["rate"], part, whole):
            package.fault("rates.csv", f"{' '.join(one for one in key if one)}: the months do not add up to it")
    for key in sums:
        package.fault("rates.csv", f"has no row of {' '.join(one for one in key if one)}")


def is_close(text, value):
    """Return whether a number as written is a value."""
    return text != "" and math.isclose(float(text), value, rel_tol=1e-9, abs_tol=1e-6)


def is_share(text, part, whole):
    """Return whether a share as written is that of a part of a whole; none of nothing."""
    return text == "" if not whole else is_close(text, part / whole)


def check_seals(package, published):
    """Check that clocks, sheets and the heads of tickets lie under seals, and the seals themselves."""
    seals = {seal["number"]: seal for seal in json.loads(package.files["seals.json"])}
    for number, seal in seals.items():
        for what in seal_faults(seal, seals.get(number - 1)):
            package.fault("seals.json", f"seal {number}: {what}")
        if published and published.get(number) not in (None, seal["hash"]):
            package.fault("seals.json", f"seal {number}: the published one is another")
    if published:
        compared = len(seals.keys() & published.keys())
        package.notes.append(f"{compared} of {len(seals)} seals compared with those that were published")
    lines = [("tickets", line, line["head"], "event_hashes") for line in package.rows("lists/tickets.csv")]
    for name in ("clocks", "refunds"):
        lines += [(name, line, sealed_hash(line), "entry_hashes") for line in package.rows(f"lists/{name}.csv")]
    hashes = {(number, of): set(seal[of] or ()) for number, seal in seals.items() for of in HASHES}
    fates = Counter()
    for name, line, digest, of in lines:
        where = line["ticket"] if name != "refunds" else line["sheet"]
        if name == "clocks" and not is_entry(line):
            package.fault("lists/clocks.csv", f"{where} {line['name']}: is not what its entry says")
        if not line["seal"]:
            fates["not under a seal yet"] += 1
        elif int(line["seal"]) not in seals:
            package.fault(f"lists/{name}.csv", f"{where}: its seal is not in seals.json")
        elif seals[int(line["seal"])][of] is None:
            fates["under a seal whose hashes are too many to be listed"] += 1
        elif digest not in hashes[int(line["seal"]), of]:
            package.fault(f"lists/{name}.csv", f"{where}: does not lie under its seal")
        else:
            fates["proven to lie under their seals"] += 1
    package.notes += [f"{count} lines {fate}" for fate, count in sorted(fates.items())]


HASHES = ("event_hashes", "entry_hashes")


def seal_faults(seal, before):
    """Yield what is wrong with a seal."""
    said = f"{micro(at(seal['at']))}|{seal['upto']}|{seal['events']}|".encode() + bytes.fromhex(seal["digest"])
    if seal["entries_digest"] is not None:
        said += f"|{seal['entries_upto']}|{seal['entries']}|".encode() + bytes.fromhex(seal["entries_digest"])
    if hashlib.sha256(bytes.fromhex(seal["previous"] or "") + said).hexdigest() != seal["hash"]:
        yield "does not match its hash"
    if before is not None and before["hash"] != seal["previous"]:
        yield "does not follow the one before"
    for of, digest in zip(HASHES, (seal["digest"], seal["entries_digest"]), strict=True):
        if seal[of] is not None and hashlib.sha256(bytes.fromhex("".join(seal[of]))).hexdigest() != digest:
            yield f"its {of} are not those that it is over"


def sealed_hash(line):
    """Return the hash that lies under the seal: that of the entry, which the clocks of a ticket may have together."""
    together = line.get("together")
    return hashlib.sha256(bytes.fromhex(together)).hexdigest() if together else line["hash"]


def is_entry(line):
    """Return whether a clock is what its entry in the journal says, and the entry what was hashed."""
    before = bytes.fromhex(line["previous"])
    if hashlib.sha256(before + line["entry"].encode()).hexdigest() != line["hash"]:
        return False
    together = line.get("together") or line["hash"]
    if line["hash"] not in (together[nth : nth + 64] for nth in range(0, len(together), 64)):
        return False
    relation, (ticket, turn, name), _, _, _, said = json.loads(line["entry"])
    told = [at(said[nth]) for nth in (0, 1, 4, 5, 6)]
    shown = [at(line[name]) for name in ("started_at", "due_at", "met_at", "breached_at", "void_at")]
    names = (relation, f"T{ticket:08}", str(turn), name)
    return names == ("clock", line["ticket"], line["round"], line["name"]) and told == shown


def micro(instant):
    """Return an instant in microseconds since 1970."""
    return (instant - EPOCH) // timedelta(microseconds=1)


def at(text):
    """Read an instant; None: there is none."""
    return datetime.fromisoformat(text) if text else None


def read_seals(file):
    """Read seals as published: answers of the API, or lines `number:hash`."""
    with open(file, encoding="utf-8") as source:
        text = source.read()
    found = {int(number): digest for number, digest in re.findall(r"\b(\d+):([0-9a-f]{64})\b", text)}
    if text.lstrip().startswith("{"):
        found |= {one["number"]: one["hash"] for one in json.loads(text)["items"]}
    return found


def main():
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package")
    parser.add_argument("--root", help="the root as it was noted elsewhere")
    parser.add_argument("--seals", metavar="FILE", help="seals as they were published")
    asked = parser.parse_args()
    package = None
    try:
        package = Package(asked.package)
        if package.manifest["format"] != FORMAT:
            raise ValueError(f"is no package of the format {FORMAT}")
        if asked.root not in (None, package.manifest["root"]):
            package.fault("manifest.json", f"its root is not {asked.root}")
        check_files(package)
        check_lists(package)
        check_figures(package)
        check_rates(package)
        check_seals(package, read_seals(asked.seals) if asked.seals else {})
    except UNREADABLE as error:
        for line in package.faults if package else ():
            print(line)
        where = f"{package.reading}: " if package else ""
        print(f"{asked.package}: {where}cannot be read as a package of figures: {error!r}")
        return 1
    for line in [*package.faults, *package.notes, f"root {package.manifest['root']}"]:
        print(line)
    print("in order" if not package.faults else f"{len(package.faults)} fault(s)")
    return 1 if package.faults else 0


if __name__ == "__main__":
    sys.exit(main())
