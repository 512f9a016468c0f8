"""Requests to an API at their times, by a client that takes little of the cores that it shares with the API."""

import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from local.port import LOOPBACK

PATIENCE_S = 60
PIECE = 1 << 18
HEAD_ENDS, LENGTH = b"\r\n\r\n", b"\r\ncontent-length:"
Request = tuple[str, str]  # path and token


class KeptConnection:
    """A connection that asks for one answer after the other and looks at no more of it than status and length.

    Reading headers as `http.client` does took 0.4 ms of processor for an answer, as much as half of what the API took.
    """

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((LOOPBACK, port), timeout=PATIENCE_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def get(self, request: Request) -> int:
        """Ask, wait for the last byte and return the length of the answer.

        Raises:
            RuntimeError: the answer is not 200, or tells no length.
        """
        path, token = request
        told = f"GET {path} HTTP/1.1\r\nHost: {LOOPBACK}\r\nAuthorization: Bearer {token}\r\n\r\n"
        self._socket.sendall(told.encode("ascii"))
        answer = self._more()
        while (ends := answer.find(HEAD_ENDS)) < 0:
            answer += self._more()
        head = answer[:ends].lower()
        if not head.startswith(b"http/1.1 200 ") or LENGTH not in head:
            raise RuntimeError(f"{path}: {head.decode('latin-1')}")
        length = int(head.partition(LENGTH)[2].partition(b"\r\n")[0])
        left = length - (len(answer) - ends - len(HEAD_ENDS))
        while left > 0:
            left -= len(self._more())
        return length

    def _more(self) -> bytes:
        piece = self._socket.recv(PIECE)
        if not piece:
            raise RuntimeError("the API ended the connection before its answer was complete")
        return piece


def run(port: int, requests: Sequence[Request], per_second: float | None, threads: int = 16) -> list[float]:
    """Ask by several kept connections; the seconds that each answer took.

    With a rate each request has its time, and its answer is counted from then on, whether or not the ones before it are
    back; without one the next is asked as soon as a connection is free.
    """
    took: list[float] = []
    waiting = iter(enumerate(requests))
    lock = threading.Lock()
    begun = time.perf_counter() + 0.1

    def ask() -> None:
        with KeptConnection(port) as conn:
            while True:
                with lock:
                    number, request = next(waiting, (0, None))
                if request is None:
                    return
                at = begun + number / per_second if per_second else time.perf_counter()
                time.sleep(max(0.0, at - time.perf_counter()))
                conn.get(request)
                took.append(time.perf_counter() - at)

    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(ask) for _ in range(threads)]:
            done.result()
    return took
