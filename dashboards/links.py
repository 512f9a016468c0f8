"""Links of dashboards: from the city down to a home, and on to pages for people."""

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.models.dashboard import DashboardLinkType

from dashboards.look import OWN, Look
from dashboards.words import titles
from domain.words.text import Text

CITY, SUBSTATION, HOME = OWN + "city", OWN + "substation", OWN + "home"
DESK, INGEST, KPI = OWN + "desk", OWN + "ingest", OWN + "kpi"
FORESIGHT = OWN + "foresight"
OPERATIONS = OWN + "operations"  # where there is a Prometheus
TITLES: Mapping[str, Text] = {
    CITY: titles.CITY,
    SUBSTATION: titles.SUBSTATION,
    HOME: titles.BUILDING_AND_HOME,
    DESK: titles.REPAIR_DESK,
    INGEST: titles.INGEST,
    KPI: titles.KEY_FIGURES,
    FORESIGHT: titles.FORESIGHT,
    OPERATIONS: titles.OPERATIONS,
}


def field(column: str) -> str:
    """Refer to another column of the same row in a data link."""
    return "${__data.fields." + column + "}"


# Each link needs the columns that its URL names, besides its own.
_BUILDING = f"/d/{HOME}?var-substation={field('substation')}&var-building="
_VALUE = "${__value.raw}"
STATUS_PAGE = (titles.PUBLIC_PAGE_WHERE_HEAT_IS_SHORT, "${hearth}/status")
LINKS: Mapping[str, Sequence[tuple[Text, str]]] = {
    "substation": [(titles.SUBSTATION_BOARD, f"/d/{SUBSTATION}?var-station=$__all&var-substation={_VALUE}")],
    "building": [
        (titles.BUILDING_BOARD, _BUILDING + _VALUE),
        (titles.DESK_MAP, "${hearth}/desk/map?building=" + _VALUE),
    ],
    "building_of_row": [(titles.BUILDING_BOARD, _BUILDING + field("building"))],
    "home": [(titles.HOME_BOARD, f"{_BUILDING}{field('building')}&var-home={_VALUE}")],
    "ticket": [(titles.TICKET_PAGE, "${hearth}/desk/tickets/" + _VALUE), (titles.DESK_BOARD, f"/d/{DESK}")],
    "area": [STATUS_PAGE],
}
# Boards that have the variable `station`: what is chosen goes along from one to the other.
BY_STATION = frozenset({CITY, SUBSTATION, DESK, KPI, FORESIGHT})


def data_links(look: Look, name: str) -> list[dict[str, object]]:
    """Build the links on the values of a column; those to pages open in a new tab."""
    return [
        {"title": look.say(title), "url": url, "targetBlank": not url.startswith("/d/")} for title, url in LINKS[name]
    ]


def to_dashboard(look: Look, uid: str, *, by_station: bool) -> DashboardLink:
    """Make the link to another dashboard at the top of one; each opens with the time range that suits it."""
    chosen = "?${station:queryparam}" if by_station else ""
    link = DashboardLink(look.say(TITLES[uid])).type(DashboardLinkType.LINK).url(f"/d/{uid}{chosen}")
    return link.icon("dashboard").keep_time(False).include_vars(False).tooltip("").tags([])


def to_status(look: Look) -> DashboardLink:
    """Make the link to the page that tells everybody where heat is short."""
    title, url = STATUS_PAGE
    link = DashboardLink(look.say(title)).type(DashboardLinkType.LINK).url(url).target_blank(True)
    return link.icon("external link").keep_time(False).include_vars(False).tooltip("").tags([])
