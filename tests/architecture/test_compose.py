"""The compose files, as Docker Compose itself reads them: they load, are complete, and as closed as they can be."""

import json
import re
import subprocess
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from hearth.settings import PREFIX, Settings
from local.compose import SEEN_AS, config
from local.server import ServerError
from local.trixie import COMPOSE
from tests.architecture.commands import commands
from tests.architecture.compose import FILES, MANY, ONE, PAIR, ROOT, stacks

STACKS = stacks()
# What may be changed from outside, with its default: told at the top of docker-compose.yml.
VARIABLES = {
    "SECRETS": "./secrets",
    "CONFIG": "./config",
    "BACKUPS": "./backups",
    "ARCHIVE": "./archive",
    "BACKUPS_KEPT": "7",
    "GRAFANA_URL": "https://localhost:3000/",
    "GRAFANA_OIDC_CLIENT_ID": "",
    "GRAFANA_OIDC_AUTH_URL": "",
    "GRAFANA_OIDC_TOKEN_URL": "",
    "GRAFANA_OIDC_USERINFO_URL": "",
    "GRAFANA_OIDC_SIGN_OUT_URL": "",
    "DATABASE_CPUS": "2",
    "STANDBY_LOG": "50GB",
    "DATABASE_MEMORY": "8GB",
}
# Where the file says what follows if a variable has a value, beside the default.
SWITCH = "GRAFANA_OIDC_CLIENT_ID:+true"
# Told by a variable though its name speaks of a token: an address, and whether there is one.
NO_SECRETS = {"GF_AUTH_GENERIC_OAUTH_TOKEN_URL", "GF_AUTH_GENERIC_OAUTH_USE_REFRESH_TOKEN"}
LEAST_CPUS = 2
# Who may not be as closed as the rest, and why.
ROOT_ALLOWED = {"folders"}  # changes the owner of folders, may do nothing else, and is gone
SEES_THE_MACHINE = {"host": "/"}  # tells how full its disks are: it reads only, and as nobody
PUBLISHED = {ONE: {"broker", "proxy", "grafana"}, MANY: {"proxy", "grafana"}, PAIR: {"broker", "proxy", "grafana"}}
OPEN = {"edge", "outside"}

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


def sources(service: dict[str, Any], kind: str) -> set[str]:
    """Return the names of what a service takes: of its secrets, or of its volumes that have one."""
    return {one["source"] for one in service.get(kind, []) if one.get("type", "volume") == "volume"}


FAULTS: dict[str, dict[str, Any]] = {
    "an unknown key": {"helthcheck": {}},
    "pids in two places": {"deploy": {"resources": {"limits": {"memory": "1g"}}}, "pids_limit": 200},
    "an option twice": {"security_opt": ["no-new-privileges:true"] * 2},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_it_is_compose_that_reads_them(tmp_path: Path, fault: str) -> None:
    """A fault that a reader of one's own would let through is refused."""
    file = tmp_path / "docker-compose.yml"
    file.write_text(json.dumps({"name": "x", "services": {"a": {"image": "a", **FAULTS[fault]}}}))
    with pytest.raises(ServerError, match="services"):
        config(tmp_path, file.name)


@pytest.mark.parametrize("stack", STACKS)
def test_the_stack_is_valid_by_the_newest_schema_too(stack: str) -> None:
    schema = files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json"
    jsonschema.Draft202012Validator(json.loads(schema.read_text(encoding="utf-8"))).validate(STACKS[stack])


@pytest.mark.parametrize(("stack", "service"), services())
def test_every_variable_of_hearth_is_a_setting(stack: str, service: Service) -> None:
    name, told = service
    known = {f"{PREFIX}{field.upper()}" for field in Settings.model_fields}
    of_hearth = {k: v for k, v in told.get("environment", {}).items() if k.startswith(PREFIX)}
    assert {k for k in of_hearth if k not in known and k.removesuffix("_FILE") not in known} == set(), name
    if told["image"].startswith("hearth:"):
        values = {k: v for k, v in of_hearth.items() if k in known and not v.startswith("/run")}
        Settings(**{k.removeprefix(PREFIX).lower(): v for k, v in values.items()})


@pytest.mark.parametrize(("stack", "service"), services())
def test_no_secret_is_told_by_a_variable(stack: str, service: Service) -> None:
    name, told = service
    for variable, value in (
        (key, value) for key, value in told.get("environment", {}).items() if key not in NO_SECRETS
    ):
        of_a_file = str(value).startswith("/run/secrets/")
        assert of_a_file or not re.search("PASSWORD|SECRET|TOKEN|DATABASE_URL|KEY_FILE", variable), (name, variable)
        assert "@" not in value.partition("://")[2], (name, variable)
        assert not of_a_file or value.removeprefix("/run/secrets/") in sources(told, "secrets"), (name, variable)


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
    assert told.get("read_only", False), name
    assert told["logging"]["options"].keys() == {"max-size", "max-file"}, name
    assert not {"privileged", "devices", "pid", "ipc", "container_name"} & told.keys(), name
    assert all("docker.sock" not in volume["source"] for volume in told.get("volumes", [])), name


@pytest.mark.parametrize(("stack", "service"), services())
def test_a_service_has_limits_that_any_machine_can_give(stack: str, service: Service) -> None:
    """Docker refuses to start a container that may use more CPUs than there are."""
    name, told = service
    limits = told["deploy"]["resources"]["limits"]
    assert 0 < float(limits["cpus"]) <= LEAST_CPUS, name
    assert 0 < int(limits["memory"]) <= 8 << 30, name
    assert 0 < limits["pids"] <= 1000, name


def test_the_database_gets_as_much_as_the_operator_says() -> None:
    told = config(ROOT, FILES[0], variables={"DATABASE_CPUS": "12", "DATABASE_MEMORY": "48GB"})["services"]
    limits = told["timescaledb"]["deploy"]["resources"]["limits"]
    assert (float(limits["cpus"]), int(limits["memory"])) == (12, 48 << 30)
    variables = told["timescaledb"]["environment"]
    assert (variables["TS_TUNE_NUM_CPUS"], variables["TS_TUNE_MEMORY"]) == ("12", "48GB")


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
        assert (how["condition"], how["required"]) == (expected, True), (name, needed)


@pytest.mark.parametrize(("stack", "service"), services())
def test_an_image_is_pinned(stack: str, service: Service) -> None:
    name, told = service
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    if told["image"].startswith("hearth:"):
        assert (told["image"], told["build"]["context"]) == (f"hearth:{version}", SEEN_AS), name
    else:
        assert re.fullmatch(r"[a-z-]+(/[a-z-]+)?:v?\d+\.\d+\.\d+[\w.-]*", told["image"]), name


@pytest.mark.parametrize("stack", STACKS)
def test_only_what_is_meant_for_outside_is_published_and_the_database_is_within(stack: str) -> None:
    whole = STACKS[stack]
    published = {name for name, told in whole["services"].items() if told.get("ports")}
    assert published == PUBLISHED[stack]
    for name in published:
        assert "edge" in whole["services"][name]["networks"], name
    for name, network in whole["networks"].items():
        assert network.get("internal", False) is (name not in OPEN), name
    for name in ("timescaledb", "pooler"):
        if name in whole["services"]:
            assert set(whole["services"][name]["networks"]) == {"data"}, name


@pytest.mark.parametrize(("stack", "service"), services())
def test_what_a_service_refers_to_is_there(stack: str, service: Service) -> None:
    name, told = service
    for volume in told.get("volumes", []):
        if volume["source"].startswith(f"{SEEN_AS}/deploy/") or volume["source"] == SEES_THE_MACHINE.get(name):
            assert (ROOT / volume["source"].removeprefix(f"{SEEN_AS}/")).exists(), (name, volume)
            assert volume["read_only"], (name, volume)
        else:
            folders = {f"{SEEN_AS}/{folder[2:]}" for folder in VARIABLES.values() if folder.startswith("./")}
            assert volume["type"] == "volume" or volume["source"] in folders, (name, volume)


@pytest.mark.parametrize("stack", STACKS)
def test_who_writes_a_volume_is_who_reads_it_elsewhere(stack: str) -> None:
    """A container starts as one user; what one writes for another must be that one's own."""
    users: dict[str, set[str]] = {}
    made = re.findall(r"install -d -o (\d+) -g \d+ -m 0700 (/\w+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    for name, told in STACKS[stack]["services"].items():
        for volume in told.get("volumes", []):
            if volume["type"] == "volume":
                users.setdefault(volume["source"], set()).add(told["user"])
                in_image = (told["user"].split(":")[0], volume["target"])
                assert not told["image"].startswith("hearth:") or in_image in made, name
    assert {name: len(found) for name, found in users.items()} == dict.fromkeys(users, 1)


def test_nothing_is_there_that_nobody_refers_to() -> None:
    """Compose leaves out what no service refers to, so what is left is what is used."""
    written = yaml.safe_load((ROOT / FILES[0]).read_text(encoding="utf-8"))
    for kind in ("secrets", "networks", "volumes"):
        assert STACKS[ONE][kind].keys() == written[kind].keys(), kind
        added = re.search(rf"^{kind}:\n((?:  .*\n)+)", (ROOT / FILES[1]).read_text(encoding="utf-8"), re.M)
        assert set(re.findall(r"^  ([\w.-]+):", added[1] if added else "", re.M)) <= STACKS[MANY][kind].keys(), kind


def test_variables_of_the_files_have_defaults_and_are_told() -> None:
    told = ""
    for name in FILES:
        told += (ROOT / name).read_text(encoding="utf-8").partition("\n\n")[0] + "\n"
        text = (ROOT / name).read_text(encoding="utf-8").replace(SWITCH, "GRAFANA_OIDC_CLIENT_ID:-")
        found = re.findall(r"(?<!\$)\$\{(\w+)(?::-([^}]*))?\}", text)
        assert set(found) <= set(VARIABLES.items()), name
        assert len(found) == len(re.findall(r"(?<!\$)\$(?!\$)", text)), name
    assert all(re.search(rf"^#.*\b{variable}\b", told, re.M) for variable in VARIABLES)


@pytest.mark.parametrize("stack", STACKS)
def test_secrets_are_those_that_are_made(stack: str, made: Path) -> None:
    for name, secret in STACKS[stack]["secrets"].items():
        assert secret["file"] == f"{SEEN_AS}/secrets/{name}"
        assert (made / name).is_file(), name


def test_every_secret_that_is_made_is_used(made: Path) -> None:
    # The authority's key is for making certificates, not for a container.
    parts = {"ca.key"}
    used = STACKS[ONE]["secrets"].keys() | STACKS[MANY]["secrets"].keys()
    assert {path.name for path in made.iterdir()} - parts == used


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of secrets as deploy/make-secrets makes it."""
    folder = tmp_path_factory.mktemp("secrets")
    subprocess.run([ROOT / "deploy/make-secrets", folder, "hearth.example"], check=True, capture_output=True)
    return folder


def test_grafana_knows_nobody_without_a_password() -> None:
    told = STACKS[ONE]["services"]["grafana"]["environment"]
    assert (told["GF_AUTH_ANONYMOUS_ENABLED"], told["GF_USERS_ALLOW_SIGN_UP"]) == ("false", "false")
    assert told["GF_SECURITY_ADMIN_PASSWORD__FILE"] == "/run/secrets/grafana_admin_password"
    assert told["GF_SERVER_PROTOCOL"] == "https"


def test_people_sign_in_to_grafana_by_the_provider_where_one_is_named() -> None:
    """Without a client Grafana keeps its default, which is off: an empty variable is as none to it."""
    told = STACKS[ONE]["services"]["grafana"]["environment"]
    assert {value for name, value in told.items() if name.startswith("GF_AUTH_GENERIC_OAUTH") and "_URL" in name} == {
        ""
    }
    assert (told["GF_AUTH_GENERIC_OAUTH_ENABLED"], told["GF_AUTH_GENERIC_OAUTH_CLIENT_ID"]) == ("", "")
    named = {"GRAFANA_OIDC_CLIENT_ID": "grafana", "GRAFANA_OIDC_AUTH_URL": "https://sso.example/auth?a=b"}
    told = config(ROOT, FILES[0], variables=named)["services"]["grafana"]["environment"]
    assert (told["GF_AUTH_GENERIC_OAUTH_ENABLED"], told["GF_AUTH_GENERIC_OAUTH_CLIENT_ID"]) == ("true", "grafana")
    assert told["GF_AUTH_GENERIC_OAUTH_AUTH_URL"] == "https://sso.example/auth?a=b"
    assert (told["GF_AUTH_GENERIC_OAUTH_ROLE_ATTRIBUTE_STRICT"], told["GF_AUTH_GENERIC_OAUTH_USE_PKCE"]) == (
        "true",
    ) * 2


def test_grafana_of_another_chart_is_told_the_same() -> None:
    """Compare the values that docs/operations.md shows for Grafana's own chart."""
    shown = re.findall(
        r"```yaml\n(grafana\.ini:.*?)```", (ROOT / "docs/operations.md").read_text(encoding="utf-8"), re.S
    )
    section = yaml.safe_load(shown[0])["grafana.ini"]["auth.generic_oauth"]
    prefix = "GF_AUTH_GENERIC_OAUTH_"
    told = STACKS[ONE]["services"]["grafana"]["environment"]
    told = {name.removeprefix(prefix).lower(): value for name, value in told.items() if name.startswith(prefix)}
    assert {name.removesuffix("__file") for name in told} == section.keys()
    same = {name: value for name, value in told.items() if value and not name.endswith("__file")}
    assert {name: str(section[name]).replace("True", "true") for name in same} == same


def test_the_api_believes_its_proxy_and_nobody_else() -> None:
    whole = STACKS[ONE]
    (subnet,) = (pool["subnet"] for pool in whole["networks"]["web"]["ipam"]["config"])
    assert whole["services"]["api"]["environment"]["HEARTH_API_PROXIES"] == subnet
    assert {name for name, told in whole["services"].items() if "web" in told.get("networks", [])} == {"api", "proxy"}


def asked_by_prometheus() -> list[tuple[str, str]]:
    """Return the services and ports that Prometheus asks, but for itself."""
    jobs = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    found = [(n, str(d["port"])) for job in jobs for d in job.get("dns_sd_configs", []) for n in d["names"]]
    targets = [target for job in jobs for one in job.get("static_configs", []) for target in one["targets"]]
    return [*found, *((name, port) for name, _, port in (target.partition(":") for target in targets))]


def test_what_prometheus_asks_answers_there() -> None:
    asked = [one for one in asked_by_prometheus() if one[0] != "localhost"]
    for name, port in asked:
        told = STACKS[ONE]["services"][name]
        ports = {v for k, v in told.get("environment", {}).items() if k.endswith("_PORT")}
        assert port in ports or f"127.0.0.1:{port}/" in str(told["healthcheck"]["test"]), name
        assert "metrics" in told["networks"], name
    assert {"timescaledb", "broker"} & {name for name, _ in asked} == set(), "these are asked by the exporter"
    # All workers by one name: a name that nobody has would be a line in its log twice a minute.
    workers = [told for name, told in STACKS[MANY]["services"].items() if name.startswith("ingest")]
    assert [told["deploy"]["replicas"] for told in workers] == [3]


def test_the_nodes_of_a_pair_are_equal_but_for_their_names() -> None:
    one, two = (STACKS[MANY]["services"][name] for name in ("broker", "broker-2"))
    told = [dict(word.removeprefix("-Dhearth.").split("=") for word in node["command"]) for node in (one, two)]
    assert (told[0]["name"], told[0]["other"]) == (told[1]["other"], told[1]["name"])
    for node, names in ((one, told[0]), (two, told[1])):
        assert names["name"] in node["networks"]["messages"]["aliases"]
        assert node["entrypoint"][0] == "/hearth/start"
    apart = {"command", "networks", "volumes"}
    assert {k: v for k, v in one.items() if k not in apart} == {k: v for k, v in two.items() if k not in apart}


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
    published = {
        int(port["published"])
        for whole in STACKS.values()
        for told in whole["services"].values()
        for port in told.get("ports", ())
    }
    assert ports - {inside} <= published
    assert inside not in published


def test_what_needs_a_session_of_the_database_does_not_go_through_the_pooler() -> None:
    many = STACKS[MANY]["services"]
    through = {name for name, told in many.items() if "database_pooled_url" in sources(told, "secrets")}
    assert through == {"api"}
    # What listens goes past it.
    assert many["api"]["environment"]["HEARTH_API_LISTEN_URL_FILE"] == "/run/secrets/database_api_url"


def test_the_program_is_the_oldest_that_is_told() -> None:
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    assert COMPOSE.packages == "docker-compose"
    assert "Docker Compose 2.24.4 or later" in page
