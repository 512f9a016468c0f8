"""Everything to provision in Grafana: folder, data sources, contact points, dashboards, alert rules."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from dashboards import alerting, host_rules, sources
from dashboards.collection import dashboards
from dashboards.contacts import ContactPoint, contact_points
from dashboards.look import Look
from dashboards.words import titles


@dataclass(frozen=True)
class GrafanaBundle:
    """Resources in the format of Grafana's HTTP API. Without `access`, the data source is provisioned elsewhere."""

    folder: str  # its title
    access: sources.Access | None
    prometheus: dict[str, Any] | None
    dashboards: dict[str, dict[str, Any]]
    rules: list[dict[str, Any]]
    contacts: list[ContactPoint]
    wrong: list[str]  # what is wrong with addresses that are no contact point
    map_stays: bool = True  # the city map has a centre, and does not fit its dots at each refresh


def bundle(look: Look, database_url: str | None, prometheus_url: str | None, contacts: Sequence[str]) -> GrafanaBundle:
    """Build the bundle.

    Raises:
        UsageError: the address of the database is invalid.
    """
    look = replace(look, prometheus=bool(prometheus_url))
    points, wrong = contact_points(look, contacts)
    boards = dashboards(look)
    return GrafanaBundle(
        look.say(titles.FOLDER),
        sources.access(database_url) if database_url else None,
        sources.prometheus(prometheus_url) if prometheus_url else None,
        boards,
        alerting.rules(look, boards, host_rules.ALL if prometheus_url else (), notify=bool(points)),
        points,
        wrong,
        look.ground.centre is not None,
    )
