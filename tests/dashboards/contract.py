"""A contract: the effect of each option of a board in Grafana's front end, and how it is known. The one home of these.

What its server does with rules, contact points and folders is in contract_server.md. No Grafana runs in the tests, and
checks of its panel models accept an option that does nothing, or the opposite of what its name says. A new option is
written down here with what it does; a test fails until then.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple


class Known(StrEnum):
    """The sources of facts."""

    SEEN = "seen in server and browser, 12.2"
    RUN = "run with the package @grafana/data 12.2.0"
    READ = "read in the source of 11 and 12"
    UNVERIFIED = "documentation, not verified"


class Fact(NamedTuple):
    """The effect of an option, its source, and a check of its values."""

    does: str
    known: Known
    good: Callable[[Any], bool] = lambda value: True


def one_of(*values: Any) -> Callable[[Any], bool]:
    """Accept some values only."""
    return lambda value: value in values


# Units whose texts have no English words and no letters for thousands, by what `getValueFormat` returned for them.
UNITS = {
    "celsius": (17.46, 1, "17.5 °C"),
    "percentunit": (0.985, 1, "98.5%"),
    "locale": (100_000, None, "100,000"),
    "dthms": (5_112, None, "01:25:12"),
    "time:MM-DD HH:mm": (1_764_318_000_000, None, "11-28 16:20"),
    "suffix:h": (3.5, 1, "3.5 h"),
}
# Of Prometheus: letters that are the same in each language.
SHORT = ("bytes",)
# The same with what must not be used: English whatever the language, or a space too many.
BAD_UNITS = {
    "short": (1_200, None, "1.20 K"),
    "s": (7_200, None, "2 hours"),
    "dtdurations": (8_000, None, "2 hours"),
    "dthms": (-600, None, "00:10:00 ago"),
    "suffix: h": (3.25, 1, "3.3  h"),
    "kwatt": (3_500, 0, "4 MW"),
}


def is_wordless(unit: Any) -> bool:
    """Accept the units above, and a suffix without a space of its own."""
    return unit in UNITS or unit in SHORT or (str(unit).startswith("suffix:") and not str(unit).startswith("suffix: "))


SEEN, RUN, READ, UNVERIFIED = Known.SEEN, Known.RUN, Known.READ, Known.UNVERIFIED
# Keys end with the name of an option; `.*` stands for all below it. The longest key that fits counts.
FACTS: dict[str, Fact] = {
    # map
    "geomap.options.view.id": Fact(
        "`fit` moves the view to all dots at the start and again at every refresh, losing the viewer's zoom and place; "
        "`coords` is applied at the start only",
        SEEN,
        one_of("fit", "coords"),
    ),
    "geomap.options.view.zoom": Fact(
        "with `coords` the zoom; with `fit` the largest one that the fit may take: 1 shows the world, and so does "
        "leaving it out, as the default is 1",
        SEEN,
        lambda value: 8 <= value <= 19,
    ),
    "geomap.options.view.lat": Fact("the centre, with `coords`", READ),
    "geomap.options.view.lon": Fact("the centre, with `coords`", READ),
    "geomap.options.view.padding": Fact("percent added to the extent of a fit; unused with `coords`", READ),
    "geomap.options.view.allLayers": Fact("a fit takes the extent of all layers of dots; tiles have none", READ),
    "geomap.options.basemap.type": Fact(
        "`default` asks an outside server unless the administrator set another; an unknown type stops all layers; any "
        "layer's type is taken, so markers of no query are an empty ground",
        READ,
        one_of("markers", "default", "osm-standard", "xyz"),
    ),
    "geomap.options.basemap.*": Fact("as those of a layer; `config.url` is a template with {z}, {x}, {y}", READ),
    "geomap.options.layers[].config.showLegend": Fact(
        "draws the legend over the lower left of the map, with thresholds as `< 16 °C` and no words",
        READ,
        one_of(False),
    ),
    "geomap.options.layers[].config.style.color.field": Fact(
        "a field with value mappings gives each dot the colour of its mapping", READ
    ),
    "geomap.options.layers[].config.style.size.*": Fact(
        "grows from `min` to `max` over the field's own `min` and `max`, or over its values if it has none", READ
    ),
    "geomap.options.layers[].config.style.*": Fact("how a dot is drawn", UNVERIFIED),
    "geomap.options.layers[].filterData.*": Fact("the layer takes frames of this query only", READ),
    "geomap.options.layers[].location.*": Fact("degrees from the two columns; markers draw the first frame only", READ),
    "geomap.options.layers[].tooltip": Fact("hovering shows all fields but those of `hideFrom.tooltip`", READ),
    "geomap.options.layers[].type": Fact(
        "`markers` draws points; no layer draws polygons from a query: GeoJSON comes from a file or an address",
        READ,
        one_of("markers"),
    ),
    "geomap.options.layers[].name": Fact("has to differ from the other layers'", READ),
    "geomap.options.controls.*": Fact("buttons, scale and attribution on the map", UNVERIFIED),
    "geomap.options.tooltip.mode": Fact("`details` shows the tooltip on hovering", READ),
    # figures
    "stat.options.wideLayout": Fact(
        "true puts each value beside its name, in a row of figures beside the next one's name", SEEN, one_of(False)
    ),
    "stat.options.text.*": Fact("sizes in pixels; without them the longest text makes all others small", SEEN),
    "stat.options.reduceOptions.*": Fact("`/.*/` takes texts and times too, an empty text numbers only", READ),
    "stat.options.graphMode": Fact("`area` draws the course below the figure, if the query has times", READ),
    "stat.options.*": Fact("how figures are arranged and coloured", UNVERIFIED),
    # bars
    "bargauge.fieldConfig.defaults.min": Fact("without it bars begin at the smallest value", SEEN, one_of(0)),
    "bargauge.options.namePlacement": Fact("`left` puts the name in front of its bar", UNVERIFIED),
    "bargauge.options.reduceOptions.*": Fact("`values` makes a bar of each row", RUN),
    "bargauge.options.*": Fact("how bars are drawn", UNVERIFIED),
    # tables
    "override.custom.width": Fact(
        "pixels of the column; without it 150, and a table wider than its panel scrolls", SEEN
    ),
    "override.custom.minWidth": Fact("a column without width shares what is left, at least this", READ),
    "override.custom.cellOptions": Fact("colours text or background by mapping or threshold", UNVERIFIED),
    "override.custom.hidden": Fact("the column is not shown; links still read it", UNVERIFIED),
    "override.noValue": Fact("stands in each cell without a value, in place of the panel's own text", RUN),
    "table.fieldConfig.defaults.noValue": Fact("stands where a table has no rows, instead of `No data`", READ),
    "table.options.*": Fact("header, footer, height of rows", UNVERIFIED),
    # all fields
    "override.displayName": Fact(
        "the name of a column, a line or a bar; `${__data.fields[0]}` is the first field of a bar's row", SEEN
    ),
    "override.unit": Fact("how a number is written; most units have English words", RUN, is_wordless),
    "override.mappings": Fact("texts and colours of values", RUN),
    "override.custom.hideFrom": Fact("`tooltip` leaves a field out of the map's tooltip", READ),
    "override.links": Fact("addresses in a cell, a dot's tooltip when clicked, a figure", UNVERIFIED),
    "override.min": Fact("the lower end of sizes and bars", READ),
    "override.max": Fact("the upper end of sizes and bars", READ),
    "override.*": Fact("style of a field", UNVERIFIED),
    "alertlist.*": Fact("lists alerts by label and state", UNVERIFIED),
    # time
    "state-timeline.options.perPage": Fact("20 rows a page by default; 0 shows all", SEEN, one_of(0)),
    "state-timeline.*": Fact("how states are drawn", UNVERIFIED),
    "timeseries.fieldConfig.defaults.unit": Fact("as of a field", RUN, is_wordless),
    "timeseries.*": Fact("how lines are drawn", UNVERIFIED),
    "panel.timeFrom": Fact("a range up to now instead of the board's, where the board's is relative", READ),
    "panel.hideTimeOverride": Fact("leaves the range out of the title, which says it itself", READ),
    "panel.*": Fact("title, place, transparency", UNVERIFIED),
    "*.fieldConfig.defaults.noValue": Fact("stands where there is nothing to draw, instead of `No data`", READ),
    "*.fieldConfig.*": Fact("colours without a field's own", UNVERIFIED),
    "*.transformations[].*": Fact("without the filter all frames but the first are dropped", READ),
    "row.collapsed": Fact("a closed row's panels are not asked for until it is opened", UNVERIFIED),
    "row.*": Fact("title and place of a row", UNVERIFIED),
    # boards
    "board.links[].keepTime": Fact("carries the time range along", SEEN, one_of(False)),
    "board.links[].includeVars": Fact("carries all variables along", READ, one_of(False)),
    "board.links[].url": Fact("variables are put in: `${station:queryparam}` is what is chosen, or all", READ),
    "board.*": Fact("variables, annotations, refresh, zone", UNVERIFIED),
}


def fact(path: str) -> tuple[str, Fact] | None:
    """Return the contract of an option: the key with the longest fitting name."""
    rest = path.partition(".")[2]
    tried = [path, f"*.{rest}"]
    for start in (path, f"*.{rest}"):
        parts = start.split(".")
        tried += [".".join([*parts[:n], "*"]) for n in range(len(parts) - 1, 0, -1)]
    return next(((key, FACTS[key]) for key in sorted(tried, key=len, reverse=True) if key in FACTS), None)
