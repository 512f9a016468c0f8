"""Panel types, each with its defaults."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from grafana_foundation_sdk.builders import bargauge, common, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    GraphDrawStyle,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TableCellHeight,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
    MatcherConfig,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)

from dashboards.links import data_links
from dashboards.look import BLUE, Look, postgres
from dashboards.query import Query
from dashboards.words import COLUMNS, PanelColumn, Value
from domain.reasons import Text

LINE_WIDTH = 2
BAND_OPACITY = 8  # percent, below a limit


class Size(NamedTuple):
    """The size of a panel in cells of the grid, which is 24 wide."""

    width: int
    height: int


@dataclass(frozen=True)
class Ask:
    """A statement, its columns in order, and those that only links need."""

    sql: str
    columns: tuple[str, ...]
    hidden: tuple[str, ...] = ()


def dress(panel: Any, look: Look, title: Text, asks: Sequence[Ask], size: Size, split: str | None = None) -> Any:
    """Give a panel its title, queries and column styles; `split` turns into series and has no style."""
    panel.title(look.say(title)).datasource(postgres()).span(size.width).height(size.height)
    for number, ask in enumerate(asks):
        panel.with_target(Query(ask.sql, chr(ord("A") + number)))
    columns = {name: name in ask.hidden for ask in asks for name in ask.columns if name not in ("time", split)}
    for name, hidden in columns.items():
        panel.override_by_name(name, properties(look, name, hidden))
    return panel


def properties(look: Look, name: str, hidden: bool = False) -> list[DynamicConfigValue]:
    """Return the style of a column as Grafana overrides."""
    column = COLUMNS[name]
    found: dict[str, object] = {"displayName": look.say(column.text), "unit": column.unit, "decimals": column.decimals}
    if column.values:
        found["mappings"] = [mapping(look, column.values)]
    if column.celsius:
        found["thresholds"] = {"mode": "absolute", "steps": look.celsius()}
    if column.colour:
        found["color"] = {"mode": "fixed", "fixedColor": column.colour}
    elif column.celsius:
        found["color"] = {"mode": "thresholds"}
    if column.link:
        found["links"] = data_links(look, column.link)
    if hidden:
        found["custom.hidden"] = True
    return [DynamicConfigValue(id_val=key, value=value) for key, value in found.items() if value is not None]


def mapping(look: Look, values: Mapping[str, Value]) -> ValueMap:
    """Map values to their texts and colours."""
    results = {
        key: ValueMappingResult(text=look.say(value.text), color=value.colour, index=number)
        for number, (key, value) in enumerate(values.items())
    }
    return ValueMap(options=results)


def rows(look: Look, title: Text, ask: Ask, size: Size) -> table.Panel:
    """Make a table. Columns of named values or temperatures are coloured."""
    panel: table.Panel = dress(table.Panel(), look, title, [ask], size)
    panel.filterable(True).cell_height(TableCellHeight.SM)
    for name in ask.columns:
        if _is_coloured(COLUMNS[name]):
            panel.override_by_name(name, [DynamicConfigValue("custom.cellOptions", {"type": "color-text"})])
    return panel


def _is_coloured(column: PanelColumn) -> bool:
    return column.celsius or any(v.colour for v in (column.values or {}).values())


def figures(look: Look, title: Text, ask: Ask, size: Size) -> stat.Panel:
    """Make a panel of one row of figures, side by side."""
    panel: stat.Panel = dress(stat.Panel(), look, title, [ask], size)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields("/.*/").values(False))
    panel.color_mode(BigValueColorMode.VALUE).graph_mode(BigValueGraphMode.NONE)
    panel.text_mode(BigValueTextMode.VALUE_AND_NAME).no_value("–")
    return panel.thresholds(plain(BLUE))


def bars(look: Look, title: Text, ask: Ask, size: Size) -> bargauge.Panel:
    """Make a bar for each row: the first column is its name, the second its length."""
    named, length = ask.columns
    panel: bargauge.Panel = dress(bargauge.Panel(), look, title, [Ask(ask.sql, (named,))], size)
    # A display name on the length would replace the names of the rows.
    panel.override_by_name(length, [p for p in properties(look, length) if p.id_val != "displayName"])
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(True).limit(50))
    panel.orientation(VizOrientation.HORIZONTAL).display_mode(BarGaugeDisplayMode.BASIC)
    return panel.no_value("–").thresholds(plain(BLUE))


def lines(look: Look, title: Text, asks: Sequence[Ask], size: Size, split: str | None = None) -> timeseries.Panel:
    """Make lines over time, broken at missing values. `split`: one line per value of that column."""
    panel: timeseries.Panel = dress(timeseries.Panel(), look, title, asks, size, split)
    panel.line_width(LINE_WIDTH).span_nulls(False).show_points(VisibilityMode.AUTO)
    panel.tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.NONE))
    panel.legend(_legend())
    if split:
        panel.with_transformation(split_by(split))
    return panel


def stacked_bars(
    look: Look, title: Text, asks: Sequence[Ask], size: Size, split: str | None = None
) -> timeseries.Panel:
    """Make stacked bars over time."""
    panel = lines(look, title, asks, size, split).draw_style(GraphDrawStyle.BARS).fill_opacity(80)
    return panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL).group("A")).line_width(0)


def timeline(look: Look, title: Text, asks: Sequence[Ask], size: Size, split: str | None = None) -> statetimeline.Panel:
    """Make a timeline of states, one row per column or per value of `split`."""
    panel: statetimeline.Panel = dress(statetimeline.Panel(), look, title, asks, size, split)
    panel.show_value(VisibilityMode.AUTO).row_height(0.8).fill_opacity(80).legend(_legend())
    if split:
        panel.with_transformation(split_by(split))
    return panel


def split_by(column: str) -> DataTransformerConfig:
    """Partition the first query into one frame per value, so that differing times make no gaps in other lines.

    Without the filter to the first query, Grafana drops all other frames.
    """
    options = {"fields": [column], "keepFields": False, "naming": {"asLabels": True}}
    first = MatcherConfig(id_val="byRefId", options="A")
    return DataTransformerConfig(id_val="partitionByValues", options=options, filter_val=first)


def named_by_label(name: str, label: str) -> tuple[str, list[DynamicConfigValue]]:
    """Make an override that names the lines of a column by the value they were split by."""
    return name, [DynamicConfigValue("displayName", "${__field.labels." + label + "}")]


def band(name: str) -> tuple[str, list[DynamicConfigValue]]:
    """Make an override that draws a limit in steps and shades the area below."""
    style = {"fill": "dash", "dash": [8, 6]}
    custom = {"lineInterpolation": "stepAfter", "lineStyle": style, "fillOpacity": BAND_OPACITY, "showPoints": "never"}
    return name, [DynamicConfigValue(f"custom.{key}", value) for key, value in custom.items()]


def plain(colour: str) -> ThresholdsConfig:
    """Make thresholds of one colour for all values."""
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps([Threshold(value=None, color=colour)])


def _legend() -> common.VizLegendOptions:
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST)
    return legend.placement(LegendPlacement.BOTTOM).show_legend(True).calcs([])
