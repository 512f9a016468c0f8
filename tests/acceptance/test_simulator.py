"""The simulator at a real broker: the history at once, and a later run goes on where the first one ended."""

import threading
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from local.broker import Mosquitto
from sim.run import Progress, SimulatorBroker, SimulatorPlan, simulate
from sim.town import Town, epoch_before

HISTORY_S = 3600.0


def run(broker: Mosquitto, state_file: Path, seed: int = 1) -> Progress:
    """Send the history of a small town up to now."""
    town = Town(seed, 20, 60, epoch_us=epoch_before(int(time.time() * 1e6), HISTORY_S))
    plan = SimulatorPlan(town, ZoneInfo("Asia/Shanghai"), HISTORY_S, live_for_s=0.0, state_file=state_file)
    return simulate(plan, SimulatorBroker(broker.url()), threading.Event())


def test_a_run_goes_on_where_the_last_one_ended(broker: Mosquitto, tmp_path: Path) -> None:
    first = run(broker, tmp_path / "state.json")
    again = run(broker, tmp_path / "state.json")
    assert first.live
    assert first.messages > 100
    assert again.messages < first.messages / 4
    # None may be due yet, right after the first run.
    assert again.messages == 0 or again.reached_us >= first.reached_us - 60_000_000


def test_the_state_of_another_town_is_refused(broker: Mosquitto, tmp_path: Path) -> None:
    run(broker, tmp_path / "state.json")
    with pytest.raises(ValueError, match="seed 1, this one 2"):
        run(broker, tmp_path / "state.json", seed=2)
