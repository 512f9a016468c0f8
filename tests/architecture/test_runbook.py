"""docs/operations.md: its commands name what is there, and its table is what the measured figures make."""

import re

import pytest

from local.compose import SEEN_AS
from tests.architecture.commands import commands
from tests.architecture.compose import MANY, PAIR, ROOT, stacks

PAGE = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
STACKS = stacks()
SERVICES = STACKS[PAIR]["services"] | STACKS[MANY]["services"]
SHOWN = [
    part.strip()
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
    for part in line.partition(" #")[0].split("&&")
    if part.strip()
] + re.findall(r"`((?:docker|deploy/)[^`]+)`", PAGE)
COMPOSE = [command.split() for command in SHOWN if command.startswith("docker compose ")]
WITH_VALUE = {"-f", "--volume", "--entrypoint", "--signal"}


def words(command: list[str]) -> list[str]:
    """Return what is left of the words after `docker compose` without options."""
    rest, skip = [], False
    for word in command[2:]:
        if skip or word.startswith("-"):
            skip = not skip and word in WITH_VALUE
        else:
            rest.append(word)
    return rest


def test_there_are_many_commands() -> None:
    assert len(COMPOSE) > 30


@pytest.mark.parametrize("command", COMPOSE, ids=" ".join)
def test_a_command_names_services_that_are_there(command: list[str]) -> None:
    verb, *rest = words(command)
    if verb in ("exec", "run"):
        assert rest[0] in SERVICES
    elif verb in ("up", "stop", "restart", "kill", "logs"):
        assert set(rest) <= SERVICES.keys()
    else:
        assert (verb, rest) in (("build", []), ("ps", []))


@pytest.mark.parametrize("command", [c for c in COMPOSE if "--entrypoint" not in c and "run" in c], ids=" ".join)
def test_a_command_of_hearth_is_one(command: list[str]) -> None:
    service, *arguments = command[command.index("--rm") + 1 :] if "--volume" not in command else command[6:]
    if arguments == ["…"]:
        return
    if arguments:
        found = next(c for n in (2, 1) if (c := commands().get(tuple(arguments[:n]))))
        options = {option for parameter in found.params for option in parameter.opts}
        assert {word for word in arguments if word.startswith("--")} <= options
    else:
        assert SERVICES[service]["restart"] == "no"


def test_scripts_in_the_database_s_container_are_those_that_are_mounted() -> None:
    scripts = set(re.findall(r" /hearth/([\w-]+)", " ".join(SHOWN)))
    assert scripts == {"dump", "restore", "base-backup", "recover", "passwords", "promote", "synchronous"}
    assert all((ROOT / "deploy/timescaledb" / name).exists() for name in scripts)
    mounted = {volume["target"]: volume["source"] for volume in SERVICES["timescaledb"]["volumes"]}
    assert mounted["/hearth"] == f"{SEEN_AS}/deploy/timescaledb"


def test_the_table_of_sizes_is_what_the_measured_figures_make() -> None:
    raw = float(re.findall(r"a reading takes (\d+) bytes on TimescaleDB", PAGE)[0])
    columns = float(re.findall(r"and ([\d.]+) bytes once its chunk is", PAGE)[0])
    hours = float(re.findall(r"add ([\d.]+) bytes for each", PAGE)[0])
    rows = re.findall(
        r"^\| ([\d,]+) \| (\d) min \| ([\d.,]+) \| ([\d,]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", PAGE, re.M
    )
    assert len(rows) == 7
    for row in rows:
        sensors, minutes, messages, per_day, gb, converted, season = (float(value.replace(",", "")) for value in row)
        assert per_day == sensors * 1440 / minutes
        assert messages == pytest.approx(sensors / minutes / 60, rel=0.02)
        assert gb == pytest.approx(per_day * raw / 1e9, abs=0.006)
        assert converted == pytest.approx(per_day * (columns + hours) / 1e9, abs=0.0006)
        assert season == pytest.approx(per_day * (columns + hours) * 180 / 1e9, abs=0.06)
