"""Links of dashboards: from the city down to a home, and on to the API."""

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.models.dashboard import DashboardLinkType

from dashboards.look import OWN, Look
from domain.reasons import Text

CITY, SUBSTATION, HOME = OWN + "city", OWN + "substation", OWN + "home"
DESK, INGEST, KPI = OWN + "desk", OWN + "ingest", OWN + "kpi"
OPERATIONS = OWN + "operations"  # where there is a Prometheus
TITLES: Mapping[str, Text] = {
    CITY: Text("全市", "City"),
    SUBSTATION: Text("换热站", "Substation"),
    HOME: Text("楼栋与住户", "Building and home"),
    DESK: Text("报修工单", "Repair desk"),
    INGEST: Text("数据接入", "Ingest"),
    KPI: Text("考核指标", "Key figures"),
    OPERATIONS: Text("运行", "Operations"),
}


def field(column: str) -> str:
    """Refer to another column of the same row in a data link."""
    return "${__data.fields." + column + "}"


# Each link needs the columns that its URL names, besides its own.
_BUILDING = f"/d/{HOME}?var-substation={field('substation')}&var-building="
_VALUE = "${__value.raw}"
_API = "${hearth}/v1/"
LINKS: Mapping[str, Sequence[tuple[Text, str]]] = {
    "substation": [(Text("换热站看板", "Substation"), f"/d/{SUBSTATION}?var-station=$__all&var-substation={_VALUE}")],
    "building": [(Text("楼栋看板", "Building"), _BUILDING + _VALUE)],
    "home": [
        (Text("住户看板", "Home"), f"{_BUILDING}{field('building')}&var-home={_VALUE}"),
        (Text("低温依据（接口）", "Evidence for its flags (API)"), f"{_API}homes/{_VALUE}/flags"),
    ],
    "ticket": [(Text("工单（接口）", "Ticket (API)"), f"{_API}tickets/{_VALUE}")],
}


def data_links(look: Look, name: str) -> list[dict[str, object]]:
    """Build the links on the values of a column; those to the API open in a new tab."""
    return [
        {"title": look.say(title), "url": url, "targetBlank": not url.startswith("/d/")} for title, url in LINKS[name]
    ]


def to_dashboard(look: Look, uid: str) -> DashboardLink:
    """Make the link to another dashboard at the top of one."""
    link = DashboardLink(look.say(TITLES[uid])).type(DashboardLinkType.LINK).url(f"/d/{uid}")
    return link.icon("dashboard").keep_time(True).tooltip("").tags([])
