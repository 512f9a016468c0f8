"""Desks that are open in as many browsers: each has its stream of events, and asks for its rows when one comes."""

import asyncio
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Sequence
from random import Random

from local.port import LOOPBACK

PATIENCE_S = 30.0
ROWS = "/desk/rows"


class OpenDesks:
    """The desks, each by the cookie of its session.

    Args:
        gather_s: how long a desk waits for further changes: half of it to one and a half, as the script has it.
    """

    def __init__(self, port: int, cookies: Sequence[str], gather_s: float) -> None:
        self._port, self._cookies, self._gather_s = port, cookies, gather_s
        self._moved_at = 0.0
        self._spent: list[float] = []
        self._rng = Random(7)
        self._kept: list[StreamWriter] = []  # a stream whose writer is forgotten ends

    async def watch(self, prepare: Callable[[], Callable[[], object]], moves: int, apart_s: float) -> list[float]:
        """Make moves one by one, each prepared before; return the seconds that each desk took to show each of them."""
        opened = [await self._open(cookie) for cookie in self._cookies]
        hearing = [asyncio.create_task(self._hear(*one)) for one in opened]
        for _ in range(moves):
            await asyncio.sleep(apart_s)
            wanted = len(self._spent) + len(opened)
            move = await asyncio.to_thread(prepare)
            self._moved_at = time.perf_counter()
            await asyncio.to_thread(move)
            async with asyncio.timeout(PATIENCE_S):
                while len(self._spent) < wanted:
                    await asyncio.sleep(0.005)
                    for ended in filter(asyncio.Task.done, hearing):
                        raise RuntimeError("a stream ended") from ended.exception()
        for task in hearing:
            task.cancel()
        return self._spent

    async def _open(self, cookie: str) -> tuple[str, StreamReader, StreamReader, StreamWriter]:
        """Open a stream, and a connection to ask by."""
        stream, sending = await asyncio.open_connection(LOOPBACK, self._port)
        self._kept.append(sending)
        sending.write(f"GET /desk/events HTTP/1.1\r\nHost: {LOOPBACK}\r\nCookie: {cookie}\r\n\r\n".encode())
        head = await stream.readuntil(b"\r\n\r\n")
        if b" 200 " not in head:
            raise RuntimeError(head.decode())
        while b"id: " not in await stream.readline():
            pass
        answers, asking = await asyncio.open_connection(LOOPBACK, self._port)
        return cookie, stream, answers, asking

    async def _hear(self, cookie: str, stream: StreamReader, answers: StreamReader, asking: StreamWriter) -> None:
        while line := await stream.readline():
            if line.startswith(b"event: ticket"):
                await asyncio.sleep(self._gather_s * (0.5 + self._rng.random()))
                headers = f"Host: {LOOPBACK}\r\nCookie: {cookie}\r\nSec-Fetch-Dest: empty\r\n\r\n"
                asking.write(f"GET {ROWS} HTTP/1.1\r\n{headers}".encode())
                await self._read(answers)
                self._spent.append(time.perf_counter() - self._moved_at)

    async def _read(self, answers: StreamReader) -> None:
        head = (await answers.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        if " 200 " not in head:
            raise RuntimeError(head)
        await answers.readexactly(int(head.partition("content-length: ")[2].split("\r\n")[0]))
