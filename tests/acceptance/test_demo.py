"""`hearth demo` as a newcomer runs it: started, looked at, stopped, started again."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.staff.session import start_of
from hearth.demo.note import DemoNote
from hearth.demo.stand import DemoOptions, stand
from local import broker
from local.host import MACHINE, discard, may_show
from local.port import LOOPBACK
from local.server import alive
from store.base.access import Role
from tests.acceptance.processes import PROGRAM, run, surroundings
from tests.acceptance.waiting import until
from tests.acceptance.warm import ROOT
from tests.conftest import ANSWER_S, unavailable

Told = dict[str, Any]
TOKEN = re.compile(r"hearth_[\w-]{43}")
CLEAN = ("make", "--file", str(ROOT / "Makefile"), "clean")
# By door: where it leads to, and who is signed in there.
STAFF = {
    "dispatcher": ("/desk", "Li Na"),
    "crew": (start_of(Role.CREW), "Wang Qiang"),
    "supervisor": ("/desk/figures", "Zhao Min"),
    "admin": ("/desk/staff", "Chen Jing"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder of a demo, which other accounts may not enter; servers' places elsewhere go with it."""
    tmp_path.chmod(0o700)
    yield tmp_path / "demo-data"
    for server in ("postgres", "broker"):
        discard(tmp_path / "demo-data" / server)


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


def refusal(folder: Path, *arguments: str) -> list[str]:
    """Return the lines that a demo says which does not begin."""
    done = run({}, "demo", "--folder", str(folder), *arguments)
    assert done.returncode == 2, done.stderr
    return done.stderr.splitlines()


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
            environment += (entry / "mountinfo").read_bytes()  # what a server is shown elsewhere
        except OSError:
            continue
        if alive(int(entry.name)) and any(place in command + environment for place in places):
            found.append(command.replace(b"\0", b" ").decode())
    return found


def request_end(request: pytest.FixtureRequest, process: subprocess.Popen[str]) -> subprocess.Popen[str]:
    """Kill the demo at the end of a test that fails before."""
    request.addfinalizer(process.communicate)
    request.addfinalizer(process.kill)
    return process


def first_line(process: subprocess.Popen[str], words: str) -> str:
    """Return the first line from now on that has these words."""
    assert process.stdout
    return next(line for line in process.stdout if words in line)


def customers_page(client: httpx.Client) -> str:
    """Go through the customer's door; empty as long as no home is flagged."""
    answer = client.get("/door/customer")
    return answer.text if answer.status_code == 200 else ""


@pytest.mark.slow
def test_the_first_minutes_of_a_newcomer(folder: Path, request: pytest.FixtureRequest) -> None:
    """One demo for all that needs one: the page, its doors, the days behind it, its end, and its next start."""
    process = request_end(request, demo(folder, "--homes", "60", "--days", "2"))
    said = first_line(process, "open http://")
    (url,) = re.findall("open (http://.*)/$", said)
    with httpx.Client(base_url=url, trust_env=False, timeout=ANSWER_S, follow_redirects=True) as client:
        front = client.get("/")
        assert (front.status_code, TOKEN.search(front.text)) == (200, None)
        assert all(f'href="/door/{door}"' in front.text for door in ("customer", "api", *STAFF))
        keeps_others_out(client, json.loads((folder / "demo.json").read_text())["key"])
        first_line(process, "readings (")  # the past is complete
        page = until(lambda: customers_page(client), "a home that was cold has a page", 30)
        assert "Heat in my home" in page
        for door, (path, name) in STAFF.items():
            answer = client.get(f"/door/{door}")
            assert (answer.status_code, answer.url.path, name in answer.text) == (200, path, True)
        token = TOKEN.findall(client.get("/door/api").text)[0]
        tickets = client.get("/v1/tickets?limit=200", headers={"Authorization": f"Bearer {token}"}).json()["items"]
        assert {ticket["state"] for ticket in tickets} >= {"closed"} or len(tickets) > 3
        assert any(clock["breached_at"] for ticket in tickets for clock in ticket["clocks"])  # some were late
    process.send_signal(signal.SIGINT)
    out, _ = finished(process)
    assert TOKEN.search(out) is None
    assert re.search(r"^tickets +[1-9]", out, re.MULTILINE)
    assert left_over(folder) == []
    goes_on(folder, int(re.findall(r"^readings +([\d,]+)", out, re.MULTILINE)[0].replace(",", "")))


def keeps_others_out(client: httpx.Client, key: str) -> None:
    """Assert that another device, or a page elsewhere whose name points here, gets in with the key alone."""
    there = {"Host": "192.168.1.20:8080"}
    for path in ("/", "/door/dispatcher", "/status", "/v1/status", "/?key=wrong"):
        assert client.get(path, headers=there).status_code == 403
    opened = client.get(f"/?key={key}", headers=there, follow_redirects=False)
    assert (opened.status_code, opened.headers["location"]) == (303, "/")
    cookie = opened.headers["set-cookie"].partition(";")[0]
    assert client.get("/status", headers={**there, "Cookie": cookie}).status_code == 200


def goes_on(folder: Path, before: int) -> None:
    """Assert that the next start goes on, ends by itself and says totals."""
    out, _ = finished(demo(folder, "--for", "5", "--json"))
    told: Told = json.loads(out)
    assert told["homes"] == 60 + 8
    assert told["readings"] >= before
    assert told["flags"] >= told["cold_spells"] > 0
    assert left_over(folder) == []
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]  # nothing beside it
    if os.geteuid() != 0 or may_show(MACHINE):
        assert [path.name for path in folder.iterdir() if path.is_symlink()] == []  # nothing elsewhere
    subprocess.run(CLEAN, cwd=folder.parent, check=True)
    assert list(folder.parent.iterdir()) == []


def test_clean_follows_the_links_of_servers_and_no_others(tmp_path: Path) -> None:
    parking = tmp_path / "trixie/srv/hearth"
    folders = {"postgres": parking / "0123456789abcdef", "mine": tmp_path / "letters"}
    (tmp_path / "checkout/demo-data").mkdir(parents=True)
    for name, folder in folders.items():
        (folder / "inner").mkdir(parents=True)
        (tmp_path / "checkout/demo-data" / name).symlink_to(folder)
    surroundings = os.environ | {"HEARTH_TRIXIE": str(tmp_path / "trixie")}
    subprocess.run(CLEAN, cwd=tmp_path / "checkout", check=True, env=surroundings)
    assert list((tmp_path / "checkout").iterdir()) == list(parking.iterdir()) == []
    assert folders["mine"].is_dir()


def test_what_the_operator_can_mend_is_one_line(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        wrong = {
            ("--folder", str(tmp_path / "file" / "town")): "Not a directory; take another --folder",
            ("--port", "0"): "--port",
            ("--port", str(taken.getsockname()[1])): "is taken; without --port the demo takes a free one",
            ("--for", "soon"): "--for",
        }
        for arguments, words in wrong.items():
            (line,) = refusal(folder, *arguments)
            assert words in line
    assert not folder.exists()


def test_the_options_that_the_readme_shows_are_taken(folder: Path, tmp_path: Path) -> None:
    """Give each line of README.md a folder that cannot be: its options are understood, and nothing is started."""
    block = re.findall(r"```sh\n(make demo ARGS=.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[0]
    shown = [re.sub(r'make demo ARGS="(.*)"|hearth demo', r"\1", line.partition("#")[0]) for line in block.splitlines()]
    (tmp_path / "file").touch()
    assert len(shown) == 4
    for line in shown:
        arguments = re.sub(r"--folder \S+|--port \d+", "", line).split()
        assert refusal(tmp_path / "file" / "town", *arguments)[-1].endswith("take another --folder")


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(small)]).returncode:
        unavailable("NOT TESTED ON A FULL DISK: it takes a file system of its own, which root may mount")
    try:
        (line,) = refusal(small / "town")
    finally:
        subprocess.run(["umount", str(small)], check=True)
    assert re.search(r"\d+ MB free, a demo needs \d+ MB; free some space, or take another --folder", line)


@pytest.mark.parametrize(
    ("python", "words"),
    [
        ("exit 1", "apt-get install python3-venv"),  # it has no ensurepip, as on a bare Debian
        ('case "$*" in *version_info*) exit 1 ;; esac', "python3 is older than 3.11: name a newer one, make PYTHON="),
    ],
)
def test_make_says_in_one_line_what_python_lacks(python: str, words: str, tmp_path: Path) -> None:
    """Run `make setup` as a plain user."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements.txt", "requirements-build.txt", "pyproject.toml", "api/pages/libraries.lock"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, script in {"id": "echo 1000", "python3": python}.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    path = {"PATH": f"{programs}:{os.environ['PATH']}"}
    done = subprocess.run(["make", "setup"], cwd=tmp_path, env=path, capture_output=True, text=True, timeout=20)
    assert done.returncode != 0
    assert words in done.stderr
    assert len([line for line in done.stderr.splitlines() if not line.startswith("make")]) == 1


def test_without_mosquitto_another_broker_takes_its_place_and_it_is_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "installed_mosquitto", lambda: None)
    monkeypatch.setattr(broker, "trixie_mosquitto", lambda: None)
    told: list[str] = []

    def tell(line: str) -> None:
        told.append(line)
        if line == "building the town":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), stand(DemoOptions(folder), DemoNote(datetime.now(UTC)), tell):
        pytest.fail("the town was to be stopped")
    assert told[-2] == "no Mosquitto (apt-get install mosquitto): amqtt takes its place, slower"
    assert left_over(folder) == []
