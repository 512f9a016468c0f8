"""Speed of the decoders, format by format: `python -m bench.decoders`, one JSON object.

Each on one core, without a broker and a database: messages a second, and how many times longer that takes than msgspec
needs to parse the same bytes, which is the least that can be done with them.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time
from zoneinfo import ZoneInfo

import msgspec

from ingest.source_table import load
from ingest.sources import Sources

SAMPLES = Path(__file__).with_name("samples.toml")
ROUNDS, ROUND_S = 7, 0.02
RECEIVED_US = 1_795_831_260_000_000
NATIVE = "native"


class Sample(msgspec.Struct):
    """A message of a format."""

    preset: str
    topic: str
    payload: str
    source: str = ""

    def reader(self) -> Callable[[], object]:
        """Return what decodes it.

        Raises:
            SystemExit: it is not read; then there is nothing to measure.
        """
        table = f'[[source]]\nname = "net"\npreset = "{self.preset}"\n{self.source}'
        sources = Sources() if self.preset == NATIVE else load(table, self.preset, ZoneInfo("Asia/Shanghai"))
        topic, payload = self.topic, self.bytes()
        if not sources.decode(topic, payload, RECEIVED_US).uplinks:
            sys.exit(f"the sample of {self.preset} is not read")
        return lambda: sources.decode(topic, payload, RECEIVED_US)

    def bytes(self) -> bytes:
        """Return the payload: as it stands, or from hex."""
        return bytes.fromhex(self.payload[4:]) if self.payload.startswith("hex:") else self.payload.encode()


def per_second(one: Callable[[], object]) -> float:
    """Return how often something can be done in a second, in a round that lasts ROUND_S."""
    count, begin = 0, process_time()
    while (end := process_time()) - begin < ROUND_S:
        for _ in range(50):
            one()
        count += 50
    return count / (end - begin)


def measured(sample: Sample) -> dict[str, float | None]:
    """Measure a format and the parsing of its bytes by turns, and take the best of each."""
    reader, payload = sample.reader(), sample.bytes()
    parse = msgspec.json.Decoder().decode
    is_json = not sample.payload.startswith("hex:")
    best = plain = 0.0
    for _ in range(ROUNDS):
        best = max(best, per_second(reader))
        plain = max(plain, per_second(lambda: parse(payload))) if is_json else 0.0
    return {
        "messages_per_s": round(best),
        "msgspec_per_s": round(plain) if is_json else None,
        "times_msgspec": round(plain / best, 2) if is_json else None,
    }


def main() -> None:
    """Measure all formats, or those named."""
    text = SAMPLES.read_text(encoding="utf-8")
    samples = msgspec.toml.decode(text, type=dict[str, list[Sample]])["sample"]
    named = sys.argv[1:] if __name__ == "__main__" else []
    found = {sample.preset: measured(sample) for sample in samples if not named or sample.preset in named}
    print(json.dumps({"benchmark": "decoders", "cores": 1, "formats": found}), flush=True)


if __name__ == "__main__":
    main()
