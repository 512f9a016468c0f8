"""The command line finds its commands, and imports only the one that is asked for."""

import subprocess
import sys
from pathlib import Path

from hearth import commands
from hearth.cli import COMMANDS

IMPORTED = """
import sys
from hearth.cli import main
sys.argv = ["hearth", "recheck", "--help"]
try:
    main()
finally:
    print(sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_every_file_is_a_command() -> None:
    files = {file.stem for file in Path(commands.__path__[0]).glob("[!_]*.py")}
    assert files == set(COMMANDS)


def test_one_command_does_not_wait_for_what_others_need() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True)
    assert "Judge homes again" in done.stdout
    imported = done.stdout.splitlines()[-1]
    assert "'numpy'" in imported
    assert not any(f"'{name}'" in imported for name in ("fastapi", "apprise", "requests", "typst", "xlsxwriter"))
