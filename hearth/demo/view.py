"""The demo on a terminal, from 80 columns and 24 lines on: the same every second but for its numbers."""

import math
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from hearth.demo.door_paths import PATHS
from hearth.demo.figures import DemoFigures

STATES = (
    ("compliant", "green"),
    ("cold", "yellow"),
    ("severe", "red"),
    ("unknown", "bright_black"),
    ("not_judged", "bright_black"),
)
BAR_CELLS = {80: 12, 100: 24}  # by the width from which on
MOST_ROWS = 12
AROUND = 16  # lines of the page that are no row of a table
WIDE = 100
SHORT = {"complaint": "case", "report": "case"}  # classes by a name that fits
DAYS_OF_WEEK = 7
STATUS_PATH = "/status"


@dataclass
class Starting:
    """The steps of the start, the past as a bar, and the address as soon as it answers."""

    url: str = ""
    share: float | None = None
    _steps: list[tuple[float, str]] = field(default_factory=list)
    _ended_s: float | None = None

    def step(self, what: str) -> None:
        """Begin a step; the one before is done."""
        self._steps.append((time.monotonic(), what))

    def done(self) -> None:
        """End the last step."""
        self._ended_s = time.monotonic()

    def __rich__(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        table.add_column(width=2)
        table.add_column(no_wrap=True)
        table.add_column(justify="right", style="bright_black")
        ends = [at for at, _ in self._steps[1:]] + [self._ended_s]
        for (at, what), end in zip(self._steps, ends, strict=True):
            sign: RenderableType = Spinner("dots") if end is None else Text("✓", "green")
            table.add_row(sign, what, f"{(end or time.monotonic()) - at:.0f} s")
        parts: list[RenderableType] = [table]
        if self.share is not None and self._ended_s is None:
            bar = Table.grid(padding=(0, 2))
            bar.add_row(
                "  ", ProgressBar(total=1.0, completed=self.share, width=40, complete_style="cyan"), f"{self.share:.0%}"
            )
            parts.append(bar)
        if self.url:
            parts.append(Text.assemble("\n    Open ", (self.url, f"bold cyan link {self.url}")))
        return Group(*parts)


@dataclass
class DemoView:
    """Constant parts of the page."""

    url: str = ""
    folder: str = ""
    broker: str = ""
    zone: tzinfo = UTC

    def rows(self, height: int) -> int:
        """Return how many flags and tickets there is room for."""
        return max(1, min(MOST_ROWS, height - AROUND))

    def render(self, figures: DemoFigures, width: int, height: int) -> RenderableType:
        """Render the page for a terminal of this size."""
        rows, wide = self.rows(height), width >= WIDE
        top = _halves(_panel("readings", self._readings(figures)), _panel("homes", _homes(figures, width)))
        news = _halves(
            _panel("newest flags", self._flags(figures, rows, wide)),
            _panel("newest tickets", self._tickets(figures, rows, wide)),
        )
        return Group(self._title(figures), self._doors(), top, news, self._foot())

    def _title(self, figures: DemoFigures) -> RenderableType:
        title = Table.grid(expand=True, padding=(0, 1))
        title.add_column(no_wrap=True)
        title.add_column(justify="right", no_wrap=True)
        homes = sum(figures.states.values())
        address = Text.assemble((f" Hearth: {homes} homes  ", "bold"), (self.url, f"bold cyan link {self.url}"))
        title.add_row(address, Text(self._clock(figures.at)))
        return title

    def _doors(self) -> RenderableType:
        doors = {**PATHS, "status": STATUS_PATH}
        parts = [("  " if i else " ", "") for i in range(len(doors))]
        names = [(name, f"cyan underline link {self.url.rstrip('/')}{path}") for name, path in doors.items()]
        return Text.assemble(*(part for pair in zip(parts, names, strict=True) for part in pair), no_wrap=True)

    def _readings(self, figures: DemoFigures) -> RenderableType:
        intake = figures.intake
        reached = f"at {self._clock(intake.reached)}" if intake.reached else "to come"
        return _pairs(
            ("per second", f"{figures.readings_per_s:,.0f}"),
            ("stored", f"{intake.readings:,}"),
            ("time", "live" if figures.live else f"history {reached}"),
            ("dead letters", f"{intake.dead_letters:,}"),
            ("broker", self.broker),
        )

    def _flags(self, figures: DemoFigures, rows: int, wide: bool) -> RenderableType:
        table = _table("home", "severity", "since", "lowest", *(("state",) if wide else ()))
        for flag in figures.flags[:rows]:
            table.add_row(
                flag["home"],
                Text(flag["severity"], dict(STATES)[flag["severity"]]),
                self._brief(flag["cold_since"], figures.at),
                # Rounded down: 15.96 °C is under 16 °C.
                f"{math.floor(flag['lowest'] * 10) / 10:.1f} °C",
                *((flag["state"],) if wide else ()),
            )
        return _filled(table, rows, f"{figures.judged.flags} in all, {figures.judged.open_flags} not ended")

    def _tickets(self, figures: DemoFigures, rows: int, wide: bool) -> RenderableType:
        table = _table(*(("number",) if wide else ()), "class", "place", "state", "due")
        for ticket in figures.tickets[:rows]:
            due = [clock["due_at"] for clock in ticket["clocks"] if clock["due_at"] and not clock["met_at"]]
            place = ticket["home"] or ticket["building"] or ticket["substation"] or "-"
            row = (
                SHORT.get(ticket["class"], ticket["class"]),
                place,
                ticket["state"].replace("_", " "),
                Text(self._brief(min(due), figures.at), "red" if min(due) < figures.at else "") if due else "-",
            )
            table.add_row(*((ticket["number"],) if wide else ()), *row)
        return _filled(table, rows, f"{figures.judged.tickets} in all, {figures.judged.open_tickets} open")

    def _foot(self) -> RenderableType:
        said = f" Ctrl-C stops everything; the next start goes on from {self.folder}"
        return Text(said, "bright_black", no_wrap=True, overflow="ellipsis")

    def _brief(self, at: datetime, now: datetime) -> str:
        """Return a time in five characters: of another day its weekday or, farther away, its date."""
        there, here = at.astimezone(self.zone), now.astimezone(self.zone)
        days = abs((there.date() - here.date()).days)
        return there.strftime("%H:%M" if days == 0 else "%a" if days < DAYS_OF_WEEK else "%m-%d")

    def _clock(self, at: datetime) -> str:
        return at.astimezone(self.zone).strftime("%H:%M:%S")


def line(figures: DemoFigures) -> str:
    """Render the figures as one line, for logs."""
    states = ", ".join(f"{figures.states[name]} {name}" for name, _ in STATES if name in figures.states)
    return (
        f"{figures.intake.readings:,} readings ({figures.readings_per_s:,.0f}/s{'' if figures.live else ', history'}), "
        f"homes: {states}; {figures.judged.flags} flags, {figures.judged.tickets} tickets, "
        f"{figures.intake.dead_letters} dead letters"
    )


def _homes(figures: DemoFigures, width: int) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    most = max([1, *figures.states.values()])
    whole = max((cells for least, cells in BAR_CELLS.items() if width >= least), default=6)
    for name, colour in STATES:
        count = figures.states.get(name, 0)
        # Even one cold home among thousands is to be seen.
        table.add_row(name.replace("_", " "), str(count), Text("█" * -(-count * whole // most), colour))
    return table


def _halves(left: RenderableType, right: RenderableType) -> Table:
    halves = Table.grid(expand=True)
    halves.add_column(ratio=1)
    halves.add_column(ratio=1)
    halves.add_row(left, right)
    return halves


def _panel(title: str, inside: RenderableType) -> Panel:
    return Panel(inside, title=title, title_align="left", border_style="bright_black", padding=(0, 1))


def _pairs(*pairs: tuple[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bright_black", no_wrap=True)
    table.add_column(no_wrap=True)
    for name, value in pairs:
        table.add_row(name, value)
    return table


def _table(*columns: str) -> Table:
    table = Table(
        box=None, padding=(0, 1, 0, 0), show_edge=False, expand=True, header_style="bright_black", pad_edge=False
    )
    for column in columns:
        table.add_column(column, no_wrap=True, justify="right" if column == "lowest" else "left")
    return table


def _filled(table: Table, rows: int, total: str) -> RenderableType:
    """Pad a table to a constant height, so that the page does not jump."""
    for _ in range(rows - table.row_count):
        table.add_row()
    return Group(table, Text(total, "bright_black", no_wrap=True))
