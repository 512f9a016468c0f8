"""All dashboards, as JSON."""

import json
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards import city, desk, home, ingest, kpi, substation
from dashboards.look import Look

ALL = (city.dashboard, substation.dashboard, home.dashboard, desk.dashboard, ingest.dashboard, kpi.dashboard)


def dashboards(look: Look) -> dict[str, dict[str, Any]]:
    """Each dashboard by its uid, as Grafana reads it."""
    found = [json.loads(text(build(look).build())) for build in ALL]
    return {board["uid"]: board for board in found}


def text(model: object) -> str:
    """A model of the SDK as JSON text, the same each time."""
    return json.dumps(model, cls=JSONEncoder, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
