"""A network that can be cut: a small TCP proxy that stalls, hangs up without ceremony, or falls silent for good."""

import ctypes
import select
import socket
import struct
import threading
from types import TracebackType
from typing import Self

from local.port import LOOPBACK

# SO_LINGER with a wait of zero: closing sends RST instead of FIN.
RESET = struct.pack("ii", 1, 0)
TURN_SECONDS = 0.05
# A socket filter of one instruction, "keep 0 bytes": the kernel drops what comes before TCP has seen it, so nothing is
# acknowledged, as on a line that is cut (linux/filter.h).
ATTACH_FILTER = 26
DROP_ALL = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
DROPPING = struct.pack("HL", 1, ctypes.addressof(DROP_ALL))


class Proxy:
    """Forwards every connection to a port of this machine, from a thread of its own."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._stalled = threading.Event()
        self._reset = threading.Event()
        self._swallow = threading.Event()
        self._silent: list[socket.socket] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, _k: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        self._listener.close()

    def stall(self) -> None:
        """Take connections and keep those there are, but forward nothing."""
        self._stalled.set()

    def flow(self) -> None:
        """Forward again; what was sent meanwhile arrives now."""
        self._stalled.clear()

    def reset(self) -> None:
        """Break all connections with RST; new ones are taken."""
        self._reset.set()

    def swallow(self) -> None:
        """Drop every packet of the connections there are, for ever, without a word to anybody; new ones are taken."""
        self._swallow.set()

    @property
    def connections(self) -> int:
        """The number of connections."""
        return len(self._pairs) // 2

    def _run(self) -> None:
        while not self._over.is_set():
            forwarding = [] if self._stalled.is_set() else list(self._pairs)
            readable, _, _ = select.select([self._listener, *forwarding], [], [], TURN_SECONDS)
            if self._listener in readable:
                self._accept()
            if self._reset.is_set():
                self._break_all()
                self._reset.clear()
            if self._swallow.is_set():
                self._drop_all()
                self._swallow.clear()
            for end in readable:
                if end in self._pairs:
                    self._forward(end)
        self._break_all()
        for end in self._silent:
            end.close()

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        try:
            far = socket.create_connection((LOOPBACK, self._target))
        except OSError:
            near.close()
            return
        self._pairs |= {near: far, far: near}

    def _forward(self, end: socket.socket) -> None:
        try:
            if data := end.recv(65_536):
                self._pairs[end].sendall(data)
                return
        except OSError:
            pass
        self._close(end)

    def _close(self, end: socket.socket) -> None:
        other = self._pairs.pop(end)
        del self._pairs[other]
        end.close()
        other.close()

    def _drop_all(self) -> None:
        for end in self._pairs:
            end.setsockopt(socket.SOL_SOCKET, ATTACH_FILTER, DROPPING)
        self._silent += self._pairs
        self._pairs.clear()

    def _break_all(self) -> None:
        for end in list(self._pairs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        while self._pairs:
            self._close(next(iter(self._pairs)))
