"""Downloads: the response is written to a file first, then sent at the client's pace.

While a client reads, only the file is occupied: no database connection and no export slot. The number of files per
token and address is bounded, and a client that stalls or trickles is disconnected.
"""

import asyncio
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.http.problem import unavailable
from api.words.problems import TOO_MANY_DOWNLOADS
from domain.words.text import Text

IN_MEMORY = 1 << 20  # bytes; larger files go to disk
BLOCK = 1 << 16
PATIENCE_S = 10.0  # per block
SLOWEST = 16_384  # bytes a second, averaged over the whole response
log = structlog.get_logger()


class TransferSlots:
    """A bounded number of slots, in total and per name; `full` is said where none is free."""

    def __init__(self, most: int, per_name: Mapping[str, int], full: Text = TOO_MANY_DOWNLOADS) -> None:
        self._most = most
        self._per_name = per_name  # by kind of name
        self._full = full
        self._lock = threading.Lock()
        self._held: Counter[tuple[str, str]] = Counter()
        self._all = 0

    @property
    def held(self) -> int:
        """The number of slots in use."""
        return self._all

    def take(self, names: Mapping[str, str]) -> None:
        """Take a slot under names, one of each kind.

        Raises:
            Problem: 503, no slot is free.
        """
        with self._lock:
            full = any(self._held[kind, name] >= self._per_name[kind] for kind, name in names.items())
            if full or self._all >= self._most:
                raise unavailable(self._full)
            self._all += 1
            self._held.update(names.items())

    def leave(self, names: Mapping[str, str]) -> None:
        """Release a slot."""
        with self._lock:
            self._all -= 1
            self._held.subtract(names.items())
            self._held += Counter()  # drops those at zero


@contextmanager
def file_for(places: TransferSlots, names: Mapping[str, str]) -> Iterator["AnswerFile"]:
    """Open a file for a response, with a slot for sending it; both are released if it is not sent after all."""
    places.take(names)
    sheet = AnswerFile(places, names)
    try:
        yield sheet
    except BaseException:
        sheet.close()
        raise


class AnswerFile:
    """The file of a response, and the slot it holds until closed."""

    def __init__(self, places: TransferSlots, names: Mapping[str, str]) -> None:
        self.file: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115
        self._places = places
        self._names = names
        self._open = True

    def fill(self, blocks: Iterable[bytes]) -> None:
        """Write all blocks."""
        for block in blocks:
            self.file.write(block)

    def close(self) -> None:
        """Delete the file and release its slot; safe to call twice."""
        if self._open:
            self._open = False
            self.file.close()
            self._places.leave(self._names)

    def __del__(self) -> None:
        """Release the slot of a response that was never started."""
        self.close()


class Download(Response):
    """A response that sends a file for as long as the client keeps up."""

    def __init__(self, sheet: AnswerFile, headers: Mapping[str, str], media_type: str) -> None:
        self._sheet = sheet
        self._size = sheet.file.tell()
        super().__init__(headers={**headers, "Content-Length": str(self._size)}, media_type=media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S + self._size / SLOWEST):
                await self._send(send)
        except TimeoutError:
            log.info("slow_reader_let_go", bytes=self._size)  # the client sees by Content-Length that it is incomplete
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
