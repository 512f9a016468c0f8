"""Registry files as companies really have them: tests/golden/registry, a folder a case.

A case holds the files in which it differs from `ok`, and `expected.txt`: what is wrong, or else what was understood and
the lines of these files as an export would write them. `cases.tsv` says where each was seen.
"""

import shutil
from pathlib import Path
from zoneinfo import ZoneInfo

from domain.words.text import Text
from registry.csv_file import render
from registry.importing import RegistryFiles, read
from registry.sheets import sheets
from registry.tables import FileReading

GOLDEN = Path(__file__).parents[2] / "golden/registry"
FILES = sheets(ZoneInfo("Asia/Shanghai"))
CASES = sorted(path.name for path in GOLDEN.iterdir() if path.is_dir())


def outcome(case: str, folder: Path) -> str:
    """Return what an import would make of a case, whose files are laid together in a folder."""
    own = {path.stem for path in (GOLDEN / case).iterdir() if path.suffix != ".txt"}
    for path in [*(GOLDEN / "ok").iterdir(), *(GOLDEN / case).iterdir()]:
        if path.parent.name == case or path.stem not in own:
            shutil.copy(path, folder)
    understood: dict[str, Text] = {}
    contents = read(folder, FILES, FileReading(understood=understood.__setitem__))
    said = [f"{file}: {how.en}" for file, how in understood.items() if Path(file).stem in own]
    return "\n".join([*said, "", *(_problems(contents) or _lines(contents, own))]) + "\n"


def _problems(contents: RegistryFiles) -> list[str]:
    return [str(problem) for kind in contents._fields for problem in contents.problems(kind)]


def _lines(contents: RegistryFiles, own: set[str]) -> list[str]:
    sheets_of = FILES._asdict()
    return [
        line for kind in sheets_of if kind in own for line in render(sheets_of[kind], contents.of(kind).rows).split()
    ]


def write() -> None:
    """Write what all cases come to now: `python -m tests.unit.registry.field_files`."""
    import tempfile

    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            (GOLDEN / case / "expected.txt").write_text(outcome(case, Path(folder)), encoding="utf-8")


if __name__ == "__main__":
    write()
