"""Delay of event streams from the commit on: many streams of one process at once."""

import re
import selectors
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

import numpy as np
import psycopg
from psycopg import Connection

from local.port import LOOPBACK
from store.base import access
from store.base.access import Role

AT_ONCE = 16  # connections that are opened
GAP_S = 0.5
PATIENCE_S = 30.0
NUMBER = re.compile(rb'"n":(\d+)')
INSERT_TICKET = """
INSERT INTO ticket (class, state, priority, home_id, source, opened_at) VALUES ('repair', 'open', 3, 1, 'phone', %s)
RETURNING ticket_id
"""
INSERT_EVENT = """
INSERT INTO ticket_event (ticket_id, seq, at, kind, actor, state, data)
VALUES (%s, 0, %s, 'remark', 'bench', 'open', jsonb_build_object('n', %s::integer))
"""


def heard(port: int, owner: str, listeners: int, events: int) -> dict[str, float]:
    """Have all of them listen to all that happens at the desk, and let something happen twice a second.

    Args:
        owner: the address of the database, as one who may do anything there.
    """
    with psycopg.connect(owner) as conn:
        token = access.create(conn, access.TokenGrant(Role.DISPATCHER), datetime.now(UTC))
        row = conn.execute(INSERT_TICKET, (datetime.now(UTC),)).fetchone()
        assert row is not None
        conn.commit()
        with streams(port, token, listeners) as opened:
            ears = Ears(opened, listeners * events)
            thread = threading.Thread(target=ears.listen)
            thread.start()
            committed = [happen(conn, row[0], number) for number in range(events)]
            thread.join()
    if len(ears.at) != listeners * events:
        raise RuntimeError(f"{len(ears.at)} of {listeners * events} were heard")
    took = np.array([at - committed[number] for number, at in ears.at]) * 1e3
    return {"sse_listeners": listeners, **{f"sse_p{p}_ms": round(float(np.percentile(took, p)), 1) for p in (50, 99)}}


def happen(conn: Connection, ticket: int, number: int) -> float:
    """Return something happens to a ticket; the time just before its commit."""
    time.sleep(GAP_S)
    conn.execute(INSERT_EVENT, (ticket, datetime.now(UTC), number))
    at = time.perf_counter()
    conn.commit()
    return at


@contextmanager
def streams(port: int, token: str, count: int) -> Iterator[Sequence[socket.socket]]:
    """Yield so many streams, each of which knows where it is."""
    request = f"GET /v1/events HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n".encode()

    def opened(_: int) -> socket.socket:
        made = socket.create_connection((LOOPBACK, port), PATIENCE_S)
        made.sendall(request)
        answer = b""
        while b"\nid: " not in answer:
            more = made.recv(65_536)
            if not more or not answer.startswith(b"HTTP/1.1 200"[: len(answer)]):
                raise RuntimeError(f"no stream: {answer[:200]!r}")
            answer += more
        return made

    with ExitStack() as stack, ThreadPoolExecutor(AT_ONCE) as pool:
        yield [stack.enter_context(made) for made in pool.map(opened, range(count))]


class Ears:
    """Hears all streams; `at`: what number, and when."""

    def __init__(self, opened: Sequence[socket.socket], wanted: int) -> None:
        self.at: list[tuple[int, float]] = []
        self._wanted = wanted
        self._selector = selectors.DefaultSelector()
        for each in opened:
            self._selector.register(each, selectors.EVENT_READ)

    def listen(self) -> None:
        """Listen until everything was heard, or nothing comes any more."""
        while len(self.at) < self._wanted:
            ready = self._selector.select(PATIENCE_S)
            if not ready:
                return
            for key, _ in ready:
                assert isinstance(key.fileobj, socket.socket)
                text = key.fileobj.recv(65_536)  # an event comes in one piece
                now = time.perf_counter()
                self.at += [(int(number), now) for number in NUMBER.findall(text)]
