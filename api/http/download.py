"""A whole answer on its way: written to a file first, and sent to whoever takes it at some pace.

While a client reads, no connection to the database and no place for writing is held: only the file. How many of these
one token and one address may have is bounded, and a client that stands still, or trickles, is let go.
"""

import asyncio
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, cast

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.http.problem import unavailable
from domain.reasons import Text

IN_MEMORY = 1 << 20  # bytes of an answer; what is more is on disk
BLOCK = 1 << 16
PATIENCE_S = 10.0  # for a block to be taken
SLOWEST = 16_384  # bytes a second, over all of an answer
TOO_MANY = Text("正在进行的下载过多", "too many downloads are under way")
log = structlog.get_logger()


class DownloadSlots:
    """So many may hold something at once, and so many of them by one name."""

    def __init__(self, most: int, per_name: Mapping[str, int]) -> None:
        self._most = most
        self._per_name = per_name  # by kind of name
        self._lock = threading.Lock()
        self._held: Counter[tuple[str, str]] = Counter()
        self._all = 0

    @property
    def held(self) -> int:
        """How many are held."""
        return self._all

    def take(self, names: Mapping[str, str]) -> None:
        """Hold a place under names, one of each kind.

        Raises:
            Problem: 503, none is free.
        """
        with self._lock:
            full = any(self._held[kind, name] >= self._per_name[kind] for kind, name in names.items())
            if full or self._all >= self._most:
                raise unavailable(TOO_MANY)
            self._all += 1
            self._held.update(names.items())

    def leave(self, names: Mapping[str, str]) -> None:
        """Give a place back."""
        with self._lock:
            self._all -= 1
            self._held.subtract(names.items())
            self._held += Counter()  # drops those at zero


@contextmanager
def file_for(places: DownloadSlots, names: Mapping[str, str]) -> Iterator["AnswerFile"]:
    """A file to write an answer into, with a place for sending it; both go when it is not sent after all."""
    places.take(names)
    sheet = AnswerFile(places, names)
    try:
        yield sheet
    except BaseException:
        sheet.close()
        raise


class AnswerFile:
    """A file with an answer, and the place that it holds until it is closed."""

    def __init__(self, places: DownloadSlots, names: Mapping[str, str]) -> None:
        self.file = cast("IO[bytes]", tempfile.SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115
        self._places = places
        self._names = names
        self._open = True

    def fill(self, blocks: Iterable[bytes]) -> None:
        """Write all blocks."""
        for block in blocks:
            self.file.write(block)

    def close(self) -> None:
        """Drop the file and give the place back; once."""
        if self._open:
            self._open = False
            self.file.close()
            self._places.leave(self._names)

    def __del__(self) -> None:
        """Give the place back of an answer that was never begun."""
        self.close()


class Download(Response):
    """Sends a file, as long as the client takes it."""

    def __init__(self, sheet: AnswerFile, headers: Mapping[str, str], media_type: str) -> None:
        self._sheet = sheet
        self._size = sheet.file.tell()
        super().__init__(headers={**headers, "Content-Length": str(self._size)}, media_type=media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S + self._size / SLOWEST):
                await self._send(send)
        except TimeoutError:
            log.info("slow_reader_let_go", bytes=self._size)  # what is not whole is seen by its length
        finally:
            self._sheet.close()

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        self._sheet.file.seek(0)
        left = self._size
        while left > 0:
            block = self._sheet.file.read(BLOCK)
            left -= len(block)
            async with asyncio.timeout(PATIENCE_S):
                await send({"type": "http.response.body", "body": block, "more_body": left > 0})
        if not self._size:
            await send({"type": "http.response.body", "body": b""})
