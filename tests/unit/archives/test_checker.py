"""The checker outside the product: it needs pyarrow alone, finds each flipped byte and reads what was first."""

import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from archives.place import ArchivePlace
from tests.unit.archives.months import CITY, START, rows, sealed

ROOT = Path(__file__).parents[3]
CHECKER = ROOT / "tools/check_archive.py"
# An interpreter that finds pyarrow, and nothing of the product.
ALONE = """
import runpy, sys
sys.meta_path.insert(0, type("Refused", (), {"find_spec": staticmethod(lambda name, *_: exec("raise ImportError(name)")
    if name.partition(".")[0] in {"hearth", "archives", "store", "domain"} else None)}))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Run the checker where the product cannot be imported."""
    command = [sys.executable, "-P", "-c", ALONE, str(CHECKER), str(folder), *more]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = ArchivePlace(tmp_path.as_uri())
    late = rows([1, 2])[5:7].copy()
    late["temperature"] += 1
    late["humidity"] = 44
    sealed(place, [(0, "base", rows([1, 2])), (0, "base", rows([1, 2], 1)), (0, "amendment", late)])
    return tmp_path


def test_the_checker_is_short_and_verifies_without_the_product(folder: Path) -> None:
    assert len(CHECKER.read_text(encoding="utf-8").splitlines()) <= 200
    done = run(folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 entries, 3 files, 386 rows" in done.stdout
    root = done.stdout.split()[-1]
    assert run(folder, "--root", root).returncode == 0
    assert run(folder, "--root", "0" * 64).returncode == 1


def test_each_flipped_or_missing_file_is_named(folder: Path) -> None:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    for nth, path in enumerate(paths):
        whole = path.read_bytes()
        at = len(whole) * (nth + 1) // (len(paths) + 1)
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
    done = run(folder)
    assert done.returncode == 1
    assert "00000001.json: is not as it was written" in done.stdout
    for path in paths:  # the chain is looked at first, and ends where it is broken
        if path.suffix == ".json":
            content = path.read_bytes()
            at = len(content) * (paths.index(path) + 1) // (len(paths) + 1)
            path.write_bytes(content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :])
    shutil.move(paths[0], folder / "elsewhere")
    done = run(folder)
    assert f"{paths[0].relative_to(folder)}: is missing" in done.stdout
    for path in paths[1:]:
        assert (f"{path.relative_to(folder)}: is not as it was written" in done.stdout) == (path.suffix == ".parquet")


def test_it_reads_what_was_said_first(folder: Path) -> None:
    done = run(folder, "--read", "1", "--from", "2026-01-01", "--to", "2026-01-02", "--utility", CITY)
    lines = done.stdout.splitlines()
    first = rows([1, 2])
    assert len(lines) == 1 + 96
    assert lines[0] == "measured_at,received_at,temperature,humidity,battery,quality,self_timed"
    at = START + timedelta(microseconds=int(first["measured_at"][5]) - int(START.timestamp() * 1e6))
    assert lines[6].startswith(at.isoformat())
    assert float(lines[6].split(",")[2]) == first["temperature"][5]
