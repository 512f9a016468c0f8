"""The demo on a terminal: one calm page, the same every second but for its numbers."""

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from hearth.demo.figures import DemoFigures

STATES = (
    ("compliant", "green"),
    ("cold", "yellow"),
    ("severe", "red"),
    ("unknown", "bright_black"),
    ("not_judged", "bright_black"),
)
BAR_CELLS = 30
ROWS = 6  # of flags and of tickets


@dataclass
class DemoPage:
    """Constant parts of the page."""

    api_url: str
    folder: str
    broker: str
    zone: ZoneInfo
    tokens: dict[str, str] = field(default_factory=dict)  # who → token

    def render(self, figures: DemoFigures) -> RenderableType:
        """Render the page for 100 columns and 30 lines."""
        top = Table.grid(expand=True, padding=(0, 1))
        top.add_column(ratio=2)
        top.add_column(ratio=3)
        top.add_row(_panel("readings", self._readings(figures)), _panel("homes", _homes(figures)))
        news = Table.grid(expand=True, padding=(0, 1))
        news.add_column(ratio=52)
        news.add_column(ratio=48)
        news.add_row(_panel("newest flags", self._flags(figures)), _panel("newest tickets", self._tickets(figures)))
        return Group(self._title(figures), top, news, _panel("the API", self._keys()), self._foot())

    def _title(self, figures: DemoFigures) -> RenderableType:
        title = Table.grid(expand=True, padding=(0, 1))
        title.add_column()
        title.add_column(justify="right")
        homes = sum(figures.states.values())
        title.add_row(Text(f" Hearth: {homes} homes", "bold"), Text(f"{self._clock(figures.at)} {self.zone.key} "))
        return title

    def _readings(self, figures: DemoFigures) -> RenderableType:
        intake = figures.intake
        reached = f"at {self._clock(intake.reached)}" if intake.reached else "to come"
        return _pairs(
            ("per second", f"{figures.readings_per_s:,.0f}"),
            ("stored", f"{intake.readings:,}"),
            ("now at", "live" if figures.live else f"history {reached}"),
            ("dead letters", f"{intake.dead_letters:,}"),
            ("broker", self.broker),
        )

    def _flags(self, figures: DemoFigures) -> RenderableType:
        table = _table("home", "severity", "since", "lowest", "state")
        for flag in figures.flags[:ROWS]:
            table.add_row(
                flag["home"],
                Text(flag["severity"], dict(STATES)[flag["severity"]]),
                self._clock(flag["cold_since"])[:5],
                f"{flag['lowest']:.2f} °C",
                flag["state"],
            )
        return _filled(table, f"{figures.judged.flags} in all, {figures.judged.open_flags} not ended")

    def _tickets(self, figures: DemoFigures) -> RenderableType:
        table = _table("number", "home", "prio", "state", "due")
        for ticket in figures.tickets[:ROWS]:
            due = [clock["due_at"] for clock in ticket["clocks"] if clock["due_at"] and not clock["met_at"]]
            first = self._clock(min(due))[:5] if due else "-"
            table.add_row(ticket["number"], ticket["home"], str(ticket["priority"]), ticket["state"], first)
        return _filled(table, f"{figures.judged.tickets} for {figures.judged.cold_spells} cold spells")

    def _keys(self) -> RenderableType:
        keys = _pairs(*self.tokens.items())
        ask = f'curl -H "Authorization: Bearer …" {self.api_url}/v1/flags?limit=3'
        return Group(keys, Text(ask, "cyan", no_wrap=True, overflow="ellipsis"))

    def _foot(self) -> RenderableType:
        return Text(f" Ctrl-C stops everything; the next start goes on from {self.folder}", "bright_black")

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


def _homes(figures: DemoFigures) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    most = max([1, *figures.states.values()])
    for name, colour in STATES:
        count = figures.states.get(name, 0)
        # Even one cold home among thousands is to be seen.
        cells = -(-count * BAR_CELLS // most)
        table.add_row(name.replace("_", " "), str(count), Text("█" * cells, colour))
    return table


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
    table = Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False, expand=True, header_style="bright_black")
    for column in columns:
        table.add_column(column, no_wrap=True, justify="right" if column in ("lowest", "prio") else "left")
    return table


def _filled(table: Table, total: str) -> RenderableType:
    """Pad a table to a constant height, so that the page does not jump."""
    for _ in range(ROWS - table.row_count):
        table.add_row()
    return Group(table, Text(total, "bright_black"))
