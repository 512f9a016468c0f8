"""A ZIP that was made to harm its reader costs it neither time nor memory, and steers no terminal."""

import io
import json
import os
import resource
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hearth.cli import app
from papers.dossier.bundle import MANIFEST, root
from tests.unit.papers.dossier import GAPS, LEDGER, READINGS, STATE, bundled, contents, rewritten

MOST_S = 2.0
MEMORY = 700 << 20  # bytes of address space: Python with what it imports takes most of it
HEADER = READINGS.splitlines()[0] + "\n"
ESCAPE = "\x1b]0;owned\x07\x9b31m‮"


def same_reading(count: int) -> bytes:
    header, row, *_ = READINGS.splitlines()
    return f"{header}\n".encode() + f"{row}\n".encode() * count


def many_gaps() -> bytes:
    """Return days and gaps that would be compared one by one."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    rows = (f"{start + timedelta(seconds=2 * n):%FT%T.000000Z},{start + timedelta(seconds=2 * n + 1):%FT%T.000000Z},1\n"
            for n in range(60_000))  # fmt: skip
    return (GAPS.splitlines()[0] + "\n" + "".join(rows)).encode()


def many_days() -> bytes:
    header, day = LEDGER.splitlines()[:2]
    rows = (day.replace("2026-01-14", f"{datetime(1900, 1, 1) + timedelta(days=n):%F}") for n in range(35_000))  # noqa: DTZ001
    return "\n".join([header, *rows, ""]).encode()


def overlapping(archive: bytes) -> bytes:
    """Return every entry is the first one."""
    out, at = bytearray(archive), 0
    first = archive.index(b"PK\1\2")
    while (at := out.find(b"PK\1\2", at + 1)) > 0:
        out[at + 42 : at + 46] = out[first + 42 : first + 46]
    return bytes(out)


def with_method(archive: bytes, method: int) -> bytes:
    with zipfile.ZipFile(io.BytesIO(archive)) as before:
        files = {name: before.read(name) for name in before.namelist()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as after:
        for name, content in files.items():
            after.writestr(name, content, method if name == "readings.csv" else zipfile.ZIP_DEFLATED)
    return out.getvalue()


def named(name: str) -> bytes:
    return rewritten(bundled(contents()), lambda files: files.update({name: b"x"}))


HOSTILE: dict[str, Callable[[], bytes]] = {
    "zeros": lambda: bundled(contents() | {"readings.csv": b"\0" * 300_000_000}),
    "lines": lambda: bundled(contents() | {"events.jsonl": b"\n" * 30_000_000}),
    "one reading again and again": lambda: bundled(contents() | {"readings.csv": same_reading(500_000)}),
    "deep": lambda: bundled(contents() | {"tickets.json": b"[" * 1_000_000 + b"]" * 1_000_000}),
    "deep manifest": lambda: rewritten(bundled(contents()), lambda f: f.update({MANIFEST: b'{"a":' * 20_000})),
    "gaps": lambda: bundled(contents() | {"gaps.csv": many_gaps(), "ledger.csv": many_days()}),
    "many events": lambda: bundled(contents() | {"events.jsonl": b'{"ticket": "T1", "seq": 1}\n' * 200_000}),
    "lzma": lambda: with_method(bundled(contents()), zipfile.ZIP_LZMA),
    "bzip2": lambda: with_method(bundled(contents()), zipfile.ZIP_BZIP2),
    "overlapping": lambda: overlapping(bundled(contents())),
    "a long name": lambda: named("n" * 60_000),
    "a name that steers": lambda: named(f"{ESCAPE}.csv"),
    "surrogates": lambda: rewritten(
        bundled(contents()), lambda f: f.update({MANIFEST: f[MANIFEST].replace(b'"H1"', b'"\\ud800"')})
    ),
    "numbers without end": lambda: bundled(contents() | {"tickets.json": b"[" + b"9" * 3_000_000 + b"]"}),
    "a line without end": lambda: bundled(contents() | {"ledger.csv": b"a" * 3_000_000}),
    "quotes": lambda: bundled(contents() | {"readings.csv": b'"' * 900_000}),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_it_is_refused_soon_and_quietly(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "hostile.zip"
    file.write_bytes(HOSTILE[kind]())
    run = CliRunner()
    command = app(["evidence"])
    run.invoke(command, ["evidence", "verify", str(tmp_path / "none")])  # whatever is imported once
    began = time.process_time()
    answer = run.invoke(command, ["evidence", "verify", str(file)])
    assert time.process_time() - began < MOST_S
    assert answer.exit_code == 1
    assert len(answer.output) < 40_000
    assert all(c.isprintable() or c == "\n" for c in answer.output)


def test_it_takes_no_memory(tmp_path: Path) -> None:
    """In a process that has no more than so much of it."""
    for kind in ("zeros", "deep", "lines", "lzma", "quotes"):
        file = tmp_path / f"{kind}.zip"
        file.write_bytes(HOSTILE[kind]())
        done = subprocess.run(
            [sys.executable, "-m", "hearth", "evidence", "verify", str(file), "--json"],
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY)),
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode in (1, 2), (kind, done.stderr)
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("place", ["home", "zone", "from"])
def test_what_a_manifest_says_steers_no_terminal(tmp_path: Path, place: str) -> None:
    def change(files: dict[str, bytes]) -> None:
        told = json.loads(files[MANIFEST]) | {place: ESCAPE}
        files[MANIFEST] = json.dumps(told | {"root": root(told)}).encode()

    file = tmp_path / "dossier.zip"
    file.write_bytes(rewritten(bundled(contents()), change))
    for options in ([], ["--json"]):
        answer = CliRunner().invoke(app(["evidence"]), ["evidence", "verify", str(file), *options])
        assert all(c.isprintable() or c == "\n" for c in answer.output)
        assert "owned" in answer.output


def test_a_season_of_readings_takes_seconds(tmp_path: Path) -> None:
    """A dossier in order has to be read to its end: 100,000 readings, a season of one room."""
    start = datetime(2025, 11, 15, tzinfo=UTC)
    rows = [
        f'"a","living","living","{start + timedelta(seconds=60 * n):%FT%T.%fZ}",'
        f'"{start + timedelta(seconds=60 * n + 1):%FT%T.%fZ}",{17 + n % 90 / 10:g},0,{17 + n % 90 / 10:g},"good",true\n'
        for n in range(100_000)
    ]
    last = f"{start + timedelta(seconds=60 * 99_999 + 1):%FT%T.%fZ}"
    file = tmp_path / "dossier.zip"
    state = STATE | {"readings": 100_000, "last_received_at": last}
    file.write_bytes(bundled(contents() | {"readings.csv": (HEADER + "".join(rows)).encode()}, state))
    began = time.process_time()
    answer = CliRunner().invoke(app(["evidence"]), ["evidence", "verify", str(file)])
    assert (answer.exit_code, answer.output.splitlines()[-1]) == (0, "in order")
    assert time.process_time() - began < MOST_S


def test_no_file_is_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path, Path("/dev/zero")):
        answer = CliRunner().invoke(app(["evidence"]), ["evidence", "verify", str(path)])
        assert answer.exit_code == 1
        assert "cannot be read" in str(answer.exception)
