"""The socket of a standing MQTT session: heaps in, heaps out, and a sign of life now and then."""

import select
import socket
import ssl
import time

from ingest.message import Message, Stamps
from ingest.stream import PING, PacketStream, ProtocolError

READ_BYTES = 1 << 18
LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Link:
    """Takes a non-blocking socket over once the broker has accepted the session; who opened it closes it.

    Args:
        wake: a non-blocking socket; a byte in it ends a wait.
    """

    def __init__(
        self, sock: socket.socket, wake: socket.socket, stream: PacketStream, keep_alive_s: float, stamps: Stamps
    ) -> None:
        self._socket = sock
        self._wake = wake
        self._stream = stream
        self._keep_alive_s = keep_alive_s
        self._stamps = stamps
        self._unsent = b""
        self._pings = 0
        self._sent_s = self._heard_s = time.monotonic()

    def send(self, data: bytes) -> None:
        """Send, or keep what the socket does not take yet."""
        self._unsent += data
        try:
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
            self._sent_s = time.monotonic()
        except LATER:
            pass

    def ping(self) -> None:
        """Ask for a sign of life."""
        self._pings += 1
        self.send(PING)

    @property
    def answered(self) -> bool:
        """Return whether the broker has answered every ping, and so has handled everything sent before."""
        return self._stream.pongs == self._pings

    def turn(self, reading: bool, wait_s: float) -> list[Message]:
        """Wait for something to happen and do it; what was read, if `reading`.

        Raises:
            OSError: the connection is gone.
        """
        ready = reading and bool(getattr(self._socket, "pending", int)())  # TLS may have read ahead
        wanted = [self._socket, self._wake] if reading else [self._wake]
        unsent = [self._socket] if self._unsent else []
        readable, writable, _ = select.select(wanted, unsent, [], 0 if ready else wait_s)
        if self._wake in readable:
            self._wake.recv(4096)
        if writable:
            self.send(b"")
        messages = self._read() if ready or self._socket in readable else []
        self._live(reading)
        return messages

    def flush(self, wait_s: float) -> None:
        """Send what is left, if the socket takes it in time."""
        end = time.monotonic() + wait_s
        while self._unsent and time.monotonic() < end:
            self.turn(False, 0.05)

    def _read(self) -> list[Message]:
        try:
            data = self._socket.recv(READ_BYTES)
        except LATER:
            return []
        if not data:
            raise ProtocolError("the broker closed the connection")
        self._heard_s = time.monotonic()
        return self._stream.feed(data, self._stamps)

    def _live(self, reading: bool) -> None:
        """Say that we are there if we said nothing for long; give up a broker that does not answer."""
        now_s = time.monotonic()
        if not reading:
            self._heard_s = now_s  # we do not listen, so nothing can be concluded
        if now_s - self._sent_s >= self._keep_alive_s and not self._unsent:
            self.ping()
        if now_s - self._heard_s > 2 * self._keep_alive_s:
            raise ProtocolError("the broker is silent")
