"""Lists for people on a terminal: a table where it fits the width, else a block of lines for each row."""

from collections.abc import Sequence
from datetime import datetime, tzinfo

from rich.console import Console
from rich.table import Table
from rich.text import Text

NUMBER = "right"
WORDS = "left"


def listing(
    columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[object]], title: str | None = None, note: str = ""
) -> None:
    """Print rows under named columns, each WORDS or NUMBER; None is an empty cell.

    A terminal of 80 columns holds it: what is wider is told row by row, as `name: value`.
    """
    console = Console(highlight=False)
    cells = [[Text("" if cell is None else str(cell)) for cell in row] for row in rows]
    table = Table(title=title, caption=note or None, title_justify="left", caption_justify="left")
    for name, justify in columns:
        table.add_column(name, justify="right" if justify == NUMBER else "left")
    for row in cells:
        table.add_row(*row)
    if console.measure(table, options=console.options.update(width=10_000)).maximum <= console.width:
        console.print(table)
        return
    if title:
        console.print(Text(title, style="bold"))
    for first, *others in cells:
        first.stylize("bold")
        console.print(first)
        for (name, _), cell in zip(columns[1:], others, strict=True):
            if cell.plain:
                console.print(Text(f"  {name}: ") + cell)
    if note:
        console.print(Text(note, style="dim"))


def local(instant: datetime | None, zone: tzinfo) -> str:
    """Write an instant as the clocks of the utility show it, to the minute; empty for none."""
    return f"{instant.astimezone(zone):%Y-%m-%d %H:%M}" if instant else ""
