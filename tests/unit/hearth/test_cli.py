"""The command line finds its commands, and imports only the one that is asked for."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer._completion_shared import get_completion_script
from typer.testing import CliRunner

from hearth import commands
from hearth.cli import COMMANDS, COMPLETED, app, words_asked_for

IMPORTED = """
import sys
from hearth.cli import main
sys.argv = ["hearth", sys.argv[1], "--help"]
try:
    main()
finally:
    print(sorted({name.partition(".")[0] for name in sys.modules}))
"""


# As bash does it: the words so far, and the number of the one that is being written.
COMPLETE = """
eval "$SCRIPT"
COMP_WORDS=(hearth "$@"); COMP_CWORD=$#
_hearth_completion hearth
printf '%s\\n' "${COMPREPLY[@]}"
"""


def test_every_file_is_a_command() -> None:
    files = {file.stem for file in Path(commands.__path__[0]).glob("[!_]*.py")}
    assert files == set(COMMANDS)


OF_OTHERS = {"fastapi", "apprise", "requests", "typst", "xlsxwriter", "pypinyin"}


@pytest.mark.parametrize(
    ("command", "said", "of_others"),
    [
        # Each process that judges imports it.
        (
            "recheck",
            "Judge homes again",
            OF_OTHERS | {"ingest", "paho", "cryptography", "prometheus_client", "structlog", "pyspark"},
        ),
        # A container asks it about its process each minute.
        ("check", "what they point to", OF_OTHERS | {"pyarrow", "grafana_client", "niquests"}),
    ],
)
def test_one_command_does_not_wait_for_what_others_need(command: str, said: str, of_others: set[str]) -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTED, command], capture_output=True, text=True, check=True)
    assert said in " ".join(done.stdout.split())
    imported = done.stdout.splitlines()[-1]
    assert "'numpy'" in imported
    assert not any(f"'{name}'" in imported for name in of_others)


def test_the_demo_does_not_wait_for_the_pages_that_another_process_serves() -> None:
    program = "import sys, hearth.demo.show; print('rich' in sys.modules, 'fastapi' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "True False\n"


def test_the_version_is_that_of_the_package() -> None:
    said = CliRunner().invoke(app(["policy"]), ["--version"])
    assert (said.exit_code, said.stdout) == (0, f"hearth {version('hearth')}\n")


@pytest.mark.parametrize("words", [(), ("policy",), ("policy", "show"), ("migrate",)])
def test_help_has_a_short_option(words: tuple[str, ...]) -> None:
    line = app(["policy", "migrate"])
    short, long = (CliRunner().invoke(line, [*words, option]) for option in ("-h", "--help"))
    assert (short.exit_code, short.stdout) == (0, long.stdout)
    assert "Usage: " in short.stdout


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (("tic",), {"tickets"}),
        (("policy", "sh"), {"show"}),
        (("policy", ""), {"show", "list", "check"}),
        (("policy", "check", "--he"), {"--help"}),
    ],
)
def test_bash_completes_commands_and_options(words: tuple[str, ...], completed: set[str]) -> None:
    surroundings = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "SCRIPT": get_completion_script(prog_name="hearth", complete_var="_HEARTH_COMPLETE", shell="bash"),
    }
    command = ["bash", "-c", COMPLETE, "bash", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=surroundings)
    assert (set(done.stdout.split()), done.stderr) == (completed, "")


@pytest.mark.parametrize("asked", [{"COMP_WORDS": "hearth\npolicy\nsh"}, {"_TYPER_COMPLETE_ARGS": "hearth policy sh"}])
def test_completion_knows_the_command_that_is_asked_for(asked: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(COMPLETED, "complete_bash")
    for name, value in asked.items():
        monkeypatch.setenv(name, value)
    assert words_asked_for() == ["policy"]
