"""One sender floods: how long does the cold reading of another home take to its ticket, and what does it cost?"""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from bench.end_to_end import SELECT_TICKET
from bench.publish import Publisher
from bench.stand import Ingest, Stand, stand
from bench.traffic import Traffic, publish_packet

PAYLOAD = 65_000  # just under what is decoded
PROBE_PAUSE_S = 0.15
GIVE_UP_S = 60
FIRST_MS = 86_400_000  # the flooder's readings begin so long ago
ENDLESS = ("numbers", "faults")  # nothing of them is stored
LINE_A_SECOND = 190  # messages of 64 kB, as a line of 100 Mbit/s carries them
console = Console(stderr=True)


@dataclass(frozen=True)
class Size:
    """Sizes of the benchmark."""

    homes: int = 2_000
    messages: int = 450  # of 64 kB
    small: int = 200_000  # with one reading each
    probes: int = 40


QUICK = Size(homes=200, messages=20, small=2_000, probes=3)


def measure(quick: bool = False) -> dict[str, float]:
    """Return all figures of floods."""
    size = QUICK if quick else Size()
    with stand() as servers:
        return _Flood(servers, size).figures()


class _Flood:
    def __init__(self, servers: Stand, size: Size) -> None:
        self.servers = servers
        self.size = size
        self.home = size.homes  # the home of the next probe
        self.sent_readings = 0
        self.start_ms = int(time.time() * 1000) - FIRST_MS

    def figures(self) -> dict[str, float]:
        """Return each kind of flood in turn, against one worker."""
        size = self.size
        kinds: dict[str, Callable[[], list[bytes]]] = {
            "calm": list,
            "numbers": lambda: [b"[" + b"1," * 32_000 + b"1]"] * size.messages,
            "faults": lambda: (
                [_packed([b'{"temperature":"x"}'] * 190 + [b'{"id":"u","temperature":1}'] * 1_900)] * size.messages
            ),
            "readings": lambda: list(self._packed_readings(size.messages)),
            "small": lambda: list(self._small(size.small)),
        }
        url = self.servers.database(size.homes + len(kinds) * size.probes)
        delays: dict[str, list[float]] = {}
        wake = Traffic(size.homes, 0, 1, self.start_ms - 60_000)
        with self.servers.ingest(url, wake) as ingest:
            cost = self._cost_of_letters(ingest)
            before = ingest.stored()
            # Each by another sensor: what does not fit of a sender of garbage is not kept for a minute.
            for nth, (name, payloads) in enumerate(kinds.items(), 1):
                self._breathe(ingest)
                delays[name] = self._under(ingest, f"s{nth}", payloads(), again=name in ENDLESS)
                console.print(name, f"p50 {np.median(delays[name]):.0f} ms, max {max(delays[name]):.0f} ms")
            lost = self._lost(ingest, before + self.sent_readings + len(kinds) * size.probes)
            peak = _peak_mb(ingest.process.pid)
        floods = [waits for name, waits in delays.items() if name != "calm"]
        return {
            **{f"delay_p50_ms_{name}": round(float(np.median(waits)), 1) for name, waits in delays.items()},
            "flood_delay_p50_ms": round(max(float(np.median(waits)) for waits in floods), 1),
            "flood_delay_max_ms": round(max(map(max, floods)), 1),
            "flood_readings_lost": lost,
            "dead_letter_bytes_per_payload_byte": round(cost, 2),
            "ingest_peak_mb": round(peak, 1),
        }

    def _packed_readings(self, messages: int) -> Iterator[bytes]:
        """Yield messages of one sensor with as many sound readings as there is room for."""
        for _ in range(messages):
            said: list[str] = []
            length = 2
            while length < PAYLOAD:
                said.append(f'{{"ts":{self.start_ms + self.sent_readings * 10},"temperature":20.5}}')
                length += len(said[-1]) + 1
                self.sent_readings += 1
            yield f"[{','.join(said)}]".encode()

    def _small(self, messages: int) -> Iterator[bytes]:
        for _ in range(messages):
            yield f'{{"ts":{self.start_ms + self.sent_readings * 10},"temperature":20.5}}'.encode()
            self.sent_readings += 1

    def _under(self, ingest: Ingest, sensor: str, payloads: list[bytes], again: bool) -> list[float]:
        """Return milliseconds of each probe, while one sensor says all that, once or `again` and again."""
        packets = [publish_packet(sensor, payload.decode(), nth % 65_535 + 1) for nth, payload in enumerate(payloads)]
        flooder, prober = Publisher(self.servers.broker.port), Publisher(self.servers.broker.port)
        over = threading.Event()

        def flood() -> None:
            flooder.send(packets)
            while again and not over.is_set():
                flooder.send(packets[:LINE_A_SECOND], LINE_A_SECOND)

        thread = threading.Thread(target=flood)
        thread.start()
        waits = [self._probe(ingest, prober) for _ in range(self.size.probes)]
        over.set()
        thread.join()
        for publisher in (flooder, prober):
            publisher.close()
        return waits

    def _probe(self, ingest: Ingest, publisher: Publisher) -> float:
        time.sleep(PROBE_PAUSE_S)
        home, self.home = self.home, self.home + 1
        payload = json.dumps({"ts": int(time.time() * 1000), "temperature": 17.2})
        began = time.monotonic()
        publisher.send([publish_packet(f"s{home}", payload, 1)])
        while ingest.conn.execute(SELECT_TICKET, {"home": f"h{home}"}).fetchone() is None:
            if time.monotonic() - began > GIVE_UP_S:
                raise TimeoutError(f"no ticket for home h{home}")
            time.sleep(0.001)
        return (time.monotonic() - began) * 1000

    def _cost_of_letters(self, ingest: Ingest) -> float:
        """Return what messages of a gateway of unknown sensors take on disk, by what they are long."""
        number, sent = random.Random(1), 0
        before = _letters_on_disk(ingest)
        publisher = Publisher(self.servers.broker.port)
        packets = []
        for nth in range(8):  # more faults than a sender may have letters for would not be kept
            said = [f'{{"id":"{number.getrandbits(64):x}","temperature":{number.random():.9f}}}' for _ in range(1_100)]
            packets.append(publish_packet("unknown", f"[{','.join(said)}]", nth + 1))
            sent += sum(map(len, said)) + len(said) + 1
        publisher.send(packets)
        publisher.close()
        _until(lambda: _number(ingest, "SELECT count(*) FROM dead_letter") == len(packets))
        return (_letters_on_disk(ingest) - before) / sent

    def _breathe(self, ingest: Ingest) -> None:
        """Wait until the flood before is dealt with."""
        _until(lambda: _number(ingest, "SELECT count(*) FROM ingest_deferred") == 0, 10 * GIVE_UP_S)

    def _lost(self, ingest: Ingest, expected: int) -> int:
        """Return how many of the sound readings are not stored when there is nothing left to do."""
        had, since = -1, time.monotonic()
        while (has := ingest.stored()) < expected and time.monotonic() - since < GIVE_UP_S:
            if has != had:
                had, since = has, time.monotonic()
            time.sleep(0.1)
        return expected - has


def _packed(elements: list[bytes]) -> bytes:
    return b"[" + b",".join(elements) + b"]"


def _letters_on_disk(ingest: Ingest) -> int:
    return _number(ingest, "SELECT pg_total_relation_size('dead_letter')")


def _number(ingest: Ingest, statement: str) -> int:
    row = ingest.conn.execute(statement.encode()).fetchone()
    return int(row[0]) if row else 0


def _until(done: Callable[[], bool], most_s: float = GIVE_UP_S) -> None:
    end = time.monotonic() + most_s
    while not done():
        if time.monotonic() > end:
            raise TimeoutError("the worker did not come that far")
        time.sleep(0.05)


def _peak_mb(pid: int) -> float:
    """Return the most memory that a process ever had."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) / 1000 for line in status.splitlines() if line.startswith("VmHWM"))
