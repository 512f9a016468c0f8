"""The Helm chart: rendered by Helm, valid by the schemas of Kubernetes, and as closed as the compose files."""

import re
import tomllib
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from hearth.settings import PREFIX, Settings
from local.helm import HELM, helm
from tests.architecture.commands import commands
from tests.conftest import unavailable

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy/helm/hearth"
OLDEST, NEWEST = "1.27", "1.37"
ALL = (
    *("--set", "ingress.host=heat.example,ingress.tlsSecret=tls,ingress.className=nginx"),
    *("--set", "api.pooled=true,ingest.workers=3"),
    *("--set", "networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.name=monitoring"),
)

Manifest = dict[str, Any]


def rendered(*values: str) -> list[Manifest]:
    """Return the manifests that Helm makes of the chart."""
    if reason := HELM.why_not():
        unavailable(f"NOT TESTED WITH HELM: {reason}")
    done = helm("template", "heat", str(CHART), "--kube-version", f"{NEWEST}.0", *values)
    assert done.returncode == 0, done.stderr
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def pods(manifests: list[Manifest]) -> dict[str, Manifest]:
    """Return the specification of each pod, by the component that it is of."""
    workloads = [one for one in manifests if one["kind"] in ("Deployment", "Job")]
    return {
        one["metadata"]["labels"]["app.kubernetes.io/component"]: one["spec"]["template"]["spec"] for one in workloads
    }


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("values", [(), ALL], ids=["as it is", "with all"])
def test_what_it_makes_is_valid(version: str, values: tuple[str, ...]) -> None:
    manifests = rendered(*values)
    assert {one["kind"] for one in manifests} >= {
        "Deployment",
        "Job",
        "Service",
        "PodDisruptionBudget",
        "NetworkPolicy",
    }
    assert ("Ingress" in {one["kind"] for one in manifests}) is bool(values)
    for one in manifests:
        kubernetes_validate.validate(one, version, strict=True)
    broken = manifests[0] | {"sepc": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, version, strict=True)


def test_a_misspelt_value_is_refused() -> None:
    rendered()
    for wrong in ("api.replcas=2", "settings.HEARTH_mqtt=x", "image.digest=latest", "ingest.workers=0"):
        done = helm("template", "heat", str(CHART), "--kube-version", f"{NEWEST}.0", "--set", wrong)
        assert done.returncode != 0, wrong
        assert "values don't meet" in done.stderr, wrong


def test_a_pod_may_do_no_more_than_it_must_and_sees_its_own_secrets_alone() -> None:
    for name, spec in pods(rendered(*ALL)).items():
        (container,) = spec["containers"]
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["automountServiceAccountToken"] is False, name
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }, name  # fmt: skip
        assert "memory" in container["resources"]["limits"], name
        (secrets,) = (volume["secret"] for volume in spec["volumes"] if "secret" in volume)
        seen = {item["key"] for item in secrets["items"]}
        named = {
            variable["value"].removeprefix("/run/secrets/")
            for variable in container["env"]
            if variable["value"].startswith("/run/secrets/")
        }
        assert named == seen, name
        assert "ca.key" not in seen


def test_what_a_pod_runs_is_a_command_and_its_variables_are_settings() -> None:
    known = {f"{PREFIX}{field.upper()}" for field in Settings.model_fields}
    found = pods(rendered(*ALL))
    assert found.keys() == {"migrate", "ingest", "watch", "notify", "api", "admin"}
    for name, spec in found.items():
        (container,) = spec["containers"]
        words = container.get("args", ["check"])
        assert (words[0],) in commands(), name
        for variable in (one["name"] for one in container["env"]):
            assert variable in known or variable.removesuffix("_FILE") in known, (name, variable)


def test_versions_are_those_of_the_package() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert (chart["appVersion"], chart["version"]) == (version, version)
    assert re.fullmatch(rf">={OLDEST}\.0-0", chart["kubeVersion"])


def test_what_is_for_the_outside_is_what_the_proxy_of_the_stack_lets_through() -> None:
    (ingress,) = (one for one in rendered(*ALL) if one["kind"] == "Ingress")
    (rule,) = ingress["spec"]["rules"]
    paths = {one["path"] for one in rule["http"]["paths"]}
    told = (ROOT / "deploy/haproxy/haproxy.cfg").read_text(encoding="utf-8")
    (let_through,) = re.findall(r"reg \^/\(([\w|-]+)\)", told)
    assert paths == {f"/{name}" for name in let_through.split("|")}
