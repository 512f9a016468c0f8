"""From the sensor's message to the committed row and the readable ticket, beside what the parts can do alone.

`docs/performance.md` says how each figure is taken.
"""

import argparse
import json
import time
from dataclasses import dataclass

import numpy as np
import psycopg
from rich.console import Console

from bench import brokers
from bench.publish import Publisher
from bench.stand import Ingest, Stand, paused, stand
from bench.traffic import INTERVAL_MS, Traffic, publish_packet
from local.server import ServerError
from store.base import wire
from store.readings.reading_rows import COPY_READING, READING

SELECT_TICKET = """
SELECT 1 FROM ticket AS t JOIN home AS h USING (home_id) WHERE h.code = %(home)s AND t.state = 'open'
"""
PROBE_PAUSE_S = 0.1
console = Console(stderr=True)


@dataclass(frozen=True)
class Size:
    """Sizes of the benchmark."""

    homes: int = 20_000
    messages: int = 200_000
    packed_readings: int = 1_000_000
    probes: int = 60
    loads: tuple[int, ...] = (1_000, 5_000)


QUICK = Size(homes=1_000, messages=5_000, packed_readings=10_000, probes=5, loads=(1_000,))


def main() -> None:
    """Take all figures and print them as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run that only shows that it runs")
    parser.add_argument("--homes", type=int, help="homes in the town")
    parser.add_argument("--only", choices=("single", "packed", "latency"), help="one part of it")
    parser.add_argument("--broker", choices=brokers.KINDS, help="out of this one, by one to three workers")
    args = parser.parse_args()
    size = QUICK if args.quick else Size(homes=args.homes or Size.homes)
    try:
        print(json.dumps(measure_broker(size, args.broker) if args.broker else measure(size, args.only)))
    except ServerError as error:
        raise SystemExit(f"bench: {error}") from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def measure_broker(size: Size, kind: str) -> dict[str, float]:
    """Return the figures of one broker, or of a log."""
    with stand() as servers:
        return {"homes": size.homes, **brokers.measure(servers, kind, size.homes, size.messages)}


def measure(size: Size, only: str | None = None) -> dict[str, float]:
    """Return all figures, or one part of them."""
    parts = {"single": single, "packed": packed, "latency": latency}
    figures: dict[str, float] = {"homes": size.homes}
    with stand() as servers:
        for name, part in parts.items():
            if only in (None, name):
                console.print(f"end to end: {name}")
                found = part(servers, size)
                console.print(found)
                figures.update(found)
    return figures


def single(servers: Stand, size: Size) -> dict[str, float]:
    """Return one reading per message, against a subscriber that only counts."""
    backlog = Traffic(size.homes, size.homes, size.messages, past_ms(size, size.messages * 2))
    running = Traffic(size.homes, size.homes + size.messages, size.messages, backlog.start_ms)
    ours, ours_running, _ = _ingest(servers, size, backlog, running)
    bare = _bare(servers, backlog, preloaded=True)
    bare_running = _bare(servers, running, preloaded=False)
    return {
        "single_msgs_per_s": round(ours),
        "bare_subscriber_msgs_per_s": round(bare),
        "single_vs_bare": round(ours / bare, 3),
        "single_while_publishing_msgs_per_s": round(ours_running),
        "bare_while_publishing_msgs_per_s": round(bare_running),
        "single_vs_bare_while_publishing": round(ours_running / bare_running, 3),
    }


def packed(servers: Stand, size: Size) -> dict[str, float]:
    """Fifty readings per message, against COPY of the same rows into an empty hypertable."""
    backlog = Traffic(size.homes, size.homes, size.packed_readings, past_ms(size, size.packed_readings * 2), True)
    running = Traffic(size.homes, size.homes + backlog.count, backlog.count, backlog.start_ms, True)
    ours, ours_running, batch = _ingest(servers, size, backlog, running)
    copied = _copy(servers, backlog, batch)
    return {
        "packed_readings_per_s": round(ours),
        "packed_while_publishing_readings_per_s": round(ours_running),
        "copy_rows_per_s": round(copied),
        "packed_vs_copy": round(ours / copied, 3),
        "packed_batch_readings": batch,
    }


def past_ms(size: Size, readings: int) -> int:
    """Return when the first round was, so that the last one is just over."""
    rounds = readings // size.homes + 3
    return int(time.time() * 1000) - rounds * INTERVAL_MS


def _ingest(servers: Stand, size: Size, backlog: Traffic, running: Traffic) -> tuple[float, float, int]:
    """Return readings per second out of a backlog and while they are published; readings per batch."""
    url = servers.database(size.homes)
    wake = Traffic(size.homes, 0, 1, backlog.start_ms)
    first = Traffic(size.homes, 0, size.homes, backlog.start_ms)
    with servers.ingest(url, wake) as ingest:
        servers.publish(first)
        ingest.wait(size.homes)
        batches = ingest.batches()
        with paused(ingest.process):
            servers.publish(backlog)
        began = time.monotonic()
        from_backlog = ingest.wait(size.homes + backlog.count) - began
        batch = backlog.count // (ingest.batches() - batches)
        with servers.publishing(running) as began:
            took = ingest.wait(size.homes + backlog.count + running.count) - began
    return backlog.count / from_backlog, running.count / took, batch


def _bare(servers: Stand, traffic: Traffic, *, preloaded: bool) -> float:
    with servers.bare(traffic.messages) as counting:
        assert counting.stdout is not None
        if preloaded:
            with paused(counting):
                servers.publish(traffic)
            began = time.monotonic()
            return traffic.messages / (float(counting.stdout.readline()) - began)
        with servers.publishing(traffic) as began:
            return traffic.messages / (float(counting.stdout.readline()) - began)


def _copy(servers: Stand, traffic: Traffic, batch: int) -> float:
    rows = traffic.rows()
    url = servers.database(1)
    with psycopg.connect(url, autocommit=True) as conn:
        began = time.monotonic()
        for at in range(0, len(rows), batch):
            with conn.transaction(), conn.cursor() as cur:
                wire.write(cur, COPY_READING, READING, rows[at : at + batch])
        return len(rows) / (time.monotonic() - began)


def latency(servers: Stand, size: Size) -> dict[str, float]:
    """Return from the publishing of a cold reading to its ticket, under each background load."""
    figures: dict[str, float] = {}
    for load in size.loads:
        waits = _waits(servers, size, load)
        figures |= {
            f"latency_p50_ms_at_{load}": round(float(np.percentile(waits, 50)), 1),
            f"latency_p99_ms_at_{load}": round(float(np.percentile(waits, 99)), 1),
        }
    figures["latency_p50_ms"] = figures[f"latency_p50_ms_at_{load}"]
    figures["latency_p99_ms"] = figures[f"latency_p99_ms_at_{load}"]
    return figures


def _waits(servers: Stand, size: Size, load: int) -> list[float]:
    """Return milliseconds of each probe. The homes of the probes come after those of the background."""
    url = servers.database(size.homes + size.probes)
    seconds = size.probes * (PROBE_PAUSE_S + 0.15) + 5
    count = int(load * seconds)
    first = Traffic(size.homes, 0, size.homes, past_ms(size, count))
    background = Traffic(size.homes, size.homes, count, first.start_ms)
    with servers.ingest(url, Traffic(size.homes, 0, 1, first.start_ms)) as ingest:
        servers.publish(first)
        ingest.wait(size.homes)
        with servers.publishing(background, load):
            time.sleep(1)
            publisher = Publisher(servers.broker.port)
            waits = [_probe(ingest, publisher, size.homes + n) for n in range(size.probes)]
            publisher.close()
    return waits


def _probe(ingest: Ingest, publisher: Publisher, home: int) -> float:
    time.sleep(PROBE_PAUSE_S)
    payload = json.dumps({"ts": int(time.time() * 1000), "temperature": 17.2})
    packet = publish_packet(f"s{home}", payload, 1)
    began = time.monotonic()
    publisher.send([packet])
    while ingest.conn.execute(SELECT_TICKET, {"home": f"h{home}"}).fetchone() is None:
        if time.monotonic() - began > 30:
            raise TimeoutError(f"no ticket for home h{home}")
        time.sleep(0.001)
    return (time.monotonic() - began) * 1000


if __name__ == "__main__":
    main()
