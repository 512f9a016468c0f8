"""Main loop of the simulator: history up to now as fast as the broker accepts it, then live."""

import json
import os
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sim.pace import Pace
from sim.publish import Publisher
from sim.radio import Radio
from sim.replay import RecordedReplay, coldest_weeks
from sim.telemetry import TimedPayload, packed
from sim.town import SECOND_US, Town

CLIENT_ID = "hearth-sim"
REPORT_SECONDS = 0.5
CHUNK_US = 600 * SECOND_US  # span of history that a device sends in one array
FLUSH_SECONDS = 30.0
STOP_SECONDS = 3.0
SAVE_SECONDS = 5.0
REPLAY_REACH_HOURS = (24, 30 * 24)  # least and most of the recording to cover before and after now


@dataclass(frozen=True)
class Progress:
    """Progress of the simulator: messages sent, the instant they reach, and whether it is live."""

    messages: int
    reached_us: int
    live: bool


class SimulatorPlan(NamedTuple):
    """A run of the simulator: a town beside the recorded house, and the time to tell of.

    First comes the history of the last `backfill_s` seconds, then the present, for `live_for_s` seconds if given.
    With `state_file` a later run goes on where this one ended, but not further back than `backfill_s`.
    """

    town: Town
    zone: ZoneInfo  # local time of the recorded house
    backfill_s: float
    live_for_s: float | None = None
    state_file: Path | None = None


class SimulatorBroker(NamedTuple):
    """The broker to speak to; `tls` as for `Publisher`."""

    url: str
    tls: ssl.SSLContext | None = None


def simulate(
    plan: SimulatorPlan,
    broker: SimulatorBroker,
    stop: threading.Event,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Progress:
    """Speak for the town and the recorded house, until `stop` or the plan's end.

    Raises:
        ConnectionError: the broker cannot be reached or does not acknowledge.
        ValueError: the state file belongs to another town.
    """
    town, now_us = plan.town, int(time.time() * SECOND_US)
    saved = _load(plan.state_file)
    if saved:
        town.restore(saved["town"])
    radio = Radio(town, [TimedPayload(*message) for message in saved.get("held", [])])
    town.advance_to(now_us - int(plan.backfill_s * SECOND_US))
    replay = _replay(saved.get("weeks"), now_us, plan.backfill_s, plan.zone)
    with Publisher(broker.url, CLIENT_ID, broker.tls) as publisher:
        pace = Pace(plan.live_for_s, time.time, stop)
        run, notebook = _Run(publisher, pace, progress, stop), _Notebook(plan.state_file)
        while run.send(_batch(radio, replay, now_us)):
            notebook.note(_state(radio, town, replay))
            notebook.save_now_and_then(publisher)
        _finish(publisher, notebook, stop)
    return run.report()


def _finish(publisher: Publisher, notebook: "_Notebook", stop: threading.Event) -> None:
    if publisher.flush(STOP_SECONDS if stop.is_set() else FLUSH_SECONDS):
        notebook.save()
    elif not stop.is_set():
        raise ConnectionError(f"broker did not acknowledge within {FLUSH_SECONDS:g} s")


class _Run:
    """Sends batches of messages and reports progress."""

    def __init__(
        self, publisher: Publisher, pace: Pace, progress: Callable[[Progress], None], stop: threading.Event
    ) -> None:
        self._publisher, self._pace, self._progress, self._stop = publisher, pace, progress, stop
        self._messages, self._reached_us = 0, 0
        self._reported_at = float("-inf")

    def report(self) -> Progress:
        return Progress(self._messages, self._reached_us, self._pace.live)

    def send(self, batch: list[TimedPayload]) -> bool:
        """Send a batch, each message when it is due; return False if the run ends within it."""
        for message in batch:
            if not (self._pace.wait(message.due_us) and self._hand_over(message)):
                return False
            self._messages += 1
            self._reached_us = message.due_us
            self._tell()
        return True

    def _hand_over(self, message: TimedPayload) -> bool:
        while not self._publisher.send(message.topic, message.payload, timeout=0.5):
            if self._stop.is_set():
                return False
        return True

    def _tell(self) -> None:
        if time.monotonic() - self._reported_at >= REPORT_SECONDS:
            self._reported_at = time.monotonic()
            self._progress(self.report())


class _Notebook:
    """State after the last whole interval, written only once the broker has acknowledged it."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._state: dict[str, Any] = {}
        self._saved_at = time.monotonic()

    def note(self, state: dict[str, Any]) -> None:
        self._state = state

    def save_now_and_then(self, publisher: Publisher) -> None:
        if self._path and time.monotonic() - self._saved_at >= SAVE_SECONDS and publisher.flush(STOP_SECONDS):
            self.save()

    def save(self) -> None:
        if self._path and self._state:
            _replace(self._path, json.dumps(self._state))
        self._saved_at = time.monotonic()


def _batch(radio: Radio, replay: RecordedReplay, now_us: int) -> list[TimedPayload]:
    """Collect the messages of the next interval, in order of time; for history a chunk, packed by device."""
    from_us = radio.town.at_us
    batch = radio.step()
    chunk_end_us = min(from_us + CHUNK_US, now_us)
    while radio.town.at_us + radio.town.interval_us <= chunk_end_us:
        batch += radio.step()
    until_us = radio.town.at_us
    batch = sorted(batch + replay.messages(from_us, until_us))
    return packed(batch) if until_us <= chunk_end_us else batch


def _replay(saved_weeks: int | None, now_us: int, backfill_s: float, zone: ZoneInfo) -> RecordedReplay:
    """Resume the replay at its saved shift, or choose a new one if that has run out."""
    if saved_weeks is not None and (replay := RecordedReplay(saved_weeks, zone)).covers(now_us):
        return replay
    now = datetime.fromtimestamp(now_us / SECOND_US, UTC)
    least, most = REPLAY_REACH_HOURS
    reach = timedelta(hours=min(max(least, backfill_s / 3600), most))
    return RecordedReplay(coldest_weeks(now, zone, reach), zone)


def _state(radio: Radio, town: Town, replay: RecordedReplay) -> dict[str, Any]:
    return {"town": town.state(), "held": radio.held, "weeks": replay.weeks}


def _load(path: Path | None) -> dict[str, Any]:
    if path is None or not path.exists():
        return {}
    state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return state


def _replace(path: Path, text: str) -> None:
    """Replace a file atomically."""
    draft = path.with_suffix(".new")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)
