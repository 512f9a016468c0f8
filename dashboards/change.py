"""Changes that a push made, or would make."""

from typing import NamedTuple


class GrafanaChange(NamedTuple):
    """A resource in Grafana that differs from the bundle."""

    action: str  # create, update, delete
    kind: str
    name: str
    diff: str
