"""The frame of a dashboard: variables, annotations, links, refresh."""

from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any, NamedTuple

from grafana_foundation_sdk.builders.dashboard import (
    AnnotationQuery,
    ConstantVariable,
    Dashboard,
    QueryVariable,
    Row,
    TimePicker,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models.dashboard import GridPos

from dashboards.grid import CELLS
from dashboards.links import BY_STATION, OPERATIONS, TITLES, to_dashboard, to_status
from dashboards.look import GREY, TAG, Look, postgres
from dashboards.query import Query
from dashboards.words import titles
from domain.words.text import Text

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
    "station": titles.STATION,
    "substation": titles.SUBSTATION,
    "building": titles.BUILDING,
    "home": titles.HOME,
    "month": titles.MONTH,
    "season": titles.SEASON,
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
            board.link(to_dashboard(look, other, by_station={uid, other} <= BY_STATION))
    return board.link(to_status(look))


def choice(look: Look, name: str, sql: str, *, many: bool = False) -> QueryVariable:
    """Make a variable chosen from the rows of a statement; `many`: multi-value, initially all."""
    variable = QueryVariable(name).label(look.say(WORDS[name])).query(sql.strip()).datasource(postgres())
    variable.refresh(dashboard.VariableRefresh.ON_DASHBOARD_LOAD).sort(dashboard.VariableSort.DISABLED)
    if many:
        variable.multi(True).include_all(True)
        variable.current(dashboard.VariableOption(selected=True, text=look.say(titles.ALL), value="$__all"))
    return variable


def note(look: Look, title: Text, colour: str, sql: str) -> AnnotationQuery:
    """Make an annotation from a statement with the columns time, text and optionally timeend and tags."""
    annotation = AnnotationQuery().name(look.say(title)).datasource(postgres()).enable(True).hide(False)
    return annotation.icon_color(colour).target(_Target(sql))


# Days that the table has lost, and the command that brings back those in sight.
OUT_OF_TABLE = """
SELECT
  $__timeFrom()::timestamptz AS time, least(since, $__timeTo()::timestamptz) AS timeend,
  CASE WHEN archived THEN '{archived}' || e.command ELSE '{deleted}' END AS text, '{name}' AS tags
FROM readings_in_table
CROSS JOIN LATERAL (
  SELECT
    'hearth archive restore --from ' || to_char($__timeFrom()::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD')
    || ' --to ' || to_char(least(since, $__timeTo()::timestamptz) AT TIME ZONE 'UTC' + interval '1 day', 'YYYY-MM-DD')
    || {of} AS command
) AS e
WHERE since > $__timeFrom()::timestamptz
"""


def out_of_table(look: Look, of: str) -> AnnotationQuery:
    """Make the annotation of days of readings that the table has lost. `of`: SQL of the end of the command."""
    words = {"archived": titles.IN_THE_ARCHIVE, "deleted": titles.DELETED, "name": titles.OUT_OF_THE_TABLE}
    sql = OUT_OF_TABLE.format(of=of, **{name: look.say(text).replace("'", "''") for name, text in words.items()})
    return note(look, titles.OUT_OF_THE_TABLE, GREY, sql)


class Section(NamedTuple):
    """Panels under a title that folds them away."""

    title: Text
    panels: Sequence[Any]


def fill(look: Look, board: Dashboard, panels: Iterable[Any], *sections: Section) -> Dashboard:
    """Add panels, then sections, numbered in order; each lies as high up as it fits, then as far left."""
    numbers, free = count(1), [0] * CELLS
    for panel in panels:
        board.with_panel(_place(panel, next(numbers), free))
    for section in sections:
        top = max(free)
        free[:] = [top + 1] * CELLS
        row = Row(look.say(section.title)).id(next(numbers)).collapsed(False)
        board.with_row(row.grid_pos(GridPos(h=1, w=CELLS, x=0, y=top)))
        for panel in section.panels:
            board.with_panel(_place(panel, next(numbers), free))
    return board


def _place(panel: Any, number: int, free: list[int]) -> Any:
    """Number a panel and put it below what lies in its columns; `free` is the first free row of each column."""
    size = panel.build().grid_pos
    starts = range(CELLS - size.w + 1)
    y, x = min((max(free[start : start + size.w]), start) for start in starts)
    free[x : x + size.w] = [y + size.h] * size.w
    return panel.id(number).grid_pos(GridPos(h=size.h, w=size.w, x=x, y=y))
