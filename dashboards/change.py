"""What a push did, or would do."""

from typing import NamedTuple


class GrafanaChange(NamedTuple):
    """One thing in Grafana that was not as it should be."""

    action: str  # create, update, delete
    kind: str
    name: str
    diff: str
