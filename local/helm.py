"""Helm, which no Debian has."""

import os
import subprocess

from local.go_program import GoProgram

HELM = GoProgram("helm", "helm.sh/helm/v3/cmd/helm", "v3.22.0")


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it with a home that is nobody's."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(HELM.path().parent)}
    return subprocess.run([HELM.path(), *arguments], env=environment, capture_output=True, text=True)
