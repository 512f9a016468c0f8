"""`hearth demo` as a newcomer runs it: started, looked at, stopped, started again."""

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.host import discard
from local.server import alive
from tests.acceptance.processes import PROGRAM, surroundings
from tests.acceptance.waiting import until
from tests.acceptance.warm import ROOT

Told = dict[str, Any]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder of a demo; the servers' places, which may be elsewhere, go with it."""
    yield tmp_path / "town"
    for server in ("postgres", "broker"):
        discard(tmp_path / "town" / server)


def demo(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a demo."""
    return subprocess.Popen(
        [*PROGRAM, "demo", "--folder", str(folder), *arguments],
        env=surroundings({}),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Return what it said, once it has ended well."""
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return out, errors


def left_over(folder: Path) -> list[str]:
    """Command lines of processes that belong to the demo of a folder."""
    places = {
        str(path).encode() for name in ("", "postgres", "broker") for path in [folder / name, (folder / name).resolve()]
    }
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
        except OSError:
            continue
        if alive(int(entry.name)) and any(place in command + environment for place in places):
            found.append(command.replace(b"\0", b" ").decode())
    return found


@pytest.mark.slow
def test_it_ends_by_itself_and_goes_on_the_next_time(folder: Path) -> None:
    out, _ = finished(demo(folder, "--homes", "60", "--for", "25", "--json"))
    first: Told = json.loads(out)
    assert first["caught_up"]
    assert first["homes"] == 60 + 8
    assert first["readings"] > 20_000
    assert first["flags"] > 0
    assert first["tickets"] == first["cold_spells"] > 0
    assert left_over(folder) == []
    out, _ = finished(demo(folder, "--for", "8", "--json"))
    second: Told = json.loads(out)
    assert second["readings"] > first["readings"]
    assert second["homes"] == first["homes"]
    assert second["flags"] >= first["flags"]
    assert second["tickets"] == second["cold_spells"]
    assert left_over(folder) == []


@pytest.mark.slow
def test_its_tokens_open_the_api_until_ctrl_c(folder: Path) -> None:
    process = demo(folder, "--homes", "20")
    assert process.stdout
    said = ""
    while "dispatcher: " not in said:
        said += process.stdout.readline()
    (url,), (token,) = re.findall("API: (.*)", said), re.findall("dispatcher: (.*)", said)
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, trust_env=False) as client:

        def flags() -> Any:
            try:
                return client.get(f"{url}/v1/flags").json()["items"]
            except httpx.TransportError:
                return []

        assert until(flags, "flags in the API")
    process.send_signal(signal.SIGINT)
    out, _ = finished(process)
    assert re.search(r"^tickets +[1-9]", out, re.MULTILINE)
    assert left_over(folder) == []


def test_what_the_operator_can_mend_is_one_line(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    wrong = {
        ("--folder", str(tmp_path / "file" / "town")): "Not a directory",
        ("--port", "0"): "--port",
        ("--for", "soon"): "--for",
    }
    for arguments, words in wrong.items():
        process = demo(folder, *arguments)
        _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors.count("\n")) == (2, 1), errors
        assert words in errors
    assert not folder.exists()
