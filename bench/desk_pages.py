"""The pages of the desk at the size of a city: 500,000 homes, 20,000 open tickets, 200 desks that are open.

The real `hearth api`, one process, over plain PostgreSQL. `docs/performance.md` tells how each figure is taken.
"""

import argparse
import asyncio
import json
import os
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from threading import Barrier
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from psycopg import Connection
from rich.console import Console

from api.pages.visit import LANGUAGE_COOKIE
from api.staff.session import COOKIE, seal
from bench import map_ready
from bench.api import HEARTH_API
from bench.asking import PATIENCE_S
from bench.every_page import walk
from bench.open_desks import OpenDesks
from bench.search import SELECT_SOME as SELECT_HOME_WORDS
from bench.search import SETTINGS, settle, ways
from bench.stand import process
from local.port import LOOPBACK, free_port
from local.postgres import Postgres
from store.base.access import Role
from store.base.migrate import migrate
from store.staff import person_rows, session_rows
from store.staff.person_rows import StaffEntry
from store.staff.session_rows import SessionSpan
from store.tickets.queue_rows import QueueView

# One of the tickets in 20 has a home with a day of readings; each kind of ticket has the clocks of the seed policy.
OPEN_TICKETS = """
INSERT INTO ticket (
  ticket_id, class, source, state, priority, home_id, station, responsible, opened_at, description, done_at
)
SELECT
  n, c.class, c.source,
  CASE WHEN n %% 3 = 0 THEN 'accepted' WHEN n %% 40 = 1 AND c.class = 'cold' THEN 'verifying' ELSE 'open' END,
  c.priority, h.home_id, u.station, CASE WHEN n %% 5 = 0 THEN 'Person ' || n %% %(people)s END,
  now() - n * interval '1 day' / %(tickets)s, 'It is cold in the kitchen.',
  CASE WHEN n %% 40 = 1 AND c.class = 'cold' AND n %% 3 > 0 THEN now() - interval '5 minutes' END
FROM generate_series(1, %(tickets)s) AS n
JOIN home AS h ON h.home_id = n * (%(homes)s / %(tickets)s)
JOIN building AS b USING (building_id) JOIN substation AS u USING (substation_id)
CROSS JOIN LATERAL (
  SELECT * FROM (VALUES
    (0, 'cold', 'flag', 2), (1, 'cold', 'flag', 1), (2, 'repair', 'phone', 3), (3, 'leak', 'phone', 1)
  ) AS k (nth, class, source, priority)
  WHERE k.nth = CASE WHEN n %% 50 = 0 THEN 3 WHEN n %% 7 = 0 THEN 2 WHEN n %% 10 = 3 THEN 1 ELSE 0 END
) AS c;
UPDATE numbering SET last = %(tickets)s WHERE kind = 'ticket';
INSERT INTO ticket_event (ticket_id, seq, at, kind, actor, state, data, hash)
SELECT ticket_id, 0, opened_at, 'opened', 'hearth', 'open', '{}', '' FROM ticket ORDER BY ticket_id;
INSERT INTO ticket_event (ticket_id, seq, at, kind, actor, state, data, hash)
SELECT ticket_id, 0, opened_at + interval '1 minute', 'remark', 'staff 1 (Person 1)', 'open', '{"remark": "x"}', ''
FROM ticket, generate_series(1, 4) ORDER BY ticket_id;
INSERT INTO clock (ticket_id, name, started_at, due_at, breached_at, met_at)
SELECT
  t.ticket_id, c.name, t.opened_at, t.opened_at + c.span,
  CASE WHEN c.name <> 'station_reply' AND t.opened_at + c.span < now() THEN t.opened_at + c.span END,
  CASE WHEN c.name = 'station_reply' THEN t.opened_at + interval '1 min' END
FROM ticket AS t,
  (VALUES ('station_reply', interval '1 h'), ('contact', '30 min'), ('on_site', '2 h'), ('done', '24 h'))
    AS c (name, span);
INSERT INTO sensor (code) SELECT 'bench-' || home_id FROM ticket WHERE ticket_id %% 20 = 0 ORDER BY ticket_id;
INSERT INTO point (sensor_id, home_id, room, room_kind, interval_s)
SELECT s.sensor_id, split_part(s.code, '-', 2)::integer, 'living', 'living', 300
FROM sensor AS s WHERE s.code LIKE 'bench-%%';
INSERT INTO reading (sensor_id, measured_at, received_at, temperature, quality, self_timed)
SELECT s.sensor_id, x.at, x.at, 16 + n %% 30 / 10.0, 0, true
FROM generate_series(0, 287) AS n, LATERAL (SELECT now() - n * interval '5 min' AS at) AS x, sensor AS s
WHERE s.code LIKE 'bench-%%';
"""
SPAN = SessionSpan(timedelta(hours=12), timedelta(days=1))
ACCOUNT = "bench_desk"
GATHER_MS = re.compile(r"const GATHER_MS = (\d+);")
ASSET = re.compile(r'(?:src|href)="(/pages/[^"]+)"')
console = Console(stderr=True)


@dataclass(frozen=True)
class Size:
    """Sizes of the benchmark."""

    homes: int = 500_000
    tickets: int = 20_000
    buildings: int = 10_000
    desks: int = 200
    requests: int = 600  # for each figure of a page
    rate: float = 30.0  # requests/s, while a ticket is changed each second
    moves: int = 25
    apart_s: float = 1.5


QUICK = Size(homes=3_000, tickets=300, buildings=100, desks=10, requests=20, moves=3, apart_s=0.7)


@dataclass(frozen=True)
class City:
    """The city with its desks: where it is served, the sessions of people, what may be searched for."""

    port: int
    sessions: Sequence[str]
    supervisor: str  # session
    tickets: Sequence[str]
    searches: Sequence[str]


def main() -> None:
    """Take the figures and print them as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run that only shows that it runs")
    args = parser.parse_args()
    try:
        print(json.dumps(measure(QUICK if args.quick else Size())))
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def measure(size: Size) -> dict[str, Any]:
    """Return all figures."""
    with tempfile.TemporaryDirectory(prefix="hearth-bench-") as folder:
        Path(folder).chmod(0o711)
        server = Postgres(Path(folder) / "postgres", settings=SETTINGS)
        try:
            server.start()
            with city(server, size) as found:
                return drawn(server, found, size) | take(found, size) | opened(server, found)
        finally:
            server.remove()


def drawn(server: Postgres, found: City, size: Size) -> dict[str, float]:
    """Return how long the map takes in a browser, where there is one."""
    if not map_ready.is_able():
        console.print("no Chromium or no MapLibre: the map is not measured")
        return {}
    with psycopg.connect(server.url()) as conn:
        map_ready.count(conn)
    cookies = {COOKIE: found.sessions[0], LANGUAGE_COOKIE: "zh"}
    return {"map_buildings": size.buildings, "map_ready_ms": map_ready.ready_ms(found.port, cookies)}


def opened(server: Postgres, found: City) -> dict[str, Any]:
    """Return how long the slowest page takes that a supervisor reaches by links, and which it is."""
    with psycopg.connect(server.url()) as conn:
        map_ready.count(conn)
    browser = Browser(found, found.supervisor)
    starts = ["/desk", "/desk/map", f"/desk/tickets/{found.tickets[0]}"]
    pages = dict(walk(browser.get, starts))
    slowest = max(pages, key=pages.__getitem__)
    return {"pages": len(pages), "slowest_page": slowest, "slowest_page_ms": milliseconds(pages[slowest])}


@contextmanager
def city(server: Postgres, size: Size) -> Iterator[City]:
    """Yield a city that is served."""
    with psycopg.connect(server.url()) as conn:
        migrate(conn)
        conn.execute(f"CREATE ROLE {ACCOUNT} LOGIN PASSWORD '{ACCOUNT}' IN ROLE hearth_api, hearth_identity".encode())
    with psycopg.connect(server.url()) as conn:
        settle(conn, size.homes)
        console.print("homes are there")
        with psycopg.ClientCursor(conn) as cur:
            cur.execute(OPEN_TICKETS.encode(), {"tickets": size.tickets, "homes": size.homes, "people": size.desks})
        map_ready.place(conn, size.buildings)
        sessions = [signed_in(conn, n) for n in range(size.desks)]
        supervisor = signed_in(conn, size.desks, Role.SUPERVISOR)
        tickets = [row[0] for row in conn.execute("SELECT number FROM ticket ORDER BY ticket_id")]
        searches = list(typed(conn, size))
    with psycopg.connect(server.url(), autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE")
    console.print("tickets are there")
    with served(server) as port:
        yield City(port, sessions, supervisor, tickets, searches)


def signed_in(conn: Connection, n: int, role: Role = Role.DISPATCHER) -> str:
    """Sign a person in; returns the session."""
    now = datetime.now(UTC)
    entry = StaffEntry(
        name=f"Person {n}",
        role=role,
        sign_in_name=f"p{n}",
        station=None,
        active_from=now - timedelta(days=1),
    )
    token = session_rows.begin(conn, person_rows.add(conn, entry), "bench", SPAN, now)
    assert token is not None
    return token


def typed(conn: Connection, size: Size) -> Iterator[str]:
    """Yield what is typed to find homes, key by key."""
    rng = Random(3)
    for home in rng.sample(range(1, size.homes + 1), 10):
        some = conn.execute(SELECT_HOME_WORDS, (home,)).fetchone()
        assert some is not None
        for _, text in ways(rng, *some):
            yield from (text[:end] for end in range(2, len(text) + 1))


@contextmanager
def served(server: Postgres) -> Iterator[int]:
    """Yield the port of the real `hearth api`, once it answers."""
    port = free_port()
    url = server.url().partition("@")[2]
    environment = {
        **os.environ,
        "HEARTH_DATABASE_URL": f"postgresql://{ACCOUNT}:{ACCOUNT}@{url}",
        "HEARTH_API_PORT": str(port),
        "HEARTH_API_TOKEN_LIMIT": "none",
        "HEARTH_API_ADDRESS_LIMIT": "none",
        "HEARTH_LOG_LEVEL": "warning",
    }
    with process(HEARTH_API, environment):
        end = time.monotonic() + PATIENCE_S
        while not is_ready(port):
            if time.monotonic() > end:
                raise TimeoutError("hearth api is not ready")
            time.sleep(0.1)
        yield port


def is_ready(port: int) -> bool:
    """Return whether the API answers."""
    try:
        conn = HTTPConnection(LOOPBACK, port, timeout=5)
        conn.request("GET", "/readyz")
        return conn.getresponse().status == 200
    except OSError:
        return False


class Browser:
    """A person's browser, on one kept connection."""

    def __init__(self, city: City, session: str, language: str = "zh") -> None:
        self._conn = HTTPConnection(LOOPBACK, city.port, timeout=PATIENCE_S)
        self._session = session
        self._cookie = f"{COOKIE}={session}; {LANGUAGE_COOKIE}={language}"

    def get(self, path: str) -> bytes:
        """Open a page."""
        return self._ask("GET", path, None)

    def send(self, path: str, **fields: str) -> bytes:
        """Send a form."""
        return self._ask("POST", path, urlencode({**seal(self._session)._asdict(), **fields}))

    def _ask(self, method: str, path: str, body: str | None) -> bytes:
        headers = {"Cookie": self._cookie, "Origin": f"http://{LOOPBACK}:{self._conn.port}"}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._conn.request(method, path, body, headers)
        answer = self._conn.getresponse()
        read = answer.read()
        if answer.status not in (200, 303):
            raise RuntimeError(f"{method} {path}: {answer.status}")
        return read


def take(found: City, size: Size) -> dict[str, float]:
    """Return the figures of a city that is served."""
    rng = Random(4)
    views = [f"/desk?view={view}" for view in QueueView] + ["/desk?class=cold&station=Station+3", "/desk?priority=1"]

    def queue(browser: Browser) -> None:
        browser.get(rng.choice(views))

    def search(browser: Browser) -> None:
        browser.send("/desk/call", q=rng.choice(found.searches), part="1")

    def ticket(browser: Browser) -> None:
        browser.get(f"/desk/tickets/{quote(rng.choice(found.tickets))}")

    figures: dict[str, float] = {"homes": size.homes, "open_tickets": size.tickets, "desks": size.desks}
    figures["page_kb_first"] = round(first_visit(found) / 1024, 1)
    with moving(found):
        for name, ask in (("queue", queue), ("search", search), ("ticket", ticket)):
            spent = paced(found, size, ask)
            figures |= {
                f"{name}_p50_ms": milliseconds(statistics.median(spent)),
                f"{name}_p99_ms": milliseconds(statistics.quantiles(spent, n=100)[98]),
            }
            console.print(figures)
    return figures | told(found, size)


def milliseconds(seconds: float) -> float:
    """Return seconds as milliseconds."""
    return round(seconds * 1000, 1)


def first_visit(found: City) -> int:
    """Return the bytes of the queue's page with all that it loads."""
    browser = Browser(found, found.sessions[0])
    page = browser.get("/desk")
    return len(page) + sum(len(browser.get(path.replace("&amp;", "&"))) for path in set(ASSET.findall(page.decode())))


def paced(found: City, size: Size, ask: Callable[[Browser], None], hands: int = 4) -> list[float]:
    """Ask at a pace, by some browsers that are open; the seconds from when each was to be asked until its answer."""
    spent: list[float] = []
    begun: list[float] = []
    all_are_open = Barrier(hands, lambda: begun.append(time.perf_counter() + 0.1))
    waiting = iter(range(size.requests))

    def work(n: int) -> None:
        browser = Browser(found, found.sessions[n], ("zh", "en")[n % 2])
        ask(browser)
        all_are_open.wait(PATIENCE_S)
        for number in waiting:
            at = begun[0] + number / size.rate
            time.sleep(max(0.0, at - time.perf_counter()))
            ask(browser)
            spent.append(time.perf_counter() - at)

    with ThreadPoolExecutor(hands) as pool:
        for done in [pool.submit(work, n) for n in range(hands)]:
            done.result()
    return spent


@contextmanager
def moving(found: City) -> Iterator[None]:
    """Change a ticket each second meanwhile."""
    goes_on = True

    def work() -> None:
        browser, rng = Browser(found, found.sessions[-1]), Random(5)
        while goes_on:
            remark(browser, rng.choice(found.tickets))()
            time.sleep(1.0)

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(work)
        try:
            yield
        finally:
            goes_on = False
            done.result()


def remark(browser: Browser, number: str) -> Callable[[], object]:
    """Open a ticket, and return a move on it that is always allowed."""
    version = re.findall(rb'name="version" value="(\d+)"', browser.get(f"/desk/tickets/{number}"))[0].decode()
    fields = {"move": "remark", "version": version, "remark": "seen"}
    return partial(browser.send, f"/desk/tickets/{number}", **fields)


def told(found: City, size: Size) -> dict[str, float]:
    """Return how long it takes from a move until the queue of each other desk shows it.

    Each desk does as its script does: it hears of the change by its stream, waits a moment for more, and asks for the
    rows.
    """
    browser, rng = Browser(found, found.sessions[0]), Random(6)
    script = browser.get("/pages/desk.js").decode()
    gather_s = int(GATHER_MS.findall(script)[0]) / 1000
    desks = OpenDesks(found.port, [f"{COOKIE}={one}; {LANGUAGE_COOKIE}=zh" for one in found.sessions], gather_s)

    def prepare() -> Callable[[], object]:  # the server does not keep a connection while 200 desks open
        return remark(Browser(found, found.sessions[0]), rng.choice(found.tickets))

    spent = asyncio.run(desks.watch(prepare, size.moves, size.apart_s))
    if len(spent) < size.desks * size.moves:
        raise RuntimeError(f"{len(spent)} of {size.desks * size.moves} were told")
    return {
        "move_to_other_screen_p50_ms": milliseconds(statistics.median(spent)),
        "move_to_other_screen_p99_ms": milliseconds(statistics.quantiles(spent, n=100)[98]),
    }


if __name__ == "__main__":
    main()
