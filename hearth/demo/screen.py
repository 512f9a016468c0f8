"""The screen of a demo while it starts and while it runs: one calm page on a terminal, lines elsewhere."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live

from hearth.demo.figures import DemoFigures
from hearth.demo.view import DemoView, Starting, line

LINE_S = 5.0
PAST_LINE = 0.2  # share of the past after which there is another line


class Screen:
    """Shows steps, then the past, then the present. Used by one thread."""

    def __init__(self, console: Console, began_s: float) -> None:
        self._console, self._began_s = console, began_s
        self._view = DemoView()
        self._starting = Starting()
        self._live: Live | None = None
        self._said_s = float("-inf")
        self._said_share = -PAST_LINE
        self._present = False

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(self._starting, console=self._console, refresh_per_second=8, transient=False)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    @property
    def rows(self) -> int:
        """Number of flags and tickets there is room for."""
        return self._view.rows(self._console.height) if self._live is not None else 1

    def step(self, what: str) -> None:
        """Say what is being done now."""
        self._starting.step(what)
        self._line(what)

    def page_is_up(self, view: DemoView) -> None:
        """Say where everything starts."""
        self._view, self._starting.url = view, view.url
        self._line(f"open {view.url}")

    def past(self, share: float) -> None:
        """Say how much of the past is lived through."""
        if self._starting.share is None:
            self.step("living through a month")
        self._starting.share = share
        if self._live is None and share - self._said_share >= PAST_LINE:
            self._said_share = share
            self._line(f"a month of history: {share:.0%}")

    def present(self, figures: DemoFigures) -> None:
        """Show the figures of the moment."""
        if self._live is not None:
            self._show(self._live, figures)
        elif time.monotonic() - self._said_s >= LINE_S:
            self._said_s = time.monotonic()
            self._line(line(figures))

    def _show(self, live: Live, figures: DemoFigures) -> None:
        if not self._present:
            self._present = True
            self._starting.done()
            live.stop()
            self._live = live = Live(console=self._console, screen=True, auto_refresh=False)
            live.start()
        size = self._console.size
        live.update(self._view.render(figures, size.width, size.height), refresh=True)

    def _line(self, text: str) -> None:
        if self._live is None:
            passed = time.monotonic() - self._began_s
            self._console.print(f"{passed:6.1f} s  {text}", soft_wrap=True, highlight=False)
