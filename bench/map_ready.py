"""The map of the desk in a browser: how long until a city of so many buildings is drawn."""

import shutil
import statistics
from collections.abc import Iterator
from datetime import UTC, datetime

from psycopg import Connection

from api.pages.libraries import MAPLIBRE, library
from local.port import LOOPBACK
from store.figures import building_rows

VISITS = 5
PATIENCE_MS = 60_000
WIDTH, HEIGHT = 1366, 768
# WebGL in software, as on a machine without a graphics card: a dispatcher's is faster.
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
# Buildings that are missing have no homes; each stands near its substation, as streets have them.
INSERT_BUILDINGS = """
INSERT INTO building (code, substation_id, name, address)
SELECT 'M' || n, (SELECT min(substation_id) FROM substation) + n %% (SELECT count(*) FROM substation), 'House ' || n, ''
FROM generate_series((SELECT count(*) FROM building) + 1, %(buildings)s) AS n
"""
PLACE_BUILDINGS = """
UPDATE building AS b SET
  lat = 41.6 + b.substation_id / 20 * 0.02 + x.nth % 6 * 0.0024 + x.nth % 7 * 0.0002,
  lon = 123.2 + b.substation_id % 20 * 0.025 + x.nth / 6 % 5 * 0.0045 + x.nth % 5 * 0.0003
FROM (SELECT building_id, row_number() OVER (PARTITION BY substation_id) AS nth FROM building) AS x
WHERE x.building_id = b.building_id
"""
COOL_HOMES = "UPDATE home_state SET state = CASE home_id %% 3 WHEN 0 THEN 5 ELSE 1 END WHERE home_id %% 1000 < %(cool)s"
READY = "document.getElementById('stage')?.dataset.ready"


def is_able() -> bool:
    """Return whether there is a browser, and what it draws with."""
    return _program() is not None and library(MAPLIBRE) is not None


def _program() -> str | None:
    return shutil.which("chromium-headless-shell") or shutil.which("chromium")


def place(conn: Connection, buildings: int) -> None:
    """Give every building its place, and fill the city up to a number of buildings; some homes are cold or unknown."""
    conn.execute(INSERT_BUILDINGS, {"buildings": buildings})
    conn.execute(PLACE_BUILDINGS)
    conn.execute(COOL_HOMES, {"cool": 20})


def count(conn: Connection) -> None:
    """Count the homes of buildings, as `hearth watch` does every fifteen seconds."""
    now = datetime.now(UTC)
    building_rows.count_all(conn, now)
    building_rows.finish(conn, now)
    conn.commit()


def ready_ms(port: int, cookies: dict[str, str]) -> float:
    """Return the milliseconds from opening the page until the map is drawn: the median of first visits."""
    return statistics.median(visits(port, cookies))


def visits(port: int, cookies: dict[str, str]) -> Iterator[float]:
    """Open the map by new browsers, which have nothing in their caches."""
    from playwright.sync_api import sync_playwright  # a package of developers

    url = f"http://{LOOPBACK}:{port}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_program(), args=FLAGS)
        for _ in range(VISITS):
            context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
            context.add_cookies([{"name": name, "value": value, "url": url} for name, value in cookies.items()])
            page = context.new_page()
            page.goto(f"{url}/desk/map")
            page.wait_for_selector("#stage[data-ready]", timeout=PATIENCE_MS)
            yield float(page.evaluate(READY))
            context.close()
        browser.close()
