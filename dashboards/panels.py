"""Panel types, each with its defaults."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grafana_foundation_sdk.builders import bargauge, common, stat, statetimeline, timeseries
from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BarGaugeNamePlacement,
    BarGaugeValueMode,
    BigValueColorMode,
    BigValueGraphMode,
    BigValueJustifyMode,
    BigValueTextMode,
    GraphDrawStyle,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
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

from dashboards.grid import Size
from dashboards.links import data_links
from dashboards.look import BLUE, Look, postgres
from dashboards.query import Query
from dashboards.words import titles
from dashboards.words.columns import COLUMNS, PanelColumn, Value, values_of
from domain.words.text import Text

LINE_WIDTH = 2
BAND_OPACITY = 8  # percent, below a limit
NO_VALUE = "–"
TITLE_PX, FIGURE_PX, CHART_FIGURE_PX = 13, 22, 24


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
    unit = look.say(column.unit) if isinstance(column.unit, Text) else column.unit
    found: dict[str, object] = {"displayName": look.say(column.text), "unit": unit, "decimals": column.decimals}
    if values := values_of(look, name):
        found["mappings"] = [mapping(look, values)]
    if steps := _steps(look, column):
        found["thresholds"] = {"mode": "absolute", "steps": steps}
    if column.colour:
        found["color"] = {"mode": "fixed", "fixedColor": column.colour}
    elif steps:
        found["color"] = {"mode": "thresholds"}
    if column.link:
        found["links"] = data_links(look, column.link)
    if hidden:
        found["custom.hidden"] = True
    return [DynamicConfigValue(id_val=key, value=value) for key, value in found.items() if value is not None]


def _steps(look: Look, column: PanelColumn) -> list[Threshold]:
    if column.celsius:
        return look.celsius()
    return [Threshold(value=value, color=colour) for value, colour in column.steps]


def mapping(look: Look, values: Mapping[str, Value]) -> ValueMap:
    """Map values to their texts and colours."""
    results = {
        key: ValueMappingResult(text=look.say(value.text), color=value.colour, index=number)
        for number, (key, value) in enumerate(values.items())
    }
    return ValueMap(options=results)


def figures(look: Look, title: Text, ask: Ask, size: Size) -> stat.Panel:
    """Make a panel of one row of figures, side by side."""
    panel: stat.Panel = dress(stat.Panel(), look, title, [ask], size)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields("/.*/").values(False))
    panel.color_mode(BigValueColorMode.VALUE).graph_mode(BigValueGraphMode.NONE)
    return readable(panel, FIGURE_PX).thresholds(plain(BLUE))


def trend(look: Look, title: Text, ask: Ask, size: Size, span: str) -> stat.Panel:
    """Make a figure with its course over a time of its own; the columns are time and the figure."""
    panel: stat.Panel = dress(stat.Panel(), look, title, [ask], size)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False))
    panel.color_mode(BigValueColorMode.VALUE).graph_mode(BigValueGraphMode.AREA)
    over(readable(panel, CHART_FIGURE_PX).thresholds(plain(BLUE)), span)
    return panel


def readable(panel: stat.Panel, figure_px: int) -> stat.Panel:
    """Put each name above its value, in sizes that do not depend on the longest of all."""
    sizes = common.VizTextDisplayOptions().title_size(TITLE_PX).value_size(figure_px)
    panel.text_mode(BigValueTextMode.VALUE_AND_NAME).wide_layout(False).text(sizes).no_value(NO_VALUE)
    return panel.orientation(VizOrientation.AUTO).justify_mode(BigValueJustifyMode.AUTO)


def over(panel: Any, span: str) -> Any:
    """Give a panel a time range of its own, such as 30d; its title says which."""
    return panel.time_from(span).hide_time_override(True)


def bars(look: Look, title: Text, ask: Ask, size: Size, none: Text = titles.NONE) -> bargauge.Panel:
    """Make a bar for each row: the first column is its name, the second its length."""
    named, length = ask.columns
    panel: bargauge.Panel = dress(bargauge.Panel(), look, title, [Ask(ask.sql, (named,))], size)
    looks = [p for p in properties(look, length) if p.id_val != "displayName"]
    # As a display name, each bar has what the first column of its row says.
    panel.override_by_name(length, [*looks, DynamicConfigValue("displayName", "${__data.fields[0]}")])
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(True).limit(50))
    panel.orientation(VizOrientation.HORIZONTAL).display_mode(BarGaugeDisplayMode.BASIC).min(0)
    panel.name_placement(BarGaugeNamePlacement.LEFT).value_mode(BarGaugeValueMode.TEXT)
    return panel.no_value(look.say(none)).thresholds(plain(BLUE))


def lines(look: Look, title: Text, asks: Sequence[Ask], size: Size, split: str | None = None) -> timeseries.Panel:
    """Make lines over time, broken at missing values. `split`: one line per value of that column."""
    panel: timeseries.Panel = dress(timeseries.Panel(), look, title, asks, size, split)
    panel.line_width(LINE_WIDTH).span_nulls(False).show_points(VisibilityMode.AUTO)
    panel.tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.NONE))
    panel.legend(_legend())
    if split:
        panel.with_transformation(split_by(split))
    return panel.no_value(look.say(titles.NO_DATA))


def stacked_bars(
    look: Look, title: Text, asks: Sequence[Ask], size: Size, split: str | None = None
) -> timeseries.Panel:
    """Make stacked bars over time."""
    panel = lines(look, title, asks, size, split).draw_style(GraphDrawStyle.BARS).fill_opacity(80)
    return panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL).group("A")).line_width(0)


class AllRows(statetimeline.Panel):
    """A timeline with all rows on one page: perPage 0, which the SDK's builder refuses."""

    def build(self) -> dashboard.Panel:
        """Build the panel."""
        panel = super().build()
        options: Any = panel.options
        options.per_page = 0
        return panel


def timeline(look: Look, title: Text, asks: Sequence[Ask], size: Size, split: str | None = None) -> statetimeline.Panel:
    """Make a timeline of states, one row per column or per value of `split`."""
    panel: statetimeline.Panel = dress(AllRows(), look, title, asks, size, split)
    panel.show_value(VisibilityMode.AUTO).row_height(0.8).fill_opacity(80).legend(_legend())
    if split:
        panel.with_transformation(split_by(split))
    return panel.no_value(look.say(titles.NO_DATA))


def split_by(column: str) -> DataTransformerConfig:
    """Partition the first query into one frame per value, so that differing times make no gaps in other lines.

    Without the filter to the first query, Grafana drops all other frames.
    """
    options = {"fields": [column], "keepFields": False, "naming": {"asLabels": True}}
    first = MatcherConfig(id_val="byRefId", options="A")
    return DataTransformerConfig(id_val="partitionByValues", options=options, filter_val=first)


def named_by_label(name: str, label: str) -> tuple[str, list[DynamicConfigValue]]:
    """Make an override that names the lines of a column by the value they were split by, each in its own colour."""
    own = DynamicConfigValue("color", {"mode": "palette-classic"})
    return name, [DynamicConfigValue("displayName", "${__field.labels." + label + "}"), own]


def band(name: str) -> tuple[str, list[DynamicConfigValue]]:
    """Make an override that draws a limit in steps and shades the area below."""
    style = {"fill": "dash", "dash": [8, 6]}
    custom = {"lineInterpolation": "stepAfter", "lineStyle": style, "fillOpacity": BAND_OPACITY, "showPoints": "never"}
    return name, [DynamicConfigValue(f"custom.{key}", value) for key, value in custom.items()]


def plain(colour: str) -> ThresholdsConfig:
    """Make thresholds of one colour for all values."""
    return in_steps((None, colour))


def in_steps(*steps: tuple[float | None, str]) -> ThresholdsConfig:
    """Make thresholds of colours, each from a value on; the first is for all below the second."""
    found = [Threshold(value=value, color=colour) for value, colour in steps]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(found)


def _legend() -> common.VizLegendOptions:
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST)
    return legend.placement(LegendPlacement.BOTTOM).show_legend(True).calcs([])
