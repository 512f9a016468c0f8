"""A publisher that is never the bottleneck: packets made beforehand, sent in heaps, PUBACKs only counted."""

import json
import socket
import sys
import time
from collections.abc import Sequence

from bench.traffic import Traffic
from local.broker import CONNECT
from local.port import LOOPBACK

UNACKNOWLEDGED = 10_000
HEAP = 500
SLICE_S = 0.01


class Publisher:
    """An MQTT 3.1.1 connection that only publishes, with QoS 1."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((LOOPBACK, port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(CONNECT)
        self._read_exactly(4)
        self._sent = 0
        self._acknowledged_bytes = 0

    def send(self, packets: Sequence[bytes], per_second: float | None = None) -> None:
        """Send packets, evenly paced or as fast as the broker takes them, and wait for every PUBACK."""
        began = time.monotonic()
        heap = max(int(per_second * SLICE_S), 1) if per_second else HEAP
        for at in range(0, len(packets), heap):
            if per_second and (early := began + at / per_second - time.monotonic()) > 0:
                time.sleep(early)
            few = packets[at : at + heap]
            self._socket.sendall(b"".join(few))
            self._sent += len(few)
            self._await(UNACKNOWLEDGED)
        self._await(0)

    def close(self) -> None:
        """Part from the broker."""
        self._socket.sendall(b"\xe0\x00")
        self._socket.close()

    def _await(self, most: int) -> None:
        """Read PUBACKs (4 bytes each) until no more than `most` messages are unacknowledged."""
        while self._sent - self._acknowledged_bytes // 4 > most:
            received = self._socket.recv(65_536)
            if not received:
                raise ConnectionError("the broker closed the publisher's connection")
            self._acknowledged_bytes += len(received)

    def _read_exactly(self, count: int) -> None:
        while count:
            count -= len(self._socket.recv(count))


def main() -> None:
    """Publish as told by a JSON object; print when the first packet left (monotonic seconds)."""
    task = json.loads(sys.argv[1])
    packets = list(Traffic(**task["traffic"]).packets())
    publisher = Publisher(task["port"])
    print(time.monotonic(), flush=True)
    publisher.send(packets, task["per_second"])
    publisher.close()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
