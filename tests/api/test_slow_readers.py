"""Clients that do not read what they asked for hold up nobody but themselves, and not for long."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta

import pytest

from api.http import download
from api.http.download import TransferSlots
from api.http.problem import Problem
from api.http.session import DOWNLOADS_OF
from tests.api import town
from tests.api.conftest import Api
from tests.api.town import NOW

PATH = "/v1/homes/B1-101/readings.jsonl?from=2025-12-01T00:00:00Z"
READ = 14 * 2 * 1440  # the last one is of the end, which is beyond the span
READINGS = """
INSERT INTO reading (sensor_id, measured_at, received_at, temperature, quality, self_timed)
SELECT %s, at, at, 20, 0, true FROM generate_series(%s::timestamptz, %s, interval '30 seconds') AS at
"""


@pytest.fixture
def filled(plain_api: Api) -> Api:
    """A home whose export is longer than what the system itself keeps for a connection."""
    sensor = town.sensor(plain_api.conn, town.home(plain_api.conn))
    plain_api.conn.execute(READINGS, (sensor, NOW - timedelta(days=14), NOW))
    return plain_api


@contextmanager
def unread(api: Api, token: str) -> Iterator[socket.socket]:
    """Yield a client that asks for an export and reads nothing."""
    api.conn.commit()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect((api.client.base_url.host, api.client.base_url.port))
        client.sendall(f"GET {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        yield client


def sending(api: Api) -> int:
    """Return how many downloads are under way."""
    held: int = api.app.state.surroundings.downloads.held
    return held


def wait_for(api: Api, count: int, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while sending(api) != count:
        assert time.monotonic() < end, sending(api)
        time.sleep(0.02)


def test_readers_that_stand_still_hold_no_place_and_no_transaction(
    filled: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "PATIENCE_S", 120.0)
    slow, other = filled.token(), filled.token()
    with ExitStack() as stack:
        for n in range(DOWNLOADS_OF["token"]):
            client = stack.enter_context(unread(filled, slow))
            assert client.recv(12) == b"HTTP/1.1 200", n
            assert sending(filled) == n + 1
        assert filled.app.state.surroundings.exports._value == 3
        busy = filled.conn.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = 'the_api' AND state LIKE 'idle in transaction%'"
        ).fetchone()
        assert busy == (0,)
        assert filled.client.get(PATH, headers={"Authorization": f"Bearer {slow}"}).status_code == 503
        assert filled.client.get(PATH, headers={"Authorization": f"Bearer {other}"}, timeout=30).status_code == 200


def test_a_reader_that_stands_still_is_let_go(filled: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PATIENCE_S", 0.3)
    token = filled.token()
    with unread(filled, token):
        wait_for(filled, 1)
        wait_for(filled, 0)
    assert filled.app.state.surroundings.exports._value == 3
    # The place is free again for the same reader, and the answer is whole: one line a reading.
    monkeypatch.undo()
    answer = filled.client.get(PATH, headers={"Authorization": f"Bearer {token}"}, timeout=30)
    assert (answer.status_code, len(answer.text.splitlines())) == (200, READ)


def test_a_reader_that_trickles_is_let_go(filled: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PATIENCE_S", 2.0)
    monkeypatch.setattr(download, "SLOWEST", 1 << 40)
    with unread(filled, filled.token()) as client:
        wait_for(filled, 1)
        client.settimeout(0.2)
        end = time.monotonic() + 20
        while sending(filled):
            assert time.monotonic() < end
            with suppress(TimeoutError):
                client.recv(2048)
            time.sleep(0.1)


def test_a_place_comes_back_once() -> None:
    places = TransferSlots(3, {"token": 2, "address": 3})
    ours, theirs = {"token": "a", "address": "x"}, {"token": "b", "address": "x"}
    places.take(ours)
    places.take(ours)
    with pytest.raises(Problem, match="too many downloads"):
        places.take(ours)
    places.take(theirs)
    with pytest.raises(Problem, match="too many downloads"):
        places.take({"token": "c", "address": "y"})
    with pytest.raises(ValueError, match="never"), download.file_for(TransferSlots(1, {}), {}):
        raise ValueError("never")
    places.leave(ours)
    places.take({"token": "c", "address": "y"})
    assert places.held == 3
