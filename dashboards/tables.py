"""Tables: columns wide enough for what is in them, and together no wider than the panel on any screen."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.models.common import TableCellHeight
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from dashboards.grid import Size, text_px
from dashboards.look import Look
from dashboards.panels import NO_VALUE, Ask, dress
from dashboards.words import titles
from dashboards.words.columns import CHARS, COLUMNS, PanelColumn
from domain.words.text import Text

CELL_PX = 16  # padding of a cell
LETTER_PX = 8.5
# The first of these in a table takes what room is left.
GROWING = (
    "address",
    "name",
    "building_name",
    "reason",
    "place",
    "sensor",
    "home",
    "building",
    "station",
    "substation",
    "worker",
    "audience",
)


def rows(look: Look, title: Text, ask: Ask, size: Size, none: Text = titles.NONE) -> table.Panel:
    """Make a table. Columns of named values or temperatures are coloured; `none` stands there without rows."""
    panel: table.Panel = dress(table.Panel(), look, title, [ask], size)
    panel.cell_height(TableCellHeight.SM).inspect(False).no_value(look.say(none))
    growing = grows(ask.columns)
    for name in ask.columns:
        panel.override_by_name(name, _cells(name, growing=name == growing))
    return panel


def grows(columns: Sequence[str]) -> str:
    """Return the column of a table that takes the room left over."""
    return next((name for name in GROWING if name in columns), columns[-1])


def width_px(column: PanelColumn) -> int:
    """Return the pixels that a column needs for its title, in both languages, and its usual values."""
    unit = column.unit if isinstance(column.unit, str) else ""
    chars = CHARS.get(unit, column.chars)
    return max(round(chars * LETTER_PX), text_px(column.text.zh), text_px(column.text.en)) + CELL_PX


def _cells(name: str, *, growing: bool) -> list[DynamicConfigValue]:
    column = COLUMNS[name]
    room = "custom.minWidth" if growing else "custom.width"
    # The panel's own text is for a table without rows; in a cell it would stand for each missing value.
    found = [DynamicConfigValue(room, width_px(column)), DynamicConfigValue("noValue", NO_VALUE)]
    if column.is_coloured:
        whole = len(column.steps) > 1  # urgency fills its cell; other colours are those of texts
        kind = {"type": "color-background", "mode": "basic"} if whole else {"type": "color-text"}
        found.append(DynamicConfigValue("custom.cellOptions", kind))
    return found
