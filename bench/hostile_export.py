"""One customer who asks for exports and does not read them: how long others are kept from theirs.

Run alone: `python -m bench.hostile_export` prints JSON. `measure` is a part of `bench.hostile`.
"""

import json
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psycopg

from bench.api import Season, served
from bench.town import found
from local.port import LOOPBACK
from local.postgres import Postgres
from store.base import access

SLOW_SOCKETS = 8  # of one customer
GIVE_UP_S = 300.0
EVERY = timedelta(seconds=30)
DAYS = timedelta(days=14)
DATABASE = "hostile_export"
READINGS = """
INSERT INTO reading (sensor_id, measured_at, received_at, temperature, quality, self_timed)
SELECT s.sensor_id, at, at, 20, 0, true
FROM sensor AS s, generate_series(%(first)s::timestamptz, %(end)s, %(every)s) AS at
"""


def measure(quick: bool = False) -> dict[str, float]:
    """Serve two homes from a server of its own, and have the customer of one stand in the way of the other."""
    with tempfile.TemporaryDirectory(prefix="hearth-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with Postgres(folder / "postgres") as server:
            server.create_database(DATABASE)
            return _measure(server.url(DATABASE), SLOW_SOCKETS // 2 if quick else SLOW_SOCKETS)


def _measure(url: str, sockets: int) -> dict[str, float]:
    now = datetime.now(UTC)
    found(url, homes=2)
    with psycopg.connect(url) as conn:
        conn.execute(READINGS, {"first": now - DAYS, "end": now, "every": EVERY})
        slow, other = (
            access.create(conn, access.TokenGrant(access.Role.CUSTOMER, homes=[f"h{n}"]), now) for n in range(2)
        )
    season = Season(url, url, (now - DAYS).date(), DAYS.days, [("h0", slow), ("h1", other)])
    with served(season) as port, slow_readers(port, slow, sockets):
        return {"slow_reader_blocks_s": exported_after(port, other)}


@contextmanager
def slow_readers(port: int, token: str, sockets: int) -> Iterator[None]:
    """Ask for exports one after the other, and leave the answers where they are."""
    with ExitStack() as stack:
        for _ in range(sockets):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect((LOOPBACK, port))
            client.sendall(f"GET {path('h0')} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
            client.recv(1)  # its export is written, or refused
        yield


def exported_after(port: int, token: str) -> float:
    """Return seconds until another customer has a whole export, trying again at once while it is refused."""
    begun = time.monotonic()
    with httpx.Client(base_url=f"http://{LOOPBACK}:{port}", timeout=GIVE_UP_S, trust_env=False) as client:
        while (waited := time.monotonic() - begun) < GIVE_UP_S:
            answer = client.get(path("h1"), headers={"Authorization": f"Bearer {token}"})
            if answer.status_code == 200:
                return round(time.monotonic() - begun, 3)
            time.sleep(0.2)
    return waited


def path(home: str) -> str:
    """Return the address of an export that is longer than what the system keeps for a connection."""
    return f"/v1/homes/{home}/readings.jsonl"


if __name__ == "__main__":
    print(json.dumps(measure()))
