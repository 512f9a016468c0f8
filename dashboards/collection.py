"""The collection of all dashboards as JSON."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards import city, desk, foresight, home, ingest, kpi, operations, substation
from dashboards.look import Look

ALL = (
    city.dashboard,
    substation.dashboard,
    home.dashboard,
    desk.dashboard,
    ingest.dashboard,
    kpi.dashboard,
    foresight.dashboard,
)


def dashboards(look: Look) -> dict[str, dict[str, Any]]:
    """Build all dashboards as Grafana reads them, keyed by uid."""
    chosen = (*ALL, operations.dashboard) if look.prometheus else ALL
    found = [json.loads(_compact(build(look).build())) for build in chosen]
    return {board["uid"]: board for board in found}


def panels(board: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the panels of a dashboard (JSON); not the rows, of which none is closed."""
    return (panel for panel in board["panels"] if panel["type"] != "row")


def text(model: object) -> str:
    """Serialise a model of the SDK to deterministic JSON."""
    return json.dumps(model, cls=JSONEncoder, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _compact(model: object) -> str:
    # Without an indent the encoder is the fast one: it takes a tenth of the time of `text`.
    return json.dumps(model, cls=JSONEncoder, sort_keys=True)
