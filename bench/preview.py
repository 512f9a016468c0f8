"""Drawings of the dashboards: the rows that Grafana would be given, by their options. They say that they are drawings.

`python -m bench.preview URL FOLDER` asks a database and writes HTML for each board, language and width, and PNG with
Debian's Chromium. `--board` and the others choose.
"""

import argparse
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import Connection

from bench.drawing import frames
from bench.drawing.page import page
from dashboards.city_map import MAP_SIZE
from dashboards.collection import dashboards
from dashboards.grid import SCREENS
from dashboards.ground import NOWHERE, over
from dashboards.links import TITLES
from dashboards.look import LANGUAGES, Language, Look
from domain import policy_file
from domain.errors import UsageError
from store.figures import map_rows


def main() -> None:
    """Ask a database for the rows of the boards and draw them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="of a database: postgresql://…")
    parser.add_argument("folder", type=Path, help="where to write")
    parser.add_argument("--board", choices=[uid.removeprefix("hearth-") for uid in TITLES], action="append")
    parser.add_argument("--language", choices=LANGUAGES, action="append")
    parser.add_argument("--height", type=int, help="only so many pixels from the top, for a picture in a document")
    parser.add_argument("--width", type=int, choices=sorted(SCREENS), action="append")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    chosen = {f"hearth-{name}" for name in options.board} if options.board else set(TITLES)
    with psycopg.connect(options.url) as conn:
        for language in options.language or LANGUAGES:
            for name, html, width in drawn(conn, language, chosen, options.width or sorted(SCREENS)):
                file = options.folder / f"{name}.html"
                file.write_text(html, encoding="utf-8")
                photograph(file, width, options.height)


def drawn(conn: Connection, language: Language, chosen: set[str], widths: list[int]) -> Iterator[tuple[str, str, int]]:
    """Yield the name, page and width of each drawing."""
    now = datetime.now(UTC)
    extent = map_rows.extent(conn)
    ground = over(extent, MAP_SIZE, NOWHERE) if extent else NOWHERE
    look = Look(language, policy_file.builtin("seed"), now, "", ground=ground)
    for uid, board in dashboards(look).items():
        if uid in chosen:
            asked = frames.ask(conn, board, frames.choices(conn, board, now), now)
            for width in widths:
                yield f"{uid.removeprefix('hearth-')}-{language}-{width}", page(board, asked, language, width), width


def photograph(file: Path, width: int, height: int | None) -> None:
    """Write a page's PNG beside it; without a height all of it.

    Raises:
        UsageError: there is no Chromium.
    """
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium")
    if program is None:
        raise UsageError("no chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        sheet = browser.new_page(viewport={"width": min(width, SCREENS[width] + 32), "height": height or 900})
        sheet.goto(file.resolve().as_uri())
        sheet.screenshot(path=file.with_suffix(".png"), full_page=height is None)
        browser.close()


if __name__ == "__main__":
    main()
