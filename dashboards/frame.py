"""The frame of a dashboard: variables, annotations, links, refresh."""

from collections.abc import Iterable
from typing import Any

from grafana_foundation_sdk.builders.dashboard import (
    AnnotationQuery,
    ConstantVariable,
    Dashboard,
    QueryVariable,
    TimePicker,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard

from dashboards.links import OPERATIONS, TITLES, to_dashboard
from dashboards.look import TAG, Look, postgres
from dashboards.query import Query
from domain.reasons import Text

STATION = "SELECT DISTINCT station FROM substation_now ORDER BY station"
SUBSTATION = """
SELECT code AS __value, name || ' (' || code || ')' AS __text FROM substation_now
WHERE station IN (${station:sqlstring}) ORDER BY name
"""
ANY_SUBSTATION = """
SELECT code AS __value, name || ' (' || code || ')' AS __text FROM substation_now ORDER BY name
"""
BUILDING = """
SELECT code AS __value, name || ' (' || code || ')' AS __text FROM building_now
WHERE substation = ${substation:sqlstring} ORDER BY name
"""
HOME = "SELECT code FROM home_now WHERE building = ${building:sqlstring} ORDER BY code"
WORDS = {
    "station": Text("供热站", "Station"),
    "substation": Text("换热站", "Substation"),
    "building": Text("楼栋", "Building"),
    "home": Text("住户", "Home"),
    "month": Text("月份", "Month"),
    "season": Text("供热期", "Season"),
}


class SqlTarget(dashboard.AnnotationTarget):
    """An annotation target that is an SQL query, which the SDK's model has no field for."""

    def __init__(self, sql: str) -> None:
        super().__init__()
        self._query = Query(sql, "Anno").as_json()

    def to_json(self) -> dict[str, object]:
        """Return the query."""
        return self._query


class _Target(Builder[dashboard.AnnotationTarget]):
    def __init__(self, sql: str) -> None:
        self._target = SqlTarget(sql)

    def build(self) -> dashboard.AnnotationTarget:
        return self._target


class _Hidden(ConstantVariable):
    """A constant that is not shown."""

    def build(self) -> dashboard.VariableModel:
        variable = super().build()
        variable.hide = dashboard.VariableHide.HIDE_VARIABLE
        return variable


def frame(look: Look, uid: str, refresh: str, span: str, note: Text) -> Dashboard:
    """Make an empty dashboard. `refresh`: such as 30s; `span`: the initial time range, such as 6h."""
    board = Dashboard(look.say(TITLES[uid])).uid(uid).description(look.say(note)).tags([TAG]).timezone(look.zone)
    board.refresh(refresh).time(f"now-{span}", "now").tooltip(dashboard.DashboardCursorSync.CROSSHAIR).readonly()
    board.timepicker(TimePicker().refresh_intervals(["15s", "30s", "1m", "5m", "15m"]))
    board.with_variable(_Hidden("hearth").value(look.hearth_url))
    for other in TITLES:
        if other != uid and (other != OPERATIONS or look.prometheus):
            board.link(to_dashboard(look, other))
    return board


def choice(look: Look, name: str, sql: str, *, many: bool = False) -> QueryVariable:
    """Make a variable chosen from the rows of a statement; `many`: multi-value, initially all."""
    variable = QueryVariable(name).label(look.say(WORDS[name])).query(sql.strip()).datasource(postgres())
    variable.refresh(dashboard.VariableRefresh.ON_DASHBOARD_LOAD).sort(dashboard.VariableSort.DISABLED)
    if many:
        variable.multi(True).include_all(True)
        variable.current(dashboard.VariableOption(selected=True, text="All", value="$__all"))
    return variable


def note(look: Look, title: Text, colour: str, sql: str) -> AnnotationQuery:
    """Make an annotation from a statement with the columns time, text and optionally timeend and tags."""
    annotation = AnnotationQuery().name(look.say(title)).datasource(postgres()).enable(True).hide(False)
    return annotation.icon_color(colour).target(_Target(sql))


def fill(board: Dashboard, panels: Iterable[Any]) -> Dashboard:
    """Add the panels, numbered in order."""
    for number, panel in enumerate(panels, start=1):
        board.with_panel(panel.id(number))
    return board
