"""The compose files, the image and what they refer to: valid, complete, and as closed as they can be."""

import json
import re
import shutil
import subprocess
import tomllib
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest

from hearth.settings import PREFIX, Settings
from tests.architecture.commands import commands
from tests.architecture.compose import ROOT, load, merged

FILES = ("docker-compose.yml", "docker-compose.scale.yml")
ONE, MANY = "one of each", "more than one"
STACKS = {ONE: merged(FILES[0]), MANY: merged(*FILES)}
# What may be changed from outside, with its default: told at the top of docker-compose.yml.
VARIABLES = {"SECRETS": "./secrets", "CONFIG": "./config", "BACKUPS": "./backups", "ARCHIVE": "./archive"}
# Who may not be as closed as the rest, and why.
ROOT_ALLOWED = {"folders"}  # changes the owner of folders, may do nothing else, and is gone
WRITES_ITS_PROGRAM = {"broker", "broker-2"}  # EMQX generates its configuration at each start
PUBLISHED = {ONE: {"broker", "proxy", "grafana"}, MANY: {"proxy", "grafana"}}
SCRIPTS = sorted(
    path for path in (ROOT / "deploy").rglob("*") if path.is_file() and b"#!/bin/sh" in path.read_bytes()[:9]
)

Service = tuple[str, dict[str, Any]]


def services() -> list[Any]:
    """Return each service of each stack, as a parameter."""
    return [
        pytest.param(stack, (name, service), id=f"{name}, {stack}")
        for stack, whole in STACKS.items()
        for name, service in whole["services"].items()
    ]


def once(service: dict[str, Any]) -> bool:
    """Return whether a service does one thing and ends."""
    return str(service["restart"]) == "no"


def names(of: list[Any] | dict[str, Any]) -> set[str]:
    """Return the names in a list of names or of mappings with a source."""
    return {one if isinstance(one, str) else one["source"] for one in of}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_valid_by_the_schema_of_the_compose_specification(name: str) -> None:
    schema = files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json"
    validator = jsonschema.Draft202012Validator(json.loads(schema.read_text(encoding="utf-8")))
    assert [f"{list(e.absolute_path)}: {e.message}" for e in validator.iter_errors(load(name))] == []
    broken = load(name)
    broken["services"]["api"]["helthcheck"] = {}
    assert not validator.is_valid(broken)


@pytest.mark.parametrize("stack", STACKS)
def test_the_stack_as_a_whole_is_valid_too(stack: str) -> None:
    schema = files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json"
    jsonschema.Draft202012Validator(json.loads(schema.read_text(encoding="utf-8"))).validate(STACKS[stack])


@pytest.mark.parametrize(("stack", "service"), services())
def test_every_variable_of_hearth_is_a_setting(stack: str, service: Service) -> None:
    name, told = service
    known = {f"{PREFIX}{field.upper()}" for field in Settings.model_fields}
    for variable, value in told.get("environment", {}).items():
        if variable.startswith(PREFIX):
            assert variable in known or variable.removesuffix("_FILE") in known, (name, variable)
            assert isinstance(value, str), (name, variable)
    if str(told.get("image", "")).startswith("hearth:"):
        values = {k: v for k, v in told.get("environment", {}).items() if k in known and not v.startswith("/run")}
        Settings(**{k.removeprefix(PREFIX).lower(): v for k, v in values.items()})


@pytest.mark.parametrize(("stack", "service"), services())
def test_what_a_container_of_hearth_runs_is_a_command_with_its_options(stack: str, service: Service) -> None:
    name, told = service
    if told["image"].startswith("hearth:"):
        words = told["command"]
        command = next(c for n in (2, 1) if (c := commands().get(tuple(words[:n]))))
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word.split("=")[0] for word in words if word.startswith("--")} <= options, name


@pytest.mark.parametrize(("stack", "service"), services())
def test_a_service_may_do_no_more_than_it_must(stack: str, service: Service) -> None:
    name, told = service
    uid = told["user"].partition(":")[0]
    assert uid.isdecimal(), name
    assert (uid == "0") is (name in ROOT_ALLOWED), name
    assert told["cap_drop"] == ["ALL"], name
    assert bool(told.get("cap_add")) is (name in ROOT_ALLOWED), name
    assert told["security_opt"] == ["no-new-privileges:true"], name
    assert told["read_only"] is not (stack == MANY and name in WRITES_ITS_PROGRAM), name
    assert told["pids_limit"] > 0, name
    limits = told["deploy"]["resources"]["limits"]
    assert float(limits["cpus"]) > 0, name
    assert limits["memory"][-1] in "mg", name
    assert told["logging"]["options"].keys() == {"max-size", "max-file"}, name
    assert not {"privileged", "devices", "pid", "ipc", "container_name"} & told.keys(), name
    assert all("docker.sock" not in str(volume) for volume in told.get("volumes", [])), name


@pytest.mark.parametrize(("stack", "service"), services())
def test_a_service_is_watched_and_comes_again(stack: str, service: Service) -> None:
    name, told = service
    assert told["restart"] == ("no" if once(told) else "unless-stopped"), name
    assert told["healthcheck"].get("disable", False) is once(told), name
    if not once(told):
        assert told["healthcheck"].keys() >= {"test", "interval", "timeout", "retries"}, name


@pytest.mark.parametrize(("stack", "service"), services())
def test_a_service_waits_for_what_it_needs(stack: str, service: Service) -> None:
    name, told = service
    for needed, how in told.get("depends_on", {}).items():
        other = STACKS[stack]["services"][needed]
        expected = "service_completed_successfully" if once(other) else "service_healthy"
        assert how == {"condition": expected}, (name, needed)


@pytest.mark.parametrize(("stack", "service"), services())
def test_an_image_is_pinned(stack: str, service: Service) -> None:
    name, told = service
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    if told["image"].startswith("hearth:"):
        assert (told["image"], told["build"]) == (f"hearth:{version}", "."), name
    else:
        assert re.fullmatch(r"[a-z-]+(/[a-z]+)?:v?\d+\.\d+\.\d+[\w.-]*", told["image"]), name


@pytest.mark.parametrize("stack", STACKS)
def test_only_what_is_meant_for_outside_is_published_and_the_database_is_within(stack: str) -> None:
    whole = STACKS[stack]
    published = {name for name, told in whole["services"].items() if told.get("ports")}
    assert published == PUBLISHED[stack] & whole["services"].keys()
    for name in published:
        assert "edge" in whole["services"][name]["networks"], name
    for name, network in whole["networks"].items():
        assert bool(network.get("internal")) is (name not in OPEN), name
    for name in ("timescaledb", "pooler"):
        if name in whole["services"]:
            assert set(whole["services"][name]["networks"]) == {"data"}, name


OPEN = {"edge", "outside"}


@pytest.mark.parametrize(("stack", "service"), services())
def test_what_a_service_refers_to_is_there(stack: str, service: Service) -> None:
    name, told = service
    whole = STACKS[stack]
    assert names(told.get("secrets", [])) <= whole["secrets"].keys(), name
    assert set(told.get("networks", [])) <= whole["networks"].keys(), name
    for volume in told.get("volumes", []):
        source = re.sub(r"\$\{\w+:-(.*?)\}", r"\1", volume).split(":")[0]
        if source.startswith("./deploy/"):
            assert (ROOT / source).exists(), (name, source)
            assert volume.endswith(":ro"), (name, source)
        elif not source.startswith("./"):
            assert source in whole["volumes"], (name, source)
    shown = [v for v in told.get("environment", {}).values() if str(v).startswith("/run/secrets/")]
    assert {v.removeprefix("/run/secrets/") for v in shown} <= names(told.get("secrets", [])), name


@pytest.mark.parametrize("stack", STACKS)
def test_who_writes_a_volume_is_who_reads_it_elsewhere(stack: str) -> None:
    """A container starts as one user; what one writes for another must be that one's own."""
    users: dict[str, set[str]] = {}
    for told in STACKS[stack]["services"].values():
        for volume in told.get("volumes", []):
            name = volume.split(":")[0]
            if name in STACKS[stack]["volumes"]:
                users.setdefault(name, set()).add(told["user"])
    assert {name: len(found) for name, found in users.items()} == dict.fromkeys(users, 1)
    made = re.findall(r"install -d -o (\d+) -g \d+ -m 0700 (/\w+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    for name, told in STACKS[stack]["services"].items():
        for volume in told.get("volumes", []):
            source, _, target = volume.partition(":")
            if told["image"].startswith("hearth:") and source in STACKS[stack]["volumes"]:
                assert (told["user"].split(":")[0], target) in made, name


@pytest.mark.parametrize("stack", STACKS)
def test_nothing_is_there_that_nobody_refers_to(stack: str) -> None:
    whole = STACKS[stack]
    used = {kind: set() for kind in ("secrets", "networks", "volumes")}  # type: dict[str, set[str]]
    for told in whole["services"].values():
        used["secrets"] |= names(told.get("secrets", []))
        used["networks"] |= set(told.get("networks", []))
        used["volumes"] |= {volume.split(":")[0] for volume in told.get("volumes", [])}
    if stack == ONE:
        for kind, found in used.items():
            assert whole[kind].keys() <= found, kind
    else:  # what the overlay replaces, the file below it still has
        for kind, found in used.items():
            assert whole[kind].keys() - STACKS[ONE][kind].keys() <= found, kind


def test_variables_of_the_files_have_defaults_and_are_told() -> None:
    head = (ROOT / FILES[0]).read_text(encoding="utf-8").partition("\nname:")[0]
    for name in FILES:
        text = (ROOT / name).read_text(encoding="utf-8")
        found = re.findall(r"(?<!\$)\$\{(\w+)(?::-([^}]*))?\}", text)
        assert set(found) <= set(VARIABLES.items()), name
        assert len(found) == len(re.findall(r"(?<!\$)\$(?!\$)", text)), name
    assert all(re.search(rf"\b{variable}\b +folder", head) for variable in VARIABLES)


@pytest.mark.parametrize("stack", STACKS)
def test_secrets_are_those_that_are_made(stack: str, made: Path) -> None:
    for name, secret in STACKS[stack]["secrets"].items():
        assert secret == {"file": f"${{SECRETS:-./secrets}}/{name}"}
        assert (made / name).is_file(), name


def test_grafana_knows_nobody_without_a_password() -> None:
    told = STACKS[ONE]["services"]["grafana"]["environment"]
    assert (told["GF_AUTH_ANONYMOUS_ENABLED"], told["GF_USERS_ALLOW_SIGN_UP"]) == ("false", "false")
    assert told["GF_SECURITY_ADMIN_PASSWORD__FILE"] == "/run/secrets/grafana_admin_password"
    assert told["GF_SERVER_PROTOCOL"] == "https"


def test_the_proxy_logs_no_query() -> None:
    """The link of a customer has a token in it."""
    told = (ROOT / "deploy/haproxy/haproxy.cfg").read_text(encoding="utf-8")
    (form,) = re.findall(r"^ +log-format (.*)$", told, re.MULTILINE)
    assert "%HP " in form
    assert not re.search(r"%(\{[^}]*\})?(r|HU|HQ|HPO)\b", form)
    assert "httplog" not in re.sub("#.*", "", told)


def passes(path: str) -> bool:
    """Return whether the proxy hands a path on: each rule of its configuration is a condition to answer 404."""
    told = (ROOT / "deploy/haproxy/haproxy.cfg").read_text(encoding="utf-8")
    rules = re.findall(r"^ +http-request return status 404 (if|unless) (.*)$", told, re.MULTILINE)
    assert len(rules) == 3
    return not any(any(map(partial(holds, path), CONDITION.findall(text))) == (word == "if") for word, text in rules)


CONDITION = re.compile(r"\{ path(,url_dec)? -m (reg|sub|end)( -i)? (.*?) \}")


def holds(path: str, condition: tuple[str, str, str, str]) -> bool:
    decoded, how, regardless, values = condition
    subject = unquote(path) if decoded else path
    if regardless:
        subject, values = subject.lower(), values.lower()
    wanted = [value.replace("\\\\", "\\") if how != "reg" else value for value in values.split(" ")]
    match how:
        case "reg":
            return any(re.search(value, subject) for value in wanted)
        case "sub":
            return any(value in subject for value in wanted)
        case _:
            return subject.endswith(tuple(wanted))


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/metrics",
            "/%6detrics",
            "/%6Detrics",
            "/readyz",
            "/healthz",
            "/",
            "//metrics",
            "/v1/../metrics",
            "/METRICS",
        ),
        *("/v1/%2e%2e/metrics", "/v1/..%2fmetrics", "/v1//flags", "/v1%2f..%2fmetrics", "/v1/..", "/v1\\..\\metrics"),
        *("/%256detrics", "/v1/./flags", "/v1x", "/homes", "/statusx", "/v1/%5c..%5cmetrics"),
    ],
)
def test_the_proxy_keeps_what_is_inside_in(path: str) -> None:
    assert not passes(path)


@pytest.mark.parametrize(
    "path",
    ["/v1/flags", "/v1/homes/B1-101/readings.csv", "/v1/homes/%E4%B8%80/flags", "/home", "/home" + "/leave", "/status",
     "/pages/look.css", "/v1/openapi.json", "/%76%31/flags"],
)  # fmt: skip
def test_the_proxy_hands_on_what_is_for_people(path: str) -> None:
    assert passes(path)


def test_the_api_believes_its_proxy_and_nobody_else() -> None:
    whole = STACKS[ONE]
    (subnet,) = (pool["subnet"] for pool in whole["networks"]["web"]["ipam"]["config"])
    assert whole["services"]["api"]["environment"]["HEARTH_API_PROXIES"] == subnet
    assert {name for name, told in whole["services"].items() if "web" in told.get("networks", [])} == {"api", "proxy"}


def test_every_secret_that_is_made_is_used(made: Path) -> None:
    # The authority's key is for making certificates, not for a container.
    parts = {"ca.key"}
    assert {path.name for path in made.iterdir()} - parts == set(STACKS[MANY]["secrets"])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of secrets as deploy/make-secrets makes it."""
    folder = tmp_path_factory.mktemp("secrets")
    subprocess.run([ROOT / "deploy/make-secrets", folder, "hearth.example"], check=True, capture_output=True)
    return folder


def test_what_prometheus_asks_answers_there() -> None:
    import yaml

    asked = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8"))
    for job in asked["scrape_configs"]:
        for discovery in job["dns_sd_configs"]:
            for name in discovery["names"]:
                told = STACKS[MANY]["services"][name]
                ports = {v for k, v in told["environment"].items() if k.endswith("_PORT")}
                assert str(discovery["port"]) in ports, name
                assert "metrics" in told["networks"], name
    workers = {name for name in STACKS[MANY]["services"] if name.startswith("ingest")}
    asked_workers = {n for job in asked["scrape_configs"] for d in job["dns_sd_configs"] for n in d["names"]}
    assert workers <= asked_workers


def test_workers_have_numbers_of_their_own_and_are_otherwise_equal() -> None:
    workers = {n: s for n, s in STACKS[MANY]["services"].items() if n.startswith("ingest")}
    assert [told["command"] for told in workers.values()] == [["ingest", "--worker", str(n)] for n in (1, 2, 3)]
    assert len({json.dumps({**told, "command": None}, sort_keys=True) for told in workers.values()}) == 1


def listeners() -> dict[int, set[str]]:
    """Return the lines of each listener of the shipped Mosquitto, by its port."""
    found: dict[int, set[str]] = {}
    port = 0
    for line in (ROOT / "deploy/mosquitto/mosquitto.conf").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(" ")
        port = int(value) if name == "listener" else port
        found.setdefault(port, set()).add(line)
    return found


BOUND = "use_username_as_clientid true"


def test_where_devices_come_in_nobody_chooses_a_client_id_and_hearth_comes_in_elsewhere() -> None:
    (inside,) = {
        int(told["environment"]["HEARTH_MQTT_URL"].rpartition(":")[2])
        for whole in STACKS.values()
        for told in whole["services"].values()
        if "HEARTH_MQTT_URL" in told.get("environment", {})
    }
    ports = listeners().keys() - {0}
    assert {port for port in ports if BOUND in listeners()[port]} == ports - {inside}
    assert {"require_certificate true", "use_identity_as_username true"} <= listeners()[inside]
    published = [
        str(port) for whole in STACKS.values() for s in whole["services"].values() for port in s.get("ports", ())
    ]
    assert all(str(port) in " ".join(published) for port in ports - {inside})
    assert str(inside) not in " ".join(published)


def test_emqx_binds_client_ids_everywhere_but_inside() -> None:
    told = (ROOT / "deploy/emqx/emqx.conf").read_text(encoding="utf-8")
    (whole,) = re.findall(r"^mqtt \{$(.*?)^\}", told, re.MULTILINE | re.DOTALL)
    assert "use_username_as_clientid = true" in whole
    assert re.findall(r"^zones\.(\w+)\.mqtt\.use_username_as_clientid = false$", told, re.MULTILINE) == ["inside"]
    inside = re.findall(r"^listeners\.ssl\.\w+ \{\n  bind = \"[\d.]+:(\d+)\"[^{]*?zone = inside$", told, re.MULTILINE)
    assert inside == ["8885"]
    assert "8885" not in (ROOT / "deploy/haproxy/mqtt.cfg").read_text(encoding="utf-8")


def test_what_needs_a_session_of_the_database_does_not_go_through_the_pooler() -> None:
    through = {n for n, s in STACKS[MANY]["services"].items() if "database_pooled_url" in names(s.get("secrets", []))}
    assert through == {"api"}
    told = STACKS[MANY]["services"]["api"]["environment"]
    assert told["HEARTH_API_LISTEN_URL_FILE"] == "/run/secrets/database_api_url"  # what listens goes past it


def test_nothing_secret_is_committed() -> None:
    asked = ["secrets/ca.key", "hearth.env", ".env", "config/policy.toml", "backups/a.dump", "archive/0001"]
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a working copy")
    ignored = subprocess.run([git, "check-ignore", *asked], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ignored.stdout.split() == asked


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_sound(script: Path) -> None:
    program = Path(shutil.which("shellcheck", path=str(Path(subprocess.sys.executable).parent)) or "shellcheck")  # type: ignore[attr-defined]
    checked = subprocess.run([program, script], capture_output=True, text=True, check=False)
    assert checked.stdout + checked.stderr == ""
    assert script.stat().st_mode & 0o111
