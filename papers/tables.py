"""A paper as data: titles and tables. Its rendering is left to the terminal, xlsx.py and pdf.py."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

Value: TypeAlias = str | float | None  # None: no value
ABSENT = "–"


class ValueKind(StrEnum):
    """Kind of the values in a column."""

    TEXT = "text"
    COUNT = "count"
    SHARE = "share"  # 0 to 1
    HOURS = "hours"  # s
    SPAN = "span"  # s; h:mm
    KELVIN_HOURS = "kelvin_hours"


@dataclass(frozen=True)
class TableColumn:
    """A column and its heading."""

    name: str
    kind: ValueKind = ValueKind.COUNT


@dataclass(frozen=True)
class Table:
    """Rows under headings, with a note on how to read them."""

    title: str
    columns: Sequence[TableColumn]
    rows: Sequence[Sequence[Value]]
    note: str = ""


@dataclass(frozen=True)
class Paper:
    """A document of tables."""

    title: str
    lines: Sequence[str]  # under the title
    tables: Sequence[Table]
    language: str  # zh | en


def written(value: Value, kind: ValueKind) -> str:
    """Format a value for people. Shares are rounded down: 100 % means all."""
    if value is None:
        return ABSENT
    if isinstance(value, str):
        return value
    match kind:
        case ValueKind.SHARE:
            return f"{math.floor(value * 10_000) / 100:.2f} %"
        case ValueKind.HOURS:
            return f"{value / 3600:,.1f}"
        case ValueKind.SPAN:
            minutes = round(value / 60)
            return f"{minutes // 60}:{minutes % 60:02}"
        case ValueKind.KELVIN_HOURS:
            return f"{value:,.1f}"
        case _:
            return f"{value:,.0f}"
