"""The whole of docker-compose.yml under a real Docker: built, brought up, spoken to from outside, restarted.

Grafana is left out, as its image cannot be made of Debian's packages; all else of the file is as it is.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from local import bookworm, trixie
from local.compose import config
from local.containers import Containers
from local.port import LOOPBACK
from local.server import ServerError
from local.trixie import COMPOSE, CONTAINED, CONTAINERS
from tests.acceptance import stand_ins
from tests.acceptance.waiting import until
from tests.acceptance.world import seed
from tests.conftest import no_trixie, unavailable

ROOT = Path(__file__).parents[2]
FILE = "docker-compose.yml"
LEFT_OUT = {"grafana"}
# What the image is made of, and what the compose file mounts.
SHIPPED = ("Dockerfile", ".dockerignore", FILE, "docker-compose.scale.yml", "deploy")
Services = dict[str, Any]


class Someone(NamedTuple):
    """A device and a dispatcher outside of the stack."""

    device: tuple[str, str]  # name and password
    token: str


class Stack:
    """A checkout as an operator has it, on a machine with Docker."""

    def __init__(self, containers: Containers, services: Services) -> None:
        self.containers = containers
        self.place = containers.project
        self.services = services
        self.wanted = wanted(services)

    def run(self, *arguments: str, seconds: float = 300.0) -> str:
        """Run `docker compose` with these words; it must succeed."""
        done = self.containers.docker("compose", *arguments, seconds=seconds)
        assert done.returncode == 0, f"docker compose {' '.join(arguments)}\n{done.stdout}{done.stderr}\n{self.logs()}"
        return done.stdout

    def logs(self) -> str:
        """Return the end of what each service says."""
        return self.containers.docker("compose", "logs", "--tail", "20").stdout

    def states(self) -> dict[str, tuple[str, str, int]]:
        """Return of each service that was started: its state, its health, and the exit code."""
        listed = self.run("ps", "--all", "--format", "json").splitlines()
        found = [json.loads(line) for line in listed]
        return {one["Service"]: (one["State"], one["Health"], one["ExitCode"]) for one in found}

    def outside(self, *arguments: str) -> Any:
        """Do something as a device or a person, from outside: tests/acceptance/from_outside.py."""
        program = [sys.executable, "-m", "tests.acceptance.from_outside", *arguments]
        done = self.containers.outside("env", f"--chdir={ROOT}", *program)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def wanted(services: Services) -> list[str]:
    """Return the services that are brought up."""
    return [name for name, told in services.items() if name not in LEFT_OUT and "profiles" not in told]


def pulled(services: Services) -> list[str]:
    """Return the images that are not Hearth's own."""
    return sorted({image for name in wanted(services) if not (image := services[name]["image"]).startswith("hearth:")})


def prepare(containers: Containers, services: Services) -> Stack:
    """Lay out the checkout, and make secrets, policy and registry."""
    stack = Stack(containers, services)
    for name in (*SHIPPED, *copied()):
        source, to = ROOT / name, stack.place / name
        if source.is_dir():
            shutil.copytree(source, to, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, to)
    (stack.place / "config").mkdir()
    subprocess.run(
        [stack.place / "deploy/make-secrets", stack.place / "secrets", "localhost", LOOPBACK],
        check=True,
        capture_output=True,
    )
    today = datetime.now(UTC).date()
    season = f"seasons = [{{from = {today - timedelta(days=3)}, to = {today + timedelta(days=30)}}}]"
    policy = "\n".join(season if line.startswith("seasons = ") else line for line in seed().splitlines())
    (stack.place / "config/policy.toml").write_text(policy)
    (stack.place / "hearth.env").write_text("HEARTH_POLICY=/config/policy.toml\n")
    return stack


def copied() -> set[str]:
    """Return what the Dockerfile copies into the image's build."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    words = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--from" not in line]
    return {name for group in words for name in group}


@pytest.fixture
def stack() -> Iterator[Stack]:
    """All of it, up and healthy."""
    if reason := no_trixie(COMPOSE, CONTAINERS, CONTAINED):
        unavailable(f"NOT TESTED IN CONTAINERS: {reason}")
    if not bookworm.folder().exists():
        unavailable(f"NOT TESTED IN CONTAINERS: {bookworm.folder()} is not built (make trixie)")
    services = config(ROOT, FILE)["services"]
    with tempfile.TemporaryDirectory(prefix="containers-", dir=trixie.folder().parent) as name:
        try:
            containers = Containers(Path(name) / "docker", stand_ins.images(pulled(services))).start()
        except ServerError as error:
            pytest.skip(f"NOT TESTED IN CONTAINERS, the kernel does not allow them: {error}")
        try:
            stack = prepare(containers, services)
            stack.run("build", "admin", seconds=600)
            stack.run("up", "--detach", "--no-build", *stack.wanted, seconds=600)
            yield stack
        finally:
            containers.stop()


@pytest.mark.waits
def test_the_whole_stack(stack: Stack) -> None:
    """Bring it up and use it: one test, as every worker that had a part of it would bring up a stack of its own."""
    until(lambda: settled(stack), f"all is healthy: {stack.states()}\n{stack.logs()}", 180)
    someone = Someone(device(stack), token(stack))
    speaks_from_a_device_over_tls_to_a_flag_over_https(stack, someone)
    writes_nothing_outside_of_its_volumes(stack)
    checks_its_health_without_a_line(stack)
    notices_a_dead_database_and_comes_back(stack, someone)
    can_be_restarted(stack, someone)


def settled(stack: Stack) -> bool:
    """Return whether each service that runs on is healthy, and each that ends has ended well."""
    states = stack.states()
    expected = {name: ("running", "healthy", 0) for name in running(stack)}
    # Whether there is a backup is looked at every five minutes.
    waits = {"backup"} if states.get("backup") == ("running", "starting", 0) else set()
    ended = {name: ("exited", "", 0) for name in stack.wanted if name not in expected}
    return {name: told for name, told in states.items() if name not in waits} == {
        name: told for name, told in (expected | ended).items() if name not in waits
    }


REGISTRY = {
    "substations": "code,name,station\nSUB-1,一号站,东城\n",
    "buildings": "code,substation,name,address\nB-1,SUB-1,1号楼,安和路1号\n",
    "homes": "code,building,unit,class,heat_status\nH1,B-1,101,multistorey,on\n",
    "sensors": "id,home,room,room_kind,interval_s\ns1,H1,living room,living,300\n",
}


def device(stack: Stack) -> tuple[str, str]:
    """Make the account of a device at the broker as docs/operations.md says; return name and password."""
    folder = stack.place / "config/registry"
    folder.mkdir()
    for name, text in REGISTRY.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    stack.run("run", "--rm", "admin", "registry", "import", "/config/registry")
    stack.run("run", "--rm", "accounts")
    stack.run("kill", "--signal", "HUP", "broker")
    listed = stack.run("run", "--rm", "--entrypoint", "cat", "accounts", "/broker/new-devices.csv")
    stack.run("run", "--rm", "--entrypoint", "rm", "accounts", "/broker/new-devices.csv")
    account = dict(line.split(",")[:2] for line in listed.splitlines())
    return "s1", account["s1"]


def token(stack: Stack) -> str:
    """Return a token of a dispatcher."""
    return stack.run("run", "--rm", "admin", "token", "create", "--role", "dispatcher").strip()


def say(stack: Stack, device: tuple[str, str], celsius: float) -> None:
    """Send a reading from outside; the broker acknowledges it."""
    ca = str(stack.place / "secrets/ca.crt")
    answer = stack.outside("publish", ca, *device, json.dumps({"temperature": celsius}))
    assert answer == {"acknowledged": True}


def ask(stack: Stack, token: str, path: str) -> Any:
    """Return the JSON of a path of the API, or None where it is not answered."""
    answer = stack.outside("get", str(stack.place / "secrets/ca.crt"), token, path)
    return json.loads(answer["body"]) if answer["status"] == 200 else None


def flags(stack: Stack, token: str) -> list[Any]:
    """Return the flags of the home."""
    return list((ask(stack, token, "/v1/homes/H1/flags") or {}).get("items", []))


def speaks_from_a_device_over_tls_to_a_flag_over_https(stack: Stack, someone: Someone) -> None:
    say(stack, someone.device, 15.0)
    (flag,) = until(lambda: flags(stack, someone.token), "the home is flagged", 30)
    assert (flag["severity"], flag["state"]) == ("severe", "open")
    assert ask(stack, someone.token, "/v1/homes/H1")["temperature"] == 15.0
    for inside in ("/metrics", "/readyz", "/%6detrics", "/v1/..%2fmetrics"):
        assert stack.outside("get", str(stack.place / "secrets/ca.crt"), someone.token, inside)["status"] == 404, inside
    stack.run("run", "--rm", "admin", "check")


def writes_nothing_outside_of_its_volumes(stack: Stack) -> None:
    for name in running(stack):
        done = stack.containers.docker("compose", "exec", "--user", "0", name, "touch", "/written", "/usr/written")
        assert done.stderr.count("Read-only file system") == 2, (name, done.stderr)


def running(stack: Stack) -> list[str]:
    """Return the services that run on."""
    return [name for name in stack.wanted if stack.services[name]["restart"] != "no"]


def feels(stack: Stack, name: str) -> int:
    """Return the exit code of the health check of a service, asked now."""
    kind, *words = stack.services[name]["healthcheck"]["test"]
    command = ["sh", "-c", *(word.replace("$$", "$") for word in words)] if kind == "CMD-SHELL" else words
    return stack.containers.docker("compose", "exec", name, *command).returncode


CHECKS = 4


def checks_its_health_without_a_line(stack: Stack) -> None:
    until(lambda: feels(stack, "backup") == 0, "the first backup is made", 60)
    for name in running(stack):
        before = len(stack.run("logs", "--no-log-prefix", name).splitlines())
        assert [feels(stack, name) for _ in range(CHECKS)] == [0] * CHECKS, name
        after = stack.run("logs", "--no-log-prefix", name).splitlines()
        # A service may speak by itself meanwhile, but not at each check.
        assert len(after) - before < CHECKS, (name, after[before:])


def notices_a_dead_database_and_comes_back(stack: Stack, someone: Someone) -> None:
    stack.run("stop", "timescaledb")
    notice = {name for name in running(stack) if name != "timescaledb" and feels(stack, name) != 0}
    assert notice - {"exporter"} == {"ingest", "watch", "notify", "api"}
    say(stack, someone.device, 15.5)  # what comes meanwhile waits
    stack.run("start", "timescaledb")
    until(
        lambda: (ask(stack, someone.token, "/v1/homes/H1") or {}).get("temperature") == 15.5,
        "it is stored after all",
        90,
    )


def can_be_restarted(stack: Stack, someone: Someone) -> None:
    for name in running(stack):
        stack.run("restart", name)
    until(lambda: settled(stack), f"all is healthy: {stack.states()}", 180)
    say(stack, someone.device, 14.5)
    until(
        lambda: (ask(stack, someone.token, "/v1/homes/H1") or {}).get("temperature") == 14.5,
        "a reading comes through",
        60,
    )
