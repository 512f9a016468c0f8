"""A preview of the city map: the rows that Grafana would be given, drawn by a plotting library.

`python -m bench.preview URL FILE` asks a database. It is no picture of Grafana, and says so.
"""

import argparse
import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import matplotlib as mpl
import psycopg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from psycopg import Connection
from psycopg.rows import dict_row

from bench.panels import expand, questions
from dashboards.collection import dashboards
from dashboards.links import CITY
from dashboards.look import BLUE, GREY, ORANGE, Look
from domain import policy_file

SAYS = "Preview drawn with matplotlib from the rows of the panel; no picture of Grafana"
DOTS_PER_INCH = 110
Rows = Sequence[dict[str, Any]]


def main() -> None:
    """Ask a database for the rows of the city map and draw them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="of a database: postgresql://…")
    parser.add_argument("file", type=Path, help="the PNG to write")
    options = parser.parse_args()
    look = Look("en", policy_file.builtin("seed"), datetime.now(UTC), "")
    with psycopg.connect(options.url) as conn:
        draw(look, asked(conn, look)).savefig(options.file, dpi=DOTS_PER_INCH)


def asked(conn: Connection, look: Look) -> dict[str, Rows]:
    """Return the rows of the layers by the letter of their query: A buildings, B substations, C incidents."""
    now = datetime.now(UTC)
    chosen = {"station": [name for (name,) in conn.execute("SELECT DISTINCT station FROM substation_now")]}
    found: dict[str, Rows] = {}
    for question in questions(dashboards(look)[CITY]):
        if question.kind == "geomap" and question.ref not in found:
            with conn.cursor(row_factory=dict_row) as cur:
                sql = expand(question.sql, chosen, now - timedelta(days=1), now)
                found[question.ref] = cur.execute(sql.encode()).fetchall()
    return found


def draw(look: Look, rows: dict[str, Rows]) -> Figure:
    """Return two maps side by side, as on the dashboard: the coldest room of each building, and the mean."""
    mpl.rcParams["svg.fonttype"] = "none"
    figure = Figure(figsize=(13, 6.4), layout="constrained", facecolor="#f4f5f5")
    for place, (column, title) in enumerate((("coldest", "Coldest room"), ("mean", "Mean")), start=1):
        axes = figure.add_subplot(1, 2, place)
        axes.set_title(title, loc="left", fontsize=11)
        axes.set_aspect(1.35)  # a degree of latitude is that much longer than one of longitude here
        axes.tick_params(labelsize=7)
        _dots(axes, rows["A"], [colour(look, row[column]) for row in rows["A"]], "o", 26)
        _dots(axes, rows["B"], BLUE, "s", 42)
        _dots(axes, rows["C"], ORANGE, "^", 150)
    figure.legend(handles=_legend(look), loc="outside lower center", ncols=7, fontsize=8, frameon=False)
    figure.suptitle(SAYS, fontsize=10, color="#c4162a")
    return figure


def colour(look: Look, celsius: float | None) -> str:
    """Return the colour of a temperature by the thresholds of the dashboard."""
    if celsius is None:
        return GREY
    steps = [step for step in look.celsius() if step.value is not None and celsius >= step.value]
    return steps[-1].color


def _dots(axes: Any, rows: Rows, colours: str | list[str], marker: str, size: int) -> None:
    lon, lat = [row["lon"] for row in rows], [row["lat"] for row in rows]
    axes.scatter(lon, lat, c=colours, marker=marker, s=size, alpha=0.85, edgecolors="white", linewidths=0.4)


def _legend(look: Look) -> list[Line2D]:
    steps = [step for step in look.celsius() if step.value is not None]
    edges = [f"{step.value:g}" for step in steps[1:]]
    names = [
        f"under {edges[0]} °C",
        *(f"{a} to {b} °C" for a, b in itertools.pairwise(edges)),
        f"{edges[-1]} °C and more",
    ]
    kinds = [("o", GREY, "unknown"), *(("o", s.color, n) for s, n in zip(steps, names, strict=True))]
    kinds += [("s", BLUE, "substation"), ("^", ORANGE, "incident")]
    return [Line2D([], [], marker=m, color=c, linestyle="none", label=name) for m, c, name in kinds]


if __name__ == "__main__":
    main()
