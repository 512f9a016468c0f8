"""Files that the compose files refer to: the proxy's rules, the brokers' bounds, scripts, and what is not committed."""

import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.architecture.compose import ROOT

SCRIPTS = sorted(
    path for path in (ROOT / "deploy").rglob("*") if path.is_file() and b"#!/bin/sh" in path.read_bytes()[:9]
)


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
     "/pages/look.css", "/v1/openapi.json", "/%76%31/flags", "/sign-in", "/sign-in/code", "/sign-out", "/account",
     "/invitation/x", "/calendar/x.ics", "/desk", "/desk/tickets/T00000001", "/crew"],
)  # fmt: skip
def test_the_proxy_hands_on_what_is_for_people(path: str) -> None:
    assert passes(path)


def test_emqx_binds_client_ids_everywhere_but_inside() -> None:
    told = (ROOT / "deploy/emqx/emqx.conf").read_text(encoding="utf-8")
    (whole,) = re.findall(r"^mqtt \{$(.*?)^\}", told, re.MULTILINE | re.DOTALL)
    assert "use_username_as_clientid = true" in whole
    assert re.findall(r"^zones\.(\w+)\.mqtt\.use_username_as_clientid = false$", told, re.MULTILINE) == ["inside"]
    inside = re.findall(r"^listeners\.ssl\.\w+ \{\n  bind = \"[\d.]+:(\d+)\"[^{]*?zone = inside$", told, re.MULTILINE)
    assert inside == ["8885"]
    assert "8885" not in (ROOT / "deploy/haproxy/mqtt.cfg").read_text(encoding="utf-8")


def test_nothing_secret_is_committed() -> None:
    asked = ["secrets/ca.key", "hearth.env", ".env", "config/policy.toml", "backups/a.dump", "archive/0001"]
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a working copy")
    ignored = subprocess.run([git, "check-ignore", *asked], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ignored.stdout.split() == asked


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_sound(script: Path) -> None:
    program = shutil.which("shellcheck", path=str(Path(sys.executable).parent)) or "shellcheck"
    checked = subprocess.run([program, script], capture_output=True, text=True, check=False)
    assert checked.stdout + checked.stderr == ""
    assert script.stat().st_mode & 0o111
