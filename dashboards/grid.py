"""The grid of a dashboard in pixels: what fits into a panel on the screens of a dispatch room."""

from typing import NamedTuple

CELLS = 24  # of a dashboard's width
ROW_PX, GAP_PX = 30, 8  # of the grid: a row, and what lies between two cells
# Width of the grid by width of the browser's window. Under 1440 px Grafana's menu lies over the page; above, it is
# docked and takes 300 px. Beside it are the margins of the page and a scroll bar.
SCREENS = {1366: 1366 - 2 * 16 - 16, 1920: 1920 - 300 - 2 * 16 - 16}
FRAME_PX = 2 * 8 + 2  # padding and border of a panel
SCROLL_PX = 16  # of a table that has more rows than fit
HEADER_PX = 40  # title of a panel


class Size(NamedTuple):
    """The size of a panel in cells of the grid."""

    width: int
    height: int

    def inside(self, screen: int) -> int:
        """Return the pixels that a panel has across, in a window of one of SCREENS."""
        return int(self.width * cell_px(screen) + (self.width - 1) * GAP_PX) - FRAME_PX

    @property
    def down(self) -> int:
        """The pixels that a panel has below its title."""
        return self.height * ROW_PX + (self.height - 1) * GAP_PX - HEADER_PX


def cell_px(screen: int) -> float:
    """Return the width of one cell, in a window of one of SCREENS."""
    return (SCREENS[screen] - (CELLS - 1) * GAP_PX) / CELLS


def text_px(text: str, font_px: float = 14) -> int:
    """Estimate the width of a text in Grafana's font (Inter), generously; Chinese characters are as wide as high."""
    return round(sum(1.03 if ord(c) > 0x2E7F else 0.6 for c in text) * font_px)
