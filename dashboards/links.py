"""Where a click leads: from the city down to a home, and on to the API and its console."""

from collections.abc import Mapping

from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.models.dashboard import DashboardLinkType

from dashboards.look import OWN, Look
from domain.reasons import Text

CITY, SUBSTATION, HOME = OWN + "city", OWN + "substation", OWN + "home"
DESK, INGEST, KPI = OWN + "desk", OWN + "ingest", OWN + "kpi"
TITLES: Mapping[str, Text] = {
    CITY: Text("全市", "City"),
    SUBSTATION: Text("换热站", "Substation"),
    HOME: Text("楼栋与住户", "Building and home"),
    DESK: Text("报修工单", "Repair desk"),
    INGEST: Text("数据接入", "Ingest"),
}


def field(column: str) -> str:
    """Another column of the same row, in a data link."""
    return "${__data.fields." + column + "}"


# Each needs the columns that its address names beside the one it is on.
_BUILDING = f"/d/{HOME}?var-substation={field('substation')}&var-building="
LINKS: Mapping[str, tuple[Text, str]] = {
    "substation": (
        Text("换热站看板", "Substation"),
        f"/d/{SUBSTATION}?var-station=$__all&var-substation=${{__value.raw}}",
    ),
    "building": (Text("楼栋看板", "Building"), _BUILDING + "${__value.raw}"),
    "home": (Text("住户看板", "Home"), _BUILDING + field("building") + "&var-home=${__value.raw}"),
    "ticket": (Text("工单(接口)", "Ticket (API)"), "${hearth}/v1/tickets/${__value.raw}"),
}


def data_link(look: Look, name: str) -> dict[str, object]:
    """A link on the values of a column."""
    title, url = LINKS[name]
    return {"title": look.say(title), "url": url, "targetBlank": name == "ticket"}


def to_dashboard(look: Look, uid: str) -> DashboardLink:
    """A link at the top of a dashboard to another."""
    link = DashboardLink(look.say(TITLES[uid])).type(DashboardLinkType.LINK).url(f"/d/{uid}")
    return link.icon("dashboard").keep_time(True).tooltip("").tags([])
